/* Tests how a decision is printed for a pharmacist: the outcome first, then the findings, with
 * times in the ward's time zone. The rule and its numbers are made up. */
#include "cli/call/view.h"

#include "ward/dosage/v1/orders.pb-c.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static char printed[8192];

static const char *lines_of(const ProtobufCMessage *msg)
{
    struct ward_arena mem;
    char *text = NULL;
    size_t n = 0;
    FILE *to = open_memstream(&text, &n);

    ward_arena_init(&mem, 65536);
    assert_non_null(to);
    message_lines(to, 0, msg, &mem);
    fclose(to);
    assert_true(n < sizeof(printed));
    memcpy(printed, text, n + 1);
    free(text);
    ward_arena_done(&mem);
    return printed;
}

static void a_decision_begins_with_its_outcome_and_findings(void **state)
{
    Ward__Dosage__V1__Quantity dose = WARD__DOSAGE__V1__QUANTITY__INIT;
    Ward__Dosage__V1__Quantity most = WARD__DOSAGE__V1__QUANTITY__INIT;
    Ward__Dosage__V1__Compared compared = WARD__DOSAGE__V1__COMPARED__INIT;
    Ward__Dosage__V1__Sentence text = WARD__DOSAGE__V1__SENTENCE__INIT;
    Ward__Dosage__V1__Finding finding = WARD__DOSAGE__V1__FINDING__INIT;
    Ward__Dosage__V1__Prescription rx = WARD__DOSAGE__V1__PRESCRIPTION__INIT;
    Ward__Dosage__V1__Snapshot snap = WARD__DOSAGE__V1__SNAPSHOT__INIT;
    Ward__Dosage__V1__Decision d = WARD__DOSAGE__V1__DECISION__INIT;
    Ward__Dosage__V1__PlaceResponse answer = WARD__DOSAGE__V1__PLACE_RESPONSE__INIT;
    Ward__Dosage__V1__Finding *all[] = {&finding};
    Ward__Dosage__V1__Compared *numbers[] = {&compared};

    (void)state;
    dose.value = "600", dose.unit = "mg";
    most.value = "400", most.unit = "mg";
    compared.what = "single-dose", compared.relation = "<=";
    compared.actual = &dose, compared.limit = &most;
    text.en = "Too much.\033[2J", text.zh = "过量。";
    finding.rule_id = "testozin-single", finding.source = "made up";
    finding.severity = WARD__DOSAGE__V1__SEVERITY__SEVERITY_HARD;
    finding.text = &text, finding.compared = numbers, finding.n_compared = 1;
    rx.drug_id = "testozin", rx.dose = &dose;
    rx.route = WARD__DOSAGE__V1__ROUTE__ROUTE_PO;
    rx.starts_at_us = INT64_C(1800000000000000);
    snap.prescription = &rx, snap.time_zone = "Asia/Shanghai";
    snap.at_us = INT64_C(1800000000000000), snap.rule_set_version = 3;
    d.decision_id = "d-1", d.snapshot = &snap, d.findings = all, d.n_findings = 1;
    d.outcome = WARD__DOSAGE__V1__OUTCOME__OUTCOME_STOP;
    answer.placed = false, answer.decision = &d;
    assert_string_equal(lines_of(&answer.base),
                        "decision:\n"
                        "  outcome:   STOP\n"
                        "  findings:  1\n"
                        "    testozin-single  [STOP, needs a reason and a second person]\n"
                        "      Too much.?[2J\n"
                        "      过量。\n"
                        "      single-dose: 600 mg, must be <= 400 mg\n"
                        "      source: made up\n"
                        "  order:     testozin 600 mg PO\n"
                        "  starts:    2027-01-15T16:00:00+08:00\n"
                        "  beside:    0 active orders, 0 given doses\n"
                        "  decided:   2027-01-15T16:00:00+08:00, rule set 3\n"
                        "  decision:  d-1\n");
}

static void a_time_is_printed_as_one_and_an_amount_on_a_line(void **state)
{
    Ward__Dosage__V1__Quantity dose = WARD__DOSAGE__V1__QUANTITY__INIT;
    Ward__Dosage__V1__Prescription rx = WARD__DOSAGE__V1__PRESCRIPTION__INIT;
    Ward__Dosage__V1__Order order = WARD__DOSAGE__V1__ORDER__INIT;

    (void)state;
    dose.value = "0.5", dose.unit = "mg";
    rx.drug_id = "testozin", rx.dose = &dose;
    rx.starts_at_us = INT64_C(1800000000000000);
    order.prescription = &rx;
    assert_non_null(strstr(lines_of(&order.base), "dose: 0.5 mg\n"));
    assert_non_null(strstr(printed, "starts_at_us: 2027-01-15T08:00:00"));
    assert_null(strstr(printed, "1800000000000000"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_decision_begins_with_its_outcome_and_findings),
        cmocka_unit_test(a_time_is_printed_as_one_and_an_amount_on_a_line),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
