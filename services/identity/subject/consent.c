/* GiveConsent, WithdrawConsent and SetRetention. */
#include "common/base/clock.h"
#include "services/identity/subject/about.h"

#include <string.h>

typedef Ward__Identity__V1__GiveConsentRequest GiveRequest;
typedef Ward__Identity__V1__GiveConsentResponse GiveResponse;
typedef Ward__Identity__V1__WithdrawConsentRequest WithdrawRequest;
typedef Ward__Identity__V1__WithdrawConsentResponse WithdrawResponse;
typedef Ward__Identity__V1__SetRetentionRequest RetentionRequest;
typedef Ward__Identity__V1__SetRetentionResponse RetentionResponse;

static struct gallery *gallery_of(const struct about *a)
{
    return ((struct worker *)a->call->wrk)->id->gallery;
}

static struct keys *keys_of(const struct about *a)
{
    return ((struct worker *)a->call->wrk)->id->keys;
}

/* ---- GiveConsent ---- */

struct giving {
    struct about about;
    struct consent_entry consent;
};

/* Finds the valid consent to this purpose and text version. */
static const struct consent_entry *standing(const struct consent_entry *list, size_t n,
                                            const struct consent_entry *like)
{
    for (size_t i = 0; i < n; i++)
        if (list[i].withdrawn_at_us == 0 && strcmp(list[i].purpose, like->purpose) == 0 &&
            strcmp(list[i].text_version, like->text_version) == 0)
            return &list[i];
    return NULL;
}

static enum ward_code give_in_tx(struct ward_db *db, void *arg, struct ward_err *err)
{
    struct giving *g = arg;
    struct about *a = &g->about;
    struct ward_arena *mem = a->call->mem;
    const struct consent_entry *stands;
    struct consent_entry *list = NULL;
    struct ward_event event = a->event;
    size_t n = 0;

    ward_event_note(&event, "consent", g->consent.purpose);
    ward_event_note(&event, "consent_text", g->consent.text_version);
    WARD_TRY(subject_hold(db, mem, a->id, &a->subject, err));
    WARD_TRY(consents_of(db, mem, a->id, &list, &n, err));
    stands = standing(list, n, &g->consent);
    if (stands != NULL) {
        a->at_us = stands->given_at_us;
        ward_event_note(&event, "already", "yes");
        return ward_event_write(&event, db, err);
    }
    a->at_us = g->consent.given_at_us;
    WARD_TRY(consent_add(db, mem, a->id, &g->consent, err));
    WARD_TRY(ward_event_write(&event, db, err));
    return gallery_changed(gallery_of(a), db, mem, a->id, err);
}

static enum ward_code give(struct ward_call *c, const GiveRequest *req, GiveResponse *resp)
{
    struct giving g = {0};

    WARD_TRY(about_begin(&g.about, c, req->subject_id));
    WARD_TRY(about_consent(c, "consent", req->consent));
    g.consent = (struct consent_entry){.purpose = req->consent->purpose,
                                       .text_version = req->consent->text_version,
                                       .given_by = req->consent->given_by,
                                       .recorded_by = c->who->subject,
                                       .given_at_us = ward_wall_us()};
    WARD_TRY(ward_call_copy(c, g.about.event.event_text, &resp->event_id));
    WARD_TRY(ward_db_tx(about_db(c), give_in_tx, &g, c->err));
    resp->given_at_us = g.about.at_us;
    return WARD_OK;
}

enum ward_code give_consent_rpc(struct ward_call *c, const ProtobufCMessage *q,
                                ProtobufCMessage *r)
{
    return give(c, (const GiveRequest *)q, (GiveResponse *)r);
}

/* ---- WithdrawConsent ---- */

struct withdrawal {
    struct about about;
    const char *purpose; /* "": all purposes */
    bool destroyed;      /* the key is destroyed, by this call or before */
};

/* Time of the last withdrawal of a consent to `purpose`; 0: never. */
static int64_t withdrawn(const struct consent_entry *list, size_t n, const char *purpose)
{
    int64_t at = 0;

    for (size_t i = 0; i < n; i++)
        if ((*purpose == '\0' || strcmp(list[i].purpose, purpose) == 0) &&
            list[i].withdrawn_at_us > at)
            at = list[i].withdrawn_at_us;
    return at;
}

enum ward_code consents_enforce(struct keys *keys, struct ward_db *db, struct ward_arena *mem,
                                const struct subject *s, int64_t at_us, bool *had_key,
                                struct ward_err *err)
{
    struct consent_entry *list = NULL;
    size_t n = 0;

    *had_key = false;
    WARD_TRY(consents_of(db, mem, s->id, &list, &n, err));
    if (!consent_to_face(list, n, s->kind))
        WARD_TRY(face_forget(keys, db, mem, s->id, at_us, had_key, err));
    if (!consent_stands(list, n, PURPOSE_PHOTO))
        WARD_TRY(photos_remove(db, s->id, err));
    if (consent_stands(list, n, purpose_of_search(s->kind)))
        return WARD_OK;
    WARD_TRY(galleries_leave(db, s->id, err));
    return duplicates_leave(db, s->id, err);
}

/* Applies the withdrawal, and sets the time and the state of the key for the answer and the
 * event. */
static enum ward_code settle(struct withdrawal *w, struct ward_db *db, struct ward_event *event,
                             int64_t now_us, bool *had_key, struct ward_err *err)
{
    struct about *a = &w->about;
    struct ward_arena *mem = a->call->mem;
    struct consent_entry *list = NULL;
    size_t n = 0;

    WARD_TRY(consents_enforce(keys_of(a), db, mem, &a->subject, now_us, had_key, err));
    WARD_TRY(subject_find(db, mem, a->id, false, &a->subject, err));
    WARD_TRY(consents_of(db, mem, a->id, &list, &n, err));
    a->at_us = withdrawn(list, n, w->purpose);
    w->destroyed = a->subject.key_destroyed_at_us != 0;
    if (w->destroyed)
        ward_event_note(event, "key_sha256", about_key(mem, &a->subject));
    if (*had_key)
        ward_event_note(event, "key", "destroyed");
    return WARD_OK;
}

static enum ward_code withdraw_in_tx(struct ward_db *db, void *arg, struct ward_err *err)
{
    struct withdrawal *w = arg;
    struct about *a = &w->about;
    struct ward_call *c = a->call;
    int64_t now_us = ward_wall_us();
    struct ward_event event = a->event;
    bool had_key = false;
    uint64_t n = 0;

    WARD_TRY(subject_hold(db, c->mem, a->id, &a->subject, err));
    WARD_TRY(consents_end(db, c->mem, a->id, w->purpose, c->who->subject, now_us, &n, err));
    ward_event_note(&event, "consent", *w->purpose == '\0' ? "all" : w->purpose);
    WARD_TRY(settle(w, db, &event, now_us, &had_key, err));
    if (n == 0 && !had_key)
        ward_event_note(&event, "already", "yes");
    WARD_TRY(ward_event_write(&event, db, err));
    return n == 0 && !had_key ? WARD_OK
                              : gallery_changed(gallery_of(a), db, c->mem, a->id, err);
}

static enum ward_code withdraw(struct ward_call *c, const WithdrawRequest *req,
                               WithdrawResponse *resp)
{
    struct withdrawal w = {.purpose = req->purpose};

    WARD_TRY(about_begin(&w.about, c, req->subject_id));
    if (*req->purpose != '\0' && !rule_is_word(req->purpose))
        return WARD_FAIL_FIELD(c->err, "purpose",
                               "must be empty or 1 to 64 characters of a-z, 0-9 and -");
    WARD_TRY(ward_call_copy(c, w.about.event.event_text, &resp->event_id));
    WARD_TRY(ward_db_tx(about_db(c), withdraw_in_tx, &w, c->err));
    resp->withdrawn_at_us = w.about.at_us;
    resp->key_destroyed = w.destroyed;
    if (w.destroyed)
        resp->key_sha256 = api_text(about_key(c->mem, &w.about.subject));
    return WARD_OK;
}

enum ward_code withdraw_consent_rpc(struct ward_call *c, const ProtobufCMessage *q,
                                    ProtobufCMessage *r)
{
    return withdraw(c, (const WithdrawRequest *)q, (WithdrawResponse *)r);
}

/* ---- SetRetention ---- */

static enum ward_code retain_in_tx(struct ward_db *db, void *arg, struct ward_err *err)
{
    struct about *a = arg;
    struct ward_arena *mem = a->call->mem;
    struct ward_event event = a->event;
    char when[28] = "without end";

    if (a->at_us != 0)
        ward_rfc3339(a->at_us, when);
    ward_event_note(&event, "retain_until", when);
    WARD_TRY(subject_hold(db, mem, a->id, &a->subject, err));
    WARD_TRY(subject_retain(db, mem, a->id, a->at_us, err));
    return ward_event_write(&event, db, err);
}

static enum ward_code retain(struct ward_call *c, const RetentionRequest *req,
                             RetentionResponse *resp)
{
    struct about a = {0};

    WARD_TRY(about_begin(&a, c, req->subject_id));
    WARD_TRY(about_retention(c, req->retain_until_us));
    a.at_us = req->retain_until_us;
    WARD_TRY(ward_call_copy(c, a.event.event_text, &resp->event_id));
    WARD_TRY(ward_db_tx(about_db(c), retain_in_tx, &a, c->err));
    resp->retain_until_us = a.at_us;
    return WARD_OK;
}

enum ward_code set_retention_rpc(struct ward_call *c, const ProtobufCMessage *q,
                                 ProtobufCMessage *r)
{
    return retain(c, (const RetentionRequest *)q, (RetentionResponse *)r);
}
