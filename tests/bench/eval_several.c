/* eval_several - how often a second face is in the way, and whether the wrong person is taken.
 *
 *   eval_several LFW_DIR MODELS_DIR PLUGINS_DIR RESULT.json [PACK]
 *
 * LFW's photographs are each of one named person, near the middle, and many show others.
 * Printed by half of LFW's people (one chose the rule's limits): what the rule of before, half
 * the largest face's height, refuses; what today's does; and how often the face that is taken
 * is not the one in the middle. Then pairs of photographs side by side, one made smaller.
 */
#include "services/identity/face/face_pixels.h"
#include "tests/bench/live/lfw.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ARENA_CAP ((size_t)64 << 20)
#define BEFORE    0.5
#define PAIRS     150
#define MOST      2500 /* photographs of one half */

static struct {
    struct lfw lfw;
    struct face_engine *engine;
    struct ward_arena mem;
    FILE *json;
} ev;

struct source {
    int image;
    double height; /* of its only face */
};
struct half {
    int n, before, refused, wrong, n_single;
    struct source single[MOST];
};

static void must(enum ward_code code, const struct ward_err *err)
{
    if (code != WARD_OK)
        eval_die("a model fails", err);
}

/* By the name without its number: all photographs of a person are in one half. */
static int half_of(const char *name)
{
    const char *end = strrchr(name, '_');
    unsigned h = 2166136261u;

    for (const char *p = name; p != end && *p != '\0'; p++)
        h = (h ^ (unsigned char)*p) * 16777619u;
    return (int)(h >> 16 & 1);
}

static int detect(const struct pixels *im, struct face_box *boxes)
{
    struct ward_err err = {0};
    int n = 0;

    must(face_detect(ev.engine, &ev.mem, NULL, im, boxes, &n, &err), &err);
    return n;
}

static int middle_one(const struct face_box *b, int n, const struct pixels *im)
{
    double best = INFINITY;
    int at = 0;

    for (int i = 0; i < n; i++) {
        double d = hypot((b[i].x1 + b[i].x2 - im->w) / 2, (b[i].y1 + b[i].y2 - im->h) / 2);

        if (d < best)
            best = d, at = i;
    }
    return at;
}

static bool before_refused(const struct face_box *b, int n)
{
    double most = 0;
    int near = 0;

    for (int i = 0; i < n; i++)
        most = fmax(most, b[i].y2 - b[i].y1);
    for (int i = 0; i < n; i++)
        near += b[i].y2 - b[i].y1 >= BEFORE * most;
    return near > 1;
}

/* A wrong one that no later gate refuses. */
static bool is_wrong(const struct pixels *im, const struct face_box *boxes, int n, int which)
{
    struct ward_err err = {0};
    struct face f;
    struct quality q = {0};

    if (which == middle_one(boxes, n, im))
        return false;
    must(face_locate(ev.engine, &ev.mem, NULL, im, &boxes[which], &f, &err), &err);
    must(quality_measure(im, &f, &ev.mem, &q, &err), &err);
    return rule_eyes(f.eye_distance_px) == USABLE && quality_gate(&q) == USABLE;
}

static void one(int i, struct half halves[2])
{
    struct half *h = &halves[half_of(ev.lfw.name[i])];
    struct pixels im = lfw_read(&ev.lfw, i, &ev.mem);
    struct face_box boxes[FACE_MAX_FOUND];
    int n = detect(&im, boxes), which = 0;
    enum gate gate = rule_which_face(boxes, n, im.w, im.h, &which);

    h->n++;
    h->before += before_refused(boxes, n);
    h->refused += gate == SEVERAL_FACES;
    if (n == 1 && h->n_single < MOST)
        h->single[h->n_single++] = (struct source){i, boxes[0].y2 - boxes[0].y1};
    if (gate == USABLE && is_wrong(&im, boxes, n, which)) {
        h->wrong++;
        printf("  another than the middle one: %s\n", ev.lfw.name[i]);
    }
    ward_arena_reset(&ev.mem);
}

/* Two photographs side by side, the second face `ratio` times as high as the first. */
static bool pair(const struct source *a, const struct source *b, double ratio,
                 struct pixels *out)
{
    struct pixels left = lfw_read(&ev.lfw, a->image, &ev.mem),
                  right = lfw_read(&ev.lfw, b->image, &ev.mem);
    double scale = ratio * a->height / b->height;
    int w = (int)(right.w * scale), h = (int)(right.h * scale), all = left.w + w;
    int high = h > left.h ? h : left.h;
    uint8_t *rgb = ward_alloc(&ev.mem, (size_t)3 * (size_t)all * (size_t)high);
    uint8_t *small = ward_alloc(&ev.mem, (size_t)3 * (size_t)w * (size_t)h);

    if (rgb == NULL || small == NULL ||
        !pixels_resize(&right, (struct rect){0, 0, right.w, right.h}, w, h, small, &ev.mem))
        return false;
    memset(rgb, 127, (size_t)3 * (size_t)all * (size_t)high);
    for (int y = 0; y < left.h; y++)
        memcpy(rgb + (size_t)3 * (size_t)y * (size_t)all,
               left.rgb + (size_t)3 * (size_t)y * (size_t)left.w, (size_t)3 * (size_t)left.w);
    for (int y = 0; y < h; y++)
        memcpy(rgb + (size_t)3 * ((size_t)y * (size_t)all + (size_t)left.w),
               small + (size_t)3 * (size_t)y * (size_t)w, (size_t)3 * (size_t)w);
    *out = (struct pixels){all, high, rgb};
    return true;
}

static void pairs(const char *name, const struct half *h, double ratio)
{
    int refused = 0, n = 0;
    double lo, hi;

    for (int i = 0; i < PAIRS && 2 * i + 1 < h->n_single; i++) {
        struct face_box boxes[FACE_MAX_FOUND];
        struct pixels im;
        int found, which = 0;

        if (!pair(&h->single[2 * i], &h->single[2 * i + 1], ratio, &im))
            eval_die("no memory", NULL);
        found = detect(&im, boxes);
        n++;
        refused += rule_which_face(boxes, found, im.w, im.h, &which) != USABLE;
        ward_arena_reset(&ev.mem);
    }
    wilson(refused, n, &lo, &hi);
    printf("  %s half, a bystander of %.2f of the height: %d of %d refused, %.1f %% (%.1f to "
           "%.1f)\n",
           name, ratio, refused, n, 100.0 * refused / n, lo, hi);
    fprintf(ev.json, "  \"%s_pairs_%.2f_refused_percent\": %.2f,\n", name, ratio,
            100.0 * refused / n);
}

static void report(const char *name, const struct half *h)
{
    double lo, hi;

    printf(
        "%s half, %d photographs: half the height refuses %d = %.1f %%; today's rule %d = %.1f "
        "%%",
        name, h->n, h->before, 100.0 * h->before / h->n, h->refused, 100.0 * h->refused / h->n);
    wilson(h->refused, h->n, &lo, &hi);
    printf(" (%.1f to %.1f)", lo, hi);
    wilson(h->wrong, h->n, &lo, &hi);
    printf("; another than the middle face taken: %d (0 to %.2f %%)\n", h->wrong, hi);
    fprintf(ev.json, "  \"%s_before_percent\": %.2f,\n  \"%s_refused_percent\": %.2f,\n", name,
            100.0 * h->before / h->n, name, 100.0 * h->refused / h->n);
    fprintf(ev.json, "  \"%s_wrong\": %d,\n", name, h->wrong);
}

int main(int argc, char **argv)
{
    static const double ratios[] = {1, 0.9, 0.8, 0.75, 0.7, 0.65, 0.6, 0.5};
    static const char *const names[] = {"choosing", "judging"};
    static struct half halves[2];
    struct face_pack_config cfg = {.order = "cpu", .fallback = "deny"};
    struct ward_err err = {0};
    struct face_pack *pack;

    if (argc < 5) {
        fprintf(stderr,
                "usage: eval_several LFW_DIR MODELS_DIR PLUGINS_DIR RESULT.json [PACK]\n");
        return 2;
    }
    cfg.models = argv[2], cfg.plugins = argv[3], cfg.pack = argc > 5 ? argv[5] : "faceplugin";
    ev.json = fopen(argv[4], "w");
    if (ev.json == NULL)
        eval_die(argv[4], NULL);
    lfw_open(argv[1], &ev.lfw);
    must(face_pack_open(&cfg, &pack, &err), &err);
    must(face_engine_open(pack, &ev.engine, &err), &err);
    ward_arena_init(&ev.mem, ARENA_CAP);
    fprintf(ev.json, "{\n");
    for (int i = 0; i < ev.lfw.n; i++)
        one(i, halves);
    report(names[0], &halves[0]);
    report(names[1], &halves[1]);
    for (size_t i = 0; i < 2 * WARD_COUNT(ratios); i++)
        pairs(names[i / WARD_COUNT(ratios)], &halves[i / WARD_COUNT(ratios)],
              ratios[i % WARD_COUNT(ratios)]);
    fprintf(ev.json, "  \"pack\": \"%s\"\n}\n", cfg.pack);
    return fclose(ev.json) == 0 ? 0 : 1;
}
