/* codec.h - decompresses one frame with GDCM, which is a C++ library.
 *
 * Threads: pure functions. Memory: the caller's buffer. Errors: false, with a constant sentence
 * in `words`. No exception leaves the function.
 */
#ifndef WARD_PLUGINS_DICOM_CODEC_H
#define WARD_PLUGINS_DICOM_CODEC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

struct dicom_codec {
    const char *transfer_syntax, *photometric;
    uint32_t rows, columns, samples, allocated, bits, is_signed;
    const uint8_t *data;
    size_t n;
};

/* Fills `out` with rows x columns x samples values of 8 or 16 bits, interleaved, low byte
 * first. */
bool dicom_codec_decode(const struct dicom_codec *c, uint8_t *out, size_t n,
                        const char **words);
const char *dicom_codec_version(void);

#ifdef __cplusplus
}
#endif
#endif
