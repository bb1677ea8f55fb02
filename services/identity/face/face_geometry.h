/* face_geometry.h - the arithmetic between a photograph and a face model's input and output.
 *
 * The functions use no model, no file, and only the arena's memory. The constants are those
 * with which the models were trained and measured. A small error costs points of accuracy and
 * has no other symptom, so face_geometry_test.c tests each constant. Source: measured on LFW,
 * 2-pass landmarks, docs/models.md (checked 2026-11-21).
 *
 * Coordinates are pixels of the photograph, continuous: pixel i covers [i, i + 1). Threads:
 * pure functions. Memory: the caller's; working memory in the arena. Errors: false. */
#ifndef WARD_IDENTITY_FACE_GEOMETRY_H
#define WARD_IDENTITY_FACE_GEOMETRY_H

#include "common/base/arena.h"

#define FACE_DETECT_W   320
#define FACE_DETECT_H   240
#define FACE_ANCHORS    4420
#define FACE_DETECT_MIN 0.65f /* score */
#define FACE_NMS_IOU    0.4
#define FACE_MARK_SIDE  64
#define FACE_MARKS      68
/* the second crop's side, relative to the larger side of the landmarks' box */
#define FACE_MARK_GROW 1.1
#define FACE_CHIP      112
#define FACE_DIM_MAX   512
/* dimension of an embedding; a smaller embedding is padded with zeros */
#define FACE_DIM FACE_DIM_MAX
/* Landmarks of any pack: numbered as in Multi-PIE, and left means left in the picture. */
/* six landmarks: corner, two on the upper lid, corner, two on the lower lid */
#define FACE_EYE_LEFT    36
#define FACE_EYE_RIGHT   42
#define FACE_NOSE_TIP    30
#define FACE_MOUTH_LEFT  48
#define FACE_MOUTH_RIGHT 54

struct pixels {
    int w, h;
    const uint8_t *rgb; /* [h, w, 3] */
};

struct rect {
    double x, y, w, h;
};

struct face_box {
    double x1, y1, x2, y2;
    double score; /* confidence, FACE_DETECT_MIN..1 */
};

/* Left eye, right eye, nose, left and right corner of the mouth, as in the picture. */
struct face_points {
    double x[5], y[5];
};

/* A transform that rotates, scales and moves, but never skews: x' = a x - b y + tx, y' = b x +
 * a y + ty. */
struct similarity {
    double a, b, tx, ty;
};

/* The 4:3 rectangle around the photograph, centred: the detector's input. */
struct rect face_letterbox(int w, int h);
/* Fills the detector's input: [1, 3, 240, 320], RGB, (v - 127) / 128; outside the photograph v
 * is 127. Returns false if memory is exhausted. */
WARD_MUST bool face_fill_detect(const struct pixels *im, struct rect in, float *out,
                                struct ward_arena *mem);
/* Reads the detector's output: scores [n, 2], boxes [n, 4] as corners in 0..1 of `in`. Returns
 * at most `cap` boxes above FACE_DETECT_MIN, best first. A box is dropped if it overlaps a
 * better box by more than FACE_NMS_IOU. Returns false if memory is exhausted. */
WARD_MUST bool face_boxes(const float *scores, const float *boxes, int n, struct rect in,
                          struct face_box *out, int cap, int *found, struct ward_arena *mem);

/* Non-maximum suppression: sorts the n candidates and returns at most `cap` boxes, best first.
 * A box is dropped if it overlaps a better box by more than `iou`. Returns their number. */
int face_best(struct face_box *candidates, int n, double iou, struct face_box *out, int cap);

/* A square, centred on the box; its side is the box's height. */
struct rect face_first_crop(const struct face_box *b);
/* A square, centred on the landmarks' box; its side is FACE_MARK_GROW times the larger side of
 * that box. */
struct rect face_second_crop(const double marks[FACE_MARKS][2]);
/* Fills the landmark model's input: [1, 1, 64, 64], grey / 256. */
WARD_MUST bool face_fill_marks(const struct pixels *im, struct rect crop, float *out,
                               struct ward_arena *mem);
/* Converts the landmark model's 136 output values, in units of the crop, to pixels of the
 * photograph. */
void face_place_marks(const float *out, struct rect crop, double marks[FACE_MARKS][2]);

struct face_points face_five(const double marks[FACE_MARKS][2]);
double face_eye_distance(const struct face_points *p);
/* Mean distance between the landmarks of two passes, in eye distances. A large distance means
 * that the face is covered, or that there is no face. */
double face_drift(const double a[FACE_MARKS][2], const double b[FACE_MARKS][2],
                  double eye_distance);
/* Fits a transform by least squares. Source: S. Umeyama, "Least-squares estimation of
 * transformation parameters between two point patterns", IEEE TPAMI 13(4), 1991. False if all
 * points coincide. */
WARD_MUST bool similarity_fit(const double (*from)[2], const double (*to)[2], int n,
                              struct similarity *out);
/* The transform to the reference face of 112 x 112 pixels. */
WARD_MUST bool face_align(const struct face_points *p, struct similarity *out);
/* The aligned face: [112, 112, 3] RGB, bilinear, black outside the photograph. */
WARD_MUST bool face_warp(const struct pixels *im, const struct similarity *s, uint8_t *out,
                         struct ward_arena *mem);
/* Fills the embedding model's input: [1, 3, 112, 112], BGR, (v - 127.5) / 128. */
void face_fill_feature(const uint8_t *chip, float *out);

/* Mirrors each of `planes` pictures of side x side. */
void face_mirror(float *planes, int n, int side);
double face_length(const float *v, int n);
/* Normalizes to length 1. Returns false if the length is 0 or not a number: the model is
 * broken. */
WARD_MUST bool face_normalise(float *v, int n);
/* Cosine of two vectors of length 1. The result is in -1..1. */
double face_cosine(const float *a, const float *b, int n);

#endif
