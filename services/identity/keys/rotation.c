/* A rotation's steps; rotation.h says what they add up to. */
#include "services/identity/keys/rotation.h"

#include "common/base/clock.h"

#include <string.h>
#include <time.h>

#define BATCH         500
#define MEM           ((size_t)2 << 20)
#define FRUITLESS_MAX 200 /* passes, 20 ms apart */

/* Rows wrapped by an older kek than ?. */
#define ROWS_LEFT                                                                              \
    "SELECT (SELECT COUNT(*) FROM face_key WHERE kek < ?) + (SELECT COUNT(*) FROM secret "     \
    "WHERE kek < ?) + (SELECT COUNT(*) FROM token_key WHERE kek < ?)"

static enum ward_code rows_left(struct rotation *r, struct ward_db *db, int64_t *n,
                                struct ward_err *err)
{
    struct ward_val kek = ward_int(&r->mem, r->kek.number);
    struct ward_rows rows;

    WARD_TRY(ward_db_run(db, &r->mem, ROWS_LEFT, WARD_PARAMS(kek, kek, kek), &rows, err));
    *n = keys_number(rows.at[0][0]);
    return WARD_OK;
}

/* ---- which kek ---- */

static bool is_ours(const struct keys *k, const char *root_id)
{
    return strcmp(root_id, ward_root_id(k->root)) == 0 ||
           (k->old != NULL && strcmp(root_id, ward_root_id(k->old)) == 0);
}

static enum ward_code refuse_unknown(struct rotation *r, struct ward_db *db,
                                     const struct ward_val *row, struct ward_err *err)
{
    struct ward_rows rows;

    if (is_ours(r->keys, row[1].p))
        return WARD_OK;
    WARD_TRY(ward_db_run(db, &r->mem,
                         "SELECT EXISTS (SELECT 1 FROM face_key WHERE kek = ?) + EXISTS "
                         "(SELECT 1 FROM secret WHERE kek = ?) + EXISTS (SELECT 1 FROM "
                         "token_key WHERE kek = ?)",
                         WARD_PARAMS(row[0], row[0], row[0]), &rows, err));
    if (keys_number(rows.at[0][0]) == 0)
        return WARD_OK;
    return WARD_FAIL_REASON(err, FAILED_PRECONDITION, "KEK_UNKNOWN",
                            "some keys are wrapped under a root key that is neither WARD_KEK "
                            "nor WARD_KEK_OLD");
}

/* Under the current root from now on, so that the former one can be taken away once nothing is
 * wrapped by it directly. */
static enum ward_code reseal_kek(struct rotation *r, struct ward_db *db,
                                 const struct ward_val *row, struct ward_err *err)
{
    int number = (int)keys_number(row[0]);
    struct bound b = bind_row(BOUND_KEK, "", number, 0);
    uint8_t key[WARD_KEY_SIZE], sealed[SECRET_SEALED];
    const char *root_id = ward_root_id(r->keys->root);
    enum ward_code code;

    if (strcmp(row[1].p, root_id) == 0 || !is_ours(r->keys, row[1].p))
        return WARD_OK;
    WARD_TRY(kek_open(r->keys, number, row[1].p, row[2], key, err));
    code = ward_root_seal(r->keys->root, &b, sizeof(b), key, sizeof(key), sealed, err);
    ward_wipe(key, sizeof(key));
    WARD_TRY(code);
    return ward_db_run(
        db, NULL, "UPDATE kek SET root_id = ?, sealed = ? WHERE kek = ? AND root_id = ?",
        WARD_PARAMS(ward_text(root_id), ward_blob(sealed, sizeof(sealed)), row[0], row[1]),
        NULL, err);
}

/* One kek only is a finished state: then a new one is made. Of several, the newest is what an
 * unfinished rotation was about, if it is under the current root. */
static enum ward_code choose(struct rotation *r, struct ward_db *db, int *number,
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
    unfinished = rows.n > 1 && strcmp(rows.at[0][1].p, ward_root_id(r->keys->root)) == 0;
    for (size_t i = 0; i < rows.n; i++)
        WARD_TRY(reseal_kek(r, db, rows.at[i], err));
    *number = (int)keys_number(rows.at[0][0]) + !unfinished;
    return unfinished ? WARD_OK : kek_add(r->keys, db, &r->mem, *number, err);
}

enum ward_code rotation_open(struct keys *k, struct ward_db *db, struct rotation *r,
                             struct ward_err *err)
{
    enum ward_code code;
    int number = 0;

    *r = (struct rotation){.keys = k, .old = -1};
    ward_arena_init(&r->mem, MEM);
    do {
        code = choose(r, db, &number, err);
    } while (code == WARD_ALREADY_EXISTS); /* another rotation made it: take that one up */
    WARD_TRY(code);
    WARD_TRY(keys_follow(k, db, err));
    WARD_TRY(keys_kek(k, db, number, &r->kek, err));
    code = rows_left(r, db, &r->total, err);
    ward_arena_reset(&r->mem);
    return code;
}

void rotation_close(struct rotation *r)
{
    ward_wipe(&r->kek, sizeof(r->kek));
    ward_arena_done(&r->mem);
}

/* ---- secrets and signing keys: a few hundred at most ---- */

/* sealed under the kek `from` becomes sealed under r->kek; false: it does not open. */
static enum ward_code reseal(struct rotation *r, struct ward_db *db, int from,
                             const struct bound *b, struct ward_val sealed,
                             uint8_t out[SECRET_SEALED], struct ward_err *err)
{
    uint8_t key[WARD_KEY_SIZE];
    enum ward_code code;
    struct kek kek;

    WARD_TRY(keys_kek(r->keys, db, from, &kek, err));
    if (sealed.n != SECRET_SEALED)
        code = WARD_FAIL(err, DATA_LOSS, "a sealed key of another length");
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
    struct rotation *r = arg;
    uint8_t sealed[SECRET_SEALED];
    struct ward_rows rows;

    WARD_TRY(ward_db_run(db, &r->mem,
                         "SELECT use_name, kind, generation, kek, sealed FROM secret WHERE kek "
                         "< ? ORDER BY use_name, kind, generation FOR UPDATE",
                         WARD_PARAMS(ward_int(&r->mem, r->kek.number)), &rows, err));
    for (size_t i = 0; i < rows.n; i++) {
        const struct ward_val *v = rows.at[i];
        struct bound b =
            bind_row(BOUND_SECRET, v[0].p, (int)keys_number(v[1]), (int)keys_number(v[2]));

        WARD_TRY(reseal(r, db, (int)keys_number(v[3]), &b, v[4], sealed, err));
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

static enum ward_code token_keys_in_tx(struct ward_db *db, void *arg, struct ward_err *err)
{
    struct rotation *r = arg;
    uint8_t sealed[SECRET_SEALED];
    struct ward_rows rows;

    WARD_TRY(ward_db_run(db, NULL, "DELETE FROM token_key WHERE checks_until_us < ?",
                         WARD_PARAMS(ward_int(&r->mem, ward_wall_us())), NULL, err));
    WARD_TRY(ward_db_run(db, &r->mem,
                         "SELECT kid, kek, sealed FROM token_key WHERE kek < ? ORDER BY kid "
                         "FOR UPDATE",
                         WARD_PARAMS(ward_int(&r->mem, r->kek.number)), &rows, err));
    for (size_t i = 0; i < rows.n; i++) {
        const struct ward_val *v = rows.at[i];
        struct bound b = bind_row(BOUND_TOKEN_KEY, v[0].p, 0, 0);

        WARD_TRY(reseal(r, db, (int)keys_number(v[1]), &b, v[2], sealed, err));
        WARD_TRY(ward_db_run(db, NULL, "UPDATE token_key SET kek = ?, sealed = ? WHERE kid = ?",
                             WARD_PARAMS(ward_int(&r->mem, r->kek.number),
                                         ward_blob(sealed, sizeof(sealed)), v[0]),
                             NULL, err));
    }
    r->pass_done = (int64_t)rows.n;
    return WARD_OK;
}

static enum ward_code wrap_secrets(struct rotation *r, struct ward_db *db, struct ward_err *err)
{
    WARD_TRY(ward_db_tx(db, secrets_in_tx, r, err));
    r->done += r->pass_done;
    WARD_TRY(ward_db_tx(db, token_keys_in_tx, r, err));
    r->done += r->pass_done;
    r->pass_done = 0;
    r->secrets_done = true;
    return WARD_OK;
}

/* ---- subjects' keys ---- */

struct batch {
    struct rotation *r;
    struct ward_val *values; /* kek, wrapped, subject_id of each */
    size_t seen, n;
    int64_t unreadable, no_root;
    uint8_t last[KEYS_ID];
};

static enum ward_code rewrap(struct batch *b, struct ward_db *db, const struct ward_val *row,
                             struct ward_err *err)
{
    struct rotation *r = b->r;
    struct wrapped_key *w = ward_new(&r->mem, struct wrapped_key);
    uint8_t key[WARD_KEY_SIZE];
    enum ward_code code;

    if (w == NULL)
        return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory for a batch of keys");
    if (row[0].n != KEYS_ID || row[1].n != KEYS_WRAPPED)
        return WARD_FAIL(err, DATA_LOSS, "a wrapped key of another length");
    w->kek = (int)keys_number(row[2]);
    memcpy(w->subject_id, row[0].p, KEYS_ID);
    memcpy(w->wrapped, row[1].p, KEYS_WRAPPED);
    memcpy(b->last, row[0].p, KEYS_ID);
    code = keys_unwrap(r->keys, db, w, key, err);
    if (code == WARD_DATA_LOSS) {
        b->unreadable++;
        b->no_root += w->kek == 0;
        return WARD_OK;
    }
    if (code == WARD_OK)
        code = wrap_by(&r->kek, key, w, err);
    ward_wipe(key, sizeof(key));
    WARD_TRY(code);
    b->values[3 * b->n] = ward_int(&r->mem, w->kek);
    b->values[3 * b->n + 1] = ward_blob(w->wrapped, KEYS_WRAPPED);
    b->values[3 * b->n++ + 2] = row[0];
    return WARD_OK;
}

static enum ward_code rewrap_rows(struct batch *b, struct ward_db *db,
                                  const struct ward_rows *rows, struct ward_err *err)
{
    struct rotation *r = b->r;

    b->values = ward_alloc(&r->mem, (3 * rows->n + 1) * sizeof(*b->values));
    if (b->values == NULL)
        return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory for a batch of keys");
    for (size_t i = 0; i < rows->n; i++)
        WARD_TRY(rewrap(b, db, rows->at[i], err));
    b->seen = rows->n;
    if (b->n == 0)
        return WARD_OK;
    return ward_db_bulk(db, "UPDATE face_key SET kek = ?, wrapped = ? WHERE subject_id = ?",
                        b->values, 3, b->n, err);
}

static enum ward_code batch_in_tx(struct ward_db *db, void *arg, struct ward_err *err)
{
    struct batch *b = arg;
    struct rotation *r = b->r;
    struct ward_rows rows;

    *b = (struct batch){.r = r};
    ward_arena_reset(&r->mem);
    WARD_TRY(ward_db_run(
        db, &r->mem,
        "SELECT subject_id, wrapped, kek FROM face_key WHERE kek = ? AND "
        "subject_id > ? ORDER BY subject_id LIMIT 500 FOR UPDATE SKIP LOCKED",
        WARD_PARAMS(ward_int(&r->mem, r->old), ward_blob(r->cursor, sizeof(r->cursor))), &rows,
        err));
    return rewrap_rows(b, db, &rows, err);
}

/* *more false: no older kek has rows that were not looked at in this pass. */
static enum ward_code next_old(struct rotation *r, struct ward_db *db, bool *more,
                               struct ward_err *err)
{
    struct ward_rows rows;

    WARD_TRY(ward_db_run(
        db, &r->mem, "SELECT MIN(kek) FROM face_key WHERE kek > ? AND kek < ?",
        WARD_PARAMS(ward_int(&r->mem, r->old), ward_int(&r->mem, r->kek.number)), &rows, err));
    *more = rows.at[0][0].p != NULL;
    if (*more)
        r->old = (int)keys_number(rows.at[0][0]);
    memset(r->cursor, 0, sizeof(r->cursor));
    return WARD_OK;
}

static enum ward_code step(struct rotation *r, struct ward_db *db, bool *more,
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

enum ward_code rotation_step(struct rotation *r, struct ward_db *db, bool *more,
                             struct ward_err *err)
{
    enum ward_code code = step(r, db, more, err);

    ward_arena_reset(&r->mem);
    return code;
}

/* ---- the end ---- */

/* A few that came since the pass: wrapped here and now, while nobody can add more. */
static enum ward_code wrap_last(struct rotation *r, struct ward_db *db, struct ward_err *err)
{
    struct batch b = {.r = r};
    struct ward_rows rows;

    WARD_TRY(secrets_in_tx(db, r, err));
    WARD_TRY(token_keys_in_tx(db, r, err));
    WARD_TRY(ward_db_run(db, &r->mem,
                         "SELECT subject_id, wrapped, kek FROM face_key WHERE kek < ? ORDER BY "
                         "subject_id LIMIT 500 FOR UPDATE",
                         WARD_PARAMS(ward_int(&r->mem, r->kek.number)), &rows, err));
    WARD_TRY(rewrap_rows(&b, db, &rows, err));
    return rows_left(r, db, &r->left, err);
}

enum ward_code rotation_destroy(struct rotation *r, struct ward_db *db, struct ward_err *err)
{
    struct ward_val kek;
    struct ward_rows rows;
    int64_t found;

    ward_arena_reset(&r->mem);
    kek = ward_int(&r->mem, r->kek.number);
    /* Whoever is wrapping by one of them shares its row: wait for them, then look. */
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

enum ward_code rotation_again(struct rotation *r, struct ward_err *err)
{
    const struct timespec pause = {.tv_nsec = 20 * WARD_NS_PER_MS};

    if (r->no_root > 0)
        return WARD_FAIL_REASON(err, FAILED_PRECONDITION, "KEK_UNKNOWN",
                                "some keys are wrapped by a root key that is neither WARD_KEK "
                                "nor WARD_KEK_OLD");
    if (r->unreadable > 0 && r->left == r->unreadable)
        return WARD_FAIL_REASON(err, DATA_LOSS, "TEMPLATE_UNREADABLE",
                                "%lld keys do not open: they stay as they are, and so do the "
                                "key-encryption keys they name",
                                (long long)r->left);
    r->fruitless = r->pass_done > 0 ? 0 : r->fruitless + 1;
    if (r->fruitless > FRUITLESS_MAX)
        return WARD_FAIL(err, UNAVAILABLE, "the last keys are in use all the time");
    if (r->fruitless > 0)
        nanosleep(&pause, NULL);
    r->secrets_done = false;
    r->pass_done = r->unreadable = r->no_root = 0;
    r->old = -1;
    return WARD_OK;
}
