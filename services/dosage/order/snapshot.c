/* The inputs of a check: the patient's active orders, given doses, and facts of the chart. */
#include "services/dosage/give/give.h"
#include "services/dosage/order/home.h"
#include "services/dosage/order/lifetime.h"
#include "services/dosage/order/order_own.h"
#include "services/dosage/order/prescription.h"

#include <string.h>

typedef Ward__Dosage__V1__Administration Administration;

#define RUNNING_MOST 500

struct making {
    struct worker *w;
    struct ward_arena *mem;
    const struct asked *what;
    Snapshot *out;
    int64_t given_from_us; /* start of the time span of `given` */
};

static enum ward_code no_memory(struct ward_err *err)
{
    return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory for a snapshot");
}

static char *text(const char *s)
{
    return (char *)(uintptr_t)s; /* protobuf-c has no const; a snapshot is only read */
}

/* ---- active orders ---- */

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

/* ---- given doses ---- */

static int64_t due_of(const Administration *a)
{
    struct ward_err why = {0};
    uint8_t order[DOSAGE_ID];
    int64_t due_us;

    return slot_id_parse(a->slot_id, order, &due_us, &why) == WARD_OK ? due_us : 0;
}

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
    g->interval_minutes = a->interval_minutes;
    g->due_at_us = due_of(a);
    g->unacknowledged = a->emergency && *a->acknowledged_by == '\0';
    m->out->given[m->out->n_given++] = g;
    return WARD_OK;
}

/* The newest doses matter most: a time span with too many doses is halved until its doses
 * fit. */
static enum ward_code newest(struct making *m, Administration ***all, size_t *n,
                             struct ward_err *err)
{
    for (int64_t span_us = LATELY_US;; span_us /= 2, m->out->cut = true) {
        m->given_from_us = m->what->at_us - span_us;
        WARD_TRY(doses_of(m->w, m->mem, m->what->chart->id, m->given_from_us, INT64_MAX,
                          LATELY_MOST + 1, all, n, err));
        if (*n <= LATELY_MOST || span_us == 0)
            return WARD_OK;
    }
}

static bool is_left_out(const struct asked *what, const Administration *a)
{
    return what->without != NULL && strcmp(what->without, a->administration_id) == 0;
}

static enum ward_code given(struct making *m, const struct looked *l, struct ward_err *err)
{
    Administration **all = l->given;
    size_t n = l->n_given;

    m->given_from_us = m->what->at_us - LATELY_US;
    if (!l->given_all)
        WARD_TRY(newest(m, &all, &n, err));
    m->out->given = ward_alloc(m->mem, n * sizeof(GivenDose *));
    if (m->out->given == NULL)
        return no_memory(err);
    for (size_t i = 0; i < n && m->out->n_given < LATELY_MOST; i++)
        if (dose_counts(all[i]) && !is_left_out(m->what, all[i]))
            WARD_TRY(add_given(m, all[i], err));
    return WARD_OK;
}

/* ---- decisions about home medicines ---- */

static bool is_about(const Ward__Dosage__V1__HomeMedicine *m, const HomeReconciliation *h)
{
    return m->record_version == h->statement_version &&
           strcmp(m->record_id, h->statement_id) == 0;
}

/* Adds decisions about statements of the chart, if the statement's version has not changed. */
static enum ward_code homes(struct making *m, const struct looked *l, struct ward_err *err)
{
    const Ward__Dosage__V1__Facts *f = m->what->chart->facts;
    size_t most = f == NULL ? 0 : f->n_home_medicines;

    m->out->home_reconciliations = ward_alloc(m->mem, most * sizeof(HomeReconciliation *));
    if (m->out->home_reconciliations == NULL)
        return no_memory(err);
    for (size_t i = 0; i < l->n_homes; i++)
        for (size_t k = 0; k < most; k++)
            if (is_about(f->home_medicines[k], l->homes[i])) {
                m->out->home_reconciliations[m->out->n_home_reconciliations++] = l->homes[i];
                break;
            }
    return WARD_OK;
}

/* ---- making the snapshot ---- */

enum ward_code snapshot_make(struct worker *w, struct ward_arena *mem,
                             const struct looked *looked, const struct asked *what,
                             Snapshot **out, struct ward_err *err)
{
    const struct ruleset *rules = looked->rules;
    Snapshot *s = ward_new(mem, Snapshot);
    struct making m = {.w = w, .mem = mem, .what = what, .out = s};
    struct lifetimes life = {0};

    if (s == NULL)
        return no_memory(err);
    ward__dosage__v1__snapshot__init(s);
    s->patient_id = ward_strdup(mem, what->chart->text);
    if (s->patient_id == NULL)
        return no_memory(err);
    s->at_us = what->at_us;
    s->time_zone = text(what->time_zone == NULL ? looked->time_zone : what->time_zone);
    s->engine = CHECK_ENGINE;
    s->rule_set_version = ruleset_version(rules);
    s->rule_set_sha256 = text(ruleset_sha256(rules));
    s->purpose = what->purpose;
    s->prescription = (Prescription *)(uintptr_t)what->prescription;
    s->order_id = text(what->order_id);
    s->facts = (Ward__Dosage__V1__Facts *)(uintptr_t)what->chart->facts;
    s->giving = (Ward__Dosage__V1__Quantity *)(uintptr_t)what->giving;
    s->due_at_us = what->due_us;
    s->times_kept = what->times_kept;
    s->acknowledged = looked->acknowledged; /* a snapshot is only read */
    s->n_acknowledged =
        looked->n_acknowledged < ACKNOWLEDGED_MOST ? looked->n_acknowledged : ACKNOWLEDGED_MOST;
    WARD_TRY(running(&m, looked, err));
    WARD_TRY(given(&m, looked, err));
    WARD_TRY(homes(&m, looked, err));
    WARD_TRY(lifetimes_of(w, mem, rules, what->prescription->drug_id, what->chart->id,
                          m.given_from_us, &life, err));
    s->lifetime = life.at;
    s->n_lifetime = life.n;
    s->cut = s->cut || life.cut;
    *out = s;
    return WARD_OK;
}
