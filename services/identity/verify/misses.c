#include "services/identity/verify/misses.h"

#include "common/base/clock.h"
#include "common/base/text.h"

#define HOUR_US (INT64_C(3600) * 1000000)

static struct ward_family limited = {
    .name = "ward_identity_face_limited_total",
    .help = "Number of comparisons refused because a caller had too many comparisons without a "
            "match within an hour. The caller may be guessing.",
    .type = WARD_COUNTER,
    .label = {"way"},
};
WARD_METRIC_LISTED(limited)

static const char *const WAYS[] = {"verify", "search"};
WARD_METRIC_FROM_ZERO(limited, WARD_COUNT(WAYS), WAYS[i], NULL)

static enum ward_code too_many(int64_t first_us, int64_t now_us, bool search,
                               struct ward_err *err)
{
    enum ward_code code =
        WARD_FAIL_REASON(err, RESOURCE_EXHAUSTED, "TOO_MANY_FACE_MISSES",
                         "too many comparisons by this person found no match within an hour: "
                         "identify the subject by wristband and a second identifier");

    err->retry_after_ms = (int)((first_us + HOUR_US - now_us) / 1000) + 1;
    ward_metric_add(ward_series_of(&limited, WAYS[search], NULL, NULL), 1);
    return code;
}

enum ward_code misses_take(struct ward_call *c, struct ward_db *db, const uint8_t *subject,
                           bool missed, struct ward_err *err)
{
    static const char COUNT[] = "SELECT COUNT(*), COALESCE(MIN(at_us), 0) FROM face_miss"
                                " WHERE subject_id = ? AND actor = ? AND at_us > ?";
    static const char ADD[] =
        "INSERT INTO face_miss (subject_id, actor, at_us) VALUES (?, ?, ?)";
    static const uint8_t anybody[IDENTITY_ID] = {0};
    const struct identity_config *cfg = &((struct worker *)c->wrk)->id->cfg;
    int64_t most = subject == NULL ? cfg->search_misses : cfg->face_misses, n, first;
    int64_t now_us = ward_wall_us();
    struct ward_val whom = ward_blob(subject == NULL ? anybody : subject, IDENTITY_ID);
    struct ward_val who = ward_text(c->who->subject);
    struct ward_rows rows;

    WARD_TRY(ward_db_run(db, c->mem, COUNT,
                         WARD_PARAMS(whom, who, ward_int(c->mem, now_us - HOUR_US)), &rows,
                         err));
    if (rows.n != 1 || !ward_i64(rows.at[0][0].p, 0, INT64_MAX, &n) ||
        !ward_i64(rows.at[0][1].p, 0, INT64_MAX, &first))
        return WARD_FAIL(err, DATA_LOSS, "a stored count is invalid");
    if (n >= most)
        return too_many(first, now_us, subject == NULL, err);
    if (!missed)
        return WARD_OK;
    return ward_db_run(db, NULL, ADD, WARD_PARAMS(whom, who, ward_int(c->mem, now_us)), NULL,
                       err);
}
