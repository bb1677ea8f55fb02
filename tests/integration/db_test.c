/* common/db against a real server. */
#include "tests/integration/it.h"

#include "common/base/clock.h"
#include "common/base/text.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct ward_db *db;
static struct ward_arena mem;
static struct ward_err err;

static int set_up(void **state)
{
    (void)state;
    it_fresh("it_db");
    db = it_open();
    ward_arena_init(&mem, 4 << 20);
    it_sql(db, "CREATE TABLE t (id BIGINT PRIMARY KEY, txt VARCHAR(100), dec_ DECIMAL(20,6),"
               " bin VARBINARY(100), big LONGBLOB, dbl DOUBLE, at_ DATETIME(6)) ENGINE=InnoDB");
    it_sql(db, "CREATE TABLE child (id INT PRIMARY KEY, t_id BIGINT,"
               " n INT CHECK (n > 0), FOREIGN KEY (t_id) REFERENCES t (id)) ENGINE=InnoDB");
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    ward_db_close(db);
    ward_arena_done(&mem);
    return 0;
}

static int clean(void **state)
{
    (void)state;
    err = (struct ward_err){0};
    ward_arena_reset(&mem);
    ward_db_deadline(db, WARD_NO_DEADLINE);
    it_sql(db, "DELETE FROM child");
    it_sql(db, "DELETE FROM t");
    return 0;
}

static enum ward_code add(struct ward_db *on, int64_t id, const char *txt)
{
    return ward_db_run(on, &mem, "INSERT INTO t (id, txt) VALUES (?, ?)",
                       WARD_PARAMS(ward_int(&mem, id), ward_text(txt)), NULL, &err);
}

static void values_come_back_as_they_went_in(void **state)
{
    static const char BYTES[] = "\x00\xff\xfe'\"\\\x01 end";
    char *big = malloc(1 << 20);
    struct ward_rows r;

    (void)state;
    memset(big, 0xab, 1 << 20);
    it_expect(
        ward_db_run(db, &mem, "INSERT INTO t VALUES (?, ?, ?, ?, ?, ?, ?)",
                    WARD_PARAMS(ward_int(&mem, INT64_MAX), ward_text("Zoë 张伟 '; --"),
                                ward_text("12345678901234.100000"),
                                ward_blob(BYTES, sizeof(BYTES)), ward_blob(big, 1 << 20),
                                ward_num(&mem, 0.1), ward_text("2026-02-28 23:59:59.000001")),
                    &r, &err),
        WARD_OK, &err);
    assert_int_equal(r.affected, 1);
    it_expect(
        ward_db_run(db, &mem,
                    "SELECT id, txt, dec_, bin, big, dbl, at_, NULL, '' FROM t"
                    " WHERE id = ? AND bin = ? AND txt = ?",
                    WARD_PARAMS(ward_int(&mem, INT64_MAX), ward_blob(BYTES, sizeof(BYTES)),
                                ward_text("Zoë 张伟 '; --")),
                    &r, &err),
        WARD_OK, &err);
    assert_int_equal(r.n, 1);
    assert_string_equal(r.at[0][0].p, "9223372036854775807");
    assert_string_equal(r.at[0][1].p, "Zoë 张伟 '; --");
    assert_string_equal(r.at[0][2].p, "12345678901234.100000");
    assert_int_equal(r.at[0][3].n, sizeof(BYTES));
    assert_memory_equal(r.at[0][3].p, BYTES, sizeof(BYTES));
    assert_int_equal(r.at[0][4].n, 1 << 20);
    assert_memory_equal(r.at[0][4].p, big, 1 << 20);
    assert_string_equal(r.at[0][5].p, "0.1");
    assert_string_equal(r.at[0][6].p, "2026-02-28 23:59:59.000001");
    assert_null(r.at[0][7].p);
    assert_non_null(r.at[0][8].p);
    assert_int_equal(r.at[0][8].n, 0);
    free(big);
}

/* From 512 bytes on a value is sent as bytes; a column of text takes it as text still. */
static void long_text_is_text_and_what_is_none_is_refused(void **state)
{
    static const char SQL[] = "INSERT INTO long_ (id, txt) VALUES (?, ?)";
    char good[1200], bad[1200];
    struct ward_rows r;

    (void)state;
    it_sql(db, "CREATE TABLE IF NOT EXISTS long_ (id INT PRIMARY KEY, txt TEXT CHARACTER SET"
               " utf8mb4) ENGINE=InnoDB");
    for (size_t i = 0; i < sizeof(good); i += 3)
        memcpy(good + i, "\xe5\xbc\xa0", 3);
    memcpy(bad, good, sizeof(bad));
    bad[600] = '\xff';
    it_expect(ward_db_run(db, &mem, SQL, WARD_PARAMS(ward_text("1"), ward_blob(good, 1200)),
                          NULL, &err),
              WARD_OK, &err);
    it_expect(ward_db_bulk(db, SQL,
                           (const struct ward_val[]){ward_text("2"), ward_text("张"),
                                                     ward_text("3"), ward_blob(good, 1200)},
                           2, 2, &err),
              WARD_OK, &err);
    it_expect(ward_db_run(db, &mem, "SELECT txt, CHAR_LENGTH(txt) FROM long_ ORDER BY id",
                          WARD_NO_PARAMS, &r, &err),
              WARD_OK, &err);
    assert_int_equal(r.n, 3);
    assert_memory_equal(r.at[0][0].p, good, 1200);
    assert_string_equal(r.at[0][1].p, "400");
    assert_string_equal(r.at[1][0].p, "张");
    assert_string_equal(r.at[2][1].p, "400");
    assert_int_not_equal(ward_db_run(db, &mem, SQL,
                                     WARD_PARAMS(ward_text("4"), ward_blob(bad, 1200)), NULL,
                                     &err),
                         WARD_OK);
}

static void a_double_survives_the_trip_to_the_last_bit(void **state)
{
    const double want[] = {0.1, 1.0 / 3, 1e300, -2.2250738585072014e-308, 123456789.123456789};

    (void)state;
    for (size_t i = 0; i < WARD_COUNT(want); i++) {
        struct ward_rows r;
        double got = 0;

        it_expect(ward_db_run(db, &mem, "INSERT INTO t (id, dbl) VALUES (?, ?)",
                              WARD_PARAMS(ward_int(&mem, (int64_t)i), ward_num(&mem, want[i])),
                              NULL, &err),
                  WARD_OK, &err);
        it_expect(ward_db_run(db, &mem, "SELECT dbl FROM t WHERE id = ?",
                              WARD_PARAMS(ward_int(&mem, (int64_t)i)), &r, &err),
                  WARD_OK, &err);
        assert_true(ward_f64(r.at[0][0].p, &got));
        assert_memory_equal(&got, &want[i], sizeof(got));
    }
}

static void an_index_serves_bound_bytes_and_numbers(void **state)
{
    struct ward_rows r;

    (void)state;
    for (int i = 0; i < 50; i++)
        it_expect(add(db, i, "x"), WARD_OK, &err);
    it_expect(ward_db_run(db, &mem, "EXPLAIN SELECT txt FROM t WHERE id = ?",
                          WARD_PARAMS(ward_int(&mem, 7)), &r, &err),
              WARD_OK, &err);
    assert_string_equal(r.at[0][3].p, "const");
    it_expect(ward_db_run(db, &mem, "EXPLAIN SELECT answer FROM ward_idempotency WHERE k = ?",
                          WARD_PARAMS(ward_blob("\xff\x00\xfe", 3)), &r, &err),
              WARD_OK, &err);
    assert_true(r.at[0][3].p == NULL || strcmp(r.at[0][3].p, "ALL") != 0);
}

static void an_answer_past_the_arena_is_refused_and_the_next_one_works(void **state)
{
    struct ward_arena small;
    struct ward_rows r;

    (void)state;
    ward_arena_init(&small, 64 << 10);
    it_expect(ward_db_run(db, &small, "SELECT REPEAT('x', 1000) FROM seq_1_to_500",
                          WARD_NO_PARAMS, &r, &err),
              WARD_RESOURCE_EXHAUSTED, &err);
    ward_arena_done(&small);
    it_expect(ward_db_run(db, &mem, "SELECT seq FROM seq_1_to_500", WARD_NO_PARAMS, &r, &err),
              WARD_OK, &err);
    assert_int_equal(r.n, 500);
    assert_string_equal(r.at[499][0].p, "500");
}

static void more_statements_than_the_cache_holds_all_run(void **state)
{
    static char sql[600][40];

    (void)state;
    for (int round = 0; round < 2; round++)
        for (int i = 0; i < 600; i++) {
            struct ward_rows r;

            snprintf(sql[i], sizeof(sql[i]), "SELECT %d + ?", i);
            it_expect(ward_db_run(db, &mem, sql[i], WARD_PARAMS(ward_text("1")), &r, &err),
                      WARD_OK, &err);
            assert_int_equal(strtol(r.at[0][0].p, NULL, 10), i + 1);
        }
    assert_true(
        it_count(db, "SELECT CAST(SUM(IF(VARIABLE_NAME = 'COM_STMT_PREPARE', 1, -1)"
                     " * VARIABLE_VALUE) AS INT) FROM information_schema.SESSION_STATUS"
                     " WHERE VARIABLE_NAME IN ('COM_STMT_PREPARE', 'COM_STMT_CLOSE')") <= 128);
}

static void failures_have_the_codes_that_db_h_says(void **state)
{
    (void)state;
    it_expect(add(db, 1, "Ada Lovelace"), WARD_OK, &err);
    it_expect(add(db, 1, "again"), WARD_ALREADY_EXISTS, &err);
    assert_string_equal(err.msg, "a record with this key exists");
    assert_non_null(strstr(err.detail, "PRIMARY"));
    it_expect(ward_db_run(db, &mem, "INSERT INTO child VALUES (1, 99, 1)", WARD_NO_PARAMS, NULL,
                          &err),
              WARD_FAILED_PRECONDITION, &err);
    it_expect(
        ward_db_run(db, &mem, "INSERT INTO child VALUES (1, 1, 0)", WARD_NO_PARAMS, NULL, &err),
        WARD_FAILED_PRECONDITION, &err);
    it_expect(ward_db_run(db, &mem, "SELECT nothing FROM t", WARD_NO_PARAMS, NULL, &err),
              WARD_INTERNAL, &err);
    assert_null(strstr(err.msg, "nothing"));
    assert_non_null(strstr(err.detail, "nothing"));
    it_expect(ward_db_run(db, &mem, "SELECT ?", WARD_NO_PARAMS, NULL, &err), WARD_INTERNAL,
              &err);
}

static void no_value_reaches_an_error(void **state)
{
    (void)state;
    it_sql(db, "CREATE OR REPLACE TABLE u (name VARCHAR(80) PRIMARY KEY, n INT) ENGINE=InnoDB");
    for (int i = 0; i < 2; i++)
        (void)!ward_db_run(db, &mem, "INSERT INTO u (name) VALUES (?)",
                           WARD_PARAMS(ward_text("Grace 'the for key' Hopper")), NULL, &err);
    assert_int_equal(err.code, WARD_ALREADY_EXISTS);
    assert_null(strstr(err.detail, "Hopper"));
    assert_null(strstr(err.detail, "Grace"));
    it_expect(ward_db_run(db, &mem, "INSERT INTO u VALUES ('x', ?)",
                          WARD_PARAMS(ward_text("Grace")), NULL, &err),
              WARD_INTERNAL, &err);
    assert_null(strstr(err.detail, "Grace"));
    it_sql(db, "DROP TABLE u");
}

static void a_password_never_reaches_an_error(void **state)
{
    struct ward_db_config cfg = it_cfg;
    struct ward_db *other = NULL;

    (void)state;
    cfg.user = "nobody";
    cfg.password = "sesame-open";
    it_expect(ward_db_open(&cfg, &other, &err), WARD_UNAVAILABLE, &err);
    assert_null(other);
    assert_null(strstr(err.msg, "sesame"));
    assert_null(strstr(err.detail, "sesame"));
    cfg.socket = "/nonexistent/socket";
    it_expect(ward_db_open(&cfg, &other, &err), WARD_UNAVAILABLE, &err);
}

static void the_session_is_strict_and_in_utc(void **state)
{
    (void)state;
    assert_string_equal(it_sql(db, "SELECT @@tx_isolation"), "READ-COMMITTED");
    assert_string_equal(it_sql(db, "SELECT @@time_zone"), "+00:00");
    assert_string_equal(it_sql(db, "SELECT @@character_set_client"), "utf8mb4");
    assert_non_null(strstr(it_sql(db, "SELECT @@sql_mode"), "STRICT_ALL_TABLES"));
}

static void a_statement_is_stopped_at_its_deadline(void **state)
{
    (void)state;
    ward_db_deadline(db, ward_mono_ns() + 200 * WARD_NS_PER_MS);
    it_expect(ward_db_run(db, &mem,
                          "SELECT COUNT(*) FROM seq_1_to_1000000 a, seq_1_to_1000000 b",
                          WARD_NO_PARAMS, NULL, &err),
              WARD_DEADLINE_EXCEEDED, &err);
    it_expect(add(db, 5, "late"), WARD_DEADLINE_EXCEEDED, &err);
    ward_db_deadline(db, WARD_NO_DEADLINE);
    it_expect(add(db, 5, "in time"), WARD_OK, &err);
}

static void statements_with_time_left_cost_no_second_round_trip(void **state)
{
    int64_t before, after;

    (void)state;
    ward_db_deadline(db, ward_mono_ns() + 5000 * WARD_NS_PER_MS);
    before = it_count(db, "SELECT VARIABLE_VALUE FROM information_schema.SESSION_STATUS"
                          " WHERE VARIABLE_NAME = 'COM_SET_OPTION'");
    for (int i = 0; i < 20; i++) {
        ward_db_deadline(db, ward_mono_ns() + 5000 * WARD_NS_PER_MS);
        it_expect(add(db, 100 + i, "x"), WARD_OK, &err);
    }
    after = it_count(db, "SELECT VARIABLE_VALUE FROM information_schema.SESSION_STATUS"
                         " WHERE VARIABLE_NAME = 'COM_SET_OPTION'");
    assert_true(after - before <= 1);
}

/* The server stops answering but its socket stays open: the client gives up by itself. */
static void a_frozen_server_does_not_hold_a_worker(void **state)
{
    pid_t server = (pid_t)strtol(getenv("WARD_TEST_DB_PID"), NULL, 10);
    enum ward_code code;

    (void)state;
    ward_db_deadline(db, ward_mono_ns() + 300 * WARD_NS_PER_MS);
    it_expect(ward_db_ping(db, &err), WARD_OK, &err);
    it_freeze(server);
    code = add(db, 6, "frozen");
    kill(server, SIGCONT);
    it_expect(code, WARD_DEADLINE_EXCEEDED, &err);
    ward_db_deadline(db, WARD_NO_DEADLINE);
    it_expect(ward_db_ping(db, &err), WARD_OK, &err);
}

/* ---- lost connections ---- */

/* Kills the connection once it runs `what` ("%": whatever it does), and waits until it is gone.
 */
static void *kill_running(void *arg)
{
    const char *const *victim = arg; /* its id, then what */
    struct ward_db *other = it_open();
    char count[192], sql[64];
    struct ward_arena own;

    ward_arena_init(&own, 65536);
    snprintf(count, sizeof(count),
             "SELECT COUNT(*), SUM(COALESCE(INFO, '') LIKE '%s')"
             " FROM information_schema.PROCESSLIST WHERE ID = %s",
             victim[1], victim[0]);
    snprintf(sql, sizeof(sql), "KILL %s", victim[0]);
    for (bool killed = false;;) {
        struct ward_rows rows;
        struct ward_err e = {0};

        it_expect(ward_db_run(other, &own, count, WARD_NO_PARAMS, &rows, &e), WARD_OK, &e);
        if (killed && *rows.at[0][0].p == '0')
            break;
        if (!killed && *rows.at[0][1].p == '1') {
            it_expect(ward_db_run(other, NULL, sql, WARD_NO_PARAMS, NULL, &e), WARD_OK, &e);
            killed = true;
        }
        ward_arena_reset(&own);
        usleep(1000);
    }
    ward_arena_done(&own);
    ward_db_close(other);
    return NULL;
}

static void a_connection_closed_between_statements_costs_none(void **state)
{
    const char *victim[] = {it_sql(db, "SELECT CONNECTION_ID()"), "%"};
    char id[32];

    (void)state;
    snprintf(id, sizeof(id), "%s", victim[0]);
    victim[0] = id;
    kill_running(victim);
    it_expect(add(db, 1, "x"), WARD_OK, &err);
    assert_string_not_equal(it_sql(db, "SELECT CONNECTION_ID()"), id);
}

static void a_connection_lost_under_a_statement_fails_it_and_the_next_works(void **state)
{
    const char *victim[] = {it_sql(db, "SELECT CONNECTION_ID()"), "SELECT SLEEP%"};
    pthread_t t;
    char id[32];

    (void)state;
    snprintf(id, sizeof(id), "%s", victim[0]);
    victim[0] = id;
    pthread_create(&t, NULL, kill_running, victim);
    it_expect(ward_db_run(db, &mem, "SELECT SLEEP(20)", WARD_NO_PARAMS, NULL, &err),
              WARD_UNAVAILABLE, &err);
    pthread_join(t, NULL);
    it_expect(add(db, 1, "x"), WARD_OK, &err);
}

/* ---- bulk ---- */

static enum ward_code bulk(struct ward_db *on, int64_t first, size_t n)
{
    struct ward_val *v = ward_alloc(&mem, 2 * n * sizeof(*v));

    for (size_t i = 0; i < n; i++) {
        v[2 * i] = ward_int(&mem, first + (int64_t)i);
        v[2 * i + 1] = i % 3 == 0 ? ward_text(NULL) : ward_text("row");
    }
    return ward_db_bulk(on, "INSERT INTO t (id, txt) VALUES (?, ?)", v, 2, n, &err);
}

static void bulk_writes_every_row_and_its_nulls(void **state)
{
    (void)state;
    it_expect(bulk(db, 0, 10000), WARD_OK, &err);
    assert_int_equal(it_count(db, "SELECT COUNT(*) FROM t"), 10000);
    assert_int_equal(it_count(db, "SELECT COUNT(*) FROM t WHERE txt IS NULL"), 3334);
    assert_int_equal(it_count(db, "SELECT COUNT(*) FROM t WHERE txt = 'row'"), 6666);
    it_expect(bulk(db, 20000, 1), WARD_OK, &err);
    it_expect(ward_db_bulk(db, "INSERT INTO t (id, txt) VALUES (?, ?)", NULL, 2, 0, &err),
              WARD_OK, &err);
}

static void bulk_is_all_or_nothing(void **state)
{
    (void)state;
    it_expect(add(db, 500, "in the way"), WARD_OK, &err);
    it_expect(bulk(db, 0, 1000), WARD_ALREADY_EXISTS, &err);
    assert_int_equal(it_count(db, "SELECT COUNT(*) FROM t"), 1);
}

static void a_statement_serves_bulk_and_single_runs_in_turn(void **state)
{
    static const char SQL[] = "INSERT INTO t (id, txt) VALUES (?, ?)";
    struct ward_val v[4];

    (void)state;
    for (int i = 0; i < 3; i++) {
        v[0] = ward_int(&mem, 10 * i), v[1] = ward_text("a");
        v[2] = ward_int(&mem, 10 * i + 1), v[3] = ward_text("b");
        it_expect(ward_db_bulk(db, SQL, v, 2, 2, &err), WARD_OK, &err);
        it_expect(ward_db_run(db, &mem, SQL,
                              WARD_PARAMS(ward_int(&mem, 10 * i + 2), ward_text("c")), NULL,
                              &err),
                  WARD_OK, &err);
    }
    assert_int_equal(it_count(db, "SELECT COUNT(*) FROM t"), 9);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(values_come_back_as_they_went_in, clean),
        cmocka_unit_test_setup(long_text_is_text_and_what_is_none_is_refused, clean),
        cmocka_unit_test_setup(a_double_survives_the_trip_to_the_last_bit, clean),
        cmocka_unit_test_setup(an_index_serves_bound_bytes_and_numbers, clean),
        cmocka_unit_test_setup(an_answer_past_the_arena_is_refused_and_the_next_one_works,
                               clean),
        cmocka_unit_test_setup(more_statements_than_the_cache_holds_all_run, clean),
        cmocka_unit_test_setup(failures_have_the_codes_that_db_h_says, clean),
        cmocka_unit_test_setup(no_value_reaches_an_error, clean),
        cmocka_unit_test_setup(a_password_never_reaches_an_error, clean),
        cmocka_unit_test_setup(the_session_is_strict_and_in_utc, clean),
        cmocka_unit_test_setup(a_statement_is_stopped_at_its_deadline, clean),
        cmocka_unit_test_setup(statements_with_time_left_cost_no_second_round_trip, clean),
        cmocka_unit_test_setup(a_frozen_server_does_not_hold_a_worker, clean),
        cmocka_unit_test_setup(a_connection_closed_between_statements_costs_none, clean),
        cmocka_unit_test_setup(a_connection_lost_under_a_statement_fails_it_and_the_next_works,
                               clean),
        cmocka_unit_test_setup(bulk_writes_every_row_and_its_nulls, clean),
        cmocka_unit_test_setup(bulk_is_all_or_nothing, clean),
        cmocka_unit_test_setup(a_statement_serves_bulk_and_single_runs_in_turn, clean),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
