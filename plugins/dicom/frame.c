/* Finds the bytes of one frame. Sources: DICOM PS3.5 2024b, A.4 and G; ITU-T T.81, B.2.2; ITU-T
 * T.87, C.2.2; ITU-T T.800, A.5.1; checked 2026-11. */
#include "header.h"

#include <stdlib.h>
#include <string.h>

#define ITEM      0xfffee000u
#define ITEMS_END 0xfffee0ddu

static enum ward_decoder_why broken(struct dicom_header *h, const char *words)
{
    h->words = words;
    return WARD_DECODER_BROKEN;
}

/* ---- native ---- */

static enum ward_decoder_why native(struct dicom_header *h, struct dicom_bytes *out)
{
    const struct ward_picture *p = &h->is;
    const bool half = strcmp(p->photometric, "YBR_FULL_422") == 0;
    const uint64_t frame =
        (uint64_t)p->rows * p->columns * (half ? 2 : p->samples) * (h->allocated / 8);

    if (frame * p->frames > h->pixels.n)
        return broken(h, "pixels are missing: the file is shorter than its header says");
    *out = (struct dicom_bytes){h->pixels.at + frame * p->frame, (size_t)frame};
    return WARD_DECODER_FINE;
}

/* ---- encapsulated: items, of which the first is a table of offsets ---- */

/* Reads the next item. Returns false at the end, and for malformed data, where *fine becomes
 * false. */
static bool next(struct dicom_bytes *b, struct dicom_bytes *item, bool *fine)
{
    uint32_t tag, n;

    *fine = b->n >= 8;
    if (!*fine)
        return false;
    tag = (uint32_t)dicom_u16(false, b->at) << 16 | dicom_u16(false, b->at + 2);
    n = dicom_u32(false, b->at + 4);
    if (tag == ITEMS_END)
        return false;
    *fine = tag == ITEM && n <= b->n - 8;
    if (!*fine)
        return false;
    *item = (struct dicom_bytes){b->at + 8, n};
    b->at += 8 + (size_t)n;
    b->n -= 8 + (size_t)n;
    return true;
}

/* The range of bytes after the offset table that belongs to the frame: [from, to). */
struct range {
    uint64_t from, to;
};

static bool range_of(const struct dicom_header *h, const struct dicom_bytes *table,
                     uint32_t fragments, struct range *out)
{
    const struct ward_picture *p = &h->is;

    *out = (struct range){0, UINT64_MAX};
    if (p->frames == 1 || fragments == p->frames)
        return true;
    if (table->n != (size_t)p->frames * 4)
        return false;
    out->from = dicom_u32(false, table->at + (size_t)p->frame * 4);
    if (p->frame + 1 < p->frames)
        out->to = dicom_u32(false, table->at + (size_t)p->frame * 4 + 4);
    return out->from < out->to;
}

/* Counts the frame's fragments and their bytes; with `to`, copies them. */
static uint32_t gather(const struct dicom_header *h, struct dicom_bytes b, uint32_t all,
                       const struct range *r, struct dicom_bytes *only, uint8_t *to)
{
    const uint8_t *start = b.at;
    const bool by_number = h->is.frames > 1 && all == h->is.frames;
    struct dicom_bytes item;
    uint32_t number = 0, found = 0;
    bool fine;

    only->n = 0;
    while (next(&b, &item, &fine)) {
        const uint64_t at = (uint64_t)(item.at - 8 - start);

        if (by_number ? number == h->is.frame : at >= r->from && at < r->to) {
            if (to != NULL)
                memcpy(to + only->n, item.at, item.n);
            only->at = item.at;
            only->n += item.n;
            found++;
        }
        number++;
    }
    return found;
}

static enum ward_decoder_why encapsulated(struct dicom_header *h, struct dicom_bytes *out)
{
    struct dicom_bytes b = h->pixels, rest, table, item;
    uint32_t all = 0, found;
    struct range r;
    bool fine;

    if (!next(&b, &table, &fine))
        return broken(h, "the compressed pixels are malformed");
    for (rest = b; next(&b, &item, &fine);)
        all++;
    if (!fine)
        return broken(h, "the compressed pixels are incomplete");
    if (!range_of(h, &table, all, &r))
        return broken(h, "the boundaries of the compressed frames cannot be determined");
    found = gather(h, rest, all, &r, out, NULL);
    if (found == 0 || out->n == 0)
        return broken(h, "the compressed frame is missing");
    if (found == 1)
        return WARD_DECODER_FINE;
    h->joined = malloc(out->n);
    if (h->joined == NULL) {
        h->words = "no memory for a compressed frame";
        return WARD_DECODER_MEMORY;
    }
    (void)gather(h, rest, all, &r, out, h->joined);
    out->at = h->joined;
    return WARD_DECODER_FINE;
}

/* ---- the header of the compressed frame ---- */

static bool same_size(const struct dicom_header *h, uint32_t columns, uint32_t rows,
                      uint32_t samples)
{
    return columns == h->is.columns && rows == h->is.rows && samples == h->is.samples;
}

static bool starts_frame(uint8_t marker)
{
    return marker == 0xf7 || (marker >= 0xc0 && marker <= 0xcf && marker != 0xc4 &&
                              marker != 0xc8 && marker != 0xcc);
}

/* Checks a JPEG or JPEG-LS frame: its first frame header. */
static bool jpeg_fits(const struct dicom_header *h, const struct dicom_bytes *b)
{
    size_t at = 2;

    if (b->n < 4 || b->at[0] != 0xff || b->at[1] != 0xd8)
        return false;
    while (b->n - at >= 10) {
        const uint8_t *p = b->at + at;

        if (p[0] != 0xff)
            return false;
        if (p[1] == 0xff) { /* fill bytes before a marker */
            at++;
            continue;
        }
        if (starts_frame(p[1]))
            return p[4] <= h->allocated &&
                   (p[1] == 0xf7) == (h->syntax->coding == DICOM_JPEG_LS) &&
                   same_size(h, dicom_u16(true, p + 7), dicom_u16(true, p + 5), p[9]);
        if (p[1] == 0xda || dicom_u16(true, p + 2) > b->n - at - 2)
            return false;
        at += 2 + (size_t)dicom_u16(true, p + 2);
    }
    return false;
}

/* Checks a JPEG 2000 frame: the SIZ marker, in a bare codestream or in the boxes of a JP2 file.
 * All components must have the picture's size. */
static bool j2k_fits(const struct dicom_header *h, const struct dicom_bytes *b)
{
    static const uint8_t START[] = {0xff, 0x4f, 0xff, 0x51};
    const uint8_t *p = memmem(b->at, b->n < 4096 ? b->n : 4096, START, sizeof(START));
    const size_t n = p == NULL ? 0 : b->n - (size_t)(p - b->at);
    const uint32_t samples = n >= 42 ? dicom_u16(true, p + 40) : 0;

    if (samples != h->is.samples || n < 42 + 3 * (size_t)samples ||
        !same_size(h, dicom_u32(true, p + 8), dicom_u32(true, p + 12), samples) ||
        dicom_u32(true, p + 16) != 0 || dicom_u32(true, p + 20) != 0)
        return false;
    for (uint32_t i = 0; i < samples; i++)
        if ((p[42 + 3 * i] & 0x7fu) >= h->allocated || p[43 + 3 * i] != 1 || p[44 + 3 * i] != 1)
            return false;
    return true;
}

/* Checks an RLE frame: it must have one segment for each byte of a pixel, in order. */
static bool rle_fits(const struct dicom_header *h, const struct dicom_bytes *b)
{
    const uint32_t want = h->is.samples * (h->allocated / 8);
    uint32_t before = 63;

    if (b->n < 64 || dicom_u32(false, b->at) != want)
        return false;
    for (uint32_t i = 0; i < want; i++) {
        const uint32_t at = dicom_u32(false, b->at + 4 + 4 * (size_t)i);

        if (at <= before || at >= b->n)
            return false;
        before = at;
    }
    return true;
}

enum ward_decoder_why dicom_frame_find(struct dicom_header *h, struct dicom_bytes *out)
{
    enum ward_decoder_why why;
    bool fits;

    if (h->syntax->coding == DICOM_NATIVE)
        return native(h, out);
    why = encapsulated(h, out);
    if (why != WARD_DECODER_FINE)
        return why;
    switch (h->syntax->coding) {
    case DICOM_JPEG_2000:
        fits = j2k_fits(h, out);
        break;
    case DICOM_RLE:
        fits = rle_fits(h, out);
        break;
    default:
        fits = jpeg_fits(h, out);
        break;
    }
    return fits
               ? WARD_DECODER_FINE
               : broken(h,
                        "the compressed frame is damaged, or its size differs from the header");
}
