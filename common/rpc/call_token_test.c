#include "common/rpc/server.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#define ISSUER   "https://issuer.test"
#define AUDIENCE "ward"

static char path[64];
static struct ward_sign_key *key, *other;
static struct ward_jwks *jwks;
static struct tokens *tokens;
static struct ward_arena mem;
static struct ward_err err;

static void publish(const struct ward_sign_key *k)
{
    char tmp[80], *text = NULL;
    FILE *f;

    assert_int_equal(ward_jwks_print(&k, 1, &mem, &text, &err), WARD_OK);
    snprintf(tmp, sizeof(tmp), "%s.new", path);
    f = fopen(tmp, "we");
    assert_non_null(f);
    assert_true(fputs(text, f) >= 0);
    assert_int_equal(fclose(f), 0);
    assert_int_equal(rename(tmp, path), 0);
}

static int set_up(void **state)
{
    uint8_t seed[WARD_ED25519_SEED];
    int fd;

    (void)state;
    ward_arena_init(&mem, (size_t)64 << 20);
    snprintf(path, sizeof(path), "/tmp/ward-jwks-XXXXXX");
    fd = mkstemp(path);
    assert_true(fd >= 0);
    close(fd);
    ward_random(seed, sizeof(seed));
    assert_int_equal(ward_sign_key_new(seed, &key, &err), WARD_OK);
    ward_random(seed, sizeof(seed));
    assert_int_equal(ward_sign_key_new(seed, &other, &err), WARD_OK);
    publish(key);
    assert_int_equal(
        ward_jwks_open(
            &(struct ward_jwks_config){.path = path, .issuer = ISSUER, .audience = AUDIENCE},
            &jwks, &err),
        WARD_OK);
    tokens = tokens_new();
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    tokens_free(tokens);
    ward_jwks_close(jwks);
    ward_sign_key_free(key);
    ward_sign_key_free(other);
    ward_arena_done(&mem);
    return unlink(path);
}

static char *token_of(const struct ward_sign_key *k, const char *subject, int lifetime_s)
{
    struct ward_principal who = {.subject = subject,
                                 .issuer = ISSUER,
                                 .ward = "4B",
                                 .purpose = "TREAT",
                                 .n_roles = 2,
                                 .roles = {"nurse", "auditor"}};
    char *token = NULL;

    assert_int_equal(ward_jwt_issue(k, &who, AUDIENCE, lifetime_s, &mem, &token, &err),
                     WARD_OK);
    return token;
}

static enum ward_code check(const char *token, struct ward_principal *who)
{
    return tokens_check(tokens, jwks, &mem, token, strlen(token), who, &err);
}

struct wanted {
    const char *outcome;
    double value;
};

static void pick(const struct ward_family *f, void *arg)
{
    struct wanted *w = arg;

    if (strcmp(f->name, "ward_rpc_token_checks_total") != 0)
        return;
    for (int i = 0; i < atomic_load(&f->n); i++) {
        const struct ward_series *s = atomic_load(&f->series[i]);

        if (strcmp(s->label[0], w->outcome) == 0)
            w->value = atomic_load(&s->value);
    }
}

static double count(const char *outcome)
{
    struct wanted w = {.outcome = outcome};

    ward_metric_each(pick, &w);
    return w.value;
}

static void a_token_is_checked_once(void **state)
{
    char *token = token_of(key, "nurse-7", 60);
    double cached = count("cached"), verified = count("verified");
    struct ward_principal who;

    (void)state;
    for (int i = 0; i < 3; i++) {
        who = (struct ward_principal){0};
        assert_int_equal(check(token, &who), WARD_OK);
        assert_string_equal(who.subject, "nurse-7");
        assert_string_equal(who.issuer, ISSUER);
        assert_string_equal(who.ward, "4B");
        assert_string_equal(who.purpose, "TREAT");
        assert_int_equal(who.n_roles, 2);
        assert_string_equal(who.roles[1], "auditor");
        assert_string_equal(who.token, token);
    }
    assert_true(count("verified") == verified + 1);
    assert_true(count("cached") == cached + 2);
}

static void a_changed_token_is_another_one(void **state)
{
    char *token = token_of(key, "nurse-7", 60);
    struct ward_principal who;

    (void)state;
    assert_int_equal(check(token, &who), WARD_OK);
    token[strlen(token) - 5] = token[strlen(token) - 5] == 'A' ? 'B' : 'A';
    assert_int_equal(check(token, &who), WARD_UNAUTHENTICATED);
    assert_int_equal(check(token, &who),
                     WARD_UNAUTHENTICATED); /* a rejection is not cached as a success */
}

static void a_known_token_ends_with_its_key(void **state)
{
    char *token = token_of(key, "nurse-7", 60), *next = token_of(other, "nurse-8", 60);
    struct ward_principal who;
    int tries = 0;

    (void)state;
    assert_int_equal(check(token, &who), WARD_OK);
    publish(other);
    while (check(next, &who) != WARD_OK && tries++ < 3000)
        nanosleep(&(struct timespec){.tv_nsec = 10 * WARD_NS_PER_MS}, NULL);
    assert_string_equal(who.subject, "nurse-8");
    assert_int_equal(check(token, &who), WARD_UNAUTHENTICATED);
    assert_string_equal(err.reason, "TOKEN_UNKNOWN_KEY");
}

static void a_known_token_ends_with_its_time(void **state)
{
    char *token = token_of(key, "nurse-7", 1);
    struct ward_principal who;
    int tries = 0;

    (void)state;
    assert_int_equal(check(token, &who), WARD_OK);
    while (check(token, &who) == WARD_OK && tries++ < 3000)
        nanosleep(&(struct timespec){.tv_nsec = 10 * WARD_NS_PER_MS}, NULL);
    assert_string_equal(err.reason, "TOKEN_EXPIRED");
}

/* With more tokens than places, each answer still names the right person. */
static void a_full_table_forgets_and_never_mixes_up(void **state)
{
    enum { MANY = 1200 };
    char *all[MANY], name[16];
    struct ward_principal who;

    (void)state;
    ward_arena_done(&mem);
    ward_arena_init(&mem, (size_t)64 << 20);
    for (int i = 0; i < MANY; i++) {
        snprintf(name, sizeof(name), "nurse-%d", i);
        all[i] = token_of(key, name, 60);
    }
    for (int i = 0; i < 2 * MANY; i++) {
        snprintf(name, sizeof(name), "nurse-%d", i % MANY);
        assert_int_equal(check(all[i % MANY], &who), WARD_OK);
        assert_string_equal(who.subject, name);
    }
}

static void no_memory_is_told(void **state)
{
    char *token = token_of(key, "nurse-7", 60);
    struct ward_principal who;
    struct ward_arena small;

    (void)state;
    ward_arena_init(&small, 64);
    assert_int_equal(check(token, &who), WARD_OK);
    assert_int_equal(tokens_check(tokens, jwks, &small, token, strlen(token), &who, &err),
                     WARD_RESOURCE_EXHAUSTED);
    ward_arena_done(&small);
}

#define FRESH(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        FRESH(a_token_is_checked_once),
        FRESH(a_changed_token_is_another_one),
        FRESH(a_known_token_ends_with_its_key),
        FRESH(a_known_token_ends_with_its_time),
        FRESH(a_full_table_forgets_and_never_mixes_up),
        FRESH(no_memory_is_told),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
