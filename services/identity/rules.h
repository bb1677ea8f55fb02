/* rules.h - what identity decides: which face of a photograph counts, whether it is good
 * enough, and whether two are one person's. Threads: pure. Memory: static texts. Errors: codes.
 */
#ifndef WARD_IDENTITY_RULES_H
#define WARD_IDENTITY_RULES_H

#include "common/base/status.h"
#include "services/identity/calibration.h"
#include "services/identity/face/face_geometry.h"

#define RULE_EYES_MIN_PX 24.0
/* Of the largest face's height: of another that is whole, and of one that the picture's edge
 * cuts while the largest is whole. With their source in rules.c. */
#define RULE_BYSTANDER_MAX     0.6
#define RULE_CUT_BYSTANDER_MAX 0.9
#define RULE_FMR_DEFAULT       1e-4

/* Why a photograph cannot be used; USABLE is 0. */
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
const char *gate_advice(enum gate g); /* what the person with the camera can do */

/* The largest face of a picture of w x h pixels, if no other comes near it in height: someone
 * in the background, or half out of the picture, does not stop a nurse, two people at the bed
 * do. *which is untouched otherwise. */
enum gate rule_which_face(const struct face_box *faces, int n, int w, int h, int *which);
/* The largest, however many there are. */
enum gate rule_largest_face(const struct face_box *faces, int n, int *which);
enum gate rule_eyes(double eye_distance_px);
/* Of a year of birth alone: until the end of the year in which they come to `least_age`. */
bool rule_is_child(int birth_year, int least_age, int year);

/* The row of the largest rate not above max_fmr; 0 asks for RULE_FMR_DEFAULT.
 *   INVALID_ARGUMENT  not 0 and not in 1e-6..1e-3 */
WARD_MUST enum ward_code rule_operating_point(const struct calibration *cal, double max_fmr,
                                              struct operating_point *out,
                                              struct ward_err *err);

/* What a caller is told of a score: the highest threshold that it reaches, of the table's and
 * the one it was compared with; 0 for none. Some hundred exact scores of one subject make their
 * template; this says no more than their asking for one rate after the other would. */
double rule_score_told(const struct calibration *cal, double threshold, double score);
/* 1 to 64 of a-z, 0-9 and "-". */
bool rule_is_word(const char *s);
/* At most 64 visible ASCII characters; `need`: at least one. */
bool rule_is_label(const char *s, bool need);

#endif
