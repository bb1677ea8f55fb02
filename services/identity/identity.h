/* identity.h - who someone is: what the files of this service share.
 *
 * rules.c decides (pure); face*.c turn a photograph into an embedding; photo.c puts the two
 * together; seal.c keeps templates unreadable without keys; store.c holds the SQL; act.c tells
 * audit; api.c speaks gRPC; service.c opens and closes it all.
 *
 * Threads: struct identity is shared and read-only once serving; a worker is one thread's.
 * Memory: results live in the arena passed in. Errors: as db.h and host.h, and DATA_LOSS where
 * what is stored cannot be what was stored.
 */
#ifndef IDENTITY_H
#define IDENTITY_H

#include "common/auth/auth.h"
#include "common/base/metrics.h"
#include "common/db/db.h"
#include "services/identity/face/face.h"
#include "services/identity/rules.h"

#define IDENTITY_NAME      "identity"
#define IDENTITY_PHOTO_MAX ((size_t)8 << 20)
/* A call's memory: the photograph, its message, 16 Mpx of PNG, a reduced copy, tensors. */
#define IDENTITY_ARENA (IDENTITY_PHOTO_MAX * 2 + ((size_t)72 << 20))
#define IDENTITY_ID    16

struct identity_config {
    const char *kek, *ppid_key;             /* files */
    const char *plugins, *backend, *models; /* inference */
    int ppid_lifetime_s, canary_ms;
};

struct identity {
    struct identity_config cfg;
    const struct ward_db_config *db;
    uint8_t kek[WARD_KEY_SIZE];
    struct ward_sign_key *ppid;
    char ppid_kid[64];
    struct face_pack *pack;
    struct face_engine *canary_engine;
    struct ward_arena canary_mem;
    struct ward_canary *canary;
};

struct worker {
    struct ward_arena mem; /* the worker's own */
    struct identity *id;
    struct ward_db *db;
    struct face_engine *face;
    char span[56];    /* the call that `subject` is of */
    char subject[37]; /* whom the call in progress is about: for its audit event, should it fail
                       */
};

/* ---- service.c ---- */

WARD_MUST enum ward_code identity_open(void *id, struct ward_err *err);
void identity_close(void *id);
/*   UNAVAILABLE  MODEL_NOT_READY */
WARD_MUST enum ward_code identity_ready(void *id, struct ward_err *err);
WARD_MUST enum ward_code worker_open(void *id, void **wrk, struct ward_err *err);
void worker_close(void *wrk);
extern struct ward_family *const identity_metrics[];

/* ---- photo.c ---- */

struct photo {
    enum gate
        gate; /* face is set only when USABLE; box_score and eyes when one face was found */
    int faces, width_px, height_px;
    double detection_score, eye_distance_px;
    struct face face;
};
/* Decodes, finds the face, and embeds it if it may be used.
 *   INVALID_ARGUMENT  IMAGE_* (field photograph);  others: host.h's */
WARD_MUST enum ward_code photo_read(struct worker *w, struct ward_arena *mem,
                                    const struct ward_stop *stop, const void *bytes, size_t n,
                                    struct photo *out, struct ward_err *err);

/* ---- seal.c ---- */

#define SEAL_KEY      (WARD_KEY_SIZE + WARD_SEAL_EXTRA)
#define SEAL_TEMPLATE (FACE_DIM * sizeof(float) + WARD_SEAL_EXTRA)

struct sealed {
    uint8_t subject_id[IDENTITY_ID], template_id[IDENTITY_ID];
    char model_sha256[65];
    uint8_t wrapped[SEAL_KEY];        /* the subject's key, under the key-encryption key */
    uint8_t embedding[SEAL_TEMPLATE]; /* under the subject's key, bound to the three above */
};
/* Makes a fresh key of the subject's; ids and model are set by the caller. */
WARD_MUST enum ward_code seal_template(const uint8_t kek[WARD_KEY_SIZE],
                                       const float v[FACE_DIM], struct sealed *s,
                                       struct ward_err *err);
/*   DATA_LOSS  TEMPLATE_UNREADABLE */
WARD_MUST enum ward_code unseal_template(const uint8_t kek[WARD_KEY_SIZE],
                                         const struct sealed *s, float v[FACE_DIM],
                                         struct ward_err *err);

/* ---- store.c ---- */

struct subject {
    uint8_t id[IDENTITY_ID];
    int kind;
    const char *external_ref;
    int64_t enrolled_at_us, erased_at_us; /* 0: not */
    const char *purpose, *text_version, *given_by;
    int64_t withdrawn_at_us;
};
struct kept_template {
    struct sealed sealed; /* only from template_of */
    char id[37];
    double eye_distance_px, detection_score;
    int64_t created_at_us;
};

/* Erased subjects too. `lock`: until the transaction ends.
 *   NOT_FOUND  SUBJECT_NOT_FOUND */
WARD_MUST enum ward_code subject_find(struct ward_db *db, struct ward_arena *mem,
                                      const uint8_t id[IDENTITY_ID], bool lock,
                                      struct subject *out, struct ward_err *err);
/* Subject, consent, key and template.
 *   ALREADY_EXISTS  EXTERNAL_REF_TAKEN */
WARD_MUST enum ward_code subject_add(struct ward_db *db, struct ward_arena *mem,
                                     const struct subject *s, const struct kept_template *t,
                                     struct ward_err *err);
/* The subject's template for this model.
 *   FAILED_PRECONDITION  MODEL_CHANGED: there is one, of another model */
WARD_MUST enum ward_code template_of(struct ward_db *db, struct ward_arena *mem,
                                     const uint8_t id[IDENTITY_ID], const char *model_sha256,
                                     struct kept_template *out, struct ward_err *err);
/* Whether the key is there, held so until the transaction ends. */
WARD_MUST enum ward_code face_is_kept(struct ward_db *db, struct ward_arena *mem,
                                      const uint8_t id[IDENTITY_ID], bool *kept,
                                      struct ward_err *err);
/* What there is, without anything sealed. */
WARD_MUST enum ward_code templates_list(struct ward_db *db, struct ward_arena *mem,
                                        const uint8_t id[IDENTITY_ID],
                                        struct kept_template **out, size_t *n,
                                        struct ward_err *err);
/* Destroys key and templates, and says when. */
WARD_MUST enum ward_code face_forget(struct ward_db *db, struct ward_arena *mem,
                                     const uint8_t id[IDENTITY_ID], int64_t at_us,
                                     struct ward_err *err);
/* Takes away what else is known. */
WARD_MUST enum ward_code subject_erase(struct ward_db *db, struct ward_arena *mem,
                                       const uint8_t id[IDENTITY_ID], int64_t at_us,
                                       struct ward_err *err);

#endif
