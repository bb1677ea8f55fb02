#include "common/measure/fhirtime.h"

#include <stdio.h>
#include <string.h>

#define OFFSET_MAX_MIN (14 * 60)
#define YEAR_MAX       9999

/* Current position in the text. */
struct reader {
    const char *s, *end;
};

static enum ward_code malformed(struct ward_err *err)
{
    return WARD_FAIL_REASON(err, INVALID_ARGUMENT, "DATE_MALFORMED",
                            "not a date or time in the form that FHIR requires");
}

static enum ward_code impossible(struct ward_err *err)
{
    return WARD_FAIL_REASON(err, INVALID_ARGUMENT, "DATE_IMPOSSIBLE",
                            "the day or time does not exist");
}

static enum ward_code out_of_range(struct ward_err *err)
{
    return WARD_FAIL_REASON(err, OUT_OF_RANGE, "DATE_OUT_OF_RANGE",
                            "a date is before year 1, after year 9999, or before a birth");
}

static bool eat(struct reader *r, char c)
{
    if (r->s == r->end || *r->s != c)
        return false;
    r->s++;
    return true;
}

/* Reads exactly n digits. */
static bool number(struct reader *r, int n, int *out)
{
    int value = 0;

    if (r->end - r->s < n)
        return false;
    for (int i = 0; i < n; i++, r->s++) {
        if (*r->s < '0' || *r->s > '9')
            return false;
        value = value * 10 + (*r->s - '0');
    }
    *out = value;
    return true;
}

static bool is_leap(int year)
{
    return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

int ward_days_in_month(int year, int month)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};

    return month == 2 && is_leap(year) ? 29 : days[month - 1];
}

/* Source: H. Hinnant, "chrono-compatible low-level date algorithms", 2013: days_from_civil and
 * civil_from_days. A year here begins in March, so that the leap day is its last. */
int64_t ward_days_of(int year, int month, int day)
{
    int64_t y = month <= 2 ? (int64_t)year - 1 : year;
    int64_t era = (y >= 0 ? y : y - 399) / 400, of_era = y - era * 400;
    int64_t of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;

    return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

void ward_days_to(int64_t days, int *year, int *month, int *day)
{
    int64_t z = days + 719468, era = (z >= 0 ? z : z - 146096) / 146097;
    int64_t doe = z - era * 146097;
    int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
    int64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100), mp = (5 * doy + 2) / 153;

    *day = (int)(doy - (153 * mp + 2) / 5 + 1);
    *month = (int)(mp < 10 ? mp + 3 : mp - 9);
    *year = (int)(yoe + era * 400 + (*month <= 2));
}

/* Reads hh:mm:ss and a fraction, of which microseconds are used. */
static bool clock_time(struct reader *r, struct ward_fhirtime *t, int64_t *us)
{
    int64_t fraction = 0, unit = WARD_US_PER_SECOND;

    if (!number(r, 2, &t->hour) || !eat(r, ':') || !number(r, 2, &t->minute) || !eat(r, ':') ||
        !number(r, 2, &t->second))
        return false;
    t->precision = WARD_TO_SECOND;
    if (eat(r, '.')) {
        t->precision = WARD_TO_FRACTION;
        for (; r->s < r->end && *r->s >= '0' && *r->s <= '9'; r->s++, t->fraction_digits++) {
            unit /= 10;
            fraction += (*r->s - '0') * unit;
        }
        if (t->fraction_digits == 0)
            return false;
    }
    *us =
        ((int64_t)t->hour * 3600 + t->minute * 60 + t->second) * WARD_US_PER_SECOND + fraction;
    t->to_us = unit == 0 ? 1 : unit; /* set only by the length; the caller adds the start */
    return true;
}

static bool zone(struct reader *r, struct ward_fhirtime *t)
{
    int hours, minutes;
    bool west;

    t->has_offset = true;
    if (eat(r, 'Z')) {
        t->zulu = true;
        t->offset_min = 0;
        return true;
    }
    west = eat(r, '-');
    if ((!west && !eat(r, '+')) || !number(r, 2, &hours) || !eat(r, ':') ||
        !number(r, 2, &minutes))
        return false;
    if (minutes > 59) /* is_possible rejects an offset of 99 hours */
        hours = 99;
    t->offset_min = (west ? -1 : 1) * (hours * 60 + minutes);
    return true;
}

/* YYYY[-MM[-DD]] */
static bool calendar_date(struct reader *r, struct ward_fhirtime *t)
{
    if (!number(r, 4, &t->year))
        return false;
    t->precision = WARD_TO_YEAR;
    if (!eat(r, '-'))
        return true;
    t->precision = WARD_TO_MONTH;
    if (!number(r, 2, &t->month))
        return false;
    if (!eat(r, '-'))
        return true;
    t->precision = WARD_TO_DAY;
    return number(r, 2, &t->day);
}

static bool is_possible(enum ward_fhirtime_type type, const struct ward_fhirtime *t)
{
    if (t->hour > 23 || t->minute > 59 || t->second > 60)
        return false;
    if (type == WARD_FHIR_TIME)
        return true;
    if (t->offset_min < -OFFSET_MAX_MIN || t->offset_min > OFFSET_MAX_MIN || t->year < 1)
        return false;
    if (t->precision >= WARD_TO_MONTH && (t->month < 1 || t->month > 12))
        return false;
    return t->precision < WARD_TO_DAY ||
           (t->day >= 1 && t->day <= ward_days_in_month(t->year, t->month));
}

static int64_t first_day(const struct ward_fhirtime *t)
{
    return ward_days_of(t->year, t->month == 0 ? 1 : t->month, t->day == 0 ? 1 : t->day);
}

static int64_t day_after(const struct ward_fhirtime *t)
{
    switch (t->precision) {
    case WARD_TO_YEAR:
        return ward_days_of(t->year + 1, 1, 1);
    case WARD_TO_MONTH:
        return first_day(t) + ward_days_in_month(t->year, t->month);
    case WARD_TO_DAY:
    case WARD_TO_SECOND:
    case WARD_TO_FRACTION:
    default:
        return first_day(t) + 1;
    }
}

/* Sets the interval in UTC. to_us has its length if the value has a time of day. */
static void cover(enum ward_fhirtime_type type, int64_t of_day_us, struct ward_fhirtime *t)
{
    int64_t east = (int64_t)t->offset_min * 60 * WARD_US_PER_SECOND;

    if (type == WARD_FHIR_TIME) {
        t->from_us = of_day_us;
    } else if (t->precision >= WARD_TO_SECOND) {
        t->from_us = first_day(t) * WARD_US_PER_DAY + of_day_us - east;
    } else {
        t->from_us = first_day(t) * WARD_US_PER_DAY - east;
        t->to_us = day_after(t) * WARD_US_PER_DAY - east;
        return;
    }
    t->to_us += t->from_us;
}

static bool read_all(enum ward_fhirtime_type type, struct reader *r, struct ward_fhirtime *t,
                     int64_t *of_day_us)
{
    if (type == WARD_FHIR_TIME)
        return clock_time(r, t, of_day_us) && r->s == r->end;
    if (!calendar_date(r, t))
        return false;
    if (r->s == r->end)
        return type != WARD_FHIR_INSTANT;
    return type != WARD_FHIR_DATE && t->precision == WARD_TO_DAY && eat(r, 'T') &&
           clock_time(r, t, of_day_us) && zone(r, t) && r->s == r->end;
}

enum ward_code ward_fhirtime_parse(enum ward_fhirtime_type type, const char *s, size_t n,
                                   int default_offset_min, struct ward_fhirtime *out,
                                   struct ward_err *err)
{
    struct ward_fhirtime t = {.offset_min = default_offset_min};
    struct reader r = {s, s + n};
    int64_t of_day_us = 0;

    if (n == 0 || n > WARD_FHIRTIME_MAX || !read_all(type, &r, &t, &of_day_us))
        return malformed(err);
    if (!is_possible(type, &t))
        return impossible(err);
    cover(type, of_day_us, &t);
    *out = t;
    return WARD_OK;
}

/* Returns the whole years from one day to a later one. */
static int years(int y0, int m0, int d0, int y1, int m1, int d1)
{
    return y1 - y0 - (m1 < m0 || (m1 == m0 && d1 < d0) ? 1 : 0);
}

/* Returns the last day that a value may mean. */
static void last_day(const struct ward_fhirtime *t, int *month, int *day)
{
    *month = t->month == 0 ? 12 : t->month;
    *day = t->day == 0 ? ward_days_in_month(t->year, *month) : t->day;
}

enum ward_code ward_fhirtime_age(const struct ward_fhirtime *birth,
                                 const struct ward_fhirtime *at, int *least, int *most,
                                 struct ward_err *err)
{
    int birth_month, birth_day, at_month, at_day, hi, lo;

    last_day(birth, &birth_month, &birth_day);
    last_day(at, &at_month, &at_day);
    hi = years(birth->year, birth->month == 0 ? 1 : birth->month,
               birth->day == 0 ? 1 : birth->day, at->year, at_month, at_day);
    lo = years(birth->year, birth_month, birth_day, at->year, at->month == 0 ? 1 : at->month,
               at->day == 0 ? 1 : at->day);
    if (lo < 0 && birth->year == at->year && hi >= 0 &&
        (birth->precision < WARD_TO_DAY || at->precision < WARD_TO_DAY))
        lo = 0; /* born in the same year or month */
    if (lo < 0)
        return out_of_range(err);
    *least = lo;
    *most = hi;
    return WARD_OK;
}

enum ward_code ward_fhirtime_shift(enum ward_fhirtime_type type, const char *s, size_t n,
                                   int days, char out[WARD_FHIRTIME_SIZE], struct ward_err *err)
{
    struct ward_fhirtime t;
    int64_t moved;
    int year, month, day, len;

    if (type == WARD_FHIR_TIME)
        return malformed(err);
    WARD_TRY(ward_fhirtime_parse(type, s, n, 0, &t, err));
    moved = ward_days_of(t.year, t.month == 0 ? 7 : t.month,
                         t.day != 0     ? t.day
                         : t.month != 0 ? 15
                                        : 1) +
            days;
    if (moved < ward_days_of(1, 1, 1) || moved >= ward_days_of(YEAR_MAX + 1, 1, 1))
        return out_of_range(err);
    ward_days_to(moved, &year, &month, &day);
    len = t.precision == WARD_TO_YEAR ? snprintf(out, WARD_FHIRTIME_SIZE, "%04d", year)
          : t.precision == WARD_TO_MONTH
              ? snprintf(out, WARD_FHIRTIME_SIZE, "%04d-%02d", year, month)
              : snprintf(out, WARD_FHIRTIME_SIZE, "%04d-%02d-%02d", year, month, day);
    memcpy(out + len, s + len, n - (size_t)len); /* the time of day, unchanged */
    out[n] = '\0';
    return WARD_OK;
}

enum ward_code ward_fhirtime_print(int64_t us, int offset_min, int digits,
                                   char out[WARD_FHIRTIME_SIZE], struct ward_err *err)
{
    int64_t from = ward_days_of(1, 1, 1) * WARD_US_PER_DAY,
            to = ward_days_of(YEAR_MAX + 1, 1, 1) * WARD_US_PER_DAY, local, days, rest;
    int year, month, day, west = offset_min < 0, len;
    int away = west ? -offset_min : offset_min;
    char fraction[16] = "", zone_text[8] = "Z";

    if (away > OFFSET_MAX_MIN || digits < 0 || digits > 6 || us < from - WARD_US_PER_DAY ||
        us > to + WARD_US_PER_DAY)
        return out_of_range(err);
    local = us + (int64_t)offset_min * 60 * WARD_US_PER_SECOND;
    if (local < from || local >= to)
        return out_of_range(err);
    days = (local - from) / WARD_US_PER_DAY + ward_days_of(1, 1, 1);
    rest = local - days * WARD_US_PER_DAY;
    ward_days_to(days, &year, &month, &day);
    snprintf(fraction, sizeof(fraction), ".%06d", (int)(rest % WARD_US_PER_SECOND));
    rest /= WARD_US_PER_SECOND;
    if (offset_min != 0)
        snprintf(zone_text, sizeof(zone_text), "%c%02d:%02d", west ? '-' : '+', away / 60 % 100,
                 away % 60);
    len = snprintf(out, WARD_FHIRTIME_SIZE, "%04d-%02d-%02dT%02d:%02d:%02d%.*s%s", year, month,
                   day, (int)(rest / 3600), (int)(rest / 60 % 60), (int)(rest % 60),
                   digits == 0 ? 0 : digits + 1, fraction, zone_text);
    WARD_ASSERT(len > 0 && len < WARD_FHIRTIME_SIZE);
    return WARD_OK;
}
