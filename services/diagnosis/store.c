#include "services/diagnosis/store.h"

#include "common/base/text.h"

enum ward_code store_count(struct ward_db *db, struct ward_arena *mem, const char *model,
                           const char *version, enum tally what, struct ward_err *err)
{
    static const char SQL[] =
        "INSERT INTO tally (model, version, answered, abstained, confirmed, amended, rejected)"
        " VALUES (?, ?, ?, ?, ?, ?, ?) ON DUPLICATE KEY UPDATE"
        " answered = answered + VALUES(answered), abstained = abstained + VALUES(abstained),"
        " confirmed = confirmed + VALUES(confirmed), amended = amended + VALUES(amended),"
        " rejected = rejected + VALUES(rejected)";
    struct ward_val one[TALLIES];

    for (int i = 0; i < TALLIES; i++)
        one[i] = ward_int(mem, i == (int)what);
    return ward_db_run(db, mem, SQL,
                       WARD_PARAMS(ward_text(model), ward_text(version), one[0], one[1], one[2],
                                   one[3], one[4]),
                       NULL, err);
}

enum ward_code store_counts(struct ward_db *db, struct ward_arena *mem, const char *model,
                            const char *version, int64_t out[TALLIES], struct ward_err *err)
{
    static const char SQL[] = "SELECT answered, abstained, confirmed, amended, rejected"
                              " FROM tally WHERE model = ? AND version = ?";
    struct ward_rows rows;

    for (int i = 0; i < TALLIES; i++)
        out[i] = 0;
    WARD_TRY(ward_db_run(db, mem, SQL, WARD_PARAMS(ward_text(model), ward_text(version)), &rows,
                         err));
    for (size_t i = 0; rows.n > 0 && i < TALLIES; i++)
        if (!ward_i64(rows.at[0][i].p, 0, INT64_MAX, &out[i]))
            return WARD_FAIL(err, INTERNAL, "a stored count is not a number");
    return WARD_OK;
}
