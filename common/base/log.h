/* log.h - log lines: one JSON object on stderr with ts, level, svc, trace, code, msg, detail,
 * at.
 *
 * `msg` is constant text for each call site; variable data goes into fields. The functions
 * escape values. Never log a request body, a name, a patient's identifier or a secret.
 *
 * Threads: safe; each line is one write(2). Memory: a fixed buffer on the stack; a line that is
 * too long is truncated and contains "cut":true. Errors: none; a line that cannot be written is
 * lost. Only programs log. Library code returns an error, and the caller logs it once.
 */
#ifndef WARD_BASE_LOG_H
#define WARD_BASE_LOG_H

#include "common/base/status.h"

enum ward_level { WARD_LOG_ERROR, WARD_LOG_WARN, WARD_LOG_INFO, WARD_LOG_DEBUG };

/* Call once, before any thread starts. The service's name is stored by reference. */
void ward_log_begin(const char *svc);
void ward_log_level(enum ward_level level); /* may be called at any time, from any thread */
enum ward_level ward_log_level_now(void);
/* parses a name such as "info" */
WARD_MUST bool ward_log_level_parse(const char *name, enum ward_level *out);

/* Copies the trace id (32 hex digits) of the call that this thread serves; "" for no call. */
void ward_log_trace(const char *trace_id);

struct ward_field {
    const char *key;
    const char *text; /* the field's value; if NULL, `number` is the value */
    double number;
};
#define WARD_KV(k, v) ((struct ward_field){.key = (k), .text = (v)})
#define WARD_KN(k, v) ((struct ward_field){.key = (k), .number = (double)(v)})

void ward_log_write(enum ward_level level, const char *file, int line, const char *msg,
                    const struct ward_field *fields, int n);

/* WARD_LOG(INFO, "serving", WARD_KV("listen", addr), WARD_KN("port", port)). The empty first
 * field permits a line without fields; gcc and clang support `##`. */
#define WARD_LOG(lvl, msg, ...)                                                                \
    ward_log_write(WARD_LOG_##lvl, __FILE__, __LINE__, (msg),                                  \
                   (const struct ward_field[]){{0}, ##__VA_ARGS__} + 1,                        \
                   (int)(sizeof((const struct ward_field[]){{0}, ##__VA_ARGS__}) /             \
                         sizeof(struct ward_field)) -                                          \
                       1)

/* Sends lines to `to` as "msg key=value ..." instead of stderr. Call once, before any thread
 * starts. A worker process uses this function, because the service writes the worker's
 * lines. */
void ward_log_divert(void (*to)(enum ward_level level, const char *text));

/* Logs a failure. Call once, where the failure leaves the process. */
void ward_log_err(enum ward_level level, const char *msg, const struct ward_err *err);

#endif
