#include "services/dosage/check/check.h"

#include "services/dosage/check/run.h"
#include "services/dosage/schedule/timing.h"

#include <stdio.h>

static const Ward__Dosage__V1__Prescription no_prescription =
    WARD__DOSAGE__V1__PRESCRIPTION__INIT;

/* ---- other orders and doses ---- */

static bool gather(struct run *r)
{
    const Ward__Dosage__V1__Snapshot *s = r->snap;

    r->others = ward_alloc(r->mem, s->n_running * sizeof(*r->others));
    r->pasts = ward_alloc(r->mem, s->n_given * sizeof(*r->pasts));
    if (r->others == NULL || r->pasts == NULL)
        return false;
    for (size_t i = 0; i < s->n_running; i++) {
        const Ward__Dosage__V1__RunningOrder *o = s->running[i];
        struct other *to = &r->others[r->n_others];

        if (o->prescription == NULL)
            continue;
        *to = (struct other){o, set_drug(r->set, o->prescription->drug_id)};
        r->n_others++;
    }
    for (size_t i = 0; i < s->n_given; i++)
        r->pasts[r->n_pasts++] =
            (struct past){s->given[i], set_drug(r->set, s->given[i]->drug_id)};
    return true;
}

/* ---- the order itself ---- */

static enum ward_code bad_dose(struct run *r)
{
    return ward_err_about(
        r->err,
        WARD_FAIL_REASON(r->err, INVALID_ARGUMENT, "DOSE_UNIT",
                         "the dose's unit cannot be converted exactly into an amount of this "
                         "drug; if products differ, set product_id"),
        "prescription.dose");
}

static enum ward_code share_of(struct run *r, size_t k)
{
    const struct body *b = &r->body;
    struct share *s = &r->shares[k];
    enum limit_per per;

    s->ingredient = r->drug->ingredients[k];
    if (!r->rate) {
        s->good = amount_dose(r->set, r->drug, r->product, &r->dose, k, &s->amount);
        return s->good ? WARD_OK : bad_dose(r);
    }
    s->good = amount_rate(r->set, r->drug, r->product, &r->dose, k,
                          b->weight.there ? &b->weight.value : NULL,
                          b->has_bsa ? &b->bsa : NULL, &per, &s->amount);
    if (!s->good && per == PER_NOTHING)
        return bad_dose(r);
    if (per != PER_NOTHING)
        r->used |= per == PER_KG ? USED_WEIGHT : (unsigned)USED_WEIGHT | USED_HEIGHT;
    if (!s->good && !b->weight.there)
        r->lacking |= LACK_WEIGHT;
    else if (!s->good && per == PER_M2 && !b->has_bsa)
        r->lacking |= LACK_HEIGHT;
    else if (!s->good)
        return bad_dose(r);
    return WARD_OK;
}

static enum ward_code shares(struct run *r)
{
    r->shares = ward_alloc(r->mem, r->drug->n_ingredients * sizeof(*r->shares));
    if (r->shares == NULL)
        return WARD_FAIL(r->err, RESOURCE_EXHAUSTED, "no memory for a check");
    for (size_t k = 0; k < r->drug->n_ingredients; k++) {
        WARD_TRY(share_of(r, k));
        r->n_shares++;
    }
    return WARD_OK;
}

static bool has_route(const Ward__Dosage__V1__Route *routes, size_t n,
                      Ward__Dosage__V1__Route route)
{
    for (size_t i = 0; i < n; i++)
        if (routes[i] == route)
            return true;
    return false;
}

static const char *route_name(Ward__Dosage__V1__Route route)
{
    const ProtobufCEnumValue *v =
        protobuf_c_enum_descriptor_get_value(&ward__dosage__v1__route__descriptor, (int)route);

    return v == NULL ? "?" : v->name + sizeof("ROUTE_") - 1;
}

static void check_route(struct run *r)
{
    const Ward__Dosage__V1__Drug *d = r->drug->msg;
    const char *en[] = {name_en(d->name, d->id), route_name(r->p->route)};
    const char *zh[] = {name_zh(d->name, d->id), en[1]};
    bool fits = has_route(d->routes, d->n_routes, r->p->route);

    if (r->product != NULL)
        fits &= has_route(r->product->msg->routes, r->product->msg->n_routes, r->p->route);
    if (!fits)
        find_own(r, OWN_ROUTE, en, zh, NULL);
}

/* ---- the chart's state ---- */

static void check_chart(struct run *r)
{
    const Ward__Dosage__V1__Facts *f = r->snap->facts;
    char minutes[24];
    const char *args[] = {minutes};
    int64_t age_us;

    if (f == NULL || f->state == WARD__DOSAGE__V1__CHART_STATE__CHART_STATE_UNAVAILABLE ||
        f->state == WARD__DOSAGE__V1__CHART_STATE__CHART_STATE_UNSPECIFIED) {
        find_own(r, OWN_CHART_UNAVAILABLE, NULL, NULL, NULL);
    } else if (f->state == WARD__DOSAGE__V1__CHART_STATE__CHART_STATE_STALE) {
        age_us = time_since(f->as_of_us, r->at_us);
        snprintf(minutes, sizeof(minutes), "%lld", (long long)(age_us / MINUTE_US));
        find_own(r, OWN_CHART_STALE, args, args, NULL);
    }
    if (r->snap->cut || (f != NULL && (f->allergies_cut || f->home_medicines_cut)))
        find_own(r, OWN_CUT, NULL, NULL, NULL);
}

/* ---- all checks ---- */

static enum ward_code begin(struct run *r)
{
    const Ward__Dosage__V1__Snapshot *s = r->snap;
    const char *name[2];

    r->at_us = time_of(s->at_us);
    r->p = s->prescription == NULL ? &no_prescription : s->prescription;
    r->giving = s->purpose == WARD__DOSAGE__V1__CHECK_PURPOSE__CHECK_PURPOSE_GIVE;
    WARD_TRY(timing_check(r->p, r->err));
    r->rate = dose_is_rate(r->p);
    r->patch = r->rate && r->p->timing != NULL &&
               r->p->timing->kind != WARD__DOSAGE__V1__TIMING__KIND__KIND_CONTINUOUS;
    WARD_TRY(amount_from(r->set, r->giving && s->giving != NULL ? s->giving : r->p->dose,
                         &r->dose, r->err));
    check_chart(r);
    name[0] = r->p->drug_id;
    r->drug = set_drug(r->set, r->p->drug_id);
    if (r->drug == NULL) {
        find_own(r, OWN_NOT_IN_FORMULARY, name, name, NULL);
        return WARD_OK;
    }
    r->product = set_product(r->drug, r->p->product_id);
    if (r->product == NULL && *r->p->product_id != '\0') {
        name[0] = name_en(r->drug->msg->name, r->drug->msg->id);
        name[1] = r->p->product_id;
        find_own(r, OWN_PRODUCT, name, name, NULL);
        r->drug = NULL;
    }
    return WARD_OK;
}

enum ward_code check_with(const struct prepared *set, const Ward__Dosage__V1__Snapshot *snap,
                          struct ward_arena *mem, Ward__Dosage__V1__Decision *out,
                          struct ward_err *err)
{
    struct run r = {.set = set, .snap = snap, .mem = mem, .err = err};

    if (snap->engine > CHECK_ENGINE)
        return WARD_FAIL_REASON(err, FAILED_PRECONDITION, "ENGINE_NEWER",
                                "a newer version of the check made the decision");
    WARD_TRY(begin(&r));
    if (r.drug != NULL && gather(&r)) {
        homes_of(&r);
        body_of(&r);
        WARD_TRY(shares(&r));
        check_route(&r);
        check_doses(&r);
        check_class_sums(&r);
        check_interactions(&r);
        check_duplicates(&r);
        check_too_soon(&r);
        check_allergies(&r);
        check_homes(&r);
        check_contexts(&r);
        check_monitoring(&r);
        check_slips(&r);
        check_fresh(&r);
        check_lacking(&r);
        check_acknowledged(&r);
    }
    WARD_TRY(tell_end(&r, out));
    out->snapshot = (Ward__Dosage__V1__Snapshot *)(uintptr_t)snap;
    return WARD_OK;
}

enum ward_code check_run(const struct ruleset *rules, const Ward__Dosage__V1__Snapshot *snap,
                         struct ward_arena *mem, Ward__Dosage__V1__Decision *out,
                         struct ward_err *err)
{
    return check_with(ruleset_prepared(rules), snap, mem, out, err);
}
