/* Photographs with many pixels, and files in formats that are not supported. */
#include "common/image/image.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <turbojpeg.h>

#include <cmocka.h>

#define SIDE 1500

static const struct ward_image_limits limits = {1 << 20, 1 << 20, 2000, 1 << 18,
                                                2 * SIDE *SIDE};
static struct ward_arena mem;
static struct ward_err err;
static struct ward_image im;
static unsigned char *file;
static unsigned long len;

static int fresh(void **state)
{
    (void)state;
    ward_arena_done(&mem);
    ward_arena_init(&mem, 32 << 20);
    tjFree(file);
    file = NULL;
    len = 0;
    return 0;
}

/* Makes a photograph that is light above and dark below. */
static void make(int flags)
{
    tjhandle tj = tjInitCompress();
    uint8_t *rgb = ward_alloc(&mem, (size_t)3 * SIDE * SIDE);

    assert_non_null(rgb);
    memset(rgb, 230, (size_t)3 * SIDE * SIDE / 2);
    assert_int_equal(
        tjCompress2(tj, rgb, SIDE, 0, SIDE, TJPF_RGB, &file, &len, TJSAMP_420, 90, flags), 0);
    tjDestroy(tj);
}

static enum ward_code decode(const void *data, size_t n)
{
    memset(&err, 0, sizeof(err));
    return ward_image_decode(data, n, &limits, &mem, &im, &err);
}

static void a_jpeg_of_one_scan_may_have_more_pixels(void **state)
{
    size_t before;

    (void)state;
    make(0);
    assert_true(ward_jpeg_one_scan(file, len));
    before = mem.used;
    assert_int_equal(decode(file, len), WARD_OK);
    assert_int_equal(im.shrink, 4);
    assert_int_equal(im.width, 375);
    assert_int_equal(im.height, 375);
    assert_true(mem.used - before < 4 * 375 * 375);
    assert_in_range(im.rgb[3 * (50 * 375 + 50)], 225, 235);
    assert_in_range(im.rgb[3 * (300 * 375 + 50)], 0, 5);
}

static void one_of_several_scans_may_not(void **state)
{
    (void)state;
    make(TJFLAG_PROGRESSIVE);
    assert_false(ward_jpeg_one_scan(file, len));
    assert_int_equal(decode(file, len), WARD_INVALID_ARGUMENT);
    assert_string_equal(err.reason, "IMAGE_TOO_LARGE");
}

/* The scan's header names one of three colours; the other colours have separate scans. */
static void a_baseline_jpeg_that_brings_its_colours_apart_is_of_several_scans(void **state)
{
    (void)state;
    make(0);
    for (size_t i = 2; i + 4 < len; i++)
        if (file[i] == 0xff && file[i + 1] == 0xda) {
            file[i + 4] = 1;
            break;
        }
    assert_false(ward_jpeg_one_scan(file, len));
    for (size_t n = 0; n < 20; n++)
        assert_false(ward_jpeg_one_scan(file, n)); /* the header is incomplete */
}

static void other_formats_are_refused_by_their_names(void **state)
{
    static const struct {
        const char *file, *kind;
        size_t n;
    } of[] = {{"\0\0\0\x24"
               "ftypheic\0\0\0\0",
               "HEIC", 16},
              {"\0\0\0\x24"
               "ftypmif1\0\0\0\0",
               "HEIC", 16},
              {"\0\0\0\x20"
               "ftypavif\0\0\0\0",
               "AVIF", 16},
              {"\0\0\0\x20"
               "ftypqt  \0\0\0\0",
               "a film", 16},
              {"RIFF\1\2\3\4WEBPVP8 ", "WebP", 16},
              {"GIF89a", "GIF", 6},
              {"MM\0*\0\0\0\x08", "TIFF", 8},
              {"%PDF-1.7", "PDF", 8},
              {"BM\1\2\3\4", "BMP", 6}};

    (void)state;
    for (size_t i = 0; i < WARD_COUNT(of); i++) {
        assert_int_equal(decode(of[i].file, of[i].n), WARD_INVALID_ARGUMENT);
        assert_string_equal(err.reason, "IMAGE_FORMAT");
        assert_non_null(strstr(err.msg, of[i].kind));
        assert_non_null(strstr(err.msg, "JPEG"));
    }
    decode(of[0].file, of[0].n);
    assert_non_null(strstr(err.msg, "Most Compatible)")); /* the message is not truncated */
    assert_null(ward_image_kind((const uint8_t *)"ftypheic", 8));
    assert_null(ward_image_kind((const uint8_t *)"", 0));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(a_jpeg_of_one_scan_may_have_more_pixels, fresh),
        cmocka_unit_test_setup(one_of_several_scans_may_not, fresh),
        cmocka_unit_test_setup(
            a_baseline_jpeg_that_brings_its_colours_apart_is_of_several_scans, fresh),
        cmocka_unit_test_setup(other_formats_are_refused_by_their_names, fresh),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
