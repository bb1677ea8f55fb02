/* config.h - reads the options of one table from environment variables and one file into a
 * struct.
 *
 * The table is also the documentation: --help prints it, and docs/config.md contains that
 * output. An unknown variable with Ward's prefix, an unknown key in the file, a bad number and
 * a missing required value stop the process before it serves. The file (WARD_CONFIG, or
 * --config PATH) has lines `WARD_NAME=value` and `#` comments, and the environment takes
 * precedence. For a secret option WARD_X, WARD_X_FILE names a file with the value (without one
 * newline at its end). A secret in the environment itself is rejected.
 *
 * Threads: call before any thread starts. Memory: values live as long as the process. Errors:
 * INVALID_ARGUMENT with the option's name, and never with the value of a secret.
 */
#ifndef WARD_APP_CONFIG_H
#define WARD_APP_CONFIG_H

#include "common/base/status.h"

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum ward_opt_type { WARD_STR, WARD_INT };

struct ward_opt {
    const char *env; /* such as "WARD_WORKERS" */
    enum ward_opt_type type;
    size_t offset;    /* offset of a `const char *` or an `int` in the service's struct */
    const char *def;  /* default value; NULL: the option is required */
    int min, max;     /* limits of a WARD_INT */
    const char *unit; /* "ms", "bytes", "" */
    const char *help;
    bool secret; /* read from a file and never printed */
};

#define WARD_OPT_END                                                                           \
    {                                                                                          \
        0                                                                                      \
    }

#define WARD_CONFIG_MAX_BYTES                                                                  \
    ((size_t)1 << 20) /* maximum size of the file; 64 KiB for a secret's file */
#define WARD_CONFIG_MAX_LINE  ((size_t)4096)
#define WARD_CONFIG_MAX_PAIRS 512

/* `file` is NULL if there is no configuration file. */
WARD_MUST enum ward_code ward_config_load(const struct ward_opt *opts, const char *file,
                                          void *out, struct ward_err *err);

/* Reads several tables at once, each into its own struct. If two tables have a row of the same
 * name, the row of the later table is ignored. */
struct ward_config_part {
    const struct ward_opt *opts; /* may be NULL */
    void *out;
};
WARD_MUST enum ward_code ward_config_load_parts(const struct ward_config_part *parts, int n,
                                                const char *file, struct ward_err *err);

/* Splits a file's text (n bytes and a NUL) into at most WARD_CONFIG_MAX_PAIRS pairs. Modifies
 * the text; the pairs point into the text. Pure. Names consist of upper-case letters, digits
 * and '_' and begin with WARD_. A value is everything after the first '=', without quotes or
 * surrounding blanks.
 *   INVALID_ARGUMENT  a NUL or control character, a line that is too long, no '=', a bad name,
 *                     a repeated name, or too many pairs; msg names the line and never the
 *                     value */
struct ward_config_pair {
    const char *name, *value;
    int line;
};
WARD_MUST enum ward_code ward_config_parse(char *text, size_t n, struct ward_config_pair *out,
                                           size_t *count, struct ward_err *err);

/* prints the options for a terminal */
void ward_config_help(const struct ward_opt *opts, FILE *to);
/* prints the rows of docs/config.md */
void ward_config_markdown(const struct ward_opt *opts, FILE *to);

#endif
