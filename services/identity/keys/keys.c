/* Opening, closing, and the root's health; keys.h says what for. */
#include "services/identity/keys/keys_own.h"

#include "common/base/clock.h"

#include <stdio.h>
#include <string.h>

#define LOAD_MEM     ((size_t)1 << 20)
#define CHECK_AGE_NS (10000 * WARD_NS_PER_MS)

static enum ward_code open_roots(const struct keys_config *cfg, struct keys *k,
                                 struct ward_err *err)
{
    WARD_TRY(ward_root_open(cfg->root, &k->root, err));
    if (cfg->root_old == NULL || *cfg->root_old == '\0')
        return WARD_OK;
    return ward_root_open(cfg->root_old, &k->old, err);
}

static enum ward_code open_tables(struct keys *k, const struct ward_db_config *cfg,
                                  struct ward_err *err)
{
    struct ward_db *db;
    enum ward_code code;

    WARD_TRY(ward_db_open(cfg, &db, err));
    code = keys_make_missing(k, db, err);
    ward_db_close(db);
    return code;
}

enum ward_code keys_open(const struct keys_config *cfg, const struct ward_db_config *db,
                         struct keys **out, struct ward_err *err)
{
    struct ward_arena mem;
    struct keys *k;
    enum ward_code code;

    ward_arena_init(&mem, sizeof(*k) + 64);
    k = ward_new(&mem, struct keys);
    if (k == NULL) {
        ward_arena_done(&mem);
        return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory for the keys");
    }
    k->mem = mem;
    ward_arena_init(&k->load_mem, LOAD_MEM);
    snprintf(k->tenant, sizeof(k->tenant), "%s", cfg->tenant);
    pthread_rwlock_init(&k->lock, NULL);
    pthread_mutex_init(&k->loading, NULL);
    pthread_mutex_init(&k->checking, NULL);
    code = open_roots(cfg, k, err);
    if (code == WARD_OK)
        code = open_tables(k, db, err);
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
    ward_root_close(k->old);
    ward_root_close(k->root);
    pthread_mutex_destroy(&k->checking);
    pthread_mutex_destroy(&k->loading);
    pthread_rwlock_destroy(&k->lock);
    ward_arena_done(&k->load_mem);
    mem = k->mem;
    ward_wipe(k, sizeof(*k));
    ward_arena_done(&mem);
}

enum ward_code keys_check(struct keys *k, struct ward_err *err)
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
        WARD_FAIL(err, UNAVAILABLE, "the root key cannot be used now");
        ward_err_detail(err, "%s", k->check_err.msg);
        code = WARD_UNAVAILABLE;
    }
    pthread_mutex_unlock(&k->checking);
    return code;
}

const char *keys_root_id(const struct keys *k)
{
    return ward_root_id(k->root);
}

const char *keys_root_kind(const struct keys *k)
{
    return ward_root_kind(k->root);
}
