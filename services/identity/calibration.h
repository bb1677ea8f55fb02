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
 * "points" apply to Verify. "mixed" apply to searches: they were measured among all pairs,
 * because a gallery contains mixed people. "groups" count, for each of "points", the pairs of
 * different people of one group that reached the threshold. Without "mixed" a search uses
 * "points"; without "groups", no group was measured.
 *
 * Threads: read-only once loaded. Memory: the caller's struct. Errors: FAILED_PRECONDITION for
 * an invalid file; NOT_FOUND if the file does not exist. */
#ifndef WARD_IDENTITY_CALIBRATION_H
#define WARD_IDENTITY_CALIBRATION_H

#include "common/base/status.h"

#include <stddef.h>
#include <stdint.h>

#define CALIBRATION_POINTS_MAX 16
#define CALIBRATION_FILE_MAX   16384 /* bytes */

/* A row of "points" or "mixed". */
struct operating_point {
    double fmr;       /* false match rate */
    double threshold; /* a cosine; scores at or above it match */
    double tar;       /* measured true-accept rate, 0..1 */
    /* highest share of matching pairs in any measured group, 0..1; 0: no group was measured */
    double worst;
};

/* The service warns about a table if any measured group exceeds a stated rate by more than this
 * factor. */
#define CALIBRATION_GROUP_FACTOR 10
#define CALIBRATION_GROUPS_MAX   32

/* The rates were measured on adults: 18 years and older. Children of 7 to 10 years matched each
 * other 380 times as often as stated, and children of 0 and 1 years 5,500 times (docs/face.md).
 * Ages from 11 to 17 were not measured. */
#define CALIBRATION_LEAST_AGE 18

struct calibration {
    char model_sha256[65];
    char source[512];              /* for readers who want to know where the rates come from */
    char date[16];                 /* date of the measurement, such as 2026-11-21 */
    int64_t n_genuine, n_impostor; /* numbers of measured pairs */
    int least_age; /* "least_age": lowest age in years, 0..120, for which the rates hold; 0:
                    * from birth */
    int n;         /* number of points, 2..CALIBRATION_POINTS_MAX */
    struct operating_point at[CALIBRATION_POINTS_MAX]; /* largest fmr first */
    /* number of mixed points; the mixed points equal `at` if the file has no "mixed" */
    int n_mixed;
    struct operating_point mixed[CALIBRATION_POINTS_MAX];
    int n_groups; /* number of measured groups */
};

/* Reads and validates a file. From point to point, rates must fall, thresholds must rise, and
 * acceptance must not rise. `model_sha256` is the embedding model in use; NULL accepts any
 * model.
 *   NOT_FOUND            the file does not exist
 *   FAILED_PRECONDITION  reason CALIBRATION_UNFIT: the message names the fault;
 *                        reason CALIBRATION_OTHER_MODEL: measured with another model */
WARD_MUST enum ward_code calibration_load(const char *path, const char *model_sha256,
                                          struct calibration *out, struct ward_err *err);
/* Like calibration_load, for the text of a file. */
WARD_MUST enum ward_code calibration_parse(const char *json, size_t n, const char *model_sha256,
                                           struct calibration *out, struct ward_err *err);

/* The threshold of a search for any rate in (0, 1), from "mixed". Between the points, the
 * threshold is linear in log10(fmr). Below the smallest measured rate the last segment is
 * extended and *extrapolated is set; the result is never above 1. Above the largest measured
 * rate, the threshold of that rate is returned. Smaller rates never give lower thresholds.
 *   INVALID_ARGUMENT  not in (0, 1) */
WARD_MUST enum ward_code calibration_threshold(const struct calibration *cal, double fmr,
                                               double *threshold, bool *extrapolated,
                                               struct ward_err *err);
/* Like calibration_threshold, from "points": the threshold of one comparison in Verify. */
WARD_MUST enum ward_code calibration_verify(const struct calibration *cal, double fmr,
                                            double *threshold, bool *extrapolated,
                                            struct ward_err *err);
/* The difference between the mixed thresholds for fmr and for ten times fmr. Above the largest
 * measured rate the first segment is extended, so the result is never 0. fmr is in (0, 1). */
double calibration_margin(const struct calibration *cal, double fmr);

/* A warning for operators if the calibration has no groups, or if a group exceeds a rate of at
 * least 1e-4 by more than CALIBRATION_GROUP_FACTOR. Otherwise "". The text is static. */
const char *calibration_warning(const struct calibration *cal);

#endif
