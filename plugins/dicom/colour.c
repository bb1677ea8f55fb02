/* Converts decoded frames to floats or RGB. Sources: DICOM PS3.3 2024b, C.7.6.3.1.2 (YBR_FULL),
 * C.7.6.3.1.5 (palettes); PS3.5, 8.1.1 (bits); checked 2026-11. */
#include "colour.h"

static uint8_t byte_at(const struct dicom_raw *raw, size_t i)
{
    return raw->at[raw->swapped ? i ^ 1 : i];
}

/* Returns value i, without other bits of its word. An unsigned decompressed value is returned
 * unmasked: a lossy decoder may exceed the number of bits, and a mask would turn white into
 * black. */
static uint32_t bits_at(const struct dicom_header *h, const struct dicom_raw *raw, size_t i)
{
    const uint32_t word =
        h->allocated == 8 ? byte_at(raw, i) : dicom_u16(raw->big, raw->at + 2 * i);

    if (raw->decompressed && h->is.is_signed == 0)
        return word;
    return word >> (h->high + 1 - h->is.bits) & ((1u << h->is.bits) - 1);
}

void dicom_to_floats(const struct dicom_header *h, const struct dicom_raw *raw, float *out)
{
    const size_t n = (size_t)h->is.rows * h->is.columns;
    const uint32_t sign = h->is.is_signed != 0 ? 1u << (h->is.bits - 1) : 0;

    for (size_t i = 0; i < n; i++) {
        const uint32_t v = bits_at(h, raw, i);

        out[i] = (float)((int32_t)(v ^ sign) - (int32_t)sign);
    }
}

/* ---- colour ---- */

/* The highest 8 bits of palette entry v. The entries of an 8-bit palette may be bytes or 16-bit
 * words. */
static uint8_t entry(const struct dicom_header *h, const struct dicom_palette *p, int64_t v)
{
    int64_t i = v - p->first;

    i = i < 0 ? 0 : i >= p->entries ? (int64_t)p->entries - 1 : i;
    if (p->bits == 8 && p->data.n < (size_t)p->entries * 2)
        return p->data.at[h->syntax->big && ((size_t)i ^ 1) < p->data.n ? i ^ 1 : i];
    return (uint8_t)(dicom_u16(h->syntax->big, p->data.at + 2 * i) >> (p->bits - 8));
}

static void from_palette(const struct dicom_header *h, const struct dicom_raw *raw,
                         uint8_t *out)
{
    const size_t n = (size_t)h->is.rows * h->is.columns;

    for (size_t i = 0; i < n; i++)
        for (size_t c = 0; c < 3; c++)
            out[3 * i + c] = entry(h, &h->palette[c], bits_at(h, raw, i));
}

static uint8_t clamp(double v)
{
    return (uint8_t)(v <= 0 ? 0 : v >= 255 ? 255 : v + 0.5);
}

static void to_rgb(uint8_t *p)
{
    const double y = p[0], cb = p[1] - 128.0, cr = p[2] - 128.0;

    p[0] = clamp(y + 1.402 * cr);
    p[1] = clamp(y - 0.344136 * cb - 0.714136 * cr);
    p[2] = clamp(y + 1.772 * cb);
}

void dicom_to_rgb(const struct dicom_header *h, const struct dicom_raw *raw, uint8_t *out)
{
    const size_t n = (size_t)h->is.rows * h->is.columns;

    if (h->is.samples == 1) {
        from_palette(h, raw, out);
        return;
    }
    for (size_t i = 0; i < n; i++) {
        uint8_t *p = out + 3 * i;
        const size_t pair = i / 2 * 4;

        for (size_t c = 0; c < 3; c++) {
            const size_t at = raw->half && c == 0 ? pair + i % 2
                              : raw->half         ? pair + 1 + c
                              : raw->planar       ? c * n + i
                                                  : 3 * i + c;

            p[c] = byte_at(raw, at);
        }
        if (raw->ybr)
            to_rgb(p);
    }
}
