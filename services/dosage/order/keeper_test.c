/* The group commit of decisions over a fake database: which decisions are stored together, and
 * which decisions are given up. The test controls the clock and the end of each transaction. */
#include "services/dosage/order/keeper.h"

#include "common/base/clock.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#define NOW   1000
#define LATER 2000

/* ---- the database ---- */

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static struct {
    int64_t clock;
    bool shut;         /* transactions do not end */
    int begun, opened; /* numbers of transactions and connections */
    char tried[64];    /* decisions of each transaction, such as "a bxd " */
    char kept[16];     /* committed decisions */
    char pending[16], events[16];
} db;

static void add(char *to, size_t room, const char *what)
{
    size_t n = strlen(to);

    assert_true((size_t)snprintf(to + n, room - n, "%s", what) < room - n);
}
#define ADD(to, what) add(to, sizeof(to), what)

static void tell(void)
{
    pthread_cond_broadcast(&changed);
}

enum ward_code ward_db_open(const struct ward_db_config *cfg, struct ward_db **out,
                            struct ward_err *err)
{
    (void)err;
    assert_true(cfg->tx_only); /* the connection runs only transactions */
    *out = (struct ward_db *)&db;
    db.opened++;
    return WARD_OK;
}

void ward_db_close(struct ward_db *d)
{
    assert_ptr_equal(d, &db);
    db.opened--;
}

void ward_db_deadline(struct ward_db *d, int64_t deadline_ns)
{
    (void)d;
    assert_true(deadline_ns != WARD_NO_DEADLINE);
}

static bool has(char what)
{
    return strchr(db.pending, what) != NULL;
}

/* The name of a decision sets its result. 'x': every table rejects the decision. 'u': the
 * database is unavailable. */
static enum ward_code said(struct ward_err *err)
{
    if (has('x'))
        return WARD_FAIL(err, FAILED_PRECONDITION, "no row of ours");
    return has('u') ? WARD_FAIL(err, UNAVAILABLE, "away") : WARD_OK;
}

enum ward_code ward_db_tx(struct ward_db *d, ward_tx_fn *fn, void *arg, struct ward_err *err)
{
    enum ward_code code;

    pthread_mutex_lock(&lock);
    db.pending[0] = db.events[0] = '\0';
    code = fn(d, arg, err);
    ADD(db.tried, db.pending);
    ADD(db.tried, " ");
    db.begun++;
    tell();
    while (db.shut)
        pthread_cond_wait(&changed, &lock);
    if (code == WARD_OK) {
        assert_string_equal(db.events, db.pending);
        ADD(db.kept, db.pending);
    }
    pthread_mutex_unlock(&lock);
    return code;
}

enum ward_code decisions_insert(struct ward_db *d, const struct ward_val *decisions, size_t n,
                                const struct ward_val *findings, size_t n_findings,
                                struct ward_err *err)
{
    (void)d;
    /* one finding for each decision, in the order of the decisions */
    assert_int_equal(n_findings, n);
    for (size_t i = 0; i < n; i++) {
        const char *name = decisions[i * DECISION_ROW].p;

        ADD(db.pending, name);
        assert_string_equal(findings[i * FINDING_ROW].p, name);
        assert_string_equal(findings[i * FINDING_ROW + FINDING_ROW - 1].p, name);
    }
    return said(err);
}

enum ward_code ward_outbox_add_many(struct ward_db *d, struct ward_arena *mem,
                                    const struct ward_outbox_item *items, size_t n,
                                    bool *audited, struct ward_err *err)
{
    (void)d, (void)mem, (void)audited, (void)err;
    for (size_t i = 0; i < n; i++)
        ADD(db.events, items[i].event);
    return WARD_OK;
}

/* The decision 's' has outdated inputs. */
enum ward_code heads_stand(struct ward_db *d, struct ward_arena *mem,
                           const struct head *const *heads, size_t n, bool *stand,
                           struct ward_err *err)
{
    (void)d, (void)mem, (void)err;
    for (size_t i = 0; i < n; i++)
        stand[i] = heads[i]->ward[0] != 's';
    return WARD_OK;
}

/* ---- callers ---- */

struct caller {
    pthread_t thread;
    struct keeper *k;
    char name[2];
    int64_t deadline_ns;
    bool by_head; /* the decision is based on a cached head */
    bool waits;   /* the decision is in the queue */
    bool stale;
    enum ward_code code;
    struct ward_err err;
};
static _Thread_local struct caller *me;

/* A caller reads the clock after its decision was queued. */
int64_t ward_mono_ns(void)
{
    int64_t now;

    pthread_mutex_lock(&lock);
    now = db.clock;
    if (me != NULL && !me->waits) {
        me->waits = true;
        tell();
    }
    pthread_mutex_unlock(&lock);
    return now;
}

static void *keep(void *arg)
{
    struct caller *c = arg;
    struct ward_val finding[FINDING_ROW];
    struct decision_rows rows = {.findings = finding, .n_findings = 1};
    struct ward_outbox_item event = {.event = c->name, .n = 1};
    struct head head = {.ward = {c->name[0]}};
    struct keeping what = {.rows = &rows, .event = &event, .head = c->by_head ? &head : NULL};
    struct ward_arena mem;

    me = c;
    for (size_t i = 0; i < DECISION_ROW; i++)
        rows.decision[i] = (struct ward_val){c->name, 1};
    for (size_t i = 0; i < FINDING_ROW; i++)
        finding[i] = (struct ward_val){c->name, 1};
    ward_arena_init(&mem, 1 << 16);
    c->code = keeper_keep(c->k, &mem, &what, c->deadline_ns, &c->err);
    c->stale = what.stale;
    ward_arena_done(&mem);
    return NULL;
}

static void call_by(struct keeper *k, struct caller *c, char name, int64_t deadline_ns,
                    bool by_head)
{
    *c =
        (struct caller){.k = k, .name = {name}, .deadline_ns = deadline_ns, .by_head = by_head};
    assert_int_equal(pthread_create(&c->thread, NULL, keep, c), 0);
    pthread_mutex_lock(&lock);
    while (!c->waits)
        pthread_cond_wait(&changed, &lock);
    pthread_mutex_unlock(&lock);
}

static void call(struct keeper *k, struct caller *c, char name, int64_t deadline_ns)
{
    call_by(k, c, name, deadline_ns, false);
}

static enum ward_code end(struct caller *c)
{
    pthread_join(c->thread, NULL);
    return c->code;
}

static void set(bool shut, int64_t clock)
{
    pthread_mutex_lock(&lock);
    db.shut = shut;
    db.clock = clock;
    tell();
    pthread_mutex_unlock(&lock);
}

static void begun(int n)
{
    pthread_mutex_lock(&lock);
    while (db.begun < n)
        pthread_cond_wait(&changed, &lock);
    pthread_mutex_unlock(&lock);
}

static struct keeper *keeper;

/* A caller whose transaction is in progress, so that other decisions gather. */
static struct caller under_way;

static int up(void **state)
{
    static const struct ward_db_config cfg;
    static struct dosage dos = {.db = &cfg};
    struct ward_err err = {0};

    (void)state;
    memset(&db, 0, sizeof(db));
    db.clock = NOW;
    db.shut = true;
    return keeper_open(&dos, &keeper, &err) == WARD_OK ? 0 : -1;
}

static int down(void **state)
{
    (void)state;
    keeper_close(keeper);
    return db.opened;
}

static void begin(int64_t deadline_ns)
{
    call(keeper, &under_way, 'a', deadline_ns);
    begun(1);
}

/* ---- the tests ---- */

static void those_that_wait_go_in_one_transaction(void **state)
{
    struct caller c[3];

    (void)state;
    begin(WARD_NO_DEADLINE);
    for (int i = 0; i < 3; i++)
        call(keeper, &c[i], (char)('b' + i), WARD_NO_DEADLINE);
    set(false, NOW);
    for (int i = 0; i < 3; i++)
        assert_int_equal(end(&c[i]), WARD_OK);
    assert_int_equal(end(&under_way), WARD_OK);
    assert_string_equal(db.tried, "a bcd ");
    assert_string_equal(db.kept, "abcd");
}

static void one_that_cannot_be_kept_takes_no_other_along(void **state)
{
    static const char NAMES[] = "bxd";
    struct caller c[3];

    (void)state;
    begin(WARD_NO_DEADLINE);
    for (int i = 0; i < 3; i++)
        call(keeper, &c[i], NAMES[i], WARD_NO_DEADLINE);
    set(false, NOW);
    assert_int_equal(end(&c[0]), WARD_OK);
    assert_int_equal(end(&c[1]), WARD_FAILED_PRECONDITION);
    assert_string_equal(c[1].err.msg, "no row of ours");
    assert_int_equal(end(&c[2]), WARD_OK);
    assert_int_equal(end(&under_way), WARD_OK);
    assert_string_equal(db.tried, "a bxd b x d ");
    assert_string_equal(db.kept, "abd");
}

static void a_database_that_is_away_is_not_asked_for_each(void **state)
{
    struct caller c[2];

    (void)state;
    begin(WARD_NO_DEADLINE);
    call(keeper, &c[0], 'b', WARD_NO_DEADLINE);
    call(keeper, &c[1], 'u', WARD_NO_DEADLINE);
    set(false, NOW);
    assert_int_equal(end(&c[0]), WARD_UNAVAILABLE);
    assert_int_equal(end(&c[1]), WARD_UNAVAILABLE);
    assert_int_equal(end(&under_way), WARD_OK);
    assert_string_equal(db.tried, "a bu ");
    assert_string_equal(db.kept, "a");
}

static void what_nobody_began_is_given_up_at_its_deadline_and_never_written(void **state)
{
    struct caller c[5];

    (void)state;
    begin(WARD_NO_DEADLINE);
    for (int i = 0; i < 4; i++) /* b and d have the deadline LATER, c and e have no deadline */
        call(keeper, &c[i], (char)('b' + i), i % 2 ? WARD_NO_DEADLINE : LATER);
    set(true, LATER);
    for (int i = 0; i < 4; i += 2) {
        assert_int_equal(end(&c[i]), WARD_DEADLINE_EXCEEDED);
        assert_int_equal(c[i].err.code, WARD_DEADLINE_EXCEEDED);
    }
    assert_string_equal(db.tried, "a "); /* a's transaction has not ended yet */
    call(keeper, &c[4], 'f', WARD_NO_DEADLINE);
    set(false, LATER);
    assert_int_equal(end(&c[1]), WARD_OK);
    assert_int_equal(end(&c[3]), WARD_OK);
    assert_int_equal(end(&c[4]), WARD_OK);
    assert_int_equal(end(&under_way), WARD_OK);
    assert_string_equal(db.tried, "a cef ");
    assert_string_equal(db.kept, "acef");
}

static void the_last_that_is_given_up_leaves_room_for_the_next(void **state)
{
    struct caller c[2];

    (void)state;
    begin(WARD_NO_DEADLINE);
    call(keeper, &c[0], 'b', LATER);
    set(true, LATER);
    assert_int_equal(end(&c[0]), WARD_DEADLINE_EXCEEDED);
    call(keeper, &c[1], 'c', WARD_NO_DEADLINE);
    set(false, LATER);
    assert_int_equal(end(&c[1]), WARD_OK);
    assert_int_equal(end(&under_way), WARD_OK);
    assert_string_equal(db.kept, "ac");
}

static void what_was_begun_is_waited_for(void **state)
{
    struct caller b;

    (void)state;
    begin(LATER);
    set(true, LATER);
    /* the deadline has passed, so the decision is withdrawn during the transaction */
    call(keeper, &b, 'b', LATER);
    assert_int_equal(end(&b), WARD_DEADLINE_EXCEEDED);
    set(false, LATER + 1);
    assert_int_equal(end(&under_way), WARD_OK);
    assert_string_equal(db.kept, "a");
}

static void what_was_decided_by_what_is_so_no_more_is_not_kept(void **state)
{
    struct caller c[4];

    (void)state;
    begin(WARD_NO_DEADLINE);
    call_by(keeper, &c[0], 'b', WARD_NO_DEADLINE, true);
    call_by(keeper, &c[1], 's', WARD_NO_DEADLINE, true);
    call(keeper, &c[2], 's', WARD_NO_DEADLINE);
    call_by(keeper, &c[3], 'd', WARD_NO_DEADLINE, true);
    set(false, NOW);
    for (int i = 0; i < 4; i++) {
        assert_int_equal(end(&c[i]), WARD_OK);
        assert_int_equal(c[i].stale, i == 1);
    }
    assert_int_equal(end(&under_way), WARD_OK);
    assert_string_equal(db.tried, "a bsd ");
    assert_string_equal(db.kept, "absd");
}

static void nothing_is_written_where_none_stands(void **state)
{
    struct caller c;

    (void)state;
    begin(WARD_NO_DEADLINE);
    call_by(keeper, &c, 's', WARD_NO_DEADLINE, true);
    set(false, NOW);
    assert_int_equal(end(&c), WARD_OK);
    assert_true(c.stale);
    assert_int_equal(end(&under_way), WARD_OK);
    assert_string_equal(db.tried, "a  ");
    assert_string_equal(db.kept, "a");
}

/* The thread uses the machine's clock, and the test's clock is ahead. The thread therefore
 * still waits for more decisions when the only caller gives up. */
static void one_that_is_given_up_while_others_are_waited_for_ends_nothing(void **state)
{
    struct caller gone, next;
    struct timespec now;
    int64_t ahead;

    (void)state;
    clock_gettime(CLOCK_MONOTONIC, &now);
    ahead = (int64_t)now.tv_sec * 1000000000 + now.tv_nsec + 100 * WARD_NS_PER_MS;
    set(false, ahead);
    begin(WARD_NO_DEADLINE);
    assert_int_equal(end(&under_way), WARD_OK);
    call(keeper, &gone, 'b', ahead); /* the deadline has passed */
    assert_int_equal(end(&gone), WARD_DEADLINE_EXCEEDED);
    nanosleep(&(struct timespec){.tv_nsec = 150000000}, NULL);
    call(keeper, &next, 'c', WARD_NO_DEADLINE);
    assert_int_equal(end(&next), WARD_OK);
    assert_string_equal(db.kept, "ac");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, up, down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(those_that_wait_go_in_one_transaction),
        TEST(one_that_cannot_be_kept_takes_no_other_along),
        TEST(a_database_that_is_away_is_not_asked_for_each),
        TEST(what_nobody_began_is_given_up_at_its_deadline_and_never_written),
        TEST(the_last_that_is_given_up_leaves_room_for_the_next),
        TEST(what_was_begun_is_waited_for),
        TEST(what_was_decided_by_what_is_so_no_more_is_not_kept),
        TEST(nothing_is_written_where_none_stands),
        TEST(one_that_is_given_up_while_others_are_waited_for_ends_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
