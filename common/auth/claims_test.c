/* Tokens of issuers whose names for claims and roles differ from Ward's. */
#include "common/auth/auth.h"
#include "common/auth/jose.h"
#include "common/base/clock.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static struct ward_arena mem;
static struct ward_err err;
static char path[] = "/tmp/ward-claims-XXXXXX";
static struct ward_sign_key *key;

static int begin(void **state)
{
    int fd = mkstemp(path);
    uint8_t seed[WARD_ED25519_SEED] = {7};
    char *jwks;
    FILE *f;

    (void)state;
    ward_arena_init(&mem, 1 << 20);
    if (fd < 0 || close(fd) != 0 || ward_sign_key_new(seed, &key, &err) != WARD_OK ||
        ward_jwks_print((const struct ward_sign_key *const *)&key, 1, &mem, &jwks, &err) !=
            WARD_OK)
        return -1;
    f = fopen(path, "w");
    return f == NULL || fputs(jwks, f) < 0 ? -1 : fclose(f);
}

static int end(void **state)
{
    (void)state;
    unlink(path);
    ward_sign_key_free(key);
    ward_arena_done(&mem);
    return 0;
}

static enum ward_code names(const struct ward_claim_names *claims, struct ward_jwks **out)
{
    err = (struct ward_err){0};
    return ward_jwks_open(
        &(struct ward_jwks_config){
            .path = path, .issuer = "i", .audience = "a", .claims = *claims},
        out, &err);
}

/* Checks a token with these claims and fills *who. Returns the reason of a rejection, "" for a
 * valid token. */
static const char *read_with(const struct ward_claim_names *claims, const char *more,
                             struct ward_principal *who)
{
    int64_t now = ward_wall_us() / 1000000;
    struct ward_jwks *j = NULL;
    enum ward_code code;
    char *token;

    ward_arena_reset(&mem);
    assert_int_equal(names(claims, &j), WARD_OK);
    *who = (struct ward_principal){0};
    assert_int_equal(
        ward_jose_sign(key, "JWT",
                       ward_printf(&mem, "{\"iss\":\"i\",\"aud\":\"a\",\"exp\":%" PRId64 "%s}",
                                   now + 60, more),
                       &mem, &token, &err),
        WARD_OK);
    err = (struct ward_err){0};
    code = ward_jwt_check(j, &mem, token, strlen(token), who, &err);
    ward_jwks_close(j);
    return code == WARD_OK ? "" : err.reason;
}

#define KEYCLOAK                                                                               \
    ",\"sub\":\"f1e2\",\"preferred_username\":\"anna\",\"realm_access\":{\"roles\":["          \
    "\"offline_access\",\"uma_authorization\",\"nurse\"]},\"resource_access\":{\"ward.app\":{" \
    "\"roles\":[\"pharmacist\"]}},\"https://hospital.example/ward\":\"3B\""

static void roles_are_found_where_keycloak_has_them(void **state)
{
    struct ward_claim_names claims = {.roles = "realm_access.roles",
                                      .ward = "https://hospital.example/ward"};
    struct ward_principal who;

    (void)state;
    assert_string_equal(read_with(&claims, KEYCLOAK, &who), "");
    assert_string_equal(who.subject, "f1e2");
    assert_string_equal(who.ward, "3B");
    assert_string_equal(who.purpose, "");
    assert_int_equal(who.n_roles, 3);
    assert_true(ward_principal_has(&who, "nurse"));
    claims = (struct ward_claim_names){.subject = "preferred_username",
                                       .roles = "resource_access.ward.app.roles",
                                       .purpose_absent = "TREAT"};
    assert_string_equal(read_with(&claims, KEYCLOAK, &who), "");
    /* "ward.app" contains a dot, so no path matches this name */
    assert_int_equal(who.n_roles, 0);
    assert_string_equal(who.subject, "anna");
    assert_string_equal(who.purpose, "TREAT");
    claims = (struct ward_claim_names){0};
    assert_string_equal(read_with(&claims, KEYCLOAK, &who), "");
    assert_int_equal(who.n_roles, 0);
    assert_string_equal(who.ward, "");
}

static void a_whole_name_counts_before_a_path(void **state)
{
    struct ward_claim_names claims = {.ward = "a.b.c"};
    struct ward_principal who;

    (void)state;
    assert_string_equal(
        read_with(&claims, ",\"sub\":\"s\",\"a.b.c\":\"1\",\"a\":{\"b.c\":\"2\"}", &who), "");
    assert_string_equal(who.ward, "1");
    assert_string_equal(
        read_with(&claims, ",\"sub\":\"s\",\"a\":{\"b.c\":\"2\",\"b\":{\"c\":\"3\"}}", &who),
        "");
    assert_string_equal(who.ward, "2");
    assert_string_equal(read_with(&claims, ",\"sub\":\"s\",\"a\":{\"b\":{\"c\":\"3\"}}", &who),
                        "");
    assert_string_equal(who.ward, "3");
    assert_string_equal(read_with(&claims, ",\"sub\":\"s\",\"a\":{\"b\":\"c\"}", &who), "");
    assert_string_equal(who.ward, "");
}

static void only_roles_with_a_name_here_count(void **state)
{
    static const struct ward_claim_names claims = {
        .role_names =
            "nurse, 8d0f-1c=physician ,/wards/3B/Ward Nurses=nurse,cn=leads=pharmacist"};
    struct ward_principal who;
    char *list = ward_strdup(&mem, "");

    (void)state;
    assert_string_equal(read_with(&claims,
                                  ",\"sub\":\"s\",\"roles\":[\"nurse\",\"8d0f-1c\","
                                  "\"/wards/3B/Ward Nurses\",\"cn=leads\",\"auditor\"]",
                                  &who),
                        "");
    assert_int_equal(who.n_roles, 3); /* nurse is listed once, auditor is ignored */
    assert_true(ward_principal_has(&who, "nurse"));
    assert_true(ward_principal_has(&who, "physician"));
    assert_true(ward_principal_has(&who, "pharmacist"));
    ward_arena_reset(&mem);
    list = ward_strdup(&mem, "\"nurse\"");
    for (int i = 0; i < 40; i++)
        list = ward_printf(&mem, "%s,\"group-%d\"", list, i);
    list = strdup(ward_printf(&mem, ",\"sub\":\"s\",\"roles\":[%s]", list));
    assert_string_equal(read_with(&claims, list, &who), "");
    assert_int_equal(who.n_roles, 1);
    assert_string_equal(read_with(&(struct ward_claim_names){0}, list, &who),
                        "TOKEN_MALFORMED");
    assert_non_null(strstr(err.msg, "claim roles must have at most 16"));
    free(list);
}

static void the_claim_at_fault_is_named(void **state)
{
    static const struct {
        const char *more, *reason, *says;
    } rows[] = {
        {",\"sub\":\"s\",\"r\":{\"list\":\"nurse\"}", "TOKEN_MALFORMED",
         "claim r.list must be"},
        {",\"sub\":\"s\",\"r\":{\"list\":[1]}", "TOKEN_MALFORMED", "claim r.list must be"},
        {",\"sub\":\"s\",\"unit\":[\"3B\"]", "TOKEN_MALFORMED",
         "claim unit must be one string"},
        {",\"sub\":\"s\",\"unit\":\"3\\u0001\"", "TOKEN_MALFORMED", "claim unit is too long"},
        {",\"sub\":\"s\",\"purpose\":7", "TOKEN_MALFORMED", "claim purpose must be one string"},
        {",\"sub\":7", "TOKEN_SUBJECT", ""},
        {"", "TOKEN_SUBJECT", ""},
    };
    static const struct ward_claim_names claims = {.roles = "r.list", .ward = "unit"};
    struct ward_principal who;

    (void)state;
    for (size_t i = 0; i < WARD_COUNT(rows); i++) {
        assert_string_equal(read_with(&claims, rows[i].more, &who), rows[i].reason);
        if (strstr(err.msg, rows[i].says) == NULL)
            fail_msg("row %zu: \"%s\"", i, err.msg);
    }
}

static void role_names_that_cannot_be_meant_are_refused(void **state)
{
    static const char *const wrong[] = {
        "nurse,", ",nurse", "=nurse",      "their=",  "a=Nurse",
        "a=n u",  "a,,b",   "Ward Nurses", "a=b,c=é", "nurse, ,"};

    (void)state;
    for (size_t i = 0; i < WARD_COUNT(wrong); i++) {
        struct ward_jwks *j = NULL;

        if (names(&(struct ward_claim_names){.role_names = wrong[i]}, &j) !=
            WARD_FAILED_PRECONDITION)
            fail_msg("\"%s\" was taken", wrong[i]);
        assert_null(j);
        assert_non_null(strstr(err.msg, "THEIR-NAME=ROLE"));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(roles_are_found_where_keycloak_has_them),
        cmocka_unit_test(a_whole_name_counts_before_a_path),
        cmocka_unit_test(only_roles_with_a_name_here_count),
        cmocka_unit_test(the_claim_at_fault_is_named),
        cmocka_unit_test(role_names_that_cannot_be_meant_are_refused),
    };
    return cmocka_run_group_tests(tests, begin, end);
}
