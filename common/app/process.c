/* The process metrics that every Prometheus client exports, under the usual names. */
#include "common/app/metrics_text.h"
#include "common/app/version.h"
#include "common/base/clock.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

static double started_s; /* written once, before any thread */

static double cpu_seconds(void)
{
    struct rusage u;

    if (getrusage(RUSAGE_SELF, &u) != 0)
        return 0;
    return (double)u.ru_utime.tv_sec + (double)u.ru_stime.tv_sec +
           ((double)u.ru_utime.tv_usec + (double)u.ru_stime.tv_usec) / 1e6;
}

/* Returns the n-th number of /proc/self/statm, converted from pages to bytes. */
static double pages(int n)
{
    char line[128] = "", *at = line;
    long v = 0;
    FILE *f = fopen("/proc/self/statm", "re");

    if (f == NULL)
        return 0;
    if (fgets(line, sizeof(line), f) != NULL)
        for (int i = 0; i <= n; i++)
            v = strtol(at, &at, 10);
    fclose(f);
    return (double)v * (double)sysconf(_SC_PAGESIZE);
}

static double virtual_bytes(void)
{
    return pages(0);
}

static double resident_bytes(void)
{
    return pages(1);
}

static double open_fds(void)
{
    DIR *d = opendir("/proc/self/fd");
    int n = 0;

    if (d == NULL)
        return 0;
    for (const struct dirent *e = readdir(d); e != NULL; e = readdir(d))
        n += e->d_name[0] != '.';
    closedir(d);
    return n - 1; /* excludes the descriptor of the directory */
}

static double max_fds(void)
{
    struct rlimit r;

    return getrlimit(RLIMIT_NOFILE, &r) == 0 ? (double)r.rlim_cur : 0;
}

static double start_time(void)
{
    return started_s;
}

static struct ward_family families[] = {
    {.name = "process_cpu_seconds_total",
     .help = "User and system CPU time spent, in seconds.",
     .type = WARD_COUNTER,
     .read = cpu_seconds},
    {.name = "process_virtual_memory_bytes",
     .help = "Virtual memory size in bytes.",
     .type = WARD_GAUGE,
     .read = virtual_bytes},
    {.name = "process_resident_memory_bytes",
     .help = "Resident memory size in bytes.",
     .type = WARD_GAUGE,
     .read = resident_bytes},
    {.name = "process_open_fds",
     .help = "Number of open file descriptors.",
     .type = WARD_GAUGE,
     .read = open_fds},
    {.name = "process_max_fds",
     .help = "Maximum number of open file descriptors.",
     .type = WARD_GAUGE,
     .read = max_fds},
    {.name = "process_start_time_seconds",
     .help = "Start time of the process since the Unix epoch, in seconds.",
     .type = WARD_GAUGE,
     .read = start_time},
};

static struct ward_family build_info = {
    .name = "ward_build_info",
    .help = "Always 1. The label contains the version of the build.",
    .type = WARD_GAUGE,
    .label = {"version"},
};

void ward_process_metrics(void)
{
    started_s = (double)ward_wall_us() / 1e6;
    for (size_t i = 0; i < WARD_COUNT(families); i++)
        ward_metric_list(&families[i]);
    ward_metric_set(ward_series_of(&build_info, ward_version, NULL, NULL), 1);
}
