/* face_clear.h - the arithmetic around the models of the clear-licence pack: MediaPipe's face
 * detector (BlazeFace, the long-range variant) and face mesh, dlib's embedding. Constants are
 * the models' own; face_clear_test.c tests them. Sources: V. Bazarevsky et al., "BlazeFace",
 * arXiv 1907.05047; Y. Kartynnik et al., "Real-time facial surface geometry", arXiv 1907.06724;
 * MediaPipe's graph face_detection_back (anchors and box layout); dlib,
 * image_transforms/interpolation.h (get_face_chip_details) and dnn/input.h
 * (input_rgb_image_sized: colour means).
 *
 * Threads: pure. Memory: the caller's; working memory in the arena. Errors: false, no memory.
 */
#ifndef WARD_IDENTITY_FACE_CLEAR_H
#define WARD_IDENTITY_FACE_CLEAR_H

#include "services/identity/face/face_models.h"

#define CLEAR_DETECT     256
#define CLEAR_DETECT_MIN 0.5
#define CLEAR_NMS_IOU    0.3
#define CLEAR_MESH       192
#define CLEAR_MESH_GROW  1.5 /* a crop: factor of the larger side of box or landmarks */
#define CLEAR_POINTS     468
#define CLEAR_CHIP       150
#define CLEAR_CHIP_PAD   0.25
/* The mesh's points are slightly wider than the 68 landmarks that dlib was trained with (2 % on
 * LFW): its chips are enlarged by this factor. */
#define CLEAR_CHIP_SHRINK 0.97
/* A head that is tilted less is passed to the mesh without rotation. */
#define CLEAR_TURN_MIN (20 * 3.14159265358979323846 / 180)

/* The square around the photograph. */
struct rect clear_around(int w, int h);
/* [1, 3, 256, 256], RGB, v / 127.5 - 1; outside the photograph the value is 0. */
WARD_MUST bool clear_fill_detect(const struct pixels *im, struct rect around, float *out,
                                 struct ward_arena *mem);
/* out: 512 scores on a grid of 16 x 16, 384 on 8 x 8, and their boxes of 16 values. */
WARD_MUST bool clear_boxes(const float *const *out, struct rect around, struct face_box *found,
                           int cap, int *n, struct ward_arena *mem);

struct face_crop clear_first_crop(const struct face_box *b);
/* Rotated so that the eyes are level, if they are tilted by more than CLEAR_TURN_MIN. */
struct face_crop clear_second_crop(const double marks[FACE_MARKS][2]);
/* [1, 3, 192, 192], RGB, v / 255. */
WARD_MUST bool clear_fill_marks(const struct pixels *im, const struct face_crop *crop,
                                float *out, struct ward_arena *mem);
/* 468 points (x, y, z) in pixels of the crop; the 68 landmarks are the nearest of them. */
void clear_place_marks(const float *out, const struct face_crop *crop,
                       double marks[FACE_MARKS][2]);

/* Least squares, like dlib's: brows and lower lip move too much and are excluded. */
WARD_MUST bool clear_align(const double marks[FACE_MARKS][2], struct similarity *out);
/* [1, 3, 150, 150], RGB, minus dlib's means, / 256. */
void clear_fill_feature(const uint8_t *chip, float *out);

#endif
