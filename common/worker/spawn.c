/* Starts the child: the same program, with the channel as its only inherited file. */
#include "common/worker/own.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define ENV_MAX 32

extern char **environ;

/* Returns whether the child may inherit a variable: only those that back ends' libraries read.
 * Other variables may contain secrets. */
static bool may_pass(const char *var)
{
    static const char *const begins[] = {
        "LD_LIBRARY_PATH=", "CUDA_",          "NVIDIA_",       "VK_", "ZE_", "HIP_", "ROCR_",
        "ASAN_OPTIONS=",    "UBSAN_OPTIONS=", "LSAN_OPTIONS=",
    };

    for (size_t i = 0; i < WARD_COUNT(begins); i++)
        if (strncmp(var, begins[i], strlen(begins[i])) == 0)
            return true;
    return false;
}

static void environment(char *out[ENV_MAX + 1])
{
    int n = 0;

    for (char **v = environ; *v != NULL && n < ENV_MAX; v++)
        if (may_pass(*v))
            out[n++] = *v;
    out[n] = NULL;
}

/* Passes the child's end of the channel as CHANNEL_FD. The standard files are /dev/null. */
static int actions(posix_spawn_file_actions_t *a, int end)
{
    int rc = posix_spawn_file_actions_addopen(a, 0, "/dev/null", O_RDWR, 0);

    if (rc == 0)
        rc = posix_spawn_file_actions_adddup2(a, 0, 1);
    if (rc == 0)
        rc = posix_spawn_file_actions_adddup2(a, 0, 2);
    if (rc == 0)
        rc = posix_spawn_file_actions_adddup2(a, end, CHANNEL_FD);
    if (rc == 0)
        rc = posix_spawn_file_actions_addclosefrom_np(a, CHANNEL_FD + 1);
    return rc;
}

static int attributes(posix_spawnattr_t *a)
{
    sigset_t all, none;
    int rc;

    sigfillset(&all);
    sigemptyset(&none);
    rc = posix_spawnattr_setsigdefault(a, &all);
    if (rc == 0)
        rc = posix_spawnattr_setsigmask(a, &none);
    if (rc == 0)
        rc = posix_spawnattr_setflags(a, POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK);
    return rc;
}

static int spawn(const struct ward_worker *w, pid_t *pid, int end)
{
    const char *program = w->cfg.program == NULL ? "/proc/self/exe" : w->cfg.program;
    char parent[16], *env[ENV_MAX + 1];
    char *argv[] = {(char *)(uintptr_t) "ward-worker", (char *)(uintptr_t) "--worker",
                    (char *)(uintptr_t)w->cfg.job, parent, NULL};
    posix_spawn_file_actions_t files;
    posix_spawnattr_t attr;
    int rc = posix_spawn_file_actions_init(&files);

    if (rc != 0)
        return rc;
    rc = posix_spawnattr_init(&attr);
    if (rc != 0) {
        posix_spawn_file_actions_destroy(&files);
        return rc;
    }
    snprintf(parent, sizeof(parent), "%d", (int)getpid());
    environment(env);
    rc = actions(&files, end);
    if (rc == 0)
        rc = attributes(&attr);
    if (rc == 0)
        rc = posix_spawn(pid, program, &files, &attr, argv, env);
    posix_spawnattr_destroy(&attr);
    posix_spawn_file_actions_destroy(&files);
    return rc;
}

enum ward_code worker_spawn(struct ward_worker *w, pid_t *pid, int *fd, struct ward_err *err)
{
    int ends[2], high, rc;

    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0)
        return WARD_FAIL(err, UNAVAILABLE, "no socket for a worker process");
    /* If the descriptor were already CHANNEL_FD, dup2 would leave it close-on-exec. */
    high = fcntl(ends[1], F_DUPFD_CLOEXEC, CHANNEL_FD + 1);
    close(ends[1]);
    rc = high < 0 ? errno : spawn(w, pid, high);
    if (high >= 0)
        close(high);
    if (rc != 0) {
        close(ends[0]);
        WARD_FAIL(err, UNAVAILABLE, "a worker process cannot be started");
        ward_err_detail(err, "%s: errno %d", w->cfg.job, rc);
        return WARD_UNAVAILABLE;
    }
    *fd = ends[0];
    return WARD_OK;
}
