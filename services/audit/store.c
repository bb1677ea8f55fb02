/* Reads and writes the stored head and entries. */
#include "common/base/text.h"
#include "services/audit/audit.h"

#include <string.h>

static enum ward_code spoiled(struct ward_err *err, const char *what)
{
    return WARD_FAIL_REASON(err, DATA_LOSS, "LOG_TAMPERED", "%s", what);
}

/* ---- the head ---- */

static enum ward_code head_of(const struct ward_val *row, struct audit_head *out,
                              struct ward_err *err)
{
    struct ward_hash root;
    int64_t size, signer, epoch;

    if (!ward_i64(row[1].p, 0, INT64_MAX, &size) || !ward_i64(row[4].p, 0, 1 << 20, &signer) ||
        !ward_i64(row[5].p, 0, INT64_MAX, &epoch) || row[2].n != sizeof(out->root.b) ||
        row[0].n >= sizeof(out->origin) || row[6].n >= sizeof(out->note) ||
        !ward_frontier_unpack((uint64_t)size, row[3].p, row[3].n, &out->frontier))
        return spoiled(err, "the stored head cannot be read");
    memcpy(out->origin, row[0].p, row[0].n + 1);
    memcpy(out->root.b, row[2].p, sizeof(out->root.b));
    out->signer = (unsigned)signer;
    out->epoch = (uint64_t)epoch;
    memcpy(out->note, row[6].p, row[6].n + 1);
    out->note_len = row[6].n;
    ward_frontier_root(&out->frontier, &root);
    if (!ward_hash_equal(&root, &out->root))
        return spoiled(err, "the stored head does not match its own tree");
    return WARD_OK;
}

enum ward_code head_read(struct ward_db *db, struct ward_arena *mem, bool lock,
                         struct audit_head *out, struct ward_err *err)
{
#define HEAD                                                                                   \
    "SELECT origin, size, root, frontier, signer, content_epoch, note FROM head WHERE id = 1"
    static const char READ[] = HEAD, LOCK[] = HEAD " FOR UPDATE";
    struct ward_rows rows;

    WARD_TRY(ward_db_run(db, mem, lock ? LOCK : READ, WARD_NO_PARAMS, &rows, err));
    if (rows.n != 1)
        return spoiled(err, "the stored head is missing");
    return head_of(rows.at[0], out, err);
}

enum ward_code head_write(struct ward_db *db, struct ward_arena *mem,
                          const struct audit_head *h, struct ward_err *err)
{
    static const char SQL[] = "UPDATE head SET size = ?, root = ?, frontier = ?, signer = ?,"
                              " content_epoch = ?, note = ? WHERE id = 1";
    uint8_t frontier[WARD_FRONTIER_BYTES];
    size_t n = ward_frontier_pack(&h->frontier, frontier);

    return ward_db_run(db, mem, SQL,
                       WARD_PARAMS(ward_int(mem, (int64_t)h->frontier.size),
                                   ward_blob(h->root.b, sizeof(h->root.b)),
                                   ward_blob(frontier, n), ward_int(mem, h->signer),
                                   ward_int(mem, (int64_t)h->epoch),
                                   ward_blob(h->note, h->note_len)),
                       NULL, err);
}

enum ward_code entry_count(struct ward_db *db, struct ward_arena *mem, uint64_t *out,
                           struct ward_err *err)
{
    static const char SQL[] = "SELECT MAX(idx) FROM entry";
    struct ward_rows rows;
    int64_t last = -1;

    WARD_TRY(ward_db_run(db, mem, SQL, WARD_NO_PARAMS, &rows, err));
    if (rows.n == 1 && rows.at[0][0].p != NULL &&
        !ward_i64(rows.at[0][0].p, 0, INT64_MAX, &last))
        return spoiled(err, "an entry's index cannot be read");
    *out = (uint64_t)(last + 1);
    return WARD_OK;
}

enum ward_code head_as_is(struct ward_db *db, struct ward_arena *mem, char **note,
                          uint64_t *size, struct ward_err *err)
{
    static const char SQL[] = "SELECT size, note FROM head WHERE id = 1";
    struct ward_rows rows;
    int64_t n;

    WARD_TRY(ward_db_run(db, mem, SQL, WARD_NO_PARAMS, &rows, err));
    if (rows.n != 1 || !ward_i64(rows.at[0][0].p, 0, INT64_MAX, &n))
        return spoiled(err, "the stored head is missing");
    *note = ward_strdup(mem, rows.at[0][1].p);
    *size = (uint64_t)n;
    return *note == NULL ? WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory") : WARD_OK;
}

/* ---- entries ---- */

static enum ward_code unseal(const struct audit_vault *v, struct ward_arena *mem,
                             const struct ward_val *row, struct audit_entry *e,
                             struct ward_err *err)
{
    const struct ward_val *sealed = &row[2], *subject = &row[3], *wrapped = &row[4];
    uint8_t key[WARD_KEY_SIZE], *plain;
    enum ward_code code;

    if (sealed->p == NULL || sealed->n < WARD_SEAL_EXTRA + WARD_SALT_SIZE)
        return spoiled(err, "an entry has no content although its key exists");
    plain = ward_alloc(mem, sealed->n);
    if (plain == NULL)
        return WARD_FAIL(err, RESOURCE_EXHAUSTED, "the answer exceeds the call's memory");
    WARD_TRY(vault_unwrap(v, subject->p, subject->n, wrapped, key, err));
    code = ward_unseal(key, e->leaf.event_id, sizeof(e->leaf.event_id), sealed->p, sealed->n,
                       plain, NULL);
    ward_wipe(key, sizeof(key));
    if (code != WARD_OK)
        return spoiled(err, "an entry's content cannot be decrypted");
    memcpy(e->salt, plain, WARD_SALT_SIZE);
    e->event = plain + WARD_SALT_SIZE;
    e->event_len = sealed->n - WARD_SEAL_EXTRA - WARD_SALT_SIZE;
    return WARD_OK;
}

enum ward_code entry_open(const struct audit_vault *v, struct ward_arena *mem,
                          const struct ward_val *row, struct audit_entry *out,
                          struct ward_err *err)
{
    struct audit_entry e = {0};
    int64_t index;

    if (!ward_i64(row[0].p, 0, INT64_MAX, &index) || row[1].p == NULL ||
        !ward_leaf_parse(row[1].p, row[1].n, &e.leaf))
        return spoiled(err, "an entry's leaf cannot be read");
    e.index = (uint64_t)index;
    e.leaf_bytes = row[1];
    /* The content is removed after its key, so an entry without its key is erased even if its
     * row still has content. */
    e.erased = row[4].p == NULL;
    if (!e.erased)
        WARD_TRY(unseal(v, mem, row, &e, err));
    if (!e.erased && !ward_leaf_holds(&e.leaf, e.salt, e.event, e.event_len))
        return spoiled(err, "an entry's content does not match its leaf");
    *out = e;
    return WARD_OK;
}

#define ENTRY                                                                                  \
    "SELECT e.idx, e.leaf, e.content, k.subject, k.wrapped"                                    \
    "  FROM entry e LEFT JOIN content_key k ON k.id = e.key_id"

#define Q8  "?,?,?,?,?,?,?,?,"
#define Q63 Q8 Q8 Q8 Q8 Q8 Q8 Q8 "?,?,?,?,?,?,?,"

enum ward_code entry_known(const struct audit_vault *v, struct ward_db *db,
                           struct ward_arena *mem, const uint8_t *const *ids, size_t n,
                           struct audit_entry **out, size_t *n_out, struct ward_err *err)
{
    static const char SQL[] = ENTRY " WHERE e.event_id IN (" Q63 "?)";
    struct ward_val ask[AUDIT_ASKED];
    struct audit_entry *found;
    struct ward_rows rows;

    for (size_t i = 0; i < AUDIT_ASKED; i++) /* unused places repeat the last id */
        ask[i] = ward_blob(ids[i < n ? i : n - 1], 16);
    WARD_TRY(ward_db_run(db, mem, SQL, ask, AUDIT_ASKED, &rows, err));
    found = ward_alloc(mem, rows.n * sizeof(*found));
    if (found == NULL)
        return WARD_FAIL(err, RESOURCE_EXHAUSTED, "too many events in one transaction");
    for (size_t i = 0; i < rows.n; i++)
        WARD_TRY(entry_open(v, mem, rows.at[i], &found[i], err));
    *out = found;
    *n_out = rows.n;
    return WARD_OK;
}

static const char RANGE[] = ENTRY " WHERE e.idx >= ? AND e.idx < ? ORDER BY e.idx";

static enum ward_code read_range(struct ward_db *db, struct ward_arena *mem, uint64_t first,
                                 uint64_t n, struct ward_rows *rows, struct ward_err *err)
{
    return ward_db_run(
        db, mem, RANGE,
        WARD_PARAMS(ward_int(mem, (int64_t)first), ward_int(mem, (int64_t)(first + n))), rows,
        err);
}

enum ward_code entry_range_as_is(const struct audit_vault *v, struct ward_db *db,
                                 struct ward_arena *mem, uint64_t first, uint64_t n,
                                 struct audit_entry *out, size_t *n_out, struct ward_err *err)
{
    struct ward_rows rows;
    int64_t index;

    WARD_TRY(read_range(db, mem, first, n, &rows, err));
    for (size_t i = 0; i < rows.n; i++) {
        const struct ward_val *row = rows.at[i];
        struct audit_entry e = {.leaf_bytes = row[1], .erased = row[4].p == NULL};

        if (!ward_i64(row[0].p, 0, INT64_MAX, &index))
            return spoiled(err, "an entry's index cannot be read");
        e.index = (uint64_t)index;
        if (ward_leaf_parse(row[1].p, row[1].n, &e.leaf) && !e.erased &&
            unseal(v, mem, row, &e, err) == WARD_RESOURCE_EXHAUSTED)
            return WARD_RESOURCE_EXHAUSTED;
        out[i] = e;
    }
    *n_out = rows.n;
    return WARD_OK;
}

enum ward_code entry_range(const struct audit_vault *v, struct ward_db *db,
                           struct ward_arena *mem, uint64_t first, uint64_t n,
                           struct audit_entry *out, struct ward_err *err)
{
    struct ward_rows rows;

    WARD_TRY(read_range(db, mem, first, n, &rows, err));
    if (rows.n != n)
        return spoiled(err, "entries are missing");
    for (size_t i = 0; i < rows.n; i++) {
        WARD_TRY(entry_open(v, mem, rows.at[i], &out[i], err));
        if (out[i].index != first + i)
            return spoiled(err, "entries are missing");
    }
    return WARD_OK;
}

enum ward_code entry_find(const struct audit_vault *v, struct ward_db *db,
                          struct ward_arena *mem, const uint8_t event_id[16],
                          struct audit_entry *out, struct ward_err *err)
{
    static const char SQL[] = ENTRY " WHERE e.event_id = ?";
    struct ward_rows rows;

    WARD_TRY(ward_db_run(db, mem, SQL, WARD_PARAMS(ward_blob(event_id, 16)), &rows, err));
    if (rows.n == 0)
        return WARD_FAIL(err, NOT_FOUND,
                         "the event does not exist, or the caller may not see it");
    WARD_TRY(entry_open(v, mem, rows.at[0], out, err));
    if (memcmp(out->leaf.event_id, event_id, 16) != 0)
        return spoiled(err, "an entry's leaf is another event's");
    return WARD_OK;
}
