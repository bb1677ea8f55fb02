#include "common/zone/zone.h"

#include "common/zone/tzif.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DATABASE  "/usr/share/zoneinfo/"
#define ZONE_NAME 64
#define FILE_MAX  ((size_t)64 << 10)
#define UNTIL     2200
#define SECOND_US INT64_C(1000000)
#define DAY_S     86400
#define AROUND_S  (52 * 3600) /* twice the largest offset from UTC */

#define LEFT_OUT 4 /* no zone has more such days */

struct ward_zone {
    int64_t left_out[LEFT_OUT]; /* rising */
    size_t n_left_out, n;
    struct zone_change at[];
};

static int64_t floor_div(int64_t a, int64_t b)
{
    return a / b - (a % b < 0 ? 1 : 0);
}

/* Accepts letters, digits and signs. Dots are excluded, so a name cannot leave the folder. Some
 * files in the folder are not zones but settings of the machine or clocks with leap seconds. */
static bool is_name(const char *s)
{
    static const char ALLOWED[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                                  "0123456789_+-/";
    size_t n = strlen(s);

    return n > 0 && n <= ZONE_NAME && *s != '/' && strspn(s, ALLOWED) == n &&
           strncmp(s, "right/", 6) != 0 && strncmp(s, "posix/", 6) != 0 &&
           strcmp(s, "localtime") != 0 && strcmp(s, "posixrules") != 0 &&
           strcmp(s, "Factory") != 0;
}

static size_t read_file(const char *name, uint8_t *out)
{
    char path[sizeof(DATABASE) + ZONE_NAME];
    size_t n;
    FILE *f;

    snprintf(path, sizeof(path), DATABASE "%s", name);
    f = fopen(path, "re");
    if (f == NULL)
        return 0;
    n = fread(out, 1, FILE_MAX, f);
    fclose(f);
    return n;
}

static bool read_table(const char *name, struct zone_table *out)
{
    uint8_t *data;
    bool fine;

    if (strcmp(name, "UTC") == 0 || strcmp(name, "Etc/UTC") == 0) { /* needs no file */
        out->n = 0;
        return ward_zone_put(out, INT64_MIN, 0);
    }
    data = is_name(name) ? malloc(FILE_MAX) : NULL;
    fine = data != NULL && ward_tzif_read(data, read_file(name, data), UNTIL, out);
    free(data);
    return fine;
}

/* Days of the local calendar that lie wholly in a gap. */
static void find_left_out(struct ward_zone *z)
{
    z->n_left_out = 0;
    for (size_t i = 1; i < z->n; i++) {
        int64_t begins = z->at[i].since_s + z->at[i - 1].offset_s;
        int64_t day = floor_div(begins + DAY_S - 1, DAY_S);

        if ((day + 1) * DAY_S <= z->at[i].since_s + z->at[i].offset_s &&
            z->n_left_out < LEFT_OUT)
            z->left_out[z->n_left_out++] = day;
    }
}

enum ward_code ward_zone_open(const char *name, struct ward_zone **out, struct ward_err *err)
{
    struct zone_table *t = malloc(sizeof(*t));
    struct ward_zone *z = NULL;
    bool known;

    if (t == NULL)
        return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory for a time zone");
    known = read_table(name, t);
    if (known)
        z = malloc(sizeof(*z) + t->n * sizeof(z->at[0]));
    if (z != NULL) {
        z->n = t->n;
        memcpy(z->at, t->at, t->n * sizeof(z->at[0]));
        find_left_out(z);
    }
    free(t);
    if (!known)
        return WARD_FAIL_REASON(err, INVALID_ARGUMENT, "TIME_ZONE_UNKNOWN",
                                "unknown time zone; use a name such as Asia/Shanghai");
    if (z == NULL)
        return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory for a time zone");
    *out = z;
    return WARD_OK;
}

void ward_zone_close(struct ward_zone *z)
{
    free(z);
}

/* Returns the last change at or before this moment. */
static size_t at(const struct ward_zone *z, int64_t utc_s)
{
    size_t low = 0, high = z->n;

    while (high - low > 1) {
        size_t middle = low + (high - low) / 2;

        if (z->at[middle].since_s <= utc_s)
            low = middle;
        else
            high = middle;
    }
    return low;
}

/* Source: H. Hinnant, chrono-Compatible Low-Level Date Algorithms, days_from_civil and
 * civil_from_days; eras of 400 years that begin in March. */
int64_t ward_zone_day(int64_t year, int month, int mday)
{
    int64_t y = year - (month <= 2 ? 1 : 0), era = floor_div(y, 400), of_era = y - era * 400;
    int64_t of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + mday - 1;

    return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

void ward_zone_date(int64_t day, int *year, int *month, int *mday)
{
    int64_t era = floor_div(day + 719468, 146097), doe = day + 719468 - era * 146097;
    int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
    int64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100), m = (5 * doy + 2) / 153;

    *mday = (int)(doy - (153 * m + 2) / 5) + 1;
    *month = (int)(m < 10 ? m + 3 : m - 9);
    *year = (int)(yoe + era * 400) + (*month <= 2 ? 1 : 0);
}

void ward_zone_wall(const struct ward_zone *z, int64_t at_us, struct ward_wall *out)
{
    int64_t utc_s = floor_div(at_us, SECOND_US), wall_s;

    out->offset_s = z->at[at(z, utc_s)].offset_s;
    wall_s = utc_s + out->offset_s;
    out->day = floor_div(wall_s, DAY_S);
    out->second = (int)(wall_s - out->day * DAY_S);
    out->weekday = (int)((out->day % 7 + 10) % 7) + 1; /* day 0 was a Thursday */
    ward_zone_date(out->day, &out->year, &out->month, &out->mday);
}

/* Returns the local times that are skipped at change i. */
static bool in_gap(const struct ward_zone *z, size_t i, int64_t wall_s)
{
    return i > 0 && wall_s >= z->at[i].since_s + z->at[i - 1].offset_s &&
           wall_s < z->at[i].since_s + z->at[i].offset_s;
}

enum ward_wall_is ward_zone_moment(const struct ward_zone *z, int64_t day, int second,
                                   int64_t *at_us)
{
    int64_t wall_s = day * DAY_S + second, found = 0;
    size_t first = at(z, wall_s - AROUND_S), last = at(z, wall_s + AROUND_S);
    int times = 0;

    for (size_t i = first; i <= last; i++) {
        int64_t utc_s = wall_s - z->at[i].offset_s;

        if (at(z, utc_s) == i && times++ == 0)
            found = utc_s;
    }
    for (size_t i = first; times == 0 && i <= last; i++) {
        if (in_gap(z, i, wall_s)) {
            *at_us = z->at[i].since_s * SECOND_US;
            return WARD_WALL_GAP;
        }
    }
    *at_us = found * SECOND_US;
    return times > 1 ? WARD_WALL_TWICE : WARD_WALL_ONCE;
}

int64_t ward_zone_begin(const struct ward_zone *z, int64_t day)
{
    int64_t at_us;

    (void)ward_zone_moment(z, day, 0, &at_us);
    return at_us;
}

int64_t ward_zone_left_out(const struct ward_zone *z, int64_t day)
{
    for (size_t i = z->n_left_out; i > 0; i--)
        if (z->left_out[i - 1] < day)
            return z->left_out[i - 1];
    return INT64_MIN;
}

void ward_zone_stamp(const struct ward_zone *z, int64_t at_us, char out[WARD_ZONE_STAMP])
{
    struct ward_wall w;
    char text[64];
    int east;

    ward_zone_wall(z, at_us, &w);
    east = w.offset_s < 0 ? -w.offset_s : w.offset_s;
    snprintf(text, sizeof(text), "%04d-%02d-%02dT%02d:%02d:%02d%c%02d:%02d", w.year % 10000,
             w.month, w.mday, w.second / 3600, w.second / 60 % 60, w.second % 60,
             w.offset_s < 0 ? '-' : '+', east / 3600, east / 60 % 60);
    memcpy(out, text, WARD_ZONE_STAMP - 1);
    out[WARD_ZONE_STAMP - 1] = '\0';
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

bool ward_date_parse(const char *text, int64_t *day)
{
    char again[WARD_DATE];
    int year, month, mday;
    int64_t found;

    if (strlen(text) != WARD_DATE - 1 || text[4] != '-' || text[7] != '-' ||
        !digits(text, 4, &year) || !digits(text + 5, 2, &month) ||
        !digits(text + 8, 2, &mday) || year < 1970 || month < 1 || month > 12)
        return false;
    found = ward_zone_day(year, month, mday);
    ward_date_print(found, again); /* 2026-02-30 returns as 2026-03-02 */
    if (strcmp(text, again) != 0)
        return false;
    *day = found;
    return true;
}

void ward_date_print(int64_t day, char out[WARD_DATE])
{
    int year, month, mday;
    char text[32];

    ward_zone_date(day, &year, &month, &mday);
    snprintf(text, sizeof(text), "%04d-%02d-%02d", year % 10000, month % 100, mday % 100);
    memcpy(out, text, WARD_DATE);
}

size_t ward_zone_changes(const struct ward_zone *z, int64_t from_us, int64_t to_us,
                         struct ward_zone_change *out, size_t cap)
{
    const int64_t from_s = floor_div(from_us, SECOND_US);
    size_t n = 0;

    for (size_t i = at(z, from_s); i < z->n; i++) {
        if (n > 0 && z->at[i].since_s >= floor_div(to_us + SECOND_US - 1, SECOND_US))
            break;
        if (n == cap)
            return 0;
        out[n] = (struct ward_zone_change){n == 0 ? INT64_MIN : z->at[i].since_s * SECOND_US,
                                           z->at[i].offset_s * SECOND_US};
        n++;
    }
    return n;
}
