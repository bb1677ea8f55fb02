#include "common/serve/release.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define HASH "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static struct ward_err err;
static struct ward_release made = {
    .model = "chest/1", .n = 2, .file = {{"manifest.json", HASH}, {"model.onnx", HASH}}};
static struct ward_sign_key *key, *other;
static struct ward_signer signer, stranger;
static struct ward_release_keys keys;

static void a_version_that_was_signed_is_read_with_who_signed_it(void **state)
{
    struct ward_release r;
    char note[WARD_NOTE_MAX];
    size_t n = 0;

    (void)state;
    assert_int_equal(ward_release_sign(&made, &signer, note, &n, &err), WARD_OK);
    assert_int_equal(ward_release_open(note, n, &keys, &r, &err), WARD_OK);
    assert_string_equal(r.model, "chest/1");
    assert_string_equal(r.signer, "release");
    assert_int_equal(r.n, 2);
    assert_int_equal(ward_release_lists(&r, "chest/1", "model.onnx", HASH, &err), WARD_OK);
}

static void refused(enum ward_code code, const char *words)
{
    assert_int_equal(code, WARD_FAILED_PRECONDITION);
    assert_string_equal(err.reason, "MODEL_SIGNATURE");
    if (strstr(err.msg, words) == NULL)
        fail_msg("'%s' is not in '%s'", words, err.msg);
}

static void another_key_s_another_model_s_or_another_file_s_signature_is_refused(void **state)
{
    struct ward_release r, bare = {.model = "chest/1"};
    char note[WARD_NOTE_MAX];
    size_t n = 0;

    (void)state;
    assert_int_equal(ward_release_sign(&made, &stranger, note, &n, &err), WARD_OK);
    refused(ward_release_open(note, n, &keys, &r, &err), "not signed by a trusted key");
    assert_int_equal(ward_release_sign(&made, &signer, note, &n, &err), WARD_OK);
    assert_int_equal(ward_release_open(note, n, &keys, &r, &err), WARD_OK);
    refused(ward_release_lists(&r, "chest/2", "model.onnx", HASH, &err), "another model");
    refused(ward_release_lists(&r, "chest/1", "card.md", HASH, &err), "does not list a file");
    refused(ward_release_lists(&r, "chest/1", "model.onnx", "00", &err),
            "lists a different hash");
    assert_int_equal(ward_release_sign(&bare, &signer, note, &n, &err), WARD_OK);
    refused(ward_release_open(note, n, &keys, &r, &err), "does not list");
}

/* Changes each byte in turn. No changed list is accepted. */
static void a_signature_with_any_byte_changed_is_refused(void **state)
{
    struct ward_release r;
    char note[WARD_NOTE_MAX];
    size_t n = 0;

    (void)state;
    assert_int_equal(ward_release_sign(&made, &signer, note, &n, &err), WARD_OK);
    for (size_t i = 0; i < n; i++) {
        char was = note[i];

        note[i] = was == 'a' ? 'b' : 'a';
        if (ward_release_open(note, n, &keys, &r, &err) == WARD_OK)
            fail_msg("byte %zu may be another", i);
        assert_string_equal(err.reason, "MODEL_SIGNATURE");
        refused(ward_release_open(note, i, &keys, &r, &err), "");
        note[i] = was;
    }
}

static void keys_stand_one_a_line_and_what_is_none_is_named_by_its_line(void **state)
{
    struct ward_release_keys read;
    char one[WARD_VKEY_MAX], text[4096] = "";
    size_t n;

    (void)state;
    ward_vkey_print(&signer.vkey, one);
    snprintf(text, sizeof(text), "# of tests\n\n%s\r\n%s", one, one);
    assert_int_equal(ward_release_keys_parse(text, strlen(text), &read, &err), WARD_OK);
    assert_int_equal(read.n, 2);
    assert_true(ward_vkey_equal(&read.at[0], &signer.vkey));
    snprintf(text, sizeof(text), "# of tests\nrelease\n");
    assert_int_equal(ward_release_keys_parse(text, strlen(text), &read, &err),
                     WARD_INVALID_ARGUMENT);
    assert_non_null(strstr(err.msg, "line 2"));
    assert_int_equal(ward_release_keys_parse("", 0, &read, &err), WARD_OK);
    assert_int_equal(read.n, 0);
    n = 0;
    for (int i = 0; i <= WARD_RELEASE_KEYS; i++)
        n += (size_t)snprintf(text + n, sizeof(text) - n, "%s\n", one);
    assert_int_equal(ward_release_keys_parse(text, n, &read, &err), WARD_INVALID_ARGUMENT);
    assert_int_equal(ward_release_keys_read("/nowhere", &read, &err), WARD_NOT_FOUND);
}

static int make_keys(void **state)
{
    static const uint8_t seeds[2][WARD_ED25519_SEED] = {{1}, {2}};

    (void)state;
    assert_int_equal(ward_sign_key_new(seeds[0], &key, &err), WARD_OK);
    assert_int_equal(ward_sign_key_new(seeds[1], &other, &err), WARD_OK);
    signer.key = key;
    stranger.key = other;
    assert_int_equal(ward_vkey_make("release", ward_sign_key_public(key), &signer.vkey, &err),
                     WARD_OK);
    assert_int_equal(
        ward_vkey_make("release", ward_sign_key_public(other), &stranger.vkey, &err), WARD_OK);
    keys = (struct ward_release_keys){1, {signer.vkey}};
    return 0;
}

static int free_keys(void **state)
{
    (void)state;
    ward_sign_key_free(key);
    ward_sign_key_free(other);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_version_that_was_signed_is_read_with_who_signed_it),
        cmocka_unit_test(another_key_s_another_model_s_or_another_file_s_signature_is_refused),
        cmocka_unit_test(a_signature_with_any_byte_changed_is_refused),
        cmocka_unit_test(keys_stand_one_a_line_and_what_is_none_is_named_by_its_line),
    };
    return cmocka_run_group_tests(tests, make_keys, free_keys);
}
