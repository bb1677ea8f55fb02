/* writers.h - detects that a service's replicas write to two nodes of a Galera cluster.
 *
 * Locks (GET_LOCK, FOR UPDATE) hold on one node only. With two writers, a key rotation can
 * destroy a key that a transaction on the other node has just used. Every connection asks its
 * node's name when it opens, and counts its writes. Each round (ward_db_writers) adds one to
 * the row of each node that this process wrote to, and compares all rows with the previous
 * round. A node whose number grows in two successive rounds takes writes. No clock is involved.
 *
 * A switch of the primary may leave old connections on the old node. The first finding makes
 * this process open all its connections again, outside transactions. If two nodes still take
 * writes afterwards, the finding is reported.
 *
 * Threads: a ward_writers belongs to one thread; the counts belong to the process. Memory: the
 * caller's. Errors: FAILED_PRECONDITION with reason TWO_WRITERS.
 */
#ifndef WARD_DB_WRITERS_H
#define WARD_DB_WRITERS_H

#include "common/db/db.h"

#define WARD_NODES    8   /* maximum number of nodes */
#define WARD_NODE_MAX 256 /* bytes of a node's name, NUL included */

struct ward_writers {
    struct ward_writer {
        char node[WARD_NODE_MAX];
        uint64_t beats; /* number in the node's row, read in the last round */
        int grew;       /* number of successive rounds in which `beats` grew */
        bool seen;      /* the current round has read the node's row */
    } at[WARD_NODES];
    int n, a, b;                /* at[a] and at[b]: the last two nodes that both took writes */
    uint64_t wrote[WARD_NODES]; /* writes of this process to each node, up to the last round */
    int64_t reopened_ns; /* time at which the connections were last opened again; 0: never */
    int64_t until_ns;    /* the finding is reported until this time */
};

/* Runs one round, on a connection that is not in a transaction.
 *   FAILED_PRECONDITION  reason TWO_WRITERS, with the names of two nodes */
WARD_MUST enum ward_code ward_db_writers(struct ward_db *db, struct ward_writers *w,
                                         struct ward_err *err);

/* ---- the decision, without a database ---- */

void ward_writers_begin(struct ward_writers *w); /* begins a round */
void ward_writers_row(struct ward_writers *w, const char *node, uint64_t beats);
/* Returns the number of nodes that take writes. If there are at least two, the first two are
 * at[*a] and at[*b]. */
int ward_writers_count(struct ward_writers *w, int *a, int *b);

enum ward_writers_do { WARD_WRITERS_FINE, WARD_WRITERS_REOPEN, WARD_WRITERS_FAIL };
enum ward_writers_do ward_writers_decide(struct ward_writers *w, int n, int64_t now_ns);

#endif
