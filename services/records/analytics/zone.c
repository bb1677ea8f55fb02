/* Time zones out of TZif files. Source: RFC 8536. What the file's rule says of the years behind
 * its last change (2037 on Debian) is not read: the last offset holds on. */
#include "services/records/analytics/series.h"

#include <stdio.h>
#include <string.h>

#define DATABASE  "/usr/share/zoneinfo/"
#define ZONE_NAME 64
#define FILE_MAX  65536
#define HEADER    44
#define SECOND    INT64_C(1000000)

static uint64_t big(const uint8_t *p, int n)
{
    uint64_t v = 0;

    for (int i = 0; i < n; i++)
        v = v << 8 | p[i];
    return v;
}

struct parts {
    size_t times, types, n_times, n_types; /* offsets in the file, and how many */
    size_t end;
};

/* A block whose times have `width` bytes. */
static bool block_of(const uint8_t *data, size_t n, size_t at, size_t width, struct parts *out)
{
    uint64_t utc, standard, leaps, chars;

    if (at + HEADER > n || memcmp(data + at, "TZif", 4) != 0)
        return false;
    utc = big(data + at + 20, 4);
    standard = big(data + at + 24, 4);
    leaps = big(data + at + 28, 4);
    out->n_times = (size_t)big(data + at + 32, 4);
    out->n_types = (size_t)big(data + at + 36, 4);
    chars = big(data + at + 40, 4);
    if (utc > n || standard > n || leaps > n || chars > n || out->n_times > n ||
        out->n_types > n || out->n_types == 0)
        return false;
    out->times = at + HEADER;
    out->types = out->times + out->n_times * (width + 1);
    out->end = out->types + out->n_types * 6 + chars + leaps * (width + 4) + standard + utc;
    return out->end <= n;
}

static bool put(struct zone *z, int64_t since_us, int64_t offset_us, int64_t from_us)
{
    if (z->n == 1 && from_us != 0 && since_us <= from_us)
        z->n = 0; /* nothing before it is asked for */
    if (z->n == ZONE_CHANGES)
        return false;
    z->since_us[z->n] = z->n == 0 ? INT64_MIN : since_us;
    z->offset_us[z->n++] = offset_us;
    return true;
}

static int64_t offset_of(const uint8_t *data, const struct parts *p, size_t type)
{
    return (int64_t)(int32_t)(uint32_t)big(data + p->types + 6 * type, 4) * SECOND;
}

bool zone_parse(const uint8_t *data, size_t n, int64_t from_us, int64_t to_us, struct zone *out)
{
    struct parts p;
    struct zone z = {0};

    if (!block_of(data, n, 0, 4, &p) || data[4] < '2' || !block_of(data, n, p.end, 8, &p))
        return false;
    put(&z, INT64_MIN, offset_of(data, &p, 0), 0);
    for (size_t i = 0; i < p.n_times; i++) {
        int64_t at = (int64_t)big(data + p.times + 8 * i, 8);
        size_t type = data[p.times + 8 * p.n_times + i];

        if (type >= p.n_types)
            return false;
        if (at < INT64_MIN / SECOND || at > INT64_MAX / SECOND)
            continue;
        if (to_us != 0 && at * SECOND >= to_us)
            break;
        if (!put(&z, at * SECOND, offset_of(data, &p, type), from_us))
            return false;
    }
    *out = z;
    return true;
}

static bool is_name(const char *s)
{
    static const char ALLOWED[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                                  "0123456789_+-/";
    size_t n = strlen(s);

    return n > 0 && n <= ZONE_NAME && *s != '/' && strspn(s, ALLOWED) == n;
}

enum ward_code zone_read(const char *name, int64_t from_us, int64_t to_us, struct zone *out,
                         struct ward_err *err)
{
    char path[sizeof(DATABASE) + ZONE_NAME];
    uint8_t data[FILE_MAX];
    size_t n = 0;
    FILE *f = NULL;

    *out = (struct zone){.since_us = {INT64_MIN}, .n = 1};
    if (*name == '\0' || strcmp(name, "UTC") == 0 || strcmp(name, "Etc/UTC") == 0)
        return WARD_OK; /* needs no file */
    if (is_name(name)) {
        snprintf(path, sizeof(path), DATABASE "%s", name);
        f = fopen(path, "re");
    }
    if (f != NULL) {
        n = fread(data, 1, sizeof(data), f);
        fclose(f);
    }
    if (f == NULL || !zone_parse(data, n, from_us, to_us, out))
        return WARD_FAIL_FIELD(err, "time_zone", "is no time zone known here");
    return WARD_OK;
}
