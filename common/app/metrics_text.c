#include "common/app/metrics_text.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define MOST 1024

static const char *const TYPES[] = {"counter", "gauge", "histogram"};

/* Families are never freed, so they are collected under the registry's lock and read without
 * the lock. */
struct families {
    const struct ward_family *at[MOST];
    int n;
};

static void gather(const struct ward_family *f, void *arg)
{
    struct families *all = arg;

    if (all->n < MOST)
        all->at[all->n++] = f;
}

/* Prints the shortest text that reads back as the same number. */
static void number(double v, FILE *to)
{
    char text[40];

    if (isnan(v)) {
        fputs("NaN", to);
        return;
    }
    if (isinf(v)) {
        fputs(v > 0 ? "+Inf" : "-Inf", to);
        return;
    }
    snprintf(text, sizeof(text), "%.15g", v);
    if (strtod(text, NULL) != v)
        snprintf(text, sizeof(text), "%.17g", v);
    fputs(text, to);
}

static void escaped(const char *s, bool quotes, FILE *to)
{
    for (; *s != '\0'; s++)
        if (*s == '\\')
            fputs("\\\\", to);
        else if (*s == '\n')
            fputs("\\n", to);
        else if (*s == '"' && quotes)
            fputs("\\\"", to);
        else
            fputc(*s, to);
}

/* Prints {a="x",le="0.5"}, or nothing if there is no label. */
static void labels(const struct ward_family *f, const struct ward_series *s, const double *le,
                   FILE *to)
{
    char sep = '{';

    for (int k = 0; s != NULL && k < WARD_METRIC_LABELS && f->label[k] != NULL; k++) {
        fprintf(to, "%c%s=\"", sep, f->label[k]);
        escaped(s->label[k] == NULL ? "" : s->label[k], true, to);
        fputc('"', to);
        sep = ',';
    }
    if (le != NULL) {
        fprintf(to, "%cle=\"", sep);
        number(*le, to);
        fputc('"', to);
        sep = ',';
    }
    if (sep == ',')
        fputc('}', to);
}

static void sample(const struct ward_family *f, const char *suffix, const struct ward_series *s,
                   const double *le, double v, FILE *to)
{
    fprintf(to, "%s%s", f->name, suffix);
    labels(f, s, le, to);
    fputc(' ', to);
    number(v, to);
    fputc('\n', to);
}

static void histogram(const struct ward_family *f, struct ward_series *s, FILE *to)
{
    unsigned long long total = 0;
    double inf = INFINITY;
    int i = 0;

    for (;; i++) {
        bool last = f->bounds[i] == 0;

        total += atomic_load_explicit(&s->bucket[i], memory_order_relaxed);
        sample(f, "_bucket", s, last ? &inf : &f->bounds[i], (double)total, to);
        if (last)
            break;
    }
    sample(f, "_sum", s, NULL, atomic_load_explicit(&s->value, memory_order_relaxed), to);
    sample(f, "_count", s, NULL, (double)total, to);
}

static void family(const struct ward_family *f, FILE *to)
{
    int n = atomic_load_explicit(&f->n, memory_order_acquire);

    fprintf(to, "# HELP %s ", f->name);
    escaped(f->help, false, to);
    fprintf(to, "\n# TYPE %s %s\n", f->name, TYPES[f->type]);
    if (f->read != NULL)
        sample(f, "", NULL, NULL, f->read(), to);
    else if (n == 0 && f->label[0] == NULL && f->type == WARD_COUNTER)
        /* prints 0, so that rate() sees the first increment */
        sample(f, "", NULL, NULL, 0, to);
    for (int i = 0; i < n; i++) {
        struct ward_series *s = atomic_load_explicit(&f->series[i], memory_order_acquire);

        if (f->type == WARD_HISTOGRAM)
            histogram(f, s, to);
        else
            sample(f, "", s, NULL, atomic_load_explicit(&s->value, memory_order_relaxed), to);
    }
}

void ward_metrics_print(FILE *to)
{
    struct families all = {.n = 0};

    ward_metric_each(gather, &all);
    for (int i = 0; i < all.n; i++)
        family(all.at[i], to);
}

void ward_metrics_markdown(FILE *to)
{
    struct families all = {.n = 0};

    ward_metric_each(gather, &all);
    for (int i = 0; i < all.n; i++) {
        const struct ward_family *f = all.at[i];

        fprintf(to, "| `%s` | %s | ", f->name, TYPES[f->type]);
        for (int k = 0; k < WARD_METRIC_LABELS && f->label[k] != NULL; k++)
            fprintf(to, "%s`%s`", k == 0 ? "" : ", ", f->label[k]);
        fprintf(to, " | %s |\n", f->help);
    }
}
