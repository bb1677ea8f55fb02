/* The steps of a rotation; see rotation.h. */
#include "common/base/clock.h"
#include "common/keyring/keyring_own.h"

#include <string.h>
#include <time.h>

#define BATCH         500
#define MEM           ((size_t)2 << 20)
#define FRUITLESS_MAX 200 /* passes, 20 ms apart */

/* Rows wrapped by an older KEK. */
static enum ward_code rows_left(struct ward_kek_rotation *r, struct ward_db *db, int64_t *n,
                                struct ward_err *err)
{
    const struct ward_keyring_config *cfg = &r->ring->cfg;
    struct ward_val kek = ward_int(&r->mem, r->kek.number);
    int64_t owners = 0, secrets = 0, also = 0;

    WARD_TRY(
        ward_keyring_count(db, &r->mem, cfg->owners->older, WARD_PARAMS(kek), &owners, err));
    WARD_TRY(ward_keyring_count(db, &r->mem, "SELECT COUNT(*) FROM secret WHERE kek < ?",
                                WARD_PARAMS(kek), &secrets, err));
    if (cfg->also != NULL)
        WARD_TRY(
            ward_keyring_count(db, &r->mem, cfg->also->older, WARD_PARAMS(kek), &also, err));
    *n = owners + secrets + also;
    return WARD_OK;
}

/* ---- choosing the KEK ---- */

static bool is_ours(const struct ward_keyring *k, const char *root_id)
{
    return strcmp(root_id, ward_root_id(k->root)) == 0 ||
           (k->old != NULL && strcmp(root_id, ward_root_id(k->old)) == 0);
}

static enum ward_code refuse_unknown(struct ward_kek_rotation *r, struct ward_db *db,
                                     const struct ward_val *row, struct ward_err *err)
{
    const struct ward_keyring_config *cfg = &r->ring->cfg;
    int64_t owners = 0, secrets = 0, also = 0;

    if (is_ours(r->ring, row[1].p))
        return WARD_OK;
    WARD_TRY(ward_keyring_count(db, &r->mem, cfg->owners->any_of, WARD_PARAMS(row[0]), &owners,
                                err));
    WARD_TRY(ward_keyring_count(db, &r->mem,
                                "SELECT EXISTS (SELECT 1 FROM secret WHERE kek = ?)",
                                WARD_PARAMS(row[0]), &secrets, err));
    if (cfg->also != NULL)
        WARD_TRY(ward_keyring_count(db, &r->mem, cfg->also->any_of, WARD_PARAMS(row[0]), &also,
                                    err));
    if (owners + secrets + also == 0)
        return WARD_OK;
    return WARD_FAIL_REASON(err, FAILED_PRECONDITION, "KEK_UNKNOWN",
                            "some keys are wrapped under a root key that is neither WARD_KEK "
                            "nor WARD_KEK_OLD");
}

/* Encrypts a KEK under the current root, so that the previous root can be removed after the
 * rotation. */
static enum ward_code reseal_kek(struct ward_kek_rotation *r, struct ward_db *db,
                                 const struct ward_val *row, struct ward_err *err)
{
    int number = (int)ward_keyring_number(row[0]);
    struct ward_bound_row b = ward_bind_row(r->ring, "kek", "", number, 0);
    uint8_t key[WARD_KEY_SIZE], sealed[WARD_SECRET_SEALED];
    const char *root_id = ward_root_id(r->ring->root);
    enum ward_code code;

    if (strcmp(row[1].p, root_id) == 0 || !is_ours(r->ring, row[1].p))
        return WARD_OK;
    WARD_TRY(ward_keyring_kek_open(r->ring, number, row[1].p, row[2], key, err));
    code = ward_root_seal(r->ring->root, &b, sizeof(b), key, sizeof(key), sealed, err);
    ward_wipe(key, sizeof(key));
    WARD_TRY(code);
    return ward_db_run(
        db, NULL, "UPDATE kek SET root_id = ?, sealed = ? WHERE kek = ? AND root_id = ?",
        WARD_PARAMS(ward_text(root_id), ward_blob(sealed, sizeof(sealed)), row[0], row[1]),
        NULL, err);
}

/* A single KEK means that no rotation is unfinished, so a new KEK is created. With several, the
 * newest belongs to an unfinished rotation, if the current root encrypts it. */
static enum ward_code choose(struct ward_kek_rotation *r, struct ward_db *db, int *number,
                             struct ward_err *err)
{
    struct ward_rows rows;
    bool unfinished;

    WARD_TRY(ward_db_run(db, &r->mem, "SELECT kek, root_id, sealed FROM kek ORDER BY kek DESC",
                         WARD_NO_PARAMS, &rows, err));
    if (rows.n == 0)
        return WARD_FAIL_REASON(err, FAILED_PRECONDITION, "KEK_UNKNOWN",
                                "there are no key-encryption keys");
    for (size_t i = 0; i < rows.n; i++)
        WARD_TRY(refuse_unknown(r, db, rows.at[i], err));
    unfinished = rows.n > 1 && strcmp(rows.at[0][1].p, ward_root_id(r->ring->root)) == 0;
    for (size_t i = 0; i < rows.n; i++)
        WARD_TRY(reseal_kek(r, db, rows.at[i], err));
    *number = (int)ward_keyring_number(rows.at[0][0]) + !unfinished;
    return unfinished ? WARD_OK : ward_keyring_kek_add(r->ring, db, &r->mem, *number, err);
}

enum ward_code ward_kek_rotation_open(struct ward_keyring *k, struct ward_db *db,
                                      struct ward_kek_rotation *r, struct ward_err *err)
{
    enum ward_code code;
    int number = 0;

    *r = (struct ward_kek_rotation){.ring = k, .old = -1};
    ward_arena_init(&r->mem, MEM);
    do {
        code = choose(r, db, &number, err);
    } while (code == WARD_ALREADY_EXISTS); /* another rotation created the KEK; use that KEK */
    WARD_TRY(code);
    WARD_TRY(ward_keyring_follow(k, db, err));
    WARD_TRY(ward_keyring_kek(k, db, number, &r->kek, err));
    code = rows_left(r, db, &r->total, err);
    ward_arena_reset(&r->mem);
    return code;
}

void ward_kek_rotation_close(struct ward_kek_rotation *r)
{
    ward_wipe(&r->kek, sizeof(r->kek));
    ward_arena_done(&r->mem);
}

/* ---- secrets, and the service's own table: a few hundred rows ---- */

enum ward_code ward_keyring_reseal(struct ward_kek_rotation *r, struct ward_db *db, int from,
                                   const struct ward_bound_row *b, struct ward_val sealed,
                                   uint8_t out[WARD_SECRET_SEALED], struct ward_err *err)
{
    uint8_t key[WARD_KEY_SIZE];
    enum ward_code code;
    struct ward_kek kek;

    WARD_TRY(ward_keyring_kek(r->ring, db, from, &kek, err));
    if (sealed.n != WARD_SECRET_SEALED)
        code = WARD_FAIL(err, DATA_LOSS, "an encrypted key has the wrong length");
    else
        code = ward_unseal(kek.key, b, sizeof(*b), sealed.p, sealed.n, key, err);
    ward_wipe(&kek, sizeof(kek));
    if (code == WARD_OK)
        code = ward_seal(r->kek.key, b, sizeof(*b), key, sizeof(key), out, err);
    ward_wipe(key, sizeof(key));
    return code;
}

static enum ward_code secrets_in_tx(struct ward_db *db, void *arg, struct ward_err *err)
{
    struct ward_kek_rotation *r = arg;
    uint8_t sealed[WARD_SECRET_SEALED];
    struct ward_rows rows;

    WARD_TRY(ward_db_run(db, &r->mem,
                         "SELECT use_name, kind, generation, kek, sealed FROM secret WHERE kek "
                         "< ? ORDER BY use_name, kind, generation FOR UPDATE",
                         WARD_PARAMS(ward_int(&r->mem, r->kek.number)), &rows, err));
    for (size_t i = 0; i < rows.n; i++) {
        const struct ward_val *v = rows.at[i];
        struct ward_bound_row b =
            ward_bind_row(r->ring, "secret", v[0].p, (int)ward_keyring_number(v[1]),
                          (int)ward_keyring_number(v[2]));

        WARD_TRY(
            ward_keyring_reseal(r, db, (int)ward_keyring_number(v[3]), &b, v[4], sealed, err));
        WARD_TRY(ward_db_run(db, NULL,
                             "UPDATE secret SET kek = ?, sealed = ? WHERE use_name = ? AND "
                             "kind = ? AND generation = ?",
                             WARD_PARAMS(ward_int(&r->mem, r->kek.number),
                                         ward_blob(sealed, sizeof(sealed)), v[0], v[1], v[2]),
                             NULL, err));
    }
    r->pass_done = (int64_t)rows.n;
    return WARD_OK;
}

static enum ward_code also_in_tx(struct ward_db *db, void *arg, struct ward_err *err)
{
    struct ward_kek_rotation *r = arg;
    const struct ward_keyring_also *also = r->ring->cfg.also;

    r->pass_done = 0;
    return also == NULL ? WARD_OK : also->wrap(r->ring->cfg.arg, r, db, &r->pass_done, err);
}

static enum ward_code wrap_secrets(struct ward_kek_rotation *r, struct ward_db *db,
                                   struct ward_err *err)
{
    WARD_TRY(ward_db_tx(db, secrets_in_tx, r, err));
    r->done += r->pass_done;
    WARD_TRY(ward_db_tx(db, also_in_tx, r, err));
    r->done += r->pass_done;
    r->pass_done = 0;
    r->secrets_done = true;
    return WARD_OK;
}

/* ---- owners' keys ---- */

struct batch {
    struct ward_kek_rotation *r;
    struct ward_val *values; /* kek, wrapped, id of each */
    size_t seen, n;
    int64_t unreadable, no_root;
    uint8_t last[WARD_OWNER_ID];
};

static enum ward_code rewrap(struct batch *b, struct ward_db *db, const struct ward_val *row,
                             struct ward_err *err)
{
    struct ward_kek_rotation *r = b->r;
    struct ward_wrapped_key *w = ward_new(&r->mem, struct ward_wrapped_key);
    uint8_t key[WARD_KEY_SIZE];
    enum ward_code code;

    if (w == NULL)
        return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory for a batch of keys");
    if (row[0].n != WARD_OWNER_ID || row[1].n != WARD_WRAPPED)
        return WARD_FAIL(err, DATA_LOSS, "a wrapped key has the wrong length");
    w->kek = (int)ward_keyring_number(row[2]);
    memcpy(w->owner, row[0].p, WARD_OWNER_ID);
    memcpy(w->wrapped, row[1].p, WARD_WRAPPED);
    memcpy(b->last, row[0].p, WARD_OWNER_ID);
    code = ward_keyring_unwrap(r->ring, db, w, key, err);
    if (code == WARD_DATA_LOSS) {
        b->unreadable++;
        b->no_root += w->kek == 0;
        return WARD_OK;
    }
    if (code == WARD_OK)
        code = ward_keyring_wrap_by(r->ring, &r->kek, key, w, err);
    ward_wipe(key, sizeof(key));
    WARD_TRY(code);
    b->values[3 * b->n] = ward_int(&r->mem, w->kek);
    b->values[3 * b->n + 1] = ward_blob(w->wrapped, WARD_WRAPPED);
    b->values[3 * b->n++ + 2] = row[0];
    return WARD_OK;
}

static enum ward_code rewrap_rows(struct batch *b, struct ward_db *db,
                                  const struct ward_rows *rows, struct ward_err *err)
{
    struct ward_kek_rotation *r = b->r;

    b->values = ward_alloc(&r->mem, (3 * rows->n + 1) * sizeof(*b->values));
    if (b->values == NULL)
        return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory for a batch of keys");
    for (size_t i = 0; i < rows->n; i++)
        WARD_TRY(rewrap(b, db, rows->at[i], err));
    b->seen = rows->n;
    if (b->n == 0)
        return WARD_OK;
    return ward_db_bulk(db, r->ring->cfg.owners->update, b->values, 3, b->n, err);
}

static enum ward_code batch_in_tx(struct ward_db *db, void *arg, struct ward_err *err)
{
    struct batch *b = arg;
    struct ward_kek_rotation *r = b->r;
    struct ward_rows rows;

    *b = (struct batch){.r = r};
    ward_arena_reset(&r->mem);
    WARD_TRY(ward_db_run(
        db, &r->mem, r->ring->cfg.owners->batch,
        WARD_PARAMS(ward_int(&r->mem, r->old), ward_blob(r->cursor, sizeof(r->cursor))), &rows,
        err));
    return rewrap_rows(b, db, &rows, err);
}

/* *more is false if this pass has seen all rows of older KEKs. */
static enum ward_code next_old(struct ward_kek_rotation *r, struct ward_db *db, bool *more,
                               struct ward_err *err)
{
    struct ward_rows rows;

    WARD_TRY(ward_db_run(
        db, &r->mem, r->ring->cfg.owners->next,
        WARD_PARAMS(ward_int(&r->mem, r->old), ward_int(&r->mem, r->kek.number)), &rows, err));
    *more = rows.at[0][0].p != NULL;
    if (*more)
        r->old = (int)ward_keyring_number(rows.at[0][0]);
    memset(r->cursor, 0, sizeof(r->cursor));
    return WARD_OK;
}

static enum ward_code step(struct ward_kek_rotation *r, struct ward_db *db, bool *more,
                           struct ward_err *err)
{
    struct batch b = {.r = r};

    if (!r->secrets_done) {
        WARD_TRY(wrap_secrets(r, db, err));
        return next_old(r, db, more, err);
    }
    WARD_TRY(ward_db_tx(db, batch_in_tx, &b, err));
    r->done += (int64_t)b.n;
    r->pass_done += (int64_t)b.n;
    r->unreadable += b.unreadable;
    r->no_root += b.no_root;
    memcpy(r->cursor, b.last, sizeof(r->cursor));
    *more = true;
    return b.seen == BATCH ? WARD_OK : next_old(r, db, more, err);
}

enum ward_code ward_kek_rotation_step(struct ward_kek_rotation *r, struct ward_db *db,
                                      bool *more, struct ward_err *err)
{
    enum ward_code code = step(r, db, more, err);

    ward_arena_reset(&r->mem);
    return code;
}

/* ---- the end ---- */

/* A few rows that appeared since the pass are wrapped here, while nobody can add more. */
static enum ward_code wrap_last(struct ward_kek_rotation *r, struct ward_db *db,
                                struct ward_err *err)
{
    struct batch b = {.r = r};
    struct ward_rows rows;

    WARD_TRY(secrets_in_tx(db, r, err));
    WARD_TRY(also_in_tx(db, r, err));
    WARD_TRY(ward_db_run(db, &r->mem, r->ring->cfg.owners->last,
                         WARD_PARAMS(ward_int(&r->mem, r->kek.number)), &rows, err));
    WARD_TRY(rewrap_rows(&b, db, &rows, err));
    return rows_left(r, db, &r->left, err);
}

enum ward_code ward_kek_rotation_destroy(struct ward_kek_rotation *r, struct ward_db *db,
                                         struct ward_err *err)
{
    struct ward_val kek;
    struct ward_rows rows;
    int64_t found;

    ward_arena_reset(&r->mem);
    kek = ward_int(&r->mem, r->kek.number);
    /* Waits for transactions that wrap with an older KEK, because each holds a shared lock on
     * the KEK's row. */
    WARD_TRY(ward_db_run(db, &r->mem,
                         "SELECT kek FROM kek WHERE kek < ? ORDER BY kek FOR UPDATE",
                         WARD_PARAMS(kek), &rows, err));
    WARD_TRY(rows_left(r, db, &r->left, err));
    r->destroyed = 0;
    found = r->left;
    if (r->left > r->unreadable && r->left <= BATCH)
        WARD_TRY(wrap_last(r, db, err));
    r->last = found - r->left;
    if (r->left > 0)
        return WARD_OK;
    WARD_TRY(
        ward_db_run(db, NULL, "DELETE FROM kek WHERE kek < ?", WARD_PARAMS(kek), &rows, err));
    r->destroyed = (int)rows.affected;
    return WARD_OK;
}

enum ward_code ward_kek_rotation_again(struct ward_kek_rotation *r, struct ward_err *err)
{
    const struct timespec pause = {.tv_nsec = 20 * WARD_NS_PER_MS};

    if (r->no_root > 0)
        return WARD_FAIL_REASON(err, FAILED_PRECONDITION, "KEK_UNKNOWN",
                                "some keys are wrapped by a root key that is neither WARD_KEK "
                                "nor WARD_KEK_OLD");
    if (r->unreadable > 0 && r->left == r->unreadable)
        return WARD_FAIL_REASON(err, DATA_LOSS, r->ring->cfg.unreadable,
                                "%lld keys cannot be decrypted; these keys and their "
                                "key-encryption keys stay unchanged",
                                (long long)r->left);
    r->fruitless = r->pass_done > 0 ? 0 : r->fruitless + 1;
    if (r->fruitless > FRUITLESS_MAX)
        return WARD_FAIL(err, UNAVAILABLE,
                         "other transactions keep locking the last keys; try again");
    if (r->fruitless > 0)
        nanosleep(&pause, NULL);
    r->secrets_done = false;
    r->pass_done = r->unreadable = r->no_root = 0;
    r->old = -1;
    return WARD_OK;
}
