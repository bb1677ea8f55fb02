#include "tests/bench/faces/lfw.h"

#include "common/base/clock.h"
#include "common/base/metrics.h"
#include "common/image/image.h"
#include "services/identity/live/live.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ARENA_CAP ((size_t)64 << 20)

_Noreturn void die(const char *what, const struct ward_err *err)
{
    fprintf(stderr, "%s: %s (%s)\n", what, err == NULL ? "failed" : err->msg,
            err == NULL ? "" : err->detail);
    exit(2);
}

static int picture_of(struct lfw *l, const char *name)
{
    for (int i = l->n_pictures - 1; i >= 0; i--)
        if (strcmp(l->pictures[i].name, name) == 0)
            return i;
    if (l->n_pictures == LFW_IMAGES)
        die("too many images", NULL);
    l->pictures[l->n_pictures].name = strdup(name);
    return l->n_pictures++;
}

static FILE *open_list(struct lfw *l, const char *dir, const char *name)
{
    char path[4096];
    FILE *f;

    l->pictures = calloc(LFW_IMAGES, sizeof(*l->pictures));
    l->pairs = calloc(LFW_PAIRS, sizeof(*l->pairs));
    l->took_ms = calloc(LFW_IMAGES, sizeof(*l->took_ms));
    snprintf(path, sizeof(path), "%s/%s", dir, name);
    f = fopen(path, "r");
    if (f == NULL || l->pictures == NULL || l->pairs == NULL || l->took_ms == NULL)
        die(path, NULL);
    return f;
}

void lfw_read_people(struct lfw *l, const char *dir)
{
    FILE *f = open_list(l, dir, "people.tsv");
    char line[1024], name[400];

    while (fgets(line, sizeof(line), f) != NULL)
        if (sscanf(line, "%399s", name) == 1 && strcmp(name, "image") != 0)
            (void)picture_of(l, name);
    fclose(f);
}

void lfw_read(struct lfw *l, const char *dir)
{
    FILE *f = open_list(l, dir, "pairs.tsv");
    char line[1024], a[400], b[400];
    int fold, same;

    while (fgets(line, sizeof(line), f) != NULL) {
        if (sscanf(line, "%d %d %399s %399s", &fold, &same, a, b) != 4)
            continue; /* the heading */
        if (l->n_pairs == LFW_PAIRS || fold < 1 || fold > LFW_FOLDS)
            die("pairs.tsv has too many pairs or folds", NULL);
        l->pairs[l->n_pairs++] =
            (struct pair){fold - 1, same, picture_of(l, a), picture_of(l, b), -1};
        l->n_folds = fold > l->n_folds ? fold : l->n_folds;
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

/* LFW's subject is the large, central face. */
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

/* The gates after the first, in the service's order. */
static enum gate later_gates(const struct lfw *l, const struct pixels *im,
                             const struct face *face, struct ward_arena *mem)
{
    enum gate gate = rule_eyes(face->eye_distance_px);
    struct quality q = {.sharpness = 0};
    struct ward_err err = {0};

    if (gate != USABLE || !l->every_gate)
        return gate;
    if (quality_measure(im, face, mem, &q, &err) != WARD_OK)
        die("quality", &err);
    return quality_gate(&q);
}

static void embed(struct lfw *l, struct picture *p, const char *path, struct face_engine *e,
                  struct ward_arena *mem)
{
    static const struct ward_image_limits limits = {8 << 20, 16777216, 16384, 4194304, 0};
    struct face_box boxes[FACE_MAX_FOUND];
    struct ward_image image;
    struct ward_err err = {0};
    struct pixels im;
    struct face face;
    uint8_t *bytes;
    size_t n_bytes = slurp(path, &bytes);
    int64_t began = ward_mono_ns();
    int n = 0, which = 0;

    if (ward_image_decode(bytes, n_bytes, &limits, mem, &image, &err) != WARD_OK)
        die(path, &err);
    im = (struct pixels){image.width, image.height, image.rgb};
    if (face_detect(e, mem, NULL, &im, boxes, &n, &err) != WARD_OK)
        die(path, &err);
    p->gate = rule_which_face(boxes, n, im.w, im.h, &which);
    if (n > 0) {
        if (face_locate(e, mem, NULL, &im, &boxes[subject(boxes, n, &im)], &face, &err) !=
                WARD_OK ||
            face_embed(e, mem, NULL, &im, &face, &err) != WARD_OK)
            die(path, &err);
        memcpy(p->v, face.embedding, sizeof(p->v));
        p->found = true;
        if (p->gate == USABLE)
            p->gate = later_gates(l, &im, &face, mem);
        l->took_ms[l->n_took++] = (double)(ward_mono_ns() - began) / 1e6;
    }
    free(bytes);
    ward_arena_reset(mem);
}

static void add_run_seconds(const struct ward_family *f, void *sum)
{
    if (strcmp(f->name, "ward_host_run_seconds") == 0)
        for (int i = 0; i < f->n; i++)
            *(double *)sum += f->series[i]->value;
}

/* Seconds spent in models since the program began. */
static double in_models(void)
{
    double sum = 0;

    ward_metric_each(add_run_seconds, &sum);
    return sum;
}

void lfw_embed(struct lfw *l, const char *dir, const struct face_pack_config *cfg)
{
    struct ward_err err = {0};
    struct face_pack *pack;
    struct face_engine *engine;
    struct ward_arena mem;
    char path[4096];
    double before;

    ward_arena_init(&mem, ARENA_CAP);
    if (face_pack_open(cfg, &pack, &err) != WARD_OK ||
        face_engine_open(pack, &engine, &err) != WARD_OK)
        die("the models", &err);
    before = in_models();
    for (int i = 0; i < l->n_pictures; i++) {
        snprintf(path, sizeof(path), "%s/images/%s", dir, l->pictures[i].name);
        embed(l, &l->pictures[i], path, engine, &mem);
        if ((i + 1) % 500 == 0)
            fprintf(stderr, "  %d of %d images\n", i + 1, l->n_pictures);
    }
    l->models_s = in_models() - before;
    l->dim = face_pack_dim(pack);
    snprintf(l->model_sha256, sizeof(l->model_sha256), "%s", face_pack_sha256(pack));
    face_engine_close(engine);
    face_pack_close(pack);
    ward_arena_done(&mem);
    for (int i = 0; i < l->n_pairs; i++) {
        struct pair *p = &l->pairs[i];
        const struct picture *a = &l->pictures[p->a], *b = &l->pictures[p->b];

        p->score = a->found && b->found ? face_cosine(a->v, b->v, l->dim) : -1;
    }
}

/* Person_Name_0001.jpg */
static size_t name_length(const char *name)
{
    const char *end = strrchr(name, '_');

    return end == NULL ? strlen(name) : (size_t)(end - name);
}

bool lfw_same(const struct picture *a, const struct picture *b)
{
    size_t n = name_length(a->name);

    return n == name_length(b->name) && memcmp(a->name, b->name, n) == 0;
}

void lfw_dump(const struct lfw *l, const char *path)
{
    char labels[4096];
    FILE *rows = fopen(path, "wb"), *names;

    snprintf(labels, sizeof(labels), "%s.tsv", path);
    names = fopen(labels, "w");
    if (rows == NULL || names == NULL)
        die(path, NULL);
    for (int i = 0; i < l->n_pictures; i++) {
        fwrite(l->pictures[i].v, sizeof(float), (size_t)l->dim, rows);
        fprintf(names, "%s\t%d\t%d\n", l->pictures[i].name, l->pictures[i].found,
                l->pictures[i].found && l->pictures[i].gate == USABLE);
    }
    if (fclose(rows) != 0 || fclose(names) != 0)
        die(path, NULL);
}

void lfw_free(struct lfw *l)
{
    for (int i = 0; i < l->n_pictures; i++)
        free(l->pictures[i].name);
    free(l->pictures);
    free(l->pairs);
    free(l->took_ms);
}
