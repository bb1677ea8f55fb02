/* Finds faces and makes them unrecognisable. */
#include "services/identity/verify/hide.h"
#include "services/identity/live/live.h"

#include <math.h>
#include <string.h>

/* added on each side of the box, as a share of it: hair, ears and chin also identify a
 * person */
#define MARGIN 0.3
/* number of blocks along a face's larger side: nothing recognisable remains */
#define BLOCKS 6
/* A search that fills a quarter of its capacity may have missed faces. */
#define MANY         (FACE_MAX_FOUND / 4)
#define WAITING_MOST 64
#define LOOKS_MORE   2                  /* number of repeated searches in the changed picture */
#define SCRATCH      ((size_t)32 << 20) /* memory for one search */

/* Source of least_px: make eval-redact, choosing half (2026-11-23): at least 95 % of the faces
 * of this width or more are hidden, in each picture size. With tiles of 512 pixels, least_px of
 * faceplugin was 24. A pack's detector runs on the whole picture, on four overlapping parts,
 * and on tiles with the aspect ratio of its input. Tiles overlap by more than the size of a
 * face that only tiles can show, so that at least one tile shows the whole face. */
#define OVERLAP 112.0
static const struct looking {
    const char *pack;
    double least;          /* minimum score; 0: the detector's own minimum */
    double tile_w, tile_h; /* size of a tile in pixels */
    double side_least;     /* minimum size of a part to be searched */
    int least_px;
} lookings[] = {
    {"faceplugin", 0.3, 428, 320, 80, 14},
    {"clear", 0, 512, 512, 80, 28},
};

static const struct looking *looking_of(const struct face_pack *p)
{
    for (size_t i = 0; i < WARD_COUNT(lookings); i++)
        if (strcmp(lookings[i].pack, face_pack_name(p)) == 0)
            return &lookings[i];
    return &lookings[0];
}

int hide_least_px(const struct face_pack *p)
{
    return looking_of(p)->least_px;
}

static enum ward_code search_once(struct hiding *r, struct rect around, int *n)
{
    const double least = looking_of(r->pack)->least;
    enum ward_code code;

    *n = 0;
    if (r->n + FACE_MAX_FOUND > HIDE_BOXES) {
        r->crowded = true;
        return WARD_OK;
    }
    code = least > 0 ? face_search_low(r->engine, &r->scratch, r->stop, &r->im, around, least,
                                       r->box + r->n, n, r->err)
                     : face_search(r->engine, &r->scratch, r->stop, &r->im, around,
                                   r->box + r->n, n, r->err);
    ward_arena_reset(&r->scratch);
    WARD_TRY(code);
    r->n += *n;
    return WARD_OK;
}

/* Divides a part into four overlapping quarters, which are searched next. If they would be too
 * small, returns 0 and sets `crowded`. */
static int quarters(struct hiding *r, struct rect of, struct rect out[4])
{
    const double least = looking_of(r->pack)->side_least;

    if (0.6 * of.w < least || 0.6 * of.h < least) {
        r->crowded = true;
        return 0;
    }
    for (int i = 0; i < 4; i++)
        out[i] = (struct rect){of.x + (i & 1) * 0.4 * of.w, of.y + (i >> 1) * 0.4 * of.h,
                               0.6 * of.w, 0.6 * of.h};
    return 4;
}

/* Whether the part has changed since the last search. If nothing was hidden in it, a repeated
 * search finds nothing new. */
static bool is_new(const struct hiding *r, const struct rect *at)
{
    if (r->n_hidden == 0)
        return true;
    for (int i = r->hidden_from; i < r->n_hidden; i++) {
        const struct face_box *b = &r->box[i];
        double mx = MARGIN * (b->x2 - b->x1) + 1, my = MARGIN * (b->y2 - b->y1) + 1;

        if (b->x1 - mx < at->x + at->w && b->x2 + mx > at->x && b->y1 - my < at->y + at->h &&
            b->y2 + my > at->y)
            return true;
    }
    return false;
}

static enum ward_code search(struct hiding *r, struct rect around)
{
    struct rect waiting[WAITING_MOST] = {around};
    int n_waiting = is_new(r, &around) ? 1 : 0, n = 0;

    while (n_waiting > 0) {
        struct rect next = waiting[--n_waiting];

        WARD_TRY(search_once(r, next, &n));
        if (n < MANY)
            continue;
        if (n_waiting + 4 > WAITING_MOST)
            r->crowded = true;
        else
            n_waiting += quarters(r, next, waiting + n_waiting);
    }
    return WARD_OK;
}

/* Searches in tiles. Skipped if the four parts are hardly larger than a tile. */
static enum ward_code search_tiles(struct hiding *r)
{
    const struct looking *l = looking_of(r->pack);
    const double step_x = l->tile_w - OVERLAP, step_y = l->tile_h - OVERLAP;
    double w = r->im.w, h = r->im.h;

    if (w <= 1.25 * l->tile_w && h <= 1.25 * l->tile_h)
        return WARD_OK;
    for (double y = -OVERLAP / 2; y + OVERLAP / 2 < h; y += step_y)
        for (double x = -OVERLAP / 2; x + OVERLAP / 2 < w; x += step_x)
            WARD_TRY(search(r, (struct rect){x, y, l->tile_w, l->tile_h}));
    return WARD_OK;
}

/* Searches the whole picture with a border, then four overlapping parts, then tiles. */
static enum ward_code find(struct hiding *r)
{
    double w = r->im.w, h = r->im.h;

    WARD_TRY(search(r, (struct rect){-0.1 * w, -0.1 * h, 1.2 * w, 1.2 * h}));
    if (r->n_whole == 0)
        r->n_whole = r->n;
    for (int i = 0; i < 4; i++)
        WARD_TRY(
            search(r, (struct rect){(i & 1) * 0.4 * w, (i >> 1) * 0.4 * h, 0.6 * w, 0.6 * h}));
    return search_tiles(r);
}

static int within(double v, int most)
{
    return !(v >= 0) ? 0 : v > most ? most : (int)v;
}

/* Replaces every block by its mean. */
static void pixelate(uint8_t *rgb, int w, const int at[4], int side)
{
    for (int y = at[1]; y < at[3]; y += side)
        for (int x = at[0]; x < at[2]; x += side) {
            int x_end = x + side < at[2] ? x + side : at[2];
            int y_end = y + side < at[3] ? y + side : at[3];
            unsigned sum[3] = {0}, n = 0;

            for (int j = y; j < y_end; j++)
                for (int i = x; i < x_end; i++, n++)
                    for (int k = 0; k < 3; k++)
                        sum[k] += rgb[3 * ((size_t)j * (size_t)w + (size_t)i) + (size_t)k];
            for (int j = y; j < y_end; j++)
                for (int i = x; i < x_end; i++)
                    for (int k = 0; k < 3; k++)
                        rgb[3 * ((size_t)j * (size_t)w + (size_t)i) + (size_t)k] =
                            (uint8_t)(sum[k] / n);
        }
}

/* Smooths one line of n values at distance `step`: each value becomes the mean of 2 r + 1
 * values. */
static void smooth(uint8_t *p, size_t step, int n, int r, uint8_t *copy)
{
    int sum = 0;

    for (int i = 0; i < n; i++)
        copy[i] = p[(size_t)i * step];
    for (int i = -r; i <= r; i++)
        sum += copy[i < 0 ? 0 : i >= n ? n - 1 : i];
    for (int i = 0; i < n; i++) {
        int out = i - r, in = i + r + 1;

        p[(size_t)i * step] = (uint8_t)(sum / (2 * r + 1));
        sum += copy[in >= n ? n - 1 : in] - copy[out < 0 ? 0 : out];
    }
}

/* Blurs a face that was pixelated before, because blurring alone can be reversed by
 * sharpening. */
static bool blur(uint8_t *rgb, int w, const int at[4], int side, struct ward_arena *mem)
{
    int wide = at[2] - at[0], high = at[3] - at[1];
    uint8_t *copy = ward_alloc(mem, (size_t)(wide > high ? wide : high));

    if (copy == NULL)
        return false;
    pixelate(rgb, w, at, side);
    for (int pass = 0; pass < 3; pass++) {
        for (int y = at[1]; y < at[3]; y++)
            for (int k = 0; k < 3; k++)
                smooth(rgb + 3 * ((size_t)y * (size_t)w + (size_t)at[0]) + k, 3, wide, side,
                       copy);
        for (int x = at[0]; x < at[2]; x++)
            for (int k = 0; k < 3; k++)
                smooth(rgb + 3 * ((size_t)at[1] * (size_t)w + (size_t)x) + k, 3 * (size_t)w,
                       high, side, copy);
    }
    return true;
}

static enum ward_code hide(struct hiding *r, const struct face_box *b)
{
    double w = b->x2 - b->x1, h = b->y2 - b->y1, most = w > h ? w : h;
    int at[4] = {within(b->x1 - MARGIN * w, r->im.w), within(b->y1 - MARGIN * h, r->im.h),
                 within(ceil(b->x2 + MARGIN * w), r->im.w),
                 within(ceil(b->y2 + MARGIN * h), r->im.h)};
    int side = (int)ceil(most / BLOCKS);

    if (at[0] >= at[2] || at[1] >= at[3])
        return WARD_OK;
    side = side < 2 ? 2 : side;
    if (!r->blur)
        pixelate(r->rgb, r->im.w, at, side);
    else if (!blur(r->rgb, r->im.w, at, side, r->mem))
        return WARD_FAIL(r->err, RESOURCE_EXHAUSTED, "no memory to blur a face");
    return WARD_OK;
}

static bool holds(const struct face_box *a, const struct face_box *b)
{
    double x = (b->x1 + b->x2) / 2, y = (b->y1 + b->y2) / 2;

    return x > a->x1 && x < a->x2 && y > a->y1 && y < a->y2;
}

/* Counts faces. Every found box is hidden, but only confident ones are counted, and each face
 * once: a part of the picture shows faces of the whole picture again, and fragments of them. */
static int faces(const struct hiding *r)
{
    int n = 0;

    for (int i = 0; i < r->n; i++) {
        const struct face_box *a = &r->box[i];
        bool seen = i >= r->n_whole && a->score < (double)FACE_DETECT_MIN;

        for (int k = 0; k < i && !seen; k++)
            seen = holds(&r->box[k], a) || holds(a, &r->box[k]);
        n += !seen;
    }
    return n;
}

/* Drops boxes, from index `from` on, whose centre is in an earlier box. Returns the number of
 * boxes left from there. */
static int drop_known(struct hiding *r, int from)
{
    int kept = from;

    for (int i = from; i < r->n; i++) {
        bool known = false;

        for (int k = 0; k < from && !known; k++)
            known = holds(&r->box[k], &r->box[i]);
        if (!known)
            r->box[kept++] = r->box[i];
    }
    r->n = kept;
    return kept - from;
}

/* Hides the faces, then searches the changed picture again, because a face among others may be
 * detected only after those are hidden. If the last search still finds faces, sets
 * `crowded`. */
static enum ward_code hide_all(struct hiding *r)
{
    int from = 0;

    if (r->n == 0)
        return WARD_OK;
    for (int look = 1;; look++) {
        for (int i = from; i < r->n; i++)
            WARD_TRY(hide(r, &r->box[i]));
        if (look > LOOKS_MORE)
            break;
        r->hidden_from = from;
        r->n_hidden = from = r->n;
        WARD_TRY(find(r));
        if (drop_known(r, from) == 0)
            return WARD_OK;
    }
    r->crowded = true;
    return WARD_OK;
}

enum ward_code hide_faces(struct hiding *r)
{
    enum ward_code code;

    r->im.rgb = r->rgb;
    ward_arena_init(&r->scratch, SCRATCH);
    code = find(r);
    if (code == WARD_OK)
        code = hide_all(r);
    ward_arena_done(&r->scratch);
    r->faces = faces(r);
    return code;
}
