/* eval_liveness - what liveness detection sees of LFW's living people and of simulated attacks.
 *
 *   eval_liveness LFW_DIR MODELS_DIR PLUGINS_DIR RESULT.json [PACK [EVERY]]
 *
 * Bona fide are LFW's press photographs: no one stood before a camera of ours. Attacks are made
 * from them by tests/bench/live/degrade.c: paper and screen are simulated, lids are painted,
 * and challenges are composed of different photographs of one person. Real attacks and real
 * people are both harder. APCER and BPCER as ISO/IEC 30107-3 defines the terms; this is no test
 * by it.
 */
#include "tests/bench/live/degrade.h"
#include "tests/bench/live/lfw.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ARENA_CAP ((size_t)256 << 20)
#define VALUES    3000
#define STEP_MS   5000
#define FRAME_MS  150

/* One photograph of a person. */
struct still {
    bool found, blinks; /* lids painted on are seen as closed */
    double live, attack[ATTACK_N], mirrored_yaw;
    struct sight open, shut;
    float v[FACE_DIM_MAX];
};

static struct {
    struct lfw lfw;
    struct face_engine *engine;
    struct ward_arena mem;
    FILE *json;
    struct still *at;
} ev;

static void must(enum ward_code code, const struct ward_err *err)
{
    if (code != WARD_OK)
        eval_die("a model fails", err);
}

static bool locate(const struct pixels *im, struct face_box *box, struct face *f)
{
    struct face_box boxes[FACE_MAX_FOUND];
    struct ward_err err = {0};
    int n = 0;

    if (im->rgb == NULL)
        eval_die("no memory", NULL);
    must(face_detect(ev.engine, &ev.mem, NULL, im, boxes, &n, &err), &err);
    if (n == 0)
        return false;
    *box = boxes[lfw_subject(boxes, n, im)];
    must(face_locate(ev.engine, &ev.mem, NULL, im, box, f, &err), &err);
    return true;
}

static void see(const struct pixels *im, const struct face_box *box, const struct face *f,
                struct sight *out)
{
    struct ward_err err = {0};

    must(sight_measure(ev.engine, &ev.mem, NULL, im, box, f, out, &err), &err);
}

static double passive(const struct pixels *im, const struct face_box *box)
{
    struct ward_err err = {0};
    double score = 0;

    must(liveness_score(ev.engine, &ev.mem, NULL, im, box, &score, &err), &err);
    return score;
}

static void measure(int i)
{
    struct still *s = &ev.at[i];
    struct pixels im = lfw_read(&ev.lfw, i, &ev.mem), d;
    struct ward_err err = {0};
    struct face_box box, other;
    struct face f, g;
    struct sight mirrored = {0};

    s->found = locate(&im, &box, &f);
    if (!s->found)
        return;
    see(&im, &box, &f, &s->open);
    s->live = passive(&im, &box);
    must(face_embed(ev.engine, &ev.mem, NULL, &im, &f, &err), &err);
    memcpy(s->v, f.embedding, sizeof(s->v));
    for (int a = 0; a < ATTACK_N; a++) {
        d = degrade_attack(&im, (enum attack)a, (unsigned)i, &ev.mem);
        s->attack[a] = locate(&d, &other, &g) ? passive(&d, &other) : -1;
    }
    d = degrade_lids(&im, &f, &ev.mem);
    s->blinks = locate(&d, &other, &g);
    if (s->blinks)
        see(&d, &other, &g, &s->shut);
    d = degrade_mirror(&im, &ev.mem);
    if (locate(&d, &other, &g))
        see(&d, &other, &g, &mirrored);
    s->mirrored_yaw = mirrored.yaw;
}

static void rate(const char *label, const char *key, int k, int n)
{
    double lo, hi;

    wilson(k, n, &lo, &hi);
    printf("  %-52s %5.2f %%  (95 %%: %.2f to %.2f; %d of %d)\n", label,
           n == 0 ? 0 : 100.0 * k / n, lo, hi, k, n);
    fprintf(ev.json,
            "  \"%s_percent\": %.3f,\n  \"%s_ci95_low\": %.3f,\n  \"%s_ci95_high\": %.3f,\n",
            key, n == 0 ? 0 : 100.0 * k / n, key, lo, key, hi);
}

/* ---- the passive score ---- */

static void report_passive(void)
{
    static double live[VALUES], shown[VALUES];
    int n = 0, refused = 0;
    char label[80], key[40];

    for (int i = 0; i < ev.lfw.n && n < VALUES; i++)
        if (ev.at[i].found) {
            refused += ev.at[i].live < LIVENESS_THRESHOLD;
            live[n++] = ev.at[i].live;
        }
    printf("passive score, threshold %.2f\n", LIVENESS_THRESHOLD);
    rate("BPCER: LFW's people refused", "bpcer", refused, n);
    for (int a = 0; a < ATTACK_N; a++) {
        int k = 0, passed = 0;
        double auc;

        for (int i = 0; i < ev.lfw.n; i++)
            if (ev.at[i].found && ev.at[i].attack[a] >= 0) {
                passed += ev.at[i].attack[a] >= LIVENESS_THRESHOLD;
                shown[k++] = ev.at[i].attack[a];
            }
        snprintf(label, sizeof(label), "APCER: simulated %s accepted", attack_names[a]);
        snprintf(key, sizeof(key), "apcer_%s", attack_names[a]);
        rate(label, key, passed, k);
        auc = auc_of(shown, k, live, n);
        printf("  AUC against simulated %-6s %.4f\n", attack_names[a], auc);
        fprintf(ev.json, "  \"auc_%s\": %.5f,\n", attack_names[a], auc);
    }
}

/* ---- what a challenge is made of ---- */

static void report_sights(void)
{
    int n = 0, closed = 0, lids = 0, n_lids = 0, turned = 0, agree = 0;

    for (int i = 0; i < ev.lfw.n; i++) {
        const struct still *s = &ev.at[i];

        if (!s->found)
            continue;
        n++;
        closed += s->open.eyes_closed >= LIVE_CLOSED;
        n_lids += s->blinks;
        lids += s->blinks && s->shut.eyes_closed >= LIVE_CLOSED;
        if (fabs(s->open.yaw) >= LIVE_TURNED) {
            turned++;
            agree += s->open.yaw * s->mirrored_yaw < 0 && fabs(s->mirrored_yaw) > LIVE_STRAIGHT;
        }
    }
    printf("what a challenge is made of\n");
    rate("eyes called closed, as photographed", "eyes_closed_as_is", closed, n);
    rate("eyes called closed, lids painted on (simulated)", "eyes_closed_lids", lids, n_lids);
    rate("turned heads that turn the other way mirrored", "mirror_agrees", agree, turned);
}

static void report_likeness(void)
{
    int same[2] = {0}, n_same[2] = {0}, other[2] = {0}, n_other[2] = {0};

    for (int p = 0; p < ev.lfw.n_pairs; p++) {
        const struct lfw_pair *q = &ev.lfw.pair[p];
        const struct still *a = &ev.at[q->a], *b = &ev.at[q->b];
        int t = fabs(b->open.yaw) > LIVE_TURNED;
        double score, limit = t ? LIVE_LIKENESS_TURNED : LIVE_LIKENESS;

        if (!a->found || !b->found || fabs(a->open.yaw) > LIVE_TURNED)
            continue;
        score = face_cosine(a->v, b->v, FACE_DIM_MAX);
        (q->same ? n_same : n_other)[t]++;
        (q->same ? same : other)[t] += score < limit;
    }
    rate("one person, straight, called another", "same_straight_refused", same[0], n_same[0]);
    rate("one person, turned, called another", "same_turned_refused", same[1], n_same[1]);
    rate("two persons, straight, called one", "other_straight_taken", n_other[0] - other[0],
         n_other[0]);
    rate("two persons, turned, called one", "other_turned_taken", n_other[1] - other[1],
         n_other[1]);
}

/* ---- challenges composed of stills ---- */

static bool of_one(const char *a, const char *b)
{
    size_t n = strlen(a), m = strlen(b);

    return n > 8 && n == m && strncmp(a, b, n - 8) == 0; /* "_0001.jpg" differs in its digits */
}

/* Stills of the person of image i: straight with open eyes, turned to each side; -1 for none.
 */
static void cast(int i, int as[4])
{
    for (int k = 0; k < 4; k++)
        as[k] = -1;
    for (int j = 0; j < ev.lfw.n; j++) {
        const struct still *s = &ev.at[j];

        if (!s->found || !of_one(ev.lfw.name[i], ev.lfw.name[j]))
            continue;
        if (fabs(s->open.yaw) < LIVE_STRAIGHT && s->open.eyes_closed <= LIVE_OPEN && as[0] < 0)
            as[0] = j;
        if (s->open.yaw >= LIVE_TURNED)
            as[LIVE_TURN_LEFT] = j;
        if (s->open.yaw <= -LIVE_TURNED)
            as[LIVE_TURN_RIGHT] = j;
    }
    as[LIVE_BLINK] = as[0];
}

static void film(struct sight *f, int *n, const struct still *first, const struct still *s,
                 bool shut, int frames)
{
    for (int k = 0; k < frames && *n < 200; k++, (*n)++) {
        f[*n] = shut ? s->shut : s->open;
        f[*n].at_ms = f[*n].camera_ms = (int64_t)*n * FRAME_MS;
        f[*n].likeness = face_cosine(first->v, s->v, FACE_DIM_MAX);
    }
}

/* Frames that show `steps`, played by the stills of `as`. */
static int play(const int as[4], const enum live_step *steps, int n_steps, struct sight *f)
{
    const struct still *first = &ev.at[as[0]];
    int n = 0;

    film(f, &n, first, first, false, 4);
    for (int i = 0; i < n_steps; i++) {
        film(f, &n, first, &ev.at[as[steps[i]]], steps[i] == LIVE_BLINK, 2);
        film(f, &n, first, first, false, 4);
    }
    return n;
}

static bool can(const int as[4], const enum live_step *steps, int n)
{
    for (int i = 0; i < n; i++)
        if (as[steps[i]] < 0 || (steps[i] == LIVE_BLINK && !ev.at[as[0]].blinks))
            return false;
    return as[0] >= 0;
}

struct outcome {
    int n, passed;
};

static void judge(const enum live_step *steps, int n_steps, const struct sight *f, int n,
                  struct outcome *o)
{
    struct judgement j;

    challenge_judge(steps, n_steps, STEP_MS, f, n, &j);
    o->n++;
    o->passed += j.passed;
}

static void report_challenges(void)
{
    static struct sight f[200];
    struct outcome good = {0}, still = {0}, replay = {0}, swap = {0};
    int before[4] = {-1, -1, -1, -1};

    for (int i = 0; i < ev.lfw.n; i++) {
        enum live_step asked[LIVE_STEPS_MAX], filmed[LIVE_STEPS_MAX];
        int as[4], n_asked = challenge_make(asked), n_filmed = challenge_make(filmed), n;

        if (!ev.at[i].found)
            continue;
        cast(i, as);
        if (as[0] != i || !can(as, asked, n_asked))
            continue; /* each person once */
        n = play(as, asked, n_asked, f);
        judge(asked, n_asked, f, n, &good);
        n = 0;
        film(f, &n, &ev.at[i], &ev.at[i], false, 40);
        judge(asked, n_asked, f, n, &still);
        if (can(as, filmed, n_filmed)) {
            n = play(as, filmed, n_filmed, f);
            judge(asked, n_asked, f, n, &replay);
        }
        if (can(before, asked, n_asked)) { /* someone else's face after the first frames */
            int mixed[4] = {as[0], before[1], before[2], before[3]};

            n = play(mixed, asked, n_asked, f);
            judge(asked, n_asked, f, n, &swap);
        }
        memcpy(before, as, sizeof(before));
    }
    printf("challenges composed of stills\n");
    rate("a person who answers, passed", "challenge_answered", good.passed, good.n);
    rate("a photograph held still, passed", "challenge_still", still.passed, still.n);
    rate("a film of another random challenge, passed", "challenge_replay", replay.passed,
         replay.n);
    rate("somebody else who answers, passed", "challenge_swapped", swap.passed, swap.n);
}

int main(int argc, char **argv)
{
    struct ward_err err = {0};
    struct face_pack *pack;
    int every = argc > 6 ? (int)strtol(argv[6], NULL, 10) : 1;
    struct face_pack_config cfg = {.order = "cpu", .fallback = "deny"};

    if (argc < 5 || every < 1) {
        fprintf(stderr, "usage: eval_liveness LFW_DIR MODELS_DIR PLUGINS_DIR RESULT.json "
                        "[PACK [EVERY]]\n");
        return 2;
    }
    cfg.models = argv[2];
    cfg.plugins = argv[3];
    cfg.pack = argc > 5 ? argv[5] : "faceplugin";
    ev.json = fopen(argv[4], "w");
    ev.at = calloc(LFW_IMAGES, sizeof(*ev.at));
    if (ev.json == NULL || ev.at == NULL)
        eval_die(argv[4], NULL);
    lfw_open(argv[1], &ev.lfw);
    must(face_pack_open(&cfg, &pack, &err), &err);
    must(face_engine_open(pack, &ev.engine, &err), &err);
    if (!face_pack_live(pack)) {
        printf("skipped: the pack %s has no models for liveness\n", cfg.pack);
        return 0;
    }
    ward_arena_init(&ev.mem, ARENA_CAP);
    for (int i = 0; i < ev.lfw.n; i += every) {
        measure(i);
        ward_arena_reset(&ev.mem);
    }
    fprintf(ev.json, "{\n");
    printf("LFW, %d images; attacks, lids and sequences are simulated\n", ev.lfw.n);
    report_passive();
    report_sights();
    report_likeness();
    report_challenges();
    fprintf(ev.json,
            "  \"threshold\": %.3f,\n  \"simulated\": true,\n  \"images\": %d,\n"
            "  \"pack\": \"%s\"\n}\n",
            LIVENESS_THRESHOLD, ev.lfw.n, cfg.pack);
    return fclose(ev.json) == 0 ? 0 : 1;
}
