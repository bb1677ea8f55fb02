/* VerifyVideo: verifies a subject over several frames, with or without a challenge. */
#include "common/base/clock.h"
#include "services/identity/identity_metrics.h"
#include "services/identity/verify/challenge.h"
#include "services/identity/verify/verify.h"

#include <stdio.h>
#include <string.h>

typedef Ward__Identity__V1__VerifyVideoRequest VerifyVideoRequest;
typedef Ward__Identity__V1__VerifyVideoResponse VerifyVideoResponse;
typedef Ward__Identity__V1__VideoStart VideoStart;
typedef Ward__Identity__V1__VideoFrame VideoFrame;

#define FRAMES_MAX    300
#define BYTES_MAX     ((size_t)64 << 20)
#define FRAME_MAX     ((size_t)2 << 20)
#define VIDEO_MOST_NS (60 * INT64_C(1000000000))
#define FRAME_ARENA   ((size_t)96 << 20) /* pixels and tensors of one frame */
/* The passive model runs on at most this many usable frames, at this distance. Their mean is
 * the score. */
#define PASSIVE_MAX   5
#define PASSIVE_EVERY 4

struct video {
    struct ward_call *call;
    struct verification v;
    struct challenge challenge;
    struct ward_arena mem; /* memory for one frame */
    size_t bytes;
    int n, usable, n_passive, gates[LIVENESS_REQUIRED + 1];
    int64_t first_ns, last_at_ms, last_wall_us;
    double passive, best;
    bool has_first;
    /* embedding of the first face, which all other frames must match */
    float first[FACE_DIM_MAX];
    double sum[FACE_DIM_MAX]; /* sum of the usable frames' embeddings */
    struct sight sights[FRAMES_MAX];
    struct judgement judged;
};

/* ---- the input ---- */

/* Reads the first message. Its texts are copied, because they live only until the next
 * message. */
static enum ward_code begin(struct video *d, const VideoStart *s)
{
    struct ward_call *c = d->call;
    struct claim claim = {.max_fmr = s->max_fmr, .attended = s->attended};
    char *id, *place, *device, *purpose, *challenge;

    WARD_TRY(ward_call_copy(c, s->subject_id, &id));
    WARD_TRY(ward_call_copy(c, s->place, &place));
    WARD_TRY(ward_call_copy(c, s->device, &device));
    WARD_TRY(ward_call_copy(c, s->purpose, &purpose));
    WARD_TRY(ward_call_copy(c, s->challenge_id, &challenge));
    claim.subject_id = id;
    claim.place = place;
    claim.device = device;
    claim.purpose = purpose;
    WARD_TRY(verification_begin(&d->v, &claim));
    WARD_TRY(verification_recall(&d->v));
    if (*challenge == '\0')
        return WARD_OK;
    return challenge_take(c, challenge, d->v.id, purpose, &d->challenge);
}

static enum ward_code check(const struct video *d, const VideoFrame *f)
{
    struct ward_err *err = d->call->err;

    if (d->n == FRAMES_MAX)
        return WARD_FAIL_FIELD(err, "frame", "more than %d frames", FRAMES_MAX);
    if (f->photograph.len > FRAME_MAX)
        return WARD_FAIL_FIELD(err, "frame.photograph", "more than 2 MiB");
    if (f->photograph.len > BYTES_MAX - d->bytes)
        return WARD_FAIL_FIELD(err, "frame", "more than 64 MiB in all frames");
    if (f->at_ms < 0 || f->at_ms > 3600000 || (d->n > 0 && f->at_ms <= d->last_at_ms))
        return WARD_FAIL_FIELD(err, "frame.at_ms", "must rise from frame to frame");
    return WARD_OK;
}

/* ---- one frame ---- */

static enum ward_code see(struct video *d, const struct photo *p, struct sight *s)
{
    struct worker *w = d->call->wrk;
    struct ward_stop stop = api_stop(d->call);

    if (p->gate == FACE_NOT_FOUND || p->gate == SEVERAL_FACES || p->gate == FACE_TOO_SMALL)
        return WARD_OK;
    WARD_TRY(
        sight_measure(w->face, &d->mem, &stop, &p->im, &p->box, &p->face, s, d->call->err));
    if (!d->has_first)
        memcpy(d->first, p->face.embedding, sizeof(d->first));
    d->has_first = true;
    s->likeness = face_cosine(d->first, p->face.embedding, FACE_DIM_MAX);
    return WARD_OK;
}

static enum ward_code count(struct video *d, struct photo *p)
{
    double score = 0;

    if (p->passive >= 0) {
        d->passive += p->passive;
        d->n_passive++;
    }
    WARD_TRY(verification_embed(&d->v, &d->mem, &p->im, &p->box, &p->face));
    WARD_TRY(verification_compare(&d->v, p->face.embedding, &score));
    d->best = d->usable == 0 || score > d->best ? score : d->best;
    for (int i = 0; i < FACE_DIM_MAX; i++)
        d->sum[i] += (double)p->face.embedding[i];
    d->usable++;
    return WARD_OK;
}

static enum ward_code frame(struct video *d, const VideoFrame *f, int64_t now_ns)
{
    struct ward_call *c = d->call;
    struct ward_stop stop = api_stop(c);
    enum liveness_policy policy = d->v.policy.liveness;
    struct photo_want want = {.passive =
                                  (policy == LIVENESS_PASSIVE || policy == LIVENESS_ACTIVE) &&
                                  d->n_passive < PASSIVE_MAX && d->usable % PASSIVE_EVERY == 0,
                              .frame = true,
                              .turned_too = d->challenge.given};
    struct sight *s = &d->sights[d->n];
    struct photo p;

    WARD_TRY(check(d, f));
    d->first_ns = d->n == 0 ? now_ns : d->first_ns;
    d->last_wall_us = ward_wall_us();
    d->last_at_ms = f->at_ms;
    d->bytes += f->photograph.len;
    *s =
        (struct sight){.at_ms = (now_ns - d->first_ns) / WARD_NS_PER_MS, .camera_ms = f->at_ms};
    d->n++;
    WARD_TRY(photo_read(c->wrk, &d->mem, &stop, f->photograph.data, f->photograph.len, &want,
                        &p, c->err));
    d->gates[p.gate]++;
    if (d->challenge.given)
        WARD_TRY(see(d, &p, s));
    if (p.gate == USABLE)
        WARD_TRY(count(d, &p));
    ward_wipe(p.face.embedding, sizeof(p.face.embedding));
    return WARD_OK;
}

static enum ward_code receive(struct video *d)
{
    struct ward_call *c = d->call;
    bool started = false;

    for (;;) {
        const ProtobufCMessage *m = NULL;
        const VerifyVideoRequest *req;

        WARD_TRY(ward_recv(c, &m));
        if (m == NULL)
            break;
        req = (const VerifyVideoRequest *)m;
        if (req->message_case == WARD__IDENTITY__V1__VERIFY_VIDEO_REQUEST__MESSAGE_START) {
            if (started)
                return WARD_FAIL_FIELD(c->err, "start", "was sent twice");
            started = true;
            WARD_TRY(begin(d, req->start));
        } else if (req->message_case ==
                   WARD__IDENTITY__V1__VERIFY_VIDEO_REQUEST__MESSAGE_FRAME) {
            if (!started)
                return WARD_FAIL_FIELD(c->err, "start", "must be the first message");
            WARD_TRY(frame(d, req->frame, ward_mono_ns()));
            ward_arena_reset(&d->mem);
        } else {
            return WARD_FAIL_FIELD(c->err, "message", "is neither start nor frame");
        }
    }
    if (d->n == 0)
        return WARD_FAIL_FIELD(c->err, "frame", "is missing: send at least one frame");
    return WARD_OK;
}

/* ---- the answer ---- */

static void judge(struct video *d)
{
    if (!d->challenge.given)
        return;
    challenge_judge(d->challenge.steps, d->challenge.n_steps, CHALLENGE_STEP_MS, d->sights,
                    d->n, &d->judged);
    if (d->last_wall_us > d->challenge.expires_at_us)
        d->judged.passed = false, d->judged.why = "the challenge expired";
    d->v.shown.challenge = d->judged.passed;
    identity_challenge_count(d->judged.passed ? CHALLENGE_PASSED : CHALLENGE_FAILED);
}

/* The most frequent reason of the rejected frames. */
static enum gate common_gate(const struct video *d)
{
    enum gate g = FACE_NOT_FOUND;

    for (int i = FACE_NOT_FOUND; i <= LIVENESS_REQUIRED; i++)
        if (d->gates[i] > d->gates[g])
            g = (enum gate)i;
    return g;
}

/* Scores the mean of the frames' embeddings, normalized to length 1. The sum has a length
 * unless the embeddings cancel each other. */
static enum ward_code fuse(struct video *d)
{
    float mean[FACE_DIM_MAX];
    enum ward_code code;

    for (int i = 0; i < FACE_DIM_MAX; i++)
        mean[i] = (float)(d->sum[i] / d->usable);
    if (!face_normalise(mean, FACE_DIM_MAX))
        return WARD_FAIL(d->call->err, INTERNAL, "the frames' embeddings have no mean");
    code = verification_compare(&d->v, mean, &d->v.score);
    ward_wipe(mean, sizeof(mean));
    return code;
}

static enum ward_code decide(struct video *d)
{
    struct verification *v = &d->v;

    judge(d);
    v->shown.passive = d->n_passive == 0 ? -1 : d->passive / d->n_passive;
    if (d->usable == 0)
        v->gate = common_gate(d);
    else if (d->challenge.given && !d->judged.passed)
        v->gate = LIVENESS_FAILED;
    else
        v->gate = liveness_gate(v->policy.liveness, &v->shown);
    verification_count(v);
    if (v->gate == USABLE)
        WARD_TRY(fuse(d));
    verification_decide(v);
    return WARD_OK;
}

static enum ward_code fill_steps(struct video *d, VerifyVideoResponse *resp)
{
    int n = d->judged.n_seen;

    resp->steps_seen = ward_alloc(d->call->mem, (size_t)n * sizeof(*resp->steps_seen));
    if (resp->steps_seen == NULL)
        return WARD_FAIL(d->call->err, RESOURCE_EXHAUSTED, "no memory for the answer");
    for (int i = 0; i < n; i++)
        resp->steps_seen[i] = (Ward__Identity__V1__ChallengeStep)d->judged.seen[i];
    resp->n_steps_seen = (size_t)n;
    return WARD_OK;
}

static enum ward_code fill(struct video *d, VerifyVideoResponse *resp)
{
    struct verification *v = &d->v;
    struct ward_call *c = d->call;
    const char *frames = ward_printf(c->mem, "%d of %d", d->usable, d->n);

    resp->outcome = verification_wire_outcome(v);
    resp->score = verification_told(v, v->score);
    resp->best_score = verification_told(v, d->best);
    resp->threshold = v->at.threshold;
    resp->fmr = verification_fmr(v);
    resp->fmr_worst_group = resp->fmr > 0 ? v->at.worst : 0;
    resp->age_unknown = !verification_age_known(v);
    resp->threshold_source = api_text(v->by->calibration.source);
    resp->frames = d->n;
    resp->usable_frames = d->usable;
    WARD_TRY(ward_call_copy(c, face_pack_sha256(v->by->pack), &resp->model_sha256));
    WARD_TRY(ward_call_copy(c, v->event.event_text, &resp->event_id));
    WARD_TRY(api_device(c, &resp->device, &resp->degraded));
    if (v->gate != USABLE)
        WARD_TRY(api_reason(c, v->gate, &resp->reasons, &resp->n_reasons));
    WARD_TRY(verification_liveness(v, &resp->liveness));
    WARD_TRY(fill_steps(d, resp));
    verification_note(v);
    ward_event_note(&v->event, "frames", frames == NULL ? "" : frames);
    if (d->challenge.given)
        ward_event_note(&v->event, "challenge", d->judged.passed ? "passed" : d->judged.why);
    return verification_issue(v, &resp->token, &resp->token_lifetime_s);
}

static enum ward_code answer(struct video *d, VerifyVideoResponse *resp)
{
    WARD_TRY(receive(d));
    WARD_TRY(decide(d));
    WARD_TRY(fill(d, resp));
    return verification_commit(&d->v);
}

/* Limits the deadline to a minute. Streams have few workers, and a longer deadline must not
 * occupy one of them. */
static void no_longer_than_a_minute(struct ward_call *c)
{
    int64_t at = ward_mono_ns() + VIDEO_MOST_NS;

    if (c->deadline_ns > at)
        c->deadline_ns = at;
}

static enum ward_code verify_video(struct ward_call *c, VerifyVideoResponse *resp)
{
    struct worker *w = c->wrk;
    struct video *d = ward_new(c->mem, struct video);
    enum ward_code code;

    no_longer_than_a_minute(c);
    if (d == NULL)
        return WARD_FAIL(c->err, RESOURCE_EXHAUSTED, "no memory for a video");
    d->call = d->v.call = c;
    ward_event_begin(&d->v.event, c, api_event_ctx(c), NULL);
    ward_db_deadline(w->db, c->deadline_ns);
    ward_arena_init(&d->mem, FRAME_ARENA);
    code = answer(d, resp);
    ward_arena_done(&d->mem);
    ward_wipe(d->first, sizeof(d->first));
    ward_wipe(d->sum, sizeof(d->sum));
    verification_forget(&d->v);
    if (code == WARD_OK)
        ward_metric_add(
            ward_series_of(&identity_verifications, verification_outcome(&d->v), NULL, NULL),
            1);
    return code;
}

enum ward_code verify_video_rpc(struct ward_call *c, const ProtobufCMessage *q,
                                ProtobufCMessage *r)
{
    (void)q;
    return verify_video(c, (VerifyVideoResponse *)r);
}
