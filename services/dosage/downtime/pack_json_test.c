#include "services/dosage/downtime/pack.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

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

static const char *json(const ProtobufCMessage *msg)
{
    struct ward_json_out w = {.mem = &mem};
    const char *text;

    pack_message(&w, msg, &mem);
    assert_int_equal(ward_json_done(&w, &text, NULL, &err), WARD_OK);
    return text;
}

static void what_has_its_default_is_left_out(void **state)
{
    Pack p = WARD__DOSAGE__V1__PACK__INIT;

    (void)state;
    assert_string_equal(json(&p.base), "{}");
}

/* Source: Protocol Buffers, language guide (proto3), JSON mapping. */
static void names_are_camel_and_wide_numbers_text(void **state)
{
    Pack p = WARD__DOSAGE__V1__PACK__INIT;

    (void)state;
    p.pack_id = api_text("an-id");
    p.made_at_us = INT64_C(9007199254740993); /* no double has this value */
    p.expires_at_us = -1;
    assert_string_equal(json(&p.base),
                        "{\"packId\":\"an-id\",\"madeAtUs\":\"9007199254740993\","
                        "\"expiresAtUs\":\"-1\"}");
}

static void enums_are_names_and_numbers_numbers(void **state)
{
    Ward__Dosage__V1__Timing t = WARD__DOSAGE__V1__TIMING__INIT;
    Ward__Dosage__V1__Prescription p = WARD__DOSAGE__V1__PRESCRIPTION__INIT;
    char *times[] = {api_text("08:00"), api_text("20:\"00\"")};
    int32_t days[] = {1, 7};

    (void)state;
    t.kind = WARD__DOSAGE__V1__TIMING__KIND__KIND_TIMES;
    t.interval_minutes = 360;
    t.times = times;
    t.n_times = 2;
    t.weekdays = days;
    t.n_weekdays = 2;
    p.route = WARD__DOSAGE__V1__ROUTE__ROUTE_PO;
    p.timing = &t;
    assert_string_equal(json(&p.base),
                        "{\"route\":\"ROUTE_PO\",\"timing\":{\"kind\":\"KIND_TIMES\","
                        "\"intervalMinutes\":360,\"times\":[\"08:00\",\"20:\\\"00\\\"\"],"
                        "\"weekdays\":[1,7]}}");
}

static void unknown_enums_flags_bytes_and_messages_that_are_empty(void **state)
{
    static uint8_t bytes[] = {0, 255};
    Ward__Dosage__V1__PackKey k = WARD__DOSAGE__V1__PACK_KEY__INIT;
    Ward__Dosage__V1__Quantity q = WARD__DOSAGE__V1__QUANTITY__INIT;
    Dose d = WARD__DOSAGE__V1__ADMINISTRATION__INIT;

    (void)state;
    k.public_key = (ProtobufCBinaryData){sizeof(bytes), bytes};
    assert_string_equal(json(&k.base), "{\"publicKey\":\"AP8=\"}");
    d.emergency = true;
    d.outcome = (Ward__Dosage__V1__DoseOutcome)77;
    d.dose = &q;
    assert_string_equal(json(&d.base), "{\"outcome\":77,\"dose\":{},\"emergency\":true}");
}

static void text_that_is_none_fails(void **state)
{
    struct ward_json_out w = {.mem = &mem};
    Pack p = WARD__DOSAGE__V1__PACK__INIT;
    const char *text;

    (void)state;
    p.ward = api_text("\xff");
    pack_message(&w, &p.base, &mem);
    assert_int_equal(ward_json_done(&w, &text, NULL, &err), WARD_INVALID_ARGUMENT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_has_its_default_is_left_out),
        cmocka_unit_test(names_are_camel_and_wide_numbers_text),
        cmocka_unit_test(enums_are_names_and_numbers_numbers),
        cmocka_unit_test(unknown_enums_flags_bytes_and_messages_that_are_empty),
        cmocka_unit_test(text_that_is_none_fails),
    };

    return cmocka_run_group_tests(tests, begin, end);
}
