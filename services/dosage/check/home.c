/* Home medicines in the check. Each is converted to a drug with the ingredients that its codes
 * and words name. The decision at admission is considered. */
#include "services/dosage/check/names.h"
#include "services/dosage/check/run.h"

#include <stdio.h>
#include <string.h>

typedef Ward__Dosage__V1__HomeMedicine HomeMedicine;
typedef Ward__Dosage__V1__HomeReconciliation HomeReconciliation;

#define DECIDED(name) WARD__DOSAGE__V1__HOME_DECISION__HOME_DECISION_##name

/* ---- the decision at admission ---- */

/* A decision about another version of the statement does not count. */
static const HomeReconciliation *decided(const struct run *r, const HomeMedicine *m)
{
    for (size_t i = 0; engine_at_least(r, 3) && i < r->snap->n_home_reconciliations; i++) {
        const HomeReconciliation *d = r->snap->home_reconciliations[i];

        if (d->statement_version == m->record_version &&
            strcmp(d->statement_id, m->record_id) == 0)
            return d;
    }
    return NULL;
}

/* Whether an order is the checked order or another active order. */
static bool is_here(const struct run *r, const char *order_id)
{
    if (*order_id == '\0')
        return false;
    for (size_t i = 0; i < r->n_others; i++)
        if (strcmp(r->others[i].msg->order_id, order_id) == 0)
            return true;
    return strcmp(r->snap->order_id, order_id) == 0;
}

/* An ended order does not replace the home medicine: the patient is then assumed to take the
 * medicine. */
static enum home_is home_is(const struct run *r, const HomeReconciliation *d)
{
    if (d == NULL)
        return HOME_TAKEN;
    if (d->decision == DECIDED(STOP) || d->decision == DECIDED(HOLD))
        return HOME_STOPPED;
    if (!is_here(r, d->order_id))
        return HOME_TAKEN;
    return d->decision == DECIDED(CHANGE) ? HOME_STOPPED : HOME_ORDERED;
}

/* ---- conversion to a drug ---- */

static void add_ingredient(struct drug *d, int ingredient)
{
    for (size_t i = 0; i < d->n_ingredients; i++)
        if (d->ingredients[i] == ingredient)
            return;
    d->ingredients[d->n_ingredients++] = ingredient;
}

/* Only ingredients and drugs are medicines: a class or an allergy rule is ignored. */
static void add_target(const struct run *r, struct drug *d, const struct target *t)
{
    if (t->kind == IS_INGREDIENT)
        add_ingredient(d, t->at);
    for (size_t i = 0; t->kind == IS_DRUG && i < r->set->drugs[t->at].n_ingredients; i++)
        add_ingredient(d, r->set->drugs[t->at].ingredients[i]);
}

static void understand(struct run *r, const HomeMedicine *m, struct home *out)
{
    Ward__Dosage__V1__Allergy named = WARD__DOSAGE__V1__ALLERGY__INIT;
    struct target *is = NULL;
    size_t n = 0;

    *out = (struct home){.msg = m, .decided = decided(r, m)};
    out->is = home_is(r, out->decided);
    out->replaced = out->decided != NULL && *r->snap->order_id != '\0' &&
                    strcmp(out->decided->order_id, r->snap->order_id) == 0;
    named.codings = m->codings;
    named.n_codings = m->n_codings;
    named.text = m->text;
    out->drug.ingredients = ward_alloc(r->mem, r->set->n_ingredients * sizeof(int));
    if (out->drug.ingredients == NULL ||
        names_of(r->set, &named, r->mem, &is, &n, NULL) != WARD_OK)
        return;
    for (size_t i = 0; i < n; i++)
        add_target(r, &out->drug, &is[i]);
}

void homes_of(struct run *r)
{
    const Ward__Dosage__V1__Facts *f = r->snap->facts;

    if (f == NULL || f->n_home_medicines == 0)
        return;
    r->homes = ward_alloc(r->mem, f->n_home_medicines * sizeof(*r->homes));
    for (size_t i = 0; r->homes != NULL && i < f->n_home_medicines; i++)
        understand(r, f->home_medicines[i], &r->homes[r->n_homes++]);
}

/* ---- findings about home medicines ---- */

static bool was_not_understood(const struct home *h)
{
    return h->is == HOME_TAKEN && h->drug.n_ingredients == 0;
}

static bool is_undecided(const struct home *h)
{
    return h->decided == NULL;
}

static void tell_homes(struct run *r, enum own_id which, bool (*is)(const struct home *))
{
    struct told told = {0};
    char number[24];
    const char *args[] = {number};
    size_t room = 0, count = 0;

    for (size_t i = 0; i < r->n_homes; i++)
        if (is(&r->homes[i])) {
            about_add(r, &told.about, &told.n_about, &room, r->homes[i].msg->record_id);
            count++;
        }
    snprintf(number, sizeof(number), "%zu", count);
    if (count > 0)
        find_own(r, which, args, args, &told);
}

/* Decisions on home medicines are not requested when a dose is given, because the person at the
 * bedside does not decide on home medicines. */
void check_homes(struct run *r)
{
    tell_homes(r, OWN_HOME_TEXT, was_not_understood);
    if (engine_at_least(r, 3) && !r->giving)
        tell_homes(r, OWN_HOME_UNDECIDED, is_undecided);
}
