/* The loop's thread: signals and the admin port. The thread waits for nothing but events. */
#include "common/app/admin.h"
#include "common/base/log.h"

#include <signal.h>
#include <string.h>
#include <unistd.h>

#define TICK_MS 1000

void ward_core_stop(struct ward_core *core, enum ward_stop stop, const char *why)
{
    pthread_mutex_lock(&core->lock);
    if (core->stop == WARD_STOP_NONE) {
        core->stop = stop;
        core->stop_why = why;
        pthread_cond_broadcast(&core->changed);
    }
    pthread_mutex_unlock(&core->lock);
}

static bool stopping(struct ward_core *core)
{
    bool yes;

    pthread_mutex_lock(&core->lock);
    yes = core->stop != WARD_STOP_NONE;
    pthread_mutex_unlock(&core->lock);
    return yes;
}

static void on_signal(uv_signal_t *s, int signum)
{
    struct ward_app *app = s->data;

    if (stopping(app->core)) {
        WARD_LOG(WARN, "second signal; ending the process at once", WARD_KN("signal", signum));
        _exit(1);
    }
    ward_core_stop(app->core, WARD_STOP_SIGNAL, signum == SIGTERM ? "SIGTERM" : "SIGINT");
}

/* Detects a check that does not return. */
static void on_tick(uv_timer_t *t)
{
    ward_ready_update(t->data);
}

static void close_any(uv_handle_t *h, void *arg)
{
    (void)arg;
    if (!uv_is_closing(h))
        uv_close(h, NULL);
}

static void on_end(uv_async_t *a)
{
    struct ward_app *app = a->data;

    ward_admin_close(app->core->admin);
    uv_close((uv_handle_t *)&app->core->term, NULL);
    uv_close((uv_handle_t *)&app->core->intr, NULL);
    uv_close((uv_handle_t *)&app->core->tick, NULL);
    uv_close((uv_handle_t *)&app->core->end, NULL);
}

static void *turn(void *arg)
{
    struct ward_app *app = arg;

    uv_run(&app->core->loop, UV_RUN_DEFAULT); /* returns when on_end has closed every handle */
    return NULL;
}

/* Closes the handles from ward_loop_start when no thread runs the loop. */
static void undo(struct ward_core *c)
{
    ward_admin_close(c->admin);
    uv_walk(&c->loop, close_any, NULL);
    uv_run(&c->loop, UV_RUN_DEFAULT);
    uv_loop_close(&c->loop);
    ward_admin_free(c->admin);
    c->admin = NULL;
}

enum ward_code ward_loop_start(struct ward_app *app, struct ward_err *err)
{
    struct ward_core *c = app->core;
    enum ward_code code;

    if (uv_loop_init(&c->loop) != 0)
        return WARD_FAIL(err, RESOURCE_EXHAUSTED, "cannot create an event loop");
    c->term.data = c->intr.data = c->end.data = c->tick.data = app;
    if (uv_signal_init(&c->loop, &c->term) != 0 || uv_signal_init(&c->loop, &c->intr) != 0 ||
        uv_timer_init(&c->loop, &c->tick) != 0 ||
        uv_async_init(&c->loop, &c->end, on_end) != 0 ||
        uv_signal_start(&c->term, on_signal, SIGTERM) != 0 ||
        uv_signal_start(&c->intr, on_signal, SIGINT) != 0 ||
        uv_timer_start(&c->tick, on_tick, TICK_MS, TICK_MS) != 0)
        code = WARD_FAIL(err, RESOURCE_EXHAUSTED, "cannot watch for signals");
    else
        code = ward_admin_open(app, &c->loop, app->cfg.admin_listen, &c->admin, &c->admin_port,
                               err);
    if (code == WARD_OK && pthread_create(&c->loop_thread, NULL, turn, app) != 0)
        code = WARD_FAIL(err, RESOURCE_EXHAUSTED, "cannot create a thread");
    if (code != WARD_OK)
        undo(c);
    c->looping = code == WARD_OK;
    return code;
}

void ward_loop_stop(struct ward_app *app)
{
    struct ward_core *c = app->core;

    if (!c->looping)
        return;
    uv_async_send(&c->end);
    pthread_join(c->loop_thread, NULL);
    uv_loop_close(&c->loop);
    ward_admin_free(c->admin);
    c->admin = NULL;
    c->looping = false;
}
