/* chart_own.h - declarations that the files of the chart share.
 *
 * Threads, memory, errors: chart.h's.
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
    struct patient p; /* its patient; with the key */
    int version;
    int64_t at_us;
    bool owned;                      /* p is known */
    bool fresh;                      /* a new patient, created with it */
    struct ward_wrapped_key wrapped; /* theirs */
    struct ward_val sealed, cleaned; /* cleaned: NULL for none */
};

static inline struct ward_val id_val(const uint8_t id[RECORDS_ID])
{
    return ward_blob(id, RECORDS_ID);
}

/* A stored number; NULL is 0. */
static inline int64_t row_number(struct ward_val v)
{
    int64_t n = 0;

    return v.p == NULL || ward_i64(v.p, INT64_MIN, INT64_MAX, &n) ? n : 0;
}

/* ---- patient.c ---- */

/* Inside the transaction of the write, at the end of chart_put: rows of new patients and their
 * keys. item.p.id is set; creates the key. */
WARD_MUST enum ward_code patient_prepare(struct worker *w, struct ward_arena *mem,
                                         struct item *it, struct ward_err *err);
WARD_MUST enum ward_code patients_put(struct worker *w, struct ward_arena *mem,
                                      const struct item *items, size_t n, struct ward_err *err);
/* Unwraps the key of a patient from a row of owner_key. */
WARD_MUST enum ward_code patient_key(struct worker *w, const uint8_t id[RECORDS_ID], int kek,
                                     struct ward_val wrapped, uint8_t key[WARD_KEY_SIZE],
                                     struct ward_err *err);

/* ---- seal.c ---- */

/* The version of an item, as in its row. */
void item_row(const struct item *it, const struct ward_call *c, struct version *out);
/* The associated data: the row of a resource's version ("v12"), or its normalization
 * ("c12"). */
WARD_MUST enum ward_code seal_item(const struct ward_call *c, struct item *it,
                                   struct ward_err *err);
WARD_MUST enum ward_code open_sealed(const uint8_t key[WARD_KEY_SIZE], char what,
                                     const struct version *v, struct ward_val sealed,
                                     struct ward_arena *mem, uint8_t **out, size_t *n,
                                     struct ward_err *err);

/* ---- names.c ---- */

/* The encounter and the attachments that an item names; p and the id are set. view NULL: an
 * import, which may name all attachments of the chart. encounter: named by the current version,
 * NULL for none.   NOT_FOUND, FAILED_PRECONDITION as chart_write says */
WARD_MUST enum ward_code names_what_is_there(struct worker *w, struct ward_arena *mem,
                                             const struct view *view, const struct item *it,
                                             struct ward_val encounter, struct ward_err *err);

/* ---- put.c ---- */

/* One more version, for the metrics. */
void put_count(Ward__Records__V1__Act act, enum kind kind);
/* Rows of new resources. */
WARD_MUST enum ward_code put_new(struct worker *w, struct ward_call *c,
                                 const struct item *items, size_t n, struct ward_err *err);
/* The next version of one. */
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
