/* Transactions of common/db against a real server: redo, loss, unknown commits, callbacks. */
#include "tests/integration/it.h"

#include "common/base/clock.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

static struct ward_db *db, *other;
static struct ward_err err;
static int ran;

static int set_up(void **state)
{
    (void)state;
    it_fresh("it_tx");
    other = it_open();
    it_sql(other, "CREATE TABLE t (id INT PRIMARY KEY, n INT NOT NULL) ENGINE=InnoDB");
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    ward_db_close(other);
    return 0;
}

static int open_one(void **state)
{
    const bool *tx_only = *state;
    struct ward_db_config cfg = it_cfg;

    cfg.tx_only = *tx_only;
    err = (struct ward_err){0};
    ran = 0;
    it_expect(ward_db_open(&cfg, &db, &err), WARD_OK, &err);
    it_sql(other, "DELETE FROM t");
    it_sql(other, "INSERT INTO t VALUES (1, 0), (2, 0)");
    return 0;
}

static int close_one(void **state)
{
    (void)state;
    ward_db_close(db);
    return 0;
}

static enum ward_code run(struct ward_db *on, const char *sql, struct ward_err *e)
{
    return ward_db_run(on, NULL, sql, WARD_NO_PARAMS, NULL, e);
}

static void called(void *arg)
{
    ++*(int *)arg;
}

static enum ward_code insert(struct ward_db *on, void *arg, struct ward_err *e)
{
    ran++;
    assert_true(ward_db_in_tx(on));
    WARD_TRY(run(on, "INSERT INTO t VALUES (3, 3)", e));
    ward_db_after_commit(on, called, arg);
    ward_db_after_commit(on, called, arg); /* once is enough */
    return WARD_OK;
}

static void what_commits_is_there_and_its_callbacks_run_once(void **state)
{
    int calls = 0;

    (void)state;
    it_expect(ward_db_tx(db, insert, &calls, &err), WARD_OK, &err);
    assert_int_equal(calls, 1);
    assert_false(ward_db_in_tx(db));
    assert_int_equal(it_count(other, "SELECT COUNT(*) FROM t WHERE id = 3"), 1);
}

static enum ward_code insert_and_refuse(struct ward_db *on, void *arg, struct ward_err *e)
{
    WARD_TRY(insert(on, arg, e));
    return WARD_FAIL_REASON(e, FAILED_PRECONDITION, "NO", "changed my mind");
}

static void what_fails_is_gone_and_its_callbacks_never_run(void **state)
{
    int calls = 0;

    (void)state;
    it_expect(ward_db_tx(db, insert_and_refuse, &calls, &err), WARD_FAILED_PRECONDITION, &err);
    assert_string_equal(err.msg, "changed my mind");
    assert_string_equal(err.reason, "NO");
    assert_int_equal(ran, 1);
    assert_int_equal(calls, 0);
    assert_int_equal(it_count(other, "SELECT COUNT(*) FROM t WHERE id = 3"), 0);
}

static enum ward_code nest(struct ward_db *on, void *arg, struct ward_err *e)
{
    return ward_db_tx(on, insert, arg, e);
}

static void a_transaction_inside_another_is_a_bug(void **state)
{
    (void)state;
    it_expect(ward_db_tx(db, nest, NULL, &err), WARD_INTERNAL, &err);
    assert_int_equal(ran, 0);
}

/* ---- a real deadlock: two transactions take two rows in opposite order ---- */

static pthread_barrier_t both_hold_one;

struct side {
    struct ward_db *db;
    const char *first, *second;
    int runs;
    enum ward_code code;
};

static enum ward_code cross(struct ward_db *on, void *arg, struct ward_err *e)
{
    struct side *s = arg;

    s->runs++;
    WARD_TRY(run(on, s->first, e));
    if (s->runs == 1)
        pthread_barrier_wait(&both_hold_one);
    return run(on, s->second, e);
}

static void *cross_over(void *arg)
{
    struct side *s = arg;
    struct ward_err e = {0};

    s->code = ward_db_tx(s->db, cross, s, &e);
    return NULL;
}

static void a_deadlock_is_redone_and_both_come_through(void **state)
{
    static const char ONE[] = "UPDATE t SET n = n + 1 WHERE id = 1";
    static const char TWO[] = "UPDATE t SET n = n + 1 WHERE id = 2";
    struct side a = {.db = db, .first = ONE, .second = TWO};
    struct side b = {.db = other, .first = TWO, .second = ONE};
    pthread_t t;

    (void)state;
    pthread_barrier_init(&both_hold_one, NULL, 2);
    pthread_create(&t, NULL, cross_over, &b);
    cross_over(&a);
    pthread_join(t, NULL);
    pthread_barrier_destroy(&both_hold_one);
    assert_int_equal(a.code, WARD_OK);
    assert_int_equal(b.code, WARD_OK);
    assert_true(a.runs + b.runs >= 3); /* one of them was the victim */
    assert_int_equal(it_count(other, "SELECT n FROM t WHERE id = 1"), 2);
    assert_int_equal(it_count(other, "SELECT n FROM t WHERE id = 2"), 2);
}

static enum ward_code always_aborted(struct ward_db *on, void *arg, struct ward_err *e)
{
    (void)on, (void)arg;
    ran++;
    return WARD_FAIL(e, ABORTED, "again, please");
}

static void redoing_has_an_end(void **state)
{
    (void)state;
    it_expect(ward_db_tx(db, always_aborted, NULL, &err), WARD_ABORTED, &err);
    assert_int_equal(ran, 6);
}

static void nothing_is_redone_or_saved_after_the_deadline(void **state)
{
    (void)state;
    ward_db_deadline(db, ward_mono_ns());
    it_expect(ward_db_tx(db, insert, NULL, &err), WARD_DEADLINE_EXCEEDED, &err);
    assert_int_equal(ran, 0);
}

static enum ward_code insert_then_time_is_up(struct ward_db *on, void *arg, struct ward_err *e)
{
    WARD_TRY(insert(on, arg, e));
    ward_db_deadline(on, ward_mono_ns());
    return WARD_OK;
}

static void what_is_not_committed_by_the_deadline_is_rolled_back(void **state)
{
    int calls = 0;

    (void)state;
    it_expect(ward_db_tx(db, insert_then_time_is_up, &calls, &err), WARD_DEADLINE_EXCEEDED,
              &err);
    ward_db_deadline(db, WARD_NO_DEADLINE);
    assert_int_equal(calls, 0);
    assert_int_equal(it_count(other, "SELECT COUNT(*) FROM t WHERE id = 3"), 0);
}

/* ---- lost connections ---- */

static enum ward_code who(struct ward_db *on, void *arg, struct ward_err *e)
{
    (void)e;
    snprintf(arg, 32, "%s", it_sql(on, "SELECT CONNECTION_ID()"));
    return WARD_OK;
}

static void kill_connection_of(struct ward_db *victim)
{
    static char sql[16][64]; /* a statement's address names it, so each needs its own */
    static int used;
    char *mine = sql[used++], id[32];

    assert_true(used <= 16);
    if (ward_db_in_tx(victim))
        who(victim, id, &err);
    else
        it_expect(ward_db_tx(victim, who, id, &err), WARD_OK, &err);
    snprintf(mine, sizeof(*sql), "KILL %s", id);
    it_expect(run(other, mine, &err), WARD_OK, &err);
}

static enum ward_code lose_and_go_on(struct ward_db *on, void *arg, struct ward_err *e)
{
    ran++;
    WARD_TRY(run(on, "INSERT INTO t VALUES (3, 3)", e));
    kill_connection_of(on);
    (void)!run(on, "INSERT INTO t VALUES (4, 4)", e); /* fails; a careless caller goes on */
    it_expect(run(on, "INSERT INTO t VALUES (5, 5)", e), WARD_UNAVAILABLE, e);
    ward_db_after_commit(on, called, arg);
    return WARD_OK;
}

static void a_connection_lost_inside_fails_the_whole_even_if_fn_does_not_care(void **state)
{
    int calls = 0;

    (void)state;
    it_expect(ward_db_tx(db, lose_and_go_on, &calls, &err), WARD_UNAVAILABLE, &err);
    assert_int_equal(ran, 1);
    assert_int_equal(calls, 0);
    assert_int_equal(it_count(other, "SELECT COUNT(*) FROM t WHERE id > 2"), 0);
}

static enum ward_code lose_before_commit(struct ward_db *on, void *arg, struct ward_err *e)
{
    (void)arg;
    WARD_TRY(run(on, "INSERT INTO t VALUES (3, 3)", e));
    kill_connection_of(on);
    return WARD_OK;
}

static void a_commit_without_an_answer_says_so(void **state)
{
    (void)state;
    it_expect(ward_db_tx(db, lose_before_commit, NULL, &err), WARD_UNAVAILABLE, &err);
    assert_string_equal(err.reason, "COMMIT_UNKNOWN");
    it_expect(ward_db_tx(db, insert, &ran, &err), WARD_OK, &err);
}

static void a_connection_lost_between_transactions_costs_none(void **state)
{
    int calls = 0;

    (void)state;
    kill_connection_of(db);
    it_expect(ward_db_tx(db, insert, &calls, &err), WARD_OK, &err);
    assert_int_equal(calls, 1);
}

/* ---- what a connection does with its transactions' beginnings ---- */

static enum ward_code count_begins(struct ward_db *on, void *arg, struct ward_err *e)
{
    (void)e;
    *(int64_t *)arg =
        it_count(on, "SELECT VARIABLE_VALUE FROM information_schema.SESSION_STATUS"
                     " WHERE VARIABLE_NAME = 'COM_BEGIN'");
    return WARD_OK;
}

static void a_connection_of_transactions_alone_begins_none_and_takes_nothing_else(void **state)
{
    const bool *tx_only = *state;
    int64_t before, after;

    it_expect(ward_db_tx(db, count_begins, &before, &err), WARD_OK, &err);
    it_expect(ward_db_tx(db, insert, &ran, &err), WARD_OK, &err);
    it_expect(ward_db_tx(db, count_begins, &after, &err), WARD_OK, &err);
    assert_int_equal(after - before, *tx_only ? 0 : 2);
    it_expect(run(db, "INSERT INTO t VALUES (4, 4)", &err), *tx_only ? WARD_INTERNAL : WARD_OK,
              &err);
    assert_int_equal(it_count(other, "SELECT COUNT(*) FROM t WHERE id = 4"), *tx_only ? 0 : 1);
}

/* Each by a connection for all, and by one for transactions alone. */
#define TEST(name)                                                                             \
    cmocka_unit_test_prestate_setup_teardown(name, open_one, close_one, &any),                 \
        cmocka_unit_test_prestate_setup_teardown(name, open_one, close_one, &tx_only)

int main(void)
{
    static bool any = false, tx_only = true;
    const struct CMUnitTest tests[] = {
        TEST(what_commits_is_there_and_its_callbacks_run_once),
        TEST(what_fails_is_gone_and_its_callbacks_never_run),
        TEST(a_transaction_inside_another_is_a_bug),
        TEST(a_deadlock_is_redone_and_both_come_through),
        TEST(redoing_has_an_end),
        TEST(nothing_is_redone_or_saved_after_the_deadline),
        TEST(what_is_not_committed_by_the_deadline_is_rolled_back),
        TEST(a_connection_lost_inside_fails_the_whole_even_if_fn_does_not_care),
        TEST(a_commit_without_an_answer_says_so),
        TEST(a_connection_lost_between_transactions_costs_none),
        TEST(a_connection_of_transactions_alone_begins_none_and_takes_nothing_else),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
