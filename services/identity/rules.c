#include "services/identity/rules.h"

#include <math.h>
#include <string.h>

const char *gate_reason(enum gate g)
{
    static const char *const of[] = {"", "FACE_NOT_FOUND", "SEVERAL_FACES", "FACE_TOO_SMALL"};

    return of[g];
}

const char *gate_advice(enum gate g)
{
    static const char *const of[] = {
        "",
        "No face was found: face the camera, in even light, with nothing before the face.",
        "Several faces were found: only the one person may be near the camera.",
        "The face is too small: come closer, until the eyes are 24 pixels apart or more.",
    };

    return of[g];
}

static double height(const struct face_box *b)
{
    return b->y2 - b->y1;
}

enum gate rule_which_face(const struct face_box *faces, int n, int *which)
{
    int best = 0;

    if (n < 1)
        return FACE_NOT_FOUND;
    for (int i = 1; i < n; i++)
        if (height(&faces[i]) > height(&faces[best]))
            best = i;
    for (int i = 0; i < n; i++)
        if (i != best && height(&faces[i]) >= RULE_BYSTANDER_MAX * height(&faces[best]))
            return SEVERAL_FACES;
    *which = best;
    return USABLE;
}

/* Below 24 px between the eyes accuracy falls (18 px: 99.2 %, 11: 98.5, 7.5: 95.0 on LFW), and
 * a refusal now costs a second photograph, a wrong match later costs a patient.
 * Source: LFW scaled down, same pipeline, checked 2026-11-21. */
enum gate rule_eyes(double eye_distance_px)
{
    return eye_distance_px >= RULE_EYES_MIN_PX ? USABLE : FACE_TOO_SMALL; /* NaN is small */
}

/* Source: all pairs of LFW (Huang et al., UMass Amherst TR 07-49, 2007), this pipeline, checked
 * 2026-11-21. At 1e-6 the set's own label errors weigh in: the threshold is too strict there,
 * never too lax. */
const char RULE_CALIBRATION[] =
    "All pairs of LFW (242 k genuine, 87 M impostor), 2-pass landmarks, no flip, 2026-11. "
    "Press "
    "photographs: people of one age and sex are harder to tell apart; calibrate on site.";
const char RULE_MODEL[] = "87aacdfe57510db2af90c0251df680e8eec88f122ee94712121d09bcaaaf3581";

static const struct operating_point points[] = {
    {1e-3, 0.341, 0.9974},
    {1e-4, 0.418, 0.9937},
    {1e-5, 0.486, 0.9824},
    {1e-6, 0.640, 0.806},
};

enum ward_code rule_operating_point(double max_fmr, struct operating_point *out,
                                    struct ward_err *err)
{
    const double most = points[0].fmr, least = points[WARD_COUNT(points) - 1].fmr;
    const double slack = 1 + 1e-6; /* a float's 1e-4 is 9.9999997e-5 */

    if (max_fmr == 0)
        max_fmr = RULE_FMR_DEFAULT;
    if (!(max_fmr * slack >= least && max_fmr <= most * slack)) /* NaN fails this too */
        return WARD_FAIL_FIELD(err, "max_fmr", "must be 0 or %g..%g", least, most);
    for (size_t i = 0; i < WARD_COUNT(points); i++)
        if (points[i].fmr <= max_fmr * slack) {
            *out = points[i];
            return WARD_OK;
        }
    return WARD_FAIL(err, INTERNAL, "the calibration table has a hole");
}

/* A face given for one use is not there for another (GDPR, Art. 5(1)(b), 9(2)(a)). */
bool rule_covers_verify(const char *purpose)
{
    return strcmp(purpose, "patient-identification") == 0;
}

bool rule_is_word(const char *s)
{
    size_t n = strspn(s, "abcdefghijklmnopqrstuvwxyz0123456789-");

    return n >= 1 && n <= 64 && s[n] == '\0';
}

bool rule_is_label(const char *s, bool need)
{
    size_t n = 0;

    while (s[n] > ' ' && s[n] <= '~')
        n++;
    return n >= (need ? 1u : 0u) && n <= 64 && s[n] == '\0';
}
