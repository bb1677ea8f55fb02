/* proc_impl.h - internals of a group and its children: proc.c (output, start, end) and
 * proc_wait.c (waiting, stopping, the group). Threads, memory, errors: as proc.h. */
#ifndef WARD_APP_PROC_IMPL_H
#define WARD_APP_PROC_IMPL_H

#include "common/app/proc.h"
#include "common/base/arena.h"

#include <uv.h>

#define WARD_PROC_LINE 8192

/* The output of one run of a child. Freed when its handle has closed, which may be after the
 * child's next start.
 */
struct ward_outlet {
    uv_pipe_t pipe;
    struct ward_proc *proc;
    char in[4096];
    char line[WARD_PROC_LINE];
    size_t n;
};

struct ward_proc {
    struct ward_procs *group;
    struct ward_proc *older;
    struct ward_proc_spec spec;
    pid_t pid; /* 0: not running */
    int status, starts, tries, log;
    int64_t started_ns;
    /* stopping: the child was asked to end; waiting: a restart is scheduled */
    bool stopping, waiting;
    bool is_ready;
    struct ward_outlet *out;
    uv_timer_t again;
    char ready[WARD_PROC_LINE], last[WARD_PROC_LINE];
};

struct ward_procs {
    uv_loop_t loop;
    uv_signal_t term, intr, chld;
    uv_timer_t timer;
    struct ward_proc *newest;
    struct ward_arena mem; /* copies of specs */
    int signal;            /* the first SIGINT or SIGTERM; 0 for none yet */
    int signals;           /* number of SIGINT and SIGTERM received */
    bool quit;
};

/* For the group's uv_signal handles; `s->data` is the group. */
void ward_procs_on_signal(uv_signal_t *s, int signum);

#endif
