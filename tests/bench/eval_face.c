/* eval_face - verification on LFW, through identity's own pipeline.
 *
 *   eval_face LFW_DIR MODELS_DIR PLUGINS_DIR RESULT.json
 *
 * LFW_DIR holds pairs.tsv (fold, same, image_a, image_b) and images/. Accuracy is LFW's
 * protocol: for each fold the threshold is the one that is best on the other folds. TAR at FAR
 * 1e-3 takes the lowest threshold that at most one impostor pair in a thousand reaches. A pair
 * whose face was not found scores -1: it counts against us. Fails below GOAL. Where a picture
 * shows several faces the subject is the large, central one, as LFW's are.
 */
#include "common/base/clock.h"
#include "common/base/metrics.h"
#include "common/image/image.h"
#include "services/identity/face/face.h"
#include "services/identity/rules.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_IMAGES 16384
#define MAX_PAIRS  8192
#define MAX_FOLDS  16
#define ARENA_CAP  ((size_t)64 << 20)
#define REDRAWS    1000
#define GOAL       99.0 /* accuracy, percent: below it the program fails */

struct pair {
    int fold, same, a, b;
    double score;
};

struct picture {
    char *name;
    bool found;
    enum gate gate; /* what Enrol would say of it */
    float v[FACE_DIM];
};

static struct {
    struct picture *pictures;
    int n_pictures;
    struct pair *pairs;
    int n_pairs, n_folds;
    struct face_pack *pack;
    struct face_engine *engine;
    struct ward_arena mem;
    double *took_ms; /* photograph to embedding, decoding included */
    int n_took;
} ev;

static _Noreturn void die(const char *what, const struct ward_err *err)
{
    fprintf(stderr, "eval_face: %s: %s (%s)\n", what, err == NULL ? "" : err->msg,
            err == NULL ? "" : err->detail);
    exit(2);
}

static int picture_of(const char *name)
{
    for (int i = ev.n_pictures - 1; i >= 0; i--)
        if (strcmp(ev.pictures[i].name, name) == 0)
            return i;
    if (ev.n_pictures == MAX_IMAGES)
        die("too many images", NULL);
    ev.pictures[ev.n_pictures].name = strdup(name);
    return ev.n_pictures++;
}

static void read_pairs(const char *dir)
{
    char path[4096], line[1024], a[400], b[400];
    FILE *f;
    int fold, same;

    snprintf(path, sizeof(path), "%s/pairs.tsv", dir);
    f = fopen(path, "r");
    if (f == NULL)
        die("no pairs.tsv", NULL);
    while (fgets(line, sizeof(line), f) != NULL) {
        if (sscanf(line, "%d %d %399s %399s", &fold, &same, a, b) != 4)
            continue; /* the heading */
        if (ev.n_pairs == MAX_PAIRS || fold < 1 || fold > MAX_FOLDS)
            die("pairs.tsv has too many pairs or folds", NULL);
        ev.pairs[ev.n_pairs++] =
            (struct pair){fold - 1, same, picture_of(a), picture_of(b), -1};
        ev.n_folds = fold > ev.n_folds ? fold : ev.n_folds;
    }
    fclose(f);
}

static size_t slurp(const char *path, uint8_t **out)
{
    FILE *f = fopen(path, "rb");
    long n = 0;

    if (f == NULL || fseek(f, 0, SEEK_END) != 0 || (n = ftell(f)) <= 0)
        die(path, NULL);
    rewind(f);
    *out = malloc((size_t)n);
    if (*out == NULL || fread(*out, 1, (size_t)n, f) != (size_t)n)
        die(path, NULL);
    fclose(f);
    return (size_t)n;
}

/* The large, central face. */
static int subject(const struct face_box *b, int n, const struct pixels *im)
{
    double best = -1e300;
    int at = 0;

    for (int i = 0; i < n; i++) {
        double dx = (b[i].x1 + b[i].x2 - im->w) / 2, dy = (b[i].y1 + b[i].y2 - im->h) / 2;
        double rank = (b[i].x2 - b[i].x1) * (b[i].y2 - b[i].y1) - 2 * (dx * dx + dy * dy);

        if (rank > best)
            best = rank, at = i;
    }
    return at;
}

static void embed(struct picture *p, const char *dir)
{
    static const struct ward_image_limits limits = {8 << 20, 16777216, 16384, 4194304};
    struct face_box boxes[FACE_MAX_FOUND];
    struct ward_image image;
    struct ward_err err = {0};
    struct pixels im;
    struct face face;
    char path[4096];
    uint8_t *bytes;
    size_t n_bytes;
    int64_t began;
    int n = 0, which = 0;

    snprintf(path, sizeof(path), "%s/images/%s", dir, p->name);
    n_bytes = slurp(path, &bytes);
    began = ward_mono_ns();
    if (ward_image_decode(bytes, n_bytes, &limits, &ev.mem, &image, &err) != WARD_OK)
        die(path, &err);
    im = (struct pixels){image.width, image.height, image.rgb};
    if (face_detect(ev.engine, &ev.mem, NULL, &im, boxes, &n, &err) != WARD_OK)
        die(path, &err);
    p->gate = rule_which_face(boxes, n, &which);
    if (n > 0) {
        if (face_locate(ev.engine, &ev.mem, NULL, &im, &boxes[subject(boxes, n, &im)], &face,
                        &err) != WARD_OK ||
            face_embed(ev.engine, &ev.mem, NULL, &im, &face, &err) != WARD_OK)
            die(path, &err);
        memcpy(p->v, face.embedding, sizeof(p->v));
        p->found = true;
        if (p->gate == USABLE)
            p->gate = rule_eyes(face.eye_distance_px);
        ev.took_ms[ev.n_took++] = (double)(ward_mono_ns() - began) / 1e6;
    }
    free(bytes);
    ward_arena_reset(&ev.mem);
}

static int up(const void *a, const void *b)
{
    double d = *(const double *)a - *(const double *)b;

    return d > 0 ? 1 : d < 0 ? -1 : 0;
}

static int by_score(const void *a, const void *b)
{
    return up(&((const struct pair *)a)->score, &((const struct pair *)b)->score);
}

/* The threshold that is right most often on all pairs but those of one fold. */
static double best_threshold(const struct pair *sorted, int n, int without)
{
    int right = 0, best, at = -1;

    for (int i = 0; i < n; i++)
        right += sorted[i].fold != without && sorted[i].same;
    best = right; /* everything is a match */
    for (int i = 0; i < n; i++) {
        if (sorted[i].fold == without)
            continue;
        right += sorted[i].same ? -1 : 1;
        if (right > best)
            best = right, at = i;
    }
    if (at < 0)
        return -2;
    return at + 1 < n ? (sorted[at].score + sorted[at + 1].score) / 2 : sorted[at].score + 1;
}

struct figures {
    double accuracy, auc, tar;
    double threshold_mean, threshold_tar;
    int right, genuine, genuine_found, impostors;
};

/* `sorted` ascending by score. */
static double auc_of(const struct pair *sorted, int n, int genuine)
{
    double ranks = 0, impostors = n - genuine;

    for (int i = 0, j; i < n; i = j) {
        for (j = i; j < n && sorted[j].score <= sorted[i].score; j++)
            ;
        for (int k = i; k < j; k++) /* ties share their mean rank */
            ranks += sorted[k].same ? (i + 1 + j) / 2.0 : 0;
    }
    return (ranks - genuine * (genuine + 1.0) / 2) / (genuine * impostors);
}

static struct figures measure(struct pair *pairs, int n)
{
    struct figures f = {0};
    int allowed, above = 0;

    qsort(pairs, (size_t)n, sizeof(*pairs), by_score);
    for (int fold = 0; fold < ev.n_folds; fold++) {
        double threshold = best_threshold(pairs, n, fold);
        int right = 0, in = 0;

        for (int i = 0; i < n; i++) {
            in += pairs[i].fold == fold;
            right += pairs[i].fold == fold && (pairs[i].score > threshold) == pairs[i].same;
        }
        f.right += right;
        f.accuracy += in == 0 ? 0 : 100.0 * right / in / ev.n_folds;
        f.threshold_mean += threshold / ev.n_folds;
    }
    for (int i = 0; i < n; i++)
        f.genuine += pairs[i].same;
    f.impostors = n - f.genuine;
    f.auc = auc_of(pairs, n, f.genuine);

    allowed = (int)(f.impostors * 1e-3);
    for (int i = n - 1; i >= 0; i--) {
        above += !pairs[i].same;
        if (above > allowed) {
            f.threshold_tar = pairs[i].score;
            break;
        }
        f.genuine_found += pairs[i].same;
    }
    f.tar = 100.0 * f.genuine_found / f.genuine;
    return f;
}

/* Wilson's interval, percent. */
static void wilson(int k, int n, double *lo, double *hi)
{
    const double z = 1.959964;
    double p = (double)k / n, d = 1 + z * z / n, mid = (p + z * z / (2.0 * n)) / d;
    double half = z * sqrt(p * (1 - p) / n + z * z / (4.0 * n * n)) / d;

    *lo = 100 * (mid - half);
    *hi = 100 * (mid + half);
}

/* Bootstrap over pairs: 2.5 % and 97.5 % of REDRAWS areas. */
static void auc_interval(double *lo, double *hi)
{
    static double areas[REDRAWS];
    struct pair *draw = calloc((size_t)ev.n_pairs, sizeof(*draw));
    uint64_t x = 88172645463325252u;

    if (draw == NULL)
        die("no memory", NULL);
    for (int r = 0; r < REDRAWS; r++) {
        int genuine = 0;

        for (int i = 0; i < ev.n_pairs; i++) {
            x ^= x << 13, x ^= x >> 7, x ^= x << 17;
            draw[i] = ev.pairs[x % (uint64_t)ev.n_pairs];
            genuine += draw[i].same;
        }
        qsort(draw, (size_t)ev.n_pairs, sizeof(*draw), by_score);
        areas[r] = auc_of(draw, ev.n_pairs, genuine);
    }
    qsort(areas, REDRAWS, sizeof(*areas), up);
    *lo = areas[(int)(0.025 * REDRAWS)];
    *hi = areas[(int)(0.975 * REDRAWS)];
    free(draw);
}

static void score_pairs(void)
{
    for (int i = 0; i < ev.n_pairs; i++) {
        struct pair *p = &ev.pairs[i];
        const struct picture *a = &ev.pictures[p->a], *b = &ev.pictures[p->b];

        p->score = a->found && b->found ? face_cosine(a->v, b->v, FACE_DIM) : -1;
    }
}

/* What the service would answer at one of its own operating points. */
static void report_point(double fmr)
{
    struct calibration cal;
    struct ward_err err = {0};
    struct operating_point at;
    int genuine = 0, hits = 0, impostors = 0, false_hits = 0;

    if (calibration_load("models/faceplugin/calibration.json", face_pack_sha256(ev.pack), &cal,
                         &err) != WARD_OK)
        die("the calibration", &err);
    if (rule_operating_point(&cal, fmr, &at, NULL) != WARD_OK)
        die("no such operating point", NULL);
    for (int i = 0; i < ev.n_pairs; i++) {
        const struct pair *p = &ev.pairs[i];

        genuine += p->same, impostors += !p->same;
        hits += p->same && p->score >= at.threshold;
        false_hits += !p->same && p->score >= at.threshold;
    }
    printf("  at FMR %g (threshold %.3f): %d of %d genuine accepted, %d of %d impostors\n",
           at.fmr, at.threshold, hits, genuine, false_hits, impostors);
}

/* Seconds spent in models, of all runs. */
static void add_run_seconds(const struct ward_family *f, void *sum)
{
    if (strcmp(f->name, "ward_host_run_seconds") == 0)
        for (int i = 0; i < f->n; i++)
            *(double *)sum += f->series[i]->value;
}

/* Decoding to embedding, over the time of the models alone: what everything else costs. */
static double over_models(void)
{
    double models_s = 0, all_ms = 0;

    ward_metric_each(add_run_seconds, &models_s);
    for (int i = 0; i < ev.n_took; i++)
        all_ms += ev.took_ms[i];
    return all_ms / (1e3 * models_s);
}

static bool report(const char *json)
{
    struct figures f = measure(ev.pairs, ev.n_pairs);
    double acc_lo, acc_hi, auc_lo, auc_hi, tar_lo, tar_hi, p50;
    int missed = 0, gates[LIVENESS_REQUIRED + 1] = {0};
    FILE *out = fopen(json, "w");

    wilson(f.right, ev.n_pairs, &acc_lo, &acc_hi);
    wilson(f.genuine_found, f.genuine, &tar_lo, &tar_hi);
    auc_interval(&auc_lo, &auc_hi);
    for (int i = 0; i < ev.n_pictures; i++) {
        missed += !ev.pictures[i].found;
        gates[ev.pictures[i].gate]++;
    }
    qsort(ev.took_ms, (size_t)ev.n_took, sizeof(double), up);
    p50 = ev.took_ms[ev.n_took / 2];

    printf("LFW folds 1-%d: %d pairs, %d images\n", ev.n_folds, ev.n_pairs, ev.n_pictures);
    printf("  accuracy        %.2f %%   (95 %%: %.2f to %.2f; goal %.2f)\n", f.accuracy, acc_lo,
           acc_hi, GOAL);
    printf("  AUC             %.5f  (95 %%: %.5f to %.5f)\n", f.auc, auc_lo, auc_hi);
    printf("  TAR at FAR 1e-3 %.2f %%   (95 %%: %.2f to %.2f; %d impostor pairs)\n", f.tar,
           tar_lo, tar_hi, f.impostors);
    printf("  not detected    %d images\n", missed);
    printf("  thresholds      %.3f (accuracy), %.3f (FAR 1e-3)\n", f.threshold_mean,
           f.threshold_tar);
    printf("  would be refused at enrolment: %d several faces, %d too small\n",
           gates[SEVERAL_FACES], gates[FACE_TOO_SMALL]);
    printf("  photograph to embedding %.1f ms (median, one thread), %.2f x the models alone\n",
           p50, over_models());
    report_point(1e-3);
    report_point(1e-4);
    if (out == NULL)
        die(json, NULL);
    fprintf(
        out,
        "{\n  \"accuracy\": %.3f,\n  \"goal_accuracy\": %.1f,\n"
        "  \"accuracy_ci95_low\": %.3f,\n  \"accuracy_ci95_high\": %.3f,\n  \"auc\": %.6f,\n"
        "  \"auc_ci95_low\": %.6f,\n  \"auc_ci95_high\": %.6f,\n  \"tar_at_far_1e3\": %.3f,\n"
        "  \"tar_at_far_1e3_ci95_low\": %.3f,\n  \"tar_at_far_1e3_ci95_high\": %.3f,\n  "
        "\"not_detected\": %d,\n"
        "  \"pairs\": %d,\n  \"images\": %d,\n  \"folds\": %d,\n"
        "  \"photo_to_embedding_ms_p50\": %.2f,\n  \"photo_vs_models\": %.3f,\n  "
        "\"model_sha256\": \"%s\"\n}\n",
        f.accuracy, GOAL, acc_lo, acc_hi, f.auc, auc_lo, auc_hi, f.tar, tar_lo, tar_hi, missed,
        ev.n_pairs, ev.n_pictures, ev.n_folds, p50, over_models(), face_pack_sha256(ev.pack));
    if (fclose(out) != 0)
        die(json, NULL);
    return f.accuracy >= GOAL;
}

int main(int argc, char **argv)
{
    struct ward_err err = {0};
    bool reached;

    if (argc != 5) {
        fprintf(stderr, "usage: eval_face LFW_DIR MODELS_DIR PLUGINS_DIR RESULT.json\n");
        return 2;
    }
    ev.pictures = calloc(MAX_IMAGES, sizeof(*ev.pictures));
    ev.pairs = calloc(MAX_PAIRS, sizeof(*ev.pairs));
    ev.took_ms = calloc(MAX_IMAGES, sizeof(*ev.took_ms));
    if (ev.pictures == NULL || ev.pairs == NULL || ev.took_ms == NULL)
        die("no memory", NULL);
    ward_arena_init(&ev.mem, ARENA_CAP);
    read_pairs(argv[1]);
    if (face_pack_open(
            &(struct face_pack_config){argv[3], argv[2], getenv("PACK") ? getenv("PACK") : "faceplugin", "cpu", "deny"}, &ev.pack,
            &err) != WARD_OK ||
        face_engine_open(ev.pack, &ev.engine, &err) != WARD_OK)
        die("the models", &err);
    for (int i = 0; i < ev.n_pictures; i++) {
        embed(&ev.pictures[i], argv[1]);
        if ((i + 1) % 500 == 0)
            fprintf(stderr, "  %d of %d images\n", i + 1, ev.n_pictures);
    }
    score_pairs();
    reached = report(argv[4]);
    face_engine_close(ev.engine);
    face_pack_close(ev.pack);
    ward_arena_done(&ev.mem);
    for (int i = 0; i < ev.n_pictures; i++)
        free(ev.pictures[i].name);
    free(ev.pictures);
    free(ev.pairs);
    free(ev.took_ms);
    return reached ? 0 : 1;
}
