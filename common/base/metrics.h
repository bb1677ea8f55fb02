/* metrics.h - counters, gauges and histograms, as rows in tables.
 *
 * A family is one static row: name, help, type, unit, label names, buckets. A series is a
 * family with values for its labels. A series is created once, at start or on first use. Each
 * update is one atomic addition. Label values come from closed sets (methods, codes, models)
 * and never from a caller's data. Series of values that are known in advance exist from the
 * start, with the value 0. common/app prints all families as Prometheus text and as
 * docs/metrics.md.
 *
 * Threads: safe; updates use no locks. Memory: the registry belongs to the process and is never
 * freed. Errors: a family with WARD_METRIC_SERIES series assigns further label values to its
 * last series, and ward_metrics_dropped_total counts them.
 */
#ifndef WARD_BASE_METRICS_H
#define WARD_BASE_METRICS_H

#include "common/base/status.h"

#include <stdatomic.h>
#include <stddef.h>

#define WARD_METRIC_LABELS  3
#define WARD_METRIC_BUCKETS 20
#define WARD_METRIC_SERIES  512

enum ward_metric_type { WARD_COUNTER, WARD_GAUGE, WARD_HISTOGRAM };

struct ward_series {
    const char *label[WARD_METRIC_LABELS]; /* label values; NULL after the last */
    _Atomic double value;                  /* value of a counter or gauge, sum of a histogram */
    atomic_ullong count;                   /* number of observations of a histogram */
    atomic_ullong bucket[WARD_METRIC_BUCKETS]; /* buckets of a histogram, not cumulative; the
                                                  last is +Inf */
};

struct ward_family {
    const char *name; /* such as "grpc_server_handled_total" */
    const char *help;
    enum ward_metric_type type;
    const char *label[WARD_METRIC_LABELS]; /* label names; NULL after the last */
    const double *bounds; /* upper bounds of a histogram, ascending, 0-terminated */
    double (*read)(void); /* computes a gauge or counter when it is printed; may be NULL */
    /* managed by metrics.c */
    struct ward_family *next;
    _Atomic(struct ward_series *) series[WARD_METRIC_SERIES];
    atomic_int n;
    atomic_bool listed;
};

/* Bucket bounds from 50 us to 10 s, for calls, statements and inferences. */
extern const double WARD_SECONDS[];

/* Adds a family to the list, so that the family is printed even without series. Repeated calls
 * have no effect. */
void ward_metric_list(struct ward_family *f);
/* Use at file scope after a family's row. Adds the family to the list when the program starts,
 * so that /metrics and docs/metrics.md contain the family in every program that links the
 * file. */
#define WARD_METRIC_LISTED(family)                                                             \
    __attribute__((constructor)) static void family##_is_listed(void)                          \
    {                                                                                          \
        ward_metric_list(&(family));                                                           \
    }
/* Use at file scope, in the file that has the label values. Creates `n` series with the value 0
 * when the program starts. `a` and `b` are the values of the first two labels, as expressions
 * of the number `i` of the series; `b` is NULL if the family has one label. Without the series,
 * increase() and rate() of Prometheus miss the first event, and panels show no data instead of
 * 0. */
#define WARD_METRIC_FROM_ZERO(family, n, a, b)                                                 \
    __attribute__((constructor)) static void family##_from_zero(void)                          \
    {                                                                                          \
        for (int i = 0; i < (int)(n); i++)                                                     \
            ward_series_of(&(family), (a), (b), NULL);                                         \
    }
/* Calls `each` for every listed family, in the order of their names. */
void ward_metric_each(void (*each)(const struct ward_family *f, void *arg), void *arg);

/* Returns the series with these label values, and creates it if necessary. Values of a new
 * series are copied. Pass as many values as the family has labels, and NULL for the rest. */
struct ward_series *ward_series_of(struct ward_family *f, const char *a, const char *b,
                                   const char *c);

void ward_metric_add(struct ward_series *s, double v);
void ward_metric_set(struct ward_series *s, double v);
void ward_metric_max(struct ward_series *s, double v); /* sets the value to v if v is larger */
void ward_metric_observe(const struct ward_family *f, struct ward_series *s, double v);

/* For families without labels. */
void ward_count(struct ward_family *f, double v);
void ward_gauge(struct ward_family *f, double v);
void ward_observe(struct ward_family *f, double v);

#endif
