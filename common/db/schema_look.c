/* Compares a database's schema with a program's, and changes nothing. */
#include "common/db/db.h"

#include "common/base/text.h"

#define LOOK_ARENA ((size_t)64 << 10)

static enum ward_code compare(struct ward_db *db, struct ward_arena *mem,
                              const struct ward_schema *s, struct ward_err *err)
{
    static const char SQL[] =
        "SELECT COALESCE(MAX(IF(applied_at IS NULL, 0, number)), 0),"
        "       COALESCE(MAX(IF(number > ?, COALESCE(min_program, number), 0)), 0)"
        "  FROM ward_schema WHERE set_name = ?";
    int64_t ours = s->n == 0 ? 0 : s->at[s->n - 1].number, has, needed;
    struct ward_rows rows;

    WARD_TRY(ward_db_run(db, mem, SQL, WARD_PARAMS(ward_int(mem, ours), ward_text(s->set)),
                         &rows, err));
    if (rows.n != 1 || !ward_i64(rows.at[0][0].p, 0, INT32_MAX, &has) ||
        !ward_i64(rows.at[0][1].p, 0, INT32_MAX, &needed))
        return WARD_FAIL(err, DATA_LOSS, "ward_schema is invalid");
    if (needed > ours)
        return WARD_FAIL_REASON(err, FAILED_PRECONDITION, "SCHEMA_TOO_NEW",
                                "schema %s is at migration %lld, newer than this program",
                                s->set, (long long)has);
    if (has < ours)
        return WARD_FAIL(
            err, FAILED_PRECONDITION,
            "schema %s is at migration %lld, older than this program, which needs %lld", s->set,
            (long long)has, (long long)ours);
    return WARD_OK;
}

enum ward_code ward_db_schema_look(struct ward_db *db, const struct ward_schema *s,
                                   struct ward_err *err)
{
    struct ward_arena mem;
    enum ward_code code;

    ward_arena_init(&mem, LOOK_ARENA);
    code = compare(db, &mem, s, err);
    ward_arena_done(&mem);
    return code;
}
