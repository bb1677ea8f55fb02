#include "common/base/text.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

bool ward_f64(const char *s, double *out)
{
    char *end;
    double v;

    if (s == NULL || *s == '\0')
        return false;
    v = strtod(s, &end);
    if (*end != '\0' || !isfinite(v))
        return false;
    *out = v;
    return true;
}

bool ward_i64(const char *s, int64_t lo, int64_t hi, int64_t *out)
{
    char *end;
    long long v;

    if (s == NULL || !(*s == '-' || (*s >= '0' && *s <= '9')))
        return false;
    errno = 0;
    v = strtoll(s, &end, 10);
    if (errno != 0 || *end != '\0' || end == s || v < lo || v > hi)
        return false;
    *out = v;
    return true;
}

void ward_hex(const void *bytes, size_t n, char *out)
{
    static const char DIGITS[] = "0123456789abcdef";
    const uint8_t *p = bytes;

    for (size_t i = 0; i < n; i++) {
        out[2 * i] = DIGITS[p[i] >> 4];
        out[2 * i + 1] = DIGITS[p[i] & 15];
    }
    out[2 * n] = '\0';
}

static int nibble(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

bool ward_unhex(const char *hex, void *out, size_t n)
{
    uint8_t *to = out;

    if (hex == NULL || strlen(hex) != 2 * n)
        return false;
    for (size_t i = 0; i < 2 * n; i++)
        if (nibble(hex[i]) < 0)
            return false;
    for (size_t i = 0; i < n; i++)
        to[i] = (uint8_t)((unsigned)nibble(hex[2 * i]) << 4 | (unsigned)nibble(hex[2 * i + 1]));
    return true;
}

static const char STD[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
static const char URL[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

static size_t encode(const char *set, bool pad, const uint8_t *p, size_t n, char *out)
{
    char *o = out;

    for (size_t i = 0; i < n; i += 3) {
        size_t left = n - i;
        uint32_t v = (uint32_t)p[i] << 16 | (left > 1 ? (uint32_t)p[i + 1] << 8 : 0) |
                     (left > 2 ? p[i + 2] : 0);

        *o++ = set[v >> 18];
        *o++ = set[v >> 12 & 63];
        if (left > 1)
            *o++ = set[v >> 6 & 63];
        else if (pad)
            *o++ = '=';
        if (left > 2)
            *o++ = set[v & 63];
        else if (pad)
            *o++ = '=';
    }
    *o = '\0';
    return (size_t)(o - out);
}

size_t ward_base64(const void *bytes, size_t n, char *out)
{
    return encode(STD, true, bytes, n, out);
}

size_t ward_base64url(const void *bytes, size_t n, char *out)
{
    return encode(URL, false, bytes, n, out);
}

/* Decodes unpadded text. Bits after the last whole byte must be zero. */
static bool decode(const char *set, const char *s, size_t len, uint8_t *out, size_t cap,
                   size_t *n)
{
    size_t want = len / 4 * 3 + (len % 4 == 0 ? 0 : len % 4 - 1), k = 0;
    uint32_t acc = 0;
    int bits = 0;

    if (len % 4 == 1 || want > cap)
        return false;
    for (size_t i = 0; i < len; i++) {
        const char *at = s[i] == '\0' ? NULL : strchr(set, s[i]);

        if (at == NULL)
            return false;
        acc = acc << 6 | (uint32_t)(at - set);
        bits += 6;
        if (bits >= 8) {
            bits -= 8;
            out[k++] = (uint8_t)(acc >> bits);
            acc &= (1u << bits) - 1;
        }
    }
    if (acc != 0)
        return false;
    *n = k;
    return true;
}

bool ward_unbase64(const char *s, size_t len, void *out, size_t cap, size_t *n)
{
    if (len % 4 != 0)
        return false;
    for (int i = 0; i < 2 && len > 0 && s[len - 1] == '='; i++)
        len--;
    return decode(STD, s, len, out, cap, n);
}

bool ward_unbase64url(const char *s, size_t len, void *out, size_t cap, size_t *n)
{
    return decode(URL, s, len, out, cap, n);
}
