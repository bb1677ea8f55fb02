/* AddTemplate and RemoveTemplate. */
#include "common/base/clock.h"
#include "services/identity/subject/about.h"
#include "services/identity/subject/duplicates.h"

#include <string.h>

typedef Ward__Identity__V1__AddTemplateRequest AddRequest;
typedef Ward__Identity__V1__AddTemplateResponse AddResponse;
typedef Ward__Identity__V1__RemoveTemplateRequest RemoveRequest;
typedef Ward__Identity__V1__RemoveTemplateResponse RemoveResponse;

/* The false match rate for an added photograph. The comparison guards against mistakes at a
 * desk where staff know the person. At 1e-4, one of eight correct photographs would be rejected
 * (docs/models.md). */
#define ADD_FMR 1e-3

struct addition {
    struct about about;
    struct ward_idem idem;
    const AddRequest *req;
    AddResponse *resp;
    struct photo photo;
    struct new_face face;
    double threshold, score; /* threshold 0: the subject has no template to compare with */
    bool searchable;
    struct lookalikes found;
};

static struct worker *worker_of(const struct about *a)
{
    return a->call->wrk;
}

/* ---- the same person ---- */

/* Computes the cosine of v with the subject's templates of one model. *any is false if the
 * subject has none. v has length 1 and is not transformed. */
static enum ward_code likeness(struct about *a, const char *model, const float *v, bool *any,
                               double *score, struct ward_err *err)
{
    struct worker *w = worker_of(a);
    struct fused all = {0};
    float turned[TEMPLATE_DIM_MAX] = {0};
    enum ward_code code;

    WARD_TRY(subject_fused(w, a->call->mem, &a->subject, model, &all, err));
    *any = all.n > 0;
    if (all.n == 0)
        return WARD_OK;
    memcpy(turned, v, (size_t)all.dim * sizeof(float));
    code = keys_turn(w->id->keys, w->db, a->subject.kind, all.generation, all.dim, turned, err);
    if (code == WARD_OK)
        *score = face_cosine(all.v, turned, all.dim);
    ward_wipe(&all, sizeof(all));
    ward_wipe(turned, sizeof(turned));
    return code;
}

/* Embeds the photograph's face with the former pack. */
static enum ward_code former_face(struct addition *ad, struct face *out, struct ward_err *err)
{
    struct ward_call *c = ad->about.call;
    struct worker *w = c->wrk;
    struct ward_stop stop = api_stop(c);
    struct pixels im;

    WARD_TRY(photo_decode(c->mem, ad->req->photograph.data, ad->req->photograph.len, &im, err));
    WARD_TRY(face_locate(w->former, c->mem, &stop, &im, &ad->photo.box, out, err));
    return face_embed(w->former, c->mem, &stop, &im, out, err);
}

/* Compares the photograph with templates of the loaded model. If the subject has only templates
 * of the former pack, compares with those. If the subject has no template, accepts any face. */
static enum ward_code same_person(struct addition *ad, struct ward_err *err)
{
    struct about *a = &ad->about;
    const struct identity *id = worker_of(a)->id;
    const struct loaded_pack *pack = &id->now;
    struct face former;
    struct ward_err none = {0};
    bool any = false, beyond;
    double score = 0;
    enum ward_code code;

    code = likeness(a, face_pack_sha256(id->now.pack), ad->photo.face.embedding, &any, &score,
                    &none);
    if (code == WARD_FAILED_PRECONDITION && strcmp(none.reason, "MODEL_CHANGED") == 0 &&
        id->former.pack != NULL) {
        pack = &id->former;
        WARD_TRY(former_face(ad, &former, err));
        code = likeness(a, face_pack_sha256(pack->pack), former.embedding, &any, &score, &none);
    }
    if (code != WARD_OK) {
        if (err != NULL)
            *err = none;
        return code;
    }
    WARD_TRY(calibration_verify(&pack->calibration, ADD_FMR, &ad->threshold, &beyond, err));
    if (any && !(score >= ad->threshold))
        return WARD_FAIL_REASON(err, FAILED_PRECONDITION, "FACE_DIFFERS",
                                "the photograph does not match this subject's other templates");
    ad->score = any ? score : 0;
    ad->resp->score = any ? rule_score_told(&pack->calibration, ad->threshold, score) : 0;
    return WARD_OK;
}

/* ---- AddTemplate ---- */

static enum ward_code room_for_one(struct about *a, struct ward_db *db, struct ward_err *err)
{
    int64_t n = 0;

    WARD_TRY(templates_count(db, a->call->mem, a->id,
                             face_pack_sha256(worker_of(a)->id->now.pack), &n, err));
    if (n >= TEMPLATES_MAX)
        return WARD_FAIL_REASON(
            err, RESOURCE_EXHAUSTED, "TOO_MANY_TEMPLATES",
            "the subject has %d templates of this model, the maximum: remove one first",
            TEMPLATES_MAX);
    return WARD_OK;
}

/* Checks the consent while the subject is locked, and whether the photograph may be stored. */
static enum ward_code permitted(struct addition *ad, struct ward_db *db, bool *keep,
                                struct ward_err *err)
{
    struct about *a = &ad->about;
    struct consent_entry *list = NULL;
    size_t n = 0;

    WARD_TRY(face_of_age(worker_of(a)->id, a->subject.kind, a->subject.birth_year, err));
    WARD_TRY(consents_of(db, a->call->mem, a->id, &list, &n, err));
    if (!consent_to_face(list, n, a->subject.kind))
        return consent_missing(err);
    *keep = consent_stands(list, n, PURPOSE_PHOTO);
    ad->searchable = consent_stands(list, n, purpose_of_search(a->subject.kind));
    return WARD_OK;
}

/* Stores the first template of a face that is enrolled again after its end: the face gets a
 * retention time, and pairs with similar faces are queued. */
static enum ward_code store_first(struct addition *ad, struct ward_db *db, struct ward_err *err)
{
    struct about *a = &ad->about;
    struct ward_arena *mem = a->call->mem;
    int64_t now_us = ad->face.kept.created_at_us;
    int n;

    if (!ad->face.key_is_new)
        return WARD_OK;
    if (a->subject.retain_until_us == 0)
        WARD_TRY(subject_retain(db, mem, a->id, about_retained(worker_of(a)->id, now_us), err));
    if (!ad->searchable)
        return WARD_OK;
    return duplicates_keep(db, mem, a->id, &ad->found, now_us, &n, err);
}

static enum ward_code tell(struct addition *ad, struct ward_db *db, struct ward_err *err)
{
    struct about *a = &ad->about;
    struct ward_event event = a->event;

    ward_event_note(&event, "template", ad->face.kept.id);
    ward_event_note(&event, "model", ad->face.kept.sealed.model_sha256);
    ward_event_note_num(&event, "score", ad->score);
    ward_event_note_num(&event, "threshold", ad->threshold);
    if (ad->face.key_is_new)
        ward_event_note(
            &event, "key_sha256",
            about_hex(a->call->mem, ad->face.key_sha256, sizeof(ad->face.key_sha256)));
    if (ad->face.sealed != NULL)
        ward_event_note(&event, "photograph", "kept sealed");
    return ward_event_write(&event, db, err);
}

static enum ward_code replay(void *arg, struct ward_db *db, struct ward_val answer,
                             struct ward_err *err)
{
    struct addition *ad = arg;
    ProtobufCMessage *msg = NULL;
    struct ward_event again = ad->about.event;

    WARD_TRY(api_again(ad->about.call, answer,
                       &ward__identity__v1__add_template_response__descriptor, &msg, err));
    *ad->resp = *(AddResponse *)msg;
    ward_event_note(&again, "replayed", "yes");
    return ward_event_write(&again, db, err);
}

static enum ward_code add_in_tx(struct ward_db *db, void *arg, struct ward_err *err)
{
    struct addition *ad = arg;
    struct about *a = &ad->about;
    struct ward_arena *mem = a->call->mem;
    struct ward_val answer;
    bool keep = false;

    WARD_TRY(ward_idem_find(db, mem, &ad->idem, &answer, err));
    if (answer.p != NULL)
        return replay(ad, db, answer, err);
    WARD_TRY(subject_hold(db, mem, a->id, &a->subject, err));
    WARD_TRY(permitted(ad, db, &keep, err));
    WARD_TRY(room_for_one(a, db, err));
    WARD_TRY(same_person(ad, err));
    WARD_TRY(new_face(a->call, &ad->photo, &ad->req->photograph, keep, a->id, a->subject.kind,
                      ward_wall_us(), &ad->face));
    WARD_TRY(new_face_store(&ad->face, db, err));
    WARD_TRY(store_first(ad, db, err));
    WARD_TRY(ward_call_copy(a->call, ad->face.kept.id, &ad->resp->template_id));
    WARD_TRY(tell(ad, db, err));
    WARD_TRY(ward_call_store_answer(a->call, db, &ad->idem, &ad->resp->base, err));
    return gallery_changed(worker_of(a)->id->gallery, db, mem, a->id, err);
}

/* Checks before the photograph is evaluated: the subject exists, and a template is
 * permitted. */
static enum ward_code admit(struct addition *ad)
{
    struct about *a = &ad->about;
    struct ward_call *c = a->call;
    bool keep;

    WARD_TRY(subject_alive(about_db(c), c->mem, a->id, &a->subject, c->err));
    return permitted(ad, about_db(c), &keep, c->err);
}

/* Searches for similar faces if the subject has no key, and is therefore new to the gallery. */
static enum ward_code look_for_others(struct addition *ad)
{
    struct about *a = &ad->about;
    struct ward_call *c = a->call;
    struct ward_stop stop = api_stop(c);
    struct ward_wrapped_key w;
    bool has_key = false;

    WARD_TRY(face_key_of(about_db(c), c->mem, a->id, false, &w, &has_key, c->err));
    if (!has_key && ad->searchable)
        duplicates_find(c->wrk, c->mem, &stop, a->id, a->subject.kind, ad->photo.face.embedding,
                        &ad->found);
    return WARD_OK;
}

static enum ward_code add(struct ward_call *c, const AddRequest *req, AddResponse *resp)
{
    struct addition ad = {.req = req, .resp = resp};
    uint8_t how = (uint8_t)((req->largest_only ? 1 : 0) | (req->attended ? 2 : 0));
    bool again = false;

    WARD_TRY(about_begin(&ad.about, c, req->subject_id));
    WARD_TRY(api_key(c, req->idempotency_key));
    if (req->attended)
        ward_event_note(&ad.about.event, "attended", "yes");
    ad.idem = (struct ward_idem){
        .caller = api_caller(c), .method = c->method->path, .key = req->idempotency_key};
    ward_sha256_parts((const struct ward_bytes[]){{ad.about.id, IDENTITY_ID},
                                                  {&how, 1},
                                                  {req->photograph.data, req->photograph.len}},
                      3, ad.idem.request_sha256);
    WARD_TRY(about_again(c, &ad.idem, replay, &ad, &again));
    if (again)
        return WARD_OK;
    WARD_TRY(admit(&ad));
    WARD_TRY(new_face_read(c, &req->photograph, req->largest_only, req->attended, &ad.photo));
    WARD_TRY(look_for_others(&ad));
    WARD_TRY(api_quality(c, &ad.photo, &resp->quality));
    WARD_TRY(ward_call_copy(c, face_pack_sha256(((struct worker *)c->wrk)->id->now.pack),
                            &resp->model_sha256));
    WARD_TRY(ward_call_copy(c, ad.about.event.event_text, &resp->event_id));
    return ward_db_tx(about_db(c), add_in_tx, &ad, c->err);
}

enum ward_code add_template_rpc(struct ward_call *c, const ProtobufCMessage *q,
                                ProtobufCMessage *r)
{
    return add(c, (const AddRequest *)q, (AddResponse *)r);
}

/* ---- RemoveTemplate ---- */

struct removal {
    struct about about;
    uint8_t template_id[IDENTITY_ID];
    char text[37];
    bool removed;
};

static enum ward_code remove_in_tx(struct ward_db *db, void *arg, struct ward_err *err)
{
    struct removal *rm = arg;
    struct about *a = &rm->about;
    struct ward_arena *mem = a->call->mem;
    struct ward_event event = a->event;

    WARD_TRY(subject_hold(db, mem, a->id, &a->subject, err));
    WARD_TRY(template_remove(db, a->id, rm->template_id, &rm->removed, err));
    ward_event_note(&event, "template", rm->text);
    if (!rm->removed)
        ward_event_note(&event, "already", "yes");
    WARD_TRY(ward_event_write(&event, db, err));
    if (!rm->removed)
        return WARD_OK;
    return gallery_changed(worker_of(a)->id->gallery, db, mem, a->id, err);
}

static enum ward_code take_away(struct ward_call *c, const RemoveRequest *req,
                                RemoveResponse *resp)
{
    struct removal rm = {0};

    WARD_TRY(about_begin(&rm.about, c, req->subject_id));
    WARD_TRY(ward_call_id(c, "template_id", req->template_id, rm.template_id, rm.text));
    WARD_TRY(ward_call_copy(c, rm.about.event.event_text, &resp->event_id));
    WARD_TRY(ward_db_tx(about_db(c), remove_in_tx, &rm, c->err));
    resp->removed = rm.removed;
    return WARD_OK;
}

enum ward_code remove_template_rpc(struct ward_call *c, const ProtobufCMessage *q,
                                   ProtobufCMessage *r)
{
    return take_away(c, (const RemoveRequest *)q, (RemoveResponse *)r);
}
