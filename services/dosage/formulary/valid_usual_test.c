/* Usual doses, class sums, infusions and plausible measurements: each problem is found. */
#include "services/dosage/formulary/valid_testing.h"

typedef Ward__Dosage__V1__UsualDoseRule Usual;
typedef Ward__Dosage__V1__ClassSumRule Sum;

static Usual usual;
static Sum sum;
static Ward__Dosage__V1__ClassSumRule__Member member;
static Quantity low, high, rate, concentration, patch, hour;
static Rule heads[2];
static Ward__Dosage__V1__Route by_mouth[1];

/* Makes the small rule set, with one rule of each kind. */
static void more_make(void)
{
    static Usual *usuals[1] = {&usual};
    static Sum *sums[1] = {&sum};
    static Ward__Dosage__V1__ClassSumRule__Member *members[2] = {&member, &member};

    world_make(&w);
    heads[0] = heads[1] = w.rules[0];
    heads[0].id = W("usual");
    heads[1].id = W("sum");
    low = quantity("50", "mg");
    high = quantity("1", "g");
    rate = quantity("10", "mg/min");
    concentration = quantity("5", "mg/mL");
    ward__dosage__v1__usual_dose_rule__init(&usual);
    usual.rule = &heads[0];
    usual.ingredient = W("alpha");
    usual.low = &low;
    usual.high = &high;
    usual.factor = W("10");
    usual.warn_factor = W("3");
    usual.low_factor = W("10");
    ward__dosage__v1__class_sum_rule__member__init(&member);
    member.ingredient = W("alpha");
    member.factor = W("1.5");
    by_mouth[0] = WARD__DOSAGE__V1__ROUTE__ROUTE_PO;
    SET_LIST(member, routes, by_mouth);
    ward__dosage__v1__class_sum_rule__init(&sum);
    sum.rule = &heads[1];
    sum.name = &w.name;
    sum.unit = W("mg");
    sum.max_daily = &low;
    sum.members = members;
    sum.n_members = 1;
    SET_LIST(w.set, usual_doses, usuals);
    SET_LIST(w.set, class_sums, sums);
}

#define NOT(path, what, ...)                                                                   \
    do {                                                                                       \
        more_make();                                                                           \
        __VA_ARGS__;                                                                           \
        expect(path, what);                                                                    \
    } while (0)
#define FINE(...)                                                                              \
    do {                                                                                       \
        more_make();                                                                           \
        __VA_ARGS__;                                                                           \
        good();                                                                                \
    } while (0)

static void usual_doses_have_a_high_amount_and_factors(void **state)
{
    (void)state;
    FINE((void)0);
    FINE((usual.warn_factor = usual.low_factor = W(""), usual.low = NULL));
    NOT("usual_doses[0]", "no usual amount", (usual.low = usual.high = NULL));
    NOT("usual_doses[0].low", "needs high", usual.high = NULL);
    NOT("usual_doses[0].low", "above high", low = quantity("2", "g"));
    NOT("usual_doses[0].high.unit", "does not convert", high = quantity("1", "mL"));
    NOT("usual_doses[0].high_rate_per_kg.unit", "mg/kg/h", usual.high_rate_per_kg = &rate);
    NOT("usual_doses[0].ingredient", "not an ingredient", usual.ingredient = W("nobody"));
    NOT("usual_doses[0].factor", "not a decimal", usual.factor = W(""));
    NOT("usual_doses[0].factor", "above 1", usual.factor = W("1"));
    NOT("usual_doses[0].factor", "at most 100", usual.factor = W("101"));
    NOT("usual_doses[0].warn_factor", "below factor", usual.warn_factor = W("10"));
    NOT("usual_doses[0].low_factor", "needs a low amount", usual.low = NULL);
    NOT("usual_doses[0].low_severity", "0 to 2",
        usual.low_severity = WARD__DOSAGE__V1__SEVERITY__SEVERITY_HARD);
    NOT("class_sums[0].rule.id", "another rule", heads[1].id = W("usual"));
    NOT("usual_doses[0].rule", "missing", usual.rule = NULL);
}

static void sums_of_a_class_have_members_and_a_limit(void **state)
{
    (void)state;
    NOT("class_sums[0]", "has no limit", sum.max_daily = NULL);
    NOT("class_sums[0].cumulative_days", "cumulative limit", sum.cumulative_days = 7);
    NOT("class_sums[0].unit", "UCUM", sum.unit = W("gulp"));
    NOT("class_sums[0].max_daily.unit", "does not convert", low = quantity("1", "mL"));
    NOT("class_sums[0].members", "1 to 64", sum.n_members = 0);
    NOT("class_sums[0].members[0].ingredient", "not an ingredient", member.ingredient = W("x"));
    NOT("class_sums[0].members[0].factor", "above 0", member.factor = W("0"));
    NOT("class_sums[0].members[1]", "an earlier member", sum.n_members = 2);
    NOT("class_sums[0].name", "missing", sum.name = NULL);
    NOT("class_sums[0].rule", "missing", sum.rule = NULL);
}

static void limits_of_an_infusion_fit_it(void **state)
{
    (void)state;
    FINE((w.adult.max_concentration = &concentration, w.adult.max_infusion_rate = &rate,
          w.adult.min_infusion_minutes = 60, w.adult.infusion_required = 1));
    NOT("dose_rules[0].max_concentration.unit", "mg/mL", w.adult.max_concentration = &rate);
    NOT("dose_rules[0].max_infusion_rate.unit", "mg/h",
        w.adult.max_infusion_rate = &concentration);
    NOT("dose_rules[0].min_infusion_minutes", "0 to 1440", w.adult.min_infusion_minutes = 1441);
    NOT("dose_rules[0].infusion_required", "needs a limit", w.adult.infusion_required = 1);
    NOT("dose_rules[0].weight_basis", "0 to 4",
        w.adult.weight_basis = (Ward__Dosage__V1__WeightBasis)5);
}

static void bands_of_a_phase_and_of_the_naive_are_sound(void **state)
{
    (void)state;
    FINE((w.band.phase = WARD__DOSAGE__V1__PHASE__PHASE_LOADING, w.band.naive_class = W("cin"),
          w.band.naive_days = 7,
          w.band.renal_weight = WARD__DOSAGE__V1__WEIGHT_BASIS__WEIGHT_BASIS_IDEAL));
    NOT("dose_rules[1].band.phase", "0 to 3", w.band.phase = (Ward__Dosage__V1__Phase)4);
    NOT("dose_rules[1].band.naive_class", "without an ingredient",
        (w.band.naive_class = W("x"), w.band.naive_days = 1));
    NOT("dose_rules[1].band.naive_days", "1 to 30", w.band.naive_class = W("cin"));
    NOT("dose_rules[1].band.naive_days", "0 to 0", w.band.naive_days = 1);
    NOT("dose_rules[1].band.renal_weight", "RENAL_BY_CRCL",
        (w.band.renal_weight = WARD__DOSAGE__V1__WEIGHT_BASIS__WEIGHT_BASIS_IDEAL,
         w.band.renal_by = WARD__DOSAGE__V1__BAND__RENAL_BY__RENAL_BY_EGFR));
}

static void patches_hold_a_rate(void **state)
{
    (void)state;
    patch = quantity("1", "{patch}");
    hour = quantity("25", "ug/h");
    FINE((w.strength.amount = &hour, w.strength.per = &patch));
    NOT("drugs[0].products[0].strengths[0].amount.unit", "must be a unit such as \"mg\"",
        w.strength.amount = &hour);
}

#define SLIP(k) (w.slip.kind = WARD__DOSAGE__V1__SLIP_RULE__KIND__KIND_##k)

static void plausible_measurements_have_their_numbers(void **state)
{
    (void)state;
    FINE((SLIP(WEIGHT_FOR_AGE), w.slip.factor = W("5")));
    FINE((SLIP(WEIGHT_FOR_AGE), w.slip.factor = W("8"), w.slip.low = W("5")));
    NOT("slips[0].low", "standard deviations", SLIP(WEIGHT_FOR_AGE), w.slip.factor = W("8"),
        w.slip.low = W("1"));
    NOT("slips[0].high", "only for a range", SLIP(WEIGHT_FOR_AGE), w.slip.factor = W("8"),
        w.slip.high = W("9"));
    FINE((SLIP(BODY_MASS), w.slip.factor = W(""), w.slip.low = W("10"), w.slip.high = W("80"),
          w.slip.age_from_days = 6575));
    FINE((SLIP(WEIGHT_RANGE), w.slip.factor = W(""), w.slip.high = W("350")));
    NOT("slips[0].factor", "standard deviations", SLIP(HEIGHT_FOR_AGE), w.slip.factor = W("1"));
    NOT("slips[0].factor", "standard deviations", SLIP(HEIGHT_FOR_AGE),
        w.slip.factor = W("21"));
    NOT("slips[0].factor", "is not allowed for a range", SLIP(WEIGHT_RANGE),
        w.slip.high = W("350"));
    NOT("slips[0].low", "or high", SLIP(HEIGHT_RANGE), w.slip.factor = W(""));
    NOT("slips[0].high", "above low", SLIP(BODY_MASS), w.slip.factor = W(""),
        w.slip.low = W("30"), w.slip.high = W("20"));
    NOT("slips[0].low", "only for a range", w.slip.low = W("10"));
    NOT("slips[0].age_from_days", "only for a range", w.slip.age_from_days = 5);
    NOT("slips[0].kind", "1 to 9", w.slip.kind = (Ward__Dosage__V1__SlipRule__Kind)10);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(usual_doses_have_a_high_amount_and_factors),
        cmocka_unit_test(sums_of_a_class_have_members_and_a_limit),
        cmocka_unit_test(limits_of_an_infusion_fit_it),
        cmocka_unit_test(bands_of_a_phase_and_of_the_naive_are_sound),
        cmocka_unit_test(patches_hold_a_rate),
        cmocka_unit_test(plausible_measurements_have_their_numbers),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
