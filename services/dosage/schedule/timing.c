#include "services/dosage/schedule/timing.h"

#include <string.h>

#define SECOND_US INT64_C(1000000)
#define MINUTE_US (60 * SECOND_US)
#define DAY_US    (86400 * SECOND_US)
#define APART_US  (5 * MINUTE_US) /* distance of two doses that a clock change made equal */
#define WARM_DAYS 3 /* days to start earlier, because a clock change may move doses */
#define EMPTY     (7 * 366 + 8) /* days without a dose, after which no dose follows */

#define KIND(name) WARD__DOSAGE__V1__TIMING__KIND__KIND_##name

/* ---- local time ---- */

static bool asked_day(const struct timing_walk *w, int64_t day)
{
    int64_t since = day - w->first_day;

    if (since < 0 || since % w->every != 0)
        return false;
    return w->weekdays == 0 || (w->weekdays >> ((day + 3) % 7 + 1) & 1) != 0;
}

static bool left_out(const struct timing_walk *w, int64_t day)
{
    return ward_zone_left_out(w->timing->zone, day + 1) == day;
}

/* Doses of a day that the calendar skipped move to the next day. If the next day already has
 * doses, the moved doses are dropped. */
static bool dose_day(const struct timing_walk *w, int64_t day)
{
    return !left_out(w, day) &&
           (asked_day(w, day) || (left_out(w, day - 1) && asked_day(w, day - 1)));
}

/* Number of earlier days with doses. */
static int64_t dose_days(const struct timing_walk *w, int64_t day)
{
    int64_t turns = (day - w->first_day + w->every - 1) / w->every, days = turns;
    int64_t lost = day;

    if (turns <= 0)
        return 0;
    if (w->weekdays != 0) { /* the weekdays of a cycle repeat after seven cycles */
        days = 0;
        for (int64_t i = 0; i < 7; i++)
            if (asked_day(w, w->first_day + i * w->every))
                days += turns / 7 + (i < turns % 7 ? 1 : 0);
    }
    while ((lost = ward_zone_left_out(w->timing->zone, lost)) >= w->first_day)
        if (asked_day(w, lost) && (lost + 1 >= day || asked_day(w, lost + 1)))
            days--;
    return days;
}

/* The next dose by local time, whether the order is active or not. If a clock change moves the
 * dose to the previous dose or before, the dose follows 5 minutes after the previous dose. No
 * two doses coincide, and no dose is lost. */
static bool next_time(struct timing_walk *w)
{
    int64_t us;

    if (w->at == w->n_times) {
        w->at = 0;
        w->day++;
    }
    if (w->at == 0) {
        int64_t last = w->day + EMPTY;

        while (!dose_day(w, w->day))
            if (++w->day > last)
                return false;
    }
    (void)ward_zone_moment(w->timing->zone, w->day, w->times[w->at], &us);
    if (us <= w->last_us)
        us = w->last_us + APART_US;
    w->at++;
    w->number++;
    w->last_us = w->due_us = us;
    return true;
}

static void stand_at(struct timing_walk *w, int64_t day)
{
    w->day = day;
    w->at = 0;
    w->last_us = INT64_MIN;
    w->number = dose_days(w, day) * w->n_times - 1;
}

static bool read_times(struct timing_walk *w)
{
    const Ward__Dosage__V1__Timing *r = w->timing->rule;

    if (r->n_times == 0 || r->n_times > WARD_COUNT(w->times))
        return false;
    for (size_t i = 0; i < r->n_times; i++)
        if (!timing_clock(r->times[i], &w->times[i]))
            return false;
    w->n_times = (int)r->n_times;
    w->every = r->every_days <= 0 ? 1 : r->every_days;
    for (size_t i = 0; i < r->n_weekdays; i++)
        if (r->weekdays[i] >= 1 && r->weekdays[i] <= 7)
            w->weekdays |= 1U << r->weekdays[i];
    return true;
}

static void start_times(struct timing_walk *w, int64_t from_us)
{
    const struct timing *t = w->timing;
    int64_t early = 0;
    struct ward_wall wall;

    if (!read_times(w)) {
        w->done = true;
        return;
    }
    ward_zone_wall(t->zone, t->starts_us, &wall);
    w->first_day = wall.day;
    for (stand_at(w, w->first_day); next_time(w) && w->due_us < t->starts_us;)
        early++;
    ward_zone_wall(t->zone, from_us, &wall);
    stand_at(w, wall.day - WARM_DAYS > w->first_day ? wall.day - WARM_DAYS : w->first_day);
    w->number -= early;
}

/* ---- the sequence of doses ---- */

static int64_t later(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

static int64_t begins(const struct timing *t)
{
    return later(t->starts_us, t->since_us);
}

void timing_start(struct timing_walk *w, const struct timing *t, int64_t from_us)
{
    int64_t from = later(from_us, begins(t));

    *w = (struct timing_walk){.timing = t, .number = -1, .due_us = from - 1};
    switch (t->rule->kind) {
    case KIND(ONCE):
    case KIND(CONTINUOUS):
        break;
    case KIND(INTERVAL):
        w->step_us = t->rule->interval_minutes * MINUTE_US;
        w->done = w->step_us <= 0;
        if (!w->done && from > t->starts_us)
            w->number = (from - t->starts_us - 1) / w->step_us;
        break;
    case KIND(TIMES):
        start_times(w, from);
        w->due_us = from - 1;
        break;
    default:
        w->done = true;
    }
}

/* The next dose of the sequence, even outside the order's time. */
static bool step(struct timing_walk *w)
{
    if (w->n_times > 0)
        return next_time(w);
    w->number++;
    if (w->step_us == 0 && w->number > 0)
        return false;
    w->due_us = w->timing->starts_us + w->number * w->step_us;
    return true;
}

bool timing_next(struct timing_walk *w)
{
    const struct timing *t = w->timing;
    int64_t behind = w->due_us;

    while (!w->done) {
        w->done = !step(w) || w->due_us >= t->ends_us ||
                  (t->rule->count > 0 && w->number >= t->rule->count);
        if (!w->done && w->due_us > behind)
            return true;
    }
    return false;
}

/* ---- windows ---- */

int64_t timing_border(int64_t due_us, int64_t after_us, int64_t next_us, int64_t before_us)
{
    int64_t apart = next_us - due_us;

    if (before_us + after_us <= apart)
        return next_us - before_us;
    /* Milliseconds, so that the product of two half days fits into 64 bits. */
    return next_us - apart * (before_us / 1000) / ((before_us + after_us) / 1000);
}

void timing_window(struct slot *s, int64_t before_us, int64_t after_us, int64_t from_us,
                   int64_t to_us)
{
    s->from_us = from_us == INT64_MIN ? s->due_us - before_us : from_us;
    s->to_us = to_us < s->due_us + DAY_US ? to_us : s->due_us + DAY_US;
    s->on_time_us = s->due_us + after_us < s->to_us ? s->due_us + after_us : s->to_us;
}

size_t timing_slots(const struct timing *t, int64_t from_us, int64_t to_us, struct slot *out,
                    size_t most)
{
    int64_t border = INT64_MIN;
    struct timing_walk w;
    size_t n = 0;
    bool more;

    /* the previous window may begin up to a day before */
    timing_start(&w, t, from_us - DAY_US);
    more = timing_next(&w);
    while (more && w.due_us < to_us && n < most) {
        struct slot s = {.due_us = w.due_us, .number = w.number};
        int64_t next = INT64_MAX;

        more = timing_next(&w);
        if (more)
            next = timing_border(s.due_us, t->after_us, w.due_us, t->before_us);
        timing_window(&s, t->before_us, t->after_us, border, next);
        border = next;
        if (s.due_us >= from_us)
            out[n++] = s;
    }
    return n;
}

bool timing_slot_at(const struct timing *t, int64_t due_us, struct slot *out)
{
    return timing_slots(t, due_us, due_us + 1, out, 1) == 1;
}
