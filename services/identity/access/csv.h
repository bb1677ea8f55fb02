/* csv.h - RFC 4180: fields quoted if necessary, lines ended with CR LF.
 *
 * A text that a spreadsheet would interpret as a formula (it begins with =, +, -, @, a tab or a
 * carriage return) is prefixed with an apostrophe. A name must not run as a formula on the
 * reader's computer.
 *
 * Threads: each thread uses its own object. Memory: the caller's buffer. Errors: after an
 * overflow `full` is true, and the buffer is invalid. */
#ifndef IDENTITY_ACCESS_CSV_H
#define IDENTITY_ACCESS_CSV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct csv {
    char *at;
    size_t n, cap;
    bool full, inside; /* `inside` is internal: the current line has at least one field */
};
void csv_text(struct csv *c, const char *s);
void csv_int(struct csv *c, int64_t v);
void csv_end_line(struct csv *c);

#endif
