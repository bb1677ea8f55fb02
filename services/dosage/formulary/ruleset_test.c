/* Lookups in a rule set: by id, by class, by code; and comparison of two decisions. */
#include "services/dosage/formulary/replay.h"
#include "services/dosage/formulary/ruleset_testing.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static const char HASH[65] = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
static struct world w;
static struct ruleset *r;

static int make(void **state)
{
    struct ruleset_problems p;
    struct ward_err err = {0};

    (void)state;
    world_make(&w);
    w.set.version = 7;
    return ruleset_make(&w.set, HASH, &r, &p, &err) == WARD_OK ? 0 : -1;
}

static int drop(void **state)
{
    (void)state;
    ruleset_free(r);
    return 0;
}

static void things_are_found_by_their_names_and_nothing_else_is(void **state)
{
    const Drug *drug = NULL;

    (void)state;
    assert_ptr_equal(ruleset_message(r), &w.set);
    assert_int_equal(ruleset_version(r), 7);
    assert_string_equal(ruleset_sha256(r), HASH);
    assert_ptr_equal(ruleset_drug(r, "drug"), &w.drug);
    assert_null(ruleset_drug(r, "dru"));
    assert_null(ruleset_drug(r, "drugs"));
    assert_ptr_equal(ruleset_ingredient(r, "alpha"), &w.alpha);
    assert_null(ruleset_ingredient(r, ""));
    assert_ptr_equal(ruleset_product(r, "drug-500", &drug), &w.product);
    assert_ptr_equal(drug, &w.drug);
    assert_ptr_equal(ruleset_product(r, "drug-500", NULL), &w.product);
    assert_null(ruleset_product(r, "drug", &drug));
    drug = NULL;
    assert_ptr_equal(ruleset_gtin(r, "00312345678906", &drug), &w.product);
    assert_ptr_equal(drug, &w.drug);
    assert_null(ruleset_gtin(r, "0312345678906", NULL));
}

static void reasons_are_of_a_use(void **state)
{
    (void)state;
    assert_ptr_equal(
        ruleset_reason(r, "because", WARD__DOSAGE__V1__REASON__USE__USE_OVERRIDE_WARN),
        &w.reason);
    assert_null(ruleset_reason(r, "because", WARD__DOSAGE__V1__REASON__USE__USE_OVERRIDE_HARD));
    assert_null(ruleset_reason(r, "why", WARD__DOSAGE__V1__REASON__USE__USE_OVERRIDE_WARN));
}

static void dose_rules_come_by_ingredient_in_the_order_of_the_set(void **state)
{
    const DoseRule *const *rules = NULL;

    (void)state;
    assert_int_equal(ruleset_dose_rules(r, "alpha", &rules), 2);
    assert_ptr_equal(rules[0], &w.adult);
    assert_ptr_equal(rules[1], &w.child);
    assert_int_equal(ruleset_dose_rules(r, "beta", &rules), 0);
    assert_int_equal(ruleset_dose_rules(r, "nobody", &rules), 0);
}

static void selectors_select_ingredients_and_classes(void **state)
{
    (void)state;
    assert_true(ruleset_in_class(r, "alpha", "cin"));
    assert_false(ruleset_in_class(r, "beta", "cin"));
    assert_false(ruleset_in_class(r, "nobody", "cin"));
    assert_true(ruleset_selects(r, &w.of_alpha, "alpha"));
    assert_false(ruleset_selects(r, &w.of_alpha, "beta"));
    assert_true(ruleset_selects(r, &w.of_class, "alpha"));
    assert_false(ruleset_selects(r, &w.of_class, "beta"));
}

/* ---- comparison of decisions ---- */

typedef Ward__Dosage__V1__Decision Decision;
typedef Ward__Dosage__V1__Finding Finding;

struct made {
    Decision d;
    Finding f[4];
    Finding *list[4];
};

/* Makes a decision from text: "a2b3" is rule a with WARN and rule b with HARD. */
static const Decision *decision(struct made *m, const char *what)
{
    static char names[26][2];

    ward__dosage__v1__decision__init(&m->d);
    m->d.decision_id = W("d");
    m->d.findings = m->list;
    for (; *what != '\0'; what += 2) {
        Finding *f = &m->f[m->d.n_findings];
        char *name = names[*what - 'a'];

        ward__dosage__v1__finding__init(f);
        name[0] = *what;
        f->rule_id = name;
        f->severity = (Ward__Dosage__V1__Severity)(what[1] - '0');
        m->list[m->d.n_findings++] = f;
    }
    return &m->d;
}

static enum replay_change compare(const char *was, const char *now)
{
    struct made a, b;

    return replay_compare(decision(&a, was), decision(&b, now));
}

static void a_change_is_stricter_laxer_different_or_none(void **state)
{
    (void)state;
    assert_int_equal(compare("", ""), REPLAY_SAME);
    assert_int_equal(compare("a2b3", "b3a2"), REPLAY_SAME);
    assert_int_equal(compare("", "a1"), REPLAY_STRICTER);
    assert_int_equal(compare("a2", "a3"), REPLAY_STRICTER);
    assert_int_equal(compare("a3", "b2"), REPLAY_LAXER);
    assert_int_equal(compare("a1", ""), REPLAY_LAXER);
    assert_int_equal(compare("a2", "b2"), REPLAY_DIFFERENT);
    assert_int_equal(compare("a2b2", "a2"), REPLAY_DIFFERENT);
    assert_int_equal(compare("a2", "a2b1"), REPLAY_DIFFERENT);
    assert_int_equal(compare("a2", "a2a2"), REPLAY_DIFFERENT);
    assert_int_equal(compare("a3b1", "a3b2"), REPLAY_DIFFERENT);
}

static void a_change_names_each_rule_once(void **state)
{
    Ward__Dosage__V1__ReplayChange *c;
    struct ward_arena mem;
    struct made a, b;

    (void)state;
    ward_arena_init(&mem, 4096);
    assert_int_equal(
        replay_change(decision(&a, "a2b3"), decision(&b, "c1b3c1"), &mem, &c, NULL), WARD_OK);
    assert_int_equal(c->before, 3);
    assert_int_equal(c->now, 3);
    assert_int_equal(c->n_appeared, 1);
    assert_string_equal(c->appeared[0], "c");
    assert_int_equal(c->n_gone, 1);
    assert_string_equal(c->gone[0], "a");
    for (int i = 1; i < 20; i++) { /* each allocation fails once */
        ward_arena_reset(&mem);
        mem.fail_at = i;
        if (replay_change(&a.d, &b.d, &mem, &c, NULL) == WARD_OK)
            break;
        assert_true(i < 19);
    }
    ward_arena_done(&mem);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(things_are_found_by_their_names_and_nothing_else_is),
        cmocka_unit_test(reasons_are_of_a_use),
        cmocka_unit_test(dose_rules_come_by_ingredient_in_the_order_of_the_set),
        cmocka_unit_test(selectors_select_ingredients_and_classes),
        cmocka_unit_test(a_change_is_stricter_laxer_different_or_none),
        cmocka_unit_test(a_change_names_each_rule_once),
    };

    return cmocka_run_group_tests(tests, make, drop);
}
