/* The clock of a ward. */
#include "services/dosage/schedule/due_own.h"
#include "services/dosage/schedule/plan.h"
#include "services/dosage/store/owner.h"

#include <string.h>

#define ZONES_MEM ((size_t)1 << 20)

struct zone_kept {
    struct zone_kept *next;
    struct ward_zone *zone;
    char *name;
};

static void close_zone(void *zone)
{
    ward_zone_close(zone);
}

static enum ward_code no_memory(struct ward_err *err)
{
    return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory for a time zone");
}

static enum ward_code keep(struct zones *z, const char *name, struct zone_kept **out,
                           struct ward_err *err)
{
    struct zone_kept *k = ward_new(&z->mem, struct zone_kept);

    if (k == NULL || (k->name = ward_strdup(&z->mem, name)) == NULL)
        return no_memory(err);
    WARD_TRY(ward_zone_open(name, &k->zone, err));
    if (!ward_defer(&z->mem, close_zone, k->zone))
        return no_memory(err);
    k->next = z->first;
    *out = z->first = k;
    return WARD_OK;
}

static enum ward_code zone_of(struct zones *z, const char *name, struct zone_kept **out,
                              struct ward_err *err)
{
    enum ward_code code = WARD_OK;
    struct zone_kept *k;

    pthread_mutex_lock(&z->lock);
    for (k = z->first; k != NULL && strcmp(k->name, name) != 0;)
        k = k->next;
    if (k == NULL)
        code = keep(z, name, &k, err);
    pthread_mutex_unlock(&z->lock);
    *out = k;
    return code;
}

enum ward_code zones_open(struct zones *z, const char *usual, struct ward_err *err)
{
    struct zone_kept *k;

    ward_arena_init(&z->mem, ZONES_MEM);
    pthread_mutex_init(&z->lock, NULL);
    if (zone_of(z, usual, &k, err) != WARD_OK)
        return WARD_FAIL(
            err, FAILED_PRECONDITION,
            "WARD_TIME_ZONE: unknown time zone \"%.64s\"; use a name such as Europe/Berlin",
            usual);
    return WARD_OK;
}

void zones_close(struct zones *z)
{
    ward_arena_done(&z->mem);
    pthread_mutex_destroy(&z->lock);
}

enum ward_code clock_of(struct worker *w, const char *name, int before_minutes,
                        int after_minutes, struct clock *out, struct ward_err *err)
{
    struct zone_kept *k;

    if (zone_of(&w->dos->due->zones, name, &k, err) != WARD_OK)
        return WARD_FAIL(err, FAILED_PRECONDITION,
                         "this machine does not know the ward's time zone");
    *out = (struct clock){k->zone, k->name, before_minutes, after_minutes};
    return WARD_OK;
}

enum ward_code ward_clock(struct worker *w, struct ward_arena *mem, const char *ward, bool must,
                          struct clock *out, struct ward_err *err)
{
    static const char SQL[] =
        "SELECT time_zone, before_minutes, after_minutes FROM ward WHERE ward = ?";
    const char *name = w->dos->cfg.time_zone;
    int before = CLOCK_MINUTES, after = CLOCK_MINUTES;
    struct ward_rows rows;

    WARD_TRY(ward_db_run(w->event_ctx.db, mem, SQL, WARD_PARAMS(ward_text(ward)), &rows, err));
    if (rows.n == 0 && must)
        return WARD_FAIL_REASON(err, NOT_FOUND, "WARD_NOT_FOUND",
                                "the ward has no settings; call SetWard");
    if (rows.n > 0) {
        name = rows.at[0][0].p;
        before = (int)row_number(rows.at[0][1]);
        after = (int)row_number(rows.at[0][2]);
    }
    return clock_of(w, name, before, after, out, err);
}

enum ward_code order_timing(struct worker *w, struct ward_arena *mem,
                            const Ward__Dosage__V1__Order *order, struct timing *out,
                            struct ward_err *err)
{
    struct clock clock;

    WARD_TRY(ward_clock(w, mem, order->ward, false, &clock, err));
    *out = plan_timing(order, clock.zone, clock.before_minutes, clock.after_minutes);
    return WARD_OK;
}
