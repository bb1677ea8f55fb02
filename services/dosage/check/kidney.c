/* Kidney function: a clearance or a filtration rate, from creatinine. */
#include "services/dosage/check/run.h"

#include "common/measure/power.h"

/* Creatinine clearance = (140 - age) * weight / (72 * creatinine in mg/dL), * 0.85 for women.
 * Source: Cockcroft DW, Gault MH. Prediction of creatinine clearance from serum creatinine.
 * Nephron 1976;16:31-41, doi 10.1159/000180580. Derived from patients of 18 to 92 years, so the
 * formula is not used under 18 years. Checked 2026-11-21. */
#define CG_AGE    140
#define CG_FACTOR 72
#define CG_WOMEN  85 /* hundredths */
#define CG_ADULT  18
/* 1 mg/dL of creatinine is 88.4 umol/L. Source: KDIGO 2012 Clinical Practice Guideline for the
 * Evaluation and Management of CKD, Kidney Int Suppl 2013;3:1-150, conversion of units; from
 * the molar mass of 113.12 g/mol: 10/113.12 mmol/L. Checked 2026-11-21. */
#define CREATININE_MOLAR 884 /* tenths */

#define CRCL_EXP (-1) /* rounded to 0.1 mL/min, half up */
/* eGFR = 142 * min(creatinine / k, 1)^a * max(creatinine / k, 1)^-1.200 * 0.9938^age, * 1.012
 * for women; k 0.7 and a -0.241 for women, 0.9 and -0.302 for men; creatinine in mg/dL; mL/min
 * of 1.73 m2. Source: Inker LA et al. New creatinine- and cystatin C-based equations to
 * estimate GFR without race. N Engl J Med 2021;385:1737-1749, doi 10.1056/NEJMoa2102953: the
 * equation of creatinine. For adults. Checked 2026-11-22. */
#define EPI_FACTOR 142
#define EPI_ADULT  18
/* eGFR = 0.413 * height in cm / creatinine in mg/dL. Source: Schwartz GJ et al. New equations
 * to estimate GFR in children with CKD. J Am Soc Nephrol 2009;20:629-637, doi
 * 10.1681/ASN.2008030287. Derived from children of 1 to 16 years; used up to 18 years, as in
 * KDIGO 2012. Checked 2026-11-22. */
#define SCHWARTZ      413 /* thousandths */
#define SCHWARTZ_FROM 1

#define MG_EXP (-9) /* precision of creatinine in mg/dL, from umol/L */

static bool is_woman(const struct run *r)
{
    return r->snap->facts->sex == WARD__DOSAGE__V1__SEX__SEX_FEMALE;
}

static bool has_sex(const struct run *r)
{
    return is_woman(r) || r->snap->facts->sex == WARD__DOSAGE__V1__SEX__SEX_MALE;
}

/* ---- clearance ---- */

static bool clearance_at(const struct body *b, bool woman, int years,
                         const struct ward_decimal *kg, struct ward_decimal *out)
{
    struct ward_decimal above = ward_decimal_of(years < CG_AGE ? CG_AGE - years : 0, 0);
    struct ward_decimal below = ward_decimal_of(CG_FACTOR, 0);
    struct ward_decimal women = ward_decimal_of(CG_WOMEN, -2);
    struct ward_decimal molar = ward_decimal_of(CREATININE_MOLAR, -1);

    return decimal_mul(&above, kg, &above) && (!woman || decimal_mul(&above, &women, &above)) &&
           (!b->creatinine_molar || decimal_mul(&above, &molar, &above)) &&
           decimal_mul(&below, &b->creatinine.value, &below) &&
           ward_decimal_div_round(&above, &below, CRCL_EXP, WARD_ROUND_HALF_UP, out, NULL,
                                  NULL) == WARD_OK;
}

bool kidney_clearance(struct run *r, const struct ward_decimal *kg, struct ward_decimal *least,
                      struct ward_decimal *most)
{
    const struct body *b = &r->body;

    return b->has_age && b->years_least >= CG_ADULT && b->creatinine.there && has_sex(r) &&
           clearance_at(b, is_woman(r), b->years_most, kg, least) &&
           clearance_at(b, is_woman(r), b->years_least, kg, most);
}

/* ---- filtration ---- */

static bool in_mg(const struct body *b, struct ward_decimal *out)
{
    struct ward_decimal molar = ward_decimal_of(CREATININE_MOLAR, -1);

    *out = b->creatinine.value;
    return !b->creatinine_molar ||
           ward_decimal_div_round(out, &molar, MG_EXP, WARD_ROUND_HALF_UP, out, NULL, NULL) ==
               WARD_OK;
}

static bool epi(const struct ward_decimal *mg, bool woman, int years, struct ward_decimal *out)
{
    struct ward_decimal k = woman ? ward_decimal_of(7, -1) : ward_decimal_of(9, -1);
    struct ward_decimal above = ward_decimal_of(-1200, -3);
    struct ward_decimal below = ward_decimal_of(woman ? -241 : -302, -3);
    struct ward_decimal age = ward_decimal_of(years, 0), yearly = ward_decimal_of(9938, -4);
    struct ward_decimal women = ward_decimal_of(woman ? 1012 : 1000, -3);
    struct ward_decimal x = ward_decimal_of(EPI_FACTOR, 0), ratio;

    return ward_decimal_div_round(mg, &k, MG_EXP, WARD_ROUND_HALF_UP, &ratio, NULL, NULL) ==
               WARD_OK &&
           ward_decimal_power(&ratio, ward_decimal_cmp(mg, &k) > 0 ? &above : &below, MG_EXP,
                              &ratio, NULL) == WARD_OK &&
           ward_decimal_power(&yearly, &age, MG_EXP, &yearly, NULL) == WARD_OK &&
           decimal_mul(&x, &ratio, &x) && decimal_mul(&x, &yearly, &x) &&
           decimal_mul(&x, &women, &x) &&
           ward_decimal_round(&x, CRCL_EXP, WARD_ROUND_HALF_UP, out, NULL, NULL) == WARD_OK;
}

static bool schwartz(const struct body *b, const struct ward_decimal *mg,
                     struct ward_decimal *out)
{
    struct ward_decimal x = ward_decimal_of(SCHWARTZ, -3);

    return b->height.there && decimal_mul(&x, &b->height.value, &x) &&
           ward_decimal_div_round(&x, mg, CRCL_EXP, WARD_ROUND_HALF_UP, out, NULL, NULL) ==
               WARD_OK;
}

/* If the sex is unknown, egfr_least and egfr_most are the results of both sexes. */
static bool filtration(struct run *r)
{
    struct body *b = &r->body;
    bool woman = is_woman(r);
    struct ward_decimal mg;

    if (!b->has_age || !b->creatinine.there || !in_mg(b, &mg))
        return false;
    if (b->years_least >= EPI_ADULT) {
        if (!epi(&mg, has_sex(r) ? woman : true, b->years_most, &b->egfr_least) ||
            !epi(&mg, has_sex(r) ? woman : false, b->years_least, &b->egfr_most))
            return false;
        if (ward_decimal_cmp(&b->egfr_least, &b->egfr_most) > 0) {
            mg = b->egfr_least;
            b->egfr_least = b->egfr_most;
            b->egfr_most = mg;
        }
        return true;
    }
    if (b->years_least < SCHWARTZ_FROM || b->years_most >= EPI_ADULT)
        return false;
    r->used |= USED_HEIGHT;
    if (!schwartz(b, &mg, &b->egfr_least))
        return false;
    b->egfr_most = b->egfr_least;
    return true;
}

bool kidney_filtration(struct run *r)
{
    struct body *b = &r->body;

    if (!b->egfr_tried && !b->egfr.there && engine_at_least(r, 2)) {
        b->has_egfr = filtration(r);
        b->egfr_reckoned = b->has_egfr;
    }
    b->egfr_tried = true;
    return b->has_egfr;
}

void kidneys_of(struct run *r)
{
    struct body *b = &r->body;

    b->has_crcl =
        b->weight.there && kidney_clearance(r, &b->weight.value, &b->crcl_least, &b->crcl_most);
    b->has_egfr = b->egfr.there;
    b->egfr_least = b->egfr_most = b->egfr.value;
}
