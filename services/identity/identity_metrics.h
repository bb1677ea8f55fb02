/* identity_metrics.h - the service's own metrics, as rows. Threads: metrics.h's. Memory:
 * static. Errors: none. */
#ifndef IDENTITY_METRICS_H
#define IDENTITY_METRICS_H

#include "common/base/metrics.h"

extern struct ward_family identity_photographs;   /* gate */
extern struct ward_family identity_photo_seconds; /* */
extern struct ward_family identity_verifications; /* outcome */
extern struct ward_family identity_enrolments;    /* outcome */
extern struct ward_family identity_faces;         /* kind */
extern struct ward_family identity_subjects;      /* kind */
extern struct ward_family identity_faces_limit;   /* */
extern struct ward_family identity_tokens_spent;  /* result */
extern struct ward_family identity_over_limit;    /* */

#endif
