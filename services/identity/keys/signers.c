/* Signing keys of PPID tokens. A key is locked during a signature, and published until its last
 * token has expired. */
#include "services/identity/keys/keys_own.h"

#include "common/auth/auth.h"
#include "common/base/clock.h"
#include "common/keyring/rotation.h"

#include <stdio.h>
#include <string.h>

#define TOKEN_KEY "token key" /* associated data of encrypted seeds */

enum ward_code token_key_add(struct ward_keyring *ring, struct ward_db *db,
                             struct ward_arena *mem, const struct ward_kek *kek,
                             int64_t signs_from_us, char kid[64], struct ward_err *err)
{
    uint8_t seed[WARD_ED25519_SEED], sealed[WARD_ED25519_SEED + WARD_SEAL_EXTRA],
        pub[WARD_ED25519_PUB];
    struct ward_sign_key *key = NULL;
    enum ward_code code;
    struct ward_bound_row b;

    ward_random(seed, sizeof(seed));
    code = ward_sign_key_new(seed, &key, err);
    if (code == WARD_OK) {
        memcpy(pub, ward_sign_key_public(key), sizeof(pub));
        ward_ppid_kid(pub, kid);
        b = ward_bind_row(ring, TOKEN_KEY, kid, 0, 0);
        code = ward_seal(kek->key, &b, sizeof(b), seed, sizeof(seed), sealed, err);
    }
    ward_sign_key_free(key);
    ward_wipe(seed, sizeof(seed));
    WARD_TRY(code);
    return ward_db_run(
        db, NULL,
        "INSERT INTO token_key (kid, public_key, kek, sealed, signs_from_us) "
        "VALUES (?, ?, ?, ?, ?)",
        WARD_PARAMS(ward_text(kid), ward_blob(pub, sizeof(pub)), ward_int(mem, kek->number),
                    ward_blob(sealed, sizeof(sealed)), ward_int(mem, signs_from_us)),
        NULL, err);
}

/* ---- reading ---- */

static struct signer *find(struct keys *k, const char *kid)
{
    for (int i = 0; i < SIGNERS_MAX; i++)
        if (k->signer[i].key != NULL && strcmp(k->signer[i].public.kid, kid) == 0)
            return &k->signer[i];
    return NULL;
}

static void drop(struct signer *s)
{
    ward_sign_key_free(s->key);
    *s = (struct signer){0};
}

/* Decrypts a signing key. If its KEK is unknown, nothing proves that this service created the
 * key: the key is not published. */
static enum ward_code open_signer(struct ward_keyring *ring, const struct ward_val *row,
                                  struct ward_sign_key **out, struct ward_err *err)
{
    struct ward_bound_row b = ward_bind_row(ring, TOKEN_KEY, row[0].p, 0, 0);
    uint8_t seed[WARD_ED25519_SEED];
    enum ward_code code;
    struct ward_kek kek;

    *out = NULL;
    if (row[3].n != sizeof(seed) + WARD_SEAL_EXTRA ||
        ward_keyring_kek(ring, NULL, (int)ward_keyring_number(row[2]), &kek, NULL) != WARD_OK)
        return WARD_OK;
    code = ward_unseal(kek.key, &b, sizeof(b), row[3].p, row[3].n, seed, err);
    if (code == WARD_OK)
        code = ward_sign_key_new(seed, out, err);
    ward_wipe(&kek, sizeof(kek));
    ward_wipe(seed, sizeof(seed));
    return code;
}

/* Stores a signer in the cache. The caller holds the lock for writing. `key` is NULL if the key
 * was not decrypted. */
static void put(struct keys *k, const struct ward_val *row, struct ward_sign_key *key)
{
    struct signer *s = find(k, row[0].p);

    for (int i = 0; i < SIGNERS_MAX && s == NULL && key != NULL; i++)
        if (k->signer[i].key == NULL)
            s = &k->signer[i];
    if (s == NULL || s->key != NULL) /* the cache is full, or has the key already */
        ward_sign_key_free(key);
    if (s == NULL)
        return;
    if (s->key == NULL) {
        *s = (struct signer){.key = key};
        snprintf(s->public.kid, sizeof(s->public.kid), "%s", row[0].p);
        memcpy(s->public.public_key, ward_sign_key_public(key), WARD_ED25519_PUB);
    }
    s->public.signs_from_us = ward_keyring_number(row[4]);
    s->public.checks_until_us = ward_keyring_number(row[5]);
}

static void drop_gone(struct keys *k, const struct ward_rows *rows)
{
    for (int i = 0; i < SIGNERS_MAX; i++) {
        struct signer *s = &k->signer[i];

        s->gone = s->key != NULL;
        for (size_t r = 0; r < rows->n; r++)
            if (strcmp(rows->at[r][0].p, s->public.kid) == 0)
                s->gone = false;
        if (s->gone && s->users == 0)
            drop(s);
    }
}

enum ward_code signers_read(struct keys *k, struct ward_keyring *ring, struct ward_db *db,
                            struct ward_arena *mem, struct ward_err *err)
{
    struct ward_rows rows;

    WARD_TRY(ward_db_run(db, mem,
                         "SELECT kid, public_key, kek, sealed, signs_from_us, checks_until_us "
                         "FROM token_key ORDER BY signs_from_us DESC LIMIT 16",
                         WARD_NO_PARAMS, &rows, err));
    pthread_rwlock_wrlock(&k->lock);
    drop_gone(k, &rows);
    pthread_rwlock_unlock(&k->lock);
    for (size_t i = 0; i < rows.n; i++) {
        struct ward_sign_key *key = NULL;

        WARD_TRY(open_signer(ring, rows.at[i], &key, err));
        pthread_rwlock_wrlock(&k->lock);
        put(k, rows.at[i], key);
        pthread_rwlock_unlock(&k->lock);
    }
    return WARD_OK;
}

enum ward_code signers_wrap(void *keys, struct ward_kek_rotation *r, struct ward_db *db,
                            int64_t *n, struct ward_err *err)
{
    uint8_t sealed[WARD_SECRET_SEALED];
    struct ward_rows rows;

    (void)keys;
    WARD_TRY(ward_db_run(db, NULL, "DELETE FROM token_key WHERE checks_until_us < ?",
                         WARD_PARAMS(ward_int(&r->mem, ward_wall_us())), NULL, err));
    WARD_TRY(ward_db_run(db, &r->mem,
                         "SELECT kid, kek, sealed FROM token_key WHERE kek < ? ORDER BY kid "
                         "FOR UPDATE",
                         WARD_PARAMS(ward_int(&r->mem, r->kek.number)), &rows, err));
    for (size_t i = 0; i < rows.n; i++) {
        const struct ward_val *v = rows.at[i];
        struct ward_bound_row b = ward_bind_row(r->ring, TOKEN_KEY, v[0].p, 0, 0);

        WARD_TRY(
            ward_keyring_reseal(r, db, (int)ward_keyring_number(v[1]), &b, v[2], sealed, err));
        WARD_TRY(ward_db_run(db, NULL, "UPDATE token_key SET kek = ?, sealed = ? WHERE kid = ?",
                             WARD_PARAMS(ward_int(&r->mem, r->kek.number),
                                         ward_blob(sealed, sizeof(sealed)), v[0]),
                             NULL, err));
    }
    *n = (int64_t)rows.n;
    return WARD_OK;
}

void signers_close(struct keys *k)
{
    for (int i = 0; i < SIGNERS_MAX; i++)
        drop(&k->signer[i]);
}

/* ---- using ---- */

const struct ward_sign_key *keys_signer(struct keys *k, char kid[64])
{
    const struct ward_sign_key *key = NULL;
    struct signer *best = NULL;
    int64_t now = ward_wall_us();

    pthread_rwlock_wrlock(&k->lock);
    for (int i = 0; i < SIGNERS_MAX; i++) {
        struct signer *s = &k->signer[i];
        const struct keys_public *p = &s->public;

        if (s->key == NULL || s->gone || p->signs_from_us > now ||
            (p->checks_until_us != 0 && p->checks_until_us <= now))
            continue;
        if (best == NULL || p->signs_from_us > best->public.signs_from_us)
            best = s;
    }
    if (best != NULL) {
        best->users++;
        key = best->key;
        memcpy(kid, best->public.kid, sizeof(best->public.kid));
    }
    pthread_rwlock_unlock(&k->lock);
    return key;
}

void keys_signer_release(struct keys *k, const struct ward_sign_key *key)
{
    pthread_rwlock_wrlock(&k->lock);
    for (int i = 0; i < SIGNERS_MAX && key != NULL; i++) {
        struct signer *s = &k->signer[i];

        if (s->key != key)
            continue;
        s->users--;
        if (s->gone && s->users == 0)
            drop(s);
        break;
    }
    pthread_rwlock_unlock(&k->lock);
}

static void insert(struct keys_public *out, int n, const struct keys_public *p)
{
    int at = n;

    while (at > 0 && out[at - 1].signs_from_us < p->signs_from_us) {
        out[at] = out[at - 1];
        at--;
    }
    out[at] = *p;
}

int keys_public(struct keys *k, struct keys_public out[KEYS_PUBLIC_MAX])
{
    int64_t now = ward_wall_us();
    int n = 0;

    pthread_rwlock_rdlock(&k->lock);
    for (int i = 0; i < SIGNERS_MAX; i++) {
        const struct signer *s = &k->signer[i];

        if (s->key != NULL && !s->gone &&
            (s->public.checks_until_us == 0 || s->public.checks_until_us > now))
            insert(out, n++, &s->public);
    }
    pthread_rwlock_unlock(&k->lock);
    return n;
}
