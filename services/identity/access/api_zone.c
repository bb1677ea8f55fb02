/* PutZone, PutDoor, SetStaffRoles and ListZones. */
#include "services/identity/access/access.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

typedef Ward__Identity__V1__Hours WireHours;
typedef Ward__Identity__V1__ZoneRule WireRule;
typedef Ward__Identity__V1__Zone WireZone;
typedef Ward__Identity__V1__Door WireDoor;
typedef Ward__Identity__V1__PutZoneRequest PutZoneRequest;
typedef Ward__Identity__V1__PutZoneResponse PutZoneResponse;
typedef Ward__Identity__V1__PutDoorRequest PutDoorRequest;
typedef Ward__Identity__V1__PutDoorResponse PutDoorResponse;
typedef Ward__Identity__V1__SetStaffRolesRequest SetStaffRolesRequest;
typedef Ward__Identity__V1__SetStaffRolesResponse SetStaffRolesResponse;
typedef Ward__Identity__V1__ListZonesResponse ListZonesResponse;

#define RULES_MOST 64
#define HOURS_MOST 32

struct change {
    struct ward_call *call;
    struct ward_event event;
    struct zone zone;
    struct door door;
    uint8_t id[IDENTITY_ID];
    char text[37];
    const SetStaffRolesRequest *roles;
};

static void begin(struct change *x, struct ward_call *c)
{
    struct worker *w = c->wrk;

    *x = (struct change){.call = c};
    ward_event_begin(&x->event, c, api_event_ctx(c), NULL);
    ward_db_deadline(w->db, c->deadline_ns);
}

static enum ward_code commit(struct change *x, ward_tx_fn *fn, char **event_id)
{
    struct worker *w = x->call->wrk;

    WARD_TRY(ward_call_copy(x->call, x->event.event_text, event_id));
    return ward_db_tx(w->db, fn, x, x->call->err);
}

static enum ward_code no_memory(struct ward_call *c)
{
    return WARD_FAIL(c->err, RESOURCE_EXHAUSTED, "no memory for the zone");
}

enum ward_code access_word(struct ward_call *c, const char *field, const char *given)
{
    if (!rule_is_word(given))
        return WARD_FAIL_FIELD(c->err, field, "must be 1 to 64 characters of a-z, 0-9 and -");
    return WARD_OK;
}

/* ---- PutZone ---- */

WARD_PRINTF(3, 4)
static enum ward_code wrong(struct ward_call *c, const char *why, const char *fmt, ...)
{
    char field[48];
    va_list args;

    va_start(args, fmt);
    vsnprintf(field, sizeof(field), fmt, args);
    va_end(args);
    return WARD_FAIL_FIELD(c->err, field, "%s", why);
}

static enum ward_code read_hours(struct ward_call *c, const WireHours *given, size_t rule,
                                 size_t span, struct hours *out)
{
    struct hours h = {.start = given->start_minute, .end = given->end_minute};

    for (size_t i = 0; i < given->n_weekdays; i++) {
        if (given->weekdays[i] < 1 || given->weekdays[i] > 7)
            return wrong(c, "must be 1 to 7", "zone.rules[%zu].hours[%zu].weekdays", rule,
                         span);
        h.weekdays |= 1u << (given->weekdays[i] - 1);
    }
    if (h.weekdays == 0)
        return wrong(c, "must not be empty, because the rule would never apply",
                     "zone.rules[%zu].hours[%zu].weekdays", rule, span);
    if (h.start < 0 || h.start >= MINUTES_A_DAY)
        return wrong(c, "must be 0 to 1439", "zone.rules[%zu].hours[%zu].start_minute", rule,
                     span);
    if (h.end < 0 || h.end >= MINUTES_A_DAY)
        return wrong(c, "must be 0 to 1439", "zone.rules[%zu].hours[%zu].end_minute", rule,
                     span);
    *out = h;
    return WARD_OK;
}

static enum ward_code read_rule(struct ward_call *c, const WireRule *given, size_t rule,
                                struct zone_rule *out)
{
    struct hours *hours = ward_alloc(c->mem, given->n_hours * sizeof(*hours));

    if (!rule_is_word(given->role))
        return wrong(c, "must be 1 to 64 characters of a-z, 0-9 and -", "zone.rules[%zu].role",
                     rule);
    if (given->n_hours > HOURS_MOST)
        return wrong(c, "are more than 32", "zone.rules[%zu].hours", rule);
    if (hours == NULL)
        return no_memory(c);
    for (size_t i = 0; i < given->n_hours; i++)
        WARD_TRY(read_hours(c, given->hours[i], rule, i, &hours[i]));
    *out = (struct zone_rule){given->role, hours, given->n_hours};
    return WARD_OK;
}

static enum ward_code read_zone(struct ward_call *c, const WireZone *given, struct zone *out)
{
    struct zone z = {0};

    if (given == NULL)
        return WARD_FAIL_FIELD(c->err, "zone", "is missing");
    WARD_TRY(access_word(c, "zone.zone", given->zone));
    if (given->n_rules > RULES_MOST)
        return WARD_FAIL_FIELD(c->err, "zone.rules", "are more than %d", RULES_MOST);
    if (given->passback_minutes < 0 || given->passback_minutes > PASSBACK_MOST)
        return WARD_FAIL_FIELD(c->err, "zone.passback_minutes", "must be 0 to %d",
                               PASSBACK_MOST);
    z.liveness = (int)given->liveness;
    if (z.liveness != LIVENESS_NONE && z.liveness != LIVENESS_PASSIVE &&
        z.liveness != LIVENESS_ATTENDED)
        return WARD_FAIL_FIELD(c->err, "zone.liveness", "must be NONE, PASSIVE or ATTENDED");
    z.zone = given->zone;
    z.anti_passback = given->anti_passback;
    z.passback_minutes =
        given->passback_minutes == 0 ? PASSBACK_DEFAULT : given->passback_minutes;
    z.rules = ward_alloc(c->mem, given->n_rules * sizeof(*z.rules));
    if (z.rules == NULL)
        return no_memory(c);
    for (size_t i = 0; i < given->n_rules; i++)
        WARD_TRY(read_rule(c, given->rules[i], i, &z.rules[i]));
    z.n_rules = given->n_rules;
    *out = z;
    return WARD_OK;
}

static enum ward_code zone_in_tx(struct ward_db *db, void *arg, struct ward_err *err)
{
    struct change *x = arg;
    struct ward_event event = x->event;

    WARD_TRY(zone_put(db, x->call->mem, &x->zone, err));
    ward_event_note(&event, "zone", x->zone.zone);
    ward_event_note_int(&event, "rules", (int64_t)x->zone.n_rules);
    ward_event_note(&event, "anti_passback", x->zone.anti_passback ? "yes" : "no");
    return ward_event_write(&event, db, err);
}

enum ward_code put_zone_rpc(struct ward_call *c, const ProtobufCMessage *q, ProtobufCMessage *r)
{
    const PutZoneRequest *req = (const PutZoneRequest *)q;
    struct change x;

    begin(&x, c);
    WARD_TRY(read_zone(c, req->zone, &x.zone));
    return commit(&x, zone_in_tx, &((PutZoneResponse *)r)->event_id);
}

/* ---- PutDoor ---- */

static enum ward_code door_in_tx(struct ward_db *db, void *arg, struct ward_err *err)
{
    struct change *x = arg;
    struct ward_event event = x->event;

    WARD_TRY(door_put(db, x->call->mem, &x->door, err));
    ward_event_note(&event, "from", x->door.from_zone == NULL ? "" : x->door.from_zone);
    ward_event_note(&event, "to", x->door.to_zone);
    return ward_event_write(&event, db, err);
}

enum ward_code put_door_rpc(struct ward_call *c, const ProtobufCMessage *q, ProtobufCMessage *r)
{
    const WireDoor *d = ((const PutDoorRequest *)q)->door;
    struct change x;

    begin(&x, c);
    if (d == NULL)
        return WARD_FAIL_FIELD(c->err, "door", "is missing");
    WARD_TRY(access_word(c, "door.door", d->door));
    if (*d->from_zone != '\0')
        WARD_TRY(access_word(c, "door.from_zone", d->from_zone));
    WARD_TRY(access_word(c, "door.to_zone", d->to_zone));
    if (strcmp(d->from_zone, d->to_zone) == 0)
        return WARD_FAIL_FIELD(c->err, "door.to_zone", "must differ from from_zone");
    x.event.place = d->door;
    x.door = (struct door){d->door, *d->from_zone == '\0' ? NULL : d->from_zone, d->to_zone};
    return commit(&x, door_in_tx, &((PutDoorResponse *)r)->event_id);
}

/* ---- SetStaffRoles ---- */

static enum ward_code roles_in_tx(struct ward_db *db, void *arg, struct ward_err *err)
{
    struct change *x = arg;
    struct ward_event event = x->event;
    struct subject s;

    WARD_TRY(subject_hold(db, x->call->mem, x->id, &s, err));
    if (s.kind != SUBJECT_STAFF)
        return WARD_FAIL_FIELD(err, "subject_id", "is not the id of a member of staff");
    WARD_TRY(staff_roles_put(db, x->id, x->roles->roles, x->roles->n_roles, err));
    ward_event_note_int(&event, "roles", (int64_t)x->roles->n_roles);
    for (size_t i = 0; i < x->roles->n_roles && event.n < WARD_EVENT_DETAILS; i++) {
        const char *key = ward_printf(x->call->mem, "role_%zu", i + 1);

        if (key == NULL)
            return no_memory(x->call);
        ward_event_note(&event, key, x->roles->roles[i]);
    }
    return ward_event_write(&event, db, err);
}

enum ward_code set_staff_roles_rpc(struct ward_call *c, const ProtobufCMessage *q,
                                   ProtobufCMessage *r)
{
    const SetStaffRolesRequest *req = (const SetStaffRolesRequest *)q;
    struct change x;

    begin(&x, c);
    x.roles = req;
    WARD_TRY(api_subject_id(c, req->subject_id, x.id, x.text));
    ward_event_begin(&x.event, c, api_event_ctx(c), x.text);
    if (req->n_roles > ROLES_MOST)
        return WARD_FAIL_FIELD(c->err, "roles", "are more than %d", ROLES_MOST);
    for (size_t i = 0; i < req->n_roles; i++)
        if (!rule_is_word(req->roles[i]))
            return wrong(c, "must be 1 to 64 characters of a-z, 0-9 and -", "roles[%zu]", i);
    return commit(&x, roles_in_tx, &((SetStaffRolesResponse *)r)->event_id);
}

/* ---- ListZones ---- */

static WireHours *say_hours(struct ward_arena *mem, const struct hours *h)
{
    WireHours *out = ward_new(mem, WireHours);
    int32_t *days = ward_alloc(mem, 7 * sizeof(*days));

    if (out == NULL || days == NULL)
        return NULL;
    ward__identity__v1__hours__init(out);
    out->weekdays = days;
    for (int d = 0; d < 7; d++)
        if ((h->weekdays >> d & 1) != 0)
            days[out->n_weekdays++] = d + 1;
    out->start_minute = h->start;
    out->end_minute = h->end;
    return out;
}

static WireRule *say_rule(struct ward_arena *mem, const struct zone_rule *r)
{
    WireRule *out = ward_new(mem, WireRule);

    if (out == NULL)
        return NULL;
    ward__identity__v1__zone_rule__init(out);
    out->role = api_text(r->role);
    out->hours = ward_alloc(mem, r->n_hours * sizeof(WireHours *));
    for (size_t i = 0; out->hours != NULL && i < r->n_hours; i++)
        out->hours[i] = say_hours(mem, &r->hours[i]);
    out->n_hours = r->n_hours;
    return out;
}

static WireZone *say_zone(struct ward_arena *mem, const struct zone *z)
{
    WireZone *out = ward_new(mem, WireZone);

    if (out == NULL)
        return NULL;
    ward__identity__v1__zone__init(out);
    out->zone = api_text(z->zone);
    out->anti_passback = z->anti_passback;
    out->passback_minutes = z->passback_minutes;
    out->liveness = (Ward__Identity__V1__LivenessPolicy)z->liveness;
    out->rules = ward_alloc(mem, z->n_rules * sizeof(WireRule *));
    for (size_t i = 0; out->rules != NULL && i < z->n_rules; i++)
        out->rules[i] = say_rule(mem, &z->rules[i]);
    out->n_rules = z->n_rules;
    return out;
}

static WireDoor *say_door(struct ward_arena *mem, const struct door *d)
{
    WireDoor *out = ward_new(mem, WireDoor);

    if (out == NULL)
        return NULL;
    ward__identity__v1__door__init(out);
    out->door = api_text(d->door);
    out->from_zone = api_text(d->from_zone == NULL ? "" : d->from_zone);
    out->to_zone = api_text(d->to_zone);
    return out;
}

/* The arena sets `full` when an allocation fails, so one check at the end is sufficient. */
enum ward_code list_zones_rpc(struct ward_call *c, const ProtobufCMessage *q,
                              ProtobufCMessage *r)
{
    ListZonesResponse *resp = (ListZonesResponse *)r;
    struct worker *w = c->wrk;
    size_t n_zones = 0, n_doors = 0;
    struct zone *zones = NULL;
    struct door *doors = NULL;

    (void)q;
    ward_db_deadline(w->db, c->deadline_ns);
    WARD_TRY(zones_list(w->db, c->mem, &zones, &n_zones, c->err));
    WARD_TRY(doors_list(w->db, c->mem, &doors, &n_doors, c->err));
    resp->zones = ward_alloc(c->mem, n_zones * sizeof(WireZone *));
    resp->doors = ward_alloc(c->mem, n_doors * sizeof(WireDoor *));
    for (size_t i = 0; resp->zones != NULL && i < n_zones; i++)
        resp->zones[i] = say_zone(c->mem, &zones[i]);
    for (size_t i = 0; resp->doors != NULL && i < n_doors; i++)
        resp->doors[i] = say_door(c->mem, &doors[i]);
    if (c->mem->full)
        return no_memory(c);
    resp->n_zones = n_zones;
    resp->n_doors = n_doors;
    return WARD_OK;
}
