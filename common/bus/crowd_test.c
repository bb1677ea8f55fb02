/* Connections to all replicas of one name, while replicas start and stop. Publishers and
 * receivers use two loopback addresses, and a test resolver sets the addresses of the name. */
#include "cli/pki/pki.h"
#include "common/bus/crowd.h"

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

static char dir[32], cert[64], key[64], ca[64];
static struct ward_bus_tls tls;
static struct ward_err err;
static atomic_int which; /* addresses of the name; bit 0: 127.0.0.1, bit 1: 127.0.0.2 */
static atomic_ullong seen;

static int resolver(const char *host, char out[][CROWD_ADDRESS])
{
    int n = 0, now = atomic_load(&which);

    assert_string_equal(host, "identity");
    if (now & 1)
        snprintf(out[n++], CROWD_ADDRESS, "127.0.0.1");
    if (now & 2)
        snprintf(out[n++], CROWD_ADDRESS, "127.0.0.2");
    return n;
}

static int set_up(void **state)
{
    (void)state;
    snprintf(dir, sizeof(dir), "/tmp/ward-crowd-XXXXXX");
    if (mkdtemp(dir) == NULL || ward_pki_ca(dir, NULL) != WARD_OK ||
        ward_pki_issue(dir, "identity", 24, NULL) != WARD_OK)
        return -1;
    snprintf(cert, sizeof(cert), "%s/identity.pem", dir);
    snprintf(key, sizeof(key), "%s/identity.key", dir);
    snprintf(ca, sizeof(ca), "%s/ca.pem", dir);
    tls = (struct ward_bus_tls){cert, key, ca};
    ward_crowd_resolver = resolver;
    ward_crowd_look_ms = 20;
    return 0;
}

static int tear_down(void **state)
{
    char ca_key[64];

    (void)state;
    snprintf(ca_key, sizeof(ca_key), "%s/ca.key", dir);
    unlink(cert);
    unlink(key);
    unlink(ca);
    unlink(ca_key);
    return rmdir(dir);
}

static void heard(void *arg, uint64_t seq)
{
    (void)arg;
    atomic_store(&seen, seq);
}

static void await(uint64_t seq)
{
    while (atomic_load(&seen) < seq)
        usleep(1000);
}

/* Starts two publishers with one port on two addresses, like two pods of one Service. */
static void publishers(struct ward_hint_pub *p[2])
{
    char url[64];

    assert_int_equal(ward_hint_open("tls+tcp://127.0.0.1:0", &tls, &p[0], &err), WARD_OK);
    snprintf(url, sizeof(url), "tls+tcp://127.0.0.2:%d", ward_hint_port(p[0]));
    assert_int_equal(ward_hint_open(url, &tls, &p[1], &err), WARD_OK);
}

static void one_name_follows_replicas_as_they_come_and_go(void **state)
{
    struct ward_hint_pub *p[2];
    struct ward_hint_sub *s = NULL;
    char url[64];

    (void)state;
    atomic_store(&seen, 0);
    atomic_store(&which, 0); /* the name does not resolve yet */
    publishers(p);
    snprintf(url, sizeof(url), "tls+tcp://identity:%d", ward_hint_port(p[0]));
    assert_int_equal(ward_hint_follow(url, &tls, "gallery", heard, NULL, &s, &err), WARD_OK);
    ward_hint_send(p[0], "gallery", 1);
    ward_hint_send(p[1], "gallery", 2);
    usleep(100000);
    assert_true(atomic_load(&seen) == 0);

    atomic_store(&which, 1);
    await(1);
    assert_true(atomic_load(&seen) == 1);
    atomic_store(&which, 3);
    await(2);
    atomic_store(&which, 0); /* the resolver fails, so the connections remain */
    usleep(100000);
    ward_hint_send(p[0], "gallery", 3);
    await(3);

    atomic_store(&which, 2); /* 127.0.0.1 was removed from the name */
    usleep(200000);
    ward_hint_send(p[0], "gallery", 4);
    usleep(100000);
    assert_true(atomic_load(&seen) == 3);
    ward_hint_send(p[1], "gallery", 5);
    await(5);
    ward_hint_unfollow(s);
    ward_hint_close(p[0]);
    ward_hint_close(p[1]);
}

/* The certificate must contain the requested host name, whatever the address is. */
static void a_replica_with_another_name_is_not_heard(void **state)
{
    char url[64], other_cert[64], other_key[64];
    struct ward_hint_pub *p = NULL;
    struct ward_hint_sub *s = NULL;
    struct ward_bus_tls other;

    (void)state;
    atomic_store(&seen, 0);
    atomic_store(&which, 1);
    assert_int_equal(ward_pki_issue(dir, "records", 24, NULL), WARD_OK);
    snprintf(other_cert, sizeof(other_cert), "%s/records.pem", dir);
    snprintf(other_key, sizeof(other_key), "%s/records.key", dir);
    other = (struct ward_bus_tls){other_cert, other_key, ca};
    assert_int_equal(ward_hint_open("tls+tcp://127.0.0.1:0", &other, &p, &err), WARD_OK);
    snprintf(url, sizeof(url), "tls+tcp://identity:%d", ward_hint_port(p));
    assert_int_equal(ward_hint_follow(url, &tls, "gallery", heard, NULL, &s, &err), WARD_OK);
    ward_hint_send(p, "gallery", 9);
    usleep(300000);
    assert_true(atomic_load(&seen) == 0);
    ward_hint_unfollow(s);
    ward_hint_close(p);
    unlink(other_cert);
    unlink(other_key);
}

static enum ward_code take(void *svc, void *wrk, const char *peer,
                           const struct ward_bus_item *items, size_t n, struct ward_err *e)
{
    (void)wrk, (void)peer, (void)items, (void)n, (void)e;
    atomic_fetch_add((atomic_int *)svc, 1);
    return WARD_OK;
}

static struct ward_bus_server *receiver(const char *address, int port, atomic_int *taken)
{
    struct ward_bus_server *s = NULL;
    char url[64];

    snprintf(url, sizeof(url), "tls+tcp://%s:%d", address, port);
    assert_int_equal(ward_bus_listen(
                         &(struct ward_bus_server_config){
                             .url = url, .tls = tls, .threads = 1, .svc = taken, .take = take},
                         &s, &err),
                     WARD_OK);
    return s;
}

/* Returns the number of acknowledged deliveries of n. */
static int deliver(struct ward_bus_client *c, int n)
{
    static const struct ward_bus_item one = {.id = "abcdefghijklmno", .p = "event", .n = 5};
    int good = 0;

    for (int i = 0; i < n; i++)
        good += ward_bus_deliver(c, &one, 1, 5000, &err) == WARD_OK;
    return good;
}

static void deliveries_spread_over_receivers_and_outlive_one(void **state)
{
    struct ward_bus_client *c = NULL;
    struct ward_bus_server *a, *b;
    atomic_int by_a = 0, by_b = 0;
    char url[64];
    int port, good;

    (void)state;
    atomic_store(&which, 3);
    a = receiver("127.0.0.1", 0, &by_a);
    port = ward_bus_port(a);
    b = receiver("127.0.0.2", port, &by_b);
    snprintf(url, sizeof(url), "tls+tcp://identity:%d", port);
    assert_int_equal(ward_bus_dial(url, &tls, &c, &err), WARD_OK);
    while (atomic_load(&by_a) == 0 || atomic_load(&by_b) == 0)
        assert_int_equal(deliver(c, 1), 1);
    atomic_store(&by_a, 0);
    atomic_store(&by_b, 0);
    assert_int_equal(deliver(c, 100), 100);
    assert_true(atomic_load(&by_a) >= 40 && atomic_load(&by_b) >= 40);

    ward_bus_stop(b); /* the name still has b's address, as for some seconds in a cluster */
    atomic_store(&by_a, 0);
    /* One delivery may be on its way to b: it fails, and is repeated as a relay does, or b has
     * taken it. */
    good = deliver(c, 50);
    assert_true(good >= 49);
    assert_int_equal(deliver(c, 50 - good), 50 - good);
    assert_true(atomic_load(&by_a) >= 49);

    b = receiver("127.0.0.2", port, &by_b);
    atomic_store(&by_b, 0);
    while (atomic_load(&by_b) == 0)
        assert_int_equal(deliver(c, 1), 1);
    ward_bus_hangup(c);
    ward_bus_stop(a);
    ward_bus_stop(b);
}

static void a_name_is_told_from_an_address(void **state)
{
    (void)state;
    assert_true(ward_bus_crowd_is("tls+tcp://ward-identity.hospital.svc.cluster.local:50053"));
    assert_false(ward_bus_crowd_is("tls+tcp://10.0.0.1:50053"));
    assert_false(ward_bus_crowd_is("tls+tcp://[fd00::1]:50053"));
    assert_false(ward_bus_crowd_is("ipc:///run/hints"));
    assert_false(ward_bus_crowd_is("tls+tcp://identity"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_name_follows_replicas_as_they_come_and_go),
        cmocka_unit_test(a_replica_with_another_name_is_not_heard),
        cmocka_unit_test(deliveries_spread_over_receivers_and_outlive_one),
        cmocka_unit_test(a_name_is_told_from_an_address),
    };

    alarm(60);
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
