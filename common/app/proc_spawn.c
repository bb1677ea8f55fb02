#include "common/app/proc_spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define PIPE_BYTES (1 << 20)

/* The child's report if it cannot execute the program. On success, exec closes the pipe without
 * a report. */
struct report {
    char step[16];
    int error;
};

/* Runs in the child between fork and exec: only async-signal-safe calls. Does not return. */
static void become(const struct ward_proc_spec *spec, pid_t parent, int out, int status)
{
    static char *const none[] = {NULL};
    struct report r = {.step = "setup"};
    sigset_t all;
    int null;

    /* The parent's handlers would write into the parent's loop, and the program would inherit
     * an ignored SIGPIPE. SIGKILL and SIGSTOP cannot be reset and need no reset. */
    for (int s = 1; s < NSIG; s++)
        signal(s, SIG_DFL);
    sigemptyset(&all);
    sigprocmask(SIG_SETMASK, &all, NULL);
    if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0)
        goto fail;
    if (getppid() != parent) /* the parent died between fork and prctl */
        _exit(127);
    null = open("/dev/null", O_RDWR);
    if (null < 0 || setsid() < 0 || dup2(null, 0) < 0 || dup2(out, 1) < 0 || dup2(out, 2) < 0 ||
        close_range(3, ~0U, CLOSE_RANGE_CLOEXEC) != 0)
        goto fail;
    memcpy(r.step, "directory", 10);
    if (spec->dir != NULL && chdir(spec->dir) != 0)
        goto fail;
    memcpy(r.step, "program", 8);
    execve(spec->argv[0], (char *const *)(uintptr_t)spec->argv,
           spec->env == NULL ? none : (char *const *)(uintptr_t)spec->env);
fail:
    r.error = errno;
    if (write(status, &r, sizeof(r)) < 0)
        _exit(126);
    _exit(127);
}

/* Forks with every signal blocked, so that the child never runs the parent's handlers. */
static pid_t fork_quietly(const struct ward_proc_spec *spec, int out, int status)
{
    pid_t parent = getpid(), pid;
    sigset_t all, was;

    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &was);
    pid = fork();
    if (pid == 0)
        become(spec, parent, out, status);
    pthread_sigmask(SIG_SETMASK, &was, NULL);
    return pid;
}

/* Reads the report. Returns true if the pipe closed without a report, because the program then
 * runs. */
static bool running(int fd, struct report *r)
{
    ssize_t n;

    do
        n = read(fd, r, sizeof(*r));
    while (n < 0 && errno == EINTR);
    return n != (ssize_t)sizeof(*r);
}

static enum ward_code explain(const struct ward_proc_spec *spec, const struct report *r,
                              struct ward_err *err)
{
    if (strcmp(r->step, "setup") == 0)
        return WARD_FAIL(err, RESOURCE_EXHAUSTED, "cannot start %.40s: %s", spec->name,
                         strerror(r->error));
    return WARD_FAIL(err, NOT_FOUND, "cannot start %.40s: %s %.60s: %s", spec->name, r->step,
                     strcmp(r->step, "directory") == 0 ? spec->dir : spec->argv[0],
                     strerror(r->error));
}

enum ward_code ward_spawn(const struct ward_proc_spec *spec, pid_t *pid, int *out_fd,
                          struct ward_err *err)
{
    int out[2], status[2];
    struct report r = {0};
    pid_t child;
    bool ok;

    if (pipe2(out, O_CLOEXEC) != 0)
        return WARD_FAIL(err, RESOURCE_EXHAUSTED, "cannot start %.40s: no pipe", spec->name);
    if (pipe2(status, O_CLOEXEC) != 0) {
        close(out[0]);
        close(out[1]);
        return WARD_FAIL(err, RESOURCE_EXHAUSTED, "cannot start %.40s: no pipe", spec->name);
    }
    if (fcntl(out[1], F_SETPIPE_SZ, PIPE_BYTES) < 0 || fcntl(out[0], F_SETFL, O_NONBLOCK) < 0)
        /* a failure is harmless: a smaller pipe works, and blocking only costs time */
        errno = 0;
    child = fork_quietly(spec, out[1], status[1]);
    close(out[1]);
    close(status[1]);
    ok = child > 0 && running(status[0], &r);
    close(status[0]);
    if (ok) {
        *pid = child;
        *out_fd = out[0];
        return WARD_OK;
    }
    close(out[0]);
    if (child < 0)
        return WARD_FAIL(err, RESOURCE_EXHAUSTED, "cannot start %.40s: %s", spec->name,
                         strerror(errno));
    waitpid(child, NULL, 0);
    return explain(spec, &r, err);
}
