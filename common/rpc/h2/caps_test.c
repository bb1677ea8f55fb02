#include "common/rpc/h2/caps.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct caps caps;

static const uint8_t *ip(uint16_t n)
{
    static uint8_t at[16];

    at[14] = (uint8_t)(n >> 8);
    at[15] = (uint8_t)n;
    return at;
}

static void an_address_has_its_cap_and_leaves_room_for_others(void **state)
{
    (void)state;
    caps_init(&caps, 10, 6);
    for (int i = 0; i < 6; i++)
        assert_true(caps_came(&caps, ip(1)));
    assert_false(caps_came(&caps, ip(1)));
    for (int i = 0; i < 4; i++)
        assert_true(caps_came(&caps, ip(2)));
    assert_false(caps_came(&caps, ip(2))); /* the limit is reached */
    caps_left(&caps, ip(1));
    assert_true(caps_came(&caps, ip(3)));
    caps_done(&caps);
}

static void one_that_was_refused_is_not_counted(void **state)
{
    (void)state;
    caps_init(&caps, 1, 1);
    assert_true(caps_came(&caps, ip(1)));
    for (int i = 0; i < 100; i++)
        assert_false(caps_came(&caps, ip(1)));
    caps_left(&caps, ip(1));
    assert_true(caps_came(&caps, ip(1)));
    caps_done(&caps);
}

/* Two addresses in one bucket have separate counts. An entry is freed with its last connection.
 */
static void thousands_of_addresses_come_and_go(void **state)
{
    (void)state;
    caps_init(&caps, 65536, 2);
    for (int round = 0; round < 2; round++) {
        for (int i = 0; i < 8000; i++)
            assert_true(caps_came(&caps, ip((uint16_t)i)) && caps_came(&caps, ip((uint16_t)i)));
        for (int i = 0; i < 8000; i++)
            assert_false(caps_came(&caps, ip((uint16_t)i)));
        for (int i = 0; i < 8000; i++) {
            caps_left(&caps, ip((uint16_t)i));
            caps_left(&caps, ip((uint16_t)i));
        }
        assert_int_equal(caps.n, 0);
        for (int i = 0; i < CAPS_BUCKETS; i++)
            assert_null(caps.buckets[i]);
    }
    caps_left(&caps, ip(1)); /* an address without connections */
    assert_int_equal(caps.n, 0);
    caps_done(&caps);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_address_has_its_cap_and_leaves_room_for_others),
        cmocka_unit_test(one_that_was_refused_is_not_counted),
        cmocka_unit_test(thousands_of_addresses_come_and_go),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
