/* csv_zone.h - converts a local time in an IANA time zone to a moment.
 *
 * When clocks change, a local time occurs twice or not at all. Such times are not converted,
 * nor are times from 2200 on.
 *
 * Threads: constant once open. Memory: the arena. Errors: INVALID_ARGUMENT for an unknown zone.
 */
#ifndef RECORDS_EXCHANGE_CSV_ZONE_H
#define RECORDS_EXCHANGE_CSV_ZONE_H

#include "common/base/arena.h"
#include "common/base/status.h"

#include <stdint.h>

struct csv_zone;
WARD_MUST enum ward_code csv_zone_open(struct ward_arena *mem, const char *name,
                                       struct csv_zone **out, struct ward_err *err);

enum csv_local { CSV_LOCAL_ONE, CSV_LOCAL_NONE, CSV_LOCAL_TWO, CSV_LOCAL_UNKNOWN };
/* wall_s: seconds since 1970-01-01T00:00:00 in local time. If the result is CSV_LOCAL_ONE,
 * *offset_s is the zone's offset in seconds east of UTC. */
enum csv_local csv_zone_offset(const struct csv_zone *z, int64_t wall_s, int32_t *offset_s);

#endif
