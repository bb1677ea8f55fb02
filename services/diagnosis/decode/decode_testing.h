/* decode_testing.h - writes synthetic DICOM files for tests: explicit VR, little-endian.
 *
 * Threads, memory: the caller's buffer. Errors: a file that does not fit fails the test.
 */
#ifndef DIAGNOSIS_DECODE_DECODE_TESTING_H
#define DIAGNOSIS_DECODE_DECODE_TESTING_H

#include "services/diagnosis/decode/decode.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

struct made {
    uint8_t at[65536];
    size_t n;
};

static inline void made_bytes(struct made *m, const void *from, size_t n)
{
    assert_true(n <= sizeof(m->at) - m->n);
    if (n > 0)
        memcpy(m->at + m->n, from, n);
    m->n += n;
}

/* `length` may differ from the length of the value that follows. */
static inline void made_head(struct made *m, uint32_t tag, const char *vr, uint32_t length)
{
    const uint8_t t[] = {(uint8_t)(tag >> 16), (uint8_t)(tag >> 24), (uint8_t)tag,
                         (uint8_t)(tag >> 8)};
    const uint8_t l[] = {(uint8_t)length, (uint8_t)(length >> 8), (uint8_t)(length >> 16),
                         (uint8_t)(length >> 24)};
    const bool is_long = *vr == 'O' || strcmp(vr, "SQ") == 0 || strcmp(vr, "UN") == 0;

    made_bytes(m, t, 4);
    if (*vr != '\0')
        made_bytes(m, vr, 2);
    if (is_long)
        made_bytes(m, "\0", 2);
    made_bytes(m, l, is_long || *vr == '\0' ? 4 : 2);
}

static inline void made_text(struct made *m, uint32_t tag, const char *vr, const char *text)
{
    const size_t n = strlen(text);

    made_head(m, tag, vr, (uint32_t)(n + n % 2));
    made_bytes(m, text, n);
    made_bytes(m, " ", n % 2);
}

static inline void made_u16(struct made *m, uint32_t tag, unsigned v)
{
    const uint8_t b[] = {(uint8_t)v, (uint8_t)(v >> 8)};

    made_head(m, tag, "US", 2);
    made_bytes(m, b, 2);
}

static inline void made_begin(struct made *m, const char *syntax)
{
    static const uint8_t zeros[128];

    m->n = 0;
    made_bytes(m, zeros, sizeof(zeros));
    made_bytes(m, "DICM", 4);
    if (syntax != NULL)
        made_text(m, 0x00020010, "UI", syntax);
}

/* Attributes of a test file's header. 0 and NULL mean the default value. */
struct film_of {
    const char *syntax, *modality, *photometric, *frames;
    unsigned rows, columns, samples, allocated, bits, is_signed;
};

static inline void made_film(struct made *m, const struct film_of *f)
{
    const unsigned allocated = f->allocated == 0 ? 16 : f->allocated,
                   bits = f->bits == 0 ? allocated : f->bits;

    made_begin(m, f->syntax == NULL ? "1.2.840.10008.1.2.1" : f->syntax);
    made_text(m, 0x00080060, "CS", f->modality == NULL ? "DX" : f->modality);
    made_text(m, 0x00100010, "PN", "Synthetic^Nobody");
    made_text(m, 0x00180015, "CS", "CHEST");
    made_text(m, 0x00185101, "CS", "PA");
    made_u16(m, 0x00280002, f->samples == 0 ? 1 : f->samples);
    made_text(m, 0x00280004, "CS", f->photometric == NULL ? "MONOCHROME2" : f->photometric);
    if (f->frames != NULL)
        made_text(m, 0x00280008, "IS", f->frames);
    made_u16(m, 0x00280010, f->rows == 0 ? 2 : f->rows);
    made_u16(m, 0x00280011, f->columns == 0 ? 3 : f->columns);
    made_u16(m, 0x00280100, allocated);
    made_u16(m, 0x00280101, bits);
    made_u16(m, 0x00280102, bits - 1);
    made_u16(m, 0x00280103, f->is_signed);
    made_text(m, 0x00281050, "DS", "40\\50");
    made_text(m, 0x00281051, "DS", "400\\500");
    made_text(m, 0x00281052, "DS", "-1024");
    made_text(m, 0x00281053, "DS", "2");
}

static inline void made_pixels(struct made *m, const void *pixels, size_t n)
{
    made_head(m, 0x7fe00010, "OW", (uint32_t)n);
    made_bytes(m, pixels, n);
}

#endif
