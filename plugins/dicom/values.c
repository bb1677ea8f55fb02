#include "values.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- values ---- */

/* Reads a code string: upper case, digits, space and underscore, up to the first backslash. A
 * value with another character counts as absent, so that no free text leaves the decoder. */
static void code(const struct dicom_bytes *v, char out[WARD_DECODER_TEXT])
{
    size_t from = 0, n = 0;

    while (from < v->n && v->at[from] == ' ')
        from++;
    for (; from + n < v->n && n < 16; n++) {
        const uint8_t c = v->at[from + n];

        if (c == '\\' || c == '\0')
            break;
        if (!((c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == ' ' || c == '_'))
            return;
        out[n] = (char)c;
    }
    while (n > 0 && out[n - 1] == ' ')
        n--;
    out[n] = '\0';
}

/* Reads value number `which` of a text with several decimal numbers. */
static bool decimal(const struct dicom_bytes *v, int which, double *out)
{
    char text[32] = {0};
    size_t at = 0, n = 0;
    char *end;
    double d;

    for (; which > 0 && at < v->n; at++)
        which -= v->at[at] == '\\';
    for (; at < v->n && v->at[at] != '\\' && n < sizeof(text) - 1; at++)
        text[n++] = (char)v->at[at];
    d = strtod(text, &end);
    if (which > 0 || end == text || !isfinite(d) || strspn(end, " ") != strlen(end))
        return false;
    *out = d;
    return true;
}

static uint32_t u16(const struct dicom_element *e, const struct dicom_bytes *v)
{
    return v->n >= 2 ? dicom_u16(e->big, v->at) : 0;
}

static bool uid(const struct dicom_bytes *v, char *out, size_t cap)
{
    size_t n = 0;

    for (; n < v->n && v->at[n] != '\0' && v->at[n] != ' '; n++) {
        if (n == cap - 1 || (v->at[n] != '.' && (v->at[n] < '0' || v->at[n] > '9')))
            return false;
        out[n] = (char)v->at[n];
    }
    out[n] = '\0';
    return n > 0;
}

void dicom_value_meta(struct dicom_header *h, const struct dicom_element *e,
                      const struct dicom_bytes *v)
{
    char text[sizeof(h->is.transfer_syntax)];

    if (e->tag == 0x00020010 && uid(v, text, sizeof(text)))
        memcpy(h->is.transfer_syntax, text, sizeof(text));
}

/* ---- functional groups, and the data set's own ---- */

static void window_function(struct ward_picture *is, const struct dicom_bytes *v)
{
    char text[WARD_DECODER_TEXT] = {0};

    code(v, text);
    if (strcmp(text, "LINEAR_EXACT") == 0)
        is->window = WARD_LINEAR_EXACT;
    else if (strcmp(text, "SIGMOID") == 0)
        is->window = WARD_SIGMOID;
}

static void spacing(struct ward_picture *is, const struct dicom_bytes *v)
{
    double row, column;

    if (decimal(v, 0, &row) && decimal(v, 1, &column) && row > 0 && column > 0) {
        is->spacing[0] = row;
        is->spacing[1] = column;
    }
}

static void group(struct ward_picture *is, const struct dicom_element *e,
                  const struct dicom_bytes *v)
{
    switch (e->tag) {
    case 0x00181164: /* pixel spacing at the detector */
        if (is->spacing[0] == 0)
            spacing(is, v);
        break;
    case 0x00280030:
        spacing(is, v);
        break;
    case 0x00281050:
        is->has_window |= decimal(v, 0, &is->centre) ? 1u : 0u;
        break;
    case 0x00281051:
        is->has_window |= decimal(v, 0, &is->width) ? 2u : 0u;
        break;
    case 0x00281056:
        window_function(is, v);
        break;
    case 0x00281052:
        (void)decimal(v, 0, &is->intercept);
        break;
    case 0x00281053:
        (void)decimal(v, 0, &is->slope);
        break;
    default:
        break;
    }
}

static void codes(struct ward_picture *is, const struct dicom_element *e,
                  const struct dicom_bytes *v)
{
    switch (e->tag) {
    case 0x00080060:
        code(v, is->modality);
        break;
    case 0x00180015:
        code(v, is->body_part);
        break;
    case 0x00185101:
        code(v, is->view);
        break;
    case 0x00200060: /* laterality of a series */
        if (*is->laterality == '\0')
            code(v, is->laterality);
        break;
    case 0x00200062: /* laterality of an image */
        code(v, is->laterality);
        break;
    case 0x00280004:
        code(v, is->photometric);
        break;
    default:
        break;
    }
}

static void frames(struct ward_picture *is, const struct dicom_bytes *v)
{
    double d;

    if (!decimal(v, 0, &d))
        return;
    /* 0 means an invalid number of frames, which dicom_header_judge rejects. It does not mean
     * one frame. */
    is->frames = d >= 1 && d <= 0x7fffffff ? (uint32_t)d : 0;
    is->frame = is->frames / 2;
}

static void numbers(struct dicom_header *h, const struct dicom_element *e,
                    const struct dicom_bytes *v)
{
    switch (e->tag) {
    case 0x00280002:
        h->is.samples = u16(e, v);
        break;
    case 0x00280006:
        h->planar = u16(e, v);
        break;
    case 0x00280008:
        frames(&h->is, v);
        break;
    case 0x00280010:
        h->is.rows = u16(e, v);
        break;
    case 0x00280011:
        h->is.columns = u16(e, v);
        break;
    case 0x00280100:
        h->allocated = u16(e, v);
        break;
    case 0x00280101:
        h->is.bits = u16(e, v);
        break;
    case 0x00280102:
        h->high = u16(e, v);
        break;
    case 0x00280103:
        h->is.is_signed = u16(e, v);
        break;
    default:
        break;
    }
}

static void palettes(struct dicom_header *h, const struct dicom_element *e,
                     const struct dicom_bytes *v)
{
    /* the tag ends with 1, 2 or 3: red, green, blue */
    const uint32_t which = (e->tag & 0xf) - 1;

    if (which > 2)
        return;
    if ((e->tag & ~0xfu) == 0x00281100 && v->n >= 6) {
        struct dicom_palette *p = &h->palette[which];

        p->entries = dicom_u16(e->big, v->at);
        p->entries = p->entries == 0 ? 65536 : p->entries;
        p->first = dicom_u16(e->big, v->at + 2);
        p->bits = dicom_u16(e->big, v->at + 4);
    } else if ((e->tag & ~0xfu) == 0x00281200) {
        h->palette[which].data = *v;
    } else if ((e->tag & ~0xfu) == 0x00281220) {
        h->has_segmented_palette = true;
    }
}

void dicom_value_keep(struct dicom_header *h, const struct dicom_element *e,
                      const struct dicom_bytes *v, bool top)
{
    group(&h->is, e, v);
    if (!top)
        return;
    codes(&h->is, e, v);
    numbers(h, e, v);
    palettes(h, e, v);
    if (e->tag == 0x7fe00008 || e->tag == 0x7fe00009)
        h->has_float_pixels = true;
}

void dicom_value_note(struct dicom_header *h, uint32_t tag)
{
    if (tag == 0x00283000)
        h->has_modality_table = true;
    if (tag == 0x00283010)
        h->is.has_display_table = 1;
}

bool dicom_value_is_sequence(uint32_t tag)
{
    static const uint32_t TAGS[] = {0x00283000, 0x00283010, 0x00289110, 0x00289132,
                                    0x00289145, 0x52009229, 0x52009230};

    for (size_t i = 0; i < sizeof(TAGS) / sizeof(TAGS[0]); i++)
        if (TAGS[i] == tag)
            return true;
    return false;
}
