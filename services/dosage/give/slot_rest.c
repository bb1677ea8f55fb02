/* Earlier entries of a slot, and the amount that may still be given: the full dose if no dose
 * was given, or the rest after a partial dose. The sum never exceeds the order's dose. */
#include "services/dosage/give/judge.h"

#include <string.h>

static enum ward_code taken(struct ward_err *err)
{
    return WARD_FAIL_REASON(err, ALREADY_EXISTS, "SLOT_TAKEN",
                            "a dose of this slot is already charted");
}

static bool is_single(const Prescription *p)
{
    return p->timing->kind == WARD__DOSAGE__V1__TIMING__KIND__KIND_ONCE;
}

/* Whether a dose belongs to this slot. For an order of a single dose, any dose of the order: a
 * change may have moved the slot. */
static bool is_part_of_it(const struct giving *g, const Dose *d)
{
    int64_t due_us = -1;
    struct ward_err why = {0};

    if (!dose_counts(d) || strcmp(d->order_id, g->order->order_id) != 0)
        return false;
    return is_single(g->order->prescription) ||
           (dose_due(d, &due_us, &why) == WARD_OK && due_us == g->due_us);
}

static bool add_part(struct giving *g, const Dose *d, const char *ingredient)
{
    struct ward_decimal amount;

    return amount_of_ingredient(g->rules, d->drug_id, d->product_id, d->dose, ingredient,
                                &amount, NULL) == WARD_OK &&
           ward_decimal_add(&g->rest.before, &amount, &g->rest.before, NULL) == WARD_OK;
}

/* If the sum cannot be exact, no rest may be given. */
static enum ward_code parts(struct giving *g, struct ward_err *err)
{
    const Prescription *p = g->order->prescription;
    const Drug *drug = ruleset_drug(g->rules, p->drug_id);
    struct ward_decimal ordered;

    if (p->timing->kind == WARD__DOSAGE__V1__TIMING__KIND__KIND_CONTINUOUS || drug == NULL ||
        drug->n_ingredients == 0 || !g->looked.given_all ||
        amount_of_ingredient(g->rules, p->drug_id, p->product_id, p->dose, drug->ingredients[0],
                             &ordered, NULL) != WARD_OK)
        return taken(err);
    for (size_t i = 0; i < g->looked.n_given; i++) {
        if (!is_part_of_it(g, g->looked.given[i]))
            continue;
        if (!add_part(g, g->looked.given[i], drug->ingredients[0]))
            return taken(err);
        g->rest.has_before = true;
    }
    return g->rest.has_before && ward_decimal_cmp(&g->rest.before, &ordered) < 0 ? WARD_OK
                                                                                 : taken(err);
}

enum ward_code slot_rest(struct giving *g, struct ward_err *err)
{
    const struct taken *was = NULL;

    g->rest = (struct slot_rest){.instead_of = NULL};
    for (size_t i = 0; i < g->looked.n_taken && was == NULL; i++)
        if (g->looked.taken[i].due_us == g->due_us)
            was = &g->looked.taken[i];
    if (was == NULL)
        return WARD_OK;
    if (!g->given || was->outcome == OUTCOME(GIVEN))
        return taken(err);
    g->rest.instead_of = was->id;
    return was->outcome == OUTCOME(PARTIAL) ? parts(g, err) : WARD_OK;
}
