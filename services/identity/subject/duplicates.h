/* duplicates.h - finds enrolled subjects who are similar to a new one: pairs for a person's
 * review.
 *
 * Threads: a worker's own connection. Memory: the arena. Errors: db.h's; a failed search is not
 * an error, it is repeated later.
 */
#ifndef IDENTITY_SUBJECT_DUPLICATES_H
#define IDENTITY_SUBJECT_DUPLICATES_H

#include "common/host/host.h"
#include "services/identity/subject/subject.h"

struct lookalikes {
    bool searched; /* false: GALLERY_LOADING or another failure; keep stores it for later */
    double threshold;
    int n;
    struct gallery_hit hit[8];
};

/* The threshold for a gallery of this size: a new person matches anybody by chance once in a
 * thousand enrolments among mixed people. It is never above the strictest of Verify's, because
 * an extrapolated threshold is a guess, and one that is too high hides every pair. Pure. */
double duplicates_threshold(const struct calibration *cal, int64_t size);

/* v: the loaded model's, not transformed. */
void duplicates_find(struct worker *w, struct ward_arena *mem, const struct ward_stop *stop,
                     const uint8_t subject[IDENTITY_ID], int kind, const float *v,
                     struct lookalikes *out);
/* Inside the transaction. *n: number of queued pairs. */
WARD_MUST enum ward_code duplicates_keep(struct ward_db *db, struct ward_arena *mem,
                                         const uint8_t subject[IDENTITY_ID],
                                         const struct lookalikes *found, int64_t at_us, int *n,
                                         struct ward_err *err);

#endif
