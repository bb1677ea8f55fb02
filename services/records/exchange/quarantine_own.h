/* quarantine_own.h - declarations that the files of the quarantine share. As quarantine.h. */
#ifndef RECORDS_EXCHANGE_QUARANTINE_OWN_H
#define RECORDS_EXCHANGE_QUARANTINE_OWN_H

#include "services/records/exchange/quarantine.h"

typedef Ward__Records__V1__QuarantineItem QuarantineItem;
#define STATE_OF(x) WARD__RECORDS__V1__QUARANTINE_STATE__QUARANTINE_STATE_##x

/* More problems of one entry would not help. */
#define QUARANTINE_PROBLEMS 64

struct item {
    uint8_t id[RECORDS_ID];
    const char *import_id, *position, *decided_by;
    int64_t kind, at_us, state;
    struct ward_val patient, resource; /* p NULL: none */
    struct ward_val problems, sealed;
    struct ward_val kek, wrapped; /* p NULL: the key was destroyed */
};
/* Columns of a row, in this order, from quarantine q LEFT JOIN owner_key k. */
#define ITEM_COLUMNS                                                                           \
    "q.item_id, q.import_id, q.position, q.kind, q.at_us, q.state, q.decided_by,"              \
    " q.patient_id, q.resource_id, q.problems, k.kek, k.wrapped"
#define ITEM_FROM " FROM quarantine q LEFT JOIN owner_key k ON k.owner_id = q.item_id"
WARD_MUST enum ward_code item_of_row(const struct ward_val *row, struct item *out,
                                     struct ward_err *err);
/* One item with its JSON; `lock` prevents other decisions until the transaction ends.
 *   NOT_FOUND  QUARANTINE_NOT_FOUND */
WARD_MUST enum ward_code item_find(struct worker *w, struct ward_arena *mem,
                                   const uint8_t id[RECORDS_ID], bool lock, struct item *out,
                                   struct ward_err *err);
/* Its wire form, with problems if their key exists. */
WARD_MUST enum ward_code item_wire(struct worker *w, struct ward_arena *mem,
                                   const struct item *it, QuarantineItem *out,
                                   struct ward_err *err);
/* Its JSON, n bytes and a NUL, and fullUrl; both "" if the content was destroyed. */
WARD_MUST enum ward_code item_content(struct worker *w, struct ward_arena *mem,
                                      const struct item *it, const char **full_url,
                                      const char **json, size_t *n, struct ward_err *err);
/* A new key for an item, replacing the present one, with its problems encrypted under it:
 * content under the former key can no longer be decrypted. */
WARD_MUST enum ward_code item_rekey(struct worker *w, struct ward_arena *mem,
                                    const struct item *it, const struct problems *problems,
                                    struct ward_err *err);

/* ---- quarantined Consents: quarantine_close.c ---- */

#define CLOSED_MOST 64 /* denials of one consent that are distinguished */

/* The denials of a Consent in the broadest interpretation. */
struct closed {
    struct {
        uint32_t kinds, labels; /* bits; 0: all */
    } at[CLOSED_MOST];
    size_t n;
};
/* The denials of an item; none if it is not a Consent, names no patient or denies nothing. If
 * it denies anything, a problem reports that. */
WARD_MUST enum ward_code closed_of(struct ward_arena *mem, struct quarantined *q,
                                   struct closed *out, struct ward_err *err);
/* As rows of consent_deny under the item's id, which is not a resource's. */
WARD_MUST enum ward_code closed_put(struct worker *w, struct ward_arena *mem,
                                    const uint8_t item[RECORDS_ID],
                                    const uint8_t patient[RECORDS_ID], const struct closed *c,
                                    struct ward_err *err);
/* The item is decided. */
WARD_MUST enum ward_code closed_drop(struct worker *w, struct ward_arena *mem,
                                     const uint8_t item[RECORDS_ID], struct ward_err *err);

#endif
