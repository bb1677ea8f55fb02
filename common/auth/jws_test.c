#include "common/auth/auth.h"
#include "common/auth/jose.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#define TYP "ward-door-pack+jwt"

static struct ward_arena mem;
static struct ward_err err;
static struct ward_sign_key *key;
static uint8_t pub[1][WARD_ED25519_PUB];

static int begin(void **state)
{
    const uint8_t seed[WARD_ED25519_SEED] = {3};

    (void)state;
    ward_arena_init(&mem, 1 << 20);
    if (ward_sign_key_new(seed, &key, &err) != WARD_OK)
        return -1;
    memcpy(pub[0], ward_sign_key_public(key), sizeof(pub[0]));
    return 0;
}

static int end(void **state)
{
    (void)state;
    ward_sign_key_free(key);
    ward_arena_done(&mem);
    return 0;
}

static char *signed_as(const char *typ, const char *json)
{
    char *out = NULL;

    assert_int_equal(ward_jws_issue(key, typ, json, &mem, &out, &err), WARD_OK);
    return out;
}

static void what_is_signed_is_read_back_and_checks(void **state)
{
    char *jws = signed_as(TYP, "{\"iss\":\"x\",\"doors\":[{\"door\":\"a\"}]}");
    struct ward_jose t;

    (void)state;
    assert_int_equal(ward_jose_open(&t, &mem, jws, strlen(jws)), WARD_TOKEN_FINE);
    assert_string_equal(t.typ, TYP);
    assert_int_equal(t.alg, WARD_JOSE_EDDSA);
    assert_int_equal(t.sig_len, WARD_ED25519_SIG);
    assert_true(ward_verify(pub[0], t.text, t.text_len, t.sig));
    assert_int_equal(ward_jose_claims(&t, &mem), WARD_TOKEN_FINE);
    assert_string_equal(ward_jose_text(&t, "iss"), "x");
}

static void a_document_is_no_token_whatever_it_claims(void **state)
{
    struct ward_ppid p = {.patient = "s",
                          .place = "p",
                          .method = "face",
                          .purpose = "u",
                          .device = "",
                          .actor = "",
                          .model = ""};
    struct ward_ppid read;
    char *token = NULL, *as_pack;
    struct ward_jose t;

    (void)state;
    assert_int_equal(ward_ppid_issue(key, &p, 60, &mem, &token, &err), WARD_OK);
    assert_int_equal(ward_ppid_check(pub, 1, &mem, token, &read, &err), WARD_OK);
    /* The claims of a valid token, signed with the same key, but with another typ. */
    assert_int_equal(ward_jose_open(&t, &mem, token, strlen(token)), WARD_TOKEN_FINE);
    as_pack =
        signed_as(TYP, ward_printf(&mem, "%.*s", (int)t.payload_len, (const char *)t.payload));
    assert_int_equal(ward_ppid_check(pub, 1, &mem, as_pack, &read, &err), WARD_UNAUTHENTICATED);
    assert_string_equal(err.reason, "PPID_MALFORMED");
}

static void what_is_no_object_is_not_signed(void **state)
{
    static const char *const BAD[] = {"", "[]", "{", "\"a\"", "{\"a\":1,\"a\":2}"};
    char *out = NULL;

    (void)state;
    for (size_t i = 0; i < WARD_COUNT(BAD); i++)
        assert_int_equal(ward_jws_issue(key, TYP, BAD[i], &mem, &out, &err), WARD_INTERNAL);
    assert_null(out);
}

static void no_memory_is_said(void **state)
{
    struct ward_arena small;
    char *out = NULL;

    (void)state;
    for (int n = 1; n < 10; n++) {
        enum ward_code code;

        ward_arena_init(&small, 1 << 16);
        small.fail_at = n;
        code = ward_jws_issue(key, TYP, "{\"a\":1}", &small, &out, &err);
        assert_true(code == WARD_RESOURCE_EXHAUSTED || code == WARD_OK);
        assert_true(n > 1 || code == WARD_RESOURCE_EXHAUSTED);
        ward_arena_done(&small);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_signed_is_read_back_and_checks),
        cmocka_unit_test(a_document_is_no_token_whatever_it_claims),
        cmocka_unit_test(what_is_no_object_is_not_signed),
        cmocka_unit_test(no_memory_is_said),
    };

    return cmocka_run_group_tests(tests, begin, end);
}
