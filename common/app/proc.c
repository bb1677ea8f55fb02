#include "common/app/proc_impl.h"
#include "common/app/proc_spawn.h"
#include "common/base/clock.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define BACKOFF_MS   100
#define BACKOFF_MOST 5000
#define STEADY_NS    (30 * INT64_C(1000000000))

static void on_again(uv_timer_t *t);

/* ---- output ---- */

static void take_line(struct ward_outlet *o)
{
    struct ward_proc *p = o->proc;
    const struct ward_proc_spec *s = &p->spec;

    o->line[o->n] = '\0';
    o->n = 0;
    memcpy(p->last, o->line, strlen(o->line) + 1);
    if (s->on_line != NULL)
        s->on_line(s->arg, p, o->line);
    if (p->is_ready || s->ready == NULL || strstr(p->last, s->ready) == NULL)
        return;
    p->is_ready = true;
    memcpy(p->ready, p->last, sizeof(p->ready));
    if (s->on_ready != NULL)
        s->on_ready(s->arg, p, p->ready);
}

static void take(struct ward_outlet *o, const char *bytes, size_t n)
{
    int log = o->proc->log;

    if (log >= 0 && write(log, bytes, n) < 0) {
        /* after a failed write, such as to a full disk, the child continues without a log */
        close(log);
        o->proc->log = -1;
    }
    for (size_t i = 0; i < n; i++) {
        if (bytes[i] != '\n')
            o->line[o->n++] = bytes[i];
        if (bytes[i] == '\n' || o->n + 1 == sizeof(o->line))
            take_line(o);
    }
}

static void on_outlet_closed(uv_handle_t *h)
{
    free(h->data);
}

static void shut(struct ward_proc *p)
{
    struct ward_outlet *o = p->out;

    if (o == NULL)
        return;
    p->out = NULL;
    if (o->n > 0)
        take_line(o);
    uv_close((uv_handle_t *)&o->pipe, on_outlet_closed);
}

static void on_buffer(uv_handle_t *h, size_t n, uv_buf_t *buf)
{
    struct ward_outlet *o = h->data;

    (void)n;
    *buf = uv_buf_init(o->in, sizeof(o->in));
}

static void on_read(uv_stream_t *s, ssize_t n, const uv_buf_t *buf)
{
    struct ward_outlet *o = s->data;

    if (n > 0)
        take(o, buf->base, (size_t)n);
    else if (n < 0)
        shut(o->proc);
}

/* Reads the output that an ended child left in the pipe. */
static void read_rest(struct ward_proc *p)
{
    struct ward_outlet *o = p->out;
    uv_os_fd_t fd;
    ssize_t n;

    if (o == NULL || uv_fileno((uv_handle_t *)&o->pipe, &fd) != 0)
        return;
    while ((n = read(fd, o->in, sizeof(o->in))) > 0)
        take(o, o->in, (size_t)n);
}

/* ---- start and end ---- */

static enum ward_code launch(struct ward_proc *p, struct ward_err *err)
{
    struct ward_outlet *o = calloc(1, sizeof(*o));
    enum ward_code code;
    int fd;

    if (o == NULL)
        return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory to start %.40s", p->spec.name);
    code = ward_spawn(&p->spec, &p->pid, &fd, err);
    if (code != WARD_OK) {
        free(o);
        return code;
    }
    uv_pipe_init(&p->group->loop, &o->pipe, 0);
    o->pipe.data = o;
    o->proc = p;
    p->out = o;
    p->is_ready = p->waiting = false;
    p->starts++;
    p->started_ns = ward_mono_ns();
    if (uv_pipe_open(&o->pipe, fd) != 0 ||
        uv_read_start((uv_stream_t *)&o->pipe, on_buffer, on_read) != 0)
        shut(p); /* the child continues to run, but its output is lost */
    return WARD_OK;
}

static void launch_later(struct ward_proc *p)
{
    int64_t ms = BACKOFF_MS;

    if (ward_mono_ns() - p->started_ns > STEADY_NS)
        p->tries = 0;
    for (int i = 0; i < p->tries && ms < BACKOFF_MOST; i++)
        ms *= 2;
    p->tries++;
    p->waiting = true;
    uv_timer_start(&p->again, on_again, (uint64_t)(ms < BACKOFF_MOST ? ms : BACKOFF_MOST), 0);
}

static void on_again(uv_timer_t *t)
{
    struct ward_proc *p = t->data;

    if (!p->stopping && launch(p, NULL) != WARD_OK)
        launch_later(p);
}

/* If the child has ended, kills its session and then reaps the child. Until a child is reaped,
 * the kernel does not reuse its process number. */
static void reap(struct ward_proc *p)
{
    siginfo_t info = {0};
    int status = 0;

    if (p->pid == 0 || waitid(P_PID, (id_t)p->pid, &info, WEXITED | WNOHANG | WNOWAIT) != 0 ||
        info.si_pid != p->pid)
        return;
    kill(-p->pid, SIGKILL);
    waitpid(p->pid, &status, 0);
    read_rest(p);
    shut(p);
    p->pid = 0;
    p->status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    if (p->spec.restart && !p->stopping)
        launch_later(p);
    if (p->spec.on_exit != NULL)
        p->spec.on_exit(p->spec.arg, p, p->status);
}

void ward_procs_on_signal(uv_signal_t *s, int signum)
{
    struct ward_procs *g = s->data;

    if (signum == SIGCHLD) {
        for (struct ward_proc *p = g->newest; p != NULL; p = p->older)
            reap(p);
        return;
    }
    if (g->signal == 0)
        g->signal = signum;
    g->signals++;
}

static const char *const *copy_list(struct ward_arena *mem, const char *const *list)
{
    const char **to;
    size_t n = 0;

    if (list == NULL)
        return NULL;
    while (list[n] != NULL)
        n++;
    to = ward_alloc(mem, (n + 1) * sizeof(*to));
    for (size_t i = 0; i < n && to != NULL; i++)
        to[i] = ward_strdup(mem, list[i]);
    return to;
}

static const char *copy(struct ward_arena *mem, const char *s)
{
    return s == NULL ? NULL : ward_strdup(mem, s);
}

/* Creates a child that is not started yet. Returns NULL if there is no memory. */
static struct ward_proc *adopt(struct ward_procs *g, const struct ward_proc_spec *spec)
{
    struct ward_proc *p = calloc(1, sizeof(*p));

    if (p == NULL)
        return NULL;
    p->group = g;
    p->log = -1;
    p->spec = *spec;
    p->spec.name = copy(&g->mem, spec->name);
    p->spec.argv = copy_list(&g->mem, spec->argv);
    p->spec.env = copy_list(&g->mem, spec->env);
    p->spec.dir = copy(&g->mem, spec->dir);
    p->spec.log = copy(&g->mem, spec->log);
    p->spec.ready = copy(&g->mem, spec->ready);
    if (g->mem.full) {
        free(p);
        return NULL;
    }
    return p;
}

enum ward_code ward_proc_start(struct ward_procs *g, const struct ward_proc_spec *spec,
                               struct ward_proc **out, struct ward_err *err)
{
    struct ward_proc *p = adopt(g, spec);
    enum ward_code code;

    if (p == NULL)
        return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory to start %.40s", spec->name);
    if (spec->log != NULL) {
        p->log = open(spec->log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600);
        if (p->log < 0) {
            free(p);
            return WARD_FAIL(err, FAILED_PRECONDITION, "cannot write the log file %.100s",
                             spec->log);
        }
    }
    code = launch(p, err);
    if (code != WARD_OK) {
        if (p->log >= 0)
            close(p->log);
        free(p);
        return code;
    }
    uv_timer_init(&g->loop, &p->again);
    p->again.data = p;
    p->older = g->newest;
    g->newest = p;
    if (out != NULL)
        *out = p;
    return WARD_OK;
}
