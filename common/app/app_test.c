/* The life of a process, whole: each test forks one that runs ward_app_* over stand-ins for
 * rpc, the database and the bus, and looks at it from outside (log, admin port, signals). */
#include "common/app/app.h"
#include "common/base/clock.h"
#include "common/base/log.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define LONG 20000 /* ms: nothing here takes that long unless it is broken */

/* ---- stand-ins: they say in the log what they are asked ---- */

struct ward_rpc {
    struct ward_rpc_config cfg;
};
static struct ward_rpc the_rpc;
static atomic_bool database_up = true;

enum ward_code ward_rpc_start(const struct ward_rpc_config *cfg, struct ward_rpc **out,
                              struct ward_err *err)
{
    (void)err;
    the_rpc.cfg = *cfg;
    *out = &the_rpc;
    WARD_LOG(INFO, "rpc start", WARD_KV("listen", cfg->listen),
             WARD_KN("workers", cfg->workers), WARD_KN("arena", (double)cfg->arena_cap));
    return WARD_OK;
}

int ward_rpc_port(const struct ward_rpc *rpc)
{
    (void)rpc;
    return 4711;
}

void ward_rpc_serving(struct ward_rpc *rpc, const char *service, bool serving)
{
    assert_ptr_equal(rpc, &the_rpc);
    assert_null(service);
    WARD_LOG(INFO, serving ? "rpc serving" : "rpc not serving");
}

void ward_rpc_stop(struct ward_rpc *rpc, int grace_ms)
{
    if (rpc != NULL)
        WARD_LOG(INFO, "rpc stop", WARD_KN("grace_ms", grace_ms));
    while (rpc != NULL && getenv("STUCK") != NULL)
        pause();
}

const struct ward_schema ward_schema_common;

enum ward_code ward_db_migrate(const struct ward_db_config *cfg,
                               const struct ward_schema *const *sets, int n,
                               struct ward_err *err)
{
    static int calls;

    (void)sets;
    WARD_LOG(INFO, "migrate", WARD_KV("name", cfg->name), WARD_KN("sets", n));
    if (getenv("DB_LATE") != NULL && calls++ == 0)
        return WARD_FAIL(err, UNAVAILABLE, "the database is away");
    return getenv("DB_NEWER") != NULL ? WARD_FAIL(err, FAILED_PRECONDITION, "newer schema")
                                      : WARD_OK;
}

enum ward_code ward_db_open(const struct ward_db_config *cfg, struct ward_db **out,
                            struct ward_err *err)
{
    (void)cfg, (void)err;
    *out = (struct ward_db *)&the_rpc;
    return WARD_OK;
}

void ward_db_close(struct ward_db *db)
{
    if (db != NULL)
        WARD_LOG(INFO, "db close");
}

void ward_db_deadline(struct ward_db *db, int64_t deadline_ns)
{
    (void)db;
    assert_true(deadline_ns != WARD_NO_DEADLINE);
}

enum ward_code ward_db_ping(struct ward_db *db, struct ward_err *err)
{
    (void)db;
    return database_up ? WARD_OK : WARD_FAIL(err, UNAVAILABLE, "the database is away");
}

enum ward_code ward_relay_start(const struct ward_relay_config *cfg, struct ward_relay **out,
                                struct ward_err *err)
{
    (void)err;
    WARD_LOG(INFO, "relay start", WARD_KV("url", cfg->url));
    *out = (struct ward_relay *)&the_rpc;
    return WARD_OK;
}

void ward_relay_wake(struct ward_relay *r)
{
    assert_ptr_equal(r, &the_rpc);
}

void ward_relay_stop(struct ward_relay *r, int grace_ms)
{
    if (r != NULL)
        WARD_LOG(INFO, "relay stop", WARD_KN("grace_ms", grace_ms));
}

void ward_outbox_on_commit(void (*fn)(void *), void *arg)
{
    (void)fn, (void)arg;
}

enum ward_code ward_outbox_drain(struct ward_db *db, size_t most, ward_deliver_fn *deliver,
                                 void *arg, size_t *n, struct ward_err *err)
{
    (void)db, (void)most, (void)deliver, (void)arg, (void)n, (void)err;
    return WARD_INTERNAL; /* the stand-in relay never asks */
}

enum ward_code ward_outbox_backlog(struct ward_db *db, int64_t *rows, double *age_s,
                                   struct ward_err *err)
{
    (void)db, (void)rows, (void)age_s, (void)err;
    return WARD_INTERNAL;
}

enum ward_code ward_bus_deliver(struct ward_bus_client *c, const struct ward_bus_item *items,
                                size_t n, int timeout_ms, struct ward_err *err)
{
    (void)c, (void)items, (void)n, (void)timeout_ms, (void)err;
    return WARD_INTERNAL;
}

enum ward_code ward_jwks_open(const struct ward_jwks_config *cfg, struct ward_jwks **out,
                              struct ward_err *err)
{
    (void)out;
    return WARD_FAIL(err, NOT_FOUND, "cannot open %s", cfg->path);
}

void ward_jwks_close(struct ward_jwks *j)
{
    assert_null(j);
}

/* ---- the process under test ---- */

struct own {
    const char *greeting;
    int arena_kib;
};

static const struct ward_opt OWN[] = {
    {"WARD_GREETING", WARD_STR, offsetof(struct own, greeting), "hello", 0, 0, "", "a word",
     false},
    {"WARD_ARENA_KIB", WARD_INT, offsetof(struct own, arena_kib), "512", 16, 4096, "KiB",
     "memory a call may use", false},
    WARD_OPT_END,
};

static enum ward_code step_open(void *arg, struct ward_err *err)
{
    WARD_LOG(INFO, "step open", WARD_KV("name", arg));
    return getenv("STEP_FAILS") != NULL ? WARD_FAIL(err, FAILED_PRECONDITION, "no such model")
                                        : WARD_OK;
}

static void step_close(void *arg)
{
    WARD_LOG(INFO, "step close", WARD_KV("name", arg));
}

static void flip(int signum)
{
    (void)signum;
    database_up = !database_up;
}

static enum ward_code slow_check(void *arg, struct ward_err *err)
{
    (void)arg, (void)err;
    if (getenv("CHECK_HANGS") != NULL)
        sleep(3600);
    return WARD_OK;
}

static struct ward_family waves = {
    .name = "ward_test_waves_total", .help = "Waves.", .type = WARD_COUNTER};

static int live(int argc, char **argv)
{
    struct own own = {0};
    struct ward_app app;

    signal(SIGUSR1, flip);
    ward_app_begin(&app, "probe");
    app.check_every_ms = 20;
    app.check_bound_ms = 200;
    app.admin_ms = 1000;
    ward_app_metrics(&app, (struct ward_family *const[]){&waves, NULL});
    ward_app_config(&app, OWN, &own, argc, argv);
    ward_app_database(&app, &(struct ward_schema){.set = "probe"});
    ward_app_outbox(&app);
    ward_app_use(&app, step_open, step_close, (void *)(uintptr_t) "model");
    ward_app_check(&app, "scale", slow_check, NULL);
    ward_app_serve(&app, &(struct ward_rpc_config){.arena_cap = (size_t)own.arena_kib << 10});
    if (getenv("BREAK") != NULL && app.code == WARD_OK)
        the_rpc.cfg.broken(the_rpc.cfg.broken_arg, "cannot accept");
    return ward_app_run(&app);
}

/* ---- looking at it from outside ---- */

struct probe {
    pid_t pid;
    int out; /* its stdout and stderr */
    char text[65536];
    size_t n, read; /* bytes held; bytes already looked at */
    int port;
};

static void start(struct probe *p, const char *const *env, const char *const *args)
{
    char *argv[8] = {(char *)(uintptr_t) "probe"};
    int fds[2], argc = 1;

    memset(p, 0, sizeof(*p));
    assert_int_equal(pipe(fds), 0);
    fflush(NULL);
    p->pid = fork();
    assert_true(p->pid >= 0);
    if (p->pid == 0) {
        dup2(fds[1], 1);
        dup2(fds[1], 2);
        close(fds[0]);
        close(fds[1]);
        clearenv();
        setenv("WARD_ADMIN_LISTEN", "127.0.0.1:0", 1);
        setenv("WARD_AUDIT_BUS", "ipc:///nowhere", 1);
        setenv("WARD_LAME_MS", "0", 1);
        for (; env != NULL && *env != NULL; env += 2)
            setenv(env[0], env[1], 1);
        for (; args != NULL && *args != NULL; args++)
            argv[argc++] = (char *)(uintptr_t)*args;
        exit(live(argc, argv));
    }
    close(fds[1]);
    p->out = fds[0];
}

static bool more(struct probe *p)
{
    struct pollfd pf = {.fd = p->out, .events = POLLIN};
    ssize_t n;

    if (poll(&pf, 1, LONG) != 1)
        return false;
    n = read(p->out, p->text + p->n, sizeof(p->text) - 1 - p->n);
    if (n > 0)
        p->n += (size_t)n;
    p->text[p->n] = '\0';
    return n > 0;
}

/* Waits for text after what was seen before; the line it stands in, or NULL at the end. */
static const char *seen(struct probe *p, const char *text)
{
    const char *at;

    while ((at = strstr(p->text + p->read, text)) == NULL)
        if (!more(p))
            return NULL;
    p->read = (size_t)(at - p->text) + strlen(text);
    return at;
}

static void wait_serving(struct probe *p)
{
    const char *line = seen(p, "\"msg\":\"serving\"");
    const char *port;

    assert_non_null(line);
    while (strchr(line, '\n') == NULL)
        assert_true(more(p));
    port = strstr(line, "\"admin_port\":");
    assert_non_null(port);
    p->port = (int)strtol(port + strlen("\"admin_port\":"), NULL, 10);
    assert_true(p->port > 0);
}

/* Reads the rest and returns the exit status. */
static int end(struct probe *p)
{
    int status;

    while (more(p))
        ;
    assert_int_equal(waitpid(p->pid, &status, 0), p->pid);
    close(p->out);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static int dial(const struct probe *p)
{
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)p->port)};
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof(to)), 0);
    return fd;
}

/* The whole answer, to the end of the connection. */
static void ask(const struct probe *p, const char *request, char *answer, size_t cap)
{
    size_t n = 0;
    ssize_t r;
    int fd = dial(p);

    assert_int_equal(write(fd, request, strlen(request)), strlen(request));
    while (n + 1 < cap && (r = read(fd, answer + n, cap - 1 - n)) > 0)
        n += (size_t)r;
    answer[n] = '\0';
    close(fd);
}

static bool answers(const struct probe *p, const char *request, const char *status,
                    const char *holds)
{
    char answer[65536];

    ask(p, request, answer, sizeof(answer));
    return strncmp(answer + 9, status, 3) == 0 && strstr(answer, holds) != NULL;
}

#define GET(path) "GET " path " HTTP/1.1\r\nHost: x\r\n\r\n"

static void becomes(const struct probe *p, const char *request, const char *status,
                    const char *holds)
{
    for (int i = 0; i < LONG / 10; i++) {
        if (answers(p, request, status, holds))
            return;
        usleep(10000);
    }
    fail_msg("never %s %s", status, holds);
}

/* ---- tests ---- */

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
    becomes(&p, GET("/readyz"), "200", "ready\ndatabase: ok\nscale: ok\n");
    assert_non_null(seen(&p, "\"msg\":\"rpc serving\""));
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
    assert_null(strstr(p.text, "step close")); /* it never opened */
    assert_non_null(strstr(p.text, "relay stop"));
}

static void a_bad_configuration_is_told_by_name_before_anything_opens(void **state)
{
    static const char *const cases[][3] = {
        {"WARD_WORKERS", "many", "WARD_WORKERS must be a whole number, 1..256"},
        {"WARD_DATA", "/x", "the environment sets WARD_DATA, which is no option"},
        {"WARD_DB_PASSWORD", "hunter2", "WARD_DB_PASSWORD is a secret"},
        {"WARD_TLS_CERT", "/c.pem", "WARD_TLS_CERT, WARD_TLS_KEY and WARD_TLS_CA go together"},
        {"WARD_JWKS", "/k", "WARD_JWKS needs WARD_ISSUER"},
        {"WARD_LOG_LEVEL", "loud", "WARD_LOG_LEVEL must be error"},
        {"WARD_ADMIN_LISTEN", "everywhere", "WARD_ADMIN_LISTEN must be a numeric address"},
        {"WARD_ADMIN_LISTEN", "192.0.2.1:1", "cannot listen on 192.0.2.1:1"},
        {"WARD_AUDIT_BUS", "", "WARD_AUDIT_BUS is required: what probe does is audited"},
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
         "| `WARD_DB_PASSWORD_FILE` | database password | file | none |\n"},
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

static void an_argument_it_does_not_know_is_refused(void **state)
{
    static const char *const args[] = {"--verbose", NULL};
    struct probe p;

    (void)state;
    start(&p, NULL, args);
    assert_int_equal(end(&p), 1);
    assert_non_null(strstr(p.text, "cannot understand the argument --verbose"));
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
    becomes(&p, GET("/readyz"), "503", "not ready\ndatabase: the database is away\nscale: ok");
    assert_true(answers(&p, GET("/metrics"), "200", "\nward_ready 0\n"));
    assert_true(answers(&p, GET("/livez"), "200", "alive"));
    assert_non_null(seen(&p, "\"msg\":\"rpc not serving\""));
    kill(p.pid, SIGUSR1);
    becomes(&p, GET("/readyz"), "200", "database: ok");
    assert_non_null(seen(&p, "\"msg\":\"rpc serving\""));
    kill(p.pid, SIGINT);
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
    assert_non_null(strstr(p.text, "\"msg\":\"rpc stop\",\"grace_ms\":1000"));
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_serves_until_sigterm_and_closes_newest_first),
        cmocka_unit_test(a_step_that_fails_stops_the_rest_and_is_told_once),
        cmocka_unit_test(a_bad_configuration_is_told_by_name_before_anything_opens),
        cmocka_unit_test(pages_are_printed_and_nothing_else_happens),
        cmocka_unit_test(an_argument_it_does_not_know_is_refused),
        cmocka_unit_test(readiness_goes_and_comes_back_with_a_dependency),
        cmocka_unit_test(a_database_that_comes_late_is_waited_for),
        cmocka_unit_test(a_check_that_hangs_makes_it_unready_and_does_not_keep_it_alive),
        cmocka_unit_test(the_watchdog_ends_it_with_a_status_of_its_own),
        cmocka_unit_test(a_second_signal_ends_it_at_once),
        cmocka_unit_test(the_log_level_changes_while_it_runs),
        cmocka_unit_test(the_admin_port_refuses_what_it_does_not_serve),
        cmocka_unit_test(slow_clients_are_cut_and_many_do_not_shut_others_out),
        cmocka_unit_test(open_files_are_raised_to_what_is_asked),
    };

    return cmocka_run_group_tests_name("app", tests, NULL, NULL);
}
