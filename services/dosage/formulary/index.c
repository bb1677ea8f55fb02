/* The indexes of a rule set: sorted arrays, built once. */
#include "services/dosage/formulary/ruleset_own.h"

#include "common/unicode/unicode.h"

#include <stdlib.h>
#include <string.h>

#define NAMES_MEM ((size_t)64 << 20)

size_t ruleset_rules(const RuleSet *msg)
{
    return msg->n_dose_rules + msg->n_interactions + msg->n_duplicates + msg->n_allergies +
           msg->n_fresh + msg->n_slips + msg->n_context + msg->n_monitoring +
           msg->n_kidney_risks + msg->n_usual_doses + msg->n_class_sums;
}

static int by_key(const void *a, const void *b)
{
    const struct named *x = a, *y = b;
    int d = strcmp(x->key, y->key);

    if (d != 0)
        return d;
    if (x->i != y->i)
        return x->i < y->i ? -1 : 1;
    return x->j < y->j ? -1 : x->j > y->j;
}

const struct named *names_find(const struct names *all, const char *key)
{
    size_t from = 0, to = all->n;

    while (from < to) {
        size_t mid = from + (to - from) / 2;

        if (strcmp(all->at[mid].key, key) < 0)
            from = mid + 1;
        else
            to = mid;
    }
    return from < all->n && strcmp(all->at[from].key, key) == 0 ? &all->at[from] : NULL;
}

static bool room(struct ruleset *r, struct names *out, size_t n)
{
    out->at = ward_alloc(&r->mem, n * sizeof(*out->at));
    return out->at != NULL;
}

static void add(struct names *to, const char *key, const void *item, const void *of, size_t i,
                size_t j)
{
    to->at[to->n++] =
        (struct named){.key = key, .item = item, .of = of, .i = (uint32_t)i, .j = (uint32_t)j};
}

static void sort(struct names *all)
{
    if (all->n > 1)
        qsort(all->at, all->n, sizeof(*all->at), by_key);
}

static bool index_ingredients(struct ruleset *r)
{
    const RuleSet *m = r->msg;
    size_t classes = 0;

    for (size_t i = 0; i < m->n_ingredients; i++)
        classes += m->ingredients[i]->n_classes;
    if (!room(r, &r->ingredients, m->n_ingredients) || !room(r, &r->classes, classes))
        return false;
    for (size_t i = 0; i < m->n_ingredients; i++) {
        const Ingredient *in = m->ingredients[i];

        add(&r->ingredients, in->id, in, NULL, i, 0);
        for (size_t j = 0; j < in->n_classes; j++)
            add(&r->classes, in->classes[j], in, NULL, i, j);
    }
    sort(&r->ingredients);
    sort(&r->classes);
    return true;
}

static void index_products(struct ruleset *r, const Drug *d, size_t i)
{
    for (size_t j = 0; j < d->n_products; j++) {
        const Product *p = d->products[j];

        add(&r->products, p->id, p, d, i, j);
        for (size_t k = 0; k < p->n_gtins; k++)
            add(&r->gtins, p->gtins[k], p, d, i, j);
        for (size_t k = 0; k < p->n_trace_codes; k++)
            add(&r->traces, p->trace_codes[k], p, d, i, j);
        for (size_t k = 0; k < p->n_local_codes; k++)
            add(&r->locals, p->local_codes[k], p, d, i, j);
    }
}

/* Reserves room for the codes on packs and bags. */
static bool codes_room(struct ruleset *r)
{
    size_t gtins = 0, traces = 0, locals = 0;

    for (size_t i = 0; i < r->msg->n_drugs; i++)
        for (size_t j = 0; j < r->msg->drugs[i]->n_products; j++) {
            const Product *p = r->msg->drugs[i]->products[j];

            gtins += p->n_gtins;
            traces += p->n_trace_codes;
            locals += p->n_local_codes;
        }
    return room(r, &r->gtins, gtins) && room(r, &r->traces, traces) &&
           room(r, &r->locals, locals);
}

/* A name that cannot be normalized is skipped here; validation reports the name as a
 * problem. */
static bool index_name(struct ruleset *r, struct names *to, const char *name, const Drug *d,
                       size_t i, size_t j)
{
    char *folded;

    if (ward_fold(&r->mem, name, &folded, NULL) == WARD_OK)
        add(to, folded, d->products[j], d, i, j);
    return !r->mem.full;
}

static bool index_product_names(struct ruleset *r, size_t products)
{
    const RuleSet *m = r->msg;

    if (!room(r, &r->named_en, products) || !room(r, &r->named_zh, products))
        return false;
    for (size_t i = 0; i < m->n_drugs; i++)
        for (size_t j = 0; j < m->drugs[i]->n_products; j++) {
            const Sentence *name = m->drugs[i]->products[j]->name;

            if (name != NULL && (!index_name(r, &r->named_en, name->en, m->drugs[i], i, j) ||
                                 !index_name(r, &r->named_zh, name->zh, m->drugs[i], i, j)))
                return false;
        }
    sort(&r->named_en);
    sort(&r->named_zh);
    return true;
}

static bool index_drugs(struct ruleset *r)
{
    const RuleSet *m = r->msg;
    size_t products = 0;

    for (size_t i = 0; i < m->n_drugs; i++)
        products += m->drugs[i]->n_products;
    if (!room(r, &r->drugs, m->n_drugs) || !room(r, &r->products, products) || !codes_room(r))
        return false;
    for (size_t i = 0; i < m->n_drugs; i++) {
        add(&r->drugs, m->drugs[i]->id, m->drugs[i], NULL, i, 0);
        index_products(r, m->drugs[i], i);
    }
    sort(&r->drugs);
    sort(&r->products);
    sort(&r->gtins);
    sort(&r->traces);
    sort(&r->locals);
    return index_product_names(r, products);
}

static bool index_doses(struct ruleset *r)
{
    const RuleSet *m = r->msg;

    r->dose_rules = ward_alloc(&r->mem, m->n_dose_rules * sizeof(const DoseRule *));
    if (r->dose_rules == NULL || !room(r, &r->dose, m->n_dose_rules))
        return false;
    for (size_t i = 0; i < m->n_dose_rules; i++)
        add(&r->dose, m->dose_rules[i]->ingredient, m->dose_rules[i], NULL, i, 0);
    sort(&r->dose);
    for (size_t i = 0; i < r->dose.n; i++)
        r->dose_rules[i] = r->dose.at[i].item;
    return true;
}

/* A rule without a head is skipped here; validation reports the rule as a problem. */
static void add_rule(struct ruleset *r, const Rule *rule, uint32_t kind, size_t at)
{
    if (rule != NULL)
        add(&r->rules, rule->id, rule, NULL, kind, at);
}

static bool index_rules(struct ruleset *r)
{
    const RuleSet *m = r->msg;

    if (!room(r, &r->rules, ruleset_rules(m)) || !room(r, &r->reasons, m->n_reasons))
        return false;
    for (size_t i = 0; i < m->n_dose_rules; i++)
        add_rule(r, m->dose_rules[i]->rule, 0, i);
    for (size_t i = 0; i < m->n_interactions; i++)
        add_rule(r, m->interactions[i]->rule, 1, i);
    for (size_t i = 0; i < m->n_duplicates; i++)
        add_rule(r, m->duplicates[i]->rule, 2, i);
    for (size_t i = 0; i < m->n_allergies; i++)
        add_rule(r, m->allergies[i]->rule, 3, i);
    for (size_t i = 0; i < m->n_fresh; i++)
        add_rule(r, m->fresh[i]->rule, 4, i);
    for (size_t i = 0; i < m->n_slips; i++)
        add_rule(r, m->slips[i]->rule, 5, i);
    for (size_t i = 0; i < m->n_context; i++)
        add_rule(r, m->context[i]->rule, 6, i);
    for (size_t i = 0; i < m->n_monitoring; i++)
        add_rule(r, m->monitoring[i]->rule, 7, i);
    for (size_t i = 0; i < m->n_usual_doses; i++)
        add_rule(r, m->usual_doses[i]->rule, 8, i);
    for (size_t i = 0; i < m->n_class_sums; i++)
        add_rule(r, m->class_sums[i]->rule, 9, i);
    for (size_t i = 0; i < m->n_kidney_risks; i++)
        add_rule(r, m->kidney_risks[i]->rule, 10, i);
    for (size_t i = 0; i < m->n_reasons; i++)
        add(&r->reasons, m->reasons[i]->code, m->reasons[i], NULL, i, 0);
    sort(&r->rules);
    sort(&r->reasons);
    return true;
}

/* ---- LOINC codes ---- */

/* The first pass counts the codes and has no `to`. The second pass writes the codes. */
struct loincs {
    char **to;
    size_t n;
};

static void add_loincs(struct loincs *all, char *const *list, size_t n)
{
    for (size_t i = 0; i < n; i++, all->n++)
        if (all->to != NULL)
            all->to[all->n] = list[i];
}

static void add_asked(struct loincs *all, Ward__Dosage__V1__Circumstance *const *list, size_t n)
{
    for (size_t i = 0; i < n; i++)
        switch (list[i]->of_case) {
        case WARD__DOSAGE__V1__CIRCUMSTANCE__OF_VALUE:
            add_loincs(all, list[i]->value->loincs, list[i]->value->n_loincs);
            break;
        case WARD__DOSAGE__V1__CIRCUMSTANCE__OF_TREND:
            add_loincs(all, list[i]->trend->loincs, list[i]->trend->n_loincs);
            break;
        case WARD__DOSAGE__V1__CIRCUMSTANCE__OF_ANSWER:
            add_loincs(all, list[i]->answer->loincs, list[i]->answer->n_loincs);
            break;
        default:
            break;
        }
}

static void collect_loincs(const RuleSet *m, struct loincs *all)
{
    all->n = 0;
    for (size_t i = 0; i < m->n_context; i++) {
        add_asked(all, m->context[i]->any, m->context[i]->n_any);
        add_asked(all, m->context[i]->all, m->context[i]->n_all);
        add_asked(all, m->context[i]->unless, m->context[i]->n_unless);
    }
    for (size_t i = 0; i < m->n_monitoring; i++)
        add_loincs(all, m->monitoring[i]->loincs, m->monitoring[i]->n_loincs);
    for (size_t i = 0; i < m->n_kidney_risks; i++)
        add_asked(all, m->kidney_risks[i]->any, m->kidney_risks[i]->n_any);
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static bool index_loincs(struct ruleset *r)
{
    struct loincs all = {0};

    collect_loincs(r->msg, &all);
    all.to = ward_alloc(&r->mem, all.n * sizeof(char *));
    if (all.to == NULL)
        return false;
    collect_loincs(r->msg, &all);
    if (all.n > 1)
        qsort(all.to, all.n, sizeof(char *), by_text);
    for (size_t i = 0; i < all.n; i++)
        if (i == 0 || strcmp(all.to[i], all.to[r->n_loincs - 1]) != 0)
            all.to[r->n_loincs++] = all.to[i];
    r->loincs = all.to;
    return true;
}

/* ---- search keys of drugs ---- */

/* One name per line: a query is normalized from one line, so a query cannot match across two
 * names. */
static char *join(struct ward_arena *mem, char *so_far, const char *more)
{
    if (so_far == NULL || more == NULL)
        return NULL;
    return ward_printf(mem, "%s\n%s", so_far, more);
}

static char *join_name(struct ward_arena *mem, char *so_far, const Sentence *name)
{
    return name == NULL ? so_far : join(mem, join(mem, so_far, name->en), name->zh);
}

static char *join_ingredient(struct ward_arena *mem, char *so_far, const Ingredient *in)
{
    so_far = join_name(mem, so_far, in->name);
    for (size_t i = 0; i < in->n_synonyms; i++)
        so_far = join(mem, so_far, in->synonyms[i]);
    return so_far;
}

static enum ward_code searched(struct ruleset *r, struct ward_arena *mem, const Drug *d,
                               const char **out, struct ward_err *err)
{
    char *all = join_name(mem, ward_strdup(mem, d->id), d->name), *folded;

    for (size_t i = 0; i < d->n_ingredients; i++) {
        const Ingredient *in = ruleset_ingredient(r, d->ingredients[i]);

        if (in != NULL)
            all = join_ingredient(mem, all, in);
    }
    for (size_t i = 0; i < d->n_products; i++)
        all = join_name(mem, all, d->products[i]->name);
    if (all == NULL)
        return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory for a drug's names");
    WARD_TRY(ward_fold(mem, all, &folded, err));
    *out = ward_strdup(&r->mem, folded);
    return *out != NULL ? WARD_OK
                        : WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory for a drug's names");
}

static enum ward_code index_searched(struct ruleset *r, struct ward_err *err)
{
    enum ward_code code = WARD_OK;
    struct ward_arena mem; /* for the names of one drug */

    r->searched = ward_alloc(&r->mem, r->drugs.n * sizeof(const char *));
    if (r->searched == NULL)
        return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory for drugs' names");
    ward_arena_init(&mem, NAMES_MEM);
    for (size_t i = 0; i < r->drugs.n && code == WARD_OK; i++) {
        ward_arena_reset(&mem);
        code = searched(r, &mem, r->drugs.at[i].item, &r->searched[i], err);
    }
    ward_arena_done(&mem);
    return code;
}

enum ward_code ruleset_index(struct ruleset *r, struct ward_err *err)
{
    if (!index_ingredients(r) || !index_drugs(r) || !index_doses(r) || !index_rules(r) ||
        !index_loincs(r))
        return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory for a rule set's indexes");
    return index_searched(r, err);
}
