/* Converts events between messages and the log. */
#include "common/base/clock.h"
#include "common/rpc/wire.h"
#include "services/audit/wire.h"

#include <string.h>

void *audit_list(struct ward_arena *mem, size_t size, size_t n, const void *init)
{
    void **at = ward_alloc(mem, n * sizeof(*at));
    uint8_t *items = ward_alloc(mem, n * size);

    if (at == NULL || items == NULL)
        return NULL;
    for (size_t i = 0; i < n; i++) {
        at[i] = memcpy(items + i * size, init, size);
    }
    return at;
}

/* Accepts a UUID only in the form that ward_uuid_text writes, because the text is restored from
 * the 16 bytes in the leaf. */
static bool event_id_of(const char *text, uint8_t id[16])
{
    char written[37];

    if (!ward_uuid_parse(text, id))
        return false;
    ward_uuid_text(id, written);
    return strcmp(text, written) == 0;
}

enum ward_code event_of(const Event *msg, struct ward_arena *mem, struct audit_event *out,
                        struct ward_err *err)
{
    struct audit_pair *detail = ward_alloc(mem, msg->n_detail * sizeof(*detail));
    uint8_t *id = ward_alloc(mem, 16);

    if (detail == NULL || id == NULL)
        return WARD_FAIL(err, RESOURCE_EXHAUSTED, "the events need more memory than permitted");
    for (size_t i = 0; i < msg->n_detail; i++)
        detail[i] = (struct audit_pair){msg->detail[i]->key, msg->detail[i]->value};
    *out = (struct audit_event){
        .id = event_id_of(msg->event_id, id) ? id : NULL,
        .occurred_at_us = msg->occurred_at_us,
        .outcome = (int)msg->outcome,
        .service = msg->service,
        .action = msg->action,
        .code = msg->code,
        .actor = msg->actor,
        .peer = msg->peer,
        .patient = msg->patient,
        .purpose = msg->purpose,
        .place = msg->place,
        .trace_id = msg->trace_id,
        .detail = detail,
        .n_detail = msg->n_detail,
    };
    return WARD_OK;
}

enum ward_code event_read(const void *p, size_t n, struct ward_arena *mem, Event **out,
                          struct ward_err *err)
{
    ProtobufCMessage *msg = NULL;

    WARD_TRY(ward_wire_unpack(&ward__audit__v1__event__descriptor, p, n, mem, &msg, err));
    *out = (Event *)msg;
    return WARD_OK;
}

enum ward_code event_admit(const Event *msg, const void *bytes, size_t n, const char *sender,
                           struct ward_arena *mem, struct audit_raw *out, struct ward_err *err)
{
    struct audit_event *e = ward_new(mem, struct audit_event);

    if (e == NULL)
        return WARD_FAIL(err, RESOURCE_EXHAUSTED, "the events need more memory than permitted");
    if (n > AUDIT_EVENT_MAX)
        return WARD_FAIL(err, INVALID_ARGUMENT, "the event is larger than %d bytes",
                         AUDIT_EVENT_MAX);
    WARD_TRY(event_of(msg, mem, e, err));
    WARD_TRY(audit_event_check(e, sender, ward_wall_us(), err));
    *out = (struct audit_raw){e, bytes, n};
    return WARD_OK;
}
