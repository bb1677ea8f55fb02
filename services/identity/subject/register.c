/* RegisterSubject: creates a subject without a face. */
#include "common/base/clock.h"
#include "services/identity/subject/about.h"

#include <string.h>

typedef Ward__Identity__V1__RegisterSubjectRequest RegisterRequest;
typedef Ward__Identity__V1__RegisterSubjectResponse RegisterResponse;

#define IDEM_HASH "register request" /* associated data of the keyed hash */

struct registration {
    struct ward_call *call;
    struct ward_event event;
    struct ward_idem idem;
    struct subject subject;
    RegisterResponse *resp;
};

static enum ward_code check(struct ward_call *c, const RegisterRequest *req)
{
    WARD_TRY(api_key(c, req->idempotency_key));
    if (req->kind != WARD__IDENTITY__V1__SUBJECT_KIND__SUBJECT_KIND_PATIENT &&
        req->kind != WARD__IDENTITY__V1__SUBJECT_KIND__SUBJECT_KIND_STAFF)
        return WARD_FAIL_FIELD(c->err, "kind", "must be PATIENT or STAFF");
    if (!rule_is_label(req->external_ref, false))
        return WARD_FAIL_FIELD(c->err, "external_ref",
                               "must be at most 64 visible ASCII characters");
    return birth_year_check(req->birth_year, c->err);
}

static enum ward_code replay(struct registration *r, struct ward_db *db, struct ward_val answer,
                             struct ward_err *err)
{
    ProtobufCMessage *msg = NULL;
    struct ward_event again = r->event;

    WARD_TRY(api_again(r->call, answer,
                       &ward__identity__v1__register_subject_response__descriptor, &msg, err));
    *r->resp = *(RegisterResponse *)msg;
    again.patient = r->resp->subject_id;
    ward_event_note(&again, "replayed", "yes");
    return ward_event_write(&again, db, err);
}

static enum ward_code in_tx(struct ward_db *db, void *arg, struct ward_err *err)
{
    struct registration *r = arg;
    struct ward_arena *mem = r->call->mem;
    struct ward_val answer;
    struct ward_event event = r->event;

    WARD_TRY(ward_idem_find(db, mem, &r->idem, &answer, err));
    if (answer.p != NULL)
        return replay(r, db, answer, err);
    WARD_TRY(subject_insert(db, mem, &r->subject, err));
    event.patient = r->resp->subject_id;
    WARD_TRY(ward_event_write(&event, db, err));
    return ward_call_store_answer(r->call, db, &r->idem, &r->resp->base, err);
}

/* The digest is a keyed hash with the service's hash key. A reference can be guessed, and the
 * row outlives an erasure. */
static enum ward_code fingerprint(struct ward_call *c, const RegisterRequest *req,
                                  uint8_t out[WARD_SHA256_SIZE])
{
    const struct identity *id = ((struct worker *)c->wrk)->id;
    const char *request =
        req->birth_year == 0 /* without a year of birth, the digest of older versions */
            ? ward_printf(c->mem, "%d %s", (int)req->kind, req->external_ref)
            : ward_printf(c->mem, "%d %s %d", (int)req->kind, req->external_ref,
                          req->birth_year);

    if (request == NULL)
        return WARD_FAIL(c->err, RESOURCE_EXHAUSTED, "no memory for the request");
    return ward_keyring_hash(keys_ring(id->keys), IDEM_HASH, request, strlen(request), out,
                             c->err);
}

static enum ward_code enlist(struct ward_call *c, const RegisterRequest *req,
                             RegisterResponse *resp)
{
    struct registration r = {.call = c, .resp = resp};
    char text[37];

    ward_event_begin(&r.event, c, api_event_ctx(c), NULL);
    ward_db_deadline(about_db(c), c->deadline_ns);
    WARD_TRY(check(c, req));
    r.idem = (struct ward_idem){
        .caller = api_caller(c), .method = c->method->path, .key = req->idempotency_key};
    WARD_TRY(fingerprint(c, req, r.idem.request_sha256));
    r.subject = (struct subject){.kind = (int)req->kind,
                                 .external_ref = req->external_ref,
                                 .birth_year = req->birth_year,
                                 .enrolled_at_us = ward_wall_us()};
    ward_uuid7(r.subject.id);
    ward_uuid_text(r.subject.id, text);
    WARD_TRY(ward_call_copy(c, text, &resp->subject_id));
    WARD_TRY(ward_call_copy(c, r.event.event_text, &resp->event_id));
    return ward_db_tx(about_db(c), in_tx, &r, c->err);
}

enum ward_code register_subject_rpc(struct ward_call *c, const ProtobufCMessage *q,
                                    ProtobufCMessage *r)
{
    return enlist(c, (const RegisterRequest *)q, (RegisterResponse *)r);
}
