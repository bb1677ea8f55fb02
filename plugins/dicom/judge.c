/* Decides which pictures the decoder decodes. */
#include "header.h"

#include <string.h>

static enum ward_decoder_why fail(struct dicom_header *h, enum ward_decoder_why why,
                                  const char *words)
{
    h->words = words;
    return why;
}

static bool is(const struct dicom_header *h, const char *photometric)
{
    return strcmp(h->is.photometric, photometric) == 0;
}

static enum ward_decoder_why size(struct dicom_header *h,
                                  const struct ward_decoder_limits *limits)
{
    const struct ward_picture *p = &h->is;

    if (p->rows == 0 || p->columns == 0 || p->frames == 0)
        return fail(h, WARD_DECODER_FORMAT, "the header has no picture size");
    if (p->rows > limits->side || p->columns > limits->side ||
        (uint64_t)p->rows * p->columns > limits->pixels)
        return fail(h, WARD_DECODER_TOO_LARGE, "the picture has too many pixels");
    if (p->frames > limits->frames)
        return fail(h, WARD_DECODER_TOO_LARGE, "the file has too many frames");
    return WARD_DECODER_FINE;
}

static enum ward_decoder_why bits(struct dicom_header *h)
{
    const struct ward_picture *p = &h->is;

    if (h->allocated != 8 && h->allocated != 16)
        return fail(h, WARD_DECODER_BITS, "values must have 8 or 16 bits allocated");
    if (p->bits < 1 || p->bits > h->allocated || h->high >= h->allocated ||
        h->high + 1 < p->bits || p->is_signed > 1)
        return fail(h, WARD_DECODER_BITS, "the header's bits stored and high bit disagree");
    if (h->syntax->coding != DICOM_NATIVE && h->high + 1 != p->bits)
        return fail(h, WARD_DECODER_BITS, "compressed values must use the lowest bits");
    return WARD_DECODER_FINE;
}

static bool is_palette(const struct dicom_palette *p)
{
    return p->entries > 0 && (p->bits == 8 || p->bits == 16) &&
           p->data.n >= (size_t)p->entries * (p->bits == 8 ? 1 : 2);
}

static enum ward_decoder_why colour(struct dicom_header *h)
{
    const bool j2k = h->syntax->coding == DICOM_JPEG_2000;

    if (h->is.samples == 1 && (is(h, "MONOCHROME1") || is(h, "MONOCHROME2"))) {
        h->is.inverted = is(h, "MONOCHROME1");
        return WARD_DECODER_FINE;
    }
    h->is.rgb = 1;
    if (h->is.samples == 1 && is(h, "PALETTE COLOR") && !h->has_segmented_palette &&
        is_palette(&h->palette[0]) && is_palette(&h->palette[1]) && is_palette(&h->palette[2]))
        return WARD_DECODER_FINE;
    if (h->is.samples == 3 && h->allocated == 8 && h->is.bits == 8 && !h->is.is_signed &&
        (is(h, "RGB") || is(h, "YBR_FULL") ||
         (is(h, "YBR_FULL_422") && h->is.columns % 2 == 0 && h->planar == 0) ||
         (j2k && (is(h, "YBR_RCT") || is(h, "YBR_ICT")))))
        return WARD_DECODER_FINE;
    return fail(h, WARD_DECODER_COLOUR,
                "the picture's colour model (photometric interpretation) is not supported");
}

/* An incomplete window counts as absent. A modality transform without a slope has slope 1. */
static void tidy(struct ward_picture *p)
{
    p->has_window = p->has_window == 3 && p->width > 0;
    if (p->slope == 0 && p->intercept != 0)
        p->slope = 1;
}

enum ward_decoder_why dicom_header_judge(struct dicom_header *h,
                                         const struct ward_decoder_limits *limits)
{
    enum ward_decoder_why why;

    tidy(&h->is);
    if (!h->has_pixels)
        return h->has_float_pixels
                   ? fail(h, WARD_DECODER_BITS, "values with floating point are not supported")
                   : fail(h, WARD_DECODER_NO_PIXELS, "the file contains no picture");
    why = size(h, limits);
    if (why == WARD_DECODER_FINE)
        why = bits(h);
    if (why == WARD_DECODER_FINE && h->has_modality_table)
        why = fail(h, WARD_DECODER_TABLE, "a modality LUT is not supported");
    return why == WARD_DECODER_FINE ? colour(h) : why;
}
