#include "services/records/exchange/deid.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void a_number_of_somebodys_is_no_code(void **state)
{
    static const char *const concepts[] = {"138875005", "424144002", "38341003",
                                           "450601000124103"};
    /* Invalid codes: one wrong digit, two exchanged digits, a description's partition, a code
     * that is too short, a telephone number. */
    static const char *const not [] = {"22298007",  "22289006", "",          "751689013",
                                       "022298006", "12345",    "64572001x", "13800138000"};
    /* an identity number (never issued) that also has SNOMED's check digit */
    static const char identity[] = "110105194001150002";

    (void)state;
    for (size_t i = 0; i < WARD_COUNT(concepts); i++)
        assert_true(deid_is_code("http://snomed.info/sct", concepts[i]));
    for (size_t i = 0; i < WARD_COUNT(not ); i++)
        assert_false(deid_is_code("http://snomed.info/sct", not [i]));
    for (size_t i = 0; i < 3; i++) {
        static const char *const systems[] = {
            "http://snomed.info/sct", "http://www.nlm.nih.gov/research/umls/rxnorm",
            "http://terminology.hl7.org/CodeSystem/v3-ActCode"};

        assert_false(deid_is_code(systems[i], identity));
        assert_false(deid_is_code(systems[i], "11010519491231002X"));
    }
    assert_false(deid_is_code("http://hl7.org/fhir/sid/icd-10", "H13800138000"));
    assert_false(deid_is_code("http://hl7.org/fhir/sid/cvx", "1380"));
    assert_true(deid_is_code("http://hl7.org/fhir/sid/cvx", "140"));
    assert_true(deid_is_code("http://www.nlm.nih.gov/research/umls/rxnorm", "314076"));
    assert_false(deid_is_code("http://terminology.hl7.org/CodeSystem/Zhang-San", "x"));
    assert_false(deid_is_code("http://terminology.hl7.org/CodeSystem/v2-0203", "MR"));
    assert_false(deid_is_code("http://hl7.org/fhir/names", "x"));
    assert_false(deid_is_code("http://terminology.hl7.org/CodeSystem/v3-ActCode", "Zhang_San"));
    assert_true(deid_is_code("http://terminology.hl7.org/CodeSystem/service-type", "57"));
}

static void codes_units_and_states_are_known_ones(void **state)
{
    static const char ucum_words[] = "mg{of Anna Muster}/dL";

    (void)state;
    assert_true(deid_is_code("http://loinc.org", "8867-4"));
    assert_true(deid_is_code("http://loinc.org", "LA6568-5"));
    assert_false(deid_is_code("http://loinc.org", "Anna"));
    assert_false(deid_is_code("http://loinc.org", ""));
    assert_true(deid_is_code("http://snomed.info/sct", "22298006"));
    assert_false(deid_is_code("http://snomed.info/sct", "22298006|Anna"));
    assert_true(deid_is_code("http://hl7.org/fhir/sid/icd-10", "J18.9"));
    assert_true(deid_is_code("http://hl7.org/fhir/sid/icd-10-cm", "S72.001A"));
    assert_false(deid_is_code("http://hl7.org/fhir/sid/icd-10", "Muster"));
    assert_true(deid_is_code("http://terminology.hl7.org/CodeSystem/v3-ActCode", "AMB"));
    assert_false(deid_is_code("http://terminology.hl7.org/CodeSystem/Anna Muster", "AMB"));
    assert_false(deid_is_code("http://hospital.example/ward", "3"));
    assert_true(deid_is_unit("mg/dL"));
    assert_true(deid_is_unit("mL/min/{1.73_m2}"));
    assert_false(deid_is_unit(ucum_words));
    assert_false(deid_is_unit("{"));
    assert_false(deid_is_unit(""));
    assert_true(deid_is_state("Ohio"));
    assert_true(deid_is_state("浙江省"));
    assert_false(deid_is_state("Springfield"));
    assert_false(deid_is_state(""));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_number_of_somebodys_is_no_code),
        cmocka_unit_test(codes_units_and_states_are_known_ones),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
