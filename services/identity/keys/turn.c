/* Transforms of templates, and the keyed hash. */
#include "services/identity/keys/keys_own.h"

#include <stdio.h>
#include <string.h>

static const struct turn *find_turn(const struct held *h, int kind, int generation)
{
    if (kind < 1 || kind > KINDS)
        return NULL;
    for (int i = 0; i < h->n_turns[kind - 1]; i++)
        if (h->turn[kind - 1][i].generation == generation)
            return &h->turn[kind - 1][i];
    return NULL;
}

int keys_generation(struct keys *k, int kind)
{
    int newest = 0;

    pthread_rwlock_rdlock(&k->lock);
    if (kind >= 1 && kind <= KINDS && k->now.n_turns[kind - 1] > 0)
        newest = k->now.turn[kind - 1][0].generation;
    pthread_rwlock_unlock(&k->lock);
    return newest;
}

struct way {
    int kind, generation, dim;
    bool back;
};

/* With a rotation that is at hand; false: there is none. */
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

/* Makes it from its key into the place of the one made longest ago; *known false: no such key.
 */
static enum ward_code make(struct keys *k, const struct way *way, bool *known,
                           struct ward_err *err)
{
    struct made_rotation *m;
    const struct turn *key;
    char context[160];
    bool made = true;

    snprintf(context, sizeof(context), "%s/%d", k->tenant, way->kind);
    pthread_rwlock_wrlock(&k->lock);
    key = find_turn(&k->now, way->kind, way->generation);
    *known = key != NULL;
    if (key != NULL) {
        m = &k->made[k->next_made++ % ROTATIONS_MAX];
        m->generation = 0;
        made = ward_rotation_make(key->key, context, way->dim, &m->by);
        m->kind = way->kind;
        m->generation = made ? way->generation : 0;
    }
    pthread_rwlock_unlock(&k->lock);
    if (!made)
        return WARD_FAIL(err, INTERNAL, "no transform for %d dimensions", way->dim);
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
                                    "there is no key of this generation of the transform");
        if (!known) {
            looked = true;
            WARD_TRY(keys_follow(k, db, err));
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

enum ward_code keys_hash(struct keys *k, const char *what, const void *data, size_t n,
                         uint8_t out[WARD_SHA256_SIZE], struct ward_err *err)
{
    uint8_t key[WARD_SHA256_SIZE];
    bool known;

    pthread_rwlock_rdlock(&k->lock);
    known = k->now.hash.generation != 0;
    if (known) /* a key of its own for each use, so that equal texts of two uses differ */
        ward_hmac_sha256(k->now.hash.key, WARD_KEY_SIZE, what, strlen(what), key);
    pthread_rwlock_unlock(&k->lock);
    if (!known)
        return WARD_FAIL(err, INTERNAL, "the hash key is missing");
    ward_hmac_sha256(key, sizeof(key), data, n, out);
    ward_wipe(key, sizeof(key));
    return WARD_OK;
}
