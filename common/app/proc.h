/* proc.h - child processes of the embedded default (`wardctl up`).
 *
 * A group has a loop and children, in the order in which they were started. A child has its own
 * session, exactly the given environment, no descriptor of this process, and /dev/null as
 * input. Ctrl-C in a terminal reaches only this process, which stops the children in order. The
 * kernel kills the children when this process dies, even by SIGKILL (PR_SET_PDEATHSIG). When a
 * child ends, the group kills the other processes of the child's session. libuv's uv_spawn
 * cannot set PR_SET_PDEATHSIG, and a helper program would be a second program. Therefore
 * proc_spawn.c forks, and libuv only waits. The kernel ties the signal to the *thread* that
 * forked, so use a group only from the main thread. A grandchild does not inherit the signal,
 * so run programs directly and not through scripts.
 *
 * Threads: main's only. The loop runs inside await, join, turn, run and stop. Outside these
 * functions, a child blocks when its output exceeds the pipe (1 MiB). Memory: the group's;
 * specs are copied. Errors: see each function; err->detail has the last line of a failed child.
 */
#ifndef WARD_APP_PROC_H
#define WARD_APP_PROC_H

#include "common/base/status.h"

#include <sys/types.h>

struct ward_procs; /* a group */
struct ward_proc;  /* a child; lives as long as its group */

struct ward_proc_spec {
    const char *name;        /* for messages */
    const char *const *argv; /* argv[0] is a path; ends with NULL */
    const char *const *env; /* complete environment of "NAME=value"; ends with NULL; a NULL list
                               is an empty environment */
    const char *dir;        /* working directory; NULL: that of this process */
    const char *log;        /* file to which its output is appended (0600); NULL: none */
    /* restart after an unexpected end. The first delay is 0.1 s; each further delay is twice as
     * long, up to 5 s. After 30 s of running, the delay is 0.1 s again. */
    bool restart;
    /* the child is ready when its output has a line with this text; NULL: never. Example:
     * "\"msg\":\"serving\"" */
    const char *ready;
    /* The callbacks may be NULL. They run on the loop and must not wait for a child. `line` has
     * no newline and at most 8191 bytes; longer lines come in pieces. `status` is the exit
     * code, or 128 + the signal. */
    void (*on_line)(void *arg, struct ward_proc *p, const char *line);
    /* called after each start */
    void (*on_ready)(void *arg, struct ward_proc *p, const char *line);
    void (*on_exit)(void *arg, struct ward_proc *p, int status);
    void *arg;
};

/* Creates a group. While the group is open, SIGINT and SIGTERM end waits instead of the
 * process. */
WARD_MUST enum ward_code ward_procs_open(struct ward_procs **out, struct ward_err *err);

/*   NOT_FOUND            the program or directory does not exist, or the program is not
 *                        executable; msg names the path
 *   RESOURCE_EXHAUSTED   no process, descriptor or memory available
 *   FAILED_PRECONDITION  the log file is not writable */
WARD_MUST enum ward_code ward_proc_start(struct ward_procs *g,
                                         const struct ward_proc_spec *spec,
                                         struct ward_proc **out, struct ward_err *err);

/* Waits until the child is ready. *line (may be NULL) is the line that matched, valid until the
 * child's next start.
 *   DEADLINE_EXCEEDED    the child was not ready within timeout_ms
 *   FAILED_PRECONDITION  the child ended first and is not restarted
 *   CANCELLED            SIGINT or SIGTERM arrived */
WARD_MUST enum ward_code ward_proc_await(struct ward_proc *p, int timeout_ms, const char **line,
                                         struct ward_err *err);

/* Waits for the end of a child that ends by itself.
 *   DEADLINE_EXCEEDED, CANCELLED as above; the child is still running */
WARD_MUST enum ward_code ward_proc_join(struct ward_proc *p, int timeout_ms, int *status,
                                        struct ward_err *err);

/* Waits at most timeout_ms for an event, and handles the events that have occurred. A
 * timeout_ms of 0 does not wait. Returns false after SIGINT or SIGTERM. */
bool ward_procs_turn(struct ward_procs *g, int timeout_ms);

/* Supervises the children until SIGINT or SIGTERM (returns the signal's number) or
 * ward_procs_quit (returns 0). */
int ward_procs_run(struct ward_procs *g);
void ward_procs_quit(struct ward_procs *g); /* call from a callback */

/* Sends SIGTERM to the child, and after grace_ms SIGKILL to its session. Returns after the
 * child has ended. The child is not restarted. Another SIGINT or SIGTERM to this process ends
 * the grace time. */
void ward_proc_stop(struct ward_proc *p, int grace_ms);
/* Stops all children, newest first. */
void ward_procs_stop(struct ward_procs *g, int grace_ms);
/* Stops running children without grace and frees the group. Accepts NULL. */
void ward_procs_close(struct ward_procs *g);

const char *ward_proc_name(const struct ward_proc *p);
pid_t ward_proc_pid(const struct ward_proc *p);  /* 0 if the child is not running */
int ward_proc_starts(const struct ward_proc *p); /* number of starts */
/* Returns the last line of the child's output, "" for none. */
const char *ward_proc_last(const struct ward_proc *p);

#endif
