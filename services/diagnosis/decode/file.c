/* Decodes one file, whose format its first bytes show. */
#include "common/base/text.h"
#include "common/image/image.h"
#include "services/diagnosis/decode/decode_own.h"

#include <string.h>

static const struct ward_image_limits pictures = {
    .max_bytes = DECODE_PICTURE, .max_pixels = DECODE_PIXELS, .max_side = DECODE_SIDE};

const struct ward_decoder_limits diagnosis_decode_limits = {.bytes = DECODE_BYTES,
                                                            .pixels = DECODE_PIXELS,
                                                            .side = DECODE_SIDE,
                                                            .frames = DECODE_FRAMES};

static bool is_dicom(const uint8_t *p, size_t n)
{
    return n >= 132 && memcmp(p + 128, "DICM", 4) == 0;
}

/* Whether the file is a DICOM data set without the preamble of 132 bytes. Its first element is
 * then of group 0002 or 0008. */
static bool is_bare_dicom(const uint8_t *p, size_t n)
{
    return n >= 16 && (p[0] == 2 || p[0] == 8) && p[1] == 0 && p[3] == 0 && p[2] <= 0x20;
}

static enum ward_code refused(int why, const char *words, struct ward_err *err)
{
    switch (why) {
    case WARD_DECODER_FORMAT:
        return WARD_FAIL_REASON(err, INVALID_ARGUMENT, "DICOM_FORMAT", "%.120s", words);
    case WARD_DECODER_SYNTAX:
        return WARD_FAIL_REASON(err, INVALID_ARGUMENT, "DICOM_SYNTAX", "%.120s", words);
    case WARD_DECODER_NO_PIXELS:
        return WARD_FAIL_REASON(err, INVALID_ARGUMENT, "DICOM_NO_PIXELS", "%.120s", words);
    case WARD_DECODER_TOO_LARGE:
        return WARD_FAIL_REASON(err, INVALID_ARGUMENT, "DICOM_TOO_LARGE", "%.120s", words);
    case WARD_DECODER_BITS:
        return WARD_FAIL_REASON(err, INVALID_ARGUMENT, "DICOM_BITS", "%.120s", words);
    case WARD_DECODER_COLOUR:
        return WARD_FAIL_REASON(err, INVALID_ARGUMENT, "DICOM_COLOUR", "%.120s", words);
    case WARD_DECODER_TABLE:
        return WARD_FAIL_REASON(err, INVALID_ARGUMENT, "DICOM_TABLE", "%.120s", words);
    case WARD_DECODER_BROKEN:
        return WARD_FAIL_REASON(err, INVALID_ARGUMENT, "DICOM_BROKEN", "%.120s", words);
    case WARD_DECODER_MEMORY:
        return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory to decode the file");
    default:
        return WARD_FAIL(err, INTERNAL, "a decoder returned an unknown code");
    }
}

static void *pixels(void *mem, uint64_t n)
{
    return ward_alloc64(mem, (size_t)n);
}

static enum ward_code dicom(const struct ward_decoder *decoder, const uint8_t *file, size_t n,
                            struct ward_arena *mem, struct decode_head *out,
                            struct ward_err *err)
{
    const struct ward_decoder_ask ask = {.size = sizeof(ask),
                                         .file = file,
                                         .n = n,
                                         .limits = diagnosis_decode_limits,
                                         .ctx = mem,
                                         .alloc = pixels};
    struct ward_decoder_err said = {0};
    int why;

    if (decoder == NULL)
        return WARD_FAIL_REASON(err, FAILED_PRECONDITION, "DICOM_NO_DECODER",
                                "this service has no decoder for DICOM");
    *out = (struct decode_head){.dicom = 1, .is = {.size = sizeof(out->is)}};
    why = decoder->read(&ask, &out->is, &said);
    said.msg[sizeof(said.msg) - 1] = '\0';
    if (why != WARD_DECODER_FINE)
        return refused(why, said.msg, err);
    if (!ward_picture_fit(&out->is, &diagnosis_decode_limits))
        return WARD_FAIL(err, INTERNAL, "a decoder's answer breaks its contract");
    return WARD_OK;
}

static enum ward_code picture(const uint8_t *file, size_t n, struct ward_arena *mem,
                              struct decode_head *out, struct ward_err *err)
{
    struct ward_image im;

    WARD_TRY(ward_image_decode(file, n, &pictures, mem, &im, err));
    *out = (struct decode_head){.is = {.size = sizeof(out->is),
                                       .rows = (uint32_t)im.height,
                                       .columns = (uint32_t)im.width,
                                       .frames = 1,
                                       .samples = 3,
                                       .bits = 8,
                                       .rgb = 1,
                                       .pixels = im.rgb}};
    return WARD_OK;
}

enum ward_code diagnosis_decode_here(const struct ward_decoder *decoder, const void *file,
                                     size_t n, struct ward_arena *mem, struct decode_head *out,
                                     struct ward_err *err)
{
    if (is_dicom(file, n))
        return dicom(decoder, file, n, mem, out, err);
    if (is_bare_dicom(file, n))
        return WARD_FAIL_REASON(err, INVALID_ARGUMENT, "DICOM_FORMAT",
                                "the file has no DICOM preamble");
    return picture(file, n, mem, out, err);
}

void diagnosis_decode_film(const struct decode_head *head, struct decoded *out)
{
    static const enum window_fn FN[] = {WINDOW_LINEAR, WINDOW_LINEAR_EXACT, WINDOW_SIGMOID};
    const struct ward_picture *p = &head->is;

    *out = (struct decoded){.dicom = head->dicom != 0, .facts = *p};
    out->facts.pixels = NULL;
    out->film = (struct film){.width = (int)p->columns,
                              .height = (int)p->rows,
                              .rgb = p->rgb != 0 ? p->pixels : NULL,
                              .stored = p->rgb != 0 ? NULL : p->pixels,
                              .slope = p->slope,
                              .intercept = p->intercept,
                              .has_window = p->has_window != 0,
                              .window = {FN[p->window], p->centre, p->width},
                              .inverted = p->inverted != 0};
}

int diagnosis_decode_words(const struct decoded *d, struct ward_arena *mem,
                           char *out[DECODE_PROCESSES])
{
    const struct ward_picture *p = &d->facts;
    int n = 0;

    if (!d->dicom)
        return 0;
    if (p->frames > 1)
        out[n++] = ward_printf(mem, "frame %u of %u", p->frame + 1, p->frames);
    if (p->rgb != 0 && strcmp(p->photometric, "RGB") != 0)
        out[n++] = ward_printf(mem, "%s to RGB", p->photometric);
    return n;
}
