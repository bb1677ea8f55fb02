#include "common/rpc/h2/sockets.h"

#include <errno.h>
#include <malloc.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define EVENTS  256
#define MOST_MS 1000 /* longest sleep */
#define TRIM_NS (1000 * WARD_NS_PER_MS)
#define MUCH    ((size_t)1 << 20)

/* ---- mailbox: any thread pushes, the loop takes all; only a sleeping loop is woken ---- */

void loop_nudge(struct loop *l)
{
    uint64_t one = 1;

    while (write(l->event, &one, sizeof(one)) < 0 && errno == EINTR)
        ;
}

void loop_post(struct loop *l, struct mail *m)
{
    m->next = atomic_load(&l->mail);
    while (!atomic_compare_exchange_weak(&l->mail, &m->next, m))
        ;
    if (atomic_exchange(&l->asleep, false))
        loop_nudge(l);
}

void loop_read_mail(struct loop *l)
{
    struct mail *m, *next, *oldest = NULL;

    if (atomic_load(&l->mail) == NULL)
        return;
    for (m = atomic_exchange(&l->mail, NULL); m != NULL; m = next) {
        next = m->next;
        m->next = oldest;
        oldest = m;
    }
    for (m = oldest; m != NULL; m = next) {
        next = m->next;
        m->fn(m);
    }
}

/* ---- memory: after a flood, freed memory is returned to the system ---- */

static void on_trim(struct timer *t)
{
    RPC_OF(t, struct loop, trim)->left_behind = 0;
    malloc_trim(0);
}

void loop_left_behind(struct loop *l, size_t bytes)
{
    l->left_behind += bytes;
    if (l->left_behind > MUCH && l->trim.next == NULL)
        wheel_set(&l->wheel, &l->trim, l->now + TRIM_NS);
}

/* ---- a turn ---- */

/* Returns how long the loop may sleep. A thread that posts after this wakes the loop. */
static int patience_ms(struct loop *l)
{
    int64_t ns = l->wheel.soonest == WARD_NO_DEADLINE ? MOST_MS * WARD_NS_PER_MS
                                                      : l->wheel.soonest - l->now;

    atomic_store(&l->asleep, true);
    if (l->again != NULL || atomic_load(&l->mail) != NULL || ns <= 0) {
        atomic_store(&l->asleep, false);
        return 0;
    }
    ns = ns / WARD_NS_PER_MS + 1;
    return ns > MOST_MS ? MOST_MS : (int)ns;
}

static void dispatch(struct loop *l, const struct epoll_event *e)
{
    struct h2_server *srv = l->srv;
    uint64_t count;
    int *at = e->data.ptr;

    if (e->data.ptr == l) {
        if (read(l->event, &count, sizeof(count)) < 0)
            return; /* another turn has already read the event */
    } else if (at >= srv->listeners && at < srv->listeners + H2_MAX_LISTENERS) {
        if (!atomic_load_explicit(&l->draining, memory_order_relaxed))
            listen_accept(srv, *at);
    } else {
        conn_event(e->data.ptr, e->events);
    }
}

/* Follows requests of other threads: draining and cutting. */
static void obey(struct loop *l)
{
    struct h2_server *srv = l->srv;

    if (atomic_load(&srv->refusing) && !atomic_load(&l->draining)) {
        if (l->index == 0)
            /* Before draining, so that connections from the backlog are drained too. */
            listen_close(srv);
        atomic_store(&l->draining, true);
        for (struct conn *c = l->conns; c != NULL; c = c->next)
            conn_drain(c);
    }
    if (atomic_load(&srv->cut))
        for (struct conn *c = l->conns; c != NULL; c = c->next)
            conn_cut(c);
}

static void turn(struct loop *l)
{
    struct epoll_event events[EVENTS];
    int n = epoll_wait(l->ep, events, EVENTS, patience_ms(l));

    atomic_store(&l->asleep, false);
    atomic_fetch_add_explicit(&l->turns, 1, memory_order_relaxed);
    l->now = ward_mono_ns();
    for (int i = 0; i < n; i++)
        dispatch(l, &events[i]);
    conn_read_again(l);
    wheel_run(&l->wheel, l->now);
    obey(l);
    loop_read_mail(l);
    conn_flush_all(l);
}

static bool done(const struct loop *l)
{
    return atomic_load(&l->srv->stopping) && l->conns == NULL && atomic_load(&l->n_calls) == 0;
}

static void *run(void *arg)
{
    struct loop *l = arg;

    pthread_setname_np(pthread_self(), "rpc-loop");
    while (!done(l))
        turn(l);
    return NULL;
}

/* ---- life ---- */

void loop_init(struct loop *l, struct h2_server *srv, struct ward_rpc *rpc, int index)
{
    l->srv = srv;
    l->rpc = rpc;
    l->index = index;
    l->ep = l->event = -1;
    l->now = ward_mono_ns();
    wheel_init(&l->wheel, l->now);
    l->trim.fn = on_trim;
    ward_arena_init(&l->mem, rpc->cfg.arena_cap);
}

void loop_done(struct loop *l)
{
    if (l->running)
        pthread_join(l->thread, NULL);
    loop_read_mail(l); /* connections that another loop accepted just before the end */
    for (struct conn *c = l->conns; c != NULL; c = c->next)
        conn_cut(c);
    conn_flush_all(l);
    if (l->ep >= 0)
        close(l->ep);
    if (l->event >= 0)
        close(l->event);
    call_free_spare(l);
    ward_arena_done(&l->mem);
}

bool loop_start(struct loop *l)
{
    l->running = pthread_create(&l->thread, NULL, run, l) == 0;
    return l->running;
}
