#include "common/rpc/wire.h"

#include <google/rpc/error_details.pb-c.h>
#include <google/rpc/status.pb-c.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static uint8_t out[WARD_DETAILS_MAX];

/* Packs a failure and reads it back, as the server and the client do. */
static struct ward_err round_trip(const struct ward_err *e)
{
    struct ward_err back = {.code = e->code};
    size_t n = ward_details_pack(e, out, sizeof(out));

    assert_true(n > 0 && n <= sizeof(out));
    ward_details_read(out, n, &back);
    return back;
}

static void a_failure_survives_the_way_to_the_client(void **state)
{
    struct ward_err e, back;

    (void)state;
    WARD_FAIL_REASON(&e, RESOURCE_EXHAUSTED, "QUEUE_FULL", "too many calls");
    e.retry_after_ms = 1250;
    back = round_trip(&e);
    assert_string_equal(back.reason, "QUEUE_FULL");
    assert_int_equal(back.retry_after_ms, 1250);
    assert_string_equal(back.field, "");

    WARD_FAIL_FIELD(&e, "event.actor", "is empty");
    back = round_trip(&e);
    assert_string_equal(back.field, "event.actor");
    /* Without a reason: the code's name. */
    assert_string_equal(back.reason, "INVALID_ARGUMENT");
    assert_int_equal(back.retry_after_ms, 0);
}

/* Written by protoc --encode=google.rpc.Status: ErrorInfo, RetryInfo of 1.25 s, and BadRequest
 * with one field. */
static const char FOREIGN[] =
    "\x08\x08\x12\x04"
    "busy"
    "\x1a\x46\x0a\x28type.googleapis.com/google.rpc.ErrorInfo\x12\x1a\x0a\x0aQUEUE_FULL\x12\x04"
    "ward\x1a\x06\x0a\x01"
    "a\x12\x01"
    "b"
    "\x1a\x35\x0a\x28type.googleapis.com/google.rpc.RetryInfo\x12\x09\x0a\x07\x08\x01\x10\x80"
    "\xe5\x9a\x77"
    "\x1a\x46\x0a\x29type.googleapis.com/google.rpc.BadRequest\x12\x19\x0a\x17\x0a\x0b"
    "event.actor\x12\x08is empty";

static void details_written_by_others_are_read(void **state)
{
    struct ward_err back = {.code = WARD_RESOURCE_EXHAUSTED};

    (void)state;
    ward_details_read((const uint8_t *)FOREIGN, sizeof(FOREIGN) - 1, &back);
    assert_string_equal(back.reason, "QUEUE_FULL");
    assert_string_equal(back.field, "event.actor");
    assert_int_equal(back.retry_after_ms, 1250);
}

static void our_bytes_are_a_google_rpc_status(void **state)
{
    struct ward_err e;
    Google__Rpc__Status *s;
    Google__Rpc__BadRequest *bad;
    Google__Rpc__ErrorInfo *info;
    size_t n;

    (void)state;
    WARD_FAIL_FIELD(&e, "patient", "is empty");
    n = ward_details_pack(&e, out, sizeof(out));
    s = google__rpc__status__unpack(NULL, n, out);
    assert_non_null(s);
    assert_int_equal(s->code, 3);
    assert_string_equal(s->message, "patient is empty");
    assert_int_equal(s->n_details, 2);
    assert_string_equal(s->details[0]->type_url, "type.googleapis.com/google.rpc.ErrorInfo");
    info = google__rpc__error_info__unpack(NULL, s->details[0]->value.len,
                                           s->details[0]->value.data);
    assert_string_equal(info->domain, "ward");
    google__rpc__error_info__free_unpacked(info, NULL);
    assert_string_equal(s->details[1]->type_url, "type.googleapis.com/google.rpc.BadRequest");
    bad = google__rpc__bad_request__unpack(NULL, s->details[1]->value.len,
                                           s->details[1]->value.data);
    assert_string_equal(bad->field_violations[0]->description, "patient is empty");
    google__rpc__bad_request__free_unpacked(bad, NULL);
    google__rpc__status__free_unpacked(s, NULL);
}

static void the_longest_failure_fits(void **state)
{
    struct ward_err e = {.code = WARD_INVALID_ARGUMENT, .retry_after_ms = INT32_MAX}, back;

    (void)state;
    memset(e.msg, 'm', sizeof(e.msg) - 1);
    memset(e.field, 'f', sizeof(e.field) - 1);
    memset(e.reason, 'R', sizeof(e.reason) - 1);
    memset(e.detail, 'd', sizeof(e.detail) - 1);
    back = round_trip(&e);
    assert_string_equal(back.field, e.field);
    assert_string_equal(back.reason, e.reason);
    assert_int_equal(ward_details_pack(&e, out, 100), 0); /* never a truncated message */
}

static void what_stays_in_the_log_does_not_leave(void **state)
{
    struct ward_err e;
    size_t n;

    (void)state;
    WARD_FAIL(&e, INTERNAL, "cannot store");
    ward_err_detail(&e, "SECRET");
    n = ward_details_pack(&e, out, sizeof(out));
    assert_null(memmem(out, n, "SECRET", 6));
    assert_null(memmem(out, n, "details_test", 12));
}

/* The message's 160 bytes may end inside a character. Readers would reject the whole Status. */
static void a_message_cut_inside_a_character_is_still_readable(void **state)
{
    struct ward_err e = {.code = WARD_NOT_FOUND}, back;

    (void)state;
    snprintf(e.msg, sizeof(e.msg), "%s", "no such \xe6\x82");
    back = round_trip(&e);
    assert_string_equal(back.reason, "NOT_FOUND");
    assert_non_null(memmem(out, sizeof(out), "no such ??", 10));
}

static void what_cannot_be_read_changes_nothing(void **state)
{
    struct ward_err e = {.code = WARD_UNAVAILABLE, .msg = "away"};

    (void)state;
    ward_details_read((const uint8_t *)"\xff\xff\xff", 3, &e);
    ward_details_read(NULL, 0, &e);
    ward_details_read((const uint8_t *)"\x1a\x04\x0a\x02xx", 6, &e); /* an unknown type */
    for (size_t n = 0; n < 60; n++)                                  /* truncated */
        ward_details_read((const uint8_t *)FOREIGN, n, &e);
    assert_int_equal(e.code, WARD_UNAVAILABLE);
    assert_string_equal(e.msg, "away");
    assert_string_equal(e.reason, "");
    assert_string_equal(e.field, "");
    assert_int_equal(e.retry_after_ms, 0);
}

static void a_delay_of_years_or_below_zero_is_ignored(void **state)
{
    static const uint8_t years[] = "\x0a\x06\x08\xff\xff\xff\xff\x0f",
                         past[] = "\x0a\x0b\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01";
    const struct {
        const uint8_t *p;
        size_t n;
    } delays[] = {{years, sizeof(years) - 1}, {past, sizeof(past) - 1}};

    (void)state;
    for (size_t i = 0; i < WARD_COUNT(delays); i++) {
        Google__Rpc__Status s = GOOGLE__RPC__STATUS__INIT;
        Google__Protobuf__Any any = GOOGLE__PROTOBUF__ANY__INIT, *list[] = {&any};
        struct ward_err e = {.code = WARD_UNAVAILABLE};

        any.type_url = (char *)(uintptr_t) "type.googleapis.com/google.rpc.RetryInfo";
        any.value.data = (uint8_t *)(uintptr_t)delays[i].p;
        any.value.len = delays[i].n;
        s.details = list, s.n_details = 1;
        ward_details_read(out, google__rpc__status__pack(&s, out), &e);
        assert_int_equal(e.retry_after_ms, 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_failure_survives_the_way_to_the_client),
        cmocka_unit_test(details_written_by_others_are_read),
        cmocka_unit_test(our_bytes_are_a_google_rpc_status),
        cmocka_unit_test(the_longest_failure_fits),
        cmocka_unit_test(what_stays_in_the_log_does_not_leave),
        cmocka_unit_test(a_message_cut_inside_a_character_is_still_readable),
        cmocka_unit_test(what_cannot_be_read_changes_nothing),
        cmocka_unit_test(a_delay_of_years_or_below_zero_is_ignored),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
