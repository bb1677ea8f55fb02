/* task.h - common parts of the commands that call a running service: the life of a task,
 * conversion of options, printing of answers.
 *
 * Threads: one. Memory: the task's arena. Errors: the service's own. INVALID_ARGUMENT before a
 * call means a wrong command line (exit status 2).
 */
#ifndef WARD_CLI_TASK_H
#define WARD_CLI_TASK_H

#include "cli/core/cli.h"

#include <protobuf-c/protobuf-c.h>

#define TASK_LIST_MOST 16

/* One command: its connection, its memory, its failure. */
struct task {
    const struct cli *cli;
    const char *service; /* "identity" */
    const char *purpose; /* purpose of use for a token issued here: "TREAT" */
    const char *ward;    /* ward in that token; "" for none */
    struct ward_arena mem;
    struct ward_err err;
    struct ward_client *client;
    struct ward_out with;
    bool called;     /* the command line was correct */
    const void *arg; /* argument of task_run */
};
/* argv[0] is the command's last word, options follow. */
typedef enum ward_code task_fn(struct task *t, int argc, char **argv);
int task_run(const struct cli *cli, const char *service, int argc, char **argv, task_fn *fn,
             const void *arg);
/* Declares fn_command, the cli_fn of a task_fn. */
#define TASK_COMMAND(fn, service)                                                              \
    static int fn##_command(const struct cli *cli, int argc, char **argv)                      \
    {                                                                                          \
        return task_run(cli, service, argc, argv, fn, NULL);                                   \
    }

/* ---- building requests ---- */

char *task_text(const char *s); /* protobuf-c has no const; NULL becomes "" */
/* INVALID_ARGUMENT with this text. */
WARD_MUST enum ward_code task_wrong(struct task *t, const char *words);
/* A list option: removes every "--name A,B" from argv, in order. */
struct task_list {
    char *at[TASK_LIST_MOST];
    size_t n;
};
WARD_MUST enum ward_code task_list(struct task *t, const char *name, char separator, int *argc,
                                   char **argv, struct task_list *out);
/* The idempotency key: the given one, or a new one. */
WARD_MUST enum ward_code task_key(struct task *t, const char *given, char **out);
/* The value of an option that must not appear in a process list: "-" reads a line of standard
 * input. */
WARD_MUST enum ward_code task_secret(struct task *t, const char *given, const char **out);
/* Parses "2027-03-01", its beginning in UTC, or "2027-03-01T08:30+01:00" or "...:30Z" to
 * microseconds. */
bool task_time(const char *text, int64_t *us);

/* ---- calls ---- */

/* Connects once. `roles` ends with NULL. NULL: the call has no person. */
WARD_MUST enum ward_code task_connect(struct task *t, const char *const *roles);
WARD_MUST enum ward_code task_ask(struct task *t, const char *path, const char *const *roles,
                                  const ProtobufCMessage *req,
                                  const ProtobufCMessageDescriptor *resp_type,
                                  ProtobufCMessage **resp);
/* Calls `each` for every message of a stream; the message is freed when `each` returns. */
typedef enum ward_code task_each(struct task *t, const ProtobufCMessage *msg, void *arg);
WARD_MUST enum ward_code task_receive(struct task *t, struct ward_client_stream *s,
                                      task_each *each, void *arg);
/* A server stream. */
WARD_MUST enum ward_code task_stream(struct task *t, const char *path, const char *const *roles,
                                     const ProtobufCMessage *req,
                                     const ProtobufCMessageDescriptor *resp_type,
                                     task_each *each, void *arg);

/* ---- printing answers ---- */

/* With --json, prints the message and returns true. */
bool task_json(struct task *t, const ProtobufCMessage *msg);
/* Prints text from a person, without characters that would move a terminal's cursor. */
const char *task_shown(struct task *t, const char *text);
/* "label      2026-11-21T05:10:22Z"; nothing for 0. */
void task_print_time(const char *label, int64_t us);

/* ---- output files: new, mode 0600, and visible when complete ---- */

/* Writes PATH.unfinished until task_created, which removes it if `code` or writing failed. */
WARD_MUST enum ward_code task_create(struct task *t, const char *path, FILE **out);
WARD_MUST enum ward_code task_created(struct task *t, const char *path, FILE *f,
                                      enum ward_code code);

#endif
