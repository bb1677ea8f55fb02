#include "common/app/metrics_text.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static double asked(void)
{
    return 0.1;
}

static const double BOUNDS[] = {0.005, 0.1, 1, 0};

static struct ward_family calls = {.name = "ward_t_calls_total",
                                   .help = "Calls, by \"code\" and C:\\path\nin two lines.",
                                   .type = WARD_COUNTER,
                                   .label = {"method", "code"}};
static struct ward_family fresh = {
    .name = "ward_t_fresh_total", .help = "Not counted yet.", .type = WARD_COUNTER};
static const char *const RESULTS[] = {"passed", "failed"};
static struct ward_family results = {.name = "ward_t_results_total",
                                     .help = "None yet.",
                                     .type = WARD_COUNTER,
                                     .label = {"result"}};
WARD_METRIC_FROM_ZERO(results, WARD_COUNT(RESULTS), RESULTS[i], NULL)
static struct ward_family temp = {
    .name = "ward_t_depth", .help = "Depth.", .type = WARD_GAUGE, .label = {"queue"}};
static struct ward_family none = {
    .name = "ward_t_none", .help = "No series.", .type = WARD_GAUGE, .label = {"x"}};
static struct ward_family read_one = {
    .name = "ward_t_read", .help = "Asked for.", .type = WARD_GAUGE, .read = asked};
static struct ward_family seconds = {.name = "ward_t_seconds",
                                     .help = "Time.",
                                     .type = WARD_HISTOGRAM,
                                     .label = {"method"},
                                     .bounds = BOUNDS};

/* Returns the printed lines of the families whose names begin with `prefix`. The caller frees
 * the text. */
static char *rendered(const char *prefix)
{
    char *all = NULL, *kept;
    size_t n = 0, k = 0;
    FILE *f = open_memstream(&all, &n);

    assert_non_null(f);
    ward_metrics_print(f);
    fclose(f);
    kept = calloc(1, n + 1);
    assert_non_null(kept);
    for (char *line = all, *eol; (eol = strchr(line, '\n')) != NULL; line = eol + 1) {
        const char *name = strncmp(line, "# ", 2) == 0 ? line + 7 : line;
        size_t len = (size_t)(eol + 1 - line);

        if (strncmp(name, prefix, strlen(prefix)) != 0)
            continue;
        memcpy(kept + k, line, len);
        k += len;
    }
    free(all);
    return kept;
}

static const char GOLDEN[] =
    "# HELP ward_t_calls_total Calls, by \"code\" and C:\\\\path\\nin two lines.\n"
    "# TYPE ward_t_calls_total counter\n"
    "ward_t_calls_total{method=\"/a/B\",code=\"OK\"} 3\n"
    "ward_t_calls_total{method=\"q\\\"b\\\\n\\n\",code=\"NOT_FOUND\"} 0.1\n"
    "# HELP ward_t_depth Depth.\n"
    "# TYPE ward_t_depth gauge\n"
    "ward_t_depth{queue=\"up\"} +Inf\n"
    "ward_t_depth{queue=\"down\"} -Inf\n"
    "ward_t_depth{queue=\"lost\"} NaN\n"
    "ward_t_depth{queue=\"fine\"} 0.30000000000000004\n"
    "ward_t_depth{queue=\"big\"} 9007199254740994\n"
    "# HELP ward_t_fresh_total Not counted yet.\n"
    "# TYPE ward_t_fresh_total counter\n"
    "ward_t_fresh_total 0\n"
    "# HELP ward_t_none No series.\n"
    "# TYPE ward_t_none gauge\n"
    "# HELP ward_t_read Asked for.\n"
    "# TYPE ward_t_read gauge\n"
    "ward_t_read 0.1\n"
    "# HELP ward_t_results_total None yet.\n"
    "# TYPE ward_t_results_total counter\n"
    "ward_t_results_total{result=\"passed\"} 0\n"
    "ward_t_results_total{result=\"failed\"} 0\n"
    "# HELP ward_t_seconds Time.\n"
    "# TYPE ward_t_seconds histogram\n"
    "ward_t_seconds_bucket{method=\"m\",le=\"0.005\"} 2\n"
    "ward_t_seconds_bucket{method=\"m\",le=\"0.1\"} 3\n"
    "ward_t_seconds_bucket{method=\"m\",le=\"1\"} 3\n"
    "ward_t_seconds_bucket{method=\"m\",le=\"+Inf\"} 5\n"
    "ward_t_seconds_sum{method=\"m\"} 12.5\n"
    "ward_t_seconds_count{method=\"m\"} 5\n";

static void the_text_is_as_prometheus_wants_it(void **state)
{
    static const double times[] = {0, 0.005, 0.0950000001, 2.4, 9.9999999999};
    char *text;

    (void)state;
    ward_metric_list(&fresh);
    ward_metric_list(&none);
    ward_metric_list(&read_one);
    ward_metric_add(ward_series_of(&calls, "/a/B", "OK", NULL), 3);
    ward_metric_add(ward_series_of(&calls, "q\"b\\n\n", "NOT_FOUND", NULL), 0.1);
    ward_metric_set(ward_series_of(&temp, "up", NULL, NULL), INFINITY);
    ward_metric_set(ward_series_of(&temp, "down", NULL, NULL), -INFINITY);
    ward_metric_set(ward_series_of(&temp, "lost", NULL, NULL), NAN);
    ward_metric_set(ward_series_of(&temp, "fine", NULL, NULL), 0.1 + 0.2);
    ward_metric_set(ward_series_of(&temp, "big", NULL, NULL), 9007199254740992.0 + 2);
    for (size_t i = 0; i < WARD_COUNT(times); i++)
        ward_metric_observe(&seconds, ward_series_of(&seconds, "m", NULL, NULL), times[i]);
    text = rendered("ward_t_");
    assert_string_equal(text, GOLDEN);
    free(text);
}

static void a_full_family_counts_what_it_drops(void **state)
{
    static struct ward_family many = {
        .name = "ward_u_many", .help = "Many.", .type = WARD_COUNTER, .label = {"i"}};
    char label[16];
    char *text;

    (void)state;
    for (int i = 0; i < WARD_METRIC_SERIES + 3; i++) {
        snprintf(label, sizeof(label), "%d", i);
        ward_metric_add(ward_series_of(&many, label, NULL, NULL), 1);
    }
    text = rendered("ward_metrics_dropped_total");
    assert_non_null(strstr(text, "\nward_metrics_dropped_total 3\n"));
    free(text);
    text = rendered("ward_u_many");
    /* its own value, and the three dropped series */
    assert_non_null(strstr(text, "{i=\"511\"} 4\n"));
    assert_null(strstr(text, "{i=\"512\"}"));
    free(text);
}

/* Returns the sample of a family without labels. */
static double sample(const char *name)
{
    char *text = rendered(name), want[80];
    const char *at;
    double v = NAN;

    snprintf(want, sizeof(want), "\n%s ", name);
    at = strstr(text, want);
    assert_non_null(at);
    v = strtod(at + strlen(want), NULL);
    free(text);
    return v;
}

static void the_process_says_what_every_process_says(void **state)
{
    double fds;
    char *text;
    FILE *f;

    (void)state;
    ward_process_metrics();
    assert_true(sample("process_resident_memory_bytes") > 100000);
    assert_true(sample("process_virtual_memory_bytes") >
                sample("process_resident_memory_bytes"));
    assert_true(sample("process_start_time_seconds") > 1.7e9);
    assert_true(sample("process_max_fds") >= 256);
    for (volatile int i = 0; i < 30000000; i++)
        ;
    assert_true(sample("process_cpu_seconds_total") > 0);
    fds = sample("process_open_fds");
    f = fopen("/dev/null", "r");
    assert_non_null(f);
    assert_true(sample("process_open_fds") == fds + 1);
    fclose(f);
    text = rendered("ward_build_info");
    assert_non_null(strstr(text, "ward_build_info{version=\""));
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_text_is_as_prometheus_wants_it),
        cmocka_unit_test(a_full_family_counts_what_it_drops),
        cmocka_unit_test(the_process_says_what_every_process_says),
    };

    return cmocka_run_group_tests_name("metrics_text", tests, NULL, NULL);
}
