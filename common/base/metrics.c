#include "common/base/metrics.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

const double WARD_SECONDS[] = {0.00005, 0.0001, 0.00025, 0.0005, 0.001, 0.0025,
                               0.005,   0.01,   0.025,   0.05,   0.1,   0.25,
                               0.5,     1,      2.5,     5,      10,    0};

static struct ward_family dropped = {
    .name = "ward_metrics_dropped_total",
    .help = "Number of time series dropped because their metric had the maximum number of time "
            "series.",
    .type = WARD_COUNTER,
};

static pthread_mutex_t lock =
    PTHREAD_MUTEX_INITIALIZER; /* guards the list of families and the creation of series */
static struct ward_family *families;

/* The caller holds the lock. */
static void list(struct ward_family *f)
{
    struct ward_family **at = &families;

    if (atomic_load(&f->listed))
        return;
    while (*at != NULL && strcmp((*at)->name, f->name) < 0)
        at = &(*at)->next;
    f->next = *at;
    *at = f;
    atomic_store(&f->listed, true);
}

void ward_metric_list(struct ward_family *f)
{
    pthread_mutex_lock(&lock);
    list(f);
    pthread_mutex_unlock(&lock);
}

void ward_metric_each(void (*each)(const struct ward_family *f, void *arg), void *arg)
{
    ward_metric_list(&dropped);
    pthread_mutex_lock(&lock);
    for (const struct ward_family *f = families; f != NULL; f = f->next)
        each(f, arg);
    pthread_mutex_unlock(&lock);
}

static bool same(const char *a, const char *b)
{
    return a == b || (a != NULL && b != NULL && strcmp(a, b) == 0);
}

static struct ward_series *find(struct ward_family *f,
                                const char *const want[WARD_METRIC_LABELS])
{
    int n = atomic_load_explicit(&f->n, memory_order_acquire);

    for (int i = 0; i < n; i++) {
        struct ward_series *s = atomic_load_explicit(&f->series[i], memory_order_acquire);
        bool eq = true;

        for (int k = 0; k < WARD_METRIC_LABELS && eq; k++)
            eq = same(s->label[k], want[k]);
        if (eq)
            return s;
    }
    return NULL;
}

/* The caller holds the lock. */
static struct ward_series *make(struct ward_family *f,
                                const char *const want[WARD_METRIC_LABELS])
{
    int n = atomic_load(&f->n);
    struct ward_series *s;

    list(f);
    if (n == WARD_METRIC_SERIES)
        return NULL;
    s = calloc(1, sizeof(*s));
    WARD_ASSERT(s != NULL);
    for (int k = 0; k < WARD_METRIC_LABELS && want[k] != NULL; k++) {
        s->label[k] = strdup(want[k]);
        WARD_ASSERT(s->label[k] != NULL);
    }
    atomic_store_explicit(&f->series[n], s, memory_order_release);
    atomic_store_explicit(&f->n, n + 1, memory_order_release);
    return s;
}

struct ward_series *ward_series_of(struct ward_family *f, const char *a, const char *b,
                                   const char *c)
{
    const char *want[WARD_METRIC_LABELS] = {a, b, c};
    struct ward_series *s = find(f, want);

    if (s != NULL)
        return s;
    pthread_mutex_lock(&lock);
    s = find(f, want);
    if (s == NULL)
        s = make(f, want);
    pthread_mutex_unlock(&lock);
    if (s == NULL) {
        ward_count(&dropped, 1);
        s = atomic_load(&f->series[WARD_METRIC_SERIES - 1]);
    }
    return s;
}

void ward_metric_add(struct ward_series *s, double v)
{
    double was = atomic_load_explicit(&s->value, memory_order_relaxed);

    while (!atomic_compare_exchange_weak_explicit(&s->value, &was, was + v,
                                                  memory_order_relaxed, memory_order_relaxed))
        ;
}

void ward_metric_set(struct ward_series *s, double v)
{
    atomic_store_explicit(&s->value, v, memory_order_relaxed);
}

void ward_metric_max(struct ward_series *s, double v)
{
    double was = atomic_load_explicit(&s->value, memory_order_relaxed);

    while (v > was && !atomic_compare_exchange_weak_explicit(
                          &s->value, &was, v, memory_order_relaxed, memory_order_relaxed))
        ;
}

void ward_metric_observe(const struct ward_family *f, struct ward_series *s, double v)
{
    int i = 0;

    while (f->bounds[i] != 0 && v > f->bounds[i])
        i++;
    atomic_fetch_add_explicit(&s->bucket[i], 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&s->count, 1, memory_order_relaxed);
    ward_metric_add(s, v);
}

void ward_count(struct ward_family *f, double v)
{
    ward_metric_add(ward_series_of(f, NULL, NULL, NULL), v);
}

void ward_gauge(struct ward_family *f, double v)
{
    ward_metric_set(ward_series_of(f, NULL, NULL, NULL), v);
}

void ward_observe(struct ward_family *f, double v)
{
    ward_metric_observe(f, ward_series_of(f, NULL, NULL, NULL), v);
}
