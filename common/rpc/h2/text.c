#include "common/rpc/h2/text.h"

#include "common/base/clock.h"
#include "common/base/status.h"

#define SECOND_NS   (1000 * WARD_NS_PER_MS)
#define FARTHEST_NS (INT64_C(100) * 366 * 86400 * SECOND_NS)

static const char DIGITS[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

size_t text_bin(const uint8_t *in, size_t n, char *out)
{
    size_t at = 0;

    for (size_t i = 0; i < n; i += 3) {
        uint32_t v = (uint32_t)in[i] << 16;

        if (i + 1 < n)
            v |= (uint32_t)in[i + 1] << 8;
        if (i + 2 < n)
            v |= in[i + 2];
        out[at++] = DIGITS[v >> 18];
        out[at++] = DIGITS[v >> 12 & 63];
        if (i + 1 < n)
            out[at++] = DIGITS[v >> 6 & 63];
        if (i + 2 < n)
            out[at++] = DIGITS[v & 63];
    }
    return at;
}

static bool is_digit(uint8_t c)
{
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
           c == '+' || c == '/';
}

bool text_is_bin(const uint8_t *in, size_t n)
{
    size_t digits = 0, pad = 0;

    for (size_t i = 0; i <= n; i++) {
        if (i == n || in[i] == ',') {
            if (digits % 4 == 1 || (pad > 0 && (digits + pad) % 4 != 0))
                return false;
            digits = pad = 0;
            while (i + 1 < n && in[i + 1] == ' ')
                i++;
        } else if (in[i] == '=' && pad < 2) {
            pad++;
        } else if (pad == 0 && is_digit(in[i])) {
            digits++;
        } else {
            return false;
        }
    }
    return true;
}

size_t text_percent(const char *in, char *out)
{
    static const char hex[] = "0123456789ABCDEF";
    size_t n = 0;

    for (; *in != '\0'; in++) {
        uint8_t b = (uint8_t)*in;

        if (b >= 0x20 && b <= 0x7e && b != '%') {
            out[n++] = (char)b;
            continue;
        }
        out[n++] = '%';
        out[n++] = hex[b >> 4];
        out[n++] = hex[b & 15];
    }
    return n;
}

int64_t text_timeout(const uint8_t *s, size_t n)
{
    static const struct {
        char unit;
        int64_t ns;
    } units[] = {{'n', 1},         {'u', 1000},           {'m', WARD_NS_PER_MS},
                 {'S', SECOND_NS}, {'M', 60 * SECOND_NS}, {'H', 3600 * SECOND_NS}};
    int64_t v = 0;

    if (n < 2 || n > 9) /* at most 8 digits and a unit */
        return -1;
    for (size_t i = 0; i + 1 < n; i++) {
        if (s[i] < '0' || s[i] > '9')
            return -1;
        v = 10 * v + (s[i] - '0');
    }
    for (size_t i = 0; i < WARD_COUNT(units); i++)
        if (units[i].unit == (char)s[n - 1])
            return v > FARTHEST_NS / units[i].ns ? FARTHEST_NS : v * units[i].ns;
    return -1;
}
