/* replay.h - compares two decisions about one snapshot, made with two rule sets.
 *
 * Threads: pure. Memory: the arena; no text is borrowed. Errors: RESOURCE_EXHAUSTED.
 */
#ifndef DOSAGE_FORMULARY_REPLAY_H
#define DOSAGE_FORMULARY_REPLAY_H

#include "common/base/arena.h"
#include "ward/dosage/v1/check.pb-c.h"
#include "ward/dosage/v1/formulary.pb-c.h"

enum replay_change { REPLAY_SAME, REPLAY_STRICTER, REPLAY_LAXER, REPLAY_DIFFERENT };

/* Compares the highest severities first, then the rules with findings and their severities. */
enum replay_change replay_compare(const Ward__Dosage__V1__Decision *was,
                                  const Ward__Dosage__V1__Decision *now);
WARD_MUST enum ward_code replay_change(const Ward__Dosage__V1__Decision *was,
                                       const Ward__Dosage__V1__Decision *now,
                                       struct ward_arena *mem,
                                       Ward__Dosage__V1__ReplayChange **out,
                                       struct ward_err *err);

#endif
