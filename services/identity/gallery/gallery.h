/* gallery.h - the faces this replica can search, and how it keeps up with the database.
 *
 * An index in memory holds one row for each subject who may be searched for: all templates of
 * the model in use, or of the former one where there are none of that, fused (their mean, to
 * length 1), turned as they lie, quantised for common/scan. Rows are kept by space: model, kind
 * and generation of the transform; a probe is turned for each space it is searched in.
 * Full-precision vectors are read for candidates only, from the mapped snapshot (each sealed
 * under its bucket's key) or from memory when newer.
 *
 * A follower thread reads gallery_change from where it was, at the latest every 500 ms and at
 * once when a hint comes (this process's own commits, other replicas' over the bus), so a
 * change is searchable everywhere within a second. The snapshot file (WARD_GALLERY_DIR) is
 * written anew in the background; at start it is mapped, checked and brought up to date, and
 * buckets whose key has ended are read from the database.
 *
 * Threads: shared; searches run at once with the follower. Memory: its own, wiped at the end.
 * Errors: UNAVAILABLE GALLERY_LOADING until the first load is through.
 */
#ifndef IDENTITY_GALLERY_H
#define IDENTITY_GALLERY_H

#include "common/base/arena.h"
#include "common/db/db.h"
#include "services/identity/keys/keys.h"

struct gallery;
struct gallery_config {
    const char *dir;         /* of the snapshot; "": none, each start reads the database */
    const char *hint_listen; /* bus.h address this replica hints on; "" none */
    const char *hint_peers;  /* comma-separated addresses of the other replicas' */
    const char *tls_cert, *tls_key, *tls_ca; /* for tls+tcp */
    int threads;                             /* that a search may use */
    int snapshot_s;                          /* time between snapshots when things changed */
    const char *model[2];                    /* embedding models that are loaded; "" none */
    int dim[2];
};
/* Starts loading in the background and returns. */
WARD_MUST enum ward_code gallery_open(const struct gallery_config *cfg, struct keys *keys,
                                      const struct ward_db_config *db, struct gallery **out,
                                      struct ward_err *err);
void gallery_close(struct gallery *g);                                       /* NULL is fine */
WARD_MUST enum ward_code gallery_ready(void *gallery, struct ward_err *err); /* a check */

/* Inside the transaction that changed a subject's templates, consents, galleries, kind or key,
 * as its last statement: gives the change its number, and hints once it is committed. */
WARD_MUST enum ward_code gallery_changed(struct gallery *g, struct ward_db *db,
                                         struct ward_arena *mem,
                                         const uint8_t subject_id[KEYS_ID],
                                         struct ward_err *err);

struct gallery_hit {
    uint8_t subject_id[KEYS_ID];
    int kind;
    double score;
};
struct gallery_found {
    struct gallery_hit hit[8]; /* best first, one a subject */
    int n;
    int64_t size; /* subjects searched */
    int64_t seq;  /* followed up to here */
};
/* v: of model[which], length 1, not turned. name: "patients", "staff", "all" or one made by
 * hand. `except` (may be NULL) is left out: the subject being enrolled. `stop` as host.h's.
 *   UNAVAILABLE  GALLERY_LOADING
 *   NOT_FOUND    GALLERY_NOT_FOUND */
struct ward_stop;
WARD_MUST enum ward_code gallery_search(struct gallery *g, struct ward_db *db, const char *name,
                                        int which, const float *v, int k, const uint8_t *except,
                                        const struct ward_stop *stop, struct ward_arena *mem,
                                        struct gallery_found *out, struct ward_err *err);

struct gallery_state {
    bool ready;
    int64_t seq, snapshot_seq, bytes;
    int64_t subjects[3]; /* of kind 1 and 2 */
    const char *kernel;
};
void gallery_state(struct gallery *g, struct gallery_state *out);

/* "ward/3a", "clinic/eye": made by hand. */
bool gallery_is_named(const char *name);
/* Those, and "patients", "staff", "all". */
bool gallery_is_name(const char *name);
/* Errors as gallery_search's, without searching. */
WARD_MUST enum ward_code gallery_known(struct gallery *g, const char *name,
                                       struct ward_err *err);
/* Subjects in a gallery; rows of one model in all of them. */
int64_t gallery_size(struct gallery *g, const char *name);
int64_t gallery_rows(struct gallery *g, int which);

/* Who is on a photograph, threshold and all: identify.h's identify_face. */

#endif
