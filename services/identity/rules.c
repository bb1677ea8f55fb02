#include "services/identity/rules.h"

#include <math.h>
#include <string.h>

const char *gate_reason(enum gate g)
{
    static const char *const of[] = {
        "",
        "FACE_NOT_FOUND",
        "SEVERAL_FACES",
        "FACE_TOO_SMALL",
        "FACE_CROPPED",
        "FACE_BLURRED",
        "FACE_TOO_DARK",
        "FACE_TOO_BRIGHT",
        "FACE_TURNED",
        "FACE_OCCLUDED",
        "FACE_NOT_UPRIGHT",
        "NOT_A_PHOTOGRAPH",
        "LIVENESS_FAILED",
        "LIVENESS_REQUIRED",
    };

    return of[g];
}

const char *gate_advice(enum gate g)
{
    static const char *const of[] = {
        "",
        "No face was found: the whole head must face the camera, in even light and uncovered.",
        "Several faces were found: only one person may be near the camera.",
        "The face is too small: come closer, until the eyes are 24 pixels apart or more.",
        "The face is cut off: step back or move the camera until the whole head is visible.",
        "The picture is blurred: hold the camera and the head still, and clean the lens.",
        "The face is too dark: turn on a light, or turn the face towards a light.",
        "The face is too bright: move away from the sun or the lamp, and use no flash.",
        "The face is turned away: look straight into the camera.",
        "The face is covered: remove the mask, the glasses or hair from the face, if possible.",
        "The picture is sideways or upside down: turn the picture or the camera upright.",
        "The picture is a negative, a drawing or has too few tones: take a new photograph.",
        "No living face was seen: look into the camera yourself, without a screen or picture.",
        "This use requires a challenge in front of the camera, or staff who see the person.",
    };

    return of[g];
}

static double height(const struct face_box *b)
{
    return b->y2 - b->y1;
}

static bool is_cut(const struct face_box *b, int w, int h)
{
    return b->x1 < 0 || b->y1 < 0 || b->x2 > w || b->y2 > h;
}

/* Source: make eval-several (2026-11-23). The limits were chosen on half of LFW's people. On
 * the other half, 7.4 % of the photographs are rejected (11.7 % with a limit of half the height
 * for all faces). Photographs with a bystander of at least 0.75 of the height are rejected in
 * 99 of 100 cases (heights fluctuate). A photographer aims at the subject. A face that the edge
 * cuts beside a complete face is therefore a bystander's, unless it is as large. */
enum gate rule_which_face(const struct face_box *faces, int n, int w, int h, int *which)
{
    int best = 0;

    if (n < 1)
        return FACE_NOT_FOUND;
    for (int i = 1; i < n; i++)
        if (height(&faces[i]) > height(&faces[best]))
            best = i;
    for (int i = 0; i < n; i++) {
        bool outside = is_cut(&faces[i], w, h) && !is_cut(&faces[best], w, h);
        double most = outside ? RULE_CUT_BYSTANDER_MAX : RULE_BYSTANDER_MAX;

        if (i != best && height(&faces[i]) >= most * height(&faces[best]))
            return SEVERAL_FACES;
    }
    *which = best;
    return USABLE;
}

enum gate rule_largest_face(const struct face_box *faces, int n, int *which)
{
    int best = 0;

    if (n < 1)
        return FACE_NOT_FOUND;
    for (int i = 1; i < n; i++)
        if (height(&faces[i]) > height(&faces[best]))
            best = i;
    *which = best;
    return USABLE;
}

/* Below 24 px between the eyes, accuracy falls: on LFW, 99.2 % at 18 px, 98.5 % at 11 px, 95.0
 * % at 7.5 px. A rejection costs a second photograph, a wrong match harms a patient. Source:
 * LFW at reduced scale, same pipeline, checked 2026-11-21. */
enum gate rule_eyes(double eye_distance_px)
{
    /* NaN counts as too small */
    return eye_distance_px >= RULE_EYES_MIN_PX ? USABLE : FACE_TOO_SMALL;
}

/* In the year in which the subject reaches least_age, the birthday may still be ahead. */
bool rule_is_child(int birth_year, int least_age, int year)
{
    return least_age > 0 && year - birth_year <= least_age;
}

enum ward_code rule_operating_point(const struct calibration *cal, double max_fmr,
                                    struct operating_point *out, struct ward_err *err)
{
    const double most = 1e-3, least = 1e-6;
    const double slack = 1 + 1e-6; /* allows for floats: 1e-4 as a float is 9.9999997e-5 */

    if (max_fmr == 0)
        max_fmr = RULE_FMR_DEFAULT;
    if (!(max_fmr * slack >= least && max_fmr <= most * slack)) /* NaN fails this check too */
        return WARD_FAIL_FIELD(err, "max_fmr", "must be 0 or %g..%g", least, most);
    for (int i = 0; i < cal->n; i++)
        if (cal->at[i].fmr <= max_fmr * slack) {
            *out = cal->at[i];
            return WARD_OK;
        }
    return WARD_FAIL_FIELD(err, "max_fmr", "is below the lowest rate of this calibration");
}

double rule_score_told(const struct calibration *cal, double threshold, double score)
{
    double told = score >= threshold ? threshold : 0;

    for (int i = 0; i < cal->n; i++)
        if (score >= cal->at[i].threshold && cal->at[i].threshold > told)
            told = cal->at[i].threshold;
    return told;
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
