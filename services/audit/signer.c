/* The keys that sign heads; see keys.h. */
#include "common/base/clock.h"
#include "common/base/text.h"
#include "services/audit/keys.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#define MOST 128

struct audit_signers {
    struct ward_arena *keep;
    char origin[WARD_NAME_MAX + 1];
    pthread_mutex_t lock; /* guards loading; rows below n never change */
    atomic_uint n;
    struct audit_signer_row rows[MOST];
};

enum ward_code signers_open(struct ward_arena *keep, const char *origin,
                            struct audit_signers **out, struct ward_err *err)
{
    struct audit_signers *s = ward_new(keep, struct audit_signers);
    const uint8_t any[WARD_ED25519_PUB] = {0};
    struct ward_vkey vkey;

    if (s == NULL)
        return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory");
    /* checks that the origin is valid as a key name */
    WARD_TRY(ward_vkey_make(origin, any, &vkey, err));
    snprintf(s->origin, sizeof(s->origin), "%s", origin);
    s->keep = keep;
    pthread_mutex_init(&s->lock, NULL);
    *out = s;
    return WARD_OK;
}

void signers_close(struct audit_signers *s)
{
    if (s == NULL)
        return;
    for (unsigned i = 0; i < s->n; i++)
        ward_sign_key_free((struct ward_sign_key *)(uintptr_t)s->rows[i].signer.key);
    pthread_mutex_destroy(&s->lock);
}

/* Decrypts a seed. The wrapped seed is bound to its public key, so that a replaced seed is
 * detected. */
static enum ward_code open_seed(struct audit_signers *s, struct audit_vault *v,
                                const struct ward_val *row, struct audit_signer_row *out,
                                struct ward_err *err)
{
    uint8_t seed[WARD_ED25519_SEED];
    struct ward_sign_key *key;
    enum ward_code code;

    WARD_TRY(vault_unwrap(v, row[1].p, row[1].n, &row[2], seed, err));
    code = ward_sign_key_new(seed, &key, err);
    ward_wipe(seed, sizeof(seed));
    WARD_TRY(code);
    code = ward_vkey_make(s->origin, ward_sign_key_public(key), &out->signer.vkey, err);
    ward_vkey_print(&out->signer.vkey, out->vkey);
    if (code == WARD_OK && strcmp(out->vkey, row[1].p) != 0)
        code = WARD_FAIL(err, DATA_LOSS, "a signing key's row has been altered");
    if (code != WARD_OK)
        ward_sign_key_free(key);
    else
        out->signer.key = key;
    return code;
}

static enum ward_code take_row(struct audit_signers *s, struct audit_vault *v,
                               const struct ward_val *row, struct ward_err *err)
{
    struct audit_signer_row r = {0};
    int64_t number, first;

    if (!ward_i64(row[0].p, 1, MOST, &number) || (unsigned)number != s->n + 1 ||
        !ward_i64(row[3].p, 0, INT64_MAX, &r.created_at_us) ||
        !ward_i64(row[4].p, 0, INT64_MAX, &first))
        return WARD_FAIL(err, DATA_LOSS, "a signing key is missing in the sequence");
    r.number = (unsigned)number;
    r.first_size = (uint64_t)first;
    r.handover = ward_strdup(s->keep, row[5].p);
    if (r.handover == NULL)
        return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory for signing keys");
    WARD_TRY(open_seed(s, v, row, &r, err));
    s->rows[s->n] = r;
    atomic_fetch_add(&s->n, 1);
    return WARD_OK;
}

enum ward_code signers_load(struct audit_signers *s, struct audit_vault *v, struct ward_db *db,
                            struct ward_arena *mem, struct ward_err *err)
{
    static const char SQL[] =
        "SELECT number, vkey, wrapped, created_at_us, first_size, handover"
        "  FROM signing_key WHERE number > ? ORDER BY number";
    struct ward_rows rows;
    enum ward_code code;

    pthread_mutex_lock(&s->lock);
    code = ward_db_run(db, mem, SQL, WARD_PARAMS(ward_int(mem, s->n)), &rows, err);
    for (size_t i = 0; code == WARD_OK && i < rows.n; i++)
        code = take_row(s, v, rows.at[i], err);
    pthread_mutex_unlock(&s->lock);
    return code;
}

const struct audit_signer_row *signers_row(struct audit_signers *s, unsigned number)
{
    return number >= 1 && number <= atomic_load(&s->n) ? &s->rows[number - 1] : NULL;
}

unsigned signers_newest(struct audit_signers *s)
{
    return atomic_load(&s->n);
}

enum ward_code signers_make(struct audit_signers *s, struct audit_vault *v,
                            struct audit_new_key *out, struct ward_err *err)
{
    uint8_t seed[WARD_ED25519_SEED];
    char vkey[WARD_VKEY_MAX];
    struct ward_sign_key *key = NULL;
    enum ward_code code;

    ward_random(seed, sizeof(seed));
    code = ward_sign_key_new(seed, &key, err);
    if (code == WARD_OK)
        code = ward_vkey_make(s->origin, ward_sign_key_public(key), &out->signer.vkey, err);
    if (code == WARD_OK) {
        ward_vkey_print(&out->signer.vkey, vkey);
        code = vault_wrap(v, vkey, strlen(vkey), seed, out->wrapped, err);
    }
    ward_wipe(seed, sizeof(seed));
    if (code != WARD_OK)
        ward_sign_key_free(key);
    else
        out->signer.key = key;
    return code;
}

enum ward_code signers_store(struct ward_db *db, struct ward_arena *mem,
                             const struct audit_new_key *key, unsigned number,
                             uint64_t first_size, const char *handover, size_t len,
                             struct ward_err *err)
{
    static const char SQL[] = "INSERT INTO signing_key"
                              " (number, vkey, wrapped, created_at_us, first_size, handover)"
                              " VALUES (?, ?, ?, ?, ?, ?)";
    char vkey[WARD_VKEY_MAX];

    if (number > MOST)
        return WARD_FAIL(err, FAILED_PRECONDITION,
                         "the log has reached the limit of %d signing keys", MOST);
    ward_vkey_print(&key->signer.vkey, vkey);
    return ward_db_run(db, mem, SQL,
                       WARD_PARAMS(ward_int(mem, number), ward_text(vkey),
                                   ward_blob(key->wrapped, sizeof(key->wrapped)),
                                   ward_int(mem, ward_wall_us()),
                                   ward_int(mem, (int64_t)first_size),
                                   ward_blob(handover, len)),
                       NULL, err);
}
