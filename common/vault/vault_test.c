#include "common/vault/vault.h"

#include "common/base/text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static char dir[] = "/tmp/ward-vault-XXXXXX";
static struct ward_err err;

static const char *file(const char *name, const char *text, mode_t mode)
{
    static char path[64];
    FILE *f;

    snprintf(path, sizeof(path), "%s/%s", dir, name);
    unlink(path);
    f = fopen(path, "w");
    assert_non_null(f);
    assert_true(fputs(text, f) >= 0 && fclose(f) == 0 && chmod(path, mode) == 0);
    return path;
}

static const char *key_file(const char *name, uint8_t first)
{
    uint8_t key[WARD_KEY_SIZE] = {first};
    char hex[2 * WARD_KEY_SIZE + 1];

    ward_hex(key, sizeof(key), hex);
    return file(name, hex, 0600);
}

static struct ward_root *open_root(const char *where)
{
    struct ward_root *r = NULL;

    assert_int_equal(ward_root_open(where, &r, &err), WARD_OK);
    assert_non_null(r);
    return r;
}

static void a_file_seals_and_opens(void **state)
{
    struct ward_root *r = open_root(key_file("k", 1));
    uint8_t sealed[7 + WARD_SEAL_EXTRA], opened[7];

    (void)state;
    assert_string_equal(ward_root_kind(r), "file");
    assert_int_equal(ward_root_check(r, &err), WARD_OK);
    assert_int_equal(ward_root_seal(r, "row 1", 5, "the key", 7, sealed, &err), WARD_OK);
    assert_int_equal(ward_root_unseal(r, "row 1", 5, sealed, sizeof(sealed), opened, &err),
                     WARD_OK);
    assert_memory_equal(opened, "the key", 7);
    assert_int_equal(ward_root_unseal(r, "row 2", 5, sealed, sizeof(sealed), opened, &err),
                     WARD_DATA_LOSS);
    for (size_t i = 0; i < sizeof(sealed); i++) {
        sealed[i] ^= 1;
        assert_int_equal(ward_root_unseal(r, "row 1", 5, sealed, sizeof(sealed), opened, &err),
                         WARD_DATA_LOSS);
        sealed[i] ^= 1;
    }
    for (size_t n = 0; n < sizeof(sealed); n++)
        assert_int_equal(ward_root_unseal(r, "row 1", 5, sealed, n, opened, &err),
                         WARD_DATA_LOSS);
    ward_root_close(r);
}

/* AES-256-GCM of "this key's name." under the nonce "ward key id\0", by python3-cryptography:
 * the first 8 bytes of the tag. Rows in databases contain these ids. */
static void an_id_is_the_keys_and_is_pinned(void **state)
{
    struct ward_root *a = open_root(key_file("a", 0)), *b = open_root(key_file("b", 1));
    struct ward_root *again = open_root(key_file("again", 1));

    (void)state;
    assert_string_equal(ward_root_id(a), "9882f3d1eeedb90a");
    assert_string_equal(ward_root_id(b), "bc53a0d25252f212");
    assert_string_equal(ward_root_id(again), ward_root_id(b));
    ward_root_close(a);
    ward_root_close(b);
    ward_root_close(again);
}

static void what_shows_the_id_opens_nothing(void **state)
{
    /* The message with its whole tag; an id is only half of the tag. */
    static const char hex[] = "7761726420" /* nonce */
                              "6b657920696400"
                              "f5a93e55f40a0431c8b97d2d0de9bb4b" /* the ciphertext */
                              "bc53a0d25252f21288f3b1d439a66a0f";
    struct ward_root *r = open_root(key_file("b", 1));
    uint8_t sealed[16 + WARD_SEAL_EXTRA], opened[16], key[WARD_KEY_SIZE] = {1};

    (void)state;
    assert_true(ward_unhex(hex, sealed, sizeof(sealed)));
    assert_int_equal(ward_unseal(key, NULL, 0, sealed, sizeof(sealed), opened, &err), WARD_OK);
    assert_int_equal(ward_root_unseal(r, NULL, 0, sealed, sizeof(sealed), opened, &err),
                     WARD_DATA_LOSS);
    ward_root_close(r);
}

static void a_file_that_is_no_key_is_refused(void **state)
{
    struct ward_root *r = NULL;
    char digits[2 * WARD_KEY_SIZE + 1];

    (void)state;
    memset(digits, 'a', sizeof(digits) - 1);
    digits[sizeof(digits) - 1] = '\0';
    assert_int_equal(ward_root_open("/nowhere/kek", &r, &err), WARD_NOT_FOUND);
    assert_int_equal(ward_root_open(file("x", digits, 0640), &r, &err),
                     WARD_FAILED_PRECONDITION);
    assert_int_equal(ward_root_open(file("x", digits, 0604), &r, &err),
                     WARD_FAILED_PRECONDITION);
    assert_int_equal(ward_root_open(file("x", "abc", 0600), &r, &err),
                     WARD_FAILED_PRECONDITION);
    assert_int_equal(ward_root_open(file("x", digits, 0600), &r, &err), WARD_OK);
    ward_root_close(r);
    ward_root_close(NULL);
}

#define REST "?module-path=/nowhere/m.so&pin-source=file:/nowhere/pin"

static void a_uri_that_is_unfit_is_refused_and_not_repeated(void **state)
{
    static const char *const bad[][2] = {
        {"pkcs11:token=t;object=SECRET?module-path=/m.so&pin-value=SECRET", "pin-value"},
        {"pkcs11:token=t;object=o" REST "&pin-value=SECRET", "pin-value"},
        {"PKCS11:token=SECRET;object=o?module-path=/m.so&pin-value=SECRET", ""},
        {"pkcs11:token=t;objekt=SECRET" REST, "unknown attribute"},
        {"pkcs11:token=t;object=o" REST "&max-slots=SECRET", "module"},
        {"pkcs11:object=SECRET" REST, "token="},
        {"pkcs11:token=SECRET" REST, "object="},
        {"pkcs11:token=t;object=o;type=private" REST, "secret-key"},
        {"pkcs11:token=t;object=o?pin-source=file:/SECRET", "module-path"},
        {"pkcs11:token=t;object=o?module-path=SECRET.so&pin-source=file:/p", "module-path"},
        {"pkcs11:token=t;object=o?module-path=/m.so", "pin-source"},
        {"pkcs11:token=t;object=o?module-path=/m.so&pin-source=SECRET", "pin-source"},
        {"pkcs11:token=t;object=o?module-path=/m.so&pin-source=file:SECRET", "pin-source"},
        {"pkcs11:token=t;object=o?module-path=/m.so&pin-source=file://SECRET/p", "pin-source"},
        {"pkcs11:token=t;object=o?module-path=/m.so&pin-source=%7CSECRET", "pin-source"},
        {"pkcs11:token=t;id=%4G" REST, "7512"},
    };
    struct ward_root *r = NULL;

    (void)state;
    for (size_t i = 0; i < WARD_COUNT(bad); i++) {
        enum ward_code code = ward_root_open(bad[i][0], &r, &err);

        assert_true(code == WARD_FAILED_PRECONDITION || code == WARD_NOT_FOUND);
        assert_non_null(strstr(err.msg, bad[i][1]));
        assert_null(strstr(err.msg, "SECRET"));
        assert_null(strstr(err.detail, "SECRET"));
    }
    assert_null(r);
}

static void a_module_that_is_none_is_refused(void **state)
{
    char uri[256];
    struct ward_root *r = NULL;

    (void)state;
    assert_int_equal(ward_root_open("pkcs11:token=t;object=o" REST, &r, &err), WARD_NOT_FOUND);
    snprintf(uri, sizeof(uri), "pkcs11:token=t;object=o?module-path=%s&pin-source=file:/p",
             file("module.so", "not a library", 0600));
    assert_int_equal(ward_root_open(uri, &r, &err), WARD_FAILED_PRECONDITION);
    assert_null(r);
}

static int make_dir(void **state)
{
    (void)state;
    return mkdtemp(dir) == NULL;
}

static int remove_dir(void **state)
{
    static const char *const names[] = {"k", "a", "b", "again", "x", "module.so"};
    char path[64];

    (void)state;
    for (size_t i = 0; i < WARD_COUNT(names); i++) {
        snprintf(path, sizeof(path), "%s/%s", dir, names[i]);
        unlink(path);
    }
    return rmdir(dir);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_file_seals_and_opens),
        cmocka_unit_test(an_id_is_the_keys_and_is_pinned),
        cmocka_unit_test(what_shows_the_id_opens_nothing),
        cmocka_unit_test(a_file_that_is_no_key_is_refused),
        cmocka_unit_test(a_uri_that_is_unfit_is_refused_and_not_repeated),
        cmocka_unit_test(a_module_that_is_none_is_refused),
    };

    return cmocka_run_group_tests_name("vault", tests, make_dir, remove_dir);
}
