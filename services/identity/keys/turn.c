/* Transforms of templates. */
#include "services/identity/keys/keys_own.h"

#include <stdio.h>

int keys_generation(struct keys *k, int kind)
{
    int newest = 0;

    return ward_keyring_secret(k->ring, "turn", kind, 0, &newest, NULL) ? newest : 0;
}

void turns_drop(struct keys *k, struct ward_keyring *ring)
{
    pthread_rwlock_wrlock(&k->lock);
    for (int i = 0; i < ROTATIONS_MAX; i++) {
        struct made_rotation *m = &k->made[i];

        if (m->generation != 0 &&
            !ward_keyring_secret(ring, "turn", m->kind, m->generation, NULL, NULL))
            ward_wipe(m, sizeof(*m));
    }
    pthread_rwlock_unlock(&k->lock);
}

struct way {
    int kind, generation, dim;
    bool back;
};

/* Transforms v with a cached rotation. Returns false if the rotation is not cached. */
static bool turn_at_hand(struct keys *k, const struct way *way, float *v)
{
    bool found = false;

    pthread_rwlock_rdlock(&k->lock);
    for (int i = 0; i < ROTATIONS_MAX && !found; i++) {
        const struct made_rotation *m = &k->made[i];

        found =
            m->generation == way->generation && m->kind == way->kind && m->by.dim == way->dim;
        if (found && way->back)
            ward_rotate_back(&m->by, v);
        else if (found)
            ward_rotate(&m->by, v);
    }
    pthread_rwlock_unlock(&k->lock);
    return found;
}

/* Computes a rotation from its key and replaces the least recently computed entry of the cache.
 * *known is false if the key does not exist. */
static enum ward_code make(struct keys *k, const struct way *way, bool *known,
                           struct ward_err *err)
{
    uint8_t key[WARD_KEY_SIZE];
    struct made_rotation *m;
    char context[160];
    bool made = true;

    snprintf(context, sizeof(context), "%s/%d", k->tenant, way->kind);
    pthread_rwlock_wrlock(&k->lock);
    *known = ward_keyring_secret(k->ring, "turn", way->kind, way->generation, NULL, key);
    if (*known) {
        m = &k->made[k->next_made++ % ROTATIONS_MAX];
        m->generation = 0;
        made = ward_rotation_make(key, context, way->dim, &m->by);
        m->kind = way->kind;
        m->generation = made ? way->generation : 0;
        ward_wipe(key, sizeof(key));
    }
    pthread_rwlock_unlock(&k->lock);
    if (!made)
        return WARD_FAIL(err, INTERNAL, "there is no transform for %d dimensions", way->dim);
    return WARD_OK;
}

static enum ward_code turn(struct keys *k, struct ward_db *db, const struct way *way, float *v,
                           struct ward_err *err)
{
    bool looked = db == NULL, known = false;

    if (way->generation == 0 || turn_at_hand(k, way, v))
        return WARD_OK;
    for (;;) {
        WARD_TRY(make(k, way, &known, err));
        if (known && turn_at_hand(k, way, v))
            return WARD_OK;
        if (!known && looked)
            return WARD_FAIL_REASON(err, DATA_LOSS, "TEMPLATE_UNREADABLE",
                                    "no key of this generation of the transform exists");
        if (!known) {
            looked = true;
            WARD_TRY(ward_keyring_follow(k->ring, db, err));
        }
    }
}

enum ward_code keys_turn(struct keys *k, struct ward_db *db, int kind, int generation, int dim,
                         float *v, struct ward_err *err)
{
    return turn(k, db, &(struct way){kind, generation, dim, false}, v, err);
}

enum ward_code keys_turn_back(struct keys *k, struct ward_db *db, int kind, int generation,
                              int dim, float *v, struct ward_err *err)
{
    return turn(k, db, &(struct way){kind, generation, dim, true}, v, err);
}
