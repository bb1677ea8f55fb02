/* cli.h - wardctl's commands: tables of {words, arguments, help, function}, and their common
 * parts: options, the folder of the embedded default, connections, output, progress.
 *
 * A command prints its answer on stdout: lines for a person, or exactly one JSON value with
 * --json. Progress and failures go to stderr. Exit status: 0 success; 1 failure, or a check
 * found a fault; 2 wrong command line.
 *
 * Threads: one. Memory: the process's. Errors: a command prints its failure once, with
 * cli_fail, at its end. */
#ifndef WARD_CLI_CLI_H
#define WARD_CLI_CLI_H

#include "common/base/arena.h"
#include "common/base/status.h"
#include "common/rpc/client.h"

#include <stdio.h>

/* Options that may precede or follow the words of any command. */
struct cli {
    bool json;         /* --json */
    bool colour;       /* stdout is a terminal with colours (NO_COLOR disables them) */
    bool terminal;     /* stderr is a terminal: show progress */
    const char *data;  /* --data DIR: the folder of the embedded default; never NULL */
    bool data_given;   /* --data was given */
    const char *self;  /* the name with which this program was called */
    const char *token; /* --token FILE: a bearer token; NULL: issue one here */
    /* --at NAME=ADDRESS,...: remote services; NULL: the services of the embedded default */
    const char *at;
    const char *tls; /* --tls DIR: tls.crt, tls.key and ca.crt for calls to remote services */
};

/* argv[0] is the last word of the command, options are argv[1..]. Returns the exit status. */
typedef int cli_fn(const struct cli *cli, int argc, char **argv);

struct cli_command {
    const char *words; /* words of the command, such as "audit verify"; NULL ends a table */
    const char *args;  /* its arguments, such as "[--key FILE] FOLDER" */
    const char *help;  /* help text of one line */
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
    const char *name;   /* name, such as "--patient"; NULL ends a table */
    const char **value; /* receives the value; NULL for a flag */
    bool *flag;
    const char *help;
};
/* Reads the options, and leaves the other arguments in argv[1..*argc-1]. `--` ends the options.
 *   INVALID_ARGUMENT  unknown option, a missing value, or more than `most` words left */
WARD_MUST enum ward_code cli_options(const struct cli_opt *opts, int *argc, char **argv,
                                     int most, struct ward_err *err);

/* ---- the folder of the embedded default, created by `wardctl up` ---- */

/* Returns the path of a file in the folder: "DIR/pki/ca.pem" for cli_path(cli, mem,
 * "pki/ca.pem"). NULL if mem is full. */
const char *cli_path(const struct cli *cli, struct ward_arena *mem, const char *under);
/* Connects to one service, such as "audit", as the peer "wardctl": to the running embedded
 * default, or to the address in --at. UNAVAILABLE if no service of the embedded default is
 * running; NOT_FOUND if --at does not name the service */
WARD_MUST enum ward_code cli_connect(const struct cli *cli, const char *service,
                                     struct ward_client **out, struct ward_err *err);
/* Returns the bearer token for calls: from the file of --token, or issued by the embedded
 * default for this machine's user. An issued token has these roles (the list ends with NULL),
 * this purpose and this ward ("" for none). FAILED_PRECONDITION --at without --token, because
 * no local issuer exists */
WARD_MUST enum ward_code cli_bearer(const struct cli *cli, const char *const *roles,
                                    const char *purpose, const char *ward,
                                    struct ward_arena *mem, char **out, struct ward_err *err);
/* Reads a whole file and adds a NUL. NOT_FOUND; RESOURCE_EXHAUSTED if the file has more than
 * `most` bytes */
WARD_MUST enum ward_code cli_read(const char *path, size_t most, struct ward_arena *mem,
                                  char **out, size_t *n, struct ward_err *err);

/* ---- output ---- */

/* Prints a failure, as text or as {"error":{"code","reason","field","message"}}; returns 1. */
int cli_fail(const struct cli *cli, const struct ward_err *err);
int cli_usage(const struct cli *cli,
              const struct ward_err *err); /* for a wrong command line; returns 2 */

/* Draws a progress line again, such as "reading events 120,000 of 400,000". `total` is 0 if
 * unknown. Prints only if stderr is a terminal, and at most ten times a second. */
void cli_progress(const struct cli *cli, const char *what, int64_t done, int64_t total);
void cli_progress_end(const struct cli *cli); /* removes the progress line */

/* Returns the code that switches a terminal's colour: cli_paint(cli, CLI_GOOD) ...
 * cli_paint(cli, CLI_PLAIN). */
enum cli_ink { CLI_PLAIN, CLI_BOLD, CLI_DIM, CLI_GOOD, CLI_BAD, CLI_WARN };
const char *cli_paint(const struct cli *cli, enum cli_ink ink);

/* Writes JSON step by step. Keys are NULL inside arrays. Text is escaped. */
struct cli_json {
    FILE *to;
    int depth;
    bool comma;
    bool sparse; /* omit absent fields (message.h) */
};
/* bracket is '{' or '[' */
void cli_json_open(struct cli_json *j, const char *key, char bracket);
/* prints a newline after the last bracket */
void cli_json_close(struct cli_json *j, char bracket);
/* a NULL text is printed as null */
void cli_json_text(struct cli_json *j, const char *key, const char *text);
void cli_json_int(struct cli_json *j, const char *key, int64_t v);
void cli_json_num(struct cli_json *j, const char *key, double v);
void cli_json_bool(struct cli_json *j, const char *key, bool v);

#endif
