/* The weight for a dose per kg. */
#include "services/dosage/check/run.h"

/* Ideal body weight = 50 kg (women 45.5 kg) + 2.3 kg for each inch above 5 feet. Source: Devine
 * BJ. Gentamicin therapy. Drug Intell Clin Pharm 1974;8:650-655, doi
 * 10.1177/106002807400801104. Below 5 feet the value for 5 feet is used. Checked 2026-11-22. */
#define IBW_MEN   500 /* tenths of a kg */
#define IBW_WOMEN 455
#define IBW_INCH  23
#define INCH      254  /* hundredths of a cm */
#define FIVE_FEET 1524 /* tenths of a cm */
/* Adjusted = ideal + 0.4 * (actual - ideal). Source: Bauer LA et al. Influence of weight on
 * aminoglycoside pharmacokinetics in normal weight and morbidly obese patients. Eur J Clin
 * Pharmacol 1983;24:643-647, doi 10.1007/BF00542215. Used from 1.2 times the ideal weight on,
 * the definition of obese in labels of aminoglycosides. Checked 2026-11-22. */
#define ADJUSTED 4  /* tenths */
#define OBESE    12 /* tenths of the ideal weight */
/* Lean = 9270 * kg / (6680 + 216 * BMI), for women 8780 + 244 * BMI. Source: Janmahasatian S et
 * al. Quantification of lean bodyweight. Clin Pharmacokinet 2005;44:1051-1065, doi
 * 10.2165/00003088-200544100-00004. Checked 2026-11-22. */
#define LEAN        9270
#define LEAN_MEN    6680
#define LEAN_WOMEN  8780
#define MASS_MEN    216
#define MASS_WOMEN  244
#define METRE       10000 /* square centimetres */
#define ADULT_YEARS 18
#define KG_EXP      (-1) /* rounded to 0.1 kg, half up */

/* If the sex is unknown, the lower weight is used, which is the women's. */
static bool is_man(const struct run *r)
{
    return r->snap->facts->sex == WARD__DOSAGE__V1__SEX__SEX_MALE;
}

static bool rounded(const struct ward_decimal *above, const struct ward_decimal *below,
                    struct ward_decimal *out)
{
    return ward_decimal_div_round(above, below, KG_EXP, WARD_ROUND_HALF_UP, out, NULL, NULL) ==
           WARD_OK;
}

static bool ideal(const struct run *r, struct ward_decimal *out)
{
    struct ward_decimal base = ward_decimal_of(is_man(r) ? IBW_MEN : IBW_WOMEN, -1);
    struct ward_decimal feet = ward_decimal_of(FIVE_FEET, -1), inch = ward_decimal_of(INCH, -2);
    struct ward_decimal each = ward_decimal_of(IBW_INCH, -1), x;

    if (ward_decimal_sub(&r->body.height.value, &feet, &x, NULL) != WARD_OK)
        return false;
    if (x.negative)
        x = ward_decimal_of(0, 0);
    if (!decimal_mul(&x, &each, &x) || !rounded(&x, &inch, &x) ||
        ward_decimal_add(&base, &x, out, NULL) != WARD_OK)
        return false;
    if (ward_decimal_cmp(out, &r->body.weight.value) > 0)
        *out = r->body.weight.value;
    return true;
}

static bool adjusted(const struct run *r, struct ward_decimal *out)
{
    const struct ward_decimal obese = ward_decimal_of(OBESE, -1),
                              part = ward_decimal_of(ADJUSTED, -1), one = ward_decimal_of(1, 0);
    struct ward_decimal top, more;

    if (!ideal(r, out) || !decimal_mul(out, &obese, &top))
        return false;
    if (ward_decimal_cmp(&r->body.weight.value, &top) <= 0) {
        *out = r->body.weight.value;
        return true;
    }
    return ward_decimal_sub(&r->body.weight.value, out, &more, NULL) == WARD_OK &&
           decimal_mul(&more, &part, &more) &&
           ward_decimal_add(out, &more, out, NULL) == WARD_OK && rounded(out, &one, out);
}

/* Computes LEAN * kg * h2 / (a * h2 + b * METRE * kg), with BMI = kg * METRE / h2. */
static bool lean(const struct run *r, struct ward_decimal *out)
{
    const struct ward_decimal *kg = &r->body.weight.value, *h = &r->body.height.value;
    struct ward_decimal above = ward_decimal_of(LEAN, 0), h2;
    struct ward_decimal below = ward_decimal_of(is_man(r) ? LEAN_MEN : LEAN_WOMEN, 0);
    struct ward_decimal mass =
        ward_decimal_of((int64_t)METRE * (is_man(r) ? MASS_MEN : MASS_WOMEN), 0);

    return decimal_mul(h, h, &h2) && decimal_mul(&above, kg, &above) &&
           decimal_mul(&above, &h2, &above) && decimal_mul(&below, &h2, &below) &&
           decimal_mul(&mass, kg, &mass) &&
           ward_decimal_add(&below, &mass, &below, NULL) == WARD_OK &&
           rounded(&above, &below, out);
}

struct basis {
    bool (*weight)(const struct run *r, struct ward_decimal *out);
    const char *en, *zh;
};
static const struct basis bases[] = {
    [WARD__DOSAGE__V1__WEIGHT_BASIS__WEIGHT_BASIS_IDEAL] = {ideal, " ideal body weight",
                                                            "（理想体重）"},
    [WARD__DOSAGE__V1__WEIGHT_BASIS__WEIGHT_BASIS_ADJUSTED] = {adjusted,
                                                               " adjusted body weight",
                                                               "（校正体重）"},
    [WARD__DOSAGE__V1__WEIGHT_BASIS__WEIGHT_BASIS_LEAN] = {lean, " lean body weight",
                                                           "（瘦体重）"},
};

static bool lacking(struct run *r, enum lack which, const char *why, struct per_body *out)
{
    r->lacking |= which;
    out->why = why;
    return false;
}

/* For children, the actual weight is used. */
static bool by_kg(struct run *r, Ward__Dosage__V1__WeightBasis basis, struct per_body *out)
{
    const struct body *b = &r->body;
    const struct basis *how = (size_t)basis < WARD_COUNT(bases) ? &bases[basis] : NULL;

    out->value = b->weight.value;
    if (how == NULL || how->weight == NULL || (b->has_age && b->years_most < ADULT_YEARS))
        return true;
    r->used |= USED_HEIGHT;
    if (!b->has_age || b->years_least < ADULT_YEARS)
        return lacking(r, LACK_AGE, "no-age", out);
    if (!b->height.there || !how->weight(r, &out->value))
        return lacking(r, LACK_HEIGHT, "no-height", out);
    out->en = how->en;
    out->zh = how->zh;
    return true;
}

bool body_over(struct run *r, enum limit_per per, Ward__Dosage__V1__WeightBasis basis,
               struct per_body *out)
{
    const struct body *b = &r->body;

    *out = (struct per_body){.value = ward_decimal_of(1, 0), .en = "", .zh = "", .why = ""};
    if (per != PER_KG && per != PER_M2)
        return true;
    r->used |= per == PER_KG ? USED_WEIGHT : (unsigned)USED_WEIGHT | USED_HEIGHT;
    if (!b->weight.there)
        return lacking(r, LACK_WEIGHT, "no-weight", out);
    if (per == PER_KG)
        return by_kg(r, basis, out);
    out->value = b->bsa;
    return b->has_bsa || lacking(r, LACK_HEIGHT, "no-height", out);
}
