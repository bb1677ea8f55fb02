/* SpendToken: verifies a PPID token, compares it with its intended use, and redeems it once. */
#include "services/identity/token/token.h"

#include "common/base/clock.h"
#include "common/base/text.h"
#include "services/identity/api.h"
#include "services/identity/identity_metrics.h"

#include <string.h>

typedef Ward__Identity__V1__SpendTokenRequest Request;
typedef Ward__Identity__V1__SpendTokenResponse Response;

/* Number of keys, newest first, that may have signed a token that is still valid. A former key
 * verifies offline packs for much longer, but its last token expires soon after the next key
 * begins to sign. */
static int token_keys(const struct keys_public *k, int n, int64_t now)
{
    int m = n > 0;

    while (m < n && now < k[m - 1].signs_from_us + TOKEN_KEYS_LAST_US)
        m++;
    return m;
}

static enum ward_code check_token(struct ward_call *c, const struct token_want *want,
                                  struct ward_ppid *out, struct ward_err *err)
{
    struct keys *k = ((struct worker *)c->wrk)->id->keys;
    uint8_t keys[KEYS_PUBLIC_MAX][WARD_ED25519_PUB];
    struct keys_public public[KEYS_PUBLIC_MAX];
    int n = keys_public(k, public);

    n = token_keys(public, n, ward_wall_us());
    for (int i = 0; i < n; i++)
        memcpy(keys[i], public[i].public_key, WARD_ED25519_PUB);
    WARD_TRY(ward_ppid_check((const uint8_t(*)[WARD_ED25519_PUB])keys, n, c->mem, want->token,
                             out, err));
    if ((want->patient != NULL && strcmp(want->patient, out->patient) != 0) ||
        strcmp(want->purpose, out->purpose) != 0 ||
        (*want->place != '\0' && strcmp(want->place, out->place) != 0))
        return WARD_FAIL_REASON(err, FAILED_PRECONDITION, "PPID_FOREIGN",
                                "the token is bound to another subject, place or purpose");
    return WARD_OK;
}

#define SPENDER_MAX 128 /* size of the column spent_token.spent_by */

/* Identifies the spender: the calling service, its person, and the method. An idempotency key
 * that was used for another method counts as different. NULL if memory is exhausted. */
static const char *spender(struct ward_call *c)
{
    const char *who = c->who == NULL ? "" : c->who->subject;
    const char *s = ward_printf(c->mem, "%s %s %s", c->peer, who, c->method->path);
    uint8_t hash[WARD_SHA256_SIZE];
    char *hex;

    if (s == NULL || strlen(s) <= SPENDER_MAX)
        return s;
    hex = ward_alloc(c->mem, 2 * sizeof(hash) + 1);
    if (hex == NULL)
        return NULL;
    ward_sha256(s, strlen(s), hash);
    ward_hex(hash, sizeof(hash), hex);
    return hex;
}

/* Finds out who redeemed the token: this caller with an equal idempotency key, or anybody
 * else. */
static enum ward_code find_spent(struct ward_call *c, struct ward_db *db,
                                 const struct token_want *want, const struct ward_val *row,
                                 int64_t *spent_at_us, struct ward_err *err)
{
    struct ward_rows rows;
    int64_t at = 0;

    WARD_TRY(ward_db_run(db, c->mem,
                         "SELECT spent_by, idempotency_key, spent_at_us FROM spent_token WHERE "
                         "token_id = ?",
                         WARD_PARAMS(row[0]), &rows, err));
    if (rows.n == 1 && *want->idempotency_key != '\0' &&
        strcmp(rows.at[0][0].p, row[1].p) == 0 &&
        strcmp(rows.at[0][1].p, want->idempotency_key) == 0 &&
        ward_i64(rows.at[0][2].p, 0, INT64_MAX, &at)) {
        *spent_at_us = at;
        return WARD_OK;
    }
    return WARD_FAIL_REASON(err, ALREADY_EXISTS, "PPID_SPENT", "the token was already used");
}

enum ward_code token_spend(struct ward_call *c, struct ward_db *db,
                           const struct token_want *want, struct ward_ppid *out,
                           int64_t *spent_at_us, bool *again, struct ward_err *err)
{
    const char *by = spender(c);
    int64_t now = ward_wall_us();
    struct ward_val row[4];
    enum ward_code code;
    uint8_t id[16];

    *again = false;
    WARD_TRY(check_token(c, want, out, err));
    if (by == NULL || !ward_uuid_parse(out->token_id, id))
        return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory for the token");
    row[0] = ward_blob(id, sizeof(id));
    row[1] = ward_text(by);
    row[2] = ward_text(want->idempotency_key);
    row[3] = ward_int(c->mem, now);
    code = ward_db_run(db, NULL,
                       "INSERT INTO spent_token (token_id, spent_by, idempotency_key, "
                       "spent_at_us) VALUES (?, ?, ?, ?)",
                       row, 4, NULL, err);
    if (code == WARD_ALREADY_EXISTS) {
        *again = true;
        return find_spent(c, db, want, row, spent_at_us, err);
    }
    *spent_at_us = now;
    return code;
}

/* ---- SpendToken ---- */

struct spending {
    struct ward_call *call;
    struct ward_event event;
    struct ward_idem idem;
    const Request *req;
    Response *resp;
    bool again;
};

static enum ward_code check(struct ward_call *c, const Request *req, char subject[37])
{
    uint8_t id[IDENTITY_ID];

    WARD_TRY(api_key(c, req->idempotency_key));
    if (*req->token == '\0')
        return WARD_FAIL_FIELD(c->err, "token", "is empty");
    WARD_TRY(api_subject_id(c, req->subject_id, id, subject));
    if (!rule_is_word(req->purpose))
        return WARD_FAIL_FIELD(c->err, "purpose",
                               "must be 1 to 64 characters of a-z, 0-9 and -");
    if (!rule_is_label(req->place, false))
        return WARD_FAIL_FIELD(c->err, "place", "must be at most 64 visible ASCII characters");
    return WARD_OK;
}

/* A digest that identifies equal requests. */
static void fingerprint(const Request *req, uint8_t out[WARD_SHA256_SIZE])
{
    const char *texts[] = {req->token, req->subject_id, req->purpose, req->place};
    struct ward_bytes parts[4];

    /* including their NULs, so that "a"+"bc" differs from "ab"+"c" */
    for (int i = 0; i < 4; i++)
        parts[i] = (struct ward_bytes){texts[i], strlen(texts[i]) + 1};
    ward_sha256_parts(parts, 4, out);
}

static void fill(struct spending *s, const struct ward_ppid *p, int64_t spent_at_us)
{
    Response *r = s->resp;

    r->token_id = api_text(p->token_id);
    r->subject_id = api_text(p->patient);
    r->place = api_text(p->place);
    r->device = api_text(p->device);
    r->purpose = api_text(p->purpose);
    r->method = api_text(p->method);
    r->actor = api_text(p->actor);
    r->witness = api_text(p->witness);
    r->score = p->score;
    r->model_sha256 = api_text(p->model);
    r->issued_at_us = p->issued_at * 1000000;
    r->spent_at_us = spent_at_us;
    r->event_id = s->event.event_text;
}

/* Returns the stored answer, even if the token has expired since. */
static enum ward_code replay(struct spending *s, struct ward_db *db, struct ward_val answer,
                             struct ward_event *event, struct ward_err *err)
{
    ProtobufCMessage *msg = NULL;

    WARD_TRY(api_again(s->call, answer, &ward__identity__v1__spend_token_response__descriptor,
                       &msg, err));
    *s->resp = *(Response *)msg;
    s->again = true;
    ward_event_note(event, "replayed", "yes");
    ward_event_note(event, "token", s->resp->token_id);
    return ward_event_write(event, db, err);
}

static enum ward_code spend_in_tx(struct ward_db *db, void *arg, struct ward_err *err)
{
    struct spending *s = arg;
    const Request *q = s->req;
    struct token_want want = {.token = q->token,
                              .patient = s->event.patient,
                              .purpose = q->purpose,
                              .place = q->place,
                              .idempotency_key = q->idempotency_key};
    struct ward_event event = s->event;
    struct ward_val answer;
    struct ward_ppid p;
    int64_t at = 0;

    WARD_TRY(ward_idem_find(db, s->call->mem, &s->idem, &answer, err));
    if (answer.p != NULL)
        return replay(s, db, answer, &event, err);
    WARD_TRY(token_spend(s->call, db, &want, &p, &at, &s->again, err));
    fill(s, &p, at);
    event.place = p.place;
    ward_event_note(&event, "token", p.token_id);
    ward_event_note(&event, "method", p.method);
    ward_event_note(&event, "use", p.purpose);
    ward_event_note(&event, "verified_by", p.actor);
    if (*p.witness != '\0')
        ward_event_note(&event, "witness", p.witness);
    WARD_TRY(ward_event_write(&event, db, err));
    return ward_call_store_answer(s->call, db, &s->idem, &s->resp->base, err);
}

enum result { SPENT, AGAIN, SPENT_BEFORE, FOREIGN, REFUSED, FAILED };
static const char *const RESULTS[] = {
    [SPENT] = "spent",     [AGAIN] = "again",     [SPENT_BEFORE] = "spent_before",
    [FOREIGN] = "foreign", [REFUSED] = "refused", [FAILED] = "failed",
};
WARD_METRIC_FROM_ZERO(identity_tokens_spent, WARD_COUNT(RESULTS), RESULTS[i], NULL)

static const char *result_of(enum ward_code code, bool again)
{
    if (code == WARD_OK)
        return RESULTS[again ? AGAIN : SPENT];
    return RESULTS[code == WARD_ALREADY_EXISTS        ? SPENT_BEFORE
                   : code == WARD_FAILED_PRECONDITION ? FOREIGN
                   : code == WARD_UNAUTHENTICATED     ? REFUSED
                                                      : FAILED];
}

enum ward_code spend_token_rpc(struct ward_call *c, const ProtobufCMessage *q,
                               ProtobufCMessage *r)
{
    struct spending s = {.call = c, .req = (const Request *)q, .resp = (Response *)r};
    struct worker *w = c->wrk;
    char *subject = ward_alloc(c->mem, 37);
    enum ward_code code;

    if (subject == NULL)
        return WARD_FAIL(c->err, RESOURCE_EXHAUSTED, "no memory for the request");
    ward_event_begin(&s.event, c, api_event_ctx(c), NULL);
    WARD_TRY(check(c, s.req, subject));
    ward_event_begin(&s.event, c, api_event_ctx(c), subject);
    /* The idempotency key includes the calling service: another service must not learn that
     * this token was redeemed. */
    s.idem = (struct ward_idem){
        .caller = api_caller(c), .method = c->method->path, .key = s.req->idempotency_key};
    fingerprint(s.req, s.idem.request_sha256);
    ward_db_deadline(w->db, c->deadline_ns);
    code = ward_db_tx(w->db, spend_in_tx, &s, c->err);
    ward_metric_add(
        ward_series_of(&identity_tokens_spent, result_of(code, s.again), NULL, NULL), 1);
    if (code == WARD_OK && !s.again)
        return ward_call_copy(c, s.event.event_text, &s.resp->event_id);
    return code;
}
