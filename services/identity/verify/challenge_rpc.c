#include "services/identity/api.h"
#include "services/identity/verify/challenge.h"

#include "common/base/clock.h"
#include "common/base/metrics.h"
#include "common/base/text.h"

#include <string.h>

typedef Ward__Identity__V1__StartChallengeRequest StartChallengeRequest;
typedef Ward__Identity__V1__StartChallengeResponse StartChallengeResponse;

static struct ward_family challenges = {
    .name = "ward_identity_challenges_total",
    .help = "Number of issued liveness challenges, and of completed challenges by result.",
    .type = WARD_COUNTER,
    .label = {"result"},
};
WARD_METRIC_LISTED(challenges)

static const char *const RESULTS[] = {
    [CHALLENGE_ISSUED] = "issued",
    [CHALLENGE_UNKNOWN] = "unknown",
    [CHALLENGE_PASSED] = "passed",
    [CHALLENGE_FAILED] = "failed",
};
WARD_METRIC_FROM_ZERO(challenges, WARD_COUNT(RESULTS), RESULTS[i], NULL)

void identity_challenge_count(enum challenge_result result)
{
    ward_metric_add(ward_series_of(&challenges, RESULTS[result], NULL, NULL), 1);
}

static enum ward_code keep(struct ward_call *c, const uint8_t id[IDENTITY_ID],
                           const uint8_t *subject, const char *purpose,
                           const enum live_step *steps, int n)
{
    static const char SQL[] =
        "INSERT INTO challenge (challenge_id, subject_id, purpose, steps, issued_to,"
        " expires_at_us) VALUES (?, ?, ?, ?, ?, ?)";
    struct worker *w = c->wrk;
    char digits[LIVE_STEPS_MAX + 1] = "";
    struct ward_val whom = subject == NULL ? ward_text(NULL) : ward_blob(subject, IDENTITY_ID);

    for (int i = 0; i < n; i++)
        digits[i] = (char)('0' + steps[i]);
    return ward_db_run(
        w->db, NULL, SQL,
        WARD_PARAMS(ward_blob(id, IDENTITY_ID), whom, ward_text(purpose), ward_text(digits),
                    ward_text(c->who->subject),
                    ward_int(c->mem, ward_wall_us() + (int64_t)CHALLENGE_MS * 1000)),
        NULL, c->err);
}

static enum ward_code start_challenge(struct ward_call *c, const StartChallengeRequest *req,
                                      StartChallengeResponse *resp)
{
    uint8_t id[IDENTITY_ID], subject[IDENTITY_ID];
    bool known = *req->subject_id != '\0';
    enum live_step steps[LIVE_STEPS_MAX];
    struct worker *w = c->wrk;
    char text[37];
    int n;

    ward_db_deadline(w->db, c->deadline_ns);
    if (known)
        WARD_TRY(api_subject_id(c, req->subject_id, subject, text));
    if (!rule_is_word(req->purpose))
        return WARD_FAIL_FIELD(c->err, "purpose",
                               "must be 1 to 64 characters of a-z, 0-9 and -");
    if (!face_pack_live(w->id->now.pack))
        return WARD_FAIL_REASON(c->err, FAILED_PRECONDITION, "LIVENESS_UNAVAILABLE",
                                "this model pack has no liveness models: let staff confirm "
                                "that they see the person, or verify without a face");
    n = challenge_make(steps);
    /* random, not a UUIDv7, because the next id must not be predictable */
    ward_random(id, sizeof(id));
    id[6] = (uint8_t)(0x40 | (id[6] & 0x0f));
    id[8] = (uint8_t)(0x80 | (id[8] & 0x3f));
    WARD_TRY(keep(c, id, known ? subject : NULL, req->purpose, steps, n));
    ward_uuid_text(id, text);
    WARD_TRY(ward_call_copy(c, text, &resp->challenge_id));
    resp->steps = ward_alloc(c->mem, (size_t)n * sizeof(*resp->steps));
    if (resp->steps == NULL)
        return WARD_FAIL(c->err, RESOURCE_EXHAUSTED, "no memory for the answer");
    for (int i = 0; i < n; i++)
        resp->steps[i] = (Ward__Identity__V1__ChallengeStep)steps[i];
    resp->n_steps = (size_t)n;
    resp->expires_in_ms = CHALLENGE_MS;
    resp->step_ms = CHALLENGE_STEP_MS;
    identity_challenge_count(CHALLENGE_ISSUED);
    return WARD_OK;
}

enum ward_code start_challenge_rpc(struct ward_call *c, const ProtobufCMessage *q,
                                   ProtobufCMessage *r)
{
    return start_challenge(c, (const StartChallengeRequest *)q, (StartChallengeResponse *)r);
}

/* ---- using a challenge ---- */

static enum ward_code unknown(struct ward_err *err)
{
    identity_challenge_count(CHALLENGE_UNKNOWN);
    return WARD_FAIL_REASON(err, FAILED_PRECONDITION, "CHALLENGE_UNKNOWN",
                            "the challenge has expired, was already used, or belongs to "
                            "another use: start a new one");
}

static enum ward_code read_steps(const struct ward_val *row, struct challenge *out,
                                 struct ward_err *err)
{
    struct challenge ch = {.given = true};
    const char *digits = row[0].p;

    for (; digits[ch.n_steps] != '\0'; ch.n_steps++) {
        int step = digits[ch.n_steps] - '0';

        if (ch.n_steps == LIVE_STEPS_MAX || step < LIVE_BLINK || step > LIVE_TURN_RIGHT)
            return WARD_FAIL(err, DATA_LOSS, "a challenge cannot be read");
        ch.steps[ch.n_steps] = (enum live_step)step;
    }
    if (ch.n_steps == 0 || !ward_i64(row[1].p, 0, INT64_MAX, &ch.expires_at_us))
        return WARD_FAIL(err, DATA_LOSS, "a challenge cannot be read");
    *out = ch;
    return WARD_OK;
}

enum ward_code challenge_take(struct ward_call *c, const char *challenge_id,
                              const uint8_t subject_id[IDENTITY_ID], const char *purpose,
                              struct challenge *out)
{
    static const char TAKE[] = "UPDATE challenge SET used_at_us = ?"
                               " WHERE challenge_id = ? AND used_at_us IS NULL"
                               "   AND expires_at_us > ? AND purpose = ? AND issued_to = ?"
                               "   AND (subject_id IS NULL OR subject_id = ?)";
    static const char READ[] =
        "SELECT steps, expires_at_us FROM challenge WHERE challenge_id = ?";
    struct worker *w = c->wrk;
    struct ward_val now = ward_int(c->mem, ward_wall_us());
    uint8_t id[IDENTITY_ID];
    struct ward_rows rows;

    if (!ward_uuid_parse(challenge_id, id))
        return WARD_FAIL_FIELD(c->err, "start.challenge_id", "is not a UUID");
    WARD_TRY(
        ward_db_run(w->db, NULL, TAKE,
                    WARD_PARAMS(now, ward_blob(id, sizeof(id)), now, ward_text(purpose),
                                ward_text(c->who->subject), ward_blob(subject_id, IDENTITY_ID)),
                    &rows, c->err));
    if (rows.affected != 1)
        return unknown(c->err);
    WARD_TRY(ward_db_run(w->db, c->mem, READ, WARD_PARAMS(ward_blob(id, sizeof(id))), &rows,
                         c->err));
    if (rows.n != 1)
        return unknown(c->err);
    return read_steps(rows.at[0], out, c->err);
}
