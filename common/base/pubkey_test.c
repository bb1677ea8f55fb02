#include "common/base/pubkey.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static struct ward_err err;

/* The generator of P-256. Source: SEC 2, version 2.0, 2.4.2. */
static const uint8_t GX[WARD_P256] = {0x6b, 0x17, 0xd1, 0xf2, 0xe1, 0x2c, 0x42, 0x47,
                                      0xf8, 0xbc, 0xe6, 0xe5, 0x63, 0xa4, 0x40, 0xf2,
                                      0x77, 0x03, 0x7d, 0x81, 0x2d, 0xeb, 0x33, 0xa0,
                                      0xf4, 0xa1, 0x39, 0x45, 0xd8, 0x98, 0xc2, 0x96};
static const uint8_t GY[WARD_P256] = {0x4f, 0xe3, 0x42, 0xe2, 0xfe, 0x1a, 0x7f, 0x9b,
                                      0x8e, 0xe7, 0xeb, 0x4a, 0x7c, 0x0f, 0x9e, 0x16,
                                      0x2b, 0xce, 0x33, 0x57, 0x6b, 0x31, 0x5e, 0xce,
                                      0xcb, 0xb6, 0x40, 0x68, 0x37, 0xbf, 0x51, 0xf5};

static void a_point_off_the_curve_is_no_key(void **state)
{
    struct ward_pubkey *key = NULL;
    uint8_t y[WARD_P256], zero[WARD_P256] = {0};

    (void)state;
    assert_int_equal(ward_pubkey_p256(GX, GY, &key, &err), WARD_OK);
    ward_pubkey_free(key);
    key = NULL;
    memcpy(y, GY, sizeof(y));
    y[31] ^= 1;
    assert_int_equal(ward_pubkey_p256(GX, y, &key, &err), WARD_FAILED_PRECONDITION);
    assert_int_equal(ward_pubkey_p256(GY, GX, &key, &err), WARD_FAILED_PRECONDITION);
    assert_int_equal(ward_pubkey_p256(zero, zero, &key, &err), WARD_FAILED_PRECONDITION);
    assert_null(key);
}

static void an_rsa_key_has_a_size_and_is_odd(void **state)
{
    static const uint8_t F4[] = {1, 0, 1}, EVEN[] = {2}, ONE[] = {1},
                         LONG[9] = {1, 0, 0, 0, 0, 0, 0, 0, 1};
    static uint8_t n[WARD_RSA_MAX / 8 + 1];
    const struct {
        size_t bytes;
        uint8_t first, last;
        const uint8_t *e;
        size_t e_len;
        enum ward_code code;
    } rows[] = {
        {256, 0x80, 1, F4, 3, WARD_OK},
        {1024, 0xff, 1, F4, 3, WARD_OK},
        {256, 0x7f, 1, F4, 3, WARD_FAILED_PRECONDITION}, /* 2047 bits */
        {1025, 0x01, 1, F4, 3, WARD_FAILED_PRECONDITION},
        {256, 0x80, 2, F4, 3, WARD_FAILED_PRECONDITION},
        {256, 0x80, 1, EVEN, 1, WARD_FAILED_PRECONDITION},
        {256, 0x80, 1, ONE, 1, WARD_FAILED_PRECONDITION},
        {256, 0x80, 1, LONG, 9, WARD_FAILED_PRECONDITION},
        {256, 0x80, 1, F4, 0, WARD_FAILED_PRECONDITION},
        {0, 0, 0, F4, 3, WARD_FAILED_PRECONDITION},
    };

    (void)state;
    for (size_t i = 0; i < WARD_COUNT(rows); i++) {
        struct ward_pubkey *key = NULL;

        memset(n, 0x5a, sizeof(n));
        n[0] = rows[i].first;
        n[rows[i].bytes > 0 ? rows[i].bytes - 1 : 0] = rows[i].last;
        assert_int_equal(
            ward_pubkey_rsa(n, rows[i].bytes, rows[i].e, rows[i].e_len, &key, &err),
            rows[i].code);
        assert_true((key != NULL) == (rows[i].code == WARD_OK));
        ward_pubkey_free(key);
    }
}

/* The tests of common/auth verify valid signatures from other implementations. */
static void what_is_no_signature_is_refused(void **state)
{
    static uint8_t sig[WARD_RSA_MAX / 8], n[256];
    static const uint8_t F4[] = {1, 0, 1};
    struct ward_pubkey *point = NULL, *rsa = NULL;

    (void)state;
    memset(n, 0xff, sizeof(n));
    assert_int_equal(ward_pubkey_p256(GX, GY, &point, &err), WARD_OK);
    assert_int_equal(ward_pubkey_rsa(n, sizeof(n), F4, 3, &rsa, &err), WARD_OK);
    for (int fill = 0; fill < 3; fill++) {
        memset(sig, fill == 2 ? 0xff : fill, sizeof(sig));
        for (size_t len = 0; len <= sizeof(sig); len += len < 70 ? 1 : 101) {
            assert_false(ward_pubkey_verify(point, "a", 1, sig, len));
            assert_false(ward_pubkey_verify(rsa, "a", 1, sig, len));
        }
        assert_false(ward_pubkey_verify(rsa, "a", 1, sig, sizeof(n)));
    }
    ward_pubkey_free(point);
    ward_pubkey_free(rsa);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_point_off_the_curve_is_no_key),
        cmocka_unit_test(an_rsa_key_has_a_size_and_is_odd),
        cmocka_unit_test(what_is_no_signature_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
