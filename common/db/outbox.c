#include "common/db/outbox.h"

#include "common/base/text.h"
#include "common/db/db_internal.h"

#include <pthread.h>
#include <string.h>

#define EVENT_MAX ((size_t)256 << 10)
#define BATCH_CAP ((size_t)48 << 20) /* maximum bytes of a batch's arena */
/* maximum bytes of one delivery, below WARD_BUS_MAX_BYTES */
#define DELIVER_B  ((size_t)6 << 20)
#define COUNT_MAX  100000 /* number of backlog rows that are counted exactly */
#define MARK_EVERY 16

/* The lock is held while fn runs. After ward_outbox_on_commit returns, no thread runs the
 * previous fn, and its data may be freed. */
static struct {
    pthread_mutex_t lock;
    void (*fn)(void *);
    void *arg;
} wake = {.lock = PTHREAD_MUTEX_INITIALIZER};

void ward_outbox_on_commit(void (*fn)(void *), void *arg)
{
    pthread_mutex_lock(&wake.lock);
    wake.arg = arg;
    wake.fn = fn;
    pthread_mutex_unlock(&wake.lock);
}

static void committed(void *arg)
{
    (void)arg;
    pthread_mutex_lock(&wake.lock);
    if (wake.fn != NULL)
        wake.fn(wake.arg);
    pthread_mutex_unlock(&wake.lock);
}

/* ward_outbox_add and ward_outbox_add_many use the same text, and therefore one prepared
 * statement. */
static const char ADD[] = "INSERT INTO ward_outbox (event_id, event) VALUES (?, ?)";

static enum ward_code fit(const struct ward_db *db, size_t n, struct ward_err *err)
{
    if (!db->in_tx)
        return WARD_FAIL(err, INTERNAL, "an audit event was written outside a transaction");
    if (n == 0 || n > EVENT_MAX)
        return WARD_FAIL(err, INTERNAL, "an audit event has an invalid size: %zu bytes", n);
    return WARD_OK;
}

enum ward_code ward_outbox_add(struct ward_db *db, struct ward_arena *mem,
                               const uint8_t event_id[16], const void *event, size_t n,
                               bool *audited, struct ward_err *err)
{
    WARD_TRY(fit(db, n, err));
    WARD_TRY(ward_db_run(db, mem, ADD,
                         WARD_PARAMS(ward_blob(event_id, 16), ward_blob(event, n)), NULL, err));
    ward_db_after_commit(db, committed, NULL);
    if (audited != NULL)
        *audited = true;
    return WARD_OK;
}

enum ward_code ward_outbox_add_many(struct ward_db *db, struct ward_arena *mem,
                                    const struct ward_outbox_item *items, size_t n,
                                    bool *audited, struct ward_err *err)
{
    struct ward_val *values = ward_alloc(mem, 2 * n * sizeof(*values));

    if (n == 0)
        return WARD_OK;
    if (values == NULL)
        return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory for the audit events");
    for (size_t i = 0; i < n; i++) {
        WARD_TRY(fit(db, items[i].n, err));
        values[2 * i] = ward_blob(items[i].event_id, sizeof(items[i].event_id));
        values[2 * i + 1] = ward_blob(items[i].event, items[i].n);
    }
    WARD_TRY(ward_db_bulk(db, ADD, values, 2, n, err));
    ward_db_after_commit(db, committed, NULL);
    if (audited != NULL)
        *audited = true;
    return WARD_OK;
}

/* ---- drain ---- */

struct drain {
    struct ward_arena mem;
    size_t most, n;
    ward_deliver_fn *deliver;
    void *arg;
    int64_t from, last; /* the batch contains rows with from < id <= last */
    bool whole;         /* the batch is full, so more rows may follow */
};

/* Selects and locks the oldest rows that no other replica is sending. The rows stay locked
 * until this transaction ends, so no other drain selects them. A crash releases the locks. */
static enum ward_code take(struct ward_db *db, struct drain *d, struct ward_rows *rows,
                           struct ward_err *err)
{
    static const char SQL[] = "SELECT id, event_id, event FROM ward_outbox WHERE id > ?"
                              " ORDER BY id LIMIT ? FOR UPDATE SKIP LOCKED";

    return ward_db_run(
        db, &d->mem, SQL,
        WARD_PARAMS(ward_int(&d->mem, d->from), ward_int(&d->mem, (int64_t)d->most)), rows,
        err);
}

static enum ward_code items_of(const struct ward_rows *rows, struct drain *d,
                               struct ward_outbox_item *items, int64_t *ids,
                               struct ward_err *err)
{
    size_t bytes = 0;

    for (d->n = 0; d->n < rows->n; d->n++) {
        const struct ward_val *row = rows->at[d->n];

        if (row[1].n != sizeof(items->event_id) ||
            !ward_i64(row[0].p, 1, INT64_MAX, &ids[d->n]))
            return WARD_FAIL(err, DATA_LOSS, "the outbox table is invalid");
        bytes += row[2].n + 32;
        if (d->n > 0 && bytes > DELIVER_B)
            break;
        memcpy(items[d->n].event_id, row[1].p, sizeof(items->event_id));
        items[d->n].event = row[2].p;
        items[d->n].n = row[2].n;
        d->last = ids[d->n];
    }
    d->whole = rows->n == d->most || d->n < rows->n;
    return WARD_OK;
}

/* Deletes the delivered rows by contiguous ranges of ids. Every row of a range is locked by
 * this transaction, and a batch is usually one range. Deleting ranges is several times faster
 * than deleting row by row. A range delete also locks the row after its end, and waits if
 * another drain holds that row. Two drains that wait for each other deadlock, and the repeated
 * drain delivers its events again. A range therefore ends before its last row, and the last row
 * is deleted by its key. */
static enum ward_code forget(struct ward_db *db, struct drain *d, const int64_t *ids,
                             struct ward_err *err)
{
    static const char RUN[] = "DELETE FROM ward_outbox WHERE id >= ? AND id < ?";
    static const char LAST[] = "DELETE FROM ward_outbox WHERE id = ?";
    struct ward_val *runs = ward_alloc(&d->mem, 2 * d->n * sizeof(*runs));
    struct ward_val *lasts = ward_alloc(&d->mem, d->n * sizeof(*lasts));
    size_t n_runs = 0, n_lasts = 0;

    for (size_t i = 0, from = 0; runs != NULL && lasts != NULL && i < d->n; i++) {
        if (i + 1 < d->n && ids[i + 1] == ids[i] + 1)
            continue;
        lasts[n_lasts] = ward_int(&d->mem, ids[i]);
        if (from < i) {
            runs[2 * n_runs] = ward_int(&d->mem, ids[from]);
            runs[2 * n_runs++ + 1] = lasts[n_lasts];
        }
        n_lasts++;
        from = i + 1;
    }
    if (d->mem.full)
        return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory for a delivery");
    WARD_TRY(ward_db_bulk(db, RUN, runs, 2, n_runs, err));
    return ward_db_bulk(db, LAST, lasts, 1, n_lasts, err);
}

/* Returns whether a retry would be refused again. After DATA_LOSS, a retry can succeed: the
 * receiver's log is damaged, and the event waits until the log is restored. */
static bool refused(enum ward_code code)
{
    return code == WARD_INVALID_ARGUMENT || code == WARD_FAILED_PRECONDITION ||
           code == WARD_OUT_OF_RANGE;
}

/* Sets aside one event that audit will never accept, because the event would block all later
 * events. */
static enum ward_code hold(struct ward_db *db, struct drain *d, int64_t id, enum ward_code why,
                           struct ward_err *err)
{
    static const char SQL[] =
        "INSERT INTO ward_outbox_held (id, event_id, created_at, code, event)"
        " SELECT id, event_id, created_at, ?, event FROM ward_outbox WHERE id = ?";

    return ward_db_run(db, NULL, SQL,
                       WARD_PARAMS(ward_text(ward_code_name(why)), ward_int(&d->mem, id)), NULL,
                       err);
}

static enum ward_code drain_once(struct ward_db *db, void *arg, struct ward_err *err)
{
    struct drain *d = arg;
    struct ward_outbox_item *items;
    struct ward_rows rows;
    enum ward_code code;
    int64_t *ids;

    ward_arena_reset(&d->mem);
    d->n = 0;
    d->whole = false;
    WARD_TRY(take(db, d, &rows, err));
    if (rows.n == 0)
        return WARD_OK;
    items = ward_alloc(&d->mem, rows.n * sizeof(*items));
    ids = ward_alloc(&d->mem, rows.n * sizeof(*ids));
    if (items == NULL || ids == NULL)
        return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory for a delivery");
    WARD_TRY(items_of(&rows, d, items, ids, err));
    code = d->deliver(d->arg, items, d->n, err);
    if (code != WARD_OK && refused(code) && d->n == 1)
        WARD_TRY(hold(db, d, ids[0], code, err));
    else if (code == WARD_ABORTED) /* the receiver's code and not our database's, so the
                                      transaction is not repeated */
        return ward_err_set(err, WARD_UNAVAILABLE, __FILE__, __LINE__,
                            "the receiver could not take a delivery");
    else
        WARD_TRY(code);
    return forget(db, d, ids, err);
}

/* Deleted rows remain at the front of the table until the server purges them, and a scan from
 * the front reads each deleted row. While batches are full, the next batch therefore begins
 * after the previous batch. The scan returns to the front every MARK_EVERY batches, and
 * whenever a batch was not full, for rows with a smaller id that were committed late. */
static void move_mark(struct ward_db *db, const struct drain *d)
{
    db->outbox_full = d->whole ? db->outbox_full + 1 : 0;
    db->outbox_from = d->whole && db->outbox_full % MARK_EVERY != 0 ? d->last : 0;
}

enum ward_code ward_outbox_drain(struct ward_db *db, size_t most, ward_deliver_fn *deliver,
                                 void *arg, size_t *n, struct ward_err *err)
{
    struct drain d = {.most = most, .deliver = deliver, .arg = arg};
    enum ward_code code;

    ward_arena_init(&d.mem, BATCH_CAP);
    do {
        d.from = db->outbox_from;
        code = ward_db_tx(db, drain_once, &d, err);
        while (code == WARD_RESOURCE_EXHAUSTED && d.most > 1) { /* the events are very large */
            d.most /= 2;
            code = ward_db_tx(db, drain_once, &d, err);
        }
        if (code == WARD_OK)
            move_mark(db, &d);
        else
            db->outbox_from = 0;
        /* rows with smaller ids may exist, so an empty batch is repeated from the front */
    } while (code == WARD_OK && d.n == 0 && d.from != 0);
    ward_arena_done(&d.mem);
    if (code == WARD_OK && d.n > 0 && d.last > db->outbox_sent)
        db->outbox_sent = d.last;
    if (code == WARD_OK)
        *n = d.n;
    return code;
}

/* ---- backlog ---- */

enum ward_code ward_outbox_backlog(struct ward_db *db, int64_t *rows, int64_t *held_rows,
                                   double *age_s, struct ward_err *err)
{
    /* The number of waiting rows is exact up to COUNT_MAX. Above COUNT_MAX, the number is the
     * span of the ids, which includes ids of rolled-back transactions. */
    static const char SQL[] =
        "SELECT (SELECT COUNT(*) FROM (SELECT 1 FROM ward_outbox LIMIT 100000) w),"
        " (SELECT COALESCE(MAX(id) - MIN(id) + 1, 0) FROM ward_outbox),"
        " (SELECT COUNT(*) FROM ward_outbox_held),"
        " COALESCE(TIMESTAMPDIFF(MICROSECOND, LEAST("
        "  COALESCE((SELECT created_at FROM ward_outbox ORDER BY id LIMIT 1), NOW(6)),"
        "  COALESCE((SELECT MIN(created_at) FROM ward_outbox_held), NOW(6))), NOW(6)), 0)";
    struct ward_arena mem;
    struct ward_rows out;
    int64_t counted = 0, span = 0, held = 0, us = 0;
    bool good = false;
    enum ward_code code;

    ward_arena_init(&mem, 16384);
    code = ward_db_run(db, &mem, SQL, WARD_NO_PARAMS, &out, err);
    if (code == WARD_OK)
        good = out.n == 1 && ward_i64(out.at[0][0].p, 0, INT64_MAX, &counted) &&
               ward_i64(out.at[0][1].p, 0, INT64_MAX, &span) &&
               ward_i64(out.at[0][2].p, 0, INT64_MAX, &held) &&
               ward_i64(out.at[0][3].p, INT64_MIN, INT64_MAX, &us);
    ward_arena_done(&mem);
    WARD_TRY(code);
    if (!good)
        return WARD_FAIL(err, DATA_LOSS, "the outbox table is invalid");
    *rows = (counted < COUNT_MAX ? counted : span) + held;
    *held_rows = held;
    *age_s = us > 0 ? (double)us / 1e6 : 0;
    return WARD_OK;
}

/* ---- held ---- */

#define HELD_AT_ONCE "1000"

enum ward_code ward_outbox_held(struct ward_db *db, struct ward_arena *mem, int64_t after_id,
                                struct ward_rows *rows, struct ward_err *err)
{
    static const char SQL[] =
        "SELECT id, LOWER(HEX(event_id)), DATE_FORMAT(created_at, '%Y-%m-%dT%H:%i:%s.%f'),"
        " DATE_FORMAT(held_at, '%Y-%m-%dT%H:%i:%s.%f'), code, LENGTH(event)"
        " FROM ward_outbox_held WHERE id > ? ORDER BY id LIMIT " HELD_AT_ONCE;

    return ward_db_run(db, mem, SQL, WARD_PARAMS(ward_int(mem, after_id)), rows, err);
}

struct release {
    int64_t id;
    int64_t n;
};

/* Moves held rows to the outbox. The rows get new ids, larger than the ids of all waiting rows,
 * and retain their creation times. */
static enum ward_code release(struct ward_db *db, void *arg, struct ward_err *err)
{
    static const char LOCK[] = "SELECT id FROM ward_outbox_held WHERE (? = 0 OR id = ?)"
                               " ORDER BY id LIMIT " HELD_AT_ONCE " FOR UPDATE";
    static const char MOVE[] =
        "INSERT INTO ward_outbox (event_id, created_at, event) SELECT"
        " event_id, created_at, event FROM ward_outbox_held WHERE id = ?";
    static const char GONE[] = "DELETE FROM ward_outbox_held WHERE id = ?";
    struct release *r = arg;
    struct ward_arena mem;
    struct ward_rows rows;
    enum ward_code code;

    ward_arena_init(&mem, (size_t)1 << 20);
    code = ward_db_run(db, &mem, LOCK,
                       WARD_PARAMS(ward_int(&mem, r->id), ward_int(&mem, r->id)), &rows, err);
    r->n = code == WARD_OK ? (int64_t)rows.n : 0;
    for (size_t i = 0; code == WARD_OK && i < rows.n; i++) {
        code = ward_db_run(db, &mem, MOVE, WARD_PARAMS(rows.at[i][0]), NULL, err);
        if (code == WARD_OK)
            code = ward_db_run(db, &mem, GONE, WARD_PARAMS(rows.at[i][0]), NULL, err);
    }
    ward_arena_done(&mem);
    return code;
}

enum ward_code ward_outbox_release(struct ward_db *db, int64_t id, int64_t *n,
                                   struct ward_err *err)
{
    struct release r = {.id = id};

    *n = 0;
    do {
        WARD_TRY(ward_db_tx(db, release, &r, err));
        *n += r.n;
    } while (id == 0 && r.n > 0);
    return WARD_OK;
}
