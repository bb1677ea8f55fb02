/* Replay: decides past decisions again with another rule set. Each decision is read, decided
 * and released. The answer has the counts, and the ids of decisions with another result. */
#include "services/dosage/api.h"
#include "services/dosage/formulary/kept.h"
#include "services/dosage/formulary/replay.h"
#include "services/dosage/order/order.h"

#include "common/base/clock.h"

#include <string.h>

typedef Ward__Dosage__V1__ReplayRequest Request;
typedef Ward__Dosage__V1__ReplayResponse Response;
typedef Ward__Dosage__V1__ReplayProgress Progress;
typedef Ward__Dosage__V1__ReplayChange Change;
typedef Ward__Dosage__V1__Decision Decision;

#define MOST         100000
#define SPAN_US      (INT64_C(30) * 86400 * 1000000)
#define AT_ONCE      100   /* decisions of a batch: maximum changes in a message */
#define CHANGES_MOST 10000 /* maximum of reported changes; all changes are counted */
#define BATCH_MEM    ((size_t)64 << 20)
#define ONE_MEM      ((size_t)32 << 20)
#define TELL_NS      (500 * WARD_NS_PER_MS)

struct replay {
    struct ward_call *call;
    struct worker *w;
    struct ward_event event;
    const struct ruleset *rules;
    int64_t from_us, to_us, most;
    /* batch: memory of one message; one: memory of one decision */
    struct ward_arena batch, one;
    uint8_t before[DOSAGE_ID]; /* id of the last processed decision */
    int64_t looked, told;
    int64_t told_ns;
    Progress progress;
    Change *changes[AT_ONCE];
    size_t n;
};

/* ---- one decision ---- */

static enum ward_code count(struct replay *r, const Decision *was, const Decision *now)
{
    Change *change;

    r->progress.replayed++;
    switch (replay_compare(was, now)) {
    case REPLAY_SAME:
        r->progress.unchanged++;
        return WARD_OK;
    case REPLAY_STRICTER:
        r->progress.stricter++;
        break;
    case REPLAY_LAXER:
        r->progress.laxer++;
        break;
    case REPLAY_DIFFERENT:
        r->progress.different++;
        break;
    }
    if (r->told == CHANGES_MOST)
        return WARD_OK;
    r->told++;
    WARD_TRY(replay_change(was, now, &r->batch, &change, r->call->err));
    r->changes[r->n++] = change;
    return WARD_OK;
}

/* Built-in finding for an order that the replayed rule set rejects as invalid. */
#define REFUSED "ward.refused"

static enum ward_code refuse(struct replay *r, Decision *now)
{
    Ward__Dosage__V1__Finding *f = ward_new(&r->one, Ward__Dosage__V1__Finding);

    now->findings = ward_alloc(&r->one, sizeof(f));
    if (f == NULL || now->findings == NULL)
        return WARD_FAIL(r->call->err, RESOURCE_EXHAUSTED, "no memory for a decision");
    ward__dosage__v1__finding__init(f);
    f->rule_id = api_text(REFUSED);
    f->severity = WARD__DOSAGE__V1__SEVERITY__SEVERITY_HARD;
    now->findings[0] = f;
    now->n_findings = 1;
    return WARD_OK;
}

static enum ward_code run_again(struct replay *r, Ward__Dosage__V1__Snapshot *snap,
                                Decision *now)
{
    struct ward_err *err = r->call->err;
    enum ward_code code;

    snap->rule_set_version = ruleset_version(r->rules);
    snap->rule_set_sha256 = api_text(ruleset_sha256(r->rules));
    code = check_run(r->rules, snap, &r->one, now, err);
    if (code != WARD_INVALID_ARGUMENT && code != WARD_NOT_FOUND)
        return code;
    *err = (struct ward_err){0};
    return refuse(r, now);
}

static enum ward_code decide_anew(struct replay *r, const uint8_t id[DOSAGE_ID])
{
    Decision *was = NULL, now = WARD__DOSAGE__V1__DECISION__INIT;
    enum ward_code code = decision_find(r->w, &r->one, id, &was, r->call->err);

    /* A decision that was erased meanwhile or is unreadable is counted, and the replay
     * continues. */
    if (code == WARD_NOT_FOUND || code == WARD_DATA_LOSS ||
        (code == WARD_OK && was->snapshot == NULL)) {
        *r->call->err = (struct ward_err){0};
        r->progress.unreadable++;
        return WARD_OK;
    }
    WARD_TRY(code);
    if (was->snapshot->engine > CHECK_ENGINE) {
        r->progress.unreadable++;
        return WARD_OK;
    }
    WARD_TRY(run_again(r, was->snapshot, &now));
    return count(r, was, &now);
}

/* ---- all decisions ---- */

static enum ward_code tell(struct replay *r, bool done)
{
    Response resp = WARD__DOSAGE__V1__REPLAY_RESPONSE__INIT;

    resp.changes = r->changes;
    resp.n_changes = r->n;
    resp.progress = &r->progress;
    resp.done = done;
    r->n = 0;
    r->told_ns = ward_mono_ns();
    return ward_send(r->call, &resp.base);
}

/* A Replay does not count if its caller has disconnected. */
static enum ward_code still_there(const struct replay *r)
{
    if (!ward_call_cancelled(r->call))
        return WARD_OK;
    return WARD_FAIL(r->call->err, CANCELLED, "the caller disconnected");
}

/* *more: more decisions may follow. */
static enum ward_code batch(struct replay *r, bool *more)
{
    static const char SQL[] =
        "SELECT decision_id FROM decision WHERE decision_id < ? AND decided_at_us >= ?"
        " AND decided_at_us < ? ORDER BY decision_id DESC LIMIT ?";
    struct ward_arena *mem = &r->batch;
    int64_t left = r->most - r->looked, n = left < AT_ONCE ? left : AT_ONCE;
    struct ward_rows rows;

    ward_arena_reset(mem);
    WARD_TRY(ward_db_run(r->w->event_ctx.db, mem, SQL,
                         WARD_PARAMS(ward_blob(r->before, DOSAGE_ID), ward_int(mem, r->from_us),
                                     ward_int(mem, r->to_us), ward_int(mem, n)),
                         &rows, r->call->err));
    for (size_t i = 0; i < rows.n; i++) {
        WARD_TRY(still_there(r));
        if (rows.at[i][0].n != DOSAGE_ID)
            return WARD_FAIL(r->call->err, DATA_LOSS, "a stored decision has an invalid id");
        memcpy(r->before, rows.at[i][0].p, DOSAGE_ID);
        ward_arena_reset(&r->one);
        WARD_TRY(decide_anew(r, r->before));
    }
    r->looked += (int64_t)rows.n;
    *more = (int64_t)rows.n == n && r->looked < r->most;
    return WARD_OK;
}

static enum ward_code all(struct replay *r)
{
    bool more = true;

    while (more) {
        ward_db_deadline(r->w->event_ctx.db, r->call->deadline_ns);
        WARD_TRY(batch(r, &more));
        if (more && (r->n > 0 || ward_mono_ns() - r->told_ns > TELL_NS))
            WARD_TRY(tell(r, false));
    }
    return WARD_OK;
}

/* *out: no decision was processed, although the last 30 days have decisions. Such a Replay does
 * not permit an approval. */
static enum ward_code looked_past(const struct replay *r, struct ward_db *db, bool *out,
                                  struct ward_err *err)
{
    static const char NEWEST[] =
        "SELECT decided_at_us FROM decision ORDER BY decision_id DESC LIMIT 1";
    struct ward_rows rows;

    *out = false;
    if (r->looked > 0)
        return WARD_OK;
    WARD_TRY(ward_db_run(db, r->call->mem, NEWEST, WARD_NO_PARAMS, &rows, err));
    *out = rows.n == 1 && row_number(rows.at[0][0]) >= ward_wall_us() - SPAN_US;
    return WARD_OK;
}

static enum ward_code end_in_tx(struct ward_db *db, void *arg, struct ward_err *err)
{
    struct replay *r = arg;
    struct ward_event event = r->event;
    bool past;

    WARD_TRY(looked_past(r, db, &past, err));
    if (!past)
        WARD_TRY(kept_replayed(db, r->call->mem, ruleset_version(r->rules),
                               r->progress.replayed, ward_wall_us(), err));
    ward_event_note_int(&event, "rule_set", ruleset_version(r->rules));
    ward_event_note_int(&event, "replayed", r->progress.replayed);
    ward_event_note_int(&event, "stricter", r->progress.stricter);
    ward_event_note_int(&event, "laxer", r->progress.laxer);
    ward_event_note_int(&event, "different", r->progress.different);
    ward_event_note_int(&event, "unreadable", r->progress.unreadable);
    return ward_event_write(&event, db, err);
}

/* ---- the call ---- */

static enum ward_code ask(struct replay *r, const Request *req)
{
    struct ward_err *err = r->call->err;

    if (req->version < 1)
        return WARD_FAIL_FIELD(err, "version", "must be above 0");
    if (req->from_us < 0)
        return WARD_FAIL_FIELD(err, "from_us", "must not be below 0");
    if (req->most < 0)
        return WARD_FAIL_FIELD(err, "most", "must not be below 0");
    r->to_us = req->to_us == 0 ? ward_wall_us() : req->to_us;
    r->from_us = req->from_us == 0 ? r->to_us - SPAN_US : req->from_us;
    r->most = req->most == 0 ? MOST : req->most;
    if (r->to_us <= r->from_us)
        return WARD_FAIL_FIELD(err, "to_us", "must be above from_us");
    memset(r->before, 0xff, sizeof(r->before));
    return ruleset_of(r->w, r->call->mem, req->version, &r->rules, err);
}

static enum ward_code run(struct replay *r)
{
    enum ward_code code;

    ward_arena_init(&r->batch, BATCH_MEM);
    ward_arena_init(&r->one, ONE_MEM);
    code = all(r);
    if (code == WARD_OK)
        code = still_there(r);
    if (code == WARD_OK)
        code = ward_db_tx(r->w->event_ctx.db, end_in_tx, r, r->call->err);
    if (code == WARD_OK)
        code = tell(r, true);
    ward_arena_done(&r->batch);
    ward_arena_done(&r->one);
    return code;
}

enum ward_code replay_rpc(struct ward_call *c, const ProtobufCMessage *q,
                          ProtobufCMessage *resp)
{
    struct worker *w = c->wrk;
    struct replay r = {.call = c,
                       .w = w,
                       .told_ns = ward_mono_ns(),
                       .progress = WARD__DOSAGE__V1__REPLAY_PROGRESS__INIT};

    (void)resp;
    ward_event_begin(&r.event, c, &w->event_ctx, NULL);
    ward_db_deadline(w->event_ctx.db, c->deadline_ns);
    WARD_TRY(ask(&r, (const Request *)q));
    return run(&r);
}
