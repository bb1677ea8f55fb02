/* owner.h - whose a row is: patients, their keys, and messages sealed under them.
 *
 * A patient's row and key are made with their first decision. Merges in records are followed
 * (chart/apply.c): root_id leads to the one they are now, and what is asked of a patient is
 * asked of all whose root is theirs. A row stays under the id and key it was written with.
 *
 * Threads: a worker's own connection. Memory: the arena. Errors: db.h's; DATA_LOSS
 * DOSE_UNREADABLE.
 */
#ifndef DOSAGE_STORE_OWNER_H
#define DOSAGE_STORE_OWNER_H

#include "common/base/text.h"
#include "services/dosage/dosage.h"

struct owner {
    uint8_t id[DOSAGE_ID];
    uint8_t key[WARD_KEY_SIZE]; /* owner_wipe */
};
void owner_wipe(struct owner *o);

/* What queries bind and read: an id, and a column that holds a whole number (0 where it is
 * NULL). */
static inline struct ward_val id_val(const uint8_t id[DOSAGE_ID])
{
    return ward_blob(id, DOSAGE_ID);
}
static inline int64_t row_number(struct ward_val v)
{
    int64_t n = 0;

    return v.p != NULL && ward_i64(v.p, INT64_MIN, INT64_MAX, &n) ? n : 0;
}

/* For who finds erased_at_us in a row: this replica forgets the chart, and it fails.
 *   FAILED_PRECONDITION  PATIENT_ERASED */
WARD_MUST enum ward_code owner_erased(struct worker *w, const uint8_t id[DOSAGE_ID],
                                      struct ward_err *err);
/* The patient's own row.   NOT_FOUND PATIENT_NOT_FOUND;  FAILED_PRECONDITION PATIENT_ERASED */
WARD_MUST enum ward_code owner_find(struct worker *w, struct ward_arena *mem,
                                    const uint8_t id[DOSAGE_ID], struct owner *out,
                                    struct ward_err *err);
/* The same, locked in share mode until the transaction ends, and made where there is none. In a
 * transaction. Several at once make one. */
WARD_MUST enum ward_code owner_ensure(struct worker *w, struct ward_arena *mem,
                                      const uint8_t id[DOSAGE_ID], struct owner *out,
                                      struct ward_err *err);
/* The same, and in the transaction nobody else orders for them: their row, and those of all
 * that are them, are locked for writing. Who decides about a patient by what runs for them does
 * so behind this. */
WARD_MUST enum ward_code owner_lock(struct worker *w, struct ward_arena *mem,
                                    const uint8_t id[DOSAGE_ID], struct owner *out,
                                    struct ward_err *err);
/* The same where their root is known, in one statement. *held: false where they have moved to
 * another meanwhile: owner_lock finds it. rows: those that are locked. */
enum owner_held { HELD_ID, HELD_ERASED, HELD_TOUCHED };
WARD_MUST enum ward_code owner_hold(struct worker *w, struct ward_arena *mem,
                                    const uint8_t id[DOSAGE_ID], const uint8_t root[DOSAGE_ID],
                                    struct ward_rows *rows, bool *held, struct ward_err *err);
/* The one they are now, and all that are it (root first; itself alone where nothing is known).
 */
WARD_MUST enum ward_code owners_of(struct worker *w, struct ward_arena *mem,
                                   const uint8_t id[DOSAGE_ID], uint8_t (**out)[DOSAGE_ID],
                                   size_t *n, struct ward_err *err);

/* They lay in this ward at at_us: kept with all that are them, unless something later is. Who
 * has no row is not noted: the first order says it. `ward` is one (rule_is_ward). */
WARD_MUST enum ward_code owner_lies(struct worker *w, struct ward_arena *mem,
                                    const uint8_t id[DOSAGE_ID], const char *ward,
                                    int64_t at_us, struct ward_err *err);

/* Sealed as what it is: `what` of at most 15 bytes ("order", "decision"), the row's id, and the
 * columns beside it that must not change, as text: "3 active 1700000000". */
WARD_MUST enum ward_code owner_seal(const struct owner *o, struct ward_arena *mem,
                                    const char *what, const uint8_t id[DOSAGE_ID],
                                    const char *row, const ProtobufCMessage *msg,
                                    struct ward_val *out, struct ward_err *err);
/* kek and wrapped: owner_key's columns, joined to the row by the query that found it; NULL:
 * erased, which is NOT_FOUND PATIENT_NOT_FOUND here. */
WARD_MUST enum ward_code owner_open(struct worker *w, struct ward_arena *mem,
                                    const uint8_t patient[DOSAGE_ID], struct ward_val kek,
                                    struct ward_val wrapped, struct owner *out,
                                    struct ward_err *err);
WARD_MUST enum ward_code owner_unseal(const struct owner *o, struct ward_arena *mem,
                                      const char *what, const uint8_t id[DOSAGE_ID],
                                      const char *row, struct ward_val sealed,
                                      const ProtobufCMessageDescriptor *type,
                                      ProtobufCMessage **out, struct ward_err *err);

#endif
