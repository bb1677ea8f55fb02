#include "services/records/rules.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

/* Kinds as letters of the tables below, in the order of enum kind. */
/* K: Consent, M: MedicationStatement, X: Other, Q: MedicationRequest, U: Procedure, I:
 * Immunization, S: ServiceRequest, T: Practitioner, G: Organization, L: Location. */
static const char LETTERS[] = "-PEOCADRKMXQUISTGL";

static uint32_t kinds(const char *letters)
{
    uint32_t out = 0;

    for (; *letters != '\0'; letters++)
        if (*letters != '-')
            out |= KIND_BIT((uint32_t)(strchr(LETTERS, *letters) - LETTERS));
    return out;
}

static const char *const PURPOSES[] = {"TREAT",   "ETREAT", "CAREMGT", "PATADMIN",
                                       "HOPERAT", "PATRQT", "HRESCH",  ""};

/* The table of docs/records.md: role, purposes, scope and kinds. */
static const struct row {
    const char *role, *purposes;
    const char *read_everyone, *read_treated, *read_own;
    const char *write_everyone, *write_treated;
} TABLE[] = {
    {"physician", "TREAT ETREAT CAREMGT", "", "PEOCADRKMXQUISTGL", "", "", "EOCADRMQUIS"},
    {"nurse", "TREAT ETREAT CAREMGT", "", "PEOCADRKMXQUISTGL", "", "", "EOADMUI"},
    {"pharmacist", "TREAT ETREAT CAREMGT", "", "PEOCADRKMXQUISTGL", "", "", "ADMI"},
    {"registrar", "TREAT PATADMIN HOPERAT", "PEK", "", "", "PEK", ""},
    {"privacy-officer", "HOPERAT PATRQT", "PK", "", "", "K", ""},
    {"patient", "PATRQT", "", "", "PEOCADRKMXQUIS", "", ""},
    {"records-admin", "", "", "", "", "", ""},
    {"auditor", "", "", "", "", "", ""},
    {"", "", "", "", "", "", ""},
};

static bool names(const char *list, const char *word)
{
    size_t n = strlen(word);

    for (const char *at = list; n > 0 && (at = strstr(at, word)) != NULL; at += n)
        if ((at == list || at[-1] == ' ') && (at[n] == '\0' || at[n] == ' '))
            return true;
    return false;
}

static void every_role_gives_for_its_purposes_what_the_table_says(void **state)
{
    (void)state;
    for (size_t r = 0; r < WARD_COUNT(TABLE); r++)
        for (size_t p = 0; p < WARD_COUNT(PURPOSES); p++) {
            const struct row *t = &TABLE[r];
            bool on = names(t->purposes, PURPOSES[p]);
            struct scope read = scope_of(&t->role, 1, PURPOSES[p], USE_READ);
            struct scope write = scope_of(&t->role, 1, PURPOSES[p], USE_WRITE);

            assert_int_equal(read.everyone, on ? kinds(t->read_everyone) : 0);
            assert_int_equal(read.treated, on ? kinds(t->read_treated) : 0);
            assert_int_equal(read.own, on ? kinds(t->read_own) : 0);
            assert_int_equal(write.everyone, on ? kinds(t->write_everyone) : 0);
            assert_int_equal(write.treated, on ? kinds(t->write_treated) : 0);
            assert_int_equal(write.own, 0);
        }
}

static void several_roles_are_a_union(void **state)
{
    const char *const roles[] = {"nurse", "registrar", "stranger"};
    struct scope s = scope_of(roles, 3, "TREAT", USE_WRITE);

    (void)state;
    assert_int_equal(s.everyone, kinds("PEK"));
    assert_int_equal(s.treated, kinds("EOADMUI"));
    s = scope_of(roles, 3, "PATADMIN", USE_WRITE); /* a nurse may not write for PATADMIN */
    assert_int_equal(s.everyone, kinds("PEK"));
    assert_int_equal(s.treated, 0);
}

static void nobody_without_roles_may_do_anything(void **state)
{
    struct scope s = scope_of(NULL, 0, "TREAT", USE_READ);

    (void)state;
    assert_int_equal(s.everyone | s.treated | s.own, 0);
}

static void a_role_that_could_for_another_purpose_is_told_apart(void **state)
{
    const char *const nurse[] = {"nurse"}, *const desk[] = {"registrar"};

    (void)state;
    assert_true(scope_by_other_purpose(nurse, 1, USE_READ, KIND_CONDITION));
    assert_false(scope_by_other_purpose(nurse, 1, USE_WRITE, KIND_CONDITION));
    assert_false(scope_by_other_purpose(desk, 1, USE_READ, KIND_OBSERVATION));
    assert_true(scope_by_other_purpose(desk, 1, USE_WRITE, KIND_CONSENT));
}

static void the_kinds_are_numbered_as_the_contract_numbers_them(void **state)
{
    (void)state;
    assert_int_equal(KIND_PATIENT, 1);
    assert_int_equal(KIND_CONSENT, 8);
    assert_int_equal(KIND_MEDICATION, 9);
    assert_int_equal(KIND_OTHER, 10);
    assert_int_equal(KIND_PRESCRIPTION, 11);
    assert_int_equal(KIND_SERVICE, 14);
    assert_int_equal(KIND_PRACTITIONER, 15);
    assert_int_equal(KIND_LOCATION, 17);
    assert_true(kind_is(KIND_PATIENT) && kind_is(KIND_LOCATION));
    assert_false(kind_is(KIND_NONE) || kind_is(KINDS) || kind_is(-1));
    assert_int_equal(KINDS_ALL, kinds("PEOCADRKMXQUISTGL"));
    assert_int_equal(KINDS_NOBODYS, kinds("TGL"));
}

/* The result of `may` for each relation of the caller to the patient, and for a consent's
 * denials: no denial, a denial for everybody, a denial that names the caller or their role, or
 * both denials. The table has the result for each scope. tests/contract/records/access.test.js
 * compares the SQL with the same table. */
static const struct standing NONE = {0}, TREATS = {.treats = true}, GLASS = {.glass = true},
                             BOTH = {.treats = true, .glass = true}, SELF = {.self = true};

static const struct decision {
    const struct standing *relation;
    const char *denied;                     /* "", "all", "them", "all them" */
    bool everyone, treated, own, every_one; /* every_one: all three scopes together */
} DECISIONS[] = {
    {&NONE, "", true, false, false, true},
    {&NONE, "all", true, false, false, true},
    {&NONE, "them", false, false, false, false},
    {&NONE, "all them", false, false, false, false},
    {&TREATS, "", true, true, false, true},
    {&TREATS, "all", true, false, false, true},
    {&TREATS, "them", false, false, false, false},
    {&TREATS, "all them", false, false, false, false},
    {&GLASS, "", true, true, false, true},
    {&GLASS, "all", true, true, false, true},
    {&GLASS, "them", false, true, false, true},
    {&GLASS, "all them", false, true, false, true},
    {&BOTH, "", true, true, false, true},
    {&BOTH, "all", true, true, false, true},
    {&BOTH, "them", false, true, false, true},
    {&BOTH, "all them", false, true, false, true},
    {&SELF, "", true, false, true, true},
    {&SELF, "all", true, false, true, true},
    {&SELF, "them", false, false, true, true},
    {&SELF, "all them", false, false, true, true},
};

static void relation_and_denial_decide_what_a_scope_comes_to(void **state)
{
    const struct scope everyone = {.everyone = kinds("O")}, treated = {.treated = kinds("O")},
                       own = {.own = kinds("O")},
                       all = {.everyone = kinds("O"), .treated = kinds("O"), .own = kinds("O")},
                       nothing = {0};

    (void)state;
    for (size_t i = 0; i < WARD_COUNT(DECISIONS); i++) {
        const struct decision *d = &DECISIONS[i];
        struct standing st = *d->relation;

        st.denied_all = names(d->denied, "all");
        st.denied_to_them = names(d->denied, "them");
        assert_int_equal(may(&everyone, USE_READ, KIND_OBSERVATION, &st), d->everyone);
        assert_int_equal(may(&treated, USE_READ, KIND_OBSERVATION, &st), d->treated);
        assert_int_equal(may(&own, USE_READ, KIND_OBSERVATION, &st), d->own);
        assert_int_equal(may(&all, USE_READ, KIND_OBSERVATION, &st), d->every_one);
        /* the scope does not contain this kind */
        assert_false(may(&all, USE_READ, KIND_CONDITION, &st));
        assert_false(may(&nothing, USE_READ, KIND_OBSERVATION, &st));
    }
}

static void a_broken_glass_does_not_open_the_writing_of_encounters(void **state)
{
    const struct scope treated = {.treated = kinds("EO")}, everyone = {.everyone = kinds("E")};

    (void)state;
    assert_true(may(&treated, USE_READ, KIND_ENCOUNTER, &GLASS));
    assert_true(may(&treated, USE_WRITE, KIND_OBSERVATION, &GLASS));
    assert_false(may(&treated, USE_WRITE, KIND_ENCOUNTER, &GLASS));
    assert_true(may(&treated, USE_WRITE, KIND_ENCOUNTER, &BOTH)); /* the grant is not needed */
    assert_true(may(&everyone, USE_WRITE, KIND_ENCOUNTER, &GLASS));
}

static void a_ward_s_name_is_short_and_plain(void **state)
{
    char longest[WARD_NAME_MAX + 2];

    (void)state;
    memset(longest, 'w', sizeof(longest));
    longest[WARD_NAME_MAX + 1] = '\0';
    assert_false(ward_name_is(longest));
    longest[WARD_NAME_MAX] = '\0';
    assert_true(ward_name_is(longest));
    assert_true(ward_name_is("ward-3"));
    assert_true(ward_name_is("W.4_b"));
    assert_false(ward_name_is(""));
    assert_false(ward_name_is("a b"));
    assert_false(ward_name_is("\xe6\x80\xa5"));
    assert_false(ward_name_is("ward%"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_role_gives_for_its_purposes_what_the_table_says),
        cmocka_unit_test(several_roles_are_a_union),
        cmocka_unit_test(nobody_without_roles_may_do_anything),
        cmocka_unit_test(a_role_that_could_for_another_purpose_is_told_apart),
        cmocka_unit_test(the_kinds_are_numbered_as_the_contract_numbers_them),
        cmocka_unit_test(relation_and_denial_decide_what_a_scope_comes_to),
        cmocka_unit_test(a_broken_glass_does_not_open_the_writing_of_encounters),
        cmocka_unit_test(a_ward_s_name_is_short_and_plain),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
