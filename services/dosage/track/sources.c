#include "services/dosage/store/owner.h"
#include "services/dosage/track/workaround.h"

#include <string.h>

#define KIND(name) WARD__DOSAGE__V1__WORKAROUND_KIND__WORKAROUND_KIND_##name
#define DAY_US     (24 * 3600 * PATTERN_S)
#define WEEK_US    (7 * DAY_US)

/* Doses that were charted one by one: neither emergency doses nor reconciled doses. */
#define CHARTED                                                                                \
    " FROM administration a LEFT JOIN offline_entry e"                                         \
    " ON e.administration_id = a.administration_id"                                            \
    " WHERE a.recorded_at_us > ? AND a.recorded_at_us <= ? AND a.emergency = 0"                \
    " AND e.entry_id IS NULL"

static enum ward_code no_memory(struct ward_err *err)
{
    return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory to look for workarounds");
}

static void take_id(uint8_t id[DOSAGE_ID], struct ward_val v)
{
    memcpy(id, v.p, DOSAGE_ID);
}

enum ward_code charted_in(struct ward_db *db, struct ward_arena *mem, int64_t from_us,
                          int64_t to_us, struct charted **out, size_t *n, struct ward_err *err)
{
    static const char SQL[] =
        "SELECT a.recorded_at_us, a.administration_id, a.patient_id, a.recorded_by,"
        " a.second_person, a.ward, a.place" CHARTED
        " ORDER BY a.recorded_at_us, a.administration_id";
    struct charted *all;
    struct ward_rows rows;

    WARD_TRY(ward_db_run(
        db, mem, SQL, WARD_PARAMS(ward_int(mem, from_us), ward_int(mem, to_us)), &rows, err));
    all = ward_alloc(mem, rows.n * sizeof(*all));
    if (all == NULL)
        return no_memory(err);
    for (size_t i = 0; i < rows.n; i++) {
        const struct ward_val *row = rows.at[i];

        all[i] = (struct charted){.at_us = row_number(row[0]),
                                  .actor = row[3].p,
                                  .second = row[4].p,
                                  .ward = row[5].p,
                                  .place = row[6].p};
        take_id(all[i].id, row[1]);
        take_id(all[i].patient, row[2]);
    }
    *out = all;
    *n = rows.n;
    return WARD_OK;
}

enum ward_code misuse_in(struct ward_db *db, struct ward_arena *mem, int64_t from_us,
                         int64_t to_us, struct charted **out, size_t *n, struct ward_err *err)
{
    static const char SQL[] = "SELECT at_us, event_id, actor, ward, place FROM token_misuse"
                              " WHERE at_us > ? AND at_us <= ? ORDER BY at_us, event_id";
    struct charted *all;
    struct ward_rows rows;

    WARD_TRY(ward_db_run(
        db, mem, SQL, WARD_PARAMS(ward_int(mem, from_us), ward_int(mem, to_us)), &rows, err));
    all = ward_alloc(mem, rows.n * sizeof(*all));
    if (all == NULL)
        return no_memory(err);
    for (size_t i = 0; i < rows.n; i++) {
        all[i] = (struct charted){.at_us = row_number(rows.at[i][0]),
                                  .actor = rows.at[i][2].p,
                                  .second = "",
                                  .ward = rows.at[i][3].p,
                                  .place = rows.at[i][4].p};
        take_id(all[i].id, rows.at[i][1]);
    }
    *out = all;
    *n = rows.n;
    return WARD_OK;
}

/* ---- evidence by a query: id and time, newest first ---- */

enum ward_code pattern_rows(struct pattern *p, const struct ward_rows *rows,
                            struct ward_arena *mem, struct ward_err *err)
{
    uint8_t(*ids)[DOSAGE_ID] = ward_alloc(mem, (rows->n + 1) * DOSAGE_ID);

    if (ids == NULL)
        return no_memory(err);
    for (size_t i = 0; i < rows->n; i++) {
        int64_t at = row_number(rows->at[i][1]);

        take_id(ids[i], rows->at[i][0]);
        p->first_us = i == 0 || at < p->first_us ? at : p->first_us;
        p->last_us = at > p->last_us ? at : p->last_us;
    }
    p->evidence = (const uint8_t(*)[DOSAGE_ID])ids;
    p->n_evidence = rows->n;
    return WARD_OK;
}

/* ---- doses without a scan ---- */

#define GIVEN CHARTED " AND a.outcome IN (1, 2)"

static enum ward_code add_unscanned(struct ward_db *db, struct ward_arena *mem, int64_t to_us,
                                    const struct scanning *s, struct patterns *out,
                                    struct ward_err *err)
{
    static const char SQL[] = "SELECT a.administration_id, a.recorded_at_us" GIVEN
                              " AND a.recorded_by = ? AND a.scanned = 0"
                              " ORDER BY a.recorded_at_us DESC LIMIT 50";
    struct pattern p = {.kind = KIND(NOT_SCANNED),
                        .ward = s->ward,
                        .actor = s->actor,
                        .place = "",
                        .rule_id = "",
                        .count = s->unscanned,
                        .out_of = s->given,
                        .threshold = UNSCANNED_OF * UNSCANNED_PERCENT / 100 + 1};
    struct ward_rows rows;

    WARD_TRY(ward_db_run(db, mem, SQL,
                         WARD_PARAMS(ward_int(mem, to_us - UNSCANNED_WITHIN),
                                     ward_int(mem, to_us), ward_text(s->actor)),
                         &rows, err));
    WARD_TRY(pattern_rows(&p, &rows, mem, err));
    pattern_about(&p, p.last_us / DAY_US, NULL);
    return pattern_add(out, &p, mem, err);
}

enum ward_code find_unscanned(struct ward_db *db, struct ward_arena *mem, int64_t to_us,
                              struct patterns *out, struct ward_err *err)
{
    static const char SQL[] =
        "SELECT a.recorded_by, MIN(a.ward), COUNT(*), CAST(SUM(a.scanned = 0) AS INTEGER)" GIVEN
        " GROUP BY a.recorded_by HAVING SUM(a.scanned = 0) > 0";
    struct ward_rows rows;

    WARD_TRY(
        ward_db_run(db, mem, SQL,
                    WARD_PARAMS(ward_int(mem, to_us - UNSCANNED_WITHIN), ward_int(mem, to_us)),
                    &rows, err));
    for (size_t i = 0; i < rows.n; i++) {
        struct scanning s = {.actor = rows.at[i][0].p,
                             .ward = rows.at[i][1].p,
                             .given = (int)row_number(rows.at[i][2]),
                             .unscanned = (int)row_number(rows.at[i][3])};

        if (pattern_unscanned(&s))
            WARD_TRY(add_unscanned(db, mem, to_us, &s, out, err));
    }
    return WARD_OK;
}

/* ---- overridden findings ---- */

enum ward_code find_habits(struct ward_db *db, struct ward_arena *mem, int64_t to_us,
                           struct patterns *out, struct ward_err *err)
{
    /* Findings that can be overridden (WARN, HARD), of orders only (PLACE, CHANGE), because at
     * the bedside the question is not repeated. */
    static const char SQL[] =
        "SELECT rule_id, COUNT(*), CAST(SUM(overridden) AS INTEGER),"
        " MIN(IF(overridden, at_us, NULL)), MAX(IF(overridden, at_us, NULL)) FROM finding"
        " WHERE at_us > ? AND at_us <= ? AND severity IN (2, 3) AND purpose IN (2, 3)"
        " GROUP BY rule_id HAVING SUM(overridden) > 0";
    struct ward_rows rows;

    WARD_TRY(ward_db_run(db, mem, SQL,
                         WARD_PARAMS(ward_int(mem, to_us - HABIT_WITHIN), ward_int(mem, to_us)),
                         &rows, err));
    for (size_t i = 0; i < rows.n; i++) {
        const struct ward_val *row = rows.at[i];
        struct habit h = {.rule_id = row[0].p,
                          .fired = (int)row_number(row[1]),
                          .overridden = (int)row_number(row[2])};
        struct pattern p = {.kind = KIND(OVERRIDE_HABIT),
                            .ward = "",
                            .actor = "",
                            .place = "",
                            .rule_id = h.rule_id,
                            .count = h.overridden,
                            .out_of = h.fired,
                            .threshold = HABIT_OF * HABIT_PERCENT / 100,
                            .first_us = row_number(row[3]),
                            .last_us = row_number(row[4])};

        pattern_about(&p, p.last_us / WEEK_US, NULL);
        if (pattern_habit(&h))
            WARD_TRY(pattern_add(out, &p, mem, err));
    }
    return WARD_OK;
}

/* ---- late acknowledgements ---- */

enum ward_code find_late(struct ward_db *db, struct ward_arena *mem, int64_t to_us,
                         struct patterns *out, struct ward_err *err)
{
    static const char SQL[] =
        "SELECT administration_id, recorded_by, ward, place, recorded_at_us, acknowledge_by_us"
        " FROM administration WHERE acknowledge_by_us <= ? ORDER BY acknowledge_by_us"
        " LIMIT 1000";
    struct ward_rows rows;

    WARD_TRY(ward_db_run(db, mem, SQL, WARD_PARAMS(ward_int(mem, to_us)), &rows, err));
    for (size_t i = 0; i < rows.n; i++) {
        const struct ward_val *row = rows.at[i];
        struct pattern p = {.kind = KIND(EMERGENCY_LATE),
                            .actor = row[1].p,
                            .ward = row[2].p,
                            .place = row[3].p,
                            .rule_id = "",
                            .count = 1,
                            .threshold = 1,
                            .first_us = row_number(row[4]),
                            .last_us = row_number(row[5]),
                            .evidence = (const uint8_t(*)[DOSAGE_ID])row[0].p,
                            .n_evidence = 1};

        pattern_about(&p, 0, (const uint8_t *)row[0].p);
        WARD_TRY(pattern_add(out, &p, mem, err));
    }
    return WARD_OK;
}

enum ward_code count_late(struct ward_db *db, struct ward_arena *mem, int64_t now_us,
                          int64_t *n, struct ward_err *err)
{
    static const char SQL[] =
        "SELECT COUNT(*) FROM administration WHERE acknowledge_by_us <= ?";
    struct ward_rows rows;

    WARD_TRY(ward_db_run(db, mem, SQL, WARD_PARAMS(ward_int(mem, now_us)), &rows, err));
    *n = rows.n == 0 ? 0 : row_number(rows.at[0][0]);
    return WARD_OK;
}
