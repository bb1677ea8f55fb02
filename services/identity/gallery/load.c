/* The first load, and complete loads after missed changes. */
#include "services/identity/gallery/own.h"

#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/base/text.h"
#include "services/identity/gallery/snapshot.h"

#include <string.h>
#include <time.h>
#include <unistd.h>

#define LOADERS 8
#define RANGE   512 /* subjects that a thread reads at once */
#define IDS     8192
/* maximum number of buckets with a destroyed key; if more, everything is read from the
 * database */
#define ENDED_MOST 64

enum ward_code load_head(struct reader *r, int64_t *seq, struct ward_err *err)
{
    struct ward_rows rows;
    enum ward_code code =
        ward_db_run(r->db, &r->mem, "SELECT seq FROM gallery_head WHERE one = 1",
                    WARD_NO_PARAMS, &rows, err);

    if (code == WARD_OK && (rows.n != 1 || !ward_i64(rows.at[0][0].p, 0, INT64_MAX, seq)))
        code = WARD_FAIL(err, DATA_LOSS, "the gallery's change number is missing");
    ward_arena_reset(&r->mem);
    return code;
}

/* ---- everything from the database, with several connections ---- */

struct loading {
    struct gallery *g;
    pthread_mutex_t lock;
    uint8_t cursor[KEYS_ID];
    pthread_cond_t done;
    int running;
    bool over;
    enum ward_code code; /* code of the first failure */
    struct ward_err err;
};

static bool next_range(struct loading *l, struct reader *r, uint8_t after[KEYS_ID],
                       uint8_t upto[KEYS_ID], enum ward_code *code, struct ward_err *err)
{
    bool more = false;

    pthread_mutex_lock(&l->lock);
    if (!l->over && l->code == WARD_OK) {
        memcpy(after, l->cursor, KEYS_ID);
        *code = read_end(r, after, RANGE, upto, err);
        memcpy(l->cursor, upto, KEYS_ID);
        l->over = read_over(upto);
        more = *code == WARD_OK;
    }
    pthread_mutex_unlock(&l->lock);
    return more;
}

static enum ward_code load_some(struct loading *l, struct ward_err *err)
{
    uint8_t after[KEYS_ID], upto[KEYS_ID];
    enum ward_code code;
    struct reader r;

    code = reader_open(l->g, &r, err);
    while (code == WARD_OK && next_range(l, &r, after, upto, &code, err)) {
        code = read_range(&r, after, upto, err);
        if (code == WARD_OK && atomic_load(&l->g->stopping))
            code = WARD_FAIL(err, CANCELLED, "stopping");
    }
    reader_close(&r);
    return code;
}

static void *loader(void *arg)
{
    struct loading *l = arg;
    struct ward_err err = {0};
    enum ward_code code = load_some(l, &err);

    pthread_mutex_lock(&l->lock);
    if (l->code == WARD_OK && code != WARD_OK) {
        l->code = code;
        l->err = err;
    }
    l->running--;
    pthread_cond_signal(&l->done);
    pthread_mutex_unlock(&l->lock);
    return NULL;
}

static int loaders(void)
{
    long n = sysconf(_SC_NPROCESSORS_ONLN);

    return n < 1 ? 1 : n > LOADERS ? LOADERS : (int)n;
}

/* Waits for the loaders. Meanwhile it refreshes the keys every second, because a load can take
 * longer than keys may be cached. */
static void wait_for(struct loading *l, struct reader *r)
{
    struct ward_err err = {0};
    struct timespec t;

    pthread_mutex_lock(&l->lock);
    while (l->running > 0) {
        clock_gettime(CLOCK_REALTIME, &t);
        t.tv_sec++;
        if (pthread_cond_timedwait(&l->done, &l->lock, &t) == 0)
            continue;
        pthread_mutex_unlock(&l->lock);
        if (ward_keyring_follow(keys_ring(l->g->keys), r->db, &err) != WARD_OK)
            ward_log_err(WARD_LOG_WARN, "the keys cannot be read from the database", &err);
        pthread_mutex_lock(&l->lock);
    }
    pthread_mutex_unlock(&l->lock);
}

static enum ward_code load_ranges(struct reader *r, struct ward_err *err)
{
    struct loading l = {.g = r->g, .running = loaders()};
    pthread_t thread[LOADERS];
    int n = 0, want = l.running;

    pthread_mutex_init(&l.lock, NULL);
    pthread_cond_init(&l.done, NULL);
    while (n < want && pthread_create(&thread[n], NULL, loader, &l) == 0)
        n++;
    for (int i = n; i < want; i++)
        loader(&l);
    wait_for(&l, r);
    for (int i = 0; i < n; i++)
        pthread_join(thread[i], NULL);
    pthread_cond_destroy(&l.done);
    pthread_mutex_destroy(&l.lock);
    if (l.code != WARD_OK && err != NULL)
        *err = l.err;
    return l.code;
}

/* Reads the change number before the rows. Changes during the load are then read again by the
 * follower. */
enum ward_code load_all(struct reader *r, struct ward_err *err)
{
    int64_t seq = 0, began = ward_mono_ns();
    struct gallery *g = r->g;
    struct index_size size;

    WARD_TRY(load_head(r, &seq, err));
    index_begin_load(&g->x);
    WARD_TRY(load_ranges(r, err));
    index_end_load(&g->x);
    atomic_store(&g->seq, seq);
    index_measure(&g->x, &size);
    WARD_LOG(INFO, "galleries loaded from the database",
             WARD_KN("subjects", size.rows[1] + size.rows[2]),
             WARD_KN("took_ms", (double)(ward_mono_ns() - began) / 1e6));
    return WARD_OK;
}

/* ---- from the snapshot ---- */

/* Reads subjects whose bucket in the file can no longer be decrypted. */
static enum ward_code read_ended(struct reader *r, const struct snapshot_read *s,
                                 const struct ward_rows *ids, uint8_t (*some)[KEYS_ID],
                                 size_t *n, struct ward_err *err)
{
    for (size_t i = 0; i < ids->n; i++) {
        const uint8_t *id = (const uint8_t *)ids->at[i][0].p;

        if (ids->at[i][0].n == KEYS_ID && s->ended[keys_bucket_of(id)])
            memcpy(some[(*n)++], id, KEYS_ID);
        if (*n == READ_AT_ONCE) {
            WARD_TRY(read_these(r, (const uint8_t(*)[KEYS_ID])some, *n, err));
            *n = 0;
        }
    }
    return WARD_OK;
}

static enum ward_code load_ended(struct reader *r, const struct snapshot_read *s,
                                 struct ward_err *err)
{
    static const char SQL[] = "SELECT subject_id FROM face_key WHERE subject_id > ?"
                              " ORDER BY subject_id LIMIT ?";
    uint8_t some[READ_AT_ONCE][KEYS_ID], after[KEYS_ID] = {0};
    enum ward_code code = WARD_OK;
    struct ward_arena mem;
    size_t n = 0, got = IDS;

    if (s->n_ended == 0)
        return WARD_OK;
    ward_arena_init(&mem, (size_t)16 << 20);
    while (code == WARD_OK && got == IDS) {
        struct ward_rows ids = {0};

        code =
            ward_db_run(r->db, &mem, SQL,
                        WARD_PARAMS(ward_blob(after, KEYS_ID), ward_int(&mem, IDS)), &ids, err);
        if (code == WARD_OK)
            code = read_ended(r, s, &ids, some, &n, err);
        got = ids.n;
        if (got > 0)
            memcpy(after, ids.at[got - 1][0].p, KEYS_ID);
        ward_arena_reset(&mem);
    }
    ward_arena_done(&mem);
    if (code == WARD_OK && n > 0)
        code = read_these(r, (const uint8_t(*)[KEYS_ID])some, n, err);
    return code;
}

static enum ward_code by_snapshot(struct reader *r, struct ward_err *err)
{
    struct gallery *g = r->g;
    const struct snapshot_of of = gallery_snapshot_of(g, r->db);
    int64_t began = ward_mono_ns();
    struct snapshot_read s;

    WARD_TRY(snapshot_load(&of, &g->x, loaders(), &s, err));
    if (s.n_ended > ENDED_MOST)
        return WARD_FAIL(err, DATA_LOSS, "most of the snapshot cannot be decrypted any more");
    WARD_TRY(load_ended(r, &s, err));
    WARD_TRY(read_all_members(r, err));
    atomic_store(&g->seq, s.seq);
    atomic_store(&g->snapshot_seq, s.seq);
    atomic_store(&g->snapshot_at_us, s.written_at_us);
    WARD_LOG(INFO, "galleries loaded from the snapshot", WARD_KN("subjects", s.rows),
             WARD_KN("buckets_ended", s.n_ended),
             WARD_KN("took_ms", (double)(ward_mono_ns() - began) / 1e6));
    return WARD_OK;
}

enum ward_code load_first(struct reader *r, struct ward_err *err)
{
    enum ward_code code;

    /* If an earlier attempt failed, the index may contain rows that were removed since. A
     * snapshot and its later changes would not remove these rows: read everything. */
    if (*r->g->cfg.dir == '\0' || r->g->x.map[0] != NULL)
        return load_all(r, err);
    code = by_snapshot(r, err);
    if (code == WARD_OK || code == WARD_UNAVAILABLE)
        return code;
    if (code != WARD_NOT_FOUND)
        ward_log_err(WARD_LOG_WARN, "the gallery's snapshot is not used", err);
    if (err != NULL)
        *err = (struct ward_err){0};
    return load_all(r, err);
}
