#include "common/worker/sandbox.h"

#include "common/base/log.h"

#include <errno.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

/* Makes the kernel kill this process first if memory runs out. Any process may set this for
 * itself. */
static void first_to_go(void)
{
    FILE *f = fopen("/proc/self/oom_score_adj", "we");

    if (f == NULL)
        return;
    if (fputs("1000", f) < 0)
        errno = 0; /* ignored: the kernel then chooses by size */
    fclose(f);
}

/* Returns the private memory in use, in bytes: the sixth number in statm, in pages. */
static size_t in_use(void)
{
    unsigned long v[6] = {0};
    FILE *f = fopen("/proc/self/statm", "re");

    if (f == NULL)
        return 0;
    if (fscanf(f, "%lu %lu %lu %lu %lu %lu", &v[0], &v[1], &v[2], &v[3], &v[4], &v[5]) != 6)
        v[5] = 0;
    fclose(f);
    return (size_t)v[5] * (size_t)sysconf(_SC_PAGESIZE);
}

/* Limits private writable memory with RLIMIT_DATA. RLIMIT_AS would also count memory that
 * device drivers and sanitizers only reserve. */
static bool limit(size_t most)
{
    struct rlimit none = {0, 0}, core = {1, 1}, data;

    if (setrlimit(RLIMIT_CORE, &core) != 0 || setrlimit(RLIMIT_FSIZE, &none) != 0)
        return false;
    if (most == 0)
        return true;
    data.rlim_cur = data.rlim_max = in_use() + most;
    return setrlimit(RLIMIT_DATA, &data) == 0;
}

enum ward_code sandbox_begin(size_t most_bytes, struct ward_err *err)
{
    first_to_go();
    if (!limit(most_bytes) || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
        prctl(PR_SET_DUMPABLE, 0) != 0)
        return WARD_FAIL(err, FAILED_PRECONDITION, "a worker process cannot be limited");
    if (!landlock_begin())
        WARD_LOG(WARN, "this kernel has no Landlock: a device's worker may read files");
    if (!filter_begin())
        return WARD_FAIL(err, FAILED_PRECONDITION, "the kernel refuses a seccomp filter");
    return WARD_OK;
}

enum ward_code sandbox_close(enum ward_reach reach, struct ward_err *err)
{
    (void)landlock_close(reach);
    if (reach == WARD_REACH_NOTHING && !filter_close())
        return WARD_FAIL(err, FAILED_PRECONDITION, "the kernel refuses a seccomp filter");
    return WARD_OK;
}
