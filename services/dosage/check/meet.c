/* What must not meet: interactions, one ingredient twice, too many of a class. */
#include "services/dosage/check/run.h"

#include <stdlib.h>
#include <string.h>

#define BROKEN WARD__DOSAGE__V1__TRACE_STEP__RESULT__RESULT_BROKEN
#define HELD   WARD__DOSAGE__V1__TRACE_STEP__RESULT__RESULT_HELD

static bool holds(const struct drug *d, int ingredient)
{
    for (size_t i = 0; i < d->n_ingredients; i++)
        if (d->ingredients[i] == ingredient)
            return true;
    return false;
}

/* "warfarin, aspirin" */
static char *list_names(struct run *r, const bool *in, bool zh)
{
    const char *args[2] = {say(r, "", NULL), ""};

    for (size_t i = 0; i < r->set->n_ingredients; i++) {
        const Ward__Dosage__V1__Ingredient *m = r->set->ingredients[i].msg;

        if (!in[i])
            continue;
        args[1] = zh ? name_zh(m->name, m->id) : name_en(m->name, m->id);
        args[0] = say(r, *args[0] == '\0' ? "{1}" : zh ? "{0}、{1}" : "{0}, {1}", args);
    }
    return (char *)(uintptr_t)args[0];
}

/* ---- interactions ---- */

struct meeting {
    const struct interaction *rule;
    bool *ours, *theirs;
    struct told told;
    size_t room;
};

static bool pair(const struct run *r, const struct interaction *i, int ours, int theirs)
{
    return (set_selects(r->set, &i->a, ours) && set_selects(r->set, &i->b, theirs)) ||
           (set_selects(r->set, &i->b, ours) && set_selects(r->set, &i->a, theirs));
}

/* Of each of our ingredients with each of theirs; what both have is one ingredient twice. */
static void meet(struct run *r, struct meeting *m, const struct drug *other, const char *id)
{
    for (size_t k = 0; k < r->n_shares; k++)
        for (size_t i = 0; i < other->n_ingredients; i++) {
            int ours = r->shares[k].ingredient, theirs = other->ingredients[i];

            if (holds(r->drug, theirs) || !pair(r, m->rule, ours, theirs))
                continue;
            m->ours[ours] = true;
            m->theirs[theirs] = true;
            about_add(r, &m->told.about, &m->told.n_about, &m->room, id);
        }
}

/* A dose's order runs beside this one and is met as such. */
static bool is_running(const struct run *r, const char *order_id)
{
    for (size_t i = 0; *order_id != '\0' && i < r->n_others; i++)
        if (strcmp(r->others[i].msg->order_id, order_id) == 0 &&
            orders_meet(r, r->others[i].msg->prescription, 0))
            return true;
    return false;
}

/* Given so shortly before that it meets this order: as long as the rule says. Where that is
 * only at the same time, for a day if no order runs that would tell of it: a dose of an
 * emergency, one whose order has just been stopped. */
static bool is_met(const struct run *r, const Ward__Dosage__V1__GivenDose *g, int64_t after_us)
{
    if (after_us == 0 && !is_running(r, g->order_id))
        after_us = DAY_US;
    return time_since(g->given_at_us, order_begins(r)) < after_us;
}

static void check_interaction(struct run *r, const struct interaction *rule)
{
    int64_t after_us = rule->msg->within_hours > 0 ? rule->msg->within_hours * HOUR_US : 0;
    struct meeting m = {.rule = rule};
    const char *args[3];
    char *en, *zh;

    m.ours = ward_alloc(r->mem, r->set->n_ingredients);
    m.theirs = ward_alloc(r->mem, r->set->n_ingredients);
    if (m.ours == NULL || m.theirs == NULL)
        return;
    for (size_t i = 0; i < r->n_others; i++)
        if (r->others[i].drug != NULL &&
            orders_meet(r, r->others[i].msg->prescription, after_us))
            meet(r, &m, r->others[i].drug, r->others[i].msg->order_id);
    for (size_t i = 0; i < r->n_pasts; i++)
        if (r->pasts[i].drug != NULL && is_met(r, r->pasts[i].msg, after_us))
            meet(r, &m, r->pasts[i].drug, r->pasts[i].msg->administration_id);
    trace_add(r, rule->msg->rule, m.told.n_about > 0 ? BROKEN : HELD,
              m.told.n_about > 0 ? "interaction" : "", NULL, 0);
    if (m.told.n_about == 0)
        return;
    args[0] = list_names(r, m.ours, false);
    args[1] = list_names(r, m.theirs, false);
    args[2] = name_en(rule->msg->effect, "");
    en = say(r, "{0} with {1}: {2}", args);
    args[0] = list_names(r, m.ours, true);
    args[1] = list_names(r, m.theirs, true);
    args[2] = name_zh(rule->msg->effect, "");
    zh = say(r, "{0} 与 {1} 合用：{2}", args);
    find_rule(r, rule->msg->rule, en, zh, &m.told);
}

/* A rule is looked at once, though two of our ingredients have it. */
static bool seen(const struct run *r, size_t k, int rule,
                 const int *(*list)(const struct ingredient *, size_t *))
{
    for (size_t before = 0; before < k; before++) {
        size_t n;
        const int *rules = list(&r->set->ingredients[r->shares[before].ingredient], &n);

        for (size_t i = 0; i < n; i++)
            if (rules[i] == rule)
                return true;
    }
    return false;
}

static const int *interactions(const struct ingredient *i, size_t *n)
{
    *n = i->n_interactions;
    return i->interactions;
}

static const int *duplicates(const struct ingredient *i, size_t *n)
{
    *n = i->n_duplicates;
    return i->duplicates;
}

void check_interactions(struct run *r)
{
    for (size_t k = 0; k < r->n_shares; k++) {
        size_t n;
        const int *rules = interactions(&r->set->ingredients[r->shares[k].ingredient], &n);

        for (size_t i = 0; i < n; i++)
            if (!seen(r, k, rules[i], interactions))
                check_interaction(r, &r->set->interactions[rules[i]]);
    }
}

/* ---- the same again ---- */

static void check_same(struct run *r, int ingredient)
{
    const Ward__Dosage__V1__Ingredient *m = r->set->ingredients[ingredient].msg;
    const char *en[] = {name_en(m->name, m->id)}, *zh[] = {name_zh(m->name, m->id)};
    struct told told = {0};
    size_t room = 0;

    for (size_t i = 0; i < r->n_others; i++)
        if (r->others[i].drug != NULL && holds(r->others[i].drug, ingredient) &&
            orders_meet(r, r->others[i].msg->prescription, 0))
            about_add(r, &told.about, &told.n_about, &room, r->others[i].msg->order_id);
    if (told.n_about > 0)
        find_own(r, OWN_SAME_INGREDIENT, en, zh, &told);
}

static void check_class(struct run *r, const Ward__Dosage__V1__DuplicateRule *rule)
{
    int class_id = set_class(r->set, rule->class_);
    bool *in = ward_alloc(r->mem, r->set->n_ingredients);
    struct ward_decimal n = {.coef = 0}, most = ward_decimal_of(rule->most, 0);
    Ward__Dosage__V1__Compared **list = ward_new(r->mem, Ward__Dosage__V1__Compared *);
    struct told told = {.compared = list, .n_compared = 1};
    const char *args[4];
    size_t room = 0;
    char *en;

    if (in == NULL || list == NULL)
        return;
    for (size_t k = 0; k < r->n_shares; k++)
        in[r->shares[k].ingredient] = set_in_class(r->set, r->shares[k].ingredient, class_id);
    for (size_t i = 0; i < r->n_others; i++) {
        const struct drug *d = r->others[i].drug;

        if (d == NULL || !orders_meet(r, r->others[i].msg->prescription, 0))
            continue;
        for (size_t k = 0; k < d->n_ingredients; k++) {
            if (!set_in_class(r->set, d->ingredients[k], class_id))
                continue;
            in[d->ingredients[k]] = true;
            about_add(r, &told.about, &told.n_about, &room, r->others[i].msg->order_id);
        }
    }
    for (size_t i = 0; i < r->set->n_ingredients; i++)
        n.coef += in[i];
    list[0] = compared(r, "of-class", &n, &most, "1", "<=");
    trace_add(r, rule->rule, ward_decimal_cmp(&n, &most) > 0 ? BROKEN : HELD, "class", list, 1);
    if (ward_decimal_cmp(&n, &most) <= 0)
        return;
    args[0] = name_en(rule->name, rule->class_);
    args[1] = list_names(r, in, false);
    args[2] = say_decimal(r, &n, "");
    args[3] = say_decimal(r, &most, "");
    en = say(r, "{2} of {0} at once ({1}), at most {3}.", args);
    args[0] = name_zh(rule->name, rule->class_);
    args[1] = list_names(r, in, true);
    find_rule(r, rule->rule, en, say(r, "同时使用 {2} 种{0}（{1}），最多 {3} 种。", args),
              &told);
}

void check_duplicates(struct run *r)
{
    for (size_t k = 0; k < r->n_shares; k++) {
        size_t n;
        const int *rules = duplicates(&r->set->ingredients[r->shares[k].ingredient], &n);

        check_same(r, r->shares[k].ingredient);
        for (size_t i = 0; i < n; i++)
            if (!seen(r, k, rules[i], duplicates))
                check_class(r, r->set->set->duplicates[rules[i]]);
    }
}
