/* Converts dates and times of a table to FHIR's form. */
#include "services/records/exchange/csv_map.h"

#include "common/measure/fhirtime.h"

#include <stdio.h>
#include <string.h>

#define DAY_S 86400

static bool digits(const char **p, int n, int *out)
{
    int value = 0;

    for (int i = 0; i < n; i++, (*p)++) {
        if (**p < '0' || **p > '9')
            return false;
        value = value * 10 + (**p - '0');
    }
    *out = value;
    return true;
}

static bool is(const char **p, char c)
{
    if (**p != c)
        return false;
    (*p)++;
    return true;
}

/* Parses a complete and valid date in the format. */
static bool day(enum csv_date format, const char **p, int *y, int *m, int *d)
{
    bool fine = false;

    switch (format) {
    case CSV_YMD:
        fine =
            digits(p, 4, y) && is(p, '-') && digits(p, 2, m) && is(p, '-') && digits(p, 2, d);
        break;
    case CSV_DMY_DOTS:
        fine =
            digits(p, 2, d) && is(p, '.') && digits(p, 2, m) && is(p, '.') && digits(p, 4, y);
        break;
    case CSV_MDY_SLASHES:
        fine =
            digits(p, 2, m) && is(p, '/') && digits(p, 2, d) && is(p, '/') && digits(p, 4, y);
        break;
    case CSV_YMD_TIGHT:
        fine = digits(p, 4, y) && digits(p, 2, m) && digits(p, 2, d);
        break;
    }
    return fine && *y >= 1 && *m >= 1 && *m <= 12 && *d >= 1 &&
           *d <= ward_days_in_month(*y, *m);
}

bool csv_date_text(enum csv_date format, const char *text, char out[48])
{
    int y, m, d;

    if (!day(format, &text, &y, &m, &d) || *text != '\0')
        return false;
    snprintf(out, 48, "%04d-%02d-%02d", y, m, d);
    return true;
}

/* Parses hh:mm, hh:mm:ss or hh:mm:ss.f. FHIR requires seconds, so missing seconds are 00. */
static bool clock(const char **p, int *second_of_day, char out[24])
{
    int h, m, s = 0;
    size_t n = 0;
    const char *fraction = "";

    if (!digits(p, 2, &h) || !is(p, ':') || !digits(p, 2, &m))
        return false;
    if (is(p, ':') && !digits(p, 2, &s))
        return false;
    if (**p == '.') {
        fraction = *p;
        n = 1 + strspn(fraction + 1, "0123456789");
        *p += n;
    }
    if (h > 23 || m > 59 || s > 59 || n == 1 || n > 10)
        return false;
    *second_of_day = h * 3600 + m * 60 + s;
    snprintf(out, 24, "%02d:%02d:%02d%.*s", h, m, s, (int)n, fraction);
    return true;
}

/* Whether the text is Z, +hh:mm or -hh:mm. */
static bool zone(const char *p)
{
    int h, m;

    if (strcmp(p, "Z") == 0)
        return true;
    if (*p != '+' && *p != '-')
        return false;
    p++;
    return digits(&p, 2, &h) && is(&p, ':') && digits(&p, 2, &m) && *p == '\0' && h <= 14 &&
           m <= 59;
}

static const char *const why[] = {
    [CSV_LOCAL_NONE] = "this local time did not exist, because the clock was set forward",
    [CSV_LOCAL_TWO] =
        "this local time occurred twice, because the clock was set back; add the UTC offset",
    [CSV_LOCAL_UNKNOWN] =
        "clock changes this far in the future are unknown; add the UTC offset",
};

static bool with_offset(const char *date, const char *time, int offset_min, char out[48])
{
    unsigned min = (unsigned)(offset_min < 0 ? -offset_min : offset_min) % 6000;
    char whole[96];
    int n = snprintf(whole, sizeof(whole), "%sT%s%c%02u:%02u", date, time,
                     offset_min < 0 ? '-' : '+', min / 60, min % 60);

    if (n < 0 || n >= 48)
        return false;
    memcpy(out, whole, (size_t)n + 1);
    return true;
}

bool csv_time_text(const struct csv_map *map, enum csv_date format, const char *text,
                   char out[48], const char **problem)
{
    const char *p = text;
    int y, m, d, second = 0;
    int32_t offset = 0;
    enum csv_local found;
    char date[16], time[24];

    *problem = NULL;
    if (!day(format, &p, &y, &m, &d))
        return false;
    snprintf(date, sizeof(date), "%04d-%02d-%02d", y, m, d);
    if (*p == '\0') {
        snprintf(out, 48, "%s", date);
        return true;
    }
    if ((*p != ' ' && *p != 'T') || (p++, !clock(&p, &second, time)))
        return false;
    if (*p != '\0') {
        snprintf(out, 48, "%sT%s%.6s", date, time, p);
        return zone(p);
    }
    if (map->zone == NULL) {
        *problem = "the time has no zone; set start.time_zone";
        return false;
    }
    found = csv_zone_offset(map->zone, ward_days_of(y, m, d) * DAY_S + second, &offset);
    /* local mean time, whose offset FHIR cannot express */
    if (found == CSV_LOCAL_ONE && offset % 60 != 0)
        found = CSV_LOCAL_UNKNOWN;
    *problem = found == CSV_LOCAL_ONE ? NULL : why[found];
    return found == CSV_LOCAL_ONE && with_offset(date, time, offset / 60, out);
}
