/* zone.h - time zones: what the clocks on a ward's walls show, and when.
 *
 * A zone's changes are read once from the machine's own database (Debian's tzdata: it gets new
 * rules within days of a government's decree, where ICU 72 of the same Debian stays at those of
 * 2022 and has clocks in Egypt, Kazakhstan and Greenland an hour off) and worked out to 2200 by
 * the rule at the file's end. After that a zone is a constant table and every question a search
 * in it.
 *
 * A local day has 23, 24 or 25 hours. A wall time that a day has not (clocks go forward) means
 * the first moment after the gap; one that it has twice, the first. No day is without moments
 * but where a zone jumps the date line (Samoa had no 2011-12-30): its times are the moment
 * after that gap too.
 *
 * Threads: constant once open; shared. Memory: ward_zone_close frees. Errors: ward_zone_open's.
 */
#ifndef WARD_ZONE_ZONE_H
#define WARD_ZONE_ZONE_H

#include "common/base/status.h"

#include <stdint.h>

struct ward_zone;

/* An IANA name, "Europe/Berlin", "UTC".   INVALID_ARGUMENT  TIME_ZONE_UNKNOWN */
WARD_MUST enum ward_code ward_zone_open(const char *name, struct ward_zone **out,
                                        struct ward_err *err);
void ward_zone_close(struct ward_zone *z); /* NULL is fine */

struct ward_wall {
    int64_t day; /* days since 1970-01-01, by the wall's calendar */
    int year, month, mday;
    int weekday;  /* 1 Monday .. 7 Sunday */
    int second;   /* of the day by the wall's clock, 0..86399 */
    int offset_s; /* east of UTC */
};
/* at_us: microseconds since 1970-01-01T00:00:00Z. */
void ward_zone_wall(const struct ward_zone *z, int64_t at_us, struct ward_wall *out);

enum ward_wall_is { WARD_WALL_ONCE, WARD_WALL_GAP, WARD_WALL_TWICE };
/* The moment at which the wall shows this, as said above. */
enum ward_wall_is ward_zone_moment(const struct ward_zone *z, int64_t day, int second,
                                   int64_t *at_us);

/* The last day before `day` that the zone's calendar left out; INT64_MIN: none. */
int64_t ward_zone_left_out(const struct ward_zone *z, int64_t day);

#define WARD_ZONE_STAMP 26
/* "2026-03-29T08:00:05+02:00" */
void ward_zone_stamp(const struct ward_zone *z, int64_t at_us, char out[WARD_ZONE_STAMP]);

#endif
