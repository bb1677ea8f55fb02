#include "services/dosage/check/set.h"

#include <stdlib.h>
#include <string.h>

static enum ward_code no_memory(struct ward_err *err)
{
    return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory for the rule set's indexes");
}

static int by_ingredient(const void *a, const void *b)
{
    return strcmp(((const struct ingredient *)a)->msg->id,
                  ((const struct ingredient *)b)->msg->id);
}

static int ingredient_is(const void *id, const void *i)
{
    return strcmp(id, ((const struct ingredient *)i)->msg->id);
}

static int by_drug(const void *a, const void *b)
{
    return strcmp(((const struct drug *)a)->msg->id, ((const struct drug *)b)->msg->id);
}

static int by_string(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static int by_unit(const void *a, const void *b)
{
    return strcmp(((const struct unit *)a)->text, ((const struct unit *)b)->text);
}

int set_ingredient(const struct prepared *p, const char *id)
{
    const struct ingredient *i =
        p->n_ingredients == 0
            ? NULL
            : bsearch(id, p->ingredients, p->n_ingredients, sizeof(*i), ingredient_is);

    return i == NULL ? -1 : (int)(i - p->ingredients);
}

/* FNV-1a. Source: draft-eastlake-fnv-17, section 2. */
static size_t hash_of(const char *id)
{
    uint64_t h = UINT64_C(0xcbf29ce484222325);

    for (; *id != '\0'; id++)
        h = (h ^ (uint8_t)*id) * UINT64_C(0x100000001b3);
    return (size_t)(h ^ h >> 32);
}

/* The slot of a drug, or the free slot for a drug that is not in the table. */
static struct drug **slot_of(const struct prepared *p, const char *id)
{
    size_t mask = p->n_drug_slots - 1, at = hash_of(id) & mask;

    while (p->drug_slots[at] != NULL && strcmp(p->drug_slots[at]->msg->id, id) != 0)
        at = (at + 1) & mask;
    return &p->drug_slots[at];
}

const struct drug *set_drug(const struct prepared *p, const char *id)
{
    return *slot_of(p, id);
}

int set_class(const struct prepared *p, const char *id)
{
    const char **c = p->n_classes == 0
                         ? NULL
                         : bsearch(&id, p->classes, p->n_classes, sizeof(*c), by_string);

    return c == NULL ? -1 : (int)(c - p->classes);
}

const struct product *set_product(const struct drug *d, const char *id)
{
    for (size_t i = 0; *id != '\0' && i < d->msg->n_products; i++)
        if (strcmp(d->products[i].msg->id, id) == 0)
            return &d->products[i];
    return NULL;
}

bool set_in_class(const struct prepared *p, int ingredient, int class_id)
{
    const struct ingredient *i = &p->ingredients[ingredient];

    for (size_t k = 0; k < i->n_classes; k++)
        if (i->classes[k] == class_id)
            return true;
    return false;
}

bool set_selects(const struct prepared *p, const struct selector *s, int ingredient)
{
    return s->ingredient == ingredient ||
           (s->class_id >= 0 && set_in_class(p, ingredient, s->class_id));
}

/* Derives a unit such as "(mg)/kg/d". */
static bool derive(struct ward_arena *mem, const char *unit, const char *over, struct unit *out)
{
    char *text = ward_printf(mem, "(%s)%s", unit, over);

    if (text != NULL)
        unit_parse(text, out);
    return text != NULL;
}

static bool prepare_units(struct ingredient *i, struct ward_arena *mem)
{
    const char *u = i->msg->unit;

    unit_parse(u, &i->unit);
    return derive(mem, u, "/mL", &i->ml) && derive(mem, u, "/kg", &i->kg) &&
           derive(mem, u, "/m2", &i->m2) && derive(mem, u, "/d", &i->day) &&
           derive(mem, u, "/kg/d", &i->kg_day) && derive(mem, u, "/m2/d", &i->m2_day);
}

static bool prepare_equivalent(const struct ingredient *i,
                               const Ward__Dosage__V1__Equivalent *msg, struct ward_arena *mem,
                               struct equivalent *out)
{
    struct amount amount, is;

    if (amount_of(msg->amount, &amount, NULL) != WARD_OK ||
        amount_of(msg->is, &is, NULL) != WARD_OK)
        return true;
    unit_parse(msg->amount->unit, &out->unit);
    out->amount = amount.value;
    out->good = out->unit.good && amount_to(&is, &i->unit, &out->is);
    return derive(mem, msg->amount->unit, "/d", &out->day) &&
           derive(mem, msg->amount->unit, "/kg/d", &out->kg_day);
}

static void prepare_loading(struct ingredient *i)
{
    struct amount least;

    i->has_loading = i->msg->loading != NULL &&
                     amount_of(i->msg->loading->least, &least, NULL) == WARD_OK &&
                     amount_to(&least, &i->unit, &i->loading);
}

static bool prepare_equivalents(struct ingredient *i, struct ward_arena *mem)
{
    i->equivalents = ward_alloc(mem, i->msg->n_equivalents * sizeof(*i->equivalents));
    if (i->equivalents == NULL)
        return false;
    for (; i->n_equivalents < i->msg->n_equivalents; i->n_equivalents++)
        if (!prepare_equivalent(i, i->msg->equivalents[i->n_equivalents], mem,
                                &i->equivalents[i->n_equivalents]))
            return false;
    return true;
}

static enum ward_code prepare_classes(struct prepared *p, struct ward_arena *mem,
                                      struct ward_err *err)
{
    size_t most = 0, n = 0;

    for (size_t i = 0; i < p->n_ingredients; i++)
        most += p->ingredients[i].msg->n_classes;
    p->classes = ward_alloc(mem, most * sizeof(*p->classes));
    if (p->classes == NULL)
        return no_memory(err);
    for (size_t i = 0; i < p->n_ingredients; i++)
        for (size_t k = 0; k < p->ingredients[i].msg->n_classes; k++)
            p->classes[n++] = p->ingredients[i].msg->classes[k];
    qsort(p->classes, n, sizeof(*p->classes), by_string);
    for (size_t i = 0; i < n; i++)
        if (i == 0 || strcmp(p->classes[i], p->classes[p->n_classes - 1]) != 0)
            p->classes[p->n_classes++] = p->classes[i];
    for (size_t i = 0; i < p->n_ingredients; i++) {
        struct ingredient *g = &p->ingredients[i];

        g->n_classes = g->msg->n_classes;
        g->classes = ward_alloc(mem, g->n_classes * sizeof(*g->classes));
        if (g->classes == NULL)
            return no_memory(err);
        for (size_t k = 0; k < g->n_classes; k++)
            g->classes[k] = set_class(p, g->msg->classes[k]);
    }
    return WARD_OK;
}

static enum ward_code prepare_ingredients(struct prepared *p, struct ward_arena *mem,
                                          struct ward_err *err)
{
    p->n_ingredients = p->set->n_ingredients;
    p->ingredients = ward_alloc(mem, p->n_ingredients * sizeof(*p->ingredients));
    if (p->ingredients == NULL)
        return no_memory(err);
    for (size_t i = 0; i < p->n_ingredients; i++)
        p->ingredients[i].msg = p->set->ingredients[i];
    qsort(p->ingredients, p->n_ingredients, sizeof(*p->ingredients), by_ingredient);
    for (size_t i = 0; i < p->n_ingredients; i++)
        if (!prepare_units(&p->ingredients[i], mem) ||
            !prepare_equivalents(&p->ingredients[i], mem))
            return no_memory(err);
    for (size_t i = 0; i < p->n_ingredients; i++)
        prepare_loading(&p->ingredients[i]);
    return prepare_classes(p, mem, err);
}

static bool prepare_strength(const struct prepared *p, const Ward__Dosage__V1__Strength *s,
                             struct ward_arena *mem, struct strength *out)
{
    struct amount amount, per;

    out->ingredient = set_ingredient(p, s->ingredient);
    if (out->ingredient < 0 || amount_of(s->amount, &amount, NULL) != WARD_OK ||
        amount_of(s->per, &per, NULL) != WARD_OK)
        return true;
    unit_parse(s->per->unit, &out->unit);
    out->per = per.value;
    out->good = out->unit.good &&
                amount_to(&amount, &p->ingredients[out->ingredient].unit, &out->amount);
    if (!out->good && out->unit.good)
        out->good = out->rate =
            amount_to(&amount, &p->ingredients[out->ingredient].day, &out->amount);
    return derive(mem, s->per->unit, "/d", &out->unit_day);
}

static bool prepare_product(const struct prepared *p, const Ward__Dosage__V1__Product *msg,
                            struct ward_arena *mem, struct product *out)
{
    out->msg = msg;
    out->strengths = ward_alloc(mem, msg->n_strengths * sizeof(*out->strengths));
    for (size_t i = 0; out->strengths != NULL && i < msg->n_strengths; i++)
        if (!prepare_strength(p, msg->strengths[i], mem, &out->strengths[i]))
            return false;
    return out->strengths != NULL;
}

static bool prepare_drug(const struct prepared *p, struct ward_arena *mem, struct drug *d)
{
    const Ward__Dosage__V1__Drug *msg = d->msg;

    d->ingredients = ward_alloc(mem, msg->n_ingredients * sizeof(*d->ingredients));
    d->products = ward_alloc(mem, msg->n_products * sizeof(*d->products));
    if (d->ingredients == NULL || d->products == NULL)
        return false;
    for (size_t i = 0; i < msg->n_ingredients; i++) {
        int at = set_ingredient(p, msg->ingredients[i]);

        if (at >= 0)
            d->ingredients[d->n_ingredients++] = at;
    }
    for (size_t i = 0; i < msg->n_products; i++)
        if (!prepare_product(p, msg->products[i], mem, &d->products[i]))
            return false;
    return true;
}

/* At most half of the hash table's slots are used. */
static enum ward_code prepare_slots(struct prepared *p, struct ward_arena *mem,
                                    struct ward_err *err)
{
    p->n_drug_slots = 1;
    while (p->n_drug_slots <= 2 * p->n_drugs)
        p->n_drug_slots *= 2;
    p->drug_slots = ward_alloc(mem, p->n_drug_slots * sizeof(struct drug *));
    if (p->drug_slots == NULL)
        return no_memory(err);
    for (size_t i = 0; i < p->n_drugs; i++)
        *slot_of(p, p->drugs[i].msg->id) = &p->drugs[i];
    return WARD_OK;
}

static enum ward_code prepare_drugs(struct prepared *p, struct ward_arena *mem,
                                    struct ward_err *err)
{
    p->drugs = ward_alloc(mem, p->set->n_drugs * sizeof(*p->drugs));
    if (p->drugs == NULL)
        return no_memory(err);
    p->n_drugs = p->set->n_drugs;
    for (size_t i = 0; i < p->n_drugs; i++)
        p->drugs[i].msg = p->set->drugs[i];
    qsort(p->drugs, p->n_drugs, sizeof(*p->drugs), by_drug);
    for (size_t i = 0; i < p->n_drugs; i++)
        if (!prepare_drug(p, mem, &p->drugs[i]))
            return no_memory(err);
    return prepare_slots(p, mem, err);
}

/* Parses the units in which doses may be given: of ingredients and of products. */
static enum ward_code prepare_doses(struct prepared *p, struct ward_arena *mem,
                                    struct ward_err *err)
{
    static const char *const usual[] = {
        "kg",  "g",    "[lb_av]",          "cm",      "m",      "mg/h",
        "mL",  "mg",   "ug/kg/min",        "ug/kg/h", "mL/h",   "ug",
        "ng",  "L",    "umol/L",           "mg/dL",   "mL/min", "mmol",
        "meq", "[IU]", "mL/min/{1.73_m2}", "mg/kg",   "ug/kg"};
    size_t most = WARD_COUNT(usual) + p->n_ingredients, n = 0;

    for (size_t i = 0; i < p->n_drugs; i++)
        for (size_t k = 0; k < p->drugs[i].msg->n_products; k++)
            most += p->drugs[i].msg->products[k]->n_strengths;
    p->units = ward_alloc(mem, most * sizeof(*p->units));
    if (p->units == NULL)
        return no_memory(err);
    for (size_t i = 0; i < WARD_COUNT(usual); i++)
        unit_parse(usual[i], &p->units[n++]);
    for (size_t i = 0; i < p->n_ingredients; i++)
        p->units[n++] = p->ingredients[i].unit;
    for (size_t i = 0; i < p->n_drugs; i++)
        for (size_t k = 0; k < p->drugs[i].msg->n_products; k++)
            for (size_t s = 0; s < p->drugs[i].msg->products[k]->n_strengths; s++)
                if (p->drugs[i].products[k].strengths[s].good)
                    p->units[n++] = p->drugs[i].products[k].strengths[s].unit;
    qsort(p->units, n, sizeof(*p->units), by_unit);
    for (size_t i = 0; i < n; i++)
        if (i == 0 || by_unit(&p->units[i], &p->units[p->n_units - 1]) != 0)
            p->units[p->n_units++] = p->units[i];
    return WARD_OK;
}

enum ward_code prepare_set(const Ward__Dosage__V1__RuleSet *set, struct ward_arena *mem,
                           struct prepared **out, struct ward_err *err)
{
    struct prepared *p = ward_new(mem, struct prepared);

    if (p == NULL)
        return no_memory(err);
    p->set = set;
    WARD_TRY(prepare_ingredients(p, mem, err));
    WARD_TRY(prepare_drugs(p, mem, err));
    WARD_TRY(prepare_doses(p, mem, err));
    WARD_TRY(prepare_rules(p, mem, err));
    WARD_TRY(prepare_names(p, mem, err));
    *out = p;
    return WARD_OK;
}

enum ward_code check_prepare(const struct ruleset *rules, struct ward_arena *mem,
                             struct prepared **out, struct ward_err *err)
{
    return prepare_set(ruleset_message(rules), mem, out, err);
}
