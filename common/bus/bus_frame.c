/* Packs and parses frames. */
#include "common/bus/bus_internal.h"

#include <string.h>

#define HEAD      8  /* bytes: magic 4, version 1, kind 1, count 2 */
#define ITEM_HEAD 20 /* bytes: id 16, length 4 */

static const uint8_t MAGIC[4] = {'W', 'B', 'U', 'S'};

static void put16(uint8_t *p, uint16_t v)
{
    p[0] = (uint8_t)(v >> 8);
    p[1] = (uint8_t)v;
}

static uint16_t get16(const uint8_t *p)
{
    return (uint16_t)(p[0] << 8 | p[1]);
}

static void put32(uint8_t *p, uint32_t v)
{
    put16(p, (uint16_t)(v >> 16));
    put16(p + 2, (uint16_t)v);
}

static uint32_t get32(const uint8_t *p)
{
    return (uint32_t)get16(p) << 16 | get16(p + 2);
}

static void put_head(uint8_t *out, enum frame_kind kind, uint16_t count)
{
    memcpy(out, MAGIC, sizeof(MAGIC));
    out[4] = 1;
    out[5] = (uint8_t)kind;
    put16(out + 6, count);
}

static enum ward_code check_head(const uint8_t *in, size_t len, enum frame_kind kind,
                                 struct ward_err *err)
{
    if (len < HEAD || memcmp(in, MAGIC, sizeof(MAGIC)) != 0)
        return WARD_FAIL(err, INVALID_ARGUMENT, "not a frame");
    if (in[4] != 1)
        return WARD_FAIL(err, INVALID_ARGUMENT, "the frame has version %d instead of 1", in[4]);
    if (in[5] != kind)
        return WARD_FAIL(err, INVALID_ARGUMENT, "the frame has kind %d instead of %d", in[5],
                         kind);
    return WARD_OK;
}

size_t ward_frame_size(const struct ward_bus_item *items, size_t n)
{
    size_t size = HEAD;

    if (n == 0 || n > WARD_BUS_MAX_ITEMS)
        return 0;
    for (size_t i = 0; i < n; i++) {
        if (items[i].n > WARD_BUS_MAX_BYTES)
            return 0;
        size += ITEM_HEAD + items[i].n;
        if (size > WARD_BUS_MAX_BYTES)
            return 0;
    }
    return size;
}

void ward_frame_pack(const struct ward_bus_item *items, size_t n, uint8_t *out)
{
    put_head(out, FRAME_DELIVERY, (uint16_t)n);
    out += HEAD;
    for (size_t i = 0; i < n; i++) {
        memcpy(out, items[i].id, sizeof(items[i].id));
        put32(out + 16, (uint32_t)items[i].n);
        if (items[i].n > 0)
            memcpy(out + ITEM_HEAD, items[i].p, items[i].n);
        out += ITEM_HEAD + items[i].n;
    }
}

enum ward_code ward_frame_parse(const uint8_t *in, size_t len, struct ward_bus_item *items,
                                size_t cap, size_t *n, struct ward_err *err)
{
    const uint8_t *end = in + len;
    size_t count;

    WARD_TRY(check_head(in, len, FRAME_DELIVERY, err));
    if (len > WARD_BUS_MAX_BYTES)
        return WARD_FAIL(err, INVALID_ARGUMENT, "the frame is too large: %zu bytes", len);
    count = get16(in + 6);
    if (count == 0 || count > WARD_BUS_MAX_ITEMS || count > cap)
        return WARD_FAIL(err, INVALID_ARGUMENT, "the frame has an invalid number of items: %zu",
                         count);
    in += HEAD;
    for (size_t i = 0; i < count; i++) {
        size_t size;

        if ((size_t)(end - in) < ITEM_HEAD)
            return WARD_FAIL(err, INVALID_ARGUMENT, "the frame ends within item %zu", i);
        size = get32(in + 16);
        if (size > (size_t)(end - in) - ITEM_HEAD)
            return WARD_FAIL(err, INVALID_ARGUMENT, "the frame ends within item %zu", i);
        memcpy(items[i].id, in, sizeof(items[i].id));
        items[i].p = in + ITEM_HEAD;
        items[i].n = size;
        in += ITEM_HEAD + size;
    }
    if (in != end)
        return WARD_FAIL(err, INVALID_ARGUMENT, "the frame has %zu bytes after the last item",
                         (size_t)(end - in));
    *n = count;
    return WARD_OK;
}

/* ---- acknowledgements: head with the code as count, then three texts with lengths ---- */

static uint8_t *put_text(uint8_t *out, const char *s)
{
    size_t n = strlen(s);

    put16(out, (uint16_t)n);
    memcpy(out + 2, s, n);
    return out + 2 + n;
}

size_t ward_ack_pack(const struct ward_err *e, uint8_t out[ACK_MAX])
{
    uint8_t *to = out + HEAD;

    put_head(out, FRAME_ACK, (uint16_t)e->code);
    to = put_text(to, e->msg);
    to = put_text(to, e->reason);
    return (size_t)(to - out);
}

static bool get_text(const uint8_t **in, const uint8_t *end, char *out, size_t size)
{
    size_t n;

    if (end - *in < 2)
        return false;
    n = get16(*in);
    if (n > (size_t)(end - *in) - 2 || n >= size || memchr(*in + 2, '\0', n) != NULL)
        return false;
    memcpy(out, *in + 2, n);
    out[n] = '\0';
    *in += 2 + n;
    return true;
}

enum ward_code ward_ack_parse(const uint8_t *in, size_t len, struct ward_err *ack,
                              struct ward_err *err)
{
    const uint8_t *at = in + HEAD, *end = in + len;
    struct ward_err got = {0};

    WARD_TRY(check_head(in, len, FRAME_ACK, err));
    if (get16(in + 6) >= WARD_N_CODES || !get_text(&at, end, got.msg, sizeof(got.msg)) ||
        !get_text(&at, end, got.reason, sizeof(got.reason)) || at != end)
        return WARD_FAIL(err, INVALID_ARGUMENT, "not an acknowledgement");
    got.code = (enum ward_code)get16(in + 6);
    *ack = got;
    return WARD_OK;
}

/* ---- marks ---- */

#define MARK_HEAD (HEAD + 16)

static void put64(uint8_t *p, uint64_t v)
{
    put32(p, (uint32_t)(v >> 32));
    put32(p + 4, (uint32_t)v);
}

static uint64_t get64(const uint8_t *p)
{
    return (uint64_t)get32(p) << 32 | get32(p + 4);
}

size_t ward_mark_pack(const char *service, uint64_t sent, uint64_t last, uint8_t out[MARK_MAX])
{
    size_t n = strlen(service);

    if (n == 0 || n > MARK_NAME)
        return 0;
    put_head(out, FRAME_MARK, 0);
    put64(out + HEAD, sent);
    put64(out + HEAD + 8, last);
    memcpy(out + MARK_HEAD, service, n);
    return MARK_HEAD + n;
}

bool ward_mark_parse(const uint8_t *in, size_t len, char service[MARK_NAME + 1], uint64_t *sent,
                     uint64_t *last)
{
    size_t n;

    if (check_head(in, len, FRAME_MARK, NULL) != WARD_OK || len <= MARK_HEAD ||
        len > MARK_MAX || get16(in + 6) != 0)
        return false;
    n = len - MARK_HEAD;
    if (memchr(in + MARK_HEAD, '\0', n) != NULL)
        return false;
    *sent = get64(in + HEAD);
    *last = get64(in + HEAD + 8);
    memcpy(service, in + MARK_HEAD, n);
    service[n] = '\0';
    return true;
}

/* ---- hints: the topic and a NUL first, because NNG's subscriptions match a prefix ---- */

size_t ward_hint_pack(const char *topic, uint64_t seq, uint8_t out[HINT_MAX])
{
    size_t n = strlen(topic) + 1;

    memcpy(out, topic, n);
    put64(out + n, seq);
    return n + 8;
}

bool ward_hint_parse(const uint8_t *in, size_t len, const char *topic, uint64_t *seq)
{
    size_t n = strlen(topic) + 1;

    if (len != n + 8 || memcmp(in, topic, n) != 0)
        return false;
    *seq = get64(in + n);
    return true;
}
