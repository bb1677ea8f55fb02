#include "services/dosage/check/run.h"

#include "common/measure/fhirtime.h"

#include <string.h>

/* ---- age ---- */

static int64_t day_of(int64_t us)
{
    return us >= 0 ? us / DAY_US : -((-us + DAY_US - 1) / DAY_US);
}

/* Days are counted in UTC. A child born today east of Greenwich may be born tomorrow in UTC,
 * which counts as day 0. */
static void age_of(struct run *r, const char *birth_date)
{
    struct body *b = &r->body;
    struct ward_fhirtime birth, now = {0};
    int64_t today = day_of(r->at_us), least, most;

    if (*birth_date == '\0' ||
        ward_fhirtime_parse(WARD_FHIR_DATE, birth_date, strlen(birth_date), 0, &birth, NULL) !=
            WARD_OK)
        return;
    least = today - (day_of(birth.to_us) - 1);
    most = today - day_of(birth.from_us);
    if (most < -1)
        return; /* a birth date in the future is ignored */
    b->days_least = least < 0 ? 0 : least;
    b->days_most = most < 0 ? 0 : most;
    ward_days_to(today, &now.year, &now.month, &now.day);
    now.precision = WARD_TO_DAY;
    now.from_us = today * DAY_US;
    now.to_us = now.from_us + DAY_US;
    b->has_age = true;
    if (ward_fhirtime_age(&birth, &now, &b->years_least, &b->years_most, NULL) != WARD_OK)
        b->years_least = b->years_most = 0; /* born today */
}

/* ---- measurements ---- */

static void measure(struct run *r, Ward__Dosage__V1__Measured *const *list, size_t n,
                    const char *unit, struct measure *out)
{
    struct amount a;
    struct unit parsed;

    if (n == 0)
        return;
    out->from = list[0];
    out->age_us = time_since(list[0]->at_us, r->at_us);
    out->there = amount_from(r->set, list[0]->quantity, &a, NULL) == WARD_OK &&
                 amount_to(&a, unit_of(r->set, unit, &parsed), &out->value);
}

static void creatinine(struct run *r, const Ward__Dosage__V1__Facts *f)
{
    struct measure *m = &r->body.creatinine;
    struct unit parsed;
    struct amount a;

    if (f->n_creatinines == 0)
        return;
    m->from = f->creatinines[0];
    m->age_us = time_since(m->from->at_us, r->at_us);
    if (amount_from(r->set, m->from->quantity, &a, NULL) == WARD_OK) {
        m->there = amount_to(&a, unit_of(r->set, "mg/dL", &parsed), &m->value);
        if (!m->there)
            m->there = r->body.creatinine_molar =
                amount_to(&a, unit_of(r->set, "umol/L", &parsed), &m->value);
    }
}

/* A laboratory's eGFR refers to 1.73 m2. Its unit may contain 1.73 m2 in an annotation with
 * many spellings. */
static void egfr(struct run *r, const Ward__Dosage__V1__Facts *f)
{
    struct measure *m = &r->body.egfr;
    struct unit parsed;
    struct amount a;

    if (f->n_egfrs == 0)
        return;
    m->from = f->egfrs[0];
    m->age_us = time_since(m->from->at_us, r->at_us);
    m->there = amount_from(r->set, m->from->quantity, &a, NULL) == WARD_OK &&
               ward_ucum_convert(&a.value, &a.unit, &unit_of(r->set, "mL/min", &parsed)->ucum,
                                 &m->value, NULL) == WARD_OK;
}

/* ---- formulas ---- */

static uint64_t root(unsigned __int128 x)
{
    uint64_t lo = 0, hi = UINT64_C(1) << 40;

    while (lo < hi) { /* the largest integer whose square is at most x */
        uint64_t mid = lo + (hi - lo + 1) / 2;

        if ((unsigned __int128)mid * mid <= x)
            lo = mid;
        else
            hi = mid - 1;
    }
    return lo;
}

/* Body surface = sqrt(height in cm * weight in kg / 3600), rounded to the nearest 0.01 m2, half
 * up. Source: Mosteller RD. Simplified calculation of body-surface area. N Engl J Med
 * 1987;317:1098, doi 10.1056/NEJM198710223171717. Checked 2026-11-21.
 *
 * In whole numbers: n hundredths is correct if (2n - 1)^2 <= 4 * 100^2 * h * w / 3600, that is
 * 100 h w / 9. */
static void surface(struct body *b)
{
    static const struct ward_decimal hundred = {.coef = 100}, nine = {.coef = 9};
    struct ward_decimal x;

    if (!b->weight.there || !b->height.there ||
        !decimal_mul(&b->weight.value, &b->height.value, &x) ||
        !decimal_mul(&x, &hundred, &x) ||
        ward_decimal_div_round(&x, &nine, 0, WARD_ROUND_DOWN, &x, NULL, NULL) != WARD_OK)
        return;
    b->bsa = ward_decimal_of((int64_t)((root(x.coef) + 1) / 2), -2);
    b->has_bsa = b->bsa.coef > 0;
}

void body_of(struct run *r)
{
    const Ward__Dosage__V1__Facts *f = r->snap->facts;

    if (f == NULL)
        return;
    age_of(r, f->birth_date);
    measure(r, f->weights, f->n_weights, "kg", &r->body.weight);
    measure(r, f->heights, f->n_heights, "cm", &r->body.height);
    creatinine(r, f);
    egfr(r, f);
    surface(&r->body);
    kidneys_of(r);
}
