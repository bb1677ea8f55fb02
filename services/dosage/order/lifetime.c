#include "services/dosage/order/lifetime.h"

#include "services/dosage/check/check.h"
#include "services/dosage/give/give.h"

#include <string.h>

typedef Ward__Dosage__V1__Administration Administration;
typedef Ward__Dosage__V1__DoseRule DoseRule;
typedef Ward__Dosage__V1__Drug Drug;
typedef Ward__Dosage__V1__Lifetime Lifetime;

#define PAGE ((size_t)1000)

struct summing {
    struct worker *w;
    struct ward_arena *mem;
    const struct ruleset *rules;
    const uint8_t *patient;
    int64_t before_us;
    const char *ingredient;
    struct ward_decimal sum;
    struct lifetimes *out;
};

static enum ward_code no_memory(struct ward_err *err)
{
    return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory for a lifetime's doses");
}

static bool has_limit_for_life(const struct ruleset *rules, const char *ingredient)
{
    const DoseRule *const *at;
    size_t n = ruleset_dose_rules(rules, ingredient, &at);

    for (size_t i = 0; i < n; i++)
        if (at[i]->cumulative_days == 0 &&
            (at[i]->max_cumulative != NULL || at[i]->max_cumulative_per_m2 != NULL))
            return true;
    return false;
}

/* Whether a class sum includes this ingredient and has a lifetime limit. */
static bool sums_for_life(const Ward__Dosage__V1__ClassSumRule *c, const char *ingredient)
{
    if (c->cumulative_days != 0 ||
        (c->max_cumulative == NULL && c->max_cumulative_per_m2 == NULL))
        return false;
    for (size_t k = 0; k < c->n_members; k++)
        if (strcmp(c->members[k]->ingredient, ingredient) == 0)
            return true;
    return false;
}

static bool holds(const Drug *d, const char *ingredient)
{
    for (size_t i = 0; i < d->n_ingredients; i++)
        if (strcmp(d->ingredients[i], ingredient) == 0)
            return true;
    return false;
}

/* A dose cannot be added if the rule set no longer has its drug or cannot convert its amount.
 * The sum is then marked as incomplete. */
static void add(struct summing *s, const Administration *a)
{
    const Drug *d = ruleset_drug(s->rules, a->drug_id);
    struct ward_decimal amount;

    if (!dose_counts(a) || (d != NULL && !holds(d, s->ingredient)))
        return;
    if (d == NULL ||
        amount_of_ingredient(s->rules, a->drug_id, a->product_id, a->dose, s->ingredient,
                             &amount, NULL) != WARD_OK ||
        ward_decimal_add(&s->sum, &amount, &s->sum, NULL) != WARD_OK)
        s->out->cut = true;
}

/* The number of doses on a full page before the time of its last dose. All doses of that time
 * appear again on the next page. */
static size_t whole_of(Administration *const *all, size_t n)
{
    size_t whole = n;

    while (whole > 0 && all[whole - 1]->given_at_us == all[n - 1]->given_at_us)
        whole--;
    return whole;
}

static enum ward_code sum_up(struct summing *s, struct ward_err *err)
{
    int64_t from_us = 0;
    Administration **all;
    size_t n, whole;

    do {
        WARD_TRY(
            doses_of(s->w, s->mem, s->patient, from_us, s->before_us, PAGE, &all, &n, err));
        whole = n < PAGE ? n : whole_of(all, n);
        for (size_t i = 0; i < whole; i++)
            add(s, all[i]);
        if (n < PAGE)
            return WARD_OK;
        from_us = all[n - 1]->given_at_us;
        if (whole == 0) { /* a page with one time: further doses of that time are lost */
            s->out->cut = true;
            from_us++;
        }
    } while (true);
}

static enum ward_code one(struct summing *s, bool wanted, struct ward_err *err)
{
    const Ward__Dosage__V1__Ingredient *in = ruleset_ingredient(s->rules, s->ingredient);
    Lifetime *l;

    for (size_t i = 0; i < s->out->n; i++)
        if (strcmp(s->out->at[i]->ingredient, s->ingredient) == 0)
            return WARD_OK;
    if (in == NULL || !wanted)
        return WARD_OK;
    s->sum = ward_decimal_of(0, 0);
    WARD_TRY(sum_up(s, err));
    if (ward_decimal_is_zero(&s->sum))
        return WARD_OK; /* the ingredient was never given */
    l = ward_new(s->mem, Lifetime);
    if (l == NULL)
        return no_memory(err);
    ward__dosage__v1__lifetime__init(l);
    l->ingredient = in->id;
    WARD_TRY(amount_print(&s->sum, in->unit, s->mem, &l->amount, err));
    s->out->at[s->out->n++] = l;
    return WARD_OK;
}

/* Sums an ingredient, and the other members of its lifetime class sums. */
static enum ward_code with_others(struct summing *s, const char *ingredient,
                                  struct ward_err *err)
{
    const Ward__Dosage__V1__RuleSet *m = ruleset_message(s->rules);

    s->ingredient = ingredient;
    WARD_TRY(one(s, has_limit_for_life(s->rules, ingredient), err));
    for (size_t i = 0; i < m->n_class_sums; i++) {
        const Ward__Dosage__V1__ClassSumRule *c = m->class_sums[i];
        bool wanted = sums_for_life(c, ingredient);

        for (size_t k = 0; wanted && k < c->n_members; k++) {
            s->ingredient = c->members[k]->ingredient;
            WARD_TRY(one(s, true, err));
        }
    }
    return WARD_OK;
}

enum ward_code lifetimes_of(struct worker *w, struct ward_arena *mem,
                            const struct ruleset *rules, const char *drug_id,
                            const uint8_t patient[DOSAGE_ID], int64_t before_us,
                            struct lifetimes *out, struct ward_err *err)
{
    const Drug *d = ruleset_drug(rules, drug_id);
    struct summing s = {.w = w,
                        .mem = mem,
                        .rules = rules,
                        .patient = patient,
                        .before_us = before_us,
                        .out = out};

    *out = (struct lifetimes){0};
    if (d == NULL)
        return WARD_OK;
    out->at = ward_alloc(mem, ruleset_message(rules)->n_ingredients * sizeof(Lifetime *));
    if (out->at == NULL)
        return no_memory(err);
    for (size_t i = 0; i < d->n_ingredients; i++)
        WARD_TRY(with_others(&s, d->ingredients[i], err));
    return WARD_OK;
}
