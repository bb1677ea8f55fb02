#include "services/diagnosis/registry/state.h"

#include "common/base/text.h"

#include <stdio.h>
#include <string.h>

#define TRIES 5 /* tries to read all tables at one revision */

static struct ward_val text(const char *s)
{
    return ward_text(s);
}

static void put(char to[STATE_NAME], const struct ward_val *v)
{
    snprintf(to, STATE_NAME, "%s", v->p == NULL ? "" : v->p);
}

static enum ward_code broken(struct ward_err *err)
{
    return WARD_FAIL(err, INTERNAL, "the registry's stored state cannot be read");
}

enum ward_code state_revision(struct ward_db *db, struct ward_arena *mem, int64_t *out,
                              struct ward_err *err)
{
    struct ward_rows rows;

    WARD_TRY(ward_db_run(db, mem, "SELECT revision FROM registry WHERE one = 1", WARD_NO_PARAMS,
                         &rows, err));
    return rows.n == 1 && ward_i64(rows.at[0][0].p, 0, INT64_MAX, out) ? WARD_OK : broken(err);
}

/* ---- reading the whole registry ---- */

static struct state_model *model_of(struct state *s, const char *name)
{
    for (int i = 0; i < s->n; i++)
        if (strcmp(s->model[i].name, name) == 0)
            return &s->model[i];
    return NULL;
}

static enum ward_code read_versions(struct ward_db *db, struct ward_arena *mem,
                                    struct state *out, struct ward_err *err)
{
    struct ward_rows rows;

    WARD_TRY(ward_db_run(db, mem,
                         "SELECT name, version, shadow FROM model_version"
                         " ORDER BY name, version",
                         WARD_NO_PARAMS, &rows, err));
    for (size_t i = 0; i < rows.n; i++) {
        struct state_model *m = model_of(out, rows.at[i][0].p);

        if (m == NULL || m->n == STATE_VERSIONS)
            continue;
        put(m->version[m->n].version, &rows.at[i][1]);
        m->version[m->n++].shadow = *rows.at[i][2].p == '1';
    }
    return WARD_OK;
}

static enum ward_code read_once(struct ward_db *db, struct ward_arena *mem, struct state *out,
                                struct ward_err *err)
{
    struct ward_rows rows;

    *out = (struct state){.n = 0};
    WARD_TRY(state_revision(db, mem, &out->revision, err));
    WARD_TRY(ward_db_run(db, mem,
                         "SELECT name, active, previous FROM model ORDER BY name LIMIT 16",
                         WARD_NO_PARAMS, &rows, err));
    for (size_t i = 0; i < rows.n; i++) {
        struct state_model *m = &out->model[out->n++];

        put(m->name, &rows.at[i][0]);
        put(m->active, &rows.at[i][1]);
        put(m->previous, &rows.at[i][2]);
    }
    return read_versions(db, mem, out, err);
}

enum ward_code state_read(struct ward_db *db, struct ward_arena *mem, struct state *out,
                          struct ward_err *err)
{
    for (int i = 0; i < TRIES; i++) {
        int64_t now = 0;

        WARD_TRY(read_once(db, mem, out, err));
        WARD_TRY(state_revision(db, mem, &now, err));
        if (now == out->revision)
            return WARD_OK;
    }
    return WARD_FAIL(err, UNAVAILABLE, "the registry changes faster than it can be read");
}

/* ---- changes ---- */

struct seed {
    struct ward_arena *mem;
    const char *name, *version;
};

static enum ward_code seed(struct ward_db *db, void *arg, struct ward_err *err)
{
    const struct seed *s = arg;
    struct ward_rows rows;

    WARD_TRY(ward_db_run(db, s->mem, "INSERT IGNORE INTO model (name, active) VALUES (?, ?)",
                         WARD_PARAMS(text(s->name), text(s->version)), &rows, err));
    if (rows.affected == 0)
        return WARD_OK;
    WARD_TRY(state_put(db, s->mem, s->name, s->version, false, err));
    return state_bump(db, err);
}

enum ward_code state_seed(struct ward_db *db, struct ward_arena *mem, const char *name,
                          const char *version, struct ward_err *err)
{
    struct seed s = {mem, name, version};

    return ward_db_tx(db, seed, &s, err);
}

enum ward_code state_lock(struct ward_db *db, struct ward_arena *mem, const char *name,
                          bool make, struct state_model *out, struct ward_err *err)
{
    struct ward_rows rows;
    struct state_model m = {.n = 0};

    if (make)
        WARD_TRY(ward_db_run(db, mem, "INSERT IGNORE INTO model (name) VALUES (?)",
                             WARD_PARAMS(text(name)), NULL, err));
    WARD_TRY(ward_db_run(db, mem,
                         "SELECT name, active, previous FROM model WHERE name = ? FOR UPDATE",
                         WARD_PARAMS(text(name)), &rows, err));
    if (rows.n == 1) {
        put(m.name, &rows.at[0][0]);
        put(m.active, &rows.at[0][1]);
        put(m.previous, &rows.at[0][2]);
    }
    WARD_TRY(ward_db_run(db, mem,
                         "SELECT version, shadow FROM model_version WHERE name = ?"
                         " ORDER BY version LIMIT 4",
                         WARD_PARAMS(text(name)), &rows, err));
    for (size_t i = 0; i < rows.n; i++) {
        put(m.version[m.n].version, &rows.at[i][0]);
        m.version[m.n++].shadow = *rows.at[i][1].p == '1';
    }
    *out = m;
    return WARD_OK;
}

enum ward_code state_count(struct ward_db *db, struct ward_arena *mem, int64_t *out,
                           struct ward_err *err)
{
    struct ward_rows rows;

    WARD_TRY(ward_db_run(db, mem, "SELECT COUNT(*) FROM model", WARD_NO_PARAMS, &rows, err));
    return rows.n == 1 && ward_i64(rows.at[0][0].p, 0, INT64_MAX, out) ? WARD_OK : broken(err);
}

enum ward_code state_put(struct ward_db *db, struct ward_arena *mem, const char *name,
                         const char *version, bool shadow, struct ward_err *err)
{
    return ward_db_run(db, mem,
                       "INSERT INTO model_version (name, version, shadow) VALUES (?, ?, ?)"
                       " ON DUPLICATE KEY UPDATE shadow = VALUES(shadow)",
                       WARD_PARAMS(text(name), text(version), ward_int(mem, shadow ? 1 : 0)),
                       NULL, err);
}

enum ward_code state_drop(struct ward_db *db, struct ward_arena *mem, const char *name,
                          const char *version, struct ward_err *err)
{
    return ward_db_run(db, mem, "DELETE FROM model_version WHERE name = ? AND version = ?",
                       WARD_PARAMS(text(name), text(version)), NULL, err);
}

enum ward_code state_set(struct ward_db *db, struct ward_arena *mem, const char *name,
                         const char *active, const char *previous, struct ward_err *err)
{
    return ward_db_run(db, mem, "UPDATE model SET active = ?, previous = ? WHERE name = ?",
                       WARD_PARAMS(text(active), text(previous), text(name)), NULL, err);
}

enum ward_code state_bump(struct ward_db *db, struct ward_err *err)
{
    return ward_db_run(db, NULL, "UPDATE registry SET revision = revision + 1 WHERE one = 1",
                       WARD_NO_PARAMS, NULL, err);
}

/* ---- shadows ---- */

enum ward_code state_compare(struct ward_db *db, struct ward_arena *mem, const char *model,
                             const char *version, const struct compared *c,
                             struct ward_err *err)
{
    static const char SQL[] =
        "INSERT INTO shadow (model, version, active, compared, agreed, abstained_apart, failed,"
        " both_answered, difference_sum, difference_max) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
        " ON DUPLICATE KEY UPDATE compared = compared + VALUES(compared),"
        " agreed = agreed + VALUES(agreed),"
        " abstained_apart = abstained_apart + VALUES(abstained_apart),"
        " failed = failed + VALUES(failed),"
        " both_answered = both_answered + VALUES(both_answered),"
        " difference_sum = difference_sum + VALUES(difference_sum),"
        " difference_max = GREATEST(difference_max, VALUES(difference_max))";

    return ward_db_run(
        db, mem, SQL,
        WARD_PARAMS(text(model), text(version), text(c->active), ward_int(mem, c->compared),
                    ward_int(mem, c->agreed), ward_int(mem, c->abstained_apart),
                    ward_int(mem, c->failed), ward_int(mem, c->both_answered),
                    ward_num(mem, c->difference_sum), ward_num(mem, c->difference_max)),
        NULL, err);
}

static bool read_compared(const struct ward_val *row, struct compared *c)
{
    put(c->active, &row[0]);
    return ward_i64(row[1].p, 0, INT64_MAX, &c->compared) &&
           ward_i64(row[2].p, 0, INT64_MAX, &c->agreed) &&
           ward_i64(row[3].p, 0, INT64_MAX, &c->abstained_apart) &&
           ward_i64(row[4].p, 0, INT64_MAX, &c->failed) &&
           ward_i64(row[5].p, 0, INT64_MAX, &c->both_answered) &&
           ward_f64(row[6].p, &c->difference_sum) && ward_f64(row[7].p, &c->difference_max);
}

enum ward_code state_compared(struct ward_db *db, struct ward_arena *mem, const char *model,
                              const char *version, struct compared out[STATE_COMPARED], int *n,
                              struct ward_err *err)
{
    struct ward_rows rows;

    WARD_TRY(ward_db_run(db, mem,
                         "SELECT active, compared, agreed, abstained_apart, failed,"
                         " both_answered, difference_sum, difference_max FROM shadow"
                         " WHERE model = ? AND version = ? ORDER BY active LIMIT 16",
                         WARD_PARAMS(text(model), text(version)), &rows, err));
    for (*n = 0; *n < (int)rows.n; (*n)++)
        if (!read_compared(rows.at[*n], &out[*n]))
            return broken(err);
    return WARD_OK;
}
