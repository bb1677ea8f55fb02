/* The PPID token: the patient in its claims, and identity's confirmation. */
#include "services/dosage/give/bedside.h"

#include "common/base/clock.h"
#include "common/base/text.h"
#include "common/json/json.h"
#include "ward/identity/v1/identity.pb-c.h"

#include <string.h>

typedef Ward__Identity__V1__SpendTokenRequest SpendRequest;
typedef Ward__Identity__V1__SpendTokenResponse SpendResponse;

#define KEY_SIZE   (2 * WARD_SHA256_SIZE + 1)
#define ANSWER_MS  1000 /* milliseconds of the call's time that are reserved for the answer */
#define PLACE_MOST 64   /* bytes of token_misuse.place */

/* ---- a token's own claims: unverified ---- */

struct claims {
    const char *subject, *purpose, *place, *id;
    int64_t issued_s;
};

static const char *said(const struct ward_json *claims, const char *name)
{
    const char *s = ward_json_string(ward_json_get(claims, name));

    return s == NULL ? "" : s;
}

static struct claims claims_of(struct ward_arena *mem, const char *token)
{
    const char *from = strchr(token, '.'), *to = from == NULL ? NULL : strchr(from + 1, '.');
    size_t n = to == NULL ? 0 : (size_t)(to - from - 1);
    const struct ward_json *json = NULL;
    int64_t issued_s = 0;
    char *bytes = ward_alloc(mem, n + 1);

    if (n == 0 || n > WARD_TOKEN_BYTES || bytes == NULL ||
        !ward_unbase64url(from + 1, n, bytes, n, &n) ||
        ward_json_parse(bytes, n, NULL, mem, &json, NULL) != WARD_OK)
        json = NULL;
    if (!ward_json_i64(ward_json_get(json, "iat"), &issued_s) || issued_s < 0 ||
        issued_s > INT64_MAX / SECOND_IN_US)
        issued_s = 0;
    return (struct claims){said(json, "sub"), said(json, "purpose"), said(json, "place"),
                           said(json, "jti"), issued_s};
}

int64_t token_issued_us(struct visit *v, const char *token)
{
    return claims_of(v->c->mem, token).issued_s * SECOND_IN_US;
}

/* Whether a token's subject is the patient, or a merged record of the patient. */
static bool is_owner(const struct token_ask *ask, const char *subject, uint8_t id[DOSAGE_ID])
{
    if (!ward_uuid_parse(subject, id))
        return false;
    for (size_t i = 0; i < ask->n_owners; i++)
        if (memcmp(ask->owners[i], id, DOSAGE_ID) == 0)
            return true;
    return false;
}

bool token_is_of(struct visit *v, const struct token_ask *ask)
{
    uint8_t id[DOSAGE_ID];

    return is_owner(ask, claims_of(v->c->mem, ask->token).subject, id);
}

const char *token_misuse_of(enum token_is is)
{
    return is == TOKEN_ELSEWHERE ? "place" : "foreign";
}

/* ---- redeeming ---- */

bool token_names(struct visit *v, const char *token, const char *id)
{
    const char *says = claims_of(v->c->mem, token).id;

    return *says != '\0' && strcmp(says, id) == 0;
}

/* The key is derived from this call of this person, so that a repeated call has an equal
 * key. */
static void key_of(const struct visit *v, char out[KEY_SIZE])
{
    const struct ward_idem *i = &v->idem;
    const struct ward_bytes parts[] = {{i->caller, strlen(i->caller) + 1},
                                       {i->method, strlen(i->method) + 1},
                                       {i->key, strlen(i->key) + 1},
                                       {i->request_sha256, sizeof(i->request_sha256)}};
    uint8_t hash[WARD_SHA256_SIZE];

    ward_sha256_parts(parts, WARD_COUNT(parts), hash);
    ward_hex(hash, sizeof(hash), out);
}

/* The deadline for identity. If identity does not answer, the call still answers before its own
 * deadline. */
static int64_t until(const struct ward_call *c)
{
    int64_t kept = c->deadline_ns - ANSWER_MS * WARD_NS_PER_MS;

    return kept > ward_mono_ns() ? kept : c->deadline_ns;
}

static enum ward_code ask_identity(struct visit *v, const SpendRequest *q, SpendResponse **out)
{
    struct ward_out with = ward_out_of(v->c);
    ProtobufCMessage *msg = NULL;
    struct ward_call *c = v->c;
    enum ward_code code;

    with.deadline_ns = until(c);
    code = ward_client_call(v->w->dos->identity, "/ward.identity.v1.Identity/SpendToken", &with,
                            &q->base, &ward__identity__v1__spend_token_response__descriptor,
                            &msg, c->mem, c->err);
    *out = (SpendResponse *)msg;
    if (code == WARD_UNAVAILABLE || code == WARD_RESOURCE_EXHAUSTED || code == WARD_ABORTED ||
        code == WARD_INTERNAL || code == WARD_UNIMPLEMENTED ||
        (code == WARD_DEADLINE_EXCEEDED && ward_left_ms(c->deadline_ns) > 0))
        return WARD_FAIL_REASON(c->err, UNAVAILABLE, "IDENTITY_AWAY",
                                "identity is unavailable and cannot redeem the token");
    return code;
}

static enum ward_code foreign(struct visit *v, const struct token_ask *ask, struct token *out)
{
    const struct claims says = claims_of(v->c->mem, ask->token);
    bool theirs = token_is_of(v, ask);

    if (theirs && strcmp(says.purpose, DOSAGE_PPID_PURPOSE) != 0)
        return WARD_FAIL_REASON(v->c->err, FAILED_PRECONDITION, "PPID_PURPOSE",
                                "the token has another purpose: verify the patient again, with "
                                "purpose \"" DOSAGE_PPID_PURPOSE "\"");
    *v->c->err = (struct ward_err){0};
    out->is = theirs ? TOKEN_ELSEWHERE : TOKEN_FOREIGN;
    out->place = says.place;
    return WARD_OK;
}

enum ward_code token_spend(struct visit *v, const struct token_ask *ask, struct token *out)
{
    const struct claims says = claims_of(v->c->mem, ask->token);
    SpendRequest q = WARD__IDENTITY__V1__SPEND_TOKEN_REQUEST__INIT;
    SpendResponse *r = NULL;
    char key[KEY_SIZE], subject[37];
    uint8_t id[DOSAGE_ID];
    enum ward_code code;

    *out = (struct token){.id = "", .method = "", .place = says.place};
    ward_uuid_text(is_owner(ask, says.subject, id) ? id : v->chart.id, subject);
    key_of(v, key);
    q.idempotency_key = key;
    q.token = api_text(ask->token);
    q.subject_id = subject;
    q.purpose = api_text(DOSAGE_PPID_PURPOSE);
    q.place = api_text(ask->place);
    code = ask_identity(v, &q, &r);
    if (code == WARD_FAILED_PRECONDITION && strcmp(v->c->err->reason, "PPID_FOREIGN") == 0)
        return foreign(v, ask, out);
    WARD_TRY(code);
    *out = (struct token){.is = TOKEN_GOOD,
                          .id = r->token_id,
                          .method = r->method,
                          .place = r->place,
                          .score = r->score,
                          .spent_us = r->spent_at_us};
    return WARD_OK;
}

/* ---- rejected tokens ---- */

enum ward_code token_misuse(struct visit *v, const struct ward_event *event, const char *ward,
                            const char *place, const char *kind, struct ward_err *err)
{
    static const char SQL[] = "INSERT INTO token_misuse (at_us, event_id, actor, ward, place,"
                              " kind) VALUES (?, ?, ?, ?, ?, ?)";
    size_t n = strnlen(place, PLACE_MOST);

    return ward_db_run(v->w->event_ctx.db, v->c->mem, SQL,
                       WARD_PARAMS(ward_int(v->c->mem, v->now_us), id_val(event->event_id),
                                   ward_text(v->c->who->subject), ward_text(ward),
                                   ward_blob(place, n), ward_text(kind)),
                       NULL, err);
}
