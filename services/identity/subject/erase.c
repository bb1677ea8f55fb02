/* EraseSubject: deletes a subject's data, and destroys the key of the face. */
#include "common/base/clock.h"
#include "services/identity/subject/about.h"

typedef Ward__Identity__V1__EraseSubjectRequest EraseRequest;
typedef Ward__Identity__V1__EraseSubjectResponse EraseResponse;

static enum ward_code erase_now(struct about *a, struct ward_db *db, struct ward_event *event,
                                struct ward_err *err)
{
    struct ward_call *c = a->call;
    const struct identity *id = ((struct worker *)c->wrk)->id;
    bool had = false;
    uint64_t n;

    a->at_us = ward_wall_us();
    WARD_TRY(consents_end(db, c->mem, a->id, "", c->who->subject, a->at_us, &n, err));
    WARD_TRY(face_forget(id->keys, db, c->mem, a->id, a->at_us, &had, err));
    WARD_TRY(subject_clear(db, c->mem, a->id, a->at_us, err));
    if (had)
        ward_event_note(event, "key", "destroyed");
    return subject_find(db, c->mem, a->id, false, &a->subject, err);
}

static enum ward_code in_tx(struct ward_db *db, void *arg, struct ward_err *err)
{
    struct about *a = arg;
    struct ward_call *c = a->call;
    const struct identity *id = ((struct worker *)c->wrk)->id;
    struct ward_event event = a->event;
    bool already;

    WARD_TRY(subject_find(db, c->mem, a->id, true, &a->subject, err));
    a->at_us = a->subject.erased_at_us;
    already = a->at_us != 0;
    if (already)
        ward_event_note(&event, "already", "yes");
    else
        WARD_TRY(erase_now(a, db, &event, err));
    if (a->subject.has_key_sha256)
        ward_event_note(&event, "key_sha256", about_key(c->mem, &a->subject));
    WARD_TRY(ward_event_write(&event, db, err));
    return already ? WARD_OK : gallery_changed(id->gallery, db, c->mem, a->id, err);
}

static enum ward_code erase(struct ward_call *c, const EraseRequest *req, EraseResponse *resp)
{
    struct about a = {0};

    WARD_TRY(about_begin(&a, c, req->subject_id));
    WARD_TRY(ward_call_copy(c, a.event.event_text, &resp->event_id));
    WARD_TRY(ward_db_tx(about_db(c), in_tx, &a, c->err));
    resp->erased_at_us = a.at_us;
    resp->key_sha256 = api_text(about_key(c->mem, &a.subject));
    return WARD_OK;
}

enum ward_code erase_subject_rpc(struct ward_call *c, const ProtobufCMessage *q,
                                 ProtobufCMessage *r)
{
    return erase(c, (const EraseRequest *)q, (EraseResponse *)r);
}
