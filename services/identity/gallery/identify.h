/* identify.h - finds the person of a photograph in a gallery. Used by Identify and by doors.
 *
 * The threshold. For N searched subjects, the rate at which a stranger matches one of them is 1
 * - (1 - FMR)^N for independent comparisons. FMR is the false match rate of one comparison,
 * FPIR the permitted rate for the whole search. FMR is therefore 1 - (1 - FPIR)^(1/N), but at
 * most the policy's rate for Verify. The threshold is that for mixed people, but at least the
 * threshold of Verify for this use. Comparisons with siblings are not independent, so their
 * true rate is higher; the margin covers this difference.
 *
 * The margin. The best candidate must lead the next candidate by the difference between the
 * thresholds for FMR and for ten times FMR. With a smaller lead, the two cannot be
 * distinguished safely. If two models are in use, scores are compared by their distance above
 * the threshold of their model.
 *
 * Threads: each worker uses its own call. Memory: the call's arena. Errors: those of
 * Identify. */
#ifndef IDENTITY_GALLERY_IDENTIFY_H
#define IDENTITY_GALLERY_IDENTIFY_H

#include "services/identity/photo.h"
#include "services/identity/token/token.h"

#define IDENTIFY_HITS 8
#define IDENTIFY_MOST 5 /* maximum number of candidates in an answer */
#define FPIR_DEFAULT  1e-2

struct identify_want {
    const char *gallery;
    const void *photograph;
    size_t n;
    bool largest_only, attended;
    const struct use_policy *policy;
    double max_fpir; /* 1e-4..1e-1; 0 means FPIR_DEFAULT */
};

enum identify_outcome {
    IDENTIFY_MATCH = 1,
    IDENTIFY_AMBIGUOUS,
    IDENTIFY_NO_MATCH,
    IDENTIFY_UNUSABLE
};
const char *identify_outcome_name(enum identify_outcome o); /* such as "MATCH" */

struct likeness {
    struct gallery_hit hit;
    int which; /* 0: the hit is of the current model, 1: of the former model */
};
/* The thresholds of one model's scores. */
struct looking {
    double threshold, margin;
    bool extrapolated;
};
struct identified {
    enum identify_outcome outcome;
    enum gate gate; /* result of the capture gates, then of the liveness check */
    struct photo photo;
    struct liveness_shown shown;
    int64_t size, seq;
    double fmr;
    struct looking by[2]; /* current model, former model */
    int n_found;
    struct likeness found[2 * IDENTIFY_HITS]; /* best first */
    int n; /* number of candidates in the answer: the first ones of `found` */
    /* Set by identify_again if the best candidate may not be returned because of age: the
     * reason from face_of_age. Otherwise "". */
    const char *barred;
};
/* Evaluates and embeds the photograph, searches, and decides. Writes nothing to the database.
 * Wipes the face in out->photo.
 *   INVALID_ARGUMENT  gallery, max_fpir, IMAGE_*;  NOT_FOUND GALLERY_NOT_FOUND
 *   UNAVAILABLE       GALLERY_LOADING */
WARD_MUST enum ward_code identify_face(struct ward_call *c, const struct identify_want *want,
                                       struct identified *out);
/* Call inside the transaction that commits the answer. Removes subjects who may no longer be
 * searched for, locks the keys and consents of the others until the commit, and decides
 * again. */
WARD_MUST enum ward_code identify_again(struct ward_call *c, struct ward_db *db,
                                        struct identified *x, struct ward_err *err);
/* The model of the best candidate, which the answer names. */
int identify_by(const struct identified *x);

/* Pure: sets outcome and n from gate, found and by. */
void identify_decide(struct identified *x);
/* The false match rate of one comparison among n subjects. Pure. */
double identify_fmr(double fpir, int64_t n);

#endif
