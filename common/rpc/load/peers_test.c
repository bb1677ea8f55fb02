#include "common/rpc/load/peers.h"

#include "common/base/clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define MS WARD_NS_PER_MS

static const uint8_t here[16] = {[15] = 1}, there[16] = {[15] = 2};
static struct peers all;

static int set_up(void **state)
{
    (void)state;
    peers_init(&all);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    peers_done(&all); /* asserts that every entry was dropped */
    return 0;
}

static void a_name_from_one_address_is_one_peer(void **state)
{
    struct peer *a = peers_hold(&all, "gateway", here), *b = peers_hold(&all, "gateway", here);
    struct peer *c = peers_hold(&all, "gateway", there), *d = peers_hold(&all, "door", here);

    (void)state;
    assert_ptr_equal(a, b);
    assert_ptr_not_equal(a, c);
    assert_ptr_not_equal(a, d);
    assert_string_equal(d->name, "door");
    peer_drop(a);
    peer_drop(b);
    peer_drop(c);
    peer_drop(d);
    peer_drop(NULL);
}

static void an_entry_stays_while_anybody_holds_it(void **state)
{
    struct peer *a = peers_hold(&all, "gateway", here);

    (void)state;
    atomic_fetch_add(&a->bytes, 100);
    peer_share(a);
    peer_drop(a);
    assert_true(atomic_load(&peers_hold(&all, "gateway", here)->bytes) == 100);
    peer_drop(a);
    peer_drop(a);
    a = peers_hold(&all, "gateway", here);
    assert_true(atomic_load(&a->bytes) == 0);
    peer_drop(a);
}

static void connections_past_the_cap_are_refused_and_not_counted(void **state)
{
    struct peer *a = peers_hold(&all, "gateway", here);

    (void)state;
    assert_true(peer_connected(a, 2));
    assert_true(peer_connected(a, 2));
    assert_false(peer_connected(a, 2));
    peer_disconnected(a);
    assert_true(peer_connected(a, 2));
    peer_disconnected(a);
    peer_disconnected(a);
    peer_drop(a);
}

static void only_a_peer_that_is_refused_often_waits_for_its_answers(void **state)
{
    struct peer *a = peers_hold(&all, "eve", here), *b = peers_hold(&all, "ann", here);
    int64_t now = 1000 * MS;
    int held = 0;

    (void)state;
    for (int i = 0; i < 100; i++)
        held += peer_refused(a, now) > 0;
    assert_in_range(held, 80, 99);
    assert_int_equal(peer_refused(b, now), 0);
    assert_int_equal(peer_refused(a, now + 200 * MS), 0); /* the window has ended */
    peer_drop(a);
    peer_drop(b);
}

struct found {
    const char *family, *label;
    double value;
    int series;
};

static void look(const struct ward_family *f, void *arg)
{
    struct found *w = arg;

    if (strcmp(f->name, w->family) != 0)
        return;
    w->series = atomic_load(&f->n);
    for (int i = 0; i < w->series; i++) {
        const struct ward_series *s = atomic_load(&f->series[i]);

        if (strcmp(s->label[0], w->label) == 0)
            w->value = atomic_load(&s->value);
    }
}

static void metrics_have_a_bounded_number_of_names(void **state)
{
    struct found w = {.family = "ward_rpc_peer_calls_total", .label = "other"};
    char name[PEER_NAME];

    (void)state;
    for (int i = 0; i < 500; i++) {
        struct peer *p;

        snprintf(name, sizeof(name), "device-%d", i);
        p = peers_hold(&all, name, here);
        ward_metric_add(p->calls, 1);
        peer_drop(p);
    }
    ward_metric_each(look, &w);
    assert_true(w.value > 400);
    assert_in_range(w.series, 1, 80);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_name_from_one_address_is_one_peer),
        cmocka_unit_test(an_entry_stays_while_anybody_holds_it),
        cmocka_unit_test(connections_past_the_cap_are_refused_and_not_counted),
        cmocka_unit_test(only_a_peer_that_is_refused_often_waits_for_its_answers),
        cmocka_unit_test(metrics_have_a_bounded_number_of_names),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
