/* rules.h - identity's decisions: which face of a photograph counts, whether its quality
 * suffices, and at which score two faces match. Threads: pure functions. Memory: static texts.
 * Errors: codes. */
#ifndef WARD_IDENTITY_RULES_H
#define WARD_IDENTITY_RULES_H

#include "common/base/status.h"
#include "services/identity/calibration.h"
#include "services/identity/face/face_geometry.h"

#define RULE_EYES_MIN_PX 24.0
/* Maximum height of a bystander's face, as a share of the largest face's height: for a complete
 * face, and for a face that the picture's edge cuts while the largest face is complete. rules.c
 * has the source. */
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
const char *gate_reason(enum gate g); /* such as "FACE_TOO_SMALL" */
const char *gate_advice(enum gate g); /* advice to the person who took the photograph */

/* Selects the largest face of a picture of w x h pixels, if no other face is nearly as high. A
 * person in the background or half outside the picture does not matter; two people at the bed
 * do. After a rejection *which is unchanged. */
enum gate rule_which_face(const struct face_box *faces, int n, int w, int h, int *which);
/* Selects the largest face, regardless of other faces. */
enum gate rule_largest_face(const struct face_box *faces, int n, int *which);
enum gate rule_eyes(double eye_distance_px);
/* Whether the subject counts as a child, by the year of birth alone: until the end of the year
 * in which the subject reaches `least_age`. */
bool rule_is_child(int birth_year, int least_age, int year);

/* Selects the row with the largest rate that is at most max_fmr. max_fmr 0 means
 * RULE_FMR_DEFAULT.
 *   INVALID_ARGUMENT  not 0 and not in 1e-6..1e-3 */
WARD_MUST enum ward_code rule_operating_point(const struct calibration *cal, double max_fmr,
                                              struct operating_point *out,
                                              struct ward_err *err);

/* The score that callers receive: the highest threshold that the score reaches, of the table
 * and of the threshold in use; 0 if it reaches none. With some hundred exact scores of one
 * subject, a caller could compute the template. This value reveals only what a series of
 * requests with different rates would. */
double rule_score_told(const struct calibration *cal, double threshold, double score);
/* Whether s has 1 to 64 characters of a-z, 0-9 and "-". */
bool rule_is_word(const char *s);
/* Whether s has at most 64 visible ASCII characters. `need`: at least one. */
bool rule_is_label(const char *s, bool need);

#endif
