/* FindSubject and ListSubjects: lookup by wristband or name, and lists of subjects. */
#include "services/identity/page.h"
#include "services/identity/subject/about.h"
#include "services/identity/token/identifiers.h"

#include <string.h>

typedef Ward__Identity__V1__FindSubjectRequest FindRequest;
typedef Ward__Identity__V1__FindSubjectResponse FindResponse;
typedef Ward__Identity__V1__ListSubjectsRequest ListRequest;
typedef Ward__Identity__V1__ListSubjectsResponse ListResponse;
typedef Ward__Identity__V1__ListedSubject Listed;

#define KIND_MOST WARD__IDENTITY__V1__SUBJECT_KIND__SUBJECT_KIND_STAFF

/* ---- FindSubject ---- */

struct finding {
    struct ward_call *call;
    struct ward_event event;
    const FindRequest *req;
    uint8_t id[IDENTITY_ID];
    char text[37];
    struct subject subject;
};

static enum ward_code check(struct ward_call *c, const FindRequest *req)
{
    if ((*req->wristband == '\0') == (*req->external_ref == '\0'))
        return WARD_FAIL_FIELD(c->err, "wristband",
                               "or external_ref must be set, but not both");
    if (*req->wristband != '\0')
        return wristband_check(c, req->wristband);
    if (!rule_is_label(req->external_ref, true))
        return WARD_FAIL_FIELD(c->err, "external_ref",
                               "must be at most 64 visible ASCII characters");
    if (req->kind < 1 || req->kind > KIND_MOST)
        return WARD_FAIL_FIELD(c->err, "kind", "must be PATIENT or STAFF");
    return WARD_OK;
}

static enum ward_code ask(struct finding *f, struct ward_rows *rows)
{
    static const char BAND[] = "SELECT subject_id FROM identifier_hash WHERE wristband = ?";
    static const char NAME[] =
        "SELECT subject_id FROM subject WHERE kind = ? AND external_ref = ?";
    struct ward_call *c = f->call;
    struct keys *keys = ((struct worker *)c->wrk)->id->keys;
    uint8_t hash[WARD_SHA256_SIZE];

    if (*f->req->wristband == '\0')
        return ward_db_run(
            about_db(c), c->mem, NAME,
            WARD_PARAMS(ward_int(c->mem, f->req->kind), ward_text(f->req->external_ref)), rows,
            c->err);
    WARD_TRY(wristband_hash(keys, f->req->wristband, hash, c->err));
    return ward_db_run(about_db(c), c->mem, BAND, WARD_PARAMS(ward_blob(hash, sizeof(hash))),
                       rows, c->err);
}

static enum ward_code find(struct finding *f)
{
    struct ward_call *c = f->call;
    struct ward_rows rows;

    WARD_TRY(ask(f, &rows));
    if (rows.n == 0)
        return WARD_FAIL_REASON(c->err, NOT_FOUND, "SUBJECT_NOT_FOUND", "no such subject");
    if (rows.at[0][0].n != IDENTITY_ID)
        return WARD_FAIL(c->err, DATA_LOSS, "the row of a subject is invalid");
    memcpy(f->id, rows.at[0][0].p, IDENTITY_ID);
    WARD_TRY(subject_alive(about_db(c), c->mem, f->id, &f->subject, c->err));
    ward_uuid_text(f->id, f->text);
    f->event.patient = f->text;
    return WARD_OK;
}

static enum ward_code found(struct ward_db *db, void *arg, struct ward_err *err)
{
    struct ward_event event = ((struct finding *)arg)->event;

    return ward_event_write(&event, db, err);
}

static enum ward_code find_subject(struct ward_call *c, const FindRequest *req,
                                   FindResponse *resp)
{
    struct finding f = {.call = c, .req = req};

    ward_event_begin(&f.event, c, api_event_ctx(c), NULL);
    ward_db_deadline(about_db(c), c->deadline_ns);
    ward_event_note(&f.event, "by", *req->wristband != '\0' ? "wristband" : "external_ref");
    WARD_TRY(check(c, req));
    WARD_TRY(find(&f));
    resp->kind = (Ward__Identity__V1__SubjectKind)f.subject.kind;
    resp->external_ref = api_text(f.subject.external_ref);
    WARD_TRY(ward_call_copy(c, f.text, &resp->subject_id));
    WARD_TRY(ward_call_copy(c, f.event.event_text, &resp->event_id));
    return ward_db_tx(about_db(c), found, &f, c->err);
}

enum ward_code find_subject_rpc(struct ward_call *c, const ProtobufCMessage *q,
                                ProtobufCMessage *r)
{
    return find_subject(c, (const FindRequest *)q, (FindResponse *)r);
}

/* ---- ListSubjects ---- */

struct listing {
    struct ward_call *call;
    struct ward_event event;
    int64_t kind, page;
    uint8_t after[IDENTITY_ID];
    struct ward_rows rows; /* one row more than a page, if there are more subjects */
};

enum { ID, KIND, NAME, AT, BORN, FACE, BAND };

static enum ward_code list_in_tx(struct ward_db *db, void *arg, struct ward_err *err)
{
    static const char SQL[] =
        "SELECT s.subject_id, s.kind, s.external_ref, s.enrolled_at_us, s.birth_year,"
        "       EXISTS (SELECT 1 FROM template t WHERE t.subject_id = s.subject_id),"
        "       EXISTS (SELECT 1 FROM identifier_hash h WHERE h.subject_id = s.subject_id"
        "                                                 AND h.type = '')"
        "  FROM subject s WHERE s.subject_id > ? AND s.erased_at_us IS NULL"
        "   AND (? = 0 OR s.kind = ?) ORDER BY s.subject_id LIMIT ?";
    struct listing *l = arg;
    struct ward_arena *mem = l->call->mem;
    struct ward_event event = l->event;

    WARD_TRY(ward_db_run(db, mem, SQL,
                         WARD_PARAMS(id_val(l->after), ward_int(mem, l->kind),
                                     ward_int(mem, l->kind), ward_int(mem, l->page + 1)),
                         &l->rows, err));
    return ward_event_write(&event, db, err);
}

static enum ward_code fill_one(struct ward_call *c, const struct ward_val *row, Listed *out)
{
    int64_t kind, born, face, band;
    char *text = ward_alloc(c->mem, 37);

    if (text == NULL)
        return WARD_FAIL(c->err, RESOURCE_EXHAUSTED, "no memory for the answer");
    ward__identity__v1__listed_subject__init(out);
    if (row[ID].n != IDENTITY_ID || !row_number(row[KIND], &kind) ||
        !row_number(row[AT], &out->enrolled_at_us) || !row_number(row[BORN], &born) ||
        !row_number(row[FACE], &face) || !row_number(row[BAND], &band))
        return WARD_FAIL(c->err, DATA_LOSS, "the row of a subject is invalid");
    ward_uuid_text((const uint8_t *)row[ID].p, text);
    out->subject_id = text;
    out->kind = (Ward__Identity__V1__SubjectKind)kind;
    out->external_ref = api_text(row_text(row[NAME]));
    out->birth_year = (int32_t)born;
    out->has_face = face != 0;
    out->has_wristband = band != 0;
    return WARD_OK;
}

static enum ward_code fill(const struct listing *l, const struct page_of *of,
                           ListResponse *resp)
{
    struct ward_call *c = l->call;
    size_t n = l->rows.n > (size_t)l->page ? (size_t)l->page : l->rows.n;
    Listed *list = ward_alloc(c->mem, n * sizeof(*list));

    resp->subjects = ward_alloc(c->mem, n * sizeof(list));
    if (list == NULL || resp->subjects == NULL)
        return WARD_FAIL(c->err, RESOURCE_EXHAUSTED, "no memory for the answer");
    for (size_t i = 0; i < n; i++) {
        WARD_TRY(fill_one(c, l->rows.at[i], &list[i]));
        resp->subjects[i] = &list[i];
    }
    resp->n_subjects = n;
    if (l->rows.n <= n)
        return WARD_OK;
    return page_next(c, of, (const uint8_t *)l->rows.at[n - 1][ID].p, &resp->next_page_token);
}

static enum ward_code list_subjects(struct ward_call *c, const ListRequest *req,
                                    ListResponse *resp)
{
    struct listing l = {.call = c, .kind = req->kind};
    struct page_of of = {"subjects page", req->kind};

    ward_event_begin(&l.event, c, api_event_ctx(c), NULL);
    ward_db_deadline(about_db(c), c->deadline_ns);
    if (req->kind < 0 || req->kind > KIND_MOST)
        return WARD_FAIL_FIELD(c->err, "kind", "must be PATIENT, STAFF or unset");
    WARD_TRY(page_size(c, req->page_size, &l.page));
    WARD_TRY(page_after(c, &of, req->page_token, l.after));
    WARD_TRY(ward_db_tx(about_db(c), list_in_tx, &l, c->err));
    return fill(&l, &of, resp);
}

enum ward_code list_subjects_rpc(struct ward_call *c, const ProtobufCMessage *q,
                                 ProtobufCMessage *r)
{
    return list_subjects(c, (const ListRequest *)q, (ListResponse *)r);
}
