/* The whole life of a process. Each test forks a process and observes it from outside. */
#include "common/app/app_probe.h"

#include <sys/resource.h>

static void it_serves_until_sigterm_and_closes_newest_first(void **state)
{
    static const char *const order[] = {
        "\"msg\":\"migrate\",\"name\":\"probe\",\"sets\":2",
        "\"msg\":\"relay start\",\"url\":\"ipc:///nowhere\"",
        "\"msg\":\"step open\"",
        "\"msg\":\"rpc start\",\"listen\":\"0.0.0.0:50051\",\"workers\":4,\"arena\":524288",
    };
    static const char *const back[] = {
        "\"msg\":\"stopping\",\"why\":\"SIGTERM\"", "\"msg\":\"rpc not serving\"",
        "\"msg\":\"rpc stop\",\"grace_ms\":5000",   "\"msg\":\"step close\"",
        "\"msg\":\"relay stop\",\"grace_ms\":5000", "\"msg\":\"db close\"",
        "\"msg\":\"stopped\",\"status\":0",
    };
    struct probe p;

    (void)state;
    start(&p, NULL, NULL);
    for (size_t i = 0; i < WARD_COUNT(order); i++)
        assert_non_null(seen(&p, order[i]));
    wait_serving(&p);
    assert_non_null(strstr(p.text, "\"port\":4711"));
    becomes(&p, GET("/readyz"), "200",
            "ready\ndatabase: ok\ndatabase-writers: ok\ndatabase-age: ok\nscale: ok\n");
    assert_non_null(seen(&p, "\"msg\":\"rpc serving\""));
    kill(p.pid, SIGTERM);
    for (size_t i = 0; i < WARD_COUNT(back); i++)
        assert_non_null(seen(&p, back[i]));
    assert_int_equal(end(&p), 0);
}

static void the_tracer_opens_before_the_server_and_closes_after_it(void **state)
{
    static const char *const env[] = {"WARD_OTLP_ENDPOINT", "127.0.0.1:4317", NULL};
    static const char *const back[] = {"\"msg\":\"rpc stop\"", "\"msg\":\"trace close\"",
                                       "\"msg\":\"stopped\""};
    struct probe p;

    (void)state;
    start(&p, env, NULL);
    assert_non_null(seen(&p, "\"msg\":\"trace open\",\"endpoint\":\"127.0.0.1:4317\""));
    assert_non_null(seen(&p, "\"msg\":\"rpc start\""));
    wait_serving(&p);
    kill(p.pid, SIGTERM);
    for (size_t i = 0; i < WARD_COUNT(back); i++)
        assert_non_null(seen(&p, back[i]));
    assert_int_equal(end(&p), 0);
}

static void a_step_that_fails_stops_the_rest_and_is_told_once(void **state)
{
    static const char *const env[] = {"STEP_FAILS", "1", NULL};
    struct probe p;

    (void)state;
    start(&p, env, NULL);
    assert_non_null(seen(&p, "\"msg\":\"cannot start\",\"code\":\"FAILED_PRECONDITION\","
                             "\"error\":\"no such model\""));
    assert_int_equal(end(&p), 1);
    assert_null(strstr(p.text, "rpc start"));
    assert_null(strstr(p.text, "step close")); /* the step was never opened */
    assert_non_null(strstr(p.text, "relay stop"));
}

static void a_bad_configuration_is_told_by_name_before_anything_opens(void **state)
{
    static const char *const cases[][3] = {
        {"WARD_WORKERS", "many", "WARD_WORKERS must be a whole number, 1..256"},
        {"WARD_DATA", "/x", "the environment sets WARD_DATA, which is not an option"},
        {"WARD_DB_PASSWORD", "hunter2", "WARD_DB_PASSWORD is a secret"},
        {"WARD_TLS_CERT", "/c.pem",
         "WARD_TLS_CERT, WARD_TLS_KEY and WARD_TLS_CA must be set together"},
        {"WARD_JWKS", "/k", "WARD_JWKS needs WARD_ISSUER"},
        {"WARD_LOG_LEVEL", "loud", "WARD_LOG_LEVEL must be error"},
        {"WARD_ADMIN_LISTEN", "everywhere", "WARD_ADMIN_LISTEN must be a numeric address"},
        {"WARD_ADMIN_LISTEN", "192.0.2.1:1", "cannot listen on 192.0.2.1:1"},
        {"WARD_AUDIT_BUS", "", "WARD_AUDIT_BUS is required, because probe sends audit events"},
        {"WARD_CONFIG", "/no/such/file", "cannot open the configuration file /no/such/file"},
        {"DB_NEWER", "1", "newer schema"},
    };

    (void)state;
    for (size_t i = 0; i < WARD_COUNT(cases); i++) {
        const char *const env[] = {cases[i][0], cases[i][1], NULL};
        struct probe p;

        start(&p, env, NULL);
        assert_int_equal(end(&p), 1);
        if (strstr(p.text, cases[i][2]) == NULL)
            fail_msg("%s is not in: %s", cases[i][2], p.text);
        assert_null(strstr(p.text, "hunter2"));
        assert_null(strstr(p.text, "rpc start"));
    }
}

static void pages_are_printed_and_nothing_else_happens(void **state)
{
    static const char *const cases[][4] = {
        {"--help", NULL, NULL, "WARD_GREETING"},
        {"--version", NULL, NULL, "probe "},
        {"--docs", "config", NULL, "| `WARD_GREETING` | a word | text | `hello` |\n"},
        {"--docs", "common", NULL,
         "| `WARD_DB_PASSWORD_FILE` | password of the database user | file | none |\n"},
        {"--docs", "metrics", NULL, "| `ward_test_waves_total` | counter |  | Waves. |\n"},
    };

    (void)state;
    for (size_t i = 0; i < WARD_COUNT(cases); i++) {
        struct probe p;

        start(&p, NULL, cases[i]);
        assert_int_equal(end(&p), 0);
        assert_non_null(strstr(p.text, cases[i][3]));
        assert_null(strstr(p.text, "\"msg\""));
    }
}

static void held_events_are_listed_and_released_in_the_place_of_the_service(void **state)
{
    static const struct {
        const char *args[6];
        int status;
        const char *says;
    } cases[] = {
        {{"--outbox", "list"}, 0, "7  event 0102  made 2026-11-22T19:00:00Z  held "},
        {{"--outbox", "list", "--json"}, 0, "{\"held\":[{\"id\":7,\"event_id\":\"0102\","},
        {{"--outbox", "release"}, 0, "released 1\n"},
        {{"--outbox", "release", "--json", "7"}, 0, "{\"released\":1}\n"},
        {{"--outbox", "release", "8"}, 1, "no held event has this id"},
        {{"--outbox", "burn"}, 1, "unknown argument --outbox"},
        {{"--outbox"}, 1, "unknown argument --outbox"},
        {{"--outbox", "list", "all"}, 1, "unknown argument all"},
    };

    (void)state;
    for (size_t i = 0; i < WARD_COUNT(cases); i++) {
        struct probe p;

        start(&p, NULL, cases[i].args);
        assert_int_equal(end(&p), cases[i].status);
        if (strstr(p.text, cases[i].says) == NULL)
            fail_msg("%s is not in: %s", cases[i].says, p.text);
        assert_null(strstr(p.text, "rpc start"));
        assert_null(strstr(p.text, "migrate"));
    }
}

static void the_schema_can_be_brought_up_to_date_without_the_service(void **state)
{
    static const char *const args[] = {"--migrate", NULL};
    struct probe p;

    (void)state;
    start(&p, NULL, args);
    assert_int_equal(end(&p), 0);
    assert_non_null(strstr(p.text, "migrate"));
    assert_non_null(strstr(p.text, "the schema is up to date"));
    assert_null(strstr(p.text, "rpc start"));
    assert_null(strstr(p.text, "serving"));
}

static void an_argument_it_does_not_know_is_refused(void **state)
{
    static const char *const args[] = {"--verbose", NULL};
    struct probe p;

    (void)state;
    start(&p, NULL, args);
    assert_int_equal(end(&p), 1);
    assert_non_null(strstr(p.text, "unknown argument --verbose"));
}

static void readiness_goes_and_comes_back_with_a_dependency(void **state)
{
    struct probe p;

    (void)state;
    start(&p, NULL, NULL);
    wait_serving(&p);
    becomes(&p, GET("/readyz"), "200", "database: ok");
    assert_true(answers(&p, GET("/metrics"), "200", "ward_dependency_up{name=\"database\"} 1"));
    kill(p.pid, SIGUSR1);
    becomes(
        &p, GET("/readyz"), "503",
        "not ready\ndatabase: the database is unavailable\ndatabase-writers: ok\ndatabase-age: "
        "ok\nscale: ok");
    assert_true(answers(&p, GET("/metrics"), "200", "\nward_ready 0\n"));
    assert_true(answers(&p, GET("/livez"), "200", "alive"));
    assert_non_null(seen(&p, "\"msg\":\"rpc not serving\""));
    kill(p.pid, SIGUSR1);
    becomes(&p, GET("/readyz"), "200", "database: ok");
    assert_non_null(seen(&p, "\"msg\":\"rpc serving\""));
    kill(p.pid, SIGINT);
    assert_int_equal(end(&p), 0);
}

static void two_writers_of_a_galera_cluster_make_the_service_unready(void **state)
{
    static const char *const env[] = {"TWO_WRITERS", "1", NULL};
    struct probe p;

    (void)state;
    start(&p, env, NULL);
    wait_serving(&p);
    becomes(&p, GET("/readyz"), "503",
            "not ready\ndatabase: ok\ndatabase-writers: two nodes take writes\n");
    kill(p.pid, SIGTERM);
    assert_int_equal(end(&p), 0);
}

static void a_database_that_comes_late_is_waited_for(void **state)
{
    static const char *const env[] = {"DB_LATE", "1", NULL};
    struct probe p;

    (void)state;
    start(&p, env, NULL);
    assert_non_null(seen(&p, "\"msg\":\"waiting for the database\""));
    wait_serving(&p);
    kill(p.pid, SIGTERM);
    assert_int_equal(end(&p), 0);
}

static void a_check_that_hangs_makes_it_unready_and_does_not_keep_it_alive(void **state)
{
    static const char *const env[] = {"CHECK_HANGS", "1", NULL};
    struct probe p;

    (void)state;
    start(&p, env, NULL);
    wait_serving(&p);
    assert_true(answers(&p, GET("/readyz"), "503", "not ready\n"));
    kill(p.pid, SIGTERM);
    assert_int_equal(end(&p), 1);
    assert_non_null(strstr(p.text, "a check does not return"));
}

static void the_watchdog_ends_it_with_a_status_of_its_own(void **state)
{
    static const char *const env[] = {"BREAK", "1", NULL};
    struct probe p;

    (void)state;
    start(&p, env, NULL);
    assert_int_equal(end(&p), 70);
    assert_non_null(strstr(p.text, "\"msg\":\"stopping\",\"why\":\"cannot accept\""));
    assert_non_null(strstr(p.text, "\"msg\":\"rpc stop\",\"grace_ms\":500"));
    assert_non_null(strstr(p.text, "\"msg\":\"step close\""));
}

static void a_second_signal_ends_it_at_once(void **state)
{
    static const char *const env[] = {"STUCK", "1", NULL};
    struct probe p;

    (void)state;
    start(&p, env, NULL);
    wait_serving(&p);
    kill(p.pid, SIGTERM);
    assert_non_null(seen(&p, "\"msg\":\"rpc stop\""));
    /* The admin port answers while main drains. */
    assert_true(answers(&p, GET("/readyz"), "503", "stopping\n"));
    assert_true(answers(&p, GET("/livez"), "200", "alive"));
    kill(p.pid, SIGTERM);
    assert_int_equal(end(&p), 1);
    assert_non_null(strstr(p.text, "second signal"));
}

static void open_files_are_raised_to_what_is_asked(void **state)
{
    static const char *const env[] = {"WARD_NOFILE", "777", NULL};
    struct rlimit was, low;
    struct probe p;

    (void)state;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &was), 0);
    low = was;
    low.rlim_cur = 300;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &low), 0);
    start(&p, env, NULL);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &was), 0);
    wait_serving(&p);
    assert_non_null(strstr(p.text, "\"open_files\":777"));
    assert_true(answers(&p, GET("/metrics"), "200", "\nprocess_max_fds 777\n"));
    kill(p.pid, SIGTERM);
    assert_int_equal(end(&p), 0);
}

static void a_service_leaves_no_core_file(void **state)
{
    struct rlimit core;
    struct probe p;

    (void)state;
    start(&p, NULL, NULL);
    wait_serving(&p);
    assert_int_equal(prlimit(p.pid, RLIMIT_CORE, NULL, &core), 0);
    assert_int_equal(core.rlim_max, 1);
    kill(p.pid, SIGTERM);
    assert_int_equal(end(&p), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_serves_until_sigterm_and_closes_newest_first),
        cmocka_unit_test(the_tracer_opens_before_the_server_and_closes_after_it),
        cmocka_unit_test(a_step_that_fails_stops_the_rest_and_is_told_once),
        cmocka_unit_test(a_bad_configuration_is_told_by_name_before_anything_opens),
        cmocka_unit_test(pages_are_printed_and_nothing_else_happens),
        cmocka_unit_test(held_events_are_listed_and_released_in_the_place_of_the_service),
        cmocka_unit_test(the_schema_can_be_brought_up_to_date_without_the_service),
        cmocka_unit_test(an_argument_it_does_not_know_is_refused),
        cmocka_unit_test(readiness_goes_and_comes_back_with_a_dependency),
        cmocka_unit_test(two_writers_of_a_galera_cluster_make_the_service_unready),
        cmocka_unit_test(a_database_that_comes_late_is_waited_for),
        cmocka_unit_test(a_check_that_hangs_makes_it_unready_and_does_not_keep_it_alive),
        cmocka_unit_test(the_watchdog_ends_it_with_a_status_of_its_own),
        cmocka_unit_test(a_second_signal_ends_it_at_once),
        cmocka_unit_test(open_files_are_raised_to_what_is_asked),
        cmocka_unit_test(a_service_leaves_no_core_file),
    };

    return cmocka_run_group_tests_name("app", tests, NULL, NULL);
}
