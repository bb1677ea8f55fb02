/* kept.h - rows of rule_set: one function for each query.
 *
 * Threads: each worker uses its own connection. Memory: the arena. Errors: those of db.h;
 * NOT_FOUND RULE_SET_NOT_FOUND; DATA_LOSS DOSE_UNREADABLE for a row that was changed outside
 * the service.
 */
#ifndef DOSAGE_FORMULARY_KEPT_H
#define DOSAGE_FORMULARY_KEPT_H

#include "services/dosage/formulary/ruleset_own.h"

typedef Ward__Dosage__V1__RuleSetInfo RuleSetInfo;
typedef Ward__Dosage__V1__RuleSetState RuleSetState;
#define STATE_OF(name) WARD__DOSAGE__V1__RULE_SET_STATE__RULE_SET_STATE_##name

/* Stores a new draft with this content. *version: the version of the draft. Call in a
 * transaction. */
WARD_MUST enum ward_code kept_add(struct ward_db *db, struct ward_arena *mem,
                                  const RuleSet *set, const struct ward_val *content,
                                  const char *by, int64_t at_us, int64_t *version,
                                  struct ward_err *err);
/* `lock`: reads FOR UPDATE; call in a transaction. */
WARD_MUST enum ward_code kept_info(struct ward_db *db, struct ward_arena *mem, int64_t version,
                                   bool lock, RuleSetInfo **out, struct ward_err *err);
/* Rule sets with versions below `before`, newest first. */
WARD_MUST enum ward_code kept_list(struct ward_db *db, struct ward_arena *mem, int64_t before,
                                   int most, RuleSetInfo ***out, size_t *n,
                                   struct ward_err *err);
/* *version 0: no rule set is active. */
WARD_MUST enum ward_code kept_active(struct ward_db *db, struct ward_arena *mem,
                                     int64_t *version, struct ward_err *err);
/* Reads a rule set with its version, after verifying its sha256. */
WARD_MUST enum ward_code kept_content(struct ward_db *db, struct ward_arena *mem,
                                      int64_t version, RuleSet **out, char sha256[65],
                                      struct ward_err *err);
/* Stores the number of replayed decisions and the end time of a Replay. Call in a
 * transaction. */
WARD_MUST enum ward_code kept_replayed(struct ward_db *db, struct ward_arena *mem,
                                       int64_t version, int64_t replayed, int64_t at_us,
                                       struct ward_err *err);
/* Approves or rejects a draft. Call in a transaction, with the row locked. */
WARD_MUST enum ward_code kept_decide(struct ward_db *db, struct ward_arena *mem,
                                     int64_t version, RuleSetState state, const char *by,
                                     int64_t at_us, struct ward_err *err);
/* Activates a rule set and retires the previous one. Call in a transaction, with the row
 * locked. */
WARD_MUST enum ward_code kept_activate(struct ward_db *db, struct ward_arena *mem,
                                       int64_t version, const char *by, int64_t at_us,
                                       struct ward_err *err);

#endif
