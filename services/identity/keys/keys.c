/* Opens and closes the keys, and configures the key ring for identity; see keys.h. */
#include "services/identity/keys/keys_own.h"

#include "common/base/clock.h"

#include <stdio.h>

static const struct ward_keyring_owners owners = WARD_KEYRING_OWNERS("face_key", "subject_id");
static const struct ward_keyring_use uses[] = {{"turn", 1, KINDS, TURNS_MAX, true},
                                               {"bucket", 0, KEYS_BUCKETS, 1, false}};

static enum ward_code tables_read(void *arg, struct ward_keyring *ring, struct ward_db *db,
                                  struct ward_arena *mem, struct ward_err *err)
{
    struct keys *k = arg;

    turns_drop(k, ring);
    return signers_read(k, ring, db, mem, err);
}

static enum ward_code first_signer(void *arg, struct ward_keyring *ring, struct ward_db *db,
                                   struct ward_arena *mem, const struct ward_kek *kek,
                                   struct ward_err *err)
{
    char kid[64];

    (void)arg;
    return token_key_add(ring, db, mem, kek, ward_wall_us(), kid, err);
}

static const struct ward_keyring_also token_keys = {
    .marker = WARD_KEYRING_MARKER(", (SELECT CONCAT_WS('+', COUNT(*), SUM(signs_from_us), "
                                  "SUM(checks_until_us), SUM(kek)) FROM token_key)"),
    .read = tables_read,
    .rows = "SELECT COUNT(*) FROM token_key",
    .first = first_signer,
    .any_of = "SELECT EXISTS (SELECT 1 FROM token_key WHERE kek = ?)",
    .older = "SELECT COUNT(*) FROM token_key WHERE kek < ?",
    .wrap = signers_wrap,
};

struct ward_keyring_config keys_ring_config(struct keys *k)
{
    return (struct ward_keyring_config){.service = "identity",
                                        .unreadable = "TEMPLATE_UNREADABLE",
                                        .owners = &owners,
                                        .uses = uses,
                                        .n_uses = WARD_COUNT(uses),
                                        .also = &token_keys,
                                        .arg = k};
}

enum ward_code keys_blank(const char *tenant, struct keys **out, struct ward_err *err)
{
    struct ward_arena mem;
    struct keys *k;

    ward_arena_init(&mem, sizeof(*k) + 64);
    k = ward_new(&mem, struct keys);
    if (k == NULL) {
        ward_arena_done(&mem);
        return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory for the keys");
    }
    k->mem = mem;
    snprintf(k->tenant, sizeof(k->tenant), "%s", tenant);
    pthread_rwlock_init(&k->lock, NULL);
    *out = k;
    return WARD_OK;
}

enum ward_code keys_open(const struct keys_config *cfg, const struct ward_db_config *db,
                         struct keys **out, struct ward_err *err)
{
    struct ward_keyring_config ring;
    struct keys *k = NULL;
    enum ward_code code;

    WARD_TRY(keys_blank(cfg->tenant, &k, err));
    ring = keys_ring_config(k);
    ring.root = cfg->root;
    ring.root_old = cfg->root_old;
    ring.hold_s = cfg->hold_s;
    code = ward_keyring_open(&ring, db, &k->ring, err);
    if (code != WARD_OK) {
        keys_close(k);
        return code;
    }
    *out = k;
    return WARD_OK;
}

void keys_close(struct keys *k)
{
    struct ward_arena mem;

    if (k == NULL)
        return;
    signers_close(k);
    ward_keyring_close(k->ring);
    pthread_rwlock_destroy(&k->lock);
    mem = k->mem;
    ward_wipe(k, sizeof(*k));
    ward_arena_done(&mem);
}

struct ward_keyring *keys_ring(struct keys *k)
{
    return k->ring;
}
