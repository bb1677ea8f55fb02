/* Earlier overrides compared with present findings. */
#include "services/dosage/give/judge_before.h"

#include "services/dosage/check/check_text.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define FINDING "findings { rule_id: 'r' rule_version: 1 severity: SEVERITY_WARN "
#define TEXT    "text { en: 'a with b' } "

static bool stands(const char *then, const char *now)
{
    struct ward_arena mem;
    bool out;

    ward_arena_init(&mem, (size_t)1 << 20);
    out = judged_before(pb(&mem, &ward__dosage__v1__decision__descriptor, then),
                        pb(&mem, &ward__dosage__v1__decision__descriptor, now), "r");
    ward_arena_done(&mem);
    return out;
}

#define DAILY(actual, limit)                                                                   \
    FINDING "compared { what: 'daily' actual: '" actual "' limit: '" limit                     \
            "' relation: '<=' } text { en: '" actual "' } }"
#define GAP(what, actual)                                                                      \
    FINDING "compared { what: '" what "' actual: '" actual "' limit: '240 min'"                \
            " relation: '>=' } }"
#define AGE(hours)                                                                             \
    FINDING "about: 'w1' compared { what: 'weight-age-hours' actual: '" hours                  \
            "' limit: '24 h' relation: '<=' } }"

static void limits(void **state)
{
    (void)state;
    assert_true(stands(DAILY("160 mg", "100 mg"), DAILY("160 mg", "100 mg")));
    assert_true(stands(DAILY("160 mg", "100 mg"), DAILY("159.9 mg", "100 mg")));
    assert_false(stands(DAILY("160 mg", "100 mg"), DAILY("160.1 mg", "100 mg")));
    assert_false(stands(DAILY("160 mg", "100 mg"), DAILY("160 mg", "99 mg")));
    assert_false(stands(DAILY("160 mg", "100 mg"), DAILY("160 g", "100 g")));
    assert_false(stands("", DAILY("160 mg", "100 mg")));
    assert_true(stands(GAP("interval-minutes", "60 min"), GAP("since-last-minutes", "60 min")));
    assert_false(
        stands(GAP("interval-minutes", "60 min"), GAP("since-last-minutes", "59 min")));
    assert_false(
        stands(GAP("since-last-minutes", "60 min"), GAP("interval-minutes", "60 min")));
}

static void ages(void **state)
{
    (void)state;
    assert_true(stands(AGE("30 h"), AGE("54 h")));
    assert_false(stands(AGE("30 h"), AGE("54.1 h")));
}

static void what_it_is_about(void **state)
{
    static const char two[] = FINDING TEXT "about: 'x' about: 'y' }";
    static const char one[] = FINDING TEXT "about: 'x' }";
    static const char dose[] = FINDING TEXT "about: 'x' about: 'd' }"
                                            "snapshot { given { administration_id: 'd'"
                                            " order_id: 'x' } }";
    static const char other[] = FINDING TEXT "about: 'x' about: 'd' }"
                                             "snapshot { given { administration_id: 'd'"
                                             " order_id: 'z' } }";
    static const char nobodys[] = FINDING TEXT "about: 'x' about: 'd' }"
                                               "snapshot { given { administration_id: 'd' } }";

    (void)state;
    assert_true(stands(two, one));
    assert_false(stands(one, two));
    assert_true(stands(one, dose));
    assert_false(stands(one, other));
    assert_false(stands(one, nobodys));
    assert_false(stands(one, FINDING "text { en: 'a with c' } about: 'x' }"));
    assert_false(stands(one, "findings { rule_id: 'r' rule_version: 1 severity: SEVERITY_WARN "
                             "text { en: 'a with b' } about: 'x' }"
                             "findings { rule_id: 'r' rule_version: 1 severity: SEVERITY_WARN "
                             "text { en: 'a with b' } about: 'x' }"));
}

static void never(void **state)
{
    static const char plain[] = FINDING TEXT "}";

    (void)state;
    assert_true(stands(plain, plain));
    assert_false(stands(plain, FINDING TEXT "final: true }"));
    assert_false(stands(plain, "findings { rule_id: 'r' rule_version: 2 severity: "
                               "SEVERITY_WARN text { en: 'a with b' } }"));
    assert_false(stands(plain, "findings { rule_id: 'r' rule_version: 1 severity: "
                               "SEVERITY_HARD text { en: 'a with b' } }"));
}

static void charts(void **state)
{
    static const char *const rules[] = {"ward.chart-stale", "ward.chart-unavailable",
                                        "ward.no-weight"};
    struct ward_arena mem;

    (void)state;
    ward_arena_init(&mem, (size_t)1 << 20);
    for (size_t i = 0; i < WARD_COUNT(rules); i++) {
        void *d =
            pb(&mem, &ward__dosage__v1__decision__descriptor,
               ward_printf(&mem, "findings { rule_id: '%s' text { en: 'a' } }", rules[i]));

        assert_int_equal(judged_before(d, d, rules[i]), i == 2);
    }
    ward_arena_done(&mem);
}

/* A finding counts as decided on if an acknowledgement for the patient lowered the finding to
 * INFO. */
static void acknowledged(void **state)
{
#define LOWERED(text)                                                                          \
    "findings { rule_id: 'r' rule_version: 1 severity: SEVERITY_INFO text { en: '" text "' } " \
    "}"
#define BY " snapshot { acknowledged { rule_id: 'r' } }"
    static const char now[] = FINDING TEXT "}";

    (void)state;
    assert_true(stands(LOWERED("a with b Acknowledged by dr-1 1 h ago.") BY, now));
    assert_false(stands(LOWERED("a with b Acknowledged by dr-1 1 h ago."), now));
    assert_false(stands(LOWERED("a with c Acknowledged by dr-1 1 h ago.") BY, now));
    assert_false(stands(LOWERED("a with b") BY, "findings { rule_id: 'r' rule_version: 1 "
                                                "severity: SEVERITY_HARD " TEXT "}"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(limits), cmocka_unit_test(ages),   cmocka_unit_test(what_it_is_about),
        cmocka_unit_test(never),  cmocka_unit_test(charts), cmocka_unit_test(acknowledged),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
