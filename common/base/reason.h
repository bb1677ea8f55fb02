/* reason.h - why a call failed, for programs: the rows of docs/errors.md.
 *
 * A reason is a row of one table for all of Ward: its name (google.rpc.ErrorInfo), its code,
 * who gives it, what is wrong and what the caller does next. `make docs` prints the table;
 * `make docs-check` fails on a WARD_FAIL_REASON whose name or code is not in it, and on a row
 * that nobody gives.
 *
 * Threads: constant. Memory: static. Errors: none.
 */
#ifndef WARD_BASE_REASON_H
#define WARD_BASE_REASON_H

#include "common/base/status.h"

struct ward_reason {
    const char *name; /* "TOKEN_EXPIRED"; NULL ends the table */
    enum ward_code code;
    const char *from;    /* "every service", "tokens", or the service */
    const char *meaning; /* constant text: no patient data, no input */
    const char *next;    /* the caller's move */
};

extern const struct ward_reason ward_reasons[]; /* in docs/errors.md's order */

/* The row of a name; stops the process when there is none, which is a bug of ours. */
const struct ward_reason *ward_reason_of(const char *name);

/* Records the failure in the row's own words. */
#define WARD_FAIL_ROW(err, row)                                                                \
    ward_err_reason((err), (row)->code, (row)->name, __FILE__, __LINE__, "%s", (row)->meaning)

#endif
