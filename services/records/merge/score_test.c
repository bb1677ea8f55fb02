#include "services/records/merge/score_own.h"

#include "services/records/fhir/fhir.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static struct ward_arena mem;

static int open_mem(void **state)
{
    (void)state;
    ward_arena_init(&mem, (size_t)16 << 20);
    return 0;
}

static int close_mem(void **state)
{
    (void)state;
    ward_arena_done(&mem);
    return 0;
}

static int fresh(void **state)
{
    (void)state;
    ward_arena_reset(&mem);
    return 0;
}

static const Patient *patient(const char *members)
{
    const char *text = ward_printf(&mem, "{\"resourceType\":\"Patient\",%s}", members);
    const struct ward_json *v = NULL;
    Resource *res = NULL;
    struct ward_err err = {0};

    if (ward_json_parse(text, strlen(text), NULL, &mem, &v, &err) != WARD_OK ||
        fhir_of_json(&mem, v, NULL, NULL, &res, &err) != WARD_OK)
        fail_msg("%s: %s", text, err.msg);
    WARD_ASSERT(res != NULL);
    return res->patient;
}

static Candidate score(const char *a, const char *b)
{
    Candidate c = WARD__RECORDS__V1__CANDIDATE__INIT, back = WARD__RECORDS__V1__CANDIDATE__INIT;
    struct ward_err err = {0};

    if (score_pair(&mem, patient(a), patient(b), &c, &err) != WARD_OK ||
        score_pair(&mem, patient(b), patient(a), &back, &err) != WARD_OK)
        fail_msg("%s", err.msg);
    /* the score does not depend on the order of the patients */
    assert_true(fabs(c.score - back.score) < 1e-9);
    assert_int_equal(c.match, back.match);
    return c;
}

static double weight(const Candidate *c, const char *field)
{
    for (size_t i = 0; i < c->n_agreements; i++)
        if (strcmp(c->agreements[i]->field, field) == 0)
            return c->agreements[i]->weight;
    fail_msg("%s was not compared", field);
    return 0;
}

static bool compared(const Candidate *c, const char *field)
{
    for (size_t i = 0; i < c->n_agreements; i++)
        if (strcmp(c->agreements[i]->field, field) == 0)
            return true;
    return false;
}

static void close_to(double a, double b)
{
    if (fabs(a - b) > 0.001)
        fail_msg("%.4f is not %.4f", a, b);
}

/* Source: W. E. Winkler (1990), table 1: MARTHA MARHTA 0.961, DWAYNE DUANE 0.840, DIXON
 * DICKSONX 0.813. */
static void jaro_winkler_is_winkler_s(void **state)
{
    (void)state;
    close_to(score_jaro_winkler("martha", "marhta"), 0.9611);
    close_to(score_jaro_winkler("dwayne", "duane"), 0.8400);
    close_to(score_jaro_winkler("dixon", "dicksonx"), 0.8133);
    close_to(score_jaro_winkler("same", "same"), 1);
    close_to(score_jaro_winkler("abc", "xyz"), 0);
    close_to(score_jaro_winkler("", "xyz"), 0);
    close_to(score_jaro_winkler("", ""), 1);
    close_to(score_jaro_winkler("a", "b"), 0);
    close_to(score_jaro_winkler("王小明", "王小明"), 1);
    close_to(score_jaro_winkler("王小明", "王晓明"), 0.8);
}

#define NAMED(family, given) "\"name\":[{\"family\":\"" family "\",\"given\":[\"" given "\"]}]"
#define ANNA                 NAMED("Muster", "Anna") ",\"birthDate\":\"1949-08-02\",\"gender\":\"female\""

static void the_same_person_is_probable_and_says_why(void **state)
{
    Candidate c = score(ANNA, ANNA);

    (void)state;
    assert_int_equal(c.match, WARD__RECORDS__V1__MATCH__MATCH_PROBABLE);
    close_to(weight(&c, "family"), log2(0.954 / 0.007));
    close_to(weight(&c, "given"), log2(0.839 / 0.006));
    close_to(weight(&c, "gender"), log2(0.966 / 0.512));
    close_to(weight(&c, "birth_date"),
             log2(0.975 / 0.051) + log2(0.923 / 0.077) + log2(0.903 / 0.030));
    close_to(c.score, weight(&c, "family") + weight(&c, "given") + weight(&c, "gender") +
                          weight(&c, "birth_date"));
    assert_int_equal(c.n_agreements, 4);
    assert_true(c.agreements[0]->agrees);
}

static void strangers_are_nothing(void **state)
{
    Candidate c = score(ANNA, NAMED("Quark", "Otto") ",\"birthDate\":\"1987-01-30\",\"gender\":"
                                                     "\"male\"");

    (void)state;
    assert_int_equal(c.match, WARD__RECORDS__V1__MATCH__MATCH_UNSPECIFIED);
    assert_true(c.score < -10);
    assert_false(c.agreements[0]->agrees);
}

static void what_one_of_them_lacks_says_nothing(void **state)
{
    Candidate c = score(ANNA, NAMED("Muster", "Anna"));

    (void)state;
    assert_false(compared(&c, "birth_date"));
    assert_false(compared(&c, "gender"));
    assert_false(compared(&c, "telecom"));
    assert_int_equal(c.match, WARD__RECORDS__V1__MATCH__MATCH_POSSIBLE);
}

static void a_personal_number_is_certain_and_a_shared_one_is_not(void **state)
{
    static const char *const personal = "\"identifier\":[{\"system\":\"http://x\",\"value\":"
                                        "\"7\"}]";
    static const char *const shared =
        "\"identifier\":[{\"type\":{\"coding\":[{\"code\":\"MB\"}]"
        "},\"system\":\"http://x\",\"value\":\"7\"}]";
    static const char *const old = "\"identifier\":[{\"use\":\"old\",\"system\":\"http://x\","
                                   "\"value\":\"7\"}]";
    static const char *const other =
        "\"identifier\":[{\"system\":\"http://y\",\"value\":\"7\"}]";

    (void)state;
    assert_int_equal(score(personal, personal).match, WARD__RECORDS__V1__MATCH__MATCH_CERTAIN);
    assert_int_equal(score(shared, shared).match, WARD__RECORDS__V1__MATCH__MATCH_UNSPECIFIED);
    assert_int_equal(score(personal, old).match, WARD__RECORDS__V1__MATCH__MATCH_UNSPECIFIED);
    assert_int_equal(score(personal, other).match, WARD__RECORDS__V1__MATCH__MATCH_UNSPECIFIED);
}

static void a_chinese_name_and_its_pinyin_are_alike(void **state)
{
    static const char *const born = ",\"birthDate\":\"1980-01-01\",\"gender\":\"male\"";
    char latin[200], han[200], other[200];

    (void)state;
    snprintf(han, sizeof(han), "%s%s", NAMED("王", "小明"), born);
    snprintf(latin, sizeof(latin), "%s%s", NAMED("Wang", "Xiaoming"), born);
    snprintf(other, sizeof(other), "%s%s", NAMED("Li", "Dawei"), born);
    assert_true(score(han, latin).score > SCORE_POSSIBLE);
    assert_true(score(han, latin).score < score(han, han).score);
    assert_true(score(han, other).score < SCORE_POSSIBLE);
    /* 曾 is read Zeng as a surname. */
    assert_true(score(NAMED("曾", "强"), NAMED("Zeng", "Qiang")).score >
                score(NAMED("曾", "强"), NAMED("Ceng", "Qiang")).score);
}

static void names_are_found_in_any_order_case_and_script(void **state)
{
    Candidate swapped =
        score(NAMED("Muster", "Anna"), NAMED("ANNA", "Müster") ",\"gender\":\"female\"");
    Candidate chinese = score("\"name\":[{\"text\":\"王小明\"}]",
                              "\"name\":[{\"family\":\"王\",\"given\":[\"小明\"]}]");
    Candidate western =
        score("\"name\":[{\"text\":\"Anna Maria Muster\"}]",
              "\"name\":[{\"family\":\"Muster\",\"given\":[\"Anna\",\"Maria\"]}]");
    Candidate several =
        score("\"name\":[{\"family\":\"Born\",\"given\":[\"Anna\"]},{\"family\":\"Muster\","
              "\"given\":[\"Anna\"]}]",
              NAMED("Muster", "Anna"));

    (void)state;
    close_to(swapped.score, log2(0.954 / 0.007) + log2(0.839 / 0.006));
    close_to(chinese.score, swapped.score);
    close_to(western.score, swapped.score);
    close_to(several.score, swapped.score);
}

static void a_typing_error_weighs_between_same_and_other(void **state)
{
    Candidate c = score(ANNA, NAMED("Mustre", "Ana") ",\"birthDate\":\"1949-08-02\",\"gender\":"
                                                     "\"female\"");

    (void)state;
    assert_true(weight(&c, "family") > 4 && weight(&c, "family") < log2(0.954 / 0.007));
    assert_true(weight(&c, "given") > 4 && weight(&c, "given") < log2(0.839 / 0.006));
    assert_int_equal(c.match, WARD__RECORDS__V1__MATCH__MATCH_PROBABLE);
}

static double birth(const char *a, const char *b)
{
    Candidate c = score(ward_printf(&mem, "\"birthDate\":\"%s\"", a),
                        ward_printf(&mem, "\"birthDate\":\"%s\"", b));

    return weight(&c, "birth_date");
}

static void birth_dates_are_compared_by_their_parts(void **state)
{
    const double year = log2(0.975 / 0.051), month = log2(0.923 / 0.077),
                 day = log2(0.903 / 0.030);

    (void)state;
    close_to(birth("1949", "1949-08-02"), year);
    close_to(birth("1949-08", "1949-08-02"), year + month);
    /* day and month swapped */
    close_to(birth("1949-02-08", "1949-08-02"), year + (month + day) / 2);
    /* one digit differs */
    close_to(birth("1949-08-02", "1949-08-12"), year + month);
    /* two digits swapped */
    close_to(birth("1949-08-02", "1994-08-02"), month + day);
    assert_true(birth("1949-08-02", "1949-08-30") < year + month - 4);
    assert_true(birth("1949-08-02", "1967-11-30") < -10);
}

static void twins_are_two(void **state)
{
    static const char *const home = ",\"birthDate\":\"2001-02-03\",\"gender\":\"female\","
                                    "\"telecom\":[{\"value\":\"555 1234\"}],\"address\":[{"
                                    "\"postalCode\":\"02101\"}]";
    Candidate c = score(ward_printf(&mem, "%s%s", NAMED("Muster", "Anna"), home),
                        ward_printf(&mem, "%s%s", NAMED("Muster", "Birgit"), home));

    (void)state;
    assert_true(c.score > SCORE_PROBABLE);
    assert_int_equal(c.match, WARD__RECORDS__V1__MATCH__MATCH_POSSIBLE);
}

static void a_household_counts_once(void **state)
{
    Candidate c =
        score("\"telecom\":[{\"value\":\"(555) 12-34\"}],\"address\":[{\"postalCode\":"
              "\"1\"}]",
              "\"telecom\":[{\"value\":\"5551234\"}],\"address\":[{\"postalCode\":\"1\"}"
              "]");
    Candidate moved =
        score("\"telecom\":[{\"value\":\"1\"}],\"address\":[{\"postalCode\":\"1\"}]",
              "\"telecom\":[{\"value\":\"2\"}],\"address\":[{\"postalCode\":\"2\"}]");

    (void)state;
    close_to(weight(&c, "telecom"), log2(0.871 / 0.001));
    close_to(weight(&c, "postal_code"), 0);
    close_to(weight(&moved, "telecom"), 0);
    close_to(weight(&moved, "postal_code"), log2(0.122 / 0.992));
}

static void comparing_that_meets_the_arena_s_end_says_so(void **state)
{
    enum ward_code code = WARD_UNKNOWN;

    (void)state;
    for (int n = 1; code != WARD_OK; n++) {
        const Patient *a = patient(ANNA), *b = patient(ANNA);
        Candidate c = WARD__RECORDS__V1__CANDIDATE__INIT;

        mem.fail_at = mem.calls + n;
        code = score_pair(&mem, a, b, &c, NULL);
        mem.fail_at = 0;
        assert_true(code == WARD_OK || code == WARD_RESOURCE_EXHAUSTED);
        ward_arena_reset(&mem);
        assert_true(n < 300);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(jaro_winkler_is_winkler_s, fresh),
        cmocka_unit_test_setup(the_same_person_is_probable_and_says_why, fresh),
        cmocka_unit_test_setup(strangers_are_nothing, fresh),
        cmocka_unit_test_setup(what_one_of_them_lacks_says_nothing, fresh),
        cmocka_unit_test_setup(a_personal_number_is_certain_and_a_shared_one_is_not, fresh),
        cmocka_unit_test_setup(names_are_found_in_any_order_case_and_script, fresh),
        cmocka_unit_test_setup(a_chinese_name_and_its_pinyin_are_alike, fresh),
        cmocka_unit_test_setup(a_typing_error_weighs_between_same_and_other, fresh),
        cmocka_unit_test_setup(birth_dates_are_compared_by_their_parts, fresh),
        cmocka_unit_test_setup(twins_are_two, fresh),
        cmocka_unit_test_setup(a_household_counts_once, fresh),
        cmocka_unit_test_setup(comparing_that_meets_the_arena_s_end_says_so, fresh),
    };

    return cmocka_run_group_tests(tests, open_mem, close_mem);
}
