#include "common/base/status.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

static void fill(struct ward_err *err, enum ward_code code, const char *file, int line,
                 const char *fmt, va_list ap)
{
    *err = (struct ward_err){.code = code, .file = file, .line = line};
    vsnprintf(err->msg, sizeof(err->msg), fmt, ap);
}

enum ward_code ward_err_set(struct ward_err *err, enum ward_code code, const char *file,
                            int line, const char *fmt, ...)
{
    va_list ap;

    if (err == NULL)
        return code;
    va_start(ap, fmt);
    fill(err, code, file, line, fmt, ap);
    va_end(ap);
    return code;
}

enum ward_code ward_err_field(struct ward_err *err, const char *field, const char *file,
                              int line, const char *fmt, ...)
{
    size_t n;
    va_list ap;

    if (err == NULL)
        return WARD_INVALID_ARGUMENT;
    va_start(ap, fmt);
    fill(err, WARD_INVALID_ARGUMENT, file, line, "", ap);
    snprintf(err->field, sizeof(err->field), "%s", field);
    n = (size_t)snprintf(err->msg, sizeof(err->msg), "%s ", err->field);
    vsnprintf(err->msg + n, sizeof(err->msg) - n, fmt, ap);
    va_end(ap);
    return WARD_INVALID_ARGUMENT;
}

enum ward_code ward_err_reason(struct ward_err *err, enum ward_code code, const char *reason,
                               const char *file, int line, const char *fmt, ...)
{
    va_list ap;

    if (err == NULL)
        return code;
    va_start(ap, fmt);
    fill(err, code, file, line, fmt, ap);
    va_end(ap);
    snprintf(err->reason, sizeof(err->reason), "%s", reason);
    return code;
}

enum ward_code ward_err_about(struct ward_err *err, enum ward_code code, const char *field)
{
    if (err != NULL && code == WARD_INVALID_ARGUMENT && *err->field == '\0')
        snprintf(err->field, sizeof(err->field), "%s", field);
    return code;
}

enum ward_code ward_err_detail(struct ward_err *err, const char *fmt, ...)
{
    va_list ap;

    if (err == NULL)
        return WARD_UNKNOWN;
    va_start(ap, fmt);
    vsnprintf(err->detail, sizeof(err->detail), fmt, ap);
    va_end(ap);
    return err->code;
}

const char *ward_code_name(enum ward_code code)
{
    switch (code) {
#define X(name, number, retry)                                                                 \
    case WARD_##name:                                                                          \
        return #name;
        WARD_CODES(X)
#undef X
    }
    return "?";
}

bool ward_code_retry(enum ward_code code)
{
    switch (code) {
#define X(name, number, retry)                                                                 \
    case WARD_##name:                                                                          \
        return retry;
        WARD_CODES(X)
#undef X
    }
    return false;
}

void ward_assert_failed(const char *cond, const char *file, int line)
{
    char text[256];
    size_t n = 0;

    for (; *cond != '\0' && n + 3 < sizeof(text); cond++) { /* escapes C strings for JSON */
        if (*cond == '"' || *cond == '\\')
            text[n++] = '\\';
        text[n++] = *cond;
    }
    text[n] = '\0';
    fprintf(stderr,
            "{\"level\":\"fatal\",\"msg\":\"assertion failed\",\"cond\":\"%s\","
            "\"at\":\"%s:%d\"}\n",
            text, file, line);
    abort();
}
