#include "common/measure/ucum.h"

#include "common/measure/atoms.h"
#include "common/measure/wide.h"

#include <string.h>

#define POWER_MAX 99 /* limit of an atom's power in a unit, positive and negative */
#define NESTED    12 /* limit of nested definitions; [car_Au] and similar units need five */

/* Current position in the text. `err` is NULL within definitions, which are ours. */
struct reader {
    const char *s, *end;
    int nesting, definitions;
    struct ward_err *err;
};

static enum ward_code parse_term(struct reader *r, struct ward_ucum *out);

static enum ward_code malformed(const struct reader *r)
{
    return WARD_FAIL_REASON(r->err, INVALID_ARGUMENT, "UCUM_MALFORMED",
                            "the unit does not follow UCUM's grammar");
}

static enum ward_code unknown(const struct reader *r)
{
    return WARD_FAIL_REASON(r->err, INVALID_ARGUMENT, "UCUM_UNKNOWN_UNIT",
                            "UCUM does not define the unit, or the unit permits no prefix");
}

static enum ward_code too_complex(const struct reader *r)
{
    return WARD_FAIL_REASON(r->err, OUT_OF_RANGE, "UCUM_TOO_COMPLEX",
                            "the unit exceeds the exact range");
}

static struct ward_ucum unity(void)
{
    return (struct ward_ucum){.num = 1, .den = 1};
}

static bool is_special(const struct ward_ucum *u)
{
    return u->scale != 0 || u->offset.coef != 0;
}

/* num/den of two factors in lowest terms, with tens in the exponent. */
static bool multiply_factor(struct ward_ucum *a, const struct ward_ucum *b)
{
    unsigned __int128 g = ward_wide_gcd(a->num, b->den), h = ward_wide_gcd(b->num, a->den);

    if (!ward_wide_mul(a->num / g, b->num / h, &a->num) ||
        !ward_wide_mul(a->den / h, b->den / g, &a->den))
        return false;
    for (; a->num % 10 == 0; a->exp++)
        a->num /= 10;
    for (; a->den % 10 == 0; a->exp--)
        a->den /= 10;
    a->exp += b->exp;
    return a->exp >= -WARD_DECIMAL_EXP_MAX && a->exp <= WARD_DECIMAL_EXP_MAX;
}

static bool add_power(int8_t *a, int b)
{
    int sum = *a + b;

    if (sum < -POWER_MAX || sum > POWER_MAX)
        return false;
    *a = (int8_t)sum;
    return true;
}

/* Changes the power of one atom in the list, which is sorted by atom and has no zero powers. */
static bool add_quality(struct ward_ucum *u, uint16_t atom, int power)
{
    size_t i = 0, n = 0;

    while (n < WARD_UCUM_QUALITIES && u->quality[n].power != 0)
        n++;
    while (i < n && u->quality[i].atom < atom)
        i++;
    if (i == n || u->quality[i].atom != atom) {
        if (n == WARD_UCUM_QUALITIES)
            return false;
        memmove(&u->quality[i + 1], &u->quality[i], (n - i) * sizeof(u->quality[0]));
        u->quality[i].atom = atom;
        u->quality[i].power = 0;
        n++;
    }
    if (!add_power(&u->quality[i].power, power))
        return false;
    if (u->quality[i].power == 0) {
        memmove(&u->quality[i], &u->quality[i + 1], (n - i - 1) * sizeof(u->quality[0]));
        memset(&u->quality[n - 1], 0, sizeof(u->quality[0]));
    }
    return true;
}

/* a * b^sign */
static bool multiply(struct ward_ucum *a, const struct ward_ucum *b, int sign)
{
    struct ward_ucum f = *b;

    if (sign < 0) {
        f.num = b->den;
        f.den = b->num;
        f.exp = -b->exp;
    }
    if (!multiply_factor(a, &f) || !add_power(&a->pi, sign * b->pi))
        return false;
    for (int i = 0; i < WARD_UCUM_BASES; i++)
        if (!add_power(&a->dim[i], sign * b->dim[i]))
            return false;
    for (size_t i = 0; i < WARD_UCUM_QUALITIES && b->quality[i].power != 0; i++)
        if (!add_quality(a, b->quality[i].atom, sign * b->quality[i].power))
            return false;
    return true;
}

static bool multiply_number(struct ward_ucum *u, const char *text)
{
    struct ward_ucum factor = unity();
    struct ward_decimal d;

    if (ward_decimal_parse(text, strlen(text), &d, NULL) != WARD_OK)
        return false;
    factor.num = d.coef;
    factor.exp = d.exp;
    return multiply_factor(u, &factor);
}

static enum ward_code define(struct reader *r, const struct ucum_atom *atom,
                             struct ward_ucum *out)
{
    struct reader inner = {atom->unit, atom->unit + strlen(atom->unit), 0, r->definitions + 1,
                           r->err};
    struct ward_ucum u = unity();

    WARD_ASSERT(inner.definitions < NESTED); /* the table is ours */
    if (inner.s < inner.end) {
        WARD_TRY(parse_term(&inner, &u));
        WARD_ASSERT(inner.s == inner.end);
    }
    if (!multiply_number(&u, atom->value))
        return too_complex(r);
    *out = u;
    return WARD_OK;
}

static int base_of(const char *code)
{
    static const char *const codes[WARD_UCUM_BASES] = {"m", "s", "g", "rad", "K", "C", "cd"};
    int i = 0;

    while (strcmp(codes[i], code) != 0)
        i++;
    return i;
}

static enum ward_code atom_value(struct reader *r, const struct ucum_atom *atom,
                                 struct ward_ucum *out)
{
    struct ward_ucum u = unity();

    if ((atom->kind & UCUM_BASE) != 0) {
        u.dim[base_of(atom->code)] = 1;
    } else if ((atom->kind & UCUM_QUALITY) != 0) {
        u.quality[0].atom = (uint16_t)(atom - ward_ucum_atoms);
        u.quality[0].power = 1;
    } else if (strcmp(atom->code, "[pi]") == 0) {
        u.pi = 1;
    } else {
        WARD_TRY(define(r, atom, &u));
    }
    if ((atom->kind & UCUM_OFFSET) != 0) {
        const char *offset = ward_ucum_offset_of(atom);

        WARD_TRY(ward_decimal_parse(offset, strlen(offset), &u.offset, NULL));
    }
    if ((atom->kind & UCUM_FUNCTION) !=
        0) { /* the dimension has the atom; only a factor remains */
        u.num = u.den = 1;
        u.exp = 0;
        u.pi = 0;
        u.scale = (uint16_t)(atom - ward_ucum_atoms + 1);
    }
    *out = u;
    return WARD_OK;
}

static bool is_digit(const struct reader *r)
{
    return r->s < r->end && *r->s >= '0' && *r->s <= '9';
}

static bool is_sign(const struct reader *r)
{
    return r->s < r->end && (*r->s == '+' || *r->s == '-');
}

/* Returns the end of an atom: any graphic characters except those of the grammar, which are
 * permitted in brackets. NULL for a bracket without an end. */
static const char *symbol_end(const struct reader *r)
{
    const char *p = r->s;

    for (; p<r->end && * p> ' ' && *p < 0x7f; p++) {
        if (*p == '[') {
            while (p < r->end && *p != ']')
                p++;
            if (p == r->end)
                return NULL;
        } else if (strchr("\"(){}]+-./=", *p) != NULL || (*p >= '0' && *p <= '9')) {
            break;
        }
    }
    return p;
}

/* Returns a prefix's factor; an offset is measured in prefixed units too. */
static bool apply_prefix(struct ward_ucum *u, const struct ucum_prefix *prefix)
{
    struct ward_decimal d;

    if (!multiply_number(u, prefix->value) ||
        ward_decimal_parse(prefix->value, strlen(prefix->value), &d, NULL) != WARD_OK)
        return false;
    return u->offset.coef == 0 || ward_decimal_div(&u->offset, &d, &u->offset, NULL) == WARD_OK;
}

static enum ward_code symbol_value(struct reader *r, const char *s, size_t n,
                                   struct ward_ucum *out)
{
    const struct ucum_atom *atom = ward_ucum_atom_of(s, n);
    const struct ucum_prefix *prefix = NULL;

    for (size_t len = 2; atom == NULL && len > 0; len--) {
        prefix = n > len ? ward_ucum_prefix_of(s, len) : NULL;
        atom = prefix == NULL ? NULL : ward_ucum_atom_of(s + len, n - len);
        if (atom != NULL && (atom->kind & UCUM_METRIC) == 0)
            atom = NULL;
    }
    if (atom == NULL)
        return unknown(r);
    WARD_TRY(atom_value(r, atom, out));
    if (prefix != NULL && !apply_prefix(out, prefix))
        return too_complex(r);
    return WARD_OK;
}

/* [+-]?digits; 1 if there are none. */
static enum ward_code parse_exponent(struct reader *r, int *power)
{
    int sign = 1, value = 0;

    if (!is_sign(r) && !is_digit(r)) {
        *power = 1;
        return WARD_OK;
    }
    if (is_sign(r))
        sign = *r->s++ == '-' ? -1 : 1;
    if (!is_digit(r))
        return malformed(r);
    for (; is_digit(r); r->s++)
        value = value > POWER_MAX ? value : value * 10 + (*r->s - '0');
    if (value > POWER_MAX)
        return too_complex(r);
    *power = sign * value;
    return WARD_OK;
}

static enum ward_code raise(struct reader *r, int power, struct ward_ucum *u)
{
    struct ward_ucum result = unity();

    if (power == 1)
        return WARD_OK;
    if (is_special(u))
        return malformed(r);
    for (int i = 0; i < (power < 0 ? -power : power); i++)
        if (!multiply(&result, u, power < 0 ? -1 : 1))
            return too_complex(r);
    *u = result;
    return WARD_OK;
}

static enum ward_code parse_symbol(struct reader *r, struct ward_ucum *out)
{
    const char *from = r->s, *to = symbol_end(r);
    int power;

    if (to == from || to == NULL)
        return malformed(r);
    r->s = to;
    WARD_TRY(symbol_value(r, from, (size_t)(to - from), out));
    WARD_TRY(parse_exponent(r, &power));
    return raise(r, power, out);
}

/* A whole number, except 10* and 10^, which are atoms. */
static enum ward_code parse_number(struct reader *r, struct ward_ucum *out)
{
    const char *from = r->s;
    unsigned __int128 value = 0;
    int power;

    for (; is_digit(r); r->s++)
        if (!ward_wide_mul(value, 10, &value) ||
            !ward_wide_add(value, (unsigned)(*r->s - '0'), &value))
            return too_complex(r);
    *out = unity();
    if (r->s < r->end && (*r->s == '*' || *r->s == '^')) {
        if (r->s - from != 2 || value != 10)
            return malformed(r);
        r->s++;
        out->exp = 1;
        WARD_TRY(parse_exponent(r, &power));
        return raise(r, power, out);
    }
    if (value == 0) /* zero is not a unit */
        return malformed(r);
    if (r->end - r->s > 1 && r->s[0] == '.' && r->s[1] >= '0' && r->s[1] <= '9')
        return malformed(r); /* 1.73 would be 1 times 73, which nobody means */
    {
        struct ward_ucum factor = {.num = value, .den = 1};

        return multiply_factor(out, &factor) ? WARD_OK : too_complex(r);
    }
}

static enum ward_code parse_annotation(struct reader *r)
{
    for (r->s++; r->s < r->end && *r->s != '}'; r->s++)
        if (*r->s <= ' ' || *r->s >= 0x7f || *r->s == '{')
            return malformed(r);
    if (r->s == r->end)
        return malformed(r);
    r->s++;
    return WARD_OK;
}

static enum ward_code parse_component(struct reader *r, struct ward_ucum *out)
{
    *out = unity();
    if (r->s == r->end)
        return malformed(r);
    if (*r->s == '(') {
        if (r->nesting++ == WARD_UCUM_NESTING)
            return too_complex(r);
        r->s++;
        WARD_TRY(parse_term(r, out));
        if (r->s == r->end || *r->s != ')')
            return malformed(r);
        r->s++;
        r->nesting--;
    } else if (is_digit(r)) {
        WARD_TRY(parse_number(r, out));
    } else if (*r->s != '{') {
        WARD_TRY(parse_symbol(r, out));
    }
    if (r->s < r->end && *r->s == '{')
        return parse_annotation(r);
    return WARD_OK;
}

/* Components joined by '.' and '/', from left to right; a '/' may be first. */
static enum ward_code parse_term(struct reader *r, struct ward_ucum *out)
{
    struct ward_ucum u = unity(), part;
    bool first = true;

    for (;;) {
        int sign = 1;

        if (r->s < r->end && (*r->s == '/' || (*r->s == '.' && !first)))
            sign = *r->s++ == '/' ? -1 : 1;
        else if (!first)
            break;
        WARD_TRY(parse_component(r, &part));
        if (first && sign > 0) {
            u = part;
        } else {
            if (is_special(&u) || is_special(&part))
                return malformed(r);
            if (!multiply(&u, &part, sign))
                return too_complex(r);
        }
        first = false;
    }
    *out = u;
    return WARD_OK;
}

enum ward_code ward_ucum_parse(const char *s, size_t n, struct ward_ucum *out,
                               struct ward_err *err)
{
    struct reader r = {.s = s, .end = s + n, .err = err};
    struct ward_ucum u;

    if (n == 0 || n > WARD_UCUM_MAX)
        return malformed(&r);
    WARD_TRY(parse_term(&r, &u));
    if (r.s != r.end)
        return malformed(&r);
    *out = u;
    return WARD_OK;
}

const char *ward_ucum_atom(size_t i, bool *takes_prefix)
{
    if (i >= ward_ucum_n_atoms)
        return NULL;
    *takes_prefix = (ward_ucum_atoms[i].kind & UCUM_METRIC) != 0;
    return ward_ucum_atoms[i].code;
}
