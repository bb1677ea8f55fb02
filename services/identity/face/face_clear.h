/* face_clear.h - the arithmetic around the models of the pack "clear", whose licences are
 * clear: MediaPipe's face detector (BlazeFace, the long-range variant) and face mesh, and
 * dlib's embedding. The models define the constants; face_clear_test.c tests them. Sources: V.
 * Bazarevsky et al., "BlazeFace", arXiv 1907.05047; Y. Kartynnik et al., "Real-time facial
 * surface geometry", arXiv 1907.06724; MediaPipe's graph face_detection_back (anchors and box
 * layout); dlib, image_transforms/interpolation.h (get_face_chip_details) and dnn/input.h
 * (input_rgb_image_sized: colour means).
 *
 * Threads: pure functions. Memory: the caller's; working memory in the arena. Errors: false if
 * memory is exhausted. */
#ifndef WARD_IDENTITY_FACE_CLEAR_H
#define WARD_IDENTITY_FACE_CLEAR_H

#include "services/identity/face/face_models.h"

#define CLEAR_DETECT     256
#define CLEAR_DETECT_MIN 0.5
#define CLEAR_NMS_IOU    0.3
#define CLEAR_MESH       192
/* the crop's side, relative to the larger side of the box or the landmarks */
#define CLEAR_MESH_GROW 1.5
#define CLEAR_POINTS    468
#define CLEAR_CHIP      150
#define CLEAR_CHIP_PAD  0.25
/* The landmarks of the mesh are 2 % wider apart (on LFW) than those that dlib was trained with.
 * The chip is therefore scaled by this factor. */
#define CLEAR_CHIP_SHRINK 0.97
/* The mesh gets the photograph unrotated if the head is tilted by less than this angle. */
#define CLEAR_TURN_MIN (20 * 3.14159265358979323846 / 180)

/* The smallest square around the photograph. */
struct rect clear_around(int w, int h);
/* Fills the detector's input: [1, 3, 256, 256], RGB, v / 127.5 - 1; 0 outside the
 * photograph. */
WARD_MUST bool clear_fill_detect(const struct pixels *im, struct rect around, float *out,
                                 struct ward_arena *mem);
/* Reads the detector's output: 512 scores on a grid of 16 x 16, 384 on 8 x 8, and a box of 16
 * values for each score. */
WARD_MUST bool clear_boxes(const float *const *out, struct rect around, struct face_box *found,
                           int cap, int *n, struct ward_arena *mem);

struct face_crop clear_first_crop(const struct face_box *b);
/* The crop for the second pass. If the eyes are tilted by more than CLEAR_TURN_MIN, the crop is
 * rotated so that they are level. */
struct face_crop clear_second_crop(const double marks[FACE_MARKS][2]);
/* Fills the mesh's input: [1, 3, 192, 192], RGB, v / 255. */
WARD_MUST bool clear_fill_marks(const struct pixels *im, const struct face_crop *crop,
                                float *out, struct ward_arena *mem);
/* Reads the mesh's output: 468 points (x, y, z) in pixels of the crop. The 68 landmarks are the
 * nearest points of the mesh. */
void clear_place_marks(const float *out, const struct face_crop *crop,
                       double marks[FACE_MARKS][2]);

/* Fits the landmarks by least squares, like dlib. Brows and lower lip are excluded, because
 * they move too much. */
WARD_MUST bool clear_align(const double marks[FACE_MARKS][2], struct similarity *out);
/* Fills the embedding model's input: [1, 3, 150, 150], RGB, minus dlib's means, / 256. */
void clear_fill_feature(const uint8_t *chip, float *out);

#endif
