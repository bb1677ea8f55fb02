/* A queue whose instances are engines of a set. */
#include "common/serve/serve_own.h"

#include <pthread.h>
#include <stdlib.h>

/* The lock prevents an interrupt while the engine moves to another device. */
struct runner {
    struct ward_serve_engine *engine;
    int which;
    pthread_mutex_t lock;
    bool running;
    bool blamed; /* the last run ended its worker process */
};

static void runner_close(void *instance)
{
    struct runner *r = instance;

    ward_serve_engine_close(r->engine);
    pthread_mutex_destroy(&r->lock);
    free(r);
}

static enum ward_code runner_open(void *arg, void **instance, struct ward_err *err)
{
    const struct ward_serve_member *m = arg;
    struct runner *r = calloc(1, sizeof(*r));
    enum ward_code code;

    if (r == NULL)
        return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory for an instance");
    r->which = m->which;
    pthread_mutex_init(&r->lock, NULL);
    code = ward_serve_engine_open(m->serve, &r->engine, err);
    if (code != WARD_OK)
        runner_close(r);
    else
        *instance = r;
    return code;
}

static void set_running(struct runner *r, bool is)
{
    pthread_mutex_lock(&r->lock);
    r->running = is;
    pthread_mutex_unlock(&r->lock);
}

static enum ward_code runner_run(void *instance, struct ward_arena *mem,
                                 const struct ward_stop *stop, const struct ward_tensor *in,
                                 uint32_t n_in, struct ward_tensor *out, uint32_t *n_out,
                                 struct ward_err *err)
{
    struct runner *r = instance;
    enum ward_code code;

    r->blamed = false;
    WARD_TRY(ward_serve_renew(r->engine, err));
    set_running(r, true);
    code = ward_serve_run(r->engine, r->which, mem, stop, in, n_in, out, n_out, err);
    r->blamed = code != WARD_OK && ward_serve_blamed(r->engine);
    set_running(r, false);
    return code;
}

static bool runner_blamed(const void *instance)
{
    const struct runner *r = instance;

    return r->blamed;
}

static enum ward_code runner_refresh(void *instance, struct ward_err *err)
{
    struct runner *r = instance;

    return ward_serve_renew(r->engine, err);
}

static void runner_interrupt(void *instance)
{
    struct runner *r = instance;

    pthread_mutex_lock(&r->lock);
    if (r->running)
        (void)ward_serve_interrupt(r->engine, r->which);
    pthread_mutex_unlock(&r->lock);
}

/* Passes the ladder's sizes to the set, which warms up later instances with them. */
static void tell_rows(const struct ward_serve_member *m, struct ward_queue *q)
{
    struct ward_rung rung[WARD_QUEUE_RUNGS];
    int rows[WARD_QUEUE_RUNGS], n = ward_queue_ladder(q, rung);

    for (int i = 0; i < n; i++)
        rows[i] = rung[i].rows;
    serve_rows(m->serve, m->which, rows, n);
}

enum ward_code ward_serve_queue(const struct ward_serve_member *m,
                                const struct ward_queue_config *cfg, struct ward_queue **out,
                                struct ward_err *err)
{
    struct ward_queue_config c = *cfg;
    const struct ward_serve_model *model = ward_serve_model_of(m->serve, m->which);
    struct ward_serve_engine *e = NULL;
    enum ward_code code;

    WARD_TRY(ward_serve_engine_open(m->serve, &e, err));
    c.name = model->name;
    c.known = model->known;
    c.io = ward_serve_shapes(e, m->which);
    c.ops = (struct ward_queue_ops){.arg = (void *)(uintptr_t)m,
                                    .open = runner_open,
                                    .close = runner_close,
                                    .run = runner_run,
                                    .interrupt = runner_interrupt,
                                    .blamed = runner_blamed,
                                    .refresh = runner_refresh};
    code = ward_queue_open(&c, out, err);
    ward_serve_engine_close(e);
    if (code == WARD_OK)
        tell_rows(m, *out);
    return code;
}

enum ward_code ward_serve_follow(const struct ward_serve_member *m, struct ward_queue *q,
                                 unsigned *moves, struct ward_err *err)
{
    unsigned now = ward_serve_generation(m->serve);

    ward_queue_refresh(q);
    if (now == *moves)
        return WARD_OK;
    WARD_TRY(ward_queue_warm(q, err));
    tell_rows(m, q);
    *moves = now;
    return WARD_OK;
}
