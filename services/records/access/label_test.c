#include "services/records/access/label.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "common/base/status.h"

#define ICD_10    "http://hl7.org/fhir/sid/icd-10"
#define ICD_10_CM "http://hl7.org/fhir/sid/icd-10-cm"
#define ICD_9_CM  "http://hl7.org/fhir/sid/icd-9-cm"
#define LOINC     "http://loinc.org"
#define SNOMED    "http://snomed.info/sct"

static void a_mark_of_v3_actcode_is_its_label(void **state)
{
    (void)state;
    assert_int_equal(label_of_security(LABEL_SYSTEM, "PSY"), LABEL_PSY);
    assert_int_equal(label_of_security(LABEL_SYSTEM, "HIV"), LABEL_HIV);
    assert_int_equal(label_of_security(LABEL_SYSTEM, "STD"), LABEL_STD);
    assert_int_equal(label_of_security(LABEL_SYSTEM, "ETH"), LABEL_ETH);
    assert_int_equal(label_of_security(LABEL_SYSTEM, "SDV"), LABEL_SDV);
    assert_int_equal(label_of_security(LABEL_SYSTEM, "GDIS"), LABEL_GDIS);
    assert_int_equal(label_of_security(LABEL_SYSTEM, "SEX"), LABEL_SEX);
    assert_int_equal(label_of_security(LABEL_SYSTEM, "R"), 0);
    assert_int_equal(label_of_security(LABEL_SYSTEM, "hiv"), 0);
    assert_int_equal(label_of_security("http://example.org", "HIV"), 0);
}

static void a_sensitive_diagnosis_is_known_by_its_code(void **state)
{
    static const struct {
        const char *code;
        uint32_t labels;
    } known[] = {
        {"F20.0", LABEL_PSY},
        {"F00", LABEL_PSY},
        {"F99", LABEL_PSY},
        {"F10.2", LABEL_PSY | LABEL_ETH},
        {"F19", LABEL_PSY | LABEL_ETH},
        {"F02.4", LABEL_PSY | LABEL_HIV},
        {"F52.2", LABEL_PSY | LABEL_SEX},
        {"B20", LABEL_HIV},
        {"B20.0", LABEL_HIV},
        {"B24", LABEL_HIV},
        {"Z21", LABEL_HIV},
        {"R75", LABEL_HIV},
        {"A50.9", LABEL_STD},
        {"A64", LABEL_STD},
        {"T74.2", LABEL_SDV},
        {"Y07.0", LABEL_SDV},
        {"E84.9", LABEL_GDIS},
        {"Q90.9", LABEL_GDIS},
        {"N97", LABEL_SEX},
        {"K70.3", LABEL_ETH},
        {"X84.9", LABEL_PSY},
    };

    (void)state;
    for (size_t i = 0; i < WARD_COUNT(known); i++)
        assert_int_equal(label_of_code(ICD_10, known[i].code), known[i].labels);
}

static void its_neighbours_are_not(void **state)
{
    static const char *const plain[] = {"E11.9", "J18.9", "B19.9", "B25.0", "A49.9", "A65",
                                        "Z20.5", "Z22.3", "R74",   "R76",   "G30.9", "T73.0",
                                        "T75.0", "K71.0", "Q86.9", "X59",   "X85",   "D59",
                                        "D68.3", "E73",   "N95.1", "Z33",   "R45.8"};

    (void)state;
    for (size_t i = 0; i < WARD_COUNT(plain); i++)
        assert_int_equal(label_of_code(ICD_10, plain[i]), 0);
}

static void a_code_is_read_however_it_is_written(void **state)
{
    (void)state;
    assert_int_equal(label_of_code(ICD_10_CM, "F10.20"), LABEL_PSY | LABEL_ETH);
    assert_int_equal(label_of_code(ICD_10_CM, "F1020"), LABEL_PSY | LABEL_ETH);
    assert_int_equal(label_of_code(ICD_10_CM, "b20"), LABEL_HIV);
    assert_int_equal(label_of_code(ICD_10_CM, "R45.851"), LABEL_PSY);
    assert_int_equal(label_of_code(ICD_10_CM, "T76.12XA"), LABEL_SDV);
    assert_int_equal(label_of_code(ICD_10_CM, "O9A.319"), LABEL_SDV);
    assert_int_equal(label_of_code(ICD_10, "F02.4*"), LABEL_PSY | LABEL_HIV);
    assert_int_equal(label_of_code("http://hl7.org/fhir/sid/icd-10-gm", "A51.0"), LABEL_STD);
}

static void the_ninth_revision_is_known_too(void **state)
{
    static const struct {
        const char *code;
        uint32_t labels;
    } known[] = {
        {"042", LABEL_HIV},
        {"042.0", LABEL_HIV},
        {"V08", LABEL_HIV},
        {"290", LABEL_PSY},
        {"319", LABEL_PSY},
        {"296.90", LABEL_PSY},
        {"29690", LABEL_PSY},
        {"291.81", LABEL_PSY | LABEL_ETH},
        {"303.90", LABEL_PSY | LABEL_ETH},
        {"305.1", LABEL_PSY | LABEL_ETH},
        {"302.85", LABEL_PSY | LABEL_SEX},
        {"090.0", LABEL_STD},
        {"099.9", LABEL_STD},
        {"E950.0", LABEL_PSY},
        {"995.81", LABEL_SDV},
        {"V15.41", LABEL_PSY | LABEL_SDV},
        {"758.0", LABEL_GDIS},
        {"277.00", LABEL_GDIS},
        {"635.90", LABEL_SEX},
        {"571.2", LABEL_ETH},
    };
    static const char *const plain[] = {"041.9",  "043",   "289.9", "320", "089",
                                        "100",    "401.9", "250.0", "486", "E949",
                                        "E960.0", "V09",   "571.5", "42"};
    static const char *const names[] = {ICD_9_CM, "urn:oid:2.16.840.1.113883.6.103"};

    (void)state;
    for (size_t s = 0; s < WARD_COUNT(names); s++) {
        for (size_t i = 0; i < WARD_COUNT(known); i++)
            assert_int_equal(label_of_code(names[s], known[i].code), known[i].labels);
        for (size_t i = 0; i < WARD_COUNT(plain); i++)
            assert_int_equal(label_of_code(names[s], plain[i]), 0);
    }
    assert_int_equal(label_of_code(ICD_10, "290"), 0); /* a code of another revision */
    assert_int_equal(label_of_code(ICD_9_CM, "B20"), 0);
}

static void a_system_is_known_by_its_oid(void **state)
{
    (void)state;
    assert_int_equal(label_of_code("urn:oid:2.16.840.1.113883.6.3", "B20"), LABEL_HIV);
    assert_int_equal(label_of_code("urn:oid:2.16.840.1.113883.6.90", "F10.20"),
                     LABEL_PSY | LABEL_ETH);
    assert_int_equal(label_of_code("urn:oid:2.16.840.1.113883.6.42", "042"), LABEL_HIV);
    assert_int_equal(label_of_code("urn:oid:2.16.840.1.113883.6.1", "56888-1"), LABEL_HIV);
    assert_int_equal(label_of_code("urn:oid:2.16.840.1.113883.6.96", "86406008"), LABEL_HIV);
    assert_int_equal(label_of_code("urn:oid:2.16.840.1.113883.6.96", "38341003"), 0);
    assert_int_equal(label_of_code("urn:oid:2.16.840.1.113883.6.30", "B20"), 0);
    assert_int_equal(label_of_code("http://fhir.de/CodeSystem/bfarm/icd-10-gm", "B20"),
                     LABEL_HIV);
}

static void a_system_is_known_by_any_of_its_names(void **state)
{
    static const char *const names[] = {
        "urn:oid:2.16.156.10011.2.3.3.11",   "urn:oid:2.16.156.10011.2.3.3.11.3",
        "2.16.156.10011.2.3.3.11",           "2.16.840.1.113883.6.3",
        "http://id.who.int/icd/release/10",  "https://id.who.int/icd/release/10/2019",
        "https://hl7.org/fhir/sid/icd-10",   "http://hl7.org/fhir/sid/icd-10/",
        "http://hl7.org/fhir/sid/icd-10-cn",
    };

    (void)state;
    for (size_t i = 0; i < WARD_COUNT(names); i++) {
        assert_true(label_reads(names[i], "7917-8"));
        assert_int_equal(label_of_code(names[i], "B20.x01"), LABEL_HIV);
    }
    /* the system of procedures */
    assert_false(label_reads("urn:oid:2.16.156.10011.2.3.3.12", "1"));
    assert_false(label_reads("http://example.org/codes", "1"));
    assert_false(label_reads("", "1"));
}

static void the_eleventh_revision_is_known_too(void **state)
{
    static const struct {
        const char *code;
        uint32_t labels;
    } known[] = {
        {"1C62.Z", LABEL_HIV}, {"1C60", LABEL_HIV},
        {"6A70.0", LABEL_PSY}, {"6C40.2", LABEL_PSY | LABEL_ETH},
        {"1A61", LABEL_STD},   {"PJ21", LABEL_SDV},
        {"CA25", LABEL_GDIS},  {"HA60", LABEL_SEX},
        {"MA14.0", LABEL_HIV}, {"6A70/1C62.Z&XT5R", LABEL_PSY | LABEL_HIV},
        {"CA40.Z", 0},         {"1C63", 0},
        {"5A11", 0},
    };
    static const char *const names[] = {"http://id.who.int/icd/release/11/mms",
                                        "https://id.who.int/icd/release/11/2024-01/mms",
                                        "http://hl7.org/fhir/sid/icd-11"};

    (void)state;
    for (size_t s = 0; s < WARD_COUNT(names); s++)
        for (size_t i = 0; i < WARD_COUNT(known); i++)
            assert_int_equal(label_of_code(names[s], known[i].code), known[i].labels);
}

static void tests_for_hiv_are_known(void **state)
{
    static const char *const codes[] = {"75622-1", "7917-8",  "75666-8", "5221-7",  "22357-8",
                                        "24012-7", "69668-2", "85686-4", "83101-6", "69354-9",
                                        "80203-3", "43010-8", "49580-4"};

    (void)state;
    for (size_t i = 0; i < WARD_COUNT(codes); i++)
        assert_int_equal(label_of_code(LOINC, codes[i]), LABEL_HIV);
}

static void a_loinc_code_with_a_wrong_check_digit_is_not_read(void **state)
{
    (void)state;
    assert_true(label_reads(LOINC, "75666-8"));
    assert_false(label_reads(LOINC, "75666-5"));
    assert_false(label_reads(LOINC, "24012-9"));
    assert_true(label_reads(LOINC, "718-7"));
    assert_true(label_reads(LOINC, "LA15255-5"));
    assert_false(label_reads(LOINC, ""));
    assert_false(label_reads(LOINC, "7917"));
    assert_false(label_reads(LOINC, "7917-88"));
    /* a code with a wrong check digit still has its label */
    assert_int_equal(label_of_code(LOINC, "7917-1"), LABEL_HIV);
}

static void tests_of_sexually_transmitted_infections_are_known(void **state)
{
    static const char *const codes[] = {"22587-0", "5028-6", "14463-4", "36902-5"};

    (void)state;
    for (size_t i = 0; i < WARD_COUNT(codes); i++)
        assert_int_equal(label_of_code(LOINC, codes[i]), LABEL_STD);
}

static void what_is_no_code_has_no_label(void **state)
{
    char longest[300];

    (void)state;
    memset(longest, 'F', sizeof(longest) - 1);
    longest[sizeof(longest) - 1] = '\0';
    assert_int_equal(label_of_code(ICD_10, ""), 0);
    assert_int_equal(label_of_code(ICD_10, "F"), 0);
    assert_int_equal(label_of_code(ICD_10, "F1"), 0);
    assert_int_equal(label_of_code(ICD_10, "..."), 0);
    assert_int_equal(label_of_code(ICD_10, longest), 0);
    assert_int_equal(label_of_code("", "B20"), 0);
    assert_int_equal(label_of_code("http://example.org", "B20"), 0);
}

static void laboratory_tests_and_snomed_s_concepts_are_listed(void **state)
{
    (void)state;
    assert_int_equal(label_of_code(LOINC, "56888-1"), LABEL_HIV);
    assert_int_equal(label_of_code(LOINC, "20447-9"), LABEL_HIV);
    assert_int_equal(label_of_code(LOINC, "21613-5"), LABEL_STD);
    assert_int_equal(label_of_code(LOINC, "8867-4"), 0); /* heart rate */
    assert_int_equal(label_of_code(SNOMED, "86406008"), LABEL_HIV);
    assert_int_equal(label_of_code(SNOMED, "61480009"), LABEL_ETH);
    assert_int_equal(label_of_code(SNOMED, "714812005"), LABEL_SEX);
    assert_int_equal(label_of_code(SNOMED, "38341003"), 0); /* hypertension */
    assert_int_equal(label_of_code(LOINC, "86406008"), 0);  /* another system's code */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_mark_of_v3_actcode_is_its_label),
        cmocka_unit_test(a_sensitive_diagnosis_is_known_by_its_code),
        cmocka_unit_test(its_neighbours_are_not),
        cmocka_unit_test(a_code_is_read_however_it_is_written),
        cmocka_unit_test(the_ninth_revision_is_known_too),
        cmocka_unit_test(a_system_is_known_by_its_oid),
        cmocka_unit_test(a_system_is_known_by_any_of_its_names),
        cmocka_unit_test(the_eleventh_revision_is_known_too),
        cmocka_unit_test(tests_for_hiv_are_known),
        cmocka_unit_test(a_loinc_code_with_a_wrong_check_digit_is_not_read),
        cmocka_unit_test(tests_of_sexually_transmitted_infections_are_known),
        cmocka_unit_test(what_is_no_code_has_no_label),
        cmocka_unit_test(laboratory_tests_and_snomed_s_concepts_are_listed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
