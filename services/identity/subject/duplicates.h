/* duplicates.h - who already enrolled looks like someone new: pairs for a person to look at.
 *
 * Threads: a worker's own connection. Memory: the arena. Errors: db.h's; a search that cannot
 * be made is no error, it is made later.
 */
#ifndef IDENTITY_SUBJECT_DUPLICATES_H
#define IDENTITY_SUBJECT_DUPLICATES_H

#include "common/host/host.h"
#include "services/identity/subject/subject.h"

struct lookalikes {
    bool searched; /* false: GALLERY_LOADING or another failure; keep notes it for later */
    double threshold;
    int n;
    struct gallery_hit hit[8];
};

/* The threshold for a gallery of this many: that someone new finds anyone at all by chance once
 * in a thousand enrolments among mixed people, but never past the strictest of Verify's: beyond
 * what was measured a threshold is a guess, and a guess too high hides every pair. Pure. */
double duplicates_threshold(const struct calibration *cal, int64_t size);

/* v: the loaded model's, not turned. */
void duplicates_find(struct worker *w, struct ward_arena *mem, const struct ward_stop *stop,
                     const uint8_t subject[IDENTITY_ID], int kind, const float *v,
                     struct lookalikes *out);
/* Inside the transaction. *n: pairs that are in the queue. */
WARD_MUST enum ward_code duplicates_keep(struct ward_db *db, struct ward_arena *mem,
                                         const uint8_t subject[IDENTITY_ID],
                                         const struct lookalikes *found, int64_t at_us, int *n,
                                         struct ward_err *err);

#endif
