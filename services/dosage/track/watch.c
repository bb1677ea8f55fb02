#include "services/dosage/track/watch.h"

#include "common/base/clock.h"
#include "common/base/log.h"
#include "services/dosage/store/owner.h"
#include "services/dosage/track/presence.h"
#include "services/dosage/track/workaround.h"

#include <pthread.h>
#include <time.h>

#define ARENA_CAP ((size_t)64 << 20)
#define HOUR_US   (3600 * PATTERN_S)
/* A row is visible at most this long after its time, because no call has a longer deadline. */
#define OVERLAP_US (120 * PATTERN_S)
#define FIRST_US   (24 * HOUR_US) /* start of the first scan, before now */
/* Smallest step after halving. A smaller step would not help, because each step repeats
 * OVERLAP_US and SECOND_BACK, which are larger. */
#define STEP_LEAST_US (60 * PATTERN_S)

/* ---- one scan ---- */

struct look {
    struct ward_arena *mem;
    int64_t from_us, to_us;
};

static enum ward_code search(struct ward_db *db, struct look *l, struct patterns *found,
                             struct ward_err *err)
{
    struct charted *rows, *tokens;
    size_t n, n_tokens;

    WARD_TRY(charted_in(db, l->mem, l->from_us - SECOND_BACK, l->to_us, &rows, &n, err));
    WARD_TRY(pattern_place(rows, n, l->from_us, l->mem, found, err));
    WARD_TRY(pattern_batch(rows, n, l->from_us, l->mem, found, err));
    WARD_TRY(pattern_second(rows, n, l->from_us, l->mem, found, err));
    WARD_TRY(
        misuse_in(db, l->mem, l->from_us - MISUSE_WITHIN, l->to_us, &tokens, &n_tokens, err));
    WARD_TRY(pattern_misuse(tokens, n_tokens, l->from_us, l->mem, found, err));
    WARD_TRY(find_unscanned(db, l->mem, l->to_us, found, err));
    WARD_TRY(find_habits(db, l->mem, l->to_us, found, err));
    WARD_TRY(find_counted(db, l->mem, l->to_us, found, err));
    return find_late(db, l->mem, l->to_us, found, err);
}

static enum ward_code in_tx(struct ward_db *db, void *arg, struct ward_err *err)
{
    struct look *l = arg;
    struct patterns found = {0};

    ward_arena_reset(l->mem);
    WARD_TRY(search(db, l, &found, err));
    patterns_sort(&found);
    for (size_t i = 0, n; i < found.n; i += n) {
        n = patterns_same(&found, i);
        WARD_TRY(workaround_keep(db, l->mem, &found.at[i], n, err));
    }
    return watch_keep_looked(db, l->mem, l->to_us, err);
}

/* Scans from the end of the last scan, one hour at a time. If the rows of an hour do not fit
 * into memory, the step is halved. */
static enum ward_code look_on(struct ward_db *db, struct ward_arena *mem, int64_t now_us,
                              struct ward_err *err)
{
    int64_t looked, step = HOUR_US;

    WARD_TRY(watch_looked(db, mem, &looked, err));
    if (looked == 0)
        looked = now_us - FIRST_US;
    do {
        struct look l = {.mem = mem, .from_us = looked - OVERLAP_US};
        enum ward_code code;

        l.to_us = now_us - looked > step ? looked + step : now_us;
        code = ward_db_tx(db, in_tx, &l, err);
        if (code == WARD_OK)
            looked = l.to_us;
        else if (code != WARD_RESOURCE_EXHAUSTED || step <= STEP_LEAST_US)
            return code;
        else {
            step /= 2;
            *err = (struct ward_err){0};
        }
    } while (looked < now_us);
    return WARD_OK;
}

/* ---- one replica at a time ---- */

#define LOCK_NAME "CONCAT('ward_watch.', LEFT(SHA2(DATABASE(), 256), 32))"

static enum ward_code take_lock(struct ward_db *db, struct ward_arena *mem, bool *got,
                                struct ward_err *err)
{
    static const char SQL[] = "SELECT GET_LOCK(" LOCK_NAME ", 0)";
    struct ward_rows rows;

    WARD_TRY(ward_db_run(db, mem, SQL, WARD_NO_PARAMS, &rows, err));
    *got = rows.n == 1 && row_number(rows.at[0][0]) == 1;
    return WARD_OK;
}

static enum ward_code give_lock(struct ward_db *db, struct ward_arena *mem,
                                struct ward_err *err)
{
    static const char SQL[] = "SELECT RELEASE_LOCK(" LOCK_NAME ")";
    struct ward_rows rows;

    return ward_db_run(db, mem, SQL, WARD_NO_PARAMS, &rows, err);
}

enum ward_code watch_once(struct worker *w, int64_t now_us, struct ward_err *err)
{
    struct ward_err why = {0};
    enum ward_code code;
    int64_t late;
    bool mine;

    ward_db_deadline(w->event_ctx.db, WARD_NO_DEADLINE);
    ward_arena_reset(&w->mem);
    WARD_TRY(count_late(w->event_ctx.db, &w->mem, now_us, &late, err));
    ward_gauge(&dosage_late, (double)late);
    WARD_TRY(take_lock(w->event_ctx.db, &w->mem, &mine, err));
    if (!mine)
        return WARD_OK;
    code = look_on(w->event_ctx.db, &w->mem, now_us, err);
    if (code == WARD_OK) {
        ward_arena_reset(&w->mem);
        code = presence_forget(w->event_ctx.db, &w->mem, now_us, err);
    }
    if (give_lock(w->event_ctx.db, &w->mem, &why) != WARD_OK && code == WARD_OK) {
        *err = why; /* closing the connection releases the lock */
        return why.code;
    }
    return code;
}

/* ---- the thread ---- */

struct watcher {
    struct ward_arena keep;
    struct worker worker;
    pthread_t thread;
    pthread_mutex_t lock; /* protects `stop` */
    pthread_cond_t wake;
    bool stop;
};

static bool rest(struct watcher *w)
{
    int64_t ns = ward_mono_ns() + w->worker.dos->cfg.watch_s * 1000 * WARD_NS_PER_MS;
    struct timespec until = {.tv_sec = ns / 1000000000, .tv_nsec = ns % 1000000000};
    bool stop;

    pthread_mutex_lock(&w->lock);
    while (!w->stop && pthread_cond_timedwait(&w->wake, &w->lock, &until) == 0)
        ;
    stop = w->stop;
    pthread_mutex_unlock(&w->lock);
    return !stop;
}

static void *run(void *arg)
{
    struct watcher *w = arg;
    bool away = false;

    do {
        struct ward_err err = {0};
        enum ward_code code = watch_once(&w->worker, ward_wall_us(), &err);

        if (code != WARD_OK && !away)
            ward_log_err(WARD_LOG_WARN, "cannot search for workarounds", &err);
        away = code != WARD_OK;
    } while (rest(w));
    return NULL;
}

static void free_all(struct watcher *w)
{
    struct ward_arena keep = w->keep;

    ward_db_close(w->worker.event_ctx.db);
    ward_arena_done(&w->worker.mem);
    pthread_cond_destroy(&w->wake);
    pthread_mutex_destroy(&w->lock);
    ward_arena_done(&keep);
}

enum ward_code watch_open(struct dosage *dos, struct watcher **out, struct ward_err *err)
{
    struct ward_arena keep;
    struct watcher *w;
    pthread_condattr_t attr;
    enum ward_code code;

    ward_arena_init(&keep, sizeof(*w) + 64);
    w = ward_new(&keep, struct watcher);
    if (w == NULL)
        return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory for the watcher");
    w->keep = keep;
    w->worker.dos = dos;
    w->worker.event_ctx.service = DOSAGE_NAME;
    ward_arena_init(&w->worker.mem, ARENA_CAP);
    pthread_mutex_init(&w->lock, NULL);
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&w->wake, &attr);
    pthread_condattr_destroy(&attr);
    code = ward_db_open(dos->db, &w->worker.event_ctx.db, err);
    if (code == WARD_OK && pthread_create(&w->thread, NULL, run, w) != 0)
        code = WARD_FAIL(err, RESOURCE_EXHAUSTED, "cannot start the watcher's thread");
    if (code != WARD_OK) {
        free_all(w);
        return code;
    }
    *out = w;
    return WARD_OK;
}

void watch_close(struct watcher *w)
{
    if (w == NULL)
        return;
    pthread_mutex_lock(&w->lock);
    w->stop = true;
    pthread_cond_signal(&w->wake);
    pthread_mutex_unlock(&w->lock);
    pthread_join(w->thread, NULL);
    free_all(w);
}
