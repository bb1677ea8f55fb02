#include "common/auth/auth.h"
#include "common/auth/jose.h"
#include "common/auth/jwt_vectors.h"
#include "common/base/metrics.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static struct ward_arena mem;
static struct ward_err err;
static char dir[] = "/tmp/ward-jwks-XXXXXX", path[64], fresh[64];

static int begin(void **state)
{
    (void)state;
    ward_arena_init(&mem, 4 << 20);
    if (mkdtemp(dir) == NULL)
        return -1;
    snprintf(path, sizeof(path), "%s/jwks.json", dir);
    snprintf(fresh, sizeof(fresh), "%s/fresh", dir);
    return 0;
}

static int end(void **state)
{
    (void)state;
    unlink(path);
    unlink(fresh);
    rmdir(dir);
    ward_arena_done(&mem);
    return 0;
}

/* Replaces the file as a mounted secret changes: another file gets the same name. */
static void replace(const char *json)
{
    FILE *f = fopen(fresh, "w");

    assert_non_null(f);
    assert_true(fputs(json, f) >= 0);
    assert_int_equal(fclose(f), 0);
    assert_int_equal(rename(fresh, path), 0);
}

static enum ward_code open_file(struct ward_jwks **out)
{
    const struct ward_jwks_config cfg = {
        .path = path, .issuer = "https://issuer.test", .audience = "ward"};

    return ward_jwks_open(&cfg, out, &err);
}

static void a_file_that_is_no_key_set_is_refused(void **state)
{
#define RSA "{\"kty\":\"RSA\",\"e\":\"AQAB\",\"n\":\"AQAB\"}"
#define ED                                                                                     \
    "{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"kid\":\"a\",\"x\":"                                \
    "\"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo\"}"
#define OFF_CURVE "{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"AAAA\"}"
    static const struct {
        const char *json, *msg;
    } bad[] = {
        {"", "the file is not a JWKS"},
        {"hello", "the file is not a JWKS"},
        {"[]", "the file is not a JWKS"},
        {"{}", "the file is not a JWKS"},
        {"{\"keys\":7}", "the file is not a JWKS"},
        {"{\"keys\":[],\"keys\":[]}", "the file is not a JWKS"},
        {"{\"keys\":[]}", "the JWKS contains no key for RS256, ES256 or EdDSA"},
        {"{\"keys\":[{}]}", "a key of the JWKS has no kty"},
        {"{\"keys\":[7]}", "a key of the JWKS has no kty"},
        {"{\"keys\":[{\"kty\":\"XY\"}]}", "the JWKS contains no key for RS256, ES256 or EdDSA"},
        {"{\"keys\":[" ED ",{\"kty\":\"oct\",\"k\":\"AAAA\"}]}",
         "the JWKS contains an HMAC key"},
        {"{\"keys\":[{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"d\":\"AAAA\"}]}",
         "the JWKS contains a private key"},
        {"{\"keys\":[" ED "," ED "]}", "the JWKS contains the same kid twice"},
        {"{\"keys\":[{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"AAAA\"}]}",
         "an Ed25519 key is not 32 bytes"},
        {"{\"keys\":[" RSA "]}", "an RSA key (2048 to 8192 bits) or P-256 key is invalid"},
        {"{\"keys\":[" OFF_CURVE "]}",
         "an RSA key (2048 to 8192 bits) or P-256 key is invalid"},
    };
    struct ward_jwks *j = NULL;

    (void)state;
    for (size_t i = 0; i < WARD_COUNT(bad); i++) {
        replace(bad[i].json);
        assert_int_equal(open_file(&j), WARD_FAILED_PRECONDITION);
        assert_string_equal(err.msg, bad[i].msg);
        assert_null(j);
    }
    unlink(path);
    assert_int_equal(open_file(&j), WARD_NOT_FOUND);
    assert_null(j);
}

static void an_empty_issuer_or_audience_is_refused(void **state)
{
    struct ward_jwks_config cfg = {.path = path, .issuer = "", .audience = "ward"};
    struct ward_jwks *j = NULL;

    (void)state;
    replace(NODE_JWKS);
    assert_int_equal(ward_jwks_open(&cfg, &j, &err), WARD_FAILED_PRECONDITION);
    cfg.issuer = "i", cfg.audience = "";
    assert_int_equal(ward_jwks_open(&cfg, &j, &err), WARD_FAILED_PRECONDITION);
    cfg.audience = "a", cfg.skew_s = 301;
    assert_int_equal(ward_jwks_open(&cfg, &j, &err), WARD_FAILED_PRECONDITION);
    assert_null(j);
}

static struct ward_sign_key *new_key(uint8_t first)
{
    const uint8_t seed[WARD_ED25519_SEED] = {first};
    struct ward_sign_key *key = NULL;

    assert_int_equal(ward_sign_key_new(seed, &key, &err), WARD_OK);
    return key;
}

static char *jwks_of(const struct ward_sign_key *key)
{
    char *json = NULL;

    assert_int_equal(ward_jwks_print(&key, 1, &mem, &json, &err), WARD_OK);
    return json;
}

static char *token_of(const struct ward_sign_key *key)
{
    const struct ward_principal who = {
        .subject = "s", .issuer = "https://issuer.test", .ward = "", .purpose = ""};
    char *token = NULL;

    assert_int_equal(ward_jwt_issue(key, &who, "ward", 3600, &mem, &token, &err), WARD_OK);
    return token;
}

/* Checks the file first, then the token. Returns the reason of a rejection, "" for a valid
 * token. */
static const char *verdict(struct ward_jwks *j, const char *token)
{
    struct ward_principal who;

    ward_jwks_look_now(j);
    err = (struct ward_err){0};
    if (ward_jwt_check(j, &mem, token, strlen(token), &who, &err) == WARD_OK)
        return "";
    return err.reason;
}

static double failures;

static void read_failures(const struct ward_family *f, void *arg)
{
    (void)arg;
    if (strcmp(f->name, "ward_auth_jwks_reload_failures_total") == 0)
        failures = atomic_load(&atomic_load(&f->series[0])->value);
}

static void keys_follow_their_file(void **state)
{
    struct ward_sign_key *old = new_key(1), *now = new_key(2);
    char *old_token = token_of(old), *new_token = token_of(now);
    struct ward_jwks *j = NULL;
    uint64_t generation;

    (void)state;
    replace(jwks_of(old));
    assert_int_equal(open_file(&j), WARD_OK);
    generation = ward_jwks_generation(j);
    assert_string_equal(verdict(j, old_token), "");
    assert_string_equal(verdict(j, new_token), "TOKEN_UNKNOWN_KEY");
    assert_true(ward_jwks_generation(j) == generation);
    replace(jwks_of(now));
    ward_jwks_look_now(j);
    assert_true(ward_jwks_generation(j) != generation); /* this call also checks the file */
    assert_string_equal(verdict(j, new_token), "");
    /* the old key was removed */
    assert_string_equal(verdict(j, old_token), "TOKEN_UNKNOWN_KEY");
    ward_jwks_close(j);
    ward_sign_key_free(old);
    ward_sign_key_free(now);
}

static void a_bad_file_keeps_the_last_good_keys_and_counts(void **state)
{
    struct ward_sign_key *key = new_key(1), *next = new_key(2);
    char *token = token_of(key);
    struct ward_jwks *j = NULL;
    double before;

    (void)state;
    replace(jwks_of(key));
    assert_int_equal(open_file(&j), WARD_OK);
    ward_metric_each(read_failures, NULL);
    before = failures;
    replace("{\"keys\":[{\"kty\":\"oct\",\"k\":\"AAAA\"}]}");
    assert_string_equal(verdict(j, token), "");
    unlink(path);
    assert_string_equal(verdict(j, token), "");
    ward_metric_each(read_failures, NULL);
    assert_true(failures == before + 2);
    replace(jwks_of(next)); /* a valid file is loaded without a restart */
    assert_string_equal(verdict(j, token), "TOKEN_UNKNOWN_KEY");
    ward_jwks_close(j);
    ward_sign_key_free(key);
    ward_sign_key_free(next);
}

static void the_file_is_not_looked_at_for_every_token(void **state)
{
    struct ward_sign_key *key = new_key(1);
    char *token = token_of(key);
    struct ward_principal who;
    struct ward_jwks *j = NULL;

    (void)state;
    replace(jwks_of(key));
    assert_int_equal(open_file(&j), WARD_OK);
    ward_jwks_look_now(j);
    for (int i = 0; i < 100; i++)
        assert_int_equal(ward_jwt_check(j, &mem, token, strlen(token), &who, &err), WARD_OK);
    assert_in_range(ward_jwks_looks(j), 1, 99);
    ward_jwks_close(j);
    ward_sign_key_free(key);
}

struct crowd {
    struct ward_jwks *jwks;
    const char *token;
    atomic_bool stop;
    atomic_int good, bad;
};

static void *check_all_along(void *arg)
{
    struct crowd *c = arg;
    struct ward_arena own;

    ward_arena_init(&own, 65536);
    while (!atomic_load(&c->stop)) {
        struct ward_principal who;
        struct ward_err e;

        ward_jwks_look_now(c->jwks);
        if (ward_jwt_check(c->jwks, &own, c->token, strlen(c->token), &who, &e) == WARD_OK)
            atomic_fetch_add(&c->good, 1);
        else
            atomic_fetch_add(&c->bad, 1);
        ward_arena_reset(&own);
    }
    ward_arena_done(&own);
    return NULL;
}

/* Replaces the keys while tokens are being verified. A sanitizer build detects races here. */
static void no_check_fails_while_the_file_changes(void **state)
{
    struct ward_sign_key *key = new_key(1), *other = new_key(2);
    const struct ward_sign_key *both[] = {key, other}, *turned[] = {other, key};
    char *a, *b;
    struct crowd c = {.token = token_of(key)};
    pthread_t threads[3];

    (void)state;
    assert_int_equal(ward_jwks_print(both, 2, &mem, &a, &err), WARD_OK);
    assert_int_equal(ward_jwks_print(turned, 2, &mem, &b, &err), WARD_OK);
    replace(a);
    assert_int_equal(open_file(&c.jwks), WARD_OK);
    for (size_t i = 0; i < WARD_COUNT(threads); i++)
        assert_int_equal(pthread_create(&threads[i], NULL, check_all_along, &c), 0);
    for (int i = 0; i < 200; i++)
        replace(i % 2 == 0 ? b : a);
    while (atomic_load(&c.good) == 0)
        usleep(1000);
    atomic_store(&c.stop, true);
    for (size_t i = 0; i < WARD_COUNT(threads); i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(atomic_load(&c.bad), 0);
    ward_jwks_close(c.jwks);
    ward_sign_key_free(key);
    ward_sign_key_free(other);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_file_that_is_no_key_set_is_refused),
        cmocka_unit_test(an_empty_issuer_or_audience_is_refused),
        cmocka_unit_test(keys_follow_their_file),
        cmocka_unit_test(a_bad_file_keeps_the_last_good_keys_and_counts),
        cmocka_unit_test(the_file_is_not_looked_at_for_every_token),
        cmocka_unit_test(no_check_fails_while_the_file_changes),
    };

    return cmocka_run_group_tests(tests, begin, end);
}
