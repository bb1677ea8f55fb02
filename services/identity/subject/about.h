/* about.h - the common part of calls about one subject, and the parts of a new face.
 *
 * Threads: a worker's own. Memory: the call's arena. Errors: the .proto's.
 */
#ifndef IDENTITY_SUBJECT_ABOUT_H
#define IDENTITY_SUBJECT_ABOUT_H

#include "services/identity/api.h"
#include "services/identity/subject/rows.h"

/* One call about one subject. */
struct about {
    struct ward_call *call;
    struct ward_event event; /* copied by the transaction, which may run twice */
    uint8_t id[IDENTITY_ID];
    char text[37];
    struct subject subject;
    int64_t at_us; /* time of the change; the first time for a repeated call */
};
WARD_MUST enum ward_code about_begin(struct about *a, struct ward_call *c,
                                     const char *subject_id);
/* The worker's connection. */
struct ward_db *about_db(const struct ward_call *c);

/* Hexadecimal, in the arena; "" if the arena is full. */
const char *about_hex(struct ward_arena *mem, const uint8_t *bytes, size_t n);
/* The digest of the subject's key as text; "" if there never was a key. */
const char *about_key(struct ward_arena *mem, const struct subject *s);

/* INVALID_ARGUMENT (field `at` and its part) unless all its parts are in range. */
WARD_MUST enum ward_code about_consent(struct ward_call *c, const char *at,
                                       const Ward__Identity__V1__Consent *consent);
/* INVALID_ARGUMENT  retain_until_us is in the past */
WARD_MUST enum ward_code about_retention(struct ward_call *c, int64_t until_us);
/* Default end of the retention of a face enrolled now; 0 for never. */
int64_t about_retained(const struct identity *id, int64_t now_us);

/* Before any work: if an answer is stored under this key, `replay` returns it and writes its
 * event (*again), in its own transaction; otherwise nothing is changed. The caller checks again
 * in its own transaction, because a concurrent call may have been faster.
 *   FAILED_PRECONDITION  IDEMPOTENCY_MISMATCH */
typedef enum ward_code about_replay(void *arg, struct ward_db *db, struct ward_val answer,
                                    struct ward_err *err);
WARD_MUST enum ward_code about_again(struct ward_call *c, const struct ward_idem *idem,
                                     about_replay *replay, void *arg, bool *again);

/* A face that will be stored. */
struct new_face {
    struct worker *w;
    struct ward_arena *mem;
    struct kept_template kept;
    const float *embedding;
    ProtobufCBinaryData photograph;
    uint8_t *sealed; /* room for the encrypted photograph; NULL: not stored */
    bool key_is_new;
    uint8_t key_sha256[WARD_SHA256_SIZE]; /* of a new one */
};
/* A template of the photograph, for this subject; also an encrypted photograph if `keep`. */
WARD_MUST enum ward_code new_face(struct ward_call *c, const struct photo *p,
                                  const ProtobufCBinaryData *photograph, bool keep,
                                  const uint8_t subject[IDENTITY_ID], int kind, int64_t at_us,
                                  struct new_face *out);
/* Inside a transaction, with the subject locked: under its key, or a new key if it has none. */
WARD_MUST enum ward_code new_face_store(struct new_face *f, struct ward_db *db,
                                        struct ward_err *err);
/* Reads a photograph that will be stored, and requires the liveness of the policy of
 * "enrolment".  FAILED_PRECONDITION  why it is unusable */
WARD_MUST enum ward_code new_face_read(struct ward_call *c,
                                       const ProtobufCBinaryData *photograph, bool largest_only,
                                       bool attended, struct photo *out);

#endif
