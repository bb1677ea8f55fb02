#include "common/measure/decimal.h"

#include "common/measure/wide.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PLAIN_MIN (-40) /* smallest exponent that is printed in full */
#define ZEROS     "0000000000000000000000000000000000000000"

static enum ward_code malformed(struct ward_err *err)
{
    return WARD_FAIL_REASON(err, INVALID_ARGUMENT, "DECIMAL_MALFORMED",
                            "not a decimal number of at most %d bytes", WARD_DECIMAL_TEXT_MAX);
}

static enum ward_code overflow(struct ward_err *err)
{
    return WARD_FAIL_REASON(err, OUT_OF_RANGE, "DECIMAL_OVERFLOW",
                            "a number has more than %d digits, or an exponent beyond %d",
                            WARD_DECIMAL_DIGITS, WARD_DECIMAL_EXP_MAX);
}

static enum ward_code zero_divisor(struct ward_err *err)
{
    return WARD_FAIL_REASON(err, FAILED_PRECONDITION, "DECIMAL_ZERO_DIVISOR",
                            "division by zero");
}

static bool in_range(int64_t exp)
{
    return exp >= -WARD_DECIMAL_EXP_MAX && exp <= WARD_DECIMAL_EXP_MAX;
}

/* Current position in the text. */
struct reader {
    const char *s, *end;
    unsigned __int128 coef;
    int64_t exp;
    bool too_long;
};

static bool is_digit(const struct reader *r)
{
    return r->s < r->end && *r->s >= '0' && *r->s <= '9';
}

static bool digits(struct reader *r, int step)
{
    const char *from = r->s;

    for (; is_digit(r); r->s++, r->exp += step) {
        unsigned digit = (unsigned)(*r->s - '0');

        if (!ward_wide_mul(r->coef, 10, &r->coef) || !ward_wide_add(r->coef, digit, &r->coef))
            r->too_long = true;
    }
    return r->s > from;
}

static bool exponent(struct reader *r)
{
    int64_t e = 0;
    bool minus;

    if (r->s == r->end || (*r->s != 'e' && *r->s != 'E'))
        return true;
    r->s++;
    minus = r->s < r->end && *r->s == '-';
    if (r->s < r->end && (*r->s == '-' || *r->s == '+'))
        r->s++;
    if (!is_digit(r))
        return false;
    for (; is_digit(r); r->s++)
        e = e > 1000000 ? e : e * 10 + (*r->s - '0');
    r->exp += minus ? -e : e;
    return true;
}

enum ward_code ward_decimal_parse(const char *s, size_t n, struct ward_decimal *out,
                                  struct ward_err *err)
{
    struct reader r = {.s = s, .end = s + n};
    bool negative;

    if (n == 0 || n > WARD_DECIMAL_TEXT_MAX)
        return malformed(err);
    negative = *s == '-';
    r.s += negative;
    if (r.end - r.s > 1 && r.s[0] == '0' && r.s[1] >= '0' && r.s[1] <= '9')
        return malformed(err);
    if (!digits(&r, 0))
        return malformed(err);
    if (r.s < r.end && *r.s == '.') {
        r.s++;
        if (!digits(&r, -1))
            return malformed(err);
    }
    if (!exponent(&r) || r.s != r.end)
        return malformed(err);
    if (r.too_long || !in_range(r.exp))
        return overflow(err);
    *out = (struct ward_decimal){.coef = r.coef, .exp = (int32_t)r.exp, .negative = negative};
    return WARD_OK;
}

struct ward_decimal ward_decimal_of(int64_t n, int exp)
{
    uint64_t magnitude = n < 0 ? UINT64_C(0) - (uint64_t)n : (uint64_t)n;

    return (struct ward_decimal){.coef = magnitude, .exp = exp, .negative = n < 0};
}

/* Writes coef as digits with a NUL. Returns their number. */
static int spell(unsigned __int128 coef, char out[WARD_DECIMAL_DIGITS + 2])
{
    int n = ward_wide_digits(coef), i = n - 1;
    uint64_t low;

    out[n] = '\0';
    for (; coef > UINT64_MAX; i--, coef /= 10)
        out[i] = (char)('0' + (int)(coef % 10));
    /* As ward_wide_digits. */
    for (low = (uint64_t)coef; i >= 0; i--, low /= 10)
        out[i] = (char)('0' + (int)(low % 10));
    return n;
}

static char *append(char *to, const char *s, size_t n)
{
    memcpy(to, s, n);
    return to + n;
}

/* A check of an order prints about thirty decimals, so this function avoids printf. */
size_t ward_decimal_print(const struct ward_decimal *a, char out[WARD_DECIMAL_SIZE])
{
    char d[WARD_DECIMAL_DIGITS + 2], *to = out;
    int n = spell(a->coef, d), point = n + a->exp; /* digits before the point */

    if (a->exp > 0 || a->exp < PLAIN_MIN)
        return (size_t)snprintf(out, WARD_DECIMAL_SIZE, "%s%c%s%se%+d", a->negative ? "-" : "",
                                d[0], n > 1 ? "." : "", d + 1, point - 1);
    to = append(to, "-", a->negative ? 1 : 0);
    if (a->exp == 0) {
        to = append(to, d, (size_t)n);
    } else if (point > 0) {
        to = append(to, d, (size_t)point);
        to = append(to, ".", 1);
        to = append(to, d + point, (size_t)(n - point));
    } else {
        to = append(to, "0.", 2);
        to = append(to, ZEROS, (size_t)-point);
        to = append(to, d, (size_t)n);
    }
    *to = '\0';
    return (size_t)(to - out);
}

bool ward_decimal_is_zero(const struct ward_decimal *a)
{
    return a->coef == 0;
}

/* Removes trailing zeros while exp <= most. */
static void strip(struct ward_decimal *a, int most)
{
    uint64_t low;

    if (a->coef == 0 && a->exp < most)
        a->exp = most;
    while (a->coef > UINT64_MAX && a->coef % 10 == 0 && a->exp < most) {
        a->coef /= 10;
        a->exp++;
    }
    if (a->coef > UINT64_MAX)
        return;
    for (low = (uint64_t)a->coef; low != 0 && low % 10 == 0 && a->exp < most; a->exp++)
        low /= 10;
    a->coef = low;
}

struct ward_decimal ward_decimal_canonical(const struct ward_decimal *a)
{
    struct ward_decimal c = *a;

    if (c.coef == 0)
        return (struct ward_decimal){.coef = 0};
    strip(&c, WARD_DECIMAL_EXP_MAX);
    return c;
}

int ward_decimal_significant(const struct ward_decimal *a)
{
    return ward_wide_digits(a->coef);
}

static int sign_of(const struct ward_decimal *a)
{
    return a->coef == 0 ? 0 : a->negative ? -1 : 1;
}

/* Returns -1, 0 or 1 for |a| and |b|, neither 0. */
static int cmp_size(const struct ward_decimal *a, const struct ward_decimal *b)
{
    unsigned __int128 x = a->coef, y = b->coef;
    int high_a, high_b;

    if (a->exp == b->exp)
        return x < y ? -1 : x > y ? 1 : 0;
    high_a = ward_wide_digits(x) + a->exp;
    high_b = ward_wide_digits(y) + b->exp;
    if (high_a != high_b)
        return high_a < high_b ? -1 : 1;
    /* Both numbers have equally many digits before the point. The shorter number is extended
     * with zeros. */
    while (ward_wide_digits(x) < ward_wide_digits(y))
        x *= 10;
    while (ward_wide_digits(y) < ward_wide_digits(x))
        y *= 10;
    return x < y ? -1 : x > y ? 1 : 0;
}

int ward_decimal_cmp(const struct ward_decimal *a, const struct ward_decimal *b)
{
    int sa = sign_of(a), sb = sign_of(b);

    if (sa != sb || sa == 0)
        return sa < sb ? -1 : sa > sb ? 1 : 0;
    return sa * cmp_size(a, b);
}

/* Gives both numbers the smaller of their exponents. If the result has too many digits, uses
 * the smallest exponent that their values need. */
static bool align(struct ward_decimal *a, struct ward_decimal *b)
{
    struct ward_decimal *high = a->exp >= b->exp ? a : b, *low = high == a ? b : a;

    if (!ward_wide_fits10(high->coef, high->exp - low->exp))
        strip(low, high->exp);
    if (!ward_wide_fits10(high->coef, high->exp - low->exp))
        return false;
    for (; high->exp > low->exp; high->exp--)
        high->coef *= 10;
    return true;
}

static enum ward_code sum(struct ward_decimal a, struct ward_decimal b,
                          struct ward_decimal *out, struct ward_err *err)
{
    struct ward_decimal c;

    if (!align(&a, &b))
        return overflow(err);
    c = a;
    if (a.negative == b.negative) {
        if (!ward_wide_add(a.coef, b.coef, &c.coef))
            return overflow(err);
    } else {
        c.negative = a.coef == b.coef ? false : (a.coef > b.coef ? a.negative : b.negative);
        c.coef = a.coef > b.coef ? a.coef - b.coef : b.coef - a.coef;
    }
    *out = c;
    return WARD_OK;
}

enum ward_code ward_decimal_add(const struct ward_decimal *a, const struct ward_decimal *b,
                                struct ward_decimal *out, struct ward_err *err)
{
    return sum(*a, *b, out, err);
}

enum ward_code ward_decimal_sub(const struct ward_decimal *a, const struct ward_decimal *b,
                                struct ward_decimal *out, struct ward_err *err)
{
    struct ward_decimal minus = *b;

    minus.negative = !b->negative;
    return sum(*a, minus, out, err);
}

enum ward_code ward_decimal_mul(const struct ward_decimal *a, const struct ward_decimal *b,
                                struct ward_decimal *out, struct ward_err *err)
{
    struct ward_decimal x = *a, y = *b, c;

    c.negative = a->negative != b->negative;
    if (!ward_wide_mul(x.coef, y.coef, &c.coef)) {
        strip(&x, WARD_DECIMAL_EXP_MAX);
        strip(&y, WARD_DECIMAL_EXP_MAX);
        if (!ward_wide_mul(x.coef, y.coef, &c.coef))
            return overflow(err);
    }
    if (!in_range((int64_t)x.exp + y.exp))
        return overflow(err);
    c.exp = x.exp + y.exp;
    *out = c;
    return WARD_OK;
}

enum ward_code ward_decimal_div(const struct ward_decimal *a, const struct ward_decimal *b,
                                struct ward_decimal *out, struct ward_err *err)
{
    struct ward_decimal c = {.negative = a->negative != b->negative};
    struct ward_decimal x = *a, y = *b;
    unsigned __int128 g, den;
    int64_t exp;

    if (y.coef == 0)
        return zero_divisor(err);
    strip(&x, WARD_DECIMAL_EXP_MAX);
    strip(&y, WARD_DECIMAL_EXP_MAX);
    exp = (int64_t)x.exp - y.exp;
    g = ward_wide_gcd(x.coef, y.coef);
    den = y.coef / g;
    c.coef = x.coef / g;
    /* A quotient has finitely many digits if its denominator contains only the factors two and
     * five. */
    for (unsigned p = 2, other = 5; p <= 5; p += 3, other -= 3)
        for (; den % p == 0; den /= p, exp--)
            if (!ward_wide_mul(c.coef, other, &c.coef))
                return overflow(err);
    if (den != 1)
        return WARD_FAIL_REASON(err, FAILED_PRECONDITION, "DECIMAL_INEXACT",
                                "the quotient has infinitely many digits");
    if (c.coef == 0)
        exp = 0, c.negative = false;
    if (!in_range(exp))
        return overflow(err);
    c.exp = (int32_t)exp;
    if (c.coef != 0)
        strip(&c, WARD_DECIMAL_EXP_MAX);
    *out = c;
    return WARD_OK;
}

/* A truncated quotient, and a comparison of the truncated part with half a unit. */
struct cut {
    unsigned __int128 q;
    bool rest; /* a non-zero part was truncated */
    int half;  /* -1, 0, 1: less than half, half, more */
};

/* a * 10^places / b, places >= 0. b may be close to the maximum, so that ten times a remainder
 * exceeds 128 bits; then ten additions replace the multiplication. */
static bool long_division(unsigned __int128 a, unsigned __int128 b, int64_t places,
                          struct cut *out)
{
    unsigned __int128 q = a / b, r = a % b;

    for (; places > 0; places--) {
        unsigned __int128 ten = 0;
        unsigned digit = 0;

        if (q == 0 && r == 0)
            break;
        for (int i = 0; i < 10; i++) {
            ten += r;
            digit += ten >= b;
            ten -= ten >= b ? b : 0;
        }
        r = ten;
        if (!ward_wide_mul(q, 10, &q) || !ward_wide_add(q, digit, &q))
            return false;
    }
    *out = (struct cut){q, r != 0, r < b - r ? -1 : r > b - r ? 1 : 0};
    return true;
}

/* a / (b * 10^places), places > 0. */
static struct cut short_division(unsigned __int128 a, unsigned __int128 b, int64_t places)
{
    unsigned __int128 q = a / b, unit = 1, low;
    bool rest = a % b != 0;

    if (places > WARD_DECIMAL_DIGITS) /* always less than half a unit */
        return (struct cut){0, a != 0, -1};
    for (int64_t i = 0; i < places; i++)
        unit *= 10;
    low = q % unit;
    return (struct cut){q / unit, low != 0 || rest,
                        low != unit / 2 ? (low < unit / 2 ? -1 : 1) : rest};
}

static bool goes_up(const struct cut *c, enum ward_round how)
{
    switch (how) {
    case WARD_ROUND_UP:
        return c->rest;
    case WARD_ROUND_HALF_UP:
        return c->rest && c->half >= 0;
    case WARD_ROUND_HALF_EVEN:
        return c->rest && (c->half > 0 || (c->half == 0 && c->q % 2 == 1));
    case WARD_ROUND_DOWN:
    default:
        return false;
    }
}

enum ward_code ward_decimal_div_round(const struct ward_decimal *a,
                                      const struct ward_decimal *b, int exp,
                                      enum ward_round how, struct ward_decimal *out,
                                      bool *inexact, struct ward_err *err)
{
    int64_t places = (int64_t)a->exp - b->exp - exp;
    struct ward_decimal c = {.exp = exp, .negative = a->negative != b->negative};
    struct cut cut;

    if (b->coef == 0)
        return zero_divisor(err);
    if (!in_range(exp))
        return overflow(err);
    if (places < 0)
        cut = short_division(a->coef, b->coef, -places);
    else if (!long_division(a->coef, b->coef, places, &cut))
        return overflow(err);
    if (!ward_wide_add(cut.q, goes_up(&cut, how), &c.coef))
        return overflow(err);
    if (c.coef == 0)
        c.negative = false;
    if (inexact != NULL)
        *inexact = cut.rest;
    *out = c;
    return WARD_OK;
}

enum ward_code ward_decimal_round(const struct ward_decimal *a, int exp, enum ward_round how,
                                  struct ward_decimal *out, bool *inexact, struct ward_err *err)
{
    struct ward_decimal one = {.coef = 1};

    return ward_decimal_div_round(a, &one, exp, how, out, inexact, err);
}

enum ward_code ward_decimal_span(const struct ward_decimal *a, struct ward_decimal *from,
                                 struct ward_decimal *to, struct ward_err *err)
{
    struct ward_decimal half = {.coef = 5, .exp = a->exp - (a->exp > 0 ? 2 : 1)}, lo, hi;

    if (!in_range(half.exp))
        return overflow(err);
    WARD_TRY(ward_decimal_sub(a, &half, &lo, err));
    WARD_TRY(ward_decimal_add(a, &half, &hi, err));
    *from = lo;
    *to = hi;
    return WARD_OK;
}

double ward_decimal_double(const struct ward_decimal *a)
{
    char text[WARD_DECIMAL_SIZE];

    ward_decimal_print(a, text);
    return strtod(text, NULL);
}
