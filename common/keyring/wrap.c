/* Owners' keys: created, wrapped by the newest KEK, and unwrapped by any. */
#include "common/keyring/keyring_own.h"

#include <stdio.h>
#include <string.h>

#define LOOKS 20

/* The binding from the time when owners' keys were the only kind, unchanged, so that identity's
 * old rows can be decrypted. */
struct bound_key {
    char label[32];
    uint8_t owner[WARD_OWNER_ID];
    uint8_t none[80];
};

static struct bound_key bind_key(const struct ward_keyring *k, const struct ward_wrapped_key *w)
{
    struct bound_key b = {0};

    snprintf(b.label, sizeof(b.label), "ward %s key 1", k->cfg.service);
    memcpy(b.owner, w->owner, sizeof(b.owner));
    return b;
}

enum ward_code ward_keyring_wrap_by(const struct ward_keyring *k, const struct ward_kek *kek,
                                    const uint8_t key[WARD_KEY_SIZE],
                                    struct ward_wrapped_key *w, struct ward_err *err)
{
    struct bound_key b = bind_key(k, w);

    w->kek = kek->number;
    return ward_seal(kek->key, &b, sizeof(b), key, WARD_KEY_SIZE, w->wrapped, err);
}

struct ward_kek ward_keyring_newest(struct ward_keyring *k)
{
    struct ward_kek newest;

    pthread_rwlock_rdlock(&k->lock);
    newest = k->now.kek[0];
    pthread_rwlock_unlock(&k->lock);
    return newest;
}

static bool find(struct ward_keyring *k, int number, struct ward_kek *out)
{
    bool found = false;

    pthread_rwlock_rdlock(&k->lock);
    for (int i = 0; i < k->now.n_keks && !found; i++) {
        found = k->now.kek[i].number == number;
        if (found)
            *out = k->now.kek[i];
    }
    pthread_rwlock_unlock(&k->lock);
    return found;
}

enum ward_code ward_keyring_kek(struct ward_keyring *k, struct ward_db *db, int number,
                                struct ward_kek *out, struct ward_err *err)
{
    if (find(k, number, out))
        return WARD_OK;
    if (db != NULL) {
        WARD_TRY(ward_keyring_follow(k, db, err));
        if (find(k, number, out))
            return WARD_OK;
    }
    return WARD_FAIL_REASON(
        err, FAILED_PRECONDITION, "KEK_UNKNOWN",
        "no configured root key decrypts the key-encryption key of this key");
}

enum ward_code ward_keyring_new_key(struct ward_keyring *k, struct ward_wrapped_key *w,
                                    uint8_t key[WARD_KEY_SIZE], struct ward_err *err)
{
    struct ward_kek newest = ward_keyring_newest(k);
    enum ward_code code;

    ward_random(key, WARD_KEY_SIZE);
    code = ward_keyring_wrap_by(k, &newest, key, w, err);
    ward_wipe(&newest, sizeof(newest));
    return code;
}

/* Unwraps a row from before the table of KEKs. Tries both roots. */
static enum ward_code unwrap_root(const struct ward_keyring *k,
                                  const struct ward_wrapped_key *w, uint8_t key[WARD_KEY_SIZE],
                                  struct ward_err *err)
{
    struct bound_key b = bind_key(k, w);
    enum ward_code code =
        ward_root_unseal(k->root, &b, sizeof(b), w->wrapped, sizeof(w->wrapped), key, err);

    if (code == WARD_DATA_LOSS && k->old != NULL)
        code =
            ward_root_unseal(k->old, &b, sizeof(b), w->wrapped, sizeof(w->wrapped), key, err);
    return code;
}

enum ward_code ward_keyring_unwrap(struct ward_keyring *k, struct ward_db *db,
                                   const struct ward_wrapped_key *w, uint8_t key[WARD_KEY_SIZE],
                                   struct ward_err *err)
{
    struct bound_key b = bind_key(k, w);
    enum ward_code code;
    struct ward_kek kek;

    if (w->kek == 0) {
        code = unwrap_root(k, w, key, err);
    } else {
        WARD_TRY(ward_keyring_kek(k, db, w->kek, &kek, err));
        code = ward_unseal(kek.key, &b, sizeof(b), w->wrapped, sizeof(w->wrapped), key, err);
        ward_wipe(&kek, sizeof(kek));
    }
    if (code == WARD_DATA_LOSS)
        return WARD_FAIL_REASON(err, DATA_LOSS, k->cfg.unreadable,
                                "the subject's key cannot be decrypted");
    return code;
}

static enum ward_code share(struct ward_db *db, struct ward_arena *mem, int number, bool *there,
                            struct ward_err *err)
{
    struct ward_rows rows;

    WARD_TRY(ward_db_run(db, mem, "SELECT kek FROM kek WHERE kek = ? LOCK IN SHARE MODE",
                         WARD_PARAMS(ward_int(mem, number)), &rows, err));
    *there = rows.n == 1;
    return WARD_OK;
}

enum ward_code ward_keyring_hold_newest(struct ward_keyring *k, struct ward_db *db,
                                        struct ward_arena *mem, struct ward_kek *out,
                                        struct ward_err *err)
{
    bool there = false;

    for (int i = 0; i < LOOKS; i++) { /* each try handles one rotation that ended in between */
        *out = ward_keyring_newest(k);
        WARD_TRY(share(db, mem, out->number, &there, err));
        if (there)
            return WARD_OK;
        WARD_TRY(ward_keyring_follow(k, db, err));
    }
    return WARD_FAIL_REASON(err, FAILED_PRECONDITION, "KEK_UNKNOWN",
                            "the configured root keys decrypt no key-encryption key");
}

enum ward_code ward_keyring_hold(struct ward_keyring *k, struct ward_db *db,
                                 struct ward_arena *mem, const uint8_t key[WARD_KEY_SIZE],
                                 struct ward_wrapped_key *w, struct ward_err *err)
{
    enum ward_code code = WARD_OK;
    bool there = false;
    struct ward_kek kek;

    WARD_TRY(share(db, mem, w->kek, &there, err));
    if (there)
        return WARD_OK;
    WARD_TRY(ward_keyring_hold_newest(k, db, mem, &kek, err));
    code = ward_keyring_wrap_by(k, &kek, key, w, err);
    ward_wipe(&kek, sizeof(kek));
    return code;
}
