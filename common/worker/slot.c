/* Slots: memory shared with the child, and calls through this memory. */
#include "common/base/clock.h"
#include "common/worker/own.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#define FIRST    ((size_t)256 << 10) /* initial size of a slot's data */
#define ROOM_OUT ((size_t)64 << 10)  /* minimum room for an answer */
#define LOOK_NS  (5 * WARD_NS_PER_MS)

static size_t up64(size_t n)
{
    return (n + 63) & ~(size_t)63;
}

static unsigned char *data_of(const struct ward_worker_slot *s)
{
    return (unsigned char *)s->head + SLOT_PAGE;
}

/* ---- memory ---- */

/* Creates sealed memory, so that the child cannot shrink the file that this process has
 * mapped. */
static struct slot_head *map_new(size_t size, int *fd)
{
    void *p = MAP_FAILED;

    *fd = worker_memfd("ward-slot");
    if (*fd < 0)
        return NULL;
    if (ftruncate(*fd, (off_t)size) == 0 &&
        fcntl(*fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) == 0)
        p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, *fd, 0);
    if (p == MAP_FAILED) {
        close(*fd);
        return NULL;
    }
    return p;
}

/* Allocates new memory for the slot and passes it to the child. */
static enum ward_code move(struct ward_worker_slot *s, size_t data, struct ward_err *err)
{
    struct ward_worker *w = s->w;
    const struct channel_head head = {.kind = SAID_SLOT, .at = (uint32_t)s->at};
    const uint64_t size = SLOT_PAGE + ((data + SLOT_PAGE - 1) & ~(uint64_t)(SLOT_PAGE - 1));
    struct slot_head *new, *old;
    size_t old_size;
    enum ward_code code;
    int fd;

    if (data > w->cfg.slot_bytes)
        return WARD_FAIL(err, RESOURCE_EXHAUSTED,
                         "an input or answer is too large for a worker process");
    new = map_new(size, &fd);
    if (new == NULL)
        return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory for a worker's slot");
    pthread_mutex_lock(&w->asking);
    code = worker_exchange(w, &head, &size, sizeof(size), fd, err);
    if (code == WARD_OK)
        code = failure_get(&w->reply.head.failure, err);
    pthread_mutex_unlock(&w->asking);
    close(fd);
    if (code != WARD_OK) {
        munmap(new, size);
        return code;
    }
    /* The watching thread wakes waiters on s->head under this lock. */
    pthread_mutex_lock(&w->lock);
    old = s->head;
    old_size = s->size;
    s->head = new;
    s->size = size;
    pthread_mutex_unlock(&w->lock);
    if (old != NULL)
        munmap(old, old_size);
    return WARD_OK;
}

enum ward_code ward_worker_slot_open(struct ward_worker *w, struct ward_worker_slot **out,
                                     struct ward_err *err)
{
    struct ward_worker_slot *s = calloc(1, sizeof(*s));
    enum ward_code code;

    if (s == NULL)
        return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory for a worker's slot");
    s->w = w;
    s->at = -1;
    pthread_mutex_lock(&w->lock);
    for (int i = 0; i < WARD_WORKER_SLOTS && s->at < 0; i++)
        if (!w->slot_taken[i]) {
            w->slot_taken[i] = true;
            s->at = i;
        }
    pthread_mutex_unlock(&w->lock);
    code = s->at < 0 ? WARD_FAIL(err, RESOURCE_EXHAUSTED,
                                 "a worker process has at most %d "
                                 "slots",
                                 WARD_WORKER_SLOTS)
                     : move(s, FIRST, err);
    if (code != WARD_OK) {
        ward_worker_slot_close(s);
        return code;
    }
    pthread_mutex_lock(&w->lock);
    w->slot[s->at] = s;
    pthread_mutex_unlock(&w->lock);
    *out = s;
    return WARD_OK;
}

void ward_worker_slot_close(struct ward_worker_slot *s)
{
    if (s == NULL)
        return;
    if (s->at >= 0) {
        pthread_mutex_lock(&s->w->lock);
        s->w->slot[s->at] = NULL;
        s->w->slot_taken[s->at] = false;
        pthread_mutex_unlock(&s->w->lock);
    }
    if (s->head != NULL) {
        ward_worker_trim(s, 0); /* the child maps this memory until the slot is used again */
        munmap(s->head, s->size);
    }
    free(s);
}

int ward_worker_slot_number(const struct ward_worker_slot *s)
{
    return s->at;
}

void *ward_worker_room(struct ward_worker_slot *s, size_t n, struct ward_err *err)
{
    if (n > s->w->cfg.slot_bytes) {
        WARD_FAIL(err, RESOURCE_EXHAUSTED, "an input is too large for a worker process");
        return NULL;
    }
    if (up64(n) + ROOM_OUT > s->size - SLOT_PAGE && move(s, up64(n) + ROOM_OUT, err) != WARD_OK)
        return NULL;
    return data_of(s);
}

void ward_worker_trim(struct ward_worker_slot *s, size_t keep)
{
    const size_t from = SLOT_PAGE + ((keep + SLOT_PAGE - 1) & ~(size_t)(SLOT_PAGE - 1));

    if (from < s->size)
        (void)madvise((unsigned char *)s->head + from, s->size - from, MADV_REMOVE);
}

/* ---- calls ---- */

bool ward_worker_blamed(const struct ward_worker_slot *s)
{
    return atomic_load(&s->blamed);
}

void ward_worker_stop(struct ward_worker_slot *s)
{
    const struct channel_head head = {
        .kind = SAID_STOP, .at = (uint32_t)s->at, .n = atomic_load(&s->call)};

    if (!atomic_load(&s->calling) || atomic_load(&s->w->dead) ||
        atomic_exchange(&s->told, true))
        return;
    (void)channel_send(s->w->fd, &head, NULL, 0, -1, MSG_DONTWAIT);
}

static bool should_stop(const struct ward_stop *stop, int64_t now)
{
    return stop != NULL &&
           (now >= stop->deadline_ns || (stop->gone != NULL && stop->gone(stop->arg)));
}

static enum ward_code stopped(const struct ward_stop *stop, struct ward_err *err)
{
    if (ward_mono_ns() >= stop->deadline_ns)
        return WARD_FAIL(err, DEADLINE_EXCEEDED,
                         "the deadline passed while a worker process ran");
    return WARD_FAIL(err, CANCELLED, "the call was cancelled");
}

static int64_t next_look(const struct ward_stop *stop, bool stopping, int64_t now,
                         int64_t limit)
{
    int64_t at = limit;

    if (stop == NULL || stopping)
        return at;
    if (stop->gone != NULL && now + LOOK_NS < at)
        at = now + LOOK_NS;
    return stop->deadline_ns < at ? stop->deadline_ns : at;
}

/* Waits until the call is answered or the process has ended. Ends the process if the call
 * exceeds its time limit, or does not stop within the grace period. */
static enum ward_code await(struct ward_worker_slot *s, const struct ward_stop *stop,
                            struct ward_err *err)
{
    struct ward_worker *w = s->w;
    struct slot_head *h = s->head;
    int64_t limit = ward_mono_ns() + w->cfg.run_ms * WARD_NS_PER_MS;
    bool stopping = false;
    uint32_t turn;

    while ((turn = atomic_load(&h->turn)) != TURN_ANSWERED) {
        int64_t now = ward_mono_ns();

        if (atomic_load(&w->dead))
            return stopping ? stopped(stop, err) : worker_lost(w, err);
        if (!stopping && should_stop(stop, now)) {
            stopping = true;
            ward_worker_stop(s);
            if (now + w->cfg.grace_ms * WARD_NS_PER_MS < limit)
                limit = now + w->cfg.grace_ms * WARD_NS_PER_MS;
        }
        if (now >= limit) {
            atomic_store(&s->blamed, true);
            worker_end(w, ENDED_HANG);
            /* From now on, only the watching thread wakes this thread. */
            limit = WARD_NO_DEADLINE;
        }
        futex_wait(&h->turn, turn, next_look(stop, stopping, now, limit));
    }
    return WARD_OK;
}

static enum ward_code exchange(struct ward_worker_slot *s, const struct ward_stop *stop,
                               struct ward_err *err)
{
    s->head->call = atomic_fetch_add(&s->call, 1) + 1;
    atomic_store(&s->told, false);
    atomic_store(&s->head->turn, TURN_ASKED);
    futex_wake(&s->head->turn);
    return await(s, stop, err);
}

/* Gets an answer that did not fit, after making the slot larger. */
static enum ward_code take_again(struct ward_worker_slot *s, uint64_t need,
                                 const struct ward_stop *stop, struct ward_err *err)
{
    struct slot_head *h;

    WARD_TRY(move(s, need, err));
    h = s->head;
    h->take = 1;
    h->in_n = 0;
    h->out_at = 0;
    h->out_cap = s->size - SLOT_PAGE;
    return exchange(s, stop, err);
}

static enum ward_code call(struct ward_worker_slot *s, uint32_t op, size_t n,
                           const struct ward_stop *stop, struct ward_answer *out,
                           struct ward_err *err)
{
    struct slot_head *h = s->head;
    uint64_t out_at = up64(n), cap = s->size - SLOT_PAGE - out_at, got;

    h->op = op;
    h->take = 0;
    h->in_n = n;
    h->out_at = out_at;
    h->out_cap = cap;
    WARD_TRY(exchange(s, stop, err));
    WARD_TRY(failure_get(&h->failure, err));
    got = h->out_n;
    if (got > cap) {
        WARD_TRY(take_again(s, got, stop, err));
        WARD_TRY(failure_get(&s->head->failure, err));
        out_at = 0;
        if (s->head->out_n != got)
            return WARD_FAIL(err, INTERNAL, "a worker process's answer changed its size");
    }
    *out = (struct ward_answer){data_of(s) + out_at, (size_t)got};
    return WARD_OK;
}

enum ward_code ward_worker_call(struct ward_worker_slot *s, uint32_t op, size_t n,
                                const struct ward_stop *stop, struct ward_answer *out,
                                struct ward_err *err)
{
    struct ward_worker *w = s->w;
    const int64_t began = ward_mono_ns();
    enum ward_code code;

    /* Cleared first, because this call may fail before it reaches the process. */
    atomic_store(&s->blamed, false);
    if (atomic_load(&w->dead))
        return worker_lost(w, err);
    if (should_stop(stop, began))
        return stopped(stop, err);
    WARD_ASSERT(up64(n) <= s->size - SLOT_PAGE);
    atomic_fetch_add(&w->calls, 1);
    atomic_store(&s->calling, true);
    code = call(s, op, n, stop, out, err);
    atomic_store(&s->calling, false);
    atomic_fetch_add(&w->busy_ns, ward_mono_ns() - began);
    atomic_fetch_sub(&w->calls, 1);
    return code;
}
