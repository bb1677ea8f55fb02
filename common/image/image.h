/* image.h - photographs from strangers to pixels. The only code that includes <turbojpeg.h> and
 * <png.h>.
 *
 * JPEG (baseline and progressive, grey or YCbCr or RGB) and PNG (all kinds; 16 bits become 8,
 * as sRGB unless the file names another gamma; transparency is laid on white) to RGB, 8 bits.
 * The header is read and held against the limits before pixels are allocated. EXIF orientation
 * is applied in both, so that up is up. A JPEG of many pixels is decoded at a half, a quarter
 * or an eighth, which its cosine transform gives for less than nothing; one whose pixels come
 * in a single scan, as cameras write it, is read strip by strip and may have more of them. What
 * is damaged is refused rather than guessed, and what is animated too: a photograph can be
 * taken again. Other formats are refused by their names.
 *
 * Threads: pure. Memory: pixels in the caller's arena; libjpeg's and libpng's own while they
 * work (a progressive JPEG of max_pixels: 6 bytes a pixel; a PNG that is turned: 3). Errors:
 * INVALID_ARGUMENT with reason IMAGE_EMPTY, IMAGE_FORMAT, IMAGE_TOO_LARGE, IMAGE_COLOUR,
 * IMAGE_BROKEN, IMAGE_ANIMATED; RESOURCE_EXHAUSTED the arena is full.
 */
#ifndef WARD_IMAGE_IMAGE_H
#define WARD_IMAGE_IMAGE_H

#include "common/base/arena.h"
#include "common/base/status.h"

struct ward_image_limits {
    size_t max_bytes;     /* of the file */
    uint64_t max_pixels;  /* width x height in its header */
    int max_side;         /* pixels */
    uint64_t jpeg_pixels; /* a JPEG above this is decoded smaller; 0: never */
    uint64_t scan_pixels; /* instead of max_pixels for a JPEG of one scan; 0: as for others */
};

struct ward_image {
    int width, height; /* pixels, upright */
    uint8_t *rgb;      /* [height, width, 3] */
    int shrink;        /* 1, 2, 4 or 8: how much smaller than the file says */
};

WARD_MUST enum ward_code ward_image_decode(const void *data, size_t n,
                                           const struct ward_image_limits *limits,
                                           struct ward_arena *mem, struct ward_image *out,
                                           struct ward_err *err);

/* What a file that is neither JPEG nor PNG is, by its first bytes: "HEIC"; NULL: not known. */
const char *ward_image_kind(const uint8_t *file, size_t n);
/* Is it a JPEG of one scan of all its colours, not progressive? */
bool ward_jpeg_one_scan(const uint8_t *file, size_t n);

/* EXIF orientation of a JPEG or PNG, 1..8; 1 where there is none or it makes no sense. */
int ward_exif_orientation(const uint8_t *file, size_t n);

#endif
