/* Reads the options of a command. */
#include "cli/core/cli.h"

#include <string.h>

static const struct cli_opt *find(const struct cli_opt *opts, const char *arg, size_t *len)
{
    *len = strcspn(arg, "=");
    for (; opts->name != NULL; opts++) {
        if (strlen(opts->name) == *len && memcmp(opts->name, arg, *len) == 0)
            return opts;
    }
    return NULL;
}

/* Reads argv[*i], and its value if it has one. */
static enum ward_code take(const struct cli_opt *opts, int argc, char **argv, int *i,
                           struct ward_err *err)
{
    size_t len;
    char *arg = argv[*i];
    const struct cli_opt *o = find(opts, arg, &len);

    if (o == NULL)
        return WARD_FAIL(err, INVALID_ARGUMENT, "this command has no option %.*s", (int)len,
                         arg);
    if (o->value == NULL && arg[len] == '=')
        return WARD_FAIL(err, INVALID_ARGUMENT, "%s takes no value", o->name);
    if (o->value == NULL) {
        *o->flag = true;
        return WARD_OK;
    }
    if (arg[len] == '=') {
        *o->value = arg + len + 1;
        return WARD_OK;
    }
    if (*i + 1 >= argc)
        return WARD_FAIL(err, INVALID_ARGUMENT, "%s needs a value", o->name);
    *o->value = argv[++*i];
    return WARD_OK;
}

enum ward_code cli_options(const struct cli_opt *opts, int *argc, char **argv, int most,
                           struct ward_err *err)
{
    int kept = 1;
    bool words_only = false;

    for (int i = 1; i < *argc; i++) {
        if (!words_only && strcmp(argv[i], "--") == 0) {
            words_only = true;
        } else if (!words_only && argv[i][0] == '-' && argv[i][1] == '-') {
            WARD_TRY(take(opts, *argc, argv, &i, err));
        } else {
            argv[kept++] = argv[i];
        }
    }
    *argc = kept;
    if (kept - 1 > most)
        return WARD_FAIL(err, INVALID_ARGUMENT, "unexpected argument \"%.64s\"",
                         argv[most + 1]);
    return WARD_OK;
}
