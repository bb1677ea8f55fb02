/* db_internal.h - what the files of common/db share; nobody else includes it.
 *
 * Threads, memory, errors: as db.h.
 */
#ifndef WARD_DB_DB_INTERNAL_H
#define WARD_DB_DB_INTERNAL_H

#include "common/base/clock.h"
#include "common/base/metrics.h"
#include "common/db/db.h"

#include <mysql.h>

/* Prepared statements: sets of ways, as a processor's cache, so that a look-up is short, the
 * memory bounded, and the least recently used goes first. */
#define DB_SETS       32
#define DB_WAYS       4
#define DB_MAX_PARAMS 1024
#define DB_MAX_COLS   64
#define DB_AFTER      16
#define DB_BYTES      512 /* so long a value is sent as bytes: text is read twice by the server */

struct db_stmt {
    const char *sql; /* the literal's address is the key */
    char *copy;      /* and its text, should the address turn out to be no literal's */
    MYSQL_STMT *stmt;
    uint64_t used;
    bool array; /* its last execution was array-bound */
};

struct ward_db {
    struct ward_db_config cfg;
    MYSQL *my; /* NULL: not connected */
    struct db_stmt cache[DB_SETS][DB_WAYS];
    uint64_t tick;
    int64_t deadline_ns;
    int limit_ms; /* the session's max_statement_time now */
    bool unlimited;
    bool in_tx;
    enum ward_code tx_code; /* not OK: the server has ended this transaction */
    int n_after;
    struct {
        void (*fn)(void *);
        void *arg;
    } after[DB_AFTER];
    int64_t outbox_from;  /* ward_outbox_drain: where the next batch begins, */
    unsigned outbox_full; /* and how many full ones came in a row */
    int64_t outbox_sent;  /* ward_outbox_age */
    struct {              /* ward_db_bulk's columns, kept for the next one */
        char **p;
        unsigned long *len;
        char *null;
        size_t cap;
    } bulk;
};

/* db.c */
WARD_MUST enum ward_code ward_db_connected(struct ward_db *db, struct ward_err *err);
void ward_db_disconnect(struct ward_db *db);
/* Makes the server and the client give up by the deadline; a round trip only when the limit in
 * force is not about the time left. DEADLINE_EXCEEDED when none is. */
WARD_MUST enum ward_code ward_db_limit(struct ward_db *db, struct ward_err *err);
/* No limit on this connection's statements any more: for migrations. */
WARD_MUST enum ward_code ward_db_unlimited(struct ward_db *db, struct ward_err *err);
/* One statement as text, without parameters or rows. */
WARD_MUST enum ward_code ward_db_text(struct ward_db *db, const char *sql,
                                      struct ward_err *err);
/* Counts a statement that began at `began_ns`, and passes its code on. */
enum ward_code ward_db_counted(enum ward_code code, int64_t began_ns);

/* db_error.c: translates a MariaDB failure, once; drops a connection that is of no more use. */
enum ward_code ward_db_fail(struct ward_db *db, unsigned number, const char *words,
                            const char *sql, struct ward_err *err);

/* db_stmt.c */
WARD_MUST enum ward_code ward_db_prepared(struct ward_db *db, const char *sql,
                                          struct db_stmt **out, struct ward_err *err);
enum ward_code ward_db_stmt_fail(struct ward_db *db, struct db_stmt *s, struct ward_err *err);

#endif
