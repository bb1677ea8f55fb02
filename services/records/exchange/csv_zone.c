#include "services/records/exchange/csv_zone.h"

#include "common/zone/zone.h"

#define DAY_S     86400
#define SECOND_US INT64_C(1000000)
#define KNOWN_S   INT64_C(7258118400) /* 2200-01-01: the end of zone.h's data */

struct csv_zone {
    struct ward_zone *zone;
};

static void close_zone(void *zone)
{
    ward_zone_close(zone);
}

enum ward_code csv_zone_open(struct ward_arena *mem, const char *name, struct csv_zone **out,
                             struct ward_err *err)
{
    struct csv_zone *z = ward_new(mem, struct csv_zone);
    struct ward_err why = {0};

    if (z == NULL)
        return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory for a time zone");
    if (ward_zone_open(name, &z->zone, &why) == WARD_INVALID_ARGUMENT)
        return WARD_FAIL_FIELD(err, "start.time_zone",
                               "is not a known time zone; use a name such as Asia/Shanghai");
    if (z->zone == NULL || !ward_defer(mem, close_zone, z->zone))
        return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory for a time zone");
    *out = z;
    return WARD_OK;
}

enum csv_local csv_zone_offset(const struct csv_zone *z, int64_t wall_s, int32_t *offset_s)
{
    int64_t day = wall_s / DAY_S - (wall_s % DAY_S < 0 ? 1 : 0), at_us;

    if (wall_s >= KNOWN_S)
        return CSV_LOCAL_UNKNOWN;
    switch (ward_zone_moment(z->zone, day, (int)(wall_s - day * DAY_S), &at_us)) {
    case WARD_WALL_GAP:
        return CSV_LOCAL_NONE;
    case WARD_WALL_TWICE:
        return CSV_LOCAL_TWO;
    default:
        *offset_s = (int32_t)(wall_s - at_us / SECOND_US);
        return CSV_LOCAL_ONE;
    }
}
