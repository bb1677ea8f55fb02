#include "common/rpc/h2/h2.h"
#include "common/rpc/h2/text.h"

#include <stdlib.h>
#include <string.h>

#define SPARE_CALLS 1024 /* limit of unused calls that a loop stores */
#define AGAIN_NS    (1000 * WARD_NS_PER_MS)

/* ---- life ---- */

static struct h2_call *take(struct loop *l)
{
    struct h2_call *c = l->free_calls;
    pthread_condattr_t mono;

    if (c != NULL) {
        l->free_calls = c->next;
        l->n_free--;
        c->next = NULL;
        return c;
    }
    c = calloc(1, sizeof(*c));
    if (c == NULL)
        return NULL;
    pthread_condattr_init(&mono);
    pthread_condattr_setclock(&mono, CLOCK_MONOTONIC);
    pthread_mutex_init(&c->lock, NULL);
    pthread_cond_init(&c->moved, &mono);
    pthread_condattr_destroy(&mono);
    return c;
}

static void on_time(struct timer *t);

struct h2_call *call_new(struct session *s, int32_t id)
{
    struct loop *l = s->loop;
    struct h2_call *c = take(l);

    if (c == NULL)
        return NULL;
    c->mail.fn = face_mail;
    c->timer.fn = on_time;
    c->loop = l;
    c->session = s;
    c->id = id;
    c->in_tail = &c->in;
    c->out_tail = &c->out;
    c->s.rpc = l->rpc;
    c->s.method = &l->rpc->unknown;
    c->s.began_ns = l->now;
    c->s.from = s->from;
    memcpy(c->s.peer, s->from->name, sizeof(c->s.peer));
    c->charged = H2_CALL_BYTES;
    session_holds(s, 0, H2_CALL_BYTES);
    s->n_calls++;
    c->next = s->calls;
    if (s->calls != NULL)
        s->calls->prev = c;
    s->calls = c;
    atomic_fetch_add_explicit(&l->n_calls, 1, memory_order_relaxed);
    return c;
}

static void destroy(struct h2_call *c)
{
    pthread_cond_destroy(&c->moved);
    pthread_mutex_destroy(&c->lock);
    free(c);
}

static void recycle(struct h2_call *c)
{
    struct loop *l = c->loop;
    size_t kept = offsetof(struct h2_call, s);

    wheel_unset(&c->timer);
    if (c->s.method->async != NULL)
        health_gone(&c->s);
    frame_free(c->in);
    frame_free(c->out);
    frame_done(&c->framer);
    free(c->words);
    while (c->meta != NULL) {
        struct kept *next = c->meta->next;

        free(c->meta);
        c->meta = next;
    }
    atomic_fetch_sub_explicit(&l->n_calls, 1, memory_order_relaxed);
    if (l->n_free >= SPARE_CALLS) {
        destroy(c);
        return;
    }
    memset((char *)c + kept, 0, sizeof(*c) - kept);
    c->next = l->free_calls;
    l->free_calls = c;
    l->n_free++;
}

void call_free_spare(struct loop *l)
{
    while (l->free_calls != NULL) {
        struct h2_call *next = l->free_calls->next;

        destroy(l->free_calls);
        l->free_calls = next;
    }
}

/* The owner has released the call. */
void call_set_off(struct h2_call *c)
{
    c->owned = false;
    if (c->session == NULL)
        recycle(c);
}

void call_lost(struct h2_call *c)
{
    struct session *s = c->session;
    bool watched, pushed;

    *(c->prev == NULL ? &s->calls : &c->prev->next) = c->next;
    if (c->next != NULL)
        c->next->prev = c->prev;
    c->prev = c->next = NULL;
    call_ends_no_more(s, c);
    s->n_calls--;
    session_holds(s, c->charged, 0);
    wheel_unset(&c->timer);
    c->session = NULL;
    pthread_mutex_lock(&c->lock);
    atomic_store(&c->s.cancelled, true);
    watched = c->watched;
    pushed = c->pushed;
    c->pushed = false;
    pthread_cond_broadcast(&c->moved);
    pthread_mutex_unlock(&c->lock);
    if (!c->owned) {
        recycle(c);
        return;
    }
    call_hooks_run(&c->s);
    if (pushed)
        health_moved(&c->s); /* the message can no longer be sent, so the watch continues */
    else if (watched)
        c->s.method->async(&c->s, NULL);
    else if (c->s.method->crew != NULL)
        call_give_up(&c->s, WARD_CANCELLED);
}

/* Handles the timer of a call that has its handler or waits for a worker. A handler knows the
 * deadline and ends the call itself. */
static void on_time_of_owned(struct h2_call *c)
{
    int64_t now = c->loop->now;

    if (c->s.method->crew != NULL)
        call_give_up(&c->s, WARD_DEADLINE_EXCEEDED);
    pthread_mutex_lock(&c->lock);
    pthread_cond_broadcast(&c->moved);
    pthread_mutex_unlock(&c->lock);
    if (c->s.deadline_ns != WARD_NO_DEADLINE)
        wheel_set(&c->loop->wheel, &c->timer,
                  c->s.deadline_ns > now ? c->s.deadline_ns : now + AGAIN_NS);
}

/* Ends a call without a handler at its deadline. Resets a stream whose peer gives no window for
 * the answer, because the call would otherwise stay forever. */
static void on_time(struct timer *t)
{
    struct h2_call *c = RPC_OF(t, struct h2_call, timer);
    struct ward_err err = {0};

    if (c->held_back) {
        c->held_back = false;
        call_reply(c);
    } else if (!c->arrived && !atomic_load(&c->done)) {
        (void)WARD_FAIL(&err, DEADLINE_EXCEEDED,
                        "the deadline passed before the whole request arrived");
        call_refuse(c, &err);
    } else if (atomic_load(&c->done) && !c->answered) {
        if (!c->due)
            return; /* the answer was given at the deadline, and its mail is not yet read */
        nghttp2_submit_rst_stream(c->session->h2, NGHTTP2_FLAG_NONE, c->id, NGHTTP2_CANCEL);
        c->session->wake(c->session);
    } else if (!atomic_load(&c->done)) {
        on_time_of_owned(c);
    }
}

/* ---- arrival ---- */

static _Thread_local struct h2_call *arriving;
static _Thread_local bool arriving_finished;

bool call_is_arriving(const struct h2_call *c)
{
    return arriving == c;
}

void call_finished_here(void)
{
    arriving_finished = true;
}

/* Passes a call to its handler. An answer given within this function is sent at once, without
 * mail or another thread. */
void call_arrive(struct h2_call *c, size_t bytes)
{
    int64_t patience;

    c->arrived = c->owned = true;
    arriving = c;
    arriving_finished = false;
    call_arrived(&c->s, bytes, &c->loop->mem);
    arriving = NULL;
    if (arriving_finished) {
        face_settle(c);
    } else if (c->s.method->crew != NULL) {
        patience = call_patience(&c->s);
        if (patience != c->s.deadline_ns)
            wheel_set(&c->loop->wheel, &c->timer, patience);
    }
}

/* ---- headers ---- */

static bool is(const uint8_t *a, size_t n, const char *b)
{
    return n == strlen(b) && memcmp(a, b, n) == 0;
}

/* Headers that are stored for later use; all others are only counted. */
static const char *const KEPT[] = {"authorization", "traceparent"};

static void keep(struct h2_call *c, const uint8_t *name, size_t n_name, const uint8_t *value,
                 size_t n)
{
    struct kept *k;

    for (size_t i = 0; i < WARD_COUNT(KEPT); i++) {
        if (!is(name, n_name, KEPT[i]))
            continue;
        k = malloc(sizeof(*k) + n);
        if (k == NULL) { /* handled like metadata that is too large */
            c->n_headers = H2_META + 1;
            return;
        }
        *k = (struct kept){.next = c->meta, .name = KEPT[i], .len = n};
        memcpy(k->value, value, n);
        c->meta = k;
    }
    if (n_name > 4 && memcmp(name + n_name - 4, "-bin", 4) == 0 && !text_is_bin(value, n))
        c->bad_bin = true;
}

bool call_header(struct h2_call *c, const uint8_t *name, size_t n_name, const uint8_t *value,
                 size_t n)
{
    int64_t ns;

    c->n_headers += n_name + n + 32; /* counted as in RFC 9113, 6.5.2 */
    if (c->n_headers > H2_BOMB)
        return false;
    if (c->n_headers > H2_META)
        return true;
    if (is(name, n_name, ":path")) {
        c->s.method = table_find(c->s.rpc, (const char *)value, n);
    } else if (is(name, n_name, ":method")) {
        c->post = is(value, n, "POST");
    } else if (is(name, n_name, "content-type")) {
        c->grpc = n >= 16 && memcmp(value, "application/grpc", 16) == 0 &&
                  (n == 16 || value[16] == '+' || value[16] == ';');
    } else if (is(name, n_name, "grpc-timeout")) {
        ns = text_timeout(value, n);
        c->timeout = true;
        c->bad_timeout = ns < 0;
        c->s.deadline_ns = c->loop->now + ns;
    } else if (is(name, n_name, "grpc-encoding")) {
        c->encoded = !is(value, n, "identity");
    } else if (name[0] != ':') {
        keep(c, name, n_name, value, n);
    }
    return true;
}

/* Returns false if the call was rejected and answered. */
static bool admit(struct h2_call *c)
{
    struct ward_err err = {0};

    if (!c->post || !c->grpc) {
        call_http(c, c->post ? "415" : "405");
        return false;
    }
    if (c->n_headers > H2_META)
        (void)WARD_FAIL_REASON(&err, RESOURCE_EXHAUSTED, "METADATA_TOO_LARGE",
                               "the call's metadata is too large");
    else if (c->bad_timeout)
        (void)WARD_FAIL(&err, INTERNAL, "grpc-timeout is malformed");
    else if (c->bad_bin)
        (void)WARD_FAIL(&err, INTERNAL, "a -bin header is not base64");
    else if (session_full(c->session))
        (void)WARD_FAIL_REASON(&err, RESOURCE_EXHAUSTED, "CONNECTION_FULL",
                               "the calls of this connection use too much memory");
    else
        return true;
    call_refuse(c, &err);
    return false;
}

void call_begun(struct h2_call *c)
{
    if (!c->timeout)
        c->s.deadline_ns = call_own_deadline(&c->s);
    if (!admit(c))
        return;
    if (c->s.method == &c->loop->rpc->unknown || !call_waits_for_message(c->s.method)) {
        if (c->s.deadline_ns != WARD_NO_DEADLINE)
            wheel_set(&c->loop->wheel, &c->timer, c->s.deadline_ns);
        call_arrive(c, 0);
        return;
    }
    wheel_set(&c->loop->wheel, &c->timer,
              c->s.deadline_ns != WARD_NO_DEADLINE
                  ? c->s.deadline_ns
                  : c->loop->now + H2_WHOLE_MS * WARD_NS_PER_MS);
}
