#include "common/app/proc_impl.h"
#include "common/base/clock.h"

#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#define SPEC_BYTES ((size_t)4 << 20)

/* Stops the loop. If the timer fires before uv_run begins to wait, that wait would otherwise
 * never end. */
static void on_time(uv_timer_t *t)
{
    uv_stop(t->loop);
}

/* Waits for one event, or until the deadline. */
static void turn(struct ward_procs *g, int64_t deadline_ns)
{
    int64_t ms = ward_left_ms(deadline_ns);

    uv_update_time(&g->loop); /* timers count from the loop's cached time */
    if (deadline_ns != WARD_NO_DEADLINE)
        uv_timer_start(&g->timer, on_time, (uint64_t)ms + 1, 0);
    uv_run(&g->loop, UV_RUN_ONCE);
    uv_timer_stop(&g->timer);
}

static int64_t after_ms(int ms)
{
    return ward_mono_ns() + ms * WARD_NS_PER_MS;
}

bool ward_procs_turn(struct ward_procs *g, int timeout_ms)
{
    if (timeout_ms == 0)
        uv_run(&g->loop, UV_RUN_NOWAIT);
    else
        turn(g, after_ms(timeout_ms));
    return g->signal == 0;
}

enum ward_code ward_proc_await(struct ward_proc *p, int timeout_ms, const char **line,
                               struct ward_err *err)
{
    int64_t end = after_ms(timeout_ms);
    enum ward_code code = WARD_OK;

    while (!p->is_ready) {
        if (p->group->signal != 0)
            code = WARD_FAIL(err, CANCELLED, "stopped while %.40s was starting", p->spec.name);
        else if (p->pid == 0 && !p->waiting)
            code = WARD_FAIL(err, FAILED_PRECONDITION,
                             "%.40s ended with status %d before it was ready", p->spec.name,
                             p->status);
        else if (ward_left_ms(end) == 0)
            code = WARD_FAIL(err, DEADLINE_EXCEEDED, "%.40s was not ready within %d ms",
                             p->spec.name, timeout_ms);
        if (code != WARD_OK) {
            ward_err_detail(err, "last line of its log: %s", p->last);
            return code;
        }
        turn(p->group, end);
    }
    if (line != NULL)
        *line = p->ready;
    return WARD_OK;
}

enum ward_code ward_proc_join(struct ward_proc *p, int timeout_ms, int *status,
                              struct ward_err *err)
{
    int64_t end = after_ms(timeout_ms);

    while (p->pid != 0) {
        if (p->group->signal != 0)
            return WARD_FAIL(err, CANCELLED, "stopped while %.40s was running", p->spec.name);
        if (ward_left_ms(end) == 0) {
            WARD_FAIL(err, DEADLINE_EXCEEDED, "%.40s did not end within %d ms", p->spec.name,
                      timeout_ms);
            return ward_err_detail(err, "last line of its log: %s", p->last),
                   WARD_DEADLINE_EXCEEDED;
        }
        turn(p->group, end);
    }
    *status = p->status;
    return WARD_OK;
}

int ward_procs_run(struct ward_procs *g)
{
    while (g->signal == 0 && !g->quit)
        turn(g, WARD_NO_DEADLINE);
    return g->signal;
}

void ward_procs_quit(struct ward_procs *g)
{
    g->quit = true;
}

void ward_proc_stop(struct ward_proc *p, int grace_ms)
{
    struct ward_procs *g = p->group;
    int64_t end = after_ms(grace_ms);
    int signals = g->signals;

    p->stopping = true;
    p->waiting = false;
    uv_timer_stop(&p->again);
    if (p->pid != 0 && grace_ms > 0)
        kill(p->pid, SIGTERM);
    while (p->pid != 0 && g->signals == signals && ward_left_ms(end) > 0)
        turn(g, end);
    if (p->pid != 0)
        kill(-p->pid, SIGKILL);
    while (p->pid != 0)
        turn(g, WARD_NO_DEADLINE);
}

void ward_procs_stop(struct ward_procs *g, int grace_ms)
{
    for (struct ward_proc *p = g->newest; p != NULL; p = p->older)
        p->stopping = true; /* no child is restarted while other children are being stopped */
    for (struct ward_proc *p = g->newest; p != NULL; p = p->older)
        ward_proc_stop(p, grace_ms);
}

/* ---- group ---- */

enum ward_code ward_procs_open(struct ward_procs **out, struct ward_err *err)
{
    struct ward_procs *g = calloc(1, sizeof(*g));

    if (g == NULL || uv_loop_init(&g->loop) != 0) {
        free(g);
        return WARD_FAIL(err, RESOURCE_EXHAUSTED, "cannot create an event loop");
    }
    ward_arena_init(&g->mem, SPEC_BYTES);
    uv_timer_init(&g->loop, &g->timer);
    g->term.data = g->intr.data = g->chld.data = g;
    if (uv_signal_init(&g->loop, &g->term) != 0 || uv_signal_init(&g->loop, &g->intr) != 0 ||
        uv_signal_init(&g->loop, &g->chld) != 0 ||
        uv_signal_start(&g->term, ward_procs_on_signal, SIGTERM) != 0 ||
        uv_signal_start(&g->intr, ward_procs_on_signal, SIGINT) != 0 ||
        uv_signal_start(&g->chld, ward_procs_on_signal, SIGCHLD) != 0) {
        ward_procs_close(g);
        return WARD_FAIL(err, RESOURCE_EXHAUSTED, "cannot watch for signals");
    }
    *out = g;
    return WARD_OK;
}

static void close_any(uv_handle_t *h, void *arg)
{
    (void)arg;
    if (!uv_is_closing(h))
        uv_close(h, NULL);
}

void ward_procs_close(struct ward_procs *g)
{
    if (g == NULL)
        return;
    ward_procs_stop(g, 0);
    uv_walk(&g->loop, close_any, NULL);
    uv_run(&g->loop, UV_RUN_DEFAULT);
    uv_loop_close(&g->loop);
    for (struct ward_proc *p = g->newest, *older; p != NULL; p = older) {
        older = p->older;
        if (p->log >= 0)
            close(p->log);
        free(p);
    }
    ward_arena_done(&g->mem);
    free(g);
}

const char *ward_proc_name(const struct ward_proc *p)
{
    return p->spec.name;
}

pid_t ward_proc_pid(const struct ward_proc *p)
{
    return p->pid;
}

int ward_proc_starts(const struct ward_proc *p)
{
    return p->starts;
}

const char *ward_proc_last(const struct ward_proc *p)
{
    return p->last;
}
