#include "common/base/clock.h"

#include <stdio.h>
#include <time.h>

int64_t ward_mono_ns(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

int64_t ward_wall_us(void)
{
    struct timespec t;

    clock_gettime(CLOCK_REALTIME, &t);
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

int64_t ward_left_ms(int64_t deadline_ns)
{
    int64_t left;

    if (deadline_ns == WARD_NO_DEADLINE)
        return INT64_MAX;
    left = deadline_ns - ward_mono_ns();
    return left <= 0 ? 0 : left / WARD_NS_PER_MS;
}

void ward_rfc3339(int64_t wall_us, char out[28])
{
    int64_t us = wall_us % 1000000;
    time_t s = (time_t)(wall_us / 1000000);
    struct tm tm;
    char date[24];

    if (us < 0) {
        us += 1000000;
        s -= 1;
    }
    gmtime_r(&s, &tm);
    strftime(date, sizeof(date), "%Y-%m-%dT%H:%M:%S", &tm);
    snprintf(out, 28, "%.19s.%06dZ", date, (int)us);
}
