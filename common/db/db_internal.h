/* db_internal.h - declarations shared only by the files of common/db.
 *
 * Threads, memory, errors: as db.h.
 */
#ifndef WARD_DB_DB_INTERNAL_H
#define WARD_DB_DB_INTERNAL_H

#include "common/base/clock.h"
#include "common/base/metrics.h"
#include "common/db/db.h"

#include <mysql.h>

/* Prepared statements: a set-associative cache. A look-up is short, the memory is bounded, and
 * the least recently used statement is evicted. */
#define DB_SETS       32
#define DB_WAYS       4
#define DB_MAX_PARAMS 1024
#define DB_MAX_COLS   64
#define DB_AFTER      16
#define DB_BYTES                                                                               \
    512 /* values of this size or more are sent as bytes, because the server reads text twice  \
         */

struct db_stmt {
    const char *sql; /* the cache's key: the address of the literal */
    char *copy;      /* a copy of the text, in case the address is not a literal's */
    MYSQL_STMT *stmt;
    uint64_t used;
    bool array; /* the last execution used array binding */
};

struct ward_db {
    struct ward_db_config cfg;
    MYSQL *my; /* NULL: not connected */
    struct db_stmt cache[DB_SETS][DB_WAYS];
    uint64_t tick;
    int64_t deadline_ns;
    int limit_ms; /* the session's current max_statement_time */
    bool unlimited;
    bool in_tx;
    enum ward_code tx_code; /* not OK: the server has rolled back this transaction */
    int n_after;
    struct {
        void (*fn)(void *);
        void *arg;
    } after[DB_AFTER];
    int64_t outbox_from;  /* ward_outbox_drain: the next batch begins after this id */
    unsigned outbox_full; /* ward_outbox_drain: number of full batches in sequence */
    int64_t outbox_sent;  /* ward_outbox_age: newest row that this connection has drained */
    int node;             /* writers.c: the Galera node of this connection; -1: none */
    unsigned epoch;
    bool beating;
    struct { /* ward_db_bulk's columns, reused by the next call */
        char **p;
        unsigned long *len;
        char *null;
        size_t cap;
    } bulk;
};

/* db.c */
WARD_MUST enum ward_code ward_db_connected(struct ward_db *db, struct ward_err *err);
void ward_db_disconnect(struct ward_db *db);
/* Makes the server and the client stop by the deadline. A round trip is needed only if the
 * current limit does not fit the remaining time. DEADLINE_EXCEEDED if no time remains. */
WARD_MUST enum ward_code ward_db_limit(struct ward_db *db, struct ward_err *err);
/* Removes the limit on this connection's statements, for migrations. */
WARD_MUST enum ward_code ward_db_unlimited(struct ward_db *db, struct ward_err *err);
/* Runs one statement as text, without parameters or rows. */
WARD_MUST enum ward_code ward_db_text(struct ward_db *db, const char *sql,
                                      struct ward_err *err);
/* Counts a statement that began at `began_ns`, and returns its code. */
enum ward_code ward_db_counted(enum ward_code code, int64_t began_ns);

/* writers.c. meet: asks a new connection for its Galera node; false if the connection fails.
 * wrote: counts a statement that changed rows. outdated: returns whether the connection must be
 * opened again.
 */
WARD_MUST bool ward_db_meet(struct ward_db *db);
void ward_db_wrote(const struct ward_db *db);
bool ward_db_outdated(const struct ward_db *db);

/* db_error.c: translates a MariaDB failure once, and drops an unusable connection. */
enum ward_code ward_db_fail(struct ward_db *db, unsigned number, const char *words,
                            const char *sql, struct ward_err *err);

/* db_stmt.c */
WARD_MUST enum ward_code ward_db_prepared(struct ward_db *db, const char *sql,
                                          struct db_stmt **out, struct ward_err *err);
enum ward_code ward_db_stmt_fail(struct ward_db *db, struct db_stmt *s, struct ward_err *err);

#endif
