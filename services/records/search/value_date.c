/* Reads a requested date. Source: HL7 FHIR R4, 3.1.1.4.5 date. */
#include "common/measure/fhirtime.h"
#include "services/records/search/search_own.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MINUTE_US (60 * WARD_US_PER_SECOND)

/* Completes "2020-01-01T10:30" to a dateTime with seconds and a zone. Returns false for a text
 * that is too long. */
static bool completed(const char *text, char *out, size_t size, bool *to_minute)
{
    const char *time = strchr(text, 'T'), *zone;
    int n;

    *to_minute = false;
    if (time == NULL)
        return snprintf(out, size, "%s", text) < (int)size;
    zone = strpbrk(time, "Z+-");
    n = (int)(zone == NULL ? strlen(text) : (size_t)(zone - text));
    *to_minute = n - (int)(time - text) == (int)strlen("T10:30");
    return snprintf(out, size, "%.*s%s%s", n, text, *to_minute ? ":00" : "",
                    zone == NULL ? "Z" : zone) < (int)size;
}

/* Widens an interval in both directions by a tenth of its distance from now. */
static void widen(int64_t asked_us, struct value *out)
{
    int64_t middle = out->from_us / 2 + out->to_us / 2;
    int64_t by = llabs(asked_us - middle) / 10;

    out->from_us -= by;
    out->to_us += by;
}

enum ward_code value_date(const struct search_reader *r, const struct search *s,
                          const struct filter *f, const char *text, struct value *out)
{
    char whole[WARD_FHIRTIME_SIZE];
    struct ward_fhirtime t;
    bool to_minute;

    text = search_prefix(text, &out->prefix);
    if (!completed(text, whole, sizeof(whole), &to_minute) ||
        ward_fhirtime_parse(WARD_FHIR_DATETIME, whole, strlen(whole), INDEX_ZONE, &t, NULL) !=
            WARD_OK)
        return search_bad(r, f,
                          "is not a date in FHIR's format, or is a day that does not exist");
    out->from_us = t.from_us;
    out->to_us = to_minute ? t.from_us + MINUTE_US : t.to_us;
    if (out->prefix == PRE_AP)
        widen(s->asked_us, out);
    return WARD_OK;
}
