/* owner.h - the patient of a row: patients, their keys, and messages encrypted under these
 * keys.
 *
 * A patient's row and key are created with the first decision. Merges in records are followed
 * (chart/apply.c): root_id names the surviving record, and a query about a patient includes all
 * merged records with the same root. A row keeps the id and key with which it was written.
 *
 * Threads: each worker uses its own connection. Memory: the arena. Errors: those of db.h;
 * DATA_LOSS DOSE_UNREADABLE.
 */
#ifndef DOSAGE_STORE_OWNER_H
#define DOSAGE_STORE_OWNER_H

#include "common/base/text.h"
#include "services/dosage/dosage.h"

struct owner {
    uint8_t id[DOSAGE_ID];
    uint8_t key[WARD_KEY_SIZE]; /* wiped by owner_wipe */
};
void owner_wipe(struct owner *o);

/* Conversions of an id for binding, and of an integer column (0 for NULL). */
static inline struct ward_val id_val(const uint8_t id[DOSAGE_ID])
{
    return ward_blob(id, DOSAGE_ID);
}
static inline int64_t row_number(struct ward_val v)
{
    int64_t n = 0;

    return v.p != NULL && ward_i64(v.p, INT64_MIN, INT64_MAX, &n) ? n : 0;
}

/* For callers that find erased_at_us in a row: evicts the chart from this replica's cache, and
 * fails.
 *   FAILED_PRECONDITION  PATIENT_ERASED */
WARD_MUST enum ward_code owner_erased(struct worker *w, const uint8_t id[DOSAGE_ID],
                                      struct ward_err *err);
/* Finds the patient's row.
 *   NOT_FOUND PATIENT_NOT_FOUND;  FAILED_PRECONDITION PATIENT_ERASED */
WARD_MUST enum ward_code owner_find(struct worker *w, struct ward_arena *mem,
                                    const uint8_t id[DOSAGE_ID], struct owner *out,
                                    struct ward_err *err);
/* As owner_find, with a shared lock until the transaction ends. Creates a missing row;
 * concurrent callers create one row. Call in a transaction. */
WARD_MUST enum ward_code owner_ensure(struct worker *w, struct ward_arena *mem,
                                      const uint8_t id[DOSAGE_ID], struct owner *out,
                                      struct ward_err *err);
/* As owner_ensure, with an exclusive lock on the rows of all merged records, which serializes
 * ordering for this patient until the commit. A decision based on the patient's active orders
 * is made under this lock. */
WARD_MUST enum ward_code owner_lock(struct worker *w, struct ward_arena *mem,
                                    const uint8_t id[DOSAGE_ID], struct owner *out,
                                    struct ward_err *err);
/* Locks like owner_lock, with a known root, in one statement. *held false: the patient has
 * moved to another root; use owner_lock instead. rows: the locked rows. */
enum owner_held { HELD_ID, HELD_ERASED, HELD_TOUCHED };
WARD_MUST enum ward_code owner_hold(struct worker *w, struct ward_arena *mem,
                                    const uint8_t id[DOSAGE_ID], const uint8_t root[DOSAGE_ID],
                                    struct ward_rows *rows, bool *held, struct ward_err *err);
/* The surviving record and all merged records, the root first. If no merge is known, only the
 * patient. */
WARD_MUST enum ward_code owners_of(struct worker *w, struct ward_arena *mem,
                                   const uint8_t id[DOSAGE_ID], uint8_t (**out)[DOSAGE_ID],
                                   size_t *n, struct ward_err *err);

/* Records the patient's ward as of at_us, for all merged records, unless a newer ward is known.
 * A patient without a row is skipped; the first order of the patient sets the ward. `ward` is
 * valid (rule_is_ward). */
WARD_MUST enum ward_code owner_lies(struct worker *w, struct ward_arena *mem,
                                    const uint8_t id[DOSAGE_ID], const char *ward,
                                    int64_t at_us, struct ward_err *err);

/* Encrypts a message with its type as associated data: `what` (at most 15 bytes, such as
 * "order"), the row's id, and the row's columns that must not change, as text: "3 active
 * 1700000000". */
WARD_MUST enum ward_code owner_seal(const struct owner *o, struct ward_arena *mem,
                                    const char *what, const uint8_t id[DOSAGE_ID],
                                    const char *row, const ProtobufCMessage *msg,
                                    struct ward_val *out, struct ward_err *err);
/* Decrypts a patient's key. kek and wrapped: columns of owner_key, joined to the row by the
 * query. NULL: the patient was erased, and the call fails with NOT_FOUND PATIENT_NOT_FOUND. */
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
