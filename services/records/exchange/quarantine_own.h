/* quarantine_own.h - declarations that the files of the quarantine share. Threads, memory and
 * errors: as in quarantine.h. */
#ifndef RECORDS_EXCHANGE_QUARANTINE_OWN_H
#define RECORDS_EXCHANGE_QUARANTINE_OWN_H

#include "services/records/exchange/quarantine.h"

typedef Ward__Records__V1__QuarantineItem QuarantineItem;
#define STATE_OF(x) WARD__RECORDS__V1__QUARANTINE_STATE__QUARANTINE_STATE_##x

/* Maximum problems that are stored for an entry. */
#define QUARANTINE_PROBLEMS 64

struct item {
    uint8_t id[RECORDS_ID];
    const char *import_id, *position, *decided_by;
    int64_t kind, at_us, state;
    struct ward_val patient, resource; /* p NULL: unknown */
    struct ward_val problems, sealed;
    struct ward_val kek, wrapped; /* p NULL: the key was destroyed */
};
/* Columns of a row for item_of_row, from ITEM_FROM. */
#define ITEM_COLUMNS                                                                           \
    "q.item_id, q.import_id, q.position, q.kind, q.at_us, q.state, q.decided_by,"              \
    " q.patient_id, q.resource_id, q.problems, k.kek, k.wrapped"
#define ITEM_FROM " FROM quarantine q LEFT JOIN owner_key k ON k.owner_id = q.item_id"
WARD_MUST enum ward_code item_of_row(const struct ward_val *row, struct item *out,
                                     struct ward_err *err);
/* Reads an item with its JSON. `lock` prevents other decisions until the transaction ends.
 *   NOT_FOUND  QUARANTINE_NOT_FOUND */
WARD_MUST enum ward_code item_find(struct worker *w, struct ward_arena *mem,
                                   const uint8_t id[RECORDS_ID], bool lock, struct item *out,
                                   struct ward_err *err);
/* Converts an item to its wire form. The problems are included if the item's key exists. */
WARD_MUST enum ward_code item_wire(struct worker *w, struct ward_arena *mem,
                                   const struct item *it, QuarantineItem *out,
                                   struct ward_err *err);
/* Decrypts an item's JSON (n bytes and a NUL) and fullUrl. JSON and fullUrl are "" if the
 * content was destroyed. */
WARD_MUST enum ward_code item_content(struct worker *w, struct ward_arena *mem,
                                      const struct item *it, const char **full_url,
                                      const char **json, size_t *n, struct ward_err *err);
/* Replaces an item's key, and encrypts the problems under the new key. The JSON, encrypted
 * under the old key, can no longer be decrypted. */
WARD_MUST enum ward_code item_rekey(struct worker *w, struct ward_arena *mem,
                                    const struct item *it, const struct problems *problems,
                                    struct ward_err *err);

/* ---- quarantined Consents: quarantine_close.c ---- */

#define CLOSED_MOST 64 /* maximum denials of a consent */

/* The denials of a Consent, in the broadest interpretation. */
struct closed {
    struct {
        uint32_t kinds, labels; /* sets of bits; 0: all */
    } at[CLOSED_MOST];
    size_t n;
};
/* Computes the denials of an item. An item has no denials unless it is a Consent that names a
 * patient and denies access. If there are denials, adds a problem that reports them. */
WARD_MUST enum ward_code closed_of(struct ward_arena *mem, struct quarantined *q,
                                   struct closed *out, struct ward_err *err);
/* Inserts rows of consent_deny under the item's id, which is not the id of a resource. */
WARD_MUST enum ward_code closed_put(struct worker *w, struct ward_arena *mem,
                                    const uint8_t item[RECORDS_ID],
                                    const uint8_t patient[RECORDS_ID], const struct closed *c,
                                    struct ward_err *err);
/* Deletes the rows when the item is decided. */
WARD_MUST enum ward_code closed_drop(struct worker *w, struct ward_arena *mem,
                                     const uint8_t item[RECORDS_ID], struct ward_err *err);

#endif
