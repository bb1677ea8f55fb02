/* records_call.h - a command for each method of records, from one row: what a request's fields
 * are called says what its options are called ("page_size" is --page-size), so that a command
 * takes all that the .proto takes. Answers are printed field by field.
 *
 * Threads: one. Memory: the task's arena. Errors: task.h's.
 */
#ifndef WARD_CLI_RECORDS_CALL_H
#define WARD_CLI_RECORDS_CALL_H

#include "cli/message.h"
#include "cli/task.h"

#define RECORDS_WORDS 3

struct record_call {
    const char *path; /* "/ward.records.v1.Records/Read" */
    const ProtobufCMessageDescriptor *req, *resp;
    const char *const *roles; /* of a token issued here */
    const char *purpose;
    const char *words[RECORDS_WORDS]; /* fields that stand without their names, in order */
    const char *file; /* a field whose JSON is in the file named last, or NULL */
    bool parameters;  /* the words after those are "name[:modifier]=value,..." */
    bool stream;      /* the answer is one */
};
int record_run(const struct cli *cli, const struct record_call *how, int argc, char **argv);
/* Declares fn, the cli_fn of a row. */
#define RECORD_COMMAND(fn, ...)                                                                \
    static const struct record_call fn##_row = {__VA_ARGS__};                                  \
    static int fn(const struct cli *cli, int argc, char **argv)                                \
    {                                                                                          \
        return record_run(cli, &fn##_row, argc, argv);                                         \
    }

/* The request from a command line, as record_run does it; takes --ward and --purpose too. */
WARD_MUST enum ward_code record_request(struct task *t, const struct record_call *how, int argc,
                                        char **argv, ProtobufCMessage **req);

#endif
