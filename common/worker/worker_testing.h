/* worker_testing.h - a job for tests of workers. Requests make its process crash, hang, leak or
 * misbehave. The test program is also the worker program.
 *
 * Threads, memory, errors: job.h's.
 */
#ifndef WARD_WORKER_WORKER_TESTING_H
#define WARD_WORKER_WORKER_TESTING_H

#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/worker/job.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#define MIB ((size_t)1 << 20)

enum trial_op {
    TRIAL_ECHO = 1,
    TRIAL_GROW, /* answers with `n` bytes, each equal to its index */
    TRIAL_CRASH,
    TRIAL_ABORT,
    TRIAL_EXIT,
    TRIAL_HANG, /* ignores requests to stop */
    TRIAL_SLOW, /* runs until a request to stop */
    TRIAL_LEAK, /* allocates n bytes and writes to them */
    /* Tries all forbidden operations; each successful one sets a bit in the answer. */
    TRIAL_TRY,
    TRIAL_FILE,  /* ask: returns the first bytes of the passed file */
    TRIAL_FAIL,  /* fails with a message */
    TRIAL_EXEC,  /* executes a program */
    TRIAL_FREEZE /* ask: the main thread never returns */
};

#define TRIAL_WROTE_FILE 1u
#define TRIAL_READ_FILE  2u
#define TRIAL_SOCKET     4u
#define TRIAL_FORKED     8u
#define TRIAL_SIGNALLED  16u
#define TRIAL_MADE_CODE  32u
#define TRIAL_LIMITED    64u
#define TRIAL_ATTACHED   128u

static inline enum ward_code trial_open(const void *args, size_t n, void **state,
                                        enum ward_reach *reach, struct ward_err *err)
{
    (void)state;
    if (n == 7 && memcmp(args, "refuses", 7) == 0)
        return WARD_FAIL_REASON(err, NOT_FOUND, "TRIAL", "it does not open");
    if (n == 7 && memcmp(args, "crashes", 7) == 0)
        raise(SIGSEGV);
    if (n == 7 && memcmp(args, "devices", 7) == 0)
        *reach = WARD_REACH_DEVICES;
    if (n == 5 && memcmp(args, "hangs", 5) == 0)
        for (;;)
            pause();
    WARD_LOG(INFO, "trial is open", WARD_KN("args", n));
    ward_job_count("trial_opened", 1);
    return WARD_OK;
}

static inline enum ward_code trial_ask(void *state, struct ward_job_ask *a,
                                       struct ward_err *err)
{
    (void)state;
    if (a->op == TRIAL_FREEZE)
        for (;;)
            pause();
    if (a->op == TRIAL_CRASH)
        raise(SIGSEGV);
    if (a->op == TRIAL_FAIL)
        return WARD_FAIL_REASON(err, NOT_FOUND, "TRIAL", "the words of a worker");
    if (a->op == TRIAL_FILE) {
        a->n_out = 5;
        return pread(a->fd, a->out, 5, 0) == 5 ? WARD_OK
                                               : WARD_FAIL(err, INTERNAL, "cannot read");
    }
    memcpy(a->out, a->in, a->n_in);
    a->n_out = a->n_in;
    return WARD_OK;
}

static inline bool trial_ran_code(void)
{
    void *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    return p != MAP_FAILED && mprotect(p, 4096, PROT_READ | PROT_EXEC) == 0;
}

static inline uint32_t trial_tries(void)
{
    struct rlimit r = {1 << 20, 1 << 20};
    uint32_t could = 0;
    int fd;

    fd = open("/tmp/ward-worker-trial", O_CREAT | O_WRONLY, 0600);
    could |= fd >= 0 ? TRIAL_WROTE_FILE : 0;
    fd = open("/etc/passwd", O_RDONLY);
    could |= fd >= 0 ? TRIAL_READ_FILE : 0;
    fd = socket(AF_INET, SOCK_STREAM, 0);
    could |= fd >= 0 ? TRIAL_SOCKET : 0;
    could |= kill(getppid(), 0) == 0 ? TRIAL_SIGNALLED : 0;
    could |= trial_ran_code() ? TRIAL_MADE_CODE : 0;
    could |= prlimit(getppid(), RLIMIT_NOFILE, &r, NULL) == 0 ? TRIAL_LIMITED : 0;
    return could;
}

static inline enum ward_code trial_slow(const struct ward_job_call *c, struct ward_err *err)
{
    while (!c->stop->gone(c->stop->arg))
        nanosleep(&(struct timespec){.tv_nsec = WARD_NS_PER_MS}, NULL);
    return WARD_FAIL(err, CANCELLED, "it was told to stop");
}

static inline void trial_leak(const unsigned char *in)
{
    size_t n;
    volatile char *p;

    memcpy(&n, in, sizeof(n));
    p = malloc(n);
    WARD_ASSERT(p != NULL);
    for (size_t i = 0; i < n; i += 4096)
        p[i] = 1;
}

static inline enum ward_code trial_answers(struct ward_job_call *c, const void *from, size_t n,
                                           struct ward_err *err)
{
    unsigned char *out = ward_job_answer(c, n);

    if (out == NULL)
        return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory for an answer");
    for (size_t i = 0; i < n; i++)
        out[i] = from == NULL ? (unsigned char)(i % 251) : ((const unsigned char *)from)[i];
    return WARD_OK;
}

static inline enum ward_code trial_call(void *state, int slot, struct ward_job_call *c,
                                        struct ward_err *err)
{
    uint32_t could;
    size_t n;

    (void)state, (void)slot;
    switch (c->op) {
    case TRIAL_GROW:
        memcpy(&n, c->in, sizeof(n));
        return trial_answers(c, NULL, n, err);
    case TRIAL_CRASH:
        raise(SIGSEGV);
        break;
    case TRIAL_ABORT:
        raise(SIGABRT);
        break;
    case TRIAL_EXIT:
        _exit(3);
    case TRIAL_HANG:
        for (;;)
            pause();
    case TRIAL_SLOW:
        return trial_slow(c, err);
    case TRIAL_LEAK:
        trial_leak(c->in);
        break;
    case TRIAL_TRY:
        could = trial_tries();
        return trial_answers(c, &could, sizeof(could), err);
    case TRIAL_EXEC:
        execl("/bin/true", "true", (char *)NULL);
        break;
    default:
        break;
    }
    return trial_answers(c, c->in, c->n_in, err);
}

static const struct ward_job trial_job = {
    .name = "trial", .open = trial_open, .ask = trial_ask, .call = trial_call};
static const struct ward_job *const trial_jobs[] = {&trial_job, NULL};

/* The news that the worker's owner received. */
struct heard {
    _Atomic int ended, grown, counted;
    char how[128], counted_name[64];
};

static inline void news(void *arg, enum ward_worker_news what, const char *name, double n)
{
    struct heard *h = arg;

    if (what == WARD_WORKER_ENDED) {
        snprintf(h->how, sizeof(h->how), "%s", name);
        h->ended++;
    } else if (what == WARD_WORKER_GROWN) {
        h->grown++;
    } else {
        snprintf(h->counted_name, sizeof(h->counted_name), "%s", name);
        h->counted += (int)n;
    }
}

static inline void nap(int ms)
{
    nanosleep(&(struct timespec){.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * WARD_NS_PER_MS},
              NULL);
}

/* Waits for another thread; only the test's own timeout limits the wait. */
static inline void until(_Atomic int *at)
{
    while (atomic_load(at) == 0)
        nap(1);
}

static inline struct ward_worker *started_with(struct ward_worker_config cfg, struct heard *h)
{
    struct ward_worker *w = NULL;
    struct ward_err err = {0};

    memset(h, 0, sizeof(*h));
    cfg.job = "trial";
    cfg.name = cfg.name == NULL ? "trial" : cfg.name;
    cfg.news = news;
    cfg.arg = h;
    if (ward_worker_start(&cfg, &w, &err) != WARD_OK)
        fail_msg("%s (%s)", err.msg, err.detail);
    return w;
}

static inline struct ward_worker *started(struct heard *h)
{
    return started_with((struct ward_worker_config){.grace_ms = 100, .run_ms = 10000}, h);
}

static inline struct ward_worker_slot *slot_of(struct ward_worker *w)
{
    struct ward_worker_slot *s = NULL;

    assert_int_equal(ward_worker_slot_open(w, &s, NULL), WARD_OK);
    return s;
}

static inline enum ward_code call(struct ward_worker_slot *s, uint32_t op, const void *in,
                                  size_t n, const struct ward_stop *stop,
                                  struct ward_answer *out, struct ward_err *err)
{
    void *room = ward_worker_room(s, n, err);
    struct ward_answer ignored;

    if (room == NULL)
        return err->code;
    memcpy(room, in, n);
    return ward_worker_call(s, op, n, stop, out == NULL ? &ignored : out, err);
}

static inline void ends(uint32_t op, const char *how)
{
    struct heard h;
    struct ward_worker *w = started(&h);
    struct ward_worker_slot *s = slot_of(w);
    struct ward_err err = {0};

    assert_int_equal(call(s, op, "x", 1, NULL, NULL, &err), WARD_UNAVAILABLE);
    assert_string_equal(err.reason, "WORKER_LOST");
    assert_non_null(strstr(err.msg, how));
    assert_true(err.retry_after_ms > 0);
    until(&h.ended);
    assert_string_equal(h.how, how);
    assert_int_equal(ward_worker_state(w, &err), WARD_UNAVAILABLE);
    assert_non_null(strstr(err.msg, how));
    assert_int_equal(call(s, TRIAL_ECHO, "x", 1, NULL, NULL, &err), WARD_UNAVAILABLE);
    ward_worker_slot_close(s);
    ward_worker_close(w);
}

#endif
