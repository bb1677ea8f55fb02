#include "common/base/keytag.h"

#include "common/base/text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

/* The expected values were computed with AESGCM of python3-cryptography, not with this code. */
static void a_key_has_the_name_gcm_gives_it(void **state)
{
    static const char *const want[] = {"9882f3d1eeedb90ab28c0596ddd70963",
                                       "bc53a0d25252f21288f3b1d439a66a0f"};
    uint8_t key[WARD_KEY_SIZE] = {0}, tag[WARD_KEYTAG_SIZE];
    char hex[2 * WARD_KEYTAG_SIZE + 1];

    (void)state;
    for (uint8_t i = 0; i < 2; i++) {
        key[0] = i;
        ward_keytag(key, tag);
        ward_hex(tag, sizeof(tag), hex);
        assert_string_equal(hex, want[i]);
    }
}

static void each_bit_of_a_key_changes_its_name(void **state)
{
    uint8_t key[WARD_KEY_SIZE] = {0}, tag[WARD_KEYTAG_SIZE], plain[WARD_KEYTAG_SIZE];

    (void)state;
    ward_keytag(key, plain);
    for (int bit = 0; bit < 8 * WARD_KEY_SIZE; bit++) {
        key[bit / 8] ^= (uint8_t)(1 << bit % 8);
        ward_keytag(key, tag);
        assert_memory_not_equal(tag, plain, WARD_KEYTAG_SIZE / 2);
        key[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_key_has_the_name_gcm_gives_it),
        cmocka_unit_test(each_bit_of_a_key_changes_its_name),
    };

    return cmocka_run_group_tests_name("keytag", tests, NULL, NULL);
}
