/* Reads files for commands. */
#include "cli/core/cli.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

const char *cli_path(const struct cli *cli, struct ward_arena *mem, const char *under)
{
    return ward_printf(mem, "%s/%s", cli->data, under);
}

enum ward_code cli_read(const char *path, size_t most, struct ward_arena *mem, char **out,
                        size_t *n, struct ward_err *err)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    size_t got = 0;
    ssize_t r = 1;
    struct stat st;
    char *p;

    if (fd < 0 || fstat(fd, &st) != 0 || S_ISDIR(st.st_mode)) {
        if (fd >= 0)
            close(fd);
        return WARD_FAIL(err, NOT_FOUND, "cannot read %.120s", path);
    }
    p = st.st_size < 0 || (size_t)st.st_size > most ? NULL
                                                    : ward_alloc(mem, (size_t)st.st_size + 1);
    while (p != NULL && got < (size_t)st.st_size && r > 0) {
        r = read(fd, p + got, (size_t)st.st_size - got);
        got += r > 0 ? (size_t)r : 0;
    }
    close(fd);
    if (p == NULL)
        return WARD_FAIL(err, RESOURCE_EXHAUSTED, "%.100s is larger than %zu bytes", path,
                         most);
    if (r < 0)
        return WARD_FAIL(err, NOT_FOUND, "cannot read %.100s: %s", path, strerror(errno));
    *out = p;
    *n = got;
    return WARD_OK;
}
