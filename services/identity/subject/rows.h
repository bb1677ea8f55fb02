/* rows.h - database queries for the files of subject/, one function for each query.
 *
 * Every change runs inside a transaction. The transaction locks the subject's row first, to
 * avoid deadlocks, and calls gallery_changed last.
 *
 * Threads: each worker uses its own connection. Memory: the arena. Errors: those of db.h, and
 * DATA_LOSS for rows that were changed outside the service. */
#ifndef IDENTITY_SUBJECT_ROWS_H
#define IDENTITY_SUBJECT_ROWS_H

#include "common/base/text.h"
#include "services/identity/subject/subject.h"

static inline struct ward_val id_val(const uint8_t id[IDENTITY_ID])
{
    return ward_blob(id, IDENTITY_ID);
}

/* Reads a stored number. NULL is read as 0. */
static inline bool row_number(struct ward_val v, int64_t *out)
{
    *out = 0;
    return v.p == NULL || ward_i64(v.p, 0, INT64_MAX, out);
}

static inline const char *row_text(struct ward_val v)
{
    return v.p == NULL ? "" : v.p;
}

/* A time as a parameter. 0 is stored as NULL. */
static inline struct ward_val time_val(struct ward_arena *mem, int64_t at_us)
{
    return at_us == 0 ? ward_text(NULL) : ward_int(mem, at_us);
}

/* ---- subjects: store_subject.c ---- */

/*   ALREADY_EXISTS  EXTERNAL_REF_TAKEN */
WARD_MUST enum ward_code subject_insert(struct ward_db *db, struct ward_arena *mem,
                                        const struct subject *s, struct ward_err *err);
/* Like subject_find with a lock, but NOT_FOUND for an erased subject. */
WARD_MUST enum ward_code subject_hold(struct ward_db *db, struct ward_arena *mem,
                                      const uint8_t id[IDENTITY_ID], struct subject *out,
                                      struct ward_err *err);
WARD_MUST enum ward_code subject_retain(struct ward_db *db, struct ward_arena *mem,
                                        const uint8_t id[IDENTITY_ID], int64_t until_us,
                                        struct ward_err *err);
WARD_MUST enum ward_code subject_born(struct ward_db *db, struct ward_arena *mem,
                                      const uint8_t id[IDENTITY_ID], int birth_year,
                                      struct ward_err *err);
/* Deletes the subject's data. Three things remain: the face (see face_forget), the subject's
 * row, and the consent ledger without names. */
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
/* Deletes every pair that contains the subject, resolved or not, and the subject's postponed
 * search. */
WARD_MUST enum ward_code duplicates_leave(struct ward_db *db, const uint8_t id[IDENTITY_ID],
                                          struct ward_err *err);
/* Lists the types of second identifiers. *wristband is true if the subject has a wristband. */
WARD_MUST enum ward_code identifiers_of(struct ward_db *db, struct ward_arena *mem,
                                        const uint8_t id[IDENTITY_ID], char ***types, size_t *n,
                                        bool *wristband, struct ward_err *err);

/* ---- the consent ledger: store_consent.c ---- */

WARD_MUST enum ward_code consent_add(struct ward_db *db, struct ward_arena *mem,
                                     const uint8_t id[IDENTITY_ID],
                                     const struct consent_entry *c, struct ward_err *err);
/* Withdraws the valid consents to `purpose`; "" means all purposes. */
WARD_MUST enum ward_code consents_end(struct ward_db *db, struct ward_arena *mem,
                                      const uint8_t id[IDENTITY_ID], const char *purpose,
                                      const char *by, int64_t at_us, uint64_t *n,
                                      struct ward_err *err);

/* Call with the subject locked. Deletes all data that no valid consent covers: the face,
 * photographs, gallery memberships and pairs. */
WARD_MUST enum ward_code consents_enforce(struct keys *keys, struct ward_db *db,
                                          struct ward_arena *mem, const struct subject *s,
                                          int64_t at_us, bool *had_key, struct ward_err *err);

/* ---- keys, templates, photographs: store_template.c ---- */

/* Stores the wrapped key, and its digest in the subject's row. Call ward_keyring_hold first. */
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
    size_t n; /* size of `sealed` in bytes */
};
/* The associated data of a photograph that is encrypted under its subject's key. */
struct ward_sealed_as photo_as(const uint8_t subject_id[IDENTITY_ID]);
WARD_MUST enum ward_code photo_add(struct ward_db *db, struct ward_arena *mem,
                                   const uint8_t id[IDENTITY_ID], const struct kept_photo *p,
                                   int64_t at_us, struct ward_err *err);
WARD_MUST enum ward_code photos_remove(struct ward_db *db, const uint8_t id[IDENTITY_ID],
                                       struct ward_err *err);
/* Counts photographs without reading them. */
WARD_MUST enum ward_code photos_count(struct ward_db *db, struct ward_arena *mem,
                                      const uint8_t id[IDENTITY_ID], int64_t *n,
                                      struct ward_err *err);

#endif
