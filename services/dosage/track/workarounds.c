/* ListWorkarounds, ReviewWorkaround: for people responsible for safety. No patient is named, so
 * no treatment purpose is required. */
#include "common/base/clock.h"
#include "services/dosage/track/track.h"
#include "services/dosage/track/workaround.h"

#include <inttypes.h>
#include <string.h>

typedef Ward__Dosage__V1__ListWorkaroundsRequest ListRequest;
typedef Ward__Dosage__V1__ListWorkaroundsResponse ListResponse;
typedef Ward__Dosage__V1__ReviewWorkaroundRequest ReviewRequest;
typedef Ward__Dosage__V1__ReviewWorkaroundResponse ReviewResponse;
typedef Ward__Dosage__V1__Workaround Workaround;

#define PAGE_USUAL 50
#define PAGE_MOST  200

/* ---- rows ---- */

enum column {
    ID,
    TYPE,
    PLACE_WARD,
    ACTOR,
    PLACE,
    EVIDENCE,
    COUNTED,
    THRESHOLD,
    OUT_OF,
    OWN,
    RULE,
    FIRST,
    LAST,
    BY,
    AT,
    VERDICT
};
#define COLUMNS                                                                                \
    "SELECT workaround_id, kind, ward, actor, place, evidence, counted, threshold, out_of,"    \
    " own, rule_id, first_at_us, last_at_us, reviewed_by, reviewed_at_us, verdict FROM "       \
    "workaround"

static enum ward_code say_evidence(struct ward_call *c, struct ward_val ids,
                                   const char *rule_id, Workaround *out)
{
    size_t n = ids.n / DOSAGE_ID;

    out->evidence = ward_alloc(c->mem, (n + 1) * sizeof(char *));
    if (out->evidence == NULL)
        return WARD_FAIL(c->err, RESOURCE_EXHAUSTED, "no memory for the evidence");
    if (*rule_id != '\0') /* a finding identifies nobody, so the evidence is the rule */
        out->evidence[out->n_evidence++] = api_text(rule_id);
    for (size_t i = 0; i < n; i++)
        WARD_TRY(ward_call_uuid(c, (const uint8_t *)ids.p + i * DOSAGE_ID,
                                &out->evidence[out->n_evidence++]));
    return WARD_OK;
}

static enum ward_code say(struct ward_call *c, const struct ward_val *row, Workaround **out,
                          struct ward_err *err)
{
    Workaround *k = ward_new(c->mem, Workaround);
    struct pattern p = {0};

    if (k == NULL)
        return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory for a workaround");
    ward__dosage__v1__workaround__init(k);
    WARD_TRY(ward_call_uuid(c, (const uint8_t *)row[ID].p, &k->workaround_id));
    k->kind = (Ward__Dosage__V1__WorkaroundKind)row_number(row[TYPE]);
    k->ward = api_text(row[PLACE_WARD].p);
    k->actor = api_text(row[ACTOR].p);
    k->place = api_text(row[PLACE].p);
    k->count = (int32_t)row_number(row[COUNTED]);
    k->threshold = (int32_t)row_number(row[THRESHOLD]);
    k->own = (int32_t)row_number(row[OWN]);
    k->first_at_us = row_number(row[FIRST]);
    k->last_at_us = row_number(row[LAST]);
    k->reviewed_by = api_text(row[BY].p);
    k->reviewed_at_us = row_number(row[AT]);
    k->verdict = (Ward__Dosage__V1__Verdict)row_number(row[VERDICT]);
    p = (struct pattern){.kind = k->kind,
                         .count = k->count,
                         .threshold = k->threshold,
                         .out_of = (int)row_number(row[OUT_OF]),
                         .own = (int)row_number(row[OWN]),
                         .rule_id = row[RULE].p};
    WARD_TRY(pattern_text(&p, c->mem, &k->text, err));
    *out = k;
    return say_evidence(c, row[EVIDENCE], row[RULE].p, k);
}

/* ---- ListWorkarounds ---- */

struct listing {
    struct ward_call *call;
    struct ward_event event;
    const ListRequest *req;
    int64_t last_us; /* the page begins after this time and id */
    uint8_t id[DOSAGE_ID];
    int page;
    ListResponse *r;
};

/* Reads a token "<last_at_us>.<id>". */
static enum ward_code take_token(struct listing *l)
{
    const char *token = l->req->page_token, *dot = strchr(token, '.');
    char number[24];

    l->last_us = INT64_MAX;
    memset(l->id, 0xff, sizeof(l->id));
    if (*token == '\0')
        return WARD_OK;
    if (dot != NULL && (size_t)(dot - token) < sizeof(number)) {
        memcpy(number, token, (size_t)(dot - token));
        number[dot - token] = '\0';
        if (ward_i64(number, 0, INT64_MAX, &l->last_us) && ward_uuid_parse(dot + 1, l->id))
            return WARD_OK;
    }
    return ward_err_about(l->call->err,
                          WARD_FAIL_REASON(l->call->err, INVALID_ARGUMENT, "PAGE_TOKEN_INVALID",
                                           "page_token does not belong to this query"),
                          "page_token");
}

static enum ward_code give_token(struct listing *l, const Workaround *last,
                                 struct ward_err *err)
{
    l->r->next_page_token =
        ward_printf(l->call->mem, "%" PRId64 ".%s", last->last_at_us, last->workaround_id);
    return l->r->next_page_token == NULL
               ? WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory for the page token")
               : WARD_OK;
}

static enum ward_code rows_of(struct listing *l, struct ward_db *db, struct ward_rows *rows,
                              struct ward_err *err)
{
    static const char SQL[] =
        COLUMNS " WHERE (ward = ? OR ? = '') AND (reviewed_at_us = 0 OR ?)"
                " AND (last_at_us < ? OR (last_at_us = ? AND workaround_id < ?))"
                " ORDER BY last_at_us DESC, workaround_id DESC LIMIT ?";
    struct ward_arena *mem = l->call->mem;
    struct ward_val last = ward_int(mem, l->last_us);

    return ward_db_run(db, mem, SQL,
                       WARD_PARAMS(ward_text(l->req->ward), ward_text(l->req->ward),
                                   ward_int(mem, l->req->with_reviewed ? 1 : 0), last, last,
                                   id_val(l->id), ward_int(mem, l->page + 1)),
                       rows, err);
}

static enum ward_code list_in_tx(struct ward_db *db, void *arg, struct ward_err *err)
{
    struct listing *l = arg;
    struct ward_event event = l->event;
    struct ward_rows rows;
    size_t n;

    WARD_TRY(rows_of(l, db, &rows, err));
    n = rows.n > (size_t)l->page ? (size_t)l->page : rows.n;
    l->r->n_workarounds = 0;
    l->r->workarounds = ward_alloc(l->call->mem, (n + 1) * sizeof(Workaround *));
    if (l->r->workarounds == NULL)
        return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory for the answer");
    for (size_t i = 0; i < n; i++)
        WARD_TRY(say(l->call, rows.at[i], &l->r->workarounds[l->r->n_workarounds++], err));
    if (rows.n > n)
        WARD_TRY(give_token(l, l->r->workarounds[n - 1], err));
    ward_event_note_int(&event, "workarounds", (int64_t)n);
    return ward_event_write(&event, db, err);
}

enum ward_code list_workarounds_rpc(struct ward_call *c, const ProtobufCMessage *q,
                                    ProtobufCMessage *r)
{
    struct listing l = {.call = c, .req = (const ListRequest *)q, .r = (ListResponse *)r};
    struct worker *w = c->wrk;

    ward_event_begin(&l.event, c, &w->event_ctx, NULL);
    ward_db_deadline(w->event_ctx.db, c->deadline_ns);
    if (*l.req->ward != '\0' && !rule_is_ward(l.req->ward))
        return WARD_FAIL_FIELD(c->err, "ward",
                               "must be 1 to 64 characters of A-Z a-z 0-9 . _ -");
    WARD_TRY(ward_call_page(c, l.req->page_size, PAGE_USUAL, PAGE_MOST, &l.page));
    WARD_TRY(take_token(&l));
    return ward_db_tx(w->event_ctx.db, list_in_tx, &l, c->err);
}

/* ---- ReviewWorkaround ---- */

struct reviewing {
    struct ward_call *call;
    struct ward_event event;
    struct ward_idem idem;
    const ReviewRequest *req;
    uint8_t id[DOSAGE_ID];
    char text[37];
    Workaround *workaround;
};

static enum ward_code find(struct reviewing *v, struct ward_db *db, bool lock,
                           struct ward_rows *rows, struct ward_err *err)
{
    static const char SQL[] = COLUMNS " WHERE workaround_id = ?";
    static const char LOCK[] = COLUMNS " WHERE workaround_id = ? FOR UPDATE";

    WARD_TRY(ward_db_run(db, v->call->mem, lock ? LOCK : SQL, WARD_PARAMS(id_val(v->id)), rows,
                         err));
    if (rows->n == 0)
        return WARD_FAIL_REASON(err, NOT_FOUND, "WORKAROUND_NOT_FOUND",
                                "the workaround does not exist");
    return WARD_OK;
}

static enum ward_code judge(struct reviewing *v, struct ward_db *db, struct ward_err *err)
{
    static const char SQL[] = "UPDATE workaround SET reviewed_by = ?, reviewed_at_us = ?,"
                              " verdict = ? WHERE workaround_id = ?";
    struct ward_arena *mem = v->call->mem;
    const char *who = v->call->who->subject;
    struct ward_rows rows;

    WARD_TRY(find(v, db, true, &rows, err));
    if (row_number(rows.at[0][AT]) != 0)
        return WARD_FAIL_REASON(err, FAILED_PRECONDITION, "WORKAROUND_REVIEWED",
                                "the workaround is already reviewed");
    if (rule_same_person(rows.at[0][ACTOR].p, who))
        return WARD_FAIL_REASON(err, PERMISSION_DENIED, "REVIEW_OWN",
                                "the workaround concerns the caller");
    return ward_db_run(db, mem, SQL,
                       WARD_PARAMS(ward_text(who), ward_int(mem, ward_wall_us()),
                                   ward_int(mem, v->req->verdict), id_val(v->id)),
                       NULL, err);
}

static enum ward_code review_in_tx(struct ward_db *db, void *arg, struct ward_err *err)
{
    struct reviewing *v = arg;
    ReviewResponse kept = WARD__DOSAGE__V1__REVIEW_WORKAROUND_RESPONSE__INIT;
    struct ward_event event = v->event;
    ProtobufCMessage *was = NULL;
    struct ward_rows rows;

    WARD_TRY(ward_call_stored_answer(v->call, db, &v->idem,
                                     &ward__dosage__v1__review_workaround_response__descriptor,
                                     &was, err));
    if (was == NULL)
        WARD_TRY(judge(v, db, err));
    WARD_TRY(find(v, db, false, &rows, err));
    WARD_TRY(say(v->call, rows.at[0], &v->workaround, err));
    ward_event_note(&event, "workaround", v->text);
    ward_event_note_int(&event, "verdict", v->workaround->verdict);
    WARD_TRY(ward_event_write(&event, db, err));
    return was != NULL ? WARD_OK
                       : ward_call_store_answer(v->call, db, &v->idem, &kept.base, err);
}

enum ward_code review_workaround_rpc(struct ward_call *c, const ProtobufCMessage *q,
                                     ProtobufCMessage *r)
{
    struct reviewing v = {.call = c, .req = (const ReviewRequest *)q};
    struct worker *w = c->wrk;

    ward_event_begin(&v.event, c, &w->event_ctx, NULL);
    ward_db_deadline(w->event_ctx.db, c->deadline_ns);
    WARD_TRY(ward_call_idem(c, v.req->idempotency_key, q, &v.idem));
    WARD_TRY(ward_call_id(c, "workaround_id", v.req->workaround_id, v.id, v.text));
    if (v.req->verdict < WARD__DOSAGE__V1__VERDICT__VERDICT_WORKAROUND ||
        v.req->verdict > WARD__DOSAGE__V1__VERDICT__VERDICT_FALSE_ALARM)
        return WARD_FAIL_FIELD(c->err, "verdict",
                               "must be WORKAROUND, JUSTIFIED or FALSE_ALARM");
    WARD_TRY(ward_db_tx(w->event_ctx.db, review_in_tx, &v, c->err));
    ((ReviewResponse *)r)->workaround = v.workaround;
    return WARD_OK;
}
