/* tzif.h - a file of the zone database, read into changes. Source: RFC 8536, The Time Zone
 * Information Format (TZif); its rule at the end: POSIX.1-2017 section 8.3, TZ.
 *
 * Threads: pure. Memory: the caller's. Errors: false, and outputs are of no use.
 */
#ifndef WARD_ZONE_TZIF_H
#define WARD_ZONE_TZIF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ZONE_CHANGES 1024

/* From since_s on the clock is offset_s east of UTC; the first holds from the beginning of
 * time. */
struct zone_change {
    int64_t since_s;
    int32_t offset_s;
};
struct zone_table {
    size_t n;
    struct zone_change at[ZONE_CHANGES];
};
/* What lies behind the last change of the file follows its rule until year `until`. */
bool ward_tzif_read(const uint8_t *data, size_t n, int until, struct zone_table *out);

/* Appended unless the clock showed the same before. False: full, or not behind the last. */
bool ward_zone_put(struct zone_table *t, int64_t since_s, int64_t offset_s);
/* The changes of a rule ("CET-1CEST,M3.5.0,M10.5.0/3") that lie behind the table's last. False:
 * it is no rule. */
bool ward_tzrule_extend(struct zone_table *t, const char *rule, int until);

/* Days from 1970-01-01 of a date of the Gregorian calendar, and back. */
int64_t ward_zone_day(int64_t year, int month, int mday);
void ward_zone_date(int64_t day, int *year, int *month, int *mday);

#endif
