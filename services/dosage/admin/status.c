/* GetStatus: counts of rows. GetBurden: how often rules produce findings, and how people
 * respond. */
#include "services/dosage/api.h"

#include "common/base/clock.h"
#include "services/dosage/chart/chart.h"
#include "services/dosage/store/owner.h"
#include "ward/dosage/v1/admin.pb-c.h"

typedef Ward__Dosage__V1__GetStatusResponse Status;
typedef Ward__Dosage__V1__GetBurdenRequest BurdenRequest;
typedef Ward__Dosage__V1__GetBurdenResponse BurdenResponse;
typedef Ward__Dosage__V1__RuleBurden Burden;

#define DAYS_USUAL 30
#define DAYS_MOST  366
#define DAY_US     (INT64_C(86400) * 1000000)

enum ward_code get_status_rpc(struct ward_call *c, const ProtobufCMessage *q,
                              ProtobufCMessage *r)
{
    static const char SQL[] =
        "SELECT (SELECT COUNT(*) FROM drug_order),"
        " (SELECT COUNT(*) FROM drug_order WHERE state = ?),"
        " (SELECT COUNT(*) FROM administration), (SELECT COUNT(*) FROM decision),"
        " (SELECT version FROM rule_set_active WHERE one = 1), (SELECT MAX(kek) FROM kek),"
        " (SELECT COUNT(*) FROM owner_key WHERE kek < (SELECT MAX(kek) FROM kek)),"
        " (SELECT COUNT(*) FROM administration WHERE acknowledge_by_us IS NOT NULL)";
    struct worker *w = c->wrk;
    Status *s = (Status *)r;
    struct ward_rows rows;

    (void)q;
    ward_db_deadline(w->event_ctx.db, c->deadline_ns);
    WARD_TRY(ward_db_run(w->event_ctx.db, c->mem, SQL,
                         WARD_PARAMS(ward_int(c->mem, ORDER_ACTIVE)), &rows, c->err));
    s->orders = row_number(rows.at[0][0]);
    s->active_orders = row_number(rows.at[0][1]);
    s->administrations = row_number(rows.at[0][2]);
    s->decisions = row_number(rows.at[0][3]);
    s->rule_set_version = row_number(rows.at[0][4]);
    s->kek = (int32_t)row_number(rows.at[0][5]);
    s->keys_behind = row_number(rows.at[0][6]);
    s->unacknowledged = row_number(rows.at[0][7]);
    s->chart_feed_age_s = charts_feed_age_s(w->dos->charts);
    s->root_key = api_text(ward_keyring_root_id(w->dos->keys));
    return WARD_OK;
}

/* ---- GetBurden ---- */

static enum ward_code read_rules(struct ward_call *c, int64_t from_us, BurdenResponse *out)
{
    static const char SQL[] =
        "SELECT rule_id, COUNT(*), SUM(overridden) AS passed, SUM(followed) FROM finding"
        " WHERE at_us >= ? GROUP BY rule_id ORDER BY passed DESC, rule_id";
    struct worker *w = c->wrk;
    struct ward_rows rows;
    Burden *all;

    WARD_TRY(ward_db_run(w->event_ctx.db, c->mem, SQL, WARD_PARAMS(ward_int(c->mem, from_us)),
                         &rows, c->err));
    all = ward_alloc(c->mem, rows.n * sizeof(*all));
    out->rules = ward_alloc(c->mem, rows.n * sizeof(Burden *));
    if (all == NULL || out->rules == NULL)
        return WARD_FAIL(c->err, RESOURCE_EXHAUSTED, "no memory for the rules");
    for (size_t i = 0; i < rows.n; i++) {
        ward__dosage__v1__rule_burden__init(&all[i]);
        all[i].rule_id = api_text(rows.at[i][0].p);
        all[i].fired = row_number(rows.at[i][1]);
        all[i].overridden = row_number(rows.at[i][2]);
        all[i].followed = row_number(rows.at[i][3]);
        out->rules[i] = &all[i];
    }
    out->n_rules = rows.n;
    return WARD_OK;
}

/* Decision ids are UUIDv7 and begin with 48 bits of milliseconds. A time span is therefore a
 * range of the primary key. */
static enum ward_code count_decisions(struct ward_call *c, int64_t from_us, BurdenResponse *out)
{
    static const char SQL[] = "SELECT COUNT(*) FROM decision WHERE decision_id >= ?";
    uint8_t first[DOSAGE_ID] = {0};
    struct worker *w = c->wrk;
    struct ward_rows rows;

    for (int i = 0; i < 6; i++)
        first[i] = (uint8_t)((uint64_t)(from_us / 1000) >> (40 - 8 * i));
    WARD_TRY(
        ward_db_run(w->event_ctx.db, c->mem, SQL, WARD_PARAMS(id_val(first)), &rows, c->err));
    out->decisions = row_number(rows.at[0][0]);
    return WARD_OK;
}

/* Findings are counted by hour, so that no count identifies a decision. The span therefore
 * begins at a full hour. */
enum ward_code get_burden_rpc(struct ward_call *c, const ProtobufCMessage *q,
                              ProtobufCMessage *r)
{
    const BurdenRequest *req = (const BurdenRequest *)q;
    struct worker *w = c->wrk;
    int64_t from_us;

    if (req->days < 0 || req->days > DAYS_MOST)
        return WARD_FAIL_FIELD(c->err, "days", "must be 1 to %d, or 0 for %d", DAYS_MOST,
                               DAYS_USUAL);
    ward_db_deadline(w->event_ctx.db, c->deadline_ns);
    from_us = ward_wall_us() - (req->days == 0 ? DAYS_USUAL : req->days) * DAY_US;
    from_us -= from_us % (DAY_US / 24);
    WARD_TRY(read_rules(c, from_us, (BurdenResponse *)r));
    return count_decisions(c, from_us, (BurdenResponse *)r);
}
