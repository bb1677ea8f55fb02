/* subject.h - the subjects, their consents, and their encrypted templates.
 *
 * Threads: each worker uses its own connection. Memory: the arena. Errors: those of db.h, and
 * DATA_LOSS for rows that were changed outside the service. */
#ifndef IDENTITY_SUBJECT_H
#define IDENTITY_SUBJECT_H

#include "services/identity/identity.h"

#define SUBJECT_PATIENT 1
#define SUBJECT_STAFF   2

#define TEMPLATES_MAX 100 /* maximum number of templates of one model */

struct subject {
    uint8_t id[IDENTITY_ID];
    int kind;
    const char *external_ref;
    int64_t enrolled_at_us, erased_at_us, retain_until_us, key_destroyed_at_us; /* 0: not set */
    int birth_year;                                                             /* 0: unknown */
    bool has_key_sha256;
    uint8_t key_sha256[WARD_SHA256_SIZE];
};
/* Finds a subject, also if it is erased. `lock`: the row is locked until the transaction ends.
 *   NOT_FOUND  SUBJECT_NOT_FOUND */
WARD_MUST enum ward_code subject_find(struct ward_db *db, struct ward_arena *mem,
                                      const uint8_t id[IDENTITY_ID], bool lock,
                                      struct subject *out, struct ward_err *err);
/* Like subject_find without a lock, but NOT_FOUND for an erased subject. */
WARD_MUST enum ward_code subject_alive(struct ward_db *db, struct ward_arena *mem,
                                       const uint8_t id[IDENTITY_ID], struct subject *out,
                                       struct ward_err *err);

/* ---- children: age.c ---- */

#define FACE_NOT_FOR_CHILDREN "FACE_NOT_FOR_CHILDREN"
#define BIRTH_YEAR_NEEDED     "BIRTH_YEAR_NEEDED"
/* Whether the subject is known to be an adult or has a year of birth. Staff count as adults. */
bool face_age_known(int kind, int birth_year);
/* Fails unless face_age_known.
 *   FAILED_PRECONDITION  BIRTH_YEAR_NEEDED */
WARD_MUST enum ward_code face_needs_age(int kind, int birth_year, struct ward_err *err);
/* Checks whether this subject's face may be enrolled and compared at the subject's age.
 * WARD_FACE_UNKNOWN_AGE "match-without-token" also permits patients of unknown age, who get no
 * token.
 *   FAILED_PRECONDITION  FACE_NOT_FOR_CHILDREN, BIRTH_YEAR_NEEDED */
WARD_MUST enum ward_code face_of_age(const struct identity *id, int kind, int birth_year,
                                     struct ward_err *err);
/* Subjects who were born in this year or later count as children. */
int face_born_before(const struct identity *id);
int face_this_year(void); /* UTC */
/* INVALID_ARGUMENT unless birth_year is 0 or from 1900 to the present year. */
WARD_MUST enum ward_code birth_year_check(int birth_year, struct ward_err *err);

/* ---- the consent ledger ---- */

#define PURPOSE_VERIFY "patient-identification"
#define PURPOSE_SEARCH "patient-search"
#define PURPOSE_STAFF  "staff-access"
#define PURPOSE_PHOTO  "photo-retention"

struct consent_entry {
    const char *purpose, *text_version, *given_by, *recorded_by, *withdrawn_by;
    int64_t given_at_us, withdrawn_at_us; /* withdrawn_at_us is 0 while the consent is valid */
};
/* Lists a subject's consents, oldest first. */
WARD_MUST enum ward_code consents_of(struct ward_db *db, struct ward_arena *mem,
                                     const uint8_t id[IDENTITY_ID], struct consent_entry **out,
                                     size_t *n, struct ward_err *err);
bool consent_stands(const struct consent_entry *c, size_t n, const char *purpose);
/* The purposes of the consents that Verify and a search require for this kind. */
const char *purpose_of_verify(int kind);
const char *purpose_of_search(int kind);
/* FAILED_PRECONDITION NO_CONSENT unless the subject has a valid consent to `purpose`. */
WARD_MUST enum ward_code consent_need(struct ward_db *db, struct ward_arena *mem,
                                      const uint8_t id[IDENTITY_ID], const char *purpose,
                                      struct ward_err *err);

/* ---- keys and templates ---- */

/* Reads the subject's wrapped key. *found is false if the subject has no key: no face, or a
 * destroyed key. `share`: the row is locked until the transaction ends (LOCK IN SHARE MODE). */
WARD_MUST enum ward_code face_key_of(struct ward_db *db, struct ward_arena *mem,
                                     const uint8_t id[IDENTITY_ID], bool share,
                                     struct ward_wrapped_key *out, bool *found,
                                     struct ward_err *err);

struct kept_template {
    struct sealed_template sealed; /* only templates_of fills its bytes */
    char id[37];
    double eye_distance_px, detection_score;
    int64_t created_at_us;
};
/* Lists the subject's templates of one model with their bytes, oldest first. */
WARD_MUST enum ward_code templates_of(struct ward_db *db, struct ward_arena *mem,
                                      const uint8_t id[IDENTITY_ID], int kind,
                                      const char *model_sha256, struct kept_template **out,
                                      size_t *n, struct ward_err *err);
/* Lists templates of any model, without their bytes. */
WARD_MUST enum ward_code templates_list(struct ward_db *db, struct ward_arena *mem,
                                        const uint8_t id[IDENTITY_ID],
                                        struct kept_template **out, size_t *n,
                                        struct ward_err *err);

/* ---- destruction ---- */

/* Call inside a transaction, with the subject locked. Destroys the key, and deletes templates
 * and photographs. Destroys the key of the snapshot bucket. Stores key_sha256 and the time. The
 * caller writes the audit event and calls gallery_changed. If there is nothing to destroy,
 * returns OK with *had false. */
WARD_MUST enum ward_code face_forget(struct keys *keys, struct ward_db *db,
                                     struct ward_arena *mem, const uint8_t id[IDENTITY_ID],
                                     int64_t at_us, bool *had, struct ward_err *err);

/* ---- comparing ---- */

struct fused {
    int n; /* number of templates; 0: none of this model */
    int generation, dim;
    /* mean of the templates, normalized to length 1, transformed with `generation` */
    float v[TEMPLATE_DIM_MAX];
};
/* Decrypts all templates of one model and averages them. Templates of an older generation are
 * first transformed to the newest.  FAILED_PRECONDITION MODEL_CHANGED: the subject has only
 * templates of other models */
WARD_MUST enum ward_code subject_fused(struct worker *w, struct ward_arena *mem,
                                       const struct subject *s, const char *model_sha256,
                                       struct fused *out, struct ward_err *err);

/* Fails with NO_CONSENT, for callers that read the ledger themselves. */
WARD_MUST enum ward_code consent_missing(struct ward_err *err);
/* Whether any use of the face has a valid consent. Without a consent, the face has no key. */
bool consent_to_face(const struct consent_entry *c, size_t n, int kind);

/* The thread that destroys expired faces and deletes expired rows (challenges, redeemed tokens,
 * misses, changes). */
struct reaper;
WARD_MUST enum ward_code reaper_open(struct identity *id, struct reaper **out,
                                     struct ward_err *err);
void reaper_close(struct reaper *r); /* NULL is allowed */

#endif
