#include "common/rpc/server_testing.h"

#include <arpa/inet.h>
#include <sys/socket.h>
#include <unistd.h>

static atomic_int broken_times;
static const char *_Atomic broken_why;

static void on_broken(void *arg, const char *why)
{
    assert_ptr_equal(arg, &broken_times);
    atomic_store(&broken_why, why);
    atomic_fetch_add(&broken_times, 1);
}

static struct ward_rpc_config watched(void)
{
    struct ward_rpc_config cfg = config_of();

    atomic_store(&broken_times, 0);
    cfg.watchdog_ms = 5;
    cfg.broken = on_broken;
    cfg.broken_arg = &broken_times;
    return cfg;
}

struct wanted {
    const char *verdict;
    double value;
};

static void pick(const struct ward_family *f, void *arg)
{
    struct wanted *w = arg;

    if (strcmp(f->name, "ward_rpc_watchdog_probes_total") != 0)
        return;
    for (int i = 0; i < atomic_load(&f->n); i++) {
        const struct ward_series *s = atomic_load(&f->series[i]);

        if (strcmp(s->label[0], w->verdict) == 0)
            w->value = atomic_load(&s->value);
    }
}

static double probes(const char *verdict)
{
    struct wanted w = {.verdict = verdict};

    ward_metric_each(pick, &w);
    return w.value;
}

static void watch_a_healthy_one(const char *listen)
{
    struct ward_rpc_config cfg = watched();
    double alive = probes("alive"), dead = probes("dead");
    struct ward_rpc *rpc;

    cfg.listen = listen;
    rpc = started(&cfg);
    UNTIL(probes("alive") >= alive + 20);
    ward_rpc_stop(rpc, 1000);
    assert_int_equal(broken_times, 0);
    assert_true(probes("dead") == dead);
}

static void a_healthy_server_is_left_alone(void **state)
{
    char dir[] = "/tmp/ward-dog-XXXXXX", listen[64];

    (void)state;
    watch_a_healthy_one("127.0.0.1:0");
    watch_a_healthy_one("[::1]:0");
    assert_non_null(mkdtemp(dir));
    snprintf(listen, sizeof(listen), "unix:%s/s", dir);
    watch_a_healthy_one(listen);
    unlink(listen + strlen("unix:"));
    assert_int_equal(rmdir(dir), 0);
}

static void memory_past_the_limit_is_told_once(void **state)
{
    struct ward_rpc_config cfg = watched();
    struct ward_rpc *rpc;

    (void)state;
    cfg.watchdog_rss = 1;
    rpc = started(&cfg);
    UNTIL(broken_times == 1);
    assert_non_null(strstr(broken_why, "memory"));
    ward_rpc_stop(rpc, 1000);
    assert_int_equal(broken_times, 1);
}

/* ---- a server that answers no probe: the test opens its listener and accepts nothing ---- */

static _Atomic uint64_t served;
static bool deaf, serves;

static uint64_t fake_progress(struct ward_rpc *rpc)
{
    (void)rpc;
    return serves ? atomic_fetch_add(&served, 1) : 0;
}

static bool fake_deaf(struct ward_rpc *rpc)
{
    (void)rpc;
    return deaf;
}

static int silent_listener(int *port)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(at);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    assert_int_equal(bind(fd, (const struct sockaddr *)&at, sizeof(at)), 0);
    assert_int_equal(listen(fd, 128), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&at, &len), 0);
    *port = ntohs(at.sin_port);
    return fd;
}

/* Runs the watchdog until it reports a fault, or has found the server busy three times. */
static void watch_a_silent_one(void)
{
    static const struct transport fake = {.progress = fake_progress, .deaf = fake_deaf};
    struct ward_rpc fake_rpc = {.cfg = watched(), .transport = &fake};
    double busy = probes("busy");
    struct watchdog *dog = NULL;
    int fd = silent_listener(&fake_rpc.port);

    assert_int_equal(watchdog_start(&fake_rpc, &dog, NULL), WARD_OK);
    UNTIL(broken_times > 0 || probes("busy") >= busy + 3);
    watchdog_stop(dog);
    close(fd);
}

static void a_server_that_answers_calls_but_no_probe_is_busy(void **state)
{
    (void)state;
    serves = true;
    deaf = false;
    watch_a_silent_one();
    assert_int_equal(broken_times, 0);
}

static void a_server_that_answers_nothing_is_dead(void **state)
{
    (void)state;
    serves = deaf = false;
    watch_a_silent_one();
    assert_int_equal(broken_times, 1);
    assert_non_null(strstr(broken_why, "accepts no more"));
}

static void a_server_that_was_seen_to_fail_to_accept_is_dead_whatever_it_answers(void **state)
{
    (void)state;
    serves = deaf = true;
    watch_a_silent_one();
    assert_int_equal(broken_times, 1);
}

/* The process answers calls on old connections, but its port rejects new connections. */
static void a_server_whose_port_refuses_is_dead_whatever_it_answers(void **state)
{
    static const struct transport fake = {.progress = fake_progress, .deaf = fake_deaf};
    struct ward_rpc fake_rpc = {.cfg = watched(), .transport = &fake};
    double alive = probes("alive");
    struct watchdog *dog = NULL;

    (void)state;
    serves = true;
    deaf = false;
    close(silent_listener(&fake_rpc.port));
    assert_int_equal(watchdog_start(&fake_rpc, &dog, NULL), WARD_OK);
    UNTIL(broken_times > 0 || probes("alive") >= alive + 3);
    watchdog_stop(dog);
    assert_int_equal(broken_times, 1);
}

static void nobody_to_tell_is_nothing_to_watch(void **state)
{
    struct ward_rpc_config cfg = watched();
    double alive = probes("alive");
    struct ward_rpc *rpc;

    (void)state;
    cfg.broken = NULL;
    cfg.watchdog_rss = 1;
    rpc = started(&cfg);
    assert_null(rpc->watchdog);
    ward_rpc_stop(rpc, 1000);
    assert_true(probes("alive") == alive);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_healthy_server_is_left_alone),
        cmocka_unit_test(memory_past_the_limit_is_told_once),
        cmocka_unit_test(a_server_that_answers_calls_but_no_probe_is_busy),
        cmocka_unit_test(a_server_that_answers_nothing_is_dead),
        cmocka_unit_test(a_server_that_was_seen_to_fail_to_accept_is_dead_whatever_it_answers),
        cmocka_unit_test(a_server_whose_port_refuses_is_dead_whatever_it_answers),
        cmocka_unit_test(nobody_to_tell_is_nothing_to_watch),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
