/* The progress of an outbox, which distinguishes a restored database from the original. The
 * server stores the next id of a table durably, so an older copy of the database has a smaller
 * next id. Older programs, which do not report the progress, also increase the next id. */
#include "common/db/outbox.h"

#include "common/base/text.h"
#include "common/db/db_internal.h"

#include <string.h>

static enum ward_code read_next(struct ward_db *db, struct ward_arena *mem, int64_t *next,
                                struct ward_err *err)
{
    static const char SQL[] = "SELECT AUTO_INCREMENT FROM information_schema.TABLES"
                              " WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME = 'ward_outbox'";
    struct ward_rows rows;

    WARD_TRY(ward_db_run(db, mem, SQL, WARD_NO_PARAMS, &rows, err));
    if (rows.n != 1 || rows.at[0][0].p == NULL ||
        !ward_i64(rows.at[0][0].p, 0, INT64_MAX, next))
        return WARD_FAIL(err, DATA_LOSS, "the outbox has no next id");
    return WARD_OK;
}

enum ward_code ward_outbox_age(struct ward_db *db, int64_t *sent, int64_t *next,
                               struct ward_err *err)
{
    struct ward_arena mem;
    enum ward_code code;

    *sent = db->outbox_sent;
    ward_arena_init(&mem, (size_t)64 << 10);
    code = read_next(db, &mem, next, err);
    ward_arena_done(&mem);
    return code;
}

static enum ward_code move_on(struct ward_db *db, void *arg, struct ward_err *err)
{
    static const char PUT[] = "INSERT INTO ward_outbox (id, event_id, event)"
                              " VALUES (?, REPEAT('\\0', 16), '')";
    static const char GONE[] = "DELETE FROM ward_outbox WHERE id = ?";
    struct ward_arena mem;
    enum ward_code code;
    struct ward_val id;

    ward_arena_init(&mem, (size_t)64 << 10);
    id = ward_int(&mem, *(const int64_t *)arg);
    code = ward_db_run(db, NULL, PUT, WARD_PARAMS(id), NULL, err);
    if (code == WARD_OK)
        code = ward_db_run(db, NULL, GONE, WARD_PARAMS(id), NULL, err);
    ward_arena_done(&mem);
    return code;
}

enum ward_code ward_outbox_accept(struct ward_db *db, int64_t row, struct ward_err *err)
{
    int64_t sent, next;

    WARD_TRY(ward_outbox_age(db, &sent, &next, err));
    if (next > row)
        return WARD_FAIL(err, FAILED_PRECONDITION,
                         "the newest row of this database already has a higher number");
    return ward_db_tx(db, move_on, &row, err);
}
