/* What a check is made of, read at one moment: what runs for the patient, what they were given,
 * what their chart says. */
#include "services/dosage/give/give.h"
#include "services/dosage/order/order_own.h"
#include "services/dosage/order/prescription.h"

#include <string.h>

typedef Ward__Dosage__V1__Administration Administration;
typedef Ward__Dosage__V1__DoseRule DoseRule;
typedef Ward__Dosage__V1__Drug Drug;
typedef Ward__Dosage__V1__Lifetime Lifetime;

#define RUNNING_MOST 500
#define GIVEN_MOST   ((size_t)5000)
#define GIVEN_US     (INT64_C(400) * 24 * 3600 * 1000000)
#define PAGE         ((size_t)1000) /* of a patient's whole life */

struct making {
    struct worker *w;
    struct ward_arena *mem;
    const struct ruleset *rules;
    const struct asked *what;
    Snapshot *out;
    int64_t given_from_us; /* where `given` begins */
};

static enum ward_code no_memory(struct ward_err *err)
{
    return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory for a snapshot");
}

/* ---- what runs ---- */

static enum ward_code add_running(struct making *m, const Order *o, struct ward_err *err)
{
    RunningOrder *r = ward_new(m->mem, RunningOrder);

    if (r == NULL)
        return no_memory(err);
    ward__dosage__v1__running_order__init(r);
    r->order_id = o->order_id;
    r->version = o->version;
    r->prescription = o->prescription;
    r->on_hold = (enum order_state)o->state == ORDER_ON_HOLD;
    m->out->running[m->out->n_running++] = r;
    return WARD_OK;
}

static enum ward_code running(struct making *m, const struct looked *l, struct ward_err *err)
{
    m->out->running = ward_alloc(m->mem, l->n_running * sizeof(RunningOrder *));
    if (m->out->running == NULL)
        return no_memory(err);
    for (size_t i = 0; i < l->n_running; i++) {
        if (strcmp(l->running[i]->order_id, m->what->order_id) == 0 ||
            prescription_spent(l->running[i]->prescription, m->what->at_us))
            continue;
        if (m->out->n_running == RUNNING_MOST) {
            m->out->cut = true;
            break;
        }
        WARD_TRY(add_running(m, l->running[i], err));
    }
    return WARD_OK;
}

/* ---- what was given ---- */

static enum ward_code add_given(struct making *m, const Administration *a, struct ward_err *err)
{
    GivenDose *g = ward_new(m->mem, GivenDose);

    if (g == NULL)
        return no_memory(err);
    ward__dosage__v1__given_dose__init(g);
    g->administration_id = a->administration_id;
    g->order_id = a->order_id;
    g->drug_id = a->drug_id;
    g->product_id = a->product_id;
    g->dose = a->dose;
    g->route = a->route;
    g->given_at_us = a->given_at_us;
    g->unacknowledged = a->emergency && *a->acknowledged_by == '\0';
    m->out->given[m->out->n_given++] = g;
    return WARD_OK;
}

/* The newest are what counts: a span that has too many is halved until it has not. */
static enum ward_code given(struct making *m, struct ward_err *err)
{
    int64_t span_us = GIVEN_US;
    Administration **all;
    size_t n;

    for (;; span_us /= 2, m->out->cut = true) {
        m->given_from_us = m->what->at_us - span_us;
        WARD_TRY(doses_of(m->w, m->mem, m->what->chart->id, m->given_from_us, INT64_MAX,
                          GIVEN_MOST + 1, &all, &n, err));
        if (n <= GIVEN_MOST || span_us == 0)
            break;
    }
    m->out->given = ward_alloc(m->mem, n * sizeof(GivenDose *));
    if (m->out->given == NULL)
        return no_memory(err);
    for (size_t i = 0; i < n && m->out->n_given < GIVEN_MOST; i++)
        if (dose_counts(all[i]))
            WARD_TRY(add_given(m, all[i], err));
    return WARD_OK;
}

/* ---- for life ---- */

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

static bool holds(const Drug *d, const char *ingredient)
{
    for (size_t i = 0; i < d->n_ingredients; i++)
        if (strcmp(d->ingredients[i], ingredient) == 0)
            return true;
    return false;
}

/* A dose of a drug that the rule set has not, or that nothing converts any more, is not
 * nothing: then the sum is not whole, and the snapshot says so. */
static void add_dose(struct making *m, const Administration *a, const char *ingredient,
                     struct ward_decimal *sum)
{
    const Drug *d = ruleset_drug(m->rules, a->drug_id);
    struct ward_decimal amount;

    if (!dose_counts(a) || (d != NULL && !holds(d, ingredient)))
        return;
    if (d == NULL ||
        amount_of_ingredient(m->rules, a->drug_id, a->product_id, a->dose, ingredient, &amount,
                             NULL) != WARD_OK ||
        ward_decimal_add(sum, &amount, sum, NULL) != WARD_OK)
        m->out->cut = true;
}

static enum ward_code sum_of_life(struct making *m, const char *ingredient,
                                  struct ward_decimal *sum, struct ward_err *err)
{
    int64_t from_us = 0;
    Administration **all;
    size_t n;

    do {
        WARD_TRY(doses_of(m->w, m->mem, m->what->chart->id, from_us, m->given_from_us, PAGE,
                          &all, &n, err));
        /* Those of the last moment come again with the next page, unless they fill one. */
        size_t whole = n;

        while (n == PAGE && whole > 1 && all[whole - 1]->given_at_us == all[n - 1]->given_at_us)
            whole--;
        if (whole == 1 && n == PAGE)
            m->out->cut = true;
        for (size_t i = 0; i < whole; i++)
            add_dose(m, all[i], ingredient, sum);
        if (n == PAGE)
            from_us = whole == 1 ? all[n - 1]->given_at_us + 1 : all[n - 1]->given_at_us;
    } while (n == PAGE);
    return WARD_OK;
}

static enum ward_code lifetime_of(struct making *m, const char *ingredient,
                                  struct ward_err *err)
{
    const Ward__Dosage__V1__Ingredient *in = ruleset_ingredient(m->rules, ingredient);
    struct ward_decimal sum = ward_decimal_of(0, 0);
    Lifetime *l = ward_new(m->mem, Lifetime);

    if (in == NULL || !has_limit_for_life(m->rules, ingredient))
        return WARD_OK;
    if (l == NULL)
        return no_memory(err);
    ward__dosage__v1__lifetime__init(l);
    l->ingredient = in->id;
    WARD_TRY(sum_of_life(m, ingredient, &sum, err));
    if (ward_decimal_is_zero(&sum))
        return WARD_OK; /* no amount is 0: nothing was given */
    WARD_TRY(amount_print(&sum, in->unit, m->mem, &l->amount, err));
    m->out->lifetime[m->out->n_lifetime++] = l;
    return WARD_OK;
}

static enum ward_code lifetime(struct making *m, struct ward_err *err)
{
    const Drug *d = ruleset_drug(m->rules, m->what->prescription->drug_id);

    if (d == NULL)
        return WARD_OK;
    m->out->lifetime = ward_alloc(m->mem, d->n_ingredients * sizeof(Lifetime *));
    if (m->out->lifetime == NULL)
        return no_memory(err);
    for (size_t i = 0; i < d->n_ingredients; i++)
        WARD_TRY(lifetime_of(m, d->ingredients[i], err));
    return WARD_OK;
}

/* ---- all of it ---- */

enum ward_code snapshot_make(struct worker *w, struct ward_arena *mem,
                             const struct looked *looked, const struct asked *what,
                             Snapshot **out, struct ward_err *err)
{
    const struct ruleset *rules = looked->rules;
    Snapshot *s = ward_new(mem, Snapshot);
    struct making m = {.w = w, .mem = mem, .rules = rules, .what = what, .out = s};

    if (s == NULL)
        return no_memory(err);
    ward__dosage__v1__snapshot__init(s);
    s->patient_id = ward_strdup(mem, what->chart->text);
    if (s->patient_id == NULL)
        return no_memory(err);
    s->at_us = what->at_us;
    s->time_zone = api_text(what->time_zone == NULL ? looked->time_zone : what->time_zone);
    s->rule_set_version = ruleset_version(rules);
    s->rule_set_sha256 = api_text(ruleset_sha256(rules));
    s->purpose = what->purpose;
    s->prescription = (Prescription *)(uintptr_t)what->prescription;
    s->order_id = api_text(what->order_id);
    s->facts = (Ward__Dosage__V1__Facts *)(uintptr_t)what->chart->facts;
    s->giving = (Ward__Dosage__V1__Quantity *)(uintptr_t)what->giving;
    WARD_TRY(running(&m, looked, err));
    WARD_TRY(given(&m, err));
    WARD_TRY(lifetime(&m, err));
    *out = s;
    return WARD_OK;
}
