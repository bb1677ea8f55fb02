/* colour.h - converts a decoded frame to floats or to RGB.
 *
 * Threads: pure functions. Memory: the caller's. Errors: none; dicom_header_judge has accepted
 * the header before. */
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
    bool half;    /* YBR_FULL_422: two pixels are stored as Y Y Cb Cr */
    bool ybr;     /* luminance and chrominance */
};

/* Converts stored values to floats, without other bits in the file's words. */
void dicom_to_floats(const struct dicom_header *h, const struct dicom_raw *raw, float *out);
void dicom_to_rgb(const struct dicom_header *h, const struct dicom_raw *raw, uint8_t *out);

#endif
