/* RotateKeys, with common/handler/rotate.h. */
#include "common/handler/rotate.h"
#include "services/identity/api.h"
#include "ward/identity/v1/admin.pb-c.h"

static enum ward_code say(struct ward_call *c, const struct ward_kek_rotation *r, bool finished,
                          const char *event)
{
    Ward__Identity__V1__RotateKeysResponse p = WARD__IDENTITY__V1__ROTATE_KEYS_RESPONSE__INIT;

    p.done = r->done;
    p.total = finished || r->total < r->done ? r->done : r->total;
    p.finished = finished;
    p.kek = r->kek.number;
    if (finished) {
        p.keks_destroyed = r->destroyed;
        p.event_id = api_text(event);
    }
    return ward_send(c, &p.base);
}

enum ward_code rotate_keys_rpc(struct ward_call *c, const ProtobufCMessage *q,
                               ProtobufCMessage *r)
{
    struct worker *w = c->wrk;

    (void)q, (void)r;
    return ward_rotate_keys(c, api_event_ctx(c), keys_ring(w->id->keys), say);
}
