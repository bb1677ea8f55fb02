/* csv_rows.h - rows of a CSV file, parsed while its bytes arrive. The only code that includes
 * <csv.h>.
 *
 * RFC 4180, strictly: a quote inside an unquoted field, or text after a closing one, is an
 * error. Lines end with CR LF or LF; quoted fields may contain both. Spaces are part of a
 * field. Empty lines are skipped. A byte-order mark is skipped. UTF-8 without NUL.
 *
 * Threads: one for each file. Memory: libcsv's own buffer for a field, and an arena for a row,
 * released after it; a row has at most CSV_ROW bytes and CSV_FIELDS fields. Errors:
 * INVALID_ARGUMENT CSV_INVALID with the line, sticky; RESOURCE_EXHAUSTED; the callback's,
 * passed up.
 */
#ifndef RECORDS_EXCHANGE_CSV_ROWS_H
#define RECORDS_EXCHANGE_CSV_ROWS_H

#include "common/base/arena.h"
#include "common/base/status.h"

#include <stddef.h>

#define CSV_ROW    ((size_t)1 << 20)
#define CSV_FIELDS 256

struct csv_row {
    const char *const *field; /* NUL-terminated, until the callback returns */
    size_t n;
    int64_t line;           /* of the file, from 1: the row's first line */
    struct ward_arena *mem; /* the row's */
};
typedef enum ward_code csv_row_fn(void *arg, const struct csv_row *row, struct ward_err *err);

struct csv_rows;
/* separator: ',', ';' or a tab. */
WARD_MUST enum ward_code csv_rows_open(struct ward_arena *mem, char separator, csv_row_fn *fn,
                                       void *arg, struct csv_rows **out, struct ward_err *err);
WARD_MUST enum ward_code csv_rows_feed(struct csv_rows *r, const void *bytes, size_t n,
                                       struct ward_err *err);
/* After the last byte: a last row may lack its line end. */
WARD_MUST enum ward_code csv_rows_end(struct csv_rows *r, struct ward_err *err);
void csv_rows_close(struct csv_rows *r); /* NULL is fine */

#endif
