#include "common/measure/atoms.h"
#include "common/measure/ucum.h"
#include "common/measure/wide.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define SEARCH_DIGITS 34 /* digits of an infinite quotient before it becomes a double */

static const char *code_of(uint16_t atom)
{
    return ward_ucum_atoms[atom].code;
}

/* Dimensions that only a substance relates. */
static bool is_amount(uint16_t atom)
{
    const char *code = code_of(atom);

    return strcmp(code, "mol") == 0 || strcmp(code, "eq") == 0 || strcmp(code, "osm") == 0;
}

/* Sums of powers that describe how a unit measures a substance. */
struct stuff {
    int known; /* sum of the powers of mass and amounts */
    int which; /* differs if the amounts differ */
    int arbitrary;
};

static struct stuff stuff_of(const struct ward_ucum *u)
{
    struct stuff s = {.known = u->dim[WARD_UCUM_G]};

    for (size_t i = 0; i < WARD_UCUM_QUALITIES && u->quality[i].power != 0; i++) {
        bool amount = is_amount(u->quality[i].atom);

        s.known += amount ? u->quality[i].power : 0;
        s.which += amount ? u->quality[i].power * u->quality[i].atom : 0;
        s.arbitrary += amount ? 0 : u->quality[i].power;
    }
    return s;
}

static bool same_qualities(const struct ward_ucum *a, const struct ward_ucum *b)
{
    for (size_t i = 0; i < WARD_UCUM_QUALITIES; i++)
        if (a->quality[i].power != b->quality[i].power ||
            (a->quality[i].power != 0 && a->quality[i].atom != b->quality[i].atom))
            return false;
    return true;
}

/* Returns whether two units differ only in the way of measuring a substance: mg/dL and mmol/L,
 * meq and mmol, [IU] and mg. */
static bool substance_would_do(const struct ward_ucum *a, const struct ward_ucum *b)
{
    struct stuff x = stuff_of(a), y = stuff_of(b);

    for (int i = 0; i < WARD_UCUM_BASES; i++)
        if (i != WARD_UCUM_G && a->dim[i] != b->dim[i])
            return false;
    return x.known + x.arbitrary == y.known + y.arbitrary &&
           (x.known != y.known || x.which != y.which);
}

enum ward_code ward_ucum_commensurable(const struct ward_ucum *a, const struct ward_ucum *b,
                                       struct ward_err *err)
{
    bool same = memcmp(a->dim, b->dim, sizeof(a->dim)) == 0;

    if (!same || !same_qualities(a, b)) {
        if (substance_would_do(a, b))
            return WARD_FAIL_REASON(
                err, INVALID_ARGUMENT, "UCUM_NEEDS_SUBSTANCE",
                "the conversion between these two units depends on the substance");
        return WARD_FAIL_REASON(err, INVALID_ARGUMENT, "UCUM_NOT_COMMENSURABLE",
                                "the two units measure different things");
    }
    if (a->scale != b->scale)
        return WARD_FAIL_REASON(err, FAILED_PRECONDITION, "UCUM_NOT_LINEAR",
                                "the conversion between the two units is not linear");
    return WARD_OK;
}

static enum ward_code inexact_units(struct ward_err *err)
{
    return WARD_FAIL_REASON(err, FAILED_PRECONDITION, "UCUM_INEXACT",
                            "the converted number has infinitely many digits");
}

/* Computes numerator and denominator of x converted from a to b. */
static enum ward_code fraction(const struct ward_decimal *x, const struct ward_ucum *a,
                               const struct ward_ucum *b, struct ward_decimal *num,
                               struct ward_decimal *den, struct ward_err *err)
{
    unsigned __int128 g = ward_wide_gcd(a->num, b->num), h = ward_wide_gcd(b->den, a->den);
    struct ward_decimal factor = {.exp = a->exp - b->exp}, n, d = {.coef = 1}, moved;

    if (!ward_wide_mul(a->num / g, b->den / h, &factor.coef) ||
        !ward_wide_mul(a->den / h, b->num / g, &d.coef))
        return WARD_FAIL_REASON(err, OUT_OF_RANGE, "UCUM_TOO_COMPLEX",
                                "the two units together exceed the exact range");
    WARD_TRY(ward_decimal_add(x, &a->offset, &n, err));
    if (b->offset.coef == 0) { /* no second addition follows; reduced numbers leave more room */
        g = ward_wide_gcd(d.coef, n.coef);
        n.coef /= g;
        d.coef /= g;
    }
    WARD_TRY(ward_decimal_mul(&n, &factor, &n, err));
    if (b->offset.coef != 0) {
        WARD_TRY(ward_decimal_mul(&b->offset, &d, &moved, err));
        WARD_TRY(ward_decimal_sub(&n, &moved, &n, err));
    }
    *num = n;
    *den = d;
    return WARD_OK;
}

static enum ward_code prepare(const struct ward_decimal *x, const struct ward_ucum *from,
                              const struct ward_ucum *to, struct ward_decimal *num,
                              struct ward_decimal *den, struct ward_err *err)
{
    WARD_TRY(ward_ucum_commensurable(from, to, err));
    if (from->pi != to->pi)
        return inexact_units(err);
    return fraction(x, from, to, num, den, err);
}

enum ward_code ward_ucum_convert(const struct ward_decimal *x, const struct ward_ucum *from,
                                 const struct ward_ucum *to, struct ward_decimal *out,
                                 struct ward_err *err)
{
    struct ward_decimal num, den;
    enum ward_code code;

    WARD_TRY(prepare(x, from, to, &num, &den, err));
    code = ward_decimal_div(&num, &den, out, err);
    return code == WARD_FAILED_PRECONDITION ? inexact_units(err) : code;
}

enum ward_code ward_ucum_convert_round(const struct ward_decimal *x,
                                       const struct ward_ucum *from, const struct ward_ucum *to,
                                       int exp, enum ward_round how, struct ward_decimal *out,
                                       bool *inexact, struct ward_err *err)
{
    struct ward_decimal num, den;

    WARD_TRY(prepare(x, from, to, &num, &den, err));
    return ward_decimal_div_round(&num, &den, exp, how, out, inexact, err);
}

/* Writes a code and its power, with a "." before it if necessary. */
static size_t say(char *out, size_t n, const char *code, int power)
{
    int len = power == 1 ? snprintf(out + n, WARD_UCUM_SIZE - n, "%s%s", n > 0 ? "." : "", code)
                         : snprintf(out + n, WARD_UCUM_SIZE - n, "%s%s%d", n > 0 ? "." : "",
                                    code, power);

    return n + (size_t)len;
}

size_t ward_ucum_canonical(const struct ward_ucum *u, char out[WARD_UCUM_SIZE])
{
    static const struct {
        enum ward_ucum_base base;
        const char *code;
    } order[] = {{WARD_UCUM_G, "g"},    {WARD_UCUM_M, "m"}, {WARD_UCUM_S, "s"},
                 {WARD_UCUM_K, "K"},    {WARD_UCUM_C, "C"}, {WARD_UCUM_CD, "cd"},
                 {WARD_UCUM_RAD, "rad"}};
    size_t n = 0;

    if (u->scale != 0)
        return say(out, 0, code_of((uint16_t)(u->scale - 1)), 1);
    for (size_t i = 0; i < WARD_UCUM_QUALITIES && u->quality[i].power != 0; i++)
        n = say(out, n, code_of(u->quality[i].atom), u->quality[i].power);
    for (size_t i = 0; i < WARD_COUNT(order); i++)
        if (u->dim[order[i].base] != 0)
            n = say(out, n, order[i].code, u->dim[order[i].base]);
    return n == 0 ? say(out, 0, "1", 1) : n;
}

/* Exact as long as possible, so that 120 mg/dL and 1.2 g/L give the same double. */
double ward_ucum_to_canonical(const struct ward_decimal *x, const struct ward_ucum *u)
{
    static const struct ward_ucum base = {.num = 1, .den = 1};
    double pi = pow(M_PI, u->pi);
    struct ward_decimal num, den, q;

    if (fraction(x, u, &base, &num, &den, NULL) == WARD_OK) {
        int high = ward_wide_digits(num.coef) + num.exp - ward_wide_digits(den.coef) - den.exp;

        if (ward_decimal_div(&num, &den, &q, NULL) == WARD_OK ||
            ward_decimal_div_round(&num, &den, high - SEARCH_DIGITS, WARD_ROUND_HALF_EVEN, &q,
                                   NULL, NULL) == WARD_OK)
            return ward_decimal_double(&q) * pi;
    }
    return (ward_decimal_double(x) + ward_decimal_double(&u->offset)) * (double)u->num /
           (double)u->den * pow(10, u->exp) * pi;
}
