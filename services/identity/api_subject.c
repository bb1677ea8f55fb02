#include "common/base/clock.h"
#include "services/identity/api.h"

typedef Ward__Identity__V1__GetSubjectRequest GetRequest;
typedef Ward__Identity__V1__GetSubjectResponse GetResponse;
typedef Ward__Identity__V1__WithdrawConsentRequest WithdrawRequest;
typedef Ward__Identity__V1__WithdrawConsentResponse WithdrawResponse;
typedef Ward__Identity__V1__EraseSubjectRequest EraseRequest;
typedef Ward__Identity__V1__EraseSubjectResponse EraseResponse;
typedef Ward__Identity__V1__GetTokenKeysResponse KeysResponse;
typedef Ward__Identity__V1__Template Template;

#define KEYS_MAX_AGE_S 300

/* One call about one subject. */
struct about {
    struct ward_call *call;
    struct act act;
    uint8_t id[IDENTITY_ID];
    char text[37];
    struct subject subject;
    int64_t at_us; /* when it was done; the first time where it was done before */
};

static enum ward_code begin(struct about *a, struct ward_call *c, const char *subject_id)
{
    a->call = c;
    act_begin(&a->act, c, NULL);
    ward_db_deadline(((struct worker *)c->wrk)->db, c->deadline_ns);
    WARD_TRY(api_subject_id(c, subject_id, a->id, a->text));
    act_begin(&a->act, c, a->text);
    return WARD_OK;
}

static enum ward_code not_found(struct ward_err *err)
{
    return WARD_FAIL_REASON(err, NOT_FOUND, "SUBJECT_NOT_FOUND", "no such subject");
}

/* ---- GetSubject ---- */

static enum ward_code fill_templates(struct ward_call *c, const struct kept_template *kept,
                                     size_t n, GetResponse *resp)
{
    Template *t = ward_alloc(c->mem, n * sizeof(*t));

    resp->templates = ward_alloc(c->mem, n * sizeof(Template *));
    if (t == NULL || resp->templates == NULL)
        return WARD_FAIL(c->err, RESOURCE_EXHAUSTED, "no memory for the answer");
    for (size_t i = 0; i < n; i++) {
        ward__identity__v1__template__init(&t[i]);
        t[i].template_id = api_text(kept[i].id);
        t[i].model_sha256 = api_text(kept[i].sealed.model_sha256);
        t[i].eye_distance_px = kept[i].eye_distance_px;
        t[i].detection_score = kept[i].detection_score;
        t[i].created_at_us = kept[i].created_at_us;
        resp->templates[i] = &t[i];
    }
    resp->n_templates = n;
    return WARD_OK;
}

static enum ward_code fill_subject(struct about *a, GetResponse *resp)
{
    struct ward_call *c = a->call;
    const struct subject *s = &a->subject;

    WARD_TRY(api_copy(c, a->text, &resp->subject_id));
    resp->kind = (Ward__Identity__V1__SubjectKind)s->kind;
    resp->external_ref = api_text(s->external_ref);
    resp->enrolled_at_us = s->enrolled_at_us;
    resp->withdrawn_at_us = s->withdrawn_at_us;
    resp->consent = ward_new(c->mem, Ward__Identity__V1__Consent);
    if (resp->consent == NULL)
        return WARD_FAIL(c->err, RESOURCE_EXHAUSTED, "no memory for the answer");
    ward__identity__v1__consent__init(resp->consent);
    resp->consent->purpose = api_text(s->purpose);
    resp->consent->text_version = api_text(s->text_version);
    resp->consent->given_by = api_text(s->given_by);
    return WARD_OK;
}

static enum ward_code note_read(struct ward_db *db, void *arg, struct ward_err *err)
{
    return act_write(&((struct about *)arg)->act, db, err);
}

static enum ward_code get_subject(struct ward_call *c, const GetRequest *req, GetResponse *resp)
{
    struct ward_db *db = ((struct worker *)c->wrk)->db;
    struct kept_template *kept = NULL;
    struct about a = {0};
    size_t n = 0;

    WARD_TRY(begin(&a, c, req->subject_id));
    WARD_TRY(subject_find(db, c->mem, a.id, false, &a.subject, c->err));
    if (a.subject.erased_at_us != 0)
        return not_found(c->err);
    WARD_TRY(templates_list(db, c->mem, a.id, &kept, &n, c->err));
    WARD_TRY(fill_subject(&a, resp));
    WARD_TRY(fill_templates(c, kept, n, resp));
    return ward_db_tx(db, note_read, &a, c->err);
}

enum ward_code get_subject_rpc(struct ward_call *c, const ProtobufCMessage *q,
                               ProtobufCMessage *r)
{
    return get_subject(c, (const GetRequest *)q, (GetResponse *)r);
}

/* ---- WithdrawConsent ---- */

static enum ward_code withdraw_in_tx(struct ward_db *db, void *arg, struct ward_err *err)
{
    struct about *a = arg;
    struct ward_arena *mem = a->call->mem;
    struct act act = a->act;

    WARD_TRY(subject_find(db, mem, a->id, true, &a->subject, err));
    if (a->subject.erased_at_us != 0)
        return not_found(err);
    a->at_us = a->subject.withdrawn_at_us;
    if (a->at_us != 0) {
        act_note(&act, "already", "yes");
    } else {
        a->at_us = ward_wall_us();
        WARD_TRY(face_forget(db, mem, a->id, a->at_us, err));
    }
    return act_write(&act, db, err);
}

static enum ward_code withdraw(struct ward_call *c, const WithdrawRequest *req,
                               WithdrawResponse *resp)
{
    struct about a = {0};

    WARD_TRY(begin(&a, c, req->subject_id));
    WARD_TRY(api_copy(c, a.act.event_text, &resp->event_id));
    WARD_TRY(ward_db_tx(((struct worker *)c->wrk)->db, withdraw_in_tx, &a, c->err));
    resp->withdrawn_at_us = a.at_us;
    return WARD_OK;
}

enum ward_code withdraw_consent_rpc(struct ward_call *c, const ProtobufCMessage *q,
                                    ProtobufCMessage *r)
{
    return withdraw(c, (const WithdrawRequest *)q, (WithdrawResponse *)r);
}

/* ---- EraseSubject ---- */

static enum ward_code erase_in_tx(struct ward_db *db, void *arg, struct ward_err *err)
{
    struct about *a = arg;
    struct ward_arena *mem = a->call->mem;
    struct act act = a->act;

    WARD_TRY(subject_find(db, mem, a->id, true, &a->subject, err));
    a->at_us = a->subject.erased_at_us;
    if (a->at_us != 0) {
        act_note(&act, "already", "yes");
    } else {
        a->at_us = ward_wall_us();
        WARD_TRY(face_forget(db, mem, a->id, a->at_us, err));
        WARD_TRY(subject_erase(db, mem, a->id, a->at_us, err));
    }
    return act_write(&act, db, err);
}

static enum ward_code erase(struct ward_call *c, const EraseRequest *req, EraseResponse *resp)
{
    struct about a = {0};

    WARD_TRY(begin(&a, c, req->subject_id));
    WARD_TRY(api_copy(c, a.act.event_text, &resp->event_id));
    WARD_TRY(ward_db_tx(((struct worker *)c->wrk)->db, erase_in_tx, &a, c->err));
    resp->erased_at_us = a.at_us;
    return WARD_OK;
}

enum ward_code erase_subject_rpc(struct ward_call *c, const ProtobufCMessage *q,
                                 ProtobufCMessage *r)
{
    return erase(c, (const EraseRequest *)q, (EraseResponse *)r);
}

/* ---- GetTokenKeys: on the poll thread, from memory ---- */

enum ward_code get_token_keys_rpc(struct ward_call *c, const ProtobufCMessage *q,
                                  ProtobufCMessage *r)
{
    const struct identity *id = c->svc;
    KeysResponse *resp = (KeysResponse *)r;
    Ward__Identity__V1__TokenKey *key = ward_new(c->mem, Ward__Identity__V1__TokenKey);

    (void)q;
    resp->keys = ward_alloc(c->mem, sizeof(*resp->keys));
    if (key == NULL || resp->keys == NULL)
        return WARD_FAIL(c->err, RESOURCE_EXHAUSTED, "no memory for the answer");
    ward__identity__v1__token_key__init(key);
    key->public_key.data = (uint8_t *)(uintptr_t)ward_sign_key_public(id->ppid);
    key->public_key.len = WARD_ED25519_PUB;
    key->kid = api_text(id->ppid_kid);
    resp->keys[0] = key;
    resp->n_keys = 1;
    resp->max_age_s = KEYS_MAX_AGE_S;
    return WARD_OK;
}
