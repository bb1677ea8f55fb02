#include "services/identity/face/face_clear.h"

#include "services/identity/face/face_pixels.h"

#include <math.h>

struct rect clear_around(int w, int h)
{
    double side = w > h ? w : h;

    return (struct rect){(w - side) / 2, (h - side) / 2, side, side};
}

/* The transform from the photograph to a crop of side x side pixels. */
static struct similarity into(const struct face_crop *crop, int side)
{
    double scale = side / crop->at.w, c = cos(crop->angle), s = sin(crop->angle);
    double cx = crop->at.x + crop->at.w / 2, cy = crop->at.y + crop->at.h / 2;
    struct similarity m = {.a = scale * c, .b = -scale * s};

    m.tx = side / 2.0 - (m.a * cx - m.b * cy);
    m.ty = side / 2.0 - (m.b * cx + m.a * cy);
    return m;
}

/* Moves a transform by half a pixel: the warp counts from pixel centres, a crop from its
 * edge. */
static struct similarity to_middles(struct similarity m)
{
    m.tx += (m.a - m.b - 1) / 2;
    m.ty += (m.b + m.a - 1) / 2;
    return m;
}

static void to_planes(const uint8_t *rgb, int side, double minus, double by, float *out)
{
    const int area = side * side;
    float of[256];

    for (int v = 0; v < 256; v++)
        of[v] = (float)((v - minus) * by);
    for (int i = 0; i < area; i++, rgb += 3, out++) {
        out[0] = of[rgb[0]];
        out[area] = of[rgb[1]];
        out[2 * area] = of[rgb[2]];
    }
}

bool clear_fill_detect(const struct pixels *im, struct rect around, float *out,
                       struct ward_arena *mem)
{
    struct face_crop crop = {around, 0};
    struct similarity m = to_middles(into(&crop, CLEAR_DETECT));
    uint8_t *rgb = ward_alloc(mem, (size_t)3 * CLEAR_DETECT * CLEAR_DETECT);

    if (rgb == NULL || !pixels_warp(im, &m, CLEAR_DETECT, rgb, mem))
        return false;
    to_planes(rgb, CLEAR_DETECT, 127.5, 1 / 127.5, out);
    return true;
}

/* Reads the boxes of one layer. Each cell of n x n has `per` anchors at its centre. A box's
 * centre and size are in pixels of the input, relative to the anchor's centre. */
static int layer(const float *scores, const float *boxes, int n, int per, struct rect around,
                 struct face_box *out)
{
    const double px = around.w / CLEAR_DETECT, cell = around.w / n;
    int found = 0;

    for (int i = 0; i < n * n * per; i++) {
        const float *b = boxes + 16 * (size_t)i;
        double score = 1 / (1 + exp(-(double)scores[i]));
        const int column = i / per % n, row = i / per / n;
        double x = around.x + (column + 0.5) * cell + (double)b[0] * px;
        double y = around.y + (row + 0.5) * cell + (double)b[1] * px;
        double w = (double)b[2] * px / 2, h = (double)b[3] * px / 2;

        if (score > CLEAR_DETECT_MIN && w > 0 && h > 0 && isfinite(x + y + w + h))
            out[found++] = (struct face_box){x - w, y - h, x + w, y + h, score};
    }
    return found;
}

bool clear_boxes(const float *const *out, struct rect around, struct face_box *found, int cap,
                 int *n, struct ward_arena *mem)
{
    struct face_box *c = ward_alloc(mem, (512 + 384) * sizeof(*c));
    int k;

    if (c == NULL)
        return false;
    k = layer(out[0], out[2], 16, 2, around, c);
    k += layer(out[1], out[3], 8, 6, around, c + k);
    *n = face_best(c, k, CLEAR_NMS_IOU, found, cap);
    return true;
}

static struct face_crop around_middle(double x1, double y1, double x2, double y2, double angle)
{
    double side = fmax(x2 - x1, y2 - y1) * CLEAR_MESH_GROW;

    return (struct face_crop){{(x1 + x2 - side) / 2, (y1 + y2 - side) / 2, side, side}, angle};
}

struct face_crop clear_first_crop(const struct face_box *b)
{
    return around_middle(b->x1, b->y1, b->x2, b->y2, 0);
}

struct face_crop clear_second_crop(const double m[FACE_MARKS][2])
{
    struct face_points five = face_five(m);
    double angle = atan2(five.y[1] - five.y[0], five.x[1] - five.x[0]);
    double u1 = INFINITY, u2 = -INFINITY, v1 = INFINITY, v2 = -INFINITY, u, v, side, c, s;

    if (fabs(angle) < CLEAR_TURN_MIN)
        angle = 0;
    c = cos(angle);
    s = sin(angle);
    for (int i = 0; i < FACE_MARKS; i++) {
        u = c * m[i][0] + s * m[i][1];
        v = c * m[i][1] - s * m[i][0];
        u1 = fmin(u1, u), u2 = fmax(u2, u);
        v1 = fmin(v1, v), v2 = fmax(v2, v);
    }
    side = fmax(u2 - u1, v2 - v1) * CLEAR_MESH_GROW;
    u = (u1 + u2) / 2;
    v = (v1 + v2) / 2;
    return (struct face_crop){{c * u - s * v - side / 2, s * u + c * v - side / 2, side, side},
                              angle};
}

bool clear_fill_marks(const struct pixels *im, const struct face_crop *crop, float *out,
                      struct ward_arena *mem)
{
    struct similarity m = to_middles(into(crop, CLEAR_MESH));
    uint8_t *rgb = ward_alloc(mem, (size_t)3 * CLEAR_MESH * CLEAR_MESH);

    if (rgb == NULL || !pixels_warp(im, &m, CLEAR_MESH, rgb, mem))
        return false;
    to_planes(rgb, CLEAR_MESH, 0, 1 / 255.0, out);
    return true;
}

/* The mesh point of each of the 68 landmarks: jaw, brows, nose, eyes, outer lip, inner lip. */
static const short mesh_of[FACE_MARKS] = {
    127, 234, 93,  132, 58,  136, 150, 176, 152, 400, 379, 365,
    288, 361, 323, 454, 356,                                    /* jaw */
    70,  63,  105, 66,  107, 336, 296, 334, 293, 300,           /* brows */
    168, 197, 5,   4,   75,  97,  2,   326, 305,                /* nose */
    33,  160, 158, 133, 153, 144, 362, 385, 387, 263, 373, 380, /* eyes */
    61,  39,  37,  0,   267, 269, 291, 321, 314, 17,  84,  91,  /* outer lip */
    78,  82,  13,  312, 308, 317, 14,  87,                      /* inner lip */
};

void clear_place_marks(const float *out, const struct face_crop *crop,
                       double marks[FACE_MARKS][2])
{
    struct similarity m = into(crop, CLEAR_MESH);
    double det = m.a * m.a + m.b * m.b;

    for (int i = 0; i < FACE_MARKS; i++) {
        double x = (double)out[3 * mesh_of[i]] - m.tx;
        double y = (double)out[3 * mesh_of[i] + 1] - m.ty;

        marks[i][0] = (m.a * x + m.b * y) / det;
        marks[i][1] = (m.a * y - m.b * x) / det;
    }
}

/* Positions of landmarks 17 to 67 in an average face without padding, in units of its side. */
static const double mean_x[FACE_MARKS - 17] = {
    0.000213256, 0.0752622, 0.18113,  0.29077,  0.393397, 0.586856, 0.689483, 0.799124,
    0.904991,    0.98004,   0.490127, 0.490127, 0.490127, 0.490127, 0.36688,  0.426036,
    0.490127,    0.554217,  0.613373, 0.121737, 0.187122, 0.265825, 0.334606, 0.260918,
    0.182743,    0.645647,  0.714428, 0.793132, 0.858516, 0.79751,  0.719335, 0.254149,
    0.340985,    0.428858,  0.490127, 0.551395, 0.639268, 0.726104, 0.642159, 0.556721,
    0.490127,    0.423532,  0.338094, 0.290379, 0.428096, 0.490127, 0.552157, 0.689874,
    0.553364,    0.490127,  0.42689,
};
static const double mean_y[FACE_MARKS - 17] = {
    0.106454, 0.038915, 0.0187482, 0.0344891, 0.0773906, 0.0773906, 0.0344891, 0.0187482,
    0.038915, 0.106454, 0.203352,  0.307009,  0.409805,  0.515625,  0.587326,  0.609345,
    0.628106, 0.609345, 0.587326,  0.216423,  0.178758,  0.179852,  0.231733,  0.245099,
    0.244077, 0.231733, 0.179852,  0.178758,  0.216423,  0.244077,  0.245099,  0.780233,
    0.745405, 0.727388, 0.742578,  0.727388,  0.745405,  0.780233,  0.864805,  0.902192,
    0.909281, 0.902192, 0.864805,  0.784792,  0.778746,  0.785343,  0.778746,  0.784792,
    0.824182, 0.831803, 0.824182,
};

static bool counts(int mark)
{
    return mark >= 27 && !(mark >= 55 && mark <= 59) && mark < 65;
}

bool clear_align(const double marks[FACE_MARKS][2], struct similarity *out)
{
    double from[FACE_MARKS][2], to[FACE_MARKS][2];
    struct similarity back;
    const double middle = CLEAR_CHIP / 2.0;
    double shrink;
    int n = 0;

    for (int i = 17; i < FACE_MARKS; i++)
        if (counts(i)) {
            from[n][0] =
                (CLEAR_CHIP_PAD + mean_x[i - 17]) / (2 * CLEAR_CHIP_PAD + 1) * CLEAR_CHIP;
            from[n][1] =
                (CLEAR_CHIP_PAD + mean_y[i - 17]) / (2 * CLEAR_CHIP_PAD + 1) * CLEAR_CHIP;
            to[n][0] = marks[i][0];
            to[n][1] = marks[i][1];
            n++;
        }
    /* Fits from the chip to the photograph and inverts the result, because dlib minimizes the
     * error in the photograph. */
    if (!similarity_fit(from, to, n, &back))
        return false;
    shrink = CLEAR_CHIP_SHRINK / (back.a * back.a + back.b * back.b);
    out->a = shrink * back.a;
    out->b = -shrink * back.b;
    out->tx = (1 - CLEAR_CHIP_SHRINK) * middle - (out->a * back.tx - out->b * back.ty);
    out->ty = (1 - CLEAR_CHIP_SHRINK) * middle - (out->b * back.tx + out->a * back.ty);
    return true;
}

void clear_fill_feature(const uint8_t *chip, float *out)
{
    enum { AREA = CLEAR_CHIP * CLEAR_CHIP };
    static const float mean[3] = {122.782f, 117.001f, 104.298f};

    for (int c = 0; c < 3; c++)
        for (int i = 0; i < AREA; i++)
            *out++ = ((float)chip[3 * i + c] - mean[c]) / 256.0f;
}
