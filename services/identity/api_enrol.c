#include "common/base/clock.h"
#include "common/db/outbox.h"
#include "common/rpc/wire.h"
#include "services/identity/api.h"

#include <string.h>

typedef Ward__Identity__V1__EnrolRequest EnrolRequest;
typedef Ward__Identity__V1__EnrolResponse EnrolResponse;
typedef Ward__Identity__V1__Consent Consent;

struct enrolment {
    struct ward_call *call;
    struct act act;
    struct ward_idem idem;
    struct subject subject;
    struct kept_template kept;
    EnrolResponse *resp;
};

static enum ward_code check_consent(struct ward_call *c, const Consent *consent)
{
    if (consent == NULL)
        return WARD_FAIL_FIELD(c->err, "consent", "is missing: without it nobody is enrolled");
    if (!rule_is_word(consent->purpose))
        return WARD_FAIL_FIELD(c->err, "consent.purpose", "must be 1 to 64 of a-z, 0-9 and -");
    if (!rule_is_label(consent->text_version, true))
        return WARD_FAIL_FIELD(c->err, "consent.text_version",
                               "must be 1 to 64 visible ASCII characters");
    if (*consent->given_by == '\0' || strlen(consent->given_by) > 64)
        return WARD_FAIL_FIELD(c->err, "consent.given_by", "must be 1 to 64 bytes");
    return WARD_OK;
}

static enum ward_code check(struct ward_call *c, const EnrolRequest *req)
{
    if (*req->idempotency_key == '\0' || strlen(req->idempotency_key) > 128)
        return WARD_FAIL_FIELD(c->err, "idempotency_key", "must be 1 to 128 bytes");
    if (req->kind != WARD__IDENTITY__V1__SUBJECT_KIND__SUBJECT_KIND_PATIENT &&
        req->kind != WARD__IDENTITY__V1__SUBJECT_KIND__SUBJECT_KIND_STAFF)
        return WARD_FAIL_FIELD(c->err, "kind", "must be PATIENT or STAFF");
    if (!rule_is_label(req->external_ref, false))
        return WARD_FAIL_FIELD(c->err, "external_ref",
                               "must be at most 64 visible ASCII characters");
    return check_consent(c, req->consent);
}

/* What makes two requests the same. */
static void fingerprint(const EnrolRequest *req, uint8_t out[WARD_SHA256_SIZE])
{
    const char *texts[] = {req->external_ref, req->consent->purpose, req->consent->text_version,
                           req->consent->given_by};
    uint8_t kind = (uint8_t)req->kind;
    struct ward_bytes parts[6] = {{&kind, 1}};

    for (int i = 0; i < 4; i++) /* with their NULs, so that "a"+"bc" is not "ab"+"c" */
        parts[i + 1] = (struct ward_bytes){texts[i], strlen(texts[i]) + 1};
    parts[5] = (struct ward_bytes){req->photograph.data, req->photograph.len};
    ward_sha256_parts(parts, 6, out);
}

static enum ward_code read_photo(struct enrolment *e, const EnrolRequest *req, struct photo *p)
{
    struct ward_call *c = e->call;
    struct ward_stop stop = api_stop(c);

    WARD_TRY(photo_read(c->wrk, c->mem, &stop, req->photograph.data, req->photograph.len, p,
                        c->err));
    if (p->gate != USABLE)
        return WARD_FAIL_REASON(c->err, FAILED_PRECONDITION, gate_reason(p->gate), "%s",
                                gate_advice(p->gate));
    return WARD_OK;
}

static enum ward_code fill(struct enrolment *e, const EnrolRequest *req, const struct photo *p)
{
    struct ward_call *c = e->call;
    const struct identity *id = ((struct worker *)c->wrk)->id;
    char subject[37];

    e->subject = (struct subject){.kind = (int)req->kind,
                                  .external_ref = req->external_ref,
                                  .enrolled_at_us = ward_wall_us(),
                                  .purpose = req->consent->purpose,
                                  .text_version = req->consent->text_version,
                                  .given_by = req->consent->given_by};
    ward_uuid7(e->subject.id);
    ward_uuid_text(e->subject.id, subject);
    memcpy(e->kept.sealed.subject_id, e->subject.id, IDENTITY_ID);
    ward_uuid7(e->kept.sealed.template_id);
    ward_uuid_text(e->kept.sealed.template_id, e->kept.id);
    memcpy(e->kept.sealed.model_sha256, face_pack_sha256(id->pack), 65);
    e->kept.eye_distance_px = p->eye_distance_px;
    e->kept.detection_score = p->detection_score;
    e->kept.created_at_us = e->subject.enrolled_at_us;
    WARD_TRY(seal_template(id->kek, p->face.embedding, &e->kept.sealed, c->err));

    WARD_TRY(api_copy(c, subject, &e->resp->subject_id));
    WARD_TRY(api_copy(c, e->kept.id, &e->resp->template_id));
    WARD_TRY(api_copy(c, e->kept.sealed.model_sha256, &e->resp->model_sha256));
    WARD_TRY(api_copy(c, e->act.event_text, &e->resp->event_id));
    return api_quality(c, p, &e->resp->quality);
}

/* The stored answer again, and an event that says so. */
static enum ward_code replay(struct enrolment *e, struct ward_db *db, struct ward_val answer,
                             struct ward_err *err)
{
    ProtobufCMessage *msg = NULL;
    struct act again = e->act;

    WARD_TRY(ward_wire_unpack(&ward__identity__v1__enrol_response__descriptor,
                              (const uint8_t *)answer.p, answer.n, e->call->mem, &msg, err));
    *e->resp = *(EnrolResponse *)msg;
    again.subject = e->resp->subject_id;
    act_note(&again, "replayed", "yes");
    return act_write(&again, db, err);
}

static enum ward_code in_tx(struct ward_db *db, void *arg, struct ward_err *err)
{
    struct enrolment *e = arg;
    struct ward_arena *mem = e->call->mem;
    struct act first = e->act;
    struct ward_val answer;
    uint8_t *bytes;
    size_t n;

    WARD_TRY(ward_idem_find(db, mem, &e->idem, &answer, err));
    if (answer.p != NULL)
        return replay(e, db, answer, err);
    WARD_TRY(subject_add(db, mem, &e->subject, &e->kept, err));
    first.subject = e->resp->subject_id;
    act_note(&first, "template", e->kept.id);
    act_note(&first, "model", e->kept.sealed.model_sha256);
    act_note(&first, "consent_text", e->subject.text_version);
    act_note_num(&first, "eye_distance_px", e->kept.eye_distance_px);
    WARD_TRY(act_write(&first, db, err));
    n = ward__identity__v1__enrol_response__get_packed_size(e->resp);
    bytes = ward_alloc(mem, n);
    if (bytes == NULL)
        return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory for the answer");
    ward__identity__v1__enrol_response__pack(e->resp, bytes);
    return ward_idem_keep(db, &e->idem, bytes, n, err);
}

static enum ward_code enrol(struct ward_call *c, const EnrolRequest *req, EnrolResponse *resp)
{
    struct worker *w = c->wrk;
    struct enrolment e = {.call = c, .resp = resp};
    struct photo p;

    act_begin(&e.act, c, NULL);
    ward_db_deadline(w->db, c->deadline_ns);
    WARD_TRY(check(c, req));
    e.idem = (struct ward_idem){
        .caller = c->who->subject, .method = c->method->path, .key = req->idempotency_key};
    fingerprint(req, e.idem.request_sha256);
    WARD_TRY(read_photo(&e, req, &p));
    WARD_TRY(fill(&e, req, &p));
    return ward_db_tx(w->db, in_tx, &e, c->err);
}

enum ward_code enrol_rpc(struct ward_call *c, const ProtobufCMessage *q, ProtobufCMessage *r)
{
    return enrol(c, (const EnrolRequest *)q, (EnrolResponse *)r);
}
