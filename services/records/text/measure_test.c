/* Measurements that are found, and numbers that are not measurements. The sentences are
 * invented. */
#include "services/records/text/text_testing.h"

struct row {
    const char *note;
    /* "kind comparator value value2 range|parts unit ucum code"; "": nothing is found */
    const char *want;
};

static const struct row rows[] = {
    {"BP 120/80 mmHg", "blood_pressure  120 80 parts mmHg mm[Hg] 85354-9"},
    {"BP: 120 / 80.", "blood_pressure  120 80 parts  mm[Hg] 85354-9"},
    {"血压120/80毫米汞柱", "blood_pressure  120 80 parts 毫米汞柱 mm[Hg] 85354-9"},
    {"血压为１６０／９５ｍｍＨｇ", "blood_pressure  160 95 parts ｍｍＨｇ mm[Hg] 85354-9"},
    {"收缩压最高180mmHg", "systolic_pressure  180  parts mmHg mm[Hg] 8480-6"},
    {"体温38.5℃", "body_temperature  38.5  parts ℃ Cel 8310-5"},
    {"T 36.5℃", "body_temperature  36.5  parts ℃ Cel 8310-5"},
    {"temp of 101.3 F", "body_temperature  101.3  parts F [degF] 8310-5"},
    {"最高达39.2℃", "body_temperature  39.2  parts ℃ Cel 8310-5"},
    {"体温波动在37.5-38.9℃", "body_temperature  37.5 38.9 range ℃ Cel 8310-5"},
    {"发热39度", "body_temperature  39  parts 度 Cel 8310-5"},
    {"屈曲40度", ""},
    {"P：88次/分", "heart_rate  88  parts 次/分 /min 8867-4"},
    {"HR88", "heart_rate  88  parts  /min 8867-4"},
    {"heart rate was 110 bpm", "heart_rate  110  parts bpm /min 8867-4"},
    {"R 20次/分", "respiratory_rate  20  parts 次/分 /min 9279-1"},
    {"SpO2 97%", "oxygen_saturation  97  parts % % 2708-6"},
    {"O2 sats >= 94 % on air", "oxygen_saturation >= 94  parts % % 2708-6"},
    {"体重 65.5 公斤", "body_weight  65.5  parts 公斤 kg 29463-7"},
    {"weight 143 lbs", "body_weight  143  parts lbs [lb_av] 29463-7"},
    {"身高170cm", "body_height  170  parts cm cm 8302-2"},
    {"空腹血糖7.8mmol/L", "blood_glucose  7.8  parts mmol/L mmol/L 15074-8"},
    {"blood sugar 140 mg/dL", "blood_glucose  140  parts mg/dL mg/dL 2339-0"},
    {"血糖 7.8", "blood_glucose  7.8  parts   "},
    {"HbA1c 7.2%", "hba1c  7.2  parts % % 4548-4"},
    {"血红蛋白 98g/L", "haemoglobin  98  parts g/L g/L 718-7"},
    {"CRP<5mg/L", "crp < 5  parts mg/L mg/L "},
    {"血钾3.5mmol/L", "potassium  3.5  parts mmol/L mmol/L 2823-3"},
    /* numbers that are not measurements */
    {"BP stable for 3 days", ""},
    {"BP 120", ""},
    {"BP 120-130/80-90", ""},
    {"血压正常", ""},
    {"体温3天", ""},
    {"体温正常3天", ""},
    {"发热3天", ""},
    {"T 12", ""},
    {"P53基因", ""},
    {"血小板1,200", ""},
    {"血糖7.8.1", ""},
    {"体重65mmHg", ""},
    {"weight loss of 10 pounds", ""},
    {"HR 88th percentile", ""},
    {"冰箱温度4℃", ""},
    {"体温最高在38-约39度", ""},
    {"height 5 feet 3 inches", ""},
    {"birth weight 7 lbs, 2 oz", ""},
    {"身高1米75", ""},
    {"temp 2 days ago", ""},
    {"weight 7", ""},
    {"身高1.75米，体重70kg", "body_weight  70  parts kg kg 29463-7"},
    {"spo2 1/2", ""},
    {"heart rate 123456789012345", ""},
};

static void each_measurement_is_read_exactly_or_not_at_all(void **state)
{
    (void)state;
    for (size_t i = 0; i < WARD_COUNT(rows); i++) {
        struct text_findings found = text_of(rows[i].note);
        char got[256] = "";

        for (size_t k = 0; k < found.n; k++) {
            const struct text_quantity *q = found.at[k].quantity;

            if (q != NULL)
                snprintf(got, sizeof(got), "%s %s %s %s %s %s %s %s", q->kind, q->comparator,
                         q->value, q->value2, q->range ? "range" : "parts", q->unit, q->ucum,
                         found.at[k].code);
        }
        if (strcmp(got, rows[i].want) != 0)
            fail_msg("'%s'\n   got '%s'\n  want '%s'", rows[i].note, got, rows[i].want);
    }
}

static void the_span_holds_name_value_and_unit(void **state)
{
    const char *note = "入院时体温最高38.5℃，咳嗽";
    struct text_findings found = text_of(note);

    (void)state;
    assert_int_equal(found.n, 2);
    text_at(&found, note, "体温最高38.5℃");
}

static void a_fever_with_its_degrees_is_a_symptom_and_a_measurement(void **state)
{
    const char *note = "发热 38.5℃";
    struct text_findings found = text_of(note);

    (void)state;
    assert_int_equal(found.n, 2);
    assert_int_equal(found.at[0].kind, TEXT_SYMPTOM);
    assert_int_equal(found.at[1].kind, TEXT_MEASUREMENT);
}

static void a_pressure_has_a_code_for_each_part(void **state)
{
    struct text_findings found = text_of("BP 120/80");

    (void)state;
    assert_int_equal(found.n, 1);
    assert_string_equal(found.at[0].quantity->code2, "8480-6 8462-4");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_measurement_is_read_exactly_or_not_at_all),
        cmocka_unit_test(the_span_holds_name_value_and_unit),
        cmocka_unit_test(a_fever_with_its_degrees_is_a_symptom_and_a_measurement),
        cmocka_unit_test(a_pressure_has_a_code_for_each_part),
    };

    return cmocka_run_group_tests(tests, text_fixture_open, text_fixture_close);
}
