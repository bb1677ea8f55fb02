/* New rows of the tables kek and secret, and the first rows of empty tables. */
#include "common/base/clock.h"
#include "common/keyring/keyring_own.h"

#include <string.h>

enum ward_code ward_keyring_kek_add(struct ward_keyring *k, struct ward_db *db,
                                    struct ward_arena *mem, int number, struct ward_err *err)
{
    struct ward_bound_row b = ward_bind_row(k, "kek", "", number, 0);
    uint8_t key[WARD_KEY_SIZE], sealed[WARD_SECRET_SEALED];
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

enum ward_code ward_keyring_secret_add(struct ward_keyring *k, struct ward_db *db,
                                       struct ward_arena *mem, const struct ward_kek *kek,
                                       const char *use, int kind, int generation,
                                       struct ward_err *err)
{
    struct ward_bound_row b = ward_bind_row(k, "secret", use, kind, generation);
    uint8_t key[WARD_KEY_SIZE], sealed[WARD_SECRET_SEALED];
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

enum ward_code ward_keyring_count(struct ward_db *db, struct ward_arena *mem, const char *sql,
                                  const struct ward_val *params, size_t n_params, int64_t *n,
                                  struct ward_err *err)
{
    struct ward_rows rows;

    WARD_TRY(ward_db_run(db, mem, sql, params, n_params, &rows, err));
    *n = rows.n == 0 ? 0 : ward_keyring_number(rows.at[0][0]);
    return WARD_OK;
}

/* ---- the first rows ---- */

struct missing {
    struct ward_keyring *ring;
    struct ward_arena mem;
    const struct ward_kek *kek; /* KEK for the new secrets; NULL: only count */
    int n;                      /* number of missing secrets */
};

static enum ward_code first_secret(struct missing *m, struct ward_db *db, const char *use,
                                   int kind, struct ward_err *err)
{
    int64_t n = 0;

    WARD_TRY(ward_keyring_count(db, &m->mem,
                                "SELECT COUNT(*) FROM secret WHERE use_name = ? AND kind = ?",
                                WARD_PARAMS(ward_text(use), ward_int(&m->mem, kind)), &n, err));
    if (n > 0)
        return WARD_OK;
    m->n++;
    return m->kek == NULL
               ? WARD_OK
               : ward_keyring_secret_add(m->ring, db, &m->mem, m->kek, use, kind, 1, err);
}

static enum ward_code first_also(struct missing *m, struct ward_db *db, struct ward_err *err)
{
    const struct ward_keyring_also *also = m->ring->cfg.also;
    int64_t n = 0;

    if (also == NULL)
        return WARD_OK;
    WARD_TRY(ward_keyring_count(db, &m->mem, also->rows, WARD_NO_PARAMS, &n, err));
    if (n > 0)
        return WARD_OK;
    m->n++;
    return m->kek == NULL ? WARD_OK
                          : also->first(m->ring->cfg.arg, m->ring, db, &m->mem, m->kek, err);
}

static enum ward_code look(struct missing *m, struct ward_db *db, struct ward_err *err)
{
    const struct ward_keyring *k = m->ring;

    m->n = 0;
    for (int i = 0; i < k->n_uses; i++)
        for (int kind = 0; k->use[i].first && kind < k->use[i].kinds; kind++)
            WARD_TRY(first_secret(m, db, k->use[i].use, k->use[i].kind + kind, err));
    return first_also(m, db, err);
}

/* The lock on the newest KEK's row makes concurrent replicas wait. */
static enum ward_code add_missing(struct ward_db *db, void *arg, struct ward_err *err)
{
    struct missing *m = arg;
    struct ward_rows rows;
    struct ward_kek kek = {0};
    enum ward_code code;

    WARD_TRY(ward_db_run(db, &m->mem,
                         "SELECT kek, root_id, sealed FROM kek ORDER BY kek DESC LIMIT 1 "
                         "FOR UPDATE",
                         WARD_NO_PARAMS, &rows, err));
    if (rows.n == 0)
        return WARD_FAIL(err, ABORTED, "the key-encryption key was just replaced");
    kek.number = (int)ward_keyring_number(rows.at[0][0]);
    WARD_TRY(ward_keyring_kek_open(m->ring, kek.number, rows.at[0][1].p, rows.at[0][2], kek.key,
                                   err));
    m->kek = &kek;
    code = look(m, db, err);
    m->kek = NULL;
    ward_wipe(&kek, sizeof(kek));
    return code;
}

static enum ward_code count_keks(struct missing *m, struct ward_db *db, int64_t *n,
                                 struct ward_err *err)
{
    return ward_keyring_count(db, &m->mem, "SELECT COUNT(*) FROM kek", WARD_NO_PARAMS, n, err);
}

/* An emptied table differs from a table that was never filled: a new first KEK would hide the
 * loss of the old ones. Wrapped rows always appear after their KEK. If another replica has just
 * created both, the second query finds the KEK. */
static enum ward_code never_had_any(struct missing *m, struct ward_db *db, bool *never,
                                    struct ward_err *err)
{
    int64_t wrapped = 0, secrets = 0, keks = 0;

    WARD_TRY(ward_keyring_count(db, &m->mem, m->ring->cfg.owners->any, WARD_NO_PARAMS, &wrapped,
                                err));
    WARD_TRY(ward_keyring_count(db, &m->mem, "SELECT EXISTS (SELECT 1 FROM secret)",
                                WARD_NO_PARAMS, &secrets, err));
    *never = wrapped + secrets == 0;
    if (*never)
        return WARD_OK;
    WARD_TRY(count_keks(m, db, &keks, err));
    if (keks == 0)
        return WARD_FAIL_REASON(
            err, FAILED_PRECONDITION, "KEK_UNKNOWN",
            "there are wrapped keys but no key-encryption keys: somebody emptied the table");
    return WARD_OK;
}

static enum ward_code make_missing(struct missing *m, struct ward_db *db, struct ward_err *err)
{
    enum ward_code code = WARD_OK;
    bool never = false;
    int64_t n = 0;

    WARD_TRY(count_keks(m, db, &n, err));
    if (n == 0)
        WARD_TRY(never_had_any(m, db, &never, err));
    if (never)
        code = ward_keyring_kek_add(m->ring, db, &m->mem, 1, err);
    if (code != WARD_ALREADY_EXISTS) /* otherwise, another replica created the KEK first */
        WARD_TRY(code);
    WARD_TRY(look(m, db, err));
    return m->n == 0 ? WARD_OK : ward_db_tx(db, add_missing, m, err);
}

enum ward_code ward_keyring_make_missing(struct ward_keyring *k, struct ward_db *db,
                                         struct ward_err *err)
{
    struct missing m = {.ring = k};
    enum ward_code code;

    ward_arena_init(&m.mem, 65536);
    code = make_missing(&m, db, err);
    ward_arena_done(&m.mem);
    return code == WARD_OK ? ward_keyring_follow(k, db, err) : code;
}
