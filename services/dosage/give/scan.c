/* What a scanner sent: which kind of barcode it is, and what it says. */
#include "services/dosage/give/give.h"
#include "services/dosage/give/gs1.h"

#include "common/base/clock.h"
#include "common/base/text.h"

#include <string.h>

typedef Ward__Dosage__V1__Scanned Scanned;

#define SCAN_MAX 512

/* Which year it is, for the century of a date: to the day is near enough. */
static int year_now(void)
{
    char now[28];
    int64_t year = 0;

    ward_rfc3339(ward_wall_us(), now);
    now[4] = '\0';
    return ward_i64(now, 0, 9999, &year) ? (int)year : 0;
}

/* What a symbology identifier says that behind it comes; "" where the scanner sends none.
 * Source: GS1 General Specifications 5.10.2 (figure 5.10.2-1). */
enum carries { CARRIES_ANY, CARRIES_ELEMENTS, CARRIES_GTIN, CARRIES_OTHER };

static enum carries carried(const char *s)
{
    static const char *const ELEMENTS[] = {"]C1", "]e0", "]d2", "]Q3", "]J1"};
    /* EAN-13 with UPC-A and UPC-E; EAN-8; ITF-14 */
    static const char *const GTINS[] = {"]E0", "]E4", "]I1"};

    if (*s != ']')
        return CARRIES_ANY;
    for (size_t i = 0; i < WARD_COUNT(ELEMENTS); i++)
        if (strncmp(s, ELEMENTS[i], 3) == 0)
            return CARRIES_ELEMENTS;
    for (size_t i = 0; i < WARD_COUNT(GTINS); i++)
        if (strncmp(s, GTINS[i], 3) == 0)
            return CARRIES_GTIN;
    return CARRIES_OTHER;
}

/* A UPC-A that begins with 3 is a drug's of the United States; the ten digits in its middle are
 * its NDC. Source: 21 CFR 207.33 and 201.25; GS1 General Specifications 1.4.2 (U.P.C. prefix
 * 03). */
static const char *kind_of(const char *s, size_t n)
{
    return n == 12 && s[0] == '3' ? "ndc" : "gtin";
}

static bool read_scan(const char *s, size_t n, int year, struct gs1 *out, const char **kind)
{
    enum carries what = carried(s);

    if (what != CARRIES_ANY)
        s += 3, n -= 3;
    if (what != CARRIES_ELEMENTS && what != CARRIES_OTHER) {
        *out = (struct gs1){0};
        *kind = kind_of(s, n);
        if (gs1_gtin(s, n, out->gtin))
            return true;
    }
    *kind = "gs1";
    return (what == CARRIES_ANY || what == CARRIES_ELEMENTS) && gs1_elements(s, n, year, out);
}

static enum ward_code keep(struct ward_arena *mem, const struct gs1 *said, const char *kind,
                           Scanned **out, struct ward_err *err)
{
    Scanned *s = ward_new(mem, Scanned);

    if (s == NULL)
        return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory for a barcode");
    ward__dosage__v1__scanned__init(s);
    s->kind = (char *)(uintptr_t)kind; /* protobuf-c has no const */
    s->gtin = ward_strdup(mem, said->gtin);
    s->lot = ward_strdup(mem, said->lot);
    s->expires_on = ward_strdup(mem, said->expires_on);
    s->serial = ward_strdup(mem, said->serial);
    if (mem->full)
        return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory for a barcode");
    *out = s;
    return WARD_OK;
}

enum ward_code scan_parse(const char *text, struct ward_arena *mem, Scanned **out,
                          struct ward_err *err)
{
    size_t n = strnlen(text, SCAN_MAX + 1);
    struct gs1 said = {0};
    const char *kind = "";

    while (n > 0 && n <= SCAN_MAX && (text[n - 1] == '\r' || text[n - 1] == '\n'))
        n--; /* what scanners send behind a code */
    if (n == 0 || n > SCAN_MAX || (text[0] == ']' && n < 4) ||
        !read_scan(text, n, year_now(), &said, &kind))
        return WARD_FAIL_REASON(err, INVALID_ARGUMENT, "SCAN_UNREADABLE",
                                "no barcode of a kind that is known, or its check digit is "
                                "wrong");
    return keep(mem, &said, kind, out, err);
}
