/* Combinations: interactions, duplicate ingredients, too many drugs of a class. */
#include "services/dosage/check/run.h"

#include "services/dosage/schedule/timing.h"

#include <stdlib.h>
#include <string.h>

#define BROKEN   WARD__DOSAGE__V1__TRACE_STEP__RESULT__RESULT_BROKEN
#define HELD     WARD__DOSAGE__V1__TRACE_STEP__RESULT__RESULT_HELD
#define NOT_THIS WARD__DOSAGE__V1__TRACE_STEP__RESULT__RESULT_NOT_FOR_THIS

static bool holds(const struct drug *d, int ingredient)
{
    for (size_t i = 0; i < d->n_ingredients; i++)
        if (d->ingredients[i] == ingredient)
            return true;
    return false;
}

/* Joins names: "warfarin, aspirin". */
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

/* An active order, a given dose or a home medicine, to be compared with this order. One of the
 * last three fields is set. */
struct beside {
    const struct drug *drug;
    const char *id, *product_id;
    Ward__Dosage__V1__Route route;
    const Ward__Dosage__V1__Quantity *dose;
    const Ward__Dosage__V1__Prescription *order;
    const Ward__Dosage__V1__GivenDose *given;
    const struct home *home;
};

struct meeting {
    const struct interaction *rule;
    bool *ours, *theirs;
    bool our_role[ROLES], their_role[ROLES];
    struct told told;
    size_t room;
};

/* Whether the order of a dose is active. The order itself is then compared. */
static bool is_running(const struct run *r, const char *order_id)
{
    for (size_t i = 0; *order_id != '\0' && i < r->n_others; i++)
        if (strcmp(r->others[i].msg->order_id, order_id) == 0 &&
            orders_meet(r, r->others[i].msg->prescription, 0))
            return true;
    return false;
}

/* Whether a dose was given so recently that the dose can interact with this order, by the
 * rule's duration. If the rule has no duration, a dose without an active order counts for a
 * day, for example an emergency dose, or a dose of an order that was just stopped. */
static bool is_met(const struct run *r, const Ward__Dosage__V1__GivenDose *g, int64_t after_us)
{
    if (after_us == 0 && !is_running(r, g->order_id))
        after_us = DAY_US;
    return time_since(g->given_at_us, order_begins(r)) < after_us;
}

/* How long after the last dose of one drug an interaction with the other drug is possible. */
static int64_t after_us(const Ward__Dosage__V1__InteractionRule *m, enum role first,
                        enum role then)
{
    int32_t hours = first == ROLE_A && then == ROLE_B   ? m->a_then_b_hours
                    : first == ROLE_B && then == ROLE_A ? m->b_then_a_hours
                                                        : 0;

    hours = hours > 0 ? hours : m->within_hours;
    return hours > 0 ? hours * HOUR_US : 0;
}

/* A stopped home medicine may have been taken until the decision to stop. The medicine is
 * therefore compared like a dose given at the time of the decision. For the order that replaces
 * the medicine, only the rule's own duration counts. */
static bool home_meets(const struct run *r, const struct home *h, int64_t after_us)
{
    if (after_us == 0 && !h->replaced)
        after_us = DAY_US;
    return h->is != HOME_STOPPED ||
           time_since(h->decided->decided_at_us, order_begins(r)) < after_us;
}

static bool meets_as(const struct run *r, const struct interaction *i, const struct beside *b,
                     enum role ours, enum role theirs)
{
    if (b->home != NULL)
        return home_meets(r, b->home, after_us(i->msg, theirs, ours));
    if (b->order == NULL)
        return is_met(r, b->given, after_us(i->msg, theirs, ours));
    return orders_meet_by(r, b->order, after_us(i->msg, theirs, ours),
                          after_us(i->msg, ours, theirs));
}

static bool by_route(const struct interaction *i, enum role role, Ward__Dosage__V1__Route route)
{
    const Ward__Dosage__V1__Route *list = role == ROLE_A ? i->msg->a_routes : i->msg->b_routes;
    size_t n = role == ROLE_A ? i->msg->n_a_routes : i->msg->n_b_routes;

    for (size_t k = 0; role != ROLE_C && k < n; k++)
        if (list[k] == route)
            return true;
    return role == ROLE_C || n == 0;
}

static bool we_are(const struct run *r, const struct interaction *i, enum role role, size_t k)
{
    return set_selects(r->set, &i->role[role], r->shares[k].ingredient) &&
           by_route(i, role, r->p->route) && order_is_over(r, &i->over[role], k);
}

static bool they_are(struct run *r, const struct interaction *i, enum role role,
                     const struct beside *b, size_t k)
{
    const Ward__Dosage__V1__Timing *t = b->order == NULL ? NULL : b->order->timing;
    bool rate = t != NULL && t->kind == WARD__DOSAGE__V1__TIMING__KIND__KIND_CONTINUOUS;
    struct ward_decimal amount;
    int per_day = 1, minutes;
    bool known;

    if (!set_selects(r->set, &i->role[role], b->drug->ingredients[k]) ||
        !by_route(i, role, b->route))
        return false;
    if (!i->over[role].set)
        return true;
    known = b->dose != NULL && amount_at(r, b->drug, b->product_id, b->dose, k, rate, &amount);
    if (t != NULL)
        timing_density(b->order, &per_day, &minutes);
    return is_over(r, &i->over[role], b->drug->ingredients[k], known ? &amount : NULL, rate,
                   per_day);
}

/* Compares one ingredient of the order with one ingredient of the other drug. */
static void meet_pair(struct run *r, struct meeting *m, const struct beside *b, size_t k,
                      size_t i)
{
    bool three = m->rule->msg->c != NULL;

    for (enum role ours = ROLE_A; ours < (three ? ROLES : ROLE_C); ours++)
        for (enum role theirs = ROLE_A; theirs < (three ? ROLES : ROLE_C); theirs++) {
            if (ours == theirs || !we_are(r, m->rule, ours, k) ||
                !they_are(r, m->rule, theirs, b, i) || !meets_as(r, m->rule, b, ours, theirs))
                continue;
            m->ours[r->shares[k].ingredient] = m->our_role[ours] = true;
            m->theirs[b->drug->ingredients[i]] = m->their_role[theirs] = true;
            about_add(r, &m->told.about, &m->told.n_about, &m->room, b->id);
        }
}

/* Compares all ingredients of the order with all ingredients of the other drug. A common
 * ingredient is skipped: duplicates are another finding. */
static void meet(struct run *r, struct meeting *m, const struct beside *b)
{
    for (size_t k = 0; k < r->n_shares; k++)
        for (size_t i = 0; i < b->drug->n_ingredients; i++)
            if (!holds(r->drug, b->drug->ingredients[i]))
                meet_pair(r, m, b, k, i);
}

static void meet_all(struct run *r, struct meeting *m)
{
    for (size_t i = 0; i < r->n_others; i++) {
        const Ward__Dosage__V1__Prescription *p = r->others[i].msg->prescription;

        if (r->others[i].drug != NULL)
            meet(r, m,
                 &(struct beside){r->others[i].drug, r->others[i].msg->order_id, p->product_id,
                                  p->route, p->dose, p, NULL, NULL});
    }
    for (size_t i = 0; i < r->n_pasts; i++) {
        const Ward__Dosage__V1__GivenDose *g = r->pasts[i].msg;

        if (r->pasts[i].drug != NULL)
            meet(r, m,
                 &(struct beside){r->pasts[i].drug, g->administration_id, g->product_id,
                                  g->route, g->dose, NULL, g, NULL});
    }
    for (size_t i = 0; i < r->n_homes; i++)
        meet(r, m,
             &(struct beside){&r->homes[i].drug, r->homes[i].msg->record_id, "",
                              WARD__DOSAGE__V1__ROUTE__ROUTE_PO, NULL, NULL, NULL,
                              &r->homes[i]});
}

/* For a rule about three drugs: whether all three are present, as three ingredients. A
 * combination product may contain two of the ingredients. */
static bool all_three(const struct run *r, struct meeting *m)
{
    size_t n = 0;

    for (size_t k = 0; m->told.n_about > 0 && k < r->n_shares; k++)
        for (enum role x = ROLE_A; x < ROLES; x++)
            if (we_are(r, m->rule, x, k))
                m->ours[r->shares[k].ingredient] = m->our_role[x] = true;
    for (enum role x = ROLE_A; x < ROLES; x++)
        if (!m->our_role[x] && !m->their_role[x])
            return false;
    for (size_t i = 0; i < r->set->n_ingredients; i++)
        n += m->ours[i] || m->theirs[i];
    return n >= ROLES;
}

static void tell_meeting(struct run *r, const struct meeting *m)
{
    const Ward__Dosage__V1__InteractionRule *rule = m->rule->msg;
    const char *args[3] = {list_names(r, m->ours, false), list_names(r, m->theirs, false),
                           name_en(rule->effect, "")};
    char *en = say(r, "{0} with {1}: {2}", args);

    args[0] = list_names(r, m->ours, true);
    args[1] = list_names(r, m->theirs, true);
    args[2] = name_zh(rule->effect, "");
    find_rule(r, rule->rule, en, say(r, "{0} 与 {1} 合用：{2}", args), &m->told);
}

static void check_interaction(struct run *r, const struct interaction *rule)
{
    struct meeting m = {.rule = rule};
    bool found;

    if (band_age(r, rule->msg->age_from_days, rule->msg->age_to_days) == FIT_NO) {
        trace_add(r, rule->msg->rule, NOT_THIS, "age", NULL, 0);
        return;
    }
    m.ours = ward_alloc(r->mem, r->set->n_ingredients);
    m.theirs = ward_alloc(r->mem, r->set->n_ingredients);
    if (m.ours == NULL || m.theirs == NULL)
        return;
    meet_all(r, &m);
    found = rule->msg->c == NULL ? m.told.n_about > 0 : all_three(r, &m);
    trace_add(r, rule->msg->rule, found ? BROKEN : HELD, found ? "interaction" : "", NULL, 0);
    if (found)
        tell_meeting(r, &m);
}

/* A rule is evaluated once, even if two ingredients of the order have it. */
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

/* ---- duplicates ---- */

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

/* Ingredients in one class, each counted once. */
struct met {
    int class_id;
    bool *in; /* indexed by ingredient */
    size_t count;
};

static bool met_add(struct met *m, const struct run *r, int ingredient)
{
    if (!set_in_class(r->set, ingredient, m->class_id))
        return false;
    m->count += !m->in[ingredient];
    m->in[ingredient] = true;
    return true;
}

/* Adds home medicines of the class, unless an order continues or replaces them. */
static void add_homes(struct run *r, struct met *m, struct told *told, size_t *room)
{
    for (size_t i = 0; i < r->n_homes; i++) {
        const struct drug *d = &r->homes[i].drug;

        for (size_t k = 0; r->homes[i].is == HOME_TAKEN && k < d->n_ingredients; k++)
            if (met_add(m, r, d->ingredients[k]))
                about_add(r, &told->about, &told->n_about, room, r->homes[i].msg->record_id);
    }
}

static void check_class(struct run *r, const Ward__Dosage__V1__DuplicateRule *rule)
{
    struct met m = {.class_id = set_class(r->set, rule->class_),
                    .in = ward_alloc(r->mem, r->set->n_ingredients)};
    struct ward_decimal n, most = ward_decimal_of(rule->most, 0);
    Ward__Dosage__V1__Compared **list = ward_new(r->mem, Ward__Dosage__V1__Compared *);
    struct told told = {.compared = list, .n_compared = 1};
    const char *args[4];
    size_t room = 0;
    char *en;

    if (m.in == NULL || list == NULL)
        return;
    for (size_t k = 0; k < r->n_shares; k++)
        (void)met_add(&m, r, r->shares[k].ingredient);
    for (size_t i = 0; i < r->n_others; i++) {
        const struct drug *d = r->others[i].drug;

        if (d == NULL || !orders_meet(r, r->others[i].msg->prescription, 0))
            continue;
        for (size_t k = 0; k < d->n_ingredients; k++)
            if (met_add(&m, r, d->ingredients[k]))
                about_add(r, &told.about, &told.n_about, &room, r->others[i].msg->order_id);
    }
    add_homes(r, &m, &told, &room);
    n = ward_decimal_of((int64_t)m.count, 0);
    list[0] = compared(r, "of-class", &n, &most, "1", "<=");
    trace_add(r, rule->rule, ward_decimal_cmp(&n, &most) > 0 ? BROKEN : HELD, "class", list, 1);
    if (ward_decimal_cmp(&n, &most) <= 0)
        return;
    args[0] = name_en(rule->name, rule->class_);
    args[1] = list_names(r, m.in, false);
    args[2] = say_decimal(r, &n, "");
    args[3] = say_decimal(r, &most, "");
    en = say(r, "{2} of {0} at once ({1}), at most {3}.", args);
    args[0] = name_zh(rule->name, rule->class_);
    args[1] = list_names(r, m.in, true);
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
