/* Home medicines as the check meets them: each as a drug of the ingredients that its codes and
 * words name. */
#include "services/dosage/check/names.h"
#include "services/dosage/check/run.h"

#include <stdio.h>

typedef Ward__Dosage__V1__HomeMedicine HomeMedicine;

static void add_ingredient(struct drug *d, int ingredient)
{
    for (size_t i = 0; i < d->n_ingredients; i++)
        if (d->ingredients[i] == ingredient)
            return;
    d->ingredients[d->n_ingredients++] = ingredient;
}

/* A class or an allergy's rule that the words name is no medicine. */
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

    *out = (struct home){.msg = m};
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

void check_homes(struct run *r)
{
    struct told told = {0};
    char number[24];
    const char *args[] = {number};
    size_t room = 0, count = 0;

    for (size_t i = 0; i < r->n_homes; i++)
        if (r->homes[i].drug.n_ingredients == 0) {
            about_add(r, &told.about, &told.n_about, &room, r->homes[i].msg->record_id);
            count++;
        }
    snprintf(number, sizeof(number), "%zu", count);
    if (count > 0)
        find_own(r, OWN_HOME_TEXT, args, args, &told);
}
