#include "services/records/store/directory.h"

#include "services/records/feed/feed.h"
#include "services/records/store/chart_own.h"

#include <string.h>

/* Number of columns of an inserted row. */
#define CURRENT_ROW 7
#define VERSION_ROW 12
#define TOKEN_ROW   3
#define CHANGE_ROW  6

void directory_version_of(const struct ward_val *row, struct version *out)
{
    version_of(row, out);
    out->nobodys = true;
}

bool resource_is_nobodys(const Resource *res)
{
    enum kind kind = resource_kind(res);

    return kind_is_nobodys(kind) || (kind == KIND_OTHER && res->other->subject == NULL);
}

bool directory_opens(const struct view *view)
{
    return (view->scope.treated & KIND_BIT(KIND_OTHER)) != 0;
}

enum ward_code directory_find(struct worker *w, struct ward_arena *mem,
                              const uint8_t id[RECORDS_ID], int version, struct version *out,
                              struct ward_err *err)
{
    static const char CURRENT[] = DIRECTORY_CURRENT " WHERE d.resource_id = ?";
    static const char ONE[] =
        DIRECTORY_VERSION DIRECTORY_KEY " WHERE d.resource_id = ? AND v.version = ?";
    const struct ward_val params[] = {id_val(id), ward_int(mem, version)};
    struct ward_rows rows;

    WARD_TRY(ward_db_run(w->event_ctx.db, mem, version == 0 ? CURRENT : ONE, params,
                         version == 0 ? 1 : 2, &rows, err));
    if (rows.n == 0 && version == 0)
        return WARD_FAIL_REASON(err, NOT_FOUND, "RESOURCE_NOT_FOUND", "no such resource");
    if (rows.n == 0)
        return WARD_FAIL_REASON(err, NOT_FOUND, "VERSION_NOT_FOUND",
                                "the resource has no such version");
    directory_version_of(rows.at[0], out);
    return WARD_OK;
}

enum ward_code directory_instead(struct worker *w, struct ward_arena *mem,
                                 const struct view *view, enum kind kind,
                                 const uint8_t id[RECORDS_ID], struct version *out,
                                 struct ward_err *err)
{
    enum ward_code code;

    if ((kind != KIND_OTHER && !kind_is_nobodys(kind)) || !directory_opens(view))
        return WARD_NOT_FOUND;
    code = directory_find(w, mem, id, 0, out, err);
    if (code == WARD_OK && out->kind != kind)
        return WARD_FAIL_REASON(err, NOT_FOUND, "RESOURCE_NOT_FOUND", "no such resource");
    if (code == WARD_OK && err != NULL)
        *err = (struct ward_err){0};
    return code;
}

/* ---- writing ---- */

static enum ward_code no_memory(struct ward_err *err)
{
    return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory to write a resource");
}

static enum ward_code begin(struct worker *w, struct ward_arena *mem, const struct write *what,
                            struct item *it, struct ward_err *err)
{
    *it = (struct item){
        .what = what, .version = what->expected_version + 1, .at_us = what->at_us};
    it->f.kind = resource_kind(what->res);
    it->f.wrong = resource_is_wrong(what->res);
    if (kind_is_nobodys(it->f.kind)) /* an Other in the directory has no search tokens */
        WARD_TRY(index_of(w->rec->keys, mem, what->res, &it->f, err));
    if (!ward_uuid_parse(resource_id(what->res), it->id))
        return WARD_FAIL_FIELD(err, "id", "is not a UUID");
    return WARD_OK;
}

static enum ward_code new_key(struct worker *w, struct ward_arena *mem, struct item *it,
                              struct ward_err *err)
{
    it->fresh = true;
    ward_uuid7(it->p.id);
    return patient_prepare(w, mem, it, err);
}

/* Locks an existing resource and reads its key; creates a key for a new resource. */
static enum ward_code hold(struct worker *w, struct ward_arena *mem, struct item *it,
                           struct ward_err *err)
{
    static const char SQL[] =
        "SELECT d.owner_id, d.version, d.written_at_us, k.kek, k.wrapped FROM directory d"
        " LEFT JOIN owner_key k ON k.owner_id = d.owner_id WHERE d.resource_id = ? FOR UPDATE";
    struct ward_rows rows;
    int64_t version = 0;

    WARD_TRY(ward_db_run(w->event_ctx.db, mem, SQL, WARD_PARAMS(id_val(it->id)), &rows, err));
    if (rows.n > 0)
        version = row_number(rows.at[0][1]);
    if (version != it->what->expected_version)
        return WARD_FAIL_REASON(err, ABORTED, "VERSION_CONFLICT",
                                "the current version is not the expected version");
    if (rows.n == 0)
        return new_key(w, mem, it, err);
    if (it->at_us < row_number(rows.at[0][2]))
        it->at_us = row_number(rows.at[0][2]);
    memcpy(it->p.id, rows.at[0][0].p, RECORDS_ID);
    it->p.kek = (int)row_number(rows.at[0][3]);
    it->p.wrapped = rows.at[0][4];
    return patient_key(w, it->p.id, it->p.kek, it->p.wrapped, it->p.key, err);
}

static enum ward_code put_versions(struct worker *w, const struct ward_call *c,
                                   const struct item *items, size_t n, struct ward_err *err)
{
    static const char SQL[] =
        "INSERT INTO directory_version (owner_id, resource_id, version, kind, act,"
        " written_at_us, actor, purpose, peer, device, event_id, sealed)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";
    struct ward_arena *mem = c->mem;
    struct ward_val *rows = ward_alloc(mem, n * VERSION_ROW * sizeof(*rows));

    if (rows == NULL)
        return no_memory(err);
    for (size_t i = 0; i < n; i++) {
        const struct item *it = &items[i];
        struct version v;

        item_row(it, c, &v);
        {
            const struct ward_val row[VERSION_ROW] = {id_val(it->p.id),
                                                      id_val(it->id),
                                                      ward_int(mem, v.version),
                                                      ward_int(mem, v.kind),
                                                      ward_int(mem, v.act),
                                                      ward_int(mem, v.written_at_us),
                                                      ward_text(v.actor),
                                                      ward_text(v.purpose),
                                                      ward_text(v.peer),
                                                      ward_text(v.device),
                                                      ward_blob(it->what->event_id, 16),
                                                      it->sealed};

            memcpy(rows + VERSION_ROW * i, row, sizeof(row));
        }
    }
    return ward_db_bulk(w->event_ctx.db, SQL, rows, VERSION_ROW, n, err);
}

static void current_row(const struct item *it, struct ward_arena *mem, struct ward_val *to)
{
    const struct ward_val row[CURRENT_ROW] = {ward_int(mem, it->version),
                                              ward_int(mem, it->at_us),
                                              ward_int(mem, it->f.wrong),
                                              ward_int(mem, it->f.kind),
                                              ward_text(resource_type(it->what->res)),
                                              id_val(it->p.id),
                                              id_val(it->id)};

    memcpy(to, row, sizeof(row));
}

/* Inserts the current rows of new resources. */
static enum ward_code put_current(struct worker *w, struct ward_arena *mem,
                                  const struct item *items, size_t n, struct ward_err *err)
{
    static const char SQL[] = "INSERT INTO directory (version, written_at_us, wrong, kind, "
                              "type, owner_id, resource_id) VALUES (?, ?, ?, ?, ?, ?, ?)";
    struct ward_val *rows = ward_alloc(mem, n * CURRENT_ROW * sizeof(*rows));
    enum ward_code code;

    if (rows == NULL)
        return no_memory(err);
    for (size_t i = 0; i < n; i++)
        current_row(&items[i], mem, rows + CURRENT_ROW * i);
    code = ward_db_bulk(w->event_ctx.db, SQL, rows, CURRENT_ROW, n, err);
    if (code == WARD_ALREADY_EXISTS)
        return WARD_FAIL_REASON(err, ALREADY_EXISTS, "ID_TAKEN", "a resource has this id");
    return code;
}

static enum ward_code set_current(struct worker *w, struct ward_arena *mem,
                                  const struct item *it, struct ward_err *err)
{
    static const char SQL[] = "UPDATE directory SET version = ?, written_at_us = ?, wrong = ?,"
                              " kind = ?, type = ? WHERE owner_id = ? AND resource_id = ?";
    struct ward_val row[CURRENT_ROW];

    current_row(it, mem, row);
    return ward_db_run(w->event_ctx.db, mem, SQL, row, CURRENT_ROW, NULL, err);
}

static enum ward_code drop_tokens(struct worker *w, struct ward_arena *mem,
                                  const struct item *it, struct ward_err *err)
{
    static const char SQL[] = "DELETE FROM directory_token WHERE resource_id = ?";

    return ward_db_run(w->event_ctx.db, mem, SQL, WARD_PARAMS(id_val(it->id)), NULL, err);
}

static enum ward_code put_tokens(struct worker *w, struct ward_arena *mem,
                                 const struct item *items, size_t n, struct ward_err *err)
{
    static const char SQL[] =
        "INSERT INTO directory_token (param, hash, resource_id) VALUES (?, ?, ?)";
    struct ward_val *rows;
    size_t all = 0, at = 0;

    for (size_t i = 0; i < n; i++)
        all += items[i].f.n_tokens;
    rows = ward_alloc(mem, all * TOKEN_ROW * sizeof(*rows));
    if (rows == NULL)
        return no_memory(err);
    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k < items[i].f.n_tokens; k++, at += TOKEN_ROW) {
            rows[at] = ward_int(mem, items[i].f.token[k].param);
            rows[at + 1] = ward_blob(items[i].f.token[k].hash, TOKEN_HASH);
            rows[at + 2] = id_val(items[i].id);
        }
    return ward_db_bulk(w->event_ctx.db, SQL, rows, TOKEN_ROW, all, err);
}

/* Adds the feed's changes with an empty patient id, because the resources have no patient. */
static enum ward_code put_changes(struct worker *w, struct ward_arena *mem,
                                  const struct item *items, size_t n, struct ward_err *err)
{
    static const char SQL[] =
        "INSERT INTO change_new (kind, act, version, written_at_us, resource_id, patient_id)"
        " VALUES (?, ?, ?, ?, ?, ?)";
    static const uint8_t nobody[RECORDS_ID] = {0};
    struct ward_val *rows = ward_alloc(mem, n * CHANGE_ROW * sizeof(*rows));

    if (rows == NULL)
        return no_memory(err);
    for (size_t i = 0; i < n; i++) {
        struct ward_val *to = rows + CHANGE_ROW * i;

        to[0] = ward_int(mem, items[i].f.kind);
        to[1] = ward_int(mem, items[i].what->act);
        to[2] = ward_int(mem, items[i].version);
        to[3] = ward_int(mem, items[i].at_us);
        to[4] = id_val(items[i].id);
        to[5] = id_val(nobody);
        put_count(items[i].what->act, items[i].f.kind);
    }
    WARD_TRY(ward_db_bulk(w->event_ctx.db, SQL, rows, CHANGE_ROW, n, err));
    ward_db_after_commit(w->event_ctx.db, sequencer_wake, w->rec->feed);
    return WARD_OK;
}

/* Writes the rows of encrypted versions. `fresh` is the same for all. */
static enum ward_code put(struct worker *w, const struct ward_call *c, const struct item *items,
                          size_t n, bool fresh, struct ward_err *err)
{
    if (fresh) {
        WARD_TRY(records_keys_put(w, c->mem, items, n, err));
        WARD_TRY(put_current(w, c->mem, items, n, err));
    } else {
        WARD_TRY(set_current(w, c->mem, items, err));
        WARD_TRY(drop_tokens(w, c->mem, items, err));
    }
    WARD_TRY(put_versions(w, c, items, n, err));
    WARD_TRY(put_tokens(w, c->mem, items, n, err));
    return put_changes(w, c->mem, items, n, err);
}

enum ward_code directory_write(struct worker *w, struct ward_call *c, const struct write *what,
                               struct version *out, struct ward_err *err)
{
    struct item it;
    enum ward_code code = begin(w, c->mem, what, &it, err);

    if (code == WARD_OK)
        code = hold(w, c->mem, &it, err);
    if (code == WARD_OK)
        code = seal_item(c, &it, err);
    if (code == WARD_OK)
        code = put(w, c, &it, 1, it.fresh, err);
    if (code == WARD_OK && out != NULL) {
        item_row(&it, c, out);
        out->nobodys = true;
    }
    patient_wipe(&it.p);
    return code;
}

enum ward_code records_directory_write_new(struct worker *w, struct ward_call *c,
                                           const struct write *what, size_t n,
                                           struct ward_err *err)
{
    struct item *items = ward_alloc(c->mem, n * sizeof(*items));
    enum ward_code code = WARD_OK;

    if (items == NULL)
        return no_memory(err);
    for (size_t i = 0; code == WARD_OK && i < n; i++) {
        WARD_ASSERT(what[i].expected_version == 0);
        code = begin(w, c->mem, &what[i], &items[i], err);
        if (code == WARD_OK)
            code = new_key(w, c->mem, &items[i], err);
        if (code == WARD_OK)
            code = seal_item(c, &items[i], err);
    }
    if (code == WARD_OK)
        code = put(w, c, items, n, true, err);
    for (size_t i = 0; i < n; i++)
        patient_wipe(&items[i].p);
    return code;
}
