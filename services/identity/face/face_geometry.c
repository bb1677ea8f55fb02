#include "services/identity/face/face_geometry.h"
#include "services/identity/face/face_pixels.h"

#include <math.h>
#include <stdlib.h>

/* The detector was trained on 4:3 pictures: stretching another shape changes the scores. */
struct rect face_letterbox(int w, int h)
{
    const double want = (double)FACE_DETECT_W / FACE_DETECT_H;
    struct rect r = {0, 0, w, h};

    if (r.w / r.h < want)
        r.w = r.h * want;
    else
        r.h = r.w / want;
    r.x = (w - r.w) / 2;
    r.y = (h - r.h) / 2;
    return r;
}

/* Whether the centre of pixel i is in 0..size, if n pixels are spread over `length` from
 * `from`. */
static bool inside(double from, double length, int i, int n, int size)
{
    double at = from + (i + 0.5) * length / n;

    return at >= 0 && at < size;
}

/* Outside the photograph the detector's input is 0, which is mid-grey. */
bool face_fill_detect(const struct pixels *im, struct rect in, float *out,
                      struct ward_arena *mem)
{
    enum { W = FACE_DETECT_W, H = FACE_DETECT_H, AREA = W * H };
    uint8_t *rgb = ward_alloc(mem, (size_t)AREA * 3);
    int from = 0, to = W;
    float of[256];

    if (rgb == NULL || !pixels_resize(im, in, W, H, rgb, mem))
        return false;
    for (int v = 0; v < 256; v++)
        of[v] = ((float)v - 127.0f) / 128.0f;
    while (from < W && !inside(in.x, in.w, from, W, im->w))
        from++;
    while (to > from && !inside(in.x, in.w, to - 1, W, im->w))
        to--;
    for (int i = 0; i < 3 * AREA; i++)
        out[i] = 0;
    for (int y = 0; y < H; y++)
        if (inside(in.y, in.h, y, H, im->h))
            for (int x = from; x < to; x++)
                for (int c = 0; c < 3; c++)
                    out[c * AREA + y * W + x] = of[rgb[3 * (y * W + x) + c]];
    return true;
}

static int by_score(const void *a, const void *b)
{
    double d = ((const struct face_box *)b)->score - ((const struct face_box *)a)->score;

    return d > 0 ? 1 : d < 0 ? -1 : 0;
}

static double area(const struct face_box *b)
{
    return (b->x2 - b->x1) * (b->y2 - b->y1);
}

static double overlap(const struct face_box *a, const struct face_box *b)
{
    double w = fmax(0, fmin(a->x2, b->x2) - fmax(a->x1, b->x1));
    double h = fmax(0, fmin(a->y2, b->y2) - fmax(a->y1, b->y1));

    return w * h / (area(a) + area(b) - w * h);
}

static bool hidden(const struct face_box *b, const struct face_box *better, int n, double iou)
{
    for (int i = 0; i < n; i++)
        if (overlap(b, &better[i]) > iou)
            return true;
    return false;
}

int face_best(struct face_box *c, int n, double iou, struct face_box *out, int cap)
{
    int kept = 0;

    qsort(c, (size_t)n, sizeof(*c), by_score);
    for (int i = 0; i < n && kept < cap; i++)
        if (!hidden(&c[i], out, kept, iou))
            out[kept++] = c[i];
    return kept;
}

bool face_boxes(const float *scores, const float *boxes, int n, struct rect in,
                struct face_box *out, int cap, int *found, struct ward_arena *mem)
{
    struct face_box *c = ward_alloc(mem, (size_t)n * sizeof(*c));
    int candidates = 0;

    if (c == NULL)
        return false;
    for (int i = 0; i < n; i++) {
        const float *b = boxes + 4 * (size_t)i;
        struct face_box box = {in.x + (double)b[0] * in.w, in.y + (double)b[1] * in.h,
                               in.x + (double)b[2] * in.w, in.y + (double)b[3] * in.h,
                               (double)scores[2 * (size_t)i + 1]};

        if (box.score > (double)FACE_DETECT_MIN && box.x2 > box.x1 && box.y2 > box.y1 &&
            isfinite(box.x1 + box.y1 + box.x2 + box.y2))
            c[candidates++] = box;
    }
    *found = face_best(c, candidates, FACE_NMS_IOU, out, cap);
    return true;
}

struct rect face_first_crop(const struct face_box *b)
{
    double side = b->y2 - b->y1;

    return (struct rect){(b->x1 + b->x2 - side) / 2, (b->y1 + b->y2 - side) / 2, side, side};
}

struct rect face_second_crop(const double m[FACE_MARKS][2])
{
    double x1 = m[0][0], x2 = x1, y1 = m[0][1], y2 = y1, side;

    for (int i = 1; i < FACE_MARKS; i++) {
        x1 = fmin(x1, m[i][0]), x2 = fmax(x2, m[i][0]);
        y1 = fmin(y1, m[i][1]), y2 = fmax(y2, m[i][1]);
    }
    side = fmax(x2 - x1, y2 - y1) * FACE_MARK_GROW;
    return (struct rect){(x1 + x2 - side) / 2, (y1 + y2 - side) / 2, side, side};
}

/* Converts to grey by ITU-R BT.601, rounded to an integer as in training, then divides by 256
 * (not 255). */
bool face_fill_marks(const struct pixels *im, struct rect crop, float *out,
                     struct ward_arena *mem)
{
    enum { AREA = FACE_MARK_SIDE * FACE_MARK_SIDE };
    uint8_t *rgb = ward_alloc(mem, (size_t)AREA * 3);

    if (rgb == NULL || !pixels_resize(im, crop, FACE_MARK_SIDE, FACE_MARK_SIDE, rgb, mem))
        return false;
    for (int i = 0; i < AREA; i++) {
        const uint8_t *p = rgb + 3 * (size_t)i;
        int grey = (int)(0.299 * p[0] + 0.587 * p[1] + 0.114 * p[2] + 0.5);

        out[i] = (float)grey / 256.0f;
    }
    return true;
}

void face_place_marks(const float *out, struct rect crop, double marks[FACE_MARKS][2])
{
    for (int i = 0; i < FACE_MARKS; i++) {
        marks[i][0] = crop.x + (double)out[2 * i] * crop.w;
        marks[i][1] = crop.y + (double)out[2 * i + 1] * crop.h;
    }
}

/* The 68 landmarks are those of Multi-PIE. An eye's centre is the mean of its eyelids, without
 * the corners. Landmark 30 is the tip of the nose. Each corner of the mouth appears twice: at
 * the outer and at the inner lip. */
struct face_points face_five(const double m[FACE_MARKS][2])
{
    static const int of[5][4] = {{37, 38, 40, 41},
                                 {43, 44, 46, 47},
                                 {30, 30, 30, 30},
                                 {48, 60, 48, 60},
                                 {54, 64, 54, 64}};
    struct face_points p;

    for (int i = 0; i < 5; i++) {
        const int *k = of[i];

        p.x[i] = (m[k[0]][0] + m[k[1]][0] + m[k[2]][0] + m[k[3]][0]) / 4;
        p.y[i] = (m[k[0]][1] + m[k[1]][1] + m[k[2]][1] + m[k[3]][1]) / 4;
    }
    return p;
}

double face_eye_distance(const struct face_points *p)
{
    return hypot(p->x[1] - p->x[0], p->y[1] - p->y[0]);
}

double face_drift(const double a[FACE_MARKS][2], const double b[FACE_MARKS][2],
                  double eye_distance)
{
    double sum = 0;

    for (int i = 0; i < FACE_MARKS; i++)
        sum += hypot(a[i][0] - b[i][0], a[i][1] - b[i][1]);
    return eye_distance > 0 ? sum / FACE_MARKS / eye_distance : 1e9;
}

bool similarity_fit(const double (*from)[2], const double (*to)[2], int n,
                    struct similarity *out)
{
    double mx = 0, my = 0, mu = 0, mv = 0, dot = 0, cross = 0, spread = 0;
    struct similarity s;

    for (int i = 0; i < n; i++) {
        mx += from[i][0] / n, my += from[i][1] / n;
        mu += to[i][0] / n, mv += to[i][1] / n;
    }
    for (int i = 0; i < n; i++) {
        double x = from[i][0] - mx, y = from[i][1] - my;
        double u = to[i][0] - mu, v = to[i][1] - mv;

        dot += x * u + y * v;
        cross += x * v - y * u;
        spread += x * x + y * y;
    }
    s.a = dot / spread;
    s.b = cross / spread;
    s.tx = mu - s.a * mx + s.b * my;
    s.ty = mv - s.b * mx - s.a * my;
    if (!(spread > 1e-6) || !isfinite(s.a) || !isfinite(s.b) || !(hypot(s.a, s.b) > 1e-9))
        return false;
    *out = s;
    return true;
}

/* Positions of the five points in the 112 x 112 picture that the embedding model was trained
 * on.
 */
static const double reference[5][2] = {{38.2946, 51.6963},
                                       {73.5318, 51.5014},
                                       {56.0252, 71.7366},
                                       {41.5493, 92.3655},
                                       {70.7299, 92.2041}};

bool face_align(const struct face_points *p, struct similarity *out)
{
    double from[5][2];

    for (int i = 0; i < 5; i++)
        from[i][0] = p->x[i], from[i][1] = p->y[i];
    return similarity_fit(from, reference, 5, out);
}

bool face_warp(const struct pixels *im, const struct similarity *s, uint8_t *out,
               struct ward_arena *mem)
{
    return pixels_warp(im, s, FACE_CHIP, out, mem);
}

/* Writes blue first. Swapped colours cost ten points of accuracy and have no other symptom. */
void face_fill_feature(const uint8_t *chip, float *out)
{
    enum { AREA = FACE_CHIP * FACE_CHIP };

    for (int i = 0; i < AREA; i++)
        for (int c = 0; c < 3; c++)
            out[c * AREA + i] = ((float)chip[3 * i + (2 - c)] - 127.5f) / 128.0f;
}

void face_mirror(float *planes, int n, int side)
{
    for (int row = 0; row < n * side; row++, planes += side)
        for (int i = 0, j = side - 1; i < j; i++, j--) {
            float kept = planes[i];

            planes[i] = planes[j];
            planes[j] = kept;
        }
}

double face_length(const float *v, int n)
{
    double sum = 0;

    for (int i = 0; i < n; i++)
        sum += (double)v[i] * (double)v[i];
    return sqrt(sum);
}

bool face_normalise(float *v, int n)
{
    double length = face_length(v, n);

    if (!(length > 1e-6) || !isfinite(length))
        return false;
    for (int i = 0; i < n; i++)
        v[i] = (float)(v[i] / length);
    return true;
}

double face_cosine(const float *a, const float *b, int n)
{
    double sum = 0;

    for (int i = 0; i < n; i++)
        sum += (double)a[i] * (double)b[i];
    return sum > 1 ? 1 : sum < -1 ? -1 : sum;
}
