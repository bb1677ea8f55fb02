#include "common/rpc/h2/frame.h"

#include "grpc/health/v1/health.pb-c.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define MOST 1000

/* Feeds `n` bytes in pieces of `step`. Returns the last result, the messages and their
 * number. */
static enum framed feed(const uint8_t *in, size_t n, size_t step, struct msg **out, int *count)
{
    struct framer f = {0};
    enum framed now = FRAMED_PART;

    *count = 0;
    *out = NULL;
    while (n > 0 && (now == FRAMED_PART || now == FRAMED_MESSAGE)) {
        size_t left = step < n ? step : n;
        const uint8_t *p = in;

        in += left;
        n -= left;
        while (left > 0) {
            struct msg *m = NULL;

            now = frame_take(&f, &p, &left, MOST, &m);
            if (now != FRAMED_MESSAGE)
                break;
            frame_free(*out);
            *out = m;
            ++*count;
        }
    }
    frame_done(&f);
    return now;
}

static void messages_come_out_however_the_bytes_are_cut(void **state)
{
    uint8_t bytes[3 * 5 + 300] = {0};
    struct msg *m;
    int n;

    (void)state;
    bytes[4] = 0;         /* empty */
    bytes[5 + 4] = 100;   /* then a message of 100 bytes */
    bytes[110 + 4] = 200; /* then a message of 200 bytes */
    memset(bytes + 115, 'x', 200);
    for (size_t step = 1; step <= sizeof(bytes); step++) {
        assert_int_equal(feed(bytes, sizeof(bytes), step, &m, &n), FRAMED_MESSAGE);
        assert_int_equal(n, 3);
        assert_int_equal(m->len, 200);
        assert_int_equal(m->data[199], 'x');
        frame_free(m);
    }
}

static void a_message_that_is_not_whole_is_inside(void **state)
{
    static const uint8_t bytes[] = {0, 0, 0, 0, 2, 'x'};
    struct framer f = {0};
    const uint8_t *p = bytes;
    size_t n = sizeof(bytes);
    struct msg *m;

    (void)state;
    assert_false(frame_inside(&f));
    assert_int_equal(frame_take(&f, &p, &n, MOST, &m), FRAMED_PART);
    assert_int_equal(n, 0);
    assert_true(frame_inside(&f));
    frame_done(&f);
    assert_false(frame_inside(&f));
}

static void a_length_past_the_limit_is_refused_before_its_bytes_come(void **state)
{
    static const uint8_t at[] = {0, 0, 0, 3, 0xe8}, past[] = {0, 0, 0, 3, 0xe9},
                         huge[] = {0, 0xff, 0xff, 0xff, 0xff};
    struct msg *m;
    int n;

    (void)state;
    assert_int_equal(feed(at, sizeof(at), 5, &m, &n), FRAMED_PART);
    assert_int_equal(feed(past, sizeof(past), 5, &m, &n), FRAMED_TOO_LARGE);
    assert_int_equal(feed(huge, sizeof(huge), 1, &m, &n), FRAMED_TOO_LARGE);
}

static void a_compressed_message_is_known_by_its_flag(void **state)
{
    static const uint8_t flagged[] = {1, 0, 0, 0, 0}, odd[] = {255, 0, 0, 0, 0};
    struct msg *m;
    int n;

    (void)state;
    assert_int_equal(feed(flagged, sizeof(flagged), 5, &m, &n), FRAMED_COMPRESSED);
    assert_int_equal(feed(odd, sizeof(odd), 5, &m, &n), FRAMED_COMPRESSED);
}

/* A peer that announces many bytes and sends few uses little memory. */
static void memory_grows_with_what_came(void **state)
{
    uint8_t bytes[FRAME_PREFIX + 1] = {0, 0, 0, 3, 0xe8, 'x'};
    struct framer f = {0};
    const uint8_t *p = bytes;
    size_t n = sizeof(bytes);
    struct msg *m;

    (void)state;
    assert_int_equal(frame_take(&f, &p, &n, MOST, &m), FRAMED_PART);
    assert_in_range(f.part->cap, 1, 256);
    frame_done(&f);
}

static void what_is_packed_is_taken_apart_again(void **state)
{
    Grpc__Health__V1__HealthCheckRequest q = GRPC__HEALTH__V1__HEALTH_CHECK_REQUEST__INIT;
    struct msg *packed, *m;
    int n;

    (void)state;
    q.service = (char *)(uintptr_t) "ward";
    packed = frame_pack(&q.base);
    assert_non_null(packed);
    assert_int_equal(packed->len, FRAME_PREFIX + 6);
    assert_int_equal(feed(packed->data, packed->len, 3, &m, &n), FRAMED_MESSAGE);
    assert_int_equal(m->len, 6);
    assert_memory_equal(m->data + 2, "ward", 4);
    frame_free(m);
    frame_free(packed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(messages_come_out_however_the_bytes_are_cut),
        cmocka_unit_test(a_message_that_is_not_whole_is_inside),
        cmocka_unit_test(a_length_past_the_limit_is_refused_before_its_bytes_come),
        cmocka_unit_test(a_compressed_message_is_known_by_its_flag),
        cmocka_unit_test(memory_grows_with_what_came),
        cmocka_unit_test(what_is_packed_is_taken_apart_again),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
