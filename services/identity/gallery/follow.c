/* The follower: reads changes from the database every half second, and at once after a hint. */
#include "services/identity/gallery/own.h"

#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/base/text.h"
#include "services/identity/gallery/snapshot.h"

#include <string.h>
#include <time.h>

#define LOOK_MS 500
#define KEYS_NS (1000 * WARD_NS_PER_MS)
#define AT_ONCE 1024 /* changes read with one query */
/* A snapshot of a million faces occupies a core for seconds. Writing snapshots may take at most
 * one twentieth of the time. */
#define REST     20
#define SOON_MS  1000
#define LEVEL_MS 20

static struct ward_family subjects = {
    .name = "ward_identity_gallery_subjects",
    .help = "Number of subjects that a search on this replica can find.",
    .type = WARD_GAUGE,
    .label = {"kind"},
};
WARD_METRIC_LISTED(subjects)
static struct ward_family bytes = {
    .name = "ward_identity_gallery_bytes",
    .help = "Memory of the galleries' index in bytes, without the mapped snapshot.",
    .type = WARD_GAUGE,
};
WARD_METRIC_LISTED(bytes)
static struct ward_family seq_now = {
    .name = "ward_identity_gallery_seq",
    .help = "Change number of the last gallery change that this replica has applied.",
    .type = WARD_GAUGE,
};
WARD_METRIC_LISTED(seq_now)
static struct ward_family lag = {
    .name = "ward_identity_gallery_lag_seconds",
    .help = "Time since the galleries were last known to be in sync with the database.",
    .type = WARD_GAUGE,
};
WARD_METRIC_LISTED(lag)
static struct ward_family snapshot_age = {
    .name = "ward_identity_gallery_snapshot_age_seconds",
    .help = "Age of the gallery snapshot in seconds; 0 without a snapshot.",
    .type = WARD_GAUGE,
};
WARD_METRIC_LISTED(snapshot_age)

void gallery_wake(void *gallery)
{
    struct gallery *g = gallery;

    pthread_mutex_lock(&g->lock);
    g->woken = g->committed = true;
    pthread_cond_signal(&g->wake);
    pthread_mutex_unlock(&g->lock);
}

bool gallery_stopping(const void *gallery)
{
    const struct gallery *g = gallery;

    return atomic_load(&g->stopping) || atomic_load(&g->reload);
}

static void wait_ms(struct gallery *g, pthread_cond_t *c, const bool *until, int ms)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    t.tv_sec += ms / 1000;
    t.tv_nsec += (long)(ms % 1000) * WARD_NS_PER_MS;
    if (t.tv_nsec >= 1000 * WARD_NS_PER_MS) {
        t.tv_sec++;
        t.tv_nsec -= 1000 * WARD_NS_PER_MS;
    }
    while (!atomic_load(&g->stopping) && (until == NULL || !*until)) {
        if (pthread_cond_timedwait(c, &g->lock, &t) != 0)
            break;
    }
}

/* ---- changes ---- */

/* Returns true if the change log no longer contains the changes after this replica's
 * position. */
static bool broken_off(const struct ward_rows *rows, int64_t after)
{
    int64_t seq;

    for (size_t i = 0; i < rows->n; i++) {
        if (rows->at[i][1].n != KEYS_ID || !ward_i64(rows->at[i][0].p, 0, INT64_MAX, &seq) ||
            seq != after + 1 + (int64_t)i)
            return true;
    }
    return rows->n == 0;
}

static enum ward_code read_changed(struct reader *r, const struct ward_rows *rows,
                                   struct ward_err *err)
{
    uint8_t some[READ_AT_ONCE][KEYS_ID];
    size_t n = 0;

    for (size_t i = 0; i < rows->n; i++) {
        bool twice = false;

        for (size_t k = 0; k < n && !twice; k++)
            twice = memcmp(some[k], rows->at[i][1].p, KEYS_ID) == 0;
        if (!twice)
            memcpy(some[n++], rows->at[i][1].p, KEYS_ID);
        if (n == READ_AT_ONCE || (i + 1 == rows->n && n > 0)) {
            WARD_TRY(read_these(r, (const uint8_t(*)[KEYS_ID])some, n, err));
            n = 0;
        }
    }
    return WARD_OK;
}

/* Reads the changes from this replica's position to `head`. */
static enum ward_code catch_up(struct reader *r, struct ward_arena *mem, int64_t head,
                               struct ward_err *err)
{
    static const char SQL[] = "SELECT seq, subject_id FROM gallery_change WHERE seq > ?"
                              " AND seq <= ? ORDER BY seq LIMIT ?";
    struct gallery *g = r->g;
    int64_t seq = atomic_load(&g->seq);

    while (seq < head && !gallery_stopping(g)) {
        struct ward_rows rows;

        ward_arena_reset(mem);
        WARD_TRY(ward_db_run(
            r->db, mem, SQL,
            WARD_PARAMS(ward_int(mem, seq), ward_int(mem, head), ward_int(mem, AT_ONCE)), &rows,
            err));
        if (broken_off(&rows, seq)) {
            atomic_store(&g->reload, true);
            return WARD_OK;
        }
        WARD_TRY(read_changed(r, &rows, err));
        seq += (int64_t)rows.n;
        atomic_store(&g->seq, seq);
    }
    return WARD_OK;
}

/* Reads everything from the database and deletes the snapshot. The snapshot is useless: it is
 * damaged, or the log no longer reaches back to it. A snapshot that is being written stops, and
 * releases `heavy`. */
static enum ward_code load_again(struct reader *r, struct ward_err *err)
{
    struct gallery *g = r->g;
    enum ward_code code;

    WARD_LOG(WARN, "this replica missed changes of the galleries and reloads all galleries");
    pthread_mutex_lock(&g->heavy);
    snapshot_remove(g->cfg.dir);
    atomic_store(&g->snapshot_at_us, 0);
    code = load_all(r, err);
    pthread_mutex_unlock(&g->heavy);
    if (code == WARD_OK)
        atomic_store(&g->reload, false);
    return code;
}

static enum ward_code look(struct reader *r, struct ward_arena *mem, struct ward_err *err)
{
    struct gallery *g = r->g;
    int64_t head = 0;

    if (atomic_load(&g->reload))
        WARD_TRY(load_again(r, err));
    WARD_TRY(load_head(r, &head, err));
    if (head < atomic_load(&g->seq)) /* an older copy of the database was restored */
        atomic_store(&g->reload, true);
    WARD_TRY(catch_up(r, mem, head, err));
    if (atomic_load(&g->reload))
        return look(r, mem, err);
    if (!atomic_exchange(&g->ready, true))
        WARD_LOG(INFO, "galleries ready", WARD_KN("seq", atomic_load(&g->seq)));
    return WARD_OK;
}

/* ---- the thread ---- */

struct following {
    struct reader r;
    struct ward_arena mem;
    bool loaded, failing;
    int64_t level_ns, keys_ns;
};

static enum ward_code once(struct following *f, struct ward_err *err)
{
    struct gallery *g = f->r.g;
    int64_t now = ward_mono_ns();

    if (now - f->keys_ns >= KEYS_NS) {
        WARD_TRY(ward_keyring_follow(keys_ring(g->keys), f->r.db, err));
        f->keys_ns = now;
    }
    if (!f->loaded)
        WARD_TRY(load_first(&f->r, err));
    f->loaded = true;
    return look(&f->r, &f->mem, err);
}

static void tell(struct gallery *g, bool committed)
{
    if (committed && g->pub != NULL)
        ward_hint_send(g->pub, GALLERY_TOPIC, (uint64_t)atomic_load(&g->seq));
}

static void show(const struct following *f)
{
    struct gallery *g = f->r.g;
    int64_t at = atomic_load(&g->snapshot_at_us);
    struct index_size size;

    index_measure(&g->x, &size);
    ward_metric_set(ward_series_of(&subjects, "patient", NULL, NULL), (double)size.rows[1]);
    ward_metric_set(ward_series_of(&subjects, "staff", NULL, NULL), (double)size.rows[2]);
    ward_gauge(&bytes, (double)size.bytes);
    ward_gauge(&seq_now, (double)atomic_load(&g->seq));
    ward_gauge(&lag, (double)(ward_mono_ns() - f->level_ns) / 1e9);
    ward_gauge(&snapshot_age, at == 0 ? 0 : (double)(ward_wall_us() - at) / 1e6);
}

static void step(struct following *f, bool committed)
{
    struct ward_err err = {0};
    int64_t began = ward_mono_ns();
    enum ward_code code = once(f, &err);

    if (code == WARD_OK) {
        f->level_ns = began;
        tell(f->r.g, committed);
    } else if (!f->failing && !atomic_load(&f->r.g->stopping)) {
        ward_log_err(WARD_LOG_ERROR, "the galleries are not in sync with the database", &err);
    }
    f->failing = code != WARD_OK;
    show(f);
}

static void run(struct following *f)
{
    struct gallery *g = f->r.g;
    bool committed = false;

    while (!atomic_load(&g->stopping)) {
        step(f, committed);
        pthread_mutex_lock(&g->lock);
        wait_ms(g, &g->wake, &g->woken, LOOK_MS);
        g->woken = false;
        committed = g->committed;
        g->committed = false;
        pthread_mutex_unlock(&g->lock);
    }
}

void *gallery_follow(void *gallery)
{
    struct following f = {.level_ns = ward_mono_ns()};
    struct gallery *g = gallery;
    struct ward_err err = {0};

    ward_arena_init(&f.mem, (size_t)4 << 20);
    while (!atomic_load(&g->stopping) && reader_open(g, &f.r, &err) != WARD_OK) {
        reader_close(&f.r);
        ward_log_err(WARD_LOG_ERROR, "the galleries are not in sync with the database", &err);
        pthread_mutex_lock(&g->lock);
        wait_ms(g, &g->wake, NULL, SOON_MS);
        pthread_mutex_unlock(&g->lock);
    }
    if (f.r.db != NULL) {
        run(&f);
        reader_close(&f.r);
    }
    ward_arena_done(&f.mem);
    return NULL;
}

/* ---- the writer ---- */

static bool is_due(const struct gallery *g, int64_t next_ns)
{
    return atomic_load(&g->ready) && !atomic_load(&g->reload) && ward_mono_ns() >= next_ns &&
           (atomic_load(&g->snapshot_at_us) == 0 ||
            atomic_load(&g->seq) != atomic_load(&g->snapshot_seq));
}

struct snapshot_of gallery_snapshot_of(const struct gallery *g, struct ward_db *db)
{
    return (struct snapshot_of){.dir = g->cfg.dir,
                                .model = {g->cfg.model[0], g->cfg.model[1]},
                                .dim = {g->cfg.dim[0], g->cfg.dim[1]},
                                .keys = g->keys,
                                .db = db};
}

/* Waits until the index contains all changes up to the present end of the log. Fails if the
 * gallery stops, or must read everything again; the snapshot is abandoned then. */
static enum ward_code follow_to_end(void *gallery, struct ward_db *db, int64_t *seq,
                                    struct ward_err *err)
{
    struct gallery *g = gallery;
    struct reader r = {.g = g, .db = db};
    enum ward_code code;
    int64_t head = 0;

    ward_arena_init(&r.mem, (size_t)1 << 20);
    code = load_head(&r, &head, err);
    ward_arena_done(&r.mem);
    WARD_TRY(code);
    while (atomic_load(&g->seq) < head && !gallery_stopping(g)) {
        pthread_mutex_lock(&g->lock);
        g->woken = true;
        pthread_cond_signal(&g->wake);
        wait_ms(g, &g->due, NULL, LEVEL_MS);
        pthread_mutex_unlock(&g->lock);
    }
    *seq = atomic_load(&g->seq);
    if (gallery_stopping(g))
        return WARD_FAIL(err, CANCELLED, "the snapshot was not finished");
    return WARD_OK;
}

static enum ward_code write_now(struct gallery *g, int64_t *seq, int64_t *rows,
                                struct ward_err *err)
{
    const struct snapshot_writer who = {follow_to_end, gallery_stopping, g};
    struct ward_db *db = NULL;
    struct snapshot_of of;
    enum ward_code code;

    WARD_TRY(ward_db_open(g->db, &db, err));
    of = gallery_snapshot_of(g, db);
    pthread_mutex_lock(&g->heavy);
    code = snapshot_write(&of, &g->x, &who, seq, rows, err);
    pthread_mutex_unlock(&g->heavy);
    ward_db_close(db);
    return code;
}

static void write_one(struct gallery *g)
{
    int64_t began = ward_mono_ns(), rows = 0, seq = 0;
    struct ward_err err = {0};
    enum ward_code code = write_now(g, &seq, &rows, &err);

    if (code == WARD_OK) {
        atomic_store(&g->snapshot_seq, seq);
        atomic_store(&g->snapshot_at_us, ward_wall_us());
        WARD_LOG(INFO, "snapshot of the galleries written", WARD_KN("subjects", rows),
                 WARD_KN("took_ms", (double)(ward_mono_ns() - began) / 1e6));
    } else if (code != WARD_CANCELLED) {
        ward_log_err(WARD_LOG_WARN, "the snapshot of the galleries was not written", &err);
    }
}

void *gallery_write(void *gallery)
{
    struct gallery *g = gallery;
    const int look_ms = g->cfg.snapshot_ms < SOON_MS ? g->cfg.snapshot_ms : SOON_MS;
    int64_t next_ns = 0;

    while (!atomic_load(&g->stopping)) {
        pthread_mutex_lock(&g->lock);
        wait_ms(g, &g->due, NULL, look_ms);
        pthread_mutex_unlock(&g->lock);
        if (!atomic_load(&g->stopping) && is_due(g, next_ns)) {
            int64_t began = ward_mono_ns(), took, rest;

            write_one(g);
            took = ward_mono_ns() - began;
            rest = (int64_t)g->cfg.snapshot_ms * WARD_NS_PER_MS;
            next_ns = began + took + (rest > REST * took ? rest : REST * took);
        }
    }
    return NULL;
}
