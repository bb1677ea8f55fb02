/* timing_testing.h - random numbers, zones and timings for the tests of this folder. Threads:
 * one. Memory: static. Errors: those of cmocka. */
#ifndef DOSAGE_SCHEDULE_TIMING_TESTING_H
#define DOSAGE_SCHEDULE_TIMING_TESTING_H

#include "services/dosage/schedule/timing.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define SECOND_US INT64_C(1000000)
#define MINUTE_US (60 * SECOND_US)
#define HOUR_US   (60 * MINUTE_US)
#define DAY_US    (24 * HOUR_US)

#define KIND(name) WARD__DOSAGE__V1__TIMING__KIND__KIND_##name

typedef Ward__Dosage__V1__Timing Timing;
typedef Ward__Dosage__V1__Prescription Prescription;

static uint64_t chance_seed = 20261121;
static inline int chance(int below)
{
    chance_seed ^= chance_seed << 13;
    chance_seed ^= chance_seed >> 7;
    chance_seed ^= chance_seed << 17;
    return (int)(chance_seed % (uint64_t)below);
}

/* Zones with all kinds of clock changes: at night, at midnight, before midnight, by half an
 * hour, across the date line, in Ramadan, and none; also zones with offsets of quarters of an
 * hour. */
static const char *const some_zones[] = {
    "UTC",
    "Europe/Berlin",
    "Europe/London",
    "Europe/Dublin",
    "Asia/Shanghai",
    "America/New_York",
    "America/Havana",
    "America/Nuuk",
    "America/Scoresbysund",
    "America/St_Johns",
    "America/Santiago",
    "America/Asuncion",
    "Africa/Cairo",
    "Africa/Casablanca",
    "Asia/Beirut",
    "Asia/Gaza",
    "Asia/Tehran",
    "Asia/Kathmandu",
    "Australia/Lord_Howe",
    "Australia/Adelaide",
    "Atlantic/Azores",
    "Pacific/Apia",
    "Pacific/Chatham",
    "Pacific/Kiritimati",
    "Antarctica/Troll",
};

struct fake {
    Timing rule;
    struct timing t;
    char text[24][6];
    char *times[24];
    int32_t weekdays[7];
};

static inline void fake_time(struct fake *f, int minute)
{
    size_t i = f->rule.n_times++;

    snprintf(f->text[i], sizeof(f->text[i]), "%02u:%02u", (unsigned)minute / 60 % 24,
             (unsigned)minute % 60);
    f->times[i] = f->text[i];
}

/* Some timings are dense, and some are early in the day, when clocks change. */
static inline void fake_times(struct fake *f)
{
    int most = 1 + chance(chance(6) == 0 ? 24 : 4), step = 5 + chance(chance(2) == 0 ? 5 : 300);
    int at = chance(2) == 0 ? chance(240) : chance(1380);

    for (int i = 0; i < most && at < 1435; i++, at += step + chance(40))
        fake_time(f, at);
}

static inline void fake_rule(struct fake *f, int kind)
{
    memset(f, 0, sizeof(*f));
    ward__dosage__v1__timing__init(&f->rule);
    f->rule.kind = (Ward__Dosage__V1__Timing__Kind)kind;
    f->rule.times = f->times;
    f->rule.weekdays = f->weekdays;
    f->t.rule = &f->rule;
    if (kind == KIND(INTERVAL))
        f->rule.interval_minutes = 5 + chance(chance(2) == 0 ? 100 : 3000);
    if (kind != KIND(TIMES))
        return;
    fake_times(f);
    if (chance(3) == 0)
        f->rule.every_days = 1 + chance(9);
    if (chance(3) == 0 && f->rule.every_days != 7)
        for (int day = 1; day <= 7; day++)
            if (chance(2) == 0)
                f->weekdays[f->rule.n_weekdays++] = day;
}

#endif
