/* Elements that all parts of a rule set use: words, texts, sentences, codes, numbers, days. */
#include "services/dosage/formulary/valid.h"

#include "common/measure/fhirtime.h"

#include <string.h>

#define WORD     64
#define SENTENCE 1000
#define SOURCE   1000
#define NAME     200
#define DIGITS   20

static bool has_upper(const char *s)
{
    for (; *s != '\0'; s++)
        if (*s >= 'A' && *s <= 'Z')
            return true;
    return false;
}

bool valid_word(struct valid *v, const struct place *at, const char *s, const char *more)
{
    size_t n = strlen(s);

    if (n == 0)
        return wrong(v, at, "is empty");
    if (n > WORD)
        return wrong(v, at, "is longer than %d bytes", WORD);
    for (; *s != '\0'; s++)
        if (!((*s >= 'a' && *s <= 'z') || (*s >= '0' && *s <= '9') || *s == '-' ||
              strchr(more, *s) != NULL))
            return wrong(v, at, "has a character other than a-z 0-9 -%s%s",
                         *more == '\0' ? "" : " ", more);
    return true;
}

/* A blank text counts as missing. */
bool valid_text(struct valid *v, const struct place *at, const char *s, size_t most)
{
    if (s[strspn(s, " \t\r\n")] == '\0')
        return wrong(v, at, "is empty");
    if (strlen(s) > most)
        return wrong(v, at, "is longer than %zu bytes", most);
    return true;
}

bool valid_source(struct valid *v, const struct place *in, const char *s)
{
    return valid_text(v, PLACE(in, "source"), s, SOURCE);
}

bool valid_sentence(struct valid *v, const struct place *at, const Sentence *s)
{
    if (s == NULL)
        return wrong(v, at, "is missing");
    return valid_text(v, PLACE(at, "en"), s->en, SENTENCE) &&
           valid_text(v, PLACE(at, "zh"), s->zh, SENTENCE);
}

bool valid_codes(struct valid *v, const struct place *in, Coding *const *codes, size_t n)
{
    bool good = true;

    for (size_t i = 0; i < n; i++) {
        const struct place *at = PLACE_OF(in->in, in->name, i);

        if (!valid_text(v, PLACE(at, "system"), codes[i]->system, NAME) ||
            !valid_text(v, PLACE(at, "code"), codes[i]->code, NAME))
            good = false;
    }
    return good;
}

bool valid_routes(struct valid *v, const struct place *in, const char *name,
                  const Ward__Dosage__V1__Route *list, size_t n)
{
    uint32_t seen = 0;

    for (size_t i = 0; i < n; i++) {
        int route = (int)list[i];

        if (route <= 0 || route > (int)WARD__DOSAGE__V1__ROUTE__ROUTE_IT)
            return wrong(v, PLACE_OF(in, name, i), "is not a route");
        if (seen & (1U << route))
            return wrong(v, PLACE_OF(in, name, i), "is listed twice");
        seen |= 1U << route;
    }
    return true;
}

bool valid_range(struct valid *v, const struct place *at, int64_t n, int64_t from, int64_t to)
{
    if (n >= from && n <= to)
        return true;
    return wrong(v, at, "must be %lld to %lld", (long long)from, (long long)to);
}

bool valid_names(struct valid *v, const struct place *in, const char *name, char *const *list,
                 size_t n)
{
    bool good = true;

    for (size_t i = 0; i < n; i++) {
        const struct place *at = PLACE_OF(in, name, i);

        if (!valid_text(v, at, list[i], NAME))
            good = false;
        else if (has_upper(list[i]))
            good = wrong(v, at, "must be lower case");
    }
    return good;
}

static int digits(const char *s)
{
    int n = 0;

    for (; *s != '\0'; s++)
        n += *s >= '0' && *s <= '9';
    return n;
}

bool valid_decimal(struct valid *v, const struct place *at, const char *s,
                   struct ward_decimal *out)
{
    struct ward_decimal d;

    if (strpbrk(s, "eE") != NULL || ward_decimal_parse(s, strlen(s), &d, NULL) != WARD_OK)
        return wrong(v, at, "is not a decimal number");
    if (digits(s) > DIGITS)
        return wrong(v, at, "has more than %d digits", DIGITS);
    if (d.negative || ward_decimal_is_zero(&d))
        return wrong(v, at, "must be above 0");
    *out = d;
    return true;
}

bool valid_day(struct valid *v, const struct place *at, const char *s)
{
    struct ward_fhirtime t;

    if (ward_fhirtime_parse(WARD_FHIR_DATE, s, strlen(s), 0, &t, NULL) != WARD_OK ||
        t.precision != WARD_TO_DAY)
        return wrong(v, at, "is not a date such as 2026-11-01");
    return true;
}
