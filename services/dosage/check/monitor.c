/* Required measurements before and during a treatment. */
#include "services/dosage/check/circumstance.h"

#include <stdio.h>
#include <string.h>

#define BROKEN   WARD__DOSAGE__V1__TRACE_STEP__RESULT__RESULT_BROKEN
#define HELD     WARD__DOSAGE__V1__TRACE_STEP__RESULT__RESULT_HELD
#define NOT_THIS WARD__DOSAGE__V1__TRACE_STEP__RESULT__RESULT_NOT_FOR_THIS

/* Doses more than this many days apart belong to two courses. A weekly drug is one course.
 * Local policy: set by your pharmacists. */
#define COURSE_GAP_DAYS 30

static bool holds(const struct drug *d, int ingredient)
{
    for (size_t i = 0; d != NULL && i < d->n_ingredients; i++)
        if (d->ingredients[i] == ingredient)
            return true;
    return false;
}

/* Time of the first dose of this course. The doses are sorted by time. 0: no dose was given. */
static int64_t course_began(const struct run *r, int ingredient)
{
    int64_t began = 0, next = r->at_us;

    for (size_t i = r->n_pasts; i > 0; i--) {
        const struct past *p = &r->pasts[i - 1];
        int64_t at = time_of(p->msg->given_at_us);

        if (!holds(p->drug, ingredient) || at > r->at_us)
            continue;
        if (time_since(at, next) > COURSE_GAP_DAYS * DAY_US)
            break;
        began = next = at;
    }
    return began;
}

/* The maximum age of a value in hours; 0: no value is required now. *since_us: a value must
 * also be newer than this time. */
static int64_t wanted(const struct run *r, const Ward__Dosage__V1__MonitoringRule *m,
                      int ingredient, int64_t *since_us)
{
    int64_t began = course_began(r, ingredient);

    *since_us = INT64_MIN;
    if (began == 0)
        return m->before_hours;
    if (m->first_hours == 0 || time_since(began, r->at_us) < m->first_hours * HOUR_US)
        return 0;
    *since_us = began;
    return m->every_hours > 0 ? m->every_hours : (r->at_us - began) / HOUR_US + 1;
}

static void tell(struct run *r, const Ward__Dosage__V1__MonitoringRule *m, int64_t hours)
{
    const Ward__Dosage__V1__Drug *d = r->drug->msg;
    char number[24];
    const char *args[3] = {name_en(d->name, d->id), name_en(m->name, ""), number};
    char *en;

    snprintf(number, sizeof(number), "%lld", (long long)hours);
    en = say(r, "{0}: order {1}; the chart has none of the last {2} hours.", args);
    args[0] = name_zh(d->name, d->id);
    args[1] = name_zh(m->name, "");
    find_rule(r, m->rule, en, say(r, "{0}：请开具{1}检测；病历中近 {2} 小时内无结果。", args),
              NULL);
}

static void check_rule(struct run *r, const struct monitoring_rule *rule, int ingredient)
{
    const Ward__Dosage__V1__MonitoringRule *m = rule->msg;
    const Ward__Dosage__V1__Measured *v = lab_newest(r->snap->facts, m->loincs, m->n_loincs);
    int64_t since, hours = wanted(r, m, ingredient, &since);
    bool missing = hours > 0 && (v == NULL || v->at_us <= since ||
                                 time_since(v->at_us, r->at_us) > hours * HOUR_US);

    trace_add(r, m->rule, missing ? BROKEN : HELD, missing ? "not-in-chart" : "", NULL, 0);
    if (missing)
        tell(r, m, hours);
}

static bool seen(const struct run *r, size_t k, int rule)
{
    for (size_t before = 0; before < k; before++) {
        const struct ingredient *i = &r->set->ingredients[r->shares[before].ingredient];

        for (size_t n = 0; n < i->n_monitorings; n++)
            if (i->monitorings[n] == rule)
                return true;
    }
    return false;
}

void check_monitoring(struct run *r)
{
    const Ward__Dosage__V1__Facts *f = r->snap->facts;

    if (f == NULL || f->state == WARD__DOSAGE__V1__CHART_STATE__CHART_STATE_UNAVAILABLE)
        return;
    for (size_t k = 0; k < r->n_shares; k++) {
        const struct ingredient *in = &r->set->ingredients[r->shares[k].ingredient];

        for (size_t i = 0; i < in->n_monitorings; i++) {
            const struct monitoring_rule *rule = &r->set->monitorings[in->monitorings[i]];
            const char *why;

            if (seen(r, k, in->monitorings[i]))
                continue;
            if (!band_fits(r, rule->msg->band, &why))
                trace_add(r, rule->msg->rule, NOT_THIS, why, NULL, 0);
            else
                check_rule(r, rule, r->shares[k].ingredient);
        }
    }
}
