#include "common/auth/auth.h"
#include "common/auth/jose.h"
#include "common/base/clock.h"
#include "common/base/text.h"

#include <inttypes.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static struct ward_arena mem;
static struct ward_err err;
static struct ward_sign_key *key;
static uint8_t keys[2][WARD_ED25519_PUB]; /* another issuer's key, then ours */

static int begin(void **state)
{
    const uint8_t seed[WARD_ED25519_SEED] = {7};

    (void)state;
    ward_arena_init(&mem, 16 << 20);
    if (ward_sign_key_new(seed, &key, &err) != WARD_OK)
        return -1;
    memset(keys[0], 9, sizeof(keys[0]));
    memcpy(keys[1], ward_sign_key_public(key), sizeof(keys[1]));
    return 0;
}

static int end(void **state)
{
    (void)state;
    ward_sign_key_free(key);
    ward_arena_done(&mem);
    return 0;
}

static struct ward_ppid bedside(void)
{
    return (struct ward_ppid){.patient = "0190b0f2",
                              .place = "3B/12",
                              .device = "tablet-4",
                              .purpose = "TREAT",
                              .method = "face",
                              .actor = "nurse-7",
                              .score = 0.6789012345678901,
                              .model = "abcdef"};
}

/* Returns the reason of a rejection, "" for a valid token. */
static const char *verdict(const char *token, int n_keys)
{
    struct ward_ppid out = {0}, untouched = {0};

    err = (struct ward_err){0};
    if (ward_ppid_check(keys, n_keys, &mem, token, &out, &err) == WARD_OK)
        return "";
    assert_int_equal(err.code, WARD_UNAUTHENTICATED);
    assert_memory_equal(&out, &untouched, sizeof(out));
    return err.reason;
}

static void what_is_issued_is_what_is_checked(void **state)
{
    struct ward_ppid in = bedside(), out;
    uint8_t id[16];
    char *token;

    (void)state;
    assert_int_equal(ward_ppid_issue(key, &in, 60, &mem, &token, &err), WARD_OK);
    assert_int_equal(in.expires_at, in.issued_at + 60);
    assert_int_equal(ward_ppid_check(keys, 2, &mem, token, &out, &err), WARD_OK);
    assert_string_equal(out.token_id, in.token_id);
    assert_true(ward_uuid_parse(out.token_id, id));
    assert_string_equal(out.patient, "0190b0f2");
    assert_string_equal(out.place, "3B/12");
    assert_string_equal(out.device, "tablet-4");
    assert_string_equal(out.purpose, "TREAT");
    assert_string_equal(out.method, "face");
    assert_string_equal(out.actor, "nurse-7");
    assert_string_equal(out.model, "abcdef");
    assert_true(out.score == in.score); /* equal in every bit */
    assert_int_equal(out.issued_at, in.issued_at);
    assert_int_equal(out.expires_at, in.expires_at);
}

static void a_second_person_stands_in_the_token_or_is_empty(void **state)
{
    struct ward_ppid in = bedside(), out;
    char long_text[130], *token;

    (void)state;
    assert_int_equal(ward_ppid_issue(key, &in, 60, &mem, &token, &err), WARD_OK);
    assert_int_equal(ward_ppid_check(keys, 2, &mem, token, &out, &err), WARD_OK);
    assert_string_equal(out.witness, "");
    in.witness = "nurse-9";
    assert_int_equal(ward_ppid_issue(key, &in, 60, &mem, &token, &err), WARD_OK);
    assert_int_equal(ward_ppid_check(keys, 2, &mem, token, &out, &err), WARD_OK);
    assert_string_equal(out.witness, "nurse-9");
    assert_string_equal(out.actor, "nurse-7");
    memset(long_text, 'x', sizeof(long_text));
    long_text[129] = '\0';
    in.witness = long_text;
    assert_int_equal(ward_ppid_issue(key, &in, 60, &mem, &token, &err), WARD_INVALID_ARGUMENT);
}

static void a_key_is_called_what_its_tokens_call_it(void **state)
{
    struct ward_ppid in = bedside();
    char kid[WARD_PPID_KID], *token;
    struct ward_jose t;

    (void)state;
    ward_ppid_kid(keys[1], kid);
    assert_int_equal(ward_ppid_issue(key, &in, 60, &mem, &token, &err), WARD_OK);
    assert_int_equal(ward_jose_open(&t, &mem, token, strlen(token)), WARD_TOKEN_FINE);
    assert_string_equal(t.kid, kid);
}

static void no_two_tokens_have_one_id(void **state)
{
    struct ward_ppid a = bedside(), b = bedside();
    char *token;

    (void)state;
    assert_int_equal(ward_ppid_issue(key, &a, 1, &mem, &token, &err), WARD_OK);
    assert_int_equal(ward_ppid_issue(key, &b, 1, &mem, &token, &err), WARD_OK);
    assert_string_not_equal(a.token_id, b.token_id);
}

static void a_token_that_says_too_little_is_not_issued(void **state)
{
    static const char *const none = "";
    char long_text[130];
    struct ward_ppid p;
    char *token = NULL;

    (void)state;
    memset(long_text, 'x', sizeof(long_text));
    long_text[129] = '\0';
    for (int i = 0; i < 6; i++) {
        p = bedside();
        p.patient = i == 0 ? none : p.patient;
        p.place = i == 1 ? none : p.place;
        p.method = i == 2 ? none : p.method;
        p.device = i == 3 ? long_text : p.device;
        p.score = i == 4 ? (double)NAN : i == 5 ? (double)INFINITY : p.score;
        assert_int_equal(ward_ppid_issue(key, &p, 60, &mem, &token, &err),
                         WARD_INVALID_ARGUMENT);
    }
    p = bedside();
    assert_int_equal(ward_ppid_issue(key, &p, 0, &mem, &token, &err), WARD_INVALID_ARGUMENT);
    assert_int_equal(ward_ppid_issue(key, &p, WARD_PPID_MAX_S + 1, &mem, &token, &err),
                     WARD_INVALID_ARGUMENT);
    assert_null(token);
    assert_null(p.token_id);
}

static void every_character_counts(void **state)
{
    struct ward_ppid p = bedside();
    char *token;

    (void)state;
    assert_int_equal(ward_ppid_issue(key, &p, 60, &mem, &token, &err), WARD_OK);
    for (char *c = token; *c != '\0'; c++) {
        char was = *c;

        *c = was == 'A' ? 'B' : 'A';
        assert_string_not_equal(verdict(token, 2), "");
        *c = was;
    }
    assert_string_equal(verdict(token, 2), "");
}

static void another_key_is_unknown(void **state)
{
    struct ward_ppid p = bedside();
    char *token;

    (void)state;
    assert_int_equal(ward_ppid_issue(key, &p, 60, &mem, &token, &err), WARD_OK);
    assert_string_equal(verdict(token, 1), "PPID_UNKNOWN_KEY");
    assert_string_equal(verdict(token, 0), "PPID_UNKNOWN_KEY");
}

static void the_two_kinds_of_token_are_never_taken_for_one_another(void **state)
{
    const struct ward_principal who = {
        .subject = "s", .issuer = WARD_PPID_ISSUER, .ward = "", .purpose = ""};
    char *bearer;

    (void)state;
    assert_int_equal(ward_jwt_issue(key, &who, WARD_PPID_AUDIENCE, 60, &mem, &bearer, &err),
                     WARD_OK);
    assert_string_equal(verdict(bearer, 2), "PPID_MALFORMED");
    /* jwt_test.c tests a PPID token as a bearer token ("type ppid+jwt") */
}

/* Signs any claims with our key. */
static const char *made(const char *typ, const char *claims)
{
    char *token = NULL;

    assert_int_equal(ward_jose_sign(key, typ, claims, &mem, &token, &err), WARD_OK);
    return token;
}

/* Returns valid claims, but replaces `claim` with the JSON `value`. If `value` is NULL, removes
 * the claim. */
static const char *with(const char *claim, const char *value, int64_t iat, int64_t exp)
{
    const char *const claims[][2] = {
        {"iss", "\"" WARD_PPID_ISSUER "\""},
        {"aud", "\"" WARD_PPID_AUDIENCE "\""},
        {"jti", "\"0190b0f2-1111-7222-8333-444444444444\""},
        {"sub", "\"p\""},
        {"place", "\"b\""},
        {"device", "\"d\""},
        {"purpose", "\"TREAT\""},
        {"method", "\"face\""},
        {"actor", "\"\""},
        {"score", "0.5"},
        {"model", "\"\""},
        {"iat", ward_printf(&mem, "%" PRId64, iat)},
        {"exp", ward_printf(&mem, "%" PRId64, exp)},
    };
    char *text = ward_strdup(&mem, "");

    for (size_t i = 0; i < WARD_COUNT(claims); i++)
        if (strcmp(claims[i][0], claim) != 0)
            text = ward_printf(&mem, "%s%s\"%s\":%s", text, *text == '\0' ? "" : ",",
                               claims[i][0], claims[i][1]);
    if (value != NULL)
        text = ward_printf(&mem, "%s,\"%s\":%s", text, claim, value);
    return ward_printf(&mem, "{%s}", text);
}

static void age_is_counted_to_the_second(void **state)
{
    int64_t now = ward_wall_us() / 1000000;
    const struct {
        int64_t iat, exp;
        const char *reason;
    } rows[] = {
        {now - 60, now + 60, ""},
        {now - 60, now, "PPID_EXPIRED"},
        {now + 3, now + 63, ""}, /* identity's clock is a little ahead */
        {now + 60, now + 100, "PPID_NOT_YET_VALID"},
        {now - 60, now + 61, "PPID_CLAIMS"}, /* the lifetime is too long */
        {now + 60, now + 60, "PPID_CLAIMS"},
        {now + 60, now + 30, "PPID_CLAIMS"},
    };

    (void)state;
    for (size_t i = 0; i < WARD_COUNT(rows); i++)
        assert_string_equal(
            verdict(made("ppid+jwt", with("x", NULL, rows[i].iat, rows[i].exp)), 2),
            rows[i].reason);
}

static void claims_must_all_be_there_and_make_sense(void **state)
{
    static const char *const texts[] = {"jti",     "sub",    "place", "device",
                                        "purpose", "method", "actor", "model"};
    int64_t now = ward_wall_us() / 1000000;
    char long_text[132];
    const struct {
        const char *claim;
        const char *value; /* JSON */
        const char *reason;
    } rows[] = {
        {"iss", "\"spiffe://ward/records\"", "PPID_ISSUER"},
        {"iss", NULL, "PPID_ISSUER"},
        {"aud", "\"ward\"", "PPID_ISSUER"},
        {"sub", "\"\"", "PPID_CLAIMS"},
        {"place", "\"\"", "PPID_CLAIMS"},
        {"jti", "\"1\"", "PPID_CLAIMS"},
        {"score", "\"0.9\"", "PPID_CLAIMS"},
        {"score", NULL, "PPID_CLAIMS"},
        {"iat", NULL, "PPID_CLAIMS"},
        {"exp", NULL, "PPID_CLAIMS"},
        {"exp", "\"9\"", "PPID_CLAIMS"},
        {"witness", "1", "PPID_CLAIMS"},
        {"witness", "null", "PPID_CLAIMS"},
    };

    (void)state;
    memset(long_text, 'x', sizeof(long_text));
    long_text[0] = long_text[130] = '"'; /* 129 characters */
    long_text[131] = '\0';
    for (size_t i = 0; i < WARD_COUNT(rows); i++)
        assert_string_equal(
            verdict(made("ppid+jwt", with(rows[i].claim, rows[i].value, now, now + 60)), 2),
            rows[i].reason);
    for (size_t i = 0; i < WARD_COUNT(texts); i++) {
        const char *const values[] = {NULL, "1", long_text};

        for (size_t k = 0; k < WARD_COUNT(values); k++)
            assert_string_equal(
                verdict(made("ppid+jwt", with(texts[i], values[k], now, now + 60)), 2),
                "PPID_CLAIMS");
    }
    assert_string_equal(verdict(made("JWT", with("x", NULL, now, now + 60)), 2),
                        "PPID_MALFORMED");
    assert_string_equal(verdict(made("ppid+jwt", "[]"), 2), "PPID_MALFORMED");
}

/* The header has our own kid, so only the algorithm can be rejected. */
static void no_other_algorithm_is_taken(void **state)
{
    static const char *const algs[] = {"none", "HS256", "RS256", "ES256", "eddsa"};
    char kid[WARD_THUMBPRINT], text[256];

    (void)state;
    ward_jose_thumbprint(keys[1], kid);
    for (size_t i = 0; i < WARD_COUNT(algs); i++) {
        char *header = ward_printf(&mem, "{\"alg\":\"%s\",\"kid\":\"%s\",\"typ\":\"ppid+jwt\"}",
                                   algs[i], kid);

        ward_base64url(header, strlen(header), text);
        assert_string_equal(verdict(ward_printf(&mem, "%s.e30.AAAA", text), 2),
                            "PPID_ALGORITHM");
    }
}

static void no_memory_is_an_answer(void **state)
{
    struct ward_ppid p = bedside(), out = {0};
    struct ward_arena tight;
    enum ward_code code;
    char *token;
    int n = 0;

    (void)state;
    assert_int_equal(ward_ppid_issue(key, &p, 60, &mem, &token, &err), WARD_OK);
    ward_arena_init(&tight, 65536);
    do {
        tight.fail_at = ++n;
        code = ward_ppid_check(keys, 2, &tight, token, &out, &err);
        assert_true(code == WARD_RESOURCE_EXHAUSTED || code == WARD_OK);
        assert_true((out.patient != NULL) == (code == WARD_OK));
        ward_arena_reset(&tight);
    } while (code != WARD_OK);
    assert_true(n > 8);
    n = 0;
    do {
        tight.fail_at = ++n;
        code = ward_ppid_issue(key, &p, 60, &tight, &token, &err);
        assert_true(code == WARD_RESOURCE_EXHAUSTED || code == WARD_OK);
        ward_arena_reset(&tight);
    } while (code != WARD_OK);
    assert_true(n > 2);
    ward_arena_done(&tight);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_issued_is_what_is_checked),
        cmocka_unit_test(a_second_person_stands_in_the_token_or_is_empty),
        cmocka_unit_test(a_key_is_called_what_its_tokens_call_it),
        cmocka_unit_test(no_two_tokens_have_one_id),
        cmocka_unit_test(a_token_that_says_too_little_is_not_issued),
        cmocka_unit_test(every_character_counts),
        cmocka_unit_test(another_key_is_unknown),
        cmocka_unit_test(the_two_kinds_of_token_are_never_taken_for_one_another),
        cmocka_unit_test(age_is_counted_to_the_second),
        cmocka_unit_test(claims_must_all_be_there_and_make_sense),
        cmocka_unit_test(no_other_algorithm_is_taken),
        cmocka_unit_test(no_memory_is_an_answer),
    };

    return cmocka_run_group_tests(tests, begin, end);
}
