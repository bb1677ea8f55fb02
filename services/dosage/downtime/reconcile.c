/* Reconcile: entries are processed in the order of their times, so that the check of an entry
 * includes the earlier entries. Each entry is a transaction, so a repeated call continues after
 * an interruption.
 */
#include "services/dosage/downtime/reconcile.h"

#include "common/base/clock.h"

#include <stdlib.h>
#include <string.h>

typedef Ward__Dosage__V1__ReconcileRequest ReconcileRequest;
typedef Ward__Dosage__V1__ReconcileResponse ReconcileResponse;

#define STATE(name) WARD__DOSAGE__V1__RECONCILE_RESULT__STATE__STATE_##name
#define DOSES_MOST  500
#define ENTRY_ARENA ((size_t)48 << 20) /* an entry needs memory for a whole snapshot */

struct reconciling {
    struct ward_call *call;
    struct ward_event event;
    struct ward_idem idem;
    const ReconcileRequest *req;
    struct pack pack;
    const struct ruleset *rules;
    int64_t now_us;
    bool away;
    bool confirmed; /* the second person confirmed the entries */
    struct ward_principal second;
    size_t *order; /* indexes of the request's doses, sorted by time */
    ReconcileResponse *r;
    ReconcileResponse *kept; /* the stored answer; NULL: the key is new */
};

static enum ward_code no_memory(struct ward_err *err)
{
    return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory for the answer");
}

/* ---- one entry ---- */

/* Copies a result into the call's own arena. */
static enum ward_code say(struct reconciling *k, const char *entry_id,
                          const struct entry_done *done, ReconcileResult **out)
{
    ReconcileResult *r = ward_new(k->call->mem, ReconcileResult);
    struct issues issues;

    if (r == NULL)
        return no_memory(k->call->err);
    ward__dosage__v1__reconcile_result__init(r);
    WARD_TRY(issues_read(done->issues, k->call->mem, &issues, k->call->err));
    WARD_TRY(ward_call_copy(k->call, done->administration_id, &r->administration_id));
    r->entry_id = api_text(entry_id);
    r->state = done->state;
    r->issues = ward_alloc(k->call->mem, (issues.n + 1) * sizeof(char *));
    if (r->issues == NULL)
        return no_memory(k->call->err);
    for (size_t i = 0; i < issues.n; i++)
        r->issues[r->n_issues++] = api_text(issues.at[i]);
    *out = r;
    return WARD_OK;
}

static void refuse(struct entry_done *done, const char *why)
{
    struct issues one = {.at = {why}, .n = 1};

    *done = (struct entry_done){.state = STATE(REJECTED)};
    issues_print(&one, done->issues);
}

static enum ward_code work(struct reconciling *k, const OfflineDose *in,
                           struct entry_done *done)
{
    struct ward_call *c = k->call;
    struct entry e = {.call = c,
                      .event = &k->event,
                      .pack = &k->pack,
                      .rules = k->rules,
                      .in = in,
                      .confirmed_by = k->confirmed ? k->second.subject : "",
                      .now_us = k->now_us,
                      .away = &k->away};
    bool known = false;

    e.rejected =
        ward_uuid_parse(in->entry_id, e.id) ? entry_rejected(in, k->now_us) : "entry-id";
    if (e.rejected == NULL) {
        WARD_TRY(entry_known(c, e.id, in, done, &known, c->err));
        if (known && done->state != STATE(REJECTED))
            return WARD_OK;
        if (known)
            e.rejected = "entry-id";
        else
            WARD_TRY(entry_look(&e, c->err));
    }
    if (e.rejected == NULL)
        WARD_TRY(entry_record(&e, done, c->err));
    if (e.rejected != NULL)
        refuse(done, e.rejected);
    return WARD_OK;
}

/* Each entry's memory is released after the entry, because 500 entries would not fit into one
 * arena. */
static enum ward_code one(struct reconciling *k, size_t at, struct ward_arena *mem)
{
    struct ward_call *c = k->call;
    struct ward_arena *whole = c->mem;
    struct entry_done done = {0};
    enum ward_code code;

    if (ward_call_cancelled(c))
        return WARD_FAIL(c->err, CANCELLED, "the caller disconnected");
    ward_arena_reset(mem);
    c->mem = mem;
    code = work(k, k->req->doses[at], &done);
    c->mem = whole;
    WARD_TRY(code);
    return say(k, k->req->doses[at]->entry_id, &done, &k->r->results[at]);
}

static enum ward_code all(struct reconciling *k)
{
    enum ward_code code = WARD_OK;
    struct ward_arena mem;

    ward_arena_init(&mem, ENTRY_ARENA);
    for (size_t i = 0; i < k->req->n_doses && code == WARD_OK; i++)
        code = one(k, k->order[i], &mem);
    ward_arena_done(&mem);
    return code;
}

/* ---- the order of entries ---- */

struct timed {
    int64_t at_us;
    size_t at;
};

static int by_time(const void *a, const void *b)
{
    const struct timed *x = a, *y = b;

    if (x->at_us != y->at_us)
        return x->at_us < y->at_us ? -1 : 1;
    return x->at < y->at ? -1 : 1;
}

static enum ward_code put_in_order(struct reconciling *k)
{
    size_t n = k->req->n_doses;
    struct timed *t = ward_alloc(k->call->mem, n * sizeof(*t));

    k->order = ward_alloc(k->call->mem, n * sizeof(*k->order));
    k->r->results = ward_alloc(k->call->mem, n * sizeof(ReconcileResult *));
    if (t == NULL || k->order == NULL || k->r->results == NULL)
        return no_memory(k->call->err);
    for (size_t i = 0; i < n; i++)
        t[i] = (struct timed){k->req->doses[i]->given_at_us, i};
    qsort(t, n, sizeof(*t), by_time);
    for (size_t i = 0; i < n; i++)
        k->order[i] = t[i].at;
    return WARD_OK;
}

/* ---- the answer ---- */

static enum ward_code look_again(struct ward_db *db, void *arg, struct ward_err *err)
{
    struct reconciling *k = arg;
    ProtobufCMessage *kept = NULL;

    WARD_TRY(ward_call_stored_answer(
        k->call, db, &k->idem, &ward__dosage__v1__reconcile_response__descriptor, &kept, err));
    k->kept = (ReconcileResponse *)kept;
    return WARD_OK;
}

static enum ward_code tell(struct reconciling *k, const ReconcileResponse *r,
                           struct ward_db *db, struct ward_err *err)
{
    struct ward_event event = k->event;
    int64_t recorded = 0, conflicts = 0, rejected = 0;
    char pack[37];

    for (size_t i = 0; i < r->n_results; i++) {
        conflicts += r->results[i]->state == STATE(CONFLICT);
        rejected += r->results[i]->state == STATE(REJECTED);
        recorded += r->results[i]->state == STATE(RECORDED) ||
                    r->results[i]->state == STATE(RECORDED_WITH_ISSUES);
    }
    ward_uuid_text(k->pack.id, pack);
    ward_event_note(&event, "pack", pack);
    ward_event_note_int(&event, "recorded", recorded);
    ward_event_note_int(&event, "conflicts", conflicts);
    ward_event_note_int(&event, "rejected", rejected);
    return ward_event_write(&event, db, err);
}

/* The stored answer has the result of each entry. The issues are read again, except for
 * rejected entries. */
static enum ward_code keep(struct reconciling *k, struct ward_db *db, struct ward_err *err)
{
    ReconcileResponse kept = WARD__DOSAGE__V1__RECONCILE_RESPONSE__INIT;
    size_t n = k->r->n_results;
    ReconcileResult *all = ward_alloc(k->call->mem, n * sizeof(*all));

    kept.results = ward_alloc(k->call->mem, n * sizeof(ReconcileResult *));
    if (all == NULL || kept.results == NULL)
        return no_memory(err);
    for (size_t i = 0; i < n; i++) {
        all[i] = *k->r->results[i];
        if (all[i].state != STATE(REJECTED))
            all[i].n_issues = 0;
        kept.results[kept.n_results++] = &all[i];
    }
    return ward_call_store_answer(k->call, db, &k->idem, &kept.base, err);
}

static enum ward_code read_again(struct reconciling *k, struct ward_err *err)
{
    struct ward_call *c = k->call;

    for (size_t i = 0; i < k->kept->n_results; i++) {
        ReconcileResult *r = k->kept->results[i];
        struct entry_done done;
        uint8_t id[DOSAGE_ID];
        ReconcileResult *again;
        bool known = false;

        if (r->state == STATE(REJECTED) || !ward_uuid_parse(r->entry_id, id))
            continue;
        WARD_TRY(entry_known(c, id, NULL, &done, &known, err));
        if (!known)
            return WARD_FAIL(err, DATA_LOSS, "a reconciled entry is missing");
        WARD_TRY(say(k, r->entry_id, &done, &again));
        r->issues = again->issues;
        r->n_issues = again->n_issues;
    }
    return WARD_OK;
}

/* Two concurrent calls with one key return the answer of the first call. */
static enum ward_code finish(struct ward_db *db, void *arg, struct ward_err *err)
{
    struct reconciling *k = arg;

    WARD_TRY(look_again(db, k, err));
    if (k->kept == NULL) {
        WARD_TRY(tell(k, k->r, db, err));
        return keep(k, db, err);
    }
    WARD_TRY(read_again(k, err));
    return tell(k, k->kept, db, err);
}

/* ---- the call ---- */

static enum ward_code open_pack(struct reconciling *k)
{
    struct ward_call *c = k->call;
    struct worker *w = c->wrk;
    struct ward_err why = {0};
    enum ward_code code;

    WARD_TRY(pack_open(w->dos, k->req->pack, c->mem, &k->pack, c->err));
    if (!rule_ward(c->who->roles, c->who->n_roles, c->who->ward, k->pack.ward))
        return WARD_FAIL_REASON(c->err, PERMISSION_DENIED, "WARD_NOT_YOURS",
                                "the pack belongs to another ward");
    code = ruleset_active(w, c->mem, &k->rules, &why);
    /* NO_RULE_SET: entries are recorded without a check */
    if (code == WARD_FAILED_PRECONDITION)
        k->rules = NULL;
    else if (code != WARD_OK)
        *c->err = why;
    return code == WARD_FAILED_PRECONDITION ? WARD_OK : code;
}

static enum ward_code use_second(struct ward_db *db, void *arg, struct ward_err *err)
{
    struct reconciling *k = arg;

    (void)db;
    return witness_use(k->call, &k->idem, &k->second, err);
}

/* One token confirms all entries of a call, but each entry is a separate transaction. The token
 * is therefore redeemed before the first entry. */
static enum ward_code confirm(struct reconciling *k)
{
    struct ward_call *c = k->call;
    struct worker *w = c->wrk;

    k->confirmed = *k->req->second_person_token != '\0';
    if (!k->confirmed)
        return WARD_OK;
    WARD_TRY(witness(c, &k->idem, k->req->second_person_token, k->pack.ward, &k->second));
    return ward_db_tx(w->event_ctx.db, use_second, k, c->err);
}

enum ward_code reconcile_rpc(struct ward_call *c, const ProtobufCMessage *q,
                             ProtobufCMessage *r)
{
    struct reconciling k = {
        .call = c, .req = (const ReconcileRequest *)q, .r = (ReconcileResponse *)r};
    struct worker *w = c->wrk;

    WARD_TRY(api_begin(c, &k.event, NULL));
    WARD_TRY(ward_call_idem(c, k.req->idempotency_key, q, &k.idem));
    if (k.req->n_doses < 1 || k.req->n_doses > DOSES_MOST)
        return WARD_FAIL_FIELD(c->err, "doses", "must be 1 to %d", DOSES_MOST);
    WARD_TRY(open_pack(&k));
    k.now_us = ward_wall_us();
    WARD_TRY(ward_db_tx(w->event_ctx.db, look_again, &k, c->err));
    if (k.kept == NULL) {
        WARD_TRY(confirm(&k));
        WARD_TRY(put_in_order(&k));
        WARD_TRY(all(&k));
        k.r->n_results = k.req->n_doses;
    }
    WARD_TRY(ward_db_tx(w->event_ctx.db, finish, &k, c->err));
    if (k.kept != NULL) {
        k.r->results = k.kept->results;
        k.r->n_results = k.kept->n_results;
    }
    return WARD_OK;
}
