/* wardctl jwks - fetches an issuer's keys into the file that services read (WARD_JWKS).
 * Services fetch nothing themselves, because they have no route out of the cluster. */
#include "cli/core/cli.h"

#include "common/auth/auth.h"
#include "common/base/https.h"
#include "common/base/log.h"
#include "common/base/text.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define JWKS_MAX  ((size_t)256 << 10)
#define TIMEOUT_S 20

struct source {
    const char *url, *out, *ca, *every;
    int64_t every_s;
};

static enum ward_code store(const char *path, const char *bytes, size_t n, struct ward_err *err)
{
    FILE *f = fopen(path, "w");
    bool ok = f != NULL && fchmod(fileno(f), 0644) == 0 && fwrite(bytes, 1, n, f) == n &&
              fflush(f) == 0 && fsync(fileno(f)) == 0;

    if (f != NULL && fclose(f) != 0)
        ok = false;
    return ok ? WARD_OK : WARD_FAIL(err, FAILED_PRECONDITION, "cannot write %.100s", path);
}

/* Checks, with the reader that services use, whether a service would accept the file. */
static enum ward_code check(const char *path, struct ward_err *err)
{
    struct ward_jwks *j;

    WARD_TRY(ward_jwks_open(
        &(struct ward_jwks_config){.path = path, .issuer = "any", .audience = "any"}, &j, err));
    ward_jwks_close(j);
    return WARD_OK;
}

/* Writes and checks a new file beside the old one and then renames it. A service therefore
 * never reads an unfinished file. After an invalid answer, the last valid keys remain. */
static enum ward_code replace(const struct source *s, const char *bytes, size_t n,
                              struct ward_err *err)
{
    char fresh[4096];
    enum ward_code code;

    if (snprintf(fresh, sizeof(fresh), "%s.new", s->out) >= (int)sizeof(fresh))
        return WARD_FAIL(err, INVALID_ARGUMENT, "the path of --out is too long");
    code = store(fresh, bytes, n, err);
    if (code == WARD_OK)
        code = check(fresh, err);
    if (code == WARD_OK && rename(fresh, s->out) != 0)
        code = WARD_FAIL(err, FAILED_PRECONDITION, "cannot replace %.100s", s->out);
    if (code != WARD_OK)
        unlink(fresh);
    return code;
}

/* Fetches the keys. *changed is true if the file was written; an identical file is left
 * unchanged. */
static enum ward_code fetch(const struct source *s, bool *changed, struct ward_err *err)
{
    struct ward_arena mem;
    enum ward_code code;
    char *bytes = NULL, *had = NULL;
    size_t n = 0, had_n = 0;

    WARD_TRY(ward_https_get(s->url, s->ca, JWKS_MAX, TIMEOUT_S, &bytes, &n, err));
    ward_arena_init(&mem, 2 * JWKS_MAX);
    *changed =
        cli_read(s->out, JWKS_MAX, &mem, &had, &had_n, &(struct ward_err){0}) != WARD_OK ||
        had_n != n || memcmp(had, bytes, n) != 0;
    code = *changed ? replace(s, bytes, n, err) : WARD_OK;
    ward_arena_done(&mem);
    free(bytes);
    return code;
}

/* Prints one line for each fetch that changed the file, and for each failure. */
static int say(const struct cli *cli, const struct source *s, enum ward_code code, bool changed,
               const struct ward_err *err)
{
    struct cli_json j = {.to = stdout};

    if (code != WARD_OK)
        return cli_fail(cli, err);
    if (cli->json) {
        cli_json_open(&j, NULL, '{');
        cli_json_text(&j, "file", s->out);
        cli_json_bool(&j, "changed", changed);
        cli_json_close(&j, '}');
    } else if (changed || s->every == NULL) {
        printf("%s %s\n", s->out, changed ? "written" : "unchanged");
    }
    return fflush(stdout) == 0 ? 0 : 1;
}

static int jwks_fetch(const struct cli *cli, int argc, char **argv)
{
    struct source s = {0};
    const struct cli_opt opts[] = {{"--out", &s.out, NULL, "file"},
                                   {"--ca", &s.ca, NULL, "PEM file"},
                                   {"--every", &s.every, NULL, "seconds"},
                                   {0}};
    struct ward_err err = {0};
    enum ward_code code = cli_options(opts, &argc, argv, 1, &err);
    bool changed = false;
    int status;

    s.url = argc > 1 ? argv[1] : NULL;
    if (code == WARD_OK && (s.url == NULL || s.out == NULL))
        code = WARD_FAIL(&err, INVALID_ARGUMENT, "the issuer's URL and --out are needed");
    if (code == WARD_OK && s.every != NULL && !ward_i64(s.every, 1, 86400, &s.every_s))
        code = WARD_FAIL(&err, INVALID_ARGUMENT, "--every must be from 1 to 86400 seconds");
    if (code != WARD_OK)
        return cli_usage(cli, &err);
    for (;;) {
        code = fetch(&s, &changed, &err);
        status = say(cli, &s, code, changed, &err);
        if (s.every == NULL)
            return status;
        nanosleep(&(struct timespec){.tv_sec = s.every_s}, NULL);
    }
}

const struct cli_command cli_jwks_commands[] = {
    {"jwks fetch", "--out FILE [--ca FILE] [--every S] URL",
     "fetch an issuer's keys over HTTPS into the file that the services read", jwks_fetch},
    {0},
};
