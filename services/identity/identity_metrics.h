/* identity_metrics.h - metrics of this service. Threads: as in metrics.h. Memory: static.
 * Errors: none. */
#ifndef IDENTITY_METRICS_H
#define IDENTITY_METRICS_H

#include "common/base/metrics.h"

extern struct ward_family identity_photographs;   /* gate */
extern struct ward_family identity_photo_seconds; /* */
extern struct ward_family identity_verifications; /* label: outcome */
extern struct ward_family identity_enrolments;    /* label: outcome */
extern struct ward_family identity_faces;         /* kind */
extern struct ward_family identity_subjects;      /* kind */
extern struct ward_family identity_faces_limit;   /* */
extern struct ward_family identity_tokens_spent;  /* label: result */
extern struct ward_family identity_over_limit;    /* */

#endif
