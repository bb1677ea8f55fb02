/* Validity of a timing, and its density of doses. */
#include "services/dosage/schedule/timing.h"

#include <stdio.h>
#include <string.h>

#define DAY_MIN      1440
#define INTERVAL_MIN 5
#define INTERVAL_MAX 525600
#define TIMES_MAX    24
#define EVERY_MAX    366
#define COUNT_MAX    10000
#define WINDOW_MAX   720
#define PER_DAY_MAX  96

typedef Ward__Dosage__V1__Timing Timing;
typedef Ward__Dosage__V1__Prescription Prescription;

#define KIND(name) WARD__DOSAGE__V1__TIMING__KIND__KIND_##name

static enum ward_code wrong(struct ward_err *err, const char *field, const char *what)
{
    enum ward_code code =
        WARD_FAIL_REASON(err, INVALID_ARGUMENT, "TIMING_INVALID", "%s %s", field, what);

    if (err != NULL)
        snprintf(err->field, sizeof(err->field), "%s", field);
    return code;
}

static bool within(int v, int low, int high)
{
    return v >= low && v <= high;
}

bool timing_clock(const char *text, int *second)
{
    int h, m;

    if (strlen(text) != 5 || text[2] != ':' || strspn(text, "0123456789:") != 5 ||
        memchr(text, ':', 2) != NULL || memchr(text + 3, ':', 2) != NULL)
        return false;
    h = (text[0] - '0') * 10 + (text[1] - '0');
    m = (text[3] - '0') * 10 + (text[4] - '0');
    *second = (h * 60 + m) * 60;
    return h < 24 && m < 60;
}

static int every_of(const Timing *t)
{
    return t->every_days == 0 ? 1 : t->every_days;
}

static bool on_weekday(const Timing *t, int weekday)
{
    for (size_t i = 0; i < t->n_weekdays; i++)
        if (t->weekdays[i] == weekday)
            return true;
    return t->n_weekdays == 0;
}

/* The minimum number of days between two days with doses. */
static int days_apart(const Timing *t)
{
    for (int days = every_of(t); days < 7 * every_of(t); days += every_of(t))
        for (int from = 1; from <= 7; from++)
            if (on_weekday(t, from) && on_weekday(t, (from - 1 + days) % 7 + 1))
                return days;
    return 7 * every_of(t);
}

/* Minutes between the two closest doses in local time. The times must be valid. */
static int closest(const Timing *t)
{
    int first = 0, before = 0, at = 0, best = INT32_MAX;

    for (size_t i = 0; i < t->n_times; i++) {
        if (!timing_clock(t->times[i], &at))
            return 0;
        if (i == 0)
            first = at;
        else if ((at - before) / 60 < best)
            best = (at - before) / 60;
        before = at;
    }
    at = days_apart(t) * DAY_MIN + (first - before) / 60;
    return at < best ? at : best;
}

static enum ward_code check_days(const Timing *t, struct ward_err *err)
{
    if (!within(t->every_days, 0, EVERY_MAX))
        return wrong(err, "timing.every_days", "must be 1 to 366");
    for (size_t i = 0; i < t->n_weekdays; i++)
        if (!within(t->weekdays[i], 1, 7) || (i > 0 && t->weekdays[i] <= t->weekdays[i - 1]))
            return wrong(err, "timing.weekdays", "must be 1 to 7, in ascending order");
    if (t->n_weekdays > 0 && every_of(t) % 7 == 0)
        return wrong(err, "timing.weekdays", "have no effect if every_days is a multiple of 7");
    return WARD_OK;
}

static enum ward_code check_times(const Timing *t, struct ward_err *err)
{
    int before = 0, at = 0;

    if (t->n_times == 0 || t->n_times > TIMES_MAX)
        return wrong(err, "timing.times", "must be 1 to 24");
    for (size_t i = 0; i < t->n_times; i++) {
        if (!timing_clock(t->times[i], &at) || (i > 0 && at <= before))
            return wrong(err, "timing.times",
                         "must be times such as 08:30, in ascending order");
        before = at;
    }
    WARD_TRY(check_days(t, err));
    if (closest(t) < INTERVAL_MIN)
        return wrong(err, "timing.times", "must be at least 5 minutes apart");
    return WARD_OK;
}

/* Refuses fields that only other kinds of timing have. */
static enum ward_code check_foreign(const Timing *t, struct ward_err *err)
{
    bool repeats = t->kind == KIND(INTERVAL) || t->kind == KIND(TIMES);

    if (t->kind != KIND(INTERVAL) && t->interval_minutes != 0)
        return wrong(err, "timing.interval_minutes", "is permitted only for INTERVAL");
    if (t->kind != KIND(TIMES) && t->n_times > 0)
        return wrong(err, "timing.times", "are permitted only for TIMES");
    if (t->kind != KIND(TIMES) && t->every_days != 0)
        return wrong(err, "timing.every_days", "is permitted only for TIMES");
    if (t->kind != KIND(TIMES) && t->n_weekdays > 0)
        return wrong(err, "timing.weekdays", "are permitted only for TIMES");
    if (!within(t->count, 0, repeats ? COUNT_MAX : 0))
        return wrong(err, "timing.count",
                     "must be 0 to 10,000, and is permitted only for INTERVAL and TIMES");
    if (t->kind == KIND(AS_NEEDED) && (t->before_minutes != 0 || t->after_minutes != 0))
        return wrong(err, "timing.before_minutes", "is not permitted for AS_NEEDED");
    return WARD_OK;
}

static enum ward_code check_window(const Timing *t, struct ward_err *err)
{
    int apart = INT32_MAX;

    if (!within(t->before_minutes, 0, WINDOW_MAX))
        return wrong(err, "timing.before_minutes", "must be 0 to 720");
    if (!within(t->after_minutes, 0, WINDOW_MAX))
        return wrong(err, "timing.after_minutes", "must be 0 to 720");
    if (t->kind == KIND(INTERVAL))
        apart = t->interval_minutes;
    if (t->kind == KIND(TIMES))
        apart = closest(t);
    if (t->before_minutes + t->after_minutes > apart)
        return wrong(err, "timing.before_minutes",
                     "plus after_minutes exceeds the time between two doses");
    return WARD_OK;
}

static enum ward_code check_as_needed(const Prescription *p, struct ward_err *err)
{
    const Ward__Dosage__V1__AsNeeded *a = p->as_needed;

    if ((p->timing->kind == KIND(AS_NEEDED)) != (a != NULL))
        return wrong(err, "as_needed", "is permitted only for AS_NEEDED");
    if (a == NULL)
        return WARD_OK;
    if (!within(a->max_doses_per_24h, 1, PER_DAY_MAX))
        return wrong(err, "as_needed.max_doses_per_24h", "must be 1 to 96");
    if (!within(a->min_interval_minutes, 0, INTERVAL_MAX))
        return wrong(err, "as_needed.min_interval_minutes", "must be 0 to 525,600");
    if (a->reason == NULL || *a->reason->code == '\0')
        return wrong(err, "as_needed.reason", "is required: state the reason");
    return WARD_OK;
}

static enum ward_code check_span(const Prescription *p, struct ward_err *err)
{
    if (p->starts_at_us < 0 || p->starts_at_us >= TIMING_LATEST_US)
        return wrong(err, "starts_at_us", "must be between 1970 and 2200");
    if (p->ends_at_us < 0 || p->ends_at_us > TIMING_LATEST_US)
        return wrong(err, "ends_at_us", "must be between 1970 and 2200");
    if (p->ends_at_us != 0 && p->ends_at_us <= p->starts_at_us)
        return wrong(err, "ends_at_us", "must be after starts_at_us");
    return WARD_OK;
}

enum ward_code timing_check(const Prescription *p, struct ward_err *err)
{
    const Timing *t = p->timing;

    if (t == NULL || t->kind <= KIND(UNSPECIFIED) || t->kind > KIND(CONTINUOUS))
        return wrong(err, "timing.kind", "is missing");
    WARD_TRY(check_foreign(t, err));
    if (t->kind == KIND(INTERVAL) && !within(t->interval_minutes, INTERVAL_MIN, INTERVAL_MAX))
        return wrong(err, "timing.interval_minutes", "must be 5 to 525,600");
    if (t->kind == KIND(TIMES))
        WARD_TRY(check_times(t, err));
    WARD_TRY(check_window(t, err));
    WARD_TRY(check_as_needed(p, err));
    return check_span(p, err);
}

void timing_density(const Prescription *p, int *doses_per_day, int *min_minutes)
{
    const Timing *t = p->timing;
    int doses = 1, apart = INT32_MAX;

    if (t->kind == KIND(INTERVAL)) {
        apart = t->interval_minutes;
        doses = (DAY_MIN + apart - 1) / apart;
    } else if (t->kind == KIND(TIMES)) {
        apart = closest(t);
        doses = (int)t->n_times;
    } else if (t->kind == KIND(AS_NEEDED)) {
        apart = p->as_needed->min_interval_minutes;
        doses = p->as_needed->max_doses_per_24h;
    }
    if (t->count > 0 && t->count < doses)
        doses = t->count;
    *doses_per_day = doses;
    *min_minutes = t->count == 1 ? INT32_MAX : apart;
}
