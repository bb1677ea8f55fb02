#include "services/identity/subject/about.h"

#include "common/base/clock.h"
#include "services/identity/identity_metrics.h"
#include "services/identity/token/token.h"

#include <string.h>

#define DAY_US (INT64_C(86400) * 1000000)

struct ward_db *about_db(const struct ward_call *c)
{
    return ((struct worker *)c->wrk)->db;
}

enum ward_code about_begin(struct about *a, struct ward_call *c, const char *subject_id)
{
    a->call = c;
    ward_event_begin(&a->event, c, api_event_ctx(c), NULL);
    ward_db_deadline(about_db(c), c->deadline_ns);
    WARD_TRY(api_subject_id(c, subject_id, a->id, a->text));
    ward_event_begin(&a->event, c, api_event_ctx(c), a->text);
    return WARD_OK;
}

const char *about_hex(struct ward_arena *mem, const uint8_t *bytes, size_t n)
{
    char *out = ward_alloc(mem, 2 * n + 1);

    if (out == NULL)
        return "";
    ward_hex(bytes, n, out);
    return out;
}

const char *about_key(struct ward_arena *mem, const struct subject *s)
{
    return s->has_key_sha256 ? about_hex(mem, s->key_sha256, sizeof(s->key_sha256)) : "";
}

struct ward_sealed_as photo_as(const uint8_t subject_id[IDENTITY_ID])
{
    struct ward_sealed_as as = {.service = IDENTITY_NAME, .what = "photograph"};

    memcpy(as.id, subject_id, sizeof(as.id));
    return as;
}

static enum ward_code wrong(struct ward_call *c, const char *at, const char *part,
                            const char *why)
{
    const char *field = ward_printf(c->mem, "%s.%s", at, part);

    return WARD_FAIL_FIELD(c->err, field == NULL ? at : field, "%s", why);
}

enum ward_code about_consent(struct ward_call *c, const char *at,
                             const Ward__Identity__V1__Consent *consent)
{
    if (consent == NULL)
        return WARD_FAIL_FIELD(c->err, at, "is missing");
    if (!rule_is_word(consent->purpose))
        return wrong(c, at, "purpose", "must be 1 to 64 characters of a-z, 0-9 and -");
    if (!rule_is_label(consent->text_version, true))
        return wrong(c, at, "text_version", "must be 1 to 64 visible ASCII characters");
    if (*consent->given_by == '\0' || strlen(consent->given_by) > 64)
        return wrong(c, at, "given_by", "must be 1 to 64 bytes");
    return WARD_OK;
}

enum ward_code about_retention(struct ward_call *c, int64_t until_us)
{
    if (until_us != 0 && until_us <= ward_wall_us())
        return WARD_FAIL_FIELD(c->err, "retain_until_us", "is in the past");
    return WARD_OK;
}

int64_t about_retained(const struct identity *id, int64_t now_us)
{
    return id->cfg.retention_days == 0 ? 0 : now_us + id->cfg.retention_days * DAY_US;
}

/* ---- a call that was answered before ---- */

struct earlier {
    struct ward_call *call;
    const struct ward_idem *idem;
    about_replay *replay;
    void *arg;
    bool none;
};

static enum ward_code again_in_tx(struct ward_db *db, void *arg, struct ward_err *err)
{
    struct earlier *e = arg;
    struct ward_val answer;

    e->none = false;
    WARD_TRY(ward_idem_find(db, e->call->mem, e->idem, &answer, err));
    if (answer.p != NULL)
        return e->replay(e->arg, db, answer, err);
    e->none = true;
    /* the transaction rolls back, and the idempotency key remains unused */
    return WARD_FAIL(err, NOT_FOUND, "no answer is stored");
}

enum ward_code about_again(struct ward_call *c, const struct ward_idem *idem,
                           about_replay *replay, void *arg, bool *again)
{
    struct earlier e = {.call = c, .idem = idem, .replay = replay, .arg = arg};
    struct ward_err err = {0};
    enum ward_code code = ward_db_tx(about_db(c), again_in_tx, &e, &err);

    *again = code == WARD_OK;
    if (code == WARD_OK || e.none)
        return WARD_OK;
    *c->err = err;
    return code;
}

/* ---- a new face ---- */

/* Returns the liveness that the policy of "enrolment" requires; NONE if no policy was set,
 * because the default policy is for bedside use. */
static enum ward_code asked(struct ward_call *c, enum liveness_policy *out)
{
    struct use_policy policy;

    WARD_TRY(policy_of(about_db(c), c->mem, "enrolment", &policy, c->err));
    *out = policy.set_at_us == 0 ? LIVENESS_NONE : policy.liveness;
    return WARD_OK;
}

enum ward_code new_face_read(struct ward_call *c, const ProtobufCBinaryData *photograph,
                             bool largest_only, bool attended, struct photo *out)
{
    struct photo_want want = {.largest_only = largest_only, .enrol = true};
    struct ward_stop stop = api_stop(c);
    enum liveness_policy policy;
    enum gate gate;

    WARD_TRY(asked(c, &policy));
    want.passive = policy == LIVENESS_PASSIVE;
    WARD_TRY(photo_read(c->wrk, c->mem, &stop, photograph->data, photograph->len, &want, out,
                        c->err));
    gate = out->gate;
    if (gate == USABLE)
        gate = liveness_gate(
            policy, &(struct liveness_shown){.passive = out->passive, .attended = attended});
    if (gate != USABLE)
        return WARD_FAIL_REASON(c->err, FAILED_PRECONDITION, gate_reason(gate), "%s",
                                gate_advice(gate));
    return WARD_OK;
}

enum ward_code new_face(struct ward_call *c, const struct photo *p,
                        const ProtobufCBinaryData *photograph, bool keep,
                        const uint8_t subject[IDENTITY_ID], int kind, int64_t at_us,
                        struct new_face *out)
{
    struct worker *w = c->wrk;
    struct sealed_template *s = &out->kept.sealed;

    *out = (struct new_face){
        .w = w, .mem = c->mem, .embedding = p->face.embedding, .photograph = *photograph};
    if (keep)
        out->sealed = ward_alloc(c->mem, photograph->len + WARD_SEAL_EXTRA);
    if (keep && out->sealed == NULL)
        return WARD_FAIL(c->err, RESOURCE_EXHAUSTED, "no memory for the photograph");
    memcpy(s->subject_id, subject, IDENTITY_ID);
    ward_uuid7(s->template_id);
    ward_uuid_text(s->template_id, out->kept.id);
    memcpy(s->model_sha256, face_pack_sha256(w->id->now.pack), 65);
    s->kind = kind;
    s->dim = face_pack_dim(w->id->now.pack);
    out->kept.eye_distance_px = p->eye_distance_px;
    out->kept.detection_score = p->detection_score;
    out->kept.created_at_us = at_us;
    return WARD_OK;
}

static enum ward_code key_for(struct new_face *f, struct ward_db *db,
                              uint8_t key[WARD_KEY_SIZE], struct ward_err *err)
{
    struct keys *keys = f->w->id->keys;
    struct ward_wrapped_key w = {0};
    bool found = false;

    WARD_TRY(face_key_of(db, f->mem, f->kept.sealed.subject_id, false, &w, &found, err));
    f->key_is_new = !found;
    if (found)
        return ward_keyring_unwrap(keys_ring(keys), db, &w, key, err);
    /* the wrapped key is bound to the subject's id */
    memcpy(w.owner, f->kept.sealed.subject_id, IDENTITY_ID);
    WARD_TRY(ward_keyring_new_key(keys_ring(keys), &w, key, err));
    ward_sha256(key, WARD_KEY_SIZE, f->key_sha256);
    WARD_TRY(ward_keyring_hold(keys_ring(keys), db, f->mem, key, &w, err));
    return face_key_add(db, f->mem, &w, f->key_sha256, err);
}

static enum ward_code store_photo(struct new_face *f, struct ward_db *db,
                                  const uint8_t key[WARD_KEY_SIZE], struct ward_err *err)
{
    const struct sealed_template *s = &f->kept.sealed;
    struct kept_photo p = {.sealed = f->sealed, .n = f->photograph.len + WARD_SEAL_EXTRA};
    const struct ward_sealed_as as = photo_as(s->subject_id);

    if (f->sealed == NULL)
        return WARD_OK;
    memcpy(p.template_id, s->template_id, IDENTITY_ID);
    WARD_TRY(ward_seal_for(key, &as, f->photograph.data, f->photograph.len, f->sealed, err));
    return photo_add(db, f->mem, s->subject_id, &p, f->kept.created_at_us, err);
}

enum ward_code new_face_store(struct new_face *f, struct ward_db *db, struct ward_err *err)
{
    uint8_t key[WARD_KEY_SIZE];
    enum ward_code code = key_for(f, db, key, err);

    if (code == WARD_OK)
        code = template_seal(f->w->id->keys, key, f->embedding, &f->kept.sealed, err);
    if (code == WARD_OK) /* the shared lock stops a concurrent renewal of transforms */
        code = template_hold(f->w->id->keys, db, f->mem, key, &f->kept.sealed, err);
    if (code == WARD_OK)
        code = template_add(db, f->mem, &f->kept, err);
    if (code == WARD_OK)
        code = store_photo(f, db, key, err);
    ward_wipe(key, sizeof(key));
    return code;
}
