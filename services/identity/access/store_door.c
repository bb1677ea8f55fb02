/* SQL of doors, presence and decisions. */
#include "services/identity/access/access.h"

#include <string.h>

static enum ward_code need_zone(struct ward_db *db, struct ward_arena *mem, const char *zone,
                                struct ward_err *err)
{
    static const char SQL[] = "SELECT 1 FROM zone WHERE zone = ?";
    struct ward_rows rows;

    WARD_TRY(ward_db_run(db, mem, SQL, WARD_PARAMS(ward_text(zone)), &rows, err));
    if (rows.n == 0)
        return WARD_FAIL_REASON(err, NOT_FOUND, "ZONE_NOT_FOUND", "no such zone");
    return WARD_OK;
}

enum ward_code door_put(struct ward_db *db, struct ward_arena *mem, const struct door *d,
                        struct ward_err *err)
{
    static const char SQL[] =
        "INSERT INTO door (door, from_zone, to_zone) VALUES (?, ?, ?)"
        " ON DUPLICATE KEY UPDATE from_zone = VALUES(from_zone), to_zone = VALUES(to_zone)";

    WARD_TRY(need_zone(db, mem, d->to_zone, err));
    if (d->from_zone != NULL)
        WARD_TRY(need_zone(db, mem, d->from_zone, err));
    return ward_db_run(
        db, NULL, SQL,
        WARD_PARAMS(ward_text(d->door), ward_text(d->from_zone), ward_text(d->to_zone)), NULL,
        err);
}

enum ward_code door_find(struct ward_db *db, struct ward_arena *mem, const char *door,
                         struct door *out, struct ward_err *err)
{
    static const char SQL[] = "SELECT door, from_zone, to_zone FROM door WHERE door = ?";
    struct ward_rows rows;

    WARD_TRY(ward_db_run(db, mem, SQL, WARD_PARAMS(ward_text(door)), &rows, err));
    if (rows.n == 0)
        return WARD_FAIL_REASON(err, NOT_FOUND, "DOOR_NOT_FOUND", "no such door");
    *out = (struct door){rows.at[0][0].p, rows.at[0][1].p, rows.at[0][2].p};
    return WARD_OK;
}

enum ward_code doors_list(struct ward_db *db, struct ward_arena *mem, struct door **out,
                          size_t *n, struct ward_err *err)
{
    static const char SQL[] = "SELECT door, from_zone, to_zone FROM door ORDER BY door";
    struct ward_rows rows;
    struct door *list;

    WARD_TRY(ward_db_run(db, mem, SQL, WARD_NO_PARAMS, &rows, err));
    list = ward_alloc(mem, rows.n * sizeof(*list));
    if (list == NULL)
        return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory for the doors");
    for (size_t i = 0; i < rows.n; i++)
        list[i] = (struct door){rows.at[i][0].p, rows.at[i][1].p, rows.at[i][2].p};
    *out = list;
    *n = rows.n;
    return WARD_OK;
}

enum ward_code seen_of(struct ward_db *db, struct ward_arena *mem,
                       const uint8_t id[IDENTITY_ID], const char *zone, struct seen *out,
                       struct ward_err *err)
{
    static const char SQL[] = "SELECT inside, since_us FROM presence"
                              " WHERE subject_id = ? AND zone = ? FOR UPDATE";
    struct seen s = {.known = true};
    struct ward_rows rows;
    int64_t inside;

    *out = (struct seen){0};
    if (zone == NULL)
        return WARD_OK;
    WARD_TRY(ward_db_run(db, mem, SQL, WARD_PARAMS(id_val(id), ward_text(zone)), &rows, err));
    if (rows.n == 0)
        return WARD_OK;
    if (!ward_i64(rows.at[0][0].p, 0, 1, &inside) ||
        !ward_i64(rows.at[0][1].p, 0, INT64_MAX, &s.since_us))
        return WARD_FAIL(err, DATA_LOSS, "a stored passage is invalid");
    s.inside = inside == 1;
    *out = s;
    return WARD_OK;
}

enum ward_code seen_put(struct ward_db *db, struct ward_arena *mem,
                        const uint8_t id[IDENTITY_ID], const char *zone, bool inside,
                        int64_t at_us, struct ward_err *err)
{
    /* since_us is assigned last: the assignment of `inside` compares with its old value. */
    static const char SQL[] =
        "INSERT INTO presence (subject_id, zone, inside, since_us)"
        " SELECT subject_id, ?, ?, ? FROM subject"
        "  WHERE subject_id = ? AND kind = 2 AND erased_at_us IS NULL"
        " ON DUPLICATE KEY UPDATE"
        "   inside = IF(VALUES(since_us) > presence.since_us, VALUES(inside), presence.inside),"
        "   since_us = GREATEST(VALUES(since_us), presence.since_us)";

    if (zone == NULL)
        return WARD_OK;
    return ward_db_run(
        db, NULL, SQL,
        WARD_PARAMS(ward_text(zone), ward_int(mem, inside), ward_int(mem, at_us), id_val(id)),
        NULL, err);
}

enum ward_code door_event_put(struct ward_db *db, struct ward_arena *mem,
                              const struct door_event *e, bool *kept, struct ward_err *err)
{
    static const char SQL[] = "INSERT INTO door_event (event_id, door, direction, subject_id,"
                              "  allowed, reason, at_us, offline, received_us)"
                              " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"
                              " ON DUPLICATE KEY UPDATE event_id = VALUES(event_id)";
    struct ward_rows rows;

    WARD_TRY(ward_db_run(
        db, mem, SQL,
        WARD_PARAMS(id_val(e->event_id), ward_text(e->door), ward_int(mem, e->direction),
                    e->subject_id == NULL ? ward_text(NULL) : id_val(e->subject_id),
                    ward_int(mem, e->allowed), ward_text(e->reason), ward_int(mem, e->at_us),
                    ward_int(mem, e->offline), ward_int(mem, e->received_us)),
        &rows, err));
    *kept = rows.affected == 1; /* 0 affected rows: the event exists already */
    return WARD_OK;
}
