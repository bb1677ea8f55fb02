/* Checks of the database: its rights, clock, schema, settings and writers. */
#include "common/app/doctor/doctor.h"

#include "common/app/app_core.h"
#include "common/base/clock.h"
#include "common/base/text.h"

#include <math.h>
#include <string.h>
#include <time.h>

/* tolerated clock difference in seconds; tokens tolerate 30 s, but clocks drift further */
#define CLOCK_S 2.0
/* highest useful WARD_MAX_AGE_MS; with a higher age, a new replica gets no load within a
 * minute */
#define MAX_AGE_MS 60000
#define LOOKS      3    /* number of queries; a count that grows twice needs three */
#define LOOK_MS    2100 /* time between queries; each replica adds its writes every 2 s */
#define DB_MS      10000
#define TEXT_OF(v) ((v).p == NULL ? "" : (v).p)

enum ward_code ward_doctor_connect(void *arg, struct ward_db *db, struct ward_err *err)
{
    struct ward_doctor *d = arg;

    (void)db;
    /* otherwise, the password would cross the network unencrypted */
    WARD_TRY(ward_database_sealed(d->app, err));
    WARD_TRY(ward_db_open(&d->app->cfg.db, &d->db, err));
    ward_db_deadline(d->db, ward_mono_ns() + DB_MS * WARD_NS_PER_MS);
    return WARD_OK;
}

/* Runs a statement with one row and one or more columns. */
static enum ward_code one_row(struct ward_doctor *d, struct ward_db *db, const char *sql,
                              const struct ward_val **row, struct ward_err *err)
{
    struct ward_rows rows;

    ward_db_deadline(db, ward_mono_ns() + DB_MS * WARD_NS_PER_MS);
    WARD_TRY(ward_db_run(db, &d->mem, sql, WARD_NO_PARAMS, &rows, err));
    if (rows.n != 1)
        return WARD_FAIL(err, INTERNAL,
                         "the database returned an unexpected number of rows: %zu", rows.n);
    *row = rows.at[0];
    return WARD_OK;
}

static enum ward_code sealed(void *arg, struct ward_db *db, struct ward_err *err)
{
    const struct ward_doctor *d = arg;
    struct ward_app strict = *d->app;

    (void)db;
    strict.cfg.db_plain = 0;
    if (ward_database_sealed(&strict, NULL) == WARD_OK)
        return WARD_OK;
    return WARD_FAIL(err, FAILED_PRECONDITION,
                     "the connection to %.80s crosses the network without TLS "
                     "(WARD_DB_PLAIN=%d, no WARD_DB_TLS_CA)",
                     d->app->cfg.db.host, d->app->cfg.db_plain);
}

/* A connection by socket passes this check: its database is private to this machine, and the
 * same user migrates the schema. */
static enum ward_code rights(void *arg, struct ward_db *db, struct ward_err *err)
{
    static const char SQL[] =
        "SELECT GROUP_CONCAT(DISTINCT PRIVILEGE_TYPE ORDER BY PRIVILEGE_TYPE SEPARATOR ', ')"
        "  FROM (SELECT PRIVILEGE_TYPE FROM information_schema.USER_PRIVILEGES"
        "        UNION ALL SELECT PRIVILEGE_TYPE FROM information_schema.SCHEMA_PRIVILEGES"
        "         WHERE DATABASE() LIKE TABLE_SCHEMA) AS p"
        " WHERE PRIVILEGE_TYPE IN ('ALTER', 'DROP', 'TRIGGER', 'SUPER')";
    struct ward_doctor *d = arg;
    const struct ward_val *row;

    if (*d->app->cfg.db.socket != '\0')
        return WARD_OK;
    WARD_TRY(one_row(d, db, SQL, &row, err));
    if (row[0].p == NULL)
        return WARD_OK;
    return WARD_FAIL(err, FAILED_PRECONDITION, "the database user %.60s has the rights %.60s",
                     d->app->cfg.db.user, row[0].p);
}

static enum ward_code database_clock(void *arg, struct ward_db *db, struct ward_err *err)
{
    static const char SQL[] = "SELECT UNIX_TIMESTAMP(NOW(6))";
    const struct ward_val *row;
    double theirs, ours;

    WARD_TRY(one_row(arg, db, SQL, &row, err));
    ours = (double)ward_wall_us() / 1e6;
    if (!ward_f64(TEXT_OF(row[0]), &theirs) || fabs(ours - theirs) <= CLOCK_S)
        return WARD_OK;
    return WARD_FAIL(err, FAILED_PRECONDITION,
                     "the clock of this machine is %.0f s %s the database's",
                     fabs(ours - theirs), ours > theirs ? "ahead of" : "behind");
}

static enum ward_code schema(void *arg, struct ward_db *db, struct ward_err *err)
{
    const struct ward_doctor *d = arg;

    for (int i = 0; i < d->n_sets; i++)
        WARD_TRY(ward_db_schema_look(db, d->sets[i], err));
    return WARD_OK;
}

static enum ward_code durable(void *arg, struct ward_db *db, struct ward_err *err)
{
    static const char SQL[] =
        "SELECT @@innodb_flush_log_at_trx_commit, @@log_bin, @@sync_binlog";
    const struct ward_val *row;

    WARD_TRY(one_row(arg, db, SQL, &row, err));
    if (strcmp(TEXT_OF(row[0]), "1") != 0)
        return WARD_FAIL(err, FAILED_PRECONDITION,
                         "innodb_flush_log_at_trx_commit is %.8s, not 1", TEXT_OF(row[0]));
    if (strcmp(TEXT_OF(row[1]), "1") == 0 && strcmp(TEXT_OF(row[2]), "1") != 0)
        return WARD_FAIL(err, FAILED_PRECONDITION, "sync_binlog is %.8s, not 1",
                         TEXT_OF(row[2]));
    return WARD_OK;
}

/* Counts the machines that use this database. A database user sees its own connections, and
 * each replica has its own address. */
static enum ward_code max_age(void *arg, struct ward_db *db, struct ward_err *err)
{
    static const char SQL[] =
        "SELECT COUNT(DISTINCT REGEXP_REPLACE(HOST, ':[0-9]+$', ''))"
        "  FROM information_schema.PROCESSLIST"
        " WHERE USER = SUBSTRING_INDEX(USER(), '@', 1) AND DB = DATABASE()";
    struct ward_doctor *d = arg;
    const struct ward_val *row;
    int64_t hosts;
    int age = d->app->cfg.max_age_ms;

    WARD_TRY(one_row(d, db, SQL, &row, err));
    if (!ward_i64(TEXT_OF(row[0]), 2, INT64_MAX, &hosts) || (age > 0 && age <= MAX_AGE_MS))
        return WARD_OK;
    return WARD_FAIL(err, FAILED_PRECONDITION,
                     "WARD_MAX_AGE_MS is %d, and %lld machines use this database as %.60s", age,
                     (long long)hosts, d->app->cfg.db.user);
}

/* Each replica counts its writes on each node of a Galera cluster (writers.h). */
static enum ward_code writers(void *arg, struct ward_db *db, struct ward_err *err)
{
    static const char SQL[] = "SELECT node, beats FROM ward_writer";
    struct ward_doctor *d = arg;
    struct ward_writers w = {0};
    struct ward_rows rows;
    int64_t beats;
    int a, b;

    for (int look = 0; look < LOOKS; look++) {
        if (look > 0)
            nanosleep(&(struct timespec){.tv_sec = LOOK_MS / 1000,
                                         .tv_nsec = LOOK_MS % 1000 * WARD_NS_PER_MS},
                      NULL);
        ward_db_deadline(db, ward_mono_ns() + DB_MS * WARD_NS_PER_MS);
        WARD_TRY(ward_db_run(db, &d->mem, SQL, WARD_NO_PARAMS, &rows, err));
        if (rows.n < 2)
            return WARD_OK;
        ward_writers_begin(&w);
        for (size_t i = 0; i < rows.n; i++)
            if (ward_i64(TEXT_OF(rows.at[i][1]), 0, INT64_MAX, &beats))
                ward_writers_row(&w, rows.at[i][0].p, (uint64_t)beats);
        if (ward_writers_count(&w, &a, &b) > 1)
            return WARD_FAIL(err, FAILED_PRECONDITION,
                             "two Galera nodes accept writes, %.48s and %.48s", w.at[a].node,
                             w.at[b].node);
    }
    return WARD_OK;
}

const struct ward_doctor_check ward_doctor_database[] = {
    {"database-tls", sealed, false,
     "Everyone on the network between this machine and the database can read and change "
     "patients' data.",
     "Give the database a certificate, and set WARD_DB_TLS_CA."},
    {"database", ward_doctor_connect, false,
     "The service does not start without its database, and is unready without it.",
     "Check WARD_DB_HOST or WARD_DB_SOCKET, the database user, the password file and the "
     "certificates."},
    {"schema", schema, true,
     "The program and the database's schema do not match. A program that is older than the "
     "schema permits does not start.",
     "Run `SERVICE --migrate` with the owner's rights if the schema is older. If the schema is "
     "newer, install the newer program again."},
    {"database-rights", rights, true,
     "Triggers keep stored history from being changed. A fault in the service, or a stolen "
     "password, could drop them.",
     "Migrate as the owner, and run the service as a user with SELECT, INSERT, UPDATE and "
     "DELETE only (docs/deploy.md, step 4)."},
    {"clock", database_clock, true,
     "Tokens, due doses and audit events contain times. If clocks differ, valid tokens are "
     "refused, and doses count as late or early.",
     "Synchronize the clocks of all machines, including the database's machine, with NTP."},
    {"durability", durable, true,
     "A change that was acknowledged can be lost when the database's machine loses power.",
     "Set innodb_flush_log_at_trx_commit=1 and sync_binlog=1 in MariaDB's configuration."},
    {"max-age", max_age, true,
     "Clients reuse connections for longer than a minute, so a new replica gets no load, and "
     "the load stays uneven after a failure.",
     "Set WARD_MAX_AGE_MS to 30000 on all replicas."},
    {"writers", writers, true,
     "A lock in Ward is valid on one Galera node only. Writes on two nodes can lose a key or a "
     "change.",
     "Route all services to one node (docs/deploy.md, Galera)."},
    {0},
};
