/* sql.h - builds one statement from constant fragments with every value bound.
 *
 * Threads: call from a worker's thread; sql_shape has a lock. Memory: the call's arena. Errors:
 * RESOURCE_EXHAUSTED from sql_run if the text or the values did not fit.
 */
#ifndef RECORDS_SEARCH_SQL_H
#define RECORDS_SEARCH_SQL_H

#include "services/records/records.h"

#define SQL_TEXT   ((size_t)48 << 10)
#define SQL_VALUES 1000

struct sql {
    struct ward_arena *mem;
    char *text;
    size_t n;
    struct ward_val *value;
    size_t n_values;
    bool full;
};
WARD_MUST enum ward_code sql_begin(struct sql *q, struct ward_arena *mem, struct ward_err *err);
/* Adds a constant fragment of the program, never a value. */
void sql_put(struct sql *q, const char *fragment);
void sql_bind(struct sql *q, struct ward_val v);
/* Each adds a fragment with one "?" and binds the value. */
void sql_put_int(struct sql *q, const char *fragment, int64_t v);
void sql_put_num(struct sql *q, const char *fragment, double v);
void sql_put_blob(struct sql *q, const char *fragment, const void *p, size_t n);
/* Adds "(?,?,?,?)" for n values; value(arg, i) returns the i-th value. n is rounded up to the
 * next power of two by repeating the last value, so that few different texts are prepared. */
typedef struct ward_val sql_value_fn(const void *arg, size_t i);
void sql_list(struct sql *q, sql_value_fn *value, const void *arg, size_t n);
/* Adds ",?,?,?,?" for n values: further arguments of a function. */
void sql_more(struct sql *q, sql_value_fn *value, const void *arg, size_t n);
WARD_MUST enum ward_code sql_run(struct sql *q, struct ward_db *db, struct ward_rows *out,
                                 struct ward_err *err);
/* Returns the process's copy of a text, because a statement is prepared once for each address.
 * After SQL_SHAPES texts, returns the caller's text, which is prepared each time. */
#define SQL_SHAPES 1024
const char *sql_shape(const char *text);

#endif
