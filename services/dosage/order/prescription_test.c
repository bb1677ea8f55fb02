#include "services/dosage/order/prescription.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

typedef Ward__Dosage__V1__Prescription Prescription;

#define NOW INT64_C(1780000000000000)

/* A valid prescription with all fields, which a test changes. */
struct whole {
    Prescription p;
    Ward__Dosage__V1__Quantity dose, per, weight, bsa;
    Ward__Dosage__V1__Timing timing;
    Ward__Dosage__V1__Coding indication, reason;
    Ward__Dosage__V1__AsNeeded as_needed;
    Ward__Dosage__V1__CalculatedFrom from;
    char *instructions[21];
};

static char *text(const char *s)
{
    return (char *)(uintptr_t)s;
}

static void make(struct whole *w)
{
    ward__dosage__v1__prescription__init(&w->p);
    ward__dosage__v1__quantity__init(&w->dose);
    ward__dosage__v1__timing__init(&w->timing);
    ward__dosage__v1__coding__init(&w->indication);
    ward__dosage__v1__as_needed__init(&w->as_needed);
    ward__dosage__v1__calculated_from__init(&w->from);
    w->per = w->weight = w->bsa = w->dose;
    w->reason = w->indication;
    w->dose.value = text("500");
    w->dose.unit = text("mg");
    w->per.value = text("10");
    w->per.unit = text("mg/kg");
    w->weight.value = text("50");
    w->weight.unit = text("kg");
    w->bsa.value = text("1.7");
    w->bsa.unit = text("m2");
    w->indication.code = w->reason.code = text("R52");
    w->timing.kind = WARD__DOSAGE__V1__TIMING__KIND__KIND_AS_NEEDED;
    w->as_needed.reason = &w->reason;
    w->as_needed.max_doses_per_24h = 4;
    w->from.per = &w->per;
    w->from.weight = &w->weight;
    w->instructions[0] = text("with-Food-2");
    w->p.drug_id = text("testozin");
    w->p.product_id = text("testozin-500");
    w->p.dose = &w->dose;
    w->p.route = WARD__DOSAGE__V1__ROUTE__ROUTE_PO;
    w->p.timing = &w->timing;
    w->p.indication = &w->indication;
    w->p.as_needed = &w->as_needed;
    w->p.calculated_from = &w->from;
    w->p.instructions = w->instructions;
    w->p.n_instructions = 1;
    w->p.starts_at_us = NOW - 5;
    w->p.ends_at_us = NOW + 1;
}

/* Expects a refusal with this reason, or with this field if there is no reason. */
static void refused(const Prescription *p, const char *why)
{
    struct ward_err err = {0};

    assert_int_equal(prescription_valid(p, NOW, &err), WARD_INVALID_ARGUMENT);
    assert_string_equal(*err.reason == '\0' ? err.field : err.reason, why);
}

static void a_whole_prescription_is_valid(void **state)
{
    struct ward_err err = {0};
    struct whole w = {0};

    (void)state;
    make(&w);
    assert_int_equal(prescription_valid(&w.p, NOW, &err), WARD_OK);
    w.p.indication = NULL;
    w.p.calculated_from = NULL;
    w.p.n_instructions = 0;
    w.p.product_id = text("");
    w.p.starts_at_us = w.p.ends_at_us = 0;
    assert_int_equal(prescription_valid(&w.p, NOW, &err), WARD_OK);
}

#define SPOILT(change, why)                                                                    \
    do {                                                                                       \
        struct whole w = {0};                                                                  \
        make(&w);                                                                              \
        change;                                                                                \
        refused(&w.p, why);                                                                    \
    } while (0)

static void what_is_missing_or_no_word_is_named(void **state)
{
    (void)state;
    refused(NULL, "prescription");
    SPOILT(w.p.drug_id = text(""), "prescription.drug_id");
    SPOILT(w.p.drug_id = text("Para cetamol"), "prescription.drug_id");
    SPOILT(w.p.product_id = text("500 mg, twice"), "prescription.product_id");
    SPOILT(w.p.route = WARD__DOSAGE__V1__ROUTE__ROUTE_UNSPECIFIED, "prescription.route");
    SPOILT(w.p.route = (Ward__Dosage__V1__Route)99, "prescription.route");
    SPOILT(w.p.route = (Ward__Dosage__V1__Route)-1, "prescription.route");
    SPOILT(w.indication.code = text(""), "prescription.indication");
    SPOILT(w.reason.code = text(""), "TIMING_INVALID");
    SPOILT(w.p.as_needed = NULL, "TIMING_INVALID");
    SPOILT(w.p.timing = NULL, "TIMING_INVALID");
}

static void an_amount_is_a_number_above_zero_with_a_unit(void **state)
{
    (void)state;
    SPOILT(w.p.dose = NULL, "DOSE_UNIT");
    SPOILT(w.dose.unit = text(""), "DOSE_UNIT");
    SPOILT(w.dose.unit = text("pills"), "DOSE_UNIT");
    SPOILT(w.dose.value = text("0"), "DOSE_VALUE");
    SPOILT(w.dose.value = text("-1"), "DOSE_VALUE");
    SPOILT(w.dose.value = text("1e3"), "DOSE_VALUE");
    SPOILT(w.dose.value = text("five"), "DOSE_VALUE");
    SPOILT(w.dose.value = text(""), "DOSE_VALUE");
    SPOILT(w.weight.value = text("0.0"), "DOSE_VALUE");
    SPOILT(w.per.unit = text("mg/stone"), "DOSE_UNIT");
}

static void what_it_was_calculated_from_is_weight_or_surface(void **state)
{
    struct ward_err err = {0};
    struct whole good = {0};

    (void)state;
    SPOILT(w.from.per = NULL, "prescription.calculated_from.per");
    SPOILT(w.from.weight = NULL, "prescription.calculated_from");
    SPOILT(w.from.bsa = &w.bsa, "prescription.calculated_from");
    make(&good);
    good.from.weight = NULL;
    good.from.bsa = &good.bsa;
    assert_int_equal(prescription_valid(&good.p, NOW, &err), WARD_OK);
}

static void instructions_are_few_words(void **state)
{
    static const char long_word[] =
        "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyzabcdefghijklm";

    (void)state;
    SPOILT(w.instructions[0] = text("give 5 mg"), "prescription.instructions");
    SPOILT(w.instructions[0] = text(""), "prescription.instructions");
    SPOILT(w.instructions[0] = text(long_word), "prescription.instructions");
    SPOILT(w.p.n_instructions = 21, "prescription.instructions");
}

static void what_has_ended_is_over_from_its_end_on(void **state)
{
    struct whole good = {0};

    (void)state;
    SPOILT(w.p.ends_at_us = NOW, "prescription.ends_at_us");
    SPOILT(w.p.ends_at_us = w.p.starts_at_us, "TIMING_INVALID");
    make(&good);
    assert_false(prescription_over(&good.p, NOW));
    assert_true(prescription_over(&good.p, NOW + 1));
    good.p.ends_at_us = 0;
    assert_false(prescription_over(&good.p, INT64_MAX));
}

#define HOURS(n) ((n)*INT64_C(3600000000))
#define KIND(x)  WARD__DOSAGE__V1__TIMING__KIND__KIND_##x

static void spent_from(const struct whole *w, int64_t at_us)
{
    assert_false(prescription_spent(&w->p, at_us - 1));
    assert_true(prescription_spent(&w->p, at_us));
}

static void what_has_given_its_last_dose_is_spent_a_day_later(void **state)
{
    char *times[] = {text("08:00"), text("20:00")};
    int32_t monday[] = {1};
    struct whole w = {0};

    (void)state;
    make(&w);
    w.p.starts_at_us = NOW;
    assert_false(prescription_spent(&w.p, INT64_MAX));
    w.timing.kind = KIND(CONTINUOUS);
    assert_false(prescription_spent(&w.p, INT64_MAX));
    w.timing.kind = KIND(ONCE);
    spent_from(&w, NOW + HOURS(24));
    w.timing.kind = KIND(INTERVAL);
    w.timing.interval_minutes = 360;
    assert_false(prescription_spent(&w.p, INT64_MAX));
    w.timing.count = 1;
    spent_from(&w, NOW + HOURS(24));
    w.timing.count = 5;
    spent_from(&w, NOW + HOURS(4 * 6 + 24));
    w.timing.count = 10000;
    w.timing.interval_minutes = 525600;
    spent_from(&w, NOW + HOURS(INT64_C(9999) * 8760 + 24));

    /* 5 doses at 2 times a day end on the third day at the latest, because the first day may be
     * half over. One more day is added. */
    w.timing = (Ward__Dosage__V1__Timing)WARD__DOSAGE__V1__TIMING__INIT;
    w.timing.kind = KIND(TIMES);
    w.timing.times = times;
    w.timing.n_times = 2;
    assert_false(prescription_spent(&w.p, INT64_MAX));
    w.timing.count = 5;
    spent_from(&w, NOW + HOURS(24 * 5));
    w.timing.every_days = 3;
    spent_from(&w, NOW + HOURS(24 * 13));
    w.timing.weekdays = monday;
    w.timing.n_weekdays = 1;
    spent_from(&w, NOW + HOURS(24 * (4 * 3 * 7 + 1)));
}

static void it_is_looked_for_two_days_beyond_its_last_dose(void **state)
{
    struct whole w = {0};

    (void)state;
    make(&w);
    w.p.starts_at_us = NOW;
    w.p.ends_at_us = 0;
    assert_int_equal(prescription_until(&w.p, NOW), INT64_MAX);
    w.p.ends_at_us = NOW + 5;
    assert_int_equal(prescription_until(&w.p, NOW), NOW + 5);
    w.p.ends_at_us = 0;
    w.timing.kind = KIND(INTERVAL);
    w.timing.interval_minutes = 360;
    w.timing.count = 5;
    assert_int_equal(prescription_until(&w.p, NOW), NOW + HOURS(4 * 6 + 48));
    w.p.ends_at_us = NOW + HOURS(4 * 6 + 48) + 1;
    assert_int_equal(prescription_until(&w.p, NOW), NOW + HOURS(4 * 6 + 48));
    w.p.ends_at_us -= 2;
    assert_int_equal(prescription_until(&w.p, NOW), NOW + HOURS(4 * 6 + 48) - 1);
    w.p.ends_at_us = 0;
    w.timing.kind = KIND(ONCE);
    w.timing.count = 0;
    assert_int_equal(prescription_until(&w.p, NOW), NOW + HOURS(48));
    assert_int_equal(prescription_until(&w.p, NOW + 7), NOW + 7 + HOURS(48));
    w.timing.kind = KIND(CONTINUOUS);
    assert_int_equal(prescription_until(&w.p, NOW), INT64_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_whole_prescription_is_valid),
        cmocka_unit_test(what_is_missing_or_no_word_is_named),
        cmocka_unit_test(an_amount_is_a_number_above_zero_with_a_unit),
        cmocka_unit_test(what_it_was_calculated_from_is_weight_or_surface),
        cmocka_unit_test(instructions_are_few_words),
        cmocka_unit_test(what_has_ended_is_over_from_its_end_on),
        cmocka_unit_test(what_has_given_its_last_dose_is_spent_a_day_later),
        cmocka_unit_test(it_is_looked_for_two_days_beyond_its_last_dose),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
