#include "common/image/encode.h"

#include <png.h>
#include <string.h>
#include <turbojpeg.h>

enum ward_code ward_image_encode_jpeg(const struct ward_image *img, int quality,
                                      struct ward_arena *mem, uint8_t **out, size_t *n,
                                      struct ward_err *err)
{
    unsigned char *jpeg = NULL;
    unsigned long size = 0;
    tjhandle tj;
    int failed;

    if (img->width < 1 || img->height < 1 || quality < 1 || quality > 100)
        return WARD_FAIL(err, INVALID_ARGUMENT, "the picture or the quality is invalid");
    tj = tjInitCompress();
    if (tj == NULL)
        return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory to write a JPEG");
    failed = tjCompress2(tj, img->rgb, img->width, 0, img->height, TJPF_RGB, &jpeg, &size,
                         TJSAMP_420, quality, 0);
    *out = failed ? NULL : ward_alloc(mem, size);
    if (*out != NULL)
        memcpy(*out, jpeg, size);
    *n = size;
    tjFree(jpeg);
    tjDestroy(tj);
    if (failed)
        return WARD_FAIL(err, INVALID_ARGUMENT, "cannot write this picture as a JPEG");
    return *out == NULL
               ? WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory for a JPEG of %lu bytes", size)
               : WARD_OK;
}

/* libpng's bound holds for any content; the result is smaller. */
enum ward_code ward_image_encode_png(const struct ward_image *img, struct ward_arena *mem,
                                     uint8_t **out, size_t *n, struct ward_err *err)
{
    png_image png = {.version = PNG_IMAGE_VERSION, .format = PNG_FORMAT_RGB};
    png_alloc_size_t size;
    bool written;

    if (img->width < 1 || img->height < 1)
        return WARD_FAIL(err, INVALID_ARGUMENT, "the picture is invalid");
    png.width = (png_uint_32)img->width;
    png.height = (png_uint_32)img->height;
    size = PNG_IMAGE_PNG_SIZE_MAX(png);
    *out = ward_alloc(mem, size);
    if (*out == NULL)
        return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory for a PNG");
    written = png_image_write_to_memory(&png, *out, &size, 0, img->rgb, 0, NULL) != 0;
    png_image_free(&png);
    *n = size;
    return written ? WARD_OK
                   : WARD_FAIL(err, INVALID_ARGUMENT, "cannot write this picture as a PNG");
}
