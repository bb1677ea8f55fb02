/* db.h - MariaDB for one thread. The only code that includes <mysql.h>.
 *
 * Statements are prepared once per connection and parameters are always bound; there is no way
 * to splice a value into SQL. Numbers cross as text, so DECIMAL stays exact; bytes cross as
 * bytes; NULL stays NULL. A connection that the server closed between two statements is
 * made anew by the next one, which notices nothing; one lost under a statement fails it
 * UNAVAILABLE, and the one after reconnects.
 *
 * Threads: a ward_db belongs to one. Memory: rows live in the caller's arena; the texts of a
 * ward_db_config are kept by reference and must outlive the connection. Errors: translated
 * once, here; err->msg is a plain sentence, MariaDB's number and words (without values, which
 * may be a patient's) go to err->detail.
 *   ALREADY_EXISTS       a unique key is taken
 *   FAILED_PRECONDITION  a foreign key, a CHECK or a trigger of ours says no
 *   ABORTED              deadlock or lock timeout: redo the whole transaction (ward_db_tx does)
 *   UNAVAILABLE          the server is away, or lost
 *   DEADLINE_EXCEEDED    the statement outlived the deadline and was stopped
 *   RESOURCE_EXHAUSTED   an answer past the arena's cap; a full disk; too large a packet
 *   INTERNAL             anything else
 *
 * Once a statement inside a transaction has failed with ABORTED or lost the connection, the
 * server has ended that transaction: every further statement in it fails with the same code,
 * and so does ward_db_tx, whatever fn returns.
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
        *tls_key; /* "" for none; with tls_ca the server is verified */
    /* Every statement is inside ward_db_tx (others are refused, INTERNAL), so that none has to
     * say that a transaction begins: a round trip less. What is found dead by its first
     * statement alone fails that transaction, UNAVAILABLE: nothing was sent before to find it.
     */
    bool tx_only;
};

/* A value going in or out. p == NULL is SQL NULL. What comes out is followed by a NUL. */
struct ward_val {
    const char *p;
    size_t n;
};

struct ward_val ward_text(const char *s); /* NULL is SQL NULL */
struct ward_val ward_blob(const void *p, size_t n);
struct ward_val ward_int(struct ward_arena *mem, int64_t v);
struct ward_val ward_num(struct ward_arena *mem, double v); /* 17 significant digits */

#define WARD_PARAMS(...)                                                                       \
    (const struct ward_val[]){__VA_ARGS__},                                                    \
        sizeof((const struct ward_val[]){__VA_ARGS__}) / sizeof(struct ward_val)
#define WARD_NO_PARAMS NULL, 0

struct ward_rows {
    size_t n, cols;
    const struct ward_val *const *at; /* at[row][col] */
    uint64_t affected;                /* rows changed by a write */
    uint64_t last_id;                 /* AUTO_INCREMENT of the last insert */
};

/* Connects; the session is utf8mb4, time zone +00:00, strict mode, READ COMMITTED. */
WARD_MUST enum ward_code ward_db_open(const struct ward_db_config *cfg, struct ward_db **out,
                                      struct ward_err *err);
void ward_db_close(struct ward_db *db); /* NULL is fine */

/* Statements from now on must end by this monotonic time (WARD_NO_DEADLINE: 30 s each). The
 * server stops a statement at most a quarter late, and the client gives a silent server one
 * second more. */
void ward_db_deadline(struct ward_db *db, int64_t deadline_ns);

/* Runs one statement of at most 1,024 parameters and 64 columns. `sql` should be a string
 * literal: its address is the key of the cache of prepared statements (128 a connection). `mem`
 * may be NULL for a statement without columns, `out` for one whose result is of no interest. */
WARD_MUST enum ward_code ward_db_run(struct ward_db *db, struct ward_arena *mem,
                                     const char *sql, const struct ward_val *params,
                                     size_t n_params, struct ward_rows *out,
                                     struct ward_err *err);

/* Runs one INSERT/UPDATE/DELETE for n rows of n_params values each (row-major) in one round
 * trip (array binding); in several past 8,192 rows or 4 MiB. All or nothing: outside a
 * transaction it makes its own. */
WARD_MUST enum ward_code ward_db_bulk(struct ward_db *db, const char *sql,
                                      const struct ward_val *values, size_t n_params, size_t n,
                                      struct ward_err *err);

/* Runs fn inside a transaction and commits. ABORTED is redone, at most 5 times with jitter and
 * inside the deadline, so fn must be safe to run again and must not keep results of a failed
 * run (mem is not reset between runs). Any other failure rolls back. A failure of COMMIT itself
 * is UNAVAILABLE with reason COMMIT_UNKNOWN: the caller's idempotency key finds out. */
typedef enum ward_code ward_tx_fn(struct ward_db *db, void *arg, struct ward_err *err);
WARD_MUST enum ward_code ward_db_tx(struct ward_db *db, ward_tx_fn *fn, void *arg,
                                    struct ward_err *err);
bool ward_db_in_tx(const struct ward_db *db);
/* Calls fn(arg) after the running transaction has committed, and never otherwise. */
void ward_db_after_commit(struct ward_db *db, void (*fn)(void *), void *arg);

WARD_MUST enum ward_code ward_db_ping(struct ward_db *db, struct ward_err *err);

/* Forward-only migrations, embedded by the build from services/<svc>/schema/NNN_what.sql.
 * Statements end with ";\n" (so a trigger's body stands on one line). A run that was cut, by
 * kill -9 or a dead server, is taken up where it was: migrate.c says how. Runs under a named
 * lock, so that replicas starting together agree;
 * each file is recorded with its sha256. A line "-- min_program: N" in a file lets programs
 * start whose newest migration is N or later; without it a program starts only if it has the
 * file. FAILED_PRECONDITION  the database is too new for this program, or a file that ran has
 * changed */
struct ward_migration {
    int number;
    const char *name; /* "001_init" */
    const char *sql;
};
struct ward_schema {
    const char *set; /* "common", "audit" */
    const struct ward_migration *at;
    int n;
};
extern const struct ward_schema ward_schema_common; /* outbox, idempotency */
WARD_MUST enum ward_code ward_db_migrate(const struct ward_db_config *cfg,
                                         const struct ward_schema *const *sets, int n,
                                         struct ward_err *err);

#endif
