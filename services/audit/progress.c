/* Stores how far the services' outboxes have progressed, which reveals a restored database. A
 * stored value only grows. After a restore, an operator raises the number in the service's
 * database, not the value here. */
#include "services/audit/intake.h"

#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/base/text.h"

#include <inttypes.h>
#include <string.h>

static enum ward_code read_row(struct ward_db *db, struct ward_arena *mem, const char *service,
                               int64_t *row, struct ward_err *err)
{
    static const char SQL[] = "SELECT outbox_row FROM progress WHERE service = ?";
    struct ward_rows rows;

    *row = 0;
    WARD_TRY(ward_db_run(db, mem, SQL, WARD_PARAMS(ward_text(service)), &rows, err));
    if (rows.n == 1 && !ward_i64(rows.at[0][0].p, 0, INT64_MAX, row))
        return WARD_FAIL(err, DATA_LOSS, "the progress of a service is not a number");
    return WARD_OK;
}

enum ward_code intake_mark(struct ward_db *db, struct ward_arena *mem, const char *peer,
                           const char *service, uint64_t sent, uint64_t last,
                           struct ward_err *err)
{
    static const char SQL[] =
        "INSERT INTO progress (service, outbox_row, at_us) VALUES (?, ?, ?)"
        " ON DUPLICATE KEY UPDATE"
        " at_us = IF(VALUES(outbox_row) > outbox_row, VALUES(at_us), at_us),"
        " outbox_row = GREATEST(outbox_row, VALUES(outbox_row))";
    int64_t known;

    if (*peer != '\0' && strcmp(peer, service) != 0)
        return WARD_FAIL(err, PERMISSION_DENIED, "a service may report only its own progress");
    if (sent > INT64_MAX || last > INT64_MAX)
        return WARD_FAIL(err, INVALID_ARGUMENT, "not a row of an outbox");
    WARD_TRY(read_row(db, mem, service, &known, err));
    if (last < (uint64_t)known) {
        WARD_LOG(ERROR, "a service's database is older than this log",
                 WARD_KV("service", service), WARD_KN("log_has", known),
                 WARD_KN("database_has", (int64_t)last));
        return WARD_FAIL_REASON(
            err, FAILED_PRECONDITION, "DATABASE_RESTORED",
            "this database is older than the audit log: it ends at row %" PRIu64
            ", the log has row %" PRId64,
            last, known);
    }
    if (sent <= (uint64_t)known)
        return WARD_OK;
    return ward_db_run(db, mem, SQL,
                       WARD_PARAMS(ward_text(service), ward_int(mem, (int64_t)sent),
                                   ward_int(mem, ward_wall_us())),
                       NULL, err);
}
