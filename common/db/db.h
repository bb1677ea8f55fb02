/* db.h - a MariaDB connection for one thread. Only this folder includes <mysql.h>.
 *
 * Each connection prepares a statement once, and parameters are always bound, so no value can
 * be spliced into SQL. Numbers are transferred as text, so DECIMAL stays exact. Bytes stay
 * bytes, and NULL stays NULL. If the server closed a connection between two statements, the
 * next statement reconnects without a failure. If a connection is lost during a statement, the
 * statement fails with UNAVAILABLE and the next statement reconnects.
 *
 * Threads: a ward_db belongs to one thread. Memory: rows are in the caller's arena; the strings
 * of a ward_db_config are stored by reference and must outlive the connection. Errors: this
 * folder translates MariaDB's errors. err->msg is a plain sentence; err->detail has MariaDB's
 * number and text without values, because a value may be patient data.
 *   ALREADY_EXISTS       a unique key exists
 *   FAILED_PRECONDITION  a foreign key, a CHECK or one of our triggers rejects the change
 *   ABORTED              deadlock or lock timeout: repeat the whole transaction (ward_db_tx
 *                        does)
 *   UNAVAILABLE          the server is unavailable, or the connection was lost
 *   DEADLINE_EXCEEDED    the statement exceeded the deadline and was stopped
 *   RESOURCE_EXHAUSTED   the answer exceeds the arena's limit, the disk is full, or a packet is
 *                        too large
 *   INTERNAL             anything else
 *
 * After a statement inside a transaction failed with ABORTED or lost the connection, the server
 * has rolled back the transaction. Every further statement in the transaction fails with the
 * same code. ward_db_tx also returns this code, whatever fn returns.
 */
#ifndef WARD_DB_DB_H
#define WARD_DB_DB_H

#include "common/base/arena.h"
#include "common/base/status.h"

#include <stddef.h>
#include <stdint.h>

struct ward_db;

struct ward_db_config {
    const char *socket; /* a path; "" for TCP */
    const char *host, *user, *password, *name;
    int port;
    const char *tls_ca, *tls_cert,
        *tls_key; /* "" if not set; with tls_ca, the server is verified */
    /* Every statement must be inside ward_db_tx; other statements fail with INTERNAL. A
     * transaction then begins without a statement, which saves a round trip. If the first
     * statement finds the connection closed, the transaction fails with UNAVAILABLE, because no
     * earlier statement could detect the closed connection. */
    bool tx_only;
};

/* A value of a parameter or a result. p == NULL is SQL NULL. A NUL follows each value of a
 * result. */
struct ward_val {
    const char *p;
    size_t n;
};

struct ward_val ward_text(const char *s); /* NULL is SQL NULL */
struct ward_val ward_blob(const void *p, size_t n);
struct ward_val ward_int(struct ward_arena *mem, int64_t v);
/* formats v with 17 significant digits */
struct ward_val ward_num(struct ward_arena *mem, double v);

#define WARD_PARAMS(...)                                                                       \
    (const struct ward_val[]){__VA_ARGS__},                                                    \
        sizeof((const struct ward_val[]){__VA_ARGS__}) / sizeof(struct ward_val)
#define WARD_NO_PARAMS NULL, 0

struct ward_rows {
    size_t n, cols;
    const struct ward_val *const *at; /* at[row][col] */
    uint64_t affected;                /* number of rows that a write changed */
    uint64_t last_id;                 /* AUTO_INCREMENT of the last insert */
};

/* Connects. The session uses utf8mb4, time zone +00:00, strict mode and READ COMMITTED. */
WARD_MUST enum ward_code ward_db_open(const struct ward_db_config *cfg, struct ward_db **out,
                                      struct ward_err *err);
void ward_db_close(struct ward_db *db); /* accepts NULL */

/* Statements from now on must end by this monotonic time (WARD_NO_DEADLINE: 30 s each). The
 * server stops a statement after at most 1.25 times the remaining time. The client waits one
 * second longer for a silent server. */
void ward_db_deadline(struct ward_db *db, int64_t deadline_ns);

/* Runs one statement of at most 1,024 parameters and 64 columns. `sql` should be a string
 * literal, because the literal's address is the key in the cache of prepared statements (128
 * for each connection). `mem` may be NULL for a statement without columns, and `out` may be
 * NULL if the result is not needed. */
WARD_MUST enum ward_code ward_db_run(struct ward_db *db, struct ward_arena *mem,
                                     const char *sql, const struct ward_val *params,
                                     size_t n_params, struct ward_rows *out,
                                     struct ward_err *err);

/* Runs one INSERT, UPDATE or DELETE for n rows of n_params values each (row-major) in one round
 * trip (array binding), or in several above 8,192 rows or 4 MiB. Changes all rows or none.
 * Outside a transaction, ward_db_bulk starts its own transaction. */
WARD_MUST enum ward_code ward_db_bulk(struct ward_db *db, const char *sql,
                                      const struct ward_val *values, size_t n_params, size_t n,
                                      struct ward_err *err);

/* Runs fn inside a transaction and commits. After ABORTED, ward_db_tx repeats the transaction
 * at most 5 times with jitter and within the deadline. fn must therefore be safe to repeat and
 * must not use results of a failed run (mem is not reset between runs). Any other failure rolls
 * back. A failed COMMIT returns UNAVAILABLE with reason COMMIT_UNKNOWN; the caller repeats the
 * call with its idempotency key. */
typedef enum ward_code ward_tx_fn(struct ward_db *db, void *arg, struct ward_err *err);
WARD_MUST enum ward_code ward_db_tx(struct ward_db *db, ward_tx_fn *fn, void *arg,
                                    struct ward_err *err);
bool ward_db_in_tx(const struct ward_db *db);
/* Calls fn(arg) after the current transaction has committed. A rollback drops the call. */
void ward_db_after_commit(struct ward_db *db, void (*fn)(void *), void *arg);

WARD_MUST enum ward_code ward_db_ping(struct ward_db *db, struct ward_err *err);

/* Forward-only migrations, embedded by the build from services/<svc>/schema/NNN_what.sql.
 * Statements end with ";\n", so the body of a trigger is on one line. The next run continues an
 * interrupted run (SIGKILL, or a lost server); see migrate.c. A named lock serializes replicas
 * that start together. Each file is recorded with its SHA-256. A line "-- min_program: N"
 * permits programs whose newest migration is N or later; without the line, a program must
 * contain the file. FAILED_PRECONDITION: the database is too new for this program, or an
 * executed file has changed */
struct ward_migration {
    int number;
    const char *name; /* such as "001_init" */
    const char *sql;
};
struct ward_schema {
    const char *set; /* such as "common" or "audit" */
    const struct ward_migration *at;
    int n;
};
/* tables of the outbox, the idempotency keys and writers.h */
extern const struct ward_schema ward_schema_common;
WARD_MUST enum ward_code ward_db_migrate(const struct ward_db_config *cfg,
                                         const struct ward_schema *const *sets, int n,
                                         struct ward_err *err);
/* Compares the database's schema with the program's and changes nothing. FAILED_PRECONDITION:
 * the schema is older than the program, or too new for the program */
WARD_MUST enum ward_code ward_db_schema_look(struct ward_db *db, const struct ward_schema *s,
                                             struct ward_err *err);

#endif
