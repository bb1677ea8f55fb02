/* face_pixels.h - sampling pixels. Threads: pure functions. Memory: the arena. Errors: false if
 * memory is exhausted. */
#ifndef WARD_IDENTITY_FACE_PIXELS_H
#define WARD_IDENTITY_FACE_PIXELS_H

#include "services/identity/face/face_geometry.h"

/* A photograph, or a region of it at 1/k of its size: each pixel is the mean of k x k pixels.
 * Taking single pixels instead would cause aliasing, which no model was trained on. */
struct reduced {
    struct pixels im;
    int k, x0, y0; /* pixel (0, 0) is the mean of the block at (x0 * k, y0 * k) */
};

/* The result covers `region` and one block around it. If k < 2, the result is im itself. */
WARD_MUST bool pixels_reduce(const struct pixels *im, struct rect region, int k,
                             struct reduced *out, struct ward_arena *mem);
/* Scales `region` to w x h pixels of RGB, bilinear between pixel centres. Edges are
 * repeated. */
WARD_MUST bool pixels_resize(const struct pixels *im, struct rect region, int w, int h,
                             uint8_t *out, struct ward_arena *mem);
/* Transforms the photograph by `s` and returns the area [0, side)^2 as side x side pixels of
 * RGB. Bilinear, black outside the photograph. If `s` shrinks by more than 2, pixels are
 * averaged first. */
WARD_MUST bool pixels_warp(const struct pixels *im, const struct similarity *s, int side,
                           uint8_t *out, struct ward_arena *mem);

#endif
