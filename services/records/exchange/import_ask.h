/* import_ask.h - queries for many ids, with up to 250 ids per query.
 *
 * Threads: call from a worker's thread. Memory: the arena. Errors: those of db.h and of the row
 * function.
 */
#ifndef RECORDS_EXCHANGE_IMPORT_ASK_H
#define RECORDS_EXCHANGE_IMPORT_ASK_H

#include "services/records/exchange/import.h"

/* More ids than MariaDB's eq_range_index_dive_limit (200): the optimizer then does not look for
 * each id in the index before the query does. */
#define ASK_AT_ONCE 250
#define ASK_Q10     "?,?,?,?,?,?,?,?,?,?"
#define ASK_Q50     ASK_Q10 "," ASK_Q10 "," ASK_Q10 "," ASK_Q10 "," ASK_Q10
#define ASK_IN      " IN (" ASK_Q50 "," ASK_Q50 "," ASK_Q50 "," ASK_Q50 "," ASK_Q50 ")"

struct ask {
    struct worker *w;
    struct ward_arena *mem;
    const char *sql; /* the query, with ASK_AT_ONCE parameters */
    struct ward_val ids[ASK_AT_ONCE];
    size_t n;
    struct id_map asked; /* ids of earlier queries */
    enum ward_code (*row)(struct ask *q, const struct ward_val *row, struct ward_err *err);
    struct id_map *out;
};

/* Prepares a query for at most n ids. The caller then sets `row`. */
WARD_MUST enum ward_code ask_open(struct ask *q, struct worker *w, struct ward_arena *mem,
                                  const char *sql, size_t n, struct id_map *out,
                                  struct ward_err *err);
/* Queues an id, by reference. Each id is queried once. */
WARD_MUST enum ward_code ask_about(struct ask *q, const uint8_t id[RECORDS_ID],
                                   struct ward_err *err);
/* Queries the remaining ids. */
WARD_MUST enum ward_code ask_end(struct ask *q, struct ward_err *err);

#endif
