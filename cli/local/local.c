#include "cli/local/local.h"

#include "common/base/text.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define MEM_CAP    ((size_t)4 << 20)
#define SOCKET_MAX 107 /* size of sun_path without its NUL */

const char *local_path(struct local *l, const char *fmt, ...)
{
    char under[512];
    const char *path;
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(under, sizeof(under), fmt, ap);
    va_end(ap);
    path = ward_printf(&l->mem, "%s/%s", l->dir, under);
    /* the arena cannot be full: 4 MiB are enough for a few hundred short paths */
    WARD_ASSERT(path != NULL);
    return path;
}

/* Rejects a path that MariaDB's configuration file or an address cannot contain. */
static enum ward_code check(struct local *l, struct ward_err *err)
{
    for (const char *c = l->dir; *c != '\0'; c++) {
        if ((unsigned char)*c < ' ' || strchr("#;\"'\\$", *c) != NULL)
            return WARD_FAIL(err, INVALID_ARGUMENT,
                             "the path of the folder must not contain # ; \" ' \\ or $");
    }
    if (strlen(local_path(l, "run/mariadb.sock")) > SOCKET_MAX)
        return WARD_FAIL(err, INVALID_ARGUMENT,
                         "the path of the folder is too long for a unix socket; use --data "
                         "with at most %d characters",
                         SOCKET_MAX - (int)strlen("/run/mariadb.sock"));
    return WARD_OK;
}

static const char *folder_of(struct ward_arena *mem, const char *path)
{
    char *copy = ward_strdup(mem, path);
    char *slash = copy == NULL ? NULL : strrchr(copy, '/');

    if (slash == NULL)
        return ".";
    *slash = '\0';
    return copy;
}

/* Lists the services that have a local.env. */
static void find_services(struct local *l)
{
    for (const struct local_file *f = local_files; f->name != NULL; f++) {
        const char *dot = strstr(f->name, ".env");

        if (dot == NULL || strcmp(f->name, "service.env") == 0)
            continue;
        WARD_ASSERT(l->n_services < LOCAL_MOST);
        l->service[l->n_services++].name =
            ward_printf(&l->mem, "%.*s", (int)(dot - f->name), f->name);
    }
}

struct local_service *local_service(struct local *l, const char *name)
{
    for (int i = 0; i < l->n_services; i++)
        if (strcmp(l->service[i].name, name) == 0)
            return &l->service[i];
    return NULL;
}

enum ward_code local_open(struct local *l, const char *dir, struct ward_err *err)
{
    char cwd[4096] = "", exe[4096] = "";
    size_t n = strlen(dir);
    ssize_t len = readlink("/proc/self/exe", exe, sizeof(exe) - 1);

    *l = (struct local){.lock = -1};
    ward_arena_init(&l->mem, MEM_CAP);
    if (n == 0 || n > 1024 || len <= 0 || getcwd(cwd, sizeof(cwd)) == NULL)
        return WARD_FAIL(err, INVALID_ARGUMENT, "this folder is unusable");
    while (n > 1 && dir[n - 1] == '/')
        n--;
    if (*dir == '/')
        l->dir = ward_printf(&l->mem, "%.*s", (int)n, dir);
    else
        l->dir = ward_printf(&l->mem, "%s/%.*s", cwd, (int)n, dir);
    l->bin = folder_of(&l->mem, exe);
    l->lib = folder_of(&l->mem, l->bin);
    find_services(l);
    return check(l, err);
}

void local_close(struct local *l)
{
    if (l->lock >= 0)
        close(l->lock);
    l->lock = -1;
    while (l->n_held > 0)
        close(l->held[--l->n_held]);
    ward_arena_done(&l->mem);
}

/* Creates the folder and its parents (mkdir -p). The last folder becomes private. */
static enum ward_code make_folder(struct local *l, struct ward_err *err)
{
    char *path = ward_strdup(&l->mem, l->dir);
    struct stat st;

    for (char *slash = strchr(path + 1, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        mkdir(path, 0777);
        *slash = '/';
    }
    if (mkdir(path, 0700) != 0 && errno != EEXIST)
        return WARD_FAIL(err, FAILED_PRECONDITION, "cannot create the folder %.100s: %s", path,
                         strerror(errno));
    if (stat(path, &st) != 0 || !S_ISDIR(st.st_mode))
        return WARD_FAIL(err, FAILED_PRECONDITION, "%.120s is not a folder", path);
    if (st.st_uid != geteuid())
        return WARD_FAIL(err, FAILED_PRECONDITION, "%.100s belongs to another user", path);
    if ((st.st_mode & 077) != 0 && chmod(path, 0700) != 0)
        return WARD_FAIL(err, FAILED_PRECONDITION, "other users can access %.100s", path);
    return WARD_OK;
}

enum ward_code local_lock(struct local *l, struct ward_err *err)
{
    const char *path = local_path(l, "lock");
    char pid[32] = "";
    ssize_t n;

    WARD_TRY(make_folder(l, err));
    l->lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (l->lock < 0)
        return WARD_FAIL(err, FAILED_PRECONDITION, "cannot write %.120s", path);
    if (flock(l->lock, LOCK_EX | LOCK_NB) != 0) {
        n = read(l->lock, pid, sizeof(pid) - 1);
        close(l->lock);
        l->lock = -1;
        pid[n > 0 ? strcspn(pid, "\n") : 0] = '\0';
        return WARD_FAIL_REASON(err, ALREADY_EXISTS, "ALREADY_UP",
                                "the services are already running in %.80s (process %s)",
                                l->dir, pid);
    }
    n = snprintf(pid, sizeof(pid), "%d\n", (int)getpid());
    if (ftruncate(l->lock, 0) != 0 || pwrite(l->lock, pid, (size_t)n, 0) != n)
        return WARD_FAIL(err, FAILED_PRECONDITION, "cannot write %.120s", path);
    return WARD_OK;
}

bool local_is_up(struct local *l)
{
    int fd = open(local_path(l, "lock"), O_RDONLY | O_CLOEXEC);
    bool up;

    if (fd < 0)
        return false;
    up = flock(fd, LOCK_SH | LOCK_NB) != 0;
    close(fd);
    return up;
}

enum ward_code local_write(const char *path, const char *text, struct ward_err *err)
{
    char tmp[4096];
    size_t n = strlen(text);
    bool ok;
    int fd;

    if (snprintf(tmp, sizeof(tmp), "%s.new", path) >= (int)sizeof(tmp))
        return WARD_FAIL(err, FAILED_PRECONDITION, "the path is too long: %.100s", path);
    fd = open(tmp, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    ok = fd >= 0 && write(fd, text, n) == (ssize_t)n && fsync(fd) == 0;
    if (fd >= 0)
        close(fd);
    if (ok && rename(tmp, path) == 0)
        return WARD_OK;
    unlink(tmp);
    return WARD_FAIL(err, FAILED_PRECONDITION, "cannot write %.120s", path);
}

enum ward_code local_keep(const char *path, const char *text, struct ward_err *err)
{
    return access(path, F_OK) == 0 ? WARD_OK : local_write(path, text, err);
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *at)
{
    (void)st, (void)type, (void)at;
    return remove(path);
}

enum ward_code local_remove_tree(const char *path, struct ward_err *err)
{
    if (access(path, F_OK) != 0 ||
        nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS | FTW_MOUNT) == 0)
        return WARD_OK;
    return WARD_FAIL(err, FAILED_PRECONDITION, "cannot remove %.120s", path);
}
