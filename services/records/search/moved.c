/* Finds resources that were written again since the first page, and their former places. In the
 * order of dates, a resource moves only if its date changed; the table `moved` has the former
 * date. In the order of writing, every rewritten resource moves; the former version has the
 * former place. */
#include "services/records/search/plan.h"

#define UPDATED WARD__RECORDS__V1__ORDER__ORDER_UPDATED_DESC
#define ASC     WARD__RECORDS__V1__ORDER__ORDER_DATE_ASC

#define COLUMNS    "SELECT r.patient_id, r.resource_id, r.version, "
#define OF_PATIENT " STRAIGHT_JOIN patient p ON p.patient_id = r.patient_id"

/* The first move since the first page has the former place. */
static void by_date(const struct plan *p, const struct cursor *from, struct sql *q)
{
    sql_put(q, COLUMNS "m.from_us AS at FROM moved m FORCE INDEX (moved_since)"
                       " STRAIGHT_JOIN resource r FORCE INDEX (resource_by_id)"
                       " ON r.resource_id = m.resource_id" OF_PATIENT);
    sql_put_int(q, " WHERE m.kind = ?", p->s->kind);
    sql_put_int(q, " AND r.kind = ?", p->s->kind);
    sql_put_int(q, " AND m.until_us > ?", from->asked_us);
    sql_put_int(q,
                " AND (SELECT 1 FROM moved e WHERE e.resource_id = m.resource_id"
                " AND e.until_us > ? AND e.until_us < m.until_us LIMIT 1) IS NULL",
                from->asked_us);
}

/* The newest version at the time of the first page has the former time of writing. */
static void by_writing(const struct plan *p, const struct cursor *from, struct sql *q)
{
    sql_put_int(q,
                COLUMNS "(SELECT MAX(v.written_at_us) FROM version v"
                        " WHERE v.patient_id = r.patient_id AND v.resource_id = r.resource_id"
                        " AND v.written_at_us <= ?) AS at FROM resource r"
                        " FORCE INDEX (resource_written)" OF_PATIENT,
                from->asked_us);
    sql_put_int(q, " WHERE r.kind = ?", p->s->kind);
    sql_put_int(q, " AND r.version > 1 AND r.written_at_us > ?", from->asked_us);
}

enum ward_code plan_moved(const struct plan *p, struct worker *w, struct ward_arena *mem,
                          const struct cursor *from, int most, struct ward_rows *out,
                          struct ward_err *err)
{
    struct plan all = *p; /* a plan without a starting point */
    bool up = p->s->order == ASC;
    struct sql q;

    all.by = all.done = NULL;
    all.via = NULL;
    WARD_TRY(sql_begin(&q, mem, err));
    if (p->s->order == UPDATED)
        by_writing(p, from, &q);
    else
        by_date(p, from, &q);
    plan_which(&all, &q);
    sql_put_int(&q, up ? " HAVING at > ?" : " HAVING at < ?", from->at_us);
    sql_put_int(&q, " OR (at = ? AND ", from->at_us);
    sql_put_blob(&q, up ? "r.resource_id > ?)" : "r.resource_id < ?)", from->id, RECORDS_ID);
    sql_put(&q, up ? " ORDER BY at, r.resource_id" : " ORDER BY at DESC, r.resource_id DESC");
    sql_put_int(&q, " LIMIT ?", most);
    return sql_run(&q, w->event_ctx.db, out, err);
}

enum ward_code plan_forget(struct worker *w, struct ward_arena *mem, enum kind kind,
                           int64_t now_us, struct ward_err *err)
{
    static const char sql[] = "DELETE FROM moved WHERE kind = ? AND until_us < ? LIMIT 200";
    const int64_t slack_us = INT64_C(3600) * 1000000; /* other replicas' clocks may differ */

    return ward_db_run(
        w->event_ctx.db, mem, sql,
        WARD_PARAMS(ward_int(mem, kind), ward_int(mem, now_us - CURSOR_LIFE_US - slack_us)),
        NULL, err);
}
