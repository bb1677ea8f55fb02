#include "common/rpc/h2/h2.h"
#include "common/rpc/h2/text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FIELDS 8

static const uint8_t *bytes(const char *s)
{
    return (const uint8_t *)s;
}

/* Creates a header field. The name must stay valid until it is sent; with NO_COPY_VALUE, the
 * value must too. */
static nghttp2_nv field(const char *name, const char *value, size_t n, uint8_t flags)
{
    return (nghttp2_nv){(uint8_t *)(uintptr_t)bytes(name), (uint8_t *)(uintptr_t)bytes(value),
                        strlen(name), n, NGHTTP2_NV_FLAG_NO_COPY_NAME | flags};
}

static nghttp2_nv fixed(const char *name, const char *value)
{
    return field(name, value, strlen(value), NGHTTP2_NV_FLAG_NO_COPY_VALUE);
}

struct words *words_of(const struct ward_err *err)
{
    uint8_t details[WARD_DETAILS_MAX];
    size_t n = ward_details_pack(err, details, sizeof(details));
    struct words *w = malloc(sizeof(*w) + 3 * sizeof(err->msg) + TEXT_BIN_ROOM(n));

    WARD_ASSERT(w != NULL);
    w->n_msg = text_percent(err->msg, w->text);
    w->n_details = text_bin(details, n, w->text + w->n_msg);
    return w;
}

static size_t add_status(nghttp2_nv *f, const struct h2_call *c)
{
    static const char *const numbers[WARD_N_CODES] = {"0",  "1",  "2",  "3",  "4",  "5",
                                                      "6",  "7",  "8",  "9",  "10", "11",
                                                      "12", "13", "14", "15", "16"};
    size_t n = 0;

    f[n++] = fixed("grpc-status", numbers[c->code]);
    if (c->words == NULL)
        return n;
    f[n++] = field("grpc-message", c->words->text, c->words->n_msg, 0);
    f[n++] = field("grpc-status-details-bin", c->words->text + c->words->n_msg,
                   c->words->n_details, 0);
    if (c->code == WARD_UNIMPLEMENTED && c->encoded)
        f[n++] = fixed("grpc-accept-encoding", "identity");
    return n;
}

/* Copies as much of the waiting messages as fits. Lock held. */
static size_t fill(struct h2_call *c, uint8_t *out, size_t cap)
{
    size_t n = 0;

    while (c->out != NULL && n < cap) {
        struct msg *m = c->out;
        size_t part = m->len - m->at < cap - n ? m->len - m->at : cap - n;

        memcpy(out + n, m->data + m->at, part);
        m->at += part;
        n += part;
        if (m->at < m->len)
            break;
        c->out = m->next;
        if (c->out == NULL)
            c->out_tail = &c->out;
        c->out_bytes -= m->len;
        free(m);
    }
    return n;
}

/* nghttp2 calls this when flow control permits sending. One frame may contain several
 * messages. */
static ssize_t read_reply(nghttp2_session *h2, int32_t id, uint8_t *out, size_t cap,
                          uint32_t *flags, nghttp2_data_source *source, void *user)
{
    struct h2_call *c = source->ptr;
    nghttp2_nv f[FIELDS];
    bool end, moved;
    size_t n;

    (void)user;
    pthread_mutex_lock(&c->lock);
    n = fill(c, out, cap);
    end = atomic_load(&c->done) && c->out == NULL;
    moved = c->pushed && c->out == NULL;
    if (moved)
        c->pushed = false;
    pthread_cond_signal(&c->moved);
    pthread_mutex_unlock(&c->lock);
    call_account(c);
    if (end) {
        *flags |= NGHTTP2_DATA_FLAG_EOF | NGHTTP2_DATA_FLAG_NO_END_STREAM;
        if (nghttp2_submit_trailer(h2, id, f, add_status(f, c)) != 0)
            return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
        c->answered = true;
    }
    if (moved)
        health_moved(&c->s);
    return n == 0 && !end ? NGHTTP2_ERR_DEFERRED : (ssize_t)n;
}

/* Sends pending data. A failure without a message is sent as trailers only. */
void call_reply(struct h2_call *c)
{
    nghttp2_data_provider body = {.source.ptr = c, .read_callback = read_reply};
    nghttp2_nv f[FIELDS];
    bool alone;
    size_t n = 0;

    if (c->session == NULL || c->held_back)
        return;
    c->session->wake(c->session);
    /* The answer must be sent within the stall limit. */
    if (atomic_load(&c->done) && !c->answered) {
        c->due = true;
        wheel_set(&c->loop->wheel, &c->timer, c->loop->now + H2_STALL_MS * WARD_NS_PER_MS);
    }
    if (c->replied) {
        nghttp2_session_resume_data(c->session->h2, c->id);
        return;
    }
    pthread_mutex_lock(&c->lock);
    alone = atomic_load(&c->done) && c->out == NULL;
    pthread_mutex_unlock(&c->lock);
    f[n++] = fixed(":status", "200");
    f[n++] = fixed("content-type", "application/grpc");
    if (alone)
        n += add_status(f + n, c);
    c->replied = true;
    c->answered = alone;
    nghttp2_submit_response(c->session->h2, c->id, f, n, alone ? NULL : &body);
}

/* Answers a request that is not a gRPC call. */
void call_http(struct h2_call *c, const char *status)
{
    nghttp2_nv f[] = {fixed(":status", status)};

    c->replied = c->answered = true;
    atomic_store(&c->done, true);
    nghttp2_submit_response(c->session->h2, c->id, f, WARD_COUNT(f), NULL);
    c->session->wake(c->session);
}

void call_refuse(struct h2_call *c, struct ward_err *err)
{
    bool first;

    call_log(err);
    frame_done(&c->framer); /* further data of this call is dropped */
    pthread_mutex_lock(&c->lock);
    first = !atomic_load(&c->done);
    if (first) {
        c->code = err->code;
        c->words = words_of(err);
        atomic_store(&c->done, true);
        frame_free(c->out);
        c->out = NULL;
        c->out_tail = &c->out;
        c->out_bytes = 0;
    }
    atomic_store(&c->s.cancelled, true);
    pthread_cond_broadcast(&c->moved);
    pthread_mutex_unlock(&c->lock);
    if (c->owned)
        call_hooks_run(&c->s);
    if (!c->arrived && first) {
        stats_began(&c->s, 0);
        stats_ended(&c->s, err->code, 0);
    }
    call_reply(c);
}
