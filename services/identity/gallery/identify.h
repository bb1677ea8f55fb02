/* identify.h - finds a photograph's person in a gallery: shared by Identify and doors.
 *
 * The threshold. For N searched subjects, the rate at which a stranger matches one of them is 1
 * - (1 - FMR)^N for independent comparisons. The FMR of one comparison is therefore 1 - (1 -
 * FPIR)^(1/N), and never above the policy's rate for Verify. The threshold is that of mixed
 * people, and never below Verify's for the use. Siblings are not independent, so the true rate
 * is higher for them; the margin covers this.
 *
 * The margin. The best candidate must lead by the difference between the thresholds for FMR and
 * for ten times FMR: a candidate within it is too similar for a safe distinction. If two models
 * are in use, scores are compared by their distance above their own model's threshold.
 *
 * Threads: a worker's own. Memory: the call's arena. Errors: Identify's.
 */
#ifndef IDENTITY_GALLERY_IDENTIFY_H
#define IDENTITY_GALLERY_IDENTIFY_H

#include "services/identity/photo.h"
#include "services/identity/token/token.h"

#define IDENTIFY_HITS 8
#define IDENTIFY_MOST 5 /* candidates answered */
#define FPIR_DEFAULT  1e-2

struct identify_want {
    const char *gallery;
    const void *photograph;
    size_t n;
    bool largest_only, attended;
    const struct use_policy *policy;
    double max_fpir; /* 1e-4..1e-1; 0: FPIR_DEFAULT */
};

enum identify_outcome {
    IDENTIFY_MATCH = 1,
    IDENTIFY_AMBIGUOUS,
    IDENTIFY_NO_MATCH,
    IDENTIFY_UNUSABLE
};
const char *identify_outcome_name(enum identify_outcome o); /* "MATCH" */

struct likeness {
    struct gallery_hit hit;
    int which; /* 0: the current model, 1: the former */
};
/* The thresholds for scores of one model. */
struct looking {
    double threshold, margin;
    bool extrapolated;
};
struct identified {
    enum identify_outcome outcome;
    enum gate gate; /* of the capture, then of its liveness */
    struct photo photo;
    struct liveness_shown shown;
    int64_t size, seq;
    double fmr;
    struct looking by[2]; /* models */
    int n_found;
    struct likeness found[2 * IDENTIFY_HITS]; /* best first */
    int n; /* candidates of the answer: the first ones of `found` */
    /* For identify_again: the reason why the best candidate may not be returned because of age
     * (face_of_age's reason); "" otherwise. */
    const char *barred;
};
/* Evaluates, embeds, searches and decides; writes nothing. The face in out->photo is wiped.
 *   INVALID_ARGUMENT  gallery, max_fpir, IMAGE_*;  NOT_FOUND GALLERY_NOT_FOUND
 *   UNAVAILABLE       GALLERY_LOADING */
WARD_MUST enum ward_code identify_face(struct ward_call *c, const struct identify_want *want,
                                       struct identified *out);
/* Inside the transaction of the answer: removes subjects who may no longer be searched for,
 * locks the others' keys and consents until its end, and decides again. */
WARD_MUST enum ward_code identify_again(struct ward_call *c, struct ward_db *db,
                                        struct identified *x, struct ward_err *err);
/* The model of the answer: that of the best candidate. */
int identify_by(const struct identified *x);

/* Pure: sets outcome and n from gate, found and by. */
void identify_decide(struct identified *x);
/* The false-match rate of one comparison among n. Pure. */
double identify_fmr(double fpir, int64_t n);

#endif
