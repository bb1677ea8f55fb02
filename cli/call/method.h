/* method.h - defines a command for each method of a service in one row. The names of options
 * follow the names of the request's fields ("page_size" is --page-size), so a command supports
 * every field of the .proto file. For a field with a token or a pack, the option takes a file
 * name, because the value must not appear in a list of processes. Answers are printed field by
 * field.
 *
 * Threads: one. Memory: the task's arena. Errors: those of task.h. */
#ifndef WARD_CLI_METHOD_H
#define WARD_CLI_METHOD_H

#include "cli/call/message.h"
#include "cli/call/task.h"

#define METHOD_WORDS 3

typedef enum ward_code method_rest(struct task *t, ProtobufCMessage *req, int n, char **words);

struct cli_method {
    /* such as "/ward.records.v1.Records/Read", a method of the service records */
    const char *path;
    const ProtobufCMessageDescriptor *req, *resp;
    const char *const *roles; /* roles in the token, if it is issued here */
    const char *purpose;
    const char *words[METHOD_WORDS]; /* names of positional fields, in order */
    const char *file;  /* field whose JSON is in the file of the last argument; NULL: none */
    method_rest *rest; /* handles further arguments; NULL: no further arguments are permitted */
    bool stream;       /* the answer is a stream */
};
int method_run(const struct cli *cli, const struct cli_method *how, int argc, char **argv);
/* Declares fn, the cli_fn of a row. */
#define METHOD_COMMAND(fn, ...)                                                                \
    static const struct cli_method fn##_row = {__VA_ARGS__};                                   \
    static int fn(const struct cli *cli, int argc, char **argv)                                \
    {                                                                                          \
        return method_run(cli, &fn##_row, argc, argv);                                         \
    }

/* Builds the request from a command line, as method_run does; also reads --ward and --purpose.
 */
WARD_MUST enum ward_code method_request(struct task *t, const struct cli_method *how, int argc,
                                        char **argv, ProtobufCMessage **req);

#endif
