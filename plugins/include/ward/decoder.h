/* ward/decoder.h - the complete contract between a host and a decoder: a library that turns a
 * file of a foreign format into one picture.
 *
 * It includes only <stdint.h>. The host runs decoders in worker processes, because a decoder
 * reads files from strangers. Text in the answer consists of code strings and identifiers of
 * the format. A decoder never returns a person's name, number, date or free text.
 *
 * THREADS. The host calls read from several threads at once. A decoder keeps no state.
 *
 * MEMORY. Arguments are borrowed until the call returns. Pixels come from ask->alloc, which the
 * decoder calls once, and belong to the host.
 *
 * ERRORS. read returns an enum ward_decoder_why. After a failure `out` is undefined, and err
 * contains one sentence without data from the file. A decoder never exits, aborts on purpose,
 * prints or throws an exception across this boundary.
 *
 * VERSIONS. As in ward/plugin.h.
 *   1.0 first
 */
#ifndef WARD_DECODER_H
#define WARD_DECODER_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define WARD_DECODER_MAJOR 1u
#define WARD_DECODER_MINOR 0u
#define WARD_DECODER_ENTRY "ward_decoder_entry"

/* The numbers are part of the ABI. */
enum ward_decoder_why {
    WARD_DECODER_FINE = 0,
    /* the file does not have this format, or its header is malformed */
    WARD_DECODER_FORMAT = 1,
    WARD_DECODER_SYNTAX = 2,    /* an encoding that the decoder does not read */
    WARD_DECODER_NO_PIXELS = 3, /* the file contains no picture */
    WARD_DECODER_TOO_LARGE = 4, /* the picture exceeds a limit; its pixels were not decoded */
    WARD_DECODER_BITS = 5,      /* the picture's values have an unsupported type */
    WARD_DECODER_COLOUR = 6,    /* the colour model is unsupported */
    WARD_DECODER_TABLE = 7,     /* the values need a table that the decoder does not apply */
    WARD_DECODER_BROKEN = 8,    /* pixels are missing or damaged */
    WARD_DECODER_MEMORY = 9
};

struct ward_decoder_err {
    char msg[192];
};

/* The decoder compares the header with the limits before it decodes pixels. */
struct ward_decoder_limits {
    uint64_t bytes;  /* maximum size of the file */
    uint64_t pixels; /* maximum number of pixels in a frame: rows x columns */
    uint32_t side;   /* maximum number of rows and of columns */
    uint32_t frames;
};

struct ward_decoder_ask {
    uint32_t size;
    uint32_t zero;
    const uint8_t *file;
    uint64_t n;
    struct ward_decoder_limits limits;
    void *ctx;
    /* returns memory aligned to 64 bytes, or NULL if memory is exhausted */
    void *(*alloc)(void *ctx, uint64_t n);
};

#define WARD_DECODER_TEXT 20 /* a DICOM code string has at most 16 characters */

/* Window functions: DICOM PS3.3 C.11.2.1.2 and C.11.2.1.3. */
enum ward_decoder_window { WARD_LINEAR, WARD_LINEAR_EXACT, WARD_SIGMOID };

struct ward_picture {
    uint32_t size;
    uint32_t rows, columns, frames;
    uint32_t frame;              /* index of the decoded frame, from 0: frames / 2 */
    uint32_t samples, bits;      /* samples of a pixel in the file; bits in use */
    uint32_t is_signed;          /* 1: stored values may be negative */
    uint32_t rgb;                /* 1: pixels are red, green, blue, 8 bits each; 0: floats */
    uint32_t inverted;           /* 1: low values are bright */
    uint32_t has_window, window; /* window is an enum ward_decoder_window */
    uint32_t has_display_table;  /* 1: the file has a VOI LUT, which is not applied */
    double slope, intercept;     /* modality transform; slope 0: none */
    double centre, width;
    double spacing[2]; /* mm between rows and between columns; 0: unknown */
    /* Code strings, [A-Z0-9_ ]; "" if absent. */
    char modality[WARD_DECODER_TEXT], body_part[WARD_DECODER_TEXT], view[WARD_DECODER_TEXT],
        laterality[WARD_DECODER_TEXT], photometric[WARD_DECODER_TEXT];
    char transfer_syntax[68]; /* a UID: digits and points */
    void *pixels;             /* from alloc: rows x columns x (3 bytes or 1 float) */
};

struct ward_decoder {
    uint32_t size; /* readers check size and version first, before they read other fields */
    uint32_t major, minor;
    uint32_t zero;
    const char *name, *version;
    /* Fills the fields that lie within out->size. */
    int (*read)(const struct ward_decoder_ask *ask, struct ward_picture *out,
                struct ward_decoder_err *err);
};

/* The only symbol that a decoder exports. It never fails. */
__attribute__((visibility("default"))) const struct ward_decoder *ward_decoder_entry(void);

#ifdef __cplusplus
}
#endif
#endif
