/* csv.h - RFC 4180: fields quoted where they must be, lines ended with CR LF.
 *
 * A text that a spreadsheet would take for a formula (it begins with =, +, -, @, a tab or a
 * carriage return) gets a ' before it: what people named something must not run on the machine
 * of who opens the file.
 *
 * Threads: one's own. Memory: the caller's buffer. Errors: `full` stays true once something did
 * not fit, and then the buffer is of no use.
 */
#ifndef IDENTITY_ACCESS_CSV_H
#define IDENTITY_ACCESS_CSV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct csv {
    char *at;
    size_t n, cap;
    bool full, inside; /* inside: the line has a field */
};
void csv_text(struct csv *c, const char *s);
void csv_int(struct csv *c, int64_t v);
void csv_end_line(struct csv *c);

#endif
