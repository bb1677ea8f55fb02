/* Detects the format of a file by its first bytes. */
#include "common/image/image.h"

#include <string.h>

/* The brand at offset 8 of an ISO base media file names its kind. Source: ISO/IEC 23008-12,
 * annex B; AV1 Image File Format 1.1; each brand as its writers use it. */
static const char *brand_of(const uint8_t *p)
{
    static const char heic[][5] = {"heic", "heix", "heim", "heis", "hevc",
                                   "hevx", "hevm", "hevs", "mif1", "msf1"};

    for (size_t i = 0; i < sizeof(heic) / sizeof(heic[0]); i++)
        if (memcmp(p, heic[i], 4) == 0)
            return "HEIC";
    return memcmp(p, "avif", 4) == 0 || memcmp(p, "avis", 4) == 0 ? "AVIF" : "a film";
}

const char *ward_image_kind(const uint8_t *p, size_t n)
{
    static const struct {
        const char *kind, *begins;
        size_t n;
    } kinds[] = {{"GIF", "GIF8", 4},
                 {"TIFF", "II*\0", 4},
                 {"TIFF", "MM\0*", 4},
                 {"PDF", "%PDF-", 5},
                 {"BMP", "BM", 2},
                 {"JPEG XL", "\xff\x0a", 2},
                 {"JPEG 2000", "\xff\x4f\xff\x51", 4}};

    if (n >= 12 && memcmp(p + 4, "ftyp", 4) == 0)
        return brand_of(p + 8);
    if (n >= 12 && memcmp(p, "RIFF", 4) == 0 && memcmp(p + 8, "WEBP", 4) == 0)
        return "WebP";
    if (n >= 132 && memcmp(p + 128, "DICM", 4) == 0)
        return "DICOM";
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
        if (n >= kinds[i].n && memcmp(p, kinds[i].begins, kinds[i].n) == 0)
            return kinds[i].kind;
    return NULL;
}

/* Reads the markers before the first scan. SOF0 or SOF1 has the number of colours, and the
 * scan's header has the number of colours in the scan. Source: ITU-T T.81, B.2. Any deviation
 * returns false. */
bool ward_jpeg_one_scan(const uint8_t *p, size_t n)
{
    size_t at = 2;
    int colours = 0;

    while (at < n && n - at >= 10 && p[at] == 0xff) {
        uint8_t marker = p[at + 1];
        size_t len = (size_t)p[at + 2] << 8 | p[at + 3];

        if (marker == 0xff) { /* filling */
            at++;
            continue;
        }
        if (marker == 0xda)
            return colours > 0 && p[at + 4] == colours;
        if (marker == 0xc0 || marker == 0xc1)
            colours = p[at + 9];
        else if (marker < 0xc0 || (marker < 0xd0 && marker != 0xc4 && marker != 0xcc) ||
                 (marker >= 0xd0 && marker <= 0xd9))
            return false; /* progressive and rarer kinds; markers that belong in no header */
        at += 2 + len;
    }
    return false;
}
