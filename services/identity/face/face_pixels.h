/* face_pixels.h - sampling pixels. Threads: pure. Memory: the arena. Errors: false, no memory.
 */
#ifndef WARD_IDENTITY_FACE_PIXELS_H
#define WARD_IDENTITY_FACE_PIXELS_H

#include "services/identity/face/face_geometry.h"

/* A photograph, or a region of it at 1/k of its size: each pixel is the mean of k x k. Sampling
 * fewer pixels causes aliasing, which no model was trained on. */
struct reduced {
    struct pixels im;
    int k, x0, y0; /* pixel (0, 0) is the block at (x0 * k, y0 * k) */
};

/* Covers everything within `region` and one block around it. k < 2 gives im itself. */
WARD_MUST bool pixels_reduce(const struct pixels *im, struct rect region, int k,
                             struct reduced *out, struct ward_arena *mem);
/* `region` to w x h RGB, bilinear between pixel centres, edges repeated. */
WARD_MUST bool pixels_resize(const struct pixels *im, struct rect region, int w, int h,
                             uint8_t *out, struct ward_arena *mem);
/* The area under `s` in [0, side)^2, side x side RGB: bilinear, black outside the photograph,
 * averaged first if it shrinks by more than 2. */
WARD_MUST bool pixels_warp(const struct pixels *im, const struct similarity *s, int side,
                           uint8_t *out, struct ward_arena *mem);

#endif
