/* The service's side of decoding: the worker process, its slots, and the files that crashed
 * it. */
#include "common/base/clock.h"
#include "common/worker/backoff.h"
#include "common/worker/poison.h"
#include "common/worker/worker.h"
#include "services/diagnosis/decode/decode_own.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

#define START_MS 10000
#define LOOK_MS  20 /* interval at which `stop` is polled while all slots are in use */
#define KEEP     ((size_t)1 << 20)

/* A worker process and its slots. */
struct box {
    struct ward_worker *w;
    struct ward_worker_slot *slot[DECODE_SLOTS];
    bool busy[DECODE_SLOTS];
    int users;
    bool over;             /* no new files; its last user closes it */
    _Atomic bool grown;    /* the process's memory exceeds its budget */
    _Atomic bool answered; /* the process has answered at least one call */
};

struct decoding {
    struct ward_arena own;
    struct decode_config cfg;
    struct ward_poison poison;

    pthread_mutex_t lock; /* guards the following members */
    pthread_cond_t freed;
    struct box *box; /* the current worker process; NULL: not started, or ended */
    struct box pool[DECODE_SLOTS + 2];
    bool pool_used[DECODE_SLOTS + 2];
    bool alone; /* a suspect file is being decoded, without other files */
    struct ward_backoff backoff;
};

/* ---- the process; the caller holds the lock ---- */

static void news(void *arg, enum ward_worker_news what, const char *name, double n)
{
    struct box *b = arg;

    (void)name, (void)n;
    if (what == WARD_WORKER_GROWN)
        atomic_store(&b->grown, true);
}

static void shut(struct decoding *d, struct box *b)
{
    for (int i = 0; i < DECODE_SLOTS; i++)
        ward_worker_slot_close(b->slot[i]);
    ward_worker_close(b->w);
    d->pool_used[b - d->pool] = false;
}

static void retire(struct decoding *d)
{
    struct box *b = d->box;

    d->box = NULL;
    b->over = true;
    if (b->users == 0)
        shut(d, b);
}

static struct box *box_new(struct decoding *d)
{
    for (size_t i = 0; i < WARD_COUNT(d->pool); i++)
        if (!d->pool_used[i]) {
            d->pool_used[i] = true;
            memset(&d->pool[i], 0, sizeof(d->pool[i]));
            return &d->pool[i];
        }
    return NULL;
}

static enum ward_code start(struct decoding *d, struct ward_err *err)
{
    struct box *b = box_new(d);
    struct ward_worker_config how = {.job = diagnosis_decode_job.name,
                                     .name = "decode",
                                     .args = d->cfg.plugins,
                                     .n_args = strlen(d->cfg.plugins) + 1,
                                     .budget_bytes = d->cfg.budget_bytes,
                                     .most_bytes = d->cfg.most_bytes,
                                     .start_ms = START_MS,
                                     .run_ms = d->cfg.run_ms,
                                     .grace_ms = d->cfg.grace_ms,
                                     .news = news,
                                     .arg = b};
    enum ward_code code;

    if (b == NULL)
        return WARD_FAIL_REASON(err, UNAVAILABLE, "WORKER_LOST",
                                "the decoder's previous processes have not ended yet");
    ward_backoff_started(&d->backoff, ward_mono_ns());
    code = ward_worker_start(&how, &b->w, err);
    for (int i = 0; i < DECODE_SLOTS && code == WARD_OK; i++)
        code = ward_worker_slot_open(b->w, &b->slot[i], err);
    if (code != WARD_OK) {
        ward_backoff_ended(&d->backoff, ward_mono_ns());
        shut(d, b);
        return code;
    }
    d->box = b;
    return WARD_OK;
}

/* Replaces a worker process that ended or grew too large. If it had answered calls, a file
 * probably crashed it, and it is restarted at once; `poison` limits how often one file can
 * crash a process. Otherwise it is restarted after a delay. */
static enum ward_code renew(struct decoding *d, struct ward_err *err)
{
    int wait_ms;

    if (d->box != NULL && ward_worker_state(d->box->w, NULL) != WARD_OK) {
        if (atomic_load(&d->box->answered))
            d->backoff = (struct ward_backoff){0};
        else
            ward_backoff_ended(&d->backoff, ward_mono_ns());
        retire(d);
    } else if (d->box != NULL && atomic_load(&d->box->grown)) {
        retire(d);
    }
    if (d->box != NULL)
        return WARD_OK;
    wait_ms = ward_backoff_ms(&d->backoff, ward_mono_ns());
    if (wait_ms == 0)
        return start(d, err);
    WARD_FAIL_REASON(err, UNAVAILABLE, "WORKER_LOST",
                     "the decoder's process ended and restarts soon; try again");
    if (err != NULL)
        err->retry_after_ms = wait_ms;
    return WARD_UNAVAILABLE;
}

/* ---- slots ---- */

struct hold {
    struct box *b;
    int at;
    bool alone;
};

static enum ward_code go_on(const struct ward_stop *stop, struct ward_err *err)
{
    if (stop == NULL)
        return WARD_OK;
    if (ward_mono_ns() >= stop->deadline_ns)
        return WARD_FAIL(err, DEADLINE_EXCEEDED, "the deadline passed before decoding");
    if (stop->gone != NULL && stop->gone(stop->arg))
        return WARD_FAIL(err, CANCELLED, "the call was cancelled");
    return WARD_OK;
}

/* Finds a free slot. The caller holds the lock. */
static int free_slot(const struct decoding *d, bool alone)
{
    if (d->alone || (alone && d->box->users > 0))
        return -1;
    for (int i = 0; i < DECODE_SLOTS; i++)
        if (!d->box->busy[i])
            return i;
    return -1;
}

static enum ward_code take_locked(struct decoding *d, const struct ward_stop *stop,
                                  struct hold *h, struct ward_err *err)
{
    for (;;) {
        struct timespec until;

        WARD_TRY(go_on(stop, err));
        WARD_TRY(renew(d, err));
        h->at = free_slot(d, h->alone);
        if (h->at >= 0)
            break;
        clock_gettime(CLOCK_MONOTONIC, &until);
        until.tv_nsec += LOOK_MS * WARD_NS_PER_MS;
        until.tv_sec += until.tv_nsec / 1000000000;
        until.tv_nsec %= 1000000000;
        (void)pthread_cond_timedwait(&d->freed, &d->lock, &until);
    }
    h->b = d->box;
    h->b->busy[h->at] = true;
    h->b->users++;
    d->alone = h->alone;
    return WARD_OK;
}

static enum ward_code take(struct decoding *d, const struct ward_stop *stop, struct hold *h,
                           struct ward_err *err)
{
    enum ward_code code;

    pthread_mutex_lock(&d->lock);
    code = take_locked(d, stop, h, err);
    pthread_mutex_unlock(&d->lock);
    return code;
}

static void leave(struct decoding *d, const struct hold *h)
{
    ward_worker_trim(h->b->slot[h->at], KEEP);
    pthread_mutex_lock(&d->lock);
    h->b->busy[h->at] = false;
    if (h->alone)
        d->alone = false;
    if (--h->b->users == 0 && h->b->over)
        shut(d, h->b);
    pthread_cond_broadcast(&d->freed);
    pthread_mutex_unlock(&d->lock);
}

/* ---- one file ---- */

/* Checks an answer. The head is copied first, because the child process may still write to the
 * shared memory. */
static enum ward_code accept(const struct ward_answer *a, struct ward_arena *mem,
                             struct decoded *out, struct ward_err *err)
{
    struct decode_head head;
    size_t n;

    if (a->n < DECODE_AT)
        return WARD_FAIL(err, INTERNAL, "a worker process returned a malformed answer");
    memcpy(&head, a->data, sizeof(head));
    if (!ward_picture_fit(&head.is, &diagnosis_decode_limits) ||
        a->n != DECODE_AT + ward_picture_bytes(&head.is))
        return WARD_FAIL(err, INTERNAL, "a worker process returned a malformed answer");
    n = a->n - DECODE_AT;
    head.is.pixels = ward_alloc64(mem, n);
    if (head.is.pixels == NULL)
        return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory for an input");
    memcpy(head.is.pixels, a->data + DECODE_AT, n);
    diagnosis_decode_film(&head, out);
    return WARD_OK;
}

static enum ward_code run(struct hold *h, const struct decode_file *file,
                          struct ward_arena *mem, const struct ward_stop *stop,
                          struct decoded *out, bool *blamed, struct ward_err *err)
{
    struct ward_worker_slot *s = h->b->slot[h->at];
    struct ward_err why = {0};
    struct ward_answer a;
    void *room = ward_worker_room(s, file->n, &why);
    enum ward_code code = why.code;

    if (room != NULL) {
        memcpy(room, file->bytes, file->n);
        code = ward_worker_call(s, DECODE_FILE, file->n, stop, &a, &why);
        *blamed = code != WARD_OK && ward_worker_blamed(s);
    }
    if (code == WARD_OK) {
        atomic_store(&h->b->answered, true);
        return accept(&a, mem, out, err);
    }
    if (why.code == WARD_INVALID_ARGUMENT)
        atomic_store(&h->b->answered, true);
    if (err != NULL)
        *err = why;
    return code;
}

static enum ward_code in_worker(struct decoding *d, const struct decode_file *file,
                                struct ward_arena *mem, const struct ward_stop *stop,
                                struct decoded *out, struct ward_err *err)
{
    struct hold h = {.alone = false};
    bool blamed = false;
    enum ward_code code;

    if (ward_poison_any(&d->poison))
        WARD_TRY(ward_poison_check(&d->poison, file->sha256, ward_mono_ns(), &h.alone, err));
    WARD_TRY(take(d, stop, &h, err));
    code = run(&h, file, mem, stop, out, &blamed, err);
    leave(d, &h);
    if (blamed)
        ward_poison_ended(&d->poison, file->sha256, ward_mono_ns());
    else if (h.alone && (code == WARD_OK || code == WARD_INVALID_ARGUMENT))
        ward_poison_clear(&d->poison, file->sha256);
    return code;
}

enum ward_code diagnosis_decode_read(struct decoding *d, const struct decode_file *file,
                                     struct ward_arena *mem, const struct ward_stop *stop,
                                     struct decoded *out, struct ward_err *err)
{
    struct decode_head head;

    if (d->cfg.isolated)
        return in_worker(d, file, mem, stop, out, err);
    WARD_TRY(go_on(stop, err));
    WARD_TRY(diagnosis_decode_here(NULL, file->bytes, file->n, mem, &head, err));
    diagnosis_decode_film(&head, out);
    return WARD_OK;
}

/* ---- open and close ---- */

enum ward_code diagnosis_decode_open(const struct decode_config *cfg, struct decoding **out,
                                     struct ward_err *err)
{
    pthread_condattr_t attr;
    struct ward_arena own;
    struct decoding *d;

    ward_arena_init(&own, sizeof(*d) + 4096);
    d = ward_new(&own, struct decoding);
    if (d == NULL)
        return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory for decoding");
    d->own = own;
    d->cfg = *cfg;
    ward_poison_init(&d->poison, 0);
    pthread_mutex_init(&d->lock, NULL);
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&d->freed, &attr);
    pthread_condattr_destroy(&attr);
    *out = d;
    return WARD_OK;
}

void diagnosis_decode_close(struct decoding *d)
{
    struct ward_arena own;

    if (d == NULL)
        return;
    if (d->box != NULL)
        retire(d);
    ward_poison_done(&d->poison);
    pthread_cond_destroy(&d->freed);
    pthread_mutex_destroy(&d->lock);
    own = d->own;
    ward_arena_done(&own);
}

int diagnosis_decode_pid(struct decoding *d)
{
    int pid;

    pthread_mutex_lock(&d->lock);
    pid = d->box == NULL ? 0 : ward_worker_pid(d->box->w);
    pthread_mutex_unlock(&d->lock);
    return pid;
}
