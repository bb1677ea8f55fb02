/* eval_redact - what share of faces Redact hides, by how wide they are.
 *
 *   eval_redact LFW_DIR MODELS_DIR PLUGINS_DIR RESULT.json [PACK [SCENES]]
 *
 * LFW's photographs, made smaller, are pasted into grey pictures: PER_SCENE to a picture,
 * SCENES (6) pictures for each width of face, size of picture and half of LFW's people. The
 * half that chooses is for choosing hide.c's figures, the other for judging them. A face is
 * hidden when most of the middle of its box has changed. Its width is that of the detector's
 * box in the photograph as published. The pictures are made up: whoever prints a figure of them
 * says so.
 */
#include "common/base/clock.h"
#include "services/identity/face/face_pixels.h"
#include "services/identity/verify/hide.h"
#include "tests/bench/live/lfw.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ARENA_CAP ((size_t)512 << 20)
#define PER_SCENE 12
#define TRIES     1000
#define CORNER    60  /* pixels of a photograph that show its background, mostly */
#define HEAD      1.0 /* what is pasted: an ellipse of so many box widths and heights around */

static const int widths[] = {8, 10, 12, 14, 16, 20, 24, 28, 32, 40};
static const int sizes[][2] = {{640, 480}, {1600, 1200}, {2304, 1728}};
static const char *const halves[] = {"choosing", "judging"};
#define WIDTHS ((int)WARD_COUNT(widths))
#define SIZES  ((int)WARD_COUNT(sizes))

/* One face as published. */
struct source {
    int image;
    struct face_box box;
};
static struct {
    struct lfw lfw;
    struct face_pack *pack;
    struct face_engine *engine;
    struct ward_arena mem;
    struct source source[2][LFW_IMAGES];
    int n[2], next[2];
    unsigned seed;
} ev;

static void must(enum ward_code code, const struct ward_err *err)
{
    if (code != WARD_OK)
        eval_die("a model fails", err);
}

static int random_below(int n)
{
    ev.seed = ev.seed * 1664525u + 1013904223u;
    return (int)((ev.seed >> 8) % (unsigned)n);
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

/* Photographs in which exactly one face is found, so that what is pasted is one. */
static void choose_sources(void)
{
    for (int i = 0; i < ev.lfw.n; i++) {
        struct pixels im = lfw_read(&ev.lfw, i, &ev.mem);
        struct face_box boxes[FACE_MAX_FOUND];
        struct ward_err err = {0};
        int n = 0, half = half_of(ev.lfw.name[i]);

        must(face_detect(ev.engine, &ev.mem, NULL, &im, boxes, &n, &err), &err);
        if (n == 1)
            ev.source[half][ev.n[half]++] = (struct source){i, boxes[0]};
        ward_arena_reset(&ev.mem);
    }
}

struct pasted {
    int x, y, w, h;      /* of the photograph in the scene */
    struct face_box box; /* of its face */
};
struct scene {
    int w, h, n;
    uint8_t *rgb, *before;
    struct pasted at[PER_SCENE];
};

static bool free_place(const struct scene *s, const struct pasted *p)
{
    for (int i = 0; i < s->n; i++)
        if (p->x < s->at[i].x + s->at[i].w && s->at[i].x < p->x + p->w &&
            p->y < s->at[i].y + s->at[i].h && s->at[i].y < p->y + p->h)
            return false;
    return true;
}

/* How much of the head's picture is seen at a distance of `d` head radii: it fades out. */
static double share_at(double d)
{
    return d < 0.8 ? 1 : d > 1 ? 0 : (1 - d) / 0.2;
}

static void lay(struct scene *s, const struct pasted *p, const uint8_t *small)
{
    double cx = (p->box.x1 + p->box.x2) / 2, cy = (p->box.y1 + p->box.y2) / 2;
    double rx = HEAD * (p->box.x2 - p->box.x1), ry = HEAD * (p->box.y2 - p->box.y1);

    for (int y = 0; y < p->h; y++)
        for (int x = 0; x < p->w; x++) {
            double a = share_at(hypot((p->x + x + 0.5 - cx) / rx, (p->y + y + 0.5 - cy) / ry));
            uint8_t *to = s->rgb + 3 * ((size_t)(p->y + y) * (size_t)s->w + (size_t)(p->x + x));
            const uint8_t *from = small + 3 * ((size_t)y * (size_t)p->w + (size_t)x);

            for (int k = 0; k < 3; k++)
                to[k] = (uint8_t)(a * from[k] + (1 - a) * to[k]);
        }
}

static void paste(struct scene *s, const struct source *from, int width)
{
    struct pixels im = lfw_read(&ev.lfw, from->image, &ev.mem);
    double scale = width / (from->box.x2 - from->box.x1);
    struct pasted p = {0, 0, (int)(im.w * scale), (int)(im.h * scale), from->box};
    struct rect all = {0, 0, im.w, im.h};
    struct reduced r;
    uint8_t *small = ward_alloc(&ev.mem, (size_t)3 * (size_t)p.w * (size_t)p.h);
    int tries = 0;

    if (small == NULL || !pixels_reduce(&im, all, (int)(1 / scale), &r, &ev.mem))
        eval_die("no memory", NULL);
    all.w /= r.k, all.h /= r.k;
    do {
        p.x = random_below(s->w - p.w);
        p.y = random_below(s->h - p.h);
    } while (!free_place(s, &p) && ++tries < TRIES);
    if (tries == TRIES)
        return;
    if (!pixels_resize(&r.im, all, p.w, p.h, small, &ev.mem))
        eval_die("no memory", NULL);
    p.box.x1 = p.x + p.box.x1 * scale, p.box.x2 = p.x + p.box.x2 * scale;
    p.box.y1 = p.y + p.box.y1 * scale, p.box.y2 = p.y + p.box.y2 * scale;
    lay(s, &p, small);
    s->at[s->n++] = p;
}

/* Corners, doubled in size, beside each other. */
static void quilt(struct scene *s, int half)
{
    struct pixels im = {0};
    int side = 2 * CORNER;
    struct ward_arena mem;

    ward_arena_init(&mem, ARENA_CAP);
    for (int y0 = 0; y0 < s->h; y0 += side)
        for (int x0 = 0; x0 < s->w; x0 += side) {
            im = lfw_read(&ev.lfw, ev.source[half][random_below(ev.n[half])].image, &mem);
            for (int y = 0; y < side && y0 + y < s->h; y++)
                for (int x = 0; x < side && x0 + x < s->w; x++)
                    memcpy(s->rgb + 3 * ((size_t)(y0 + y) * (size_t)s->w + (size_t)(x0 + x)),
                           im.rgb + 3 * ((size_t)(y / 2) * (size_t)im.w + (size_t)(x / 2)), 3);
            ward_arena_reset(&mem);
        }
    ward_arena_done(&mem);
}

static void make_scene(int half, const int size[2], int width, struct scene *s)
{
    size_t bytes = (size_t)3 * (size_t)size[0] * (size_t)size[1];

    *s = (struct scene){.w = size[0], .h = size[1]};
    s->rgb = ward_alloc(&ev.mem, bytes);
    s->before = ward_alloc(&ev.mem, bytes);
    if (s->rgb == NULL || s->before == NULL)
        eval_die("no memory", NULL);
    quilt(s, half);
    for (int i = 0; i < PER_SCENE; i++)
        paste(s, &ev.source[half][ev.next[half]++ % ev.n[half]], width);
    memcpy(s->before, s->rgb, bytes);
}

/* Most of the middle of the box has changed. */
static bool is_hidden(const struct scene *s, const struct face_box *b)
{
    double w = b->x2 - b->x1, h = b->y2 - b->y1;
    int x0 = (int)(b->x1 + w / 4), x1 = (int)ceil(b->x2 - w / 4), changed = 0, all = 0;

    for (int y = (int)(b->y1 + h / 4); y < (int)ceil(b->y2 - h / 4); y++)
        for (int x = x0; x < x1; x++, all++) {
            size_t at = 3 * ((size_t)y * (size_t)s->w + (size_t)x);

            changed += memcmp(s->rgb + at, s->before + at, 3) != 0;
        }
    return 10 * changed >= 8 * all;
}

struct tally {
    int n, hidden, pictures, crowded;
    double seconds, changed; /* share of all pixels */
};

static double share_changed(const struct scene *s)
{
    size_t n = (size_t)s->w * (size_t)s->h, changed = 0;

    for (size_t i = 0; i < n; i++)
        changed += memcmp(s->rgb + 3 * i, s->before + 3 * i, 3) != 0;
    return (double)changed / (double)n;
}

static void one(int half, const int size[2], int width, struct tally *t)
{
    struct hiding *h = ward_new(&ev.mem, struct hiding);
    struct ward_err err = {0};
    struct scene s;
    int64_t began;

    make_scene(half, size, width, &s);
    if (h == NULL)
        eval_die("no memory", NULL);
    h->engine = ev.engine, h->pack = ev.pack, h->mem = &ev.mem, h->err = &err;
    h->im = (struct pixels){s.w, s.h, s.rgb};
    h->rgb = s.rgb;
    began = ward_mono_ns();
    must(hide_faces(h), &err);
    t->seconds += (double)(ward_mono_ns() - began) / 1e9;
    t->pictures++;
    t->crowded += h->crowded;
    t->changed += share_changed(&s);
    for (int i = 0; i < s.n; i++)
        t->n++, t->hidden += is_hidden(&s, &s.at[i].box);
    ward_arena_reset(&ev.mem);
}

static void report(FILE *json, int half, const int size[2], int width, const struct tally *t)
{
    double lo, hi;

    wilson(t->hidden, t->n, &lo, &hi);
    printf(
        "%-8s %4d x %-4d  %2d px  %4d of %4d  %5.1f %% (%.1f to %.1f)  %3.0f ms  crowded %d  "
        "%.1f %% of the picture\n",
        halves[half], size[0], size[1], width, t->hidden, t->n, 100.0 * t->hidden / t->n, lo,
        hi, 1e3 * t->seconds / t->pictures, t->crowded, 100 * t->changed / t->pictures);
    fprintf(json, "  \"%s_%dx%d_%d_px_hidden_percent\": %.2f,\n", halves[half], size[0],
            size[1], width, 100.0 * t->hidden / t->n);
}

int main(int argc, char **argv)
{
    struct face_pack_config cfg = {.order = "cpu", .fallback = "deny"};
    struct ward_err err = {0};
    int scenes = argc > 6 ? (int)strtol(argv[6], NULL, 10) : 6;
    FILE *json;

    if (argc < 5 || scenes < 1) {
        fprintf(stderr, "usage: eval_redact LFW_DIR MODELS_DIR PLUGINS_DIR RESULT.json [PACK "
                        "[SCENES]]\n");
        return 2;
    }
    cfg.models = argv[2], cfg.plugins = argv[3], cfg.pack = argc > 5 ? argv[5] : "faceplugin";
    json = fopen(argv[4], "w");
    if (json == NULL)
        eval_die(argv[4], NULL);
    lfw_open(argv[1], &ev.lfw);
    must(face_pack_open(&cfg, &ev.pack, &err), &err);
    must(face_engine_open(ev.pack, &ev.engine, &err), &err);
    ward_arena_init(&ev.mem, ARENA_CAP);
    choose_sources();
    printf("pack %s; said: least_face_px %d\n", cfg.pack, hide_least_px(ev.pack));
    fprintf(json, "{\n");
    for (int half = 0; half < 2; half++)
        for (int k = 0; k < SIZES; k++)
            for (int i = 0; i < WIDTHS; i++) {
                struct tally t = {0};

                for (int n = 0; n < scenes; n++)
                    one(half, sizes[k], widths[i], &t);
                report(json, half, sizes[k], widths[i], &t);
                fflush(stdout);
            }
    fprintf(json, "  \"pack\": \"%s\",\n  \"least_face_px\": %d\n}\n", cfg.pack,
            hide_least_px(ev.pack));
    return fclose(json) == 0 ? 0 : 1;
}
