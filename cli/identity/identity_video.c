/* wardctl identity verify-video - requests a challenge, then sends frames in order. */
#include "cli/identity/identity_call.h"

#include "common/base/clock.h"
#include "common/base/text.h"

#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

typedef Ward__Identity__V1__StartChallengeRequest ChallengeRequest;
typedef Ward__Identity__V1__StartChallengeResponse ChallengeResponse;
typedef Ward__Identity__V1__VerifyVideoRequest VideoRequest;
typedef Ward__Identity__V1__VerifyVideoResponse VideoResponse;

#define FRAMES_MOST 300
#define FRAME_MOST  ((size_t)2 << 20)
#define MATCH       WARD__IDENTITY__V1__OUTCOME__OUTCOME_MATCH

static const char *const NURSE[] = {"nurse", NULL};

struct filming {
    const char *place, *device, *purpose, *max_fmr, *every;
    bool challenge, attended, pause;
    Ward__Identity__V1__VideoStart start;
    int64_t every_ms;
    int64_t until_ns; /* time at which the challenge expires */
    int n;
    char **files;
};

static void sleep_ms(int64_t ms)
{
    const struct timespec t = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * WARD_NS_PER_MS};

    if (ms > 0)
        nanosleep(&t, NULL);
}

/* ---- the challenge ---- */

static const char *step_words(int step)
{
    switch (step) {
    case WARD__IDENTITY__V1__CHALLENGE_STEP__CHALLENGE_STEP_BLINK:
        return "blink";
    case WARD__IDENTITY__V1__CHALLENGE_STEP__CHALLENGE_STEP_TURN_LEFT:
        return "turn the head to the person's left";
    case WARD__IDENTITY__V1__CHALLENGE_STEP__CHALLENGE_STEP_TURN_RIGHT:
        return "turn the head to the person's right";
    default:
        return "make a movement that this program does not support; use a newer version";
    }
}

/* Prints the steps on stderr, because stdout is for the result of the verification. */
static void tell_steps(const ChallengeResponse *c)
{
    fprintf(stderr, "%zu steps for the person, in this order, within %.1f s:\n", c->n_steps,
            c->expires_in_ms / 1000.0);
    for (size_t i = 0; i < c->n_steps; i++)
        fprintf(stderr, "  %zu. %s\n", i + 1, step_words((int)c->steps[i]));
}

static void wait_for_key(void)
{
    char line[256];

    fprintf(stderr, "press Enter when the frames are ready ");
    if (fgets(line, sizeof(line), stdin) == NULL)
        fputc('\n', stderr);
}

static enum ward_code challenge(struct task *t, struct filming *f)
{
    ChallengeRequest req = WARD__IDENTITY__V1__START_CHALLENGE_REQUEST__INIT;
    const ChallengeResponse *resp;
    ProtobufCMessage *msg;

    req.subject_id = f->start.subject_id;
    req.purpose = f->start.purpose;
    WARD_TRY(task_ask(t, IDENTITY_PATH("StartChallenge"), NURSE, &req.base,
                      &ward__identity__v1__start_challenge_response__descriptor, &msg));
    resp = (const ChallengeResponse *)msg;
    f->until_ns = ward_mono_ns() + resp->expires_in_ms * WARD_NS_PER_MS;
    f->start.challenge_id = resp->challenge_id;
    tell_steps(resp);
    return WARD_OK;
}

/* ---- frames ---- */

static enum ward_code send_frame(struct task *t, struct ward_client_stream *s, const char *path,
                                 int64_t at_ms)
{
    VideoRequest req = WARD__IDENTITY__V1__VERIFY_VIDEO_REQUEST__INIT;
    Ward__Identity__V1__VideoFrame frame = WARD__IDENTITY__V1__VIDEO_FRAME__INIT;
    struct ward_arena mem;
    enum ward_code code;
    char *bytes;

    ward_arena_init(&mem, FRAME_MOST + 4096);
    code = cli_read(path, FRAME_MOST, &mem, &bytes, &frame.photograph.len, &t->err);
    if (code == WARD_OK) {
        frame.photograph.data = (uint8_t *)bytes;
        frame.at_ms = at_ms;
        req.message_case = WARD__IDENTITY__V1__VERIFY_VIDEO_REQUEST__MESSAGE_FRAME;
        req.frame = &frame;
        code = ward_client_send(s, &req.base, &t->err);
    }
    ward_arena_done(&mem);
    return code;
}

/* Waits for a missing frame until the challenge expires, because a camera may still be
 * writing. */
static void wait_for_file(const struct filming *f, const char *path)
{
    while (f->until_ns != 0 && access(path, R_OK) != 0 && ward_mono_ns() < f->until_ns)
        sleep_ms(20);
}

static enum ward_code send_all(struct task *t, struct filming *f, struct ward_client_stream *s)
{
    VideoRequest first = WARD__IDENTITY__V1__VERIFY_VIDEO_REQUEST__INIT;
    int64_t begin = 0, at_ms = 0;

    first.message_case = WARD__IDENTITY__V1__VERIFY_VIDEO_REQUEST__MESSAGE_START;
    first.start = &f->start;
    WARD_TRY(ward_client_send(s, &first.base, &t->err));
    for (int i = 0; i < f->n; i++) {
        int64_t now;

        wait_for_file(f, f->files[i]);
        if (i > 0)
            sleep_ms(begin + i * f->every_ms - ward_mono_ns() / WARD_NS_PER_MS);
        now = ward_mono_ns() / WARD_NS_PER_MS;
        if (i == 0)
            begin = now;
        at_ms = i == 0 || now - begin > at_ms ? now - begin : at_ms + 1;
        WARD_TRY(send_frame(t, s, f->files[i], at_ms));
        cli_progress(t->cli, "frames sent", i + 1, f->n);
    }
    return ward_client_send_end(s, &t->err);
}

static void print_video(struct task *t, const VideoResponse *r)
{
    bool match = r->outcome == MATCH;

    printf("%s%s%s", cli_paint(t->cli, match ? CLI_GOOD : CLI_BAD),
           message_enum(&ward__identity__v1__outcome__descriptor, (int)r->outcome),
           cli_paint(t->cli, CLI_PLAIN));
    if (r->n_reasons == 0)
        printf("  score at least %.3f (best frame %.3f), threshold %.3f", r->score,
               r->best_score, r->threshold);
    if (r->n_reasons == 0 && r->fmr > 0)
        printf(" (one false match in %.0f)", 1 / r->fmr);
    id_print_age(r->age_unknown);
    printf("\n%d of %d frames were usable\n", r->usable_frames, r->frames);
    id_print_reasons(r->reasons, r->n_reasons);
    for (size_t i = 0; i < r->n_steps_seen; i++)
        printf("  seen: %s\n", step_words((int)r->steps_seen[i]));
    id_print_liveness(r->liveness);
    id_print_device(r->device, r->degraded);
    id_print_token(r->token, r->token_lifetime_s);
    printf("event  %s\n", r->event_id);
}

static enum ward_code film(struct task *t, struct filming *f)
{
    struct ward_client_stream *s;
    ProtobufCMessage *msg = NULL;
    enum ward_code code;

    WARD_TRY(task_connect(t, NURSE));
    if (f->challenge)
        WARD_TRY(challenge(t, f));
    if (f->pause)
        wait_for_key();
    WARD_TRY(ward_client_open_stream(t->client, IDENTITY_PATH("VerifyVideo"), &t->with,
                                     &ward__identity__v1__verify_video_response__descriptor, &s,
                                     &t->err));
    code = send_all(t, f, s);
    /* if the server rejected the stream while frames were sent, reading returns the cause */
    if (code == WARD_OK || code == WARD_OUT_OF_RANGE)
        code = ward_client_recv(s, &t->mem, &msg, &t->err);
    cli_progress_end(t->cli);
    if (code == WARD_OK && msg == NULL)
        code = WARD_FAIL(&t->err, INTERNAL, "the service closed the stream without an answer");
    if (code == WARD_OK && !task_json(t, msg))
        print_video(t, (const VideoResponse *)msg);
    ward_client_close_stream(s);
    return code;
}

static enum ward_code verify_video(struct task *t, int argc, char **argv)
{
    struct filming f = {.purpose = "administration", .max_fmr = "0", .every = "200"};
    const struct cli_opt opts[] = {
        {"--place", &f.place, NULL, "bed, door or room"},
        {"--device", &f.device, NULL, "name of the camera"},
        {"--purpose", &f.purpose, NULL, "purpose of the token"},
        {"--max-fmr", &f.max_fmr, NULL, "false-match rate"},
        {"--every", &f.every, NULL, "milliseconds between frames"},
        {"--challenge", NULL, &f.challenge, "request a challenge and print its steps"},
        {"--wait", NULL, &f.pause, "wait for Enter before the first frame"},
        {"--attended", NULL, &f.attended,
         "confirm that you see the person in front of the camera"},
        {0},
    };

    WARD_TRY(cli_options(opts, &argc, argv, FRAMES_MOST + 1, &t->err));
    if (argc < 3 || f.place == NULL)
        return task_wrong(t, "SUBJECT, --place BED and the FRAME files in order are needed");
    ward__identity__v1__video_start__init(&f.start);
    if (!ward_f64(f.max_fmr, &f.start.max_fmr) || !ward_i64(f.every, 0, 10000, &f.every_ms))
        return task_wrong(
            t, "--max-fmr must be from 1e-6 to 1e-3, and --every from 0 to 10000 ms");
    f.start.subject_id = argv[1];
    f.start.place = task_text(f.place);
    f.start.device = task_text(f.device);
    f.start.purpose = task_text(f.purpose);
    f.start.attended = f.attended;
    f.files = argv + 2;
    f.n = argc - 2;
    return film(t, &f);
}

ID_COMMAND(verify_video)

const struct cli_command cli_identity_video_commands[] = {
    {"identity verify-video",
     "SUBJECT --place BED [--challenge] [--wait] [--every MS] [--attended] [--purpose FOR]\n"
     "      [--max-fmr RATE] [--device NAME] FRAME...",
     "verify a subject with several frames; with --challenge, wait for missing frames",
     verify_video_command},
    {0},
};
