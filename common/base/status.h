/* status.h - the error model of all code.
 *
 * Every function that can fail returns `enum ward_code` (0 is success). If the caller passed a
 * `struct ward_err`, the function fills in the error text. Returning an error allocates no
 * memory. The codes equal google.rpc.Code, so the RPC layer sends them unchanged.
 *
 * Threads: nothing is shared; a ward_err belongs to its caller. Memory: the caller's, fixed
 * size. Errors: defined here.
 */
#ifndef WARD_BASE_STATUS_H
#define WARD_BASE_STATUS_H

#include <stdbool.h>
#include <stdint.h>

/* X(name, number, retry): retry is true if the caller may repeat the same call unchanged. */
#define WARD_CODES(X)                                                                          \
    X(OK, 0, false)                                                                            \
    X(CANCELLED, 1, false)                                                                     \
    X(UNKNOWN, 2, false)                                                                       \
    X(INVALID_ARGUMENT, 3, false)                                                              \
    X(DEADLINE_EXCEEDED, 4, false)                                                             \
    X(NOT_FOUND, 5, false)                                                                     \
    X(ALREADY_EXISTS, 6, false)                                                                \
    X(PERMISSION_DENIED, 7, false)                                                             \
    X(RESOURCE_EXHAUSTED, 8, false)                                                            \
    X(FAILED_PRECONDITION, 9, false)                                                           \
    X(ABORTED, 10, false)                                                                      \
    X(OUT_OF_RANGE, 11, false)                                                                 \
    X(UNIMPLEMENTED, 12, false)                                                                \
    X(INTERNAL, 13, false)                                                                     \
    X(UNAVAILABLE, 14, true)                                                                   \
    X(DATA_LOSS, 15, false)                                                                    \
    X(UNAUTHENTICATED, 16, false)

enum ward_code {
#define X(name, number, retry) WARD_##name = number,
    WARD_CODES(X)
#undef X
};

#define WARD_N_CODES 17

/* The text of a failure. `msg`, `field`, `reason` and `retry_after_ms` reach the caller and
 * must contain no patient data and no SQL. `detail` stays in this process's log. Initialise
 * with zeros; reuse freely. */
struct ward_err {
    enum ward_code code;
    char msg[160];
    char field[64];  /* google.rpc.BadRequest: the field that is wrong; "" for none */
    char reason[64]; /* google.rpc.ErrorInfo: UPPER_SNAKE_CASE, stable; "" means the code's name
                      */
    int retry_after_ms; /* google.rpc.RetryInfo; 0 for none */
    char detail[320];
    const char *file;
    int line;
};

#define WARD_MUST              __attribute__((warn_unused_result))
#define WARD_PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))
#define WARD_COUNT(a)          (sizeof(a) / sizeof((a)[0]))

/* Returns `known`, a constant, so that compilers and analysers see that a recorded failure is
 * never OK. */
static inline enum ward_code ward_code_is(enum ward_code known, enum ward_code recorded)
{
    (void)recorded;
    return known;
}

/* Records a failure and returns its code: `return WARD_FAIL(err, NOT_FOUND, "no such rule");`
 */
#define WARD_FAIL(err, name, ...)                                                              \
    ward_code_is(WARD_##name, ward_err_set((err), WARD_##name, __FILE__, __LINE__, __VA_ARGS__))

/* Records INVALID_ARGUMENT about one request field: `WARD_FAIL_FIELD(err, "event.actor", "is
 * empty")`. */
#define WARD_FAIL_FIELD(err, name, ...)                                                        \
    ward_code_is(WARD_INVALID_ARGUMENT,                                                        \
                 ward_err_field((err), (name), __FILE__, __LINE__, __VA_ARGS__))

/* Records a failure with a reason for programs: `WARD_FAIL_REASON(err, FAILED_PRECONDITION,
 * "FACE_TOO_SMALL", "...")`. docs/errors.md lists the reasons. */
#define WARD_FAIL_REASON(err, name, why, ...)                                                  \
    ward_code_is(WARD_##name,                                                                  \
                 ward_err_reason((err), WARD_##name, (why), __FILE__, __LINE__, __VA_ARGS__))

/* Returns the failure of `expr` to the caller. WARD_TRY is the only macro that may hide control
 * flow. */
#define WARD_TRY(expr)                                                                         \
    do {                                                                                       \
        enum ward_code ward_try_ = (expr);                                                     \
        if (ward_try_ != WARD_OK)                                                              \
            return ward_try_;                                                                  \
    } while (0)

/* Checks for a bug that no client can cause. A failed check logs one JSON line and aborts the
 * process, in release builds too. */
#define WARD_ASSERT(cond) ((cond) ? (void)0 : ward_assert_failed(#cond, __FILE__, __LINE__))

enum ward_code ward_err_set(struct ward_err *err, enum ward_code code, const char *file,
                            int line, const char *fmt, ...) WARD_PRINTF(5, 6);
enum ward_code ward_err_field(struct ward_err *err, const char *field, const char *file,
                              int line, const char *fmt, ...) WARD_PRINTF(5, 6);
enum ward_code ward_err_reason(struct ward_err *err, enum ward_code code, const char *reason,
                               const char *file, int line, const char *fmt, ...)
    WARD_PRINTF(6, 7);

/* Sets the request field of an INVALID_ARGUMENT without a field. Returns the code. */
enum ward_code ward_err_about(struct ward_err *err, enum ward_code code, const char *field);

/* Adds text for the log to a recorded failure. Returns err->code (UNKNOWN for NULL). */
enum ward_code ward_err_detail(struct ward_err *err, const char *fmt, ...) WARD_PRINTF(2, 3);

/* such as "NOT_FOUND"; "?" for an unknown number */
const char *ward_code_name(enum ward_code code);
bool ward_code_retry(enum ward_code code);
void ward_assert_failed(const char *cond, const char *file, int line) __attribute__((noreturn));

#endif
