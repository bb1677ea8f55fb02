/* All pictures are generated and show no person. */
#include "common/image/image.h"

#include <png.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <turbojpeg.h>

#include <cmocka.h>

static const struct ward_image_limits limits = {1 << 20, 1 << 20, 2000, 0, 0};
static struct ward_arena mem;
static struct ward_err err;
static struct ward_image im;
static uint8_t file[1 << 20];
static size_t len;

static int fresh(void **state)
{
    (void)state;
    ward_arena_done(&mem);
    ward_arena_init(&mem, 32 << 20);
    memset(&err, 0, sizeof(err));
    im = (struct ward_image){0};
    len = 0;
    return 0;
}

/* Four quarters of one colour each: red and green above, blue and white below. */
static uint8_t *quarters(int w, int h)
{
    static const uint8_t colour[4][3] = {
        {255, 0, 0}, {0, 255, 0}, {0, 0, 255}, {255, 255, 255}};
    uint8_t *rgb = ward_alloc(&mem, 3 * (size_t)w * (size_t)h);

    assert_non_null(rgb);
    for (int y = 0; y < h; y++)
        for (int x = 0; x < w; x++)
            memcpy(rgb + 3 * (y * w + x), colour[2 * (y >= h / 2) + (x >= w / 2)], 3);
    return rgb;
}

static void make_jpeg(const uint8_t *rgb, int w, int h, int format, int subsampling, int flags)
{
    tjhandle tj = tjInitCompress();
    unsigned char *out = NULL;
    unsigned long n = 0;

    assert_int_equal(tjCompress2(tj, rgb, w, 0, h, format, &out, &n, subsampling, 95, flags),
                     0);
    assert_true(n <= sizeof(file));
    memcpy(file, out, n);
    len = n;
    tjFree(out);
    tjDestroy(tj);
}

static void make_png(const void *pixels, int w, int h, unsigned format, const void *map)
{
    png_image png = {.version = PNG_IMAGE_VERSION,
                     .width = (png_uint_32)w,
                     .height = (png_uint_32)h,
                     .format = format,
                     .colormap_entries = 2};
    png_alloc_size_t n = sizeof(file);

    assert_true(png_image_write_to_memory(&png, file, &n, 0, pixels, 0, map));
    len = n;
}

static enum ward_code decode(void)
{
    memset(&err, 0, sizeof(err));
    return ward_image_decode(file, len, &limits, &mem, &im, &err);
}

static void refused_as(const char *reason)
{
    struct ward_image before = im;

    assert_int_equal(decode(), WARD_INVALID_ARGUMENT);
    assert_string_equal(err.reason, reason);
    assert_memory_equal(&im, &before, sizeof(im));
}

/* Returns the colour near (fx, fy) of the picture, as one letter. */
static char at(double fx, double fy)
{
    const uint8_t *p = im.rgb + 3 * ((int)(fy * im.height) * im.width + (int)(fx * im.width));

    if (p[0] > 200 && p[1] > 200 && p[2] > 200)
        return 'w';
    return p[0] > 200 ? 'r' : p[1] > 200 ? 'g' : p[2] > 200 ? 'b' : '?';
}

/* The order of `want`: top left, top right, bottom left, bottom right. */
static void quarters_are(const char *want)
{
    char got[5] = {at(0.2, 0.2), at(0.8, 0.2), at(0.2, 0.8), at(0.8, 0.8), '\0'};

    assert_string_equal(got, want);
}

static void a_jpeg_becomes_rgb(void **state)
{
    static const int kinds[] = {TJSAMP_444, TJSAMP_422, TJSAMP_420};

    (void)state;
    for (size_t i = 0; i < WARD_COUNT(kinds); i++) {
        make_jpeg(quarters(64, 48), 64, 48, TJPF_RGB, kinds[i], 0);
        assert_int_equal(decode(), WARD_OK);
        assert_int_equal(im.width, 64);
        assert_int_equal(im.height, 48);
        assert_int_equal(im.shrink, 1);
        quarters_are("rgbw");
    }
    make_jpeg(quarters(64, 48), 64, 48, TJPF_RGB, TJSAMP_420, TJFLAG_PROGRESSIVE);
    assert_int_equal(decode(), WARD_OK);
    quarters_are("rgbw");
}

static void a_grey_jpeg_becomes_rgb(void **state)
{
    (void)state;
    make_jpeg(quarters(64, 48), 64, 48, TJPF_RGB, TJSAMP_GRAY, 0);
    assert_int_equal(decode(), WARD_OK);
    assert_int_equal(at(0.8, 0.8), 'w');
    assert_true(abs(im.rgb[0] - 76) <= 2 && im.rgb[0] == im.rgb[1] && im.rgb[1] == im.rgb[2]);
}

static void a_cmyk_jpeg_is_refused_by_name(void **state)
{
    uint8_t *cmyk = ward_alloc(&mem, 4 * 64 * 48);

    (void)state;
    make_jpeg(cmyk, 64, 48, TJPF_CMYK, TJSAMP_444, 0);
    refused_as("IMAGE_COLOUR");
}

static void a_large_jpeg_is_decoded_smaller(void **state)
{
    struct ward_image_limits small = limits;

    (void)state;
    make_jpeg(quarters(201, 99), 201, 99, TJPF_RGB, TJSAMP_420, 0);
    small.jpeg_pixels = 201 * 99;
    assert_int_equal(ward_image_decode(file, len, &small, &mem, &im, &err), WARD_OK);
    assert_int_equal(im.shrink, 1);
    small.jpeg_pixels = 201 * 99 - 1;
    assert_int_equal(ward_image_decode(file, len, &small, &mem, &im, &err), WARD_OK);
    assert_int_equal(im.shrink, 2);
    assert_int_equal(im.width, 101);
    assert_int_equal(im.height, 50);
    quarters_are("rgbw");
    small.jpeg_pixels = 1; /* an eighth is the strongest reduction */
    assert_int_equal(ward_image_decode(file, len, &small, &mem, &im, &err), WARD_OK);
    assert_int_equal(im.shrink, 8);
    assert_int_equal(im.width, 26);
}

/* Inserts an EXIF block with this orientation after the JPEG's first marker. */
static void put_exif(int orientation, bool little)
{
    static const uint8_t head[] = {0xff, 0xe1, 0, 34, 'E', 'x', 'i', 'f', 0, 0};
    uint8_t tiff[26] = {'M', 'M', 0, 42, 0, 0, 0, 8, 0, 1, 0x01, 0x12, 0, 3, 0, 0, 0, 1};

    tiff[19] = (uint8_t)orientation;
    if (little) {
        static const uint8_t le[] = {'I', 'I',  42, 0, 8, 0, 0, 0, 1,
                                     0,   0x12, 1,  3, 0, 1, 0, 0, 0};

        memcpy(tiff, le, sizeof(le));
        tiff[18] = (uint8_t)orientation, tiff[19] = 0;
    }
    memmove(file + 2 + sizeof(head) + sizeof(tiff), file + 2, len - 2);
    memcpy(file + 2, head, sizeof(head));
    memcpy(file + 2 + sizeof(head), tiff, sizeof(tiff));
    len += sizeof(head) + sizeof(tiff);
}

static void exif_orientation_turns_the_picture_upright(void **state)
{
    static const char *const want[] = {"",     "rgbw", "grwb", "wbgr", "bwrg",
                                       "rbgw", "brwg", "wgbr", "gwrb"};

    (void)state;
    for (int o = 1; o <= 8; o++) {
        make_jpeg(quarters(64, 48), 64, 48, TJPF_RGB, TJSAMP_444, 0);
        put_exif(o, o % 2 == 0);
        assert_int_equal(ward_exif_orientation(file, len), o);
        assert_int_equal(decode(), WARD_OK);
        assert_int_equal(im.width, o >= 5 ? 48 : 64);
        assert_int_equal(im.height, o >= 5 ? 64 : 48);
        quarters_are(want[o]);
    }
}

static void exif_that_makes_no_sense_is_no_exif(void **state)
{
    size_t whole;

    (void)state;
    make_jpeg(quarters(64, 48), 64, 48, TJPF_RGB, TJSAMP_444, 0);
    put_exif(9, false);
    assert_int_equal(ward_exif_orientation(file, len), 1);
    make_jpeg(quarters(64, 48), 64, 48, TJPF_RGB, TJSAMP_444, 0);
    put_exif(6, true);
    whole = len;
    /* Truncated at any byte: never reads past the end. */
    for (size_t n = 0; n < 60 && n < whole; n++) {
        uint8_t *cut = malloc(n == 0 ? 1 : n);

        memcpy(cut, file, n);
        assert_in_range(ward_exif_orientation(cut, n), 1, 8);
        free(cut);
    }
    file[2 + 10 + 4] = 0xff, file[2 + 10 + 5] = 0xff; /* the directory is outside the block */
    assert_int_equal(ward_exif_orientation(file, whole), 1);
}

static void a_png_of_any_kind_becomes_rgb(void **state)
{
    uint8_t grey[4] = {0, 255, 128, 255}, rgba[4] = {255, 0, 0, 0},
            map[6] = {255, 0, 0, 0, 0, 255};
    uint8_t index[4] = {0, 1, 0, 1};
    uint16_t deep[12] = {65535, 0, 0, 0, 65535, 0, 0, 0, 65535, 65535, 65535, 65535};

    (void)state;
    make_png(quarters(64, 48), 64, 48, PNG_FORMAT_RGB, NULL);
    assert_int_equal(decode(), WARD_OK);
    quarters_are("rgbw");
    make_png(grey, 2, 2, PNG_FORMAT_GRAY, NULL);
    assert_int_equal(decode(), WARD_OK);
    assert_memory_equal(
        im.rgb, ((uint8_t[]){0, 0, 0, 255, 255, 255, 128, 128, 128, 255, 255, 255}), 12);
    make_png(index, 2, 2, PNG_FORMAT_RGB_COLORMAP, map);
    assert_int_equal(decode(), WARD_OK);
    assert_memory_equal(im.rgb, ((uint8_t[]){255, 0, 0, 0, 0, 255}), 6);
    make_png(deep, 2, 2, PNG_FORMAT_LINEAR_RGB, NULL);
    assert_int_equal(decode(), WARD_OK);
    quarters_are("rgbw");
    make_png(rgba, 1, 1, PNG_FORMAT_RGBA, NULL);
    assert_int_equal(decode(), WARD_OK);
    /* Transparency becomes white. */
    assert_memory_equal(im.rgb, ((uint8_t[]){255, 255, 255}), 3);
}

/* Inserts a chunk with an invalid checksum after the PNG's header. A decoder that reads the
 * chunk rejects the file; a search that stops before the chunk does not. */
static void put_chunk(const char *type, uint32_t n)
{
    uint8_t head[12] = {(uint8_t)(n >> 24), (uint8_t)(n >> 16), (uint8_t)(n >> 8), (uint8_t)n};

    memcpy(head + 4, type, 4);
    memmove(file + 33 + sizeof(head) + 8, file + 33, len - 33);
    memcpy(file + 33, head, 8);
    memset(file + 41, 0, 12);
    len += sizeof(head) + 8;
}

/* Inserts a chunk with a valid checksum at this byte. */
static void put_png_chunk(size_t where, const char *type, const uint8_t *body, size_t n)
{
    uint32_t crc = 0xffffffff;
    uint8_t *p = file + where;

    memmove(p + 12 + n, p, len - where);
    memcpy(p, ((uint8_t[]){0, 0, 0, (uint8_t)n}), 4);
    memcpy(p + 4, type, 4);
    memcpy(p + 8, body, n);
    for (size_t i = 4; i < 8 + n; i++) {
        crc ^= p[i];
        for (int k = 0; k < 8; k++)
            crc = crc & 1 ? crc >> 1 ^ 0xedb88320 : crc >> 1;
    }
    for (int k = 0; k < 4; k++)
        p[8 + n + (size_t)k] = (uint8_t)(~crc >> (24 - 8 * k));
    len += 12 + n;
}

/* Removes the first chunk of this type, if any. */
static void drop_png_chunk(const char *type)
{
    for (size_t at = 8; len - at >= 12;) {
        size_t n = 12 + ((size_t)file[at + 2] << 8 | file[at + 3]);

        if (memcmp(file + at + 4, type, 4) == 0) {
            memmove(file + at, file + at + n, len - at - n);
            len -= n;
            return;
        }
        at += n;
    }
}

static void a_pngs_exif_orientation_turns_it_upright(void **state)
{
    static const char *const want[] = {"",     "rgbw", "grwb", "wbgr", "bwrg",
                                       "rbgw", "brwg", "wgbr", "gwrb"};
    uint8_t tiff[26] = {'M', 'M', 0, 42, 0, 0, 0, 8, 0, 1, 0x01, 0x12, 0, 3, 0, 0, 0, 1};

    (void)state;
    for (int o = 1; o <= 9; o++)
        for (int behind = 0; behind < 2; behind++) {
            make_png(quarters(64, 48), 64, 48, PNG_FORMAT_RGB, NULL);
            tiff[19] = (uint8_t)o;
            put_png_chunk(behind ? len - 12 : 33, "eXIf", tiff, sizeof(tiff));
            assert_int_equal(ward_exif_orientation(file, len), o == 9 ? 1 : o);
            assert_int_equal(decode(), WARD_OK);
            assert_int_equal(im.width, o >= 5 && o <= 8 ? 48 : 64);
            quarters_are(want[o == 9 ? 1 : o]);
        }
    for (; len > 8; len--) { /* truncated at any byte: never reads past the end */
        uint8_t *cut = malloc(len);

        memcpy(cut, file, len);
        assert_in_range(ward_exif_orientation(cut, len), 1, 8);
        free(cut);
    }
}

/* Cameras and converters write 16-bit files without a gamma, which mean sRGB. As linear light,
 * the grey of 128 would become 188. */
static void a_png_of_16_bits_that_names_no_gamma_is_srgb(void **state)
{
    uint16_t grey[4] = {0, 128 * 257, 64 * 257, 65535};

    (void)state;
    make_png(grey, 2, 2, PNG_FORMAT_LINEAR_Y, NULL);
    drop_png_chunk("gAMA");
    drop_png_chunk("cHRM");
    assert_int_equal(decode(), WARD_OK);
    assert_in_range(im.rgb[3], 127, 129);
    assert_in_range(im.rgb[6], 63, 65);
    make_png(grey, 2, 2, PNG_FORMAT_LINEAR_Y, NULL); /* with a gamma of 1 */
    assert_int_equal(decode(), WARD_OK);
    assert_in_range(im.rgb[3], 186, 190);
}

static void an_animated_png_is_refused_by_name(void **state)
{
    (void)state;
    make_png(quarters(64, 48), 64, 48, PNG_FORMAT_RGB, NULL);
    put_chunk("acTL", 8);
    refused_as("IMAGE_ANIMATED");
    put_chunk("tEXt", 8);
    refused_as("IMAGE_ANIMATED");
    for (; len > 8; len--) { /* truncated at any byte: never reads past the end */
        uint8_t *cut = malloc(len);

        memcpy(cut, file, len);
        assert_int_equal(ward_image_decode(cut, len, &limits, &mem, &im, &err),
                         WARD_INVALID_ARGUMENT);
        free(cut);
    }
    make_png(quarters(64, 48), 64, 48, PNG_FORMAT_RGB, NULL);
    put_chunk("acTL", 0x7fffffff); /* longer than the file */
    refused_as("IMAGE_ANIMATED");
    make_png(quarters(64, 48), 64, 48, PNG_FORMAT_RGB, NULL);
    put_chunk("tEXt", 0xffffffff);
    refused_as("IMAGE_BROKEN");
}

static void what_is_no_image_is_refused(void **state)
{
    (void)state;
    refused_as("IMAGE_EMPTY");
    for (len = 0; len < 5000; len++)
        file[len] = (uint8_t)(len * 7919 >> 3);
    refused_as("IMAGE_FORMAT");
    memcpy(file, "GIF89a", 6);
    refused_as("IMAGE_FORMAT");
    len = 2;
    memcpy(file, "\xff\xd8", 2);
    refused_as("IMAGE_FORMAT");
    len = 3;
    memcpy(file, "\xff\xd8\xff", 3);
    refused_as("IMAGE_BROKEN");
    len = 8;
    memcpy(file, "\x89PNG\r\n\x1a\n", 8);
    refused_as("IMAGE_BROKEN");
}

static void a_file_cut_anywhere_is_refused(void **state)
{
    size_t whole;

    (void)state;
    make_jpeg(quarters(64, 48), 64, 48, TJPF_RGB, TJSAMP_420, 0);
    whole = len;
    for (len = 3; len < whole; len++) {
        /* Without only the end marker, all pixels exist; libjpeg warns, Ward rejects. */
        assert_int_equal(decode(), WARD_INVALID_ARGUMENT);
        assert_string_equal(err.reason, "IMAGE_BROKEN");
    }
    make_png(quarters(64, 48), 64, 48, PNG_FORMAT_RGB, NULL);
    whole = len;
    for (len = 8; len < whole - 12; len++) { /* the last chunk, IEND, is empty */
        assert_int_equal(decode(), WARD_INVALID_ARGUMENT);
        assert_string_equal(err.reason, "IMAGE_BROKEN");
    }
}

static void a_header_that_promises_too_much_costs_nothing(void **state)
{
    size_t before;

    (void)state;
    make_png(quarters(8, 8), 8, 8, PNG_FORMAT_RGB, NULL);
    file[16] = 0, file[17] = 0, file[18] = 0x07,
    file[19] = 0xd1; /* 2001 pixels wide; the checksum is wrong */
    assert_int_equal(decode(), WARD_INVALID_ARGUMENT);
    make_jpeg(quarters(64, 48), 64, 48, TJPF_RGB, TJSAMP_420, 0);
    for (size_t i = 0; i + 9 < len; i++) /* the frame header: height and width */
        if (file[i] == 0xff && file[i + 1] == 0xc0) {
            memcpy(file + i + 5, "\x7f\xff\x7f\xff", 4);
            break;
        }
    before = mem.used;
    refused_as("IMAGE_TOO_LARGE");
    assert_true(mem.used - before < 1024); /* 1 Gpx caused no allocation */
    make_jpeg(quarters(1500, 1500), 1500, 1500, TJPF_RGB, TJSAMP_420, 0);
    refused_as("IMAGE_TOO_LARGE"); /* 2.25 Mpx, although both sides are permitted */
}

static void a_file_above_its_limit_is_refused_unread(void **state)
{
    struct ward_image_limits l = limits;

    (void)state;
    make_jpeg(quarters(64, 48), 64, 48, TJPF_RGB, TJSAMP_420, 0);
    l.max_bytes = len - 1;
    assert_int_equal(ward_image_decode(file, len, &l, &mem, &im, &err), WARD_INVALID_ARGUMENT);
    assert_string_equal(err.reason, "IMAGE_TOO_LARGE");
    l.max_bytes = len;
    assert_int_equal(ward_image_decode(file, len, &l, &mem, &im, &err), WARD_OK);
}

static void each_refused_allocation_is_said(void **state)
{
    int n = 0;

    (void)state;
    make_jpeg(quarters(64, 48), 64, 48, TJPF_RGB, TJSAMP_420, 0);
    put_exif(6, false);
    do {
        ward_arena_reset(&mem);
        mem.fail_at = ++n;
    } while (decode() == WARD_RESOURCE_EXHAUSTED);
    assert_int_equal(err.code, WARD_OK);
    /* Allocations: the decoder's cleanup, the pixels, the rotated pixels. */
    assert_int_equal(n, 4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(a_jpeg_becomes_rgb, fresh),
        cmocka_unit_test_setup(a_grey_jpeg_becomes_rgb, fresh),
        cmocka_unit_test_setup(a_cmyk_jpeg_is_refused_by_name, fresh),
        cmocka_unit_test_setup(a_large_jpeg_is_decoded_smaller, fresh),
        cmocka_unit_test_setup(exif_orientation_turns_the_picture_upright, fresh),
        cmocka_unit_test_setup(exif_that_makes_no_sense_is_no_exif, fresh),
        cmocka_unit_test_setup(a_png_of_any_kind_becomes_rgb, fresh),
        cmocka_unit_test_setup(a_pngs_exif_orientation_turns_it_upright, fresh),
        cmocka_unit_test_setup(a_png_of_16_bits_that_names_no_gamma_is_srgb, fresh),
        cmocka_unit_test_setup(an_animated_png_is_refused_by_name, fresh),
        cmocka_unit_test_setup(what_is_no_image_is_refused, fresh),
        cmocka_unit_test_setup(a_file_cut_anywhere_is_refused, fresh),
        cmocka_unit_test_setup(a_header_that_promises_too_much_costs_nothing, fresh),
        cmocka_unit_test_setup(a_file_above_its_limit_is_refused_unread, fresh),
        cmocka_unit_test_setup(each_refused_allocation_is_said, fresh),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
