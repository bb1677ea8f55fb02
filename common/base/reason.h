/* reason.h - the reasons of errors, for programs: the rows of docs/errors.md.
 *
 * A reason has a name (google.rpc.ErrorInfo.reason), a code, a meaning and the caller's next
 * step. common/reasons.txt and services/<name>/reasons.txt contain the rows; the build collects
 * them. `make docs` prints docs/errors.md. `make docs-check` fails if a WARD_FAIL_REASON has no
 * row, if its code is not the row's code, or if a row is unused.
 *
 * Threads: constant. Memory: static. Errors: none.
 */
#ifndef WARD_BASE_REASON_H
#define WARD_BASE_REASON_H

#include "common/base/status.h"

struct ward_reason {
    const char *name; /* such as "TOKEN_EXPIRED"; NULL ends the table */
    enum ward_code code;
    const char *from;    /* the group in docs/errors.md: "every service", "identity", ... */
    const char *meaning; /* constant text: no patient data, no input */
    const char *next;    /* the caller's next step */
};

extern const struct ward_reason ward_reasons[]; /* sorted as in docs/errors.md */

/* Returns the row with this name. A missing row is a bug and aborts the process. */
const struct ward_reason *ward_reason_of(const char *name);

/* Records the failure with the row's own text. */
#define WARD_FAIL_ROW(err, row)                                                                \
    ward_err_reason((err), (row)->code, (row)->name, __FILE__, __LINE__, "%s", (row)->meaning)

#endif
