/* about.h - what calls about one subject share, and the parts of a new face.
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
    int64_t at_us; /* when it was done; the first time where it was done before */
};
WARD_MUST enum ward_code about_begin(struct about *a, struct ward_call *c,
                                     const char *subject_id);
/* The worker's connection. */
struct ward_db *about_db(const struct ward_call *c);

/* Two digits a byte, in the arena; "" past its cap. */
const char *about_hex(struct ward_arena *mem, const uint8_t *bytes, size_t n);
/* The digest of the subject's key as text; "" where there never was one. */
const char *about_key(struct ward_arena *mem, const struct subject *s);

/* INVALID_ARGUMENT (field `at` and its part) unless every part of it is in range. */
WARD_MUST enum ward_code about_consent(struct ward_call *c, const char *at,
                                       const Ward__Identity__V1__Consent *consent);
/* INVALID_ARGUMENT  retain_until_us lies in the past */
WARD_MUST enum ward_code about_retention(struct ward_call *c, int64_t until_us);
/* When a face enrolled now goes, where nothing else is said; 0 for never. */
int64_t about_retained(const struct identity *id, int64_t now_us);

/* Before any work: where an answer is kept under this key, `replay` gives it again and tells of
 * it (*again), by itself; where none is, nothing is changed. Whoever then does the work looks
 * again in its own transaction: a twin may have been faster.
 *   FAILED_PRECONDITION  IDEMPOTENCY_MISMATCH */
typedef enum ward_code about_replay(void *arg, struct ward_db *db, struct ward_val answer,
                                    struct ward_err *err);
WARD_MUST enum ward_code about_again(struct ward_call *c, const struct ward_idem *idem,
                                     about_replay *replay, void *arg, bool *again);

/* A face on its way into the database. */
struct new_face {
    struct worker *w;
    struct ward_arena *mem;
    struct kept_template kept;
    const float *embedding;
    ProtobufCBinaryData photograph;
    uint8_t *sealed; /* room for the sealed photograph; NULL: it is not kept */
    bool key_is_new;
    uint8_t key_sha256[WARD_SHA256_SIZE]; /* of a new one */
};
/* A template of the photograph, for this subject; kept as a sealed photograph too if `keep`. */
WARD_MUST enum ward_code new_face(struct ward_call *c, const struct photo *p,
                                  const ProtobufCBinaryData *photograph, bool keep,
                                  const uint8_t subject[IDENTITY_ID], int kind, int64_t at_us,
                                  struct new_face *out);
/* Inside a transaction, the subject held: under its key, or a new one where it has none. */
WARD_MUST enum ward_code new_face_store(struct new_face *f, struct ward_db *db,
                                        struct ward_err *err);
/* Reads a photograph that is to be kept, and asks the liveness that the policy of "enrolment"
 * does.  FAILED_PRECONDITION  why it cannot be used */
WARD_MUST enum ward_code new_face_read(struct ward_call *c,
                                       const ProtobufCBinaryData *photograph, bool largest_only,
                                       bool attended, struct photo *out);

#endif
