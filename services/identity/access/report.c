#include "services/identity/access/report.h"

#include <string.h>

#define PRESENCE_US (REPORT_PRESENCE_H * INT64_C(3600000000))

void report_begin(struct report *r, const int64_t *begins, int n_days, struct day_line *days)
{
    *r = (struct report){.begins = begins, .n_days = n_days, .days = days};
    memset(days, 0, (size_t)n_days * sizeof(*days));
}

/* The index of the day that contains a time; -1 before the first day, n_days after the last. */
static int day_of(const struct report *r, int64_t at_us)
{
    /* invariant: begins[lo] <= at_us < begins[hi + 1], if both exist */
    int lo = -1, hi = r->n_days;

    while (lo < hi) {
        int mid = lo + (hi - lo + 1) / 2;

        if (r->begins[mid] <= at_us)
            lo = mid;
        else
            hi = mid - 1;
    }
    return lo;
}

static struct day_line *line_of(struct report *r, int64_t at_us)
{
    int day = day_of(r, at_us);

    return day < 0 || day >= r->n_days ? &r->elsewhere : &r->days[day];
}

static void be_present(struct report *r, int64_t from_us, int64_t to_us)
{
    int first = day_of(r, from_us);

    for (int d = first < 0 ? 0 : first; d < r->n_days && r->begins[d] < to_us; d++) {
        int64_t a = from_us > r->begins[d] ? from_us : r->begins[d];
        int64_t b = to_us < r->begins[d + 1] ? to_us : r->begins[d + 1];

        r->days[d].present_us += b - a;
    }
}

static void leave_open(struct report *r)
{
    if (r->in)
        line_of(r, r->in_us)->open = true;
    r->in = false;
}

static void come(struct report *r, struct day_line *d, int64_t at_us)
{
    leave_open(r);
    r->in = true;
    r->in_us = at_us;
    if (d->first_in_us == 0)
        d->first_in_us = at_us;
}

static void go(struct report *r, struct day_line *d, int64_t at_us)
{
    d->last_out_us = at_us;
    if (r->in && at_us - r->in_us <= PRESENCE_US) {
        be_present(r, r->in_us, at_us);
        r->in = false;
    }
    leave_open(r);
}

void report_add(struct report *r, const struct coming *c)
{
    struct day_line *d = line_of(r, c->at_us);

    if (c->correction)
        d->corrections++;
    if (!c->stands)
        return;
    d->events++;
    if (c->direction == REPORT_IN)
        come(r, d, c->at_us);
    else
        go(r, d, c->at_us);
}

void report_end(struct report *r)
{
    leave_open(r);
}

bool report_has(const struct day_line *d)
{
    return d->events > 0 || d->corrections > 0 || d->present_us > 0;
}
