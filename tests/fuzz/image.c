/* JPEG, PNG and EXIF: any bytes a caller may send as a photograph, within small limits, so that
 * most of the time goes into headers and markers and none into pixels.
 * max_len: 16384 */
#include "common/image/image.h"

#include <stdlib.h>

#define ARENA_CAP ((size_t)4 << 20)

static const struct ward_image_limits limits = {.max_bytes = 16384,
                                                .max_pixels = 65536,
                                                .max_side = 512,
                                                .jpeg_pixels = 16384,
                                                .scan_pixels = 131072};

static void check(bool ok)
{
    if (!ok)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct ward_image im = {0};
    struct ward_err err = {0};
    struct ward_arena mem;
    unsigned sum = 0;
    enum ward_code code;
    int turned = ward_exif_orientation(data, size);

    check(turned >= 1 && turned <= 8);
    ward_arena_init(&mem, ARENA_CAP);
    code = ward_image_decode(data, size, &limits, &mem, &im, &err);
    check(code == WARD_OK || code == WARD_INVALID_ARGUMENT);
    if (code == WARD_OK) {
        check(im.width >= 1 && im.width <= limits.max_side);
        check(im.height >= 1 && im.height <= limits.max_side);
        for (size_t i = 0; i < 3 * (size_t)im.width * (size_t)im.height; i++)
            sum += im.rgb[i]; /* each byte is there */
        check(sum <= 255u * 3 * 65536);
    } else {
        check(im.rgb == NULL && err.reason[0] != '\0');
    }
    ward_arena_done(&mem);
    return 0;
}
