#include "services/dosage/downtime/reconcile.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define ID    "01890000-0000-7000-8000-000000000001"
#define ORDER "01890000-0000-7000-8000-000000000002"

static struct ward_arena mem;
static struct ward_err err;

static int begin(void **state)
{
    (void)state;
    ward_arena_init(&mem, (size_t)1 << 20);
    return 0;
}

static int end(void **state)
{
    (void)state;
    ward_arena_done(&mem);
    return 0;
}

static const char *said(const struct issues *list)
{
    static char text[ISSUES_TEXT];

    issues_print(list, text);
    return text;
}

static void each_is_said_once_and_read_back(void **state)
{
    struct issues list = {0}, back;

    (void)state;
    issue_add(&list, "no-slot");
    issue_add(&list, "finding:a.b");
    issue_add(&list, "no-slot");
    assert_string_equal(said(&list), "no-slot finding:a.b");
    assert_int_equal(issues_read(said(&list), &mem, &back, &err), WARD_OK);
    assert_int_equal(back.n, 2);
    assert_string_equal(back.at[1], "finding:a.b");
    assert_int_equal(issues_read("", &mem, &back, &err), WARD_OK);
    assert_int_equal(back.n, 0);
}

static void too_many_end_with_more(void **state)
{
    static char names[ISSUES_MOST + 5][80];
    struct issues list = {0};

    (void)state;
    for (int i = 0; i < ISSUES_MOST + 5; i++) {
        snprintf(names[i], sizeof(names[i]), "finding:%063d", i);
        issue_add(&list, names[i]);
    }
    assert_int_equal(list.n, ISSUES_MOST);
    assert_string_equal(list.at[ISSUES_MOST - 1], "more");
    assert_true(strlen(said(&list)) > (size_t)(ISSUES_MOST - 1) * 70);
}

/* An order that is active in [100, 5000) and has its state since 1000. */
static const char *of_order(int state, int64_t given)
{
    Ward__Dosage__V1__Prescription p = WARD__DOSAGE__V1__PRESCRIPTION__INIT;
    Order o = WARD__DOSAGE__V1__ORDER__INIT;
    struct issues list = {0};

    p.starts_at_us = 100;
    p.ends_at_us = 5000;
    o.prescription = &p;
    o.state = (Ward__Dosage__V1__OrderState)state;
    o.written_at_us = 1000;
    issues_of_order(&list, &o, given);
    return said(&list);
}

static void an_order_is_what_it_was_then(void **state)
{
    (void)state;
    assert_string_equal(of_order(ORDER_ACTIVE, 100), "");
    assert_string_equal(of_order(ORDER_ACTIVE, 4999), "");
    assert_string_equal(of_order(ORDER_ACTIVE, 99), "order-not-started");
    assert_string_equal(of_order(ORDER_ACTIVE, 5000), "order-ended");
    assert_string_equal(of_order(ORDER_STOPPED, 999), "");
    assert_string_equal(of_order(ORDER_STOPPED, 1000), "order-stopped");
    assert_string_equal(of_order(ORDER_COMPLETED, 1000), "order-stopped");
    assert_string_equal(of_order(ORDER_CANCELLED, 1000), "order-stopped");
    assert_string_equal(of_order(ORDER_ON_HOLD, 999), "");
    assert_string_equal(of_order(ORDER_ON_HOLD, 1000), "order-on-hold");
    assert_string_equal(of_order(ORDER_DRAFT, 999), "order-draft");
    assert_string_equal(of_order(ORDER_WRONG, 999), "order-entered-in-error");
}

static const char *of_pack(const char *patient, const char *order, int64_t given)
{
    static const char JSON[] = "[{\"patientId\":\"" ID "\",\"orders\":[{\"orderId\":\"" ORDER
                               "\"}]},{\"patientId\":\"x\"}]";
    struct pack p = {.made_at_us = 1000, .expires_at_us = 2000};
    OfflineDose d = WARD__DOSAGE__V1__OFFLINE_DOSE__INIT;
    struct issues list = {0};

    assert_int_equal(ward_json_parse(JSON, sizeof(JSON) - 1, NULL, &mem, &p.patients, &err),
                     WARD_OK);
    d.patient_id = api_text(patient);
    d.order_id = api_text(order);
    d.given_at_us = given;
    issues_of_pack(&list, &p, &d);
    return said(&list);
}

static void a_pack_has_an_end_a_beginning_and_its_patients(void **state)
{
    (void)state;
    assert_string_equal(of_pack(ID, ORDER, 1000), "");
    assert_string_equal(of_pack(ID, ORDER, 1999), "");
    assert_string_equal(of_pack(ID, ORDER, 2000), "after-expiry");
    assert_string_equal(of_pack(ID, ORDER, 999), "before-pack");
    assert_string_equal(of_pack(ID, "", 1500), "");
    assert_string_equal(of_pack(ID, ID, 1500), "not-of-this-pack");
    assert_string_equal(of_pack("x", ORDER, 1500), "not-of-this-pack");
    assert_string_equal(of_pack("y", "", 1500), "not-of-this-pack");
}

static OfflineDose good(Ward__Dosage__V1__Quantity *q)
{
    OfflineDose d = WARD__DOSAGE__V1__OFFLINE_DOSE__INIT;

    *q = (Ward__Dosage__V1__Quantity)WARD__DOSAGE__V1__QUANTITY__INIT;
    q->value = api_text("10");
    q->unit = api_text("mg");
    d.patient_id = api_text(ID);
    d.order_id = api_text(ORDER);
    d.outcome = OUTCOME(GIVEN);
    d.dose = q;
    d.given_at_us = 1000;
    return d;
}

static void what_cannot_be_read_is_rejected(void **state)
{
    static char long_name[200];
    Ward__Dosage__V1__Quantity q;
    OfflineDose d = good(&q);

    (void)state;
    assert_null(entry_rejected(&d, 1000));
    assert_string_equal(entry_rejected(&d, 999), "in-future");
    d.given_at_us = 0;
    assert_string_equal(entry_rejected(&d, 1000), "no-time");
    d = good(&q);
    d.patient_id = api_text("1");
    assert_string_equal(entry_rejected(&d, 1000), "no-patient");
    d = good(&q);
    d.order_id = api_text("1");
    assert_string_equal(entry_rejected(&d, 1000), "order-unknown");
    d = good(&q);
    d.outcome = (DoseOutcome)6;
    assert_string_equal(entry_rejected(&d, 1000), "outcome");
    d = good(&q);
    d.route = (Ward__Dosage__V1__Route)999;
    assert_string_equal(entry_rejected(&d, 1000), "route");
    d = good(&q);
    q.value = api_text("-1");
    assert_string_equal(entry_rejected(&d, 1000), "dose-unreadable");
    d.outcome = OUTCOME(HELD);
    assert_string_equal(entry_rejected(&d, 1000), "dose-unreadable");
    d.dose = NULL;
    assert_null(entry_rejected(&d, 1000));
    memset(long_name, 'a', sizeof(long_name) - 1);
    d.given_by = long_name;
    assert_string_equal(entry_rejected(&d, 1000), "text");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_is_said_once_and_read_back),
        cmocka_unit_test(too_many_end_with_more),
        cmocka_unit_test(an_order_is_what_it_was_then),
        cmocka_unit_test(a_pack_has_an_end_a_beginning_and_its_patients),
        cmocka_unit_test(what_cannot_be_read_is_rejected),
    };

    return cmocka_run_group_tests(tests, begin, end);
}
