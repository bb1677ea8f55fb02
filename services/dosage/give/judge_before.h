/* judge_before.h - whether a present finding was already decided on. Pure.
 *
 * Threads: any. Memory: none. Errors: none.
 */
#ifndef DOSAGE_GIVE_JUDGE_BEFORE_H
#define DOSAGE_GIVE_JUDGE_BEFORE_H

#include "ward/dosage/v1/check.pb-c.h"

#include <stdbool.h>

/* The present findings of this rule existed then too: about the same subjects, and no further
 * beyond any limit. Never for a final finding, nor for an unreadable chart. */
bool judged_before(const Ward__Dosage__V1__Decision *then,
                   const Ward__Dosage__V1__Decision *now, const char *rule);

#endif
