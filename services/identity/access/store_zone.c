/* SQL of zones, rules and staff roles. */
#include "services/identity/access/access.h"

#include <string.h>

#define RULE_COLUMNS "role, rule, weekdays, start_minute, end_minute"

static enum ward_code rules_put(struct ward_db *db, struct ward_arena *mem,
                                const struct zone *z, struct ward_err *err)
{
    static const char SQL[] = "INSERT INTO zone_rule"
                              " (zone, rule, span, role, weekdays, start_minute, end_minute)"
                              " VALUES (?, ?, ?, ?, ?, ?, ?)";
    static const struct hours ALWAYS = {0};

    for (size_t i = 0; i < z->n_rules; i++) {
        const struct zone_rule *r = &z->rules[i];
        size_t n = r->n_hours == 0 ? 1 : r->n_hours;

        for (size_t k = 0; k < n; k++) {
            const struct hours *h = r->n_hours == 0 ? &ALWAYS : &r->hours[k];

            WARD_TRY(ward_db_run(db, NULL, SQL,
                                 WARD_PARAMS(ward_text(z->zone), ward_int(mem, (int64_t)i),
                                             ward_int(mem, (int64_t)k), ward_text(r->role),
                                             ward_int(mem, h->weekdays),
                                             ward_int(mem, h->start), ward_int(mem, h->end)),
                                 NULL, err));
        }
    }
    return WARD_OK;
}

enum ward_code zone_put(struct ward_db *db, struct ward_arena *mem, const struct zone *z,
                        struct ward_err *err)
{
    static const char SQL[] =
        "INSERT INTO zone (zone, anti_passback, passback_minutes, liveness) VALUES (?, ?, ?, ?)"
        " ON DUPLICATE KEY UPDATE anti_passback = VALUES(anti_passback),"
        "   passback_minutes = VALUES(passback_minutes), liveness = VALUES(liveness)";
    static const char CLEAR[] = "DELETE FROM zone_rule WHERE zone = ?";

    WARD_TRY(
        ward_db_run(db, NULL, SQL,
                    WARD_PARAMS(ward_text(z->zone), ward_int(mem, z->anti_passback),
                                ward_int(mem, z->passback_minutes), ward_int(mem, z->liveness)),
                    NULL, err));
    WARD_TRY(ward_db_run(db, NULL, CLEAR, WARD_PARAMS(ward_text(z->zone)), NULL, err));
    return rules_put(db, mem, z, err);
}

static enum ward_code unusable(struct ward_err *err)
{
    return WARD_FAIL(err, DATA_LOSS, "the row of a zone is invalid");
}

static enum ward_code read_zone(const struct ward_val *row, struct zone *out,
                                struct ward_err *err)
{
    struct zone z = {.zone = row[0].p};
    int64_t passback, liveness, minutes;

    if (!ward_i64(row[1].p, 0, 1, &passback) ||
        !ward_i64(row[2].p, 1, PASSBACK_MOST, &minutes) ||
        !ward_i64(row[3].p, LIVENESS_NONE, LIVENESS_ATTENDED, &liveness))
        return unusable(err);
    z.anti_passback = passback == 1;
    z.passback_minutes = (int)minutes;
    z.liveness = (int)liveness;
    *out = z;
    return WARD_OK;
}

/* Reads one row, which begins a rule or extends the last rule. The time spans of a rule are
 * adjacent rows. */
static bool read_rule(const struct ward_val *row, struct hours *at, int64_t *last,
                      struct zone *z)
{
    int64_t rule, days, start, end;
    struct zone_rule *r;

    if (!ward_i64(row[1].p, 0, INT32_MAX, &rule) || !ward_i64(row[2].p, 0, 127, &days) ||
        !ward_i64(row[3].p, 0, MINUTES_A_DAY - 1, &start) ||
        !ward_i64(row[4].p, 0, MINUTES_A_DAY - 1, &end))
        return false;
    if (z->n_rules == 0 || rule != *last) {
        z->rules[z->n_rules++] = (struct zone_rule){.role = row[0].p, .hours = at};
        *last = rule;
    }
    r = &z->rules[z->n_rules - 1];
    *at = (struct hours){(unsigned)days, (int)start, (int)end};
    r->n_hours += days == 0 ? 0 : 1;
    return true;
}

static enum ward_code rules_of(struct ward_db *db, struct ward_arena *mem, struct zone *z,
                               struct ward_err *err)
{
    static const char SQL[] =
        "SELECT " RULE_COLUMNS " FROM zone_rule WHERE zone = ? ORDER BY rule, span";
    struct hours *hours;
    struct ward_rows rows;
    int64_t last = -1;

    WARD_TRY(ward_db_run(db, mem, SQL, WARD_PARAMS(ward_text(z->zone)), &rows, err));
    hours = ward_alloc(mem, rows.n * sizeof(*hours));
    z->rules = ward_alloc(mem, rows.n * sizeof(*z->rules));
    if (hours == NULL || z->rules == NULL)
        return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory for a zone's rules");
    for (size_t i = 0; i < rows.n; i++)
        if (!read_rule(rows.at[i], &hours[i], &last, z))
            return unusable(err);
    return WARD_OK;
}

enum ward_code zone_find(struct ward_db *db, struct ward_arena *mem, const char *zone,
                         struct zone **out, struct ward_err *err)
{
    static const char SQL[] = "SELECT zone, anti_passback, passback_minutes, liveness"
                              "  FROM zone WHERE zone = ?";
    struct zone *z = ward_new(mem, struct zone);
    struct ward_rows rows;

    if (zone == NULL)
        return WARD_OK;
    if (z == NULL)
        return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory for a zone");
    WARD_TRY(ward_db_run(db, mem, SQL, WARD_PARAMS(ward_text(zone)), &rows, err));
    if (rows.n == 0)
        return WARD_FAIL_REASON(err, NOT_FOUND, "ZONE_NOT_FOUND", "no such zone");
    WARD_TRY(read_zone(rows.at[0], z, err));
    WARD_TRY(rules_of(db, mem, z, err));
    *out = z;
    return WARD_OK;
}

enum ward_code zones_list(struct ward_db *db, struct ward_arena *mem, struct zone **out,
                          size_t *n, struct ward_err *err)
{
    static const char SQL[] = "SELECT zone, anti_passback, passback_minutes, liveness"
                              "  FROM zone ORDER BY zone";
    struct ward_rows rows;
    struct zone *list;

    WARD_TRY(ward_db_run(db, mem, SQL, WARD_NO_PARAMS, &rows, err));
    list = ward_alloc(mem, rows.n * sizeof(*list));
    if (list == NULL)
        return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory for the zones");
    for (size_t i = 0; i < rows.n; i++) {
        WARD_TRY(read_zone(rows.at[i], &list[i], err));
        WARD_TRY(rules_of(db, mem, &list[i], err));
    }
    *out = list;
    *n = rows.n;
    return WARD_OK;
}

enum ward_code staff_roles_put(struct ward_db *db, const uint8_t id[IDENTITY_ID],
                               char *const *roles, size_t n, struct ward_err *err)
{
    static const char CLEAR[] = "DELETE FROM staff_role WHERE subject_id = ?";
    static const char SQL[] = "INSERT INTO staff_role (subject_id, role) VALUES (?, ?)"
                              " ON DUPLICATE KEY UPDATE role = VALUES(role)";

    WARD_TRY(ward_db_run(db, NULL, CLEAR, WARD_PARAMS(id_val(id)), NULL, err));
    for (size_t i = 0; i < n; i++)
        WARD_TRY(ward_db_run(db, NULL, SQL, WARD_PARAMS(id_val(id), ward_text(roles[i])), NULL,
                             err));
    return WARD_OK;
}

enum ward_code staff_roles_of(struct ward_db *db, struct ward_arena *mem,
                              const uint8_t id[IDENTITY_ID], const char *const **out, size_t *n,
                              struct ward_err *err)
{
    static const char SQL[] = "SELECT role FROM staff_role WHERE subject_id = ? ORDER BY role";
    struct ward_rows rows;
    const char **list;

    WARD_TRY(ward_db_run(db, mem, SQL, WARD_PARAMS(id_val(id)), &rows, err));
    list = ward_alloc(mem, rows.n * sizeof(*list));
    if (list == NULL)
        return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory for the roles");
    for (size_t i = 0; i < rows.n; i++)
        list[i] = rows.at[i][0].p;
    *out = list;
    *n = rows.n;
    return WARD_OK;
}
