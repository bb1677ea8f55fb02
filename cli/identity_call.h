/* identity_call.h - what the commands that ask a running identity service share: a task's life,
 * what options turn into, what answers turn into.
 *
 * Threads: one. Memory: the task's arena. Errors: the service's own; INVALID_ARGUMENT before
 * anything was asked is a wrong command line (exit status 2).
 */
#ifndef WARD_CLI_IDENTITY_CALL_H
#define WARD_CLI_IDENTITY_CALL_H

#include "cli/cli.h"
#include "cli/message.h"

#include "ward/identity/v1/identity.pb-c.h"

#define IDENTITY_PATH(m) "/ward.identity.v1.Identity/" m
#define GALLERY_PATH(m)  "/ward.identity.v1.Gallery/" m
#define ADMIN_PATH(m)    "/ward.identity.v1.IdentityAdmin/" m
#define ACCESS_PATH(m)   "/ward.identity.v1.Access/" m

#define ID_PHOTO_MOST  ((size_t)8 << 20)
#define ID_LIST_MOST   16
#define ID_CONSENT_NOW "2026-11-en" /* the text in use, where --consent-text says nothing */

/* One command: its connection, its memory, its failure. */
struct id_task {
    const struct cli *cli;
    struct ward_arena mem;
    struct ward_err err;
    struct ward_client *client;
    struct ward_out with;
    bool called; /* the command line was in order */
};
/* argv[0] is the command's last word, options follow. */
typedef enum ward_code id_fn(struct id_task *t, int argc, char **argv);
int id_run(const struct cli *cli, int argc, char **argv, id_fn *fn);
/* Declares fn_command, the cli_fn of an id_fn. */
#define ID_COMMAND(fn)                                                                         \
    static int fn##_command(const struct cli *cli, int argc, char **argv)                      \
    {                                                                                          \
        return id_run(cli, argc, argv, fn);                                                    \
    }

/* ---- what is asked ---- */

char *id_text(const char *s); /* protobuf-c has no const; NULL is "" */
/* INVALID_ARGUMENT in these words. */
WARD_MUST enum ward_code id_wrong(struct id_task *t, const char *words);
/* A list option: every "--name A,B" is taken out of argv, in order. */
struct id_list {
    char *at[ID_LIST_MOST];
    size_t n;
};
WARD_MUST enum ward_code id_list(struct id_task *t, const char *name, char separator, int *argc,
                                 char **argv, struct id_list *out);
/* The idempotency key: the one given, or a new one. */
WARD_MUST enum ward_code id_key(struct id_task *t, const char *given, char **out);
WARD_MUST enum ward_code id_kind(struct id_task *t, const char *given,
                                 Ward__Identity__V1__SubjectKind *out);
WARD_MUST enum ward_code id_photo(struct id_task *t, const char *path,
                                  ProtobufCBinaryData *out);
/* Words of an option that must not stand in a process list: "-" is a line of stdin. */
WARD_MUST enum ward_code id_secret(struct id_task *t, const char *given, const char **out);
/* "2027-03-01", its beginning in UTC, or "2027-03-01T08:30+01:00" or "...:30Z": microseconds.
 */
bool id_time(const char *text, int64_t *us);
/* "birth-date=1950-01-31" or "birth-date=-". */
WARD_MUST enum ward_code id_second(struct id_task *t, const char *given,
                                   Ward__Identity__V1__SecondIdentifier *out);

/* ---- asking ---- */

/* Once; `roles` ends with NULL, NULL: no person comes with the call. */
WARD_MUST enum ward_code id_connect(struct id_task *t, const char *const *roles);
WARD_MUST enum ward_code id_ask(struct id_task *t, const char *path, const char *const *roles,
                                const ProtobufCMessage *req,
                                const ProtobufCMessageDescriptor *resp_type,
                                ProtobufCMessage **resp);
/* A server stream: `each` for every message, which is gone when it returns. */
typedef enum ward_code id_each(struct id_task *t, const ProtobufCMessage *msg, void *arg);
WARD_MUST enum ward_code id_stream(struct id_task *t, const char *path,
                                   const char *const *roles, const ProtobufCMessage *req,
                                   const ProtobufCMessageDescriptor *resp_type, id_each *each,
                                   void *arg);

/* ---- what is answered ---- */

/* With --json: prints the message and yields true. */
bool id_json(struct id_task *t, const ProtobufCMessage *msg);
/* Text that someone typed, without what would move a terminal's cursor. */
const char *id_shown(struct id_task *t, const char *text);
void id_print_reasons(Ward__Identity__V1__Reason *const *reasons, size_t n);
void id_print_liveness(const Ward__Identity__V1__Liveness *l);
void id_print_device(const char *device, bool degraded);
void id_print_token(const char *token, int lifetime_s);
/* "label      2026-11-21T05:10:22Z"; nothing for 0. */
void id_print_time(const char *label, int64_t us);

/* ---- files: new ones only, mode 0600, there when they are whole ---- */

/* PATH.unfinished until id_created, which takes it away where `code` or writing failed. */
WARD_MUST enum ward_code id_create(struct id_task *t, const char *path, FILE **out);
WARD_MUST enum ward_code id_created(struct id_task *t, const char *path, FILE *f,
                                    enum ward_code code);

#endif
