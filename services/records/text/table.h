/* table.h - reads data files: tab-separated rows after a header with their source.
 *
 * Lines that begin with '#' are the header and comments; the header must name `source:`,
 * `licence:` and `checked:` (a date). Every other line has the file's number of columns. A
 * column has no space at its ends; "-" is an empty column.
 *
 * Threads: files are read once, at start. Memory: the arena's. Errors: NOT_FOUND;
 * FAILED_PRECONDITION reason TEXT_DATA with file:line.
 */
#ifndef RECORDS_TEXT_TABLE_H
#define RECORDS_TEXT_TABLE_H

#include "common/base/arena.h"
#include "common/base/crypto.h"

#include <stddef.h>

#define TEXT_COLUMNS_MAX 10

struct text_row {
    const char *col[TEXT_COLUMNS_MAX]; /* "" for "-" */
    int line;
};
struct text_table {
    const char *file; /* "cues_en.tsv" */
    const struct text_row *row;
    size_t n;
    uint8_t sha256[WARD_SHA256_SIZE];
};

WARD_MUST enum ward_code text_table_read(struct ward_arena *mem, const char *dir,
                                         const char *file, int columns, struct text_table *out,
                                         struct ward_err *err);
/* Reads a column that must be one of `names` (NULL-terminated). *out is the index. */
WARD_MUST enum ward_code text_table_word(const struct text_table *t, const struct text_row *row,
                                         int column, const char *const *names, int *out,
                                         struct ward_err *err);

#define TEXT_DATA_FAIL(err, table, row, ...)                                                   \
    text_table_fail((err), (table)->file, (row)->line, __FILE__, __LINE__, __VA_ARGS__)
enum ward_code text_table_fail(struct ward_err *err, const char *file, int row,
                               const char *at_file, int at_line, const char *fmt, ...)
    WARD_PRINTF(6, 7);

#endif
