/* chart_own.h - declarations that the files of the chart share.
 *
 * Threads, memory and errors: as in chart.h.
 */
#ifndef RECORDS_STORE_CHART_OWN_H
#define RECORDS_STORE_CHART_OWN_H

#include "common/base/text.h"
#include "services/records/store/chart.h"

/* One version to be written. */
struct item {
    const struct write *what;
    struct found_by f;
    uint8_t id[RECORDS_ID];
    struct patient p; /* the resource's patient, with the key */
    int version;
    int64_t at_us;
    bool owned;                      /* p is filled */
    bool fresh;                      /* p is created with this item */
    struct ward_wrapped_key wrapped; /* the encrypted key of p */
    struct ward_val sealed, cleaned; /* cleaned: NULL for none */
};

static inline struct ward_val id_val(const uint8_t id[RECORDS_ID])
{
    return ward_blob(id, RECORDS_ID);
}

/* Converts a stored number; NULL is 0. */
static inline int64_t row_number(struct ward_val v)
{
    int64_t n = 0;

    return v.p == NULL || ward_i64(v.p, INT64_MIN, INT64_MAX, &n) ? n : 0;
}

/* ---- patient.c ---- */

/* Inside the transaction of the write: patient_prepare creates the key of a new patient
 * (item.p.id is set), and patients_put inserts the rows of new patients and their keys. */
WARD_MUST enum ward_code patient_prepare(struct worker *w, struct ward_arena *mem,
                                         struct item *it, struct ward_err *err);
WARD_MUST enum ward_code patients_put(struct worker *w, struct ward_arena *mem,
                                      const struct item *items, size_t n, struct ward_err *err);
/* Inserts the keys of the fresh items. */
WARD_MUST enum ward_code records_keys_put(struct worker *w, struct ward_arena *mem,
                                          const struct item *items, size_t n,
                                          struct ward_err *err);
/* Unwraps the key of a patient from a row of owner_key. */
WARD_MUST enum ward_code patient_key(struct worker *w, const uint8_t id[RECORDS_ID], int kek,
                                     struct ward_val wrapped, uint8_t key[WARD_KEY_SIZE],
                                     struct ward_err *err);

/* ---- seal.c ---- */

/* Converts an item to the version that its row will hold. */
void item_row(const struct item *it, const struct ward_call *c, struct version *out);
/* Encrypts an item, and decrypts a version (what 'v') or its normalization (what 'c'). The
 * associated data contain the row, and "v12" or "c12" for version 12. */
WARD_MUST enum ward_code seal_item(const struct ward_call *c, struct item *it,
                                   struct ward_err *err);
WARD_MUST enum ward_code open_sealed(const uint8_t key[WARD_KEY_SIZE], char what,
                                     const struct version *v, struct ward_val sealed,
                                     struct ward_arena *mem, uint8_t **out, size_t *n,
                                     struct ward_err *err);

/* ---- names.c ---- */

/* Checks the encounter and the attachments that an item names; p and the id are set. view NULL:
 * an import, which may name all attachments of the chart. encounter: the id that the current
 * version names, or NULL.
 *   NOT_FOUND, FAILED_PRECONDITION  as for chart_write */
WARD_MUST enum ward_code names_what_is_there(struct worker *w, struct ward_arena *mem,
                                             const struct view *view, const struct item *it,
                                             struct ward_val encounter, struct ward_err *err);

/* ---- put.c ---- */

/* Counts one more version in the metrics. */
void put_count(Ward__Records__V1__Act act, enum kind kind);
/* Inserts the rows of new resources. */
WARD_MUST enum ward_code put_new(struct worker *w, struct ward_call *c,
                                 const struct item *items, size_t n, struct ward_err *err);
/* Writes the rows of an existing resource's next version. */
WARD_MUST enum ward_code put_next(struct worker *w, struct ward_call *c, const struct item *it,
                                  struct ward_err *err);

/* ---- put_access.c ---- */

WARD_MUST enum ward_code put_wards(struct worker *w, struct ward_arena *mem,
                                   const struct item *items, size_t n, struct ward_err *err);
WARD_MUST enum ward_code drop_wards(struct worker *w, struct ward_arena *mem,
                                    const struct item *it, struct ward_err *err);
WARD_MUST enum ward_code put_denials(struct worker *w, struct ward_arena *mem,
                                     const struct item *items, size_t n, struct ward_err *err);
WARD_MUST enum ward_code drop_denials(struct worker *w, struct ward_arena *mem,
                                      const struct item *it, struct ward_err *err);

/* ---- codes.c ---- */

/* Adds codes to the dictionary that may be missing there. */
WARD_MUST enum ward_code codes_put(struct worker *w, struct ward_arena *mem,
                                   const struct item *items, size_t n, struct ward_err *err);

#endif
