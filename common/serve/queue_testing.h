/* queue_testing.h - a fake model, y = 2 x with rows of two values. The test controls when it
 * runs, and its runs are recorded. Only for queue_test.c and queue_lanes_test.c. Threads:
 * fake.lock guards `fake`. Memory: the test's. Errors: cmocka's.
 */
#ifndef WARD_SERVE_QUEUE_TESTING_H
#define WARD_SERVE_QUEUE_TESTING_H

#include "common/base/clock.h"
#include "common/serve/queue_own.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define LOG_MAX 512
#define POISON  (-1000.0f) /* a value that makes a run fail */

static struct {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool shut;  /* the door is shut: runs wait */
    int inside; /* number of runs that wait or run */
    int opened, closed;
    int interrupts;
    bool interrupted;    /* the waiting run must end */
    bool mixes;          /* a row's answer depends on the other rows */
    bool short_answer;   /* the answer lacks a row */
    int each_us, row_us; /* time that the clock advances for each run, and for each row */
    int64_t now;         /* ns */
    int n;               /* number of runs; the arrays below describe each run */
    float first[LOG_MAX];
    int rows[LOG_MAX];
} fake = {.lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};

static const struct ward_known question = {.rank = 2,
                                           .shape = {1, 2},
                                           .input = "x",
                                           .output = "",
                                           .lo = 0,
                                           .hi = 1,
                                           .stride = 1,
                                           .n = 1};

static struct ward_model_io two_wide(void)
{
    struct ward_model_io io = {.size = sizeof(io), .n_in = 1, .n_out = 1};

    io.in[0] = (struct ward_io){
        .name = "x", .dtype = WARD_F32, .rank = 2, .shape = {-1, 2}, .batch_axis = 0};
    io.out[0] = io.in[0];
    memcpy(io.out[0].name, "y", 2);
    return io;
}

static enum ward_code fake_open(void *arg, void **instance, struct ward_err *err)
{
    (void)err;
    pthread_mutex_lock(&fake.lock);
    fake.opened++;
    pthread_mutex_unlock(&fake.lock);
    *instance = arg == NULL ? &fake : arg;
    return WARD_OK;
}

static void fake_close(void *instance)
{
    (void)instance;
    pthread_mutex_lock(&fake.lock);
    fake.closed++;
    pthread_mutex_unlock(&fake.lock);
}

static void fake_interrupt(void *instance)
{
    (void)instance;
    pthread_mutex_lock(&fake.lock);
    fake.interrupts++;
    fake.interrupted = true;
    pthread_cond_broadcast(&fake.changed);
    pthread_mutex_unlock(&fake.lock);
}

/* Records a run and waits while the door is shut. Returns false if the run was interrupted. */
static bool pass_door(const struct ward_tensor *in, const struct ward_stop *stop)
{
    bool on;

    pthread_mutex_lock(&fake.lock);
    if (fake.n < LOG_MAX) {
        fake.first[fake.n] = *(const float *)in->data;
        fake.rows[fake.n++] = (int)in->shape[0];
    }
    fake.inside++;
    pthread_cond_broadcast(&fake.changed);
    while (fake.shut && !fake.interrupted)
        pthread_cond_wait(&fake.changed, &fake.lock);
    on = !(fake.interrupted && stop != NULL && stop->gone(stop->arg));
    fake.inside--;
    pthread_mutex_unlock(&fake.lock);
    return on;
}

static int64_t fake_now(void)
{
    int64_t now;

    pthread_mutex_lock(&fake.lock);
    now = fake.now;
    pthread_mutex_unlock(&fake.lock);
    return now;
}

static enum ward_code fake_run(void *instance, struct ward_arena *mem,
                               const struct ward_stop *stop, const struct ward_tensor *in,
                               uint32_t n_in, struct ward_tensor *out, uint32_t *n_out,
                               struct ward_err *err)
{
    const float *x = in->data;
    int64_t rows = in->shape[0] - fake.short_answer;
    float *y;

    (void)instance;
    assert_int_equal(n_in, 1);
    assert_true(*n_out >= 1);
    if (!pass_door(in, stop))
        return WARD_FAIL(err, CANCELLED, "interrupted");
    pthread_mutex_lock(&fake.lock);
    fake.now += (fake.each_us + fake.row_us * in->shape[0]) * 1000;
    pthread_mutex_unlock(&fake.lock);
    for (int64_t i = 0; i < in->shape[0] * 2; i++)
        if (x[i] == POISON)
            return WARD_FAIL(err, INVALID_ARGUMENT, "a row that cannot be run");
    y = ward_alloc64(mem, (uint64_t)rows * 2 * sizeof(*y));
    if (y == NULL)
        return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory");
    for (int64_t i = 0; i < rows * 2; i++)
        y[i] = 2 * x[i] + (fake.mixes ? (float)in->shape[0] : 0);
    out[0] = (struct ward_tensor){.name = "y",
                                  .dtype = WARD_F32,
                                  .rank = 2,
                                  .shape = {rows, 2},
                                  .data = y,
                                  .nbytes = (uint64_t)rows * 2 * sizeof(*y)};
    *n_out = 1;
    return WARD_OK;
}

static struct ward_queue *opened(struct ward_queue_config c)
{
    static struct ward_model_io io;
    struct ward_queue *q = NULL;

    io = two_wide();
    c.name = "fake";
    c.ops.open = fake_open;
    c.ops.close = fake_close;
    c.ops.run = fake_run;
    c.ops.interrupt = fake_interrupt;
    c.ops.now = fake_now;
    c.io = &io;
    c.known = &question;
    c.scratch = 1 << 20;
    assert_int_equal(ward_queue_open(&c, &q, NULL), WARD_OK);
    pthread_mutex_lock(&fake.lock);
    fake.n = 0;
    pthread_mutex_unlock(&fake.lock);
    return q;
}

/* Uses sizes up to `rows`, regardless of warm-up. */
static void use_ladder(struct ward_queue *q, int rows)
{
    pthread_mutex_lock(&q->lock);
    q->n_rungs = 0;
    for (int r = 1; r <= rows; r *= 2) /* a batch takes as long as a single row */
        q->rung[q->n_rungs++] = (struct ward_rung){r, 1000};
    q->mean_ns = q->spread_ns = q->row_ns = 0;
    pthread_mutex_unlock(&q->lock);
}

static void shut(bool is)
{
    pthread_mutex_lock(&fake.lock);
    fake.shut = is;
    pthread_cond_broadcast(&fake.changed);
    pthread_mutex_unlock(&fake.lock);
}

static void until_inside(int n)
{
    pthread_mutex_lock(&fake.lock);
    while (fake.inside < n)
        pthread_cond_wait(&fake.changed, &fake.lock);
    pthread_mutex_unlock(&fake.lock);
}

static void until_waiting(struct ward_queue *q, int64_t rows)
{
    for (int64_t now = -1; now != rows; usleep(200)) {
        pthread_mutex_lock(&q->lock);
        now = q->lane[0].rows + q->lane[1].rows + q->lane[2].rows;
        pthread_mutex_unlock(&q->lock);
    }
}

/* ---- a call on its own thread ---- */

struct call {
    struct ward_queue *q;
    enum ward_urgency lane;
    int rows;
    float value; /* value of the first row; each further row is larger by 1 */
    int64_t deadline_ns;
    atomic_bool gone;
    int fail_at;
    pthread_t thread;
    enum ward_code code;
    struct ward_err err;
    bool right; /* each output row is twice its input row, in order */
};

static bool call_gone(const void *arg)
{
    return atomic_load(&((struct call *)(uintptr_t)arg)->gone);
}

static void *make_call(void *arg)
{
    struct call *c = arg;
    const struct ward_stop stop = {c->deadline_ns == 0 ? WARD_NO_DEADLINE : c->deadline_ns,
                                   call_gone, c};
    struct ward_tensor in = {.name = "x", .dtype = WARD_F32, .rank = 2, .shape = {c->rows, 2}},
                       out[2];
    struct ward_arena mem;
    uint32_t n = 2;
    float *x;

    ward_arena_init(&mem, 1 << 20);
    in.nbytes = (uint64_t)c->rows * 2 * sizeof(*x);
    in.data = x = ward_alloc64(&mem, in.nbytes);
    for (int i = 0; i < c->rows; i++)
        x[2 * i] = x[2 * i + 1] = c->value == POISON ? POISON : c->value + (float)i;
    mem.fail_at = c->fail_at == 0 ? 0 : mem.calls + c->fail_at;
    c->code = ward_queue_run(c->q, c->lane, &mem, &stop, &in, 1, out, &n, &c->err);
    c->right = c->code == WARD_OK && n == 1 && out[0].shape[0] == c->rows &&
               strcmp(out[0].name, "y") == 0;
    for (int i = 0; c->right && i < 2 * c->rows; i++)
        c->right = ((float *)out[0].data)[i] == 2 * x[i];
    ward_arena_done(&mem);
    return NULL;
}

static void begin(struct call *c)
{
    assert_int_equal(pthread_create(&c->thread, NULL, make_call, c), 0);
}

static void end(struct call *c, enum ward_code want)
{
    pthread_join(c->thread, NULL);
    assert_int_equal(c->code, want);
    if (want == WARD_OK)
        assert_true(c->right);
}

/* Begins a call that holds an instance until the door opens. */
static void occupy(struct call *c, struct ward_queue *q, enum ward_urgency lane)
{
    int already;

    shut(true);
    pthread_mutex_lock(&fake.lock);
    already = fake.inside;
    pthread_mutex_unlock(&fake.lock);
    *c = (struct call){.q = q, .lane = lane, .rows = 1, .value = 7000};
    begin(c);
    until_inside(already + 1);
}

static int reset_fake(void **state)
{
    (void)state;
    fake.shut = fake.interrupted = fake.mixes = fake.short_answer = false;
    fake.n = fake.interrupts = fake.opened = fake.closed = fake.each_us = fake.row_us = 0;
    return 0;
}

static int all_closed(void **state)
{
    (void)state;
    return fake.opened == fake.closed ? 0 : 1;
}

#define QUEUE(f) cmocka_unit_test_setup_teardown(f, reset_fake, all_closed)

#endif
