/* load.h - what load programs share: arguments, failures that end them, and percentiles.
 *
 * Threads: struct times is one thread's. Memory: times_free. Errors: none are survived.
 */
#ifndef WARD_BENCH_LOAD_H
#define WARD_BENCH_LOAD_H

#include "common/base/status.h"

#include <stddef.h>
#include <stdint.h>

/* Ends the program unless code is OK. */
void must(enum ward_code code, const struct ward_err *err, const char *what);
/* An argument from 1 to most, or the end. */
int64_t number(const char *s, int64_t most);

struct times {
    double *ms;
    size_t n, cap;
};
void times_add(struct times *t, double ms);
double times_at(struct times *t, double quantile); /* sorts; 0 without any */
void times_free(struct times *t);

/* A number well mixed, and an id made of one: the same number, the same id. */
uint64_t mix(uint64_t x);
void uuid_of(uint64_t n, uint8_t out[16]);

#endif
