/* encode.h - writes pixels as a JPEG or PNG file without metadata, for redacted photographs,
 * heat maps, test captures and the demo.
 *
 * Threads: pure. Memory: the caller's arena. Errors: RESOURCE_EXHAUSTED if the arena is full,
 * INVALID_ARGUMENT for sides or quality out of range.
 */
#ifndef WARD_IMAGE_ENCODE_H
#define WARD_IMAGE_ENCODE_H

#include "common/image/image.h"

/* quality 1..100; chroma at half resolution (4:2:0), as in cameras. */
WARD_MUST enum ward_code ward_image_encode_jpeg(const struct ward_image *img, int quality,
                                                struct ward_arena *mem, uint8_t **out,
                                                size_t *n, struct ward_err *err);
/* RGB, 8 bits. */
WARD_MUST enum ward_code ward_image_encode_png(const struct ward_image *img,
                                               struct ward_arena *mem, uint8_t **out, size_t *n,
                                               struct ward_err *err);

#endif
