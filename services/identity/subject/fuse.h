/* fuse.h - the mean of several embeddings of one face, normalized to length 1.
 *
 * Threads: pure functions. Memory: the caller's. Errors: false. */
#ifndef IDENTITY_SUBJECT_FUSE_H
#define IDENTITY_SUBJECT_FUSE_H

#include "services/identity/keys/keys.h"

/* False if v contains a value that is not a number. */
WARD_MUST bool fuse_add(double sum[TEMPLATE_DIM_MAX], const float *v, int dim);
/* Returns false if the sum has no direction: nothing was added, or the vectors cancel each
 * other. */
WARD_MUST bool fuse_end(const double sum[TEMPLATE_DIM_MAX], int dim, float *out);

#endif
