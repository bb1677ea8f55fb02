#include "load.h"

#include "common/base/text.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void must(enum ward_code code, const struct ward_err *err, const char *what)
{
    if (code == WARD_OK)
        return;
    fprintf(stderr, "%s: %s: %s %s [%s]\n", program_invocation_short_name, what, err->msg,
            err->reason, err->detail);
    exit(1);
}

int64_t number(const char *s, int64_t most)
{
    int64_t v = 0;

    if (!ward_i64(s, 1, most, &v)) {
        fprintf(stderr, "%s: %s is not a number from 1 to %lld\n",
                program_invocation_short_name, s, (long long)most);
        exit(2);
    }
    return v;
}

void times_add(struct times *t, double ms)
{
    if (t->n == t->cap) {
        t->cap = t->cap == 0 ? 4096 : 2 * t->cap;
        t->ms = realloc(t->ms, t->cap * sizeof(double));
        WARD_ASSERT(t->ms != NULL);
    }
    t->ms[t->n++] = ms;
}

static int less(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

double times_at(struct times *t, double quantile)
{
    if (t->n == 0)
        return 0;
    qsort(t->ms, t->n, sizeof(double), less);
    return t->ms[(size_t)(quantile * (double)(t->n - 1))];
}

void times_free(struct times *t)
{
    free(t->ms);
    *t = (struct times){0};
}

uint64_t mix(uint64_t x)
{
    x += 0x9e3779b97f4a7c15u;
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
    return x ^ (x >> 31);
}

void uuid_of(uint64_t n, uint8_t out[16])
{
    uint64_t high = mix(n), low = mix(high);

    memcpy(out, &high, 8);
    memcpy(out + 8, &low, 8);
    out[6] = (uint8_t)((out[6] & 0x0f) | 0x40);
    out[8] = (uint8_t)((out[8] & 0x3f) | 0x80);
}
