/* metrics.h - metrics of this service. No metric names a patient or a person.
 *
 * A label is a version of a model, such as "chest/1". Threads: any. Memory: static. Errors:
 * none. */
#ifndef DIAGNOSIS_METRICS_H
#define DIAGNOSIS_METRICS_H

#include "common/base/metrics.h"
#include "services/diagnosis/rules.h"
#include "services/diagnosis/store.h"

/* Creates the series of a version of the model `name`, so that they start at 0. */
void diagnosis_metrics_of(const char *name, const char *label);

/* `present` matters only if the model does not abstain. */
void diagnosis_count_answer(const char *label, enum abstain why, bool present);
/* `how` is TALLY_CONFIRMED, TALLY_AMENDED or TALLY_REJECTED. */
void diagnosis_count_review(const char *name, enum tally how);
const char *diagnosis_review_word(enum tally how); /* such as "confirmed" */

enum shadow_result { SHADOW_AGREED, SHADOW_DIFFERED, SHADOW_FAILED, SHADOW_DROPPED };
void diagnosis_count_shadow(const char *label, enum shadow_result result);

void diagnosis_set_serving(const char *label, bool serves);

#endif
