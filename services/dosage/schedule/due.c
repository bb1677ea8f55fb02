#include "services/dosage/schedule/due_own.h"

#include "common/base/clock.h"
#include "common/base/log.h"

#include <string.h>
#include <time.h>

#define KEEP_MEM ((size_t)256 << 10)
#define LOOK_MS  500 /* shorter than a second, so that changes are sent within a second */
#define RETRY_MS 5000

static struct timespec in_ms(int ms)
{
    int64_t ns = ward_mono_ns() + ms * WARD_NS_PER_MS;

    return (struct timespec){.tv_sec = ns / 1000000000, .tv_nsec = ns % 1000000000};
}

/* ---- boards ---- */

static void free_board(struct due_board *b)
{
    struct ward_arena mem = b->mem;

    ward_arena_done(&mem);
}

/* Call with d->lock locked. */
static void let_go(struct due_board *b)
{
    if (b != NULL && --b->readers == 0)
        free_board(b);
}

void due_let_go(struct due_watch *d, struct due_board *b)
{
    pthread_mutex_lock(&d->lock);
    let_go(b);
    pthread_mutex_unlock(&d->lock);
}

/* Source: FNV-1a, 64 bits (Fowler, Noll, Vo; draft-eastlake-fnv). */
static uint64_t number_of(const uint8_t *bytes, size_t n)
{
    uint64_t h = UINT64_C(0xcbf29ce484222325);

    for (size_t i = 0; i < n; i++)
        h = (h ^ bytes[i]) * UINT64_C(0x100000001b3);
    return h;
}

static enum ward_code number_slots(struct due_board *b, struct ward_err *err)
{
    size_t cap = 0;
    uint8_t *bytes = NULL;

    b->says = ward_alloc(&b->mem, b->board.n * sizeof(*b->says));
    for (size_t i = 0; i < b->board.n; i++) {
        const ProtobufCMessage *slot = &b->board.slots[i]->base;
        size_t n = protobuf_c_message_get_packed_size(slot);

        if (n > cap)
            bytes = ward_alloc(&b->mem, cap = 2 * n);
        if (bytes == NULL || b->says == NULL)
            return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory for a ward's doses");
        b->says[i] = number_of(bytes, protobuf_c_message_pack(slot, bytes));
    }
    return WARD_OK;
}

static enum ward_code fill(struct due_watch *d, struct due_board *b, const char *ward,
                           struct ward_err *err)
{
    ward_db_deadline(d->worker->event_ctx.db, WARD_NO_DEADLINE);
    WARD_TRY(board_read(d->worker, &b->mem, ward, ward_wall_us(), &b->board, err));
    WARD_TRY(number_slots(b, err));
    b->read_ns = ward_mono_ns();
    return WARD_OK;
}

static struct due_board *read_board(struct due_watch *d, const char *ward)
{
    struct ward_err err = {0};
    struct ward_arena mem;
    struct due_board *b;

    ward_arena_init(&mem, DOSAGE_ARENA);
    b = ward_new(&mem, struct due_board);
    if (b == NULL)
        return NULL;
    b->mem = mem;
    b->readers = 1;
    if (fill(d, b, ward, &err) == WARD_OK)
        return b;
    ward_log_err(WARD_LOG_WARN, "a followed ward's doses could not be read", &err);
    free_board(b);
    return NULL;
}

/* ---- the thread ---- */

/* Waits for the next reading time, or for a ward that was not read yet. False: stop. */
static bool rest(struct due_watch *d)
{
    struct timespec until = in_ms(LOOK_MS);
    bool fresh = false, stop;

    pthread_mutex_lock(&d->lock);
    while (!d->stop && !fresh && pthread_cond_timedwait(&d->wake, &d->lock, &until) == 0)
        for (size_t i = 0; i < DUE_FOLLOWERS_MAX; i++)
            fresh = fresh || (d->wards[i].followers > 0 && d->wards[i].now == NULL);
    stop = d->stop;
    pthread_mutex_unlock(&d->lock);
    return !stop;
}

static void look_at(struct due_watch *d, size_t i)
{
    struct due_ward *w = &d->wards[i];
    struct due_board *b = NULL;
    char name[sizeof(w->name)];
    bool followed;

    pthread_mutex_lock(&d->lock);
    followed = w->followers > 0;
    memcpy(name, w->name, sizeof(name));
    pthread_mutex_unlock(&d->lock);
    if (followed)
        b = read_board(d, name);
    if (b == NULL)
        return;
    pthread_mutex_lock(&d->lock);
    if (w->followers > 0 && strcmp(w->name, name) == 0) {
        let_go(w->now);
        w->now = b;
        b = NULL;
        pthread_cond_broadcast(&d->changed);
    }
    let_go(b);
    pthread_mutex_unlock(&d->lock);
}

static void *run(void *arg)
{
    struct due_watch *d = arg;

    while (rest(d))
        for (size_t i = 0; i < DUE_FOLLOWERS_MAX; i++)
            look_at(d, i);
    return NULL;
}

/* ---- followers ---- */

static struct due_ward *ward_named(struct due_watch *d, const char *ward)
{
    struct due_ward *empty = NULL;

    for (size_t i = 0; i < DUE_FOLLOWERS_MAX; i++) {
        struct due_ward *w = &d->wards[i];

        if (w->followers > 0 && strcmp(w->name, ward) == 0)
            return w;
        if (w->followers == 0 && empty == NULL)
            empty = w;
    }
    return empty;
}

enum ward_code due_join(struct due_watch *d, const char *ward, struct due_ward **out,
                        struct ward_err *err)
{
    struct due_ward *w = NULL;

    pthread_mutex_lock(&d->lock);
    if (d->followers < d->dos->cfg.due_followers && d->followers < DUE_FOLLOWERS_MAX)
        w = ward_named(d, ward);
    if (w != NULL) {
        d->followers++;
        if (w->followers++ == 0) {
            strncpy(w->name, ward, sizeof(w->name) - 1);
            pthread_cond_signal(&d->wake);
        }
    }
    pthread_mutex_unlock(&d->lock);
    if (w == NULL) {
        (void)WARD_FAIL_REASON(
            err, RESOURCE_EXHAUSTED, "DUE_FULL",
            "this replica already serves the maximum of WARD_DUE_FOLLOWERS followers");
        err->retry_after_ms = RETRY_MS;
        return WARD_RESOURCE_EXHAUSTED;
    }
    *out = w;
    return WARD_OK;
}

void due_leave(struct due_watch *d, struct due_ward *w)
{
    pthread_mutex_lock(&d->lock);
    d->followers--;
    if (--w->followers == 0) {
        let_go(w->now);
        memset(w, 0, sizeof(*w));
    }
    pthread_mutex_unlock(&d->lock);
}

struct due_board *due_wait(struct due_watch *d, struct due_ward *w,
                           const struct due_board *last, int wait_ms)
{
    struct timespec until = in_ms(wait_ms);
    struct due_board *b = NULL;

    pthread_mutex_lock(&d->lock);
    while ((w->now == NULL || w->now == last) &&
           pthread_cond_timedwait(&d->changed, &d->lock, &until) == 0)
        ;
    if (w->now != NULL && w->now != last) {
        b = w->now;
        b->readers++;
    }
    pthread_mutex_unlock(&d->lock);
    return b;
}

/* ---- open, close ---- */

static void init(struct due_watch *d)
{
    pthread_condattr_t monotonic;

    pthread_mutex_init(&d->lock, NULL);
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&d->wake, &monotonic);
    pthread_cond_init(&d->changed, &monotonic);
    pthread_condattr_destroy(&monotonic);
}

enum ward_code due_open(struct dosage *dos, struct due_watch **out, struct ward_err *err)
{
    struct ward_arena keep;
    struct due_watch *d;
    void *worker = NULL;

    ward_arena_init(&keep, KEEP_MEM);
    d = ward_new(&keep, struct due_watch);
    if (d == NULL)
        return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory for the followers of due doses");
    d->keep = keep;
    d->dos = dos;
    init(d);
    *out = d; /* from here on, due_close frees *out if a later step fails */
    WARD_TRY(zones_open(&d->zones, dos->cfg.time_zone, err));
    WARD_TRY(worker_open(dos, &worker, err));
    d->worker = worker;
    if (pthread_create(&d->thread, NULL, run, d) != 0)
        return WARD_FAIL(err, RESOURCE_EXHAUSTED, "cannot create the thread for due doses");
    d->started = true;
    return WARD_OK;
}

void due_close(struct due_watch *d)
{
    struct ward_arena keep;

    if (d == NULL)
        return;
    pthread_mutex_lock(&d->lock);
    d->stop = true;
    pthread_cond_signal(&d->wake);
    pthread_mutex_unlock(&d->lock);
    if (d->started)
        pthread_join(d->thread, NULL);
    worker_close(d->worker);
    zones_close(&d->zones);
    pthread_cond_destroy(&d->wake);
    pthread_cond_destroy(&d->changed);
    pthread_mutex_destroy(&d->lock);
    keep = d->keep;
    ward_arena_done(&keep);
}
