/* method.h - a command for each method of a service, from one row: what a request's fields are
 * called says what its options are called ("page_size" is --page-size), so that a command takes
 * all that the .proto takes. A field that holds a token or a pack is given as a file's name: it
 * must not stand in a list of processes. Answers are printed field by field.
 *
 * Threads: one. Memory: the task's arena. Errors: task.h's.
 */
#ifndef WARD_CLI_METHOD_H
#define WARD_CLI_METHOD_H

#include "cli/message.h"
#include "cli/task.h"

#define METHOD_WORDS 3

typedef enum ward_code method_rest(struct task *t, ProtobufCMessage *req, int n, char **words);

struct cli_method {
    const char *path; /* "/ward.records.v1.Records/Read": of the service records */
    const ProtobufCMessageDescriptor *req, *resp;
    const char *const *roles; /* of a token issued here */
    const char *purpose;
    const char *words[METHOD_WORDS]; /* fields that stand without their names, in order */
    const char *file;                /* a field whose JSON is in the file named last, or NULL */
    method_rest *rest;               /* takes the words after those; NULL: there are none */
    bool stream;                     /* the answer is one */
};
int method_run(const struct cli *cli, const struct cli_method *how, int argc, char **argv);
/* Declares fn, the cli_fn of a row. */
#define METHOD_COMMAND(fn, ...)                                                                \
    static const struct cli_method fn##_row = {__VA_ARGS__};                                   \
    static int fn(const struct cli *cli, int argc, char **argv)                                \
    {                                                                                          \
        return method_run(cli, &fn##_row, argc, argv);                                         \
    }

/* The request from a command line, as method_run does it; takes --ward and --purpose too. */
WARD_MUST enum ward_code method_request(struct task *t, const struct cli_method *how, int argc,
                                        char **argv, ProtobufCMessage **req);

#endif
