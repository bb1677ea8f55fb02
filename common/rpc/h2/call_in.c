#include "common/rpc/h2/h2.h"

/* Flow control. Up to IN_HIGH bytes of waiting messages, a stream's window is restored at once.
 * Above IN_HIGH, the window is restored when the handler takes a message. For a call that needs
 * its message before the handler, the window is always restored at once; otherwise, a message
 * larger than the window could never arrive. The session's memory limit bounds the total. */
#define IN_HIGH ((size_t)128 << 10)

void call_account(struct h2_call *c)
{
    size_t now;

    if (c->session == NULL)
        return;
    pthread_mutex_lock(&c->lock);
    now = H2_CALL_BYTES + c->in_bytes + c->out_bytes;
    pthread_mutex_unlock(&c->lock);
    if (c->framer.part != NULL)
        now += c->framer.part->cap;
    session_holds(c->session, c->charged, now);
    c->charged = now;
}

static void refuse(struct h2_call *c, enum framed why)
{
    struct ward_err err = {0};

    if (why == FRAMED_COMPRESSED && c->encoded)
        (void)WARD_FAIL_REASON(&err, UNIMPLEMENTED, "COMPRESSION_REFUSED",
                               "compressed messages are not supported");
    else if (why == FRAMED_COMPRESSED)
        (void)WARD_FAIL(&err, INTERNAL,
                        "a message is compressed, but no header names the compression");
    else if (why == FRAMED_TOO_LARGE)
        (void)WARD_FAIL_REASON(&err, RESOURCE_EXHAUSTED, "MESSAGE_TOO_LARGE",
                               "the message is larger than %zu bytes",
                               c->s.rpc->cfg.max_message);
    else
        (void)WARD_FAIL(&err, RESOURCE_EXHAUSTED, "no memory for the message");
    call_refuse(c, &err);
}

static void one_only(struct h2_call *c)
{
    struct ward_err err = {0};

    (void)WARD_FAIL(&err, UNIMPLEMENTED, "this method takes exactly one message");
    call_refuse(c, &err);
}

static void put(struct h2_call *c, struct msg *m)
{
    pthread_mutex_lock(&c->lock);
    *c->in_tail = m;
    c->in_tail = &m->next;
    c->in_bytes += m->len;
    pthread_cond_signal(&c->moved);
    pthread_mutex_unlock(&c->lock);
}

static void give_back(struct h2_call *c, size_t n)
{
    bool high;

    pthread_mutex_lock(&c->lock);
    high = c->in_bytes > IN_HIGH && !call_waits_for_message(c->s.method);
    if (high)
        c->owed += n;
    pthread_mutex_unlock(&c->lock);
    if (!high)
        nghttp2_session_consume_stream(c->session->h2, c->id, n);
}

/* The call has the data that its handler needs to start. */
static void arrive(struct h2_call *c)
{
    size_t len;

    pthread_mutex_lock(&c->lock);
    len = c->in_bytes;
    pthread_mutex_unlock(&c->lock);
    if (c->s.deadline_ns == WARD_NO_DEADLINE)
        wheel_unset(&c->timer);
    call_arrive(c, len);
}

/* Returns false if the message was rejected. */
static bool take(struct h2_call *c, struct msg *m)
{
    if (++c->n_messages > 1 && call_waits_for_message(c->s.method)) {
        frame_free(m);
        one_only(c);
        return false;
    }
    put(c, m);
    return true;
}

void call_data(struct h2_call *c, const uint8_t *p, size_t n)
{
    size_t all = n, most = c->s.rpc->cfg.max_message;
    struct ward_err err = {0};

    while (n > 0) {
        struct msg *m;
        enum framed now = frame_take(&c->framer, &p, &n, most, &m);

        if (now == FRAMED_PART)
            break;
        if (now != FRAMED_MESSAGE) {
            refuse(c, now);
            return;
        }
        if (!take(c, m))
            return;
    }
    give_back(c, all);
    call_account(c);
    if (session_full(c->session)) {
        (void)WARD_FAIL_REASON(&err, RESOURCE_EXHAUSTED, "CONNECTION_FULL",
                               "the calls of this connection use too much memory");
        call_refuse(c, &err);
    } else if (!c->arrived && c->n_messages == 1 && c->s.method->info->server_streaming) {
        arrive(c); /* server streaming: the request has exactly one message */
    }
}

static void half_close(struct h2_call *c)
{
    pthread_mutex_lock(&c->lock);
    c->ended = true;
    pthread_cond_signal(&c->moved);
    pthread_mutex_unlock(&c->lock);
}

/* The handler is informed only after the whole read was processed. A client that cancels may
 * half-close the stream and then reset it (Node.js does), and such a call must not look
 * complete. */
void call_ended(struct h2_call *c)
{
    struct ward_err err = {0};

    if (frame_inside(&c->framer)) {
        (void)WARD_FAIL(&err, INTERNAL, "the stream ended inside a message");
        call_refuse(c, &err);
        return;
    }
    if (!c->arrived) {
        half_close(c);
        arrive(c);
        return;
    }
    c->ending = true;
    c->ending_next = c->session->ending;
    c->session->ending = c;
}

void call_ended_all(struct session *s)
{
    while (s->ending != NULL) {
        struct h2_call *c = s->ending;

        s->ending = c->ending_next;
        c->ending = false;
        half_close(c);
    }
}

void call_ends_no_more(struct session *s, struct h2_call *c)
{
    struct h2_call **at = &s->ending;

    if (!c->ending)
        return;
    while (*at != c)
        at = &(*at)->ending_next;
    *at = c->ending_next;
    c->ending = false;
}
