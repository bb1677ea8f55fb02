/* live.h - capture quality and liveness.
 *
 * quality.c measures a located face (pure except for the embedding's by-products); liveness.c
 * runs the passive model; challenge.c judges a sequence of frames against the requested steps
 * (pure). Limits are rows with their source, in quality.c and challenge.c.
 *
 * Threads: pure, or a worker's own engine. Memory: the caller's arena. Errors: host.h's.
 */
#ifndef IDENTITY_LIVE_H
#define IDENTITY_LIVE_H

#include "services/identity/face/face.h"
#include "services/identity/rules.h"

/* Faces in a region that may extend beyond the picture, which is grey there. The detector then
 * sees more detail of a part, and the surroundings of a face that fills the picture. */
WARD_MUST enum ward_code face_search(struct face_engine *e, struct ward_arena *mem,
                                     const struct ward_stop *stop, const struct pixels *im,
                                     struct rect around, struct face_box *out, int *n,
                                     struct ward_err *err);
/* The same down to another score, 0..1; only for an engine of the pack "faceplugin". */
WARD_MUST enum ward_code face_search_low(struct face_engine *e, struct ward_arena *mem,
                                         const struct ward_stop *stop, const struct pixels *im,
                                         struct rect around, double least, struct face_box *out,
                                         int *n, struct ward_err *err);

/* Measurements of one face; the .proto's Quality. */
struct quality {
    double sharpness;        /* variance of the Laplacian of the upright chip */
    double brightness;       /* mean, 0..255 */
    double clipped;          /* share of pixels at either extreme, 0..1 */
    double yaw, pitch, roll; /* degrees, from the landmarks */
    double occlusion;        /* 0 free .. 1 covered */
    double cut;              /* share of the face's square outside the picture, 0..1 */
    bool padded;             /* found only with padding */
};
/* The face is located; `padded` is set already. */
WARD_MUST enum ward_code quality_measure(const struct pixels *im, const struct face *f,
                                         struct ward_arena *mem, struct quality *out,
                                         struct ward_err *err);
/* The first exceeded limit, in the order in which a photographer would correct them; otherwise
 * USABLE. Pure.
 */
enum gate quality_gate(const struct quality *q);

/* The limits, with their sources in quality.c. */
struct quality_limits {
    double cut, sharpness, dark, bright, clipped, yaw, pitch, roll, occlusion;
};
extern const struct quality_limits quality_limits;
/* The part of the upright chip that contains only face: brow to chin, cheek to cheek. */
#define FACE_INNER_TOP  28
#define FACE_INNER_LEFT 20
#define FACE_INNER_W    72
#define FACE_INNER_H    76
/* That part in grey with a border of one pixel, in a chip of FACE_CHIP squared. False: no
 * memory.
 */
bool face_grey(const struct pixels *im, const struct similarity *s, uint8_t *grey,
               struct ward_arena *mem);
/* Sharpness, brightness and clipped of that part. Pure. */
void quality_of_grey(const uint8_t *grey, struct quality *q);

/* Features that distinguish a photograph from a negative, a drawing or a picture of few
 * tones. */
struct natural {
    double like;   /* correlation of its shading with an average face's, -1..1 */
    double red;    /* mean of red minus blue, -255..255: skin of every colour is above 0 */
    double few;    /* share of pixels in the eight most frequent tones, 0..1 */
    double flat;   /* share of pixels equal to both neighbours, 0..1 */
    double coarse; /* share of the shading that is coarser than an eye, 0..1 */
};
WARD_MUST enum ward_code natural_measure(const struct pixels *im, const struct face *f,
                                         struct ward_arena *mem, struct natural *out,
                                         struct ward_err *err);
bool natural_is(const struct natural *n); /* within the limits, which are in natural.c; pure */

/* Data about a photograph that a gate rejected. */
struct refusal {
    const struct face_box *box; /* the examined face */
    const struct face *face;    /* located; NULL: no face was found */
    const struct quality *quality;
};
/* Replaces a misleading reason by FACE_NOT_UPRIGHT, FACE_CROPPED or FACE_TOO_DARK. It never
 * rejects an accepted photograph. */
WARD_MUST enum ward_code second_look(struct face_engine *e, struct ward_arena *mem,
                                     const struct ward_stop *stop, const struct pixels *im,
                                     const struct refusal *known, enum gate *gate,
                                     struct ward_err *err);
/* For a usable face whose embedding has the length `norm`: FACE_NOT_UPRIGHT if the picture
 * turned upside down shows a better one. */
WARD_MUST enum ward_code upside_down(struct face_engine *e, struct ward_arena *mem,
                                     const struct ward_stop *stop, const struct pixels *im,
                                     double norm, enum gate *gate, struct ward_err *err);
/* Degrees from the landmarks, as the .proto's Quality; roll towards the person's left shoulder
 * is positive. Pure. */
void pose_of(const struct face *f, double *yaw, double *pitch, double *roll);
/* 0 free .. 1 covered; `grey` is the upright chip, sharpness and brightness are measured. Pure.
 */
double occlusion_of(const struct face *f, const uint8_t *grey, const struct quality *q);
/* The same by FACE_POSE, which handles a turned head where landmarks are guessed. */
WARD_MUST enum ward_code pose_measure(struct face_engine *e, struct ward_arena *mem,
                                      const struct ward_stop *stop, const struct pixels *im,
                                      const struct face_box *box, double *yaw, double *pitch,
                                      double *roll, struct ward_err *err);

/* The passive model's score, 0..1 (1: live). */
WARD_MUST enum ward_code liveness_score(struct face_engine *e, struct ward_arena *mem,
                                        const struct ward_stop *stop, const struct pixels *im,
                                        const struct face_box *box, double *score,
                                        struct ward_err *err);
extern const double LIVENESS_THRESHOLD; /* with its source in liveness.c */

/* One frame as seen by a challenge. */
struct sight {
    int64_t at_ms;      /* the server's clock, since the first frame */
    int64_t camera_ms;  /* the camera's */
    bool usable;        /* exactly one face, large enough */
    double yaw;         /* degrees, by the pose model; positive: to the person's left */
    double eyes_closed; /* 0 open .. 1 closed, both eyes */
    double likeness;    /* cosine with the first usable frame's embedding */
};
enum live_step { LIVE_BLINK = 1, LIVE_TURN_LEFT = 2, LIVE_TURN_RIGHT = 3 };
WARD_MUST enum ward_code sight_measure(struct face_engine *e, struct ward_arena *mem,
                                       const struct ward_stop *stop, const struct pixels *im,
                                       const struct face_box *box, const struct face *f,
                                       struct sight *out, struct ward_err *err);

#define LIVE_STEPS_MAX 4
/* Limits in degrees of a turn and of a straight look; limits of closed and open eyes. Between
 * the two limits nothing is decided, so that a value that fluctuates around one limit is not
 * two steps.
 */
#define LIVE_TURNED   20.0
#define LIVE_STRAIGHT 12.0
#define LIVE_CLOSED   0.6
#define LIVE_OPEN     0.4
/* Minimum cosine of two frames of one person, both straight, and with one turned. Source:
 * measured on LFW folds 1-3, make eval-liveness (2026-11-21). */
#define LIVE_LIKENESS        0.341
#define LIVE_LIKENESS_TURNED 0.25
struct judgement {
    bool passed;
    int n_seen;
    enum live_step seen[LIVE_STEPS_MAX];
    const char *why; /* constant text for the audit event; "" if passed */
};
/* Steps in order, each within step_ms of the previous one, one face throughout, and frames
 * frequent enough that nobody was swapped between two. Pure. */
void challenge_judge(const enum live_step *steps, int n_steps, int step_ms,
                     const struct sight *frames, int n, struct judgement *out);
/* Two to four random steps, no step twice in a row. */
int challenge_make(enum live_step steps[LIVE_STEPS_MAX]);

#endif
