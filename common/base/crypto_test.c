#include "common/base/clock.h"
#include "common/base/crypto.h"
#include "common/base/text.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

/* Decodes hex into the caller's buffer. Returns the number of bytes. */
static size_t bytes(const char *hex, uint8_t *out)
{
    size_t n = strlen(hex) / 2;

    assert_true(ward_unhex(hex, out, n));
    return n;
}

static void is_hex(const uint8_t *got, size_t n, const char *want)
{
    char text[2 * 256 + 1];

    assert_true(n <= 256);
    ward_hex(got, n, text);
    assert_string_equal(text, want);
}

/* Source: FIPS 180-4, examples of SHA-256 (csrc.nist.gov, checked 2026-11-21). */
static void sha256_matches_fips_180(void **state)
{
    static const char *const cases[][2] = {
        {"", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
        {"abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
        {"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
         "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"},
    };
    uint8_t out[WARD_SHA256_SIZE];
    char *million = malloc(1000000);

    (void)state;
    assert_non_null(million);
    for (size_t i = 0; i < WARD_COUNT(cases); i++) {
        ward_sha256(cases[i][0], strlen(cases[i][0]), out);
        is_hex(out, sizeof(out), cases[i][1]);
    }
    memset(million, 'a', 1000000);
    ward_sha256(million, 1000000, out);
    is_hex(out, sizeof(out),
           "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
    free(million);
}

static void parts_hash_as_if_they_were_joined(void **state)
{
    static const char text[] = "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq";
    uint8_t whole[WARD_SHA256_SIZE], out[WARD_SHA256_SIZE];

    (void)state;
    ward_sha256(text, strlen(text), whole);
    for (size_t a = 0; a <= strlen(text); a++) {
        struct ward_bytes parts[] = {{text, a}, {NULL, 0}, {text + a, strlen(text) - a}};

        ward_sha256_parts(parts, 3, out);
        assert_memory_equal(out, whole, sizeof(out));
    }
}

/* Source: RFC 4231, section 4, cases 1 to 4, 6 and 7. */
static void hmac_matches_rfc_4231(void **state)
{
    uint8_t key[131], data[160], out[WARD_SHA256_SIZE];
    static const char six[] = "Test Using Larger Than Block-Size Key - Hash Key First";
    static const char seven[] =
        "This is a test using a larger than block-size key and a larger than block-size data. "
        "The key needs to be hashed before being used by the HMAC algorithm.";

    (void)state;
    memset(key, 0x0b, 20);
    ward_hmac_sha256(key, 20, "Hi There", 8, out);
    is_hex(out, 32, "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
    ward_hmac_sha256((const uint8_t *)"Jefe", 4, "what do ya want for nothing?", 28, out);
    is_hex(out, 32, "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
    memset(key, 0xaa, sizeof(key));
    memset(data, 0xdd, 50);
    ward_hmac_sha256(key, 20, data, 50, out);
    is_hex(out, 32, "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe");
    ward_hmac_sha256(key, 131, six, strlen(six), out);
    is_hex(out, 32, "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
    ward_hmac_sha256(key, 131, seven, strlen(seven), out);
    is_hex(out, 32, "9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2");
    for (int i = 0; i < 25; i++)
        key[i] = (uint8_t)(i + 1);
    memset(data, 0xcd, 50);
    ward_hmac_sha256(key, 25, data, 50, out);
    is_hex(out, 32, "82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b");
}

struct ed25519 {
    const char *seed, *pub, *msg, *sig;
};

/* Source: RFC 8032, section 7.1, tests 1 to 3. */
static const struct ed25519 RFC_8032[] = {
    {"9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
     "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a", "",
     "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701"
     "cf9b46bd25bf5f0595bbe24655141438e7a100b"},
    {"4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
     "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c", "72",
     "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d"
     "0f11d8c387b2eaeb4302aeeb00d291612bb0c00"},
    {"c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
     "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025", "af82",
     "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f7609"
     "84dc6594a7c15e9716ed28dc027beceea1ec40a"},
};

static void ed25519_matches_rfc_8032(void **state)
{
    (void)state;
    for (size_t i = 0; i < WARD_COUNT(RFC_8032); i++) {
        const struct ed25519 *v = &RFC_8032[i];
        uint8_t seed[32], msg[8], sig[WARD_ED25519_SIG];
        size_t n = bytes(v->msg, msg);
        struct ward_sign_key *key = NULL;

        bytes(v->seed, seed);
        assert_int_equal(ward_sign_key_new(seed, &key, NULL), WARD_OK);
        is_hex(ward_sign_key_public(key), WARD_ED25519_PUB, v->pub);
        assert_int_equal(ward_sign(key, msg, n, sig, NULL), WARD_OK);
        is_hex(sig, sizeof(sig), v->sig);
        assert_true(ward_verify(ward_sign_key_public(key), msg, n, sig));
        ward_sign_key_free(key);
    }
}

static void a_signature_holds_for_nothing_else(void **state)
{
    const struct ed25519 *v = &RFC_8032[2];
    uint8_t pub[32], other[32], msg[8], sig[WARD_ED25519_SIG];
    size_t n = bytes(v->msg, msg);

    (void)state;
    bytes(v->pub, pub);
    bytes(RFC_8032[1].pub, other);
    bytes(v->sig, sig);
    assert_true(ward_verify(pub, msg, n, sig));
    assert_false(ward_verify(other, msg, n, sig));
    assert_false(ward_verify(pub, msg, n - 1, sig));
    for (size_t bit = 0; bit < 8 * sizeof(sig); bit++) {
        sig[bit / 8] ^= (uint8_t)(1 << bit % 8);
        assert_false(ward_verify(pub, msg, n, sig));
        sig[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    for (size_t bit = 0; bit < 8 * n; bit++) {
        msg[bit / 8] ^= (uint8_t)(1 << bit % 8);
        assert_false(ward_verify(pub, msg, n, sig));
        msg[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
}

struct gcm {
    const char *key, *aad, *sealed, *plain; /* sealed: nonce | ciphertext | tag */
};

/* Source: McGrew and Viega, "The Galois/Counter Mode of Operation (GCM)", test cases 13, 14 and
 * 16, as in NIST's GCM validation (checked 2026-11-21). */
static const struct gcm NIST[] = {
    {"0000000000000000000000000000000000000000000000000000000000000000", "",
     "000000000000000000000000"
     "530f8afbc74536b9a963b4f1c4cb738b",
     ""},
    {"0000000000000000000000000000000000000000000000000000000000000000", "",
     "000000000000000000000000"
     "cea7403d4d606b6e074ec5d3baf39d18"
     "d0d1c8a799996bf0265b98b5d48ab919",
     "00000000000000000000000000000000"},
    {"feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308",
     "feedfacedeadbeeffeedfacedeadbeefabaddad2",
     "cafebabefacedbaddecaf888"
     "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa"
     "8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662"
     "76fc6ece0f4e1768cddf8853bb2d551b",
     "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72"
     "1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39"},
};

static void what_nist_sealed_opens(void **state)
{
    (void)state;
    for (size_t i = 0; i < WARD_COUNT(NIST); i++) {
        uint8_t key[32], aad[32], sealed[128], out[128] = {0};
        size_t n_aad = bytes(NIST[i].aad, aad), n = bytes(NIST[i].sealed, sealed);

        bytes(NIST[i].key, key);
        assert_int_equal(ward_unseal(key, aad, n_aad, sealed, n, out, NULL), WARD_OK);
        is_hex(out, n - WARD_SEAL_EXTRA, NIST[i].plain);
    }
}

static void every_changed_bit_of_what_is_sealed_is_noticed(void **state)
{
    static const char text[] = "a template of a face";
    uint8_t key[32], other[32], sealed[sizeof(text) + WARD_SEAL_EXTRA], out[sizeof(text)];
    struct ward_err err = {0};

    (void)state;
    ward_random(key, sizeof(key));
    ward_random(other, sizeof(other));
    assert_int_equal(ward_seal(key, "row 7", 5, text, sizeof(text), sealed, &err), WARD_OK);
    assert_int_equal(ward_unseal(key, "row 7", 5, sealed, sizeof(sealed), out, &err), WARD_OK);
    assert_string_equal(out, text);
    for (size_t bit = 0; bit < 8 * sizeof(sealed); bit++) {
        sealed[bit / 8] ^= (uint8_t)(1 << bit % 8);
        memset(out, 'x', sizeof(out));
        assert_int_equal(ward_unseal(key, "row 7", 5, sealed, sizeof(sealed), out, &err),
                         WARD_DATA_LOSS);
        assert_memory_not_equal(out, text, 4); /* the output contains no unverified text */
        sealed[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    assert_int_equal(ward_unseal(other, "row 7", 5, sealed, sizeof(sealed), out, &err),
                     WARD_DATA_LOSS);
    assert_int_equal(ward_unseal(key, "row 8", 5, sealed, sizeof(sealed), out, &err),
                     WARD_DATA_LOSS);
    assert_int_equal(ward_unseal(key, NULL, 0, sealed, sizeof(sealed), out, &err),
                     WARD_DATA_LOSS);
    for (size_t n = 0; n < sizeof(sealed); n++)
        assert_int_equal(ward_unseal(key, "row 7", 5, sealed, n, out, &err), WARD_DATA_LOSS);
    assert_string_equal(err.msg, "the encrypted data cannot be decrypted");
}

static void nothing_is_sealed_twice_alike(void **state)
{
    uint8_t key[32] = {0}, a[4 + WARD_SEAL_EXTRA], b[4 + WARD_SEAL_EXTRA];

    (void)state;
    assert_int_equal(ward_seal(key, NULL, 0, "same", 4, a, NULL), WARD_OK);
    assert_int_equal(ward_seal(key, NULL, 0, "same", 4, b, NULL), WARD_OK);
    assert_memory_not_equal(a, b, 12);
    assert_memory_not_equal(a, b, sizeof(a));
}

static void a_uuid7_has_its_time_version_and_variant(void **state)
{
    int64_t before = ward_wall_us() / 1000, ms = 0;
    uint8_t id[16], back[16], prev[16];
    char text[37];

    (void)state;
    ward_uuid7(prev);
    for (int i = 0; i < 1000; i++) {
        ward_uuid7(id);
        assert_int_equal(id[6] >> 4, 7);
        assert_int_equal(id[8] >> 6, 2);
        assert_true(memcmp(prev, id, 6) <= 0); /* ids sort by time */
        assert_memory_not_equal(prev, id, 16);
        memcpy(prev, id, 16);
    }
    for (int i = 0; i < 6; i++)
        ms = ms << 8 | id[i];
    assert_true(ms >= before && ms <= ward_wall_us() / 1000);
    ward_uuid_text(id, text);
    assert_int_equal(strlen(text), 36);
    assert_true(text[8] == '-' && text[13] == '-' && text[14] == '7' && text[23] == '-');
    assert_true(ward_uuid_parse(text, back));
    assert_memory_equal(back, id, 16);
}

static void what_is_no_uuid_is_refused(void **state)
{
    static const char *const bad[] = {"",
                                      "0190163d-8694-739b-aea5-966c26f8ad9",
                                      "0190163d-8694-739b-aea5-966c26f8ad911",
                                      "0190163d8694-739b-aea5-966c26f8ad91-",
                                      "0190163d-8694-739b-aea5-966c26f8ad9g",
                                      "{190163d-8694-739b-aea5-966c26f8ad91",
                                      " 190163d-8694-739b-aea5-966c26f8ad91"};
    uint8_t out[16] = {9}, same[16] = {9};

    (void)state;
    for (size_t i = 0; i < WARD_COUNT(bad); i++)
        assert_false(ward_uuid_parse(bad[i], out));
    assert_false(ward_uuid_parse(NULL, out));
    assert_memory_equal(out, same, 16);
}

static char dir[] = "/tmp/ward-crypto-XXXXXX";

static const char *in_dir(const char *name)
{
    static char path[96];

    snprintf(path, sizeof(path), "%s/%s", dir, name);
    return path;
}

static void put_file(const char *name, const char *text, mode_t mode)
{
    int fd;

    unlink(in_dir(name));
    fd = open(in_dir(name), O_WRONLY | O_CREAT | O_EXCL, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
    assert_int_equal(fchmod(fd, mode), 0);
    close(fd);
}

static void a_signing_key_is_kept_private_and_never_replaced(void **state)
{
    uint8_t seed[32];
    struct ward_sign_key *key = NULL, *back = NULL;
    struct ward_err err = {0};
    struct stat st;

    (void)state;
    bytes(RFC_8032[0].seed, seed);
    assert_int_equal(ward_sign_key_new(seed, &key, &err), WARD_OK);
    assert_int_equal(ward_sign_key_save(key, in_dir("k.pem"), &err), WARD_OK);
    assert_int_equal(stat(in_dir("k.pem"), &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    assert_int_equal(ward_sign_key_save(key, in_dir("k.pem"), &err), WARD_ALREADY_EXISTS);
    assert_int_equal(ward_sign_key_load(in_dir("k.pem"), &back, &err), WARD_OK);
    is_hex(ward_sign_key_public(back), 32, RFC_8032[0].pub);
    ward_sign_key_free(back);
    ward_sign_key_free(key);
    ward_sign_key_free(NULL);
    assert_int_equal(ward_sign_key_load(in_dir("none"), &back, &err), WARD_NOT_FOUND);
    put_file("bad.pem", "-----BEGIN PRIVATE KEY-----\nAAAA\n", 0600);
    assert_int_equal(ward_sign_key_load(in_dir("bad.pem"), &back, &err),
                     WARD_FAILED_PRECONDITION);
    unlink(in_dir("bad.pem"));
    unlink(in_dir("k.pem"));
}

static void a_key_file_holds_64_hex_digits_and_is_private(void **state)
{
    static const char hex[] =
        "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";
    uint8_t key[WARD_KEY_SIZE] = {0};
    struct ward_err err = {0};
    char text[80];

    (void)state;
    put_file("key", hex, 0600);
    assert_int_equal(ward_key_load(in_dir("key"), key, &err), WARD_OK);
    is_hex(key, sizeof(key), hex);
    snprintf(text, sizeof(text), "%s\n", hex);
    put_file("key", text, 0400);
    assert_int_equal(ward_key_load(in_dir("key"), key, &err), WARD_OK);
    put_file("key", text, 0640);
    assert_int_equal(ward_key_load(in_dir("key"), key, &err), WARD_FAILED_PRECONDITION);
    put_file("key", hex + 2, 0600);
    assert_int_equal(ward_key_load(in_dir("key"), key, &err), WARD_FAILED_PRECONDITION);
    snprintf(text, sizeof(text), "%s00", hex);
    put_file("key", text, 0600);
    assert_int_equal(ward_key_load(in_dir("key"), key, &err), WARD_FAILED_PRECONDITION);
    put_file("key", "", 0600);
    assert_int_equal(ward_key_load(in_dir("key"), key, &err), WARD_FAILED_PRECONDITION);
    unlink(in_dir("key"));
    assert_int_equal(ward_key_load(in_dir("key"), key, &err), WARD_NOT_FOUND);
    assert_null(strstr(err.msg, "0001"));
}

static void a_file_is_private_to_its_user_or_roots_in_our_group(void **state)
{
    const unsigned us = 10001, root = 0;

    (void)state;
    assert_true(ward_is_private(0600, us, us));
    assert_true(ward_is_private(0400, root, us));
    assert_true(ward_is_private(0440, root, us)); /* a mounted Secret with fsGroup */
    assert_true(ward_is_private(0640, root, us));
    assert_false(ward_is_private(0640, us, us));
    assert_false(ward_is_private(0660, root, us));
    assert_false(ward_is_private(0450, root, us));
    assert_false(ward_is_private(0444, root, us));
    assert_false(ward_is_private(0640, root, root));
    assert_false(ward_is_private(0440, 20000, us));
}

static void comparing_looks_at_every_byte(void **state)
{
    uint8_t a[32] = {0}, b[32] = {0};

    (void)state;
    assert_true(ward_equal(a, b, 32));
    assert_true(ward_equal(a, b, 0));
    for (size_t i = 0; i < 32; i++) {
        b[i] = 0x80;
        assert_false(ward_equal(a, b, 32));
        b[i] = 0;
    }
}

static int make_dir(void **state)
{
    (void)state;
    return mkdtemp(dir) == NULL;
}

static int remove_dir(void **state)
{
    (void)state;
    return rmdir(dir);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sha256_matches_fips_180),
        cmocka_unit_test(parts_hash_as_if_they_were_joined),
        cmocka_unit_test(hmac_matches_rfc_4231),
        cmocka_unit_test(ed25519_matches_rfc_8032),
        cmocka_unit_test(a_signature_holds_for_nothing_else),
        cmocka_unit_test(what_nist_sealed_opens),
        cmocka_unit_test(every_changed_bit_of_what_is_sealed_is_noticed),
        cmocka_unit_test(nothing_is_sealed_twice_alike),
        cmocka_unit_test(a_uuid7_has_its_time_version_and_variant),
        cmocka_unit_test(what_is_no_uuid_is_refused),
        cmocka_unit_test(a_signing_key_is_kept_private_and_never_replaced),
        cmocka_unit_test(a_key_file_holds_64_hex_digits_and_is_private),
        cmocka_unit_test(a_file_is_private_to_its_user_or_roots_in_our_group),
        cmocka_unit_test(comparing_looks_at_every_byte),
    };

    return cmocka_run_group_tests_name("crypto", tests, make_dir, remove_dir);
}
