/* judge_before.h - whether a present finding was already decided on. Pure.
 *
 * Threads: any. Memory: none. Errors: none.
 */
#ifndef DOSAGE_GIVE_JUDGE_BEFORE_H
#define DOSAGE_GIVE_JUDGE_BEFORE_H

#include "ward/dosage/v1/check.pb-c.h"

#include <stdbool.h>

/* Whether the earlier decision `then` had the present findings of this rule: about equal
 * subjects, and at least as far beyond each limit. False for a final finding and for an
 * unreadable chart. */
bool judged_before(const Ward__Dosage__V1__Decision *then,
                   const Ward__Dosage__V1__Decision *now, const char *rule);

#endif
