/* cli.h - wardctl's commands: tables of {words, arguments, help, function}, and their common
 * parts: options, the folder of the embedded default, connections, output, progress.
 *
 * A command prints its answer on stdout: lines for a person, or exactly one JSON value with
 * --json. Progress and failures go to stderr. Exit status: 0 success; 1 failure, or a check
 * found a fault; 2 wrong command line.
 *
 * Threads: one. Memory: the process's. Errors: through cli_fail, once, at the end of a command.
 */
#ifndef WARD_CLI_CLI_H
#define WARD_CLI_CLI_H

#include "common/base/arena.h"
#include "common/base/status.h"
#include "common/rpc/client.h"

#include <stdio.h>

/* Options that precede or follow the words of any command. */
struct cli {
    bool json;         /* --json */
    bool colour;       /* stdout is a terminal with colours (NO_COLOR disables them) */
    bool terminal;     /* stderr is a terminal: show progress */
    const char *data;  /* --data DIR: the folder of the embedded default; never NULL */
    bool data_given;   /* --data was given */
    const char *self;  /* the name of this program in its call */
    const char *token; /* --token FILE: a bearer token; NULL: issue one here */
    const char *at;  /* --at NAME=ADDRESS,...: remote services; NULL: the embedded default's */
    const char *tls; /* --tls DIR: tls.crt, tls.key and ca.crt for calls to remote services */
};

/* argv[0] is the last word of the command, options are argv[1..]. Returns the exit status. */
typedef int cli_fn(const struct cli *cli, int argc, char **argv);

struct cli_command {
    const char *words; /* "audit verify"; NULL ends a table */
    const char *args;  /* "[--key FILE] FOLDER" */
    const char *help;  /* one line */
    cli_fn *fn;
};

/* One table for each file; main.c lists them. */
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
extern const struct cli_command cli_models_commands[];
extern const struct cli_command cli_audit_commands[];
extern const struct cli_command cli_audit_offline_commands[];
extern const struct cli_command cli_audit_export_commands[];
extern const struct cli_command cli_health_commands[];
extern const struct cli_command cli_doctor_commands[];
extern const struct cli_command cli_outbox_commands[];
extern const struct cli_command cli_token_commands[];
extern const struct cli_command cli_jwks_commands[];
extern const struct cli_command cli_release_commands[];
extern const struct cli_command cli_release_verify_commands[];
extern const struct cli_command cli_dev_commands[];

/* ---- options after a command's words ---- */

struct cli_opt {
    const char *name;   /* "--patient"; NULL ends a table */
    const char **value; /* receives the value; NULL for a flag */
    bool *flag;
    const char *help;
};
/* Fills options and leaves the other words in argv[1..*argc-1]. `--` ends options.
 *   INVALID_ARGUMENT  unknown option, a missing value, or more than `most` words left */
WARD_MUST enum ward_code cli_options(const struct cli_opt *opts, int *argc, char **argv,
                                     int most, struct ward_err *err);

/* ---- the folder of the embedded default, created by `wardctl up` ---- */

/* "DIR/pki/ca.pem" for cli_path(cli, mem, "pki/ca.pem"); NULL if mem is full. */
const char *cli_path(const struct cli *cli, struct ward_arena *mem, const char *under);
/* A client of one service ("audit"), as the peer "wardctl": of the running embedded default, or
 * of --at. UNAVAILABLE no service is running in that folder; NOT_FOUND --at does not name the
 * service */
WARD_MUST enum ward_code cli_connect(const struct cli *cli, const char *service,
                                     struct ward_client **out, struct ward_err *err);
/* The bearer token for calls: the file of --token, or a token from the embedded default's own
 * issuer for this machine's user, with these roles (ends with NULL), purpose and ward ("" for
 * none). FAILED_PRECONDITION --at without --token, because no local issuer exists */
WARD_MUST enum ward_code cli_bearer(const struct cli *cli, const char *const *roles,
                                    const char *purpose, const char *ward,
                                    struct ward_arena *mem, char **out, struct ward_err *err);
/* Reads a whole file and adds a NUL. NOT_FOUND; RESOURCE_EXHAUSTED more than `most` bytes */
WARD_MUST enum ward_code cli_read(const char *path, size_t most, struct ward_arena *mem,
                                  char **out, size_t *n, struct ward_err *err);

/* ---- output ---- */

/* Prints a failure, as text or as {"error":{"code","reason","field","message"}}; returns 1. */
int cli_fail(const struct cli *cli, const struct ward_err *err);
int cli_usage(const struct cli *cli,
              const struct ward_err *err); /* for a wrong command line; returns 2 */

/* A progress line that is redrawn, "reading events 120,000 of 400,000"; total 0 if it is
 * unknown. Prints only if stderr is a terminal, and at most ten times a second. */
void cli_progress(const struct cli *cli, const char *what, int64_t done, int64_t total);
void cli_progress_end(const struct cli *cli); /* removes the line */

/* Colours text on a terminal: cli_paint(cli, CLI_GOOD) ... cli_paint(cli, CLI_PLAIN). */
enum cli_ink { CLI_PLAIN, CLI_BOLD, CLI_DIM, CLI_GOOD, CLI_BAD, CLI_WARN };
const char *cli_paint(const struct cli *cli, enum cli_ink ink);

/* Writes JSON step by step. Keys are NULL inside arrays. Text is escaped. */
struct cli_json {
    FILE *to;
    int depth;
    bool comma;
    bool sparse; /* message.h: absent fields are omitted */
};
void cli_json_open(struct cli_json *j, const char *key, char bracket); /* '{' or '[' */
void cli_json_close(struct cli_json *j, char bracket); /* newline after the last one */
void cli_json_text(struct cli_json *j, const char *key, const char *text); /* NULL: null */
void cli_json_int(struct cli_json *j, const char *key, int64_t v);
void cli_json_num(struct cli_json *j, const char *key, double v);
void cli_json_bool(struct cli_json *j, const char *key, bool v);

#endif
