/* The outbox against a real server: with the act or not at all, never twice at once, never
 * lost. */
#include "tests/integration/outbox_testing.h"

static void an_event_is_there_exactly_if_its_act_is(void **state)
{
    struct adding a = {.first = 1, .n = 3, .fail = true};

    (void)state;
    ward_outbox_on_commit(wake, &woken);
    it_expect(ward_db_tx(db, add, &a, &err), WARD_INTERNAL, &err);
    assert_int_equal(waiting(), 0);
    assert_int_equal(atomic_load(&woken), 0);
    a.fail = false;
    it_expect(ward_db_tx(db, add, &a, &err), WARD_OK, &err);
    assert_true(a.audited);
    assert_int_equal(waiting(), 3);
    assert_int_equal(atomic_load(&woken), 1); /* once a commit */
}

static void an_event_outside_a_transaction_is_refused(void **state)
{
    struct adding a = {.n = 1};

    (void)state;
    it_expect(add(db, &a, &err), WARD_INTERNAL, &err);
    assert_false(a.audited);
    assert_int_equal(waiting(), 0);
}

static void many_events_are_there_exactly_if_their_act_is(void **state)
{
    struct adding a = {.first = 1, .n = 10000, .fail = true}, none = {0};
    struct got *g = calloc(1, sizeof(*g));
    size_t n = 0;

    (void)state;
    ward_outbox_on_commit(wake, &woken);
    it_expect(ward_db_tx(db, add_many, &a, &err), WARD_INTERNAL, &err);
    assert_int_equal(waiting(), 0);
    assert_int_equal(atomic_load(&woken), 0);
    a.fail = a.audited = false;
    a.empty = 10000;
    it_expect(ward_db_tx(db, add_many, &a, &err), WARD_INTERNAL, &err);
    assert_false(a.audited);
    a.empty = 0;
    it_expect(add_many(db, &a, &err), WARD_INTERNAL, &err); /* outside a transaction */
    assert_int_equal(waiting(), 0);
    it_expect(ward_db_tx(db, add_many, &a, &err), WARD_OK, &err);
    assert_true(a.audited);
    assert_int_equal(waiting(), 10000);
    assert_int_equal(atomic_load(&woken), 1); /* once a commit */
    it_expect(ward_db_tx(db, add_many, &none, &err), WARD_OK, &err);
    assert_false(none.audited);
    assert_int_equal(atomic_load(&woken), 1);
    ward_outbox_on_commit(NULL, NULL);
    g->poison = UINT32_MAX;
    it_sql(db, "DELETE FROM ward_outbox WHERE id > (SELECT MIN(id) + 3999 FROM ward_outbox)");
    it_expect(ward_outbox_drain(db, 4000, accept_, g, &n, &err), WARD_OK, &err);
    assert_int_equal(n, 4000);
    for (int i = 1; i <= 4000; i++)
        assert_int_equal(atomic_load(&g->seen[i]), 1);
    free(g);
}

static void what_is_delivered_is_deleted_and_what_is_not_stays(void **state)
{
    struct got *g = calloc(1, sizeof(*g));
    size_t n = 99;

    (void)state;
    g->poison = UINT32_MAX;
    put(0, 25);
    g->say = WARD_UNAVAILABLE;
    it_expect(ward_outbox_drain(db, 10, accept_, g, &n, &err), WARD_UNAVAILABLE, &err);
    assert_string_equal(err.msg, "not today");
    assert_int_equal(n, 99);
    assert_int_equal(waiting(), 25);
    g->say = WARD_ABORTED; /* the receiver's trouble must not make us deliver in a loop */
    g->batches = 0;
    it_expect(ward_outbox_drain(db, 10, accept_, g, &n, &err), WARD_UNAVAILABLE, &err);
    assert_int_equal(g->batches, 1);
    g->say = WARD_OK;
    for (int left = 25; left > 0; left -= 10) {
        it_expect(ward_outbox_drain(db, 10, accept_, g, &n, &err), WARD_OK, &err);
        assert_int_equal(n, left < 10 ? left : 10);
    }
    assert_int_equal(waiting(), 0);
    it_expect(ward_outbox_drain(db, 10, accept_, g, &n, &err), WARD_OK, &err);
    assert_int_equal(n, 0);
    for (int i = 0; i < 25; i++)
        assert_int_equal(atomic_load(&g->seen[i]), 1);
    free(g);
}

static void an_event_refused_for_good_is_set_aside_and_still_counted(void **state)
{
    struct got *g = calloc(1, sizeof(*g));
    int64_t rows, held;
    double age_s;
    size_t n;

    (void)state;
    put(0, 3);
    g->poison = 0;
    it_expect(ward_outbox_drain(db, 3, accept_, g, &n, &err), WARD_INVALID_ARGUMENT, &err);
    assert_int_equal(waiting(), 3);
    it_expect(ward_outbox_drain(db, 1, accept_, g, &n, &err), WARD_OK, &err);
    assert_int_equal(n, 1);
    it_expect(ward_outbox_drain(db, 3, accept_, g, &n, &err), WARD_OK, &err);
    assert_int_equal(n, 2);
    assert_int_equal(waiting(), 0);
    assert_string_equal(it_sql(db, "SELECT code FROM ward_outbox_held"), "INVALID_ARGUMENT");
    it_expect(ward_outbox_backlog(db, &rows, &held, &age_s, &err), WARD_OK, &err);
    assert_int_equal(rows, 1);
    assert_int_equal(held, 1);
    assert_true(age_s > 0);
    free(g);
}

static void an_event_that_a_broken_receiver_does_not_take_waits(void **state)
{
    struct got *g = calloc(1, sizeof(*g));
    int64_t rows, held;
    double age_s;
    size_t n;

    (void)state;
    put(0, 3);
    g->poison = UINT32_MAX;
    g->say = WARD_DATA_LOSS;
    it_expect(ward_outbox_drain(db, 3, accept_, g, &n, &err), WARD_DATA_LOSS, &err);
    it_expect(ward_outbox_drain(db, 1, accept_, g, &n, &err), WARD_DATA_LOSS, &err);
    it_expect(ward_outbox_backlog(db, &rows, &held, &age_s, &err), WARD_OK, &err);
    assert_int_equal(rows, 3);
    assert_int_equal(held, 0);
    g->say = WARD_OK;
    it_expect(ward_outbox_drain(db, 3, accept_, g, &n, &err), WARD_OK, &err);
    assert_int_equal(n, 3);
    free(g);
}

static void held_events_are_listed_and_released_one_or_all(void **state)
{
    struct got *g = calloc(1, sizeof(*g));
    struct ward_arena mem;
    struct ward_rows rows;
    int64_t n_released, id;
    size_t n;

    (void)state;
    put(0, 3);
    it_sql(db, "INSERT INTO ward_outbox_held (id, event_id, created_at, code, event) SELECT id,"
               " event_id, created_at - INTERVAL 1 HOUR, 'INVALID_ARGUMENT', event FROM"
               " ward_outbox");
    it_sql(db, "DELETE FROM ward_outbox");
    ward_arena_init(&mem, 1 << 20);
    it_expect(ward_outbox_held(db, &mem, 0, &rows, &err), WARD_OK, &err);
    assert_int_equal(rows.n, 3);
    assert_string_equal(rows.at[1][WARD_HELD_EVENT].p, "01000000000000000000000000000000");
    assert_string_equal(rows.at[1][WARD_HELD_CODE].p, "INVALID_ARGUMENT");
    assert_string_equal(rows.at[1][WARD_HELD_BYTES].p, "8");
    assert_true(ward_i64(rows.at[1][WARD_HELD_ID].p, 1, INT64_MAX, &id));
    it_expect(ward_outbox_release(db, id, &n_released, &err), WARD_OK, &err);
    assert_int_equal(n_released, 1);
    it_expect(ward_outbox_release(db, id, &n_released, &err), WARD_OK, &err);
    assert_int_equal(n_released, 0);
    it_expect(ward_outbox_release(db, 0, &n_released, &err), WARD_OK, &err);
    assert_int_equal(n_released, 2);
    assert_int_equal(it_count(db, "SELECT COUNT(*) FROM ward_outbox_held"), 0);
    assert_int_equal(it_count(db, "SELECT COUNT(*) FROM ward_outbox WHERE created_at <"
                                  " NOW(6) - INTERVAL 50 MINUTE"),
                     3);
    g->poison = UINT32_MAX;
    it_expect(ward_outbox_drain(db, 10, accept_, g, &n, &err), WARD_OK, &err);
    assert_int_equal(n, 3);
    ward_arena_done(&mem);
    free(g);
}

static void the_backlog_tells_rows_and_the_oldest_ones_age(void **state)
{
    int64_t rows = -1, held = -1;
    double age_s = -1;

    (void)state;
    it_expect(ward_outbox_backlog(db, &rows, &held, &age_s, &err), WARD_OK, &err);
    assert_int_equal(rows, 0);
    assert_true(age_s == 0);
    put(0, 7);
    it_sql(db, "UPDATE ward_outbox SET created_at = NOW(6) - INTERVAL 90 SECOND"
               " ORDER BY id LIMIT 1");
    it_expect(ward_outbox_backlog(db, &rows, &held, &age_s, &err), WARD_OK, &err);
    assert_int_equal(rows, 7);
    assert_true(age_s >= 90 && age_s < 600);
}

static enum ward_code hold_a_row(struct ward_db *on, void *arg, struct ward_err *e)
{
    struct got *g = arg;
    size_t n = 0;

    /* id 1 is inserted but not committed while the other connection drains past it */
    WARD_TRY(ward_db_run(on, NULL,
                         "INSERT INTO ward_outbox (event_id, event) VALUES"
                         " (UNHEX('00000000000000000000000000000000'), 'an event')",
                         WARD_NO_PARAMS, NULL, e));
    put(1, 40);
    for (int i = 0; i < 4; i++) {
        WARD_TRY(ward_outbox_drain(db, 10, accept_, g, &n, e));
        assert_int_equal(n, 10);
    }
    return WARD_OK;
}

static void a_row_committed_late_with_a_smaller_id_is_not_left_behind(void **state)
{
    struct got *g = calloc(1, sizeof(*g));
    struct ward_db *slow = it_open();
    size_t n = 0;

    (void)state;
    g->poison = UINT32_MAX;
    it_expect(ward_db_tx(slow, hold_a_row, g, &err), WARD_OK, &err);
    assert_int_equal(atomic_load(&g->seen[0]), 0);
    it_expect(ward_outbox_drain(db, 10, accept_, g, &n, &err), WARD_OK, &err);
    assert_int_equal(n, 1);
    assert_int_equal(atomic_load(&g->seen[0]), 1);
    ward_db_close(slow);
    free(g);
}

static enum ward_code drain_beside(struct ward_db *on, void *arg, struct ward_err *e)
{
    static const char LAST[] = "SELECT id FROM ward_outbox ORDER BY id DESC LIMIT 1 FOR UPDATE";
    struct got *g = arg;
    struct ward_arena mem;
    enum ward_code code;
    size_t n = 0;

    put(0, 11);
    ward_arena_init(&mem, 4096);
    code = ward_db_run(on, &mem, LAST, WARD_NO_PARAMS, NULL, e);
    ward_arena_done(&mem);
    WARD_TRY(code);
    WARD_TRY(ward_outbox_drain(db, 10, accept_, g, &n, e));
    assert_int_equal(n, 10);
    return WARD_OK;
}

static void a_drain_does_not_wait_for_the_row_behind_its_own(void **state)
{
    struct got *g = calloc(1, sizeof(*g));
    struct ward_db *holder = it_open();

    (void)state;
    g->poison = UINT32_MAX;
    it_expect(ward_db_tx(holder, drain_beside, g, &err), WARD_OK, &err);
    assert_int_equal(g->batches, 1); /* not redone after a lock's timeout */
    assert_int_equal(waiting(), 1);
    ward_db_close(holder);
    free(g);
}

static enum ward_code weigh(void *arg, const struct ward_outbox_item *items, size_t n,
                            struct ward_err *e)
{
    size_t bytes = 0;

    (void)e;
    for (size_t i = 0; i < n; i++)
        bytes += items[i].n + 20;
    assert_true(bytes < (size_t)8 << 20);
    *(size_t *)arg += n;
    return WARD_OK;
}

static void large_events_go_in_deliveries_that_fit_a_frame(void **state)
{
    size_t n = 1, all = 0;
    int batches = 0;

    (void)state;
    it_sql(db, "INSERT INTO ward_outbox (event_id, event)"
               " SELECT UNHEX(MD5(seq)), REPEAT('x', 250000) FROM seq_1_to_60");
    for (; n > 0; batches++)
        it_expect(ward_outbox_drain(db, 100, weigh, &all, &n, &err), WARD_OK, &err);
    assert_int_equal(all, 60);
    assert_int_equal(batches, 4); /* 24 + 24 + 12, and one that finds nothing */
}

static void more_than_one_batch_can_hold_is_taken_in_smaller_ones(void **state)
{
    size_t n = 1, all = 0;

    (void)state;
    it_sql(db, "INSERT INTO ward_outbox (event_id, event)"
               " SELECT UNHEX(MD5(seq)), REPEAT('x', 262144) FROM seq_1_to_300");
    while (n > 0)
        it_expect(ward_outbox_drain(db, 1000, weigh, &all, &n, &err), WARD_OK, &err);
    assert_int_equal(all, 300);
}

/* ---- two at once ---- */

static struct got *both;

static enum ward_code overlap(void *arg, const struct ward_outbox_item *items, size_t n,
                              struct ward_err *e)
{
    static atomic_int busy[4096];

    (void)arg;
    for (size_t i = 0; i < n; i++) {
        uint32_t number;

        memcpy(&number, items[i].event_id, sizeof(number));
        if (atomic_fetch_add(&busy[number], 1) != 0)
            return WARD_FAIL(e, INTERNAL, "two drains hold one row");
    }
    for (size_t i = 0; i < n; i++) {
        uint32_t number;

        memcpy(&number, items[i].event_id, sizeof(number));
        atomic_fetch_add(&both->seen[number], 1);
        atomic_fetch_sub(&busy[number], 1);
    }
    return WARD_OK;
}

static void *drain_all(void *arg)
{
    struct ward_db *own = NULL;
    struct ward_err e = {0};
    size_t n = 1;

    it_expect(ward_db_open(&it_cfg, &own, &e), WARD_OK, &e);
    while (n > 0)
        it_expect(ward_outbox_drain(own, 37, overlap, NULL, &n, &e), WARD_OK, &e);
    ward_db_close(own);
    return arg;
}

static void drains_in_parallel_never_hold_one_row_at_once(void **state)
{
    pthread_t t[4];

    (void)state;
    both = calloc(1, sizeof(*both));
    put(0, 4096);
    for (int i = 0; i < 4; i++)
        pthread_create(&t[i], NULL, drain_all, NULL);
    for (int i = 0; i < 4; i++)
        pthread_join(t[i], NULL);
    assert_int_equal(waiting(), 0);
    /* At least once is promised; without a crash there is no reason for more. */
    for (int i = 0; i < 4096; i++)
        assert_int_equal(atomic_load(&both->seen[i]), 1);
    free(both);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(an_event_is_there_exactly_if_its_act_is, clean),
        cmocka_unit_test_setup(an_event_outside_a_transaction_is_refused, clean),
        cmocka_unit_test_setup(many_events_are_there_exactly_if_their_act_is, clean),
        cmocka_unit_test_setup(what_is_delivered_is_deleted_and_what_is_not_stays, clean),
        cmocka_unit_test_setup(an_event_refused_for_good_is_set_aside_and_still_counted, clean),
        cmocka_unit_test_setup(an_event_that_a_broken_receiver_does_not_take_waits, clean),
        cmocka_unit_test_setup(held_events_are_listed_and_released_one_or_all, clean),
        cmocka_unit_test_setup(the_backlog_tells_rows_and_the_oldest_ones_age, clean),
        cmocka_unit_test_setup(a_row_committed_late_with_a_smaller_id_is_not_left_behind,
                               clean),
        cmocka_unit_test_setup(a_drain_does_not_wait_for_the_row_behind_its_own, clean),
        cmocka_unit_test_setup(large_events_go_in_deliveries_that_fit_a_frame, clean),
        cmocka_unit_test_setup(more_than_one_batch_can_hold_is_taken_in_smaller_ones, clean),
        cmocka_unit_test_setup(drains_in_parallel_never_hold_one_row_at_once, clean),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
