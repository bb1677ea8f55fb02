/* calibrate_face - a calibration file from all pairs of LFW's images, through identity's own
 * pipeline.
 *
 *   calibrate_face PACK LFW_DIR MODELS_DIR PLUGINS_DIR OUT.json
 *
 * For each rate the lowest threshold that no more impostor pairs reach than the rate allows. A
 * rate that allows none is left out: it was not measured.
 */
#include "tests/bench/faces/lfw.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define FEW 10 /* a rate that rests on fewer pairs is said to */

struct scores {
    float *genuine, *impostor;
    size_t n_genuine, n_impostor;
    int people;
};

static int descending(const void *a, const void *b)
{
    float x = *(const float *)a, y = *(const float *)b;

    return x < y ? 1 : x > y ? -1 : 0;
}

static void all_pairs(const struct lfw *l, struct scores *s)
{
    size_t n = (size_t)l->n_pictures, cap = n * (n - 1) / 2;

    s->genuine = malloc(cap * sizeof(float));
    s->impostor = malloc(cap * sizeof(float));
    if (s->genuine == NULL || s->impostor == NULL)
        die("no memory", NULL);
    for (int i = 0; i < l->n_pictures; i++) {
        const struct picture *a = &l->pictures[i];
        bool first = true;

        for (int k = 0; k < i; k++) {
            const struct picture *b = &l->pictures[k];
            bool same = lfw_same(a, b);
            float score = a->found && b->found ? (float)face_cosine(a->v, b->v, l->dim) : -1;

            first = first && !same;
            if (same)
                s->genuine[s->n_genuine++] = score;
            else
                s->impostor[s->n_impostor++] = score;
        }
        s->people += first;
    }
    qsort(s->genuine, s->n_genuine, sizeof(float), descending);
    qsort(s->impostor, s->n_impostor, sizeof(float), descending);
}

/* The next number of four digits above the highest score that must not match. */
static double threshold_for(const struct scores *s, size_t allowed)
{
    return (floor((double)s->impostor[allowed] * 1e4) + 1) / 1e4;
}

static double accepted(const struct scores *s, double threshold)
{
    size_t n = 0;

    while (n < s->n_genuine && (double)s->genuine[n] >= threshold)
        n++;
    return (double)n / (double)s->n_genuine;
}

static void save(const struct lfw *l, const struct scores *s, const char *path)
{
    static const double rates[] = {1e-2, 1e-3, 1e-4, 1e-5, 1e-6};
    time_t now = time(NULL);
    struct tm day;
    char date[16];
    FILE *out = fopen(path, "w");
    double before = -1;

    if (out == NULL || gmtime_r(&now, &day) == NULL)
        die(path, NULL);
    strftime(date, sizeof(date), "%Y-%m-%d", &day);
    fprintf(out, "{\n  \"model_sha256\": \"%s\",\n", l->model_sha256);
    fprintf(out,
            "  \"source\": \"All pairs of the %d images of LFW's folds 1 to %d (Huang et al., "
            "UMass Amherst TR 07-49, 2007; %d people), checked %s; rates below %.0e rest on "
            "fewer than %d impostor pairs. Press photographs: people of one age and sex are "
            "harder to tell apart; calibrate on site.\",\n",
            l->n_pictures, l->n_folds, s->people, date, FEW / (double)s->n_impostor, FEW);
    fprintf(out, "  \"date\": \"%s\",\n  \"n_genuine\": %zu,\n  \"n_impostor\": %zu,\n", date,
            s->n_genuine, s->n_impostor);
    fprintf(out, "  \"points\": [");
    for (size_t i = 0; i < WARD_COUNT(rates); i++) {
        size_t allowed = (size_t)(rates[i] * (double)s->n_impostor);
        double threshold = threshold_for(s, allowed);

        if (allowed == 0 || threshold <= before)
            continue;
        fprintf(out, "%s\n    {\"fmr\": %.0e, \"threshold\": %.4f, \"tar\": %.4f}",
                before < 0 ? "" : ",", rates[i], threshold, accepted(s, threshold));
        printf("  FMR %.0e: threshold %.4f, TAR %.2f %%, %zu impostor pairs allowed\n",
               rates[i], threshold, 100 * accepted(s, threshold), allowed);
        before = threshold;
    }
    fprintf(out, "\n  ]\n}\n");
    if (fclose(out) != 0)
        die(path, NULL);
}

int main(int argc, char **argv)
{
    struct lfw l = {.n_pictures = 0};
    struct scores s = {.people = 0};
    struct calibration check;
    struct ward_err err = {0};

    if (argc != 6) {
        fprintf(stderr, "usage: calibrate_face PACK LFW_DIR MODELS_DIR PLUGINS_DIR OUT.json\n");
        return 2;
    }
    lfw_read(&l, argv[2]);
    lfw_embed(&l, argv[2],
              &(struct face_pack_config){.plugins = argv[4],
                                         .models = argv[3],
                                         .pack = argv[1],
                                         .order = "cpu",
                                         .fallback = "deny"});
    all_pairs(&l, &s);
    save(&l, &s, argv[5]);
    if (calibration_load(argv[5], l.model_sha256, &check, &err) != WARD_OK)
        die(argv[5], &err);
    free(s.genuine);
    free(s.impostor);
    lfw_free(&l);
    return 0;
}
