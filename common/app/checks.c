/* Readiness: the thread of the checks, and the reports of their results. */
#include "common/app/app_core.h"
#include "common/base/clock.h"
#include "common/base/log.h"

#include <errno.h>
#include <string.h>
#include <time.h>

static struct ward_family ready_gauge = {
    .name = "ward_ready",
    .help =
        "1 while this process accepts calls; 0 while it starts, stops or lacks a dependency.",
    .type = WARD_GAUGE,
};
static struct ward_family dependency_gauge = {
    .name = "ward_dependency_up",
    .help = "1 if this dependency passed its last check, otherwise 0.",
    .type = WARD_GAUGE,
    .label = {"name"},
};

void ward_ready_metrics(void)
{
    ward_metric_list(&ready_gauge);
    ward_metric_list(&dependency_gauge);
}

static struct timespec at_ns(int64_t ns)
{
    return (struct timespec){.tv_sec = (time_t)(ns / 1000000000), .tv_nsec = ns % 1000000000};
}

/* The caller holds the lock. Returns the fault of check i, or NULL. */
static const char *fault(const struct ward_app *app, int i)
{
    const struct ward_core *c = app->core;

    if (c->check_now == i &&
        ward_mono_ns() - c->check_since > app->check_bound_ms * WARD_NS_PER_MS)
        return "the last check has not answered yet";
    return *app->checks[i].why == '\0' ? NULL : app->checks[i].why;
}

/* The caller holds the lock. */
static bool is_ready(const struct ward_app *app)
{
    if (app->core->stage != WARD_RUNNING || app->core->rounds == 0)
        return false;
    for (int i = 0; i < app->n_checks; i++)
        if (fault(app, i) != NULL)
            return false;
    return true;
}

/* Reports the state of each part to gRPC's health service. The caller holds the lock. */
static void tell_parts(struct ward_app *app)
{
    struct ward_err err = {0};

    for (int i = 0; app->part_fn != NULL && app->parts != NULL && app->parts[i] != NULL; i++)
        ward_rpc_serving(app->rpc, app->parts[i],
                         app->core->stage == WARD_RUNNING &&
                             app->part_fn(app->part_arg, i, &err) == WARD_OK);
}

void ward_ready_update(struct ward_app *app)
{
    struct ward_core *c = app->core;
    bool now, changed;

    pthread_mutex_lock(&c->lock);
    now = is_ready(app);
    changed = now != c->ready;
    c->ready = now;
    /* The lock keeps app->rpc valid: stop_all takes the lock to clear app->rpc, and frees the
     * server later. */
    if (changed && app->rpc != NULL)
        ward_rpc_serving(app->rpc, NULL, now);
    if (app->rpc != NULL)
        tell_parts(app);
    for (int i = 0; i < app->n_checks; i++)
        ward_metric_set(ward_series_of(&dependency_gauge, app->checks[i].name, NULL, NULL),
                        c->rounds > 0 && fault(app, i) == NULL);
    ward_gauge(&ready_gauge, now);
    pthread_mutex_unlock(&c->lock);
    if (changed && now)
        WARD_LOG(INFO, "ready");
    else if (changed)
        WARD_LOG(WARN, "not ready");
}

bool ward_ready_print(struct ward_app *app, FILE *to)
{
    static const char *const STAGES[] = {"starting", "not ready", "stopping"};
    struct ward_core *c = app->core;
    bool ready;

    pthread_mutex_lock(&c->lock);
    ready = is_ready(app);
    fprintf(to, "%s\n", ready ? "ready" : STAGES[c->stage]);
    for (int i = 0; i < app->n_checks; i++) {
        const char *why = c->rounds == 0 ? "not checked yet" : fault(app, i);

        fprintf(to, "%s: %s\n", app->checks[i].name, why == NULL ? "ok" : why);
    }
    pthread_mutex_unlock(&c->lock);
    return ready;
}

static void ask(struct ward_app *app, int i)
{
    struct ward_core *c = app->core;
    struct ward_check *check = &app->checks[i];
    struct ward_err err = {0};
    enum ward_code code;
    bool was_ok, first;

    pthread_mutex_lock(&c->lock);
    c->check_now = i;
    c->check_since = ward_mono_ns();
    first = c->rounds == 0;
    was_ok = *check->why == '\0';
    pthread_mutex_unlock(&c->lock);
    code = check->fn(check->arg, &err);
    pthread_mutex_lock(&c->lock);
    c->check_now = -1;
    *check->why = '\0';
    if (code != WARD_OK)
        snprintf(check->why, sizeof(check->why), "%s",
                 *err.msg != '\0' ? err.msg : ward_code_name(code));
    pthread_mutex_unlock(&c->lock);
    if (code != WARD_OK && (was_ok || first))
        WARD_LOG(WARN, "dependency fails", WARD_KV("name", check->name),
                 WARD_KV("code", ward_code_name(code)), WARD_KV("error", err.msg),
                 WARD_KV("detail", err.detail));
    if (code == WARD_OK && !was_ok)
        WARD_LOG(INFO, "dependency is back", WARD_KV("name", check->name));
}

static void *check_all(void *arg)
{
    struct ward_app *app = arg;
    struct ward_core *c = app->core;
    bool go = true;

    while (go) {
        struct timespec until;

        for (int i = 0; i < app->n_checks; i++)
            ask(app, i);
        until = at_ns(ward_mono_ns() + app->check_every_ms * WARD_NS_PER_MS);
        pthread_mutex_lock(&c->lock);
        c->rounds++;
        pthread_mutex_unlock(&c->lock);
        ward_ready_update(app);
        pthread_mutex_lock(&c->lock);
        while (c->stage == WARD_RUNNING &&
               pthread_cond_timedwait(&c->changed, &c->lock, &until) != ETIMEDOUT)
            ;
        go = c->stage == WARD_RUNNING;
        c->checks_done = !go;
        pthread_cond_broadcast(&c->changed);
        pthread_mutex_unlock(&c->lock);
    }
    return NULL;
}

enum ward_code ward_checks_start(struct ward_app *app, struct ward_err *err)
{
    if (pthread_create(&app->core->check_thread, NULL, check_all, app) != 0)
        return WARD_FAIL(err, RESOURCE_EXHAUSTED, "cannot create a thread");
    app->core->checking = true;
    return WARD_OK;
}

bool ward_checks_stop(struct ward_app *app)
{
    struct ward_core *c = app->core;
    struct timespec until = at_ns(ward_mono_ns() + app->check_bound_ms * WARD_NS_PER_MS);
    bool done;

    if (!c->checking)
        return true;
    c->checking = false;
    pthread_mutex_lock(&c->lock);
    while (!c->checks_done && pthread_cond_timedwait(&c->changed, &c->lock, &until) == 0)
        ;
    done = c->checks_done;
    pthread_mutex_unlock(&c->lock);
    return done && pthread_join(c->check_thread, NULL) == 0;
}
