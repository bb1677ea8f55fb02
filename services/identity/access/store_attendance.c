/* SQL of attendance. */
#include "services/identity/access/attendance.h"

#include <string.h>

enum ward_code attendance_add(struct ward_db *db, struct ward_arena *mem,
                              const struct attended *a, struct ward_err *err)
{
    static const char SQL[] = "INSERT INTO attendance (attendance_id, subject_id, direction,"
                              "  at_us, place, recorded_us, corrected_by, why, strikes)"
                              " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)";

    return ward_db_run(db, NULL, SQL,
                       WARD_PARAMS(id_val(a->id), id_val(a->subject_id),
                                   ward_int(mem, a->direction), ward_int(mem, a->at_us),
                                   ward_text(a->place), ward_int(mem, a->recorded_us),
                                   ward_text(a->corrected_by), ward_text(a->why),
                                   a->strikes == NULL ? ward_text(NULL) : id_val(a->strikes)),
                       NULL, err);
}

static enum ward_code read_row(const struct ward_val *row, struct attended *out,
                               struct ward_err *err)
{
    struct attended a = {.place = row_text(row[4])};
    int64_t direction;

    if (row[0].n != IDENTITY_ID || row[1].n != IDENTITY_ID ||
        !ward_i64(row[2].p, REPORT_IN, REPORT_OUT, &direction) || !row_number(row[3], &a.at_us))
        return WARD_FAIL(err, DATA_LOSS, "the row of an attendance event is invalid");
    memcpy(a.id, row[0].p, IDENTITY_ID);
    memcpy(a.subject_id, row[1].p, IDENTITY_ID);
    a.direction = (int)direction;
    *out = a;
    return WARD_OK;
}

enum ward_code attendance_last(struct ward_db *db, struct ward_arena *mem,
                               const uint8_t subject[IDENTITY_ID], struct attended *out,
                               bool *found, struct ward_err *err)
{
    static const char SQL[] =
        "SELECT a.attendance_id, a.subject_id, a.direction, a.at_us, a.place FROM attendance a"
        " LEFT JOIN attendance s ON s.strikes = a.attendance_id"
        " WHERE a.subject_id = ? AND a.strikes IS NULL AND s.attendance_id IS NULL"
        " ORDER BY a.at_us DESC, a.attendance_id DESC LIMIT 1";
    struct ward_rows rows;

    WARD_TRY(ward_db_run(db, mem, SQL, WARD_PARAMS(id_val(subject)), &rows, err));
    *found = rows.n > 0;
    return rows.n == 0 ? WARD_OK : read_row(rows.at[0], out, err);
}

enum ward_code attendance_find(struct ward_db *db, struct ward_arena *mem,
                               const uint8_t id[IDENTITY_ID], struct attended *out,
                               struct ward_err *err)
{
    static const char SQL[] = "SELECT attendance_id, subject_id, direction, at_us, place"
                              "  FROM attendance WHERE attendance_id = ? AND strikes IS NULL";
    struct ward_rows rows;

    WARD_TRY(ward_db_run(db, mem, SQL, WARD_PARAMS(id_val(id)), &rows, err));
    if (rows.n == 0)
        return WARD_FAIL_REASON(err, NOT_FOUND, "ATTENDANCE_NOT_FOUND",
                                "no such attendance event");
    return read_row(rows.at[0], out, err);
}

enum ward_code attendees_after(struct ward_db *db, struct ward_arena *mem,
                               const uint8_t after[IDENTITY_ID], int most,
                               struct attendee **out, size_t *n, struct ward_err *err)
{
    static const char SQL[] =
        "SELECT s.subject_id, s.external_ref FROM subject s JOIN"
        " (SELECT DISTINCT subject_id FROM attendance WHERE subject_id > ?"
        "   ORDER BY subject_id LIMIT ?) who ON who.subject_id = s.subject_id"
        " ORDER BY s.subject_id";
    struct attendee *list;
    struct ward_rows rows;

    WARD_TRY(
        ward_db_run(db, mem, SQL, WARD_PARAMS(id_val(after), ward_int(mem, most)), &rows, err));
    list = ward_alloc(mem, rows.n * sizeof(*list));
    if (list == NULL)
        return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory for the report");
    for (size_t i = 0; i < rows.n; i++) {
        memcpy(list[i].id, rows.at[i][0].p, IDENTITY_ID);
        list[i].external_ref = row_text(rows.at[i][1]);
    }
    *out = list;
    *n = rows.n;
    return WARD_OK;
}

static enum ward_code read_coming(const struct ward_val *row, struct coming *out,
                                  struct ward_err *err)
{
    int64_t direction, corrected, strikes, struck;

    if (!ward_i64(row[1].p, REPORT_IN, REPORT_OUT, &direction) ||
        !row_number(row[2], &out->at_us) || !ward_i64(row[3].p, 0, 1, &corrected) ||
        !ward_i64(row[4].p, 0, 1, &strikes) || !ward_i64(row[5].p, 0, 1, &struck))
        return WARD_FAIL(err, DATA_LOSS, "the row of an attendance event is invalid");
    out->direction = (int)direction;
    out->stands = strikes == 0 && struck == 0;
    out->correction = corrected == 1;
    return WARD_OK;
}

enum ward_code attendance_of(struct ward_db *db, struct ward_arena *mem,
                             const uint8_t subject[IDENTITY_ID], struct attendance_page *page,
                             int most, struct coming **out, size_t *n, struct ward_err *err)
{
    static const char SQL[] =
        "SELECT a.attendance_id, a.direction, a.at_us, a.corrected_by IS NOT NULL,"
        "       a.strikes IS NOT NULL, s.attendance_id IS NOT NULL"
        "  FROM attendance a LEFT JOIN attendance s ON s.strikes = a.attendance_id"
        " WHERE a.subject_id = ? AND a.at_us >= ? AND a.at_us < ?"
        "   AND (a.at_us > ? OR a.attendance_id > ?)"
        " ORDER BY a.at_us, a.attendance_id LIMIT ?";
    struct coming *list;
    struct ward_rows rows;

    WARD_TRY(
        ward_db_run(db, mem, SQL,
                    WARD_PARAMS(id_val(subject), ward_int(mem, page->from_us),
                                ward_int(mem, page->until_us), ward_int(mem, page->from_us),
                                id_val(page->after), ward_int(mem, most)),
                    &rows, err));
    list = ward_alloc(mem, rows.n * sizeof(*list));
    if (list == NULL)
        return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory for the report");
    for (size_t i = 0; i < rows.n; i++)
        WARD_TRY(read_coming(rows.at[i], &list[i], err));
    if (rows.n > 0) {
        page->from_us = list[rows.n - 1].at_us;
        memcpy(page->after, rows.at[rows.n - 1][0].p, IDENTITY_ID);
    }
    *out = list;
    *n = rows.n;
    return WARD_OK;
}
