/* Packs failures as google.rpc.Status, for programs. Packing uses no heap, because an
 * overloaded server packs a status for every rejected call. */
#include "common/rpc/wire.h"

#include <google/rpc/error_details.pb-c.h>
#include <google/rpc/status.pb-c.h>
#include <stdio.h>
#include <string.h>

#define DOMAIN       "ward"
#define TYPE(name)   "type.googleapis.com/google.rpc." name
#define N_DETAILS    3
#define READ_CAP     ((size_t)64 << 10)
#define MAX_RETRY_MS (24 * 3600 * 1000)

/* One packed detail. */
struct packed {
    Google__Protobuf__Any any;
    /* The longest detail is BadRequest: 63 + 159 bytes of text and a few more. */
    uint8_t bytes[384];
};

struct packing {
    struct packed details[N_DETAILS];
    Google__Protobuf__Any *list[N_DETAILS];
    size_t n;
};

static char *text(const char *s)
{
    /* protobuf-c's structs are not const, but packing does not change them. */
    return (char *)(uintptr_t)s;
}

static void add(struct packing *p, const char *type, const ProtobufCMessage *detail)
{
    struct packed *d = &p->details[p->n];

    WARD_ASSERT(protobuf_c_message_get_packed_size(detail) <= sizeof(d->bytes));
    google__protobuf__any__init(&d->any);
    d->any.type_url = text(type);
    d->any.value.data = d->bytes;
    d->any.value.len = protobuf_c_message_pack(detail, d->bytes);
    p->list[p->n++] = &d->any;
}

/* Replaces the bytes of a character that was cut off, because they would make the whole Status
 * unreadable. */
static void make_utf8(char *s)
{
    size_t n = strlen(s);

    for (size_t i = 0; i < n && !ward_wire_utf8((const uint8_t *)s, n); i++)
        if ((uint8_t)s[i] >= 0x80)
            s[i] = '?';
}

static void add_info(struct packing *p, const struct ward_err *e)
{
    Google__Rpc__ErrorInfo info = GOOGLE__RPC__ERROR_INFO__INIT;

    info.reason = text(*e->reason != '\0' ? e->reason : ward_code_name(e->code));
    info.domain = text(DOMAIN);
    add(p, TYPE("ErrorInfo"), &info.base);
}

static void add_bad_request(struct packing *p, struct ward_err *e)
{
    Google__Rpc__BadRequest bad = GOOGLE__RPC__BAD_REQUEST__INIT;
    Google__Rpc__BadRequest__FieldViolation v = GOOGLE__RPC__BAD_REQUEST__FIELD_VIOLATION__INIT;
    Google__Rpc__BadRequest__FieldViolation *list[] = {&v};

    v.field = e->field;
    v.description = e->msg;
    bad.field_violations = list;
    bad.n_field_violations = WARD_COUNT(list);
    add(p, TYPE("BadRequest"), &bad.base);
}

static void add_retry(struct packing *p, int ms)
{
    Google__Rpc__RetryInfo retry = GOOGLE__RPC__RETRY_INFO__INIT;
    Google__Protobuf__Duration delay = GOOGLE__PROTOBUF__DURATION__INIT;

    delay.seconds = ms / 1000;
    delay.nanos = ms % 1000 * 1000000;
    retry.retry_delay = &delay;
    add(p, TYPE("RetryInfo"), &retry.base);
}

size_t ward_details_pack(const struct ward_err *err, uint8_t *out, size_t cap)
{
    Google__Rpc__Status status = GOOGLE__RPC__STATUS__INIT;
    struct ward_err e = *err;
    struct packing p;

    p.n = 0;
    make_utf8(e.msg);
    make_utf8(e.field);
    make_utf8(e.reason);
    add_info(&p, &e);
    if (*e.field != '\0')
        add_bad_request(&p, &e);
    if (e.retry_after_ms > 0)
        add_retry(&p, e.retry_after_ms);
    status.code = (int32_t)e.code;
    status.message = e.msg;
    status.details = p.list;
    status.n_details = p.n;
    if (google__rpc__status__get_packed_size(&status) > cap)
        /* impossible: the buffer has WARD_DETAILS_MAX bytes, and all texts are bounded. */
        return 0;
    return google__rpc__status__pack(&status, out);
}

static void read_info(const Google__Rpc__ErrorInfo *info, struct ward_err *err)
{
    snprintf(err->reason, sizeof(err->reason), "%s", info->reason);
}

static void read_bad_request(const Google__Rpc__BadRequest *bad, struct ward_err *err)
{
    if (bad->n_field_violations > 0)
        snprintf(err->field, sizeof(err->field), "%s", bad->field_violations[0]->field);
}

static void read_retry(const Google__Rpc__RetryInfo *retry, struct ward_err *err)
{
    const Google__Protobuf__Duration *d = retry->retry_delay;
    int64_t ms;

    if (d == NULL || d->seconds < 0 || d->seconds > MAX_RETRY_MS / 1000 || d->nanos < 0)
        return;
    ms = d->seconds * 1000 + d->nanos / 1000000;
    err->retry_after_ms = (int)(ms < MAX_RETRY_MS ? ms : MAX_RETRY_MS);
}

static void read_detail(const Google__Protobuf__Any *any, struct ward_arena *mem,
                        struct ward_err *err)
{
    const struct {
        const char *url;
        const ProtobufCMessageDescriptor *type;
    } known[] = {
        {TYPE("ErrorInfo"), &google__rpc__error_info__descriptor},
        {TYPE("BadRequest"), &google__rpc__bad_request__descriptor},
        {TYPE("RetryInfo"), &google__rpc__retry_info__descriptor},
    };
    ProtobufCMessage *msg;
    size_t i = 0;

    while (i < WARD_COUNT(known) && strcmp(any->type_url, known[i].url) != 0)
        i++;
    if (i == WARD_COUNT(known) || ward_wire_unpack(known[i].type, any->value.data,
                                                   any->value.len, mem, &msg, NULL) != WARD_OK)
        return;
    if (i == 0)
        read_info((const Google__Rpc__ErrorInfo *)msg, err);
    else if (i == 1)
        read_bad_request((const Google__Rpc__BadRequest *)msg, err);
    else
        read_retry((const Google__Rpc__RetryInfo *)msg, err);
}

void ward_details_read(const uint8_t *p, size_t n, struct ward_err *err)
{
    struct ward_arena mem;
    ProtobufCMessage *msg;

    ward_arena_init(&mem, READ_CAP);
    if (ward_wire_unpack(&google__rpc__status__descriptor, p, n, &mem, &msg, NULL) == WARD_OK) {
        const Google__Rpc__Status *status = (const Google__Rpc__Status *)msg;

        for (size_t i = 0; i < status->n_details; i++)
            read_detail(status->details[i], &mem, err);
    }
    ward_arena_done(&mem);
}
