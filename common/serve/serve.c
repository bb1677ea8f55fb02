#include "common/serve/serve_own.h"

#include "common/base/clock.h"
#include "common/base/log.h"

#include <stdio.h>
#include <string.h>

/* A process has few sets; each is in its own arena, so that services need no malloc. */
#define OWN_CAP    4096
#define KNOWN_CAP  ((size_t)16 << 20) /* limit of a known question with its answer */
#define RECHECK_MS 60000              /* period of the search for a better device */

/* ---- the device ---- */

static void count_share(const struct ward_serve *p, struct ward_engine *const of[],
                        struct ward_serve_loaded *s)
{
    s->share = 1;
    for (int i = 0; i < WARD_SERVE_MODELS; i++) {
        double share = of[i] == NULL ? 1 : ward_engine_share(of[i]);

        s->share = share < s->share ? share : s->share;
        s->low |= of[i] != NULL && share < p->cfg.model[i].min_share;
    }
}

static void note_lost(struct ward_serve *p, const struct ward_err *err)
{
    p->lost |= err != NULL && strcmp(err->reason, "WORKER_LOST") == 0;
}

/* Called by the chooser: loads the models on a device and asks their known questions. After
 * correct answers, the loaded models are stored in `tried`, so that they are not loaded
 * twice. */
static enum ward_code try_device(void *arg, struct ward_backend *b, const struct ward_device *d,
                                 struct ward_err *err)
{
    struct ward_engine *of[WARD_SERVE_MODELS] = {NULL};
    struct ward_serve *p = arg;
    struct ward_serve_loaded *s;
    struct ward_arena mem;
    enum ward_code code;

    code = loaded_new(p, b, d, &s, err);
    if (code != WARD_OK) {
        note_lost(p, err);
        return code;
    }
    ward_arena_init(&mem, KNOWN_CAP);
    code = instances_new(s, of, err);
    if (code == WARD_OK)
        code = instances_ask(of, &p->cfg, &mem, err);
    if (code == WARD_OK)
        count_share(p, of, s);
    instances_free(of);
    if (code == WARD_OK && p->cfg.isolation != NULL)
        loaded_warm(p, s, &mem);
    ward_arena_done(&mem);
    if (code != WARD_OK) {
        note_lost(p, err);
        loaded_free(s);
        return code;
    }
    if (p->cfg.isolation != NULL) {
        s->own = b;
        ward_worker_settled(ward_isolated_worker(b));
    }
    loaded_free(p->tried);
    p->tried = s;
    return WARD_OK;
}

/* Chooses a device. `stay`: the current device answers correctly, so only another device
 * replaces it. */
static enum ward_code choose(struct ward_serve *p, bool stay, struct ward_err *err)
{
    struct ward_choice is;
    struct ward_serve_loaded *old = NULL;
    enum ward_code code;
    bool moved;

    pthread_mutex_lock(&p->choosing);
    code = ward_choose(p->chooser, &is, err);
    if (code == WARD_OK) {
        pthread_mutex_lock(&p->lock);
        p->degraded = is.degraded;
        moved = p->now == NULL || strcmp(p->now->backend, p->tried->backend) != 0 ||
                p->now->device.ordinal != p->tried->device.ordinal;
        if (!stay || moved) {
            old = p->now;
            p->now = p->tried;
            p->tried = NULL;
            atomic_fetch_add(&p->moves, moved);
            atomic_fetch_add(&p->generation, 1);
        }
        pthread_mutex_unlock(&p->lock);
        loaded_leave(p, old);
    }
    loaded_free(p->tried);
    p->tried = NULL;
    pthread_mutex_unlock(&p->choosing);
    return code;
}

/* ---- worker processes ---- */

enum ward_code ward_serve_state(struct ward_serve *p, struct ward_err *err)
{
    enum ward_code code = WARD_OK;

    if (p->cfg.isolation == NULL)
        return WARD_OK;
    pthread_mutex_lock(&p->lock);
    code = ward_worker_state(ward_isolated_worker(p->now->own), err);
    pthread_mutex_unlock(&p->lock);
    return code;
}

int ward_serve_pid(struct ward_serve *p)
{
    int pid;

    if (p->cfg.isolation == NULL)
        return 0;
    pthread_mutex_lock(&p->lock);
    pid = ward_worker_pid(ward_isolated_worker(p->now->own));
    pthread_mutex_unlock(&p->lock);
    return pid;
}

/* Returns whether the worker process in use has ended; true only once for each process. */
static bool has_ended(struct ward_serve *p)
{
    bool ended;

    pthread_mutex_lock(&p->lock);
    ended = p->now != NULL && !p->now->mourned &&
            ward_worker_state(ward_isolated_worker(p->now->own), NULL) != WARD_OK;
    if (ended)
        p->now->mourned = true;
    pthread_mutex_unlock(&p->lock);
    return ended;
}

static bool has_grown(struct ward_serve *p)
{
    bool grown;

    pthread_mutex_lock(&p->lock);
    grown = ward_isolated_grown(p->now->own);
    pthread_mutex_unlock(&p->lock);
    return grown;
}

/* Sets the failure for a start that must wait. On entry, *err has the last failure. */
static enum ward_code later(int ms, struct ward_err *err)
{
    char was[120];

    snprintf(was, sizeof(was), "%.119s", err == NULL ? "" : err->msg);
    WARD_FAIL_REASON(err, UNAVAILABLE, "WORKER_LOST", "%s%sthe process is restarted in %d ms",
                     was, *was == '\0' ? "" : "; ", ms);
    if (err != NULL)
        err->retry_after_ms = ms;
    return WARD_UNAVAILABLE;
}

static enum ward_code choose_isolated(struct ward_serve *p, struct ward_err *err)
{
    struct ward_isolation *is = p->cfg.isolation;
    int64_t now = ward_mono_ns();
    enum ward_code code;
    int ms;

    if (has_ended(p))
        ward_backoff_ended(&is->backoff, now);
    ms = ward_backoff_ms(&is->backoff, now);
    if (ms > 0) {
        is->look(is->arg, ms);
        return later(ms, err);
    }
    ward_backoff_started(&is->backoff, now);
    p->lost = false;
    code = choose(p, false, err);
    if (code != WARD_OK && p->lost) {
        ward_backoff_ended(&is->backoff, ward_mono_ns());
        ms = ward_backoff_ms(&is->backoff, ward_mono_ns());
        is->look(is->arg, ms);
    }
    return code;
}

static enum ward_code choose_again(struct ward_serve *p, struct ward_err *err)
{
    return p->cfg.isolation == NULL ? choose(p, false, err) : choose_isolated(p, err);
}

/* Starts and warms up a new process before the old one ends. If this fails, the old process
 * stays. */
static void exchange(struct ward_serve *p)
{
    struct ward_err why = {0};

    if (choose(p, false, &why) != WARD_OK)
        ward_log_err(WARD_LOG_WARN, "a worker process with too much memory cannot be replaced",
                     &why);
}

enum ward_code ward_serve_known(struct ward_serve_engine *e, struct ward_arena *mem,
                                struct ward_err *err)
{
    struct ward_serve *p = e->serve;
    struct ward_err better = {0};
    enum ward_code code = ward_serve_state(p, err);

    if (code == WARD_OK)
        code = ward_serve_renew(e, err);
    if (code == WARD_OK)
        code = instances_ask(e->of, &p->cfg, mem, err);
    if (code != WARD_OK) {
        WARD_TRY(choose_again(p, err));
        return ward_serve_renew(e, err);
    }
    if (has_grown(p))
        exchange(p);
    else if (ward_choose_due(p->chooser, p->cfg.recheck_ms) &&
             choose(p, true, &better) != WARD_OK)
        return WARD_OK; /* not a failure: the current device answers */
    return ward_serve_renew(e, err);
}

/* ---- the current choice ---- */

void ward_serve_choice(struct ward_serve *p, struct ward_serve_choice *out)
{
    struct ward_serve_choice c;

    pthread_mutex_lock(&p->lock);
    memcpy(c.backend, p->now->backend, sizeof(c.backend));
    memcpy(c.device, p->now->device.name, sizeof(c.device));
    c.degraded = p->degraded || p->now->low;
    c.share = p->now->share;
    pthread_mutex_unlock(&p->lock);
    *out = c;
}

unsigned ward_serve_generation(struct ward_serve *p)
{
    return atomic_load(&p->moves);
}

void serve_rows(struct ward_serve *p, int which, const int *rows, int n)
{
    pthread_mutex_lock(&p->choosing);
    memcpy(p->rows[which], rows, (size_t)n * sizeof(*rows));
    p->n_rows[which] = n;
    pthread_mutex_unlock(&p->choosing);
}

const struct ward_serve_model *ward_serve_model_of(const struct ward_serve *p, int which)
{
    return &p->cfg.model[which];
}

const struct ward_model_io *ward_serve_shapes(const struct ward_serve_engine *e, int which)
{
    return ward_model_shapes(e->loaded->model[which]);
}

bool ward_serve_blamed(const struct ward_serve_engine *e)
{
    return e->serve->cfg.isolation != NULL && ward_isolated_blamed();
}

bool ward_serve_interrupt(struct ward_serve_engine *e, int which)
{
    return ward_engine_interrupt(e->of[which]);
}

int ward_serve_report(struct ward_serve *p, struct ward_candidate out[WARD_ORDER_MAX])
{
    return ward_chooser_report(p->chooser, out);
}

enum ward_code ward_serve_run(struct ward_serve_engine *e, int which, struct ward_arena *mem,
                              const struct ward_stop *stop, const struct ward_tensor *in,
                              uint32_t n_in, struct ward_tensor *out, uint32_t *n_out,
                              struct ward_err *err)
{
    return ward_engine_run(e->of[which], mem, stop, in, n_in, out, n_out, err);
}

/* ---- the set ---- */

static const char *label_of(const struct ward_serve *p)
{
    for (int i = 0; i < WARD_SERVE_MODELS; i++)
        if (p->cfg.model[i].name != NULL)
            return p->cfg.model[i].name;
    return "";
}

static enum ward_code open_isolated(void *arg, const char *name, struct ward_backend **out,
                                    struct ward_err *err)
{
    struct ward_serve *p = arg;
    const struct ward_isolated_plugin plugin = {.label = label_of(p),
                                                .dir = p->cfg.plugins,
                                                .name = name,
                                                .options = &p->option,
                                                .n_options = 1};
    enum ward_code code = ward_isolated_open(p->cfg.isolation, &plugin, out, err);

    if (code != WARD_OK)
        note_lost(p, err);
    return code;
}

static enum ward_code open_chooser(struct ward_serve *p, struct ward_err *err)
{
    const struct ward_opener opener = {open_isolated, p};
    const char *npu = p->cfg.npu_providers;
    struct ward_order order;

    WARD_TRY(ward_order_parse(p->cfg.order, p->cfg.fallback, &order, err));
    p->option = (struct ward_option){"npu_providers", npu == NULL ? "" : npu};
    if (p->cfg.isolation != NULL)
        WARD_TRY(ward_chooser_open_by(&opener, &order, try_device, p, &p->chooser, err));
    else
        WARD_TRY(ward_chooser_open_with(p->cfg.plugins, &order, &p->option, 1, try_device, p,
                                        &p->chooser, err));
    return choose_again(p, err);
}

enum ward_code ward_serve_open(const struct ward_serve_config *cfg, struct ward_serve **out,
                               struct ward_err *err)
{
    struct ward_arena mem;
    struct ward_serve *p;
    enum ward_code code;

    ward_arena_init(&mem, OWN_CAP);
    p = ward_new(&mem, struct ward_serve);
    if (p == NULL)
        return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory for the models");
    p->mem = mem;
    p->cfg = *cfg;
    if (p->cfg.recheck_ms <= 0)
        p->cfg.recheck_ms = RECHECK_MS;
    pthread_mutex_init(&p->choosing, NULL);
    pthread_mutex_init(&p->lock, NULL);
    code = open_chooser(p, err);
    if (code != WARD_OK)
        ward_serve_close(p);
    else
        *out = p;
    return code;
}

void ward_serve_close(struct ward_serve *p)
{
    struct ward_arena mem;

    if (p == NULL)
        return;
    loaded_leave(p, p->now);
    ward_chooser_close(p->chooser);
    pthread_mutex_destroy(&p->choosing);
    pthread_mutex_destroy(&p->lock);
    mem = p->mem;
    ward_arena_done(&mem);
}
