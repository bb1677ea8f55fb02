#include "services/dosage/order/keeper.h"

#include "common/base/clock.h"

#include <pthread.h>
#include <semaphore.h>
#include <string.h>

#define AT_ONCE  HEADS_MOST /* decisions in one transaction */
#define MEM_CAP  ((size_t)64 << 20)
#define LIMIT_NS (5000 * WARD_NS_PER_MS) /* time limit of one transaction */

#define PACE_NS (2 * WARD_NS_PER_MS)

struct waiting {
    struct keeping *what;
    enum ward_code code;
    struct ward_err err;
    bool taken;
    sem_t ended; /* one for each caller, so that other commits do not wake the caller */
    struct waiting *next;
};

struct keeper {
    pthread_t thread;
    pthread_mutex_t lock; /* protects first, last, stop and waiting.taken */
    pthread_cond_t work;
    struct waiting *first, **last;
    bool stop;
    /* Used only by the group-commit thread. */
    int64_t began_ns; /* start of the last transaction */
    struct ward_arena own, mem;
    struct ward_db *db;
};

/* ---- one transaction ---- */

struct batch {
    struct keeper *k;
    struct waiting *at[AT_ONCE];
    size_t n;
};

/* Marks decisions with an outdated input. */
static enum ward_code compare(struct batch *b, struct ward_err *err)
{
    const struct head *heads[AT_ONCE];
    bool stand[AT_ONCE];
    size_t n = 0;

    for (size_t i = 0; i < b->n; i++)
        if (b->at[i]->what->head != NULL)
            heads[n++] = b->at[i]->what->head;
    if (n > 0)
        WARD_TRY(heads_stand(b->k->db, &b->k->mem, heads, n, stand, err));
    n = 0;
    for (size_t i = 0; i < b->n; i++)
        b->at[i]->what->stale = b->at[i]->what->head != NULL && !stand[n++];
    return WARD_OK;
}

static enum ward_code insert(struct batch *b, struct ward_err *err)
{
    struct ward_arena *mem = &b->k->mem;
    struct ward_outbox_item *events;
    struct ward_val *decisions, *findings;
    size_t all = 0, n = 0, f = 0;

    for (size_t i = 0; i < b->n; i++)
        all += b->at[i]->what->rows->n_findings;
    events = ward_alloc(mem, b->n * sizeof(*events));
    decisions = ward_alloc(mem, b->n * DECISION_ROW * sizeof(*decisions));
    findings = ward_alloc(mem, (all + 1) * FINDING_ROW * sizeof(*findings));
    if (events == NULL || decisions == NULL || findings == NULL)
        return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory for decisions");
    for (size_t i = 0; i < b->n; i++) {
        const struct decision_rows *r = b->at[i]->what->rows;

        if (b->at[i]->what->stale)
            continue;
        events[n] = *b->at[i]->what->event;
        memcpy(decisions + n++ * DECISION_ROW, r->decision, sizeof(r->decision));
        memcpy(findings + f * FINDING_ROW, r->findings,
               r->n_findings * FINDING_ROW * sizeof(*findings));
        f += r->n_findings;
    }
    if (n == 0)
        return WARD_OK;
    WARD_TRY(decisions_insert(b->k->db, decisions, n, findings, f, err));
    return ward_outbox_add_many(b->k->db, mem, events, n, NULL, err);
}

static enum ward_code commit_in_tx(struct ward_db *db, void *arg, struct ward_err *err)
{
    struct batch *b = arg;

    (void)db; /* equals k->db */
    ward_arena_reset(&b->k->mem);
    WARD_TRY(compare(b, err));
    return insert(b, err);
}

static void commit(struct batch *b)
{
    struct ward_err err = {0};
    enum ward_code code;

    ward_db_deadline(b->k->db, ward_mono_ns() + LIMIT_NS);
    code = ward_db_tx(b->k->db, commit_in_tx, b, &err);
    for (size_t i = 0; i < b->n; i++) {
        b->at[i]->code = code;
        b->at[i]->err = err;
    }
}

static bool is_away(enum ward_code code)
{
    return code == WARD_UNAVAILABLE || code == WARD_DEADLINE_EXCEEDED;
}

/* A decision that cannot be stored must not fail the others. If a batch fails, each decision is
 * committed alone, unless the database is unavailable or the result is unknown. */
static void commit_all(struct batch *b)
{
    commit(b);
    if (b->n == 1 || b->at[0]->code == WARD_OK || is_away(b->at[0]->code))
        return;
    for (size_t i = 0; i < b->n; i++) {
        struct batch one = {.k = b->k, .at = {b->at[i]}, .n = 1};

        commit(&one);
        if (is_away(b->at[i]->code))
            return; /* the remaining decisions have the error of the batch */
    }
}

/* ---- the thread ---- */

static struct timespec moment(int64_t at_ns)
{
    return (struct timespec){.tv_sec = (time_t)(at_ns / 1000000000),
                             .tv_nsec = (long)(at_ns % 1000000000)};
}

/* Waits until PACE_NS after the start of the last transaction. New decisions gather meanwhile
 * and do not wake the thread. */
static void pace(struct keeper *k)
{
    const struct timespec at = moment(k->began_ns + PACE_NS);

    while (!k->stop && pthread_cond_timedwait(&k->work, &k->lock, &at) == 0)
        ;
}

/* Waits for pending decisions. False: the group commit is closing and no decision is pending.
 */
static bool something(struct keeper *k)
{
    do {
        while (k->first == NULL && !k->stop)
            pthread_cond_wait(&k->work, &k->lock);
        if (k->first == NULL)
            return false;
        pace(k);
    } while (k->first == NULL); /* all callers gave up during pace() */
    return true;
}

static bool take(struct keeper *k, struct batch *b)
{
    *b = (struct batch){.k = k};
    pthread_mutex_lock(&k->lock);
    if (!something(k)) {
        pthread_mutex_unlock(&k->lock);
        return false;
    }
    k->began_ns = ward_mono_ns();
    while (k->first != NULL && b->n < AT_ONCE) {
        b->at[b->n++] = k->first;
        k->first->taken = true;
        k->first = k->first->next;
    }
    if (k->first == NULL)
        k->last = &k->first;
    pthread_mutex_unlock(&k->lock);
    return true;
}

static void *run(void *arg)
{
    struct keeper *k = arg;
    struct batch b;

    while (take(k, &b)) {
        commit_all(&b);
        for (size_t i = 0; i < b.n; i++)
            sem_post(&b.at[i]->ended); /* from here on, the caller owns at[i] */
    }
    return NULL;
}

static void give_up(struct keeper *k, struct waiting *w)
{
    struct waiting **at = &k->first;

    while (*at != w)
        at = &(*at)->next;
    *at = w->next;
    if (w->next == NULL)
        k->last = at;
    w->code = WARD_FAIL(&w->err, DEADLINE_EXCEEDED, "no time left to store the decision");
}

/* Waits until the decision is committed or has failed. At the deadline, a decision that is not
 * yet in a batch is withdrawn. A decision in a batch ends soon. */
static void await(struct keeper *k, struct waiting *w, int64_t deadline_ns)
{
    const struct timespec at = moment(deadline_ns);
    bool taken;

    while (ward_mono_ns() < deadline_ns)
        if (sem_clockwait(&w->ended, CLOCK_MONOTONIC, &at) == 0)
            return;
    pthread_mutex_lock(&k->lock);
    taken = w->taken;
    if (!taken)
        give_up(k, w);
    pthread_mutex_unlock(&k->lock);
    while (taken && sem_wait(&w->ended) != 0)
        ; /* a signal interrupted the wait */
}

/* The condition variable uses the monotonic clock. */
static void cond_init(pthread_cond_t *cond)
{
    pthread_condattr_t attr;

    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(cond, &attr);
    pthread_condattr_destroy(&attr);
}

enum ward_code keeper_keep(struct keeper *k, struct ward_arena *mem, struct keeping *what,
                           int64_t deadline_ns, struct ward_err *err)
{
    struct waiting *w = ward_new(mem, struct waiting);

    if (w == NULL)
        return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory to store a decision");
    *w = (struct waiting){.what = what};
    sem_init(&w->ended, 0, 0);
    pthread_mutex_lock(&k->lock);
    if (k->first == NULL) /* otherwise the thread already knows of pending decisions */
        pthread_cond_signal(&k->work);
    *k->last = w;
    k->last = &w->next;
    pthread_mutex_unlock(&k->lock);
    await(k, w, deadline_ns);
    sem_destroy(&w->ended);
    if (w->code != WARD_OK)
        *err = w->err;
    return w->code;
}

/* ---- opening and closing ---- */

enum ward_code keeper_open(struct dosage *dos, struct keeper **out, struct ward_err *err)
{
    struct ward_db_config db = *dos->db;
    struct ward_arena own;
    struct keeper *k;

    db.tx_only = true;
    ward_arena_init(&own, sizeof(*k) + 64);
    k = ward_new(&own, struct keeper);
    if (k == NULL)
        return WARD_FAIL(err, RESOURCE_EXHAUSTED,
                         "no memory for the group commit of decisions");
    k->own = own;
    k->last = &k->first;
    pthread_mutex_init(&k->lock, NULL);
    cond_init(&k->work);
    ward_arena_init(&k->mem, MEM_CAP);
    *out = k;
    WARD_TRY(ward_db_open(&db, &k->db, err));
    if (pthread_create(&k->thread, NULL, run, k) != 0) {
        ward_db_close(k->db);
        k->db = NULL;
        return WARD_FAIL(err, RESOURCE_EXHAUSTED, "cannot create the group-commit thread");
    }
    return WARD_OK;
}

void keeper_close(struct keeper *k)
{
    struct ward_arena own;

    if (k == NULL)
        return;
    if (k->db != NULL) {
        pthread_mutex_lock(&k->lock);
        k->stop = true;
        pthread_cond_signal(&k->work);
        pthread_mutex_unlock(&k->lock);
        pthread_join(k->thread, NULL);
        ward_db_close(k->db);
    }
    pthread_cond_destroy(&k->work);
    pthread_mutex_destroy(&k->lock);
    ward_arena_done(&k->mem);
    own = k->own;
    ward_arena_done(&own);
}
