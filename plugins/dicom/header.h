/* header.h - reads the header of a DICOM file: transfer syntax, image attributes, and the
 * position of the pixel data. Decodes no pixels.
 *
 * The reader checks every length against the file before use, and follows sequences to a fixed
 * depth. It allocates memory only for a deflated file, at most `most_inflated` bytes. It stores
 * no attribute that can identify a person. Sources: DICOM PS3.5 2024b (7, A.4, A.5), PS3.10
 * (7.1), PS3.3 (C.7.6.3, C.11.1, C.11.2), checked 2026-11.
 *
 * Threads: pure functions. Memory: pointers refer to the file or into `inflated`;
 * dicom_header_done frees `inflated` and `joined`. Errors: enum ward_decoder_why, with a
 * constant sentence in `words`. */
#ifndef WARD_PLUGINS_DICOM_HEADER_H
#define WARD_PLUGINS_DICOM_HEADER_H

#include <stdbool.h>
#include <stddef.h>
#include <ward/decoder.h>

struct dicom_bytes {
    const uint8_t *at;
    size_t n;
};

enum dicom_coding { DICOM_NATIVE, DICOM_JPEG, DICOM_JPEG_LS, DICOM_JPEG_2000, DICOM_RLE };

struct dicom_syntax {
    const char *uid;
    bool is_explicit, big, deflated;
    enum dicom_coding coding;
};

struct dicom_palette {
    uint32_t entries, first, bits;
    struct dicom_bytes data; /* 16-bit words in the file's byte order */
};

struct dicom_header {
    const struct dicom_syntax *syntax;
    struct ward_picture is; /* attributes of the picture, without its pixels */
    uint32_t planar, allocated, high;
    struct dicom_palette palette[3]; /* red, green, blue */
    bool has_modality_table, has_segmented_palette, has_float_pixels, has_pixels, words_16;
    struct dicom_bytes pixels; /* native pixel data: the value; encapsulated: the items */
    uint8_t *inflated, *joined;
    const char *words; /* message of a failure */
};

enum ward_decoder_why dicom_header_read(const uint8_t *file, size_t n,
                                        const struct ward_decoder_limits *limits,
                                        struct dicom_header *out);
void dicom_header_done(struct dicom_header *h);

/* Returns whether the decoder can decode the described picture, within the limits. */
enum ward_decoder_why dicom_header_judge(struct dicom_header *h,
                                         const struct ward_decoder_limits *limits);

/* Finds the bytes of frame h->is.frame. A compressed frame in several fragments is joined in
 * h->joined. Checks that native pixels are complete, and that a compressed frame's own header
 * has the size and the number of samples of the file's header. */
enum ward_decoder_why dicom_frame_find(struct dicom_header *h, struct dicom_bytes *out);

static inline uint16_t dicom_u16(bool big, const uint8_t *p)
{
    return (uint16_t)(big ? p[0] << 8 | p[1] : p[1] << 8 | p[0]);
}

static inline uint32_t dicom_u32(bool big, const uint8_t *p)
{
    const uint32_t a = dicom_u16(big, p), b = dicom_u16(big, p + 2);

    return big ? a << 16 | b : b << 16 | a;
}

#endif
