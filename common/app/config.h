/* config.h - options from environment variables and one file into a struct, from one table.
 *
 * The table is the documentation: --help prints it, and docs/config.md is that output. An
 * unknown variable with our prefix, an unknown key in the file, a bad number and a missing
 * required value all stop the process before it serves anything. The file (WARD_CONFIG, or
 * --config PATH) holds lines `WARD_NAME=value`, `#` comments; the environment wins over it. A
 * secret is given as a file: for option WARD_X marked secret, WARD_X_FILE names a file whose
 * content (less one newline) is the value; a secret in the environment itself is refused.
 *
 * Threads: before any. Memory: values live as long as the process. Errors: INVALID_ARGUMENT
 * naming the option and never its value when secret.
 */
#ifndef WARD_APP_CONFIG_H
#define WARD_APP_CONFIG_H

#include "common/base/status.h"

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum ward_opt_type { WARD_STR, WARD_INT };

struct ward_opt {
    const char *env; /* "WARD_WORKERS" */
    enum ward_opt_type type;
    size_t offset;    /* of a `const char *` or an `int` in the service's struct */
    const char *def;  /* NULL: required */
    int min, max;     /* WARD_INT only */
    const char *unit; /* "ms", "bytes", "" */
    const char *help;
    bool secret; /* from a file; never printed */
};

#define WARD_OPT_END                                                                           \
    {                                                                                          \
        0                                                                                      \
    }

#define WARD_CONFIG_MAX_BYTES ((size_t)1 << 20) /* of the file; a secret's file: 64 KiB */
#define WARD_CONFIG_MAX_LINE  ((size_t)4096)
#define WARD_CONFIG_MAX_PAIRS 512

/* `file` is NULL for none. */
WARD_MUST enum ward_code ward_config_load(const struct ward_opt *opts, const char *file,
                                          void *out, struct ward_err *err);

/* Several tables at once, each with its own struct. Where two hold the same name, the earlier
 * table's row counts and the later one's is as if it were not there. */
struct ward_config_part {
    const struct ward_opt *opts; /* may be NULL */
    void *out;
};
WARD_MUST enum ward_code ward_config_load_parts(const struct ward_config_part *parts, int n,
                                                const char *file, struct ward_err *err);

/* Cuts a file's text (n bytes and a NUL, written to) into at most WARD_CONFIG_MAX_PAIRS pairs
 * that point into it. Pure. Names are upper-case letters, digits and '_', beginning with WARD_;
 * a value is what stands after the first '=', to the letter: no quotes, no blanks around it.
 *   INVALID_ARGUMENT  a NUL or control character, an overlong line, no '=', a bad name, a name
 *                     twice, too many; msg names the line and never the value */
struct ward_config_pair {
    const char *name, *value;
    int line;
};
WARD_MUST enum ward_code ward_config_parse(char *text, size_t n, struct ward_config_pair *out,
                                           size_t *count, struct ward_err *err);

void ward_config_help(const struct ward_opt *opts, FILE *to);     /* for a terminal */
void ward_config_markdown(const struct ward_opt *opts, FILE *to); /* rows of docs/config.md */

#endif
