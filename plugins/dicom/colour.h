/* colour.h - a decoded frame as floats or as RGB.
 *
 * Threads: pure. Memory: the caller's. Errors: none; the header was judged before.
 */
#ifndef WARD_PLUGINS_DICOM_COLOUR_H
#define WARD_PLUGINS_DICOM_COLOUR_H

#include "header.h"

/* One frame, decompressed. */
struct dicom_raw {
    const uint8_t *at;
    bool decompressed;
    bool big;     /* 16-bit values, high byte first */
    bool swapped; /* 8-bit values in 16-bit words, high byte first */
    bool planar;  /* all red values, then all green, then all blue */
    bool half;    /* YBR_FULL_422: Y Y Cb Cr for two pixels */
    bool ybr;     /* luminance and chrominance */
};

/* Stored values, without the bits beside them. */
void dicom_to_floats(const struct dicom_header *h, const struct dicom_raw *raw, float *out);
void dicom_to_rgb(const struct dicom_header *h, const struct dicom_raw *raw, uint8_t *out);

#endif
