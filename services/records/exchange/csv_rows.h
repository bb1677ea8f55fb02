/* csv_rows.h - parses a CSV file into rows while its bytes arrive. Only csv_rows.c includes
 * <csv.h>.
 *
 * RFC 4180, strictly: a quote inside an unquoted field is an error, as is text after a closing
 * quote. Lines end with CR LF or LF; quoted fields may contain CR and LF. Spaces are part of a
 * field. Empty lines are skipped. A byte-order mark is skipped. The file must be UTF-8 without
 * NUL.
 *
 * Threads: a parser belongs to one thread. Memory: libcsv's buffer for a field, and an arena
 * for a row, released after the row. A row has at most CSV_ROW bytes and CSV_FIELDS fields.
 * Errors: INVALID_ARGUMENT CSV_INVALID with the line; RESOURCE_EXHAUSTED; those of the
 * callback. All later calls return the first error.
 */
#ifndef RECORDS_EXCHANGE_CSV_ROWS_H
#define RECORDS_EXCHANGE_CSV_ROWS_H

#include "common/base/arena.h"
#include "common/base/status.h"

#include <stddef.h>

#define CSV_ROW    ((size_t)1 << 20)
#define CSV_FIELDS 256

struct csv_row {
    const char *const *field; /* NUL-terminated; valid until the callback returns */
    size_t n;
    int64_t line;           /* memory of the row */
    struct ward_arena *mem; /* the row's */
};
typedef enum ward_code csv_row_fn(void *arg, const struct csv_row *row, struct ward_err *err);

struct csv_rows;
/* separator: ',', ';' or a tab. */
WARD_MUST enum ward_code csv_rows_open(struct ward_arena *mem, char separator, csv_row_fn *fn,
                                       void *arg, struct csv_rows **out, struct ward_err *err);
WARD_MUST enum ward_code csv_rows_feed(struct csv_rows *r, const void *bytes, size_t n,
                                       struct ward_err *err);
/* Called after the last byte. The last row may lack its line end. */
WARD_MUST enum ward_code csv_rows_end(struct csv_rows *r, struct ward_err *err);
void csv_rows_close(struct csv_rows *r); /* accepts NULL */

#endif
