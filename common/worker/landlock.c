/* Landlock: restricts the files that the process can open. The constants are the kernel's;
 * Debian 12's headers contain only versions 1 and 2. Source:
 * Documentation/userspace-api/landlock.rst. */
#include "common/worker/sandbox.h"

#include <fcntl.h>
#include <link.h>
#include <linux/landlock.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#define READ  (LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR)
#define WRITE LANDLOCK_ACCESS_FS_WRITE_FILE
#define IOCTL (UINT64_C(1) << 15) /* since version 5 */

/* The structure of version 6. Kernels with an older version require zeros in the additional
 * members. */
struct attributes {
    uint64_t files, net, scoped;
};

static int version(void)
{
    return (int)syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
}

static struct attributes all_of(int v)
{
    struct attributes a = {.files = (UINT64_C(1) << 13) - 1};

    if (v >= 2)
        a.files |= LANDLOCK_ACCESS_FS_REFER;
    if (v >= 3)
        a.files |= UINT64_C(1) << 14; /* truncate */
    if (v >= 4)
        a.net = 3; /* TCP bind and connect */
    if (v >= 5)
        a.files |= IOCTL;
    if (v >= 6)
        a.scoped = 3; /* abstract sockets of other processes, and signals to them */
    return a;
}

static int begin_rules(struct attributes *a)
{
    int v = version();

    if (v < 1)
        return -1;
    *a = all_of(v);
    return (int)syscall(SYS_landlock_create_ruleset, a, sizeof(*a), 0);
}

/* Adds a rule for a path. A missing path needs no rule. */
static void allow(int rules, const char *path, uint64_t what, const struct attributes *a)
{
    struct landlock_path_beneath_attr rule = {.allowed_access = what & a->files};

    rule.parent_fd = open(path, O_PATH | O_CLOEXEC);
    if (rule.parent_fd < 0)
        return;
    (void)syscall(SYS_landlock_add_rule, rules, LANDLOCK_RULE_PATH_BENEATH, &rule, 0);
    close(rule.parent_fd);
}

static bool enforce(int rules)
{
    bool done = syscall(SYS_landlock_restrict_self, rules, 0) == 0;

    close(rules);
    return done;
}

bool landlock_begin(void)
{
    struct attributes a;
    int rules = begin_rules(&a);

    if (rules < 0)
        return false;
    allow(rules, "/", READ, &a);
    allow(rules, "/dev", READ | WRITE | IOCTL, &a);
    return enforce(rules);
}

/* ---- files that a device needs ---- */

struct adding {
    int rules;
    const struct attributes *a;
};

static void allow_folder_of(const char *file, const struct adding *to)
{
    char folder[4096];
    const char *slash = strrchr(file, '/');

    if (slash == NULL || slash == file || (size_t)(slash - file) >= sizeof(folder))
        return;
    memcpy(folder, file, (size_t)(slash - file));
    folder[slash - file] = '\0';
    allow(to->rules, folder, READ, to->a);
}

static int each_library(struct dl_phdr_info *info, size_t size, void *arg)
{
    (void)size;
    if (info->dlpi_name != NULL)
        allow_folder_of(info->dlpi_name, arg);
    return 0;
}

static void allow_list(const char *list, const struct adding *to)
{
    char folder[4096];

    while (list != NULL && *list != '\0') {
        size_t n = strcspn(list, ":");

        if (n > 0 && n < sizeof(folder)) {
            memcpy(folder, list, n);
            folder[n] = '\0';
            allow(to->rules, folder, READ, to->a);
        }
        list += n + (list[n] == ':');
    }
}

bool landlock_close(enum ward_reach reach)
{
    static const char *const read[] = {
        "/usr/lib",      "/lib",          "/lib64",       "/etc/ld.so.cache", "/etc/OpenCL",
        "/etc/vulkan",   "/usr/share",    "/sys",         "/proc/self",       "/proc/cpuinfo",
        "/proc/meminfo", "/proc/devices", "/proc/driver", "/proc/modules",    "/proc/sys",
    };
    struct attributes a;
    struct adding to = {begin_rules(&a), &a};

    if (to.rules < 0)
        return false;
    if (reach == WARD_REACH_DEVICES) {
        for (size_t i = 0; i < WARD_COUNT(read); i++)
            allow(to.rules, read[i], READ, &a);
        allow(to.rules, "/dev", READ | WRITE | IOCTL, &a);
        dl_iterate_phdr(each_library, &to);
        allow_list(getenv("LD_LIBRARY_PATH"), &to);
    }
    return enforce(to.rules);
}
