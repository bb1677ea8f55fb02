/* Units of measure and decimals, apart by a line's end: a unit that is read comes down to one
 * that is read again and means the same; a quantity goes to another unit and back without a
 * change. max_len: 400 */
#include "common/measure/ucum.h"

#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void check(bool ok, const char *what)
{
    if (ok)
        return;
    fprintf(stderr, "%s\n", what);
    abort();
}

static bool same(const struct ward_decimal *a, const struct ward_decimal *b)
{
    return ward_decimal_cmp(a, b) == 0;
}

static void decimal(const char *s, size_t n)
{
    struct ward_decimal d, again, from, to;
    char text[WARD_DECIMAL_SIZE];
    size_t len;

    if (ward_decimal_parse(s, n, &d, NULL) != WARD_OK)
        return;
    len = ward_decimal_print(&d, text);
    check(len == strlen(text) && len < WARD_DECIMAL_TEXT_MAX, "a long print");
    check(ward_decimal_parse(text, len, &again, NULL) == WARD_OK, "a print that is no number");
    check(again.coef == d.coef && again.exp == d.exp && again.negative == d.negative,
          "a print of another number");
    if (memchr(s, 'e', n) == NULL && memchr(s, 'E', n) == NULL && d.exp >= -40)
        check(len == n && memcmp(s, text, n) == 0, "a plain number changed");
    again = ward_decimal_canonical(&d);
    check(same(&again, &d), "another canonical value");
    if (ward_decimal_span(&d, &from, &to, NULL) == WARD_OK)
        check(ward_decimal_cmp(&from, &d) < 0 && ward_decimal_cmp(&d, &to) < 0, "not between");
    if (ward_decimal_add(&d, &from, &to, NULL) == WARD_OK &&
        ward_decimal_sub(&to, &from, &to, NULL) == WARD_OK)
        check(same(&to, &d), "a sum that does not come back");
}

static void back_and_forth(const struct ward_ucum *a, const struct ward_ucum *b)
{
    const struct ward_decimal x = ward_decimal_of(-725, -2);
    struct ward_decimal y, z;
    double p, q;

    check(ward_ucum_commensurable(a, b, NULL) == ward_ucum_commensurable(b, a, NULL),
          "commensurable one way");
    if (ward_ucum_convert(&x, a, b, &y, NULL) != WARD_OK)
        return;
    p = ward_ucum_to_canonical(&x, a);
    q = ward_ucum_to_canonical(&y, b);
    check(p == q || fabs(p - q) <= 1e-12 * fabs(p), "another canonical value");
    if (ward_ucum_convert(&y, b, a, &z, NULL) == WARD_OK)
        check(same(&x, &z), "a conversion that does not come back");
}

static bool unit(const char *s, size_t n, struct ward_ucum *u)
{
    char text[WARD_UCUM_SIZE], again[WARD_UCUM_SIZE];
    struct ward_ucum v;
    size_t len;

    if (ward_ucum_parse(s, n, u, NULL) != WARD_OK)
        return false;
    len = ward_ucum_canonical(u, text);
    check(len == strlen(text) && len > 0 && len <= WARD_UCUM_MAX, "a long canonical unit");
    check(ward_ucum_parse(text, len, &v, NULL) == WARD_OK, "a canonical unit that is none");
    check(ward_ucum_commensurable(u, &v, NULL) == WARD_OK, "another dimension");
    ward_ucum_canonical(&v, again);
    check(strcmp(text, again) == 0, "not canonical");
    return true;
}

static void normalise(const char *s, size_t n)
{
    char once[WARD_UCUM_SIZE], twice[WARD_UCUM_SIZE];
    struct ward_ucum u;
    bool changed = true;

    if (ward_ucum_normalise(s, n, once, &changed, NULL) != WARD_OK)
        return;
    check(ward_ucum_parse(once, strlen(once), &u, NULL) == WARD_OK, "normalised to no unit");
    check(ward_ucum_normalise(once, strlen(once), twice, &changed, NULL) == WARD_OK &&
              strcmp(once, twice) == 0 && !changed,
          "normalised twice is another");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *s = (const char *)data, *end = s + size;
    struct ward_ucum before, u;
    bool has_before = false;

    while (s < end) {
        const char *stop = memchr(s, '\n', (size_t)(end - s));
        size_t n = stop == NULL ? (size_t)(end - s) : (size_t)(stop - s);

        decimal(s, n);
        normalise(s, n);
        if (unit(s, n, &u)) {
            if (has_before)
                back_and_forth(&before, &u);
            before = u;
            has_before = true;
        }
        s += n + 1;
    }
    return 0;
}
