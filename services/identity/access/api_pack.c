/* GetOfflinePack: returns a signed pack of doors for an offline controller. */
#include "services/identity/access/movements.h"
#include "services/identity/access/pack.h"

#include "common/base/clock.h"

#include <string.h>

typedef Ward__Identity__V1__GetOfflinePackRequest GetOfflinePackRequest;
typedef Ward__Identity__V1__GetOfflinePackResponse GetOfflinePackResponse;

#define DOORS_MOST 64
#define SECOND_US  INT64_C(1000000)

struct packing {
    struct ward_call *call;
    struct ward_event event;
    struct pack pack;
    struct door doors[DOORS_MOST];
    const struct zone *zones[2 * DOORS_MOST];
};

static enum ward_code add_zone(struct packing *x, const char *name)
{
    struct ward_call *c = x->call;
    struct worker *w = c->wrk;
    struct zone *z = NULL;

    for (size_t i = 0; name != NULL && i < x->pack.n_zones; i++)
        if (strcmp(x->zones[i]->zone, name) == 0)
            return WARD_OK;
    WARD_TRY(zone_find(w->db, c->mem, name, &z, c->err));
    if (z != NULL)
        x->zones[x->pack.n_zones++] = z;
    return WARD_OK;
}

static bool is_there(const struct packing *x, const char *door)
{
    for (size_t i = 0; i < x->pack.n_doors; i++)
        if (strcmp(x->doors[i].door, door) == 0)
            return true;
    return false;
}

static enum ward_code add_doors(struct packing *x, const GetOfflinePackRequest *req)
{
    struct ward_call *c = x->call;
    struct worker *w = c->wrk;

    if (req->n_doors == 0 || req->n_doors > DOORS_MOST)
        return WARD_FAIL_FIELD(c->err, "doors", "must be 1 to %d", DOORS_MOST);
    for (size_t i = 0; i < req->n_doors; i++) {
        struct door *d = &x->doors[x->pack.n_doors];

        WARD_TRY(access_word(c, "doors", req->doors[i]));
        if (is_there(x, req->doors[i]))
            continue;
        WARD_TRY(door_find(w->db, c->mem, req->doors[i], d, c->err));
        x->pack.n_doors++;
        WARD_TRY(add_zone(x, d->to_zone));
        WARD_TRY(add_zone(x, d->from_zone));
    }
    x->pack.doors = x->doors;
    x->pack.zones = x->zones;
    return WARD_OK;
}

static enum ward_code add_staff(struct packing *x)
{
    static const char SQL[] =
        "SELECT r.subject_id, r.role FROM staff_role r"
        "  JOIN subject s ON s.subject_id = r.subject_id"
        " WHERE s.kind = 2 AND s.erased_at_us IS NULL ORDER BY r.subject_id, r.role";
    struct ward_call *c = x->call;
    struct worker *w = c->wrk;
    struct pack_staff *staff;
    struct ward_rows rows;
    uint8_t id[IDENTITY_ID];

    WARD_TRY(ward_db_run(w->db, c->mem, SQL, WARD_NO_PARAMS, &rows, c->err));
    staff = ward_alloc(c->mem, rows.n * sizeof(*staff));
    if (staff == NULL)
        return WARD_FAIL(c->err, RESOURCE_EXHAUSTED, "no memory for the pack");
    for (size_t i = 0; i < rows.n; i++) {
        if (!pack_asks(&x->pack, rows.at[i][1].p))
            continue;
        if (rows.at[i][0].n != sizeof(id))
            return WARD_FAIL(c->err, DATA_LOSS, "the row of a staff member's roles is invalid");
        memcpy(id, rows.at[i][0].p, sizeof(id));
        ward_uuid_text(id, staff[x->pack.n_staff].id);
        staff[x->pack.n_staff++].role = rows.at[i][1].p;
    }
    x->pack.staff = staff;
    return WARD_OK;
}

static enum ward_code sign(struct packing *x, char **out)
{
    struct ward_call *c = x->call;
    struct keys *keys = ((struct worker *)c->wrk)->id->keys;
    const struct ward_sign_key *key;
    enum ward_code code;
    const char *json = NULL;
    char kid[64];

    WARD_TRY(pack_json(&x->pack, c->mem, &json, c->err));
    key = keys_signer(keys, kid);
    if (key == NULL)
        return WARD_FAIL(c->err, UNAVAILABLE, "no key for signing packs exists");
    code = ward_jws_issue(key, PACK_TYP, json, c->mem, out, c->err);
    keys_signer_release(keys, key);
    return code;
}

/* Records who fetched the pack: that caller may later report offline decisions of these
 * doors. */
static enum ward_code note_packs(struct ward_db *db, void *arg, struct ward_err *err)
{
    struct packing *x = arg;
    struct pack_span span = {x->pack.issued_at * SECOND_US, x->pack.expires_at * SECOND_US};

    for (size_t i = 0; i < x->pack.n_doors; i++)
        WARD_TRY(door_pack_put(db, x->call->mem, x->doors[i].door, x->call->peer, &span, err));
    return ward_event_write(&x->event, db, err);
}

enum ward_code get_offline_pack_rpc(struct ward_call *c, const ProtobufCMessage *q,
                                    ProtobufCMessage *r)
{
    GetOfflinePackResponse *resp = (GetOfflinePackResponse *)r;
    struct packing *x = ward_new(c->mem, struct packing);
    struct worker *w = c->wrk;
    const struct identity_config *cfg = &w->id->cfg;

    if (x == NULL)
        return WARD_FAIL(c->err, RESOURCE_EXHAUSTED, "no memory for the pack");
    x->call = c;
    ward_event_begin(&x->event, c, api_event_ctx(c), NULL);
    ward_db_deadline(w->db, c->deadline_ns);
    x->pack.issued_at = ward_wall_us() / SECOND_US;
    x->pack.expires_at = x->pack.issued_at + cfg->offline_pack_h * INT64_C(3600);
    x->pack.time_zone = cfg->time_zone;
    WARD_TRY(add_doors(x, (const GetOfflinePackRequest *)q));
    WARD_TRY(add_staff(x));
    WARD_TRY(sign(x, &resp->pack));
    resp->expires_at_us = x->pack.expires_at * SECOND_US;
    ward_event_note_int(&x->event, "doors", (int64_t)x->pack.n_doors);
    ward_event_note(&x->event, "first_door", x->doors[0].door);
    ward_event_note_int(&x->event, "staff_roles", (int64_t)x->pack.n_staff);
    WARD_TRY(ward_call_copy(c, x->event.event_text, &resp->event_id));
    return ward_db_tx(w->db, note_packs, x, c->err);
}
