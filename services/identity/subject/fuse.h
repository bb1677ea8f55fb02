/* fuse.h - several embeddings of one face as one: their mean, to length 1.
 *
 * Threads: pure. Memory: the caller's. Errors: false.
 */
#ifndef IDENTITY_SUBJECT_FUSE_H
#define IDENTITY_SUBJECT_FUSE_H

#include "services/identity/keys/keys.h"

/* False where v holds what is no number. */
WARD_MUST bool fuse_add(double sum[TEMPLATE_DIM_MAX], const float *v, int dim);
/* False where there is no direction: nothing was added, or opposites. */
WARD_MUST bool fuse_end(const double sum[TEMPLATE_DIM_MAX], int dim, float *out);

#endif
