/* isolate_testing.h - a set with one model of a faulty back end (tests/faults) in a worker
 * process, and its queue: for isolate_test.c alone.
 *
 * Threads: the test's; `look` runs on a worker's watching thread. Memory: the test's. Errors:
 * cmocka's.
 */
#ifndef WARD_SERVE_ISOLATE_TESTING_H
#define WARD_SERVE_ISOLATE_TESTING_H

#include "common/base/clock.h"
#include "common/base/crypto.h"
#include "common/base/text.h"
#include "common/serve/isolate.h"
#include "common/serve/serve.h"

#include <limits.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#define MIB ((size_t)1 << 20)

static char faults[PATH_MAX], plugins[PATH_MAX], models[64], sha256[65];

/* A set with one model, its queue, and the set's requests to `look`. */
struct site {
    struct ward_isolation isolation;
    struct ward_serve *serve;
    struct ward_serve_engine *canary;
    struct ward_serve_member member;
    struct ward_queue *queue;
    struct ward_arena mem;
    unsigned moves;
    _Atomic int looks, delay_ms;
};

static const struct ward_known known = {.rank = 4,
                                        .shape = {1, 1, 2, 2},
                                        .input = "image",
                                        .output = "logit",
                                        .lo = 0.25f,
                                        .hi = 0.25f,
                                        .stride = 1,
                                        .n = 1,
                                        .want = {0.25f},
                                        .tolerance = 1e-5f};

static inline void look(void *arg, int delay_ms)
{
    struct site *s = arg;

    s->delay_ms = delay_ms;
    s->looks++;
}

static inline void nap(void)
{
    nanosleep(&(struct timespec){.tv_nsec = WARD_NS_PER_MS}, NULL);
}

static inline struct site *opened(const char *plugin, const char *model,
                                  struct ward_isolation isolation)
{
    struct site *s = calloc(1, sizeof(*s));
    struct ward_serve_config cfg = {.plugins = faults,
                                    .models = models,
                                    .order = plugin,
                                    .fallback = "deny",
                                    .isolation = &s->isolation};
    struct ward_err err = {0};

    assert_non_null(s);
    s->isolation = isolation;
    s->isolation.look = look;
    s->isolation.arg = s;
    cfg.model[0] = (struct ward_serve_model){
        .name = model, .file = "weights", .sha256 = sha256, .known = &known};
    ward_arena_init(&s->mem, 16 * MIB);
    if (ward_serve_open(&cfg, &s->serve, &err) != WARD_OK)
        fail_msg("%s (%s)", err.msg, err.detail);
    assert_int_equal(ward_serve_engine_open(s->serve, &s->canary, NULL), WARD_OK);
    s->member = (struct ward_serve_member){s->serve, 0};
    s->moves = ward_serve_generation(s->serve);
    if (ward_serve_queue(&s->member,
                         &(struct ward_queue_config){.instances = 2, .poison_ms = 60000},
                         &s->queue, &err) != WARD_OK)
        fail_msg("%s (%s)", err.msg, err.detail);
    return s;
}

static inline void closed(struct site *s)
{
    ward_queue_close(s->queue);
    ward_serve_engine_close(s->canary);
    ward_serve_close(s->serve);
    ward_arena_done(&s->mem);
    free(s);
}

/* Runs a row of four equal values. */
static inline enum ward_code run(struct site *s, float v, int64_t deadline_ns, float *logit,
                                 struct ward_err *err)
{
    const struct ward_stop stop = {.deadline_ns = deadline_ns};
    struct ward_tensor out[2], in = {.name = "image",
                                     .dtype = WARD_F32,
                                     .rank = 4,
                                     .shape = {1, 1, 2, 2},
                                     .nbytes = 4 * sizeof(float)};
    uint32_t n = 2;
    enum ward_code code;
    float *values;

    ward_arena_reset(&s->mem);
    in.data = values = ward_alloc64(&s->mem, in.nbytes);
    for (int i = 0; i < 4; i++)
        values[i] = v;
    code = ward_queue_run(s->queue, WARD_ROUTINE, &s->mem, &stop, &in, 1, out, &n, err);
    if (code == WARD_OK) {
        assert_int_equal(n, 1);
        assert_string_equal(out[0].name, "logit");
        assert_int_equal(out[0].nbytes, sizeof(float));
        *logit = *(const float *)out[0].data;
    }
    return code;
}

static inline void answers(struct site *s, float v)
{
    struct ward_err err = {0};
    float logit = -1;

    if (run(s, v, WARD_NO_DEADLINE, &logit, &err) != WARD_OK)
        fail_msg("%s %s (%s)", err.reason, err.msg, err.detail);
    assert_true(logit > v - 1e-5f && logit < v + 1e-5f);
}

/* Acts as the canary's thread: waits for `look`, then checks until no start is pending. */
static inline enum ward_code looked(struct site *s, struct ward_err *err)
{
    enum ward_code code;

    while (atomic_load(&s->looks) == 0)
        nap();
    for (;;) {
        atomic_store(&s->looks, 0);
        code = ward_serve_known(s->canary, &s->mem, err);
        if (code == WARD_OK)
            code = ward_serve_follow(&s->member, s->queue, &s->moves, err);
        ward_arena_reset(&s->mem);
        if (strcmp(err->reason, "WORKER_LOST") != 0 || code == WARD_OK)
            return code;
        nap(); /* the next start is delayed */
    }
}

#endif
