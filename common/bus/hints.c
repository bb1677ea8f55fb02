/* Hints: "topic has reached seq". A hint may be lost. The newest hint of each topic is repeated
 * every second, for late subscribers. */
#include "common/bus/bus_nng.h"
#include "common/bus/crowd.h"

#include <nng/protocol/pubsub0/pub.h>
#include <nng/protocol/pubsub0/sub.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define TOPICS   32
#define AGAIN_MS 1000

struct ward_hint_pub {
    nng_socket s;
    int port;
    pthread_t thread;
    pthread_cond_t wake;
    pthread_mutex_t lock; /* guards the following members */
    bool started, stopping;
    int n;
    struct {
        char name[TOPIC_MAX];
        uint64_t seq;
    } topic[TOPICS];
};

/* PUB never waits; a slow subscriber loses the message. */
static void publish(nng_socket s, const char *topic, uint64_t seq)
{
    uint8_t bytes[HINT_MAX];
    size_t n = ward_hint_pack(topic, seq, bytes);

    (void)!nng_send(s, bytes, n, NNG_FLAG_NONBLOCK);
}

static void *say_again(void *arg)
{
    struct ward_hint_pub *p = arg;

    pthread_mutex_lock(&p->lock);
    while (!p->stopping) {
        struct timespec until;

        clock_gettime(CLOCK_MONOTONIC, &until);
        until.tv_sec += AGAIN_MS / 1000;
        pthread_cond_timedwait(&p->wake, &p->lock, &until);
        for (int i = 0; i < p->n && !p->stopping; i++)
            publish(p->s, p->topic[i].name, p->topic[i].seq);
    }
    pthread_mutex_unlock(&p->lock);
    return NULL;
}

/* Wakes the thread to publish all topics for a new subscriber. This callback does not take the
 * lock, because a thread that sends may hold the lock. A lost wake-up delays the subscriber by
 * at most a second. */
static void joined(nng_pipe pipe, nng_pipe_ev ev, void *arg)
{
    struct ward_hint_pub *p = arg;

    (void)pipe, (void)ev;
    pthread_cond_signal(&p->wake);
}

static enum ward_code pub_begin(struct ward_hint_pub *p, const char *url,
                                const struct ward_bus_tls *tls, struct ward_err *err)
{
    int rv = nng_pub0_open(&p->s);

    if (rv == 0)
        rv = nng_socket_set_size(p->s, NNG_OPT_RECVMAXSZ, HINT_MAX);
    if (rv != 0)
        return ward_bus_fail(rv, "cannot open the bus", err);
    rv = nng_pipe_notify(p->s, NNG_PIPE_EV_ADD_POST, joined, p);
    if (rv != 0)
        return ward_bus_fail(rv, "cannot open the bus", err);
    WARD_TRY(ward_bus_guard(p->s, err));
    WARD_TRY(ward_bus_socket_listen(p->s, url, tls, &p->port, err));
    if (pthread_create(&p->thread, NULL, say_again, p) != 0)
        return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no thread");
    p->started = true;
    return WARD_OK;
}

enum ward_code ward_hint_open(const char *url, const struct ward_bus_tls *tls,
                              struct ward_hint_pub **out, struct ward_err *err)
{
    struct ward_hint_pub *p;
    pthread_condattr_t attr;
    enum ward_code code;

    WARD_TRY(ward_bus_check_url(url, err));
    p = calloc(1, sizeof(*p));
    if (p == NULL)
        return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory");
    pthread_mutex_init(&p->lock, NULL);
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&p->wake, &attr);
    pthread_condattr_destroy(&attr);
    code = pub_begin(p, url, tls, err);
    if (code != WARD_OK)
        ward_hint_close(p);
    else
        *out = p;
    return code;
}

int ward_hint_port(const struct ward_hint_pub *p)
{
    return p->port;
}

void ward_hint_send(struct ward_hint_pub *p, const char *topic, uint64_t seq)
{
    int i = 0;

    WARD_ASSERT(strlen(topic) < TOPIC_MAX);
    pthread_mutex_lock(&p->lock);
    while (i < p->n && strcmp(p->topic[i].name, topic) != 0)
        i++;
    WARD_ASSERT(i < TOPICS);
    if (i == p->n) {
        memcpy(p->topic[i].name, topic, strlen(topic) + 1);
        p->topic[i].seq = 0;
        p->n++;
    }
    if (seq > p->topic[i].seq)
        p->topic[i].seq = seq;
    publish(p->s, topic, p->topic[i].seq);
    pthread_mutex_unlock(&p->lock);
}

void ward_hint_close(struct ward_hint_pub *p)
{
    if (p == NULL)
        return;
    pthread_mutex_lock(&p->lock);
    p->stopping = true;
    pthread_cond_signal(&p->wake);
    pthread_mutex_unlock(&p->lock);
    if (p->started)
        pthread_join(p->thread, NULL);
    if (p->s.id != 0 && !ward_bus_close(p->s))
        return;
    pthread_cond_destroy(&p->wake);
    pthread_mutex_destroy(&p->lock);
    free(p);
}

struct ward_hint_sub {
    nng_socket s;
    struct bus_crowd *crowd; /* NULL if the URL has one address */
    char topic[TOPIC_MAX];
    void (*fn)(void *arg, uint64_t seq);
    void *arg;
    pthread_t thread;
    bool started;
    atomic_bool stopping;
};

static void *follow(void *arg)
{
    struct ward_hint_sub *s = arg;
    uint64_t newest = 0;
    bool any = false;

    while (!atomic_load(&s->stopping)) {
        uint64_t seq = 0;
        nng_msg *m;

        /* the socket is closed, or there is no memory at the moment */
        if (nng_recvmsg(s->s, &m, 0) != 0)
            continue;
        if (ward_hint_parse(nng_msg_body(m), nng_msg_len(m), s->topic, &seq) &&
            (!any || seq > newest)) {
            any = true;
            newest = seq;
            s->fn(s->arg, seq);
        }
        nng_msg_free(m);
    }
    return NULL;
}

static enum ward_code sub_begin(struct ward_hint_sub *s, const char *url,
                                const struct ward_bus_tls *tls, struct ward_err *err)
{
    int rv = nng_sub0_open(&s->s);

    if (rv == 0)
        rv = nng_socket_set_size(s->s, NNG_OPT_RECVMAXSZ, HINT_MAX);
    if (rv == 0)
        rv = nng_socket_set(s->s, NNG_OPT_SUB_SUBSCRIBE, s->topic, strlen(s->topic) + 1);
    if (rv != 0)
        return ward_bus_fail(rv, "cannot open the bus", err);
    WARD_TRY(ward_bus_guard(s->s, err));
    if (ward_bus_crowd_is(url))
        WARD_TRY(ward_bus_crowd_open(s->s, url, tls, &s->crowd, err));
    else
        WARD_TRY(ward_bus_socket_dial(s->s, url, tls, err));
    if (pthread_create(&s->thread, NULL, follow, s) != 0)
        return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no thread");
    s->started = true;
    return WARD_OK;
}

enum ward_code ward_hint_follow(const char *url, const struct ward_bus_tls *tls,
                                const char *topic, void (*fn)(void *arg, uint64_t seq),
                                void *arg, struct ward_hint_sub **out, struct ward_err *err)
{
    struct ward_hint_sub *s;
    enum ward_code code;

    WARD_TRY(ward_bus_check_url(url, err));
    if (strlen(topic) >= TOPIC_MAX)
        return WARD_FAIL(err, INVALID_ARGUMENT, "topic '%.40s' is too long", topic);
    s = calloc(1, sizeof(*s));
    if (s == NULL)
        return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory");
    memcpy(s->topic, topic, strlen(topic) + 1);
    s->fn = fn;
    s->arg = arg;
    code = sub_begin(s, url, tls, err);
    if (code != WARD_OK)
        ward_hint_unfollow(s);
    else
        *out = s;
    return code;
}

void ward_hint_unfollow(struct ward_hint_sub *s)
{
    if (s == NULL)
        return;
    atomic_store(&s->stopping, true);
    ward_bus_crowd_close(s->crowd);
    if (s->s.id != 0 && !ward_bus_close(s->s)) /* closing the socket ends the thread's wait */
        return;
    if (s->started)
        pthread_join(s->thread, NULL);
    free(s);
}
