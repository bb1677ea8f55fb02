/* FHIR's rules for timings, dosages, prescriptions, procedures, vaccines and requests. */
#include "services/records/fhir/fhir_own.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define WHO   "\"subject\":{\"reference\":\"Patient/x\"}"
#define WHOSE "\"patient\":{\"reference\":\"Patient/x\"}"
#define DRUG(rest)                                                                             \
    "{\"resourceType\":\"MedicationRequest\",\"status\":\"active\",\"intent\":\"order\"," WHO  \
    ",\"medicationCodeableConcept\":{\"text\":\"x\"}" rest "}"
#define DOSAGE(rest) DRUG(",\"dosageInstruction\":[{" rest "}]")
#define REPEAT(rest) DOSAGE("\"timing\":{\"repeat\":{" rest "}}")
#define DONE(rest)   "{\"resourceType\":\"Procedure\",\"status\":\"completed\"," WHO rest "}"
#define VACCINE(rest)                                                                          \
    "{\"resourceType\":\"Immunization\",\"status\":\"completed\",\"vaccineCode\":{\"text\":"   \
    "\"x\"}," WHOSE rest "}"
#define GIVEN ",\"occurrenceString\":\"as a child\""
#define ASKED(rest)                                                                            \
    "{\"resourceType\":\"ServiceRequest\",\"status\":\"active\",\"intent\":\"order\"," WHO     \
        rest "}"
#define UCUM(code)                                                                             \
    "\"unit\":\"x\",\"system\":\"http://unitsofmeasure.org\",\"code\":\"" code "\"}"
#define AT "MedicationRequest.dosageInstruction[0].timing.repeat."

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

struct example {
    const char *text, *reason, *field; /* reason NULL: the resource is valid */
};

/* A long path is reported by its end: "...timing.repeat.period". */
static bool is_end(const char *told, const char *path)
{
    size_t n = strlen(path), m = strlen(told);

    if (strncmp(told, "...", 3) != 0)
        return strcmp(told, path) == 0;
    return m - 3 <= n && strcmp(told + 3, path + n - (m - 3)) == 0;
}

static void all(const struct example *e, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        const struct ward_json *v = NULL;
        struct ward_err err = {0};
        Resource *res = NULL;
        enum ward_code code;

        if (ward_json_parse(e[i].text, strlen(e[i].text), NULL, &mem, &v, &err) != WARD_OK ||
            fhir_of_json(&mem, v, NULL, NULL, &res, &err) != WARD_OK)
            fail_msg("%s: %s %s", e[i].text, err.field, err.msg);
        code = fhir_check(&mem, res, &err);
        if ((code == WARD_OK) != (e[i].reason == NULL))
            fail_msg("%s: %s %s", e[i].text, err.reason, err.field);
        if (code == WARD_OK)
            continue;
        if (strcmp(err.reason, e[i].reason) != 0 || !is_end(err.field, e[i].field))
            fail_msg("%s: %s %s", e[i].text, err.reason, err.field);
    }
}

static void a_timing_has_units_and_no_negative_length(void **state)
{
    static const struct example rows[] = {
        {REPEAT("\"frequency\":1,\"period\":1.0,\"periodUnit\":\"d\""), NULL, NULL},
        {REPEAT("\"period\":0,\"periodUnit\":\"d\""), NULL, NULL},
        {REPEAT("\"period\":1"), "FIELD_REQUIRED", AT "periodUnit"},
        {REPEAT("\"period\":-1,\"periodUnit\":\"d\""), "FIELD_INVALID", AT "period"},
        {REPEAT("\"periodMax\":1"), "FIELD_REQUIRED", AT "period"},
        {REPEAT("\"duration\":1,\"durationMax\":2,\"durationUnit\":\"h\""), NULL, NULL},
        {REPEAT("\"duration\":1"), "FIELD_REQUIRED", AT "durationUnit"},
        {REPEAT("\"duration\":-0.5,\"durationUnit\":\"h\""), "FIELD_INVALID", AT "duration"},
        {REPEAT("\"durationMax\":2,\"durationUnit\":\"h\""), "FIELD_REQUIRED", AT "duration"},
        {REPEAT("\"count\":2,\"countMax\":3"), NULL, NULL},
        {REPEAT("\"countMax\":3"), "FIELD_REQUIRED", AT "count"},
        {REPEAT("\"boundsDuration\":{\"value\":7," UCUM("d")), NULL, NULL},
        {REPEAT("\"boundsDuration\":{\"value\":7," UCUM("mg")), "UNIT_INVALID",
         AT "boundsDuration.code"},
    };

    (void)state;
    all(rows, WARD_COUNT(rows));
}

static void events_of_the_day_are_codes_and_stand_alone(void **state)
{
    static const struct example rows[] = {
        {REPEAT("\"when\":[\"ACM\",\"HS\"]"), NULL, NULL},
        {REPEAT("\"when\":[\"PHS\"],\"offset\":30"), NULL, NULL},
        {REPEAT("\"when\":[\"acm\"]"), "CODE_UNKNOWN", AT "when"},
        {REPEAT("\"when\":[\"C\"],\"offset\":30"), "FIELD_INVALID", AT "offset"},
        {REPEAT("\"when\":[\"HS\",\"CM\"],\"offset\":0"), "FIELD_INVALID", AT "offset"},
        {REPEAT("\"offset\":30"), "FIELD_REQUIRED", AT "when"},
        {REPEAT("\"timeOfDay\":[\"08:00:00\"]"), NULL, NULL},
        {REPEAT("\"timeOfDay\":[\"08:00:00\"],\"when\":[\"HS\"]"), "FIELD_INVALID",
         AT "timeOfDay"},
    };

    (void)state;
    all(rows, WARD_COUNT(rows));
}

static void simple_quantities_have_no_comparator(void **state)
{
#define LESS "{\"value\":1,\"comparator\":\"<\"," UCUM("mg")
#define MG   "{\"value\":1," UCUM("mg")
    static const struct example rows[] = {
        {DOSAGE("\"doseAndRate\":[{\"doseQuantity\":" MG ",\"rateQuantity\":" MG "}]"), NULL,
         NULL},
        {DOSAGE("\"doseAndRate\":[{\"doseQuantity\":" LESS "}]"), "FIELD_INVALID",
         "MedicationRequest.dosageInstruction[0].doseAndRate[0].doseQuantity"},
        {DOSAGE("\"doseAndRate\":[{\"rateQuantity\":" LESS "}]"), "FIELD_INVALID",
         "MedicationRequest.dosageInstruction[0].doseAndRate[0].rateQuantity"},
        {DOSAGE("\"maxDosePerAdministration\":" LESS), "FIELD_INVALID",
         "MedicationRequest.dosageInstruction[0].maxDosePerAdministration"},
        {DOSAGE("\"maxDosePerLifetime\":" LESS), "FIELD_INVALID",
         "MedicationRequest.dosageInstruction[0].maxDosePerLifetime"},
        {DRUG(",\"dispenseRequest\":{\"quantity\":" LESS "}"), "FIELD_INVALID",
         "MedicationRequest.dispenseRequest.quantity"},
        {DRUG(",\"dispenseRequest\":{\"initialFill\":{\"quantity\":" LESS "}}"),
         "FIELD_INVALID", "MedicationRequest.dispenseRequest.initialFill.quantity"},
        {VACCINE(GIVEN ",\"doseQuantity\":" LESS), "FIELD_INVALID",
         "Immunization.doseQuantity"},
    };

    (void)state;
    all(rows, WARD_COUNT(rows));
}

static void what_is_asked_for_and_done_has_what_FHIR_requires(void **state)
{
    static const struct example rows[] = {
        {DRUG(""), NULL, NULL},
        {"{\"resourceType\":\"MedicationRequest\",\"status\":\"active\",\"intent\":"
         "\"order\"," WHO "}",
         "FIELD_REQUIRED", "MedicationRequest.medication"},
        {DRUG(",\"substitution\":{\"allowedBoolean\":false}"), NULL, NULL},
        {DRUG(",\"substitution\":{\"reason\":{\"text\":\"x\"}}"), "FIELD_REQUIRED",
         "MedicationRequest.substitution.allowed"},
        {DRUG(",\"dispenseRequest\":{\"dispenseInterval\":{\"value\":30," UCUM("d") "}"), NULL,
         NULL},
        {DRUG(",\"dispenseRequest\":{\"dispenseInterval\":{\"value\":30," UCUM("mg") "}"),
         "UNIT_INVALID", "MedicationRequest.dispenseRequest.dispenseInterval.code"},
        {DONE(""), NULL, NULL},
        {DONE(",\"performedAge\":{\"value\":30," UCUM("a")), NULL, NULL},
        {DONE(",\"performedAge\":{\"value\":30," UCUM("mg")), "UNIT_INVALID",
         "Procedure.performedAge.code"},
        {VACCINE(GIVEN), NULL, NULL},
        {VACCINE(""), "FIELD_REQUIRED", "Immunization.occurrence"},
        {VACCINE(GIVEN ",\"protocolApplied\":[{\"doseNumberString\":\"first\"}]"), NULL, NULL},
        {VACCINE(GIVEN ",\"protocolApplied\":[{\"series\":\"x\"}]"), "FIELD_REQUIRED",
         "Immunization.protocolApplied[0].doseNumber"},
        {VACCINE(GIVEN ",\"education\":[{\"documentType\":\"x\"}]"), NULL, NULL},
        {VACCINE(GIVEN ",\"education\":[{\"publicationDate\":\"2020\"}]"), "FIELD_INVALID",
         "Immunization.education[0]"},
        {ASKED(",\"code\":{\"text\":\"x\"},\"orderDetail\":[{\"text\":\"y\"}]"), NULL, NULL},
        {ASKED(",\"orderDetail\":[{\"text\":\"y\"}]"), "FIELD_REQUIRED", "ServiceRequest.code"},
    };

    (void)state;
    all(rows, WARD_COUNT(rows));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_timing_has_units_and_no_negative_length),
        cmocka_unit_test(events_of_the_day_are_codes_and_stand_alone),
        cmocka_unit_test(simple_quantities_have_no_comparator),
        cmocka_unit_test(what_is_asked_for_and_done_has_what_FHIR_requires),
    };

    return cmocka_run_group_tests(tests, open_mem, close_mem);
}
