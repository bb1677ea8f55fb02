#include "cli/release/folder.h"

#include "cli/core/cli.h"
#include "common/base/crypto.h"
#include "common/base/text.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define PATH_SIZE 4096
#define JSON_MOST ((size_t)8 << 20)
#define DEEP      8 /* maximum depth of folders */

static enum ward_code open_file(const char *dir, const char *path, int *fd, struct stat *st,
                                struct ward_err *err)
{
    char full[PATH_SIZE];

    if (snprintf(full, sizeof(full), "%s/%s", dir, path) >= (int)sizeof(full))
        return WARD_FAIL(err, INVALID_ARGUMENT, "a path in the release is too long");
    *fd = open(full, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (*fd < 0 && (errno == ENOENT || errno == ENOTDIR))
        return WARD_FAIL(err, NOT_FOUND, "%.100s is missing", path);
    if (*fd < 0)
        return WARD_FAIL(err, FAILED_PRECONDITION, "%.100s cannot be read: %s", path,
                         errno == ELOOP ? "the file is a link" : strerror(errno));
    if (fstat(*fd, st) == 0 && S_ISREG(st->st_mode))
        return WARD_OK;
    close(*fd);
    return WARD_FAIL(err, FAILED_PRECONDITION, "%.100s is not a regular file", path);
}

enum ward_code folder_hash(const char *dir, const char *path, char sha256[RELEASE_HEX],
                           uint64_t *size, struct ward_err *err)
{
    uint8_t hash[WARD_SHA256_SIZE];
    struct stat st;
    void *p = NULL;
    int fd;

    WARD_TRY(open_file(dir, path, &fd, &st, err));
    if (st.st_size > 0)
        p = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
    close(fd);
    if (p == MAP_FAILED)
        return WARD_FAIL(err, RESOURCE_EXHAUSTED, "%.100s cannot be mapped", path);
    ward_sha256(p == NULL ? "" : p, (size_t)st.st_size, hash);
    if (p != NULL)
        munmap(p, (size_t)st.st_size);
    ward_hex(hash, sizeof(hash), sha256);
    *size = (uint64_t)st.st_size;
    return WARD_OK;
}

enum ward_code folder_json(const char *dir, const char *path, struct ward_arena *mem,
                           const struct ward_json **out, struct ward_err *err)
{
    char *full = ward_printf(mem, "%s/%s", dir, path), *text;
    struct stat st;
    size_t n;
    int fd;

    WARD_TRY(open_file(dir, path, &fd, &st, err));
    close(fd);
    if (full == NULL)
        return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory for %.100s", path);
    WARD_TRY(cli_read(full, JSON_MOST, mem, &text, &n, err));
    return ward_json_parse(text, n, NULL, mem, out, err);
}

struct walk {
    folder_fn *fn;
    void *arg;
    char path[PATH_SIZE]; /* path of the current file, relative to the folder */
};

static enum ward_code walk_in(struct walk *w, int fd, int depth, struct ward_err *err);

static enum ward_code entry(struct walk *w, int dir, const char *name, int depth,
                            struct ward_err *err)
{
    size_t n = strlen(w->path);
    enum ward_code code;
    struct stat st;

    if (snprintf(w->path + n, sizeof(w->path) - n, "%s%s", n == 0 ? "" : "/", name) >=
        (int)(sizeof(w->path) - n))
        return WARD_FAIL(err, INVALID_ARGUMENT, "a path in the release is too long");
    if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) != 0)
        return WARD_FAIL(err, FAILED_PRECONDITION, "%.100s cannot be read", w->path);
    if (!S_ISDIR(st.st_mode)) {
        code = w->fn(w->arg, w->path, S_ISREG(st.st_mode), err);
    } else {
        int fd = openat(dir, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);

        code = fd < 0 ? WARD_FAIL(err, FAILED_PRECONDITION, "%.100s cannot be read", w->path)
                      : walk_in(w, fd, depth + 1, err);
    }
    w->path[n] = '\0';
    return code;
}

/* Walks through an open folder, and closes fd. */
static enum ward_code walk_in(struct walk *w, int fd, int depth, struct ward_err *err)
{
    DIR *d = depth > DEEP ? NULL : fdopendir(fd);
    enum ward_code code = WARD_OK;
    struct dirent *e;

    if (d == NULL) {
        close(fd);
        return WARD_FAIL(err, FAILED_PRECONDITION, "%.100s cannot be read", w->path);
    }
    while (code == WARD_OK && (e = readdir(d)) != NULL)
        if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0)
            code = entry(w, dirfd(d), e->d_name, depth, err);
    closedir(d);
    return code;
}

enum ward_code folder_walk(const char *dir, folder_fn *fn, void *arg, struct ward_err *err)
{
    struct walk w = {.fn = fn, .arg = arg};
    int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    if (fd < 0)
        return WARD_FAIL(err, NOT_FOUND, "%.100s is not a folder", dir);
    return walk_in(&w, fd, 0, err);
}

const char *folder_digest(const struct ward_json *v)
{
    static const char PREFIX[] = "sha256:";
    const char *text = ward_json_string(v);

    if (text == NULL || strncmp(text, PREFIX, sizeof(PREFIX) - 1) != 0)
        return NULL;
    text += sizeof(PREFIX) - 1;
    return strlen(text) == 64 && strspn(text, "0123456789abcdef") == 64 ? text : NULL;
}

const char *folder_blob(struct ward_arena *mem, const char *hex)
{
    return ward_printf(mem, RELEASE_IMAGES "/blobs/sha256/%s", hex);
}
