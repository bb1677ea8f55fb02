/* eval_quality - what the capture gates refuse: of LFW as it is, and of copies made worse.
 *
 *   eval_quality LFW_DIR MODELS_DIR PLUGINS_DIR RESULT.json [PACK [EVERY]]
 *
 * Every image is measured; every EVERYth (6) is also blurred, darkened, brightened, turned,
 * cropped and covered. The covers are painted on, so figures for them say what the signal sees
 * in such paintings. Fails where a gate refuses more than GOAL percent of LFW.
 */
#include "common/base/clock.h"
#include "common/base/metrics.h"
#include "tests/bench/live/degrade.h"
#include "tests/bench/live/lfw.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define GOAL      0.5 /* percent */
#define ARENA_CAP ((size_t)512 << 20)
#define PACKS     "models" /* the repository's: PACK/calibration.json */
#define VALUES    3000

static struct {
    struct lfw lfw;
    struct face_engine *engine;
    struct ward_arena mem;
    FILE *json;
    int gates[LIVENESS_REQUIRED + 1];
    double match; /* cosine at FMR 1e-4: below it a capture harms */
    double quality_s, cover[COVER_N][VALUES], open[VALUES], yaw[2][VALUES], pitch[2][VALUES],
        roll[2][VALUES];
    int n, n_cover[COVER_N], n_open;
    bool posed; /* the pack has a pose model */
} ev;

struct look {
    bool found, padded;
    struct face_box box;
    struct face face;
    struct quality q;
    enum gate gate;
};

static void must(enum ward_code code, const struct ward_err *err)
{
    if (code != WARD_OK)
        eval_die("a model fails", err);
}

static void look_at(const struct pixels *im, struct look *out)
{
    struct face_box boxes[FACE_MAX_FOUND];
    struct ward_err err = {0};
    int64_t began;
    int n = 0;

    *out = (struct look){.gate = FACE_NOT_FOUND};
    if (im->rgb == NULL)
        eval_die("no memory", NULL);
    must(face_detect(ev.engine, &ev.mem, NULL, im, boxes, &n, &err), &err);
    if (n == 0) {
        struct rect padded = {-0.25 * im->w, -0.25 * im->h, 1.5 * im->w, 1.5 * im->h};

        must(face_search(ev.engine, &ev.mem, NULL, im, padded, boxes, &n, &err), &err);
        out->padded = n > 0;
    }
    if (n == 0)
        return;
    out->found = true;
    out->box = boxes[lfw_subject(boxes, n, im)];
    must(face_locate(ev.engine, &ev.mem, NULL, im, &out->box, &out->face, &err), &err);
    began = ward_mono_ns();
    must(quality_measure(im, &out->face, &ev.mem, &out->q, &err), &err);
    ev.quality_s += (double)(ward_mono_ns() - began) / 1e9;
    out->gate = quality_gate(&out->q);
    must(face_embed(ev.engine, &ev.mem, NULL, im, &out->face, &err), &err);
}

/* ---- of LFW as it is ---- */

static void compare_pose(const struct pixels *im, const struct look *l)
{
    struct ward_err err = {0};
    double yaw = 0, pitch = 0, roll = 0;

    must(pose_measure(ev.engine, &ev.mem, NULL, im, &l->box, &yaw, &pitch, &roll, &err), &err);
    ev.yaw[0][ev.n] = l->q.yaw, ev.yaw[1][ev.n] = yaw;
    ev.pitch[0][ev.n] = l->q.pitch, ev.pitch[1][ev.n] = pitch;
    ev.roll[0][ev.n] = l->q.roll, ev.roll[1][ev.n] = roll;
    ev.n++;
}

static void agreement(const char *name, const double a[], const double b[])
{
    double ma = 0, mb = 0, aa = 0, bb = 0, ab = 0, square = 0;

    for (int i = 0; i < ev.n; i++)
        ma += a[i] / ev.n, mb += b[i] / ev.n;
    for (int i = 0; i < ev.n; i++) {
        aa += (a[i] - ma) * (a[i] - ma), bb += (b[i] - mb) * (b[i] - mb);
        ab += (a[i] - ma) * (b[i] - mb), square += (a[i] - b[i]) * (a[i] - b[i]) / ev.n;
    }
    printf("  %-6s landmarks against the pose model: correlation %.3f, %.1f degrees rms\n",
           name, ab / sqrt(aa * bb), sqrt(square));
    fprintf(ev.json, "  \"%s_correlation\": %.4f,\n  \"%s_rms_deg\": %.2f,\n", name,
            ab / sqrt(aa * bb), name, sqrt(square));
}

/* ---- copies made worse ---- */

/* What became of the copies of one kind. */
struct tally {
    const char *name;
    enum gate own; /* the gate that is meant to see it */
    int n, missed, own_gate, any_gate, harmed, slipped;
};
#define TALLIES 48
static struct tally tallies[TALLIES];
static int n_tallies;

static struct tally *tally_of(const char *name, enum gate own)
{
    for (int i = 0; i < n_tallies; i++)
        if (strcmp(tallies[i].name, name) == 0)
            return &tallies[i];
    if (n_tallies == TALLIES)
        eval_die("too many kinds", NULL);
    tallies[n_tallies] = (struct tally){.name = strdup(name), .own = own};
    return &tallies[n_tallies++];
}

static struct look judge(const char *name, enum gate own, const struct pixels *im,
                         const float *truth)
{
    struct tally *t = tally_of(name, own);
    struct look l;
    bool harmed;

    look_at(im, &l);
    t->n++;
    t->missed += !l.found;
    if (!l.found)
        return l;
    harmed = face_cosine(truth, l.face.embedding, FACE_DIM_MAX) < ev.match;
    t->own_gate += l.gate == own;
    t->any_gate += l.gate != USABLE;
    t->harmed += harmed;
    t->slipped += harmed && l.gate == USABLE;
    return l;
}

static void cover_all(const struct pixels *im, const struct face *f, int i)
{
    for (int c = 0; c < COVER_N; c++) {
        struct pixels d = degrade_cover(im, f, (enum cover)c, (unsigned)i, &ev.mem);
        struct look l = judge(cover_names[c], FACE_OCCLUDED, &d, f->embedding);

        if (l.found && ev.n_cover[c] < VALUES)
            ev.cover[c][ev.n_cover[c]++] = l.q.occlusion;
    }
}

static void worsen_light_and_focus(const struct pixels *im, const float *truth)
{
    static const double blurs[] = {1.2, 1.9, 2.5, 3.1, 4.9}, gammas[] = {2, 3.2, 5.1, 8.2},
                        gains[] = {1.5, 2.0, 2.4, 3.8};
    struct pixels d;
    char name[40];

    for (size_t k = 0; k < WARD_COUNT(blurs); k++) {
        snprintf(name, sizeof(name), "blur, sigma %.1f px", blurs[k]);
        d = degrade_blur(im, blurs[k], &ev.mem);
        judge(name, FACE_BLURRED, &d, truth);
    }
    for (size_t k = 0; k < WARD_COUNT(gammas); k++) {
        snprintf(name, sizeof(name), "darker, gamma %.1f", gammas[k]);
        d = degrade_gamma(im, gammas[k], &ev.mem);
        judge(name, FACE_TOO_DARK, &d, truth);
    }
    for (size_t k = 0; k < WARD_COUNT(gains); k++) {
        snprintf(name, sizeof(name), "brighter, times %.1f", gains[k]);
        d = degrade_gain(im, gains[k], &ev.mem);
        judge(name, FACE_TOO_BRIGHT, &d, truth);
    }
}

/* Crops around the face: `keep` times the box, and one with a side of the face cut off. */
static void worsen_frame(const struct pixels *im, const struct look *l)
{
    static const double keeps[] = {1.3, 1.0, 0.8}, cuts[] = {0.1, 0.2, 0.3, 0.4};
    double h = l->box.y2 - l->box.y1, w = l->box.x2 - l->box.x1;
    struct pixels d;
    char name[40];

    for (int k = 15; k <= 60; k += 15) {
        snprintf(name, sizeof(name), "rolled by %d degrees", k);
        d = degrade_turn(im, k, &ev.mem);
        judge(name, FACE_TURNED, &d, l->face.embedding);
    }
    for (size_t k = 0; k < WARD_COUNT(keeps); k++) {
        int x = (int)fmax(0, (l->box.x1 + l->box.x2 - keeps[k] * w) / 2),
            y = (int)fmax(0, (l->box.y1 + l->box.y2 - keeps[k] * h) / 2);
        int x_end = (int)fmin(im->w, (l->box.x1 + l->box.x2 + keeps[k] * w) / 2),
            y_end = (int)fmin(im->h, (l->box.y1 + l->box.y2 + keeps[k] * h) / 2);

        snprintf(name, sizeof(name), "cropped to %.1f of the box", keeps[k]);
        d = degrade_crop(im, x, y, x_end - x, y_end - y, &ev.mem);
        judge(name, FACE_CROPPED, &d, l->face.embedding);
    }
    for (size_t k = 0; k < WARD_COUNT(cuts); k++) {
        int x = (int)fmin(im->w - 1, fmax(0, l->box.x1 + cuts[k] * w));

        snprintf(name, sizeof(name), "cut, %.0f %% of the face", 100 * cuts[k]);
        d = degrade_crop(im, x, 0, im->w - x, im->h, &ev.mem);
        judge(name, FACE_CROPPED, &d, l->face.embedding);
    }
}

/* ---- report ---- */

static bool report_gates(int n, int missed)
{
    bool kept = true;
    double lo, hi;

    printf("LFW, %d images: refused by each gate (goal: at most %.1f %% each)\n", n, GOAL);
    for (enum gate g = FACE_CROPPED; g <= FACE_OCCLUDED; g++) {
        double share = 100.0 * ev.gates[g] / n;

        wilson(ev.gates[g], n, &lo, &hi);
        printf("  %-16s %3d  %.2f %%  (95 %%: %.2f to %.2f)\n", gate_reason(g), ev.gates[g],
               share, lo, hi);
        fprintf(ev.json, "  \"refused_%s_percent\": %.3f,\n", gate_reason(g), share);
        kept = kept && share <= GOAL;
    }
    printf("  not found        %3d\n", missed);
    return kept;
}

static void report_covers(void)
{
    for (int c = 0; c < COVER_N; c++) {
        double auc = auc_of(ev.open, ev.n_open, ev.cover[c], ev.n_cover[c]);
        int seen = 0;
        double lo, hi;

        for (int i = 0; i < ev.n_cover[c]; i++)
            seen += ev.cover[c][i] > quality_limits.occlusion;
        wilson(seen, ev.n_cover[c], &lo, &hi);
        printf("  occlusion signal, %-8s AUC %.3f, above the limit %.1f %% (95 %%: %.1f to "
               "%.1f)\n",
               cover_names[c], auc, 100.0 * seen / ev.n_cover[c], lo, hi);
        fprintf(ev.json,
                "  \"occlusion_auc_%s\": %.4f,\n  \"occlusion_seen_%s_percent\": %.2f,\n",
                cover_names[c], auc, cover_names[c], 100.0 * seen / ev.n_cover[c]);
    }
}

static void report_tallies(void)
{
    printf("  %-24s %5s %6s %9s %9s %8s %8s\n", "copy (simulated)", "n", "lost", "its gate",
           "any gate", "harmed", "slipped");
    for (int i = 0; i < n_tallies; i++) {
        const struct tally *t = &tallies[i];
        double k = 100.0 / t->n;

        printf("  %-24s %5d %5.1f%% %8.1f%% %8.1f%% %7.1f%% %7.1f%%\n", t->name, t->n,
               k * t->missed, k * t->own_gate, k * t->any_gate, k * t->harmed, k * t->slipped);
    }
    printf("  lost: no face found. harmed: no longer matches its own original at FMR 1e-4.\n"
           "  slipped: harmed, and no gate says so.\n");
}

static void add_run_seconds(const struct ward_family *f, void *sum)
{
    if (strcmp(f->name, "ward_host_run_seconds") == 0)
        for (int i = 0; i < f->n; i++)
            *(double *)sum += f->series[i]->value;
}

/* Detect, landmarks, quality, embedding of one face, over the time of the models alone. */
static void report_cost(const struct pixels *im)
{
    double before = 0, after = 0, took = 0, quality = ev.quality_s;
    const int rounds = 200;
    struct look l;

    ward_metric_each(add_run_seconds, &before);
    for (int i = 0; i < rounds; i++) {
        int64_t began = ward_mono_ns();

        look_at(im, &l);
        took += (double)(ward_mono_ns() - began) / 1e9;
    }
    ward_metric_each(add_run_seconds, &after);
    quality = (ev.quality_s - quality) / rounds * 1e3;
    printf("  quality %.3f ms a face; pixels to embedding with it %.2f ms, %.3f x the models\n",
           quality, took / rounds * 1e3, took / (after - before));
    fprintf(ev.json, "  \"quality_ms\": %.4f,\n  \"pixels_to_embedding_over_models\": %.4f,\n",
            quality, took / (after - before));
}

static double threshold(const char *pack, const char *sha256)
{
    struct ward_err err = {0};
    struct calibration cal;
    struct operating_point at;
    char path[400];

    snprintf(path, sizeof(path), PACKS "/%s/calibration.json", pack);
    must(calibration_load(path, sha256, &cal, &err), &err);
    must(rule_operating_point(&cal, 1e-4, &at, &err), &err);
    return at.threshold;
}

static void one(int i, bool worsen, int *missed)
{
    struct pixels im = lfw_read(&ev.lfw, i, &ev.mem);
    struct look l;

    look_at(&im, &l);
    if (!l.found) {
        (*missed)++;
        return;
    }
    ev.gates[l.gate]++;
    if (i % 2 == 1 && ev.n_open < VALUES) /* the fit was made on the even ones */
        ev.open[ev.n_open++] = l.q.occlusion;
    if (!worsen)
        return;
    if (ev.posed)
        compare_pose(&im, &l);
    cover_all(&im, &l.face, i);
    worsen_light_and_focus(&im, l.face.embedding);
    worsen_frame(&im, &l);
}

int main(int argc, char **argv)
{
    struct ward_err err = {0};
    struct face_pack *pack;
    int every = argc > 6 ? (int)strtol(argv[6], NULL, 10) : 6, missed = 0;
    struct face_pack_config cfg = {.order = "cpu", .fallback = "deny"};
    bool kept;

    if (argc < 5 || every < 1) {
        fprintf(stderr, "usage: eval_quality LFW_DIR MODELS_DIR PLUGINS_DIR RESULT.json "
                        "[PACK [EVERY]]\n");
        return 2;
    }
    cfg.models = argv[2];
    cfg.plugins = argv[3];
    cfg.pack = argc > 5 ? argv[5] : "faceplugin";
    ev.json = fopen(argv[4], "w");
    if (ev.json == NULL)
        eval_die(argv[4], NULL);
    lfw_open(argv[1], &ev.lfw);
    must(face_pack_open(&cfg, &pack, &err), &err);
    must(face_engine_open(pack, &ev.engine, &err), &err);
    ward_arena_init(&ev.mem, ARENA_CAP);
    ev.posed = face_pack_live(pack);
    ev.match = threshold(cfg.pack, face_pack_sha256(pack));
    fprintf(ev.json, "{\n");
    for (int i = 0; i < ev.lfw.n; i++) {
        one(i, i % every == every - 1, &missed);
        ward_arena_reset(&ev.mem);
    }
    kept = report_gates(ev.lfw.n, missed);
    if (ev.posed) {
        agreement("yaw", ev.yaw[0], ev.yaw[1]);
        agreement("pitch", ev.pitch[0], ev.pitch[1]);
        agreement("roll", ev.roll[0], ev.roll[1]);
    }
    report_covers();
    report_tallies();
    {
        struct pixels im = lfw_read(&ev.lfw, 0, &ev.mem);

        report_cost(&im);
    }
    fprintf(ev.json, "  \"images\": %d,\n  \"missed\": %d,\n  \"pack\": \"%s\"\n}\n", ev.lfw.n,
            missed, cfg.pack);
    return fclose(ev.json) == 0 && kept ? 0 : 1;
}
