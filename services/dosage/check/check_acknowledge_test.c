/* A prescriber's acknowledgement about the patient, valid for a day while the chart is
 * unchanged.
 */
#include "services/dosage/check/check_world.h"
#include "services/dosage/check/run.h"

#define SECOND  PLACE "engine: 2 "
#define AGO(us) "weights { quantity: '20 kg' at_us: " us " record_id: 'w' record_version: 1 } "
#define OLD     AGO("1799900000000000")
#define KID(f, dose)                                                                           \
    SECOND FACTS(KNOWN "birth_date: '2020-01-15' allergies { no_known: true } " f)             \
        WHAT("para", dose, ONCE)
#define SAYS(a)                                                                                \
    SECOND FACTS(KNOWN "birth_date: '1970' " ALLERGY("record_version: 1 " a))                  \
        WHAT("para", "1 g", ONCE)
#define NOTHING SECOND FACTS(KNOWN "birth_date: '1970' ") WHAT("para", "1 g", ONCE)

#define HOUR_AGO     INT64_C(1799996400000000)
#define DAY_AGO      INT64_C(1799913600000000)
#define LESS_THAN_IT (DAY_AGO + 1)

/* The snapshot `now` with an acknowledgement of this rule's findings in `then`. */
static const char *with(struct bench *b, const char *then, const char *rule, int64_t at_us,
                        const char *now)
{
    const Ward__Dosage__V1__Snapshot *s = bench_snapshot(b, then);
    const Ward__Dosage__V1__Finding *f;
    char matter[CHECK_MATTER];

    assert_int_equal(bench_try(b, s), WARD_OK);
    f = told_finding(b, rule);
    assert_true(matter_of(b->set, s->facts, f, &b->run, matter));
    return ward_printf(&b->run,
                       "%s acknowledged { rule_id: '%s' rule_version: %d matter: '%s' at_us: "
                       "%lld by: 'dr-1' reason_code: 'ok' } ",
                       now, rule, (int)f->rule_version, matter, (long long)at_us);
}

#define AFTER(then, rule, at_us, now, want) TOLD(with(*state, then, rule, at_us, now), want)

static void it_is_told_as_known_with_who_and_when(void **state)
{
    const Ward__Dosage__V1__Finding *f;

    TOLD(NOTHING, "ward.allergy-unknown:W");
    AFTER(NOTHING, "ward.allergy-unknown", HOUR_AGO, NOTHING, "ward.allergy-unknown:I");
    f = told_finding(*state, "ward.allergy-unknown");
    assert_non_null(strstr(f->text->en, "Ask the patient. Acknowledged by dr-1 1 h ago."));
    assert_non_null(strstr(f->text->zh, "（dr-1 已于 1 小时前确认知晓。）"));
    assert_int_equal(((struct bench *)*state)->d.outcome,
                     WARD__DOSAGE__V1__OUTCOME__OUTCOME_PASS);
    AFTER(NOTHING, "ward.allergy-unknown", HOUR_AGO + MINUTE_US, NOTHING,
          "ward.allergy-unknown:I");
    f = told_finding(*state, "ward.allergy-unknown");
    assert_non_null(strstr(f->text->en, "by dr-1 59 min ago."));
    AFTER(KID(OLD, "300 mg"), "fresh-child", HOUR_AGO, KID(OLD, "300 mg"), "fresh-child:I");
    AFTER(SAYS("text: 'aspirix'"), "ward.allergy-text", HOUR_AGO, SAYS("text: 'aspirix'"),
          "ward.allergy-text:I");
}

static void it_lasts_a_day_and_begins_with_the_acknowledgement(void **state)
{
    AFTER(NOTHING, "ward.allergy-unknown", LESS_THAN_IT, NOTHING, "ward.allergy-unknown:I");
    AFTER(NOTHING, "ward.allergy-unknown", DAY_AGO, NOTHING, "ward.allergy-unknown:W");
    AFTER(NOTHING, "ward.allergy-unknown", 1800000000000000, NOTHING, "ward.allergy-unknown:I");
    AFTER(NOTHING, "ward.allergy-unknown", 1800000000000001, NOTHING, "ward.allergy-unknown:W");
}

static void a_chart_that_says_something_else_is_asked_about_again(void **state)
{
    static const char was[] = KID(OLD, "300 mg");
    static const char line[] = SAYS("text: 'aspirix'");

    AFTER(was, "fresh-child", HOUR_AGO, KID(AGO("1799900000000001"), "300 mg"),
          "fresh-child:W");
    AFTER(was, "fresh-child", HOUR_AGO,
          KID("weights { quantity: '21 kg' at_us: 1799900000000000 record_id: 'w' "
              "record_version: 1 } ",
              "300 mg"),
          "fresh-child:W");
    AFTER(was, "fresh-child", HOUR_AGO,
          KID("weights { quantity: '20 kg' at_us: 1799900000000000 record_id: 'w' "
              "record_version: 2 } ",
              "300 mg"),
          "fresh-child:W");
    AFTER(was, "fresh-child", HOUR_AGO, KID(OLD, "299 mg"),
          "fresh-child:I"); /* an acknowledgement covers another order */
    AFTER(line, "ward.allergy-text", HOUR_AGO, SAYS("text: 'aspirox'"), "ward.allergy-text:W");
    AFTER(line, "ward.allergy-text", HOUR_AGO,
          SAYS("text: 'aspirix' } allergies { record_id: 'b' text: 'aspirox'"),
          "ward.allergy-text:W");
    AFTER(line, "ward.allergy-text", HOUR_AGO,
          SAYS("text: 'aspirix' } allergies { record_id: 'b' no_medication: true "
               "text: 'aspirix'"),
          "ward.allergy-text:W");
    AFTER(NOTHING, "ward.allergy-unknown", HOUR_AGO, line, "ward.allergy-text:W");
}

static void nothing_else_is_lowered(void **state)
{
    static const char hard[] = SAYS("text: 'aspirix' high_criticality: true");
    struct bench *b = *state;
    char matter[CHECK_MATTER];

    TOLD(hard, "ward.allergy-text:H");
    AFTER(hard, "ward.allergy-text", HOUR_AGO, hard, "ward.allergy-text:H");
    AFTER(KID(OLD, "301 mg"), "fresh-child", HOUR_AGO, KID(OLD, "301 mg"),
          "para-child:H fresh-child:I");
    assert_false(matter_of(b->set, bench_snapshot(b, NOTHING)->facts,
                           told_finding(b, "para-child"), &b->run, matter));
    TOLD(ward_printf(&b->run, "%s acknowledged { rule_id: 'para-child' at_us: %lld } ",
                     KID(OLD, "301 mg"), (long long)HOUR_AGO),
         "para-child:H fresh-child:W");
    TOLD(ward_printf(&b->run,
                     "%s acknowledged { rule_id: 'ward.allergy-unknown' at_us: %lld } ",
                     NOTHING, (long long)HOUR_AGO),
         /* acknowledges another rule version, or has no hash of chart entries */
         "ward.allergy-unknown:W");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_is_told_as_known_with_who_and_when),
        cmocka_unit_test(it_lasts_a_day_and_begins_with_the_acknowledgement),
        cmocka_unit_test(a_chart_that_says_something_else_is_asked_about_again),
        cmocka_unit_test(nothing_else_is_lowered),
    };

    return cmocka_run_group_tests(tests, world_up, world_down);
}
