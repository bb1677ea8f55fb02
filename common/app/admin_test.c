/* The admin port of a process that lives: each test forks one and talks to it. */
#include "common/app/app_probe.h"

#include <errno.h>

static void nothing_is_measured_of_what_is_being_closed(void **state)
{
    static const char *const env[] = {"CLOSE_HANGS", "1", NULL};
    struct probe p;

    (void)state;
    start(&p, env, NULL);
    wait_serving(&p);
    assert_true(answers(&p, GET("/metrics"), "200", "ward_ready"));
    kill(p.pid, SIGTERM);
    assert_non_null(seen(&p, "\"msg\":\"step close\""));
    assert_true(answers(&p, GET("/metrics"), "503", "stopping\n"));
    assert_true(answers(&p, GET("/livez"), "200", "alive"));
    kill(p.pid, SIGTERM);
    assert_int_equal(end(&p), 1);
}

static void the_log_level_changes_while_it_runs(void **state)
{
    struct probe p;

    (void)state;
    start(&p, NULL, NULL);
    wait_serving(&p);
    assert_true(answers(&p, GET("/loglevel"), "200", "\r\n\r\ninfo\n"));
    assert_true(answers(&p,
                        "PUT /loglevel HTTP/1.1\r\nHost: x\r\nContent-Length: 6\r\n\r\nerror\n",
                        "200", "\r\n\r\nerror\n"));
    assert_true(answers(&p,
                        "PUT /loglevel HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\nloud",
                        "400", "must be error, warn, info or debug"));
    assert_true(answers(&p, GET("/loglevel"), "200", "\r\n\r\nerror\n"));
    kill(p.pid, SIGTERM);
    assert_int_equal(end(&p), 0);
    assert_null(strstr(p.text, "\"msg\":\"stopped\"")); /* info is no longer written */
}

static void the_admin_port_refuses_what_it_does_not_serve(void **state)
{
    static const char *const cases[][2] = {
        {GET("/"), "404"},
        {GET("/metrics/"), "404"},
        {"POST /metrics HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n", "405"},
        {"DELETE /loglevel HTTP/1.1\r\nHost: x\r\n\r\n", "405"},
        {"GET /metrics HTTP/2.0\r\nHost: x\r\n\r\n", "505"},
        {"hello\r\n\r\n", "400"},
        {"PUT /loglevel HTTP/1.1\r\nHost: x\r\nContent-Length: 99\r\n\r\n"
         "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
         "413"},
    };
    struct probe p;

    (void)state;
    start(&p, NULL, NULL);
    wait_serving(&p);
    for (size_t i = 0; i < WARD_COUNT(cases); i++)
        if (!answers(&p, cases[i][0], cases[i][1], "Connection: close"))
            fail_msg("%s is not answered %s", cases[i][0], cases[i][1]);
    kill(p.pid, SIGTERM);
    assert_int_equal(end(&p), 0);
}

/* A read that ends, by an answer or by the connection's end. */
static bool ends(int fd)
{
    struct pollfd pf = {.fd = fd, .events = POLLIN};
    char byte;

    return poll(&pf, 1, LONG) == 1 && read(fd, &byte, 1) <= 0;
}

static void slow_clients_are_cut_and_many_do_not_shut_others_out(void **state)
{
    int fds[40];
    struct probe p;

    (void)state;
    start(&p, NULL, NULL);
    wait_serving(&p);
    for (int i = 0; i < 40; i++) {
        fds[i] = dial(&p);
        assert_true(write(fds[i], "GET /livez HT", 13) > 0 || errno != 0);
    }
    for (int i = 32; i < 40; i++) { /* past the cap: closed unread */
        assert_true(ends(fds[i]));
        close(fds[i]);
    }
    for (int i = 0; i < 32; i++) { /* the others after their time */
        assert_true(ends(fds[i]));
        close(fds[i]);
    }
    becomes(&p, GET("/livez"), "200", "alive");
    kill(p.pid, SIGTERM);
    assert_int_equal(end(&p), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_is_measured_of_what_is_being_closed),
        cmocka_unit_test(the_log_level_changes_while_it_runs),
        cmocka_unit_test(the_admin_port_refuses_what_it_does_not_serve),
        cmocka_unit_test(slow_clients_are_cut_and_many_do_not_shut_others_out),
    };

    return cmocka_run_group_tests_name("admin", tests, NULL, NULL);
}
