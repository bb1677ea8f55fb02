/* Builds the query of the counted resources and their grouping values. */
#include "services/records/analytics/query_own.h"
#include "services/records/index/param.h"

#include <string.h>

#define YEAR_ONE   "-62135596800000000" /* an earlier date is invalid */
#define DAY        "86400000000"
#define MOMENT(us) "('1970-01-01 00:00:00.000000' + INTERVAL " us " MICROSECOND)"

static enum kind kind_of(const struct query *q)
{
    static const enum kind kinds[] = {KIND_NONE, KIND_CONDITION, KIND_ENCOUNTER,
                                      KIND_OBSERVATION, KIND_PATIENT};

    return kinds[q->of];
}

static bool has(const struct query *q, Ward__Records__V1__By by)
{
    return q->by[0] == by || (q->n_by == 2 && q->by[1] == by);
}

static bool has_time(const struct query *q)
{
    return has(q, BY(DAY)) || has(q, BY(WEEK)) || has(q, BY(MONTH)) || has(q, BY(YEAR));
}

static struct ward_val since_at(const void *arg, size_t i)
{
    const struct query *q = ((const void *const *)arg)[0];
    struct ward_arena *mem = ((struct ward_arena *const *)arg)[1];
    int64_t at = q->zone[i].since_us;

    return ward_int(mem, at == INT64_MIN ? INT64_MIN / 2 : at);
}

static struct ward_val offset_at(const void *arg, size_t i)
{
    const struct query *q = ((const void *const *)arg)[0];
    struct ward_arena *mem = ((struct ward_arena *const *)arg)[1];

    return ward_int(mem, q->zone[i].offset_us);
}

/* Adds the column `day`: days since 1970-01-01 in the query's time zone, or NULL for a resource
 * without a date. */
static void put_day(const struct query *q, struct sql *s)
{
    const void *arg[2] = {q, s->mem};

    sql_put(s, ", CASE WHEN r.from_us < " YEAR_ONE " THEN NULL ELSE FLOOR((r.from_us + ");
    if (q->n_zone == 1) {
        sql_put_int(s, "?", q->zone[0].offset_us);
    } else {
        sql_put(s, "CAST(ELT(INTERVAL(r.from_us");
        sql_more(s, since_at, arg, q->n_zone);
        sql_put(s, ")");
        sql_more(s, offset_at, arg, q->n_zone);
        sql_put(s, ") AS SIGNED)");
    }
    sql_put(s, ") / " DAY ") END AS day");
}

static void put_age(const struct query *q, struct sql *s)
{
    sql_put(s, ", CASE WHEN q.birth_us IS NULL OR q.birth_us < " YEAR_ONE);
    if (kind_of(q) == KIND_PATIENT) {
        sql_put_int(s, " OR q.birth_us > ? THEN NULL", q->now_us);
        sql_put_int(s,
                    " ELSE LEAST(9, TIMESTAMPDIFF(YEAR, " MOMENT("q.birth_us") ", " MOMENT(
                        "?") ") DIV 10) END AS age",
                    q->now_us);
        return;
    }
    sql_put(s, " OR r.from_us < q.birth_us THEN NULL"
               " ELSE LEAST(9, TIMESTAMPDIFF(YEAR, " MOMENT("q.birth_us") ", " MOMENT(
                   "r.from_us") ") DIV 10) END AS age");
}

static const char *encounter_of(const struct query *q)
{
    return kind_of(q) == KIND_ENCOUNTER ? "r.resource_id" : "r.encounter_id";
}

static void put_columns(const struct query *q, struct sql *s)
{
    sql_put(s, "SELECT p.root_id AS who, r.value AS val");
    if (has_time(q))
        put_day(q, s);
    if (has(q, BY(AGE)))
        put_age(q, s);
    if (has(q, BY(GENDER)))
        sql_put(s, ", q.gender AS gender");
    if (has(q, BY(CODE)))
        sql_put(s, ", k.hash AS hash, k.code AS code, k.system AS display");
    if (has(q, BY(WARD)))
        sql_put(s, ", e.ward AS ward");
}

static enum ward_code put_from(const struct query *q, struct ward_arena *mem, struct sql *s,
                               struct ward_err *err)
{
    static const char JOINED[] =
        " STRAIGHT_JOIN patient p ON p.patient_id = r.patient_id AND p.erased_at_us IS NULL"
        " STRAIGHT_JOIN patient q ON q.patient_id = p.root_id";
    const char *code =
        strchr(q->code, '|') == NULL ? ward_printf(mem, "|%s", q->code) : q->code;
    uint8_t *hash = ward_alloc(mem, TOKEN_HASH);

    if (code == NULL || hash == NULL)
        return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory for the query");
    if (*q->code == '\0') {
        sql_put(s, " FROM resource r FORCE INDEX (resource_of_kind)");
        sql_put(s, JOINED);
        return WARD_OK;
    }
    WARD_TRY(param_hash(NULL, PARAM_CODE, code, strlen(code), hash, err));
    sql_put(s, " FROM token f FORCE INDEX (token_everywhere) STRAIGHT_JOIN resource r"
               " FORCE INDEX (PRIMARY) ON r.patient_id = f.patient_id"
               " AND r.resource_id = f.resource_id");
    sql_put_int(s, " AND f.param = ?", PARAM_CODE);
    sql_put_blob(s, " AND f.hash = ?", hash, TOKEN_HASH);
    if (q->from_us != 0)
        sql_put_int(s, " AND f.at_us >= ?", q->from_us);
    if (q->to_us != 0)
        sql_put_int(s, " AND f.at_us < ?", q->to_us);
    sql_put(s, JOINED);
    return WARD_OK;
}

static void put_joins(const struct query *q, struct sql *s)
{
    if (has(q, BY(CODE)))
        sql_put_int(s,
                    " STRAIGHT_JOIN token c FORCE INDEX (token_of)"
                    " ON c.patient_id = r.patient_id AND c.resource_id = r.resource_id"
                    " AND c.param = ? STRAIGHT_JOIN coding k ON k.hash = c.hash",
                    PARAM_CODE);
    if (has(q, BY(WARD))) {
        sql_put(s, " LEFT JOIN encounter_ward e ON e.encounter_id = ");
        sql_put(s, encounter_of(q));
    }
}

static void put_where(const struct query *q, const char *unit, struct sql *s)
{
    sql_put_int(s, " WHERE r.kind = ? AND r.wrong = 0", kind_of(q));
    if (q->from_us != 0)
        sql_put_int(s, " AND r.from_us >= ?", q->from_us);
    if (q->to_us != 0)
        sql_put_int(s, " AND r.from_us < ? AND r.from_us >= " YEAR_ONE, q->to_us);
    if (*q->ward != '\0') {
        sql_put(s, " AND (SELECT 1 FROM encounter_ward ew WHERE ew.encounter_id = ");
        sql_put(s, encounter_of(q));
        sql_put(s, " AND ew.ward = ? LIMIT 1) IS NOT NULL");
        sql_bind(s, ward_text(q->ward));
    }
    if (unit != NULL) {
        sql_put(s, " AND r.unit = ?");
        sql_bind(s, ward_text(unit));
    } else if (q->measure == VALUES) {
        sql_put(s, " AND r.value IS NOT NULL AND r.unit IS NOT NULL");
    }
}

enum ward_code put_resources(const struct query *q, struct ward_arena *mem, const char *unit,
                             struct sql *s, struct ward_err *err)
{
    put_columns(q, s);
    WARD_TRY(put_from(q, mem, s, err));
    put_joins(q, s);
    put_where(q, unit, s);
    return WARD_OK;
}

enum ward_code query_unit(struct worker *w, struct ward_arena *mem, const struct query *q,
                          const char **out, struct ward_err *err)
{
    struct ward_rows rows;
    struct sql s;

    WARD_TRY(sql_begin(&s, mem, err));
    sql_put(&s, "SELECT r.unit, COUNT(*) AS n");
    WARD_TRY(put_from(q, mem, &s, err));
    put_where(q, NULL, &s);
    sql_put(&s, " GROUP BY r.unit ORDER BY n DESC, r.unit LIMIT 1");
    WARD_TRY(sql_run(&s, w->event_ctx.db, &rows, err));
    *out = rows.n == 0 ? NULL : rows.at[0][0].p;
    return WARD_OK;
}
