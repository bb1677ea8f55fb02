/* subject.h - the subjects, their consents, and their encrypted templates.
 *
 * Threads: a worker's own connection. Memory: the arena. Errors: as db.h, and DATA_LOSS for
 * rows that were changed outside the service.
 */
#ifndef IDENTITY_SUBJECT_H
#define IDENTITY_SUBJECT_H

#include "services/identity/identity.h"

#define SUBJECT_PATIENT 1
#define SUBJECT_STAFF   2

#define TEMPLATES_MAX 100 /* of one model */

struct subject {
    uint8_t id[IDENTITY_ID];
    int kind;
    const char *external_ref;
    int64_t enrolled_at_us, erased_at_us, retain_until_us, key_destroyed_at_us; /* 0: not */
    int birth_year; /* 0: not known */
    bool has_key_sha256;
    uint8_t key_sha256[WARD_SHA256_SIZE];
};
/* Erased subjects too. `lock`: until the transaction ends.
 *   NOT_FOUND  SUBJECT_NOT_FOUND */
WARD_MUST enum ward_code subject_find(struct ward_db *db, struct ward_arena *mem,
                                      const uint8_t id[IDENTITY_ID], bool lock,
                                      struct subject *out, struct ward_err *err);
/* As subject_find without a lock, and NOT_FOUND for an erased one. */
WARD_MUST enum ward_code subject_alive(struct ward_db *db, struct ward_arena *mem,
                                       const uint8_t id[IDENTITY_ID], struct subject *out,
                                       struct ward_err *err);

/* ---- children: age.c ---- */

#define FACE_NOT_FOR_CHILDREN "FACE_NOT_FOR_CHILDREN"
#define BIRTH_YEAR_NEEDED     "BIRTH_YEAR_NEEDED"
/* Staff are adults by their work; for a patient only a year of birth proves it. */
bool face_age_known(int kind, int birth_year);
/*   FAILED_PRECONDITION  BIRTH_YEAR_NEEDED unless face_age_known */
WARD_MUST enum ward_code face_needs_age(int kind, int birth_year, struct ward_err *err);
/* Whether this subject's face may be enrolled and compared, by age. With WARD_FACE_UNKNOWN_AGE
 * "match-without-token", faces of patients of unknown age too; these get no token.
 *   FAILED_PRECONDITION  FACE_NOT_FOR_CHILDREN, BIRTH_YEAR_NEEDED */
WARD_MUST enum ward_code face_of_age(const struct identity *id, int kind, int birth_year,
                                     struct ward_err *err);
/* The first birth year of subjects who still count as children. */
int face_born_before(const struct identity *id);
int face_this_year(void); /* UTC */
/* INVALID_ARGUMENT unless 0 or 1900 to now. */
WARD_MUST enum ward_code birth_year_check(int birth_year, struct ward_err *err);

/* ---- the consent ledger ---- */

#define PURPOSE_VERIFY "patient-identification"
#define PURPOSE_SEARCH "patient-search"
#define PURPOSE_STAFF  "staff-access"
#define PURPOSE_PHOTO  "photo-retention"

struct consent_entry {
    const char *purpose, *text_version, *given_by, *recorded_by, *withdrawn_by;
    int64_t given_at_us, withdrawn_at_us; /* 0: it stands */
};
/* Oldest first. */
WARD_MUST enum ward_code consents_of(struct ward_db *db, struct ward_arena *mem,
                                     const uint8_t id[IDENTITY_ID], struct consent_entry **out,
                                     size_t *n, struct ward_err *err);
bool consent_stands(const struct consent_entry *c, size_t n, const char *purpose);
/* The purpose that Verify requires for this kind, and the one that a search requires. */
const char *purpose_of_verify(int kind);
const char *purpose_of_search(int kind);
/* FAILED_PRECONDITION NO_CONSENT unless `purpose` has a valid consent. */
WARD_MUST enum ward_code consent_need(struct ward_db *db, struct ward_arena *mem,
                                      const uint8_t id[IDENTITY_ID], const char *purpose,
                                      struct ward_err *err);

/* ---- keys and templates ---- */

/* The subject's wrapped key; *found false if there is none (no face, or destroyed). `share`:
 * locked until the transaction ends (LOCK IN SHARE MODE). */
WARD_MUST enum ward_code face_key_of(struct ward_db *db, struct ward_arena *mem,
                                     const uint8_t id[IDENTITY_ID], bool share,
                                     struct ward_wrapped_key *out, bool *found,
                                     struct ward_err *err);

struct kept_template {
    struct sealed_template sealed; /* bytes only from templates_of */
    char id[37];
    double eye_distance_px, detection_score;
    int64_t created_at_us;
};
/* The subject's templates of one model with their bytes, oldest first. */
WARD_MUST enum ward_code templates_of(struct ward_db *db, struct ward_arena *mem,
                                      const uint8_t id[IDENTITY_ID], int kind,
                                      const char *model_sha256, struct kept_template **out,
                                      size_t *n, struct ward_err *err);
/* Templates of any model, without bytes. */
WARD_MUST enum ward_code templates_list(struct ward_db *db, struct ward_arena *mem,
                                        const uint8_t id[IDENTITY_ID],
                                        struct kept_template **out, size_t *n,
                                        struct ward_err *err);

/* ---- ends ---- */

/* Inside a transaction, with the subject locked: destroys key, templates and photograph; ends
 * the snapshot bucket's key; stores key_sha256 and the time; does not write the audit event and
 * does not call gallery_changed. Nothing to destroy is OK (*had false). */
WARD_MUST enum ward_code face_forget(struct keys *keys, struct ward_db *db,
                                     struct ward_arena *mem, const uint8_t id[IDENTITY_ID],
                                     int64_t at_us, bool *had, struct ward_err *err);

/* ---- comparing ---- */

struct fused {
    int n; /* templates; 0: none of this model */
    int generation, dim;
    float v[TEMPLATE_DIM_MAX]; /* their mean, normalized to length 1, transformed by
                                * `generation` */
};
/* Decrypts all of one model's templates and averages them (those of an older generation are
 * transformed to the newest first).  FAILED_PRECONDITION MODEL_CHANGED: there are only
 * templates of other models
 */
WARD_MUST enum ward_code subject_fused(struct worker *w, struct ward_arena *mem,
                                       const struct subject *s, const char *model_sha256,
                                       struct fused *out, struct ward_err *err);

/* NO_CONSENT, for callers that read the ledger themselves. */
WARD_MUST enum ward_code consent_missing(struct ward_err *err);
/* Whether a use of this kind's face has a valid consent: otherwise there is no key. */
bool consent_to_face(const struct consent_entry *c, size_t n, int kind);

/* The thread that destroys expired faces and deletes expired rows (challenges, redeemed tokens,
 * misses, changes). */
struct reaper;
WARD_MUST enum ward_code reaper_open(struct identity *id, struct reaper **out,
                                     struct ward_err *err);
void reaper_close(struct reaper *r); /* NULL is fine */

#endif
