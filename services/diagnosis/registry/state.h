/* state.h - the registry in the database: which version of each model is active, which are
 * loaded, and how shadows compared. All replicas follow `revision`.
 *
 * Threads: each thread uses its own connection. Memory: the arena passed in. Errors: those of
 * db.h; INTERNAL for an invalid row. */
#ifndef DIAGNOSIS_REGISTRY_STATE_H
#define DIAGNOSIS_REGISTRY_STATE_H

#include "common/db/db.h"

#define STATE_MODELS   16
#define STATE_VERSIONS 4  /* maximum number of loaded versions of a model */
#define STATE_NAME     65 /* bytes of a name or version, including the NUL */

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
/* Reads the whole registry at one revision. */
WARD_MUST enum ward_code state_read(struct ward_db *db, struct ward_arena *mem,
                                    struct state *out, struct ward_err *err);
/* Inserts a configured version, and makes it active, if the database does not have the
 * model. */
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
/* Advances the revision, which all replicas follow. Call it last. */
WARD_MUST enum ward_code state_bump(struct ward_db *db, struct ward_err *err);

/* ---- shadows ---- */

struct compared {
    char active[STATE_NAME];
    int64_t compared, agreed, abstained_apart, failed, both_answered;
    double difference_sum, difference_max;
};
/* Adds to the comparisons of this model and version with add->active. */
WARD_MUST enum ward_code state_compare(struct ward_db *db, struct ward_arena *mem,
                                       const char *model, const char *version,
                                       const struct compared *add, struct ward_err *err);
#define STATE_COMPARED 16
/* Reads the comparisons of a version, one for each active version; at most STATE_COMPARED. */
WARD_MUST enum ward_code state_compared(struct ward_db *db, struct ward_arena *mem,
                                        const char *model, const char *version,
                                        struct compared out[STATE_COMPARED], int *n,
                                        struct ward_err *err);

#endif
