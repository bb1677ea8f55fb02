/* Enrol: creates a subject from one photograph and a consent. */
#include "common/base/clock.h"
#include "services/identity/identity_metrics.h"
#include "services/identity/subject/about.h"
#include "services/identity/subject/duplicates.h"

#include <stdio.h>
#include <string.h>

typedef Ward__Identity__V1__EnrolRequest EnrolRequest;
typedef Ward__Identity__V1__EnrolResponse EnrolResponse;
typedef Ward__Identity__V1__Consent Consent;

#define CONSENTS_MAX  9 /* including the main consent */
#define GALLERIES_MAX 16

struct enrolment {
    struct ward_call *call;
    struct ward_event event;
    struct ward_idem idem;
    struct subject subject;
    struct new_face face;
    struct consent_entry consent[CONSENTS_MAX];
    size_t n_consents;
    const EnrolRequest *req;
    EnrolResponse *resp;
    struct lookalikes found;
    bool searchable, replayed;
};

/* ---- the request ---- */

static enum ward_code check_galleries(struct ward_call *c, const EnrolRequest *req)
{
    if (req->n_galleries > GALLERIES_MAX)
        return WARD_FAIL_FIELD(c->err, "galleries", "are more than %d", GALLERIES_MAX);
    for (size_t i = 0; i < req->n_galleries; i++)
        if (!gallery_is_named(req->galleries[i]))
            return WARD_FAIL_FIELD(
                c->err, "galleries",
                "must be ward/... or clinic/... with 1 to 48 characters of a-z, 0-9, - "
                "and _");
    return WARD_OK;
}

static enum ward_code check_consents(struct ward_call *c, const EnrolRequest *req)
{
    if (req->consent == NULL)
        return WARD_FAIL_FIELD(c->err, "consent", "is required for an enrolment");
    WARD_TRY(about_consent(c, "consent", req->consent));
    if (req->n_more_consents > CONSENTS_MAX - 1)
        return WARD_FAIL_FIELD(c->err, "more_consents", "are more than %d", CONSENTS_MAX - 1);
    for (size_t i = 0; i < req->n_more_consents; i++)
        WARD_TRY(about_consent(c, "more_consents", req->more_consents[i]));
    return WARD_OK;
}

static enum ward_code check(struct ward_call *c, const EnrolRequest *req)
{
    WARD_TRY(api_key(c, req->idempotency_key));
    if (req->kind != WARD__IDENTITY__V1__SUBJECT_KIND__SUBJECT_KIND_PATIENT &&
        req->kind != WARD__IDENTITY__V1__SUBJECT_KIND__SUBJECT_KIND_STAFF)
        return WARD_FAIL_FIELD(c->err, "kind", "must be PATIENT or STAFF");
    if (!rule_is_label(req->external_ref, false))
        return WARD_FAIL_FIELD(c->err, "external_ref",
                               "must be at most 64 visible ASCII characters");
    WARD_TRY(birth_year_check(req->birth_year, c->err));
    WARD_TRY(check_consents(c, req));
    WARD_TRY(check_galleries(c, req));
    return about_retention(c, req->retain_until_us);
}

static const Consent *consent_at(const EnrolRequest *req, size_t i)
{
    return i == 0 ? req->consent : req->more_consents[i - 1];
}

/* A digest that identifies equal requests. Texts include their NULs, so that "a"+"bc" differs
 * from "ab"+"c". */
static void fingerprint(const EnrolRequest *req, uint8_t out[WARD_SHA256_SIZE])
{
    int64_t numbers[] = {req->kind, req->retain_until_us, req->largest_only,
                         (int64_t)req->n_more_consents, (int64_t)req->n_galleries};
    struct ward_bytes parts[5 + 3 * CONSENTS_MAX + GALLERIES_MAX];
    int n = 0;

    parts[n++] = (struct ward_bytes){numbers, sizeof(numbers)};
    parts[n++] = (struct ward_bytes){req->external_ref, strlen(req->external_ref) + 1};
    for (size_t i = 0; i <= req->n_more_consents; i++) {
        const Consent *c = consent_at(req, i);

        parts[n++] = (struct ward_bytes){c->purpose, strlen(c->purpose) + 1};
        parts[n++] = (struct ward_bytes){c->text_version, strlen(c->text_version) + 1};
        parts[n++] = (struct ward_bytes){c->given_by, strlen(c->given_by) + 1};
    }
    for (size_t i = 0; i < req->n_galleries; i++)
        parts[n++] = (struct ward_bytes){req->galleries[i], strlen(req->galleries[i]) + 1};
    /* a request without a year of birth has the digest of older versions */
    if (req->birth_year != 0)
        parts[n++] = (struct ward_bytes){&req->birth_year, sizeof(req->birth_year)};
    if (req->attended)
        parts[n++] = (struct ward_bytes){"attended", sizeof("attended")};
    parts[n++] = (struct ward_bytes){req->photograph.data, req->photograph.len};
    ward_sha256_parts(parts, n, out);
}

/* ---- the result ---- */

static enum ward_code fill_subject(struct enrolment *e)
{
    struct ward_call *c = e->call;
    const struct identity *id = ((struct worker *)c->wrk)->id;
    const EnrolRequest *req = e->req;
    struct subject *s = &e->subject;
    char text[37];

    s->kind = (int)req->kind;
    s->external_ref = req->external_ref;
    s->birth_year = req->birth_year;
    s->enrolled_at_us = ward_wall_us();
    s->retain_until_us = req->retain_until_us != 0 ? req->retain_until_us
                                                   : about_retained(id, s->enrolled_at_us);
    ward_uuid7(s->id);
    ward_uuid_text(s->id, text);
    e->n_consents = req->n_more_consents + 1;
    for (size_t i = 0; i < e->n_consents; i++)
        e->consent[i] = (struct consent_entry){.purpose = consent_at(req, i)->purpose,
                                               .text_version = consent_at(req, i)->text_version,
                                               .given_by = consent_at(req, i)->given_by,
                                               .recorded_by = c->who->subject,
                                               .given_at_us = s->enrolled_at_us};
    e->searchable = consent_stands(e->consent, e->n_consents, purpose_of_search(s->kind));
    return ward_call_copy(c, text, &e->resp->subject_id);
}

static enum ward_code no_consent(const struct enrolment *e, const char *why)
{
    enum ward_code code =
        WARD_FAIL_REASON(e->call->err, FAILED_PRECONDITION, "NO_CONSENT", "%s", why);

    if (e->call->err != NULL)
        snprintf(e->call->err->field, sizeof(e->call->err->field), "consent");
    return code;
}

/* Rejects a request without the required consents: biometrics need a consent to their use, and
 * galleries need a consent to searches. */
static enum ward_code need_consent(struct enrolment *e)
{
    if (!consent_to_face(e->consent, e->n_consents, e->subject.kind))
        return no_consent(e, "no consent permits a use of the face for this kind of subject");
    if (e->req->n_galleries > 0 && !e->searchable)
        return no_consent(e, "a gallery needs a consent to search");
    return WARD_OK;
}

static enum ward_code fill_face(struct enrolment *e, const struct photo *p)
{
    struct ward_call *c = e->call;
    struct ward_stop stop = api_stop(c);
    EnrolResponse *resp = e->resp;
    bool keep = consent_stands(e->consent, e->n_consents, PURPOSE_PHOTO);

    WARD_TRY(new_face(c, p, &e->req->photograph, keep, e->subject.id, e->subject.kind,
                      e->subject.enrolled_at_us, &e->face));
    if (e->searchable)
        duplicates_find(c->wrk, c->mem, &stop, e->subject.id, e->subject.kind,
                        p->face.embedding, &e->found);
    resp->photograph_kept = keep;
    WARD_TRY(ward_call_copy(c, e->face.kept.id, &resp->template_id));
    WARD_TRY(ward_call_copy(c, e->face.kept.sealed.model_sha256, &resp->model_sha256));
    WARD_TRY(ward_call_copy(c, e->event.event_text, &resp->event_id));
    WARD_TRY(api_device(c, &resp->device, &resp->degraded));
    return api_quality(c, p, &resp->quality);
}

/* Returns the stored answer again, and writes an event about the repetition. */
static enum ward_code replay(void *arg, struct ward_db *db, struct ward_val answer,
                             struct ward_err *err)
{
    struct enrolment *e = arg;
    ProtobufCMessage *msg = NULL;
    struct ward_event again = e->event;

    WARD_TRY(
        api_again(e->call, answer, &ward__identity__v1__enrol_response__descriptor, &msg, err));
    *e->resp = *(EnrolResponse *)msg;
    e->replayed = true;
    again.patient = e->resp->subject_id;
    ward_event_note(&again, "replayed", "yes");
    return ward_event_write(&again, db, err);
}

static enum ward_code store(struct enrolment *e, struct ward_db *db, struct ward_err *err)
{
    struct ward_arena *mem = e->call->mem;
    const struct subject *s = &e->subject;

    WARD_TRY(subject_insert(db, mem, s, err));
    for (size_t i = 0; i < e->n_consents; i++)
        WARD_TRY(consent_add(db, mem, s->id, &e->consent[i], err));
    WARD_TRY(galleries_add(db, mem, s->id, e->req->galleries, e->req->n_galleries, err));
    WARD_TRY(new_face_store(&e->face, db, err));
    if (!e->searchable)
        return WARD_OK;
    return duplicates_keep(db, mem, s->id, &e->found, s->enrolled_at_us,
                           &e->resp->possible_duplicates, err);
}

/* The purposes of all consents, separated by commas. */
static const char *purposes(const struct enrolment *e)
{
    const char *all = e->consent[0].purpose;

    for (size_t i = 1; i < e->n_consents && all != NULL; i++)
        all = ward_printf(e->call->mem, "%s,%s", all, e->consent[i].purpose);
    return all == NULL ? "" : all;
}

static enum ward_code tell(struct enrolment *e, struct ward_db *db, struct ward_err *err)
{
    struct ward_arena *mem = e->call->mem;
    struct ward_event event = e->event;

    event.patient = e->resp->subject_id;
    ward_event_note(&event, "template", e->face.kept.id);
    ward_event_note(&event, "model", e->face.kept.sealed.model_sha256);
    ward_event_note(&event, "consent", purposes(e));
    ward_event_note(&event, "consent_text", e->consent[0].text_version);
    ward_event_note(&event, "key_sha256",
                    about_hex(mem, e->face.key_sha256, sizeof(e->face.key_sha256)));
    ward_event_note_num(&event, "eye_distance_px", e->face.kept.eye_distance_px);
    if (e->resp->photograph_kept)
        ward_event_note(&event, "photograph", "kept sealed");
    if (!e->searchable)
        ward_event_note(&event, "duplicates", "no consent to search");
    else if (!e->found.searched)
        ward_event_note(&event, "duplicates", "searched later");
    else
        ward_event_note(&event, "duplicates",
                        e->resp->possible_duplicates == 0 ? "none" : "found");
    return ward_event_write(&event, db, err);
}

static enum ward_code in_tx(struct ward_db *db, void *arg, struct ward_err *err)
{
    struct enrolment *e = arg;
    struct worker *w = e->call->wrk;
    struct ward_arena *mem = e->call->mem;
    struct ward_val answer;

    WARD_TRY(ward_idem_find(db, mem, &e->idem, &answer, err));
    if (answer.p != NULL)
        return replay(e, db, answer, err);
    WARD_TRY(store(e, db, err));
    WARD_TRY(tell(e, db, err));
    WARD_TRY(ward_call_store_answer(e->call, db, &e->idem, &e->resp->base, err));
    return gallery_changed(w->id->gallery, db, mem, e->subject.id, err);
}

static enum ward_code enrol(struct ward_call *c, const EnrolRequest *req, EnrolResponse *resp,
                            bool *replayed)
{
    struct enrolment e = {.call = c, .req = req, .resp = resp};
    struct photo p;

    ward_event_begin(&e.event, c, api_event_ctx(c), NULL);
    ward_db_deadline(about_db(c), c->deadline_ns);
    WARD_TRY(check(c, req));
    if (req->attended)
        ward_event_note(&e.event, "attended", "yes");
    e.idem = (struct ward_idem){
        .caller = api_caller(c), .method = c->method->path, .key = req->idempotency_key};
    fingerprint(req, e.idem.request_sha256);
    WARD_TRY(about_again(c, &e.idem, replay, &e, replayed));
    if (*replayed)
        return WARD_OK;
    WARD_TRY(fill_subject(&e));
    WARD_TRY(
        face_of_age(((struct worker *)c->wrk)->id, e.subject.kind, req->birth_year, c->err));
    WARD_TRY(need_consent(&e));
    WARD_TRY(new_face_read(c, &req->photograph, req->largest_only, req->attended, &p));
    WARD_TRY(fill_face(&e, &p));
    WARD_TRY(ward_db_tx(about_db(c), in_tx, &e, c->err));
    *replayed = e.replayed;
    return WARD_OK;
}

enum outcome { REPLAYED, ENROLLED, REFUSED, INVALID, FAILED };
static const char *const OUTCOMES[] = {
    [REPLAYED] = "REPLAYED", [ENROLLED] = "ENROLLED", [REFUSED] = "REFUSED",
    [INVALID] = "INVALID",   [FAILED] = "FAILED",
};
WARD_METRIC_FROM_ZERO(identity_enrolments, WARD_COUNT(OUTCOMES), OUTCOMES[i], NULL)

enum ward_code enrol_rpc(struct ward_call *c, const ProtobufCMessage *q, ProtobufCMessage *r)
{
    bool replayed = false;
    enum ward_code code = enrol(c, (const EnrolRequest *)q, (EnrolResponse *)r, &replayed);
    enum outcome outcome = replayed                           ? REPLAYED
                           : code == WARD_OK                  ? ENROLLED
                           : code == WARD_FAILED_PRECONDITION ? REFUSED
                           : code == WARD_INVALID_ARGUMENT    ? INVALID
                                                              : FAILED;

    ward_metric_add(ward_series_of(&identity_enrolments, OUTCOMES[outcome], NULL, NULL), 1);
    return code;
}
