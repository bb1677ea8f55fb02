/* Reading the tables kek and secret, and filling them where they are empty. */
#include "services/identity/keys/keys_own.h"

#include "common/base/clock.h"
#include "common/base/text.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

int64_t keys_number(struct ward_val v)
{
    int64_t n = 0;

    return v.p != NULL && ward_i64(v.p, INT64_MIN, INT64_MAX, &n) ? n : 0;
}

static enum ward_code unknown(struct ward_err *err)
{
    return WARD_FAIL_REASON(err, FAILED_PRECONDITION, "KEK_UNKNOWN",
                            "a key-encryption key is sealed by a root key that is neither "
                            "WARD_KEK nor WARD_KEK_OLD");
}

enum ward_code kek_open(const struct keys *k, int number, const char *root_id,
                        struct ward_val sealed, uint8_t key[WARD_KEY_SIZE],
                        struct ward_err *err)
{
    struct bound b = bind_row(BOUND_KEK, "", number, 0);
    struct ward_root *root = NULL;

    if (strcmp(root_id, ward_root_id(k->root)) == 0)
        root = k->root;
    else if (k->old != NULL && strcmp(root_id, ward_root_id(k->old)) == 0)
        root = k->old;
    if (root == NULL || sealed.n != SECRET_SEALED)
        return unknown(err);
    return ward_root_unseal(root, &b, sizeof(b), sealed.p, sealed.n, key, err);
}

enum ward_code kek_add(struct keys *k, struct ward_db *db, struct ward_arena *mem, int number,
                       struct ward_err *err)
{
    struct bound b = bind_row(BOUND_KEK, "", number, 0);
    uint8_t key[WARD_KEY_SIZE], sealed[SECRET_SEALED];
    enum ward_code code;

    ward_random(key, sizeof(key));
    code = ward_root_seal(k->root, &b, sizeof(b), key, sizeof(key), sealed, err);
    ward_wipe(key, sizeof(key));
    WARD_TRY(code);
    return ward_db_run(
        db, NULL, "INSERT INTO kek (kek, root_id, sealed, created_at_us) VALUES (?, ?, ?, ?)",
        WARD_PARAMS(ward_int(mem, number), ward_text(ward_root_id(k->root)),
                    ward_blob(sealed, sizeof(sealed)), ward_int(mem, ward_wall_us())),
        NULL, err);
}

enum ward_code secret_add(struct ward_db *db, struct ward_arena *mem, const struct kek *kek,
                          const char *use, int kind, int generation, struct ward_err *err)
{
    struct bound b = bind_row(BOUND_SECRET, use, kind, generation);
    uint8_t key[WARD_KEY_SIZE], sealed[SECRET_SEALED];
    enum ward_code code;

    ward_random(key, sizeof(key));
    code = ward_seal(kek->key, &b, sizeof(b), key, sizeof(key), sealed, err);
    ward_wipe(key, sizeof(key));
    WARD_TRY(code);
    return ward_db_run(db, NULL,
                       "INSERT INTO secret (use_name, kind, generation, kek, sealed, "
                       "created_at_us) VALUES (?, ?, ?, ?, ?, ?)",
                       WARD_PARAMS(ward_text(use), ward_int(mem, kind),
                                   ward_int(mem, generation), ward_int(mem, kek->number),
                                   ward_blob(sealed, sizeof(sealed)),
                                   ward_int(mem, ward_wall_us())),
                       NULL, err);
}

/* ---- reading ---- */

static const struct kek *held_kek(const struct held *h, int number)
{
    for (int i = 0; i < h->n_keks; i++)
        if (h->kek[i].number == number)
            return &h->kek[i];
    return NULL;
}

/* One that no root here opens is left out: who needs it is told so. */
static enum ward_code read_keks(struct keys *k, struct ward_db *db, struct held *next,
                                struct ward_err *err)
{
    struct ward_rows rows;

    WARD_TRY(ward_db_run(db, &k->load_mem,
                         "SELECT kek, root_id, sealed FROM kek ORDER BY kek DESC LIMIT 64",
                         WARD_NO_PARAMS, &rows, err));
    for (size_t i = 0; i < rows.n; i++) {
        struct kek *kek = &next->kek[next->n_keks];
        int number = (int)keys_number(rows.at[i][0]);
        const struct kek *known = held_kek(&k->now, number);
        enum ward_code code = WARD_OK;

        if (known != NULL)
            memcpy(kek->key, known->key, WARD_KEY_SIZE);
        else
            code = kek_open(k, number, rows.at[i][1].p, rows.at[i][2], kek->key, err);
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

/* Where a secret's place in memory is, NULL for one that has none (of a later version, or the
 * older ones of too many). */
static struct turn *place_of(struct held *h, const char *use, int kind, int generation)
{
    if (strcmp(use, "hash") == 0 && kind == 0)
        return &h->hash;
    if (strcmp(use, "bucket") == 0 && kind >= 0 && kind < KEYS_BUCKETS)
        return &h->bucket[kind];
    if (strcmp(use, "turn") != 0 || kind < 1 || kind > KINDS)
        return NULL;
    for (int i = 0; i < h->n_turns[kind - 1]; i++)
        if (h->turn[kind - 1][i].generation == generation)
            return &h->turn[kind - 1][i];
    return h->n_turns[kind - 1] == TURNS_MAX ? NULL : &h->turn[kind - 1][h->n_turns[kind - 1]];
}

static enum ward_code read_secret(struct keys *k, struct held *next, const struct ward_val *row,
                                  struct ward_err *err)
{
    const char *use = row[0].p;
    int kind = (int)keys_number(row[1]), generation = (int)keys_number(row[2]);
    struct bound b = bind_row(BOUND_SECRET, use, kind, generation);
    const struct kek *kek = held_kek(next, (int)keys_number(row[3]));
    struct turn *to = place_of(next, use, kind, generation);
    const struct turn *known = place_of(&k->now, use, kind, generation);

    if (to == NULL || to->generation > generation)
        return WARD_OK;
    if (known != NULL && known->generation == generation)
        memcpy(to->key, known->key, WARD_KEY_SIZE);
    else if (kek == NULL || row[4].n != SECRET_SEALED)
        return WARD_OK;
    else
        WARD_TRY(ward_unseal(kek->key, &b, sizeof(b), row[4].p, row[4].n, to->key, err));
    to->generation = generation;
    if (strcmp(use, "turn") == 0)
        next->n_turns[kind - 1]++;
    return WARD_OK;
}

static enum ward_code read_secrets(struct keys *k, struct ward_db *db, struct held *next,
                                   struct ward_err *err)
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

/* Is what went at gone_ns (0: just now) still to be kept? Notes when to look again. */
static bool stays(struct keys *k, int64_t *gone_ns)
{
    int64_t now = ward_mono_ns(), until;

    if (*gone_ns == 0)
        *gone_ns = now;
    until = *gone_ns + GONE_NS;
    if (now >= until)
        return false;
    if (k->again_ns == 0 || until < k->again_ns)
        k->again_ns = until;
    return true;
}

/* What is held and no longer in the tables goes behind what is, for a while. */
static void keep_gone(struct keys *k, struct held *next)
{
    k->again_ns = 0;
    for (int i = 0; i < k->now.n_keks && next->n_keks < KEKS_MAX; i++) {
        struct kek old = k->now.kek[i];

        if (held_kek(next, old.number) == NULL && stays(k, &old.gone_ns))
            next->kek[next->n_keks++] = old;
        ward_wipe(&old, sizeof(old));
    }
    for (int kind = 0; kind < KINDS; kind++)
        for (int i = 0; i < k->now.n_turns[kind]; i++) {
            struct turn old = k->now.turn[kind][i];
            struct turn *to = place_of(next, "turn", kind + 1, old.generation);

            if (to != NULL && to->generation == 0 && stays(k, &old.gone_ns)) {
                *to = old;
                next->n_turns[kind]++;
            }
            ward_wipe(&old, sizeof(old));
        }
}

/* Transforms made from keys that are gone go too. */
static void drop_rotations(struct keys *k)
{
    for (int i = 0; i < ROTATIONS_MAX; i++) {
        const struct turn *t;
        struct made_rotation *m = &k->made[i];

        if (m->generation == 0)
            continue;
        t = place_of(&k->now, "turn", m->kind, m->generation);
        if (t == NULL || t->generation != m->generation)
            ward_wipe(m, sizeof(*m));
    }
}

static enum ward_code read_all(struct keys *k, struct ward_db *db, struct ward_err *err)
{
    enum ward_code code;

    code = read_keks(k, db, &k->next, err);
    if (code == WARD_OK)
        code = read_secrets(k, db, &k->next, err);
    if (code == WARD_OK)
        code = load_signers(k, db, &k->next, err);
    if (code == WARD_OK) {
        keep_gone(k, &k->next);
        pthread_rwlock_wrlock(&k->lock);
        k->now = k->next;
        drop_rotations(k);
        pthread_rwlock_unlock(&k->lock);
    }
    ward_wipe(&k->next, sizeof(k->next));
    return code;
}

/* What changes whenever a row of the three tables does: numbers only grow, and rows come and
 * go. Read before the rows, so that what comes in between is found the next time. */
static enum ward_code read_marker(struct keys *k, struct ward_db *db, char out[MARKER_SIZE],
                                  struct ward_err *err)
{
    struct ward_rows rows;

    WARD_TRY(ward_db_run(
        db, &k->load_mem,
        "SELECT CONCAT_WS('/', (SELECT CONCAT_WS('+', COUNT(*), SUM(kek), SUM(created_at_us)) "
        "FROM kek), (SELECT CONCAT_WS('+', COUNT(*), SUM(generation), SUM(created_at_us), "
        "SUM(kek)) FROM secret), (SELECT CONCAT_WS('+', COUNT(*), SUM(signs_from_us), "
        "SUM(checks_until_us), SUM(kek)) FROM token_key))",
        WARD_NO_PARAMS, &rows, err));
    snprintf(out, MARKER_SIZE, "%s", rows.at[0][0].p);
    return WARD_OK;
}

static enum ward_code follow(struct keys *k, struct ward_db *db, struct ward_err *err)
{
    char marker[MARKER_SIZE];

    WARD_TRY(read_marker(k, db, marker, err));
    if (strcmp(marker, k->marker) == 0 && (k->again_ns == 0 || ward_mono_ns() < k->again_ns))
        return WARD_OK;
    WARD_TRY(read_all(k, db, err));
    memcpy(k->marker, marker, sizeof(marker));
    return WARD_OK;
}

enum ward_code keys_follow(struct keys *k, struct ward_db *db, struct ward_err *err)
{
    enum ward_code code;

    pthread_mutex_lock(&k->loading);
    code = follow(k, db, err);
    ward_arena_reset(&k->load_mem);
    pthread_mutex_unlock(&k->loading);
    return code;
}

/* ---- the first ones ---- */

static enum ward_code count(struct ward_db *db, struct ward_arena *mem, const char *sql,
                            int64_t *n, struct ward_err *err)
{
    struct ward_rows rows;

    WARD_TRY(ward_db_run(db, mem, sql, WARD_NO_PARAMS, &rows, err));
    *n = keys_number(rows.at[0][0]);
    return WARD_OK;
}

struct missing {
    struct keys *keys;
    struct ward_arena mem;
};

static enum ward_code add_secrets(struct missing *m, struct ward_db *db, const struct kek *kek,
                                  struct ward_err *err)
{
    static const char *const counts[] = {
        "SELECT COUNT(*) FROM secret WHERE use_name = 'hash'",
        "SELECT COUNT(*) FROM secret WHERE use_name = 'turn' AND kind = 1",
        "SELECT COUNT(*) FROM secret WHERE use_name = 'turn' AND kind = 2",
        "SELECT COUNT(*) FROM token_key"};
    char kid[64];
    int64_t n;

    for (int i = 0; i < 4; i++) {
        WARD_TRY(count(db, &m->mem, counts[i], &n, err));
        if (n > 0)
            continue;
        if (i < 3)
            WARD_TRY(secret_add(db, &m->mem, kek, i == 0 ? "hash" : "turn", i, 1, err));
        else
            WARD_TRY(token_key_add(db, &m->mem, kek, ward_wall_us(), kid, err));
    }
    return WARD_OK;
}

/* The lock on the newest kek's row keeps twins out. */
static enum ward_code add_missing(struct ward_db *db, void *arg, struct ward_err *err)
{
    struct missing *m = arg;
    uint8_t key[WARD_KEY_SIZE];
    enum ward_code code;
    struct ward_rows rows;
    struct kek kek = {0};

    WARD_TRY(ward_db_run(db, &m->mem,
                         "SELECT kek, root_id, sealed FROM kek ORDER BY kek DESC LIMIT 1 "
                         "FOR UPDATE",
                         WARD_NO_PARAMS, &rows, err));
    if (rows.n == 0)
        return WARD_FAIL(err, ABORTED, "the key-encryption key was just replaced");
    kek.number = (int)keys_number(rows.at[0][0]);
    WARD_TRY(kek_open(m->keys, kek.number, rows.at[0][1].p, rows.at[0][2], key, err));
    memcpy(kek.key, key, sizeof(key));
    ward_wipe(key, sizeof(key));
    code = add_secrets(m, db, &kek, err);
    ward_wipe(&kek, sizeof(kek));
    return code;
}

static enum ward_code nothing_missing(struct ward_db *db, struct ward_arena *mem, bool *out,
                                      struct ward_err *err)
{
    int64_t n = 0;

    WARD_TRY(count(db, mem,
                   "SELECT (SELECT COUNT(*) FROM token_key LIMIT 1) > 0 AND (SELECT COUNT(*) "
                   "FROM secret WHERE use_name = 'hash') = 1 AND (SELECT COUNT(DISTINCT kind) "
                   "FROM secret WHERE use_name = 'turn') = 2",
                   &n, err));
    *out = n == 1;
    return WARD_OK;
}

/* A table that was emptied is not one that was never filled: a new first kek would hide that
 * the old ones are lost. */
static enum ward_code never_had_any(struct ward_db *db, struct ward_arena *mem,
                                    struct ward_err *err)
{
    int64_t n = 0;

    WARD_TRY(count(db, mem,
                   "SELECT EXISTS (SELECT 1 FROM face_key WHERE kek > 0) + "
                   "EXISTS (SELECT 1 FROM secret)",
                   &n, err));
    if (n > 0)
        return WARD_FAIL_REASON(err, FAILED_PRECONDITION, "KEK_UNKNOWN",
                                "there are wrapped keys and no key-encryption keys: the table "
                                "was emptied");
    return WARD_OK;
}

static enum ward_code make_missing(struct missing *m, struct ward_db *db, struct ward_err *err)
{
    enum ward_code code = WARD_OK;
    bool whole = false;
    int64_t n = 0;

    WARD_TRY(count(db, &m->mem, "SELECT COUNT(*) FROM kek", &n, err));
    if (n == 0)
        WARD_TRY(never_had_any(db, &m->mem, err));
    if (n == 0)
        code = kek_add(m->keys, db, &m->mem, 1, err);
    if (code != WARD_ALREADY_EXISTS) /* then another replica was first */
        WARD_TRY(code);
    WARD_TRY(nothing_missing(db, &m->mem, &whole, err));
    return whole ? WARD_OK : ward_db_tx(db, add_missing, m, err);
}

enum ward_code keys_make_missing(struct keys *k, struct ward_db *db, struct ward_err *err)
{
    struct missing m = {.keys = k};
    enum ward_code code;

    ward_arena_init(&m.mem, 65536);
    code = make_missing(&m, db, err);
    ward_arena_done(&m.mem);
    return code == WARD_OK ? keys_follow(k, db, err) : code;
}
