#include "common/rpc/server.h"

#include <stdlib.h>
#include <string.h>

/* A cache of verified tokens. Verifying a signature takes a hundred times as long as a cache
 * look-up, and a bedside device sends the same token with every call. An entry holds the
 * token's claims and its SHA-256, never the token itself. An entry is valid for the generation
 * of keys that verified it, and at most until the token expires. A new entry replaces the old
 * entry at its place. */

#define PLACES   512 /* a power of two */
#define LOCKS    16
#define ALL_TEXT (4 + WARD_MAX_ROLES)

struct known {
    uint8_t hash[WARD_SHA256_SIZE];
    uint64_t generation;
    struct ward_principal who; /* its strings are in text; token is NULL */
    char *text;                /* NULL: a free place */
};

struct tokens {
    pthread_mutex_t locks[LOCKS]; /* lock i guards places i, i + LOCKS, ... */
    struct known places[PLACES];
};

static struct ward_family checks = {
    .name = "ward_rpc_token_checks_total",
    .help = "Number of bearer tokens in calls, by result: cached, verified or rejected.",
    .type = WARD_COUNTER,
    .label = {"outcome"},
};
WARD_METRIC_LISTED(checks)

enum check { CACHED, VERIFIED, REJECTED };
static const char *const OUTCOMES[] = {"cached", "verified", "rejected"};
WARD_METRIC_FROM_ZERO(checks, WARD_COUNT(OUTCOMES), OUTCOMES[i], NULL)

static void count(enum check outcome)
{
    ward_metric_add(ward_series_of(&checks, OUTCOMES[outcome], NULL, NULL), 1);
}

struct tokens *tokens_new(void)
{
    struct tokens *t = calloc(1, sizeof(*t));

    WARD_ASSERT(t != NULL);
    for (int i = 0; i < LOCKS; i++)
        pthread_mutex_init(&t->locks[i], NULL);
    return t;
}

void tokens_free(struct tokens *t)
{
    if (t == NULL)
        return;
    for (int i = 0; i < PLACES; i++)
        free(t->places[i].text);
    for (int i = 0; i < LOCKS; i++)
        pthread_mutex_destroy(&t->locks[i]);
    free(t);
}

/* Lists the strings of a principal, always in the same order. Returns their number. */
static int strings_of(struct ward_principal *p, const char **out[ALL_TEXT])
{
    int n = 0;

    out[n++] = &p->subject;
    out[n++] = &p->issuer;
    out[n++] = &p->ward;
    out[n++] = &p->purpose;
    for (int i = 0; i < p->n_roles; i++)
        out[n++] = &p->roles[i];
    return n;
}

static size_t length_of(struct ward_principal *p)
{
    const char **at[ALL_TEXT];
    int n = strings_of(p, at);
    size_t len = 1;

    for (int i = 0; i < n; i++)
        len += strlen(*at[i]) + 1;
    return len;
}

/* Copies the strings into text and makes p point to the copies. */
static void move(struct ward_principal *p, char *text)
{
    const char **at[ALL_TEXT];
    int n = strings_of(p, at);

    for (int i = 0; i < n; i++) {
        size_t len = strlen(*at[i]) + 1;

        *at[i] = memcpy(text, *at[i], len);
        text += len;
    }
}

static enum ward_code lend(struct known *k, struct ward_arena *mem, const char *token,
                           size_t len, struct ward_principal *out, struct ward_err *err)
{
    char *text = ward_alloc(mem, length_of(&k->who));
    char *copy = ward_alloc(mem, len + 1);

    if (text == NULL || copy == NULL)
        return WARD_FAIL(err, RESOURCE_EXHAUSTED,
                         "the call needs more memory than a call may use");
    *out = k->who;
    move(out, text);
    out->token = memcpy(copy, token, len);
    return WARD_OK;
}

static void keep(struct known *k, const uint8_t *hash, uint64_t generation,
                 const struct ward_principal *who)
{
    struct ward_principal copy = *who;
    char *text = malloc(length_of(&copy));

    if (text == NULL)
        return; /* not cached; the next call verifies the token again */
    move(&copy, text);
    copy.token = NULL;
    free(k->text);
    *k = (struct known){.generation = generation, .who = copy, .text = text};
    memcpy(k->hash, hash, sizeof(k->hash));
}

enum ward_code tokens_check(struct tokens *t, struct ward_jwks *jwks, struct ward_arena *mem,
                            const char *token, size_t len, struct ward_principal *out,
                            struct ward_err *err)
{
    /* Read before the verification, in case the keys change meanwhile. */
    uint64_t generation = ward_jwks_generation(jwks);
    uint8_t hash[WARD_SHA256_SIZE];
    enum ward_code code = WARD_OK;
    pthread_mutex_t *lock;
    struct known *k;
    bool hit;

    ward_sha256(token, len, hash);
    k = &t->places[(hash[0] | hash[1] << 8) & (PLACES - 1)];
    lock = &t->locks[(k - t->places) % LOCKS];
    pthread_mutex_lock(lock);
    hit = k->text != NULL && k->generation == generation &&
          memcmp(k->hash, hash, sizeof(hash)) == 0 &&
          ward_wall_us() / 1000000 < k->who.expires_at;
    if (hit)
        code = lend(k, mem, token, len, out, err);
    pthread_mutex_unlock(lock);
    if (hit) {
        count(CACHED);
        return code;
    }
    code = ward_jwt_check(jwks, mem, token, len, out, err);
    count(code == WARD_OK ? VERIFIED : REJECTED);
    if (code != WARD_OK)
        return code;
    pthread_mutex_lock(lock);
    keep(k, hash, generation, out);
    pthread_mutex_unlock(lock);
    return WARD_OK;
}
