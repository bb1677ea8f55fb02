/* Reads options. config.h describes the sources of options. */
#include "common/app/config.h"
#include "common/base/text.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PREFIX           "WARD_"
#define FILE_VARIABLE    "WARD_CONFIG" /* the only WARD_ variable that is not an option */
#define SECRET_SUFFIX    "_FILE"
#define SECRET_MAX_BYTES ((size_t)64 << 10)

extern char **environ;

/* Values from files live as long as the process. This list keeps them visible to leak checkers.
 */
struct kept {
    struct kept *next;
    char text[];
};
static struct kept *all_kept;

struct source {
    const struct ward_config_part *parts;
    int n_parts;
    struct ward_config_pair *pairs; /* name-value pairs of the file */
    size_t n_pairs;
};

/* Reads a whole regular file into memory that is never freed, and adds a NUL. */
static enum ward_code slurp(const char *what, const char *path, size_t max, char **text,
                            size_t *n, struct ward_err *err)
{
    struct stat st;
    struct kept *k, *smaller;
    size_t got = 0;
    ssize_t r = 1;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* opening a FIFO must not block */

    if (fd < 0)
        return WARD_FAIL(err, INVALID_ARGUMENT, "cannot open %s: %.40s", what, strerror(errno));
    if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode)) {
        close(fd);
        return WARD_FAIL(err, INVALID_ARGUMENT, "%s is not a file", what);
    }
    k = malloc(sizeof(*k) + max + 2);
    while (k != NULL && got <= max && (r = read(fd, k->text + got, max + 1 - got)) > 0)
        got += (size_t)r;
    close(fd);
    if (k == NULL || r < 0 || got > max) {
        free(k);
        return got > max
                   ? WARD_FAIL(err, INVALID_ARGUMENT, "%s is larger than %zu bytes", what, max)
                   : WARD_FAIL(err, INVALID_ARGUMENT, "cannot read %s", what);
    }
    k->text[got] = '\0';
    smaller = realloc(k, sizeof(*k) + got + 1);
    if (smaller != NULL)
        k = smaller;
    k->next = all_kept;
    all_kept = k;
    *text = k->text;
    *n = got;
    return WARD_OK;
}

/* Returns the first row with this name, or NULL. */
static const struct ward_opt *option(const struct source *src, const char *name, size_t n)
{
    for (int i = 0; i < src->n_parts; i++)
        for (const struct ward_opt *o = src->parts[i].opts; o != NULL && o->env != NULL; o++)
            if (strlen(o->env) == n && strncmp(o->env, name, n) == 0)
                return o;
    return NULL;
}

/* Checks that `name` (n characters) is an option, or the name of a secret option with _FILE. */
static enum ward_code check_name(const struct source *src, const char *name, size_t n, int line,
                                 struct ward_err *err)
{
    const struct ward_opt *o = option(src, name, n);
    size_t suffix = strlen(SECRET_SUFFIX);
    char where[32] = "the environment";

    if (line > 0)
        snprintf(where, sizeof(where), "line %d", line);
    if (o != NULL && o->secret)
        return WARD_FAIL(
            err, INVALID_ARGUMENT,
            "%s is a secret; put the value into a file and name the file in %s" SECRET_SUFFIX,
            o->env, o->env);
    if (o != NULL)
        return WARD_OK;
    if (n > suffix && strncmp(name + n - suffix, SECRET_SUFFIX, suffix) == 0) {
        o = option(src, name, n - suffix);
        if (o != NULL && o->secret)
            return WARD_OK;
    }
    return WARD_FAIL(err, INVALID_ARGUMENT, "%s sets %.*s, which is not an option; see --help",
                     where, n > 80 ? 80 : (int)n, name);
}

static enum ward_code check_names(const struct source *src, struct ward_err *err)
{
    for (char **e = environ; e != NULL && *e != NULL; e++) {
        size_t n = strcspn(*e, "=");

        if (strncmp(*e, PREFIX, strlen(PREFIX)) != 0 ||
            (n == strlen(FILE_VARIABLE) && strncmp(*e, FILE_VARIABLE, n) == 0))
            continue;
        WARD_TRY(check_name(src, *e, n, 0, err));
    }
    for (size_t i = 0; i < src->n_pairs; i++)
        WARD_TRY(check_name(src, src->pairs[i].name, strlen(src->pairs[i].name),
                            src->pairs[i].line, err));
    return WARD_OK;
}

/* Returns the value from the environment, otherwise from the file, otherwise NULL. */
static const char *find(const struct source *src, const char *name)
{
    const char *text = getenv(name);

    for (size_t i = 0; text == NULL && i < src->n_pairs; i++)
        if (strcmp(src->pairs[i].name, name) == 0)
            text = src->pairs[i].value;
    return text;
}

static enum ward_code find_secret(const struct source *src, const struct ward_opt *o,
                                  const char **text, struct ward_err *err)
{
    char name[96], what[160];
    const char *path;
    char *got = NULL;
    size_t n = 0;

    snprintf(name, sizeof(name), "%.80s" SECRET_SUFFIX, o->env);
    path = find(src, name);
    if (path == NULL || *path == '\0') {
        *text = NULL;
        return WARD_OK;
    }
    snprintf(what, sizeof(what), "%s (%.60s)", name, path);
    WARD_TRY(slurp(what, path, SECRET_MAX_BYTES, &got, &n, err));
    if (got != NULL && memchr(got, '\0', n) != NULL)
        return WARD_FAIL(err, INVALID_ARGUMENT, "%s contains a NUL byte", what);
    if (got != NULL && n > 0 && got[n - 1] == '\n')
        got[n - 1] = '\0';
    *text = got;
    return WARD_OK;
}

static enum ward_code set(const struct source *src, const struct ward_opt *o, void *out,
                          struct ward_err *err)
{
    void *field = (char *)out + o->offset;
    const char *text = NULL;
    int64_t v;

    if (o->secret)
        WARD_TRY(find_secret(src, o, &text, err));
    else
        text = find(src, o->env);
    if (o->def == NULL && (text == NULL || *text == '\0'))
        return WARD_FAIL(err, INVALID_ARGUMENT, "%s%s is required", o->env,
                         o->secret ? SECRET_SUFFIX : "");
    if (text == NULL)
        text = o->def;
    if (o->type == WARD_STR) {
        *(const char **)field = text;
        return WARD_OK;
    }
    if (!ward_i64(text, o->min, o->max, &v))
        return WARD_FAIL(err, INVALID_ARGUMENT, "%s must be a whole number, %d..%d%s%s", o->env,
                         o->min, o->max, *o->unit ? " " : "", o->unit);
    *(int *)field = (int)v;
    return WARD_OK;
}

enum ward_code ward_config_load_parts(const struct ward_config_part *parts, int n,
                                      const char *file, struct ward_err *err)
{
    struct ward_config_pair pairs[WARD_CONFIG_MAX_PAIRS];
    struct source src = {.parts = parts, .n_parts = n, .pairs = pairs};
    char what[160];
    char *text = NULL;
    size_t len = 0;

    if (file != NULL) {
        snprintf(what, sizeof(what), "the configuration file %.80s", file);
        WARD_TRY(slurp(what, file, WARD_CONFIG_MAX_BYTES, &text, &len, err));
        WARD_TRY(ward_config_parse(text, len, pairs, &src.n_pairs, err));
    }
    WARD_TRY(check_names(&src, err));
    for (int i = 0; i < n; i++)
        for (const struct ward_opt *o = parts[i].opts; o != NULL && o->env != NULL; o++)
            if (option(&src, o->env, strlen(o->env)) == o)
                WARD_TRY(set(&src, o, parts[i].out, err));
    return WARD_OK;
}

enum ward_code ward_config_load(const struct ward_opt *opts, const char *file, void *out,
                                struct ward_err *err)
{
    return ward_config_load_parts(&(struct ward_config_part){opts, out}, 1, file, err);
}
