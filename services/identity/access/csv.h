/* csv.h - RFC 4180: fields quoted if necessary, lines ended with CR LF.
 *
 * A text that a spreadsheet would interpret as a formula (it begins with =, +, -, @, a tab or a
 * carriage return) is prefixed with ': names must not execute on the machine of a person who
 * opens the file.
 *
 * Threads: one's own. Memory: the caller's buffer. Errors: `full` remains true after an
 * overflow, and the buffer is then invalid.
 */
#ifndef IDENTITY_ACCESS_CSV_H
#define IDENTITY_ACCESS_CSV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct csv {
    char *at;
    size_t n, cap;
    bool full, inside; /* internal: the line has a field */
};
void csv_text(struct csv *c, const char *s);
void csv_int(struct csv *c, int64_t v);
void csv_end_line(struct csv *c);

#endif
