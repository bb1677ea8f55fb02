/* Ingredients, drugs and their products. */
#include "services/dosage/formulary/valid.h"
#include "services/dosage/give/give.h"

#include <string.h>

#define INGREDIENTS_MOST 8
#define GTIN             14
#define FORM             200
#define SOURCE           1000
#define LOCAL            64
#define SCAN_MEM         4096
#define LOADING_MOST     10080 /* minutes of a week */

static bool converts(const char *from, const char *to)
{
    struct ward_ucum a, b;

    return ward_ucum_parse(from, strlen(from), &a, NULL) == WARD_OK &&
           ward_ucum_parse(to, strlen(to), &b, NULL) == WARD_OK &&
           ward_ucum_commensurable(&a, &b, NULL) == WARD_OK;
}

/* An equivalent is invalid if UCUM can convert between the units. */
static void equivalent(struct valid *v, const Ingredient *in, size_t i,
                       const struct place *ingredient)
{
    const struct place *at = PLACE_OF(ingredient, "equivalents", i);
    const Ward__Dosage__V1__Equivalent *e = in->equivalents[i];
    struct ward_decimal d;

    valid_source(v, at, e->source);
    if (e->amount == NULL || e->is == NULL) {
        wrong(v, PLACE(at, e->amount == NULL ? "amount" : "is"), "is missing");
        return;
    }
    valid_amount(v, PLACE(at, "is"), e->is, in, OVER_NOTHING, NULL);
    if (!valid_decimal(v, PLACE(PLACE(at, "amount"), "value"), e->amount->value, &d) ||
        !valid_unit(v, PLACE(PLACE(at, "amount"), "unit"), e->amount->unit))
        return;
    if (converts(e->amount->unit, in->unit))
        wrong(v, PLACE(PLACE(at, "amount"), "unit"),
              "already converts to the ingredient's unit");
    for (size_t k = 0; k < i; k++)
        if (in->equivalents[k]->amount != NULL &&
            converts(e->amount->unit, in->equivalents[k]->amount->unit))
            wrong(v, PLACE(PLACE(at, "amount"), "unit"), "has more than one equivalent");
}

static void loading(struct valid *v, const Ingredient *in, const struct place *ingredient)
{
    const struct place *at = PLACE(ingredient, "loading");
    const Ward__Dosage__V1__LoadingDose *l = in->loading;

    if (l == NULL)
        return;
    if (l->least == NULL)
        wrong(v, PLACE(at, "least"), "is missing");
    else
        valid_amount(v, PLACE(at, "least"), l->least, in, OVER_NOTHING, NULL);
    if (l->then_minutes < 0 || l->then_minutes > LOADING_MOST)
        wrong(v, PLACE(at, "then_minutes"), "is not 0 to 10080");
    valid_source(v, at, l->source);
}

static void ingredient(struct valid *v, const Ingredient *in, const struct place *at)
{
    valid_word(v, PLACE(at, "id"), in->id, "");
    valid_sentence(v, PLACE(at, "name"), in->name);
    valid_codes(v, PLACE(at, "codes"), in->codes, in->n_codes);
    valid_unit(v, PLACE(at, "unit"), in->unit);
    valid_source(v, at, in->source);
    for (size_t i = 0; i < in->n_equivalents; i++)
        equivalent(v, in, i, at);
    loading(v, in, at);
    valid_names(v, at, "synonyms", in->synonyms, in->n_synonyms);
    for (size_t i = 0; i < in->n_classes; i++)
        valid_word(v, PLACE_OF(at, "classes", i), in->classes[i], "");
}

static bool has(char *const *list, size_t n, const char *s)
{
    for (size_t i = 0; i < n; i++)
        if (strcmp(list[i], s) == 0)
            return true;
    return false;
}

/* ---- products ---- */

static void strength(struct valid *v, const Drug *d, const Product *p, size_t i,
                     const struct place *product)
{
    const struct place *at = PLACE_OF(product, "strengths", i);
    const Ward__Dosage__V1__Strength *s = p->strengths[i];
    const Ingredient *in = ruleset_ingredient(v->r, s->ingredient);
    struct ward_decimal per;

    if (in == NULL || !has(d->ingredients, d->n_ingredients, s->ingredient)) {
        wrong(v, PLACE(at, "ingredient"), "is not one of the drug's ingredients");
        return;
    }
    if (s->amount == NULL || s->per == NULL) {
        wrong(v, PLACE(at, s->amount == NULL ? "amount" : "per"), "is missing");
        return;
    }
    valid_amount(v, PLACE(at, "amount"), s->amount, in,
                 strcmp(s->per->unit, "{patch}") == 0 && valid_is_rate(s->amount->unit)
                     ? OVER_TIME
                     : OVER_NOTHING,
                 NULL);
    if (valid_decimal(v, PLACE(PLACE(at, "per"), "value"), s->per->value, &per))
        valid_unit(v, PLACE(PLACE(at, "per"), "unit"), s->per->unit);
    for (size_t k = 0; k < i; k++)
        if (strcmp(p->strengths[k]->ingredient, s->ingredient) == 0 &&
            p->strengths[k]->per != NULL &&
            strcmp(p->strengths[k]->per->unit, s->per->unit) == 0)
            wrong(v, at, "has the same ingredient and unit as an earlier strength");
}

static void strengths(struct valid *v, const Drug *d, const Product *p, const struct place *at)
{
    for (size_t i = 0; i < p->n_strengths; i++)
        strength(v, d, p, i, at);
    for (size_t i = 0; i < d->n_ingredients; i++) {
        size_t k = 0;

        while (k < p->n_strengths &&
               strcmp(p->strengths[k]->ingredient, d->ingredients[i]) != 0)
            k++;
        if (k == p->n_strengths)
            wrong(v, PLACE(at, "strengths"), "have no strength for the ingredient %.64s",
                  d->ingredients[i]);
    }
}

/* Source: GS1 General Specifications, 7.9.1: weights 3 and 1 from the right. */
static bool gtin_good(const char *s)
{
    int sum = 0;

    if (strlen(s) != GTIN || strspn(s, "0123456789") != GTIN)
        return false;
    for (int i = 0; i < GTIN - 1; i++)
        sum += (s[i] - '0') * (i % 2 == 0 ? 3 : 1);
    return (10 - sum % 10) % 10 == s[GTIN - 1] - '0';
}

static bool trace_good(const char *s)
{
    size_t n = strlen(s);

    return n >= RULESET_TRACE_LEAST && n <= RULESET_TRACE_MOST && s[0] == '8' &&
           strspn(s, "0123456789") == n;
}

/* A hospital's own code must not be readable as any other code. */
static bool local_good(const char *s)
{
    Ward__Dosage__V1__Scanned *scanned = NULL;
    struct ward_arena mem;
    enum ward_code code;
    size_t n = 0;

    while (n <= LOCAL && s[n] > ' ' && s[n] <= '~')
        n++;
    if (n == 0 || n > LOCAL || s[n] != '\0' || s[0] == ']')
        return false;
    ward_arena_init(&mem, SCAN_MEM);
    code = scan_parse(s, &mem, &scanned, NULL);
    ward_arena_done(&mem);
    return code != WARD_OK;
}

static void codes(struct valid *v, const Product *p, const struct place *at)
{
    for (size_t i = 0; i < p->n_gtins; i++)
        if (!gtin_good(p->gtins[i]))
            wrong(v, PLACE_OF(at, "gtins", i),
                  "is not a GTIN of 14 digits, or its check digit is wrong");
    for (size_t i = 0; i < p->n_trace_codes; i++)
        if (!trace_good(p->trace_codes[i]))
            wrong(v, PLACE_OF(at, "trace_codes", i), "is not %d to %d digits that begin with 8",
                  RULESET_TRACE_LEAST, RULESET_TRACE_MOST);
    for (size_t i = 0; i < p->n_local_codes; i++)
        if (!local_good(p->local_codes[i]))
            wrong(v, PLACE_OF(at, "local_codes", i),
                  "is not 1 to %d visible characters, or is a barcode of another kind", LOCAL);
}

static bool has_route(const Drug *d, Ward__Dosage__V1__Route route)
{
    for (size_t i = 0; i < d->n_routes; i++)
        if (d->routes[i] == route)
            return true;
    return false;
}

/* Only products with a strength per tablet may be halved. */
static void halved(struct valid *v, const Product *p, const struct place *at)
{
    size_t i = 0;

    if (!p->may_be_halved) {
        if (*p->halved_source != '\0')
            wrong(v, PLACE(at, "halved_source"), "needs may_be_halved");
        return;
    }
    valid_text(v, PLACE(at, "halved_source"), p->halved_source, SOURCE);
    while (i < p->n_strengths && (p->strengths[i]->per == NULL ||
                                  strcmp(p->strengths[i]->per->unit, "{tablet}") != 0))
        i++;
    if (i == p->n_strengths)
        wrong(v, PLACE(at, "may_be_halved"), "needs a strength per {tablet}");
}

static void product(struct valid *v, const Drug *d, const Product *p, const struct place *at)
{
    valid_word(v, PLACE(at, "id"), p->id, "");
    valid_sentence(v, PLACE(at, "name"), p->name);
    valid_text(v, PLACE(at, "form"), p->form, FORM);
    valid_source(v, at, p->source);
    strengths(v, d, p, at);
    halved(v, p, at);
    if (p->n_routes == 0)
        wrong(v, PLACE(at, "routes"), "are missing");
    if (valid_routes(v, at, "routes", p->routes, p->n_routes))
        for (size_t i = 0; i < p->n_routes; i++)
            if (!has_route(d, p->routes[i]))
                wrong(v, PLACE_OF(at, "routes", i), "is not one of the drug's routes");
    codes(v, p, at);
}

/* ---- drugs ---- */

static void holds(struct valid *v, const Drug *d, const struct place *at)
{
    if (d->n_ingredients == 0 || d->n_ingredients > INGREDIENTS_MOST)
        wrong(v, PLACE(at, "ingredients"), "must be 1 to %d", INGREDIENTS_MOST);
    for (size_t i = 0; i < d->n_ingredients; i++)
        if (ruleset_ingredient(v->r, d->ingredients[i]) == NULL)
            wrong(v, PLACE_OF(at, "ingredients", i), "is not an ingredient of this set");
        else if (has(d->ingredients, i, d->ingredients[i]))
            wrong(v, PLACE_OF(at, "ingredients", i), "is listed twice");
}

static void drug(struct valid *v, const Drug *d, const struct place *at)
{
    valid_word(v, PLACE(at, "id"), d->id, "");
    valid_sentence(v, PLACE(at, "name"), d->name);
    valid_codes(v, PLACE(at, "codes"), d->codes, d->n_codes);
    holds(v, d, at);
    if (d->n_routes == 0)
        wrong(v, PLACE(at, "routes"), "are missing");
    valid_routes(v, at, "routes", d->routes, d->n_routes);
    for (size_t i = 0; i < d->n_products; i++)
        product(v, d, d->products[i], PLACE_OF(at, "products", i));
}

void valid_drugs(struct valid *v)
{
    const RuleSet *m = v->r->msg;

    for (size_t i = 0; i < m->n_ingredients; i++)
        ingredient(v, m->ingredients[i], PLACE_OF(NULL, "ingredients", i));
    for (size_t i = 0; i < m->n_drugs; i++)
        drug(v, m->drugs[i], PLACE_OF(NULL, "drugs", i));
}
