/* live.h - capture quality and liveness.
 *
 * quality.c measures a located face (pure except for the embedding's by-products); liveness.c
 * runs the passive model; challenge.c judges a sequence of frames against the requested steps
 * (pure). The limits and their sources are in quality.c and challenge.c.
 *
 * Threads: pure functions, or functions that use one worker's engine. Memory: the caller's
 * arena. Errors: those of host.h. */
#ifndef IDENTITY_LIVE_H
#define IDENTITY_LIVE_H

#include "services/identity/face/face.h"
#include "services/identity/rules.h"

/* Finds faces in a region, which may extend beyond the picture and is grey there. With a region
 * inside the picture, the detector sees more detail. With a larger region, it sees surroundings
 * of a face that fills the picture. */
WARD_MUST enum ward_code face_search(struct face_engine *e, struct ward_arena *mem,
                                     const struct ward_stop *stop, const struct pixels *im,
                                     struct rect around, struct face_box *out, int *n,
                                     struct ward_err *err);
/* Like face_search, with `least` as the minimum score, 0..1. Only for an engine of the pack
 * "faceplugin". */
WARD_MUST enum ward_code face_search_low(struct face_engine *e, struct ward_arena *mem,
                                         const struct ward_stop *stop, const struct pixels *im,
                                         struct rect around, double least, struct face_box *out,
                                         int *n, struct ward_err *err);

/* Measurements of one face, as in the .proto's Quality. */
struct quality {
    double sharpness;        /* variance of the Laplacian of the aligned face */
    double brightness;       /* mean grey, 0..255 */
    double clipped;          /* share of black and white pixels, 0..1 */
    double yaw, pitch, roll; /* in degrees, computed from the landmarks */
    double occlusion;        /* 0: free .. 1: covered */
    double cut;              /* share of the face's square outside the picture, 0..1 */
    bool padded;             /* the face was found only with a border around the picture */
};
/* Measures a located face. The caller has set `padded`. */
WARD_MUST enum ward_code quality_measure(const struct pixels *im, const struct face *f,
                                         struct ward_arena *mem, struct quality *out,
                                         struct ward_err *err);
/* The first exceeded limit; USABLE if no limit is exceeded. The order is that in which a
 * photographer would correct the faults. Pure. */
enum gate quality_gate(const struct quality *q);

/* The limits. quality.c has their sources. */
struct quality_limits {
    double cut, sharpness, dark, bright, clipped, yaw, pitch, roll, occlusion;
};
extern const struct quality_limits quality_limits;
/* The part of the aligned face that contains only face: brow to chin, cheek to cheek. */
#define FACE_INNER_TOP  28
#define FACE_INNER_LEFT 20
#define FACE_INNER_W    72
#define FACE_INNER_H    76
/* Converts this part to grey, with a border of one pixel, in a chip of FACE_CHIP x FACE_CHIP.
 * Returns false if memory is exhausted. */
bool face_grey(const struct pixels *im, const struct similarity *s, uint8_t *grey,
               struct ward_arena *mem);
/* Computes sharpness, brightness and clipped of this part. Pure. */
void quality_of_grey(const uint8_t *grey, struct quality *q);

/* Features that distinguish a photograph from a negative, a drawing or a picture of few
 * tones. */
struct natural {
    /* correlation of the face's shading with the shading of an average face, -1..1 */
    double like;
    double red;    /* mean of red minus blue, -255..255; above 0 for skin of every colour */
    double few;    /* share of pixels in the eight most frequent tones, 0..1 */
    double flat;   /* share of pixels equal to both neighbours, 0..1 */
    double coarse; /* share of the shading that is coarser than an eye, 0..1 */
};
WARD_MUST enum ward_code natural_measure(const struct pixels *im, const struct face *f,
                                         struct ward_arena *mem, struct natural *out,
                                         struct ward_err *err);
/* whether all features are within the limits in natural.c; pure */
bool natural_is(const struct natural *n);

/* A photograph that a gate rejected. */
struct refusal {
    const struct face_box *box; /* the face that the gate examined */
    const struct face *face;    /* that face, located; NULL: no face was found */
    const struct quality *quality;
};
/* Examines a rejected photograph again, and replaces a misleading reason by FACE_NOT_UPRIGHT,
 * FACE_CROPPED or FACE_TOO_DARK. */
WARD_MUST enum ward_code second_look(struct face_engine *e, struct ward_arena *mem,
                                     const struct ward_stop *stop, const struct pixels *im,
                                     const struct refusal *known, enum gate *gate,
                                     struct ward_err *err);
/* Examines a usable face whose embedding has the length `norm`. The result is FACE_NOT_UPRIGHT
 * if the picture turned upside down shows a better face. */
WARD_MUST enum ward_code upside_down(struct face_engine *e, struct ward_arena *mem,
                                     const struct ward_stop *stop, const struct pixels *im,
                                     double norm, enum gate *gate, struct ward_err *err);
/* Computes the pose from the landmarks, in degrees, as in the .proto's Quality. A roll towards
 * the person's left shoulder is positive. Pure. */
void pose_of(const struct face *f, double *yaw, double *pitch, double *roll);
/* 0: free .. 1: covered. `grey` is the aligned face; sharpness and brightness of `q` are
 * measured. Pure. */
double occlusion_of(const struct face *f, const uint8_t *grey, const struct quality *q);
/* Computes the pose with the model FACE_POSE, which also handles a turned head. For a turned
 * head, landmarks are guesses. */
WARD_MUST enum ward_code pose_measure(struct face_engine *e, struct ward_arena *mem,
                                      const struct ward_stop *stop, const struct pixels *im,
                                      const struct face_box *box, double *yaw, double *pitch,
                                      double *roll, struct ward_err *err);

/* The passive model's score, 0..1 (1: live). */
WARD_MUST enum ward_code liveness_score(struct face_engine *e, struct ward_arena *mem,
                                        const struct ward_stop *stop, const struct pixels *im,
                                        const struct face_box *box, double *score,
                                        struct ward_err *err);
/* liveness_score at or above this counts as live; liveness.c has its source */
extern const double LIVENESS_THRESHOLD;

/* The measurements of one frame for a challenge. */
struct sight {
    int64_t at_ms;      /* time by the server's clock, since the first frame */
    int64_t camera_ms;  /* time by the camera's clock */
    bool usable;        /* the frame has exactly one face, which is large enough */
    double yaw;         /* degrees, by the pose model; positive: turned to the person's left */
    double eyes_closed; /* 0: open .. 1: closed, both eyes */
    double likeness;    /* cosine with the embedding of the first usable frame */
};
enum live_step { LIVE_BLINK = 1, LIVE_TURN_LEFT = 2, LIVE_TURN_RIGHT = 3 };
WARD_MUST enum ward_code sight_measure(struct face_engine *e, struct ward_arena *mem,
                                       const struct ward_stop *stop, const struct pixels *im,
                                       const struct face_box *box, const struct face *f,
                                       struct sight *out, struct ward_err *err);

#define LIVE_STEPS_MAX 4
/* Limits for a turn and for a straight look, in degrees, and limits for closed and open eyes.
 * Between two limits the state does not change, so a value that fluctuates around one limit
 * does not count as two steps. */
#define LIVE_TURNED   20.0
#define LIVE_STRAIGHT 12.0
#define LIVE_CLOSED   0.6
#define LIVE_OPEN     0.4
/* Minimum cosine of two frames of one person: both straight, or one with the head turned.
 * Source: measured on LFW folds 1-3, make eval-liveness (2026-11-21). */
#define LIVE_LIKENESS        0.341
#define LIVE_LIKENESS_TURNED 0.25
struct judgement {
    bool passed;
    int n_seen;
    enum live_step seen[LIVE_STEPS_MAX];
    const char *why; /* reason for the audit event, constant text; "" if passed */
};
/* Judges a challenge. It passes if the steps came in order, each within step_ms of the previous
 * step. All frames must show one face, and follow each other fast enough that nobody can change
 * places unseen. Pure. */
void challenge_judge(const enum live_step *steps, int n_steps, int step_ms,
                     const struct sight *frames, int n, struct judgement *out);
/* Makes two to four random steps. No step follows itself. */
int challenge_make(enum live_step steps[LIVE_STEPS_MAX]);

#endif
