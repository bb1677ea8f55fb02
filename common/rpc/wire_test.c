#include "common/rpc/wire.h"

#include <google/protobuf/descriptor.pb-c.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <ward/audit/v1/event.pb-c.h>
#include <ward/test/v1/echo.pb-c.h>

#include <cmocka.h>

#define ECHO &ward__test__v1__echo_request__descriptor

/* Tags of EchoRequest. */
#define PAYLOAD  0x0a
#define SLEEP_MS 0x10
#define TEXT     0x2a
#define NESTED   0x32
#define MANY     0x3a

static struct ward_err err;

static enum ward_code check(const void *p, size_t n)
{
    err = (struct ward_err){0};
    return ward_wire_check(ECHO, p, n, WARD_WIRE_ELEMENTS, &err);
}

#define CHECK(...) check((const uint8_t[]){__VA_ARGS__}, sizeof((const uint8_t[]){__VA_ARGS__}))

#define assert_refused(code, why)                                                              \
    do {                                                                                       \
        assert_int_equal((code), WARD_INVALID_ARGUMENT);                                       \
        assert_string_equal(err.reason, (why));                                                \
    } while (0)

static void a_message_of_every_kind_of_field_passes(void **state)
{
    (void)state;
    assert_int_equal(check(NULL, 0), WARD_OK);
    assert_int_equal(CHECK(PAYLOAD, 2, 0xff, 0, SLEEP_MS, 0x96, 1, TEXT, 3, 'a', 0xc3, 0xa9),
                     WARD_OK);
    assert_int_equal(CHECK(NESTED, 2, SLEEP_MS, 1, MANY, 0, MANY, 2, TEXT, 0), WARD_OK);
    /* Unknown fields of each wire type, with number 9, then 2047. */
    assert_int_equal(CHECK(0x48, 1, 0x49, 1, 2, 3, 4, 5, 6, 7, 8, 0x4a, 1, 0, 0x4d, 1, 2, 3, 4),
                     WARD_OK);
    assert_int_equal(CHECK(0xf8, 0x7f, 1), WARD_OK);
}

static void bytes_that_end_too_soon_are_malformed(void **state)
{
    static const uint8_t whole[] = {PAYLOAD, 2, 1,        2,    SLEEP_MS, 0x96, 1, TEXT, 1, 'a',
                                    NESTED,  2, SLEEP_MS, 1,    0x49,     1,    2, 3,    4, 5,
                                    6,       7, 8,        0x4d, 1,        2,    3, 4};
    static const size_t ends[] = {0, 4, 7, 10, 14, 23, 28};
    size_t k = 0;

    (void)state;
    for (size_t n = 0; n <= sizeof(whole); n++) {
        /* On the heap, so that a sanitizer detects a read past the end. */
        uint8_t *copy = malloc(n + 1);

        assert_non_null(copy);
        memcpy(copy + 1, whole, n);
        if (n == ends[k]) {
            assert_int_equal(check(copy + 1, n), WARD_OK);
            k++;
        } else {
            assert_refused(check(copy + 1, n), "WIRE_MALFORMED");
        }
        free(copy);
    }
    assert_int_equal(k, WARD_COUNT(ends));
}

static void lengths_must_lie_inside_their_own_message(void **state)
{
    (void)state;
    /* The inner text ends outside its message but inside the outer message. */
    assert_refused(CHECK(NESTED, 3, TEXT, 2, 'a', TEXT, 0), "WIRE_MALFORMED");
    assert_refused(CHECK(PAYLOAD, 0xff, 0xff, 0xff, 0xff, 0x0f), "WIRE_MALFORMED");
    assert_refused(CHECK(PAYLOAD, 0x81, 0x80, 0x80, 0x80, 0x80, 0, 1), "WIRE_MALFORMED");
}

static void tags_that_do_not_exist_are_malformed(void **state)
{
    (void)state;
    assert_refused(CHECK(0x00, 1), "WIRE_MALFORMED");    /* field 0 */
    assert_refused(CHECK(0x4b, 0x4c), "WIRE_MALFORMED"); /* a group */
    /* Wire type 6. */
    assert_refused(CHECK(0x4e), "WIRE_MALFORMED");
    /* A tag of six bytes. */
    assert_refused(CHECK(0x88, 0x80, 0x80, 0x80, 0x80, 0, 1), "WIRE_MALFORMED");
    assert_refused(CHECK(0x88, 0x80, 0x80, 0x80, 0x10, 1), "WIRE_MALFORMED"); /* 2^32 */
    assert_refused(
        CHECK(SLEEP_MS, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 1),
        "WIRE_MALFORMED"); /* a varint of eleven bytes */
}

/* Writes `levels` nested messages. Returns their start. */
static const uint8_t *nest(int levels, uint8_t *end)
{
    size_t inner = 0;

    for (int i = 0; i < levels; i++) {
        uint8_t len[2] = {(uint8_t)(inner & 0x7f), (uint8_t)(inner >> 7)};

        if (len[1] != 0) {
            *--end = len[1];
            *--end = len[0] | 0x80;
        } else {
            *--end = len[0];
        }
        *--end = NESTED;
        inner += len[1] != 0 ? 3 : 2;
    }
    return end;
}

static void nesting_stops_at_the_limit(void **state)
{
    uint8_t buf[32768], *end = buf + sizeof(buf);
    const uint8_t *p;

    (void)state;
    p = nest(WARD_WIRE_DEPTH, end);
    assert_int_equal(check(p, (size_t)(end - p)), WARD_OK);
    p = nest(WARD_WIRE_DEPTH + 1, end);
    assert_refused(check(p, (size_t)(end - p)), "WIRE_TOO_DEEP");
    p = nest(5000, end); /* without the check, protobuf-c's stack would overflow */
    assert_refused(check(p, (size_t)(end - p)), "WIRE_TOO_DEEP");
}

static void the_path_back_up_from_the_deepest_message_is_walked(void **state)
{
    (void)state;
    /* Three messages end at one byte; the next field belongs to the outermost message. */
    assert_int_equal(CHECK(NESTED, 4, NESTED, 2, NESTED, 0, TEXT, 1, 'x'), WARD_OK);
    assert_refused(CHECK(NESTED, 4, NESTED, 2, NESTED, 0, TEXT, 2, 'x'), "WIRE_MALFORMED");
}

static void elements_stop_at_the_limit(void **state)
{
    size_t n = (size_t)WARD_WIRE_ELEMENTS * 2;
    uint8_t *p = malloc(n + 2);

    (void)state;
    assert_non_null(p);
    for (size_t i = 0; i < n; i += 2)
        p[i] = i % 4 == 0 ? MANY : 0x4a, p[i + 1] = 0; /* alternately repeated and unknown */
    p[n] = MANY, p[n + 1] = 0;
    assert_int_equal(check(p, n), WARD_OK);
    assert_refused(check(p, n + 2), "WIRE_TOO_MANY");
    assert_string_equal(err.msg, "the message has more than 65536 elements");
    assert_int_equal(ward_wire_check(ECHO, p, n + 2, WARD_WIRE_ELEMENTS_LARGE, &err), WARD_OK);
    free(p);
}

/* FileDescriptorProto.public_dependency: a packed int32, field 10. */
static enum ward_code check_packed(size_t count)
{
    uint8_t *p = malloc(count + 8);
    size_t n = 0, len = count;
    enum ward_code code;

    assert_non_null(p);
    p[n++] = 0x52;
    for (; len >= 0x80; len >>= 7)
        p[n++] = (uint8_t)(len & 0x7f) | 0x80;
    p[n++] = (uint8_t)len;
    memset(p + n, 1, count);
    err = (struct ward_err){0};
    code = ward_wire_check(&google__protobuf__file_descriptor_proto__descriptor, p, n + count,
                           WARD_WIRE_ELEMENTS, &err);
    free(p);
    return code;
}

static void packed_elements_count_one_by_one(void **state)
{
    static const uint8_t open_end[] = {0x52, 2, 1, 0x81};

    (void)state;
    assert_int_equal(check_packed(WARD_WIRE_ELEMENTS - 1), WARD_OK);
    assert_refused(check_packed(WARD_WIRE_ELEMENTS), "WIRE_TOO_MANY");
    assert_int_equal(ward_wire_check(&google__protobuf__file_descriptor_proto__descriptor,
                                     open_end, sizeof(open_end), WARD_WIRE_ELEMENTS, &err),
                     WARD_INVALID_ARGUMENT);
    assert_string_equal(err.reason, "WIRE_MALFORMED");
    assert_refused(CHECK(0x12, 1, 1), "WIRE_MALFORMED"); /* sleep_ms is not repeated */
}

static void text_is_utf8_without_nul(void **state)
{
    static const char *const good[] = {"",
                                       "plain ASCII, longer than eight bytes",
                                       "\xc2\x80",
                                       "\xdf\xbf",
                                       "\xe0\xa0\x80",
                                       "\xed\x9f\xbf",
                                       "\xee\x80\x80",
                                       "\xef\xbf\xbf",
                                       "\xf0\x90\x80\x80",
                                       "\xf4\x8f\xbf\xbf",
                                       "\xe6\x82\xa3\xe8\x80\x85 and after",
                                       "12345678\xc3\xa9 12345678"};
    static const char *const bad[] = {"\x80",
                                      "\xc0\x80",
                                      "\xc1\xbf",
                                      "\xc2",
                                      "\xc2\x41",
                                      "\xe0\x9f\xbf",
                                      "\xed\xa0\x80",
                                      "\xe2\x82",
                                      "\xe2\x82\x41",
                                      "\xf0\x8f\xbf\xbf",
                                      "\xf4\x90\x80\x80",
                                      "\xf0\x90\x80",
                                      "\xf5\x80\x80\x80",
                                      "\xff",
                                      "1234567\x80 12345678"};

    (void)state;
    for (size_t i = 0; i < WARD_COUNT(good); i++)
        assert_true(ward_wire_utf8((const uint8_t *)good[i], strlen(good[i])));
    for (size_t i = 0; i < WARD_COUNT(bad); i++)
        assert_false(ward_wire_utf8((const uint8_t *)bad[i], strlen(bad[i])));
    for (size_t at = 0; at < 17; at++) {
        uint8_t text[17];

        memset(text, 'a', sizeof(text));
        assert_true(ward_wire_utf8(text, sizeof(text)));
        text[at] = 0;
        assert_false(ward_wire_utf8(text, sizeof(text)));
    }
}

static void a_refusal_names_the_field_and_not_its_value(void **state)
{
    (void)state;
    assert_refused(CHECK(NESTED, 5, TEXT, 3, 'a', 0, 'b'), "WIRE_BAD_UTF8");
    assert_string_equal(err.field, "text");
    assert_string_equal(err.msg, "text is not UTF-8 text without NUL characters");
    assert_int_equal(CHECK(PAYLOAD, 1, 0), WARD_OK); /* a bytes field may contain anything */
}

static void an_unpacked_message_is_the_one_that_was_packed(void **state)
{
    Ward__Test__V1__EchoRequest q = WARD__TEST__V1__ECHO_REQUEST__INIT, in = q;
    Ward__Test__V1__EchoRequest *list[] = {&in, &in}, *back;
    ProtobufCMessage *msg;
    struct ward_arena mem;
    uint8_t bytes[128];
    size_t n;

    (void)state;
    in.text = (char *)(uintptr_t) "inner";
    q.nested = &in;
    q.many = list, q.n_many = 2;
    q.sleep_ms = -1;
    n = ward__test__v1__echo_request__pack(&q, bytes);
    ward_arena_init(&mem, 4096);
    assert_int_equal(ward_wire_unpack(ECHO, bytes, n, &mem, &msg, &err), WARD_OK);
    back = (Ward__Test__V1__EchoRequest *)msg;
    assert_int_equal(back->sleep_ms, -1);
    assert_int_equal(back->n_many, 2);
    assert_string_equal(back->many[1]->text, "inner");
    assert_string_equal(back->nested->text, "inner");
    assert_string_equal(back->text, "");
    ward_arena_done(&mem);
}

static void a_known_field_of_another_wire_type_is_malformed(void **state)
{
    static const uint8_t bytes[] = {TEXT & 0xf8, 1};
    ProtobufCMessage *msg = NULL;
    struct ward_arena mem;

    (void)state;
    ward_arena_init(&mem, 4096);
    assert_refused(ward_wire_unpack(ECHO, bytes, sizeof(bytes), &mem, &msg, &err),
                   "WIRE_MALFORMED");
    assert_null(msg);
    ward_arena_done(&mem);
}

/* 40,000 unknown fields of two bytes would use 1.9 MB of memory. */
static void amplification_ends_at_the_cap(void **state)
{
    size_t n = 80000;
    uint8_t *p = malloc(n);
    ProtobufCMessage *msg = NULL;
    struct ward_arena mem;

    (void)state;
    assert_non_null(p);
    for (size_t i = 0; i < n; i += 2)
        p[i] = 0x48, p[i + 1] = 1;
    ward_arena_init(&mem, 256 << 10);
    assert_int_equal(ward_wire_unpack(ECHO, p, n, &mem, &msg, &err), WARD_RESOURCE_EXHAUSTED);
    assert_string_equal(err.reason, "ARENA_FULL");
    assert_null(msg);
    assert_true(mem.used <= mem.cap);
    ward_arena_done(&mem);
    free(p);
}

/* Each allocation fails in turn. The function returns an error each time and never a partial
 * message. */
static void no_memory_is_an_answer(void **state)
{
    Ward__Audit__V1__Event e = WARD__AUDIT__V1__EVENT__INIT;
    Ward__Audit__V1__Event__DetailEntry d = WARD__AUDIT__V1__EVENT__DETAIL_ENTRY__INIT;
    Ward__Audit__V1__Event__DetailEntry *list[40];
    ProtobufCMessage *msg = NULL;
    struct ward_arena mem;
    uint8_t bytes[1024];
    enum ward_code code;
    size_t len;
    int n = 0;

    (void)state;
    d.key = d.value = e.action = e.actor = (char *)(uintptr_t) "text";
    for (size_t i = 0; i < WARD_COUNT(list); i++)
        list[i] = &d;
    /* More fields than protobuf-c's on-stack table has. */
    e.detail = list, e.n_detail = WARD_COUNT(list);
    len = ward__audit__v1__event__pack(&e, bytes);
    /* An unknown field. */
    bytes[len++] = 0xfa, bytes[len++] = 0x7f, bytes[len++] = 1, bytes[len++] = 7;
    ward_arena_init(&mem, 65536);
    do {
        mem.fail_at = ++n;
        code =
            ward_wire_unpack(&ward__audit__v1__event__descriptor, bytes, len, &mem, &msg, &err);
        assert_true(code == WARD_RESOURCE_EXHAUSTED || code == WARD_OK);
        assert_true((msg != NULL) == (code == WARD_OK));
        ward_arena_reset(&mem);
    } while (code != WARD_OK);
    assert_true(n > 100);
    ward_arena_done(&mem);
}

/* Flips the bits of a valid message one by one. For any message that the check accepts,
 * protobuf-c decodes or rejects the message without harm. This test is for sanitizer builds. */
static void flipped_bits_do_no_harm(void **state)
{
    static const uint8_t good[] = {
        PAYLOAD, 2,    1, 2,   SLEEP_MS, 0x96, 1, TEXT, 2, 'a',  'b', NESTED,   6, NESTED,
        4,       TEXT, 2, 'c', 'd',      MANY, 2, TEXT, 0, MANY, 2,   SLEEP_MS, 9};
    int passed = 0;

    (void)state;
    for (size_t bit = 0; bit < sizeof(good) * 8; bit++) {
        uint8_t bytes[sizeof(good)];
        ProtobufCMessage *msg = NULL;
        struct ward_arena mem;
        enum ward_code code;

        memcpy(bytes, good, sizeof(good));
        bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
        ward_arena_init(&mem, 65536);
        code = ward_wire_unpack(ECHO, bytes, sizeof(bytes), &mem, &msg, &err);
        assert_true(code == WARD_OK || code == WARD_INVALID_ARGUMENT);
        if (code == WARD_OK && ++passed > 0)
            assert_true(protobuf_c_message_get_packed_size(msg) <= 2 * sizeof(good));
        ward_arena_done(&mem);
    }
    assert_true(passed > 20);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_message_of_every_kind_of_field_passes),
        cmocka_unit_test(bytes_that_end_too_soon_are_malformed),
        cmocka_unit_test(lengths_must_lie_inside_their_own_message),
        cmocka_unit_test(tags_that_do_not_exist_are_malformed),
        cmocka_unit_test(nesting_stops_at_the_limit),
        cmocka_unit_test(the_path_back_up_from_the_deepest_message_is_walked),
        cmocka_unit_test(elements_stop_at_the_limit),
        cmocka_unit_test(packed_elements_count_one_by_one),
        cmocka_unit_test(text_is_utf8_without_nul),
        cmocka_unit_test(a_refusal_names_the_field_and_not_its_value),
        cmocka_unit_test(an_unpacked_message_is_the_one_that_was_packed),
        cmocka_unit_test(a_known_field_of_another_wire_type_is_malformed),
        cmocka_unit_test(amplification_ends_at_the_cap),
        cmocka_unit_test(no_memory_is_an_answer),
        cmocka_unit_test(flipped_bits_do_no_harm),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
