/* reason.h - why a call failed, for programs: the rows of docs/errors.md.
 *
 * A reason is a row of a table beside the code that gives it: its name (google.rpc.ErrorInfo),
 * its code, what is wrong (also the message that is sent) and what the caller does next.
 *
 * Threads: constant. Memory: static. Errors: none.
 */
#ifndef WARD_BASE_REASON_H
#define WARD_BASE_REASON_H

#include "common/base/status.h"

struct ward_reason {
    const char *name; /* "TOKEN_EXPIRED"; NULL ends a table */
    enum ward_code code;
    const char *meaning; /* constant text: no patient data, no input */
    const char *next;    /* the caller's move */
};

/* Records the failure in the row's own words, as WARD_FAIL_REASON does. */
#define WARD_FAIL_ROW(err, row)                                                                \
    ward_err_reason((err), (row)->code, (row)->name, __FILE__, __LINE__, "%s", (row)->meaning)

#endif
