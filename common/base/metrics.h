/* metrics.h - counters, gauges and histograms, as rows in tables.
 *
 * A family is one static row: name, help, type, unit, label names, buckets. A series is a
 * family with its label values, made once at start or on first use and then updated with one
 * atomic add. Label values come from closed sets (methods, codes, models); never from a
 * caller's data. common/app renders all families as Prometheus text and as docs/metrics.md.
 *
 * Threads: all safe; updates are lock-free. Memory: the registry is the process's and is never
 * freed. Errors: a family past WARD_METRIC_SERIES series drops further ones into its last
 * series, and counts them in ward_metrics_dropped_total.
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
    const char *label[WARD_METRIC_LABELS];     /* values; NULL past the last */
    _Atomic double value;                      /* counter, gauge, histogram's sum */
    atomic_ullong count;                       /* histogram */
    atomic_ullong bucket[WARD_METRIC_BUCKETS]; /* histogram; not cumulative; last is +Inf */
};

struct ward_family {
    const char *name; /* "grpc_server_handled_total" */
    const char *help;
    enum ward_metric_type type;
    const char *label[WARD_METRIC_LABELS]; /* names; NULL past the last */
    const double *bounds;                  /* histogram: ascending upper bounds, 0-terminated */
    double (*read)(void); /* gauge or counter asked for when rendered; or NULL */
    /* owned by metrics.c */
    struct ward_family *next;
    _Atomic(struct ward_series *) series[WARD_METRIC_SERIES];
    atomic_int n;
    atomic_bool listed;
};

/* 50 us to 10 s: for calls, statements and inferences. */
extern const double WARD_SECONDS[];

/* Lists a family so that it is rendered even without series. Idempotent. */
void ward_metric_list(struct ward_family *f);
/* At file scope, behind a family's row: lists it when the program starts, so that /metrics and
 * docs/metrics.md show it, before it has series, in every program that links this file. */
#define WARD_METRIC_LISTED(family)                                                             \
    __attribute__((constructor)) static void family##_is_listed(void)                          \
    {                                                                                          \
        ward_metric_list(&(family));                                                           \
    }
/* Every listed family, in the order of their names, through `each`. */
void ward_metric_each(void (*each)(const struct ward_family *f, void *arg), void *arg);

/* The series with these label values, made if need be. Values are kept by reference unless they
 * are new, when they are copied. Pass as many as the family has labels, NULL for the rest. */
struct ward_series *ward_series_of(struct ward_family *f, const char *a, const char *b,
                                   const char *c);

void ward_metric_add(struct ward_series *s, double v);
void ward_metric_set(struct ward_series *s, double v);
void ward_metric_max(struct ward_series *s, double v); /* a high-water mark */
void ward_metric_observe(const struct ward_family *f, struct ward_series *s, double v);

/* For families without labels. */
void ward_count(struct ward_family *f, double v);
void ward_gauge(struct ward_family *f, double v);
void ward_observe(struct ward_family *f, double v);

#endif
