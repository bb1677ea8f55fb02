#include "services/records/store/directory.h"

#include "services/records/feed/feed.h"
#include "services/records/store/chart_own.h"

#include <string.h>

/* Rows of one INSERT: a name has about 20 prefixes. */
#define TOKENS     16
#define FOUR       "(?, ?, ?), (?, ?, ?), (?, ?, ?), (?, ?, ?)"
#define TOKENS_SQL FOUR ", " FOUR ", " FOUR ", " FOUR

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
    it->fresh = rows.n == 0;
    if (it->fresh) {
        ward_uuid7(it->p.id);
        return patient_prepare(w, mem, it, err);
    }
    if (it->at_us < row_number(rows.at[0][2]))
        it->at_us = row_number(rows.at[0][2]);
    memcpy(it->p.id, rows.at[0][0].p, RECORDS_ID);
    it->p.kek = (int)row_number(rows.at[0][3]);
    it->p.wrapped = rows.at[0][4];
    return patient_key(w, it->p.id, it->p.kek, it->p.wrapped, it->p.key, err);
}

static enum ward_code put_version(struct worker *w, struct ward_call *c, const struct item *it,
                                  struct ward_err *err)
{
    static const char SQL[] =
        "INSERT INTO directory_version (owner_id, resource_id, version, kind, act,"
        " written_at_us, actor, purpose, peer, device, event_id, sealed)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";
    struct ward_arena *mem = c->mem;
    struct version v;

    item_row(it, c, &v);
    return ward_db_run(w->event_ctx.db, mem, SQL,
                       WARD_PARAMS(id_val(it->p.id), id_val(it->id), ward_int(mem, v.version),
                                   ward_int(mem, v.kind), ward_int(mem, v.act),
                                   ward_int(mem, v.written_at_us), ward_text(v.actor),
                                   ward_text(v.purpose), ward_text(v.peer), ward_text(v.device),
                                   ward_blob(v.event_id, 16), it->sealed),
                       NULL, err);
}

static enum ward_code put_current(struct worker *w, struct ward_arena *mem,
                                  const struct item *it, struct ward_err *err)
{
    static const char KEY[] = "INSERT INTO owner_key (owner_id, kek, wrapped) VALUES (?, ?, ?)";
    static const char NEW[] = "INSERT INTO directory (version, written_at_us, wrong, kind, "
                              "type, owner_id, resource_id)"
                              " VALUES (?, ?, ?, ?, ?, ?, ?)";
    static const char NEXT[] = "UPDATE directory SET version = ?, written_at_us = ?, wrong = ?,"
                               " kind = ?, type = ? WHERE owner_id = ? AND resource_id = ?";

    if (it->fresh)
        WARD_TRY(ward_db_run(
            w->event_ctx.db, mem, KEY,
            WARD_PARAMS(id_val(it->p.id), ward_int(mem, it->p.kek), it->p.wrapped), NULL, err));
    return ward_db_run(w->event_ctx.db, mem, it->fresh ? NEW : NEXT,
                       WARD_PARAMS(ward_int(mem, it->version), ward_int(mem, it->at_us),
                                   ward_int(mem, it->f.wrong), ward_int(mem, it->f.kind),
                                   ward_text(resource_type(it->what->res)), id_val(it->p.id),
                                   id_val(it->id)),
                       NULL, err);
}

/* Replaces the resource's search tokens. A statement inserts TOKENS rows; a shorter list is
 * filled with copies of its last token. */
static enum ward_code put_tokens(struct worker *w, struct ward_arena *mem,
                                 const struct item *it, struct ward_err *err)
{
    static const char OLD[] = "DELETE FROM directory_token WHERE resource_id = ?";
    static const char NEW[] =
        "INSERT IGNORE INTO directory_token (param, hash, resource_id) VALUES " TOKENS_SQL;
    struct ward_val v[3 * TOKENS];

    if (!kind_is_nobodys(it->f.kind))
        return WARD_OK;
    if (!it->fresh)
        WARD_TRY(
            ward_db_run(w->event_ctx.db, mem, OLD, WARD_PARAMS(id_val(it->id)), NULL, err));
    for (size_t at = 0; at < it->f.n_tokens; at += TOKENS) {
        for (size_t i = 0; i < TOKENS; i++) {
            const struct token *t =
                &it->f.token[at + i < it->f.n_tokens ? at + i : it->f.n_tokens - 1];

            v[3 * i] = ward_int(mem, t->param);
            v[3 * i + 1] = ward_blob(t->hash, TOKEN_HASH);
            v[3 * i + 2] = id_val(it->id);
        }
        WARD_TRY(ward_db_run(w->event_ctx.db, mem, NEW, v, WARD_COUNT(v), NULL, err));
    }
    return WARD_OK;
}

/* Adds the feed's change with an empty patient id, because the resource has no patient. */
static enum ward_code put_change(struct worker *w, struct ward_arena *mem,
                                 const struct item *it, struct ward_err *err)
{
    static const char SQL[] =
        "INSERT INTO change_new (kind, act, version, written_at_us, resource_id, patient_id)"
        " VALUES (?, ?, ?, ?, ?, ?)";
    static const uint8_t nobody[RECORDS_ID] = {0};

    WARD_TRY(ward_db_run(w->event_ctx.db, mem, SQL,
                         WARD_PARAMS(ward_int(mem, it->f.kind), ward_int(mem, it->what->act),
                                     ward_int(mem, it->version), ward_int(mem, it->at_us),
                                     id_val(it->id), id_val(nobody)),
                         NULL, err));
    put_count(it->what->act, it->f.kind);
    ward_db_after_commit(w->event_ctx.db, sequencer_wake, w->rec->feed);
    return WARD_OK;
}

static enum ward_code write_item(struct worker *w, struct ward_call *c, struct item *it,
                                 struct ward_err *err)
{
    WARD_TRY(hold(w, c->mem, it, err));
    WARD_TRY(seal_item(c, it, err));
    WARD_TRY(put_current(w, c->mem, it, err));
    WARD_TRY(put_version(w, c, it, err));
    WARD_TRY(put_tokens(w, c->mem, it, err));
    return put_change(w, c->mem, it, err);
}

enum ward_code directory_write(struct worker *w, struct ward_call *c, const struct write *what,
                               struct version *out, struct ward_err *err)
{
    struct item it = {
        .what = what, .version = what->expected_version + 1, .at_us = what->at_us};
    enum ward_code code;

    it.f.kind = resource_kind(what->res);
    it.f.wrong = resource_is_wrong(what->res);
    if (kind_is_nobodys(it.f.kind)) /* an Other in the directory has no search tokens */
        WARD_TRY(index_of(w->rec->keys, c->mem, what->res, &it.f, err));
    if (!ward_uuid_parse(resource_id(what->res), it.id))
        return WARD_FAIL_FIELD(err, "id", "is not a UUID");
    code = write_item(w, c, &it, err);
    if (code == WARD_OK && out != NULL) {
        item_row(&it, c, out);
        out->nobodys = true;
    }
    patient_wipe(&it.p);
    return code;
}
