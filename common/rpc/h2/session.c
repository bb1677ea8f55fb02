#include "common/rpc/h2/h2.h"

#include <malloc.h>
#include <stdlib.h>
#include <string.h>

#define SECOND_NS  (1000 * WARD_NS_PER_MS)
#define LINGER_NS  (100 * WARD_NS_PER_MS)
#define ACK_NS     (2 * SECOND_NS) /* time for the peer's answer to the PING after a GOAWAY */
#define PONG_NS    (20 * SECOND_NS)
#define OPAQUE_AGE ((const uint8_t *)"ward-age")
#define OPAQUE_UP  ((const uint8_t *)"ward-up?")

/* ---- nghttp2's memory: a connection past its limit gets no memory and ends ---- */

static bool room_for(const struct session *s, size_t n)
{
    return n <= H2_MEMORY && s->h2_bytes + n <= H2_MEMORY;
}

static void *counted(struct session *s, void *p)
{
    if (p != NULL)
        s->h2_bytes += malloc_usable_size(p);
    return p;
}

static void *mem_malloc(size_t n, void *s)
{
    return room_for(s, n) ? counted(s, malloc(n)) : NULL;
}

static void *mem_calloc(size_t a, size_t b, void *s)
{
    return a < H2_MEMORY && b < H2_MEMORY && room_for(s, a * b) ? counted(s, calloc(a, b))
                                                                : NULL;
}

static void mem_free(void *p, void *s)
{
    if (p != NULL)
        ((struct session *)s)->h2_bytes -= malloc_usable_size(p);
    free(p);
}

static void *mem_realloc(void *p, size_t n, void *user)
{
    struct session *s = user;
    size_t old = p == NULL ? 0 : malloc_usable_size(p);
    void *q;

    if (!room_for(s, n))
        return NULL;
    q = realloc(p, n);
    if (q == NULL)
        return NULL;
    s->h2_bytes -= old;
    return counted(s, q);
}

/* ---- the session's memory: reported in steps, because peer and server counters are shared
 * ---- */

/* Returns the session's memory without the first H2_FREE bytes of nghttp2. */
static size_t holds(const struct session *s)
{
    return s->held + (s->h2_bytes > H2_FREE ? s->h2_bytes - H2_FREE : 0);
}

static void tell(struct session *s)
{
    size_t all = holds(s), more = all - s->told; /* modulo 2^64: the change may be negative */

    atomic_fetch_add_explicit(&s->from->bytes, more, memory_order_relaxed);
    atomic_fetch_add_explicit(&s->loop->srv->held, more, memory_order_relaxed);
    s->told = all;
    s->most = all > s->most ? all : s->most;
}

void session_holds(struct session *s, size_t was, size_t now)
{
    size_t all;

    s->held += now - was;
    all = holds(s);
    if (all + H2_TELL < s->told || all > s->told + H2_TELL)
        tell(s);
}

bool session_full(const struct session *s)
{
    const struct h2_server *srv = s->loop->srv;

    return holds(s) > srv->most_conn ||
           atomic_load_explicit(&s->from->bytes, memory_order_relaxed) > srv->most_peer ||
           atomic_load_explicit(&srv->held, memory_order_relaxed) > srv->most_all;
}

/* ---- budgets ---- */

/* Frames that serve no call use up a budget. Time and answered calls refill the budget. */
bool session_charge(struct session *s, int n)
{
    int64_t ms = (s->loop->now - s->refilled) / WARD_NS_PER_MS;

    if (ms >= 100) {
        s->budget += (int)(ms < 10000 ? ms * H2_REFILL / 1000 : H2_BUDGET);
        if (s->budget > H2_BUDGET)
            s->budget = H2_BUDGET;
        s->refilled = s->loop->now;
    }
    s->budget -= n;
    return s->budget >= 0;
}

static int enhance_your_calm(struct session *s)
{
    h2_stat_ended("budget");
    return nghttp2_session_terminate_session(s->h2, NGHTTP2_ENHANCE_YOUR_CALM);
}

/* Called before a frame's payload is read. nghttp2 reports ignored frames only here. */
static int on_begin_frame(nghttp2_session *h2, const nghttp2_frame_hd *hd, void *user)
{
    struct session *s = user;

    (void)h2;
    if (hd->type == NGHTTP2_HEADERS || (hd->type == NGHTTP2_DATA && hd->length > 0) ||
        session_charge(s, 1))
        return 0;
    return enhance_your_calm(s);
}

/* Ignores frames of unknown types; on_begin_frame has charged them. */
static int on_extension(nghttp2_session *h2, void **payload, const nghttp2_frame_hd *hd,
                        void *user)
{
    (void)h2, (void)hd, (void)user;
    *payload = NULL;
    return 0;
}

/* ---- received frames ---- */

static int on_begin_headers(nghttp2_session *h2, const nghttp2_frame *f, void *user)
{
    struct h2_call *c;

    if (f->hd.type != NGHTTP2_HEADERS || f->headers.cat != NGHTTP2_HCAT_REQUEST)
        return 0;
    c = call_new(user, f->hd.stream_id);
    if (c == NULL)
        return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
    return nghttp2_session_set_stream_user_data(h2, f->hd.stream_id, c);
}

static int on_header(nghttp2_session *h2, const nghttp2_frame *f, const uint8_t *name,
                     size_t n_name, const uint8_t *value, size_t n, uint8_t flags, void *user)
{
    struct h2_call *c = nghttp2_session_get_stream_user_data(h2, f->hd.stream_id);

    (void)flags, (void)user;
    if (c == NULL || f->headers.cat != NGHTTP2_HCAT_REQUEST) /* trailers are ignored */
        return session_charge(user, 1) ? 0 : NGHTTP2_ERR_CALLBACK_FAILURE;
    if (call_header(c, name, n_name, value, n))
        return 0;
    h2_stat_ended("headers");
    return NGHTTP2_ERR_CALLBACK_FAILURE; /* the remaining headers are not decoded */
}

static int on_data(nghttp2_session *h2, uint8_t flags, int32_t id, const uint8_t *p, size_t n,
                   void *user)
{
    struct h2_call *c = nghttp2_session_get_stream_user_data(h2, id);

    (void)flags, (void)user;
    /* A slow stream must not block the other streams. */
    nghttp2_session_consume_connection(h2, n);
    if (c == NULL || atomic_load(&c->done))
        return 0;
    call_data(c, p, n);
    return 0;
}

static void on_pong(struct session *s, const uint8_t opaque[8])
{
    s->pinged = 0;
    if (s->drain != SESSION_NOTICED || memcmp(opaque, OPAQUE_AGE, 8) != 0)
        return;
    s->drain = SESSION_ACKED;
    s->look_at = s->loop->now + LINGER_NS;
}

static int on_frame(nghttp2_session *h2, const nghttp2_frame *f, void *user)
{
    struct h2_call *c;

    if (f->hd.type == NGHTTP2_PING && (f->hd.flags & NGHTTP2_FLAG_ACK) != 0)
        on_pong(user, f->ping.opaque_data);
    if (f->hd.type != NGHTTP2_HEADERS && f->hd.type != NGHTTP2_DATA)
        return 0;
    c = nghttp2_session_get_stream_user_data(h2, f->hd.stream_id);
    if (c == NULL)
        return 0;
    if (f->hd.type == NGHTTP2_HEADERS && f->headers.cat == NGHTTP2_HCAT_REQUEST)
        call_begun(c);
    if ((f->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0 && !atomic_load(&c->done))
        call_ended(c);
    return 0;
}

/* Called after a frame was sent. If the reply is complete but the client still sends, the
 * stream is reset without an error. */
static int on_sent(nghttp2_session *h2, const nghttp2_frame *f, void *user)
{
    struct session *s = user;

    /* The peer pays for resets that it provokes. */
    if (f->hd.type == NGHTTP2_RST_STREAM && f->rst_stream.error_code != NGHTTP2_NO_ERROR &&
        f->rst_stream.error_code != NGHTTP2_CANCEL)
        return session_charge(s, 2) ? 0 : enhance_your_calm(s);
    if (f->hd.type == NGHTTP2_DATA && s->budget < H2_BUDGET)
        s->budget += 2; /* the peer answers data with WINDOW_UPDATE frames */
    if (f->hd.type != NGHTTP2_HEADERS || (f->hd.flags & NGHTTP2_FLAG_END_STREAM) == 0)
        return 0;
    if (nghttp2_session_get_stream_user_data(h2, f->hd.stream_id) != NULL &&
        nghttp2_session_get_stream_remote_close(h2, f->hd.stream_id) == 0)
        return nghttp2_submit_rst_stream(h2, NGHTTP2_FLAG_NONE, f->hd.stream_id,
                                         NGHTTP2_NO_ERROR);
    return 0;
}

static int on_stream_close(nghttp2_session *h2, int32_t id, uint32_t error, void *user)
{
    struct h2_call *c = nghttp2_session_get_stream_user_data(h2, id);
    struct session *s = user;

    (void)error;
    if (c == NULL)
        return 0;
    if (c->answered && s->budget < H2_BUDGET)
        s->budget += 4; /* an answered call adds budget */
    call_lost(c);
    return 0;
}

static nghttp2_session_callbacks *callbacks;
static pthread_once_t callbacks_once = PTHREAD_ONCE_INIT;

static void make_callbacks(void)
{
    nghttp2_session_callbacks *cb;

    WARD_ASSERT(nghttp2_session_callbacks_new(&cb) == 0);
    nghttp2_session_callbacks_set_on_begin_headers_callback(cb, on_begin_headers);
    nghttp2_session_callbacks_set_on_header_callback(cb, on_header);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(cb, on_data);
    nghttp2_session_callbacks_set_on_begin_frame_callback(cb, on_begin_frame);
    nghttp2_session_callbacks_set_on_frame_recv_callback(cb, on_frame);
    nghttp2_session_callbacks_set_unpack_extension_callback(cb, on_extension);
    nghttp2_session_callbacks_set_on_frame_send_callback(cb, on_sent);
    nghttp2_session_callbacks_set_on_stream_close_callback(cb, on_stream_close);
    callbacks = cb;
}

/* ---- life ---- */

static int64_t age_of(const struct session *s)
{
    int64_t age = s->loop->rpc->cfg.max_age_ms * WARD_NS_PER_MS;

    if (age == 0)
        return WARD_NO_DEADLINE;
    /* The age varies by a tenth, so that connections opened together do not all reconnect
     * together. */
    return s->loop->now + age - age / 10 + (int64_t)((uintptr_t)s / 64 % 1000) * age / 5000;
}

static bool make(struct session *s)
{
    const nghttp2_settings_entry settings[] = {
        {NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, H2_STREAMS},
        {NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, H2_META},
        {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, H2_WINDOW},
        /* No dependency tree that a peer could abuse. */
        {NGHTTP2_SETTINGS_NO_RFC7540_PRIORITIES, 1},
    };
    nghttp2_option *o;
    bool ok;

    if (nghttp2_option_new(&o) != 0)
        return false;
    nghttp2_option_set_no_auto_window_update(o, 1);
    nghttp2_option_set_no_closed_streams(o, 1);
    /* nghttp2's own limit is off, because the session's budget already counts resets. */
    nghttp2_option_set_stream_reset_rate_limit(o, UINT32_MAX, UINT32_MAX);
    nghttp2_option_set_max_continuations(o, 4);
    nghttp2_option_set_max_outbound_ack(o, 100);
    for (int type = NGHTTP2_CONTINUATION + 1; type < 256; type++)
        nghttp2_option_set_user_recv_extension_type(o, (uint8_t)type);
    ok = nghttp2_session_server_new3(&s->h2, callbacks, s, o, &s->mem) == 0 &&
         nghttp2_submit_settings(s->h2, 0, settings, WARD_COUNT(settings)) == 0 &&
         nghttp2_session_set_local_window_size(s->h2, 0, 0, H2_WINDOWS) == 0;
    nghttp2_option_del(o);
    return ok;
}

bool session_open(struct session *s, struct loop *l, struct peer *from,
                  void (*wake)(struct session *s))
{
    pthread_once(&callbacks_once, make_callbacks);
    *s = (struct session){
        .loop = l, .from = from, .wake = wake, .heard = l->now, .refilled = l->now};
    s->budget = H2_BUDGET;
    s->mem = (nghttp2_mem){s, mem_malloc, mem_free, mem_calloc, mem_realloc};
    s->age_at = age_of(s);
    s->look_at = l->now + SECOND_NS;
    if (!make(s))
        return false;
    if (l->draining)
        session_drain(s);
    return true;
}

void session_close(struct session *s)
{
    if (s->h2 == NULL)
        return;
    while (s->calls != NULL)
        call_lost(s->calls); /* nghttp2_session_del does not call on_stream_close */
    nghttp2_session_del(s->h2);
    s->h2 = NULL;
    tell(s);
}

bool session_read(struct session *s, const uint8_t *p, size_t n)
{
    bool all;

    s->heard = s->loop->now;
    all = nghttp2_session_mem_recv(s->h2, p, n) == (ssize_t)n;
    call_ended_all(s);
    return all;
}

ssize_t session_write(struct session *s, uint8_t *out)
{
    size_t len = 0;

    while (len < H2_GATHER) {
        const uint8_t *p;
        ssize_t n = nghttp2_session_mem_send(s->h2, &p);

        if (n < 0 || (size_t)n > H2_OUT - len)
            return -1;
        if (n == 0)
            break;
        memcpy(out + len, p, (size_t)n);
        len += (size_t)n;
    }
    return (ssize_t)len;
}

bool session_over(const struct session *s)
{
    return !nghttp2_session_want_read(s->h2) && !nghttp2_session_want_write(s->h2);
}

/* ---- time ---- */

/* Sends GOAWAY in two steps (RFC 9113, 6.8): a notice, one round trip, then the last accepted
 * stream. A client such as gRPC's core may send its PING answer before streams that it had
 * already begun. The second GOAWAY is therefore sent LINGER_NS after the PING answer. */
void session_drain(struct session *s)
{
    if (s->drain != SESSION_OPEN)
        return;
    s->drain = SESSION_NOTICED;
    s->drained = s->loop->now;
    s->look_at = s->loop->now + ACK_NS;
    nghttp2_submit_shutdown_notice(s->h2);
    nghttp2_submit_ping(s->h2, NGHTTP2_FLAG_NONE, OPAQUE_AGE);
    s->wake(s);
}

static void last_word(struct session *s)
{
    s->drain = SESSION_LEAVING;
    nghttp2_submit_goaway(s->h2, 0, nghttp2_session_get_last_proc_stream_id(s->h2),
                          NGHTTP2_NO_ERROR, NULL, 0);
    s->wake(s);
}

bool session_tick(struct session *s)
{
    const struct ward_rpc_config *cfg = &s->loop->rpc->cfg;
    int64_t now = s->loop->now, quiet = now - s->heard;
    int64_t keepalive = cfg->keepalive_ms > 0 ? cfg->keepalive_ms : 60000;

    s->look_at = now + SECOND_NS;
    if (s->pinged != 0 && now - s->pinged > PONG_NS) {
        h2_stat_ended("keepalive");
        return false;
    }
    if (s->drain != SESSION_OPEN && !s->loop->draining && cfg->max_age_grace_ms > 0 &&
        now - s->drained > cfg->max_age_grace_ms * WARD_NS_PER_MS)
        return false;
    if (s->drain == SESSION_ACKED ||
        (s->drain == SESSION_NOTICED && now - s->drained >= ACK_NS))
        last_word(s);
    if (s->drain == SESSION_OPEN &&
        (now > s->age_at || (s->n_calls == 0 && quiet > H2_IDLE_MS * WARD_NS_PER_MS)))
        session_drain(s);
    if (s->pinged == 0 && quiet > keepalive * WARD_NS_PER_MS) {
        s->pinged = now;
        nghttp2_submit_ping(s->h2, NGHTTP2_FLAG_NONE, OPAQUE_UP);
        s->wake(s);
    }
    return true;
}
