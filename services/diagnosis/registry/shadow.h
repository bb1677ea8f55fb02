/* shadow.h - shadows: versions that see what the active version sees. Their answers are
 * compared and counted, and given to nobody.
 *
 * One thread asks them, behind the calls and in lane BULK, so that no answer waits for a
 * shadow. At most SHADOW_JOBS inputs wait, SHADOW_BYTES in all; more are dropped and counted.
 * An input is in memory alone, until it was compared.
 *
 * Threads: shadows_offer from any worker. Memory: its own. Errors: none: what fails is counted.
 */
#ifndef DIAGNOSIS_REGISTRY_SHADOW_H
#define DIAGNOSIS_REGISTRY_SHADOW_H

#include "services/diagnosis/model/run.h"

#define SHADOW_JOBS  64
#define SHADOW_BYTES ((size_t)64 << 20)

WARD_MUST enum ward_code shadows_open(struct diagnosis *dia, struct ward_err *err);
void shadows_close(struct diagnosis *dia); /* what waits is dropped */

/* Gives the input to the model's shadows, if there are any. Never blocks for long, never fails.
 */
void shadows_offer(struct diagnosis *dia, const struct model *active,
                   const Ward__Diagnosis__V1__InferRequest *req, const struct said *said);

#endif
