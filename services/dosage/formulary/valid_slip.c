/* Slip rules: each kind has its own numbers. */
#include "services/dosage/formulary/valid.h"

#define HOURS_MOST  9600 /* hours of 400 days, the time span of given doses in a snapshot */
#define FACTOR_MOST 1000
#define Z_LEAST     2 /* standard deviations; a lower limit would match healthy patients */
#define Z_MOST      20

typedef Ward__Dosage__V1__SlipRule Slip;

enum numbers { A_SHARE, A_RATIO, A_JUMP, A_SCORE, A_RANGE };

static enum numbers numbers_of(const Slip *s)
{
    switch (s->kind) {
    case WARD__DOSAGE__V1__SLIP_RULE__KIND__KIND_TENFOLD:
        return A_RATIO;
    case WARD__DOSAGE__V1__SLIP_RULE__KIND__KIND_WEIGHT_JUMP:
        return A_JUMP;
    case WARD__DOSAGE__V1__SLIP_RULE__KIND__KIND_WEIGHT_FOR_AGE:
    case WARD__DOSAGE__V1__SLIP_RULE__KIND__KIND_HEIGHT_FOR_AGE:
        return A_SCORE;
    case WARD__DOSAGE__V1__SLIP_RULE__KIND__KIND_WEIGHT_RANGE:
    case WARD__DOSAGE__V1__SLIP_RULE__KIND__KIND_HEIGHT_RANGE:
    case WARD__DOSAGE__V1__SLIP_RULE__KIND__KIND_BODY_MASS:
        return A_RANGE;
    default:
        return A_SHARE;
    }
}

static void factor(struct valid *v, const Slip *s, enum numbers are, const struct place *slip)
{
    const struct place *at = PLACE(slip, "factor");
    const struct ward_decimal one = ward_decimal_of(1, 0),
                              most = ward_decimal_of(FACTOR_MOST, 0),
                              z_least = ward_decimal_of(Z_LEAST, 0),
                              z_most = ward_decimal_of(Z_MOST, 0);
    struct ward_decimal f;

    if (are == A_RANGE) {
        if (*s->factor != '\0')
            wrong(v, at, "is not allowed for a range");
        return;
    }
    if (!valid_decimal(v, at, s->factor, &f))
        return;
    if ((are == A_RATIO || are == A_JUMP) &&
        (ward_decimal_cmp(&f, &one) <= 0 || ward_decimal_cmp(&f, &most) > 0))
        wrong(v, at, "must be above 1 and at most %d", FACTOR_MOST);
    if (are == A_SCORE &&
        (ward_decimal_cmp(&f, &z_least) < 0 || ward_decimal_cmp(&f, &z_most) > 0))
        wrong(v, at, "is in standard deviations: it must be %d to %d", Z_LEAST, Z_MOST);
    if (are == A_SHARE && ward_decimal_cmp(&f, &one) >= 0)
        wrong(v, at, "is a share: it must be below 1");
}

/* Checks `low` of a score: the distance below the median, if it differs from the distance
 * above. `high` is only for ranges. */
static void low_score(struct valid *v, const Slip *s, const struct place *at)
{
    const struct ward_decimal least = ward_decimal_of(Z_LEAST, 0),
                              most = ward_decimal_of(Z_MOST, 0);
    struct ward_decimal z;

    if (*s->low != '\0' && valid_decimal(v, PLACE(at, "low"), s->low, &z) &&
        (ward_decimal_cmp(&z, &least) < 0 || ward_decimal_cmp(&z, &most) > 0))
        wrong(v, PLACE(at, "low"), "is in standard deviations: it must be %d to %d", Z_LEAST,
              Z_MOST);
    if (*s->high != '\0')
        wrong(v, PLACE(at, "high"), "is only for a range");
}

static void range(struct valid *v, const Slip *s, enum numbers are, const struct place *at)
{
    bool low = *s->low != '\0', high = *s->high != '\0';
    struct ward_decimal a, b;

    if (are == A_SCORE)
        low_score(v, s, at);
    if (are != A_RANGE) {
        if (((low || high) && are != A_SCORE) || s->age_from_days != 0 || s->age_to_days != 0)
            wrong(v,
                  PLACE(at, low    ? "low"
                            : high ? "high"
                                   : "age_from_days"),
                  "is only for a range");
        return;
    }
    if (!low && !high)
        wrong(v, PLACE(at, "low"), "or high is missing");
    low = low && valid_decimal(v, PLACE(at, "low"), s->low, &a);
    high = high && valid_decimal(v, PLACE(at, "high"), s->high, &b);
    if (low && high && ward_decimal_cmp(&a, &b) >= 0)
        wrong(v, PLACE(at, "high"), "must be above low");
    valid_ages(v, at, s->age_from_days, s->age_to_days);
}

static void slip(struct valid *v, const Slip *s, const struct place *at)
{
    enum numbers are = numbers_of(s);

    valid_rule_head(v, at, s->rule);
    valid_range(v, PLACE(at, "kind"), s->kind, WARD__DOSAGE__V1__SLIP_RULE__KIND__KIND_TENFOLD,
                WARD__DOSAGE__V1__SLIP_RULE__KIND__KIND_BODY_MASS);
    factor(v, s, are, at);
    range(v, s, are, at);
    valid_range(v, PLACE(at, "within_hours"), s->within_hours, are == A_JUMP ? 1 : 0,
                are == A_JUMP ? HOURS_MOST : 0);
}

void valid_slips(struct valid *v)
{
    const RuleSet *m = v->r->msg;

    for (size_t i = 0; i < m->n_slips; i++)
        slip(v, m->slips[i], PLACE_OF(NULL, "slips", i));
}
