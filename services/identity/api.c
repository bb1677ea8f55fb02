/* Conversion between wire and domain types, shared by the handlers. */
#include "services/identity/api.h"

#include "common/rpc/wire.h"

#include <string.h>

char *api_text(const char *s)
{
    return (char *)(uintptr_t)s;
}

enum ward_code api_key(struct ward_call *c, const char *key)
{
    if (*key == '\0' || strlen(key) > 128)
        return WARD_FAIL_FIELD(c->err, "idempotency_key", "must be 1 to 128 bytes");
    return WARD_OK;
}

enum ward_code api_where(struct ward_call *c, const char *place, const char *device,
                         const char *purpose)
{
    if (!rule_is_label(place, true))
        return WARD_FAIL_FIELD(c->err, "place", "must be 1 to 64 visible ASCII characters");
    if (!rule_is_label(device, false))
        return WARD_FAIL_FIELD(c->err, "device", "must be at most 64 visible ASCII characters");
    if (!rule_is_word(purpose))
        return WARD_FAIL_FIELD(c->err, "purpose",
                               "must be 1 to 64 characters of a-z, 0-9 and -");
    return WARD_OK;
}

const char *api_caller(const struct ward_call *c)
{
    const char *s = ward_printf(c->mem, "%s %s", c->peer, c->who->subject);

    return s == NULL ? c->who->subject : s;
}

struct ward_event_ctx *api_event_ctx(const struct ward_call *c)
{
    struct worker *w = c->wrk;

    return &w->event_ctx;
}

void api_refused(struct ward_call *c, enum ward_code code)
{
    ward_event_failed(c, api_event_ctx(c), code);
}

static bool caller_gone(const void *call)
{
    return ward_call_cancelled(call);
}

struct ward_stop api_stop(const struct ward_call *c)
{
    return (struct ward_stop){.deadline_ns = c->deadline_ns, .gone = caller_gone, .arg = c};
}

enum ward_code api_quality(struct ward_call *c, const struct photo *p,
                           Ward__Identity__V1__Quality **out)
{
    Ward__Identity__V1__Quality *q = ward_new(c->mem, Ward__Identity__V1__Quality);

    if (q == NULL)
        return WARD_FAIL(c->err, RESOURCE_EXHAUSTED, "no memory for the answer");
    ward__identity__v1__quality__init(q);
    q->faces = p->faces;
    q->detection_score = p->detection_score;
    q->eye_distance_px = p->eye_distance_px;
    q->width_px = p->width_px;
    q->height_px = p->height_px;
    q->sharpness = p->quality.sharpness;
    q->brightness = p->quality.brightness;
    q->clipped = p->quality.clipped;
    q->yaw_deg = p->quality.yaw;
    q->pitch_deg = p->quality.pitch;
    q->roll_deg = p->quality.roll;
    q->occlusion = p->quality.occlusion;
    q->padded = p->quality.padded;
    *out = q;
    return WARD_OK;
}

enum ward_code api_reason(struct ward_call *c, enum gate gate,
                          Ward__Identity__V1__Reason ***out, size_t *n)
{
    Ward__Identity__V1__Reason *r = ward_new(c->mem, Ward__Identity__V1__Reason);
    Ward__Identity__V1__Reason **list = ward_alloc(c->mem, sizeof(r));

    if (r == NULL || list == NULL)
        return WARD_FAIL(c->err, RESOURCE_EXHAUSTED, "no memory for the answer");
    ward__identity__v1__reason__init(r);
    r->reason = api_text(gate_reason(gate));
    r->text = api_text(gate_advice(gate));
    list[0] = r;
    *out = list;
    *n = 1;
    return WARD_OK;
}

enum ward_code api_device(struct ward_call *c, char **device, protobuf_c_boolean *degraded)
{
    struct ward_serve_choice d;

    face_pack_choice(((struct worker *)c->wrk)->id->now.pack, &d);
    WARD_TRY(ward_call_copy(c, d.backend, device));
    *degraded = d.degraded;
    return WARD_OK;
}

enum ward_code api_again(struct ward_call *c, struct ward_val answer,
                         const ProtobufCMessageDescriptor *type, ProtobufCMessage **out,
                         struct ward_err *err)
{
    return ward_wire_unpack(type, (const uint8_t *)answer.p, answer.n, c->mem, out, err);
}
