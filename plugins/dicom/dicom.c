/* Decodes DICOM files: reads the header with this folder's own reader, and compressed frames
 * with GDCM. */
#include "codec.h"
#include "colour.h"
#include "header.h"

#include <stdio.h>
#include <stdlib.h>
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

/* Decompresses a frame into *own, which the caller frees. */
static enum ward_decoder_why decompress(struct dicom_header *h, const struct dicom_bytes *frame,
                                        uint8_t **own)
{
    const struct ward_picture *p = &h->is;
    const size_t n = (size_t)p->rows * p->columns * p->samples * (h->allocated / 8);
    const struct dicom_codec c = {.transfer_syntax = p->transfer_syntax,
                                  .photometric = p->photometric,
                                  .rows = p->rows,
                                  .columns = p->columns,
                                  .samples = p->samples,
                                  .allocated = h->allocated,
                                  .bits = p->bits,
                                  .is_signed = p->is_signed,
                                  .data = frame->at,
                                  .n = frame->n};

    *own = malloc(n);
    if (*own == NULL)
        return fail(h, WARD_DECODER_MEMORY, "no memory to decode the frame");
    return dicom_codec_decode(&c, *own, n, &h->words) ? WARD_DECODER_FINE : WARD_DECODER_BROKEN;
}

static enum ward_decoder_why convert(struct dicom_header *h, const struct dicom_raw *raw,
                                     const struct ward_decoder_ask *ask)
{
    const size_t n = (size_t)h->is.rows * h->is.columns;

    h->is.pixels = ask->alloc(ask->ctx, n * (h->is.rgb ? 3 : sizeof(float)));
    if (h->is.pixels == NULL)
        return fail(h, WARD_DECODER_MEMORY, "no memory for the pixels");
    if (h->is.rgb)
        dicom_to_rgb(h, raw, h->is.pixels);
    else
        dicom_to_floats(h, raw, h->is.pixels);
    return WARD_DECODER_FINE;
}

static enum ward_decoder_why pixels(struct dicom_header *h, const struct ward_decoder_ask *ask)
{
    const bool native = h->syntax->coding == DICOM_NATIVE;
    struct dicom_raw raw = {.ybr = is(h, "YBR_FULL") || is(h, "YBR_FULL_422")};
    struct dicom_bytes frame = {NULL, 0};
    enum ward_decoder_why why = dicom_frame_find(h, &frame);
    uint8_t *own = NULL;

    if (why == WARD_DECODER_FINE && !native)
        why = decompress(h, &frame, &own);
    if (why == WARD_DECODER_FINE) {
        raw.at = native ? frame.at : own;
        raw.decompressed = !native;
        raw.big = native && h->syntax->big;
        raw.swapped = raw.big && h->words_16;
        raw.planar = native && h->planar == 1;
        raw.half = native && is(h, "YBR_FULL_422");
        why = convert(h, &raw, ask);
    }
    free(own);
    return why;
}

static int read_file(const struct ward_decoder_ask *ask, struct ward_picture *out,
                     struct ward_decoder_err *err)
{
    struct dicom_header h;
    enum ward_decoder_why why = dicom_header_read(ask->file, (size_t)ask->n, &ask->limits, &h);

    if (why == WARD_DECODER_FINE)
        why = dicom_header_judge(&h, &ask->limits);
    if (why == WARD_DECODER_FINE)
        why = pixels(&h, ask);
    if (why == WARD_DECODER_FINE) {
        const uint32_t size = out->size < sizeof(h.is) ? out->size : sizeof(h.is);

        h.is.size = out->size;
        memcpy(out, &h.is, size);
    } else {
        snprintf(err->msg, sizeof(err->msg), "%s", h.words == NULL ? "" : h.words);
    }
    dicom_header_done(&h);
    return (int)why;
}

const struct ward_decoder *ward_decoder_entry(void)
{
    static struct ward_decoder table = {.size = sizeof(table),
                                        .major = WARD_DECODER_MAJOR,
                                        .minor = WARD_DECODER_MINOR,
                                        .name = "dicom",
                                        .read = read_file};

    table.version = dicom_codec_version();
    return &table;
}
