/* --outbox list|release: shows events that audit refused, and releases them. --outbox accept:
 * accepts a restored database. The task runs instead of the service, with the service's options
 * for its database. */
#include "common/app/app_core.h"
#include "common/base/text.h"

#include <inttypes.h>
#include <stdio.h>

#define PAGE_ARENA ((size_t)4 << 20)

/* The columns are ids, times, a code and a number, so JSON needs no escaping. */
static void print(const struct ward_app *app, const struct ward_val *row, bool first)
{
    const char *to = app->outbox.json ? "%s{\"id\":%s,\"event_id\":\"%s\",\"made_at\":\"%sZ\","
                                        "\"held_at\":\"%sZ\",\"code\":\"%s\",\"bytes\":%s}"
                                      : "%s%s  event %s  made %sZ  held %sZ  %s  %s bytes\n";

    printf(to, app->outbox.json && !first ? "," : "", row[WARD_HELD_ID].p,
           row[WARD_HELD_EVENT].p, row[WARD_HELD_MADE].p, row[WARD_HELD_SINCE].p,
           row[WARD_HELD_CODE].p, row[WARD_HELD_BYTES].p);
}

static enum ward_code list_all(struct ward_app *app, struct ward_db *db, struct ward_arena *mem,
                               struct ward_err *err)
{
    int64_t n = 0, after = 0;
    struct ward_rows rows;

    do {
        ward_arena_reset(mem);
        WARD_TRY(ward_outbox_held(db, mem, after, &rows, err));
        for (size_t i = 0; i < rows.n; i++, n++) {
            print(app, rows.at[i], n == 0);
            if (!ward_i64(rows.at[i][WARD_HELD_ID].p, 1, INT64_MAX, &after))
                return WARD_FAIL(err, DATA_LOSS, "the outbox table is invalid");
        }
    } while (rows.n > 0);
    if (n == 0 && !app->outbox.json)
        printf("no audit events are held\n");
    return WARD_OK;
}

static enum ward_code list(struct ward_app *app, struct ward_db *db, struct ward_err *err)
{
    struct ward_arena mem;
    enum ward_code code;

    if (app->outbox.json)
        printf("{\"held\":[");
    ward_arena_init(&mem, PAGE_ARENA);
    code = list_all(app, db, &mem, err);
    ward_arena_done(&mem);
    if (app->outbox.json)
        printf("]}\n");
    return code;
}

static enum ward_code release(struct ward_app *app, struct ward_db *db, struct ward_err *err)
{
    int64_t n;

    WARD_TRY(ward_outbox_release(db, app->outbox.id, &n, err));
    if (n == 0 && app->outbox.id != 0)
        return WARD_FAIL(err, NOT_FOUND, "no held event has this id");
    printf(app->outbox.json ? "{\"released\":%" PRId64 "}\n" : "released %" PRId64 "\n", n);
    return WARD_OK;
}

static enum ward_code accept_age(const struct ward_app *app, struct ward_db *db,
                                 struct ward_err *err)
{
    WARD_TRY(ward_outbox_accept(db, app->outbox.id, err));
    printf("accepted: the events of this database continue after %" PRId64 "\n",
           app->outbox.id);
    return WARD_OK;
}

enum ward_code ward_outbox_task(struct ward_app *app, struct ward_err *err)
{
    struct ward_db *db;
    enum ward_code code;

    WARD_TRY(ward_database_sealed(app, err));
    WARD_TRY(ward_db_open(&app->cfg.db, &db, err));
    if (app->outbox.what == WARD_OUTBOX_ACCEPT)
        code = accept_age(app, db, err);
    else
        code =
            app->outbox.what == WARD_OUTBOX_LIST ? list(app, db, err) : release(app, db, err);
    ward_db_close(db);
    return code;
}
