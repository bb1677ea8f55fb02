/* duplicates.h - finds enrolled subjects who look like a new subject, and queues each pair for
 * review by a person.
 *
 * Threads: each worker uses its own connection. Memory: the arena. Errors: those of db.h. A
 * failed search is not an error; it is repeated later. */
#ifndef IDENTITY_SUBJECT_DUPLICATES_H
#define IDENTITY_SUBJECT_DUPLICATES_H

#include "common/host/host.h"
#include "services/identity/subject/subject.h"

struct lookalikes {
    /* false: GALLERY_LOADING or another failure; duplicates_keep then stores the search for
     * later */
    bool searched;
    double threshold;
    int n;
    struct gallery_hit hit[8];
};

/* The threshold for a gallery of this size: in one of a thousand enrolments, a new person
 * matches somebody by chance. The rates are those for mixed people. The threshold is at most
 * the strictest threshold of Verify, because a higher threshold is extrapolated and could hide
 * every pair. Pure. */
double duplicates_threshold(const struct calibration *cal, int64_t size);

/* Searches for subjects who look like v, an embedding of the loaded model, not transformed. */
void duplicates_find(struct worker *w, struct ward_arena *mem, const struct ward_stop *stop,
                     const uint8_t subject[IDENTITY_ID], int kind, const float *v,
                     struct lookalikes *out);
/* Call inside the transaction that stores the subject. *n is the number of queued pairs. */
WARD_MUST enum ward_code duplicates_keep(struct ward_db *db, struct ward_arena *mem,
                                         const uint8_t subject[IDENTITY_ID],
                                         const struct lookalikes *found, int64_t at_us, int *n,
                                         struct ward_err *err);

#endif
