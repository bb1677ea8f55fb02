/* home.h - decisions at admission about home medicines: rows, encrypted under their patient's
 * key. home_reconciliation has the newest decision about each statement,
 * home_reconciliation_version has all decisions.
 *
 * Threads: each worker uses its own connection. Memory: the arena. Errors: those of db.h and
 * owner.h.
 */
#ifndef DOSAGE_ORDER_HOME_H
#define DOSAGE_ORDER_HOME_H

#include "services/dosage/store/owner.h"
#include "ward/dosage/v1/orders.pb-c.h"

typedef Ward__Dosage__V1__HomeReconciliation HomeReconciliation;

/* The associated data of a row's encryption. */
struct home_key {
    const uint8_t *id; /* the statement's id */
    int statement_version, version;
    int64_t at_us;
};
WARD_MUST enum ward_code home_open(const struct owner *o, struct ward_arena *mem,
                                   const struct home_key *key, struct ward_val sealed,
                                   HomeReconciliation **out, struct ward_err *err);
/* Compares HomeReconciliation * for qsort. */
int home_by_statement(const void *a, const void *b);

/* The newest decision about a statement. */
struct home_row {
    uint8_t id[DOSAGE_ID];   /* the statement's id */
    uint8_t root[DOSAGE_ID]; /* the surviving record of the row's patient */
    HomeReconciliation *msg;
};
/* The newest decisions about these statements, in any order. Rows of erased patients are
 * omitted. n: at most HOME_STATEMENTS. */
#define HOME_STATEMENTS ((size_t)100)
WARD_MUST enum ward_code home_newest(struct worker *w, struct ward_arena *mem,
                                     const uint8_t (*statements)[DOSAGE_ID], size_t n,
                                     struct home_row **out, size_t *n_out,
                                     struct ward_err *err);
/* Decisions about one statement, newest first, at most `most`. Version 0 selects all versions,
 * another number only that version. */
WARD_MUST enum ward_code home_versions(struct worker *w, struct ward_arena *mem,
                                       const struct home_key *of, size_t most,
                                       HomeReconciliation ***out, size_t *n,
                                       struct ward_err *err);
/* Adds a decision. Call in a transaction, after owner_lock of `patient`. h->version is
 * unused. */
WARD_MUST enum ward_code home_write(struct worker *w, struct ward_arena *mem,
                                    const struct owner *patient, const HomeReconciliation *h,
                                    struct ward_err *err);

#endif
