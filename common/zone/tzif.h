/* tzif.h - reads a file of the time zone database. Source: RFC 8536, The Time Zone Information
 * Format (TZif); the rule at its end: POSIX.1-2017 section 8.3, TZ.
 *
 * Threads: pure. Memory: the caller's. Errors: false, and outputs are invalid.
 */
#ifndef WARD_ZONE_TZIF_H
#define WARD_ZONE_TZIF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ZONE_CHANGES 1024

/* From since_s on, the clock is offset_s east of UTC. The first entry is valid from the
 * beginning of time. */
struct zone_change {
    int64_t since_s;
    int32_t offset_s;
};
struct zone_table {
    size_t n;
    struct zone_change at[ZONE_CHANGES];
};
/* After the file's last change, its rule applies until year `until`. */
bool ward_tzif_read(const uint8_t *data, size_t n, int until, struct zone_table *out);

/* Appends a change, unless the offset stays the same. Returns false if the table is full or the
 * change is not after the last one. */
bool ward_zone_put(struct zone_table *t, int64_t since_s, int64_t offset_s);
/* Appends the changes of a rule ("CET-1CEST,M3.5.0,M10.5.0/3") after the table's last change.
 * Returns false if the rule is invalid. */
bool ward_tzrule_extend(struct zone_table *t, const char *rule, int until);

/* Converts between a date of the Gregorian calendar and the days from 1970-01-01. */
int64_t ward_zone_day(int64_t year, int month, int mday);
void ward_zone_date(int64_t day, int *year, int *month, int *mday);

#endif
