/* Events about audit itself: reads, refusals, erasures and key rotations. */
#include "common/base/clock.h"
#include "common/base/text.h"
#include "services/audit/wire.h"

#include <string.h>

typedef Ward__Audit__V1__Event__DetailEntry Detail;

struct own own_of(const struct ward_call *c)
{
    struct own o = {
        .action = c->method->path,
        .outcome = WARD__AUDIT__V1__OUTCOME__OUTCOME_SUCCESS,
        .peer = c->peer,
        .trace_id = c->trace_id,
    };

    if (c->who != NULL) {
        o.actor = c->who->subject;
        o.purpose = c->who->purpose;
        o.place = c->who->ward;
    }
    return o;
}

void own_detail(struct own *o, const char *key, const char *value)
{
    WARD_ASSERT(o->n_detail < OWN_DETAILS);
    o->detail[o->n_detail++] = (struct audit_pair){key, value};
}

/* Returns a text from a caller, or its hash if the text breaks a rule of event.proto. A failed
 * allocation sets the arena's `full`. */
static char *text(struct ward_arena *mem, const char *s, size_t most)
{
    uint8_t h[WARD_SHA256_SIZE];
    char hex[2 * WARD_SHA256_SIZE + 1];

    if (s == NULL)
        return ward_strdup(mem, "");
    if (audit_text_fits(s, most))
        return ward_strdup(mem, s);
    ward_sha256(s, strlen(s), h);
    ward_hex(h, sizeof(h), hex);
    return ward_printf(mem, "sha256:%.32s", hex);
}

static void add_details(Event *e, const struct own *o, struct ward_arena *mem)
{
    static const Detail INIT = WARD__AUDIT__V1__EVENT__DETAIL_ENTRY__INIT;

    e->detail = audit_list(mem, sizeof(Detail), o->n_detail, &INIT);
    if (e->detail == NULL)
        return;
    e->n_detail = o->n_detail;
    for (size_t i = 0; i < o->n_detail; i++) {
        e->detail[i]->key = ward_strdup(mem, o->detail[i].key);
        e->detail[i]->value = text(mem, o->detail[i].value, 512);
    }
}

static char *id_text(const uint8_t id[16], struct ward_arena *mem)
{
    char out[37];

    ward_uuid_text(id, out);
    return ward_strdup(mem, out);
}

static void build(Event *e, const struct own *o, struct ward_arena *mem)
{
    uint8_t id[16];

    if (o->event_id != NULL)
        memcpy(id, o->event_id, sizeof(id));
    else
        ward_uuid7(id);
    e->event_id = id_text(id, mem);
    e->occurred_at_us = ward_wall_us();
    e->service = ward_strdup(mem, AUDIT_NAME);
    e->action = text(mem, o->action, 128);
    e->outcome = (Ward__Audit__V1__Outcome)o->outcome;
    e->code = text(mem, o->code, 128);
    e->actor = text(mem, o->actor, 128);
    e->peer = text(mem, o->peer, 128);
    e->patient = text(mem, o->patient, 128);
    e->purpose = text(mem, o->purpose, 64);
    e->place = text(mem, o->place, 128);
    e->trace_id = text(mem, o->trace_id, 32);
    add_details(e, o, mem);
}

enum ward_code own_build(const struct own *o, struct ward_arena *mem, struct audit_raw *out,
                         struct ward_err *err)
{
    Event *e = ward_new(mem, Event);
    uint8_t *bytes = NULL;
    size_t n = 0;

    if (e != NULL) {
        ward__audit__v1__event__init(e);
        build(e, o, mem);
    }
    if (!mem->full) {
        n = protobuf_c_message_get_packed_size(&e->base);
        bytes = ward_alloc(mem, n);
    }
    if (bytes == NULL)
        return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory left for the event of this call");
    protobuf_c_message_pack(&e->base, bytes);
    return event_admit(e, bytes, n, AUDIT_NAME, mem, out, err);
}

enum ward_code own_append(struct audit *a, struct ward_db *db, struct ward_arena *mem,
                          const struct own *o, int64_t deadline_ns, const struct audit_op *op,
                          uint64_t *index, struct ward_err *err)
{
    struct audit_item *item;
    struct audit_raw raw;
    uint64_t size;

    WARD_TRY(own_build(o, mem, &raw, err));
    WARD_TRY(log_append(a, db, mem, &raw, 1, deadline_ns, op, &item, &size, err));
    if (index != NULL)
        *index = item->index;
    return WARD_OK;
}

enum ward_code own_call(struct ward_call *c, const struct own *o, const struct audit_op *op)
{
    struct audit_worker *w = c->wrk;

    WARD_TRY(own_append(w->a, w->db, c->mem, o, c->deadline_ns, op, NULL, c->err));
    c->audited = true;
    return WARD_OK;
}
