/* audit_call.h - common parts of the commands that call a running audit service.
 *
 * Threads: one. Memory: the task's arena. Errors: those of the service. */
#ifndef WARD_CLI_AUDIT_CALL_H
#define WARD_CLI_AUDIT_CALL_H

#include "cli/audit/audit_file.h"
#include "cli/core/cli.h"

#include "ward/audit/v1/audit.pb-c.h"

#define AUDIT_PATH(m) "/ward.audit.v1.Audit/" m

/* One command: its connection, memory and failure. */
struct audit_task {
    const struct cli *cli;
    struct ward_arena mem;
    struct ward_err err;
    struct ward_client *client;
    struct ward_out with; /* options of calls, with the person's token */
};

/* Begins a command. `roles` ends with NULL; a NULL `roles` means that the call has no
 * person. */
WARD_MUST enum ward_code audit_begin(struct audit_task *t, const struct cli *cli,
                                     const char *const *roles);
int audit_end(struct audit_task *t, enum ward_code code); /* Returns the exit status. */

WARD_MUST enum ward_code audit_ask(struct audit_task *t, const char *path,
                                   const ProtobufCMessage *req,
                                   const ProtobufCMessageDescriptor *resp_type,
                                   ProtobufCMessage **resp);

/* Prints a record: "2026-11-21T05:10:22Z  #17  SUCCESS ...", or a JSON object. */
void audit_record_print(const struct cli *cli, struct cli_json *j,
                        const Ward__Audit__V1__Record *r);
/* Opens the output of a command: a new file with mode 0600, or stdout if `path` is NULL or
 * "-". */
WARD_MUST enum ward_code audit_out(const char *path, FILE **out, struct ward_err *err);
WARD_MUST enum ward_code audit_out_end(FILE *f, const char *path, struct ward_err *err);
/* Reports a written file: "receipt of entry 7 in FILE", or {"file":FILE,key:n}. Prints nothing
 * if the output was stdout. */
void audit_out_say(const struct cli *cli, const char *path, const char *words, const char *key,
                   uint64_t n);

#endif
