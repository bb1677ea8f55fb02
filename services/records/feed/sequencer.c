#include "services/records/feed/feed.h"

#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/base/text.h"

#include <pthread.h>
#include <time.h>

#define AT_ONCE   1000 /* maximum changes moved in one transaction */
#define KEYS_NS   (1000 * WARD_NS_PER_MS)
#define GATHER_MS 50 /* minimum ms between runs, so that many changes share a commit */
#define ARENA_CAP ((size_t)8 << 20)
#define RETRY_MS  5000
#define COLUMNS   8 /* columns of feed_change */

static struct ward_family sequence_now = {
    .name = "ward_records_feed_sequence",
    .help = "Last number of the feed that this replica knows.",
    .type = WARD_GAUGE,
};
WARD_METRIC_LISTED(sequence_now)
static struct ward_family moved = {
    .name = "ward_records_feed_numbered_total",
    .help = "Number of changes that this replica added to the feed.",
    .type = WARD_COUNTER,
};
WARD_METRIC_LISTED(moved)

struct sequencer {
    struct ward_arena keep, mem;
    struct records *rec;
    struct ward_db *db;
    pthread_t thread;
    pthread_mutex_t lock; /* protects the members from `stop` to `followers` */
    pthread_cond_t wake, halt, grown;
    bool stop, woken, away;
    int64_t last;
    int followers;
    int64_t followed_ns; /* used only by the sequencer's thread */
};

static struct timespec in_ms(int ms)
{
    int64_t ns = ward_mono_ns() + ms * WARD_NS_PER_MS;

    return (struct timespec){.tv_sec = ns / 1000000000, .tv_nsec = ns % 1000000000};
}

/* ---- moving ---- */

struct move {
    struct sequencer *s;
    int64_t last;
    size_t n;
};

/* Deletes numbered changes by ranges of consecutive ids. All rows of a range were readable, so
 * the range contains no unnumbered change. A range lock also waits for the row after the range.
 * The deleted range therefore excludes the last row, which is deleted by its key. */
static enum ward_code take_out(struct sequencer *s, const struct ward_rows *rows,
                               const int64_t *ids, struct ward_db *db, struct ward_err *err)
{
    static const char RUN[] = "DELETE FROM change_new WHERE id >= ? AND id < ?";
    static const char LAST[] = "DELETE FROM change_new WHERE id = ?";
    struct ward_val *runs = ward_alloc(&s->mem, 2 * rows->n * sizeof(*runs));
    struct ward_val *lasts = ward_alloc(&s->mem, rows->n * sizeof(*lasts));
    size_t n_runs = 0, n_lasts = 0;

    if (runs == NULL || lasts == NULL)
        return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory to number changes");
    for (size_t i = 0, from = 0; i < rows->n; i++) {
        if (i + 1 < rows->n && ids[i + 1] == ids[i] + 1)
            continue;
        lasts[n_lasts++] = rows->at[i][0];
        if (from < i) {
            runs[2 * n_runs] = rows->at[from][0];
            runs[2 * n_runs++ + 1] = rows->at[i][0];
        }
        from = i + 1;
    }
    WARD_TRY(ward_db_bulk(db, RUN, runs, 2, n_runs, err));
    return ward_db_bulk(db, LAST, lasts, 1, n_lasts, err);
}

static enum ward_code number(struct sequencer *s, int64_t last, const struct ward_rows *rows,
                             struct ward_db *db, struct ward_err *err)
{
    static const char PUT[] =
        "INSERT INTO feed_change (sequence, kind, act, version, written_at_us, resource_id,"
        " patient_id, other_patient_id) VALUES (?, ?, ?, ?, ?, ?, ?, ?)";
    struct ward_val *put = ward_alloc(&s->mem, rows->n * COLUMNS * sizeof(*put));
    int64_t *ids = ward_alloc(&s->mem, rows->n * sizeof(*ids));

    if (put == NULL || ids == NULL)
        return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory to number changes");
    for (size_t i = 0; i < rows->n; i++) {
        if (!ward_i64(rows->at[i][0].p, 1, INT64_MAX, &ids[i]))
            return WARD_FAIL(err, DATA_LOSS, "a change of the feed cannot be read");
        put[i * COLUMNS] = ward_int(&s->mem, last + 1 + (int64_t)i);
        for (size_t k = 1; k < COLUMNS; k++)
            put[i * COLUMNS + k] = rows->at[i][k];
    }
    WARD_TRY(ward_db_bulk(db, PUT, put, COLUMNS, rows->n, err));
    return take_out(s, rows, ids, db, err);
}

static enum ward_code move_some(struct ward_db *db, void *arg, struct ward_err *err)
{
    static const char HOLD[] = "SELECT sequence FROM feed_end WHERE one = 1 FOR UPDATE";
    static const char NEXT[] =
        "SELECT id, kind, act, version, written_at_us, resource_id, patient_id,"
        " other_patient_id FROM change_new ORDER BY id LIMIT ?";
    static const char END[] = "UPDATE feed_end SET sequence = ? WHERE one = 1";
    struct move *m = arg;
    struct sequencer *s = m->s;
    struct ward_rows end, rows;

    ward_arena_reset(&s->mem);
    WARD_TRY(ward_db_run(db, &s->mem, HOLD, WARD_NO_PARAMS, &end, err));
    if (end.n != 1 || !ward_i64(end.at[0][0].p, 0, INT64_MAX - AT_ONCE, &m->last))
        return WARD_FAIL(err, DATA_LOSS, "the feed has no last sequence number");
    WARD_TRY(
        ward_db_run(db, &s->mem, NEXT, WARD_PARAMS(ward_int(&s->mem, AT_ONCE)), &rows, err));
    m->n = rows.n;
    if (rows.n == 0)
        return WARD_OK;
    WARD_TRY(number(s, m->last, &rows, db, err));
    m->last += (int64_t)rows.n;
    return ward_db_run(db, NULL, END, WARD_PARAMS(ward_int(&s->mem, m->last)), NULL, err);
}

static void saw(struct sequencer *s, int64_t last)
{
    pthread_mutex_lock(&s->lock);
    if (last > s->last) {
        s->last = last;
        pthread_cond_broadcast(&s->grown);
    }
    pthread_mutex_unlock(&s->lock);
    ward_gauge(&sequence_now, (double)last);
}

/* Numbers new changes. Without new changes, look makes two plain reads; it locks feed_end only
 * to move changes. */
static enum ward_code look(struct sequencer *s, bool *more, struct ward_err *err)
{
    static const char SQL[] =
        "SELECT sequence, EXISTS (SELECT 1 FROM change_new) FROM feed_end WHERE one = 1";
    struct move m = {.s = s};
    struct ward_rows rows;

    *more = false;
    ward_arena_reset(&s->mem);
    ward_db_deadline(s->db, WARD_NO_DEADLINE);
    WARD_TRY(ward_db_run(s->db, &s->mem, SQL, WARD_NO_PARAMS, &rows, err));
    if (rows.n != 1 || !ward_i64(rows.at[0][0].p, 0, INT64_MAX, &m.last))
        return WARD_FAIL(err, DATA_LOSS, "the feed has no last sequence number");
    if (*rows.at[0][1].p == '1') {
        WARD_TRY(ward_db_tx(s->db, move_some, &m, err));
        ward_count(&moved, (double)m.n);
        *more = m.n == AT_ONCE;
    }
    saw(s, m.last);
    return WARD_OK;
}

/* ---- the thread ---- */

static enum ward_code follow_keys(struct sequencer *s, struct ward_err *err)
{
    int64_t now = ward_mono_ns();

    if (now - s->followed_ns < KEYS_NS)
        return WARD_OK;
    s->followed_ns = now;
    return ward_keyring_follow(s->rec->keys, s->db, err);
}

/* Waits GATHER_MS for further changes, and then for a wake-up or feed_ms. The first change
 * after a quiet period is numbered immediately. */
static bool rest(struct sequencer *s)
{
    struct timespec until = in_ms(s->rec->cfg.feed_ms), gathered = in_ms(GATHER_MS);
    bool stop;

    pthread_mutex_lock(&s->lock);
    while (!s->stop && pthread_cond_timedwait(&s->halt, &s->lock, &gathered) == 0)
        ;
    while (!s->stop && !s->woken && pthread_cond_timedwait(&s->wake, &s->lock, &until) == 0)
        ;
    s->woken = false;
    stop = s->stop;
    pthread_mutex_unlock(&s->lock);
    return !stop;
}

static void *run(void *arg)
{
    struct sequencer *s = arg;
    bool more = false;

    do {
        struct ward_err err = {0};
        enum ward_code code = follow_keys(s, &err);

        if (code == WARD_OK)
            code = look(s, &more, &err);
        if (code != WARD_OK && !s->away)
            ward_log_err(WARD_LOG_WARN, "cannot number changes", &err);
        s->away = code != WARD_OK;
        more = more && code == WARD_OK;
    } while (more || rest(s));
    return NULL;
}

enum ward_code sequencer_open(struct records *rec, struct sequencer **out, struct ward_err *err)
{
    struct ward_arena keep;
    struct sequencer *s;
    pthread_condattr_t attr;
    enum ward_code code;

    ward_arena_init(&keep, sizeof(*s) + 64);
    s = ward_new(&keep, struct sequencer);
    if (s == NULL)
        return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory for the feed");
    s->keep = keep;
    s->rec = rec;
    ward_arena_init(&s->mem, ARENA_CAP);
    pthread_mutex_init(&s->lock, NULL);
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&s->wake, &attr);
    pthread_cond_init(&s->halt, &attr);
    pthread_cond_init(&s->grown, &attr);
    pthread_condattr_destroy(&attr);
    code = ward_db_open(rec->db, &s->db, err);
    if (code == WARD_OK && pthread_create(&s->thread, NULL, run, s) != 0)
        code = WARD_FAIL(err, RESOURCE_EXHAUSTED, "cannot start the feed's thread");
    if (code != WARD_OK) {
        ward_db_close(s->db);
        ward_arena_done(&keep);
        return code;
    }
    *out = s;
    return WARD_OK;
}

void sequencer_close(struct sequencer *s)
{
    struct ward_arena keep;

    if (s == NULL)
        return;
    pthread_mutex_lock(&s->lock);
    s->stop = true;
    pthread_cond_signal(&s->wake);
    pthread_cond_signal(&s->halt);
    pthread_cond_broadcast(&s->grown);
    pthread_mutex_unlock(&s->lock);
    pthread_join(s->thread, NULL);
    ward_db_close(s->db);
    ward_arena_done(&s->mem);
    pthread_cond_destroy(&s->grown);
    pthread_cond_destroy(&s->halt);
    pthread_cond_destroy(&s->wake);
    pthread_mutex_destroy(&s->lock);
    keep = s->keep;
    ward_arena_done(&keep);
}

void sequencer_wake(void *sequencer)
{
    struct sequencer *s = sequencer;

    pthread_mutex_lock(&s->lock);
    if (!s->woken)
        pthread_cond_signal(&s->wake);
    s->woken = true;
    pthread_mutex_unlock(&s->lock);
}

int64_t sequencer_wait(struct sequencer *s, int64_t after, int wait_ms)
{
    struct timespec until = in_ms(wait_ms);
    int64_t last;

    pthread_mutex_lock(&s->lock);
    while (!s->stop && s->last <= after &&
           pthread_cond_timedwait(&s->grown, &s->lock, &until) == 0)
        ;
    last = s->last;
    pthread_mutex_unlock(&s->lock);
    return last;
}

enum ward_code sequencer_join(struct sequencer *s, struct ward_err *err)
{
    bool full;

    pthread_mutex_lock(&s->lock);
    full = s->followers >= s->rec->cfg.followers;
    s->followers += full ? 0 : 1;
    pthread_mutex_unlock(&s->lock);
    if (!full)
        return WARD_OK;
    (void)WARD_FAIL_REASON(
        err, RESOURCE_EXHAUSTED, "FEED_FULL",
        "this replica already serves the maximum of WARD_FOLLOWERS followers");
    if (err != NULL)
        err->retry_after_ms = RETRY_MS;
    return WARD_RESOURCE_EXHAUSTED;
}

void sequencer_leave(struct sequencer *s)
{
    pthread_mutex_lock(&s->lock);
    s->followers--;
    pthread_mutex_unlock(&s->lock);
}
