#include "common/db/writers.h"

#include "common/base/log.h"
#include "common/base/text.h"
#include "common/db/db_internal.h"

#include <mysqld_error.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define GREW_LOOKS 2
/* shortest time between two reopenings of the connections */
#define SETTLE_NS  (INT64_C(30) * 1000 * WARD_NS_PER_MS)
#define STAND_NS   (INT64_C(60) * 1000 * WARD_NS_PER_MS)
#define LOOK_ARENA ((size_t)64 << 10)

static struct ward_family nodes_gauge = {
    .name = "ward_db_writer_nodes",
    .help =
        "Number of Galera nodes that take this service's writes; 0 without Galera or without "
        "steady writes. A value above 1 is reported for a minute. Alert on values above 1.",
    .type = WARD_GAUGE,
};
WARD_METRIC_LISTED(nodes_gauge)

/* The nodes that this process has connected to. Slots are never freed, because the
 * names of nodes come from the configuration. */
static struct {
    pthread_mutex_t lock;
    int n;
    char name[WARD_NODES][WARD_NODE_MAX];
    atomic_ulong wrote[WARD_NODES];
    atomic_bool none; /* the server does not support Galera */
} nodes = {.lock = PTHREAD_MUTEX_INITIALIZER};

static atomic_uint epoch;

/* ---- connections: db.c and db_stmt.c call these functions ---- */

static int slot(const char *name)
{
    int i;

    pthread_mutex_lock(&nodes.lock);
    for (i = 0; i < nodes.n; i++)
        if (strcmp(nodes.name[i], name) == 0)
            break;
    if (i == nodes.n && nodes.n < WARD_NODES)
        snprintf(nodes.name[nodes.n++], WARD_NODE_MAX, "%s", name);
    pthread_mutex_unlock(&nodes.lock);
    return i < WARD_NODES ? i : -1;
}

bool ward_db_meet(struct ward_db *db)
{
    static const char SQL[] = "SELECT @@wsrep_on, @@wsrep_node_name";
    MYSQL_RES *res;
    MYSQL_ROW row;

    db->node = -1;
    db->epoch = atomic_load(&epoch);
    if (atomic_load(&nodes.none))
        return true;
    if (mysql_real_query(db->my, SQL, sizeof(SQL) - 1) != 0) {
        bool unknown = mysql_errno(db->my) == ER_UNKNOWN_SYSTEM_VARIABLE;

        atomic_store(&nodes.none, unknown);
        return unknown;
    }
    res = mysql_store_result(db->my);
    if (res == NULL)
        return false;
    row = mysql_fetch_row(res);
    if (row != NULL && row[0] != NULL && strcmp(row[0], "1") == 0 && row[1] != NULL)
        db->node = slot(row[1]);
    mysql_free_result(res);
    return true;
}

void ward_db_wrote(const struct ward_db *db)
{
    if (db->node >= 0 && !db->beating)
        atomic_fetch_add_explicit(&nodes.wrote[db->node], 1, memory_order_relaxed);
}

bool ward_db_outdated(const struct ward_db *db)
{
    return db->epoch != atomic_load_explicit(&epoch, memory_order_relaxed);
}

/* ---- the decision ---- */

void ward_writers_begin(struct ward_writers *w)
{
    for (int i = 0; i < w->n; i++)
        w->at[i].seen = false;
}

void ward_writers_row(struct ward_writers *w, const char *node, uint64_t beats)
{
    struct ward_writer *at = w->at, *end = w->at + w->n;

    while (at < end && strcmp(at->node, node) != 0)
        at++;
    if (at == w->at + WARD_NODES)
        return;
    if (at == end) { /* a new row: without an earlier number, growth is unknown */
        *at = (struct ward_writer){.beats = beats, .seen = true};
        snprintf(at->node, sizeof(at->node), "%s", node);
        w->n++;
        return;
    }
    at->grew = beats > at->beats ? at->grew + 1 : 0;
    at->beats = beats;
    at->seen = true;
}

int ward_writers_count(struct ward_writers *w, int *a, int *b)
{
    int found[2], n = 0;

    for (int i = 0; i < w->n; i++) {
        if (!w->at[i].seen)
            w->at[i].grew = 0;
        if (w->at[i].grew < GREW_LOOKS)
            continue;
        if (n < 2)
            found[n] = i;
        n++;
    }
    if (n >= 2) {
        *a = found[0];
        *b = found[1];
    }
    return n;
}

enum ward_writers_do ward_writers_decide(struct ward_writers *w, int n, int64_t now_ns)
{
    if (n < 2) {
        if (now_ns < w->until_ns)
            return WARD_WRITERS_FAIL;
        w->until_ns = 0;
        return WARD_WRITERS_FINE;
    }
    if (w->until_ns == 0 && (w->reopened_ns == 0 || now_ns - w->reopened_ns > SETTLE_NS)) {
        w->reopened_ns = now_ns;
        for (int i = 0; i < w->n; i++)
            w->at[i].grew = 0; /* growth is counted from this round on */
        return WARD_WRITERS_REOPEN;
    }
    w->until_ns = now_ns + STAND_NS;
    return WARD_WRITERS_FAIL;
}

/* ---- a round ---- */

static enum ward_code beat(struct ward_db *db, struct ward_writers *w, struct ward_err *err)
{
    static const char SQL[] = "INSERT INTO ward_writer (node, beats) VALUES (?, 1)"
                              " ON DUPLICATE KEY UPDATE beats = beats + 1";
    enum ward_code code = WARD_OK;
    int n;

    pthread_mutex_lock(&nodes.lock);
    n = nodes.n;
    pthread_mutex_unlock(&nodes.lock);
    for (int i = 0; i < n && code == WARD_OK; i++) {
        uint64_t wrote = atomic_load(&nodes.wrote[i]);

        if (wrote == w->wrote[i])
            continue;
        db->beating = true; /* the update of ward_writer does not count as a write */
        code = ward_db_run(db, NULL, SQL, WARD_PARAMS(ward_text(nodes.name[i])), NULL, err);
        db->beating = false;
        if (code == WARD_OK)
            w->wrote[i] = wrote;
    }
    /* another replica updated the row first; the next round tries again */
    return code == WARD_ABORTED ? WARD_OK : code;
}

static enum ward_code read(struct ward_db *db, struct ward_writers *w, struct ward_err *err)
{
    static const char SQL[] = "SELECT node, beats FROM ward_writer";
    struct ward_rows rows;
    struct ward_arena mem;
    enum ward_code code;
    int64_t beats;

    ward_arena_init(&mem, LOOK_ARENA);
    code = ward_db_run(db, &mem, SQL, WARD_NO_PARAMS, &rows, err);
    if (code == WARD_OK) {
        ward_writers_begin(w);
        for (size_t i = 0; i < rows.n; i++)
            if (ward_i64(rows.at[i][1].p, 0, INT64_MAX, &beats))
                ward_writers_row(w, rows.at[i][0].p, (uint64_t)beats);
    }
    ward_arena_done(&mem);
    return code;
}

enum ward_code ward_db_writers(struct ward_db *db, struct ward_writers *w, struct ward_err *err)
{
    enum ward_writers_do what;
    int n;

    WARD_TRY(ward_db_connected(db, err));
    if (db->node < 0)
        return WARD_OK;
    WARD_TRY(beat(db, w, err));
    WARD_TRY(read(db, w, err));
    n = ward_writers_count(w, &w->a, &w->b);
    what = ward_writers_decide(w, n, ward_mono_ns());
    if (what != WARD_WRITERS_FAIL || n > 1) /* a finding stays in the gauge until it ends */
        ward_gauge(&nodes_gauge, n);
    switch (what) {
    case WARD_WRITERS_FINE:
        return WARD_OK;
    case WARD_WRITERS_REOPEN:
        WARD_LOG(WARN, "two Galera nodes accept writes: the connections are reopened",
                 WARD_KV("node", w->at[w->a].node), WARD_KV("other", w->at[w->b].node));
        atomic_fetch_add(&epoch, 1);
        return WARD_OK;
    case WARD_WRITERS_FAIL:
        break;
    }
    return WARD_FAIL_REASON(
        err, FAILED_PRECONDITION, "TWO_WRITERS",
        "two Galera nodes accept writes, %.48s and %.48s: route all services to one node",
        w->at[w->a].node, w->at[w->b].node);
}
