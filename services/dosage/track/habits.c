/* Habits: actions that one person repeats above a threshold within some days, counted by
 * queries. */
#include "common/base/crypto.h"
#include "services/dosage/store/owner.h"
#include "services/dosage/track/workaround.h"

#include <string.h>

#define KIND(name) WARD__DOSAGE__V1__WORKAROUND_KIND__WORKAROUND_KIND_##name
#define DAY_US     (24 * 3600 * PATTERN_S)

/* Both queries cover (from, to]. `groups` returns actor, ward, the other attribute of a habit,
 * the count, `own`, and the total (0: no total). Groups below the threshold are omitted.
 * `evidence` returns an id and a time for each action of one group, newest first. */
struct habit_of {
    Ward__Dosage__V1__WorkaroundKind kind;
    int threshold;
    int64_t within_us, period_us;
    const char *groups, *evidence;
};

#define TEXT_(n) #n
#define TEXT(n)  TEXT_(n)

/* ---- the queries ---- */

#define BROUGHT_IN                                                                             \
    " FROM offline_entry e JOIN administration a ON a.administration_id = e.administration_id" \
    " WHERE e.while_up = 1 AND a.counts = 1 AND e.at_us > ? AND e.at_us <= ?"
static const char BROUGHT_IN_BY[] =
    "SELECT a.recorded_by, a.ward, '', COUNT(*), 0, 0" BROUGHT_IN
    " GROUP BY a.recorded_by, a.ward HAVING COUNT(*) >= " TEXT(RECONCILE_OF);
static const char BROUGHT_IN_IDS[] =
    "SELECT a.administration_id, e.at_us" BROUGHT_IN " AND a.recorded_by = ? AND a.ward = ?"
    " AND ? = '' ORDER BY e.at_us DESC LIMIT 50";

#define EMERGENCIES                                                                            \
    " FROM emergency_given g JOIN administration a"                                            \
    " ON a.administration_id = g.administration_id WHERE a.counts = 1"
static const char EMERGENCIES_BY[] =
    "SELECT g.actor, g.ward, g.drug, COUNT(*), CAST(SUM(g.own) AS INTEGER), 0" EMERGENCIES
    " AND g.at_us > ? AND g.at_us <= ? GROUP BY g.actor, g.ward, g.drug"
    " HAVING COUNT(*) >= " TEXT(EMERGENCY_OF);
static const char EMERGENCY_IDS[] =
    "SELECT g.administration_id, g.at_us" EMERGENCIES " AND g.at_us > ? AND g.at_us <= ?"
    " AND g.actor = ? AND g.ward = ? AND g.drug = ? ORDER BY g.at_us DESC LIMIT 50";

#define UNORDERED                                                                              \
    EMERGENCIES " AND g.hard = 1 AND a.order_id IS NULL AND g.order_by_us > ?"                 \
                " AND g.order_by_us <= ?"
static const char UNORDERED_BY[] =
    "SELECT g.actor, g.ward, g.administration_id, 1, CAST(g.own AS INTEGER), 0" UNORDERED
    " ORDER BY g.order_by_us LIMIT 1000";
static const char UNORDERED_IDS[] =
    "SELECT g.administration_id, g.order_by_us" UNORDERED
    " AND g.actor = ? AND g.ward = ? AND g.administration_id = ?";

/* Doses taken back by their current version. A given dose that no longer counts was entered in
 * error; a dose that was not given never counted. */
#define TAKEN_BACK                                                                             \
    " FROM administration_version v JOIN administration a ON a.patient_id = v.patient_id"      \
    " AND a.administration_id = v.administration_id AND a.version = v.version"                 \
    " WHERE v.version > 1 AND v.written_at_us > ? AND v.written_at_us <= ?"                    \
    " AND a.counts = 0 AND a.outcome IN (1, 2) AND a.recorded_by = v.actor"
static const char TAKEN_BACK_BY[] =
    "SELECT v.actor, a.ward, '', COUNT(*), 0, 0" TAKEN_BACK
    " GROUP BY v.actor, a.ward HAVING COUNT(*) >= " TEXT(CORRECTION_OF);
static const char TAKEN_BACK_IDS[] =
    "SELECT a.administration_id, v.written_at_us" TAKEN_BACK " AND v.actor = ? AND a.ward = ?"
    " AND ? = '' ORDER BY v.written_at_us DESC LIMIT 50";

#define WITNESSED                                                                              \
    " FROM administration a LEFT JOIN offline_entry e"                                         \
    " ON e.administration_id = a.administration_id WHERE a.recorded_at_us > ?"                 \
    " AND a.recorded_at_us <= ? AND a.second_person <> '' AND e.entry_id IS NULL"
static const char WITNESSED_BY[] =
    "SELECT x.actor, x.ward, x.second, x.n, 0, CAST(x.all_n AS INTEGER) FROM (SELECT"
    " a.recorded_by AS actor, MIN(a.ward) AS ward, a.second_person AS second, COUNT(*) AS n,"
    " SUM(COUNT(*)) OVER (PARTITION BY a.recorded_by) AS all_n" WITNESSED
    " GROUP BY a.recorded_by, a.second_person) x"
    " WHERE x.all_n >= " TEXT(SECOND_OF) " AND x.n * 100 >= x.all_n * " TEXT(SECOND_PERCENT);
static const char WITNESSED_IDS[] =
    "SELECT a.administration_id, a.recorded_at_us" WITNESSED
    " AND a.recorded_by = ? AND ? IS NOT NULL AND a.second_person = ?"
    " ORDER BY a.recorded_at_us DESC LIMIT 50";

/* The state DISPUTED of Cosignature is 3. */
#define DISPUTED                                                                               \
    " FROM cosignature s JOIN administration a ON a.administration_id = s.administration_id"   \
    " WHERE s.state = 3 AND s.answered_at_us > ? AND s.answered_at_us <= ?"
static const char DISPUTED_BY[] =
    "SELECT a.recorded_by, s.ward, s.administration_id, 1, 0, 0" DISPUTED
    " ORDER BY s.answered_at_us LIMIT 1000";
static const char DISPUTED_IDS[] =
    "SELECT s.administration_id, s.answered_at_us" DISPUTED
    " AND a.recorded_by = ? AND s.ward = ? AND s.administration_id = ?";

static const struct habit_of HABITS[] = {
    {KIND(RECONCILE_HABIT), RECONCILE_OF, RECONCILE_WITHIN, RECONCILE_WITHIN, BROUGHT_IN_BY,
     BROUGHT_IN_IDS},
    {KIND(EMERGENCY_HABIT), EMERGENCY_OF, EMERGENCY_WITHIN, EMERGENCY_WITHIN, EMERGENCIES_BY,
     EMERGENCY_IDS},
    {KIND(EMERGENCY_UNORDERED), 1, EMERGENCY_WITHIN, EMERGENCY_WITHIN, UNORDERED_BY,
     UNORDERED_IDS},
    {KIND(CONFIRMATION_DISPUTED), 1, EMERGENCY_WITHIN, EMERGENCY_WITHIN, DISPUTED_BY,
     DISPUTED_IDS},
    {KIND(CORRECTION_HABIT), CORRECTION_OF, CORRECTION_WITHIN, DAY_US, TAKEN_BACK_BY,
     TAKEN_BACK_IDS},
    {KIND(SECOND_PERSON_HABIT), SECOND_OF *SECOND_PERCENT / 100, SECOND_SHARE_WITHIN, DAY_US,
     WITNESSED_BY, WITNESSED_IDS},
};

/* ---- the results ---- */

enum group { ACTOR, WARD_OF, ELSE, COUNT_OF, OWN, OUT_OF };

static enum ward_code evidence(struct ward_db *db, struct ward_arena *mem,
                               const struct habit_of *h, const struct ward_val *row,
                               int64_t to_us, struct pattern *p, struct ward_err *err)
{
    struct ward_rows ids;

    WARD_TRY(ward_db_run(db, mem, h->evidence,
                         WARD_PARAMS(ward_int(mem, to_us - h->within_us), ward_int(mem, to_us),
                                     row[ACTOR], row[WARD_OF], row[ELSE]),
                         &ids, err));
    return pattern_rows(p, &ids, mem, err);
}

static enum ward_code add(struct ward_db *db, struct ward_arena *mem, const struct habit_of *h,
                          const struct ward_val *row, int64_t to_us, struct patterns *out,
                          struct ward_err *err)
{
    struct pattern p = {.kind = h->kind,
                        .actor = row[ACTOR].p,
                        .ward = row[WARD_OF].p,
                        .place = "",
                        .rule_id = "",
                        .count = (int)row_number(row[COUNT_OF]),
                        .own = (int)row_number(row[OWN]),
                        .out_of = (int)row_number(row[OUT_OF]),
                        .threshold = h->threshold};
    uint8_t other[WARD_SHA256_SIZE];

    WARD_TRY(evidence(db, mem, h, row, to_us, &p, err));
    ward_sha256(row[ELSE].p, row[ELSE].n, other);
    pattern_about(&p, p.last_us / h->period_us, other);
    return pattern_add(out, &p, mem, err);
}

enum ward_code find_counted(struct ward_db *db, struct ward_arena *mem, int64_t to_us,
                            struct patterns *out, struct ward_err *err)
{
    for (size_t i = 0; i < WARD_COUNT(HABITS); i++) {
        const struct habit_of *h = &HABITS[i];
        struct ward_rows rows;

        WARD_TRY(
            ward_db_run(db, mem, h->groups,
                        WARD_PARAMS(ward_int(mem, to_us - h->within_us), ward_int(mem, to_us)),
                        &rows, err));
        for (size_t k = 0; k < rows.n; k++)
            WARD_TRY(add(db, mem, h, rows.at[k], to_us, out, err));
    }
    return WARD_OK;
}
