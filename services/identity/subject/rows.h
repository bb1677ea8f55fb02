/* rows.h - the queries of the files of subject/, one function each.
 *
 * Every change runs inside a transaction that locks the subject's row first (so that no two
 * deadlock) and calls gallery_changed last.
 *
 * Threads: a worker's own connection. Memory: the arena. Errors: as db.h, and DATA_LOSS for
 * rows that were changed outside the service.
 */
#ifndef IDENTITY_SUBJECT_ROWS_H
#define IDENTITY_SUBJECT_ROWS_H

#include "common/base/text.h"
#include "services/identity/subject/subject.h"

static inline struct ward_val id_val(const uint8_t id[IDENTITY_ID])
{
    return ward_blob(id, IDENTITY_ID);
}

/* A stored number. NULL is 0. */
static inline bool row_number(struct ward_val v, int64_t *out)
{
    *out = 0;
    return v.p == NULL || ward_i64(v.p, 0, INT64_MAX, out);
}

static inline const char *row_text(struct ward_val v)
{
    return v.p == NULL ? "" : v.p;
}

/* NULL where it is 0. */
static inline struct ward_val time_val(struct ward_arena *mem, int64_t at_us)
{
    return at_us == 0 ? ward_text(NULL) : ward_int(mem, at_us);
}

/* ---- subjects: store_subject.c ---- */

/*   ALREADY_EXISTS  EXTERNAL_REF_TAKEN */
WARD_MUST enum ward_code subject_insert(struct ward_db *db, struct ward_arena *mem,
                                        const struct subject *s, struct ward_err *err);
/* subject_find with the lock, and NOT_FOUND for an erased one. */
WARD_MUST enum ward_code subject_hold(struct ward_db *db, struct ward_arena *mem,
                                      const uint8_t id[IDENTITY_ID], struct subject *out,
                                      struct ward_err *err);
WARD_MUST enum ward_code subject_retain(struct ward_db *db, struct ward_arena *mem,
                                        const uint8_t id[IDENTITY_ID], int64_t until_us,
                                        struct ward_err *err);
WARD_MUST enum ward_code subject_born(struct ward_db *db, struct ward_arena *mem,
                                      const uint8_t id[IDENTITY_ID], int birth_year,
                                      struct ward_err *err);
/* Deletes all of the subject's data except its face (see face_forget), its row, and the ledger
 * without names. */
WARD_MUST enum ward_code subject_clear(struct ward_db *db, struct ward_arena *mem,
                                       const uint8_t id[IDENTITY_ID], int64_t at_us,
                                       struct ward_err *err);
WARD_MUST enum ward_code galleries_of(struct ward_db *db, struct ward_arena *mem,
                                      const uint8_t id[IDENTITY_ID], char ***out, size_t *n,
                                      struct ward_err *err);
WARD_MUST enum ward_code galleries_add(struct ward_db *db, struct ward_arena *mem,
                                       const uint8_t id[IDENTITY_ID], char *const *names,
                                       size_t n, struct ward_err *err);
WARD_MUST enum ward_code galleries_leave(struct ward_db *db, const uint8_t id[IDENTITY_ID],
                                         struct ward_err *err);
/* Deletes every pair of the subject, decided or not, and its postponed search. */
WARD_MUST enum ward_code duplicates_leave(struct ward_db *db, const uint8_t id[IDENTITY_ID],
                                          struct ward_err *err);
/* Types of second identifiers, and whether there is a wristband. */
WARD_MUST enum ward_code identifiers_of(struct ward_db *db, struct ward_arena *mem,
                                        const uint8_t id[IDENTITY_ID], char ***types, size_t *n,
                                        bool *wristband, struct ward_err *err);

/* ---- the ledger: store_consent.c ---- */

WARD_MUST enum ward_code consent_add(struct ward_db *db, struct ward_arena *mem,
                                     const uint8_t id[IDENTITY_ID],
                                     const struct consent_entry *c, struct ward_err *err);
/* Ends the valid consents of `purpose`; "" means all. */
WARD_MUST enum ward_code consents_end(struct ward_db *db, struct ward_arena *mem,
                                      const uint8_t id[IDENTITY_ID], const char *purpose,
                                      const char *by, int64_t at_us, uint64_t *n,
                                      struct ward_err *err);

/* With the subject locked: destroys, and removes from galleries, everything without a valid
 * consent. */
WARD_MUST enum ward_code consents_enforce(struct keys *keys, struct ward_db *db,
                                          struct ward_arena *mem, const struct subject *s,
                                          int64_t at_us, bool *had_key, struct ward_err *err);

/* ---- keys, templates, photographs: store_template.c ---- */

/* The wrapped key (keys_hold first); its digest is stored in the subject's row. */
WARD_MUST enum ward_code face_key_add(struct ward_db *db, struct ward_arena *mem,
                                      const struct ward_wrapped_key *w,
                                      const uint8_t sha256[WARD_SHA256_SIZE],
                                      struct ward_err *err);
WARD_MUST enum ward_code template_add(struct ward_db *db, struct ward_arena *mem,
                                      const struct kept_template *t, struct ward_err *err);
WARD_MUST enum ward_code template_remove(struct ward_db *db, const uint8_t id[IDENTITY_ID],
                                         const uint8_t template_id[IDENTITY_ID], bool *removed,
                                         struct ward_err *err);
WARD_MUST enum ward_code templates_count(struct ward_db *db, struct ward_arena *mem,
                                         const uint8_t id[IDENTITY_ID],
                                         const char *model_sha256, int64_t *n,
                                         struct ward_err *err);
struct kept_photo {
    uint8_t template_id[IDENTITY_ID];
    const uint8_t *sealed;
    size_t n; /* of sealed */
};
/* The associated data of an encrypted photograph, with its subject's key. */
struct ward_sealed_as photo_as(const uint8_t subject_id[IDENTITY_ID]);
WARD_MUST enum ward_code photo_add(struct ward_db *db, struct ward_arena *mem,
                                   const uint8_t id[IDENTITY_ID], const struct kept_photo *p,
                                   int64_t at_us, struct ward_err *err);
WARD_MUST enum ward_code photos_remove(struct ward_db *db, const uint8_t id[IDENTITY_ID],
                                       struct ward_err *err);
/* Without their bytes. */
WARD_MUST enum ward_code photos_count(struct ward_db *db, struct ward_arena *mem,
                                      const uint8_t id[IDENTITY_ID], int64_t *n,
                                      struct ward_err *err);

#endif
