/* GetPack, GetPackKeys. */
#include "common/base/clock.h"
#include "common/handler/handler.h"
#include "services/dosage/downtime/pack.h"

#include <string.h>

typedef Ward__Dosage__V1__GetPackRequest PackRequest;
typedef Ward__Dosage__V1__GetPackResponse PackResponse;
typedef Ward__Dosage__V1__GetPackKeysResponse KeysResponse;
typedef Ward__Dosage__V1__PackKey PackKey;

#define HOURS_USUAL 12
#define HOURS_MOST  24
#define HOUR_US     INT64_C(3600000000)

struct packing {
    struct filling f;
    struct ward_event event;
    struct clock clock;
    int64_t rules_version; /* 0: no rule set is active */
    uint8_t id[DOSAGE_ID];
    PackResponse *r;
};

/* ---- GetPack ---- */

static enum ward_code fill(struct packing *p, Pack *pack, struct ward_err *err)
{
    struct ward_arena *mem = p->f.call->mem;

    pack->patients = ward_alloc(mem, (p->f.n + 1) * sizeof(PackPatient *));
    if (pack->patients == NULL)
        return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory for the pack");
    for (size_t i = 0; i < p->f.n; i++) {
        PackPatient *one;

        if (ward_call_cancelled(p->f.call))
            return WARD_FAIL(err, CANCELLED, "the caller disconnected");
        WARD_TRY(fill_patient(&p->f, i, &one, err));
        if (one->n_orders > 0)
            pack->patients[pack->n_patients++] = one;
    }
    pack->pack_id = p->r->pack_id;
    pack->ward = api_text(p->f.ward);
    pack->made_at_us = p->f.now_us;
    pack->expires_at_us = p->f.expires_us;
    pack->time_zone = api_text(p->clock.name);
    pack->rule_set_version = p->rules_version;
    return WARD_OK;
}

static enum ward_code note_pack(struct packing *p, struct ward_db *db, struct ward_err *err)
{
    static const char SQL[] = "INSERT INTO pack (pack_id, ward, made_at_us, expires_at_us,"
                              " made_by) VALUES (?, ?, ?, ?, ?)";
    struct ward_arena *mem = p->f.call->mem;

    return ward_db_run(db, mem, SQL,
                       WARD_PARAMS(id_val(p->id), ward_text(p->f.ward),
                                   ward_int(mem, p->f.now_us), ward_int(mem, p->f.expires_us),
                                   ward_text(p->f.call->who->subject)),
                       NULL, err);
}

static enum ward_code tell(struct packing *p, const Pack *pack, struct ward_db *db,
                           struct ward_err *err)
{
    struct ward_event *events =
        ward_alloc(p->f.call->mem, (pack->n_patients + 1) * sizeof(*events));
    struct ward_event first = p->event;
    size_t n = 0;

    if (events == NULL)
        return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory for the events");
    ward_event_note(&first, "pack", p->r->pack_id);
    for (size_t i = 0; i < pack->n_patients; i++)
        ward_event_another(&first, pack->patients[i]->patient_id, &events[n++]);
    if (n == 0)
        events[n++] = first;
    return ward_event_write_many(events, n, db, err);
}

static enum ward_code make(struct ward_db *db, void *arg, struct ward_err *err)
{
    struct packing *p = arg;
    struct worker *w = p->f.call->wrk;
    Pack pack = WARD__DOSAGE__V1__PACK__INIT;

    WARD_TRY(fill(p, &pack, err));
    WARD_TRY(pack_sign(w->dos, &pack, p->f.call->mem, &p->r->pack, err));
    WARD_TRY(note_pack(p, db, err));
    WARD_TRY(tell(p, &pack, db, err));
    p->r->expires_at_us = pack.expires_at_us;
    p->r->patients = (int32_t)pack.n_patients;
    return WARD_OK;
}

static enum ward_code may(struct ward_call *c, const PackRequest *q, struct packing *p)
{
    if (!rule_is_ward(q->ward))
        return WARD_FAIL_FIELD(c->err, "ward",
                               "must be 1 to 64 characters of A-Z a-z 0-9 . _ -");
    if (q->hours < 0 || q->hours > HOURS_MOST)
        return WARD_FAIL_FIELD(c->err, "hours", "must be 0 to %d", HOURS_MOST);
    if (!rule_ward(c->who->roles, c->who->n_roles, c->who->ward, q->ward))
        return WARD_FAIL_REASON(c->err, PERMISSION_DENIED, "WARD_NOT_YOURS",
                                "the ward is not the ward of the person's token");
    return ward_clock(c->wrk, c->mem, q->ward, true, &p->clock, c->err);
}

static enum ward_code rules_version(struct packing *p)
{
    struct ward_call *c = p->f.call;
    const struct ruleset *rules;
    struct ward_err why = {0};
    enum ward_code code = ruleset_active(c->wrk, c->mem, &rules, &why);

    p->rules_version = code == WARD_OK ? ruleset_version(rules) : 0;
    /* NO_RULE_SET: the pack has no rules */
    if (code == WARD_OK || code == WARD_FAILED_PRECONDITION)
        return WARD_OK;
    *c->err = why;
    return code;
}

static enum ward_code read_charts(struct packing *p)
{
    struct ward_call *c = p->f.call;
    bool away = false;

    p->f.facts = ward_alloc(c->mem, (p->f.n + 1) * sizeof(*p->f.facts));
    if (p->f.facts == NULL)
        return WARD_FAIL(c->err, RESOURCE_EXHAUSTED, "no memory for the charts");
    for (size_t i = 0; i < p->f.n; i++) {
        if (ward_call_cancelled(c))
            return WARD_FAIL(c->err, CANCELLED, "the caller disconnected");
        p->f.facts[i] = pack_facts(c, p->f.patients[i], &away);
    }
    return WARD_OK;
}

enum ward_code get_pack_rpc(struct ward_call *c, const ProtobufCMessage *q, ProtobufCMessage *r)
{
    const PackRequest *req = (const PackRequest *)q;
    struct packing p = {.f = {.call = c, .ward = req->ward}, .r = (PackResponse *)r};
    struct worker *w = c->wrk;

    WARD_TRY(api_begin(c, &p.event, NULL));
    WARD_TRY(may(c, req, &p));
    p.f.now_us = ward_wall_us();
    p.f.expires_us = p.f.now_us + (req->hours == 0 ? HOURS_USUAL : req->hours) * HOUR_US;
    ward_uuid7(p.id);
    WARD_TRY(ward_call_uuid(c, p.id, &p.r->pack_id));
    WARD_TRY(rules_version(&p));
    WARD_TRY(fill_patients(&p.f, c->err));
    WARD_TRY(read_charts(&p));
    return ward_db_tx(w->event_ctx.db, make, &p, c->err);
}

/* ---- GetPackKeys ---- */

static enum ward_code say_key(struct ward_call *c, const struct pack_key *seed, PackKey **out)
{
    struct ward_sign_key *key;
    PackKey *k = ward_new(c->mem, PackKey);
    uint8_t *pub = ward_alloc(c->mem, WARD_ED25519_PUB);
    char kid[WARD_PPID_KID];

    if (k == NULL || pub == NULL)
        return WARD_FAIL(c->err, RESOURCE_EXHAUSTED, "no memory for the keys");
    WARD_TRY(ward_sign_key_new(seed->seed, &key, c->err));
    memcpy(pub, ward_sign_key_public(key), WARD_ED25519_PUB);
    ward_sign_key_free(key);
    ward__dosage__v1__pack_key__init(k);
    ward_ppid_kid(pub, kid);
    k->public_key = (ProtobufCBinaryData){WARD_ED25519_PUB, pub};
    *out = k;
    return ward_call_copy(c, kid, &k->key_id);
}

enum ward_code get_pack_keys_rpc(struct ward_call *c, const ProtobufCMessage *q,
                                 ProtobufCMessage *r)
{
    struct worker *w = c->wrk;
    KeysResponse *keys = (KeysResponse *)r;
    struct pack_key held[PACK_KEYS];
    enum ward_code code = WARD_OK;
    int n = pack_keys(w->dos, held);

    (void)q;
    keys->keys = ward_alloc(c->mem, PACK_KEYS * sizeof(PackKey *));
    if (keys->keys == NULL)
        code = WARD_FAIL(c->err, RESOURCE_EXHAUSTED, "no memory for the keys");
    for (int i = 0; i < n && code == WARD_OK; i++)
        code = say_key(c, &held[i], &keys->keys[keys->n_keys++]);
    ward_wipe(held, sizeof(held));
    return code;
}
