/* Prints the output of commands: failures, progress, colours, JSON. */
#include "cli/core/cli.h"

#include "common/base/clock.h"

#include <math.h>
#include <string.h>

int cli_fail(const struct cli *cli, const struct ward_err *err)
{
    struct cli_json j = {.to = stderr};
    bool named = *err->reason != '\0' && strcmp(err->reason, ward_code_name(err->code)) != 0;

    cli_progress_end(cli);
    if (!cli->json) {
        fprintf(stderr, "wardctl: %s (%s%s%s)\n", err->msg, ward_code_name(err->code),
                named ? ", " : "", named ? err->reason : "");
        if (*err->detail != '\0')
            fprintf(stderr, "  %s\n", err->detail);
        return 1;
    }
    cli_json_open(&j, NULL, '{');
    cli_json_open(&j, "error", '{');
    cli_json_text(&j, "code", ward_code_name(err->code));
    cli_json_text(&j, "reason", *err->reason == '\0' ? ward_code_name(err->code) : err->reason);
    if (*err->field != '\0')
        cli_json_text(&j, "field", err->field);
    cli_json_text(&j, "message", err->msg);
    cli_json_close(&j, '}');
    cli_json_close(&j, '}');
    return 1;
}

int cli_usage(const struct cli *cli, const struct ward_err *err)
{
    cli_fail(cli, err);
    return 2;
}

/* 1234567 -> "1,234,567" */
static const char *grouped(int64_t v, char out[32])
{
    char digits[24];
    int n = snprintf(digits, sizeof(digits), "%lld", (long long)(v < 0 ? 0 : v)), k = 0;

    for (int i = 0; i < n; i++) {
        if (i > 0 && (n - i) % 3 == 0)
            out[k++] = ',';
        out[k++] = digits[i];
    }
    out[k] = '\0';
    return out;
}

void cli_progress(const struct cli *cli, const char *what, int64_t done, int64_t total)
{
    static int64_t last_ns;
    int64_t now = ward_mono_ns();
    char a[32], b[32];

    if (!cli->terminal || now - last_ns < 100 * WARD_NS_PER_MS)
        return;
    last_ns = now;
    fprintf(stderr, "\r\033[K%s  %s", what, grouped(done, a));
    if (total > 0)
        fprintf(stderr, " of %s", grouped(total, b));
    fflush(stderr);
}

void cli_progress_end(const struct cli *cli)
{
    if (cli->terminal)
        fputs("\r\033[K", stderr);
}

const char *cli_paint(const struct cli *cli, enum cli_ink ink)
{
    static const char *const inks[] = {
        [CLI_PLAIN] = "\033[0m", [CLI_BOLD] = "\033[1m", [CLI_DIM] = "\033[2m",
        [CLI_GOOD] = "\033[32m", [CLI_BAD] = "\033[31m", [CLI_WARN] = "\033[33m",
    };

    return cli->colour ? inks[ink] : "";
}

static void quoted(FILE *to, const char *s)
{
    fputc('"', to);
    for (; *s != '\0'; s++) {
        unsigned char c = (unsigned char)*s;

        if (c == '"' || c == '\\')
            fprintf(to, "\\%c", c);
        else if (c < 0x20 || c == 0x7f)
            fprintf(to, "\\u%04x", c);
        else
            fputc(c, to);
    }
    fputc('"', to);
}

static void before(struct cli_json *j, const char *key)
{
    if (j->comma)
        fputc(',', j->to);
    j->comma = true;
    if (key == NULL)
        return;
    quoted(j->to, key);
    fputc(':', j->to);
}

void cli_json_open(struct cli_json *j, const char *key, char bracket)
{
    before(j, key);
    fputc(bracket, j->to);
    j->depth++;
    j->comma = false;
}

void cli_json_close(struct cli_json *j, char bracket)
{
    fputc(bracket == '{' ? '}' : bracket == '[' ? ']' : bracket, j->to);
    j->depth--;
    j->comma = true;
    if (j->depth == 0) {
        fputc('\n', j->to);
        fflush(j->to);
        j->comma = false;
    }
}

void cli_json_text(struct cli_json *j, const char *key, const char *text)
{
    before(j, key);
    if (text == NULL)
        fputs("null", j->to);
    else
        quoted(j->to, text);
}

void cli_json_int(struct cli_json *j, const char *key, int64_t v)
{
    before(j, key);
    fprintf(j->to, "%lld", (long long)v);
}

void cli_json_num(struct cli_json *j, const char *key, double v)
{
    before(j, key);
    if (isfinite(v))
        fprintf(j->to, "%.17g", v);
    else
        fputs("null", j->to); /* JSON has no NaN or infinity */
}

void cli_json_bool(struct cli_json *j, const char *key, bool v)
{
    before(j, key);
    fputs(v ? "true" : "false", j->to);
}
