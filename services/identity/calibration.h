/* calibration.h - maps false match rates to cosine thresholds, for one embedding model.
 *
 * The file names the source of its figures: models/<pack>/calibration.json, or a site's own,
 * measured on its enrolled pairs. A caller requests a rate, and this file gives the threshold.
 *
 *   {"model_sha256": "...", "source": "...", "date": "2026-11-23", "least_age": 18,
 *    "n_genuine": 1446, "n_impostor": 671000,
 *    "points": [{"fmr": 1e-3, "threshold": 0.41, "tar": 0.971}, ...],
 *    "mixed": [{"fmr": 1e-3, "threshold": 0.338, "tar": 0.988}, ...],
 *    "groups": [{"name": "east-asian women", "pairs": 2145, "matched": [13, 1, 0, 0]}, ...]}
 *
 * "points" apply to Verify. "mixed" are the thresholds of a search, measured among all pairs: a
 * search's rate is that of a gallery of mixed people. "groups" count the pairs of different
 * people of one group that reached the threshold of each of "points". Without "mixed" a search
 * uses "points"; without "groups" no group was measured.
 *
 * Threads: pure once loaded. Memory: the caller's struct. Errors: FAILED_PRECONDITION for an
 * invalid file; NOT_FOUND if there is none.
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
    double tar;       /* measured true-accept rate, 0..1 */
    double worst;     /* highest share of a group's matching pairs, 0..1; 0: none */
};

/* Maximum factor of the requested rate within any measured group: the service warns about a
 * table that exceeds it. */
#define CALIBRATION_GROUP_FACTOR 10
#define CALIBRATION_GROUPS_MAX   32

/* The rates were measured on adults: 18 and older. Children of 7 to 10 matched each other 380
 * times as often as stated, those of 0 and 1 years 5,500 times (docs/face.md), and between 11
 * and 17 nothing was measured. */
#define CALIBRATION_LEAST_AGE 18

struct calibration {
    char model_sha256[65];
    char source[512];              /* for people who read a score */
    char date[16];                 /* 2026-11-21 */
    int64_t n_genuine, n_impostor; /* pairs measured */
    int least_age; /* "least_age": lowest age in years, 0..120, for which the rates hold; 0:
                    * from birth */
    int n;         /* 2..CALIBRATION_POINTS_MAX */
    struct operating_point at[CALIBRATION_POINTS_MAX]; /* largest fmr first */
    int n_mixed; /* as n; the same points as `at` if the file has no others */
    struct operating_point mixed[CALIBRATION_POINTS_MAX];
    int n_groups; /* 0: no group was measured */
};

/* Reads and validates a file: rates fall, thresholds rise, acceptance does not rise, all in
 * range. `model_sha256`: the embedding model in use; NULL accepts any.
 *   NOT_FOUND            no such file
 *   FAILED_PRECONDITION  reason CALIBRATION_UNFIT: the message names the fault;
 *                        reason CALIBRATION_OTHER_MODEL: measured with another model */
WARD_MUST enum ward_code calibration_load(const char *path, const char *model_sha256,
                                          struct calibration *out, struct ward_err *err);
/* The same for a text. */
WARD_MUST enum ward_code calibration_parse(const char *json, size_t n, const char *model_sha256,
                                           struct calibration *out, struct ward_err *err);

/* The threshold for a rate among mixed people, by "mixed". Any rate in (0, 1): linear in
 * log10(fmr) between the points. Below the smallest measured rate the last segment is extended
 * and *extrapolated is set; the result is never below the last point, and never above 1. Above
 * the largest rate: the largest's threshold. Monotone.
 *   INVALID_ARGUMENT  not in (0, 1) */
WARD_MUST enum ward_code calibration_threshold(const struct calibration *cal, double fmr,
                                               double *threshold, bool *extrapolated,
                                               struct ward_err *err);
/* The same by "points": the threshold of one comparison in Verify. */
WARD_MUST enum ward_code calibration_verify(const struct calibration *cal, double fmr,
                                            double *threshold, bool *extrapolated,
                                            struct ward_err *err);
/* The difference between the mixed thresholds of fmr and of ten times fmr. Above the largest
 * measured rate the first segment is extended, so the result is never 0. fmr as above. */
double calibration_margin(const struct calibration *cal, double fmr);

/* A sentence about violated limits; "" if every measured group stays within
 * CALIBRATION_GROUP_FACTOR of each rate from 1e-4 on. Static. */
const char *calibration_warning(const struct calibration *cal);

#endif
