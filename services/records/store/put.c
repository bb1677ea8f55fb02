/* Writes the rows of versions in bulk: a thousand resources need as many round trips as one
 * resource. */
#include "services/records/feed/feed.h"
#include "services/records/store/chart_own.h"

#include <string.h>

static struct ward_family writes = {
    .name = "ward_records_writes_total",
    .help = "Number of written versions of resources, by act and kind. A write that is rolled "
            "back and repeated counts twice.",
    .type = WARD_COUNTER,
    .label = {"act", "kind"},
};
WARD_METRIC_LISTED(writes)

void put_count(Ward__Records__V1__Act act, enum kind kind)
{
    static const char *const acts[] = {"none",   "created",  "updated", "entered-in-error",
                                       "merged", "unmerged", "erased"};
    size_t i = (size_t)act < WARD_COUNT(acts) ? (size_t)act : 0;

    ward_metric_add(ward_series_of(&writes, acts[i], kind_name(kind), NULL), 1);
}

static enum ward_code no_memory(struct ward_err *err)
{
    return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory to write a resource");
}

static struct ward_val maybe(struct ward_arena *mem, bool is, int64_t v)
{
    return is ? ward_int(mem, v) : ward_text(NULL);
}

/* ---- version ---- */

#define VERSION_ROW 14

static void version_row(const struct item *it, const struct ward_call *c, struct ward_val *to)
{
    struct ward_arena *mem = c->mem;
    struct version v;

    item_row(it, c, &v);
    {
        const struct ward_val row[VERSION_ROW] = {
            id_val(it->p.id),
            id_val(it->id),
            ward_int(mem, v.version),
            ward_int(mem, v.kind),
            ward_int(mem, v.act),
            ward_int(mem, v.written_at_us),
            ward_text(v.actor),
            ward_text(v.purpose),
            ward_text(v.peer),
            ward_text(v.device),
            ward_text(v.model),
            ward_text(v.model_sha256),
            ward_blob(it->what->event_id, 16),
            it->sealed,
        };

        memcpy(to, row, sizeof(row));
    }
}

static enum ward_code put_versions(struct worker *w, const struct ward_call *c,
                                   const struct item *items, size_t n, struct ward_err *err)
{
    static const char SQL[] =
        "INSERT INTO version (patient_id, resource_id, version, kind, act, written_at_us,"
        " actor, purpose, peer, device, model, model_sha256, event_id, sealed)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";
    static const char CLEANED[] =
        "INSERT INTO cleaned (patient_id, resource_id, version, sealed) VALUES (?, ?, ?, ?)";
    struct ward_val *row = ward_alloc(c->mem, n * VERSION_ROW * sizeof(*row));
    struct ward_val *cleaned = ward_alloc(c->mem, n * 4 * sizeof(*cleaned));
    enum ward_code code;
    size_t n_cleaned = 0;

    if (row == NULL || cleaned == NULL)
        return no_memory(err);
    for (size_t i = 0; i < n; i++) {
        version_row(&items[i], c, row + i * VERSION_ROW);
        if (items[i].cleaned.p == NULL)
            continue;
        memcpy(cleaned + 4 * n_cleaned, row + i * VERSION_ROW, 3 * sizeof(*row));
        cleaned[4 * n_cleaned++ + 3] = items[i].cleaned;
    }
    code = ward_db_bulk(w->event_ctx.db, SQL, row, VERSION_ROW, n, err);
    if (code == WARD_ALREADY_EXISTS) /* the resource's row does not have the newest version */
        return WARD_FAIL_REASON(err, DATA_LOSS, "RECORD_UNREADABLE",
                                "the current version is not the newest stored version");
    WARD_TRY(code);
    return ward_db_bulk(w->event_ctx.db, CLEANED, cleaned, 4, n_cleaned, err);
}

/* ---- resource ---- */

#define RESOURCE_SET 13 /* columns that an update changes */

static void resource_row(const struct item *it, struct ward_arena *mem, struct ward_val *to)
{
    const struct found_by *f = &it->f;
    const struct ward_val row[RESOURCE_SET] = {
        ward_int(mem, it->version),
        ward_int(mem, it->at_us),
        ward_int(mem, f->status),
        ward_int(mem, f->wrong),
        ward_int(mem, f->labels),
        ward_int(mem, f->from_us),
        ward_int(mem, f->to_us),
        maybe(mem, f->has_second, f->from2_us),
        maybe(mem, f->has_second, f->to2_us),
        f->has_encounter ? id_val(f->encounter) : ward_text(NULL),
        f->has_value ? ward_num(mem, f->value) : ward_text(NULL),
        ward_text(f->has_value ? f->unit : NULL),
        id_val(it->p.id),
    };

    memcpy(to, row, sizeof(row));
}

static enum ward_code put_resources(struct worker *w, struct ward_arena *mem,
                                    const struct item *items, size_t n, struct ward_err *err)
{
    static const char SQL[] =
        "INSERT INTO resource (version, written_at_us, status, wrong, labels, from_us, to_us,"
        " from2_us, to2_us, encounter_id, value, unit, patient_id, resource_id, kind)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";
    const size_t cols = RESOURCE_SET + 2;
    struct ward_val *row = ward_alloc(mem, n * cols * sizeof(*row));
    enum ward_code code;

    if (row == NULL)
        return no_memory(err);
    for (size_t i = 0; i < n; i++) {
        resource_row(&items[i], mem, row + i * cols);
        row[i * cols + RESOURCE_SET] = id_val(items[i].id);
        row[i * cols + RESOURCE_SET + 1] = ward_int(mem, items[i].f.kind);
    }
    code = ward_db_bulk(w->event_ctx.db, SQL, row, cols, n, err);
    if (code == WARD_ALREADY_EXISTS)
        return WARD_FAIL_REASON(err, ALREADY_EXISTS, "ID_TAKEN", "a resource has this id");
    return code;
}

/* The labels of all versions are combined, because a reader of the current version may read the
 * history. */
static enum ward_code set_resource(struct worker *w, struct ward_arena *mem,
                                   const struct item *it, struct ward_err *err)
{
    static const char SQL[] =
        "UPDATE resource SET version = ?, written_at_us = ?, status = ?, wrong = ?,"
        " labels = labels | ?, from_us = ?, to_us = ?, from2_us = ?, to2_us = ?, encounter_id "
        "= ?, value = ?,"
        " unit = ? WHERE patient_id = ? AND resource_id = ?";
    struct ward_val row[RESOURCE_SET + 1];

    resource_row(it, mem, row);
    row[RESOURCE_SET] = id_val(it->id);
    return ward_db_run(w->event_ctx.db, mem, SQL, row, WARD_COUNT(row), NULL, err);
}

/* ---- tokens ---- */

#define TOKEN_ROW 5

static void token_row(const struct item *it, const struct token *t, struct ward_arena *mem,
                      struct ward_val *to)
{
    to[0] = id_val(it->p.id);
    to[1] = ward_int(mem, t->param);
    to[2] = ward_blob(t->hash, TOKEN_HASH);
    to[3] = ward_int(mem, it->f.from_us);
    to[4] = id_val(it->id);
}

static const char INSERT_TOKEN[] =
    "INSERT INTO token (patient_id, param, hash, at_us, resource_id) VALUES (?, ?, ?, ?, ?)";

static enum ward_code put_tokens(struct worker *w, struct ward_arena *mem,
                                 const struct item *items, size_t n, struct ward_err *err)
{
    struct ward_val *row;
    size_t all = 0, at = 0;

    for (size_t i = 0; i < n; i++)
        all += items[i].f.n_tokens;
    row = ward_alloc(mem, all * TOKEN_ROW * sizeof(*row));
    if (row == NULL)
        return no_memory(err);
    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k < items[i].f.n_tokens; k++)
            token_row(&items[i], &items[i].f.token[k], mem, row + TOKEN_ROW * at++);
    return ward_db_bulk(w->event_ctx.db, INSERT_TOKEN, row, TOKEN_ROW, all, err);
}

static bool same_token(const struct ward_val *row, const struct item *it, const struct token *t)
{
    return row_number(row[0]) == (int64_t)t->param && row[1].n == TOKEN_HASH &&
           memcmp(row[1].p, t->hash, TOKEN_HASH) == 0 && row_number(row[2]) == it->f.from_us;
}

/* Deletes only removed tokens, and inserts only new ones: an update with unchanged tokens
 * writes nothing. The stored and the new list are ordered by param and hash. */
static enum ward_code change_tokens(struct worker *w, struct ward_arena *mem,
                                    const struct item *it, struct ward_err *err)
{
    static const char HAS[] = "SELECT param, hash, at_us FROM token WHERE patient_id = ?"
                              " AND resource_id = ? ORDER BY param, hash";
    static const char DROP[] = "DELETE FROM token WHERE patient_id = ? AND param = ?"
                               " AND hash = ? AND at_us = ? AND resource_id = ?";
    struct ward_val *drop, *add;
    size_t n_drop = 0, n_add = 0, at = 0;
    struct ward_rows has;

    WARD_TRY(ward_db_run(w->event_ctx.db, mem, HAS,
                         WARD_PARAMS(id_val(it->p.id), id_val(it->id)), &has, err));
    drop = ward_alloc(mem, has.n * TOKEN_ROW * sizeof(*drop));
    add = ward_alloc(mem, it->f.n_tokens * TOKEN_ROW * sizeof(*add));
    if (drop == NULL || add == NULL)
        return no_memory(err);
    for (size_t i = 0; i < has.n; i++) {
        const struct ward_val *row = has.at[i];
        struct token was = {.param = (enum param)row_number(row[0])};

        memcpy(was.hash, row[1].p, TOKEN_HASH);
        while (at < it->f.n_tokens && token_cmp(&it->f.token[at], &was) < 0)
            token_row(it, &it->f.token[at++], mem, add + TOKEN_ROW * n_add++);
        if (at < it->f.n_tokens && same_token(row, it, &it->f.token[at])) {
            at++;
            continue;
        }
        if (was.param == PARAM_ATTACHMENT)
            continue; /* a reader of the history may read the attachment */
        token_row(it, &was, mem, drop + TOKEN_ROW * n_drop);
        drop[TOKEN_ROW * n_drop + 2] = row[1];
        drop[TOKEN_ROW * n_drop++ + 3] = row[2];
    }
    while (at < it->f.n_tokens)
        token_row(it, &it->f.token[at++], mem, add + TOKEN_ROW * n_add++);
    WARD_TRY(ward_db_bulk(w->event_ctx.db, DROP, drop, TOKEN_ROW, n_drop, err));
    return ward_db_bulk(w->event_ctx.db, INSERT_TOKEN, add, TOKEN_ROW, n_add, err);
}

/* ---- the feed ---- */

static enum ward_code put_changes(struct worker *w, struct ward_arena *mem,
                                  const struct item *items, size_t n, struct ward_err *err)
{
    static const char SQL[] =
        "INSERT INTO change_new (kind, act, version, written_at_us, resource_id, patient_id,"
        " other_patient_id) VALUES (?, ?, ?, ?, ?, ?, ?)";
    struct ward_val *row = ward_alloc(mem, n * 7 * sizeof(*row));

    if (row == NULL)
        return no_memory(err);
    for (size_t i = 0; i < n; i++) {
        const struct item *it = &items[i];
        struct ward_val *to = row + 7 * i;

        to[0] = ward_int(mem, it->f.kind);
        to[1] = ward_int(mem, it->what->act);
        to[2] = ward_int(mem, it->version);
        to[3] = ward_int(mem, it->at_us);
        to[4] = id_val(it->id);
        to[5] = id_val(it->p.id);
        to[6] =
            it->what->other_patient == NULL ? ward_text(NULL) : id_val(it->what->other_patient);
        put_count(it->what->act, it->f.kind);
    }
    WARD_TRY(ward_db_bulk(w->event_ctx.db, SQL, row, 7, n, err));
    ward_db_after_commit(w->event_ctx.db, sequencer_wake, w->rec->feed);
    return WARD_OK;
}

/* ---- the whole write ---- */

enum ward_code put_new(struct worker *w, struct ward_call *c, const struct item *items,
                       size_t n, struct ward_err *err)
{
    WARD_TRY(patients_put(w, c->mem, items, n, err));
    WARD_TRY(put_resources(w, c->mem, items, n, err));
    WARD_TRY(put_versions(w, c, items, n, err));
    WARD_TRY(put_tokens(w, c->mem, items, n, err));
    WARD_TRY(put_wards(w, c->mem, items, n, err));
    WARD_TRY(put_denials(w, c->mem, items, n, err));
    WARD_TRY(codes_put(w, c->mem, items, n, err));
    return put_changes(w, c->mem, items, n, err);
}

static enum ward_code set_patient(struct worker *w, struct ward_arena *mem,
                                  const struct item *it, struct ward_err *err)
{
    static const char SQL[] =
        "UPDATE patient SET gender = ?, birth_us = ? WHERE patient_id = ?";

    return ward_db_run(w->event_ctx.db, mem, SQL,
                       WARD_PARAMS(ward_int(mem, it->f.gender),
                                   maybe(mem, it->f.birth_us != NO_DATE, it->f.birth_us),
                                   id_val(it->p.id)),
                       NULL, err);
}

enum ward_code put_next(struct worker *w, struct ward_call *c, const struct item *it,
                        struct ward_err *err)
{
    WARD_TRY(put_versions(w, c, it, 1, err));
    WARD_TRY(set_resource(w, c->mem, it, err));
    WARD_TRY(change_tokens(w, c->mem, it, err));
    if (it->f.kind == KIND_PATIENT)
        WARD_TRY(set_patient(w, c->mem, it, err));
    if (it->f.kind == KIND_ENCOUNTER)
        WARD_TRY(drop_wards(w, c->mem, it, err));
    if (it->f.kind == KIND_CONSENT)
        WARD_TRY(drop_denials(w, c->mem, it, err));
    WARD_TRY(put_wards(w, c->mem, it, 1, err));
    WARD_TRY(put_denials(w, c->mem, it, 1, err));
    WARD_TRY(codes_put(w, c->mem, it, 1, err));
    return put_changes(w, c->mem, it, 1, err);
}
