/* Scanner input: the kind of barcode, and its content. */
#include "services/dosage/give/give.h"
#include "services/dosage/give/gs1.h"

#include "common/base/clock.h"
#include "common/base/text.h"

#include <string.h>

typedef Ward__Dosage__V1__Scanned Scanned;

#define SCAN_MAX  512
#define LOCAL_MAX 64 /* maximum bytes of Product.local_codes */

/* The present year, which determines the century of a date. */
static int year_now(void)
{
    char now[28];
    int64_t year = 0;

    ward_rfc3339(ward_wall_us(), now);
    now[4] = '\0';
    return ward_i64(now, 0, 9999, &year) ? (int)year : 0;
}

/* The kind of content that a symbology identifier announces; "" if the scanner sends none.
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

/* A UPC-A that begins with 3 is a drug of the United States. Its ten middle digits are the NDC.
 * Source: 21 CFR 207.33 and 201.25; GS1 General Specifications 1.4.2 (U.P.C. prefix 03). */
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

static enum ward_code unreadable(struct ward_err *err)
{
    return ward_err_about(
        err,
        WARD_FAIL_REASON(err, INVALID_ARGUMENT, "SCAN_UNREADABLE",
                         "the kind of barcode is not supported, or the check digit is wrong"),
        "scan");
}

static Scanned *scanned_new(struct ward_arena *mem, const char *kind)
{
    Scanned *s = ward_new(mem, Scanned);

    if (s == NULL)
        return NULL;
    ward__dosage__v1__scanned__init(s);
    s->kind = (char *)(uintptr_t)kind; /* casts const away for protobuf-c */
    return s;
}

static enum ward_code no_memory(struct ward_err *err)
{
    return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory for a barcode");
}

/* A code without further elements: a trace code, or a code of the hospital. */
static enum ward_code keep_code(struct ward_arena *mem, const char *code, size_t n,
                                const char *kind, Scanned **out, struct ward_err *err)
{
    Scanned *s = scanned_new(mem, kind);
    char *copy = ward_printf(mem, "%.*s", (int)n, code);

    if (s == NULL || copy == NULL)
        return no_memory(err);
    s->code = copy;
    *out = s;
    return WARD_OK;
}

static enum ward_code keep(struct ward_arena *mem, const struct gs1 *said, const char *kind,
                           Scanned **out, struct ward_err *err)
{
    Scanned *s = scanned_new(mem, kind);

    if (s == NULL)
        return no_memory(err);
    s->gtin = ward_strdup(mem, said->gtin);
    s->lot = ward_strdup(mem, said->lot);
    s->expires_on = ward_strdup(mem, said->expires_on);
    s->serial = ward_strdup(mem, said->serial);
    if (*said->hidden != '\0') {
        s->warning = (char *)(uintptr_t)SCAN_EXPIRY_IN_LOT;
        s->may_expire_on = ward_strdup(mem, said->hidden);
    }
    if (mem->full)
        return no_memory(err);
    *out = s;
    return WARD_OK;
}

/* Removes suffixes that scanners send after a code. */
static size_t length_of(const char *text)
{
    size_t n = strnlen(text, SCAN_MAX + 1);

    while (n > 0 && n <= SCAN_MAX && (text[n - 1] == '\r' || text[n - 1] == '\n'))
        n--;
    return n;
}

enum ward_code scan_parse(const char *text, struct ward_arena *mem, Scanned **out,
                          struct ward_err *err)
{
    size_t n = length_of(text), id = text[0] == ']' && n > 3 ? 3 : 0;
    struct gs1 said = {0};
    const char *kind = "";

    if (n == 0 || n > SCAN_MAX || (text[0] == ']' && n < 4))
        return unreadable(err);
    if (read_scan(text, n, year_now(), &said, &kind))
        return keep(mem, &said, kind, out, err);
    if (carried(text) != CARRIES_ELEMENTS && carried(text) != CARRIES_GTIN &&
        gs1_is_trace(text + id, n - id))
        return keep_code(mem, text + id, n - id, "trace", out, err);
    return unreadable(err);
}

/* ---- lookup in a rule set ---- */

static enum ward_code by_local_code(const struct ruleset *rules, const char *text,
                                    struct ward_arena *mem, struct scan_found *out,
                                    struct ward_err *err)
{
    size_t n = length_of(text), id = text[0] == ']' && n > 3 ? 3 : 0;
    char code[LOCAL_MAX + 1];

    if (n == 0 || n - id > LOCAL_MAX)
        return WARD_OK;
    memcpy(code, text + id, n - id);
    code[n - id] = '\0';
    out->product = ruleset_local(rules, code, &out->drug);
    return out->product == NULL ? WARD_OK
                                : keep_code(mem, code, n - id, "local", &out->scanned, err);
}

enum ward_code scan_find(const struct ruleset *rules, const char *text, struct ward_arena *mem,
                         struct scan_found *out, struct ward_err *err)
{
    struct scan_found f = {0};

    WARD_TRY(by_local_code(rules, text, mem, &f, err));
    if (f.product == NULL) {
        WARD_TRY(scan_parse(text, mem, &f.scanned, err));
        f.product = *f.scanned->gtin != '\0' ? ruleset_gtin(rules, f.scanned->gtin, &f.drug)
                                             : ruleset_trace(rules, f.scanned->code, &f.drug);
    }
    if (f.product != NULL)
        f.scanned->product_id = f.product->id;
    *out = f;
    return WARD_OK;
}
