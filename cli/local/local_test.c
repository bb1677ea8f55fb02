#include "cli/local/local.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static char dir[64];

static int set_up(void **state)
{
    (void)state;
    strncpy(dir, "/tmp/ward-local-XXXXXX", sizeof(dir) - 1);
    return mkdtemp(dir) == NULL;
}

static int tear_down(void **state)
{
    (void)state;
    return local_remove_tree(dir, NULL) != WARD_OK;
}

static void a_path_that_cannot_work_is_refused_in_words(void **state)
{
    static const char *const wrong[] = {"", "/tmp/a#b", "/tmp/a'b", "/tmp/a\nb", "/tmp/$HOME"};
    char deep[200] = "/";
    struct local l;

    (void)state;
    for (size_t i = 0; i < WARD_COUNT(wrong); i++) {
        assert_int_equal(local_open(&l, wrong[i], NULL), WARD_INVALID_ARGUMENT);
        local_close(&l);
    }
    memset(deep + 1, 'x', 100);
    assert_int_equal(local_open(&l, deep, NULL), WARD_INVALID_ARGUMENT);
    local_close(&l);
}

static void a_name_in_any_language_is_fine(void **state)
{
    struct local l;

    (void)state;
    assert_int_equal(local_open(&l, "/tmp/\xe7\x97\x85\xe6\x88\xbf one/", NULL), WARD_OK);
    assert_string_equal(local_path(&l, "db"), "/tmp/\xe7\x97\x85\xe6\x88\xbf one/db");
    local_close(&l);
}

static void the_lock_is_one_process_s_and_ends_with_it(void **state)
{
    struct local ours, theirs;
    struct ward_err err = {0};
    char want[128];
    int status, pipes[2];
    char c;
    pid_t pid;

    (void)state;
    assert_int_equal(local_open(&theirs, dir, NULL), WARD_OK);
    assert_false(local_is_up(&theirs));
    assert_int_equal(pipe(pipes), 0);
    pid = fork();
    if (pid == 0) {
        c = local_open(&ours, dir, NULL) == WARD_OK && local_lock(&ours, NULL) == WARD_OK;
        if (write(pipes[1], &c, 1) == 1)
            pause();
        _exit(1); /* lint: allowed, because a forked test must not run the others */
    }
    assert_int_equal(read(pipes[0], &c, 1), 1);
    assert_true(c);
    assert_true(local_is_up(&theirs));
    assert_int_equal(local_lock(&theirs, &err), WARD_ALREADY_EXISTS);
    assert_string_equal(err.reason, "ALREADY_UP");
    snprintf(want, sizeof(want), "the services are already running in %s (process %d)", dir,
             (int)pid);
    assert_string_equal(err.msg, want);

    kill(pid, SIGKILL);
    waitpid(pid, &status, 0);
    assert_false(local_is_up(&theirs));
    assert_int_equal(local_lock(&theirs, NULL), WARD_OK);
    local_close(&theirs);
    close(pipes[0]);
    close(pipes[1]);
}

static void secrets_are_made_once_and_are_private(void **state)
{
    static const char *const files[] = {"keys/identity.kek", "keys/issuer.pem",
                                        "secrets/audit.db", "secrets/init.sql", "pki/ca.key"};
    struct stat before[WARD_COUNT(files)], after;
    struct local l;

    (void)state;
    assert_int_equal(local_open(&l, dir, NULL), WARD_OK);
    assert_int_equal(local_prepare(&l, NULL), WARD_OK);
    for (size_t i = 0; i < WARD_COUNT(files); i++) {
        assert_int_equal(stat(local_path(&l, "%s", files[i]), &before[i]), 0);
        assert_int_equal(before[i].st_mode & 0777, 0600);
    }
    assert_int_equal(local_prepare(&l, NULL), WARD_OK);
    for (size_t i = 0; i < WARD_COUNT(files); i++) {
        assert_int_equal(stat(local_path(&l, "%s", files[i]), &after), 0);
        /* init.sql is written again at each start, from the passwords */
        if (strcmp(files[i], "secrets/init.sql") != 0)
            assert_int_equal(after.st_ino, before[i].st_ino);
    }
    local_close(&l);
}

static void a_damaged_password_does_not_reach_sql(void **state)
{
    struct local l;
    struct ward_err err = {0};

    (void)state;
    assert_int_equal(local_open(&l, dir, NULL), WARD_OK);
    assert_int_equal(mkdir(local_path(&l, "secrets"), 0700), 0);
    assert_int_equal(
        local_write(local_path(&l, "secrets/audit.db"),
                    "'; DROP DATABASE audit; -- 00000000000000000000000000000000000000", NULL),
        WARD_OK);
    assert_int_equal(local_prepare(&l, &err), WARD_FAILED_PRECONDITION);
    assert_non_null(strstr(err.msg, "secrets/audit.db is damaged"));
    local_close(&l);
}

static void a_service_s_environment_names_its_own_things(void **state)
{
    struct local l;
    struct local_service *identity;
    const char *const *env;
    bool cert = false, port = false;
    char want[128];

    (void)state;
    assert_int_equal(local_open(&l, dir, NULL), WARD_OK);
    identity = local_service(&l, "identity");
    assert_non_null(identity);
    identity->port = 7411;
    snprintf(want, sizeof(want), "WARD_TLS_CERT=%s/pki/identity.pem", dir);
    assert_int_equal(local_environment(&l, identity, &env, NULL), WARD_OK);
    for (; *env != NULL; env++) {
        assert_null(strstr(*env, "${"));
        assert_true(strncmp(*env, "WARD_", 5) == 0 || strncmp(*env, "GLIBC_", 6) == 0);
        cert = cert || strcmp(*env, want) == 0;
        port = port || strcmp(*env, "WARD_LISTEN=127.0.0.1:7411") == 0;
    }
    assert_true(cert);
    assert_true(port);
    local_close(&l);
}

static void ports_are_kept_and_all_different(void **state)
{
    struct local a, b;
    int n[2 * LOCAL_MOST];

    (void)state;
    assert_int_equal(local_open(&a, dir, NULL), WARD_OK);
    assert_int_equal(local_ports(&a, NULL), WARD_NOT_FOUND);
    assert_int_equal(local_choose_ports(&a, NULL), WARD_OK);
    for (int i = 0; i < a.n_services; i++) {
        n[2 * i] = a.service[i].port;
        n[2 * i + 1] = a.service[i].admin_port;
    }
    for (int i = 0; i < 2 * a.n_services; i++)
        for (int k = 0; k < i; k++)
            assert_int_not_equal(n[i], n[k]);
    assert_int_equal(local_open(&b, dir, NULL), WARD_OK);
    assert_int_equal(local_ports(&b, NULL), WARD_OK);
    for (int i = 0; i < a.n_services; i++) {
        assert_int_equal(b.service[i].port, n[2 * i]);
        assert_int_equal(b.service[i].admin_port, n[2 * i + 1]);
    }
    local_close(&a);
    local_close(&b);
}

static void another_ward_s_ports_are_left_alone(void **state)
{
    struct local a, b;
    char other[64] = "/tmp/ward-local-XXXXXX";

    (void)state;
    assert_non_null(mkdtemp(other));
    assert_int_equal(local_open(&a, dir, NULL), WARD_OK);
    /* and no process listens on these ports */
    assert_int_equal(local_choose_ports(&a, NULL), WARD_OK);
    assert_int_equal(local_open(&b, other, NULL), WARD_OK);
    assert_int_equal(local_choose_ports(&b, NULL), WARD_OK);
    for (int i = 0; i < a.n_services; i++)
        for (int k = 0; k < a.n_services; k++) {
            assert_int_not_equal(a.service[i].port, b.service[k].port);
            assert_int_not_equal(a.service[i].admin_port, b.service[k].admin_port);
            assert_int_not_equal(a.service[i].port, b.service[k].admin_port);
        }
    local_close(&b);
    local_close(&a);
    assert_int_equal(local_remove_tree(other, NULL), WARD_OK);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_path_that_cannot_work_is_refused_in_words),
        TEST(a_name_in_any_language_is_fine),
        TEST(the_lock_is_one_process_s_and_ends_with_it),
        TEST(secrets_are_made_once_and_are_private),
        TEST(a_damaged_password_does_not_reach_sql),
        TEST(a_service_s_environment_names_its_own_things),
        TEST(ports_are_kept_and_all_different),
        TEST(another_ward_s_ports_are_left_alone),
    };

    return cmocka_run_group_tests_name("local", tests, NULL, NULL);
}
