/* state.h - the registry in the database: which version of each model is active, which are
 * loaded, and how shadows compared. All replicas follow `revision`.
 *
 * Threads: the connection's own. Memory: the arena given. Errors: db.h's; INTERNAL a row that
 * cannot be.
 */
#ifndef DIAGNOSIS_REGISTRY_STATE_H
#define DIAGNOSIS_REGISTRY_STATE_H

#include "common/db/db.h"

#define STATE_MODELS   16
#define STATE_VERSIONS 4  /* of one model */
#define STATE_NAME     65 /* bytes of a name or version, NUL included */

struct state_model {
    char name[STATE_NAME], active[STATE_NAME], previous[STATE_NAME];
    int n;
    struct {
        char version[STATE_NAME];
        bool shadow;
    } version[STATE_VERSIONS];
};
struct state {
    int64_t revision;
    int n;
    struct state_model model[STATE_MODELS];
};

WARD_MUST enum ward_code state_revision(struct ward_db *db, struct ward_arena *mem,
                                        int64_t *out, struct ward_err *err);
/* All of it, of one moment. */
WARD_MUST enum ward_code state_read(struct ward_db *db, struct ward_arena *mem,
                                    struct state *out, struct ward_err *err);
/* The configuration's version, active where the database has no such model. */
WARD_MUST enum ward_code state_seed(struct ward_db *db, struct ward_arena *mem,
                                    const char *name, const char *version,
                                    struct ward_err *err);

/* ---- inside a transaction ---- */

/* Reads and locks the model's row. Without a row, `make` inserts one; otherwise out->name is
 * empty. */
WARD_MUST enum ward_code state_lock(struct ward_db *db, struct ward_arena *mem,
                                    const char *name, bool make, struct state_model *out,
                                    struct ward_err *err);
WARD_MUST enum ward_code state_count(struct ward_db *db, struct ward_arena *mem, int64_t *out,
                                     struct ward_err *err);
WARD_MUST enum ward_code state_put(struct ward_db *db, struct ward_arena *mem, const char *name,
                                   const char *version, bool shadow, struct ward_err *err);
WARD_MUST enum ward_code state_drop(struct ward_db *db, struct ward_arena *mem,
                                    const char *name, const char *version,
                                    struct ward_err *err);
WARD_MUST enum ward_code state_set(struct ward_db *db, struct ward_arena *mem, const char *name,
                                   const char *active, const char *previous,
                                   struct ward_err *err);
/* Last: replicas look now. */
WARD_MUST enum ward_code state_bump(struct ward_db *db, struct ward_err *err);

/* ---- shadows ---- */

struct compared {
    char active[STATE_NAME];
    int64_t compared, agreed, abstained_apart, failed, both_answered;
    double difference_sum, difference_max;
};
/* Adds to what is there of this model, version and active. */
WARD_MUST enum ward_code state_compare(struct ward_db *db, struct ward_arena *mem,
                                       const char *model, const char *version,
                                       const struct compared *add, struct ward_err *err);
#define STATE_COMPARED 16
/* By the active version; more than STATE_COMPARED are left out. */
WARD_MUST enum ward_code state_compared(struct ward_db *db, struct ward_arena *mem,
                                        const char *model, const char *version,
                                        struct compared out[STATE_COMPARED], int *n,
                                        struct ward_err *err);

#endif
