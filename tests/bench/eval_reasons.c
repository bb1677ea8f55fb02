/* eval_reasons - whether a refused photograph is given the right reason, and how many good
 * photographs the limits for enrolment refuse.
 *
 *   eval_reasons DATA MODELS_DIR PLUGINS_DIR RESULT.json [PACK [EVERY]]
 *
 * DATA has face_lfw, face_groups and face_masks. Every image is looked at as Enrol does; of
 * every EVERYth (24) usable one of LFW and of the groups' adults, copies are made that are
 * turned, darkened, cut in half, or no photograph any more. By halves: images whose name hashes
 * to an even byte chose the limits, the others judge.
 */
#include "common/base/text.h"
#include "common/image/image.h"
#include "services/identity/photo.h"
#include "tests/bench/live/degrade.h"
#include "tests/bench/live/lfw.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ARENA_CAP ((size_t)512 << 20)
#define MOST      100000

enum set { LFW, GROUPS, BARE, MASKED, SETS };
static const struct {
    const char *name, *dir;
    bool copied;
} sets[SETS] = {{"LFW", "face_lfw/images", true},
                {"UTKFace, all ages", "face_groups/images", true},
                {"bare faces of the web", "face_masks/without_mask", false},
                {"masked faces of the web", "face_masks/with_mask", false}};

static struct {
    struct worker worker;
    struct ward_arena mem;
    const char *data;
    FILE *json;
    int64_t every;
    int gates[SETS][2][LIVENESS_REQUIRED + 1], usable;
} ev = {.every = 24};

/* ---- images ---- */

/* By the name without its number: all photographs of one of LFW's people are in one half. */
static int half_of(const char *name)
{
    const char *end = strrchr(name, '_');
    unsigned h = 2166136261u;

    for (const char *p = name; p != end && *p != '\0'; p++)
        h = (h ^ (unsigned char)*p) * 16777619u;
    return (int)(h >> 16 & 1);
}

static struct pixels read_image(const char *path)
{
    static const struct ward_image_limits limits = {16 << 20, 16777216, 16384, 4194304, 0};
    static uint8_t bytes[16 << 20];
    struct ward_err err = {0};
    struct ward_image im;
    FILE *f = fopen(path, "rb");
    size_t n;

    if (f == NULL)
        eval_die(path, NULL);
    n = fread(bytes, 1, sizeof(bytes), f);
    fclose(f);
    if (ward_image_decode(bytes, n, &limits, &ev.mem, &im, &err) != WARD_OK)
        eval_die(path, &err);
    return (struct pixels){im.width, im.height, im.rgb};
}

static void look(const struct pixels *im, struct photo *p)
{
    static const struct photo_want want = {.largest_only = true, .enrol = true};
    struct ward_err err = {0};

    *p = (struct photo){.passive = -1, .im = *im};
    if (im->rgb == NULL)
        eval_die("no memory", NULL);
    if (photo_look(&ev.worker, &ev.mem, NULL, &want, p, &err) != WARD_OK)
        eval_die("a model fails", &err);
}

/* ---- copies ---- */

enum kind {
    TURNED_RIGHT,
    TURNED_OVER,
    TURNED_LEFT,
    DARK_3,
    DARK_4,
    DARK_6,
    HALF_LEFT,
    HALF_RIGHT,
    HALF_ABOVE,
    HALF_BELOW,
    NEGATIVE,
    NEGATIVE_GREY,
    EDGES,
    EDGES_WHITE,
    TWO_TONES,
    FOUR_TONES,
    DOTS,
    KINDS
};
static struct {
    const char *name;
    enum gate own; /* the reason that says what to do */
    int n[2], right[2], used[2];
} kinds[KINDS] = {
    [TURNED_RIGHT] = {"turned to the right", FACE_NOT_UPRIGHT},
    [TURNED_OVER] = {"upside down", FACE_NOT_UPRIGHT},
    [TURNED_LEFT] = {"turned to the left", FACE_NOT_UPRIGHT},
    [DARK_3] = {"gamma 3", FACE_TOO_DARK},
    [DARK_4] = {"gamma 4", FACE_TOO_DARK},
    [DARK_6] = {"gamma 6", FACE_TOO_DARK},
    [HALF_LEFT] = {"left half cut off", FACE_CROPPED},
    [HALF_RIGHT] = {"right half cut off", FACE_CROPPED},
    [HALF_ABOVE] = {"upper half cut off", FACE_CROPPED},
    [HALF_BELOW] = {"lower half cut off", FACE_CROPPED},
    [NEGATIVE] = {"negative", NOT_A_PHOTOGRAPH},
    [NEGATIVE_GREY] = {"negative in grey", NOT_A_PHOTOGRAPH},
    [EDGES] = {"edges on black", NOT_A_PHOTOGRAPH},
    [EDGES_WHITE] = {"edges on white", NOT_A_PHOTOGRAPH},
    [TWO_TONES] = {"two tones", NOT_A_PHOTOGRAPH},
    [FOUR_TONES] = {"four tones", NOT_A_PHOTOGRAPH},
    [DOTS] = {"black and white dots", NOT_A_PHOTOGRAPH},
};

/* The face's middle becomes the picture's edge. */
static struct pixels cut(const struct pixels *im, const struct face_box *b, enum kind k)
{
    int x = (int)((b->x1 + b->x2) / 2), y = (int)((b->y1 + b->y2) / 2);

    if (x < 16 || y < 16 || x > im->w - 16 || y > im->h - 16)
        return (struct pixels){0};
    return k == HALF_LEFT    ? degrade_crop(im, x, 0, im->w - x, im->h, &ev.mem)
           : k == HALF_RIGHT ? degrade_crop(im, 0, 0, x, im->h, &ev.mem)
           : k == HALF_ABOVE ? degrade_crop(im, 0, y, im->w, im->h - y, &ev.mem)
                             : degrade_crop(im, 0, 0, im->w, y, &ev.mem);
}

static struct pixels copy_of(const struct pixels *im, const struct face_box *b, enum kind k)
{
    switch (k) {
    case TURNED_RIGHT:
    case TURNED_OVER:
    case TURNED_LEFT:
        return degrade_quarter(im, 1 + (int)(k - TURNED_RIGHT), &ev.mem);
    case DARK_3:
    case DARK_4:
    case DARK_6:
        return degrade_gamma(im, k == DARK_3 ? 3 : k == DARK_4 ? 4 : 6, &ev.mem);
    case NEGATIVE:
    case NEGATIVE_GREY:
        return degrade_negative(im, k == NEGATIVE, &ev.mem);
    case EDGES:
    case EDGES_WHITE:
        return degrade_edges(im, k == EDGES_WHITE, &ev.mem);
    case TWO_TONES:
    case FOUR_TONES:
        return degrade_tones(im, k == TWO_TONES ? 2 : 4, &ev.mem);
    case DOTS:
        return degrade_dots(im, &ev.mem);
    default:
        return cut(im, b, k);
    }
}

static void copies(const char *path, const struct face_box *box, int half)
{
    for (enum kind k = 0; k < KINDS; k++) {
        struct pixels im, copy;
        struct photo p;

        ward_arena_reset(&ev.mem);
        im = read_image(path);
        copy = copy_of(&im, box, k);
        if (copy.rgb == NULL)
            continue;
        look(&copy, &p);
        kinds[k].n[half]++;
        kinds[k].right[half] += p.gate == kinds[k].own;
        kinds[k].used[half] += p.gate == USABLE;
    }
}

/* ---- sets ---- */

static int wanted(const struct dirent *d)
{
    return d->d_name[0] != '.';
}

static void measure(enum set s)
{
    char dir[4096], path[8192];
    struct dirent **name;
    int n;

    snprintf(dir, sizeof(dir), "%s/%s", ev.data, sets[s].dir);
    n = scandir(dir, &name, wanted, alphasort);
    if (n < 0)
        eval_die(dir, NULL);
    for (int i = 0; i < n; i++) {
        struct pixels im;
        struct photo p;
        int half = half_of(name[i]->d_name);

        ward_arena_reset(&ev.mem);
        snprintf(path, sizeof(path), "%s/%s", dir, name[i]->d_name);
        im = read_image(path);
        look(&im, &p);
        ev.gates[s][half][p.gate]++;
        if (p.gate == USABLE && sets[s].copied && ev.usable++ % ev.every == 0)
            copies(path, &(struct face_box){p.box.x1, p.box.y1, p.box.x2, p.box.y2, 0}, half);
        free(name[i]);
    }
    free(name);
}

/* ---- what is printed ---- */

static const char *const halves[] = {"choosing", "judging"};

static void report_set(enum set s, int half)
{
    const int *g = ev.gates[s][half];
    int all = g[USABLE] + g[NOT_A_PHOTOGRAPH];
    double lo, hi;

    wilson(g[NOT_A_PHOTOGRAPH], all, &lo, &hi);
    printf("%s, %s half: NOT_A_PHOTOGRAPH refuses %d of %d = %.2f %% (%.2f to %.2f)\n",
           sets[s].name, halves[half], g[NOT_A_PHOTOGRAPH], all,
           100.0 * g[NOT_A_PHOTOGRAPH] / (all > 0 ? all : 1), lo, hi);
    printf("  other gates:");
    for (int i = FACE_NOT_FOUND; i < NOT_A_PHOTOGRAPH; i++)
        if (g[i] > 0)
            printf(" %s %d", gate_reason((enum gate)i), g[i]);
    printf("\n");
    fprintf(ev.json, "  \"%s_%s_refused\": %d,\n  \"%s_%s_n\": %d,\n", sets[s].dir,
            halves[half], g[NOT_A_PHOTOGRAPH], sets[s].dir, halves[half], all);
}

static void report_kind(enum kind k)
{
    printf("  %-22s", kinds[k].name);
    for (int half = 0; half < 2; half++) {
        int n = kinds[k].n[half];
        double lo, hi;

        wilson(kinds[k].right[half], n, &lo, &hi);
        printf("  %s: %3d of %3d = %5.1f %% (%.0f to %.0f), usable %.1f %%", halves[half],
               kinds[k].right[half], n, 100.0 * kinds[k].right[half] / (n > 0 ? n : 1), lo, hi,
               100.0 * kinds[k].used[half] / (n > 0 ? n : 1));
        fprintf(ev.json, "  \"%s, %s, right_percent\": %.2f,\n", kinds[k].name, halves[half],
                100.0 * kinds[k].right[half] / (n > 0 ? n : 1));
        fprintf(ev.json, "  \"%s, %s, usable_percent\": %.2f,\n", kinds[k].name, halves[half],
                100.0 * kinds[k].used[half] / (n > 0 ? n : 1));
    }
    printf("  [%s]\n", gate_reason(kinds[k].own));
}

int main(int argc, char **argv)
{
    struct face_pack_config cfg = {.order = "cpu", .fallback = "deny"};
    struct ward_err err = {0};
    struct face_pack *pack;

    if (argc < 5) {
        fprintf(stderr,
                "usage: eval_reasons DATA MODELS_DIR PLUGINS_DIR RESULT.json [PACK [EVERY]]\n");
        return 2;
    }
    ev.data = argv[1], cfg.models = argv[2], cfg.plugins = argv[3];
    cfg.pack = argc > 5 ? argv[5] : "faceplugin";
    if (argc > 6 && !ward_i64(argv[6], 1, MOST, &ev.every))
        eval_die("EVERY is a number", NULL);
    ev.json = fopen(argv[4], "w");
    if (ev.json == NULL)
        eval_die(argv[4], NULL);
    if (face_pack_open(&cfg, &pack, &err) != WARD_OK ||
        face_engine_open(pack, &ev.worker.face, &err) != WARD_OK)
        eval_die("the models", &err);
    ward_arena_init(&ev.mem, ARENA_CAP);
    fprintf(ev.json, "{\n");
    for (enum set s = 0; s < SETS; s++) {
        measure(s);
        report_set(s, 0);
        report_set(s, 1);
    }
    printf("copies: share given the reason in brackets, and share taken as usable\n");
    for (enum kind k = 0; k < KINDS; k++)
        report_kind(k);
    fprintf(ev.json, "  \"pack\": \"%s\"\n}\n", cfg.pack);
    return fclose(ev.json) == 0 ? 0 : 1;
}
