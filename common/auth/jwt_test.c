#include "common/auth/auth.h"
#include "common/auth/jose.h"
#include "common/auth/jwt_vectors.h"
#include "common/base/clock.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

/* claims of issuer "i" about subject "s", for audience "a" */
#define WHO "\"iss\":\"i\",\"aud\":\"a\",\"sub\":\"s\""

static struct ward_arena mem;
static struct ward_err err;
static char path[] = "/tmp/ward-jwks-XXXXXX";

static int begin(void **state)
{
    int fd = mkstemp(path);

    (void)state;
    ward_arena_init(&mem, 16 << 20);
    return fd < 0 ? -1 : close(fd);
}

static int end(void **state)
{
    (void)state;
    unlink(path);
    ward_arena_done(&mem);
    return 0;
}

static void store(const char *json)
{
    FILE *f = fopen(path, "w");

    assert_non_null(f);
    assert_true(fputs(json, f) >= 0);
    assert_int_equal(fclose(f), 0);
}

static struct ward_jwks *open_jwks(const char *json)
{
    struct ward_jwks *j = NULL;

    store(json);
    assert_int_equal(ward_jwks_open(&(struct ward_jwks_config){.path = path,
                                                               .issuer = "https://issuer.test",
                                                               .audience = "ward"},
                                    &j, &err),
                     WARD_OK);
    return j;
}

/* Returns the reason of a rejection, "" for a valid token. */
static const char *verdict(struct ward_jwks *j, const char *token, struct ward_principal *who)
{
    struct ward_principal untouched = *who;

    err = (struct ward_err){0};
    if (ward_jwt_check(j, &mem, token, strlen(token), who, &err) == WARD_OK)
        return "";
    assert_int_equal(err.code, WARD_UNAUTHENTICATED);
    assert_memory_equal(who, &untouched, sizeof(untouched));
    return err.reason;
}

static void tokens_made_by_node_get_their_verdicts(void **state)
{
    struct ward_jwks *j = open_jwks(NODE_JWKS);

    (void)state;
    for (size_t i = 0; i < WARD_COUNT(NODE_TOKENS); i++) {
        struct ward_principal who = {0};
        const char *got = verdict(j, NODE_TOKENS[i].token, &who);

        if (strcmp(got, NODE_TOKENS[i].reason) != 0)
            fail_msg("%s: \"%s\", not \"%s\"", NODE_TOKENS[i].name, got, NODE_TOKENS[i].reason);
        if (*got == '\0') {
            assert_string_equal(who.subject, "nurse-7");
            assert_string_equal(who.issuer, "https://issuer.test");
            assert_string_equal(who.ward, "3B");
            assert_string_equal(who.purpose, "TREAT");
            assert_int_equal(who.n_roles, 2);
            assert_true(ward_principal_has(&who, "pharmacist"));
            assert_false(ward_principal_has(&who, "nurse "));
            assert_int_equal(who.expires_at, 4102444800);
            assert_string_equal(who.token, NODE_TOKENS[i].token);
        }
    }
    ward_jwks_close(j);
}

/* If any character of a valid token changes, the token is rejected. */
static void every_character_counts(void **state)
{
    struct ward_jwks *j = open_jwks(NODE_JWKS);
    const char *good = NODE_TOKENS[2].token;
    size_t n = strlen(good);
    char *token = ward_strdup(&mem, good);

    (void)state;
    assert_string_equal(NODE_TOKENS[2].name, "EdDSA");
    for (size_t i = 0; i < n; i++) {
        struct ward_principal who = {0};

        token[i] = good[i] == 'A' ? 'B' : 'A';
        assert_string_not_equal(verdict(j, token, &who), "");
        token[i] = good[i];
    }
    ward_jwks_close(j);
}

/* RFC 7515, A.2 and A.3; RFC 8037, A.4. The claims of these tokens are expired or are not
 * claims. The signature is checked first, so a reason about the claims shows that the signature
 * is valid. */
static void the_rfcs_signatures_pass(void **state)
{
    static const char jwks[] =
        "{\"keys\":[{\"kty\":\"RSA\",\"e\":\"AQAB\",\"n\":"
        "\"ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEz"
        "P1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63k"
        "paSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9k"
        "G4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ"
        "\"},{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":"
        "\"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU"
        "\",\"y\":\"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0\"},{\"kty\":\"OKP\",\"crv\":"
        "\"Ed25519\",\"x\":\"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo\"}]}";
#define JOE                                                                                    \
    "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0" \
    "cnVlfQ."
    static const struct {
        const char *token, *reason;
    } rfc[] = {
        {"eyJhbGciOiJSUzI1NiJ9." JOE
         "cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_"
         "O8W2Fp5jujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIA"
         "RNPvkSjtQBMHlb1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPq"
         "vhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77"
         "Rw",
         "TOKEN_EXPIRED"},
        {"eyJhbGciOiJFUzI1NiJ9." JOE
         "DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1"
         "Q",
         "TOKEN_EXPIRED"},
        {"eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc."
         "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KA"
         "g",
         "TOKEN_MALFORMED"},
    };
    struct ward_jwks *j = open_jwks(jwks);

    (void)state;
    for (size_t i = 0; i < WARD_COUNT(rfc); i++) {
        struct ward_principal who = {0};
        char *changed = ward_strdup(&mem, rfc[i].token), *sig = strrchr(changed, '.') + 5;

        assert_string_equal(verdict(j, rfc[i].token, &who), rfc[i].reason);
        *sig = *sig == 'x' ? 'y' : 'x';
        assert_string_equal(verdict(j, changed, &who), "TOKEN_SIGNATURE");
    }
    ward_jwks_close(j);
}

/* Source: RFC 8037, A.3. */
static void the_thumbprint_is_the_rfcs(void **state)
{
    static const uint8_t pub[] = {0xd7, 0x5a, 0x98, 0x01, 0x82, 0xb1, 0x0a, 0xb7,
                                  0xd5, 0x4b, 0xfe, 0xd3, 0xc9, 0x64, 0x07, 0x3a,
                                  0x0e, 0xe1, 0x72, 0xf3, 0xda, 0xa6, 0x23, 0x25,
                                  0xaf, 0x02, 0x1a, 0x68, 0xf7, 0x07, 0x51, 0x1a};
    char text[WARD_THUMBPRINT];

    (void)state;
    ward_jose_thumbprint(pub, text);
    assert_string_equal(text, "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k");
}

static struct ward_sign_key *new_key(uint8_t first)
{
    const uint8_t seed[WARD_ED25519_SEED] = {first};
    struct ward_sign_key *key = NULL;

    assert_int_equal(ward_sign_key_new(seed, &key, &err), WARD_OK);
    return key;
}

static const struct ward_principal nurse = {.subject = "nurse-1",
                                            .issuer = "https://issuer.test",
                                            .ward = "",
                                            .purpose = "TREAT",
                                            .n_roles = 1,
                                            .roles = {"nurse"}};

static void what_we_issue_we_accept(void **state)
{
    struct ward_sign_key *key = new_key(1);
    struct ward_principal who = {0};
    struct ward_jwks *j;
    char *token, *jwks;

    (void)state;
    assert_int_equal(
        ward_jwks_print((const struct ward_sign_key *const *)&key, 1, &mem, &jwks, &err),
        WARD_OK);
    j = open_jwks(jwks);
    assert_int_equal(ward_jwt_issue(key, &nurse, "ward", 60, &mem, &token, &err), WARD_OK);
    assert_string_equal(verdict(j, token, &who), "");
    assert_string_equal(who.subject, "nurse-1");
    assert_string_equal(who.ward, "");
    assert_int_equal(who.n_roles, 1);
    assert_int_equal(ward_jwt_issue(key, &nurse, "other", 60, &mem, &token, &err), WARD_OK);
    assert_string_equal(verdict(j, token, &who), "TOKEN_AUDIENCE");
    assert_int_equal(ward_jwt_issue(key, &nurse, "ward", 0, &mem, &token, &err),
                     WARD_INVALID_ARGUMENT);
    ward_jwks_close(j);
    ward_sign_key_free(key);
}

static void clocks_may_differ_by_the_skew_and_no_more(void **state)
{
    struct ward_sign_key *key = new_key(1);
    char kid[WARD_THUMBPRINT], *token, *jwks;
    int64_t now = ward_wall_us() / 1000000;
    const struct {
        int64_t nbf, exp;
        const char *reason;
    } rows[] = {{now - 900, now - 250, ""},
                {now - 900, now - 301, "TOKEN_EXPIRED"},
                {now + 250, now + 900, ""},
                {now + 400, now + 900, "TOKEN_NOT_YET_VALID"}};
    struct ward_jwks *j;

    (void)state;
    ward_jose_thumbprint(ward_sign_key_public(key), kid);
    assert_int_equal(
        ward_jwks_print((const struct ward_sign_key *const *)&key, 1, &mem, &jwks, &err),
        WARD_OK);
    store(jwks);
    assert_int_equal(ward_jwks_open(
                         &(struct ward_jwks_config){
                             .path = path, .issuer = "i", .audience = "a", .skew_s = 300},
                         &j, &err),
                     WARD_OK);
    for (size_t i = 0; i < WARD_COUNT(rows); i++) {
        struct ward_principal who = {0};
        const char *claims =
            ward_printf(&mem, "{" WHO ",\"nbf\":%" PRId64 ",\"exp\":%" PRId64 "}", rows[i].nbf,
                        rows[i].exp);

        assert_int_equal(ward_jose_sign(key, "JWT", claims, &mem, &token, &err), WARD_OK);
        assert_string_equal(verdict(j, token, &who), rows[i].reason);
    }
    ward_jwks_close(j);
    ward_sign_key_free(key);
}

static void a_token_that_is_good_for_too_long_is_refused(void **state)
{
    struct ward_sign_key *key = new_key(1);
    char *token, *jwks;
    int64_t now = ward_wall_us() / 1000000;
    const struct {
        int64_t iat, exp; /* iat 0: the claim is absent */
        const char *reason;
    } rows[] = {{now, now + 3600, ""},
                {now, now + 3601, "TOKEN_LIFETIME"},
                {now - 90000, now + 60, "TOKEN_LIFETIME"}, /* 60 s left, lifetime too long */
                {now + 90000, now + 90060, "TOKEN_LIFETIME"},
                {0, now + 3000, ""},
                {0, now + 4000, "TOKEN_LIFETIME"}};
    struct ward_jwks *j;

    (void)state;
    assert_int_equal(
        ward_jwks_print((const struct ward_sign_key *const *)&key, 1, &mem, &jwks, &err),
        WARD_OK);
    store(jwks);
    assert_int_equal(
        ward_jwks_open(
            &(struct ward_jwks_config){
                .path = path, .issuer = "i", .audience = "a", .skew_s = 30, .max_s = 3600},
            &j, &err),
        WARD_OK);
    for (size_t i = 0; i < WARD_COUNT(rows); i++) {
        struct ward_principal who = {0};
        const char *iat =
            rows[i].iat == 0 ? "" : ward_printf(&mem, ",\"iat\":%" PRId64, rows[i].iat);
        const char *claims =
            ward_printf(&mem, "{" WHO ",\"exp\":%" PRId64 "%s}", rows[i].exp, iat);

        assert_int_equal(ward_jose_sign(key, "JWT", claims, &mem, &token, &err), WARD_OK);
        assert_string_equal(verdict(j, token, &who), rows[i].reason);
    }
    ward_jwks_close(j);
    ward_sign_key_free(key);
}

/* The token is valid except for its length. */
static void a_token_too_long_is_refused(void **state)
{
    struct ward_sign_key *key = new_key(1);
    struct ward_principal who = {0};
    struct ward_jwks *j;
    char *jwks, *token, padding[WARD_TOKEN_BYTES];
    const struct {
        size_t padding;
        const char *reason;
    } rows[] = {{5700, ""}, {6200, "TOKEN_MALFORMED"}};

    (void)state;
    assert_int_equal(
        ward_jwks_print((const struct ward_sign_key *const *)&key, 1, &mem, &jwks, &err),
        WARD_OK);
    j = open_jwks(jwks);
    memset(padding, 'x', sizeof(padding));
    for (size_t i = 0; i < WARD_COUNT(rows); i++) {
        const char *claims =
            ward_printf(&mem,
                        "{\"iss\":\"https://issuer.test\",\"aud\":\"ward\",\"sub\":\"s\","
                        "\"exp\":4102444800,\"x\":\"%.*s\"}",
                        (int)rows[i].padding, padding);

        assert_int_equal(ward_jose_sign(key, "JWT", claims, &mem, &token, &err), WARD_OK);
        assert_int_equal(strlen(token) > WARD_TOKEN_BYTES, i);
        assert_string_equal(verdict(j, token, &who), rows[i].reason);
        who = (struct ward_principal){0};
    }
    assert_string_equal(verdict(j, "", &who), "TOKEN_MALFORMED");
    assert_string_equal(verdict(j, "..", &who), "TOKEN_MALFORMED");
    ward_jwks_close(j);
    ward_sign_key_free(key);
}

/* Tokens are rejected if audit would reject an event with their claims. */
static void who_cannot_be_written_down_is_nobody(void **state)
{
    static const char x[] = "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
                            "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx";
    const struct {
        const char *sub, *ward, *purpose, *reason;
    } rows[] = {
        {x, x, x + 64, ""},
        {"D\xc3\xa9sir\xc3\xa9", "\xe6\x97\xa5", "TREAT", ""},
        {"nurse\n7", "", "", "TOKEN_SUBJECT"},
        {"nurse\xc2\x85"
         "7",
         "", "", "TOKEN_SUBJECT"},
        {"\x7f", "", "", "TOKEN_SUBJECT"},
        {"s", "3B\t", "", "TOKEN_MALFORMED"},
        {"s", "", "TREAT\x1b[2J", "TOKEN_MALFORMED"},
        {"s", "", x + 63, "TOKEN_MALFORMED"},
    };
    struct ward_sign_key *key = new_key(1);
    struct ward_jwks *j;
    char *jwks, *token;

    (void)state;
    assert_int_equal(
        ward_jwks_print((const struct ward_sign_key *const *)&key, 1, &mem, &jwks, &err),
        WARD_OK);
    j = open_jwks(jwks);
    for (size_t i = 0; i < WARD_COUNT(rows); i++) {
        struct ward_principal who = {0};
        struct ward_json_out w = {.mem = &mem};
        const char *claims = NULL;

        ward_json_object_begin(&w);
        ward_json_put_text(&w, "iss", "https://issuer.test");
        ward_json_put_text(&w, "aud", "ward");
        ward_json_put_text(&w, "sub", rows[i].sub);
        ward_json_put_int(&w, "exp", 4102444800);
        ward_json_put_text(&w, "ward", rows[i].ward);
        ward_json_put_text(&w, "purpose", rows[i].purpose);
        ward_json_object_end(&w);
        assert_int_equal(ward_json_done(&w, &claims, NULL, &err), WARD_OK);
        assert_int_equal(ward_jose_sign(key, "JWT", claims, &mem, &token, &err), WARD_OK);
        assert_string_equal(verdict(j, token, &who), rows[i].reason);
    }
    ward_jwks_close(j);
    ward_sign_key_free(key);
}

static void no_memory_is_an_answer(void **state)
{
    struct ward_jwks *j = open_jwks(NODE_JWKS);
    const char *token = NODE_TOKENS[2].token;
    struct ward_principal who = {0};
    struct ward_arena tight;
    enum ward_code code;
    int n = 0;

    (void)state;
    ward_arena_init(&tight, 65536);
    do {
        tight.fail_at = ++n;
        code = ward_jwt_check(j, &tight, token, strlen(token), &who, &err);
        assert_true(code == WARD_RESOURCE_EXHAUSTED || code == WARD_OK);
        assert_true((who.subject != NULL) == (code == WARD_OK));
        ward_arena_reset(&tight);
    } while (code != WARD_OK);
    assert_true(n > 8);
    ward_arena_done(&tight);
    ward_jwks_close(j);
}

static void a_refusal_says_nothing_of_the_token(void **state)
{
    struct ward_jwks *j = open_jwks(NODE_JWKS);
    struct ward_principal who = {0};

    (void)state;
    for (size_t i = 0; i < WARD_COUNT(NODE_TOKENS); i++) {
        verdict(j, NODE_TOKENS[i].token, &who);
        assert_null(strstr(err.msg, "nurse-7"));
        assert_null(strstr(err.detail, "nurse-7"));
        assert_string_equal(err.field, "");
    }
    ward_jwks_close(j);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tokens_made_by_node_get_their_verdicts),
        cmocka_unit_test(every_character_counts),
        cmocka_unit_test(the_rfcs_signatures_pass),
        cmocka_unit_test(the_thumbprint_is_the_rfcs),
        cmocka_unit_test(what_we_issue_we_accept),
        cmocka_unit_test(clocks_may_differ_by_the_skew_and_no_more),
        cmocka_unit_test(a_token_that_is_good_for_too_long_is_refused),
        cmocka_unit_test(a_token_too_long_is_refused),
        cmocka_unit_test(who_cannot_be_written_down_is_nobody),
        cmocka_unit_test(no_memory_is_an_answer),
        cmocka_unit_test(a_refusal_says_nothing_of_the_token),
    };

    return cmocka_run_group_tests(tests, begin, end);
}
