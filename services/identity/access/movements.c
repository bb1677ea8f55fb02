/* Movements of staff: the SQL, and their deletion. */
#include "services/identity/access/movements.h"

#include "common/base/clock.h"

#include <string.h>

#define DAY_US     (INT64_C(86400) * 1000000)
#define FORGIVE_US (INT64_C(300) * 1000000) /* tolerance for a controller's clock */
/* maximum statements of one kind in a pass; each deletes 1,000 rows */
#define SWEEPS 100

enum ward_code passage_was(struct ward_db *db, struct ward_arena *mem,
                           const uint8_t id[IDENTITY_ID], const char *door, int direction,
                           bool *out, struct ward_err *err)
{
    static const char SQL[] = "SELECT door, direction FROM door_event"
                              " WHERE subject_id = ? AND allowed ORDER BY at_us DESC LIMIT 1";
    struct ward_rows rows;
    int64_t way = 0;

    WARD_TRY(ward_db_run(db, mem, SQL, WARD_PARAMS(id_val(id)), &rows, err));
    *out = rows.n == 1 && strcmp(rows.at[0][0].p, door) == 0 &&
           ward_i64(rows.at[0][1].p, 0, 127, &way) && way == direction;
    return WARD_OK;
}

enum ward_code presence_forget(struct ward_db *db, struct ward_arena *mem,
                               const uint8_t id[IDENTITY_ID], const char *zone, uint64_t *n,
                               struct ward_err *err)
{
    static const char SQL[] =
        "DELETE FROM presence WHERE subject_id = ? AND (? IS NULL OR zone = ?)";
    struct ward_rows rows;

    WARD_TRY(ward_db_run(
        db, mem, SQL, WARD_PARAMS(id_val(id), ward_text(zone), ward_text(zone)), &rows, err));
    *n = (uint64_t)rows.affected;
    return WARD_OK;
}

enum ward_code door_pack_put(struct ward_db *db, struct ward_arena *mem, const char *door,
                             const char *peer, const struct pack_span *span,
                             struct ward_err *err)
{
    static const char GO_ON[] = "UPDATE door_pack SET expires_at_us = ?"
                                " WHERE door = ? AND peer = ? AND fetched_at_us <= ?"
                                "   AND expires_at_us >= ? AND expires_at_us <= ?";
    static const char BEGIN[] =
        "INSERT INTO door_pack (door, peer, fetched_at_us, expires_at_us) VALUES (?, ?, ?, ?)"
        " ON DUPLICATE KEY UPDATE"
        "   expires_at_us = GREATEST(expires_at_us, VALUES(expires_at_us))";
    struct ward_val from = ward_int(mem, span->fetched_us);
    struct ward_val to = ward_int(mem, span->expires_us);
    struct ward_rows rows;

    WARD_TRY(ward_db_run(db, mem, GO_ON,
                         WARD_PARAMS(to, ward_text(door), ward_text(peer), from, from, to),
                         &rows, err));
    if (rows.affected > 0)
        return WARD_OK;
    return ward_db_run(db, NULL, BEGIN, WARD_PARAMS(ward_text(door), ward_text(peer), from, to),
                       NULL, err);
}

enum ward_code door_packs_of(struct ward_db *db, struct ward_arena *mem, const char *door,
                             const char *peer, struct pack_span **out, size_t *n,
                             struct ward_err *err)
{
    static const char SQL[] =
        "SELECT fetched_at_us, expires_at_us FROM door_pack WHERE door = ? AND peer = ?";
    struct pack_span *list;
    struct ward_rows rows;

    WARD_TRY(
        ward_db_run(db, mem, SQL, WARD_PARAMS(ward_text(door), ward_text(peer)), &rows, err));
    list = ward_alloc(mem, rows.n * sizeof(*list));
    if (list == NULL)
        return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory for the packs");
    for (size_t i = 0; i < rows.n; i++)
        if (!ward_i64(rows.at[i][0].p, 0, INT64_MAX, &list[i].fetched_us) ||
            !ward_i64(rows.at[i][1].p, 0, INT64_MAX, &list[i].expires_us))
            return WARD_FAIL(err, DATA_LOSS, "the row of a door's packs is invalid");
    *out = list;
    *n = rows.n;
    return WARD_OK;
}

bool pack_spans(const struct pack_span *spans, size_t n, int64_t at_us)
{
    for (size_t i = 0; i < n; i++)
        if (at_us >= spans[i].fetched_us - FORGIVE_US &&
            at_us <= spans[i].expires_us + FORGIVE_US)
            return true;
    return false;
}

enum ward_code movements_sweep(struct ward_db *db, struct ward_arena *mem,
                               const struct identity_config *cfg, struct ward_err *err)
{
    /* Door events are deleted by the time when they were received, because repeated reports
     * must be recognised for that long. */
    static const char *const SQL[] = {
        "DELETE FROM door_event WHERE received_us < ? LIMIT 1000",
        "DELETE FROM presence WHERE since_us < ? LIMIT 1000",
        "DELETE FROM door_pack WHERE expires_at_us < ? LIMIT 1000",
    };
    struct ward_val before;

    if (cfg->movements_days == 0)
        return WARD_OK;
    before = ward_int(mem, ward_wall_us() - cfg->movements_days * DAY_US);
    for (size_t i = 0; i < WARD_COUNT(SQL); i++) {
        struct ward_rows out = {.affected = 1000};

        for (int k = 0; k < SWEEPS && out.affected == 1000; k++)
            WARD_TRY(ward_db_run(db, mem, SQL[i], WARD_PARAMS(before), &out, err));
    }
    return WARD_OK;
}
