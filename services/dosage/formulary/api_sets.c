/* DraftRuleSet, GetRuleSet, ListRuleSets. */
#include "services/dosage/api.h"
#include "services/dosage/formulary/kept.h"
#include "services/dosage/store/page.h"

#include "common/base/clock.h"

#include <stdio.h>
#include <string.h>

typedef Ward__Dosage__V1__DraftRuleSetRequest DraftRequest;
typedef Ward__Dosage__V1__DraftRuleSetResponse DraftResponse;
typedef Ward__Dosage__V1__RuleSetProblem Problem;
typedef Ward__Dosage__V1__GetRuleSetRequest GetRequest;
typedef Ward__Dosage__V1__GetRuleSetResponse GetResponse;
typedef Ward__Dosage__V1__ListRuleSetsRequest ListRequest;
typedef Ward__Dosage__V1__ListRuleSetsResponse ListResponse;

#define PAGE      20
#define PAGE_MOST 100

static void begin(struct ward_call *c, struct ward_event *event)
{
    struct worker *w = c->wrk;

    ward_event_begin(event, c, &w->event_ctx, NULL);
    ward_db_deadline(w->event_ctx.db, c->deadline_ns);
}

/* ---- a draft ---- */

struct drafting {
    struct ward_call *call;
    struct ward_event event;
    struct ward_idem idem;
    const RuleSet *set;
    struct ward_val content;
    RuleSetInfo *info;
};

static enum ward_code check(struct ward_call *c, const RuleSet *set,
                            struct ruleset_problems *problems)
{
    static const char NO_HASH[65] = "";
    struct ruleset *made = NULL;
    enum ward_code code = ruleset_make(set, NO_HASH, &made, problems, c->err);

    ruleset_free(made);
    if (code == WARD_INVALID_ARGUMENT && problems->n > 0)
        snprintf(c->err->field, sizeof(c->err->field), "rule_set.%.54s", problems->at[0].path);
    return code;
}

static enum ward_code pack(struct ward_call *c, RuleSet *set, struct ward_val *out)
{
    uint8_t *bytes;
    size_t n;

    set->version = 0; /* the database assigns the version; the stored content has none */
    n = protobuf_c_message_get_packed_size(&set->base);
    bytes = ward_alloc(c->mem, n + 1);
    if (bytes == NULL)
        return WARD_FAIL(c->err, RESOURCE_EXHAUSTED, "no memory for the rule set");
    protobuf_c_message_pack(&set->base, bytes);
    *out = ward_blob(bytes, n);
    return WARD_OK;
}

static enum ward_code add(struct drafting *d, struct ward_db *db, struct ward_err *err)
{
    DraftResponse resp = WARD__DOSAGE__V1__DRAFT_RULE_SET_RESPONSE__INIT;
    struct ward_call *c = d->call;
    int64_t version;

    WARD_TRY(kept_add(db, c->mem, d->set, &d->content, c->who->subject, ward_wall_us(),
                      &version, err));
    WARD_TRY(kept_info(db, c->mem, version, false, &d->info, err));
    resp.info = d->info;
    return ward_call_store_answer(c, db, &d->idem, &resp.base, err);
}

static enum ward_code draft_in_tx(struct ward_db *db, void *arg, struct ward_err *err)
{
    struct drafting *d = arg;
    struct ward_event event = d->event;
    ProtobufCMessage *again;

    WARD_TRY(ward_call_stored_answer(d->call, db, &d->idem,
                                     &ward__dosage__v1__draft_rule_set_response__descriptor,
                                     &again, err));
    if (again != NULL)
        d->info = ((DraftResponse *)again)->info;
    else
        WARD_TRY(add(d, db, err));
    ward_event_note_int(&event, "rule_set", d->info->version);
    ward_event_note(&event, "sha256", d->info->sha256);
    return ward_event_write(&event, db, err);
}

/* ---- validation only ---- */

static enum ward_code list_problems(struct ward_call *c, const struct ruleset_problems *from,
                                    DraftResponse *resp)
{
    Problem *all = ward_alloc(c->mem, (size_t)from->n * sizeof(*all));

    resp->problems = ward_alloc(c->mem, (size_t)from->n * sizeof(Problem *));
    if (all == NULL || resp->problems == NULL)
        return WARD_FAIL(c->err, RESOURCE_EXHAUSTED, "no memory for the problems");
    for (int i = 0; i < from->n; i++) {
        ward__dosage__v1__rule_set_problem__init(&all[i]);
        WARD_TRY(ward_call_copy(c, from->at[i].path, &all[i].path));
        WARD_TRY(ward_call_copy(c, from->at[i].what, &all[i].what));
        resp->problems[i] = &all[i];
    }
    resp->n_problems = (size_t)from->n;
    return WARD_OK;
}

static enum ward_code looked_at(struct ward_db *db, void *arg, struct ward_err *err)
{
    struct ward_event event = *(const struct ward_event *)arg;

    ward_event_note(&event, "check_only", "true");
    return ward_event_write(&event, db, err);
}

static enum ward_code only_check(struct ward_call *c, struct ward_event *event,
                                 const RuleSet *set, DraftResponse *resp)
{
    struct worker *w = c->wrk;
    struct ruleset_problems problems;
    enum ward_code code = check(c, set, &problems);

    if (code != WARD_OK && problems.n == 0)
        return code;
    *c->err = (struct ward_err){0};
    WARD_TRY(list_problems(c, &problems, resp));
    return ward_db_tx(w->event_ctx.db, looked_at, event, c->err);
}

static enum ward_code draft(struct ward_call *c, const DraftRequest *req, DraftResponse *resp)
{
    struct drafting d = {.call = c, .set = req->rule_set};
    struct ruleset_problems problems;
    struct worker *w = c->wrk;

    begin(c, &d.event);
    if (req->rule_set == NULL)
        return WARD_FAIL_FIELD(c->err, "rule_set", "is missing");
    if (req->check_only)
        return only_check(c, &d.event, req->rule_set, resp);
    WARD_TRY(ward_call_idem(c, req->idempotency_key, &req->base, &d.idem));
    WARD_TRY(check(c, req->rule_set, &problems));
    WARD_TRY(pack(c, req->rule_set, &d.content));
    WARD_TRY(ward_db_tx(w->event_ctx.db, draft_in_tx, &d, c->err));
    resp->info = d.info;
    return WARD_OK;
}

enum ward_code draft_rule_set_rpc(struct ward_call *c, const ProtobufCMessage *q,
                                  ProtobufCMessage *r)
{
    return draft(c, (const DraftRequest *)q, (DraftResponse *)r);
}

/* ---- one rule set ---- */

static enum ward_code get(struct ward_call *c, const GetRequest *req, GetResponse *resp)
{
    struct worker *w = c->wrk;
    int64_t version = req->version;
    char sha256[65];

    ward_db_deadline(w->event_ctx.db, c->deadline_ns);
    if (version < 0)
        return WARD_FAIL_FIELD(c->err, "version", "must not be below 0");
    if (version == 0)
        WARD_TRY(kept_active(w->event_ctx.db, c->mem, &version, c->err));
    WARD_TRY(kept_info(w->event_ctx.db, c->mem, version, false, &resp->info, c->err));
    return kept_content(w->event_ctx.db, c->mem, version, &resp->rule_set, sha256, c->err);
}

enum ward_code get_rule_set_rpc(struct ward_call *c, const ProtobufCMessage *q,
                                ProtobufCMessage *r)
{
    return get(c, (const GetRequest *)q, (GetResponse *)r);
}

/* ---- all rule sets ---- */

static enum ward_code list(struct ward_call *c, const ListRequest *req, ListResponse *resp)
{
    struct worker *w = c->wrk;
    int64_t before = INT64_MAX;
    int page;
    bool given;

    ward_db_deadline(w->event_ctx.db, c->deadline_ns);
    WARD_TRY(ward_call_page(c, req->page_size, PAGE, PAGE_MOST, &page));
    WARD_TRY(page_place(c, "", req->page_token, &before, sizeof(before), &given));
    WARD_TRY(kept_list(w->event_ctx.db, c->mem, before, page + 1, &resp->infos, &resp->n_infos,
                       c->err));
    if (resp->n_infos <= (size_t)page)
        return WARD_OK;
    resp->n_infos = (size_t)page;
    before = resp->infos[page - 1]->version;
    return page_token(c, "", &before, sizeof(before), &resp->next_page_token);
}

enum ward_code list_rule_sets_rpc(struct ward_call *c, const ProtobufCMessage *q,
                                  ProtobufCMessage *r)
{
    return list(c, (const ListRequest *)q, (ListResponse *)r);
}
