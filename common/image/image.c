#include "common/image/image.h"

#include <png.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <turbojpeg.h>

#define REFUSE(err, why, ...) WARD_FAIL_REASON(err, INVALID_ARGUMENT, why, __VA_ARGS__)

/* `why` is the library's own text, for the log only, because it quotes the file. */
static enum ward_code broken(struct ward_err *err, const char *msg, const char *why)
{
    REFUSE(err, "IMAGE_BROKEN", "%s", msg);
    ward_err_detail(err, "%s", why);
    return WARD_INVALID_ARGUMENT;
}

static enum ward_code check_size(int64_t w, int64_t h, uint64_t max_pixels, int max_side,
                                 struct ward_err *err)
{
    if (w < 1 || h < 1)
        return REFUSE(err, "IMAGE_BROKEN", "the image has no pixels");
    if (w > max_side || h > max_side || (uint64_t)w * (uint64_t)h > max_pixels)
        return REFUSE(err, "IMAGE_TOO_LARGE",
                      "the image has more than %llu pixels or a side above %d",
                      (unsigned long long)max_pixels, max_side);
    return WARD_OK;
}

static uint8_t *pixels(struct ward_arena *mem, int w, int h, struct ward_err *err)
{
    uint8_t *p = ward_alloc(mem, (size_t)w * (size_t)h * 3);

    if (p == NULL)
        WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory for an image of this size");
    return p;
}

/* Pixels that are rotated later are malloc'd. An arena, which frees nothing, would hold both
 * copies. */
static uint8_t *passing(int w, int h, struct ward_err *err)
{
    uint8_t *p = malloc((size_t)w * (size_t)h * 3);

    if (p == NULL)
        WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory for an image of this size");
    return p;
}

/* Returns the place of pixel (x, y) of the stored image in the upright image. EXIF 2.32, tag
 * 274. */
static size_t upright(int orientation, int x, int y, int w, int h)
{
    int u = x, v = y;

    switch (orientation) {
    case 2:
        u = w - 1 - x;
        break;
    case 3:
        u = w - 1 - x, v = h - 1 - y;
        break;
    case 4:
        v = h - 1 - y;
        break;
    case 5:
        u = y, v = x;
        break;
    case 6:
        u = h - 1 - y, v = x;
        break;
    case 7:
        u = h - 1 - y, v = w - 1 - x;
        break;
    case 8:
        u = y, v = w - 1 - x;
        break;
    default:
        break;
    }
    return (size_t)v * (size_t)(orientation >= 5 ? h : w) + (size_t)u;
}

static enum ward_code turn(int orientation, struct ward_arena *mem, struct ward_image *im,
                           struct ward_err *err)
{
    int w = im->width, h = im->height;
    uint8_t *to;

    if (orientation == 1)
        return WARD_OK;
    to = pixels(mem, w, h, err);
    if (to == NULL)
        return WARD_RESOURCE_EXHAUSTED;
    for (int y = 0; y < h; y++)
        for (int x = 0; x < w; x++)
            memcpy(to + 3 * upright(orientation, x, y, w, h),
                   im->rgb + 3 * ((size_t)y * (size_t)w + (size_t)x), 3);
    im->rgb = to;
    if (orientation >= 5)
        im->width = h, im->height = w;
    return WARD_OK;
}

static void close_jpeg(void *tj)
{
    tjDestroy(tj);
}

/* Returns the smallest reduction that meets the limit. */
static int choose_shrink(int w, int h, uint64_t most)
{
    int shrink = 1;

    while (most != 0 && shrink < 8 &&
           (uint64_t)w * (uint64_t)h / (uint64_t)(shrink * shrink) > most)
        shrink *= 2;
    return shrink;
}

/* libjpeg stores all coefficients of a JPEG with several scans, 6 bytes for each pixel, but
 * only a few lines of a JPEG with one scan. */
static uint64_t most_pixels(const uint8_t *data, size_t n, const struct ward_image_limits *l)
{
    return l->scan_pixels > l->max_pixels && ward_jpeg_one_scan(data, n) ? l->scan_pixels
                                                                         : l->max_pixels;
}

static enum ward_code decode_jpeg(const uint8_t *data, size_t n,
                                  const struct ward_image_limits *l, struct ward_arena *mem,
                                  struct ward_image *out, struct ward_err *err)
{
    int w = 0, h = 0, subsampling = 0, colour = 0;
    struct ward_image im = {0};
    tjscalingfactor scale;
    tjhandle tj = tjInitDecompress();

    if (tj == NULL || !ward_defer(mem, close_jpeg, tj))
        return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory to decode a JPEG");
    if (tjDecompressHeader3(tj, data, (unsigned long)n, &w, &h, &subsampling, &colour) != 0)
        return broken(err, "the JPEG's header is damaged or of an unsupported kind",
                      tjGetErrorStr2(tj));
    WARD_TRY(check_size(w, h, most_pixels(data, n, l), l->max_side, err));
    if (colour == TJCS_CMYK || colour == TJCS_YCCK)
        return REFUSE(err, "IMAGE_COLOUR", "the JPEG is CMYK; save it as RGB");

    im.shrink = choose_shrink(w, h, l->jpeg_pixels);
    scale = (tjscalingfactor){1, im.shrink};
    im.width = TJSCALED(w, scale);
    im.height = TJSCALED(h, scale);
    im.rgb = pixels(mem, im.width, im.height, err);
    if (im.rgb == NULL)
        return WARD_RESOURCE_EXHAUSTED;
    /* LIMITSCANS protects against progressive files that repeat scans to waste time. Warnings
     * are errors here, because libjpeg only warns about lost data and fills the gap with grey.
     */
    if (tjDecompress2(tj, data, (unsigned long)n, im.rgb, im.width, 0, im.height, TJPF_RGB,
                      TJFLAG_ACCURATEDCT | TJFLAG_LIMITSCANS) != 0)
        return broken(err, "the JPEG is damaged or incomplete", tjGetErrorStr2(tj));
    WARD_TRY(turn(ward_exif_orientation(data, n), mem, &im, err));
    *out = im;
    return WARD_OK;
}

/* Detects an animation control chunk before the picture. Otherwise, only the first frame would
 * be read, without notice. Source: W3C Portable Network Graphics (Third Edition), 11.3.6.1. */
static bool is_animated(const uint8_t *p, size_t n)
{
    size_t at = 8;

    while (n - at >= 12) {
        size_t len = (size_t)p[at] << 24 | (size_t)p[at + 1] << 16 | (size_t)p[at + 2] << 8 |
                     (size_t)p[at + 3];

        if (memcmp(p + at + 4, "acTL", 4) == 0)
            return true;
        if (memcmp(p + at + 4, "IDAT", 4) == 0 || len > n - at - 12)
            return false;
        at += 12 + len;
    }
    return false;
}

static enum ward_code decode_png(const uint8_t *data, size_t n,
                                 const struct ward_image_limits *l, struct ward_arena *mem,
                                 struct ward_image *out, struct ward_err *err)
{
    static const png_color white = {255, 255, 255};
    struct ward_image im = {.shrink = 1};
    png_image png = {.version = PNG_IMAGE_VERSION};
    int orientation = ward_exif_orientation(data, n);
    uint8_t *lying = NULL;
    enum ward_code code = WARD_OK;

    if (is_animated(data, n))
        return REFUSE(err, "IMAGE_ANIMATED", "the PNG is animated; send one still picture");
    if (png_image_begin_read_from_memory(&png, data, n) == 0)
        return broken(err, "the PNG's header is damaged", png.message);
    png.format = PNG_FORMAT_RGB;
    /* Without this call, libpng interprets 16 bits as linear light if the file does not specify
     * gamma. */
    png.flags |= PNG_IMAGE_FLAG_16BIT_sRGB;
    code = check_size(png.width, png.height, l->max_pixels, l->max_side, err);
    if (code == WARD_OK) {
        im.width = (int)png.width;
        im.height = (int)png.height;
        im.rgb = orientation == 1 ? pixels(mem, im.width, im.height, err)
                                  : (lying = passing(im.width, im.height, err));
        code = im.rgb == NULL ? WARD_RESOURCE_EXHAUSTED : WARD_OK;
    }
    if (code == WARD_OK && png_image_finish_read(&png, &white, im.rgb, 0, NULL) == 0)
        code = broken(err, "the PNG is damaged or incomplete", png.message);
    png_image_free(&png);
    if (code == WARD_OK)
        code = turn(orientation, mem, &im, err);
    free(lying);
    if (code == WARD_OK)
        *out = im;
    return code;
}

static enum ward_code refuse_format(const void *data, size_t n, struct ward_err *err)
{
    const char *kind = ward_image_kind(data, n);

    if (kind == NULL)
        return REFUSE(err, "IMAGE_FORMAT", "the image is neither JPEG nor PNG");
    if (strcmp(kind, "HEIC") == 0)
        return REFUSE(
            err, "IMAGE_FORMAT",
            "the image is HEIC, which is not supported: save or share it as JPEG, or set the "
            "camera to JPEG (iPhone: Settings, Camera, Formats, Most Compatible)");
    return REFUSE(err, "IMAGE_FORMAT",
                  "the image is %s, which is not supported; save it as JPEG or PNG", kind);
}

enum ward_code ward_image_decode(const void *data, size_t n, const struct ward_image_limits *l,
                                 struct ward_arena *mem, struct ward_image *out,
                                 struct ward_err *err)
{
    static const uint8_t jpeg[] = {0xff, 0xd8, 0xff},
                         png[] = {0x89, 'P', 'N', 'G', 0x0d, 0x0a, 0x1a, 0x0a};

    if (n == 0)
        return REFUSE(err, "IMAGE_EMPTY", "there is no image");
    if (n > l->max_bytes)
        return REFUSE(err, "IMAGE_TOO_LARGE", "the image has more than %zu bytes",
                      l->max_bytes);
    if (n >= sizeof(jpeg) && memcmp(data, jpeg, sizeof(jpeg)) == 0)
        return decode_jpeg(data, n, l, mem, out, err);
    if (n >= sizeof(png) && memcmp(data, png, sizeof(png)) == 0)
        return decode_png(data, n, l, mem, out, err);
    return refuse_format(data, n, err);
}
