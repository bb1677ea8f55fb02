/* Migrates a schema, one statement at a time. A run may be interrupted at any point.
 *
 * MariaDB commits before and after each DDL statement, so a file cannot be one transaction.
 * These rules make an interruption harmless:
 *   1. `running = k` is written before statement k. `done = k` is written after statement k, in
 *      the same transaction. For INSERT or UPDATE, this transaction is atomic, so an
 *      interrupted statement runs again.
 *   2. Each DDL statement is atomic (MariaDB 10.6+). After an interruption, statement k has
 *      either happened or not. If `running` is k and the statement now reports "already exists"
 *      or "does not exist", the statement has happened, and the run continues with the next
 *      statement.
 *   3. If a statement fails for another cause while the server is available, `running` is
 *      reset, so that rule 2 never hides a real conflict.
 * A named lock serializes replicas. A replica that waited for the lock finds the migration
 * complete.
 *
 * A migration may name the oldest program that can work with its schema, in a comment line `--
 * min_program: N`. A program whose newest migration of the set is N or later may then start on
 * the schema. Old and new replicas can therefore run side by side during an upgrade, and a
 * rolled-back program can start. Without the line, only programs that contain the migration
 * start. A start on an up-to-date database runs no DDL.
 */
#include "common/db/db_internal.h"

#include "common/base/crypto.h"
#include "common/base/text.h"

#include <mysqld_error.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LOCK_WAIT_S 300
#define ARENA_CAP   ((size_t)1 << 20)

struct run {
    struct ward_db *db;
    struct ward_arena mem;
    const char *set;
    const struct ward_migration *m;
    char number[16];
    uint8_t sha[WARD_SHA256_SIZE];
    int64_t done, running;
};

static const char TABLE[] =
    "CREATE TABLE IF NOT EXISTS ward_schema ("
    " set_name VARCHAR(64) NOT NULL, number INT NOT NULL, name VARCHAR(128) NOT NULL,"
    " sha256 BINARY(32) NOT NULL, running INT NOT NULL DEFAULT 0, done INT NOT NULL DEFAULT 0,"
    " started_at TIMESTAMP(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6),"
    " applied_at TIMESTAMP(6) NULL, min_program INT NULL, PRIMARY KEY (set_name, number)"
    ") ENGINE=InnoDB DEFAULT CHARSET=utf8mb4";

/* Adds the column to a table of an earlier version. */
static const char COLUMN[] =
    "ALTER TABLE ward_schema ADD COLUMN IF NOT EXISTS min_program INT NULL";

/* Returns the next statement of *sql, up to ";\n" or the end, without comment lines before it,
 * and advances *sql. Returns NULL if no statement is left. The caller frees the statement. */
static char *next_statement(const char **sql)
{
    const char *from = *sql, *end;
    size_t n;

    for (;;) {
        from += strspn(from, " \t\r\n");
        if (strncmp(from, "--", 2) != 0)
            break;
        from += strcspn(from, "\n");
    }
    if (*from == '\0')
        return NULL;
    end = strstr(from, ";\n");
    n = end == NULL ? strlen(from) : (size_t)(end - from);
    *sql = end == NULL ? from + n : end + 2;
    while (n > 0 && (from[n - 1] == ';' || from[n - 1] == ' ' || from[n - 1] == '\n'))
        n--;
    return strndup(from, n);
}

/* Returns whether this error means that a DDL statement has already run. */
static bool ran_already(unsigned number)
{
    switch (number) {
    case ER_TABLE_EXISTS_ERROR:
    case ER_DUP_FIELDNAME:
    case ER_DUP_KEYNAME:
    case ER_DUP_CONSTRAINT_NAME:
    case ER_MULTIPLE_PRI_KEY:
    case ER_CANT_DROP_FIELD_OR_KEY:
    case ER_BAD_FIELD_ERROR:
    case ER_BAD_TABLE_ERROR:
    case ER_UNKNOWN_TABLE:
    case ER_NO_SUCH_TABLE:
    case ER_TRG_ALREADY_EXISTS:
    case ER_TRG_DOES_NOT_EXIST:
    case ER_SP_ALREADY_EXISTS:
    case ER_SP_DOES_NOT_EXIST:
    case ER_EVENT_ALREADY_EXISTS:
    case ER_UNKNOWN_SEQUENCES:
    case ER_UNKNOWN_VIEW:
        return true;
    default:
        return false;
    }
}

static enum ward_code mark(struct run *r, const char *sql, int64_t k, struct ward_err *err)
{
    return ward_db_run(
        r->db, NULL, sql,
        WARD_PARAMS(ward_int(&r->mem, k), ward_text(r->set), ward_text(r->number)), NULL, err);
}

static enum ward_code mark_running(struct run *r, int64_t k, struct ward_err *err)
{
    static const char SQL[] =
        "UPDATE ward_schema SET running = ? WHERE set_name = ? AND number = ?";

    return mark(r, SQL, k, err);
}

static enum ward_code mark_done(struct run *r, int64_t k, struct ward_err *err)
{
    static const char SQL[] = "UPDATE ward_schema SET done = ?, running = 0"
                              " WHERE set_name = ? AND number = ?";

    return mark(r, SQL, k, err);
}

/* Runs statement k and records it as done: in one transaction for INSERT and similar
 * statements. DDL commits by itself, so DDL takes two steps, which rule 2 above covers. */
static enum ward_code one(struct run *r, const char *sql, int64_t k, struct ward_err *err)
{
    bool was_cut = r->running == k;
    enum ward_code code;
    unsigned number;

    WARD_TRY(mark_running(r, k, err));
    WARD_TRY(ward_db_text(r->db, "START TRANSACTION", err));
    code = ward_db_text(r->db, sql, err);
    if (code != WARD_OK) {
        if (r->db->my == NULL)
            return code;
        number = mysql_errno(r->db->my);
        WARD_TRY(ward_db_text(r->db, "ROLLBACK", NULL));
        if (!was_cut || !ran_already(number)) {
            WARD_TRY(mark_running(r, 0, NULL));
            return code;
        }
    }
    WARD_TRY(mark_done(r, k, err));
    return ward_db_text(r->db, "COMMIT", err);
}

static enum ward_code apply(struct run *r, struct ward_err *err)
{
    static const char FINISHED[] = "UPDATE ward_schema SET applied_at = CURRENT_TIMESTAMP(6)"
                                   " WHERE set_name = ? AND number = ?";
    const char *sql = r->m->sql;
    char *statement;

    for (int64_t k = 1; (statement = next_statement(&sql)) != NULL; k++) {
        enum ward_code code = k <= r->done ? WARD_OK : one(r, statement, k, err);

        free(statement);
        WARD_TRY(code);
    }
    return ward_db_run(r->db, NULL, FINISHED,
                       WARD_PARAMS(ward_text(r->set), ward_text(r->number)), NULL, err);
}

/* Returns the number in the file's comment, or the file's own number. */
static enum ward_code min_program(const struct ward_migration *m, int64_t *out,
                                  struct ward_err *err)
{
    static const char KEY[] = "\n-- min_program: ";
    const size_t n = strlen(KEY);
    const char *at = strstr(m->sql, KEY);
    char digits[16];

    if (at != NULL)
        at += n;
    else if (strncmp(m->sql, KEY + 1, n - 1) == 0) /* the comment is the first line */
        at = m->sql + n - 1;

    *out = m->number;
    if (at == NULL)
        return WARD_OK;
    snprintf(digits, sizeof(digits), "%.*s", (int)strcspn(at, "\n"), at);
    return ward_i64(digits, 0, m->number, out)
               ? WARD_OK
               : WARD_FAIL(
                     err, INTERNAL,
                     "min_program of %s must be a number up to the migration's own number",
                     m->name);
}

/* Runs one file: skips an applied file, continues an interrupted file, or begins a new file. */
static enum ward_code one_file(struct run *r, struct ward_err *err)
{
    static const char LOOK[] = "SELECT sha256, done, running, applied_at FROM ward_schema"
                               " WHERE set_name = ? AND number = ?";
    static const char BEGIN[] =
        "INSERT INTO ward_schema (set_name, number, name, sha256, min_program)"
        " VALUES (?, ?, ?, ?, ?)";
    struct ward_rows rows;
    int64_t oldest;

    snprintf(r->number, sizeof(r->number), "%d", r->m->number);
    ward_sha256(r->m->sql, strlen(r->m->sql), r->sha);
    r->done = r->running = 0;
    WARD_TRY(ward_db_run(r->db, &r->mem, LOOK,
                         WARD_PARAMS(ward_text(r->set), ward_text(r->number)), &rows, err));
    if (rows.n == 0) {
        WARD_TRY(min_program(r->m, &oldest, err));
        WARD_TRY(ward_db_run(
            r->db, NULL, BEGIN,
            WARD_PARAMS(ward_text(r->set), ward_text(r->number), ward_text(r->m->name),
                        ward_blob(r->sha, sizeof(r->sha)), ward_int(&r->mem, oldest)),
            NULL, err));
        return apply(r, err);
    }
    if (rows.at[0][0].n != sizeof(r->sha) ||
        memcmp(rows.at[0][0].p, r->sha, sizeof(r->sha)) != 0)
        return WARD_FAIL_REASON(
            err, FAILED_PRECONDITION, "MIGRATION_CHANGED",
            "migration %s/%s differs from the migration that this database has run", r->set,
            r->m->name);
    if (rows.at[0][3].p != NULL)
        return WARD_OK;
    if (!ward_i64(rows.at[0][1].p, 0, INT32_MAX, &r->done) ||
        !ward_i64(rows.at[0][2].p, 0, INT32_MAX, &r->running))
        return WARD_FAIL(err, DATA_LOSS, "ward_schema is invalid");
    return apply(r, err);
}

/* A program may use a database with newer migrations only if each of the newer migrations
 * permits this program. */
static enum ward_code not_too_new(struct run *r, const struct ward_schema *s,
                                  struct ward_err *err)
{
    static const char SQL[] = "SELECT COALESCE(MAX(number), 0),"
                              " COALESCE(MAX(COALESCE(min_program, number)), 0)"
                              "  FROM ward_schema WHERE set_name = ? AND number > ?";
    int64_t ours = s->n == 0 ? 0 : s->at[s->n - 1].number, newest, needed;
    struct ward_rows rows;

    WARD_TRY(ward_db_run(r->db, &r->mem, SQL,
                         WARD_PARAMS(ward_text(s->set), ward_int(&r->mem, ours)), &rows, err));
    if (rows.n != 1 || !ward_i64(rows.at[0][0].p, 0, INT32_MAX, &newest) ||
        !ward_i64(rows.at[0][1].p, 0, INT32_MAX, &needed))
        return WARD_FAIL(err, DATA_LOSS, "ward_schema is invalid");
    if (needed > ours)
        return WARD_FAIL_REASON(err, FAILED_PRECONDITION, "SCHEMA_TOO_NEW",
                                "schema %s is at migration %lld, newer than this program",
                                s->set, (long long)newest);
    return WARD_OK;
}

static enum ward_code one_set(struct run *r, const struct ward_schema *s, struct ward_err *err)
{
    WARD_TRY(not_too_new(r, s, err));
    r->set = s->set;
    for (int i = 0; i < s->n; i++) {
        if (i > 0 && s->at[i].number <= s->at[i - 1].number)
            return WARD_FAIL(err, INTERNAL, "migrations of %s are not in order", s->set);
        r->m = &s->at[i];
        ward_arena_reset(&r->mem);
        WARD_TRY(one_file(r, err));
    }
    return WARD_OK;
}

/* The lock belongs to the server and not to a database, so the lock's name contains the
 * database's name. */
static enum ward_code locked(struct run *r, struct ward_err *err)
{
    static const char SQL[] =
        "SELECT GET_LOCK(CONCAT('ward_schema.', LEFT(SHA2(DATABASE(), 256), 32)), ?)";
    struct ward_rows rows;

    WARD_TRY(ward_db_run(r->db, &r->mem, SQL, WARD_PARAMS(ward_int(&r->mem, LOCK_WAIT_S)),
                         &rows, err));
    if (rows.n != 1 || rows.at[0][0].p == NULL || *rows.at[0][0].p != '1')
        return WARD_FAIL(err, UNAVAILABLE, "another replica is still migrating the schema");
    return WARD_OK;
}

/* Creates the table, or adds its newest column, only if the table or column is missing. A user
 * without rights to change tables can therefore start a program on an up-to-date database. */
static enum ward_code table(struct run *r, struct ward_err *err)
{
    static const char SQL[] = "SELECT COUNT(*) FROM information_schema.COLUMNS"
                              " WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME = 'ward_schema'"
                              "   AND COLUMN_NAME = 'min_program'";
    struct ward_rows rows;

    WARD_TRY(ward_db_run(r->db, &r->mem, SQL, WARD_NO_PARAMS, &rows, err));
    if (rows.n == 1 && *rows.at[0][0].p == '1')
        return WARD_OK;
    WARD_TRY(ward_db_text(r->db, TABLE, err));
    return ward_db_text(r->db, COLUMN, err);
}

static enum ward_code migrate(struct run *r, const struct ward_schema *const *sets, int n,
                              struct ward_err *err)
{
    WARD_TRY(locked(r, err));
    WARD_TRY(table(r, err));
    for (int i = 0; i < n; i++)
        WARD_TRY(one_set(r, sets[i], err));
    return WARD_OK;
}

enum ward_code ward_db_migrate(const struct ward_db_config *cfg,
                               const struct ward_schema *const *sets, int n,
                               struct ward_err *err)
{
    struct run r = {0};
    enum ward_code code;

    WARD_TRY(ward_db_open(cfg, &r.db, err));
    ward_arena_init(&r.mem, ARENA_CAP);
    code = ward_db_unlimited(r.db, err); /* an ALTER of a large table may take long */
    if (code == WARD_OK)
        code = migrate(&r, sets, n, err);
    ward_arena_done(&r.mem);
    ward_db_close(r.db); /* closing the connection releases the lock */
    return code;
}
