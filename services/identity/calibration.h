/* calibration.h - which cosine means which false-match rate, for one embedding model.
 *
 * A file that says where its figures come from: models/<pack>/calibration.json, or a site's
 * own, made from its own enrolled pairs. A caller asks for a rate; the threshold is looked up
 * here.
 *
 *   {"model_sha256": "...", "source": "...", "date": "2026-11-23", "least_age": 18,
 *    "n_genuine": 1446, "n_impostor": 671000,
 *    "points": [{"fmr": 1e-3, "threshold": 0.41, "tar": 0.971}, ...],
 *    "mixed": [{"fmr": 1e-3, "threshold": 0.338, "tar": 0.988}, ...],
 *    "groups": [{"name": "east-asian women", "pairs": 2145, "matched": [13, 1, 0, 0]}, ...]}
 *
 * "points" are Verify's. "mixed" are the thresholds of a search, measured among all pairs: a
 * search's rate is that of a gallery of mixed people. "groups" say how many pairs of different
 * people of one group reached the threshold of each of "points". A file without "mixed" is
 * searched by its "points"; one without "groups" says nothing of any group.
 *
 * Threads: pure once loaded. Memory: the caller's struct. Errors: FAILED_PRECONDITION for a
 * file that cannot be used; NOT_FOUND for none.
 */
#ifndef WARD_IDENTITY_CALIBRATION_H
#define WARD_IDENTITY_CALIBRATION_H

#include "common/base/status.h"

#include <stddef.h>
#include <stdint.h>

#define CALIBRATION_POINTS_MAX 16
#define CALIBRATION_FILE_MAX   16384 /* bytes */

/* A row of the table. */
struct operating_point {
    double fmr;       /* false-match rate */
    double threshold; /* cosine; a match is at or above it */
    double tar;       /* true-accept rate measured there, 0..1 */
    double worst;     /* highest share of a group's pairs that matched there, 0..1; 0: none */
};

/* At most this many times the rate asked for, within any group measured: a table that does not
 * keep that is warned of. */
#define CALIBRATION_GROUP_FACTOR 10
#define CALIBRATION_GROUPS_MAX   32

/* The rates were measured on adults: 18 and older. Children of 7 to 10 passed for one another
 * 380 times as often as stated, those of 0 and 1 years 5,500 times (docs/face.md), and between
 * 11 and 17 nothing was measured. */
#define CALIBRATION_LEAST_AGE 18

struct calibration {
    char model_sha256[65];
    char source[512];              /* for whoever reads a score */
    char date[16];                 /* 2026-11-21 */
    int64_t n_genuine, n_impostor; /* pairs measured */
    int least_age; /* "least_age": years, 0..120, from which on the rates hold; 0: from birth */
    int n;         /* 2..CALIBRATION_POINTS_MAX */
    struct operating_point at[CALIBRATION_POINTS_MAX]; /* largest fmr first */
    int n_mixed; /* as n; the same points as `at` where the file has no others */
    struct operating_point mixed[CALIBRATION_POINTS_MAX];
    int n_groups; /* 0: no group was measured */
};

/* Reads and checks a file: rates fall, thresholds rise, acceptance does not rise, all in range.
 * `model_sha256`: the embedding model in use; NULL accepts any.
 *   NOT_FOUND            no such file
 *   FAILED_PRECONDITION  reason CALIBRATION_UNFIT: what is wrong in the message;
 *                        reason CALIBRATION_OTHER_MODEL: measured with another model */
WARD_MUST enum ward_code calibration_load(const char *path, const char *model_sha256,
                                          struct calibration *out, struct ward_err *err);
/* The same, of text. */
WARD_MUST enum ward_code calibration_parse(const char *json, size_t n, const char *model_sha256,
                                           struct calibration *out, struct ward_err *err);

/* The threshold of a rate among mixed people, by "mixed". Any rate in (0, 1): straight lines in
 * log10(fmr) between the points. Below the smallest rate measured the last line goes on and
 * *extrapolated is set; it never falls below the last point, and never rises above 1. Above the
 * largest rate: the largest's threshold. Monotone.
 *   INVALID_ARGUMENT  not in (0, 1) */
WARD_MUST enum ward_code calibration_threshold(const struct calibration *cal, double fmr,
                                               double *threshold, bool *extrapolated,
                                               struct ward_err *err);
/* The same by "points": what one comparison in Verify would need. */
WARD_MUST enum ward_code calibration_verify(const struct calibration *cal, double fmr,
                                            double *threshold, bool *extrapolated,
                                            struct ward_err *err);
/* How far the mixed threshold of fmr lies above that of ten times the rate. Above the largest
 * rate measured the first line goes on, so this is never 0: what is laxer there is known by its
 * slope alone. fmr as above. */
double calibration_margin(const struct calibration *cal, double fmr);

/* What the thresholds do not hold for; "" where every group measured stays within
 * CALIBRATION_GROUP_FACTOR of each rate from 1e-4 on. Static. */
const char *calibration_warning(const struct calibration *cal);

#endif
