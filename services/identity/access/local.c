#include "services/identity/access/local.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define DATABASE     "/usr/share/zoneinfo"
#define NAME_MAX_LEN 64
#define SECOND_US    INT64_C(1000000)
#define DAY_S        86400
#define ZONE_S       (26 * 3600) /* no clock is further from UTC */
#define YEAR_LAST    9999

static bool is_name(const char *s)
{
    static const char ALLOWED[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                                  "0123456789_+-/";
    size_t n = strlen(s);

    return n > 0 && n <= NAME_MAX_LEN && *s != '/' && strspn(s, ALLOWED) == n;
}

/* The C library takes a name that it does not know for UTC, so the file is looked at first. */
static bool is_zone(const char *path)
{
    FILE *f = fopen(path, "re");
    char magic[4] = "";
    bool fine;

    if (f == NULL)
        return false;
    fine = fread(magic, 1, sizeof(magic), f) == sizeof(magic) && memcmp(magic, "TZif", 4) == 0;
    fclose(f);
    return fine;
}

enum ward_code local_open(void *arg, struct ward_err *err)
{
    const char *zone = *(const char *const *)arg;
    char tz[sizeof(DATABASE) + NAME_MAX_LEN + 2] = "UTC0"; /* needs no file */

    if (strcmp(zone, "UTC") != 0 && strcmp(zone, "Etc/UTC") != 0) {
        if (is_name(zone))
            snprintf(tz, sizeof(tz), ":" DATABASE "/%s", zone);
        if (!is_name(zone) || !is_zone(tz + 1))
            return WARD_FAIL(err, FAILED_PRECONDITION,
                             "WARD_TIME_ZONE: no time zone \"%.64s\" in " DATABASE
                             "; a name is like Europe/Berlin",
                             zone);
    }
    if (setenv("TZ", tz, 1) != 0)
        return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory for the time zone");
    tzset();
    return WARD_OK;
}

static int64_t seconds(int64_t at_us)
{
    return at_us / SECOND_US - (at_us % SECOND_US < 0 ? 1 : 0);
}

static struct tm split(int64_t at_s)
{
    time_t t = (time_t)at_s;
    struct tm tm = {0};

    if (localtime_r(&t, &tm) == NULL) /* a year past int: no time that we store */
        tm = (struct tm){.tm_mday = 1, .tm_year = 70, .tm_wday = 4};
    return tm;
}

/* The date on the wall as a number. */
static int64_t day_of(const struct tm *local)
{
    struct tm date = {
        .tm_year = local->tm_year, .tm_mon = local->tm_mon, .tm_mday = local->tm_mday};

    return (int64_t)timegm(&date) / DAY_S;
}

void local_at(int64_t at_us, struct local *out)
{
    struct tm tm = split(seconds(at_us));

    out->day = day_of(&tm);
    out->weekday = tm.tm_wday == 0 ? 7 : tm.tm_wday;
    out->minute = tm.tm_hour * 60 + tm.tm_min;
}

int64_t local_begin(int64_t day)
{
    int64_t before = day * DAY_S - ZONE_S, since = day * DAY_S + ZONE_S;

    while (since - before > 1) { /* before: an earlier date; since: this one or later */
        int64_t middle = before + (since - before) / 2;
        struct tm tm = split(middle);

        if (day_of(&tm) < day)
            before = middle;
        else
            since = middle;
    }
    return since * SECOND_US;
}

static bool digits(const char *s, int n, int *out)
{
    *out = 0;
    for (int i = 0; i < n; i++) {
        if (s[i] < '0' || s[i] > '9')
            return false;
        *out = *out * 10 + (s[i] - '0');
    }
    return true;
}

bool local_date_parse(const char *text, int64_t *day)
{
    char again[LOCAL_DATE];
    struct tm date = {0};
    int year, month, mday;
    int64_t found;

    if (strlen(text) != LOCAL_DATE - 1 || text[4] != '-' || text[7] != '-' ||
        !digits(text, 4, &year) || !digits(text + 5, 2, &month) || !digits(text + 8, 2, &mday))
        return false;
    date = (struct tm){.tm_year = year - 1900, .tm_mon = month - 1, .tm_mday = mday};
    found = (int64_t)timegm(&date) / DAY_S;
    if (year < 1970 || year > YEAR_LAST)
        return false;
    local_date(found, again); /* 2026-02-30 comes back as 2026-03-02 */
    if (strcmp(text, again) != 0)
        return false;
    *day = found;
    return true;
}

void local_date(int64_t day, char out[LOCAL_DATE])
{
    time_t t = (time_t)(day * DAY_S);
    struct tm tm = {0};

    (void)gmtime_r(&t, &tm);
    (void)strftime(out, LOCAL_DATE, "%Y-%m-%d", &tm);
}

void local_stamp(int64_t at_us, char out[LOCAL_STAMP])
{
    struct tm tm = split(seconds(at_us));
    long east = tm.tm_gmtoff / 60;
    long away = east < 0 ? -east : east;
    char text[64];

    snprintf(text, sizeof(text), "%04d-%02d-%02dT%02d:%02d:%02d%c%02ld:%02ld",
             (tm.tm_year + 1900) % 10000, tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min,
             tm.tm_sec, east < 0 ? '-' : '+', away / 60 % 100, away % 60);
    memcpy(out, text, LOCAL_STAMP - 1);
    out[LOCAL_STAMP - 1] = '\0';
}
