/* check_testing.h - a prepared rule set, and snapshots checked with it: for unit tests.
 * Threads: one. Memory: the bench's. Errors: fail the test. */
#ifndef DOSAGE_CHECK_TESTING_H
#define DOSAGE_CHECK_TESTING_H

#include "services/dosage/check/check_text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

struct bench {
    struct ward_arena mem, run;
    struct prepared *set;
    Ward__Dosage__V1__Decision d;
    struct ward_err err;
};

static inline void bench_open(struct bench *b, const char *set)
{
    memset(b, 0, sizeof(*b));
    ward_arena_init(&b->mem, (size_t)64 << 20);
    ward_arena_init(&b->run, (size_t)64 << 20);
    assert_int_equal(prepare_set(pb(&b->mem, &ward__dosage__v1__rule_set__descriptor, set),
                                 &b->mem, &b->set, &b->err),
                     WARD_OK);
}

static inline void bench_close(struct bench *b)
{
    ward_arena_done(&b->mem);
    ward_arena_done(&b->run);
}

static inline enum ward_code bench_try(struct bench *b, const Ward__Dosage__V1__Snapshot *s)
{
    ward__dosage__v1__decision__init(&b->d);
    memset(&b->err, 0, sizeof(b->err));
    return check_with(b->set, s, &b->run, &b->d, &b->err);
}

static inline Ward__Dosage__V1__Snapshot *bench_snapshot(struct bench *b, const char *text)
{
    return pb(&b->run, &ward__dosage__v1__snapshot__descriptor, text);
}

/* "id:H id:W ..." of the findings, in their order: H hard, F final, W warning, I info. */
static inline const char *bench_told(struct bench *b)
{
    char *out = ward_strdup(&b->run, "");

    for (size_t i = 0; i < b->d.n_findings; i++) {
        const Ward__Dosage__V1__Finding *f = b->d.findings[i];

        out = ward_printf(&b->run, "%s%s%s:%c", out, i == 0 ? "" : " ", f->rule_id,
                          f->final ? 'F' : "?IWH"[f->severity]);
    }
    return out;
}

/* The findings of a snapshot that is written as text. */
static inline const char *check_told(struct bench *b, const char *snapshot)
{
    enum ward_code code = bench_try(b, bench_snapshot(b, snapshot));

    if (code != WARD_OK)
        return ward_printf(&b->run, "%s", b->err.reason);
    return bench_told(b);
}

static inline const Ward__Dosage__V1__Finding *told_finding(struct bench *b, const char *id)
{
    for (size_t i = 0; i < b->d.n_findings; i++)
        if (strcmp(b->d.findings[i]->rule_id, id) == 0)
            return b->d.findings[i];
    fail_msg("no finding %s", id);
    return NULL;
}

static inline const Ward__Dosage__V1__TraceStep *told_step(struct bench *b, const char *id)
{
    for (size_t i = 0; i < b->d.n_trace; i++)
        if (strcmp(b->d.trace[i]->rule_id, id) == 0)
            return b->d.trace[i];
    fail_msg("no trace of %s", id);
    return NULL;
}

#endif
