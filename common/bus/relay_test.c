/* The relay with an outbox in memory. tests/integration tests the relay with a database. */
#include "common/bus/relay.h"

#include "common/base/log.h"
#include "common/base/metrics.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define ROWS 5000

static char dir[32], url[64];
static struct ward_err err;

/* An outbox; delivered rows are removed from its front. */
static struct {
    pthread_mutex_t lock;
    uint32_t first, n; /* rows first .. n-1 are pending */
    uint32_t poison;   /* the receiver refuses this row; UINT32_MAX: refuses none */
    int opened, closed, set_aside;
} box = {.lock = PTHREAD_MUTEX_INITIALIZER};

static struct {
    pthread_mutex_t lock;
    int seen[ROWS];
    int takes;
    enum ward_code say;
} log_ = {.lock = PTHREAD_MUTEX_INITIALIZER};

static enum ward_code box_open(void *svc, void **wrk, struct ward_err *e)
{
    (void)svc, (void)e;
    box.opened++;
    *wrk = &box;
    return WARD_OK;
}

static void box_close(void *wrk)
{
    assert_ptr_equal(wrk, &box);
    box.closed++;
}

static enum ward_code box_drain(void *wrk, size_t most, struct ward_bus_client *to,
                                int timeout_ms, size_t *n, struct ward_err *e)
{
    static struct ward_bus_item items[WARD_BUS_MAX_ITEMS];
    enum ward_code code = WARD_OK;
    uint32_t first, count;

    (void)wrk;
    pthread_mutex_lock(&box.lock);
    first = box.first;
    count = box.n - box.first;
    pthread_mutex_unlock(&box.lock);
    if (count > most)
        count = (uint32_t)most;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t id = first + i;

        items[i] = (struct ward_bus_item){.p = "x", .n = 1};
        memcpy(items[i].id, &id, sizeof(id));
    }
    if (count > 0)
        code = ward_bus_deliver(to, items, count, timeout_ms, e);
    if (code == WARD_INVALID_ARGUMENT && count == 1)
        box.set_aside++, code = WARD_OK;
    if (code != WARD_OK)
        return code;
    pthread_mutex_lock(&box.lock);
    box.first += count;
    pthread_mutex_unlock(&box.lock);
    *n = count;
    return WARD_OK;
}

static enum ward_code take(void *svc, void *wrk, const char *peer,
                           const struct ward_bus_item *items, size_t n, struct ward_err *e)
{
    enum ward_code code = WARD_OK;

    (void)svc, (void)wrk, (void)peer;
    for (size_t i = 0; i < n; i++) {
        uint32_t id;

        memcpy(&id, items[i].id, sizeof(id));
        if (id == box.poison)
            return WARD_FAIL(e, INVALID_ARGUMENT, "an event that is none");
    }
    pthread_mutex_lock(&log_.lock);
    code = log_.say;
    log_.takes++;
    for (size_t i = 0; i < n; i++) {
        uint32_t id;

        memcpy(&id, items[i].id, sizeof(id));
        assert_true(id < ROWS);
        log_.seen[id] += code == WARD_OK;
    }
    pthread_mutex_unlock(&log_.lock);
    if (code == WARD_DATA_LOSS)
        return WARD_FAIL(e, DATA_LOSS, "the log is not as it was left");
    return code == WARD_OK ? WARD_OK : WARD_FAIL(e, UNAVAILABLE, "not now");
}

static struct {
    _Atomic int64_t rows, held;
    _Atomic int asked;
    _Atomic bool away;
} figures;

static enum ward_code box_backlog(void *wrk, int64_t *rows, int64_t *held, double *age_s,
                                  struct ward_err *e)
{
    assert_ptr_equal(wrk, &box);
    figures.asked++;
    if (figures.away)
        return WARD_FAIL(e, UNAVAILABLE, "no database");
    *rows = figures.rows;
    *held = figures.held;
    *age_s = 2.5;
    return WARD_OK;
}

/* ---- metrics ---- */

struct sample {
    const char *name;
    double value;
};

static void pick(const struct ward_family *f, void *arg)
{
    struct sample *s = arg;

    if (strcmp(f->name, s->name) == 0 && f->n > 0)
        s->value = f->series[0]->value;
}

static double gauge(const char *name)
{
    struct sample s = {name, -1};

    ward_metric_each(pick, &s);
    return s.value;
}

static void await_gauge(const char *name, double value)
{
    for (int ms = 0; gauge(name) != value; ms++) {
        if (ms == 30000)
            fail_msg("%s is %g, not %g", name, gauge(name), value);
        usleep(1000);
    }
}

static void put(uint32_t rows)
{
    pthread_mutex_lock(&box.lock);
    box.n += rows;
    pthread_mutex_unlock(&box.lock);
}

static uint32_t waiting(void)
{
    uint32_t n;

    pthread_mutex_lock(&box.lock);
    n = box.n - box.first;
    pthread_mutex_unlock(&box.lock);
    return n;
}

static void await_empty(void)
{
    while (waiting() > 0)
        usleep(1000);
}

static struct ward_relay *relay(void)
{
    struct ward_relay *r = NULL;
    struct ward_relay_config cfg = {.url = url,
                                    .poll_ms = 600000, /* only a wake-up causes a delivery */
                                    .batch = 512,
                                    .open = box_open,
                                    .close = box_close,
                                    .drain = box_drain,
                                    .backlog = box_backlog};

    assert_int_equal(ward_relay_start(&cfg, &r, &err), WARD_OK);
    return r;
}

static struct ward_bus_server *receiver(void)
{
    struct ward_bus_server *s = NULL;

    assert_int_equal(
        ward_bus_listen(
            &(struct ward_bus_server_config){.url = url, .threads = 1, .take = take}, &s, &err),
        WARD_OK);
    return s;
}

static int clean(void **state)
{
    (void)state;
    box.first = box.n = 0;
    box.poison = UINT32_MAX;
    box.opened = box.closed = box.set_aside = 0;
    memset(log_.seen, 0, sizeof(log_.seen));
    log_.say = WARD_OK;
    log_.takes = 0;
    figures.rows = figures.held = 0;
    figures.asked = 0;
    figures.away = false;
    return 0;
}

static int set_up(void **state)
{
    (void)state;
    ward_log_level(WARD_LOG_ERROR);
    snprintf(dir, sizeof(dir), "/tmp/ward-relay-XXXXXX");
    if (mkdtemp(dir) == NULL)
        return -1;
    snprintf(url, sizeof(url), "ipc://%s/bus", dir);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    unlink(url + 6);
    return rmdir(dir);
}

static void a_wake_sends_what_waits(void **state)
{
    struct ward_bus_server *s = receiver();
    struct ward_relay *r = relay();

    (void)state;
    for (int i = 0; i < 5; i++) {
        put(1);
        ward_relay_wake(r);
        await_empty();
    }
    put(ROWS - 5);
    ward_relay_wake(r);
    await_empty();
    ward_relay_stop(r, 5000);
    ward_bus_stop(s);
    for (int i = 0; i < ROWS; i++)
        assert_int_equal(log_.seen[i], 1);
    assert_int_equal(box.opened, 1);
    assert_int_equal(box.closed, 1);
}

static void what_waited_while_the_receiver_was_away_arrives_when_it_is_back(void **state)
{
    struct ward_relay *r;
    struct ward_bus_server *s;

    (void)state;
    put(ROWS);
    r = relay();
    usleep(20000);
    assert_int_equal(waiting(), ROWS);
    log_.say = WARD_UNAVAILABLE;
    s = receiver();
    usleep(20000);
    assert_int_equal(waiting(), ROWS);
    pthread_mutex_lock(&log_.lock);
    log_.say = WARD_OK;
    pthread_mutex_unlock(&log_.lock);
    await_empty();
    ward_relay_stop(r, 5000);
    ward_bus_stop(s);
    for (int i = 0; i < ROWS; i++)
        assert_true(log_.seen[i] >= 1);
}

static void one_event_that_is_refused_for_good_does_not_hold_up_the_others(void **state)
{
    struct ward_bus_server *s = receiver();
    struct ward_relay *r;

    (void)state;
    box.poison = 1234;
    put(ROWS);
    r = relay();
    await_empty();
    ward_relay_stop(r, 5000);
    ward_bus_stop(s);
    assert_int_equal(box.set_aside, 1);
    for (int i = 0; i < ROWS; i++)
        assert_int_equal(log_.seen[i], i == 1234 ? 0 : 1);
}

static void stopping_empties_the_outbox_first(void **state)
{
    struct ward_bus_server *s = receiver();
    struct ward_relay *r;

    (void)state;
    r = relay();
    put(1);
    ward_relay_wake(r);
    await_empty();
    put(ROWS - 1);
    ward_relay_stop(r, 30000);
    assert_int_equal(waiting(), 0);
    ward_bus_stop(s);
}

static void stopping_does_not_wait_for_a_receiver_that_is_away(void **state)
{
    struct ward_relay *r;

    (void)state;
    put(10);
    r = relay();
    ward_relay_stop(r, 100);
    assert_int_equal(waiting(), 10);
    assert_int_equal(box.opened, box.closed);
}

static void events_wait_while_the_receiver_s_log_is_broken(void **state)
{
    struct ward_bus_server *s;
    struct ward_relay *r;
    int takes;

    (void)state;
    log_.say = WARD_DATA_LOSS;
    s = receiver();
    put(ROWS);
    r = relay();
    await_gauge("ward_outbox_audit_broken", 1);
    assert_int_equal(ward_relay_check(r, &err), WARD_FAILED_PRECONDITION);
    usleep(300000);
    pthread_mutex_lock(&log_.lock);
    takes = log_.takes;
    log_.say = WARD_OK;
    pthread_mutex_unlock(&log_.lock);
    assert_in_range(takes, 1, 8); /* halving a batch of 512 would need 10 deliveries */
    assert_int_equal(waiting(), ROWS);
    assert_int_equal(box.set_aside, 0);
    await_empty();
    await_gauge("ward_outbox_audit_broken", 0);
    assert_int_equal(ward_relay_check(r, &err), WARD_OK);
    ward_relay_stop(r, 5000);
    ward_bus_stop(s);
    for (int i = 0; i < ROWS; i++)
        assert_int_equal(log_.seen[i], 1);
}

static void the_gauges_say_what_waits_and_is_held(void **state)
{
    struct ward_bus_server *s = receiver();
    struct ward_relay *r;
    int asked;

    (void)state;
    figures.rows = 7;
    figures.held = 3;
    r = relay();
    await_gauge("ward_outbox_backlog_rows", 7);
    await_gauge("ward_outbox_held_rows", 3);
    await_gauge("ward_outbox_oldest_seconds", 2.5);
    assert_int_equal(ward_relay_check(r, &err), WARD_FAILED_PRECONDITION);
    assert_non_null(strstr(err.msg, "3 events"));
    figures.away = true; /* a failed measurement leaves the old numbers */
    figures.rows = figures.held = 0;
    for (asked = figures.asked; figures.asked == asked;) {
        ward_relay_wake(r);
        usleep(10000);
    }
    usleep(10000);
    assert_true(gauge("ward_outbox_backlog_rows") == 7);
    assert_true(gauge("ward_outbox_held_rows") == 3);
    figures.away = false;
    while (gauge("ward_outbox_backlog_rows") != 0 || gauge("ward_outbox_held_rows") != 0) {
        ward_relay_wake(r);
        usleep(10000);
    }
    assert_int_equal(ward_relay_check(r, &err), WARD_OK);
    ward_relay_stop(r, 5000);
    ward_bus_stop(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(events_wait_while_the_receiver_s_log_is_broken, clean),
        cmocka_unit_test_setup(the_gauges_say_what_waits_and_is_held, clean),
        cmocka_unit_test_setup(a_wake_sends_what_waits, clean),
        cmocka_unit_test_setup(what_waited_while_the_receiver_was_away_arrives_when_it_is_back,
                               clean),
        cmocka_unit_test_setup(one_event_that_is_refused_for_good_does_not_hold_up_the_others,
                               clean),
        cmocka_unit_test_setup(stopping_empties_the_outbox_first, clean),
        cmocka_unit_test_setup(stopping_does_not_wait_for_a_receiver_that_is_away, clean),
    };

    alarm(100); /* ends the program if a row never arrives */
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
