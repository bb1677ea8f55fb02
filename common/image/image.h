/* image.h - decodes untrusted photographs to pixels. Only this folder includes <turbojpeg.h>
 * and <png.h>.
 *
 * Reads JPEG (baseline and progressive, grey, YCbCr or RGB) and PNG (all kinds) to RGB with 8
 * bits. 16 bits become 8, as sRGB unless the file names another gamma, and transparency becomes
 * white. The header is checked against the limits before pixels are allocated. EXIF orientation
 * is applied to both formats. A JPEG with many pixels is decoded at a half, a quarter or an
 * eighth of its size, which saves time. A JPEG with a single scan, as cameras write it, is read
 * strip by strip and may have more pixels. Damaged and animated files are rejected, because the
 * photograph can be taken again. The error names other known formats.
 *
 * Threads: pure. Memory: pixels in the caller's arena. Decoding also uses heap memory:
 * 6 bytes for each pixel of a progressive JPEG, and 3 for each pixel of a rotated PNG. Errors:
 * INVALID_ARGUMENT with reason IMAGE_EMPTY, IMAGE_FORMAT, IMAGE_TOO_LARGE, IMAGE_COLOUR,
 * IMAGE_BROKEN, IMAGE_ANIMATED; RESOURCE_EXHAUSTED if the arena is full.
 */
#ifndef WARD_IMAGE_IMAGE_H
#define WARD_IMAGE_IMAGE_H

#include "common/base/arena.h"
#include "common/base/status.h"

struct ward_image_limits {
    size_t max_bytes;     /* size of the file */
    uint64_t max_pixels;  /* limit of the header's width x height */
    int max_side;         /* pixels */
    uint64_t jpeg_pixels; /* a JPEG above this size is decoded smaller; 0: never */
    uint64_t
        scan_pixels; /* replaces max_pixels for a JPEG with one scan; 0: max_pixels applies */
};

struct ward_image {
    int width, height; /* pixels, upright */
    uint8_t *rgb;      /* [height, width, 3] */
    int shrink;        /* 1, 2, 4 or 8: the reduction relative to the file */
};

WARD_MUST enum ward_code ward_image_decode(const void *data, size_t n,
                                           const struct ward_image_limits *limits,
                                           struct ward_arena *mem, struct ward_image *out,
                                           struct ward_err *err);

/* Names the format of a file that is neither JPEG nor PNG, by its first bytes: "HEIC"; NULL:
 * unknown. */
const char *ward_image_kind(const uint8_t *file, size_t n);
/* Returns whether the file is a non-progressive JPEG with one scan for all colours. */
bool ward_jpeg_one_scan(const uint8_t *file, size_t n);

/* Returns the EXIF orientation of a JPEG or PNG, 1..8; 1 if the orientation is absent or
 * invalid. */
int ward_exif_orientation(const uint8_t *file, size_t n);

#endif
