/* shadow.h - shadows: versions that run on the inputs of the active version. Their answers are
 * compared with its answers and counted, but never returned to a caller.
 *
 * One thread runs the shadows in lane BULK, so that no call waits for a shadow. At most
 * SHADOW_JOBS inputs with SHADOW_BYTES in total wait; further inputs are dropped and counted. A
 * waiting input is only in memory.
 *
 * Threads: any worker may call shadows_offer. Memory: its own. Errors: none; failures are
 * counted. */
#ifndef DIAGNOSIS_REGISTRY_SHADOW_H
#define DIAGNOSIS_REGISTRY_SHADOW_H

#include "services/diagnosis/model/run.h"

#define SHADOW_JOBS  64
#define SHADOW_BYTES ((size_t)64 << 20)

WARD_MUST enum ward_code shadows_open(struct diagnosis *dia, struct ward_err *err);
void shadows_close(struct diagnosis *dia); /* drops waiting inputs */

/* Offers an input to the model's shadows, if there are any. Never blocks for long, and never
 * fails. */
void shadows_offer(struct diagnosis *dia, const struct model *active,
                   const Ward__Diagnosis__V1__InferRequest *req, const struct said *said);

#endif
