#include "common/base/metrics.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define THREADS 4
#define ROUNDS  20000

static const double BOUNDS[] = {1, 2, 0};
static struct ward_family hits = {.name = "ward_x_hits_total",
                                  .help = "Hits.",
                                  .type = WARD_COUNTER,
                                  .label = {"who", "what"}};
static struct ward_family peak = {.name = "ward_x_peak", .help = "Peak.", .type = WARD_GAUGE};
static struct ward_family times = {
    .name = "ward_x_seconds", .help = "Time.", .type = WARD_HISTOGRAM, .bounds = BOUNDS};
WARD_METRIC_LISTED(times)
static const char *const WAYS[] = {"in", "out"};
static struct ward_family ways = {.name = "ward_x_ways_total",
                                  .help = "Ways.",
                                  .type = WARD_COUNTER,
                                  .label = {"way", "far"}};
WARD_METRIC_FROM_ZERO(ways, 2 * WARD_COUNT(WAYS), WAYS[i % 2], i < 2 ? "no" : "yes")

static void *hit(void *arg)
{
    int me = *(const int *)arg;

    for (int i = 0; i < ROUNDS; i++) {
        char what[2] = {(char)('a' + i % 7), '\0'}; /* the series must copy this label value */

        ward_metric_add(ward_series_of(&hits, "all", what, NULL), 1);
        ward_metric_max(ward_series_of(&peak, NULL, NULL, NULL), me * ROUNDS + i);
        ward_observe(&times, i % 3 + 0.5);
    }
    return NULL;
}

static void nothing_is_lost_between_threads(void **state)
{
    pthread_t threads[THREADS];
    int ids[THREADS];
    double sum = 0;
    struct ward_series *t = ward_series_of(&times, NULL, NULL, NULL);

    (void)state;
    for (int i = 0; i < THREADS; i++) {
        ids[i] = i;
        assert_int_equal(pthread_create(&threads[i], NULL, hit, &ids[i]), 0);
    }
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(hits.n, 7); /* each series was created once */
    for (int i = 0; i < hits.n; i++) {
        assert_string_equal(hits.series[i]->label[0], "all");
        sum += hits.series[i]->value;
    }
    assert_true(sum == THREADS * ROUNDS);
    assert_true(ward_series_of(&peak, NULL, NULL, NULL)->value == THREADS * ROUNDS - 1);
    assert_int_equal(t->count, THREADS * ROUNDS);
    assert_int_equal(t->bucket[0] + t->bucket[1] + t->bucket[2], THREADS * ROUNDS);
    assert_int_equal(t->bucket[0], THREADS * ((ROUNDS + 2) / 3));
}

static void a_value_on_a_bound_is_within_it(void **state)
{
    static struct ward_family f = {
        .name = "ward_x_edge", .help = "Edge.", .type = WARD_HISTOGRAM, .bounds = BOUNDS};
    struct ward_series *s = ward_series_of(&f, NULL, NULL, NULL);

    (void)state;
    ward_observe(&f, 1);
    ward_observe(&f, 2);
    ward_observe(&f, 2.0000001);
    ward_observe(&f, -1);
    assert_int_equal(s->bucket[0], 2);
    assert_int_equal(s->bucket[1], 1);
    assert_int_equal(s->bucket[2], 1);
}

static void same_labels_are_one_series_and_others_another(void **state)
{
    static struct ward_family f = {
        .name = "ward_x_same", .help = "Same.", .type = WARD_COUNTER, .label = {"a", "b"}};
    char a[] = "x";

    (void)state;
    assert_ptr_equal(ward_series_of(&f, a, "y", NULL), ward_series_of(&f, "x", "y", NULL));
    assert_ptr_not_equal(ward_series_of(&f, "x", "y", NULL),
                         ward_series_of(&f, "y", "x", NULL));
    assert_ptr_not_equal(ward_series_of(&f, "xy", "", NULL),
                         ward_series_of(&f, "x", "y", NULL));
}

static void known_values_start_at_zero(void **state)
{
    (void)state;
    assert_int_equal(ways.n, 4);
    assert_true(ways.listed);
    for (int i = 0; i < ways.n; i++) {
        assert_string_equal(ways.series[i]->label[0], WAYS[i % 2]);
        assert_string_equal(ways.series[i]->label[1], i < 2 ? "no" : "yes");
        assert_true(ways.series[i]->value == 0);
    }
    ward_metric_add(ward_series_of(&ways, "out", "yes", NULL), 1);
    assert_int_equal(ways.n, 4);
    assert_true(ways.series[3]->value == 1);
}

struct seen {
    int n, ours;
    bool sorted;
    char last[80];
};

static void see(const struct ward_family *f, void *arg)
{
    struct seen *s = arg;

    if (strcmp(s->last, f->name) >= 0)
        s->sorted = false;
    snprintf(s->last, sizeof(s->last), "%s", f->name);
    s->n++;
    s->ours += strcmp(f->name, "ward_x_seconds") == 0;
}

static void families_come_once_in_the_order_of_their_names(void **state)
{
    struct seen s = {.sorted = true};

    (void)state;
    ward_metric_list(&times);
    ward_metric_list(&times);
    ward_metric_each(see, &s);
    assert_true(s.sorted);
    assert_int_equal(s.ours, 1);
    assert_true(s.n >= 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_is_lost_between_threads),
        cmocka_unit_test(a_value_on_a_bound_is_within_it),
        cmocka_unit_test(same_labels_are_one_series_and_others_another),
        cmocka_unit_test(known_values_start_at_zero),
        cmocka_unit_test(families_come_once_in_the_order_of_their_names),
    };

    return cmocka_run_group_tests_name("metrics", tests, NULL, NULL);
}
