#include "common/zone/tzif.h"

#include <string.h>

#define HEADER   44
#define RULE_MAX 128

struct header {
    size_t isut, isstd, leap, time, type, chars;
};

static uint32_t be32(const uint8_t *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static int64_t be64(const uint8_t *p)
{
    return (int64_t)((uint64_t)be32(p) << 32 | be32(p + 4));
}

static bool read_header(const uint8_t *p, size_t n, struct header *out)
{
    if (n < HEADER || memcmp(p, "TZif", 4) != 0 || p[4] < '2')
        return false;
    *out = (struct header){be32(p + 20), be32(p + 24), be32(p + 28),
                           be32(p + 32), be32(p + 36), be32(p + 40)};
    /* Leap seconds would shift every time in the file, so files with leap seconds are rejected.
     */
    return out->time < 4096 && out->type > 0 && out->type <= 256 && out->leap == 0 &&
           out->isut <= 256 && out->isstd <= 256 && out->chars < 1024;
}

static size_t body(const struct header *h, size_t word)
{
    return h->time * word + h->time + h->type * 6 + h->chars + h->isstd + h->isut;
}

bool ward_zone_put(struct zone_table *t, int64_t since_s, int64_t offset_s)
{
    if (offset_s < -26 * 3600 || offset_s > 26 * 3600)
        return false;
    if (t->n > 0 && t->at[t->n - 1].offset_s == offset_s)
        return true; /* a new name for the same offset */
    if (t->n == ZONE_CHANGES || (t->n > 0 && since_s <= t->at[t->n - 1].since_s))
        return false;
    t->at[t->n++] = (struct zone_change){since_s, (int32_t)offset_s};
    return true;
}

static bool read_changes(const uint8_t *p, const struct header *h, struct zone_table *out)
{
    const uint8_t *index = p + h->time * 8, *types = index + h->time;

    out->n = 0;
    if (!ward_zone_put(out, INT64_MIN, (int32_t)be32(types)))
        return false;
    for (size_t i = 0; i < h->time; i++)
        if (index[i] >= h->type ||
            !ward_zone_put(out, be64(p + i * 8), (int32_t)be32(types + (size_t)index[i] * 6)))
            return false;
    return true;
}

bool ward_tzif_read(const uint8_t *data, size_t n, int until, struct zone_table *out)
{
    struct header narrow, wide;
    char rule[RULE_MAX];
    const uint8_t *footer, *end;
    size_t skip, left;

    if (!read_header(data, n, &narrow))
        return false;
    skip = HEADER + body(&narrow, 4);
    if (skip > n || !read_header(data + skip, n - skip, &wide) ||
        n - skip < HEADER + body(&wide, 8) + 2 ||
        !read_changes(data + skip + HEADER, &wide, out))
        return false;
    footer = data + skip + HEADER + body(&wide, 8);
    left = n - (size_t)(footer - data);
    end = footer[0] == '\n' ? memchr(footer + 1, '\n', left - 1) : NULL;
    if (end == NULL || (size_t)(end - footer) > sizeof(rule))
        return false;
    memcpy(rule, footer + 1, (size_t)(end - footer) - 1);
    rule[end - footer - 1] = '\0';
    return ward_tzrule_extend(out, rule, until);
}
