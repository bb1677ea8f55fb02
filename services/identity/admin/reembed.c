/* Reembed: computes templates of the loaded model from stored photographs. */
#include "common/base/log.h"
#include "services/identity/admin/progress.h"
#include "services/identity/subject/about.h"
#include "services/identity/subject/counts.h"
#include "ward/identity/v1/admin.pb-c.h"

#include <string.h>

typedef Ward__Identity__V1__ReembedResponse ReembedProgress;

/* One photograph with its new embedding. */
struct seen {
    /* id of the template that was made from this photograph before */
    uint8_t former_id[IDENTITY_ID];
    struct new_face face;
    float embedding[TEMPLATE_DIM_MAX];
};

struct reembedding {
    struct ward_call *call;
    struct ward_call sub; /* a copy of `call` with memory for one subject */
    struct worker *w;
    const char *model;
    struct progress progress;
    struct ward_arena list;  /* the new embeddings of one subject */
    struct ward_arena photo; /* memory for one photograph */
    ReembedProgress said;
    struct subject subject;
    struct seen *seen;
    size_t n_seen;
    size_t n_photos; /* photographs of the current subject */
    int64_t added;   /* templates added for the current subject */
};

/* Selects subjects with a photograph and without a template of this model. */
#define LACKING                                                                                \
    " FROM sealed_photo p WHERE p.subject_id > ? AND NOT EXISTS (SELECT 1 FROM template t"     \
    " WHERE t.subject_id = p.subject_id AND t.model_sha256 = ?)"

static enum ward_code count_lacking(struct reembedding *r, struct ward_err *err)
{
    static const char SQL[] = "SELECT COUNT(DISTINCT p.subject_id)" LACKING;
    static const uint8_t from[IDENTITY_ID] = {0};
    struct ward_rows rows;

    WARD_TRY(ward_db_run(r->w->db, &r->list, SQL,
                         WARD_PARAMS(id_val(from), ward_text(r->model)), &rows, err));
    if (rows.n != 1 || !row_number(rows.at[0][0], &r->said.total))
        return WARD_FAIL(err, DATA_LOSS, "a stored count is invalid");
    return WARD_OK;
}

static enum ward_code next(struct reembedding *r, uint8_t id[IDENTITY_ID], bool *found,
                           struct ward_err *err)
{
    static const char SQL[] = "SELECT p.subject_id" LACKING " ORDER BY p.subject_id LIMIT 1";
    struct ward_rows rows;

    WARD_TRY(ward_db_run(r->w->db, &r->list, SQL, WARD_PARAMS(id_val(id), ward_text(r->model)),
                         &rows, err));
    *found = rows.n == 1 && rows.at[0][0].n == IDENTITY_ID;
    if (*found)
        memcpy(id, rows.at[0][0].p, IDENTITY_ID);
    return WARD_OK;
}

/* ---- one subject's photographs ---- */

static enum ward_code open_photo(struct reembedding *r, const uint8_t key[WARD_KEY_SIZE],
                                 struct seen *s, ProtobufCBinaryData *out, struct ward_err *err)
{
    static const char SQL[] = "SELECT sealed FROM sealed_photo WHERE template_id = ?";
    struct ward_sealed_as as;
    struct ward_rows rows;

    *out = (ProtobufCBinaryData){0};
    WARD_TRY(
        ward_db_run(r->w->db, &r->photo, SQL, WARD_PARAMS(id_val(s->former_id)), &rows, err));
    if (rows.n == 0)
        return WARD_OK; /* the photograph was deleted meanwhile */
    if (rows.at[0][0].n <= WARD_SEAL_EXTRA)
        return WARD_FAIL(err, DATA_LOSS, "a stored photograph is invalid");
    out->len = rows.at[0][0].n - WARD_SEAL_EXTRA;
    out->data = ward_alloc(&r->photo, out->len);
    if (out->data == NULL)
        return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory for a photograph");
    as = photo_as(r->subject.id);
    return ward_open_for(key, &as, rows.at[0][0].p, rows.at[0][0].n, out->data, err);
}

/* Computes one embedding. If the photograph cannot be decrypted or used, it is counted as
 * unusable, and the next photograph follows. */
static enum ward_code see(struct reembedding *r, const uint8_t key[WARD_KEY_SIZE],
                          struct seen *s, bool *usable, struct ward_err *err)
{
    /* the same choice of face as at enrolment */
    const struct photo_want want = {.largest_only = true};
    struct ward_stop stop = api_stop(r->call);
    ProtobufCBinaryData bytes;
    struct photo p = {0};
    enum ward_code code;

    *usable = false;
    code = open_photo(r, key, s, &bytes, err);
    if (code == WARD_OK && bytes.len == 0)
        return WARD_OK;
    if (code == WARD_OK)
        code = photo_read(r->w, &r->photo, &stop, bytes.data, bytes.len, &want, &p, err);
    if (code == WARD_DATA_LOSS || code == WARD_INVALID_ARGUMENT) {
        ward_log_err(WARD_LOG_WARN, "an encrypted photograph cannot be used", err);
        return WARD_OK;
    }
    WARD_TRY(code);
    if (p.gate != USABLE)
        return WARD_OK;
    WARD_TRY(new_face(&r->sub, &p, &bytes, false, r->subject.id, r->subject.kind,
                      ward_wall_us(), &s->face));
    memcpy(s->embedding, p.face.embedding, sizeof(s->embedding));
    s->face.embedding = s->embedding;
    s->face.photograph = (ProtobufCBinaryData){0};
    *usable = true;
    return WARD_OK;
}

static enum ward_code see_all(struct reembedding *r, const struct ward_rows *ids,
                              const uint8_t key[WARD_KEY_SIZE], struct ward_err *err)
{
    r->seen = ward_alloc(&r->list, ids->n * sizeof(*r->seen));
    r->n_seen = 0;
    if (r->seen == NULL)
        return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory for the faces");
    for (size_t i = 0; i < ids->n && r->n_seen < TEMPLATES_MAX; i++) {
        struct seen *s = &r->seen[r->n_seen];
        bool usable = false;

        if (ids->at[i][0].n != IDENTITY_ID)
            return WARD_FAIL(err, DATA_LOSS, "the row of a stored photograph is invalid");
        memcpy(s->former_id, ids->at[i][0].p, IDENTITY_ID);
        WARD_TRY(see(r, key, s, &usable, err));
        ward_arena_reset(&r->photo);
        r->n_seen += usable ? 1 : 0;
        r->said.unusable += usable ? 0 : 1;
    }
    return WARD_OK;
}

/* ---- and their templates ---- */

/* Attaches the photograph to its newest template: deleting that template deletes both. */
static enum ward_code add_one(struct seen *s, struct ward_db *db, int64_t *made,
                              struct ward_err *err)
{
    static const char MOVE[] =
        "UPDATE sealed_photo SET template_id = ? WHERE template_id = ? AND subject_id = ?";
    const struct sealed_template *t = &s->face.kept.sealed;
    struct ward_rows out;

    WARD_TRY(ward_db_run(
        db, NULL, MOVE,
        WARD_PARAMS(id_val(t->template_id), id_val(s->former_id), id_val(t->subject_id)), &out,
        err));
    if (out.affected != 1)
        return WARD_OK; /* the photograph was deleted meanwhile */
    ++*made;
    return new_face_store(&s->face, db, err);
}

static enum ward_code tell(struct reembedding *r, struct ward_db *db, int64_t made,
                           struct ward_err *err)
{
    char subject[37];
    struct ward_event event;

    ward_uuid_text(r->subject.id, subject);
    ward_event_begin(&event, &r->sub, api_event_ctx(&r->sub), subject);
    ward_event_note(&event, "model", r->model);
    ward_event_note_int(&event, "templates", made);
    WARD_TRY(ward_event_write(&event, db, err));
    return gallery_changed(r->w->id->gallery, db, &r->list, r->subject.id, err);
}

static enum ward_code add_in_tx(struct ward_db *db, void *arg, struct ward_err *err)
{
    struct reembedding *r = arg;
    struct ward_wrapped_key key;
    bool has_key = false;
    int64_t n = 0, made = 0;

    r->added = 0;
    WARD_TRY(subject_find(db, &r->list, r->subject.id, true, &r->subject, err));
    WARD_TRY(face_key_of(db, &r->list, r->subject.id, false, &key, &has_key, err));
    WARD_TRY(templates_count(db, &r->list, r->subject.id, r->model, &n, err));
    if (!has_key || n > 0)
        /* since the read, the consent was withdrawn, or another call created the template */
        return WARD_OK;
    for (size_t i = 0; i < r->n_seen; i++)
        WARD_TRY(add_one(&r->seen[i], db, &made, err));
    if (made == 0)
        return WARD_OK;
    r->added = made;
    return tell(r, db, made, err);
}

static enum ward_code one_subject(struct reembedding *r, const uint8_t id[IDENTITY_ID],
                                  struct ward_err *err)
{
    static const char PHOTOS[] = "SELECT template_id FROM sealed_photo WHERE subject_id = ?"
                                 " ORDER BY kept_at_us, template_id";
    struct ward_db *db = r->w->db;
    uint8_t key[WARD_KEY_SIZE];
    struct ward_wrapped_key wrapped;
    struct ward_rows ids;
    enum ward_code code;
    bool has_key = false;

    WARD_TRY(subject_find(db, &r->list, id, false, &r->subject, err));
    WARD_TRY(face_key_of(db, &r->list, id, false, &wrapped, &has_key, err));
    if (!has_key)
        return WARD_OK;
    WARD_TRY(ward_db_run(db, &r->list, PHOTOS, WARD_PARAMS(id_val(id)), &ids, err));
    r->n_photos = ids.n;
    WARD_TRY(ward_keyring_unwrap(keys_ring(r->w->id->keys), db, &wrapped, key, err));
    code = see_all(r, &ids, key, err);
    ward_wipe(key, sizeof(key));
    if (code == WARD_OK && r->n_seen > 0)
        code = ward_db_tx(db, add_in_tx, r, err);
    if (code == WARD_OK)
        r->said.made += r->added;
    if (r->seen != NULL)
        ward_wipe(r->seen, ids.n * sizeof(*r->seen));
    return code;
}

/* If a subject's key or rows cannot be read, the subject is counted as unreadable, and the next
 * subject follows. */
static enum ward_code one_or_none(struct reembedding *r, const uint8_t id[IDENTITY_ID],
                                  struct ward_err *err)
{
    int64_t before = r->said.unusable;
    enum ward_code code;

    r->n_photos = 1;
    code = one_subject(r, id, err);
    if (code != WARD_DATA_LOSS)
        return code;
    ward_log_err(WARD_LOG_WARN, "a subject's photographs cannot be decrypted", err);
    *err = (struct ward_err){0};
    r->said.unusable = before + (int64_t)r->n_photos;
    return WARD_OK;
}

/* ---- the call ---- */

static enum ward_code walk(struct reembedding *r)
{
    struct ward_call *c = r->call;
    uint8_t id[IDENTITY_ID] = {0};
    bool found = true;

    while (true) {
        ward_arena_reset(&r->list);
        r->added = 0;
        r->seen = NULL;
        WARD_TRY(next(r, id, &found, c->err));
        if (!found)
            return WARD_OK;
        if (ward_call_cancelled(c))
            return WARD_FAIL(c->err, CANCELLED,
                             "the caller disconnected; repeat the call to continue");
        WARD_TRY(one_or_none(r, id, c->err));
        r->said.done++;
        if (progress_due(&r->progress, r->said.done))
            WARD_TRY(ward_send(c, &r->said.base));
    }
}

static enum ward_code finish_in_tx(struct ward_db *db, void *arg, struct ward_err *err)
{
    struct ward_event event = *(struct ward_event *)arg;

    return ward_event_write(&event, db, err);
}

static enum ward_code finish(struct reembedding *r)
{
    struct ward_call *c = r->call;
    struct ward_event event;

    WARD_TRY(counts_need_capture(r->w->db, &r->list, r->model, &r->said.need_capture, c->err));
    ward_event_begin(&event, c, api_event_ctx(c), NULL);
    ward_event_note(&event, "model", r->model);
    ward_event_note_int(&event, "made", r->said.made);
    ward_event_note_int(&event, "unusable", r->said.unusable);
    ward_event_note_int(&event, "need_capture", r->said.need_capture);
    WARD_TRY(ward_db_tx(r->w->db, finish_in_tx, &event, c->err));
    r->said.finished = true;
    WARD_TRY(ward_call_copy(c, event.event_text, &r->said.event_id));
    return ward_send(c, &r->said.base);
}

static enum ward_code reembed(struct ward_call *c)
{
    struct worker *w = c->wrk;
    struct reembedding r = {.call = c, .sub = *c, .w = w};
    enum ward_code code;

    ward__identity__v1__reembed_response__init(&r.said);
    r.model = face_pack_sha256(w->id->now.pack);
    ward_arena_init(&r.list, (size_t)16 << 20);
    ward_arena_init(&r.photo, IDENTITY_ARENA);
    r.sub.mem = &r.list;
    ward_db_deadline(w->db, WARD_NO_DEADLINE);
    code = count_lacking(&r, c->err);
    if (code == WARD_OK)
        code = walk(&r);
    if (code == WARD_OK)
        code = finish(&r);
    ward_arena_done(&r.photo);
    ward_arena_done(&r.list);
    return code;
}

enum ward_code reembed_rpc(struct ward_call *c, const ProtobufCMessage *q, ProtobufCMessage *r)
{
    (void)q, (void)r;
    return reembed(c);
}
