/* about.h - common functions of all calls about one subject, and of new faces.
 *
 * Threads: each worker uses its own call. Memory: the call's arena. Errors: those in the
 * .proto. */
#ifndef IDENTITY_SUBJECT_ABOUT_H
#define IDENTITY_SUBJECT_ABOUT_H

#include "services/identity/api.h"
#include "services/identity/subject/rows.h"

/* One call about one subject. */
struct about {
    struct ward_call *call;
    struct ward_event event; /* the transaction copies the event, because it may run twice */
    uint8_t id[IDENTITY_ID];
    char text[37];
    struct subject subject;
    int64_t at_us; /* time of the change; for a repeated call, the time of the first call */
};
WARD_MUST enum ward_code about_begin(struct about *a, struct ward_call *c,
                                     const char *subject_id);
/* The worker's connection. */
struct ward_db *about_db(const struct ward_call *c);

/* Hexadecimal text in the arena; "" if the arena is full. */
const char *about_hex(struct ward_arena *mem, const uint8_t *bytes, size_t n);
/* The digest of the subject's key in hexadecimal; "" if the subject never had a key. */
const char *about_key(struct ward_arena *mem, const struct subject *s);

/* INVALID_ARGUMENT (for the field `at` and a member of it) unless all members of the consent
 * are in range. */
WARD_MUST enum ward_code about_consent(struct ward_call *c, const char *at,
                                       const Ward__Identity__V1__Consent *consent);
/* INVALID_ARGUMENT  retain_until_us is in the past */
WARD_MUST enum ward_code about_retention(struct ward_call *c, int64_t until_us);
/* The default end of retention for a face that is enrolled now; 0: never. */
int64_t about_retained(const struct identity *id, int64_t now_us);

/* Call before any other work. If an answer is stored under this idempotency key, `replay`
 * returns the answer and writes an event, in a transaction of its own, and *again is true.
 * Otherwise nothing is changed. The caller must check again inside its own transaction, because
 * a concurrent call may have stored an answer meanwhile.
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
    /* memory for the encrypted photograph; NULL: the photograph is not stored */
    uint8_t *sealed;
    bool key_is_new;
    uint8_t key_sha256[WARD_SHA256_SIZE]; /* digest of a new key */
};
/* Prepares a template from the photograph for this subject. `keep`: the photograph is also
 * encrypted and stored. */
WARD_MUST enum ward_code new_face(struct ward_call *c, const struct photo *p,
                                  const ProtobufCBinaryData *photograph, bool keep,
                                  const uint8_t subject[IDENTITY_ID], int kind, int64_t at_us,
                                  struct new_face *out);
/* Call inside a transaction, with the subject locked. Stores the face under the subject's key,
 * or under a new key if the subject has none. */
WARD_MUST enum ward_code new_face_store(struct new_face *f, struct ward_db *db,
                                        struct ward_err *err);
/* Reads a photograph that will be stored, and requires the liveness that the policy of
 * "enrolment" demands.
 *   FAILED_PRECONDITION  the photograph is unusable: the reason says why */
WARD_MUST enum ward_code new_face_read(struct ward_call *c,
                                       const ProtobufCBinaryData *photograph, bool largest_only,
                                       bool attended, struct photo *out);

#endif
