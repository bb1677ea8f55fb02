/* eval_face - verification on LFW, through identity's own pipeline.
 *
 *   eval_face PACK LFW_DIR MODELS_DIR PLUGINS_DIR CALIBRATION.json RESULT.json [DUMP]
 *
 * LFW_DIR holds pairs.tsv (fold, same, image_a, image_b) and images/. Fails below the pack's
 * goals. DUMP takes every embedding, for other benches (faces/lfw.h).
 */
#include "tests/bench/faces/figures.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define POINT 1e-4 /* the service's default rate of false matches */

static double goal_accuracy(const char *pack)
{
    return strcmp(pack, "faceplugin") == 0 ? 99.3 : 98.8;
}

struct result {
    const char *pack;
    struct figures f;
    struct operating_point point;
    struct at_point at;
    double p50_ms, over_models;
    int not_detected, gates[LIVENESS_REQUIRED + 1];
};

static void measure(struct lfw *l, const char *calibration, struct result *r)
{
    struct calibration cal;
    struct ward_err err = {0};
    double all_ms = 0;

    if (calibration_load(calibration, l->model_sha256, &cal, &err) != WARD_OK ||
        rule_operating_point(&cal, POINT, &r->point, &err) != WARD_OK)
        die("the calibration", &err);
    r->f = figures_of(l->pairs, l->n_pairs, l->n_folds);
    r->at = figures_at(l->pairs, l->n_pairs, r->point.threshold);
    for (int i = 0; i < l->n_pictures; i++) {
        r->not_detected += !l->pictures[i].found;
        r->gates[l->pictures[i].gate]++;
    }
    for (int i = 0; i < l->n_took; i++)
        all_ms += l->took_ms[i];
    r->over_models = all_ms / (1e3 * l->models_s);
    qsort(l->took_ms, (size_t)l->n_took, sizeof(double), ascending);
    r->p50_ms = l->n_took == 0 ? 0 : l->took_ms[l->n_took / 2];
}

static void print(const struct lfw *l, const struct result *r)
{
    const struct figures *f = &r->f;

    printf("LFW folds 1-%d, pack %s: %d pairs, %d images\n", l->n_folds, r->pack, l->n_pairs,
           l->n_pictures);
    printf("  accuracy        %.2f %%   (95 %%: %.2f to %.2f; goal %.2f)\n", f->accuracy.value,
           f->accuracy.low, f->accuracy.high, goal_accuracy(r->pack));
    printf("  AUC             %.5f  (95 %%: %.5f to %.5f)\n", f->auc, f->auc_low, f->auc_high);
    printf("  TAR at FAR 1e-3 %.2f %%   (95 %%: %.2f to %.2f; %d impostor pairs)\n",
           f->tar.value, f->tar.low, f->tar.high, f->impostors);
    printf("  at the service's FMR %g (threshold %.4f): TAR %.2f %% (95 %%: %.2f to %.2f),\n",
           r->point.fmr, r->point.threshold, r->at.tar.value, r->at.tar.low, r->at.tar.high);
    printf("    %d of %d impostors accepted\n", r->at.fmr.k, r->at.fmr.n);
    printf("  not detected    %d images\n", r->not_detected);
    printf("  thresholds      %.3f (accuracy), %.3f (FAR 1e-3)\n", f->threshold_mean,
           f->threshold_tar);
    printf("  would be refused at enrolment: %d several faces, %d too small\n",
           r->gates[SEVERAL_FACES], r->gates[FACE_TOO_SMALL]);
    printf("  photograph to embedding %.1f ms (median, one thread), %.2f x the models alone\n",
           r->p50_ms, r->over_models);
}

static void put_share(FILE *out, const char *name, const struct share *s)
{
    fprintf(out, "  \"%s\": %.3f,\n  \"%s_ci95_low\": %.3f,\n  \"%s_ci95_high\": %.3f,\n", name,
            s->value, name, s->low, name, s->high);
}

static void save(const struct lfw *l, const struct result *r, const char *path)
{
    FILE *out = fopen(path, "w");

    if (out == NULL)
        die(path, NULL);
    fprintf(out, "{\n  \"pack\": \"%s\",\n", r->pack);
    put_share(out, "accuracy", &r->f.accuracy);
    fprintf(out, "  \"goal_accuracy\": %.1f,\n", goal_accuracy(r->pack));
    fprintf(out, "  \"auc\": %.6f,\n  \"auc_ci95_low\": %.6f,\n  \"auc_ci95_high\": %.6f,\n",
            r->f.auc, r->f.auc_low, r->f.auc_high);
    put_share(out, "tar_at_far_1e3", &r->f.tar);
    put_share(out, "tar_at_fmr_1e4", &r->at.tar);
    put_share(out, "far_at_fmr_1e4", &r->at.fmr);
    fprintf(out, "  \"threshold_at_fmr_1e4\": %.4f,\n", r->point.threshold);
    fprintf(out, "  \"not_detected\": %d,\n  \"goal_not_detected\": 0,\n", r->not_detected);
    fprintf(out, "  \"pairs\": %d,\n  \"images\": %d,\n  \"folds\": %d,\n", l->n_pairs,
            l->n_pictures, l->n_folds);
    fprintf(out, "  \"photo_to_embedding_ms_p50\": %.2f,\n  \"photo_vs_models\": %.3f,\n",
            r->p50_ms, r->over_models);
    fprintf(out, "  \"model_sha256\": \"%s\"\n}\n", l->model_sha256);
    if (fclose(out) != 0)
        die(path, NULL);
}

int main(int argc, char **argv)
{
    struct lfw l = {.n_pictures = 0};
    struct result r = {.not_detected = 0};
    bool reached;

    if (argc != 7 && argc != 8) {
        fprintf(stderr, "usage: eval_face PACK LFW_DIR MODELS_DIR PLUGINS_DIR CALIBRATION.json"
                        " RESULT.json [DUMP]\n");
        return 2;
    }
    r.pack = argv[1];
    lfw_read(&l, argv[2]);
    lfw_embed(&l, argv[2],
              &(struct face_pack_config){.plugins = argv[4],
                                         .models = argv[3],
                                         .pack = r.pack,
                                         .order = "cpu",
                                         .fallback = "deny"});
    if (argc == 8)
        lfw_dump(&l, argv[7]);
    measure(&l, argv[5], &r);
    print(&l, &r);
    save(&l, &r, argv[6]);
    reached = r.f.accuracy.value >= goal_accuracy(r.pack) && r.not_detected == 0;
    lfw_free(&l);
    return reached ? 0 : 1;
}
