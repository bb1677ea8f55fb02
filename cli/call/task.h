/* task.h - common parts of the commands that call a running service: begin and end of a task,
 * conversion of options, and printing of answers.
 *
 * Threads: one. Memory: the task's arena. Errors: those of the service. INVALID_ARGUMENT before
 * a call means a wrong command line (exit status 2). */
#ifndef WARD_CLI_TASK_H
#define WARD_CLI_TASK_H

#include "cli/core/cli.h"

#include <protobuf-c/protobuf-c.h>

#define TASK_LIST_MOST 16

/* One command: its connection, memory and failure. */
struct task {
    const struct cli *cli;
    const char *service; /* name of the service, such as "identity" */
    const char *purpose; /* purpose of use for a token issued here, such as "TREAT" */
    const char *ward;    /* ward for that token; "" for none */
    struct ward_arena mem;
    struct ward_err err;
    struct ward_client *client;
    struct ward_out with;
    bool called;     /* a call was made, so the command line was correct */
    const void *arg; /* the argument `arg` of task_run */
};
/* A command. argv[0] is the last word of the command; options follow. */
typedef enum ward_code task_fn(struct task *t, int argc, char **argv);
int task_run(const struct cli *cli, const char *service, int argc, char **argv, task_fn *fn,
             const void *arg);
/* Defines fn_command, a cli_fn that runs the task_fn fn. */
#define TASK_COMMAND(fn, service)                                                              \
    static int fn##_command(const struct cli *cli, int argc, char **argv)                      \
    {                                                                                          \
        return task_run(cli, service, argc, argv, fn, NULL);                                   \
    }

/* ---- building requests ---- */

char *task_text(const char *s); /* a cast, because protobuf-c has no const; NULL becomes "" */
/* Fails with INVALID_ARGUMENT and this text. */
WARD_MUST enum ward_code task_wrong(struct task *t, const char *words);
/* Reads an option that is a list: removes every "--name A,B" from argv, and returns the values
 * in order. */
struct task_list {
    char *at[TASK_LIST_MOST];
    size_t n;
};
WARD_MUST enum ward_code task_list(struct task *t, const char *name, char separator, int *argc,
                                   char **argv, struct task_list *out);
/* Returns the idempotency key: `given`, or a new key if it is NULL. */
WARD_MUST enum ward_code task_key(struct task *t, const char *given, char **out);
/* Reads the value of an option that must not appear in a process list: "-" means a line of
 * standard input. */
WARD_MUST enum ward_code task_secret(struct task *t, const char *given, const char **out);
/* Parses a date, "2027-03-01" (its beginning in UTC), or a time, "2027-03-01T08:30+01:00" or
 * "2027-03-01T07:30Z", to microseconds. */
bool task_time(const char *text, int64_t *us);

/* ---- calls ---- */

/* Connects, unless the task is connected already. `roles` ends with NULL; a NULL `roles` means
 * that the call has no person. */
WARD_MUST enum ward_code task_connect(struct task *t, const char *const *roles);
WARD_MUST enum ward_code task_ask(struct task *t, const char *path, const char *const *roles,
                                  const ProtobufCMessage *req,
                                  const ProtobufCMessageDescriptor *resp_type,
                                  ProtobufCMessage **resp);
/* Calls `each` for every message of a stream; the message is freed when `each` returns. */
typedef enum ward_code task_each(struct task *t, const ProtobufCMessage *msg, void *arg);
WARD_MUST enum ward_code task_receive(struct task *t, struct ward_client_stream *s,
                                      task_each *each, void *arg);
/* Calls a method whose answer is a stream. */
WARD_MUST enum ward_code task_stream(struct task *t, const char *path, const char *const *roles,
                                     const ProtobufCMessage *req,
                                     const ProtobufCMessageDescriptor *resp_type,
                                     task_each *each, void *arg);

/* ---- printing answers ---- */

/* With --json, prints the message and returns true. */
bool task_json(struct task *t, const ProtobufCMessage *msg);
/* Returns a person's text without characters that would move a terminal's cursor. */
const char *task_shown(struct task *t, const char *text);
/* Prints "label      2026-11-21T05:10:22Z", or nothing if us is 0. */
void task_print_time(const char *label, int64_t us);

/* ---- output files: new, mode 0600, and visible when complete ---- */

/* Creates PATH.unfinished. task_created renames the file, or removes it if `code` is a failure
 * or writing failed. */
WARD_MUST enum ward_code task_create(struct task *t, const char *path, FILE **out);
WARD_MUST enum ward_code task_created(struct task *t, const char *path, FILE *f,
                                      enum ward_code code);

#endif
