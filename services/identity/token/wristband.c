/* VerifyWristband: verification without a face.
 *
 * A wrong try is counted in the transaction that decides it, under the subject's row lock.
 * Simultaneous guesses at all replicas are therefore counted one by one, and cannot exceed the
 * limit. The answer is sent after the commit. A match does not reset the count: a person who
 * knows one correct pair of identifiers could otherwise guess more. */
#include "common/base/clock.h"
#include "services/identity/token/identifiers.h"
#include "services/identity/token/token.h"

#include <string.h>

typedef Ward__Identity__V1__VerifyWristbandRequest VerifyWristbandRequest;
typedef Ward__Identity__V1__VerifyWristbandResponse VerifyWristbandResponse;

#define OUTCOME(x) WARD__IDENTITY__V1__OUTCOME__OUTCOME_##x

#define MISSES_MOST 5
#define MISSES_US   (INT64_C(15) * 60 * 1000000)

#define METHOD         "wristband+second-id"
#define METHOD_WITNESS "wristband+second-id+witness"

struct showing {
    struct ward_call *call;
    struct ward_event event;
    uint8_t id[IDENTITY_ID];
    char text[37];
    const VerifyWristbandRequest *req;
    VerifyWristbandResponse *resp;
    const char *device;
    struct use_policy policy;
    struct ward_principal witness;
    bool witnessed;
    uint8_t wristband[WARD_SHA256_SIZE], second[WARD_SHA256_SIZE];
};

/* ---- the witness ---- */

static enum ward_code refused(struct ward_err *err)
{
    return WARD_FAIL_REASON(
        err, PERMISSION_DENIED, "WITNESS_REFUSED",
        "the witness's token is invalid, lacks the role, or belongs to the caller");
}

static enum ward_code check_witness(struct showing *s)
{
    static const char *const ROLES[] = {"nurse", "physician", "registrar"};
    struct ward_call *c = s->call;
    const struct identity *id = ((struct worker *)c->wrk)->id;
    const char *token = s->req->witness_token;
    struct ward_err why = {0};
    bool fit = false;

    if (*token == '\0' && !s->policy.witness)
        return WARD_OK;
    if (*token == '\0')
        return WARD_FAIL_REASON(c->err, FAILED_PRECONDITION, "WITNESS_NEEDED",
                                "the policy of this purpose requires a second member of staff");
    if (id->jwks == NULL ||
        ward_jwt_check(id->jwks, c->mem, token, strlen(token), &s->witness, &why) != WARD_OK)
        return refused(c->err);
    for (size_t i = 0; i < WARD_COUNT(ROLES); i++)
        fit = fit || ward_principal_has(&s->witness, ROLES[i]);
    if (!fit || strcmp(s->witness.subject, c->who->subject) == 0)
        return refused(c->err);
    s->witnessed = true;
    return WARD_OK;
}

/* ---- misses ---- */

static enum ward_code check_misses(struct showing *s, struct ward_db *db, int64_t now_us,
                                   struct ward_err *err)
{
    static const char SQL[] = "SELECT at_us FROM identifier_miss WHERE subject_id = ?"
                              "   AND at_us > ? ORDER BY at_us DESC LIMIT 5";
    struct ward_arena *mem = s->call->mem;
    struct ward_rows rows;
    enum ward_code code;
    int64_t first;

    WARD_TRY(ward_db_run(db, mem, SQL,
                         WARD_PARAMS(id_val(s->id), ward_int(mem, now_us - MISSES_US)), &rows,
                         err));
    if (rows.n < MISSES_MOST)
        return WARD_OK;
    if (!ward_i64(rows.at[MISSES_MOST - 1][0].p, 0, INT64_MAX, &first))
        return WARD_FAIL(err, DATA_LOSS, "the row of a failed attempt is invalid");
    code = WARD_FAIL_REASON(err, RESOURCE_EXHAUSTED, "TOO_MANY_ATTEMPTS",
                            "five failed attempts for this subject within 15 minutes");
    err->retry_after_ms = (int)((first + MISSES_US - now_us) / 1000) + 1;
    return code;
}

static enum ward_code add_miss(struct showing *s, struct ward_db *db, int64_t now_us,
                               struct ward_err *err)
{
    static const char SQL[] = "INSERT INTO identifier_miss (subject_id, at_us) VALUES (?, ?)";

    return ward_db_run(db, NULL, SQL,
                       WARD_PARAMS(id_val(s->id), ward_int(s->call->mem, now_us)), NULL, err);
}

/* ---- comparing ---- */

static enum ward_code compare(struct showing *s, struct ward_db *db, bool *match,
                              struct ward_err *err)
{
    static const char SQL[] = "SELECT hash FROM identifier_hash"
                              " WHERE subject_id = ? AND type IN ('', ?) ORDER BY type";
    struct ward_rows rows;
    bool first, second;

    WARD_TRY(ward_db_run(db, s->call->mem, SQL,
                         WARD_PARAMS(id_val(s->id), ward_text(s->req->second->type)), &rows,
                         err));
    if (rows.n != 2)
        return WARD_FAIL_REASON(err, FAILED_PRECONDITION, "IDENTIFIERS_MISSING",
                                "no wristband or no such second identifier is set for this "
                                "subject");
    if (rows.at[0][0].n != WARD_SHA256_SIZE || rows.at[1][0].n != WARD_SHA256_SIZE)
        return WARD_FAIL(err, DATA_LOSS, "the row of an identifier is invalid");
    /* Always compares both identifiers, so that the time does not reveal which of them was
     * wrong. */
    first = ward_equal(rows.at[0][0].p, s->wristband, WARD_SHA256_SIZE);
    second = ward_equal(rows.at[1][0].p, s->second, WARD_SHA256_SIZE);
    *match = (first & second) != 0;
    return WARD_OK;
}

static enum ward_code issue(struct showing *s, struct ward_event *event, struct ward_err *err)
{
    struct ward_call *c = s->call;
    const struct identity *id = ((struct worker *)c->wrk)->id;
    VerifyWristbandResponse *resp = s->resp;
    struct ward_ppid p = {.patient = s->text,
                          .place = s->event.place,
                          .device = s->device,
                          .purpose = s->req->purpose,
                          .method = s->witnessed ? METHOD_WITNESS : METHOD,
                          .actor = c->who->subject,
                          .witness = s->witnessed ? s->witness.subject : "",
                          .model = ""};

    WARD_TRY(token_issue(c, &p, &resp->token, err));
    resp->token_lifetime_s = id->cfg.ppid_lifetime_s;
    resp->method = api_text(p.method);
    ward_event_note(event, "token", p.token_id);
    ward_event_note(event, "method", p.method);
    return WARD_OK;
}

static enum ward_code show_in_tx(struct ward_db *db, void *arg, struct ward_err *err)
{
    struct showing *s = arg;
    struct ward_event event = s->event;
    int64_t now_us = ward_wall_us();
    struct subject subject;
    bool match = false;

    s->resp->outcome = OUTCOME(NO_MATCH);
    /* left from a previous run of this transaction */
    s->resp->token = s->resp->method = api_text("");
    s->resp->token_lifetime_s = 0;
    WARD_TRY(subject_hold(db, s->call->mem, s->id, &subject, err));
    WARD_TRY(check_misses(s, db, now_us, err));
    WARD_TRY(compare(s, db, &match, err));
    ward_event_note(&event, "outcome", match ? "MATCH" : "NO_MATCH");
    ward_event_note(&event, "for", s->req->purpose);
    ward_event_note(&event, "device", s->device);
    if (s->witnessed)
        ward_event_note(&event, "witness", s->witness.subject);
    if (match) {
        s->resp->outcome = OUTCOME(MATCH);
        WARD_TRY(issue(s, &event, err));
    } else {
        WARD_TRY(add_miss(s, db, now_us, err));
    }
    return ward_event_write(&event, db, err);
}

static enum ward_code begin(struct showing *s)
{
    struct ward_call *c = s->call;
    struct worker *w = c->wrk;
    const VerifyWristbandRequest *req = s->req;

    WARD_TRY(api_subject_id(c, req->subject_id, s->id, s->text));
    ward_event_begin(&s->event, c, api_event_ctx(c), s->text);
    WARD_TRY(api_where(c, req->place, req->device, req->purpose));
    s->event.place = req->place;
    s->device = *req->device == '\0' ? c->peer : req->device;
    WARD_TRY(wristband_check(c, req->wristband));
    WARD_TRY(second_check(c, "second", req->second, false));
    WARD_TRY(policy_of(w->db, c->mem, req->purpose, &s->policy, c->err));
    if (!s->policy.allow_wristband)
        return WARD_FAIL_REASON(c->err, FAILED_PRECONDITION, "WAY_NOT_ALLOWED",
                                "the policy of this purpose does not permit wristbands: "
                                "identify this person in another way");
    WARD_TRY(check_witness(s));
    WARD_TRY(wristband_hash(w->id->keys, req->wristband, s->wristband, c->err));
    return second_hash(w->id->keys, s->id, req->second->type, req->second->value, s->second,
                       c->err);
}

enum ward_code verify_wristband_rpc(struct ward_call *c, const ProtobufCMessage *q,
                                    ProtobufCMessage *r)
{
    struct showing s = {.call = c,
                        .req = (const VerifyWristbandRequest *)q,
                        .resp = (VerifyWristbandResponse *)r};
    struct worker *w = c->wrk;

    ward_event_begin(&s.event, c, api_event_ctx(c), NULL);
    ward_db_deadline(w->db, c->deadline_ns);
    WARD_TRY(begin(&s));
    WARD_TRY(ward_call_copy(c, s.event.event_text, &s.resp->event_id));
    return ward_db_tx(w->db, show_in_tx, &s, c->err);
}
