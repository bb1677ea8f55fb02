/* Redact: no face of a photograph stays a face. */
#include "common/image/encode.h"
#include "common/image/image.h"
#include "services/identity/api.h"

#include <math.h>
#include <string.h>

typedef Ward__Identity__V1__RedactRequest RedactRequest;
typedef Ward__Identity__V1__RedactResponse RedactResponse;

#define LEAST    0.3          /* score: less than half of what recognition asks for */
#define LOW_PACK "faceplugin" /* whose detector can be asked so; another's is at its own */
#define MARGIN   0.3 /* of the box on each side: hair, ears and chin are a person too */
#define BLOCKS   6   /* a face's larger side becomes so many blocks: nothing of it is left */
#define QUALITY  90
/* Where faces are looked for: in the whole, in four overlapping parts, and in tiles of this
 * side, in which the detector, which sees 320 x 240, tells faces of LEAST_PX apart. */
#define TILE 512.0
#define STEP 384.0
#define BORDER                                                                                 \
    64.0 /* of grey around the picture, or of the tile before: half of what overlaps */
#define LEAST_PX 20
/* Where a search comes back with a quarter of what it can hold there may be more: its quarters
 * are searched, and theirs, down to this side, where faces would be narrower than LEAST_PX. */
#define SIDE_LEAST   80.0
#define MANY         (FACE_MAX_FOUND / 4)
#define BOXES_MOST   4096
#define WAITING_MOST 64
#define LOOKS_MORE   2                  /* at what was hidden */
#define SCRATCH      ((size_t)32 << 20) /* of one search */

struct redaction {
    struct ward_call *call;
    struct ward_act act;
    struct pixels im;
    uint8_t *rgb;
    bool blur, crowded;
    struct ward_arena scratch;
    int n, n_whole; /* boxes; those of the whole come first */
    struct face_box box[BOXES_MOST];
};

static enum ward_code search_once(struct redaction *r, struct rect around, int *n)
{
    struct ward_call *c = r->call;
    struct worker *w = c->wrk;
    struct ward_stop stop = api_stop(c);
    bool low = strcmp(face_pack_name(w->id->now.pack), LOW_PACK) == 0;
    enum ward_code code;

    *n = 0;
    if (r->n + FACE_MAX_FOUND > BOXES_MOST) {
        r->crowded = true;
        return WARD_OK;
    }
    code = low ? face_search_low(w->face, &r->scratch, &stop, &r->im, around, LEAST,
                                 r->box + r->n, n, c->err)
               : face_search(w->face, &r->scratch, &stop, &r->im, around, r->box + r->n, n,
                             c->err);
    ward_arena_reset(&r->scratch);
    WARD_TRY(code);
    r->n += *n;
    return WARD_OK;
}

/* Overlapping quarters, to be searched next; where they would be too small, that is said. */
static int quarters(struct redaction *r, struct rect of, struct rect out[4])
{
    if (0.6 * of.w < SIDE_LEAST || 0.6 * of.h < SIDE_LEAST) {
        r->crowded = true;
        return 0;
    }
    for (int i = 0; i < 4; i++)
        out[i] = (struct rect){of.x + (i & 1) * 0.4 * of.w, of.y + (i >> 1) * 0.4 * of.h,
                               0.6 * of.w, 0.6 * of.h};
    return 4;
}

static enum ward_code search(struct redaction *r, struct rect around)
{
    struct rect waiting[WAITING_MOST] = {around};
    int n_waiting = 1, n = 0;

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

/* Nothing where the four parts are hardly larger than a tile. */
static enum ward_code search_tiles(struct redaction *r)
{
    double w = r->im.w, h = r->im.h;

    if (w <= 1.25 * TILE && h <= 1.25 * TILE)
        return WARD_OK;
    for (double y = -BORDER; y + BORDER < h; y += STEP)
        for (double x = -BORDER; x + BORDER < w; x += STEP)
            WARD_TRY(search(r, (struct rect){x, y, TILE, TILE}));
    return WARD_OK;
}

/* The whole with a border around, four overlapping parts, tiles. */
static enum ward_code find(struct redaction *r)
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

/* Every block becomes its mean. */
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

/* One line of running means over 2 r + 1 values that are `step` apart. */
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

/* Pixelated first: what blurring alone leaves can be sharpened again. */
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

static enum ward_code hide(struct redaction *r, const struct face_box *b)
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
    else if (!blur(r->rgb, r->im.w, at, side, r->call->mem))
        return WARD_FAIL(r->call->err, RESOURCE_EXHAUSTED, "no memory to blur a face");
    return WARD_OK;
}

static bool holds(const struct face_box *a, const struct face_box *b)
{
    double x = (b->x1 + b->x2) / 2, y = (b->y1 + b->y2) / 2;

    return x > a->x1 && x < a->x2 && y > a->y1 && y < a->y2;
}

/* Everything found is hidden; what is counted is what is hardly a mistake, once: a part shows a
 * face of the whole again, and pieces of it. */
static int faces(const struct redaction *r)
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

/* Boxes from `from` on whose middle lies in none before them are kept: how many. */
static int drop_known(struct redaction *r, int from)
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

/* Hides, and looks again at what came of it: a face that was lost among others stands out once
 * they are gone. What is still found at the last look is said. */
static enum ward_code hide_all(struct redaction *r)
{
    int from = 0;

    for (int look = 1;; look++) {
        for (int i = from; i < r->n; i++)
            WARD_TRY(hide(r, &r->box[i]));
        if (look > LOOKS_MORE)
            break;
        from = r->n;
        WARD_TRY(find(r));
        if (drop_known(r, from) == 0)
            return WARD_OK;
    }
    r->crowded = true;
    return WARD_OK;
}

static enum ward_code in_tx(struct ward_db *db, void *arg, struct ward_err *err)
{
    return ward_act_write(&((struct redaction *)arg)->act, db, err);
}

static enum ward_code work(struct redaction *r, const RedactRequest *req, RedactResponse *resp)
{
    struct ward_call *c = r->call;
    enum ward_code code;

    WARD_TRY(photo_decode(c->mem, req->photograph.data, req->photograph.len, &r->im, c->err));
    r->rgb = (uint8_t *)(uintptr_t)r->im.rgb; /* the call's own copy: changed in place */
    ward_arena_init(&r->scratch, SCRATCH);
    code = find(r);
    if (code == WARD_OK)
        code = hide_all(r);
    ward_arena_done(&r->scratch);
    WARD_TRY(code);
    resp->faces = faces(r);
    resp->crowded = r->crowded;
    resp->least_face_px = LEAST_PX;
    if (resp->faces == 0 && !req->allow_none)
        return WARD_FAIL_REASON(c->err, FAILED_PRECONDITION, "FACE_NOT_FOUND",
                                "no face was found to hide: look yourself, and set allow_none "
                                "to have it as it is");
    return ward_image_encode_jpeg(&(struct ward_image){r->im.w, r->im.h, r->rgb, 1}, QUALITY,
                                  c->mem, &resp->photograph.data, &resp->photograph.len,
                                  c->err);
}

static enum ward_code redact(struct ward_call *c, const RedactRequest *req,
                             RedactResponse *resp)
{
    struct worker *w = c->wrk;
    struct redaction *r = ward_new(c->mem, struct redaction);
    const char *n;

    if (r == NULL)
        return WARD_FAIL(c->err, RESOURCE_EXHAUSTED, "no memory to redact a photograph");
    r->call = c;
    ward_act_begin(&r->act, c, api_seat(c), NULL);
    ward_db_deadline(w->db, c->deadline_ns);
    if (req->style != WARD__IDENTITY__V1__REDACT_STYLE__REDACT_STYLE_BLUR &&
        req->style != WARD__IDENTITY__V1__REDACT_STYLE__REDACT_STYLE_PIXELATE)
        return WARD_FAIL_FIELD(c->err, "style", "must be said");
    r->blur = req->style == WARD__IDENTITY__V1__REDACT_STYLE__REDACT_STYLE_BLUR;
    WARD_TRY(ward_canary_state(w->id->canary, c->err));
    WARD_TRY(work(r, req, resp));
    n = ward_printf(c->mem, "%d", resp->faces);
    ward_act_note(&r->act, "faces", n == NULL ? "" : n);
    if (r->crowded)
        ward_act_note(&r->act, "crowded", "yes");
    ward_act_note(&r->act, "style", r->blur ? "blur" : "pixelate");
    WARD_TRY(ward_call_copy(c, r->act.event_text, &resp->event_id));
    return ward_db_tx(w->db, in_tx, r, c->err);
}

enum ward_code redact_rpc(struct ward_call *c, const ProtobufCMessage *q, ProtobufCMessage *r)
{
    return redact(c, (const RedactRequest *)q, (RedactResponse *)r);
}
