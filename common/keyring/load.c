/* Reads the tables kek and secret into memory. */
#include "common/base/clock.h"
#include "common/base/text.h"
#include "common/keyring/keyring_own.h"

#include <stdio.h>
#include <string.h>

#define NS_PER_S INT64_C(1000000000)

int64_t ward_keyring_number(struct ward_val v)
{
    int64_t n = 0;

    return v.p != NULL && ward_i64(v.p, INT64_MIN, INT64_MAX, &n) ? n : 0;
}

static enum ward_code unknown(struct ward_err *err)
{
    return WARD_FAIL_REASON(err, FAILED_PRECONDITION, "KEK_UNKNOWN",
                            "a key-encryption key is encrypted by a root key that is neither "
                            "WARD_KEK nor WARD_KEK_OLD");
}

enum ward_code ward_keyring_kek_open(const struct ward_keyring *k, int number,
                                     const char *root_id, struct ward_val sealed,
                                     uint8_t key[WARD_KEY_SIZE], struct ward_err *err)
{
    struct ward_bound_row b = ward_bind_row(k, "kek", "", number, 0);
    struct ward_root *root = NULL;

    if (strcmp(root_id, ward_root_id(k->root)) == 0)
        root = k->root;
    else if (k->old != NULL && strcmp(root_id, ward_root_id(k->old)) == 0)
        root = k->old;
    if (root == NULL || sealed.n != WARD_SECRET_SEALED)
        return unknown(err);
    return ward_root_unseal(root, &b, sizeof(b), sealed.p, sealed.n, key, err);
}

static const struct ward_kek *held_kek(const struct held *h, int number)
{
    for (int i = 0; i < h->n_keks; i++)
        if (h->kek[i].number == number)
            return &h->kek[i];
    return NULL;
}

/* Skips a KEK that no configured root decrypts. Calls that need this KEK fail with an error. */
static enum ward_code read_keks(struct ward_keyring *k, struct ward_db *db, struct held *next,
                                struct ward_err *err)
{
    struct ward_rows rows;

    WARD_TRY(ward_db_run(db, &k->load_mem,
                         "SELECT kek, root_id, sealed FROM kek ORDER BY kek DESC LIMIT 64",
                         WARD_NO_PARAMS, &rows, err));
    for (size_t i = 0; i < rows.n; i++) {
        struct ward_kek *kek = &next->kek[next->n_keks];
        int number = (int)ward_keyring_number(rows.at[i][0]);
        const struct ward_kek *known = held_kek(&k->now, number);
        enum ward_code code = WARD_OK;

        if (known != NULL)
            memcpy(kek->key, known->key, WARD_KEY_SIZE);
        else
            code =
                ward_keyring_kek_open(k, number, rows.at[i][1].p, rows.at[i][2], kek->key, err);
        if (code == WARD_FAILED_PRECONDITION)
            continue;
        WARD_TRY(code);
        kek->number = number;
        next->n_keks++;
    }
    if (next->n_keks == 0)
        return unknown(err);
    return WARD_OK;
}

/* ---- secrets ---- */

/* Returns the places of one kind's generations, u->held of them; NULL: none. */
static struct secret *places(const struct ward_keyring *k, const struct held *h,
                             const char *use, int kind, int *n)
{
    struct secret *at = h->secret;

    for (int i = 0; i < k->n_uses; i++) {
        const struct ward_keyring_use *u = &k->use[i];

        *n = u->held;
        if (strcmp(u->use, use) == 0 && kind >= u->kind && kind < u->kind + u->kinds)
            return at + (ptrdiff_t)(kind - u->kind) * u->held;
        at += (ptrdiff_t)u->kinds * u->held;
    }
    return NULL;
}

struct secret *ward_keyring_place(const struct ward_keyring *k, const struct held *h,
                                  const char *use, int kind, int generation)
{
    int n = 0;
    struct secret *at = places(k, h, use, kind, &n);

    for (int i = 0; at != NULL && i < n; i++)
        if (at[i].generation == generation || at[i].generation == 0)
            return &at[i];
    return NULL;
}

/* Rows arrive newest first and are stored in that order. */
static enum ward_code read_secret(struct ward_keyring *k, struct held *next,
                                  const struct ward_val *row, struct ward_err *err)
{
    const char *use = row[0].p;
    int kind = (int)ward_keyring_number(row[1]);
    int generation = (int)ward_keyring_number(row[2]);
    struct ward_bound_row b = ward_bind_row(k, "secret", use, kind, generation);
    const struct ward_kek *kek = held_kek(next, (int)ward_keyring_number(row[3]));
    struct secret *to = ward_keyring_place(k, next, use, kind, generation);
    const struct secret *known = ward_keyring_place(k, &k->now, use, kind, generation);

    if (to == NULL || generation < 1)
        return WARD_OK;
    if (known != NULL && known->generation == generation)
        memcpy(to->key, known->key, WARD_KEY_SIZE);
    else if (kek == NULL || row[4].n != WARD_SECRET_SEALED)
        return WARD_OK;
    else
        WARD_TRY(ward_unseal(kek->key, &b, sizeof(b), row[4].p, row[4].n, to->key, err));
    to->generation = generation;
    return WARD_OK;
}

static enum ward_code read_secrets(struct ward_keyring *k, struct ward_db *db,
                                   struct held *next, struct ward_err *err)
{
    struct ward_rows rows;

    WARD_TRY(ward_db_run(db, &k->load_mem,
                         "SELECT use_name, kind, generation, kek, sealed FROM secret ORDER BY "
                         "generation DESC LIMIT 1024",
                         WARD_NO_PARAMS, &rows, err));
    for (size_t i = 0; i < rows.n; i++)
        WARD_TRY(read_secret(k, next, rows.at[i], err));
    return WARD_OK;
}

bool ward_keyring_secret(struct ward_keyring *k, const char *use, int kind, int generation,
                         int *which, uint8_t key[WARD_KEY_SIZE])
{
    const struct secret *at;
    bool found = false;
    int n = 0;

    pthread_rwlock_rdlock(&k->lock);
    at = places(k, &k->now, use, kind, &n);
    for (int i = 0; at != NULL && i < n && !found && at[i].generation != 0; i++) {
        found = generation == 0 || at[i].generation == generation;
        if (found && which != NULL)
            *which = at[i].generation;
        if (found && key != NULL)
            memcpy(key, at[i].key, WARD_KEY_SIZE);
    }
    pthread_rwlock_unlock(&k->lock);
    return found;
}

/* ---- keys in memory that are missing from the tables ---- */

/* Returns whether a key that is missing since gone_ns (0: since now) must stay in memory, and
 * schedules the next read. */
static bool stays(struct ward_keyring *k, int64_t *gone_ns)
{
    int64_t now = ward_mono_ns(), until;

    if (*gone_ns == 0)
        *gone_ns = now;
    until = *gone_ns + (k->cfg.hold_s > 0 ? k->cfg.hold_s : HOLD_S) * NS_PER_S;
    if (now >= until)
        return false;
    if (k->again_ns == 0 || until < k->again_ns)
        k->again_ns = until;
    return true;
}

static void keep_gone_secrets(struct ward_keyring *k, const struct ward_keyring_use *u,
                              int kind, struct held *next)
{
    int n = 0;
    const struct secret *was = places(k, &k->now, u->use, kind, &n);

    for (int i = 0; was != NULL && i < n && was[i].generation != 0; i++) {
        struct secret old = was[i];
        struct secret *to = ward_keyring_place(k, next, u->use, kind, old.generation);

        if (to != NULL && to->generation == 0 && stays(k, &old.gone_ns))
            *to = old;
        ward_wipe(&old, sizeof(old));
    }
}

/* Copies keys that have recently disappeared from the tables, after the existing keys. */
static void keep_gone(struct ward_keyring *k, struct held *next)
{
    k->again_ns = 0;
    for (int i = 0; i < k->now.n_keks && next->n_keks < KEKS_MAX; i++) {
        struct ward_kek old = k->now.kek[i];

        if (held_kek(next, old.number) == NULL && stays(k, &old.gone_ns))
            next->kek[next->n_keks++] = old;
        ward_wipe(&old, sizeof(old));
    }
    for (int i = 0; i < k->n_uses; i++)
        for (int kind = 0; k->use[i].held > 1 && kind < k->use[i].kinds; kind++)
            keep_gone_secrets(k, &k->use[i], k->use[i].kind + kind, next);
}

/* ---- reading all tables ---- */

static void publish(struct ward_keyring *k)
{
    struct secret *secret = k->now.secret;

    pthread_rwlock_wrlock(&k->lock);
    k->now = k->next;
    k->now.secret = secret;
    memcpy(secret, k->next.secret, (size_t)k->n_secrets * sizeof(*secret));
    pthread_rwlock_unlock(&k->lock);
}

static enum ward_code read_all(struct ward_keyring *k, struct ward_db *db, struct ward_err *err)
{
    struct secret *secret = k->next.secret;
    enum ward_code code = read_keks(k, db, &k->next, err);

    if (code == WARD_OK)
        code = read_secrets(k, db, &k->next, err);
    if (code == WARD_OK) {
        keep_gone(k, &k->next);
        publish(k);
    }
    ward_wipe(secret, (size_t)k->n_secrets * sizeof(*secret));
    ward_wipe(&k->next, sizeof(k->next));
    k->next.secret = secret;
    if (code == WARD_OK && k->cfg.also != NULL)
        code = k->cfg.also->read(k->cfg.arg, k, db, &k->load_mem, err);
    return code;
}

/* A value that changes whenever a row does: numbers only grow, and rows appear and disappear.
 * The value is read before the rows, so that the next read notices a change in between. */
static enum ward_code read_marker(struct ward_keyring *k, struct ward_db *db,
                                  char out[MARKER_SIZE], struct ward_err *err)
{
    static const char OURS[] = WARD_KEYRING_MARKER("");
    const struct ward_keyring_also *also = k->cfg.also;
    struct ward_rows rows;

    WARD_TRY(ward_db_run(db, &k->load_mem, also == NULL ? OURS : also->marker, WARD_NO_PARAMS,
                         &rows, err));
    snprintf(out, MARKER_SIZE, "%s", rows.at[0][0].p);
    return WARD_OK;
}

static enum ward_code follow(struct ward_keyring *k, struct ward_db *db, struct ward_err *err)
{
    char marker[MARKER_SIZE];

    WARD_TRY(read_marker(k, db, marker, err));
    if (strcmp(marker, k->marker) == 0 && (k->again_ns == 0 || ward_mono_ns() < k->again_ns))
        return WARD_OK;
    WARD_TRY(read_all(k, db, err));
    memcpy(k->marker, marker, sizeof(marker));
    return WARD_OK;
}

enum ward_code ward_keyring_follow(struct ward_keyring *k, struct ward_db *db,
                                   struct ward_err *err)
{
    enum ward_code code;

    pthread_mutex_lock(&k->loading);
    code = follow(k, db, err);
    ward_arena_reset(&k->load_mem);
    pthread_mutex_unlock(&k->loading);
    return code;
}
