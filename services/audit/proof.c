/* Reads the tree as roots of complete subtrees. The roots of every fourth level are stored. A
 * root of a level between is computed from at most eight stored roots or leaves, which one
 * statement reads. */
#include "common/base/text.h"
#include "services/audit/audit.h"

#include <string.h>

#define STORED 4 /* every fourth level is stored */

static enum ward_code read_leaves(struct audit_reader *r, uint64_t lo, size_t n,
                                  struct ward_hash *out, struct ward_err *err)
{
    static const char SQL[] = "SELECT leaf FROM entry WHERE idx >= ? AND idx < ? ORDER BY idx";
    struct ward_rows rows;

    WARD_TRY(ward_db_run(
        r->db, r->mem, SQL,
        WARD_PARAMS(ward_int(r->mem, (int64_t)lo), ward_int(r->mem, (int64_t)(lo + n))), &rows,
        err));
    if (rows.n != n)
        return WARD_FAIL_REASON(err, DATA_LOSS, "LOG_TAMPERED", "entries are missing");
    for (size_t i = 0; i < n; i++)
        ward_leaf_hash(rows.at[i][0].p, rows.at[i][0].n, &out[i]);
    return WARD_OK;
}

static enum ward_code read_nodes(struct audit_reader *r, int level, uint64_t lo, size_t n,
                                 struct ward_hash *out, struct ward_err *err)
{
    static const char SQL[] = "SELECT hash FROM node"
                              " WHERE level = ? AND pos >= ? AND pos < ? ORDER BY pos";
    struct ward_rows rows;

    WARD_TRY(ward_db_run(r->db, r->mem, SQL,
                         WARD_PARAMS(ward_int(r->mem, level), ward_int(r->mem, (int64_t)lo),
                                     ward_int(r->mem, (int64_t)(lo + n))),
                         &rows, err));
    if (rows.n != n)
        return WARD_FAIL_REASON(err, DATA_LOSS, "LOG_TAMPERED",
                                "nodes of the tree are missing");
    for (size_t i = 0; i < n; i++) {
        if (rows.at[i][0].n != sizeof(out[i].b))
            return WARD_FAIL_REASON(err, DATA_LOSS, "LOG_TAMPERED", "a node is not a hash");
        memcpy(out[i].b, rows.at[i][0].p, sizeof(out[i].b));
    }
    return WARD_OK;
}

static enum ward_code node(void *arg, int level, uint64_t pos, struct ward_hash *out,
                           struct ward_err *err)
{
    struct ward_hash h[1 << (STORED - 1)];
    const int above = level % STORED, stored = level - above;
    size_t n = (size_t)1 << above;

    if (stored == 0)
        WARD_TRY(read_leaves(arg, pos << above, n, h, err));
    else
        WARD_TRY(read_nodes(arg, stored, pos << above, n, h, err));
    for (; n > 1; n /= 2)
        for (size_t i = 0; i < n / 2; i++)
            ward_node_hash(&h[2 * i], &h[2 * i + 1], &h[i]);
    *out = h[0];
    return WARD_OK;
}

struct ward_tree audit_tree(struct audit_reader *r)
{
    return (struct ward_tree){r, node};
}
