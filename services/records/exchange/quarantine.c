/* The SQL of the quarantine's items and their keys. */
#include "services/records/exchange/quarantine_own.h"

#include "common/base/crypto.h"
#include "common/base/text.h"
#include "common/rpc/wire.h"

#include <string.h>

/* ---- sealing ---- */

static struct ward_sealed_as as(const char *what, const uint8_t id[RECORDS_ID])
{
    struct ward_sealed_as a = {.service = RECORDS_NAME, .what = what};

    memcpy(a.owner, id, sizeof(a.owner));
    return a;
}

static enum ward_code seal(struct ward_arena *mem, const uint8_t key[WARD_KEY_SIZE],
                           const char *what, const uint8_t id[RECORDS_ID], const void *data,
                           size_t n, struct ward_val *out, struct ward_err *err)
{
    struct ward_sealed_as a = as(what, id);
    uint8_t *sealed = ward_alloc(mem, n + WARD_SEAL_EXTRA);

    if (sealed == NULL)
        return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory for the quarantine");
    WARD_TRY(ward_seal_for(key, &a, data, n, sealed, err));
    *out = ward_blob(sealed, n + WARD_SEAL_EXTRA);
    return WARD_OK;
}

static enum ward_code seal_problems(struct ward_arena *mem, const uint8_t key[WARD_KEY_SIZE],
                                    const uint8_t id[RECORDS_ID], const struct problems *p,
                                    struct ward_val *out, struct ward_err *err)
{
    QuarantineItem list = WARD__RECORDS__V1__QUARANTINE_ITEM__INIT;
    uint8_t *packed;
    size_t n;

    list.problems = p->at;
    list.n_problems = p->n < QUARANTINE_PROBLEMS ? p->n : QUARANTINE_PROBLEMS;
    n = ward__records__v1__quarantine_item__get_packed_size(&list);
    packed = ward_alloc(mem, n + 1);
    if (packed == NULL)
        return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory for the problems");
    ward__records__v1__quarantine_item__pack(&list, packed);
    return seal(mem, key, "item problems", id, packed, n, out, err);
}

/* Encrypts fullUrl, a NUL and the JSON. */
static enum ward_code seal_content(struct ward_arena *mem, const uint8_t key[WARD_KEY_SIZE],
                                   const uint8_t id[RECORDS_ID], const struct quarantined *q,
                                   struct ward_val *out, struct ward_err *err)
{
    const char *url = q->full_url == NULL ? "" : q->full_url;
    size_t n_url = strlen(url) + 1;
    char *both = ward_alloc(mem, n_url + q->n);

    if (both == NULL)
        return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory for the quarantine");
    memcpy(both, url, n_url);
    if (q->n > 0)
        memcpy(both + n_url, q->json, q->n);
    return seal(mem, key, "item", id, both, n_url + q->n, out, err);
}

static enum ward_code unreadable(struct ward_err *err)
{
    return WARD_FAIL_REASON(err, DATA_LOSS, "RECORD_UNREADABLE",
                            "an item in quarantine cannot be read");
}

static enum ward_code open_key(struct worker *w, const struct item *it,
                               uint8_t key[WARD_KEY_SIZE], struct ward_err *err)
{
    struct ward_wrapped_key k;
    int64_t kek;

    if (it->wrapped.n != sizeof(k.wrapped) || !ward_i64(it->kek.p, 0, INT32_MAX, &kek))
        return unreadable(err);
    memcpy(k.owner, it->id, sizeof(k.owner));
    k.kek = (int)kek;
    memcpy(k.wrapped, it->wrapped.p, sizeof(k.wrapped));
    return ward_keyring_unwrap(w->rec->keys, w->event_ctx.db, &k, key, err);
}

/* Decrypts content, and adds a NUL. */
static enum ward_code unseal(struct worker *w, struct ward_arena *mem, const struct item *it,
                             const char *what, struct ward_val sealed, char **out, size_t *n,
                             struct ward_err *err)
{
    struct ward_sealed_as a = as(what, it->id);
    uint8_t key[WARD_KEY_SIZE];
    enum ward_code code;
    char *plain;

    if (sealed.n < WARD_SEAL_EXTRA)
        return unreadable(err);
    plain = ward_alloc(mem, sealed.n - WARD_SEAL_EXTRA + 1);
    if (plain == NULL)
        return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory for an item in quarantine");
    WARD_TRY(open_key(w, it, key, err));
    code = ward_open_for(key, &a, sealed.p, sealed.n, (uint8_t *)plain, NULL);
    ward_wipe(key, sizeof(key));
    if (code != WARD_OK)
        return unreadable(err);
    *out = plain;
    *n = sealed.n - WARD_SEAL_EXTRA;
    return WARD_OK;
}

/* ---- inserting ---- */

/* Hashes fullUrl with its NUL, and the JSON. */
static void hash_of(const struct quarantined *q, uint8_t out[WARD_SHA256_SIZE])
{
    const char *url = q->full_url == NULL ? "" : q->full_url;
    const struct ward_bytes parts[] = {{url, strlen(url) + 1},
                                       {q->n == 0 ? "" : q->json, q->n}};

    ward_sha256_parts(parts, WARD_COUNT(parts), out);
}

/* Computes an item's id, a UUID of version 8 (RFC 9562), from the import, the position and the
 * bytes. Other bytes at the same position are another item. */
static enum ward_code id_of(struct worker *w, struct ward_arena *mem,
                            const struct quarantined *q, uint8_t id[RECORDS_ID],
                            struct ward_err *err)
{
    uint8_t sum[WARD_SHA256_SIZE];
    size_t n_import = strlen(q->import_id) + 1, n_position = strlen(q->position) + 1;
    size_t n = n_import + n_position + sizeof(sum);
    char *named = ward_alloc(mem, n);

    if (named == NULL)
        return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory for the quarantine");
    hash_of(q, sum);
    memcpy(named, q->import_id, n_import);
    memcpy(named + n_import, q->position, n_position);
    memcpy(named + n_import + n_position, sum, sizeof(sum));
    WARD_TRY(ward_keyring_hash(w->rec->keys, "quarantine item", named, n, sum, err));
    memcpy(id, sum, RECORDS_ID);
    id[6] = (uint8_t)((id[6] & 0x0f) | 0x80);
    id[8] = (uint8_t)((id[8] & 0x3f) | 0x80);
    return WARD_OK;
}

static enum ward_code keep_key(struct worker *w, struct ward_arena *mem,
                               struct ward_wrapped_key *k, const uint8_t key[WARD_KEY_SIZE],
                               struct ward_err *err)
{
    static const char SQL[] =
        "REPLACE INTO owner_key (owner_id, kek, wrapped) VALUES (?, ?, ?)";

    WARD_TRY(ward_keyring_hold(w->rec->keys, w->event_ctx.db, mem, key, k, err));
    return ward_db_run(w->event_ctx.db, mem, SQL,
                       WARD_PARAMS(ward_blob(k->owner, sizeof(k->owner)), ward_int(mem, k->kek),
                                   ward_blob(k->wrapped, sizeof(k->wrapped))),
                       NULL, err);
}

static enum ward_code insert(struct worker *w, struct ward_arena *mem,
                             const struct quarantined *q, const uint8_t id[RECORDS_ID],
                             struct ward_val problems, struct ward_val sealed, bool *fresh,
                             struct ward_err *err)
{
    static const char SQL[] =
        "INSERT INTO quarantine (item_id, import_id, position, kind, patient_id, at_us, state,"
        " problems, sealed) VALUES (?, ?, ?, ?, ?, ?, 1, ?, ?)"
        " ON DUPLICATE KEY UPDATE item_id = item_id";
    struct ward_rows done;

    WARD_TRY(ward_db_run(
        w->event_ctx.db, mem, SQL,
        WARD_PARAMS(ward_blob(id, RECORDS_ID), ward_text(q->import_id), ward_text(q->position),
                    ward_int(mem, q->kind),
                    q->patient == NULL ? ward_text(NULL) : ward_blob(q->patient, RECORDS_ID),
                    ward_int(mem, q->at_us), problems, sealed),
        &done, err));
    *fresh = done.affected == 1;
    return WARD_OK;
}

static enum ward_code is_erased(struct worker *w, struct ward_arena *mem,
                                const uint8_t patient[RECORDS_ID], bool *erased,
                                struct ward_err *err)
{
    static const char SQL[] =
        "SELECT erased_at_us FROM patient WHERE patient_id = ? LOCK IN SHARE MODE";
    struct ward_rows rows;

    WARD_TRY(ward_db_run(w->event_ctx.db, mem, SQL, WARD_PARAMS(ward_blob(patient, RECORDS_ID)),
                         &rows, err));
    *erased = *erased || (rows.n > 0 && rows.at[0][0].p != NULL);
    return WARD_OK;
}

/* Removes the content of an item about an erased patient. The patient's row is locked, so that
 * no erasure can commit before the insert. An unknown patient was not erased. */
static enum ward_code without_content(struct worker *w, struct ward_arena *mem,
                                      struct quarantined *q, bool *erased, struct ward_err *err)
{
    if (q->patient != NULL)
        WARD_TRY(is_erased(w, mem, q->patient, erased, err));
    for (size_t i = 0; i < q->n_named && !*erased; i++)
        WARD_TRY(is_erased(w, mem, q->named[i], erased, err));
    if (*erased) {
        q->full_url = NULL;
        q->n = 0;
    }
    return WARD_OK;
}

static enum ward_code put_named(struct worker *w, struct ward_arena *mem,
                                const uint8_t item[RECORDS_ID], const struct quarantined *q,
                                struct ward_err *err)
{
    static const char SQL[] =
        "INSERT IGNORE INTO quarantine_named (item_id, patient_id) VALUES (?, ?)";
    struct ward_val *rows = ward_alloc(mem, (q->n_named + 1) * 2 * sizeof(*rows));

    if (rows == NULL)
        return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory for the quarantine");
    for (size_t i = 0; i < q->n_named; i++) {
        rows[2 * i] = ward_blob(item, RECORDS_ID);
        rows[2 * i + 1] = ward_blob(q->named[i], RECORDS_ID);
    }
    return ward_db_bulk(w->event_ctx.db, SQL, rows, 2, q->n_named, err);
}

static enum ward_code put_sealed(struct worker *w, struct ward_arena *mem,
                                 const struct quarantined *q, struct ward_wrapped_key *k,
                                 const uint8_t key[WARD_KEY_SIZE], bool *fresh,
                                 struct ward_err *err)
{
    struct ward_val problems, sealed;

    WARD_TRY(seal_problems(mem, key, k->owner, &q->problems, &problems, err));
    WARD_TRY(seal_content(mem, key, k->owner, q, &sealed, err));
    WARD_TRY(insert(w, mem, q, k->owner, problems, sealed, fresh, err));
    return *fresh ? keep_key(w, mem, k, key, err) : WARD_OK;
}

enum ward_code quarantine_put(struct worker *w, struct ward_arena *mem,
                              const struct quarantined *what, bool *fresh, struct ward_err *err)
{
    struct quarantined q = *what;
    struct ward_wrapped_key k;
    uint8_t key[WARD_KEY_SIZE];
    struct closed closed = {.n = 0};
    bool is_fresh = false, erased = false;
    enum ward_code code;

    WARD_ASSERT(strlen(what->position) <= QUARANTINE_POSITION && what->problems.n > 0);
    /* the id depends on the content, so it is computed before without_content */
    WARD_TRY(id_of(w, mem, &q, k.owner, err));
    WARD_TRY(without_content(w, mem, &q, &erased, err));
    if (!erased)
        WARD_TRY(closed_of(mem, &q, &closed, err));
    WARD_TRY(ward_keyring_new_key(w->rec->keys, &k, key, err));
    code = put_sealed(w, mem, &q, &k, key, &is_fresh, err);
    ward_wipe(key, sizeof(key));
    if (code == WARD_OK && is_fresh)
        code = closed_put(w, mem, k.owner, q.patient, &closed, err);
    if (code == WARD_OK && is_fresh)
        code = put_named(w, mem, k.owner, &q, err);
    if (code == WARD_OK && fresh != NULL)
        *fresh = is_fresh;
    return code;
}

/* ---- reading ---- */

static const char *text_or_none(struct ward_val v)
{
    return v.p == NULL ? "" : v.p;
}

enum ward_code item_of_row(const struct ward_val *row, struct item *out, struct ward_err *err)
{
    struct item it = {.import_id = text_or_none(row[1]),
                      .position = text_or_none(row[2]),
                      .decided_by = text_or_none(row[6]),
                      .patient = row[7],
                      .resource = row[8],
                      .problems = row[9],
                      .kek = row[10],
                      .wrapped = row[11]};

    if (row[0].n != RECORDS_ID || !ward_i64(row[3].p, 0, KINDS - 1, &it.kind) ||
        !ward_i64(row[4].p, INT64_MIN, INT64_MAX, &it.at_us) ||
        !ward_i64(row[5].p, STATE_OF(WAITING), STATE_OF(DISCARDED), &it.state))
        return unreadable(err);
    memcpy(it.id, row[0].p, RECORDS_ID);
    *out = it;
    return WARD_OK;
}

enum ward_code item_find(struct worker *w, struct ward_arena *mem, const uint8_t id[RECORDS_ID],
                         bool lock, struct item *out, struct ward_err *err)
{
    static const char READ[] =
        "SELECT " ITEM_COLUMNS ", q.sealed" ITEM_FROM " WHERE q.item_id = ?";
    static const char LOCK[] =
        "SELECT " ITEM_COLUMNS ", q.sealed" ITEM_FROM " WHERE q.item_id = ? FOR UPDATE";
    struct ward_rows rows;

    WARD_TRY(ward_db_run(w->event_ctx.db, mem, lock ? LOCK : READ,
                         WARD_PARAMS(ward_blob(id, RECORDS_ID)), &rows, err));
    if (rows.n == 0)
        return WARD_FAIL_REASON(err, NOT_FOUND, "QUARANTINE_NOT_FOUND",
                                "the quarantine does not contain this item");
    WARD_TRY(item_of_row(rows.at[0], out, err));
    out->sealed = rows.at[0][12];
    return WARD_OK;
}

static enum ward_code open_problems(struct worker *w, struct ward_arena *mem,
                                    const struct item *it, QuarantineItem *out,
                                    struct ward_err *err)
{
    ProtobufCMessage *m;
    char *plain;
    size_t n;

    if (it->wrapped.p == NULL)
        return WARD_OK;
    WARD_TRY(unseal(w, mem, it, "item problems", it->problems, &plain, &n, err));
    if (ward_wire_unpack(&ward__records__v1__quarantine_item__descriptor, (uint8_t *)plain, n,
                         mem, &m, NULL) != WARD_OK)
        return unreadable(err);
    out->problems = ((QuarantineItem *)(void *)m)->problems;
    out->n_problems = ((QuarantineItem *)(void *)m)->n_problems;
    return WARD_OK;
}

enum ward_code item_wire(struct worker *w, struct ward_arena *mem, const struct item *it,
                         QuarantineItem *out, struct ward_err *err)
{
    ward__records__v1__quarantine_item__init(out);
    out->item_id = ward_alloc(mem, 37);
    if (out->item_id == NULL)
        return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory for the answer");
    ward_uuid_text(it->id, out->item_id);
    out->import_id = (char *)(uintptr_t)it->import_id;
    out->position = (char *)(uintptr_t)it->position;
    out->decided_by = (char *)(uintptr_t)it->decided_by;
    out->kind = (Ward__Records__V1__Kind)it->kind;
    out->at_us = it->at_us;
    out->state = (Ward__Records__V1__QuarantineState)it->state;
    return open_problems(w, mem, it, out, err);
}

enum ward_code item_content(struct worker *w, struct ward_arena *mem, const struct item *it,
                            const char **full_url, const char **json, size_t *n,
                            struct ward_err *err)
{
    char *plain;
    size_t all, n_url;

    *full_url = *json = "";
    *n = 0;
    if (it->wrapped.p == NULL || it->sealed.p == NULL)
        return WARD_OK;
    WARD_TRY(unseal(w, mem, it, "item", it->sealed, &plain, &all, err));
    n_url = strlen(plain) + 1;
    if (n_url > all)
        return unreadable(err);
    *full_url = plain;
    *json = plain + n_url;
    *n = all - n_url;
    return WARD_OK;
}

/* ---- forgetting ---- */

enum ward_code item_rekey(struct worker *w, struct ward_arena *mem, const struct item *it,
                          const struct problems *problems, struct ward_err *err)
{
    static const char SQL[] =
        "UPDATE quarantine SET problems = ?, sealed = NULL WHERE item_id = ?";
    struct ward_wrapped_key k;
    uint8_t key[WARD_KEY_SIZE];
    struct ward_val sealed;
    enum ward_code code;

    memcpy(k.owner, it->id, sizeof(k.owner));
    WARD_TRY(ward_keyring_new_key(w->rec->keys, &k, key, err));
    code = seal_problems(mem, key, it->id, problems, &sealed, err);
    if (code == WARD_OK)
        code = keep_key(w, mem, &k, key, err);
    ward_wipe(key, sizeof(key));
    if (code != WARD_OK)
        return code;
    return ward_db_run(w->event_ctx.db, mem, SQL,
                       WARD_PARAMS(sealed, ward_blob(it->id, RECORDS_ID)), NULL, err);
}

enum ward_code quarantine_forget(struct worker *w, struct ward_arena *mem,
                                 const uint8_t patient[RECORDS_ID], struct ward_err *err)
{
    static const char ABOUT[] = "DELETE k FROM owner_key k JOIN quarantine q"
                                " ON q.item_id = k.owner_id WHERE q.patient_id = ?";
    static const char BECAME[] = "DELETE k FROM owner_key k JOIN quarantine q"
                                 " ON q.item_id = k.owner_id JOIN resource r"
                                 " ON r.resource_id = q.resource_id WHERE r.patient_id = ?";
    static const char NAMED[] = "DELETE k FROM owner_key k JOIN quarantine_named q"
                                " ON q.item_id = k.owner_id WHERE q.patient_id = ?";
    static const char DECIDE[] =
        "UPDATE quarantine SET state = 3 WHERE state = 1 AND patient_id = ?";
    static const char DECIDE_NAMED[] =
        "UPDATE quarantine q JOIN quarantine_named n ON n.item_id = q.item_id SET q.state = 3"
        " WHERE q.state = 1 AND n.patient_id = ?";
    const char *const sql[] = {ABOUT, BECAME, NAMED, DECIDE, DECIDE_NAMED};

    for (size_t i = 0; i < WARD_COUNT(sql); i++)
        WARD_TRY(ward_db_run(w->event_ctx.db, mem, sql[i],
                             WARD_PARAMS(ward_blob(patient, RECORDS_ID)), NULL, err));
    return WARD_OK;
}
