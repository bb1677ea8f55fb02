/* Reads the data set, element by element. */
#include "header.h"

#include "values.h"

#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#define PREAMBLE   132
#define UNDEFINED  0xffffffffu
#define DEPTH      16 /* maximum depth of nested sequences */
#define ITEM       0xfffee000u
#define ITEM_END   0xfffee00du
#define ITEMS_END  0xfffee0ddu
#define PIXEL_DATA 0x7fe00010u
#define SHARED     0x52009229u /* sequence with the functional groups of all frames */
#define PER_FRAME  0x52009230u

static const struct dicom_syntax SYNTAXES[] = {
    {"1.2.840.10008.1.2", false, false, false, DICOM_NATIVE},
    {"1.2.840.10008.1.2.1", true, false, false, DICOM_NATIVE},
    {"1.2.840.10008.1.2.1.99", true, false, true, DICOM_NATIVE},
    {"1.2.840.10008.1.2.2", true, true, false, DICOM_NATIVE},
    {"1.2.840.10008.1.2.4.50", true, false, false, DICOM_JPEG},
    {"1.2.840.10008.1.2.4.51", true, false, false, DICOM_JPEG},
    {"1.2.840.10008.1.2.4.53", true, false, false, DICOM_JPEG},
    {"1.2.840.10008.1.2.4.55", true, false, false, DICOM_JPEG},
    {"1.2.840.10008.1.2.4.57", true, false, false, DICOM_JPEG},
    {"1.2.840.10008.1.2.4.70", true, false, false, DICOM_JPEG},
    {"1.2.840.10008.1.2.4.80", true, false, false, DICOM_JPEG_LS},
    {"1.2.840.10008.1.2.4.81", true, false, false, DICOM_JPEG_LS},
    {"1.2.840.10008.1.2.4.90", true, false, false, DICOM_JPEG_2000},
    {"1.2.840.10008.1.2.4.91", true, false, false, DICOM_JPEG_2000},
    {"1.2.840.10008.1.2.5", true, false, false, DICOM_RLE},
};

struct walk {
    struct dicom_header *h;
    bool is_explicit, big;
    bool take; /* store the values of these elements */
    bool done; /* the pixel data were found, or the meta group ended */
    bool meta;
};

static enum ward_decoder_why fail(struct dicom_header *h, enum ward_decoder_why why,
                                  const char *words)
{
    h->words = words;
    return why;
}

/* ---- elements ---- */

static void skip(struct dicom_bytes *b, size_t n)
{
    b->at += n;
    b->n -= n;
}

/* Whether a VR's length field has 32 bits. */
static bool is_long(const uint8_t *vr)
{
    static const char LONG[][3] = {"OB", "OD", "OF", "OL", "OV", "OW", "SQ",
                                   "SV", "UC", "UN", "UR", "UT", "UV"};

    for (size_t i = 0; i < sizeof(LONG) / sizeof(LONG[0]); i++)
        if (memcmp(vr, LONG[i], 2) == 0)
            return true;
    return false;
}

static bool is_vr(const uint8_t *vr)
{
    return vr[0] >= 'A' && vr[0] <= 'Z' && vr[1] >= 'A' && vr[1] <= 'Z';
}

/* Reads tag, VR and length of an element; the value follows. */
static bool head(const struct walk *w, struct dicom_bytes *b, struct dicom_element *e)
{
    size_t n = 8;

    if (b->n < 8)
        return false;
    e->big = w->big;
    e->tag = (uint32_t)dicom_u16(w->big, b->at) << 16 | dicom_u16(w->big, b->at + 2);
    e->vr[0] = e->vr[1] = 0;
    if (!w->is_explicit || e->tag >> 16 == 0xfffe) {
        e->length = dicom_u32(w->big, b->at + 4);
    } else {
        if (!is_vr(b->at + 4))
            return false;
        memcpy(e->vr, b->at + 4, 2);
        n = is_long(e->vr) ? 12 : 8;
        if (b->n < n)
            return false;
        e->length = n == 12 ? dicom_u32(w->big, b->at + 8) : dicom_u16(w->big, b->at + 6);
    }
    skip(b, n);
    return true;
}

static bool elements(struct walk *w, struct dicom_bytes *b, bool open, int depth);

/* Reads one item of a sequence. Fragments are not read as elements. */
static bool item(struct walk *w, struct dicom_bytes *b, const struct dicom_element *i,
                 bool fragments, int depth)
{
    struct dicom_bytes own = *b;

    if (i->length == UNDEFINED)
        return !fragments && elements(w, b, true, depth);
    if (i->length > b->n)
        return false;
    own.n = i->length;
    skip(b, i->length);
    return fragments || !w->take || elements(w, &own, false, depth);
}

/* Whether values of this item are stored. Of functional groups, only those of all frames and
 * of the decoded frame are stored. */
static bool taken(const struct walk *w, const struct dicom_element *e, uint32_t number,
                  int depth)
{
    if (depth > 0)
        return w->take;
    return e->tag == SHARED || (e->tag == PER_FRAME && number == w->h->is.frame);
}

/* Reads the items of a sequence. A sequence without a length ends with a delimiter. */
static bool items(struct walk *w, struct dicom_bytes *b, const struct dicom_element *e,
                  int depth)
{
    const bool open = e->length == UNDEFINED, take = w->take;
    const bool fragments = e->vr[0] == 'O', was_explicit = w->is_explicit;
    struct dicom_bytes in = *b;
    bool fine = depth < DEPTH, ended = false;

    if (!open && e->length > b->n)
        return false;
    if (!open)
        in.n = e->length;
    if (memcmp(e->vr, "UN", 2) == 0)
        w->is_explicit = false; /* PS3.5, 6.2.2, note 5 */
    for (uint32_t number = 0; fine && !ended && in.n > 0; number++) {
        struct dicom_element i;

        fine = head(w, &in, &i) && (i.tag == ITEM || (open && i.tag == ITEMS_END));
        ended = fine && i.tag == ITEMS_END;
        w->take = taken(w, e, number, depth);
        if (fine && !ended)
            fine = item(w, &in, &i, fragments, depth + 1);
        w->take = take;
    }
    w->is_explicit = was_explicit;
    if (open)
        *b = in;
    else
        skip(b, e->length);
    return fine && (ended || !open);
}

/* Stores the position of the pixel data. The items of encapsulated pixel data are read in
 * dicom_frame_find. */
static void keep_pixels(struct walk *w, const struct dicom_bytes *b,
                        const struct dicom_element *e)
{
    struct dicom_header *h = w->h;

    h->has_pixels = true;
    h->words_16 = memcmp(e->vr, "OW", 2) == 0;
    h->pixels = *b;
    if (h->syntax->coding == DICOM_NATIVE)
        h->pixels.n = e->length == UNDEFINED ? 0 : e->length < b->n ? e->length : b->n;
    w->done = true;
}

static bool value(struct walk *w, struct dicom_bytes *b, const struct dicom_element *e,
                  int depth)
{
    const struct dicom_bytes v = {b->at, e->length};

    if (e->length > b->n)
        return false;
    if (w->meta)
        dicom_value_meta(w->h, e, &v);
    else if (w->take)
        dicom_value_keep(w->h, e, &v, depth == 0);
    skip(b, e->length);
    return true;
}

static bool is_sequence(const struct walk *w, const struct dicom_element *e)
{
    return e->length == UNDEFINED || memcmp(e->vr, "SQ", 2) == 0 ||
           (!w->is_explicit && dicom_value_is_sequence(e->tag));
}

static bool elements(struct walk *w, struct dicom_bytes *b, bool open, int depth)
{
    while (b->n > 0 && !w->done) {
        struct dicom_element e;

        if (w->meta && b->n >= 2 && dicom_u16(false, b->at) != 2) {
            w->done = true; /* the data set begins here, in its own transfer syntax */
            break;
        }
        if (!head(w, b, &e))
            return false;
        if (open && e.tag == ITEM_END)
            return true;
        if (depth == 0 && e.tag == PIXEL_DATA) {
            keep_pixels(w, b, &e);
        } else if (is_sequence(w, &e)) {
            if (depth == 0 && e.length > 0)
                dicom_value_note(w->h, e.tag);
            if (!items(w, b, &e, depth))
                return false;
        } else if (!value(w, b, &e, depth)) {
            return false;
        }
    }
    return !open || w->done;
}

/* ---- the file ---- */

static const struct dicom_syntax *syntax_of(const char *uid)
{
    for (size_t i = 0; i < sizeof(SYNTAXES) / sizeof(SYNTAXES[0]); i++)
        if (strcmp(SYNTAXES[i].uid, uid) == 0)
            return &SYNTAXES[i];
    return NULL;
}

/* Reads the meta group, which is always little-endian with explicit VRs. */
static enum ward_decoder_why meta(struct dicom_header *h, struct dicom_bytes *b)
{
    struct walk w = {.h = h, .is_explicit = true, .meta = true};

    if (!elements(&w, b, false, 0))
        return fail(h, WARD_DECODER_FORMAT, "the file's meta information is malformed");
    if (*h->is.transfer_syntax == '\0')
        return fail(h, WARD_DECODER_SYNTAX, "the file names no transfer syntax");
    h->syntax = syntax_of(h->is.transfer_syntax);
    if (h->syntax == NULL)
        return fail(h, WARD_DECODER_SYNTAX, "the file's transfer syntax is not supported");
    return WARD_DECODER_FINE;
}

/* Inflates a deflated data set, which has no zlib header. */
static enum ward_decoder_why inflate_all(struct dicom_header *h, struct dicom_bytes *b,
                                         size_t most)
{
    z_stream z = {.next_in = (Bytef *)(uintptr_t)b->at, .avail_in = (uInt)b->n};
    int rc;

    h->inflated = malloc(most);
    if (h->inflated == NULL || inflateInit2(&z, -MAX_WBITS) != Z_OK)
        return fail(h, WARD_DECODER_MEMORY, "no memory to inflate the file");
    z.next_out = h->inflated;
    z.avail_out = (uInt)most;
    rc = inflate(&z, Z_FINISH);
    *b = (struct dicom_bytes){h->inflated, most - z.avail_out};
    (void)inflateEnd(&z);
    if (rc == Z_STREAM_END)
        return WARD_DECODER_FINE;
    return z.avail_out == 0
               ? fail(h, WARD_DECODER_TOO_LARGE, "the inflated file has too many bytes")
               : fail(h, WARD_DECODER_FORMAT, "the deflated data set is damaged");
}

enum ward_decoder_why dicom_header_read(const uint8_t *file, size_t n,
                                        const struct ward_decoder_limits *limits,
                                        struct dicom_header *out)
{
    struct dicom_bytes b = {file, n};
    struct walk w = {.h = out, .take = true};
    enum ward_decoder_why why;

    memset(out, 0, sizeof(*out));
    out->is.frames = out->is.samples = 1;
    if (n < PREAMBLE || memcmp(file + PREAMBLE - 4, "DICM", 4) != 0)
        return fail(out, WARD_DECODER_FORMAT, "the file has no DICOM preamble");
    if (n > limits->bytes)
        return fail(out, WARD_DECODER_TOO_LARGE, "the file has too many bytes");
    skip(&b, PREAMBLE);
    why = meta(out, &b);
    if (why == WARD_DECODER_FINE && out->syntax->deflated)
        why = inflate_all(out, &b, (size_t)limits->bytes);
    if (why != WARD_DECODER_FINE)
        return why;
    w.is_explicit = out->syntax->is_explicit;
    w.big = out->syntax->big;
    if (!elements(&w, &b, false, 0))
        return fail(out, WARD_DECODER_FORMAT, "the file's data set is malformed");
    return WARD_DECODER_FINE;
}

void dicom_header_done(struct dicom_header *h)
{
    free(h->inflated);
    free(h->joined);
    h->inflated = h->joined = NULL;
}
