/* log.h - one JSON object a line, on stderr: ts, level, svc, trace, code, msg, detail, at.
 *
 * `msg` is constant text per call site; what varies goes into fields. Values are escaped here.
 * Never log a request body, a name, an identifier of a patient, or a secret.
 *
 * Threads: safe; a line is one write(2). Memory: a fixed buffer on the stack; what does not fit
 * is cut and the line says "cut":true. Errors: none; a log that cannot be written is lost.
 * Only programs log: library code returns an error and the edge logs it once.
 */
#ifndef WARD_BASE_LOG_H
#define WARD_BASE_LOG_H

#include "common/base/status.h"

enum ward_level { WARD_LOG_ERROR, WARD_LOG_WARN, WARD_LOG_INFO, WARD_LOG_DEBUG };

/* Once, before any thread: the service's name, kept by reference. */
void ward_log_begin(const char *svc);
void ward_log_level(enum ward_level level); /* any time, from any thread */
enum ward_level ward_log_level_now(void);
WARD_MUST bool ward_log_level_parse(const char *name, enum ward_level *out); /* "info" */

/* The trace id (32 hex digits) of the call this thread serves; "" for none. Copied. */
void ward_log_trace(const char *trace_id);

struct ward_field {
    const char *key;
    const char *text; /* used when not NULL, else `number` */
    double number;
};
#define WARD_KV(k, v) ((struct ward_field){.key = (k), .text = (v)})
#define WARD_KN(k, v) ((struct ward_field){.key = (k), .number = (double)(v)})

void ward_log_write(enum ward_level level, const char *file, int line, const char *msg,
                    const struct ward_field *fields, int n);

/* WARD_LOG(INFO, "serving", WARD_KV("listen", addr), WARD_KN("port", port));
 * The empty first field lets a line have none; `##` is gcc's and clang's. */
#define WARD_LOG(lvl, msg, ...)                                                                \
    ward_log_write(WARD_LOG_##lvl, __FILE__, __LINE__, (msg),                                  \
                   (const struct ward_field[]){{0}, ##__VA_ARGS__} + 1,                        \
                   (int)(sizeof((const struct ward_field[]){{0}, ##__VA_ARGS__}) /             \
                         sizeof(struct ward_field)) -                                          \
                       1)

/* A failure, once, where it leaves the process. */
void ward_log_err(enum ward_level level, const char *msg, const struct ward_err *err);

#endif
