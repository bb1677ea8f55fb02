/* Lifetime sums over doses from a fake table, page by page. Numbers are invented. */
#include "services/dosage/check/check_text.h"
#include "services/dosage/give/give.h"
#include "services/dosage/order/lifetime.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

typedef Ward__Dosage__V1__Administration Administration;

#define RULE(id)                                                                               \
    "rule { id: '" id "' version: 1 severity: SEVERITY_HARD source: 's' "                      \
    "reviewed_on: '2026-11-21' } "
#define NAME(s)      "name { en: '" s "' zh: '" s "' } "
#define HOLDS(i, mg) "strengths { ingredient: '" i "' amount: '" mg " mg' per: '1 {tablet}' } "
#define DRUG(id, list, holds)                                                                  \
    "drugs { id: '" id "' " NAME(id) list                                                      \
        " routes: ROUTE_PO products { id: '" id                                                \
        "-tab' " NAME(id) "form: 'tablet' source: 's' routes: ROUTE_PO " holds "} } "

static const char SET[] =
    "title: 't' notice: 'n' "
    "ingredients { id: 'rubi' " NAME(
        "rubi") "unit: 'mg' source: 's' } "
                "ingredients { id: 'free' " NAME("free") "unit: 'mg' source: 's' } " DRUG(
                    "rubi", "ingredients: 'rubi'", HOLDS("rubi", "10"))
                    DRUG("free", "ingredients: 'free'", HOLDS("free", "10")) DRUG(
                        "both", "ingredients: 'rubi' ingredients: 'free'",
                        HOLDS("rubi", "5") HOLDS(
                            "free",
                            "20")) "dose_rules { " RULE("life") "ingredient: 'rubi' "
                                                                "max_cumulative: '550 mg' } "
                                                                "dose_rules { " RULE(
                                                                    "month") "ingredient: "
                                                                             "'free' "
                                                                             "max_cumulative: "
                                                                             "'550 mg' "
                                                                             "cumulative_days: "
                                                                             "30 } ";

/* ---- a table of doses ---- */

static Administration *table[6000];
static size_t n_table;
static int asked;

enum ward_code doses_of(struct worker *w, struct ward_arena *mem,
                        const uint8_t patient[DOSAGE_ID], int64_t from_us, int64_t to_us,
                        size_t most, Administration ***out, size_t *n, struct ward_err *err)
{
    (void)w, (void)patient, (void)err;
    asked++;
    *out = ward_alloc(mem, most * sizeof(Administration *));
    *n = 0;
    for (size_t i = 0; i < n_table && *n < most; i++)
        if (table[i]->given_at_us >= from_us && table[i]->given_at_us < to_us)
            (*out)[(*n)++] = table[i];
    return WARD_OK;
}

bool dose_counts(const Administration *a)
{
    return a->outcome == WARD__DOSAGE__V1__DOSE_OUTCOME__DOSE_OUTCOME_GIVEN;
}

/* ---- fixtures ---- */

struct bench {
    struct ward_arena mem;
    struct ruleset *rules;
    struct lifetimes got;
};

static int up(void **state)
{
    static struct ruleset_problems problems;
    static const char sha256[65] = "";
    static struct bench b;
    struct ward_err err = {0};

    b = (struct bench){0};
    ward_arena_init(&b.mem, (size_t)64 << 20);
    assert_int_equal(ruleset_make((const Ward__Dosage__V1__RuleSet *)pb(
                                      &b.mem, &ward__dosage__v1__rule_set__descriptor, SET),
                                  sha256, &b.rules, &problems, &err),
                     WARD_OK);
    n_table = 0;
    asked = 0;
    *state = &b;
    return 0;
}

static int down(void **state)
{
    struct bench *b = *state;

    ruleset_free(b->rules);
    ward_arena_done(&b->mem);
    return 0;
}

static Administration *give(struct bench *b, const char *drug, const char *dose, int64_t at_us)
{
    Administration *a =
        pb(&b->mem, &ward__dosage__v1__administration__descriptor,
           ward_printf(&b->mem,
                       "outcome: DOSE_OUTCOME_GIVEN drug_id: '%s' dose: '%s' given_at_us: %lld",
                       drug, dose, (long long)at_us));

    table[n_table++] = a;
    return a;
}

/* Prints sums such as "rubi 20 mg"; "": no sum; "+": a dose is missing. */
static const char *sums(struct bench *b, const char *drug, int64_t before_us)
{
    const uint8_t patient[DOSAGE_ID] = {0};
    struct ward_err err = {0};
    const char *out = "";

    assert_int_equal(
        lifetimes_of(NULL, &b->mem, b->rules, drug, patient, before_us, &b->got, &err),
        WARD_OK);
    for (size_t i = 0; i < b->got.n; i++)
        out = ward_printf(&b->mem, "%s%s %s %s", out, b->got.at[i]->ingredient,
                          b->got.at[i]->amount->value, b->got.at[i]->amount->unit);
    return b->got.cut ? ward_printf(&b->mem, "%s+", out) : out;
}

/* ---- the tests ---- */

static void all_of_a_life_is_summed_exactly_in_the_ingredients_unit(void **state)
{
    struct bench *b = *state;

    give(b, "rubi", "10 mg", 1);
    give(b, "rubi", "500 ug", 2);
    give(b, "rubi", "0.1 g", 3);
    give(b, "both", "10 mg", 4);
    give(b, "free", "70 mg", 5);
    assert_string_equal(sums(b, "rubi", 100), "rubi 120.5 mg");
    assert_string_equal(sums(b, "both", 100), "rubi 120.5 mg");
}

static void without_such_a_limit_nothing_is_read(void **state)
{
    struct bench *b = *state;

    give(b, "free", "70 mg", 5);
    assert_string_equal(sums(b, "free", 100), "");
    assert_string_equal(sums(b, "unknown", 100), "");
    assert_int_equal(asked, 0);
}

static void what_does_not_count_or_comes_later_is_not_in_it(void **state)
{
    struct bench *b = *state;

    give(b, "rubi", "10 mg", 1)->outcome = WARD__DOSAGE__V1__DOSE_OUTCOME__DOSE_OUTCOME_HELD;
    give(b, "rubi", "10 mg", 99);
    give(b, "rubi", "10 mg", 100);
    assert_string_equal(sums(b, "rubi", 100), "rubi 10 mg");
    assert_string_equal(sums(b, "rubi", 99), "");
}

static void a_dose_nobody_can_convert_is_told(void **state)
{
    struct bench *b = *state;

    give(b, "rubi", "10 mg", 1);
    give(b, "withdrawn", "10 mg", 2);
    assert_string_equal(sums(b, "rubi", 100), "rubi 10 mg+");
    n_table = 1;
    give(b, "rubi", "3 mL", 3);
    assert_string_equal(sums(b, "rubi", 100), "rubi 10 mg+");
}

static void each_dose_is_in_it_once_over_any_pages(void **state)
{
    struct bench *b = *state;

    /* 7 doses at each time, so that a page ends between doses of one time */
    for (int i = 0; i < 3500; i++)
        give(b, "rubi", "1 mg", 1 + i / 7);
    assert_string_equal(sums(b, "rubi", 100000), "rubi 3500 mg");
    assert_true(asked >= 4);
}

static void a_moment_past_a_page_is_told(void **state)
{
    struct bench *b = *state;

    give(b, "rubi", "1 mg", 1);
    for (int i = 0; i < 1500; i++)
        give(b, "rubi", "1 mg", 50);
    give(b, "rubi", "1 mg", 60);
    assert_string_equal(sums(b, "rubi", 100000), "rubi 2 mg+");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(all_of_a_life_is_summed_exactly_in_the_ingredients_unit,
                                        up, down),
        cmocka_unit_test_setup_teardown(without_such_a_limit_nothing_is_read, up, down),
        cmocka_unit_test_setup_teardown(what_does_not_count_or_comes_later_is_not_in_it, up,
                                        down),
        cmocka_unit_test_setup_teardown(a_dose_nobody_can_convert_is_told, up, down),
        cmocka_unit_test_setup_teardown(each_dose_is_in_it_once_over_any_pages, up, down),
        cmocka_unit_test_setup_teardown(a_moment_past_a_page_is_told, up, down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
