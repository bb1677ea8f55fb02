/* Opening, closing, and the root key's health; see keyring.h. */
#include "common/base/clock.h"
#include "common/keyring/keyring_own.h"

#include <string.h>

#define LOAD_MEM     ((size_t)1 << 20)
#define CHECK_AGE_NS (10000 * WARD_NS_PER_MS)

static const struct ward_keyring_use hash = {"hash", 0, 1, 1, true};

/* The uses of secrets, and their number. */
static int take_uses(struct ward_keyring *k, const struct ward_keyring_config *cfg)
{
    int n = 0;

    WARD_ASSERT(cfg->n_uses < USES_MAX);
    k->use[k->n_uses++] = hash;
    for (int i = 0; i < cfg->n_uses; i++)
        k->use[k->n_uses++] = cfg->uses[i];
    for (int i = 0; i < k->n_uses; i++)
        n += k->use[i].kinds * k->use[i].held;
    WARD_ASSERT(n <= SECRETS_MAX);
    return n;
}

static struct ward_keyring *allocate(const struct ward_keyring_config *cfg)
{
    struct ward_arena mem;
    struct ward_keyring *k;

    ward_arena_init(&mem, sizeof(*k) + 2 * SECRETS_MAX * sizeof(struct secret) + 1024);
    k = ward_new(&mem, struct ward_keyring);
    if (k == NULL) {
        ward_arena_done(&mem);
        return NULL;
    }
    k->n_secrets = take_uses(k, cfg);
    k->now.secret = ward_alloc(&mem, (size_t)k->n_secrets * sizeof(struct secret));
    k->next.secret = ward_alloc(&mem, (size_t)k->n_secrets * sizeof(struct secret));
    if (k->now.secret == NULL || k->next.secret == NULL) {
        ward_arena_done(&mem);
        return NULL;
    }
    k->mem = mem;
    return k;
}

static enum ward_code open_roots(const struct ward_keyring_config *cfg, struct ward_keyring *k,
                                 struct ward_err *err)
{
    WARD_TRY(ward_root_open(cfg->root, &k->root, err));
    if (cfg->root_old == NULL || *cfg->root_old == '\0')
        return WARD_OK;
    return ward_root_open(cfg->root_old, &k->old, err);
}

enum ward_code ward_keyring_blank(const struct ward_keyring_config *cfg,
                                  struct ward_keyring **out, struct ward_err *err)
{
    struct ward_keyring *k = allocate(cfg);
    enum ward_code code;

    if (k == NULL)
        return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory for the keys");
    k->cfg = *cfg;
    ward_arena_init(&k->load_mem, LOAD_MEM);
    pthread_rwlock_init(&k->lock, NULL);
    pthread_mutex_init(&k->loading, NULL);
    pthread_mutex_init(&k->checking, NULL);
    code = open_roots(cfg, k, err);
    if (code != WARD_OK) {
        ward_keyring_close(k);
        return code;
    }
    *out = k;
    return WARD_OK;
}

enum ward_code ward_keyring_open(const struct ward_keyring_config *cfg,
                                 const struct ward_db_config *with, struct ward_keyring **out,
                                 struct ward_err *err)
{
    struct ward_keyring *k = NULL;
    struct ward_db *db = NULL;
    enum ward_code code;

    WARD_TRY(ward_keyring_blank(cfg, &k, err));
    code = ward_db_open(with, &db, err);
    if (code == WARD_OK)
        code = ward_keyring_make_missing(k, db, err);
    ward_db_close(db);
    if (code != WARD_OK) {
        ward_keyring_close(k);
        return code;
    }
    *out = k;
    return WARD_OK;
}

void ward_keyring_close(struct ward_keyring *k)
{
    struct ward_arena mem;

    if (k == NULL)
        return;
    ward_root_close(k->old);
    ward_root_close(k->root);
    pthread_mutex_destroy(&k->checking);
    pthread_mutex_destroy(&k->loading);
    pthread_rwlock_destroy(&k->lock);
    ward_arena_done(&k->load_mem);
    ward_wipe(k->now.secret, (size_t)k->n_secrets * sizeof(struct secret));
    ward_wipe(k->next.secret, (size_t)k->n_secrets * sizeof(struct secret));
    mem = k->mem;
    ward_wipe(k, sizeof(*k));
    ward_arena_done(&mem);
}

enum ward_code ward_keyring_check(struct ward_keyring *k, struct ward_err *err)
{
    enum ward_code code;

    pthread_mutex_lock(&k->checking);
    if (k->checked_ns == 0 || ward_mono_ns() - k->checked_ns > CHECK_AGE_NS) {
        k->check_err = (struct ward_err){0};
        k->check_code = ward_root_check(k->root, &k->check_err);
        k->checked_ns = ward_mono_ns();
    }
    code = k->check_code;
    if (code != WARD_OK) {
        WARD_FAIL(err, UNAVAILABLE, "the root key is unusable at the moment");
        ward_err_detail(err, "%s", k->check_err.msg);
        code = WARD_UNAVAILABLE;
    }
    pthread_mutex_unlock(&k->checking);
    return code;
}

const char *ward_keyring_root_id(const struct ward_keyring *k)
{
    return ward_root_id(k->root);
}

const char *ward_keyring_root_kind(const struct ward_keyring *k)
{
    return ward_root_kind(k->root);
}
