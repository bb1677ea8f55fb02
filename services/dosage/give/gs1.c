#include "services/dosage/give/gs1.h"

#include "common/base/status.h"

#include <stdio.h>
#include <string.h>

#define FNC1      '\x1d'
#define TRACE     20
#define EXPIRY    8  /* "17" and YYMMDD */
#define VALUE_MAX 90 /* maximum characters of an element (AI 8200, 91 to 99: 70 and 90) */

/* Range for a date hidden in a lot: packs in use have expired or will expire within this
 * range. */
#define YEARS_BEFORE 5
#define YEARS_AHEAD  10

static bool is_digit(char ch)
{
    return ch >= '0' && ch <= '9';
}

static bool all_digits(const char *s, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (!is_digit(s[i]))
            return false;
    return true;
}

/* ---- numbers and dates ---- */

/* Weights are 3, 1, 3 ... from the right, beginning beside the check digit. The sum including
 * the check digit is a multiple of ten. Source: 7.9.1. */
bool gs1_check_digit(const char *digits, size_t n)
{
    int sum = 0;

    if (n < 2 || !all_digits(digits, n))
        return false;
    for (size_t i = 0; i < n; i++)
        sum += (digits[n - 1 - i] - '0') * (i % 2 == 1 ? 3 : 1);
    return sum % 10 == 0;
}

/* A GTIN has 14 digits, right-justified, with leading zeros; 0 is not a GTIN. Source: 3.3.2. */
bool gs1_gtin(const char *digits, size_t n, char out[GS1_GTIN])
{
    if ((n != 8 && n != 12 && n != 13 && n != 14) || !gs1_check_digit(digits, n) ||
        strspn(digits, "0") >= n)
        return false;
    memset(out, '0', GS1_GTIN - 1);
    memcpy(out + GS1_GTIN - 1 - n, digits, n);
    out[GS1_GTIN - 1] = '\0';
    return true;
}

static int two(const char *s)
{
    return (s[0] - '0') * 10 + (s[1] - '0');
}

static int month_days(int year, int month)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

    return month == 2 && leap ? 29 : days[month - 1];
}

/* If the two digits are 51 to 99 above the present year's digits, the year is in the last
 * century; if 50 to 99 below, in the next century. Source: 7.12. */
static int full_year(int yy, int year_now)
{
    int century = year_now - year_now % 100, ahead = yy - year_now % 100;

    if (ahead >= 51)
        return century - 100 + yy;
    if (ahead <= -50)
        return century + 100 + yy;
    return century + yy;
}

bool gs1_date(const char *yymmdd, int year_now, char out[GS1_DATE])
{
    int year, month, day;

    if (!all_digits(yymmdd, 6))
        return false;
    year = full_year(two(yymmdd), year_now);
    month = two(yymmdd + 2);
    day = two(yymmdd + 4);
    if (year < 0 || year > 9999 || month < 1 || month > 12 || day > month_days(year, month))
        return false;
    if (day == 0)
        day = month_days(year, month);
    return snprintf(out, GS1_DATE, "%04u-%02u-%02u", (unsigned)year % 10000U,
                    (unsigned)month % 100U, (unsigned)day % 100U) == GS1_DATE - 1;
}

/* ---- application identifiers ---- */

/* Classes by the first two digits: the number of digits of the identifier, and the number of
 * characters of a predefined value, after which no FNC1 is needed; 0: the value ends at FNC1.
 * Source: 3.2 (all identifiers), 7.8.5 (figure 7.8.5-2: predefined lengths, including
 * unassigned identifiers). */
struct ai_class {
    char first[3];
    uint8_t digits, fixed;
    bool numeric;
};
static const struct ai_class CLASSES[] = {
    {"00", 2, 18, true}, {"01", 2, 14, true}, {"02", 2, 14, true}, {"03", 2, 14, true},
    {"10", 2, 0, false}, {"11", 2, 6, true},  {"12", 2, 6, true},  {"13", 2, 6, true},
    {"15", 2, 6, true},  {"16", 2, 6, true},  {"17", 2, 6, true},  {"20", 2, 2, true},
    {"21", 2, 0, false}, {"22", 2, 0, false}, {"23", 3, 0, false}, {"24", 3, 0, false},
    {"25", 3, 0, false}, {"30", 2, 0, true},  {"31", 4, 6, true},  {"32", 4, 6, true},
    {"33", 4, 6, true},  {"34", 4, 6, true},  {"35", 4, 6, true},  {"36", 4, 6, true},
    {"37", 2, 0, true},  {"39", 4, 0, true},  {"40", 3, 0, false}, {"41", 3, 13, true},
    {"42", 3, 0, false}, {"43", 4, 0, false}, {"70", 4, 0, false}, {"71", 3, 0, false},
    {"72", 4, 0, false}, {"80", 4, 0, false}, {"81", 4, 0, false}, {"82", 4, 0, false},
    {"90", 2, 0, false}, {"91", 2, 0, false}, {"92", 2, 0, false}, {"93", 2, 0, false},
    {"94", 2, 0, false}, {"95", 2, 0, false}, {"96", 2, 0, false}, {"97", 2, 0, false},
    {"98", 2, 0, false}, {"99", 2, 0, false},
};

static const struct ai_class *class_of(const char *s, size_t n)
{
    for (size_t i = 0; n >= 2 && i < WARD_COUNT(CLASSES); i++)
        if (memcmp(CLASSES[i].first, s, 2) == 0)
            return n >= CLASSES[i].digits && all_digits(s, CLASSES[i].digits) ? &CLASSES[i]
                                                                              : NULL;
    return NULL;
}

/* GS1 AI encodable character set 82. Source: 7.11, figure 7.11-1. */
static bool is_set82(const char *s, size_t n)
{
    static const char ALLOWED[] = "!\"%&'()*+,-./0123456789:;<=>?ABCDEFGHIJKLMNOPQRSTUVWXYZ_"
                                  "abcdefghijklmnopqrstuvwxyz";

    for (size_t i = 0; i < n; i++)
        if (s[i] == '\0' || strchr(ALLOWED, s[i]) == NULL)
            return false;
    return true;
}

struct element {
    const struct ai_class *of;
    const char *ai, *value;
    size_t n;
};

static bool is_ai(const struct element *e, const char *ai)
{
    return strlen(ai) == e->of->digits && memcmp(e->ai, ai, e->of->digits) == 0;
}

/* Stores an element's value. An element may be repeated only with an equal value. */
static bool say(char *out, const char *value, size_t n)
{
    if (*out != '\0')
        return strlen(out) == n && memcmp(out, value, n) == 0;
    memcpy(out, value, n);
    out[n] = '\0';
    return true;
}

static bool say_text(char out[GS1_TEXT], const struct element *e)
{
    return e->n < GS1_TEXT && say(out, e->value, e->n);
}

static bool say_date(char out[GS1_DATE], const char *yymmdd, int year_now)
{
    char date[GS1_DATE];

    return gs1_date(yymmdd, year_now, date) && say(out, date, GS1_DATE - 1);
}

/* 7003 is an expiry to the minute, YYMMDDHHMM, whose day cannot be 00. Source: 3.8.4. */
static bool say_moment(char out[GS1_DATE], const struct element *e, int year_now)
{
    return e->n == 10 && all_digits(e->value, 10) && two(e->value + 4) != 0 &&
           two(e->value + 6) < 24 && two(e->value + 8) < 60 &&
           say_date(out, e->value, year_now);
}

static bool take(const struct element *e, int year_now, struct gs1 *out)
{
    char gtin[GS1_GTIN], date[GS1_DATE];

    if (e->n == 0 || e->n > VALUE_MAX || !is_set82(e->value, e->n) ||
        (e->of->numeric && !all_digits(e->value, e->n)))
        return false;
    if (is_ai(e, "01"))
        return gs1_gtin(e->value, e->n, gtin) && say(out->gtin, gtin, GS1_GTIN - 1);
    if (is_ai(e, "10"))
        return say_text(out->lot, e);
    if (is_ai(e, "21"))
        return say_text(out->serial, e);
    if (is_ai(e, "17"))
        return say_date(out->expires_on, e->value, year_now);
    if (is_ai(e, "7003"))
        return say_moment(out->expires_on, e, year_now);
    if (is_ai(e, "11"))
        return gs1_date(e->value, year_now, date);
    /* Elements about the content of a logistic unit do not describe the product in hand.
     * Source: 4 (invalid pairs): 01 and 02 exclude each other; 00 stands alone. */
    return !is_ai(e, "00") && !is_ai(e, "02");
}

bool gs1_is_trace(const char *s, size_t n)
{
    return n == TRACE && s[0] == '8' && all_digits(s, n);
}

/* ---- an expiry hidden in a lot ---- */

/* A lot or serial number ends at FNC1 or at the end (source: 7.8.5). If a printer omits the
 * FNC1, "10" lot "17" YYMMDD becomes one lot. A plausible date in a lot or serial number, after
 * at least one character, may therefore be an expiry. A date at the very end is more likely an
 * expiry. */
static void look_for_expiry(const struct element *e, int year_now, struct gs1 *out)
{
    char date[GS1_DATE];

    for (size_t i = 1; i + EXPIRY <= e->n; i++) {
        int year;

        if (memcmp(e->value + i, "17", 2) != 0 || !gs1_date(e->value + i + 2, year_now, date))
            continue;
        year = full_year(two(e->value + i + 2), year_now);
        if (year < year_now - YEARS_BEFORE || year > year_now + YEARS_AHEAD)
            continue;
        if (*out->hidden == '\0' || i + EXPIRY == e->n)
            memcpy(out->hidden, date, GS1_DATE);
    }
}

/* ---- element strings ---- */

static bool plain(const char *s, size_t n, int year_now, struct gs1 *out)
{
    size_t at = 0;

    while (at < n) {
        struct element e = {.of = class_of(s + at, n - at), .ai = s + at};
        const char *end;

        if (e.of == NULL)
            return false;
        at += e.of->digits;
        e.value = s + at;
        end = memchr(e.value, FNC1, n - at);
        e.n = e.of->fixed > 0 ? e.of->fixed : end == NULL ? n - at : (size_t)(end - e.value);
        if (e.n > n - at || !take(&e, year_now, out))
            return false;
        if (end == NULL && (is_ai(&e, "10") || is_ai(&e, "21")))
            look_for_expiry(&e, year_now, out);
        at += e.n;
        at += at < n && s[at] == FNC1;
    }
    return true;
}

/* The length of an identifier in brackets, "(" digits ")"; 0: no identifier. A value may
 * contain brackets. */
static size_t bracket(const char *s, size_t n)
{
    const struct ai_class *of = n > 2 && s[0] == '(' ? class_of(s + 1, n - 1) : NULL;

    return of != NULL && n > of->digits + (size_t)1 && s[of->digits + 1] == ')'
               ? of->digits + (size_t)2
               : 0;
}

static bool bracketed(const char *s, size_t n, int year_now, struct gs1 *out)
{
    size_t at = 0, size;

    while (at < n) {
        struct element e = {.of = class_of(s + at + 1, n - at - 1), .ai = s + at + 1};

        size = bracket(s + at, n - at);
        if (size == 0 || e.of == NULL)
            return false;
        at += size;
        e.value = s + at;
        while (at + e.n < n && bracket(s + at + e.n, n - at - e.n) == 0)
            e.n++;
        if ((e.of->fixed > 0 && e.n != e.of->fixed) || !take(&e, year_now, out))
            return false;
        at += e.n;
    }
    return true;
}

bool gs1_elements(const char *s, size_t n, int year_now, struct gs1 *out)
{
    *out = (struct gs1){0};
    if (n > 0 && s[0] == FNC1)
        s++, n--;
    if (n == 0)
        return false;
    if (!(s[0] == '(' ? bracketed : plain)(s, n, year_now, out) || *out->gtin == '\0')
        return false;
    if (*out->expires_on != '\0')
        *out->hidden = '\0';
    return true;
}
