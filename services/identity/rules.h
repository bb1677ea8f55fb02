/* rules.h - identity's decisions: the relevant face of a photograph, its quality, and whether
 * two faces are one person's. Threads: pure. Memory: static texts. Errors: codes.
 */
#ifndef WARD_IDENTITY_RULES_H
#define WARD_IDENTITY_RULES_H

#include "common/base/status.h"
#include "services/identity/calibration.h"
#include "services/identity/face/face_geometry.h"

#define RULE_EYES_MIN_PX 24.0
/* Share of the largest face's height: for another complete face, and for one that the picture's
 * edge cuts while the largest is complete. rules.c has their source. */
#define RULE_BYSTANDER_MAX     0.6
#define RULE_CUT_BYSTANDER_MAX 0.9
#define RULE_FMR_DEFAULT       1e-4

/* Reasons why a photograph is unusable; USABLE is 0. */
enum gate {
    USABLE,
    FACE_NOT_FOUND,
    SEVERAL_FACES,
    FACE_TOO_SMALL,
    FACE_CROPPED,
    FACE_BLURRED,
    FACE_TOO_DARK,
    FACE_TOO_BRIGHT,
    FACE_TURNED,
    FACE_OCCLUDED,
    FACE_NOT_UPRIGHT,
    NOT_A_PHOTOGRAPH,
    LIVENESS_FAILED,
    LIVENESS_REQUIRED
};
const char *gate_reason(enum gate g); /* "FACE_TOO_SMALL" */
const char *gate_advice(enum gate g); /* advice to the photographer */

/* The largest face of a picture of w x h pixels, if no other face is nearly as high: a person
 * in the background, or half outside the picture, does not stop a nurse; two people at the bed
 * do. Otherwise *which is untouched. */
enum gate rule_which_face(const struct face_box *faces, int n, int w, int h, int *which);
/* The largest one, regardless of the others. */
enum gate rule_largest_face(const struct face_box *faces, int n, int *which);
enum gate rule_eyes(double eye_distance_px);
/* By the year of birth alone: until the end of the year in which the subject reaches
 * `least_age`. */
bool rule_is_child(int birth_year, int least_age, int year);

/* The row of the largest rate not above max_fmr; 0 means RULE_FMR_DEFAULT.
 *   INVALID_ARGUMENT  not 0 and not in 1e-6..1e-3 */
WARD_MUST enum ward_code rule_operating_point(const struct calibration *cal, double max_fmr,
                                              struct operating_point *out,
                                              struct ward_err *err);

/* The score for callers: the highest threshold that it reaches, among the table's and the one
 * in use; 0 for none. Some hundred exact scores of one subject reveal its template; this
 * reveals only what requests for one rate after the other would. */
double rule_score_told(const struct calibration *cal, double threshold, double score);
/* 1 to 64 of a-z, 0-9 and "-". */
bool rule_is_word(const char *s);
/* At most 64 visible ASCII characters; `need`: at least one. */
bool rule_is_label(const char *s, bool need);

#endif
