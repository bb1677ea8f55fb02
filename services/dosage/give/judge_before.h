/* judge_before.h - whether what a check finds now is what somebody decided about before. Pure.
 *
 * Threads: any. Memory: none. Errors: none.
 */
#ifndef DOSAGE_GIVE_JUDGE_BEFORE_H
#define DOSAGE_GIVE_JUDGE_BEFORE_H

#include "ward/dosage/v1/check.pb-c.h"

#include <stdbool.h>

/* What this rule finds now was found then too: of the same things, and no further beyond any
 * limit. Never of a final finding, nor of a chart that could not be read. */
bool judged_before(const Ward__Dosage__V1__Decision *then,
                   const Ward__Dosage__V1__Decision *now, const char *rule);

#endif
