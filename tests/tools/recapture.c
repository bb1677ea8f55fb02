/* recapture - makes another capture of the same person out of the one photograph there is:
 * turned, moved, smaller or larger, brighter, encoded again. It is easier than a second visit
 * to the photographer would be, and whoever prints a score of it says that it was made.
 *
 *   recapture IN OUT.jpg [TURN_DEG [SCALE [BRIGHT [QUALITY [GROW]]]]]
 *
 * Defaults: 5 0.93 1.15 80 1. GROW: times as many pixels on each side, as a camera with more of
 * them would give.
 */
#include "common/base/text.h"
#include "common/image/encode.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define MEM_CAP ((size_t)512 << 20)
#define SHIFT   0.03 /* of a side, to the right and down */

struct change {
    double turn_deg, scale, bright, quality, grow;
};

static uint8_t clamp(double v)
{
    return (uint8_t)(v < 0 ? 0 : v > 255 ? 255 : v + 0.5);
}

/* Bilinear; past the edge the edge goes on, as a wall behind someone does. */
static double sample(const struct ward_image *img, double x, double y, int channel)
{
    double fx = fmin(fmax(x, 0), img->width - 1), fy = fmin(fmax(y, 0), img->height - 1);
    int x0 = (int)fx, y0 = (int)fy;
    int x1 = x0 + (x0 + 1 < img->width), y1 = y0 + (y0 + 1 < img->height);
    double ax = fx - x0, ay = fy - y0;
    const uint8_t *p = img->rgb + channel;

#define PX(px, py) (p[((size_t)(py) * (size_t)img->width + (size_t)(px)) * 3])
    return (PX(x0, y0) * (1 - ax) + PX(x1, y0) * ax) * (1 - ay) +
           (PX(x0, y1) * (1 - ax) + PX(x1, y1) * ax) * ay;
#undef PX
}

static void change(const struct ward_image *in, const struct change *c, struct ward_image *out)
{
    double a = c->turn_deg * 3.14159265358979323846 / 180;
    double cx = in->width / 2.0, cy = in->height / 2.0;

    for (int y = 0; y < out->height; y++) {
        for (int x = 0; x < out->width; x++) {
            double dx = (x / c->grow - cx - SHIFT * in->width) / c->scale;
            double dy = (y / c->grow - cy - SHIFT * in->height) / c->scale;
            double sx = cx + cos(a) * dx + sin(a) * dy, sy = cy - sin(a) * dx + cos(a) * dy;
            uint8_t *to = out->rgb + ((size_t)y * (size_t)out->width + (size_t)x) * 3;

            for (int k = 0; k < 3; k++)
                to[k] = clamp(sample(in, sx, sy, k) * c->bright);
        }
    }
}

static enum ward_code read_photo(const char *path, struct ward_arena *mem,
                                 struct ward_image *out, struct ward_err *err)
{
    const struct ward_image_limits limits = {8u << 20, 16777216, 16384, 4194304, 0};
    FILE *f = fopen(path, "rb");
    uint8_t *bytes = ward_alloc(mem, limits.max_bytes + 1);
    size_t n = 0;

    if (f != NULL && bytes != NULL)
        n = fread(bytes, 1, limits.max_bytes + 1, f);
    if (f == NULL)
        return WARD_FAIL(err, NOT_FOUND, "cannot read %.120s", path);
    fclose(f);
    return ward_image_decode(bytes, n, &limits, mem, out, err);
}

static enum ward_code run(const char *in, const char *to, const struct change *c,
                          struct ward_arena *mem, struct ward_err *err)
{
    struct ward_image photo, capture;
    uint8_t *jpeg;
    size_t n;
    FILE *f;

    WARD_TRY(read_photo(in, mem, &photo, err));
    capture = photo;
    capture.width = (int)(photo.width * c->grow);
    capture.height = (int)(photo.height * c->grow);
    capture.rgb = ward_alloc(mem, (size_t)capture.width * (size_t)capture.height * 3);
    if (capture.rgb == NULL)
        return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory for %.100s", in);
    change(&photo, c, &capture);
    WARD_TRY(ward_image_encode_jpeg(&capture, (int)c->quality, mem, &jpeg, &n, err));
    f = fopen(to, "wb");
    if (f == NULL || fwrite(jpeg, 1, n, f) != n || fclose(f) != 0)
        return WARD_FAIL(err, FAILED_PRECONDITION, "cannot write %.120s", to);
    return WARD_OK;
}

int main(int argc, char **argv)
{
    struct change c = {5, 0.93, 1.15, 80, 1};
    double *const field[] = {&c.turn_deg, &c.scale, &c.bright, &c.quality, &c.grow};
    struct ward_arena mem;
    struct ward_err err = {0};
    enum ward_code code = WARD_OK;

    if (argc < 3 || argc > 8) {
        fprintf(stderr,
                "usage: recapture IN OUT.jpg [TURN_DEG [SCALE [BRIGHT [QUALITY [GROW]]]]]\n");
        return 2;
    }
    for (int i = 3; i < argc; i++) {
        if (!ward_f64(argv[i], field[i - 3]) || (i > 3 && !(*field[i - 3] > 0))) {
            fprintf(stderr, "recapture: %s is not a number that fits\n", argv[i]);
            return 2;
        }
    }
    ward_arena_init(&mem, MEM_CAP);
    code = run(argv[1], argv[2], &c, &mem, &err);
    ward_arena_done(&mem);
    if (code != WARD_OK)
        fprintf(stderr, "recapture: %s\n", err.msg);
    return code == WARD_OK ? 0 : 1;
}
