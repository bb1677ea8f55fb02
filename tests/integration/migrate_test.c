/* Migrations: resumed when cut, refused when they do not fit. */
#include "tests/integration/it.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static struct ward_db *db;
static struct ward_err err;

static const char FIRST[] = "-- what it is for; and a comment with a semicolon;\n"
                            "CREATE TABLE a (id INT PRIMARY KEY) ENGINE=InnoDB;\n"
                            "-- rows\n"
                            "INSERT INTO a VALUES (1), (2);\n";
static const char SECOND[] = "ALTER TABLE a ADD COLUMN n INT NOT NULL DEFAULT 7;\n"
                             "UPDATE a SET n = n + 1;\n"
                             "CREATE INDEX a_n ON a (n);\n"
                             "INSERT INTO a VALUES (3, 0)";

static const struct ward_migration files[] = {{1, "001_a", FIRST}, {2, "002_n", SECOND}};

static enum ward_code migrate(const struct ward_migration *at, int n)
{
    struct ward_schema schema = {"it", at, n};
    const struct ward_schema *sets[] = {&schema};

    err = (struct ward_err){0};
    return ward_db_migrate(&it_cfg, sets, 1, &err);
}

static int fresh(void **state)
{
    (void)state;
    it_fresh("it_migrate");
    db = it_open();
    return 0;
}

static int shut(void **state)
{
    (void)state;
    ward_db_close(db);
    return 0;
}

static void whole(void)
{
    assert_int_equal(it_count(db, "SELECT COUNT(*) FROM a"), 3);
    assert_int_equal(it_count(db, "SELECT SUM(n) FROM a"), 16); /* 8 + 8 + 0: once each */
    assert_int_equal(it_count(db, "SELECT COUNT(*) FROM ward_schema WHERE set_name = 'it'"
                                  " AND applied_at IS NOT NULL"),
                     2);
}

static void each_file_runs_once_and_in_order(void **state)
{
    (void)state;
    it_expect(migrate(files, 1), WARD_OK, &err);
    assert_int_equal(it_count(db, "SELECT COUNT(*) FROM a"), 2);
    it_expect(migrate(files, 2), WARD_OK, &err);
    it_expect(migrate(files, 2), WARD_OK, &err);
    whole();
}

static void a_newer_database_is_refused(void **state)
{
    (void)state;
    it_expect(migrate(files, 2), WARD_OK, &err);
    it_expect(migrate(files, 1), WARD_FAILED_PRECONDITION, &err);
    assert_string_equal(err.reason, "SCHEMA_TOO_NEW");
    assert_string_equal(err.msg, "schema it is at migration 2, newer than this program");
}

/* Expand: 003 adds what 002 does not know and leaves what 002 needs. Contract: 004 takes away
 * what programs before 003 need. */
static const char EXPAND[] = "-- a column that older programs leave alone\n"
                             "-- min_program: 2\n"
                             "ALTER TABLE a ADD COLUMN late INT NULL";
static const char CONTRACT[] = "-- min_program: 3\nALTER TABLE a DROP COLUMN n";
static const struct ward_migration later[] = {{1, "001_a", FIRST},
                                              {2, "002_n", SECOND},
                                              {3, "003_expand", EXPAND},
                                              {4, "004_contract", CONTRACT}};

static void an_older_program_starts_on_a_schema_that_it_can_live_with(void **state)
{
    (void)state;
    it_expect(migrate(files, 2), WARD_OK, &err);
    it_expect(migrate(later, 3), WARD_OK, &err);
    it_expect(migrate(files, 2), WARD_OK, &err); /* a restart in the upgrade, or a rollback */
    it_expect(migrate(later, 3), WARD_OK, &err);
    it_expect(migrate(files, 1), WARD_FAILED_PRECONDITION, &err); /* older than 003 asks for */
    assert_string_equal(err.reason, "SCHEMA_TOO_NEW");
}

static void a_contracted_schema_refuses_who_needs_what_is_gone(void **state)
{
    (void)state;
    it_expect(migrate(later, 4), WARD_OK, &err);
    it_expect(migrate(later, 3), WARD_OK, &err);
    it_expect(migrate(files, 2), WARD_FAILED_PRECONDITION, &err);
    assert_string_equal(err.msg, "schema it is at migration 4, newer than this program");
}

static void a_min_program_that_is_no_number_is_refused(void **state)
{
    struct ward_migration wrong[] = {files[0], {2, "002_n", "-- min_program: 3\nSELECT 1"}};

    (void)state;
    it_expect(migrate(wrong, 2), WARD_INTERNAL, &err);
    wrong[1].sql = "-- min_program: soon\nSELECT 1";
    it_expect(migrate(wrong, 2), WARD_INTERNAL, &err);
}

/* A database of before the column: its migrations are taken for such as only their own know. */
static void a_table_of_before_min_program_is_taken_up(void **state)
{
    (void)state;
    it_expect(migrate(files, 2), WARD_OK, &err);
    it_sql(db, "ALTER TABLE ward_schema DROP COLUMN min_program");
    it_expect(migrate(files, 1), WARD_FAILED_PRECONDITION, &err);
    it_expect(migrate(later, 3), WARD_OK, &err);
    assert_int_equal(it_count(db, "SELECT min_program FROM ward_schema"
                                  " WHERE set_name = 'it' AND number = 3"),
                     2);
}

/* Asked by a user who may change rows and no table: others share the server, so that its own
 * count of statements says nothing. */
static void a_database_that_is_up_to_date_sees_no_ddl(void **state)
{
    const char *owner = it_cfg.user;
    char grant[256];

    (void)state;
    it_expect(migrate(later, 3), WARD_OK, &err);
    snprintf(grant, sizeof(grant),
             "GRANT SELECT, INSERT, UPDATE, DELETE ON %s.* TO it_rows@localhost", it_cfg.name);
    it_sql(db, "CREATE OR REPLACE USER it_rows@localhost");
    it_sql(db, grant);
    it_cfg.user = "it_rows";
    it_expect(migrate(later, 3), WARD_OK, &err);
    it_expect(migrate(files, 2), WARD_OK, &err);
    assert_int_not_equal(migrate(later, 4), WARD_OK); /* which takes a table's change */
    it_cfg.user = owner;
    it_expect(migrate(later, 4), WARD_OK, &err);
}

static void a_file_that_has_changed_is_refused(void **state)
{
    struct ward_migration changed[] = {files[0], files[1]};

    (void)state;
    it_expect(migrate(files, 2), WARD_OK, &err);
    changed[0].sql = "CREATE TABLE a (id INT PRIMARY KEY)";
    it_expect(migrate(changed, 2), WARD_FAILED_PRECONDITION, &err);
    assert_string_equal(err.reason, "MIGRATION_CHANGED");
}

static void a_statement_that_fails_is_told_and_tried_again(void **state)
{
    struct ward_migration bad[] = {files[0], files[1]};

    (void)state;
    it_expect(migrate(files, 1), WARD_OK, &err);
    it_sql(db, "CREATE INDEX a_n ON a (id)"); /* somebody else's, in the way */
    it_expect(migrate(bad, 2), WARD_INTERNAL, &err);
    it_expect(migrate(bad, 2), WARD_INTERNAL, &err); /* not excused the second time */
    it_sql(db, "DROP INDEX a_n ON a");
    it_expect(migrate(bad, 2), WARD_OK, &err);
    whole();
}

/* As a cut leaves it: the DDL of statement 1 or 3 happened, the note of it did not. */
static void a_cut_between_a_table_change_and_its_note_is_taken_up(void **state)
{
    (void)state;
    it_expect(migrate(files, 2), WARD_OK, &err);
    it_sql(db, "DELETE FROM a WHERE id = 3");
    it_sql(db, "UPDATE ward_schema SET applied_at = NULL, done = 2, running = 3"
               " WHERE set_name = 'it' AND number = 2");
    it_expect(migrate(files, 2), WARD_OK, &err);
    whole();
}

/* Kills the process that migrates at every moment it can be killed at, then finishes. */
static void killed_at_any_moment_it_ends_whole(void **state)
{
    (void)state;
    for (int delay_us = 0; delay_us < 60000; delay_us += 1500) {
        pid_t pid;

        it_sql(db, "DROP TABLE IF EXISTS a");
        it_sql(db, "DELETE FROM ward_schema WHERE set_name = 'it'");
        fflush(NULL);
        pid = fork();
        assert_true(pid >= 0);
        if (pid == 0)
            _exit(migrate(files, 2) == WARD_OK ? 0 : 1);
        usleep((useconds_t)delay_us);
        kill(pid, SIGKILL);
        waitpid(pid, NULL, 0);
        it_expect(migrate(files, 2), WARD_OK, &err);
        whole();
    }
}

static void *migrate_too(void *arg)
{
    struct ward_schema schema = {"it", files, 2};
    const struct ward_schema *sets[] = {&schema};
    struct ward_err e = {0};

    *(enum ward_code *)arg = ward_db_migrate(&it_cfg, sets, 1, &e);
    return NULL;
}

static void replicas_that_start_together_agree(void **state)
{
    enum ward_code codes[6];
    pthread_t t[6];

    (void)state;
    for (int i = 0; i < 6; i++)
        pthread_create(&t[i], NULL, migrate_too, &codes[i]);
    for (int i = 0; i < 6; i++) {
        pthread_join(t[i], NULL);
        assert_int_equal(codes[i], WARD_OK);
    }
    whole();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(each_file_runs_once_and_in_order, fresh, shut),
        cmocka_unit_test_setup_teardown(a_newer_database_is_refused, fresh, shut),
        cmocka_unit_test_setup_teardown(
            an_older_program_starts_on_a_schema_that_it_can_live_with, fresh, shut),
        cmocka_unit_test_setup_teardown(a_contracted_schema_refuses_who_needs_what_is_gone,
                                        fresh, shut),
        cmocka_unit_test_setup_teardown(a_min_program_that_is_no_number_is_refused, fresh,
                                        shut),
        cmocka_unit_test_setup_teardown(a_table_of_before_min_program_is_taken_up, fresh, shut),
        cmocka_unit_test_setup_teardown(a_database_that_is_up_to_date_sees_no_ddl, fresh, shut),
        cmocka_unit_test_setup_teardown(a_file_that_has_changed_is_refused, fresh, shut),
        cmocka_unit_test_setup_teardown(a_statement_that_fails_is_told_and_tried_again, fresh,
                                        shut),
        cmocka_unit_test_setup_teardown(a_cut_between_a_table_change_and_its_note_is_taken_up,
                                        fresh, shut),
        cmocka_unit_test_setup_teardown(killed_at_any_moment_it_ends_whole, fresh, shut),
        cmocka_unit_test_setup_teardown(replicas_that_start_together_agree, fresh, shut),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
