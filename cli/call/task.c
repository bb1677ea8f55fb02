/* Tasks: begin and end, calls, and output. */
#include "cli/call/task.h"

#include "cli/call/message.h"

#include "common/base/clock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define MEM_CAP ((size_t)40 << 20)

int task_run(const struct cli *cli, const char *service, int argc, char **argv, task_fn *fn,
             const void *arg)
{
    struct task t = {
        .cli = cli, .service = service, .purpose = "TREAT", .ward = "", .arg = arg};
    enum ward_code code;
    int status = 0;

    ward_arena_init(&t.mem, MEM_CAP);
    code = fn(&t, argc, argv);
    cli_progress_end(cli);
    if (code == WARD_INVALID_ARGUMENT && !t.called)
        status = cli_usage(cli, &t.err);
    else if (code != WARD_OK)
        status = cli_fail(cli, &t.err);
    ward_client_close(t.client);
    ward_arena_done(&t.mem);
    return status;
}

enum ward_code task_connect(struct task *t, const char *const *roles)
{
    char *token = NULL;

    t->called = true;
    if (t->client == NULL)
        WARD_TRY(cli_connect(t->cli, t->service, &t->client, &t->err));
    if (roles != NULL)
        WARD_TRY(cli_bearer(t->cli, roles, t->purpose, t->ward, &t->mem, &token, &t->err));
    t->with.token = token;
    return WARD_OK;
}

enum ward_code task_ask(struct task *t, const char *path, const char *const *roles,
                        const ProtobufCMessage *req,
                        const ProtobufCMessageDescriptor *resp_type, ProtobufCMessage **resp)
{
    WARD_TRY(task_connect(t, roles));
    return ward_client_call(t->client, path, &t->with, req, resp_type, resp, &t->mem, &t->err);
}

enum ward_code task_receive(struct task *t, struct ward_client_stream *s, task_each *each,
                            void *arg)
{
    for (;;) {
        struct ward_arena mem;
        ProtobufCMessage *msg = NULL;
        enum ward_code code;

        ward_arena_init(&mem, (size_t)16 << 20);
        code = ward_client_recv(s, &mem, &msg, &t->err);
        if (code == WARD_OK && msg != NULL)
            code = each(t, msg, arg);
        ward_arena_done(&mem);
        if (code != WARD_OK || msg == NULL)
            return code;
    }
}

enum ward_code task_stream(struct task *t, const char *path, const char *const *roles,
                           const ProtobufCMessage *req,
                           const ProtobufCMessageDescriptor *resp_type, task_each *each,
                           void *arg)
{
    struct ward_client_stream *s;
    enum ward_code code;

    WARD_TRY(task_connect(t, roles));
    WARD_TRY(ward_client_open_stream(t->client, path, &t->with, resp_type, &s, &t->err));
    code = ward_client_send(s, req, &t->err);
    if (code == WARD_OK)
        code = ward_client_send_end(s, &t->err);
    if (code == WARD_OK || code == WARD_OUT_OF_RANGE)
        code = task_receive(t, s, each, arg);
    ward_client_close_stream(s);
    return code;
}

/* ---- printing answers ---- */

bool task_json(struct task *t, const ProtobufCMessage *msg)
{
    struct cli_json j = {.to = stdout};

    if (t->cli->json)
        message_json(&j, NULL, msg, &t->mem);
    return t->cli->json;
}

const char *task_shown(struct task *t, const char *text)
{
    char *out = ward_strdup(&t->mem, text);

    for (unsigned char *c = (unsigned char *)out; c != NULL && *c != '\0'; c++)
        if (*c < 0x20 || *c == 0x7f || (*c == 0xc2 && c[1] >= 0x80 && c[1] < 0xa0))
            *c = '?'; /* 0xc2 0x80.. are further control characters in UTF-8 */
    return out == NULL ? "?" : out;
}

void task_print_time(const char *label, int64_t us)
{
    char at[28];

    if (us == 0)
        return;
    ward_rfc3339(us, at);
    printf("%-10s %.19sZ\n", label, at);
}

/* ---- output files, written under a temporary name ---- */

static enum ward_code is_there(struct task *t, const char *path)
{
    return WARD_FAIL(&t->err, ALREADY_EXISTS,
                     "%.90s already exists; move this file or choose another name", path);
}

static enum ward_code cannot_write(struct task *t, const char *path)
{
    return WARD_FAIL(&t->err, FAILED_PRECONDITION, "cannot write %.100s", path);
}

enum ward_code task_create(struct task *t, const char *path, FILE **out)
{
    const char *unfinished = ward_printf(&t->mem, "%s.unfinished", path);
    FILE *f;
    int fd;

    if (unfinished == NULL)
        return WARD_FAIL(&t->err, RESOURCE_EXHAUSTED, "no memory for a file's name");
    if (access(path, F_OK) == 0)
        return is_there(t, path);
    unlink(unfinished); /* left by an interrupted run */
    fd = open(unfinished, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    f = fd < 0 ? NULL : fdopen(fd, "w");
    if (f == NULL) {
        if (fd >= 0)
            close(fd);
        return cannot_write(t, path);
    }
    *out = f;
    return WARD_OK;
}

/* Renames without overwriting a file. If the file system does not support such a rename, a hard
 * link is used. */
static bool take_name(const char *unfinished, const char *path)
{
    if (renameat2(AT_FDCWD, unfinished, AT_FDCWD, path, RENAME_NOREPLACE) == 0)
        return true;
    return errno != EEXIST && link(unfinished, path) == 0;
}

enum ward_code task_created(struct task *t, const char *path, FILE *f, enum ward_code code)
{
    const char *unfinished = ward_printf(&t->mem, "%s.unfinished", path);
    bool ok = unfinished != NULL && fflush(f) == 0 && ferror(f) == 0;

    ok = fclose(f) == 0 && ok;
    if (code == WARD_OK && ok && !take_name(unfinished, path))
        code = errno == EEXIST ? is_there(t, path) : cannot_write(t, path);
    if (unfinished != NULL)
        unlink(unfinished); /* already removed after success */
    if (code == WARD_OK && !ok)
        return cannot_write(t, path);
    return code;
}
