#include "common/rpc/server.h"

#include <signal.h>
#include <stdlib.h>

struct launch {
    struct worker *w;
    sem_t ready;
    enum ward_code code;
    struct ward_err err;
};

static void *work(void *arg)
{
    struct launch *l = arg;
    struct worker *w = l->w;
    const struct ward_rpc_config *cfg = &w->rpc->cfg;
    struct job *j;

    pthread_setname_np(pthread_self(), w->stream == NULL ? "rpc-worker" : "rpc-stream");
    if (w->own && cfg->wrk_open != NULL)
        l->code = cfg->wrk_open(cfg->svc, &w->wrk, &l->err);
    if (l->code != WARD_OK) {
        sem_post(&l->ready);
        return NULL;
    }
    sem_post(&l->ready); /* *l is invalid after this */
    while ((j = queue_take(&w->crew->queue, &w->waiter)) != NULL)
        call_run(RPC_OF(j, struct served, job), &w->mem, w);
    if (w->own && cfg->wrk_close != NULL)
        cfg->wrk_close(w->wrk);
    return NULL;
}

/* Starts a worker and waits for wrk_open, which runs on the worker's thread, because a database
 * connection may belong to the thread that opened it. */
static enum ward_code launch(struct worker *w, struct ward_err *err)
{
    struct launch l = {.w = w};

    sem_init(&l.ready, 0, 0);
    if (pthread_create(&w->thread, NULL, work, &l) != 0) {
        sem_destroy(&l.ready);
        return WARD_FAIL(err, RESOURCE_EXHAUSTED, "cannot start a worker thread");
    }
    while (sem_wait(&l.ready) != 0)
        ; /* EINTR */
    sem_destroy(&l.ready);
    w->running = true;
    if (l.code == WARD_OK)
        return WARD_OK;
    if (err != NULL)
        *err = l.err;
    return l.code;
}

/* Limits the streams of one peer to fewer than all. A peer that reads none of its streams must
 * not block the others. */
static int streams_each(int n)
{
    return n < 2 ? n : n - (n + 3) / 4;
}

enum ward_code crew_start(struct ward_rpc *rpc, enum crew_kind kind, int n, int reserved,
                          struct ward_err *err)
{
    struct crew *crew = &rpc->crews[kind];
    bool system = kind == CREW_SYSTEM, streams = kind != CREW_WORKERS;

    if (n == 0)
        return WARD_OK;
    crew->kind = kind;
    queue_init(&crew->queue, system ? RPC_SYSTEM_QUEUE : rpc->cfg.queue, n, reserved,
               kind == CREW_STREAMS ? streams_each(n) : 0);
    crew->workers = calloc((size_t)n, sizeof(*crew->workers));
    WARD_ASSERT(crew->workers != NULL);
    crew->n = n;
    for (int i = 0; i < n; i++) {
        struct worker *w = &crew->workers[i];

        *w = (struct worker){.rpc = rpc, .crew = crew, .own = !system};
        sem_init(&w->waiter.wake, 0, 0);
        ward_arena_init(&w->mem, rpc->cfg.arena_cap);
        if (streams) {
            w->stream = &w->stream_room;
            stream_init(w->stream, rpc->cfg.arena_cap);
        }
    }
    for (int i = 0; i < n; i++)
        WARD_TRY(launch(&crew->workers[i], err));
    return WARD_OK;
}

void crew_stop(struct crew *crew)
{
    if (crew->n == 0)
        return;
    queue_stop(&crew->queue);
    for (int i = 0; i < crew->n; i++) {
        struct worker *w = &crew->workers[i];

        if (w->running)
            pthread_join(w->thread, NULL);
        if (w->stream != NULL)
            stream_done(w->stream);
        ward_arena_done(&w->mem);
        sem_destroy(&w->waiter.wake);
    }
    queue_done(&crew->queue);
    free(crew->workers);
    *crew = (struct crew){0};
}
