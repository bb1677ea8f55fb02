#include "common/image/image.h"

#include <string.h>

/* Reads TIFF bytes in the file's own byte order; reads outside return 0. */
struct tiff {
    const uint8_t *p;
    size_t n;
    bool little;
};

static uint32_t read_n(const struct tiff *t, size_t at, size_t bytes)
{
    uint32_t v = 0;

    if (at > t->n || t->n - at < bytes)
        return 0;
    for (size_t i = 0; i < bytes; i++)
        v |= (uint32_t)t->p[at + i] << (8 * (t->little ? i : bytes - 1 - i));
    return v;
}

/* Reads tag 0x0112, type SHORT, in the first directory. */
static int find_orientation(const struct tiff *t)
{
    size_t dir = read_n(t, 4, 4), entries = read_n(t, dir, 2);

    if (read_n(t, 2, 2) != 42 || dir < 8)
        return 1;
    for (size_t i = 0; i < entries; i++) {
        size_t at = dir + 2 + 12 * i;
        uint32_t v;

        if (at > t->n || t->n - at < 12)
            return 1;
        if (read_n(t, at, 2) != 0x0112)
            continue;
        v = read_n(t, at + 8, 2);
        return read_n(t, at + 2, 2) == 3 && v >= 1 && v <= 8 ? (int)v : 1;
    }
    return 1;
}

/* Reads the orientation from the TIFF bytes in an Exif block. */
static int of_block(const uint8_t *p, size_t n)
{
    struct tiff t = {p, n, n > 0 && p[0] == 'I'};

    if (n < 8 || (memcmp(p, "II", 2) != 0 && memcmp(p, "MM", 2) != 0))
        return 1;
    return find_orientation(&t);
}

static int of_jpeg(const uint8_t *p, size_t n)
{
    size_t at = 2;

    while (n - at >= 4 && p[at] == 0xff) {
        uint8_t marker = p[at + 1];
        size_t len = (size_t)p[at + 2] << 8 | p[at + 3];
        const uint8_t *body = p + at + 4;

        if (marker == 0xff) { /* fill byte */
            at++;
            continue;
        }
        if (marker == 0xda || len < 2 || len > n - at - 2)
            return 1; /* the picture data begins, or the data is invalid */
        if (marker == 0xe1 && len >= 2 + 6 + 8 && memcmp(body, "Exif\0", 6) == 0)
            return of_block(body + 6, len - 8);
        at += 2 + len;
    }
    return 1;
}

/* The chunk eXIf may be before the picture or after it. Source: W3C Portable Network Graphics
 * (Third Edition), 5.6 and 11.3.4.5. */
static int of_png(const uint8_t *p, size_t n)
{
    size_t at = 8;

    while (n - at >= 12) {
        size_t len = (size_t)p[at] << 24 | (size_t)p[at + 1] << 16 | (size_t)p[at + 2] << 8 |
                     (size_t)p[at + 3];

        if (len > n - at - 12)
            return 1;
        if (memcmp(p + at + 4, "eXIf", 4) == 0)
            return of_block(p + at + 8, len);
        at += 12 + len;
    }
    return 1;
}

int ward_exif_orientation(const uint8_t *p, size_t n)
{
    if (n >= 4 && p[0] == 0xff && p[1] == 0xd8)
        return of_jpeg(p, n);
    if (n >= 8 && memcmp(p, "\x89PNG\r\n\x1a\n", 8) == 0)
        return of_png(p, n);
    return 1;
}
