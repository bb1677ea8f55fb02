/* Transactions: all or nothing, repeated after a conflict. */
#include "common/db/db_internal.h"

#include "common/base/crypto.h"

#include <stdio.h>
#include <time.h>

#define REDOS 5

static struct ward_family redone = {
    .name = "ward_db_transactions_redone_total",
    .help = "Number of transactions repeated after a deadlock or a lock timeout.",
    .type = WARD_COUNTER,
};
WARD_METRIC_LISTED(redone)

bool ward_db_in_tx(const struct ward_db *db)
{
    return db->in_tx;
}

void ward_db_after_commit(struct ward_db *db, void (*fn)(void *), void *arg)
{
    WARD_ASSERT(db->in_tx);
    for (int i = 0; i < db->n_after; i++)
        if (db->after[i].fn == fn && db->after[i].arg == arg)
            return;
    WARD_ASSERT(db->n_after < DB_AFTER);
    db->after[db->n_after].fn = fn;
    db->after[db->n_after++].arg = arg;
}

static enum ward_code begin_once(struct ward_db *db, struct ward_err *err)
{
    WARD_TRY(ward_db_connected(db, err));
    WARD_TRY(ward_db_limit(db, err));
    return db->cfg.tx_only ? WARD_OK : ward_db_text(db, "START TRANSACTION", err);
}

/* Begins a transaction. If the connection was lost, opens it again and repeats the statement.
 * Nothing has happened in the transaction yet, so no call fails when the database restarts. */
static enum ward_code begin(struct ward_db *db, struct ward_err *err)
{
    bool fresh = db->my == NULL;
    enum ward_code code = begin_once(db, err);

    return code == WARD_UNAVAILABLE && !fresh ? begin_once(db, err) : code;
}

static void roll_back(struct ward_db *db)
{
    if (db->my != NULL && ward_db_text(db, "ROLLBACK", NULL) != WARD_OK)
        ward_db_disconnect(db); /* the server rolls back the transaction of a lost client */
}

static enum ward_code commit(struct ward_db *db, struct ward_err *err)
{
    enum ward_code code = ward_db_text(db, "COMMIT", err);
    char why[200] = "";

    if (code == WARD_OK || code == WARD_ABORTED) /* after ABORTED, the server has rolled back */
        return code;
    if (err != NULL)
        snprintf(why, sizeof(why), "%.199s", err->detail);
    ward_db_disconnect(db);
    WARD_FAIL_REASON(err, UNAVAILABLE, "COMMIT_UNKNOWN",
                     "the database did not report whether the change was saved");
    ward_err_detail(err, "%s", why);
    return WARD_UNAVAILABLE;
}

static enum ward_code body(struct ward_db *db, ward_tx_fn *fn, void *arg, struct ward_err *err)
{
    enum ward_code code = fn(db, arg, err);

    /* fn returned OK although a statement failed */
    if (code == WARD_OK && db->tx_code != WARD_OK)
        code = ward_err_set(err, db->tx_code, __FILE__, __LINE__,
                            "the database has rolled back this transaction");
    if (code == WARD_OK && ward_left_ms(db->deadline_ns) == 0)
        code = WARD_FAIL(err, DEADLINE_EXCEEDED, "no time left to save");
    if (code == WARD_OK)
        return commit(db, err);
    roll_back(db);
    return code;
}

static enum ward_code once(struct ward_db *db, ward_tx_fn *fn, void *arg, struct ward_err *err)
{
    enum ward_code code;

    WARD_TRY(begin(db, err));
    db->in_tx = true;
    db->tx_code = WARD_OK;
    db->n_after = 0;
    code = body(db, fn, arg, err);
    db->in_tx = false;
    db->tx_code = WARD_OK;
    for (int i = 0; code == WARD_OK && i < db->n_after; i++)
        db->after[i].fn(db->after[i].arg);
    db->n_after = 0;
    return code;
}

/* Waits for a random time that grows with each try, so that two colliding transactions do not
 * collide again. Returns false if the deadline comes first. */
static bool wait_a_little(const struct ward_db *db, int redo)
{
    struct timespec t = {0};
    uint32_t dice;

    ward_random(&dice, sizeof(dice));
    t.tv_nsec = (long)(dice % (2000000u << redo)); /* less than 2, 4, ... 32 ms */
    if (ward_left_ms(db->deadline_ns) <= t.tv_nsec / WARD_NS_PER_MS)
        return false;
    nanosleep(&t, NULL);
    return true;
}

enum ward_code ward_db_tx(struct ward_db *db, ward_tx_fn *fn, void *arg, struct ward_err *err)
{
    if (db->in_tx)
        return WARD_FAIL(err, INTERNAL, "a transaction was started inside a transaction");
    for (int redo = 0;; redo++) {
        enum ward_code code = once(db, fn, arg, err);

        if (code != WARD_ABORTED || redo == REDOS || !wait_a_little(db, redo))
            return code;
        ward_count(&redone, 1);
        if (err != NULL)
            *err = (struct ward_err){0};
    }
}
