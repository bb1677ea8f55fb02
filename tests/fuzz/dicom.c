/* DICOM files up to the codecs: any bytes give a header within the limits whose frame lies in
 * the file, or a named refusal. GDCM, which decompresses frames in a worker process, is not
 * called.
 * max_len: 16384 */
#include "plugins/dicom/colour.h"

#include <stdlib.h>
#include <string.h>

static const struct ward_decoder_limits limits = {
    .bytes = 65536, .pixels = 65536, .side = 512, .frames = 64};

static void check(bool ok)
{
    if (!ok)
        abort();
}

static void text(const char *s, size_t cap)
{
    check(memchr(s, '\0', cap) != NULL);
    for (; *s != '\0'; s++)
        check((*s >= 'A' && *s <= 'Z') || (*s >= '0' && *s <= '9') || *s == ' ' || *s == '_');
}

/* Each byte of the frame is there, as values or as colours. */
static void convert(const struct dicom_header *h, const struct dicom_bytes *frame)
{
    const size_t n = (size_t)h->is.rows * h->is.columns;
    const bool half = strcmp(h->is.photometric, "YBR_FULL_422") == 0;
    const struct dicom_raw raw = {.at = frame->at,
                                  .big = h->syntax->big,
                                  .swapped = h->syntax->big && h->words_16,
                                  .planar = h->planar == 1,
                                  .half = half,
                                  .ybr = half || strcmp(h->is.photometric, "YBR_FULL") == 0};
    void *out = malloc(n * sizeof(float));

    check(out != NULL);
    if (h->is.rgb != 0)
        dicom_to_rgb(h, &raw, out);
    else
        dicom_to_floats(h, &raw, out);
    free(out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct dicom_bytes frame = {NULL, 0};
    struct dicom_header h;
    enum ward_decoder_why why = dicom_header_read(data, size, &limits, &h);
    unsigned sum = 0;

    if (why == WARD_DECODER_FINE)
        why = dicom_header_judge(&h, &limits);
    if (why == WARD_DECODER_FINE) {
        check(h.is.rows >= 1 && h.is.rows <= 512 && h.is.columns >= 1 && h.is.columns <= 512);
        check(h.is.frames <= 64 && h.is.frame < h.is.frames);
        text(h.is.modality, sizeof(h.is.modality));
        text(h.is.body_part, sizeof(h.is.body_part));
        text(h.is.view, sizeof(h.is.view));
        text(h.is.laterality, sizeof(h.is.laterality));
        text(h.is.photometric, sizeof(h.is.photometric));
        why = dicom_frame_find(&h, &frame);
    }
    if (why == WARD_DECODER_FINE) {
        for (size_t i = 0; i < frame.n; i++)
            sum += frame.at[i];
        check(sum <= 255u * 2u * 65536u);
        if (h.syntax->coding == DICOM_NATIVE)
            convert(&h, &frame);
    } else {
        check(h.words != NULL);
    }
    dicom_header_done(&h);
    return 0;
}
