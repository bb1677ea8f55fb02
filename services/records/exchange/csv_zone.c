#include "services/records/exchange/csv_zone.h"

#include <stdio.h>
#include <string.h>

#define DATABASE "/usr/share/zoneinfo/"
#define NAME     64
#define FILE_MAX ((size_t)64 << 10)
#define HEADER   44

/* One state of the clock: from this moment on. */
struct turn {
    int64_t from_s;
    int32_t offset_s;
};
struct csv_zone {
    struct turn *turn; /* the first from the beginning of time */
    size_t n;
    bool goes_on; /* changes by a rule after the last turn */
};

/* Source: RFC 8536, The Time Zone Information Format (TZif). */
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
    return out->time < 4096 && out->type > 0 && out->type <= 256 && out->leap < 1024 &&
           out->isut <= 256 && out->isstd <= 256 && out->chars < 1024;
}

static size_t body(const struct header *h, size_t word)
{
    return h->time * word + h->time + h->type * 6 + h->chars + h->leap * (word + 4) + h->isstd +
           h->isut;
}

static bool is_name(const char *s)
{
    static const char ALLOWED[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                                  "0123456789_+-/";
    size_t n = strlen(s);

    return n > 0 && n <= NAME && *s != '/' && strspn(s, ALLOWED) == n;
}

static bool read_file(struct ward_arena *mem, const char *name, uint8_t **out, size_t *n)
{
    char path[sizeof(DATABASE) + NAME];
    FILE *f;

    snprintf(path, sizeof(path), DATABASE "%s", name);
    *out = ward_alloc(mem, FILE_MAX);
    f = *out == NULL ? NULL : fopen(path, "re");
    if (f == NULL)
        return false;
    *n = fread(*out, 1, FILE_MAX, f);
    fclose(f);
    return *n > 0 && *n < FILE_MAX;
}

/* The second, wide part of the file. */
static bool read_turns(struct ward_arena *mem, const uint8_t *p, size_t n,
                       const struct header *h, struct csv_zone *z)
{
    const uint8_t *index = p + h->time * 8, *types = index + h->time;
    const uint8_t *footer = p + body(h, 8);

    if (n < body(h, 8))
        return false;
    z->n = h->time + 1;
    z->turn = ward_alloc(mem, z->n * sizeof(*z->turn));
    if (z->turn == NULL)
        return false;
    z->turn[0] = (struct turn){INT64_MIN, (int32_t)be32(types)};
    for (size_t i = 0; i < h->time; i++) {
        if (index[i] >= h->type)
            return false;
        z->turn[i + 1] =
            (struct turn){be64(p + i * 8), (int32_t)be32(types + (size_t)index[i] * 6)};
    }
    z->goes_on = memchr(footer, ',', n - body(h, 8)) != NULL;
    return true;
}

enum ward_code csv_zone_open(struct ward_arena *mem, const char *name, struct csv_zone **out,
                             struct ward_err *err)
{
    struct csv_zone *z = ward_new(mem, struct csv_zone);
    struct header first, second;
    uint8_t *p;
    size_t n, skip;

    if (z == NULL)
        return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory for a time zone");
    if (!is_name(name) || !read_file(mem, name, &p, &n) || !read_header(p, n, &first))
        return WARD_FAIL_FIELD(err, "start.time_zone",
                               "is no time zone known here; a name is like Asia/Shanghai");
    skip = HEADER + body(&first, 4);
    if (skip > n || !read_header(p + skip, n - skip, &second) ||
        !read_turns(mem, p + skip + HEADER, n - skip - HEADER, &second, z))
        return WARD_FAIL_FIELD(err, "start.time_zone", "is a zone whose file cannot be read");
    *out = z;
    return WARD_OK;
}

/* The last state that begins at or before this moment. */
static size_t at(const struct csv_zone *z, int64_t utc_s)
{
    size_t low = 0, high = z->n;

    while (high - low > 1) {
        size_t middle = low + (high - low) / 2;

        if (z->turn[middle].from_s <= utc_s)
            low = middle;
        else
            high = middle;
    }
    return low;
}

enum csv_local csv_zone_offset(const struct csv_zone *z, int64_t wall_s, int32_t *offset_s)
{
    enum csv_local found = CSV_LOCAL_NONE;
    size_t around = at(z, wall_s);

    if (z->goes_on && around + 1 == z->n)
        return CSV_LOCAL_UNKNOWN;
    /* An offset is less than two days: the state is this one or a neighbour. */
    for (size_t i = around > 1 ? around - 2 : 0; i < z->n && i <= around + 2; i++) {
        int64_t utc_s = wall_s - z->turn[i].offset_s;

        if (at(z, utc_s) != i)
            continue;
        if (found == CSV_LOCAL_ONE && z->turn[i].offset_s != *offset_s)
            return CSV_LOCAL_TWO;
        *offset_s = z->turn[i].offset_s;
        found = CSV_LOCAL_ONE;
    }
    return found;
}
