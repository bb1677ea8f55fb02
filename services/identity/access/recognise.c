/* Identifies the person: by face among staff, or by a token. */
#include "services/identity/access/access.h"

#include <string.h>

enum ward_code stander_begin(struct stander *s, const char *purpose)
{
    struct ward_call *c = s->call;
    struct worker *w = c->wrk;
    bool by_face = s->photograph.len > 0, by_token = *s->token != '\0';

    s->method = "";
    s->face.gate = USABLE;
    if (by_face && by_token)
        return WARD_FAIL_FIELD(c->err, "token",
                               "and photograph must not be set together: send one of them");
    if (!by_face && !by_token)
        return WARD_FAIL_FIELD(c->err, "photograph",
                               "and token are both missing: send one of them");
    WARD_TRY(policy_of(w->db, c->mem, purpose, &s->policy, c->err));
    if (by_face && !s->policy.allow_face)
        return WARD_FAIL_REASON(
            c->err, FAILED_PRECONDITION, "WAY_NOT_ALLOWED",
            "the policy of this purpose does not permit faces: use a token");
    return WARD_OK;
}

enum ward_code stander_look(struct stander *s)
{
    struct identify_want want = {.gallery = "staff",
                                 .photograph = s->photograph.data,
                                 .n = s->photograph.len,
                                 .attended = s->attended,
                                 .policy = &s->policy,
                                 .max_fpir = ACCESS_FPIR};

    if (s->photograph.len == 0)
        return WARD_OK;
    return identify_face(s->call, &want, &s->face);
}

/* Locks the subject's row. The person counts as unidentified if no subject has this id any
 * more. */
static enum ward_code hold(struct stander *s, struct ward_db *db, struct ward_err *err)
{
    struct subject subject;
    enum ward_code code = subject_hold(db, s->call->mem, s->id, &subject, err);

    if (code == WARD_NOT_FOUND) {
        *err = (struct ward_err){0};
        return WARD_OK;
    }
    WARD_TRY(code);
    s->known = true;
    s->kind = subject.kind;
    ward_uuid_text(s->id, s->text);
    return WARD_OK;
}

static enum ward_code by_token(struct stander *s, struct ward_db *db, struct ward_err *err)
{
    struct token_want want = {.token = s->token,
                              .purpose = s->policy.purpose,
                              .place = s->place,
                              .idempotency_key = s->key == NULL ? "" : s->key};
    struct ward_ppid p;

    WARD_TRY(token_spend(s->call, db, &want, &p, &s->spent_us, &s->again, err));
    s->method = p.method;
    if (!ward_uuid_parse(p.patient, s->id))
        return WARD_OK; /* the token has our signature, but the subject does not exist */
    return hold(s, db, err);
}

/* Locks the subject's row first, then its dependent rows: the lock order that the withdrawal of
 * a consent uses. */
static enum ward_code by_face(struct stander *s, struct ward_db *db, struct ward_err *err)
{
    struct identified again = s->face; /* a copy, because the transaction may run twice */

    if (s->face.outcome != IDENTIFY_MATCH)
        return WARD_OK;
    memcpy(s->id, s->face.found[0].hit.subject_id, sizeof(s->id));
    WARD_TRY(hold(s, db, err));
    if (!s->known)
        return WARD_OK;
    WARD_TRY(identify_again(s->call, db, &again, err));
    if (again.outcome != IDENTIFY_MATCH ||
        memcmp(again.found[0].hit.subject_id, s->id, sizeof(s->id)) != 0)
        s->known = false;
    return WARD_OK;
}

enum ward_code stander_hold(struct stander *s, struct ward_db *db, struct ward_err *err)
{
    s->known = s->again = false;
    s->kind = 0;
    WARD_TRY(*s->token == '\0' ? by_face(s, db, err) : by_token(s, db, err));
    if (!s->known)
        s->kind = 0;
    return WARD_OK;
}

enum gate stander_gate(const struct stander *s)
{
    return *s->token == '\0' ? s->face.gate : USABLE;
}

enum ward_code stander_reasons(const struct stander *s, Ward__Identity__V1__Reason ***out,
                               size_t *n)
{
    return stander_gate(s) == USABLE ? WARD_OK : api_reason(s->call, stander_gate(s), out, n);
}

enum ward_code access_direction(struct ward_call *c, const char *field, int given,
                                int otherwise, int *out)
{
    if (given != 0 && given != DIRECTION_IN && given != DIRECTION_OUT)
        return WARD_FAIL_FIELD(c->err, field, "must be IN or OUT");
    *out = given == 0 ? otherwise : given;
    return WARD_OK;
}

const char *access_direction_name(int direction)
{
    return direction == DIRECTION_OUT ? "OUT" : "IN";
}
