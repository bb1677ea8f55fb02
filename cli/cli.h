/* cli.h - wardctl's commands: tables of {words, arguments, help, function}, and what all of
 * them share: options, where the embedded default keeps its things, connections, output,
 * progress.
 *
 * A command prints its answer on stdout: lines for a person, or with --json exactly one JSON
 * value. Progress and failures go to stderr. Exit status: 0 done; 1 it failed, or a check found
 * something wrong; 2 the command line is wrong.
 *
 * Threads: one. Memory: the process's. Errors: through cli_fail, once, where a command ends.
 */
#ifndef WARD_CLI_CLI_H
#define WARD_CLI_CLI_H

#include "common/base/arena.h"
#include "common/base/status.h"
#include "common/rpc/client.h"

#include <stdio.h>

/* What is said before or after the words of any command. */
struct cli {
    bool json;         /* --json */
    bool colour;       /* stdout is a terminal that wants it (NO_COLOR is honoured) */
    bool terminal;     /* stderr is a terminal: show progress */
    const char *data;  /* --data DIR: the embedded default's folder; never NULL */
    bool data_given;   /* it is not the default one */
    const char *self;  /* how this program was called */
    const char *token; /* --token FILE: a person's bearer token; NULL: issue one here */
    const char *at; /* --at NAME=ADDRESS,...: services anywhere; NULL: the embedded default's */
    const char *tls; /* --tls DIR: tls.crt, tls.key and ca.crt to call those with */
};

/* argv[0] is the command's last word, options are argv[1..]; returns the exit status. */
typedef int cli_fn(const struct cli *cli, int argc, char **argv);

struct cli_command {
    const char *words; /* "audit verify"; NULL ends a table */
    const char *args;  /* "[--key FILE] FOLDER" */
    const char *help;  /* one line */
    cli_fn *fn;
};

/* One table a file; main.c lists them. */
extern const struct cli_command cli_up_commands[];
extern const struct cli_command cli_identity_commands[];
extern const struct cli_command cli_identity_verify_commands[];
extern const struct cli_command cli_identity_video_commands[];
extern const struct cli_command cli_identity_subject_commands[];
extern const struct cli_command cli_identity_find_commands[];
extern const struct cli_command cli_identity_gallery_commands[];
extern const struct cli_command cli_identity_admin_commands[];
extern const struct cli_command cli_identity_calibrate_commands[];
extern const struct cli_command cli_access_commands[];
extern const struct cli_command cli_attendance_commands[];
extern const struct cli_command cli_records_commands[];
extern const struct cli_command cli_records_access_commands[];
extern const struct cli_command cli_records_exchange_commands[];
extern const struct cli_command cli_dosage_commands[];
extern const struct cli_command cli_dosage_give_commands[];
extern const struct cli_command cli_formulary_commands[];
extern const struct cli_command cli_diagnosis_commands[];
extern const struct cli_command cli_audit_commands[];
extern const struct cli_command cli_audit_offline_commands[];
extern const struct cli_command cli_audit_export_commands[];
extern const struct cli_command cli_health_commands[];
extern const struct cli_command cli_outbox_commands[];
extern const struct cli_command cli_token_commands[];
extern const struct cli_command cli_jwks_commands[];
extern const struct cli_command cli_dev_commands[];

/* ---- options: what follows a command's words ---- */

struct cli_opt {
    const char *name;   /* "--patient"; NULL ends a table */
    const char **value; /* where its value goes; NULL for a flag */
    bool *flag;
    const char *help;
};
/* Fills options and leaves what is not an option in argv[1..*argc-1]. `--` ends options.
 *   INVALID_ARGUMENT  unknown option, a missing value, or more than `most` words left */
WARD_MUST enum ward_code cli_options(const struct cli_opt *opts, int *argc, char **argv,
                                     int most, struct ward_err *err);

/* ---- the embedded default's folder, made by `wardctl up` ---- */

/* "DIR/pki/ca.pem" for cli_path(cli, mem, "pki/ca.pem"); NULL when mem is full. */
const char *cli_path(const struct cli *cli, struct ward_arena *mem, const char *under);
/* A client of one service ("audit"), as the peer "wardctl": of the running embedded default, or
 * of
 * --at.   UNAVAILABLE  nothing runs in that folder;  NOT_FOUND  --at does not name the service
 */
WARD_MUST enum ward_code cli_connect(const struct cli *cli, const char *service,
                                     struct ward_client **out, struct ward_err *err);
/* The bearer token to call with: --token's file, or one issued here and now by the embedded
 * default's own issuer, to this machine's user, for these roles (ends with NULL), purpose and
 * ward ("" for none).   FAILED_PRECONDITION  --at without --token: nobody here issues for those
 */
WARD_MUST enum ward_code cli_bearer(const struct cli *cli, const char *const *roles,
                                    const char *purpose, const char *ward,
                                    struct ward_arena *mem, char **out, struct ward_err *err);
/* A whole file, a NUL after it.   NOT_FOUND;  RESOURCE_EXHAUSTED  more than `most` bytes */
WARD_MUST enum ward_code cli_read(const char *path, size_t most, struct ward_arena *mem,
                                  char **out, size_t *n, struct ward_err *err);

/* ---- output ---- */

/* Says what failed, in words or as {"error":{"code","reason","field","message"}}; returns 1. */
int cli_fail(const struct cli *cli, const struct ward_err *err);
int cli_usage(const struct cli *cli, const struct ward_err *err); /* the same; returns 2 */

/* A line that is drawn again in place, "reading events  120,000 of 400,000"; total 0 when it is
 * not known. Nothing unless stderr is a terminal, and at most ten times a second. */
void cli_progress(const struct cli *cli, const char *what, int64_t done, int64_t total);
void cli_progress_end(const struct cli *cli); /* takes the line away */

/* Wraps text for the terminal: cli_paint(cli, CLI_GOOD) ... cli_paint(cli, CLI_PLAIN). */
enum cli_ink { CLI_PLAIN, CLI_BOLD, CLI_DIM, CLI_GOOD, CLI_BAD, CLI_WARN };
const char *cli_paint(const struct cli *cli, enum cli_ink ink);

/* JSON, written as it is said. Keys are NULL inside arrays. Text is escaped. */
struct cli_json {
    FILE *to;
    int depth;
    bool comma;
    bool sparse; /* message.h: what is not there is left out */
};
void cli_json_open(struct cli_json *j, const char *key, char bracket); /* '{' or '[' */
void cli_json_close(struct cli_json *j, char bracket); /* newline after the last one */
void cli_json_text(struct cli_json *j, const char *key, const char *text); /* NULL: null */
void cli_json_int(struct cli_json *j, const char *key, int64_t v);
void cli_json_num(struct cli_json *j, const char *key, double v);
void cli_json_bool(struct cli_json *j, const char *key, bool v);

#endif
