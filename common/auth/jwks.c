/* A key set that follows its file, and the verification of signatures. The cryptographic code
 * below sees only a token's signed bytes and its signature, and never its header, so a header
 * cannot influence the verification. */
#include "common/auth/claims.h"
#include "common/auth/keyset.h"
#include "common/base/clock.h"
#include "common/base/metrics.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define RELOAD_NS (1000 * WARD_NS_PER_MS)

struct ward_jwks {
    struct ward_jwks_config cfg; /* the strings are copies; `claims` is empty */
    struct ward_claims *claims;
    pthread_rwlock_t lock; /* guards `now` */
    struct ward_keyset *now;
    _Atomic uint64_t generation; /* generation of `now` */
    /* stamp of the file that `now` was read from; used only by the reloading thread */
    struct ward_stamp stamp;
    _Atomic int64_t look_at_ns;
    atomic_flag looking;
    atomic_int looks; /* number of checks of the file, for tests */
};

static struct ward_family reload_failures = {
    .name = "ward_auth_jwks_reload_failures_total",
    .help = "Number of times that a changed JWKS file was invalid. The last valid keys remain "
            "in use.",
    .type = WARD_COUNTER,
};
WARD_METRIC_LISTED(reload_failures)

enum ward_code ward_jwks_open(const struct ward_jwks_config *cfg, struct ward_jwks **out,
                              struct ward_err *err)
{
    struct ward_jwks *j;
    enum ward_code code;

    if (*cfg->issuer == '\0' || *cfg->audience == '\0' || cfg->skew_s < 0 || cfg->skew_s > 300)
        return WARD_FAIL(err, FAILED_PRECONDITION,
                         "a JWKS needs an issuer, an audience and a skew of 0 to 300 s");
    j = calloc(1, sizeof(*j));
    if (j == NULL)
        return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory for the JWKS");
    pthread_rwlock_init(&j->lock, NULL);
    j->cfg = (struct ward_jwks_config){.path = strdup(cfg->path),
                                       .issuer = strdup(cfg->issuer),
                                       .audience = strdup(cfg->audience),
                                       .skew_s = cfg->skew_s,
                                       .max_s = cfg->max_s};
    if (j->cfg.path == NULL || j->cfg.issuer == NULL || j->cfg.audience == NULL)
        code = WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory for the JWKS");
    else
        code = ward_claims_new(&cfg->claims, &j->claims, err);
    if (code == WARD_OK)
        code = ward_keyset_load(cfg->path, &j->now, &j->stamp, err);
    if (code != WARD_OK) {
        ward_jwks_close(j);
        return code;
    }
    atomic_store(&j->look_at_ns, ward_mono_ns() + RELOAD_NS);
    ward_series_of(&reload_failures, NULL, NULL,
                   NULL); /* /metrics shows 0 before the first failure */
    *out = j;
    return WARD_OK;
}

void ward_jwks_close(struct ward_jwks *j)
{
    if (j == NULL)
        return;
    ward_keyset_drop(j->now);
    ward_claims_free(j->claims);
    pthread_rwlock_destroy(&j->lock);
    free((char *)(uintptr_t)j->cfg.path);
    free((char *)(uintptr_t)j->cfg.issuer);
    free((char *)(uintptr_t)j->cfg.audience);
    free(j);
}

const struct ward_jwks_config *ward_jwks_config_of(const struct ward_jwks *j)
{
    return &j->cfg;
}

const struct ward_claims *ward_jwks_claims_of(const struct ward_jwks *j)
{
    return j->claims;
}

void ward_jwks_look_now(struct ward_jwks *j)
{
    atomic_store(&j->look_at_ns, 0);
}

int ward_jwks_looks(const struct ward_jwks *j)
{
    return atomic_load(&j->looks);
}

/* Reads the file again if it has changed. Only one thread at a time runs this function. After a
 * failure, every check reads the file again. The failed read may have found a half-written file
 * whose stamp does not change again. */
static void reload(struct ward_jwks *j)
{
    struct ward_keyset *fresh, *old;
    struct ward_stamp stamp;
    struct ward_err err;

    if (ward_stamp_take(j->cfg.path, &stamp) && memcmp(&stamp, &j->stamp, sizeof(stamp)) == 0)
        return;
    if (ward_keyset_load(j->cfg.path, &fresh, &stamp, &err) != WARD_OK) {
        ward_count(&reload_failures, 1);
        return;
    }
    j->stamp = stamp;
    pthread_rwlock_wrlock(&j->lock);
    old = j->now;
    j->now = fresh;
    atomic_fetch_add(&j->generation, 1);
    pthread_rwlock_unlock(&j->lock);
    ward_keyset_drop(old);
}

/* Checks the file at most once per RELOAD_NS. The first thread checks the file, and other
 * threads continue with the current keys. */
static void look(struct ward_jwks *j)
{
    int64_t now = ward_mono_ns();

    if (now >= atomic_load_explicit(&j->look_at_ns, memory_order_relaxed) &&
        !atomic_flag_test_and_set(&j->looking)) {
        atomic_store(&j->look_at_ns, now + RELOAD_NS);
        atomic_fetch_add(&j->looks, 1);
        reload(j);
        atomic_flag_clear(&j->looking);
    }
}

uint64_t ward_jwks_generation(struct ward_jwks *j)
{
    look(j);
    return atomic_load(&j->generation);
}

static struct ward_keyset *borrow(struct ward_jwks *j)
{
    struct ward_keyset *set;

    look(j);
    pthread_rwlock_rdlock(&j->lock);
    set = j->now;
    atomic_fetch_add(&set->refs, 1);
    pthread_rwlock_unlock(&j->lock);
    return set;
}

/* Finds the key of a token. If the token has no kid, the set must have exactly one key of the
 * token's algorithm. */
static enum ward_token find(const struct ward_keyset *set, const struct ward_jose *t,
                            const struct ward_key **out)
{
    bool named = *t->kid != '\0', other = false;
    int fits = 0;

    for (int i = 0; i < set->n; i++) {
        const struct ward_key *k = &set->keys[i];

        if (named && strcmp(k->kid, t->kid) != 0)
            continue;
        other = other || k->alg != t->alg;
        if (k->alg == t->alg && ++fits > 0)
            *out = k;
    }
    if (fits == 1)
        return WARD_TOKEN_FINE;
    return named && other ? WARD_TOKEN_ALGORITHM : WARD_TOKEN_UNKNOWN_KEY;
}

static bool verify(const struct ward_key *k, const struct ward_jose *t)
{
    if (k->alg == WARD_JOSE_EDDSA)
        return t->sig_len == WARD_ED25519_SIG &&
               ward_verify(k->ed25519, t->text, t->text_len, t->sig);
    return ward_pubkey_verify(k->pub, t->text, t->text_len, t->sig, t->sig_len);
}

enum ward_token ward_jwks_verify(struct ward_jwks *j, const struct ward_jose *t)
{
    struct ward_keyset *set = borrow(j);
    const struct ward_key *k = NULL;
    enum ward_token bad = find(set, t, &k);

    if (bad == WARD_TOKEN_FINE && !verify(k, t))
        bad = WARD_TOKEN_SIGNATURE;
    ward_keyset_drop(set);
    return bad;
}
