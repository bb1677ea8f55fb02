#include "cli/identity/hours.h"

#include <string.h>

typedef Ward__Identity__V1__Hours Hours;
typedef Ward__Identity__V1__ZoneRule ZoneRule;

#define SPANS_MOST 32

static const char DAYS[7][4] = {"mon", "tue", "wed", "thu", "fri", "sat", "sun"};

/* Returns the number of a day, 1..7; 0 if the text is not a day. */
static int day_of(const char *s)
{
    for (int i = 0; i < 7; i++)
        if (strncmp(s, DAYS[i], 3) == 0)
            return i + 1;
    return 0;
}

/* Parses days such as "mon-fri,sun" of length n into the bits 1..7. */
static bool read_days(const char *s, size_t n, unsigned *out)
{
    const char *end = s + n;
    unsigned bits = 0;

    if (n == 5 && memcmp(s, "daily", 5) == 0) {
        *out = 0xfe;
        return true;
    }
    while (s < end) {
        int from = end - s >= 3 ? day_of(s) : 0, to = from;

        s += 3;
        if (from != 0 && end - s >= 4 && *s == '-') {
            to = day_of(s + 1);
            s += 4;
        }
        if (from == 0 || to == 0 || (s < end && (*s != ',' || s + 1 == end)))
            return false;
        for (int d = from;; d = d % 7 + 1) {
            bits |= 1U << d;
            if (d == to)
                break;
        }
        s += s < end;
    }
    *out = bits;
    return bits != 0;
}

static bool read_minute(const char *s, int32_t *out)
{
    int h, m;

    for (int i = 0; i < 5; i++)
        if (i != 2 && (s[i] < '0' || s[i] > '9'))
            return false;
    h = (s[0] - '0') * 10 + s[1] - '0';
    m = (s[3] - '0') * 10 + s[4] - '0';
    *out = h * 60 + m;
    return s[2] == ':' && h <= 23 && m <= 59;
}

/* Parses a time span such as "07:00-19:00" of length n. An empty text is the whole day. */
static bool read_span(const char *s, size_t n, Hours *h)
{
    if (n == 0)
        return true;
    return n == 11 && s[5] == '-' && read_minute(s, &h->start_minute) &&
           read_minute(s + 6, &h->end_minute);
}

static enum ward_code no_memory(struct ward_err *err)
{
    return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory for the rules");
}

static enum ward_code read_hours(const char *s, size_t n, struct ward_arena *mem, Hours **out,
                                 struct ward_err *err)
{
    Hours *h = ward_new(mem, Hours);
    const char *blank;
    unsigned bits = 0;
    size_t days;

    if (h == NULL)
        return no_memory(err);
    ward__identity__v1__hours__init(h);
    while (n > 0 && *s == ' ')
        s++, n--;
    blank = memchr(s, ' ', n);
    days = blank == NULL ? n : (size_t)(blank - s);
    if (!read_days(s, days, &bits) ||
        !read_span(blank == NULL ? s : blank + 1, blank == NULL ? 0 : n - days - 1, h))
        return WARD_FAIL(err, INVALID_ARGUMENT,
                         "\"%.*s\" is not a time span such as mon-fri 07:00-19:00",
                         n > 60 ? 60 : (int)n, s);
    h->weekdays = ward_alloc(mem, 7 * sizeof(*h->weekdays));
    if (h->weekdays == NULL)
        return no_memory(err);
    for (int d = 1; d <= 7; d++)
        if ((bits & 1U << d) != 0)
            h->weekdays[h->n_weekdays++] = d;
    *out = h;
    return WARD_OK;
}

enum ward_code hours_rule(const char *text, struct ward_arena *mem, ZoneRule **out,
                          struct ward_err *err)
{
    ZoneRule *r = ward_new(mem, ZoneRule);
    Hours **hours = ward_alloc(mem, SPANS_MOST * sizeof(Hours *));
    size_t role = strcspn(text, "=");
    const char *s = text + role;

    if (r == NULL || hours == NULL)
        return no_memory(err);
    ward__identity__v1__zone_rule__init(r);
    r->hours = hours;
    r->role = ward_printf(mem, "%.*s", (int)(role > 64 ? 65 : role), text);
    if (r->role == NULL)
        return no_memory(err);
    while (*s != '\0') {
        size_t n = strcspn(++s, ";");

        if (r->n_hours == SPANS_MOST)
            return WARD_FAIL(err, INVALID_ARGUMENT, "a rule has at most %d time spans",
                             SPANS_MOST);
        WARD_TRY(read_hours(s, n, mem, &r->hours[r->n_hours], err));
        r->n_hours++;
        s += n;
    }
    *out = r;
    return WARD_OK;
}

void hours_print(FILE *to, const ZoneRule *rule)
{
    if (rule->n_hours == 0)
        fputs("  at all times", to);
    for (size_t i = 0; i < rule->n_hours; i++) {
        const Hours *h = rule->hours[i];

        fputs(i == 0 ? "  " : "; ", to);
        for (size_t d = 0; d < h->n_weekdays; d++)
            fprintf(to, "%s%s", d == 0 ? "" : ",",
                    h->weekdays[d] >= 1 && h->weekdays[d] <= 7 ? DAYS[h->weekdays[d] - 1]
                                                               : "?");
        if (h->start_minute != h->end_minute)
            fprintf(to, " %02d:%02d-%02d:%02d", h->start_minute / 60, h->start_minute % 60,
                    h->end_minute / 60, h->end_minute % 60);
    }
}
