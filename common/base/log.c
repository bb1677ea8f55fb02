#include "common/base/log.h"

#include "common/base/clock.h"

#include <math.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define LINE_MAX_BYTES 2048

static const char *const NAMES[] = {"error", "warn", "info", "debug"};
static const char *svc_name = "ward";
static atomic_int level_now = WARD_LOG_INFO;
static _Thread_local char trace[33];
static void (*diverted)(enum ward_level level, const char *text);

struct line {
    size_t n;
    bool cut;
    char text[LINE_MAX_BYTES];
};

void ward_log_begin(const char *svc)
{
    svc_name = svc;
}

void ward_log_divert(void (*to)(enum ward_level level, const char *text))
{
    diverted = to;
}

void ward_log_level(enum ward_level level)
{
    atomic_store(&level_now, (int)level);
}

enum ward_level ward_log_level_now(void)
{
    return (enum ward_level)atomic_load(&level_now);
}

bool ward_log_level_parse(const char *name, enum ward_level *out)
{
    for (size_t i = 0; i < WARD_COUNT(NAMES); i++)
        if (strcmp(NAMES[i], name) == 0) {
            *out = (enum ward_level)i;
            return true;
        }
    return false;
}

void ward_log_trace(const char *trace_id)
{
    snprintf(trace, sizeof(trace), "%s", trace_id);
}

/* Appends n bytes. Always leaves room for the closing `,"cut":true}` and the newline. */
static void put(struct line *l, const char *s, size_t n)
{
    if (l->cut || l->n + n > sizeof(l->text) - 16) {
        l->cut = true;
        return;
    }
    memcpy(l->text + l->n, s, n);
    l->n += n;
}

static void put_str(struct line *l, const char *s)
{
    put(l, s, strlen(s));
}

/* Returns the length of the first UTF-8 character (RFC 3629) of a NUL-terminated string, or 0
 * if the string does not begin with a valid character. */
static size_t utf8(const char *text)
{
    const unsigned char *s = (const unsigned char *)text;
    size_t n = s[0] < 0x80 ? 1 : s[0] < 0xc2 ? 0 : s[0] < 0xe0 ? 2 : s[0] < 0xf0 ? 3 : 4;

    if (s[0] > 0xf4 || (s[0] == 0xe0 && s[1] < 0xa0) || (s[0] == 0xed && s[1] > 0x9f) ||
        (s[0] == 0xf0 && s[1] < 0x90) || (s[0] == 0xf4 && s[1] > 0x8f))
        return 0;
    for (size_t i = 1; i < n; i++)
        if ((s[i] & 0xc0) != 0x80)
            return 0;
    return n;
}

/* Writes whole characters only, so that a truncated line is still UTF-8. Invalid UTF-8 becomes
 * U+FFFD, because JSON parsers would reject the line. The closing quote always fits, because
 * put() reserves room. */
static void put_quoted(struct line *l, const char *s)
{
    char esc[8];

    put(l, "\"", 1);
    while (*s != '\0' && !l->cut) {
        unsigned char c = (unsigned char)*s;
        size_t n = utf8(s);

        if (c == '"' || c == '\\')
            snprintf(esc, sizeof(esc), "\\%c", c);
        else if (c < 0x20 || c == 0x7f)
            snprintf(esc, sizeof(esc), "\\u%04x", c);
        else
            snprintf(esc, sizeof(esc), "%.*s", n == 0 ? 6 : (int)n, n == 0 ? "\\ufffd" : s);
        put_str(l, esc);
        s += n == 0 ? 1 : n;
    }
    l->text[l->n++] = '"';
}

static void put_kv(struct line *l, const char *key, const char *value)
{
    size_t was = l->n;

    put_str(l, l->n == 1 ? "\"" : ",\"");
    put_str(l, key);
    put_str(l, "\":");
    if (l->cut || l->n + 2 > sizeof(l->text) - 16) {
        l->n = was;
        l->cut = true;
        return;
    }
    put_quoted(l, value);
}

static void put_kn(struct line *l, const char *key, double v)
{
    char num[40];

    if (l->cut || l->n + strlen(key) + sizeof(num) > sizeof(l->text) - 32) {
        l->cut = true;
        return;
    }
    if (!isfinite(v))
        snprintf(num, sizeof(num), "null");
    else
        snprintf(num, sizeof(num), "%.15g", v);
    put_str(l, ",\"");
    put_str(l, key);
    put_str(l, "\":");
    put_str(l, num);
}

static void begin(struct line *l, enum ward_level level, const char *msg)
{
    char ts[28];

    ward_rfc3339(ward_wall_us(), ts);
    l->n = 0;
    l->cut = false;
    put(l, "{", 1);
    put_kv(l, "ts", ts);
    put_kv(l, "level", NAMES[level]);
    put_kv(l, "svc", svc_name);
    if (*trace != '\0')
        put_kv(l, "trace", trace);
    put_kv(l, "msg", msg);
}

static void end(struct line *l, const char *file, int line)
{
    char at[96];

    if (file != NULL) {
        snprintf(at, sizeof(at), "%.80s:%d", file, line);
        put_kv(l, "at", at);
    }
    if (l->cut) {
        memcpy(l->text + l->n, ",\"cut\":true", 11);
        l->n += 11;
    }
    l->text[l->n++] = '}';
    l->text[l->n++] = '\n';
    if (write(STDERR_FILENO, l->text, l->n) < 0)
        return; /* there is no other place to report this failure */
}

static void divert(enum ward_level level, const char *msg, const struct ward_field *fields,
                   int n)
{
    char text[512];
    int used = snprintf(text, sizeof(text), "%s", msg);

    for (int i = 0; i < n && used < (int)sizeof(text); i++)
        if (fields[i].text != NULL)
            used += snprintf(text + used, sizeof(text) - (size_t)used, " %s=%s", fields[i].key,
                             fields[i].text);
        else
            used += snprintf(text + used, sizeof(text) - (size_t)used, " %s=%.15g",
                             fields[i].key, fields[i].number);
    diverted(level, text);
}

void ward_log_write(enum ward_level level, const char *file, int line, const char *msg,
                    const struct ward_field *fields, int n)
{
    struct line l;

    if ((int)level > atomic_load(&level_now))
        return;
    if (diverted != NULL) {
        divert(level, msg, fields, n);
        return;
    }
    begin(&l, level, msg);
    for (int i = 0; i < n; i++)
        if (fields[i].text != NULL)
            put_kv(&l, fields[i].key, fields[i].text);
        else
            put_kn(&l, fields[i].key, fields[i].number);
    end(&l, file, line);
}

void ward_log_err(enum ward_level level, const char *msg, const struct ward_err *err)
{
    const struct ward_field f[] = {WARD_KV("code", ward_code_name(err->code)),
                                   WARD_KV("error", err->msg), WARD_KV("detail", err->detail)};
    struct line l;

    if ((int)level > atomic_load(&level_now))
        return;
    if (diverted != NULL) {
        divert(level, msg, f, (int)WARD_COUNT(f));
        return;
    }
    begin(&l, level, msg);
    put_kv(&l, "code", ward_code_name(err->code));
    put_kv(&l, "error", err->msg);
    if (*err->reason != '\0')
        put_kv(&l, "reason", err->reason);
    if (*err->detail != '\0')
        put_kv(&l, "detail", err->detail);
    end(&l, err->file, err->line);
}
