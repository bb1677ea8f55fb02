/* Decides whether the person performed the requested steps, in order and in time. */
#include "common/base/crypto.h"
#include "services/identity/live/live.h"

#include <math.h>
#include <string.h>

#define BLINK_MS 1500 /* if the eyes are closed for longer, it is not a blink */
#define GAP_MS   1000 /* maximum time without a usable frame, by the camera's clock */
/* maximum time without a usable frame, by the server's clock: networks stall */
#define STALL_MS     3000
#define STEP_LEAST   150  /* minimum time for a step, in ms: a person does not react sooner */
#define AHEAD_MS     1500 /* maximum lead of the camera's clock over the server's */
#define FRAMES_LEAST 6

struct judge {
    const enum live_step *steps;
    int n_steps, step_ms, next;
    struct judgement *out;
    bool ready;   /* the person has looked straight, with open eyes, since the last step */
    bool closing; /* eyes have been closed since `closed_ms` */
    bool turned;  /* the head is still in the last detected turn */
    int64_t done_ms, closed_ms;
};

static bool fail(struct judge *j, const char *why)
{
    j->out->why = why;
    return false;
}

static bool saw(struct judge *j, enum live_step step, int64_t at_ms)
{
    if (j->out->n_seen < LIVE_STEPS_MAX)
        j->out->seen[j->out->n_seen++] = step;
    if (j->next == j->n_steps || step != j->steps[j->next])
        return fail(j, "the person performed a step that was not the next one");
    if (at_ms - j->done_ms > j->step_ms)
        return fail(j, "the person performed a step too late");
    if (at_ms - j->done_ms < STEP_LEAST)
        return fail(j, "the person performed a step faster than people can");
    j->done_ms = at_ms;
    j->ready = false;
    j->next++;
    return true;
}

static bool blink(struct judge *j, const struct sight *f)
{
    bool wanted = j->next < j->n_steps && j->steps[j->next] == LIVE_BLINK;

    if (fabs(f->yaw) > LIVE_TURNED)
        j->closing = false; /* the eyes of a turned head are not visible enough */
    else if (f->eyes_closed >= LIVE_CLOSED && !j->closing && j->ready)
        j->closing = true, j->closed_ms = f->at_ms;
    else if (f->eyes_closed <= LIVE_OPEN && j->closing) {
        j->closing = false;
        /* Additional blinks are normal: a blink counts only if it was requested. */
        if (wanted && f->at_ms - j->closed_ms <= BLINK_MS)
            return saw(j, LIVE_BLINK, f->at_ms);
    }
    return true;
}

static bool turn(struct judge *j, const struct sight *f)
{
    if (fabs(f->yaw) <= LIVE_STRAIGHT) {
        j->turned = false;
        return true;
    }
    if (fabs(f->yaw) < LIVE_TURNED || j->turned)
        return true;
    if (!j->ready)
        return fail(j, "the person did not look straight ahead with open eyes before a turn");
    j->turned = true;
    /* A turn after the last step fails. Otherwise one film of many turns would satisfy 42 % of
     * all challenges instead of 18 %. */
    if (j->next == j->n_steps)
        return fail(j, "the person turned after the last step");
    return saw(j, f->yaw > 0 ? LIVE_TURN_LEFT : LIVE_TURN_RIGHT, f->at_ms);
}

/* Whether a frame is similar enough to the first. A frame with the head turned has a lower
 * limit. docs/face.md has the measurement. */
static bool same_face(const struct sight *f)
{
    return f->likeness >= (fabs(f->yaw) <= LIVE_TURNED ? LIVE_LIKENESS : LIVE_LIKENESS_TURNED);
}

static bool usable_frame(struct judge *j, const struct sight *f, const struct sight *last)
{
    if (last != NULL &&
        (f->camera_ms - last->camera_ms > GAP_MS || f->at_ms - last->at_ms > STALL_MS))
        return fail(j, "frames are missing");
    if (!same_face(f))
        return fail(j, "the face changed");
    if (!blink(j, f) || !turn(j, f))
        return false;
    if (fabs(f->yaw) <= LIVE_STRAIGHT && f->eyes_closed <= LIVE_OPEN)
        j->ready = true;
    return true;
}

static bool clocks_agree(struct judge *j, const struct sight *a, const struct sight *b)
{
    if (b->at_ms < a->at_ms || b->camera_ms <= a->camera_ms)
        return fail(j, "the frames' times do not rise");
    return true;
}

static bool watch(struct judge *j, const struct sight *frames, int n)
{
    const struct sight *last = NULL;
    int usable = 0;

    for (int i = 0; i < n; i++) {
        const struct sight *f = &frames[i];

        if (i > 0 && !clocks_agree(j, &frames[i - 1], f))
            return false;
        if (f->camera_ms - frames[0].camera_ms - (f->at_ms - frames[0].at_ms) > AHEAD_MS)
            return fail(j, "the frames arrived faster than a camera films");
        if (!f->usable)
            continue;
        if (!usable_frame(j, f, last))
            return false;
        last = f;
        usable++;
    }
    if (usable < FRAMES_LEAST)
        return fail(j, "too few usable frames");
    if (j->next < j->n_steps)
        return fail(j, "the person did not perform every step");
    return true;
}

void challenge_judge(const enum live_step *steps, int n_steps, int step_ms,
                     const struct sight *frames, int n, struct judgement *out)
{
    struct judge j = {.steps = steps, .n_steps = n_steps, .step_ms = step_ms, .out = out};

    *out = (struct judgement){.why = ""};
    if (n > 0)
        j.done_ms = frames[0].at_ms;
    out->passed = watch(&j, frames, n) && n_steps > 0;
}

int challenge_make(enum live_step steps[LIVE_STEPS_MAX])
{
    uint8_t bytes[1 + LIVE_STEPS_MAX];
    int n;

    ward_random(bytes, sizeof(bytes));
    n = 2 + bytes[0] % 3; /* 256 is 85 * 3 + 1: the bias is a third of a percent */
    steps[0] = (enum live_step)(LIVE_BLINK + bytes[1] % 3);
    for (int i = 1; i < n; i++) /* one of the two steps that differ from the previous step */
        steps[i] = (enum live_step)(LIVE_BLINK + (steps[i - 1] + bytes[1 + i] % 2) % 3);
    return n;
}
