#include "common/bus/bus_internal.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const struct ward_bus_item TWO[] = {
    {.id = "abcdefghijklmno", .p = "first", .n = 5},
    {.id = "ABCDEFGHIJKLMNO", .p = "", .n = 0},
};

static struct ward_bus_item got[8];
static struct ward_err err;

static void a_frame_comes_back_as_it_was_packed(void **state)
{
    uint8_t bytes[256];
    size_t size = ward_frame_size(TWO, 2), n = 0;

    (void)state;
    assert_int_equal(size, 8 + 20 + 5 + 20);
    ward_frame_pack(TWO, 2, bytes);
    assert_memory_equal(bytes, "WBUS\x01\x01\x00\x02", 8);
    assert_int_equal(ward_frame_parse(bytes, size, got, 8, &n, &err), WARD_OK);
    assert_int_equal(n, 2);
    assert_memory_equal(got[0].id, TWO[0].id, 16);
    assert_int_equal(got[0].n, 5);
    assert_memory_equal(got[0].p, "first", 5);
    assert_memory_equal(got[1].id, TWO[1].id, 16);
    assert_int_equal(got[1].n, 0);
}

static void a_frame_cut_anywhere_is_refused(void **state)
{
    uint8_t bytes[256];
    size_t size = ward_frame_size(TWO, 2), n = 77;

    (void)state;
    ward_frame_pack(TWO, 2, bytes);
    for (size_t len = 0; len < size; len++) {
        uint8_t *exact = malloc(len + 1); /* so that ASan detects a read of one byte too many */

        memcpy(exact, bytes, len);
        assert_int_equal(ward_frame_parse(exact, len, got, 8, &n, &err), WARD_INVALID_ARGUMENT);
        free(exact);
    }
    assert_int_equal(n, 77);
    assert_int_equal(ward_frame_parse(bytes, size + 1, got, 8, &n, &err),
                     WARD_INVALID_ARGUMENT);
    assert_string_equal(err.msg, "the frame has 1 bytes after the last item");
}

static void a_frame_of_another_make_is_refused(void **state)
{
    uint8_t bytes[256];
    size_t size = ward_frame_size(TWO, 2), n;

    (void)state;
    for (size_t i = 0; i < 6; i++) {
        ward_frame_pack(TWO, 2, bytes);
        bytes[i] ^= 0x40;
        assert_int_equal(ward_frame_parse(bytes, size, got, 8, &n, &err),
                         WARD_INVALID_ARGUMENT);
    }
    ward_frame_pack(TWO, 2, bytes);
    assert_int_equal(ward_frame_parse(bytes, size, got, 1, &n, &err), WARD_INVALID_ARGUMENT);
    assert_string_equal(err.msg, "the frame has an invalid number of items: 2");
    bytes[24] = 0xff; /* an item of about 4,000 million bytes */
    assert_int_equal(ward_frame_parse(bytes, size, got, 8, &n, &err), WARD_INVALID_ARGUMENT);
    assert_string_equal(err.msg, "the frame ends within item 0");
}

static void what_is_past_the_limits_has_no_size(void **state)
{
    static struct ward_bus_item many[WARD_BUS_MAX_ITEMS + 1];

    (void)state;
    assert_int_equal(ward_frame_size(many, 0), 0);
    assert_int_equal(ward_frame_size(many, WARD_BUS_MAX_ITEMS),
                     8 + 20 * (size_t)WARD_BUS_MAX_ITEMS);
    assert_int_equal(ward_frame_size(many, WARD_BUS_MAX_ITEMS + 1), 0);
    many[0].n = WARD_BUS_MAX_BYTES - 28;
    assert_int_equal(ward_frame_size(many, 1), WARD_BUS_MAX_BYTES);
    many[0].n = WARD_BUS_MAX_BYTES - 27;
    assert_int_equal(ward_frame_size(many, 1), 0);
    many[0].n = SIZE_MAX;
    many[1].n = SIZE_MAX;
    assert_int_equal(ward_frame_size(many, 2), 0);
}

static void an_acknowledgement_carries_code_message_and_reason(void **state)
{
    struct ward_err e = {0}, back = {0};
    uint8_t bytes[ACK_MAX];
    size_t n;

    (void)state;
    e.code = WARD_FAILED_PRECONDITION;
    memset(e.msg, 'm', sizeof(e.msg) - 1);
    memset(e.reason, 'R', sizeof(e.reason) - 1);
    n = ward_ack_pack(&e, bytes);
    assert_true(n <= ACK_MAX);
    assert_int_equal(ward_ack_parse(bytes, n, &back, &err), WARD_OK);
    assert_int_equal(back.code, WARD_FAILED_PRECONDITION);
    assert_string_equal(back.msg, e.msg);
    assert_string_equal(back.reason, e.reason);
    for (size_t len = 0; len < n; len++)
        assert_int_equal(ward_ack_parse(bytes, len, &back, &err), WARD_INVALID_ARGUMENT);
    bytes[7] = 17; /* an unknown code */
    assert_int_equal(ward_ack_parse(bytes, n, &back, &err), WARD_INVALID_ARGUMENT);
}

static void a_hint_is_for_its_own_topic_only(void **state)
{
    uint8_t bytes[HINT_MAX];
    size_t n = ward_hint_pack("gallery", UINT64_C(0x0102030405060708), bytes);
    uint64_t seq = 0;

    (void)state;
    assert_true(ward_hint_parse(bytes, n, "gallery", &seq));
    assert_true(seq == UINT64_C(0x0102030405060708));
    assert_false(ward_hint_parse(bytes, n, "galler", &seq));
    assert_false(ward_hint_parse(bytes, n, "gallery2", &seq));
    assert_false(ward_hint_parse(bytes, n - 1, "gallery", &seq));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_frame_comes_back_as_it_was_packed),
        cmocka_unit_test(a_frame_cut_anywhere_is_refused),
        cmocka_unit_test(a_frame_of_another_make_is_refused),
        cmocka_unit_test(what_is_past_the_limits_has_no_size),
        cmocka_unit_test(an_acknowledgement_carries_code_message_and_reason),
        cmocka_unit_test(a_hint_is_for_its_own_topic_only),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
