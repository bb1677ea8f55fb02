/* Interpretation of an entry of the chart's allergies by the second version of the check:
 * names, denials, uninterpreted text. The names are invented. */
#include "services/dosage/check/check_world.h"

#define SECOND PLACE "engine: 2 "
#define HAS(a, drug, dose)                                                                     \
    SECOND FACTS(KNOWN "birth_date: '1970' " ALLERGY(a)) WHAT(drug, dose, ONCE)
#define PARA(a)    HAS(a, "para", "1 g")
#define SAYS(text) PARA("text: '" text "'")
#define OPIOID(a)  HAS(a, "morphine", "10 mg")
#define SNOMED     "http://snomed.info/sct"

static const char *left(void **state)
{
    return told_finding(*state, "ward.allergy-text")->text->en;
}

static void what_is_left_over_is_told_by_its_words(void **state)
{
    TOLD(SAYS("para, aspirix"), "ward.allergy:H ward.allergy-text:W");
    assert_non_null(strstr(left(state), ": aspirix."));
    TOLD(OPIOID("text: '吗啡，环丙'"), "opioid-allergy:H ward.allergy-text:W");
    assert_non_null(strstr(left(state), ": 环丙."));
    TOLD(OPIOID("text: '对吗啡、可待因过敏，曾休克'"), "opioid-allergy:H");
    TOLD(SAYS("Rash after ACETAMINOPHEN 500 mg, 2019"), "ward.allergy:H");
    TOLD(SAYS("morphine tartrate"), "ward.allergy-text:W");
    assert_non_null(strstr(left(state), ": tartrate."));
    TOLD(SAYS("acetaminophen500mg/aspirix"), "ward.allergy:H ward.allergy-text:W");
    assert_non_null(strstr(left(state), ": aspirix."));
    TOLD(SAYS("para aspirix ASPIRIX"), "ward.allergy:H ward.allergy-text:W");
    assert_non_null(strstr(left(state), ": aspirix."));
    TOLD(PARA("text: 'para, aspirix' high_criticality: true"),
         "ward.allergy:H ward.allergy-text:W");
    TOLD(PARA("text: 'para, peanuts' no_medication: true"),
         "ward.allergy:H ward.allergy-text:I");
}

static void what_is_not_understood_at_all_is_told_as_before(void **state)
{
    TOLD(SAYS("aspirix"), "ward.allergy-text:W");
    TOLD(SAYS(""), "ward.allergy-text:W");
    TOLD(SAYS("rash to antibiotics"), "ward.allergy-text:W");
    TOLD(PARA("text: 'aspirix' high_criticality: true"), "ward.allergy-text:H");
    TOLD(PARA("text: 'dust' no_medication: true high_criticality: true"),
         "ward.allergy-text:I");
    TOLD(SECOND FACTS(KNOWN "birth_date: '1970' " ALLERGY("text: 'aspirix'")
                          ALLERGY("text: 'para, aspirin'")) WHAT("para", "1 g", ONCE),
         "ward.allergy:H ward.allergy-text:W");
    assert_string_equal(left(state),
                        "1 recorded allergies were not understood and not checked, nor were "
                        "these words of others: aspirin. Read them in the chart.");
}

static void text_codings_and_substances_are_each_read(void **state)
{
#define CODEINE "substances { codings { system: 'sct' code: '77' } } "
    TOLD(PARA("text: 'para' " CODEINE), "ward.allergy:H");
    TOLD(OPIOID("text: 'para' " CODEINE), "opioid-allergy:H");
    TOLD(PARA("text: 'aspirix' " CODEINE), "ward.allergy-text:W");
    TOLD(PARA("codings { system: 'local' code: 'X1' } text: 'para'"), "ward.allergy:H");
    TOLD(PARA("codings { system: 'local' code: 'X1' } " CODEINE), "ward.allergy-text:W");
    assert_non_null(strstr(left(state), ": X1."));
    TOLD(PARA("codings { system: 'local' code: 'X1' display: 'Drug allergy' } " CODEINE), "");
    TOLD(PARA("text: 'antibiotic' substances { text: 'para' } "), "ward.allergy:H");
    TOLD(PARA("text: 'para' substances { text: 'aspirix' } "),
         "ward.allergy:H ward.allergy-text:W");
    /* the code is interpreted; the words beside it are its translation */
    TOLD(PARA("codings { system: 'rx' code: '161' display: 'Para (finding) by aspirix' }"),
         "ward.allergy:H");
}

static void a_denial_and_nothing_else_is_no_allergy(void **state)
{
    static const char *const DENIED[] = {
        "no para allergy",      "No known PARA allergy.",
        "not allergic to para", "para skin test negative",
        "denies para allergy",  "否认para过敏史",
        "para皮试阴性",         "para皮试（-）",
        "对para不过敏",         "no para or co-dol allergy",
        "无para过敏史",
    };
    static const char *const NOT[] = {
        "no para allergy, but rash",
        "para allergy, not severe",
        "para skin test not negative",
        "para皮试阴性，后出现皮疹",
        "para皮试（+）",
        "para皮试",
        "否认para过敏史，acetaminophen过敏",
        "para allergy: no",
        "no # para allergy",
    };

    for (size_t i = 0; i < WARD_COUNT(DENIED); i++) {
        struct bench *b = *state;

        TOLD(ward_printf(&b->run, PARA("text: '%s'"), DENIED[i]), "ward.allergy-denied:I");
        TOLD(ward_printf(&b->run, OPIOID("text: '%s'"), DENIED[i]), "");
    }
    for (size_t i = 0; i < WARD_COUNT(NOT); i++) {
        struct bench *b = *state;

        if (strstr(check_told(b, ward_printf(&b->run, PARA("text: '%s'"), NOT[i])),
                   "ward.allergy:H") == NULL)
            fail_msg("read as a denial: %s", NOT[i]);
    }
    TOLD(PARA("text: 'no para allergy' substances { text: 'para' }"),
         "ward.allergy:H ward.allergy-text:W");
}

static void no_known_allergy_is_understood_in_words(void **state)
{
    static const char *const NONE[] = {
        "NKDA",
        "nkda.",
        "None",
        "No known drug allergies",
        "无药物过敏史",
        "无",
        "否认药物过敏史",
        "否认药物、食物过敏史",
        "no known allergies",
    };
    struct bench *b = *state;

    for (size_t i = 0; i < WARD_COUNT(NONE); i++)
        TOLD(ward_printf(&b->run, PARA("text: '%s'"), NONE[i]), "");
    TOLD(PARA("no_known: true text: 'NKDA'"), "");
    TOLD(PARA("no_known: true text: 'para'"), "ward.allergy:H");
    TOLD(PARA("no_known: true text: 'aspirix'"), "ward.allergy-text:W");
    TOLD(PARA("text: 'no known food allergies'"), "ward.allergy-unknown:W");
    TOLD(SECOND FACTS(KNOWN "birth_date: '1970' " ALLERGY("text: 'NKDA'")
                          ALLERGY("text: 'para'")) WHAT("para", "1 g", ONCE),
         "ward.allergy:H");
    TOLD(PARA("codings { system: 'rx' code: '161' } codings { system: 'sct' code: '0' display: "
              "'No known drug allergy' }"),
         "ward.allergy:H");
}

/* A decision of the first version is unchanged. */
static void the_first_version_reads_as_it_did(void **state)
{
#define FIRST(a) PLACE FACTS(KNOWN "birth_date: '1970' " ALLERGY(a)) WHAT("para", "1 g", ONCE)
    TOLD(FIRST("text: 'para, aspirix'"), "ward.allergy:H");
    TOLD(FIRST("text: 'no para allergy'"), "ward.allergy:H");
    TOLD(FIRST("text: 'NKDA'"), "ward.allergy-text:W");
    TOLD(FIRST("no_known: true text: 'para'"), "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_left_over_is_told_by_its_words),
        cmocka_unit_test(what_is_not_understood_at_all_is_told_as_before),
        cmocka_unit_test(text_codings_and_substances_are_each_read),
        cmocka_unit_test(a_denial_and_nothing_else_is_no_allergy),
        cmocka_unit_test(no_known_allergy_is_understood_in_words),
        cmocka_unit_test(the_first_version_reads_as_it_did),
    };

    return cmocka_run_group_tests(tests, world_up, world_down);
}
