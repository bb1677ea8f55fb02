/* The rule at the end of a TZif file, for the years after its last change. */
#include "common/zone/tzif.h"

#include <string.h>

#define DAY_S 86400

struct when {
    enum { BY_WEEK, BY_DAY, BY_DAY_NO_LEAP } kind;
    int month, week, weekday; /* BY_WEEK: 0 is Sunday; week 5 is the last one */
    int day;
    int64_t time_s; /* local time on that day, -167 h .. 167 h */
};
struct rule {
    int64_t standard_s, summer_s; /* east of UTC */
    struct when starts, ends;     /* summer */
};

static bool number(const char **p, int most, int *out)
{
    int v = 0;

    if (**p < '0' || **p > '9')
        return false;
    for (; **p >= '0' && **p <= '9'; (*p)++) {
        v = v * 10 + (**p - '0');
        if (v > most)
            return false;
    }
    *out = v;
    return true;
}

/* "CET", "<+0330>" */
static bool skip_name(const char **p)
{
    size_t n;

    if (**p == '<') {
        const char *end = strchr(*p, '>');

        if (end == NULL)
            return false;
        *p = end + 1;
        return true;
    }
    n = strspn(*p, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz");
    *p += n;
    return n >= 3;
}

/* "[+-]h[h[h]][:mm[:ss]]" */
static bool clock_time(const char **p, int64_t *out)
{
    int sign = **p == '-' ? -1 : 1, h, m = 0, s = 0;

    if (**p == '-' || **p == '+')
        (*p)++;
    if (!number(p, 167, &h))
        return false;
    if (**p == ':' && (++*p, !number(p, 59, &m)))
        return false;
    if (**p == ':' && (++*p, !number(p, 59, &s)))
        return false;
    *out = sign * ((int64_t)h * 3600 + (int64_t)m * 60 + s);
    return true;
}

static bool dot(const char **p)
{
    return *(*p)++ == '.';
}

/* ",M3.5.0/2", ",J60", ",59/4" */
static bool read_when(const char **p, struct when *out)
{
    *out = (struct when){.kind = BY_DAY, .time_s = 7200};
    if (*(*p)++ != ',')
        return false;
    if (**p == 'M') {
        ++*p;
        out->kind = BY_WEEK;
        if (!number(p, 12, &out->month) || out->month == 0 || !dot(p) ||
            !number(p, 5, &out->week) || out->week == 0 || !dot(p) ||
            !number(p, 6, &out->weekday))
            return false;
    } else {
        if (**p == 'J') {
            ++*p;
            out->kind = BY_DAY_NO_LEAP;
        }
        if (!number(p, 365, &out->day) || (out->kind == BY_DAY_NO_LEAP && out->day == 0))
            return false;
    }
    return **p != '/' || (++*p, clock_time(p, &out->time_s));
}

static bool read_rule(const char *p, struct rule *out, bool *changes)
{
    int64_t west;

    *changes = false;
    if (!skip_name(&p) || !clock_time(&p, &west))
        return false;
    out->standard_s = -west;
    if (*p == '\0')
        return true;
    if (!skip_name(&p))
        return false;
    out->summer_s = out->standard_s + 3600;
    if (*p != ',') {
        if (!clock_time(&p, &west))
            return false;
        out->summer_s = -west;
    }
    *changes = true;
    return read_when(&p, &out->starts) && read_when(&p, &out->ends) && *p == '\0';
}

static bool is_leap(int year)
{
    return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

/* Returns the second at which a local clock shows that time, as if it were UTC. */
static int64_t wall_of(const struct when *w, int year)
{
    int64_t day = ward_zone_day(year, 1, 1);

    if (w->kind == BY_DAY)
        day += w->day;
    if (w->kind == BY_DAY_NO_LEAP)
        day += w->day - 1 + (is_leap(year) && w->day > 59 ? 1 : 0);
    if (w->kind == BY_WEEK) {
        int64_t first = ward_zone_day(year, w->month, 1);
        int64_t next = w->month == 12 ? ward_zone_day(year + 1, 1, 1)
                                      : ward_zone_day(year, w->month + 1, 1);

        day = first + (w->weekday - (first + 4) % 7 + 7) % 7 + (w->week - 1) * INT64_C(7);
        while (day >= next)
            day -= 7;
    }
    return day * DAY_S + w->time_s;
}

static bool put_later(struct zone_table *t, int64_t since_s, int64_t offset_s)
{
    return since_s <= t->at[t->n - 1].since_s || ward_zone_put(t, since_s, offset_s);
}

bool ward_tzrule_extend(struct zone_table *t, const char *text, int until)
{
    int64_t last = t->at[t->n - 1].since_s;
    int year = 1970, month, mday;
    struct rule r = {0};
    bool changes;

    if (*text == '\0')
        return true; /* the future is unknown, so the last offset continues */
    if (!read_rule(text, &r, &changes))
        return false;
    if (!changes)
        return t->at[t->n - 1].offset_s == r.standard_s;
    if (last >= 0)
        ward_zone_date(last / DAY_S, &year, &month, &mday);
    for (; year <= until; year++) {
        int64_t summer = wall_of(&r.starts, year) - r.standard_s;
        int64_t winter = wall_of(&r.ends, year) - r.summer_s;
        bool north = summer < winter;

        if (!put_later(t, north ? summer : winter, north ? r.summer_s : r.standard_s) ||
            !put_later(t, north ? winter : summer, north ? r.standard_s : r.summer_s))
            return false;
    }
    return true;
}
