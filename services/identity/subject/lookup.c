/* GetSubject: returns the data of a subject, without biometrics. */
#include "services/identity/subject/about.h"

#include <string.h>

typedef Ward__Identity__V1__GetSubjectRequest GetRequest;
typedef Ward__Identity__V1__GetSubjectResponse GetResponse;
typedef Ward__Identity__V1__Template Template;
typedef Ward__Identity__V1__Consent Consent;
typedef Ward__Identity__V1__ConsentEntry Entry;

static enum ward_code no_memory(struct ward_call *c)
{
    return WARD_FAIL(c->err, RESOURCE_EXHAUSTED, "no memory for the answer");
}

static enum ward_code fill_templates(struct about *a, GetResponse *resp)
{
    struct ward_call *c = a->call;
    struct kept_template *kept = NULL;
    size_t n = 0;
    Template *t;

    WARD_TRY(templates_list(about_db(c), c->mem, a->id, &kept, &n, c->err));
    t = ward_alloc(c->mem, n * sizeof(*t));
    resp->templates = ward_alloc(c->mem, n * sizeof(Template *));
    if (t == NULL || resp->templates == NULL)
        return no_memory(c);
    for (size_t i = 0; i < n; i++) {
        ward__identity__v1__template__init(&t[i]);
        t[i].template_id = kept[i].id;
        t[i].model_sha256 = kept[i].sealed.model_sha256;
        t[i].eye_distance_px = kept[i].eye_distance_px;
        t[i].detection_score = kept[i].detection_score;
        t[i].created_at_us = kept[i].created_at_us;
        t[i].generation = kept[i].sealed.generation;
        resp->templates[i] = &t[i];
    }
    resp->n_templates = n;
    return WARD_OK;
}

static Entry *entry(struct ward_arena *mem, const struct consent_entry *from)
{
    Entry *e = ward_new(mem, Entry);
    Consent *c = ward_new(mem, Consent);

    if (e == NULL || c == NULL)
        return NULL;
    ward__identity__v1__consent_entry__init(e);
    ward__identity__v1__consent__init(c);
    c->purpose = api_text(from->purpose);
    c->text_version = api_text(from->text_version);
    c->given_by = api_text(from->given_by);
    e->consent = c;
    e->given_at_us = from->given_at_us;
    e->recorded_by = api_text(from->recorded_by);
    e->withdrawn_at_us = from->withdrawn_at_us;
    e->withdrawn_by = api_text(from->withdrawn_by);
    return e;
}

/* The newest consent to the main use of the face: to Verify, otherwise to searches. */
static const Entry *main_use(const GetResponse *resp, int kind)
{
    const Entry *verify = NULL, *search = NULL;

    for (size_t i = 0; i < resp->n_ledger; i++) {
        if (strcmp(resp->ledger[i]->consent->purpose, purpose_of_verify(kind)) == 0)
            verify = resp->ledger[i];
        else if (strcmp(resp->ledger[i]->consent->purpose, purpose_of_search(kind)) == 0)
            search = resp->ledger[i];
    }
    return verify != NULL ? verify : search;
}

static enum ward_code fill_ledger(struct about *a, GetResponse *resp)
{
    struct ward_call *c = a->call;
    struct consent_entry *list = NULL;
    const Entry *use;
    size_t n = 0;

    WARD_TRY(consents_of(about_db(c), c->mem, a->id, &list, &n, c->err));
    resp->ledger = ward_alloc(c->mem, n * sizeof(Entry *));
    if (resp->ledger == NULL)
        return no_memory(c);
    for (size_t i = 0; i < n; i++) {
        resp->ledger[i] = entry(c->mem, &list[i]);
        if (resp->ledger[i] == NULL)
            return no_memory(c);
    }
    resp->n_ledger = n;
    use = main_use(resp, a->subject.kind);
    if (use != NULL) {
        resp->consent = use->consent;
        resp->withdrawn_at_us = use->withdrawn_at_us;
    }
    return WARD_OK;
}

static enum ward_code fill_rest(struct about *a, GetResponse *resp)
{
    struct ward_call *c = a->call;
    const struct subject *s = &a->subject;
    bool wristband = false;
    int64_t photos = 0;

    WARD_TRY(
        galleries_of(about_db(c), c->mem, a->id, &resp->galleries, &resp->n_galleries, c->err));
    WARD_TRY(identifiers_of(about_db(c), c->mem, a->id, &resp->second_types,
                            &resp->n_second_types, &wristband, c->err));
    WARD_TRY(photos_count(about_db(c), c->mem, a->id, &photos, c->err));
    resp->has_wristband = wristband;
    resp->photograph_kept = photos > 0;
    resp->kind = (Ward__Identity__V1__SubjectKind)s->kind;
    resp->external_ref = api_text(s->external_ref);
    resp->birth_year = s->birth_year;
    resp->enrolled_at_us = s->enrolled_at_us;
    resp->retain_until_us = s->retain_until_us;
    resp->key_destroyed_at_us = s->key_destroyed_at_us;
    resp->key_sha256 = api_text(about_key(c->mem, s));
    return ward_call_copy(c, a->text, &resp->subject_id);
}

static enum ward_code note_read(struct ward_db *db, void *arg, struct ward_err *err)
{
    struct ward_event event = ((struct about *)arg)->event;

    return ward_event_write(&event, db, err);
}

static enum ward_code get_subject(struct ward_call *c, const GetRequest *req, GetResponse *resp)
{
    struct about a = {0};

    WARD_TRY(about_begin(&a, c, req->subject_id));
    WARD_TRY(subject_alive(about_db(c), c->mem, a.id, &a.subject, c->err));
    WARD_TRY(fill_templates(&a, resp));
    WARD_TRY(fill_ledger(&a, resp));
    WARD_TRY(fill_rest(&a, resp));
    return ward_db_tx(about_db(c), note_read, &a, c->err);
}

enum ward_code get_subject_rpc(struct ward_call *c, const ProtobufCMessage *q,
                               ProtobufCMessage *r)
{
    return get_subject(c, (const GetRequest *)q, (GetResponse *)r);
}
