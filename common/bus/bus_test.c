#include "common/bus/bus.h"

#include "cli/pki/pki.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static char dir[32], ours[64], theirs[64], ipc[64];
static struct ward_err err;

static const struct ward_bus_item ONE[] = {{.id = "abcdefghijklmno", .p = "event", .n = 5}};

static const char *path(const char *in, const char *name)
{
    static char ring[8][128];
    static int at;

    at = (at + 1) % 8;
    snprintf(ring[at], sizeof(ring[at]), "%s/%s", in, name);
    return ring[at];
}

static int set_up(void **state)
{
    (void)state;
    snprintf(dir, sizeof(dir), "/tmp/ward-bus-XXXXXX");
    if (mkdtemp(dir) == NULL)
        return -1;
    snprintf(ours, sizeof(ours), "%s/pki", dir);
    snprintf(theirs, sizeof(theirs), "%s/other", dir);
    snprintf(ipc, sizeof(ipc), "ipc://%s/bus", dir);
    mkdir(ours, 0700);
    mkdir(theirs, 0700);
    return ward_pki_ca(ours, NULL) || ward_pki_issue(ours, "audit", 24, NULL) ||
           ward_pki_issue(ours, "identity", 24, NULL) || ward_pki_ca(theirs, NULL) ||
           ward_pki_issue(theirs, "identity", 24, NULL);
}

static int tear_down(void **state)
{
    static const char *const files[] = {"ca.pem",    "ca.key",       "audit.pem",
                                        "audit.key", "identity.pem", "identity.key"};

    (void)state;
    for (size_t i = 0; i < WARD_COUNT(files); i++) {
        unlink(path(ours, files[i]));
        unlink(path(theirs, files[i]));
    }
    rmdir(ours);
    rmdir(theirs);
    unlink(path(dir, "bus"));
    return rmdir(dir);
}

/* ---- a receiver that counts frames ---- */

static struct {
    atomic_int frames;
    char peer[65];
    enum ward_code say;
    pthread_mutex_t hold; /* while a test holds this lock, `take` waits */
} recv_ = {.hold = PTHREAD_MUTEX_INITIALIZER};

static enum ward_code take(void *svc, void *wrk, const char *peer,
                           const struct ward_bus_item *items, size_t n, struct ward_err *e)
{
    (void)svc, (void)wrk;
    assert_int_equal(n, 1);
    assert_int_equal(items[0].n, 5);
    assert_memory_equal(items[0].p, "event", 5);
    atomic_fetch_add(&recv_.frames, 1);
    pthread_mutex_lock(&recv_.hold);
    snprintf(recv_.peer, sizeof(recv_.peer), "%s", peer);
    pthread_mutex_unlock(&recv_.hold);
    if (recv_.say == WARD_FAILED_PRECONDITION)
        return WARD_FAIL_REASON(e, FAILED_PRECONDITION, "LOG_CLOSED", "the log is closed");
    return WARD_OK;
}

static struct ward_bus_tls tls_of(const char *in, const char *name)
{
    static char ring[8][3][160];
    static int at;

    at = (at + 1) % 8;
    snprintf(ring[at][0], sizeof(ring[at][0]), "%s/%s.pem", in, name);
    snprintf(ring[at][1], sizeof(ring[at][1]), "%s/%s.key", in, name);
    snprintf(ring[at][2], sizeof(ring[at][2]), "%s/ca.pem", in);
    return (struct ward_bus_tls){ring[at][0], ring[at][1], ring[at][2]};
}

static struct ward_bus_server *serve(const char *url, int threads)
{
    struct ward_bus_server *s = NULL;
    struct ward_bus_server_config cfg = {
        .url = url, .tls = tls_of(ours, "audit"), .threads = threads, .take = take};

    atomic_store(&recv_.frames, 0);
    recv_.say = WARD_OK;
    assert_int_equal(ward_bus_listen(&cfg, &s, &err), WARD_OK);
    return s;
}

static struct ward_bus_client *dial(const char *url, const struct ward_bus_tls *tls)
{
    struct ward_bus_client *c = NULL;

    assert_int_equal(ward_bus_dial(url, tls, &c, &err), WARD_OK);
    return c;
}

static enum ward_code deliver(struct ward_bus_client *c, int ms)
{
    err = (struct ward_err){0};
    return ward_bus_deliver(c, ONE, 1, ms, &err);
}

static void an_address_without_protection_is_refused(void **state)
{
    static const char *const bad[] = {
        "tcp://127.0.0.1:5555", "", "inproc://x", "ws://h:1", "ipc://relative", "tls+tcp4"};
    struct ward_bus_client *c = NULL;
    struct ward_bus_server *s = NULL;

    (void)state;
    for (size_t i = 0; i < WARD_COUNT(bad); i++) {
        assert_int_equal(ward_bus_dial(bad[i], NULL, &c, &err), WARD_INVALID_ARGUMENT);
        assert_int_equal(
            ward_bus_listen(&(struct ward_bus_server_config){.url = bad[i]}, &s, &err),
            WARD_INVALID_ARGUMENT);
    }
    assert_int_equal(ward_bus_dial("tls+tcp://127.0.0.1:1", NULL, &c, &err),
                     WARD_FAILED_PRECONDITION);
}

static void a_delivery_is_acknowledged_over_ipc(void **state)
{
    struct ward_bus_server *s = serve(ipc, 2);
    struct ward_bus_client *c = dial(ipc, NULL);
    struct stat st;

    (void)state;
    for (int i = 0; i < 10; i++)
        assert_int_equal(deliver(c, 5000), WARD_OK);
    assert_int_equal(atomic_load(&recv_.frames), 10);
    assert_string_equal(recv_.peer, "");
    while (!ward_bus_connected(c)) /* reported shortly after the first delivery */
        usleep(1000);
    assert_int_equal(ward_bus_port(s), 0);
    assert_int_equal(stat(path(dir, "bus"), &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    ward_bus_hangup(c);
    ward_bus_stop(s);
}

static void a_refusal_comes_back_in_the_receivers_words(void **state)
{
    struct ward_bus_server *s = serve(ipc, 1);
    struct ward_bus_client *c = dial(ipc, NULL);

    (void)state;
    recv_.say = WARD_FAILED_PRECONDITION;
    assert_int_equal(deliver(c, 5000), WARD_FAILED_PRECONDITION);
    assert_string_equal(err.msg, "the log is closed");
    assert_string_equal(err.reason, "LOG_CLOSED");
    ward_bus_hangup(c);
    ward_bus_stop(s);
}

static void nobody_there_is_unavailable_and_a_late_receiver_is_found(void **state)
{
    struct ward_bus_client *c = dial(ipc, NULL);
    struct ward_bus_server *s;

    (void)state;
    assert_int_equal(deliver(c, 50), WARD_UNAVAILABLE);
    assert_false(ward_bus_connected(c));
    s = serve(ipc, 1);
    assert_int_equal(deliver(c, 5000), WARD_OK);
    ward_bus_stop(s);
    assert_int_not_equal(deliver(c, 100), WARD_OK);
    s = serve(ipc, 1);
    assert_int_equal(deliver(c, 5000), WARD_OK);
    ward_bus_hangup(c);
    ward_bus_stop(s);
}

static void a_receiver_that_takes_too_long_is_a_deadline(void **state)
{
    struct ward_bus_server *s = serve(ipc, 1);
    struct ward_bus_client *c = dial(ipc, NULL);

    (void)state;
    assert_int_equal(deliver(c, 5000), WARD_OK);
    pthread_mutex_lock(&recv_.hold);
    assert_int_equal(deliver(c, 50), WARD_DEADLINE_EXCEEDED);
    pthread_mutex_unlock(&recv_.hold);
    /* the late answer is not the answer of this call */
    assert_int_equal(deliver(c, 5000), WARD_OK);
    ward_bus_hangup(c);
    ward_bus_stop(s);
}

static void *hang_up_later(void *arg)
{
    while (atomic_load(&recv_.frames) < 1)
        usleep(1000);
    ward_bus_interrupt(arg);
    return NULL;
}

static void a_delivery_can_be_interrupted(void **state)
{
    struct ward_bus_server *s = serve(ipc, 1);
    struct ward_bus_client *c = dial(ipc, NULL);
    pthread_t t;

    (void)state;
    pthread_mutex_lock(&recv_.hold);
    pthread_create(&t, NULL, hang_up_later, c);
    assert_int_equal(deliver(c, 60000), WARD_CANCELLED);
    pthread_mutex_unlock(&recv_.hold);
    pthread_join(t, NULL);
    ward_bus_hangup(c);
    ward_bus_stop(s);
}

static void tls_urls(const struct ward_bus_server *s, char by_ip[64], char by_name[64])
{
    assert_true(ward_bus_port(s) > 0);
    snprintf(by_ip, 64, "tls+tcp://127.0.0.1:%d", ward_bus_port(s));
    snprintf(by_name, 64, "tls+tcp://localhost:%d", ward_bus_port(s));
}

static void over_tls_the_receiver_knows_the_senders_name(void **state)
{
    struct ward_bus_server *s = serve("tls+tcp://127.0.0.1:0", 2);
    struct ward_bus_tls tls = tls_of(ours, "identity");
    char by_ip[64], by_name[64];
    struct ward_bus_client *c;

    (void)state;
    tls_urls(s, by_ip, by_name);
    c = dial(by_ip, &tls);
    for (int i = 0; i < 3; i++)
        assert_int_equal(deliver(c, 5000), WARD_OK);
    assert_string_equal(recv_.peer, "identity");
    ward_bus_hangup(c);
    c = dial(by_name, &tls);
    assert_int_equal(deliver(c, 5000), WARD_OK);
    ward_bus_hangup(c);
    ward_bus_stop(s);
}

static void a_sender_of_another_authority_gets_nothing_through(void **state)
{
    struct ward_bus_server *s = serve("tls+tcp://127.0.0.1:0", 1);
    struct ward_bus_tls tls = tls_of(theirs, "identity");
    struct ward_bus_client *c;
    char by_ip[64], by_name[64];

    (void)state;
    tls_urls(s, by_ip, by_name);
    /* the client trusts our CA, but its certificate is of another CA */
    tls.ca = path(ours, "ca.pem");
    c = dial(by_ip, &tls);
    assert_int_equal(deliver(c, 300), WARD_UNAVAILABLE);
    assert_int_equal(atomic_load(&recv_.frames), 0);
    ward_bus_hangup(c);
    ward_bus_stop(s);
}

static void a_receiver_of_another_authority_is_not_told_anything(void **state)
{
    struct ward_bus_server *s = serve("tls+tcp://127.0.0.1:0", 1);
    struct ward_bus_tls tls = tls_of(ours, "identity");
    struct ward_bus_client *c;
    char by_ip[64], by_name[64];

    (void)state;
    tls_urls(s, by_ip, by_name);
    tls.ca = path(theirs, "ca.pem"); /* this sender does not trust the receiver's CA */
    c = dial(by_ip, &tls);
    assert_int_equal(deliver(c, 300), WARD_UNAVAILABLE);
    assert_int_equal(atomic_load(&recv_.frames), 0);
    ward_bus_hangup(c);
    ward_bus_stop(s);
}

static void a_renewed_certificate_is_used_without_a_restart(void **state)
{
    struct ward_bus_server *s = serve("tls+tcp://127.0.0.1:0", 1);
    struct ward_bus_tls tls = tls_of(ours, "identity");
    struct ward_bus_client *c;
    char by_ip[64], by_name[64];

    (void)state;
    tls_urls(s, by_ip, by_name);
    /* The running server's CA file is replaced with the file of another authority. */
    rename(path(ours, "ca.pem"), path(ours, "keep"));
    assert_int_equal(link(path(theirs, "ca.pem"), path(ours, "ca.pem")), 0);
    c = dial(by_ip, &(struct ward_bus_tls){path(theirs, "identity.pem"),
                                           path(theirs, "identity.key"), path(ours, "keep")});
    assert_int_equal(deliver(c, 5000), WARD_OK);
    ward_bus_hangup(c);
    rename(path(ours, "keep"), path(ours, "ca.pem"));
    c = dial(by_ip, &tls);
    assert_int_equal(deliver(c, 5000), WARD_OK);
    ward_bus_hangup(c);
    ward_bus_stop(s);
}

static void heard(void *seen, uint64_t seq)
{
    atomic_store((atomic_ullong *)seen, seq);
}

static void hints_go_over_tls_and_not_to_strangers(void **state)
{
    struct ward_bus_tls audit = tls_of(ours, "audit"), friend_ = tls_of(ours, "identity"),
                        stranger = tls_of(theirs, "identity");
    struct ward_hint_sub *by_friend = NULL, *by_stranger = NULL;
    struct ward_hint_pub *p = NULL;
    atomic_ullong friends = 0, strangers = 0;
    char url[64];

    (void)state;
    /* the client trusts our CA, but its certificate is of another CA */
    stranger.ca = path(ours, "ca.pem");
    assert_int_equal(ward_hint_open("tls+tcp://127.0.0.1:0", &audit, &p, &err), WARD_OK);
    snprintf(url, sizeof(url), "tls+tcp://127.0.0.1:%d", ward_hint_port(p));
    assert_int_equal(
        ward_hint_follow(url, &stranger, "log", heard, &strangers, &by_stranger, &err),
        WARD_OK);
    assert_int_equal(ward_hint_follow(url, &friend_, "log", heard, &friends, &by_friend, &err),
                     WARD_OK);
    for (uint64_t seq = 1; seq <= 50; seq++) {
        ward_hint_send(p, "log", seq);
        while (atomic_load(&friends) < seq)
            usleep(1000);
    }
    assert_true(atomic_load(&strangers) == 0);
    ward_hint_unfollow(by_stranger);
    ward_hint_unfollow(by_friend);
    ward_hint_close(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_address_without_protection_is_refused),
        cmocka_unit_test(a_delivery_is_acknowledged_over_ipc),
        cmocka_unit_test(a_refusal_comes_back_in_the_receivers_words),
        cmocka_unit_test(nobody_there_is_unavailable_and_a_late_receiver_is_found),
        cmocka_unit_test(a_receiver_that_takes_too_long_is_a_deadline),
        cmocka_unit_test(a_delivery_can_be_interrupted),
        cmocka_unit_test(over_tls_the_receiver_knows_the_senders_name),
        cmocka_unit_test(a_sender_of_another_authority_gets_nothing_through),
        cmocka_unit_test(a_receiver_of_another_authority_is_not_told_anything),
        cmocka_unit_test(a_renewed_certificate_is_used_without_a_restart),
        cmocka_unit_test(hints_go_over_tls_and_not_to_strangers),
    };

    alarm(60);
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
