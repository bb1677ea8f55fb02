/* The admin port of a running process. Each test forks a process and sends requests to its
 * admin port. */
#include "common/app/admin.h"
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
    assert_null(strstr(p.text, "\"msg\":\"stopped\"")); /* info lines are no longer logged */
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

/* Returns whether the server closes the connection without an answer. */
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
    for (int i = 0; i < 8; i++) { /* the server has closed the oldest */
        assert_true(ends(fds[i]));
        close(fds[i]);
    }
    for (int i = 0; i < 8; i++) /* every probe is answered immediately */
        assert_true(answers(&p, GET("/livez"), "200", "alive"));
    for (int i = 8; i < 40; i++) { /* the others were closed for the probes or timed out */
        assert_true(ends(fds[i]));
        close(fds[i]);
    }
    kill(p.pid, SIGTERM);
    assert_int_equal(end(&p), 0);
}

#define PUT_DEBUG "PUT /loglevel HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\ndebug"

/* A child process becomes another user of this machine. The admin port refuses its PUT. */
static void another_user_does_not_set_the_log_level(void **state)
{
    struct probe p;
    int status;
    pid_t child;

    (void)state;
    if (geteuid() != 0)
        skip();
    start(&p, NULL, NULL);
    wait_serving(&p);
    fflush(NULL);
    child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        if (setgid(65534) != 0 || setuid(65534) != 0)
            _exit(2);
        _exit(answers(&p, PUT_DEBUG, "403", "only root and this service's user") ? 0 : 1);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
    assert_true(answers(&p, GET("/loglevel"), "200", "\r\n\r\ninfo\n"));
    assert_true(answers(&p, PUT_DEBUG, "200", "\r\n\r\ndebug\n"));
    kill(p.pid, SIGTERM);
    assert_int_equal(end(&p), 0);
}

static void clients_of_another_machine_are_not_ours(void **state)
{
    struct sockaddr_storage peer = {0}, self = {0};
    struct sockaddr_in *from = (struct sockaddr_in *)(void *)&peer;
    struct sockaddr_in *to = (struct sockaddr_in *)(void *)&self;

    (void)state;
    from->sin_family = to->sin_family = AF_INET;
    from->sin_addr.s_addr = htonl(0xc0000201); /* 192.0.2.1 is reserved for documentation */
    to->sin_addr.s_addr = htonl(0xc0000202);
    from->sin_port = htons(40000);
    to->sin_port = htons(9090);
    assert_false(ward_admin_peer_is_ours(&peer, &self));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_is_measured_of_what_is_being_closed),
        cmocka_unit_test(the_log_level_changes_while_it_runs),
        cmocka_unit_test(the_admin_port_refuses_what_it_does_not_serve),
        cmocka_unit_test(slow_clients_are_cut_and_many_do_not_shut_others_out),
        cmocka_unit_test(another_user_does_not_set_the_log_level),
        cmocka_unit_test(clients_of_another_machine_are_not_ours),
    };

    return cmocka_run_group_tests_name("admin", tests, NULL, NULL);
}
