#include "services/identity/api.h"
#include "services/identity/token/token.h"
#include "ward/identity/v1/admin.pb-c.h"

#include "common/base/clock.h"
#include "common/base/text.h"

#include <stdio.h>

typedef Ward__Identity__V1__UsePolicy UsePolicy;
typedef Ward__Identity__V1__SetUsePolicyRequest SetUsePolicyRequest;
typedef Ward__Identity__V1__SetUsePolicyResponse SetUsePolicyResponse;
typedef Ward__Identity__V1__ListUsePoliciesResponse ListUsePoliciesResponse;

#define FMR_MOST  1e-3
#define FMR_LEAST 1e-6
#define FMR_SLACK (1 + 1e-6) /* tolerance for floats: 1e-4 as a float is 9.9999997e-5 */

const struct use_policy policy_default = {.purpose = "",
                                          .liveness = LIVENESS_ATTENDED,
                                          .max_fmr = RULE_FMR_DEFAULT,
                                          .allow_face = true,
                                          .allow_wristband = true,
                                          .set_by = ""};

#define COLUMNS                                                                                \
    "purpose, liveness, max_fmr, allow_face, allow_wristband, allow_search, witness, set_by, " \
    "set_at_us"

static bool flag(struct ward_val v, bool *out)
{
    int64_t n = 0;

    if (!ward_i64(v.p, 0, 1, &n))
        return false;
    *out = n == 1;
    return true;
}

static enum ward_code read_row(const struct ward_val *row, struct use_policy *out,
                               struct ward_err *err)
{
    struct use_policy p = {.purpose = row[0].p, .set_by = row[7].p};
    int64_t liveness = 0;

    if (!ward_i64(row[1].p, LIVENESS_NONE, LIVENESS_ATTENDED, &liveness) ||
        !ward_f64(row[2].p, &p.max_fmr) || !flag(row[3], &p.allow_face) ||
        !flag(row[4], &p.allow_wristband) || !flag(row[5], &p.allow_search) ||
        !flag(row[6], &p.witness) || !ward_i64(row[8].p, 0, INT64_MAX, &p.set_at_us) ||
        !(p.max_fmr * FMR_SLACK >= FMR_LEAST && p.max_fmr <= FMR_MOST * FMR_SLACK))
        return WARD_FAIL(err, DATA_LOSS, "the policy of a purpose cannot be read");
    p.liveness = (enum liveness_policy)liveness;
    *out = p;
    return WARD_OK;
}

enum ward_code policy_of(struct ward_db *db, struct ward_arena *mem, const char *purpose,
                         struct use_policy *out, struct ward_err *err)
{
    static const char SQL[] = "SELECT " COLUMNS " FROM use_policy WHERE purpose = ?";
    struct ward_rows rows;

    WARD_TRY(ward_db_run(db, mem, SQL, WARD_PARAMS(ward_text(purpose)), &rows, err));
    if (rows.n > 0)
        return read_row(rows.at[0], out, err);
    *out = policy_default;
    out->purpose = purpose;
    return WARD_OK;
}

enum gate liveness_gate(enum liveness_policy policy, const struct liveness_shown *s)
{
    bool passive = s->passive >= LIVENESS_THRESHOLD; /* false for NaN and for -1 */

    switch (policy) {
    case LIVENESS_NONE:
        return USABLE;
    case LIVENESS_PASSIVE:
        return s->passive < 0 ? LIVENESS_REQUIRED : passive ? USABLE : LIVENESS_FAILED;
    case LIVENESS_ACTIVE:
        return !s->challenge ? LIVENESS_REQUIRED : passive ? USABLE : LIVENESS_FAILED;
    case LIVENESS_ATTENDED:
        return s->attended ? USABLE : LIVENESS_REQUIRED;
    }
    return LIVENESS_REQUIRED; /* a policy of a later version, unknown here */
}

const char *liveness_method(enum liveness_policy policy)
{
    switch (policy) {
    case LIVENESS_PASSIVE:
        return "face+passive";
    case LIVENESS_ACTIVE:
        return "face+active";
    case LIVENESS_ATTENDED:
        return "face+attended";
    default:
        return "face";
    }
}

/* ---- SetUsePolicy ---- */

struct setting {
    struct ward_call *call;
    struct ward_event event;
    struct use_policy policy;
};

static enum ward_code check(struct ward_call *c, const UsePolicy *p, struct use_policy *out)
{
    int liveness = p == NULL ? 0 : (int)p->liveness;

    if (p == NULL)
        return WARD_FAIL_FIELD(c->err, "policy", "is missing");
    if (!rule_is_word(p->purpose))
        return WARD_FAIL_FIELD(c->err, "policy.purpose",
                               "must be 1 to 64 characters of a-z, 0-9 and -");
    if (liveness < LIVENESS_NONE || liveness > LIVENESS_ATTENDED)
        return WARD_FAIL_FIELD(c->err, "policy.liveness", "must be set");
    if (p->max_fmr != 0 &&
        !(p->max_fmr * FMR_SLACK >= FMR_LEAST && p->max_fmr <= FMR_MOST * FMR_SLACK))
        return WARD_FAIL_FIELD(c->err, "policy.max_fmr", "must be 0 or %g..%g", FMR_LEAST,
                               FMR_MOST);
    if (!p->allow_face && !p->allow_wristband)
        return WARD_FAIL_FIELD(c->err, "policy", "must allow the face or the wristband");
    *out = (struct use_policy){.purpose = p->purpose,
                               .liveness = (enum liveness_policy)liveness,
                               .max_fmr = p->max_fmr == 0 ? RULE_FMR_DEFAULT : p->max_fmr,
                               .allow_face = p->allow_face,
                               .allow_wristband = p->allow_wristband,
                               .allow_search = p->allow_search,
                               .witness = p->witness,
                               .set_by = c->who->subject,
                               .set_at_us = ward_wall_us()};
    return WARD_OK;
}

static enum ward_code set_in_tx(struct ward_db *db, void *arg, struct ward_err *err)
{
    static const char SQL[] = "REPLACE INTO use_policy (" COLUMNS ")"
                              " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)";
    struct setting *s = arg;
    const struct use_policy *p = &s->policy;
    struct ward_arena *mem = s->call->mem;

    WARD_TRY(ward_db_run(db, NULL, SQL,
                         WARD_PARAMS(ward_text(p->purpose), ward_int(mem, p->liveness),
                                     ward_num(mem, p->max_fmr), ward_int(mem, p->allow_face),
                                     ward_int(mem, p->allow_wristband),
                                     ward_int(mem, p->allow_search), ward_int(mem, p->witness),
                                     ward_text(p->set_by), ward_int(mem, p->set_at_us)),
                         NULL, err));
    return ward_event_write(&s->event, db, err);
}

static const char *yes(bool b)
{
    return b ? "yes" : "no";
}

static enum ward_code set_use_policy(struct ward_call *c, const SetUsePolicyRequest *req,
                                     SetUsePolicyResponse *resp)
{
    struct worker *w = c->wrk;
    struct setting s = {.call = c};
    char fmr[24];

    ward_event_begin(&s.event, c, api_event_ctx(c), NULL);
    ward_db_deadline(w->db, c->deadline_ns);
    WARD_TRY(check(c, req->policy, &s.policy));
    ward_event_note(&s.event, "for", s.policy.purpose);
    ward_event_note(&s.event, "liveness", liveness_method(s.policy.liveness));
    snprintf(fmr, sizeof(fmr), "%g", s.policy.max_fmr);
    ward_event_note(&s.event, "max_fmr", fmr);
    ward_event_note(&s.event, "face", yes(s.policy.allow_face));
    ward_event_note(&s.event, "wristband", yes(s.policy.allow_wristband));
    ward_event_note(&s.event, "search", yes(s.policy.allow_search));
    ward_event_note(&s.event, "witness", yes(s.policy.witness));
    WARD_TRY(ward_call_copy(c, s.event.event_text, &resp->event_id));
    return ward_db_tx(w->db, set_in_tx, &s, c->err);
}

enum ward_code set_use_policy_rpc(struct ward_call *c, const ProtobufCMessage *q,
                                  ProtobufCMessage *r)
{
    return set_use_policy(c, (const SetUsePolicyRequest *)q, (SetUsePolicyResponse *)r);
}

/* ---- ListUsePolicies ---- */

static enum ward_code say(struct ward_call *c, const struct use_policy *p, UsePolicy **out)
{
    UsePolicy *u = ward_new(c->mem, UsePolicy);

    if (u == NULL)
        return WARD_FAIL(c->err, RESOURCE_EXHAUSTED, "no memory for the answer");
    ward__identity__v1__use_policy__init(u);
    u->purpose = api_text(p->purpose);
    u->liveness = (Ward__Identity__V1__LivenessPolicy)p->liveness;
    u->max_fmr = p->max_fmr;
    u->allow_face = p->allow_face;
    u->allow_wristband = p->allow_wristband;
    u->allow_search = p->allow_search;
    u->witness = p->witness;
    u->set_by = api_text(p->set_by);
    u->set_at_us = p->set_at_us;
    *out = u;
    return WARD_OK;
}

static enum ward_code list_use_policies(struct ward_call *c, ListUsePoliciesResponse *resp)
{
    static const char SQL[] = "SELECT " COLUMNS " FROM use_policy ORDER BY purpose";
    struct worker *w = c->wrk;
    struct ward_rows rows;

    ward_db_deadline(w->db, c->deadline_ns);
    WARD_TRY(ward_db_run(w->db, c->mem, SQL, WARD_NO_PARAMS, &rows, c->err));
    resp->policies = ward_alloc(c->mem, rows.n * sizeof(UsePolicy *));
    if (resp->policies == NULL)
        return WARD_FAIL(c->err, RESOURCE_EXHAUSTED, "no memory for the answer");
    for (size_t i = 0; i < rows.n; i++) {
        struct use_policy p;

        WARD_TRY(read_row(rows.at[i], &p, c->err));
        WARD_TRY(say(c, &p, &resp->policies[i]));
        resp->n_policies = i + 1;
    }
    return say(c, &policy_default, &resp->otherwise);
}

enum ward_code list_use_policies_rpc(struct ward_call *c, const ProtobufCMessage *q,
                                     ProtobufCMessage *r)
{
    (void)q;
    return list_use_policies(c, (ListUsePoliciesResponse *)r);
}
