/* proc.h - child processes, for the embedded default (`wardctl up`).
 *
 * A group is a loop and its children, in the order they were started. A child is a session of
 * its own (Ctrl-C in a terminal reaches only us, and we stop the children in order), has
 * exactly the environment given, no descriptor of ours, /dev/null as its input, and is killed
 * by the kernel when we die, even by kill -9 (PR_SET_PDEATHSIG); what it leaves behind in its
 * session is killed when it ends. libuv's uv_spawn cannot set
 * that, and setting it in a helper that then execs costs a second program, so proc_spawn.c
 * forks itself and libuv only waits. The kernel ties the signal to the *thread* that forked:
 * use a group from the main thread only. A grandchild does not get it: run programs, not
 * scripts that start them, for anything that stays.
 *
 * Threads: main's only. The loop turns inside await, join, turn, run and stop; outside them a
 * child that writes more than its pipe holds (1 MiB) waits for us. Memory: the group's, specs
 * are copied. Errors: as each says; err->detail has a failed child's last line.
 */
#ifndef WARD_APP_PROC_H
#define WARD_APP_PROC_H

#include "common/base/status.h"

#include <sys/types.h>

struct ward_procs; /* a group */
struct ward_proc;  /* a child, for as long as its group */

struct ward_proc_spec {
    const char *name;        /* for messages */
    const char *const *argv; /* argv[0] is a path; ends with NULL */
    const char *const *env;  /* "NAME=value", the whole of it; ends with NULL; NULL: empty */
    const char *dir;         /* working directory; NULL: ours */
    const char *log;         /* file that its output is appended to (0600); NULL: none */
    bool restart;            /* start again when it ends unasked: after 0.1 s, then twice as
                                long each time up to 5 s, from 0.1 s again after 30 s of running */
    const char *ready;       /* it is ready once a line of its output holds this text;
                                NULL: never. "\"msg\":\"serving\"" */
    /* All may be NULL; called from the loop, and must not wait for a child. `line` has no
     * newline and is at most 8191 bytes, longer ones come in pieces. `status` is the exit code,
     * or 128 + the signal. */
    void (*on_line)(void *arg, struct ward_proc *p, const char *line);
    void (*on_ready)(void *arg, struct ward_proc *p, const char *line); /* after each start */
    void (*on_exit)(void *arg, struct ward_proc *p, int status);
    void *arg;
};

/* From now on SIGINT and SIGTERM end waits instead of the process. */
WARD_MUST enum ward_code ward_procs_open(struct ward_procs **out, struct ward_err *err);

/*   NOT_FOUND            no such program or directory, or not executable: msg says which
 *   RESOURCE_EXHAUSTED   no process, descriptor or memory to be had
 *   FAILED_PRECONDITION  the log file cannot be written */
WARD_MUST enum ward_code ward_proc_start(struct ward_procs *g,
                                         const struct ward_proc_spec *spec,
                                         struct ward_proc **out, struct ward_err *err);

/* Waits until the child is ready. *line (may be NULL) is the line that said so, valid until
 * the child is started again.
 *   DEADLINE_EXCEEDED    not within timeout_ms
 *   FAILED_PRECONDITION  it ended first (and is not of the kind that is restarted)
 *   CANCELLED            SIGINT or SIGTERM came */
WARD_MUST enum ward_code ward_proc_await(struct ward_proc *p, int timeout_ms, const char **line,
                                         struct ward_err *err);

/* Waits until a child that ends by itself has ended.
 *   DEADLINE_EXCEEDED, CANCELLED  as above; it is still running */
WARD_MUST enum ward_code ward_proc_join(struct ward_proc *p, int timeout_ms, int *status,
                                        struct ward_err *err);

/* Handles whatever happens within timeout_ms, and returns after the first event at the latest
 * when that time is over; 0 only looks. False once SIGINT or SIGTERM has come. */
bool ward_procs_turn(struct ward_procs *g, int timeout_ms);

/* Looks after the children until SIGINT, SIGTERM (returns its number) or ward_procs_quit
 * (returns 0). */
int ward_procs_run(struct ward_procs *g);
void ward_procs_quit(struct ward_procs *g); /* from a callback */

/* SIGTERM, and SIGKILL to its whole session after grace_ms; returns once it is gone. It is not
 * started again. A further SIGINT or SIGTERM to us cuts the grace short. */
void ward_proc_stop(struct ward_proc *p, int grace_ms);
/* Stops every child, newest first, one after another. */
void ward_procs_stop(struct ward_procs *g, int grace_ms);
/* Stops what still runs (no grace) and frees. NULL is fine. */
void ward_procs_close(struct ward_procs *g);

const char *ward_proc_name(const struct ward_proc *p);
pid_t ward_proc_pid(const struct ward_proc *p);  /* 0 while it does not run */
int ward_proc_starts(const struct ward_proc *p); /* how often it was started */
/* The last line it wrote, "" for none. */
const char *ward_proc_last(const struct ward_proc *p);

#endif
