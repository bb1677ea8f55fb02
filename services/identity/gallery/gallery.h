/* gallery.h - the faces that this replica can search, and their synchronization with the
 * database.
 *
 * An index in memory has one row for each searchable subject. A row is the mean of the
 * subject's templates of the current model, or of the former model if there are no others. It
 * is normalized to length 1, in transformed form, and quantized for common/scan. A space
 * contains the rows of one model, kind and generation of the transform. A probe is transformed
 * for each searched space. Full-precision vectors are read only for candidates: from the mapped
 * snapshot, where each vector is encrypted under its bucket's key, or from memory if newer.
 *
 * A follower thread reads gallery_change every 500 ms, and at once after a hint about a commit.
 * Hints come from this process, or from other replicas over the bus. A change is therefore
 * searchable on all replicas within a second. The snapshot file (WARD_GALLERY_DIR) is written
 * in the background. At start the file is mapped, verified and updated. Buckets with a
 * destroyed key are read from the database.
 *
 * Threads: shared; searches run concurrently with the follower. Memory: its own, wiped at the
 * end. Errors: UNAVAILABLE GALLERY_LOADING until the first load is complete. */
#ifndef IDENTITY_GALLERY_H
#define IDENTITY_GALLERY_H

#include "common/base/arena.h"
#include "common/db/db.h"
#include "services/identity/keys/keys.h"

struct gallery;
struct gallery_config {
    /* folder of the snapshot; "": no snapshot, each start reads the database */
    const char *dir;
    const char *hint_listen; /* bus.h address for this replica's hints; "": none */
    const char *hint_peers;  /* comma-separated addresses of the other replicas' hints */
    const char *tls_cert, *tls_key, *tls_ca; /* files for tls+tcp addresses */
    int threads;                             /* maximum number of threads for a search */
    int snapshot_ms;                         /* time between snapshots while data changes */
    /* SHA-256 of the loaded embedding models: current and former; "": not loaded */
    const char *model[2];
    int dim[2];
};
/* Opens a gallery, and starts loading faces in the background. */
WARD_MUST enum ward_code gallery_open(const struct gallery_config *cfg, struct keys *keys,
                                      const struct ward_db_config *db, struct gallery **out,
                                      struct ward_err *err);
/* NULL is allowed */
void gallery_close(struct gallery *g);
/* readiness check: OK when faces are loaded */
WARD_MUST enum ward_code gallery_ready(void *gallery, struct ward_err *err);

/* Call inside the transaction that changed a subject's templates, consents, galleries, kind or
 * key, as its last statement. Assigns a number to the change, and sends a hint after the
 * commit. */
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
    struct gallery_hit hit[8]; /* best first, one hit for each subject */
    int n;
    int64_t size; /* number of subjects searched */
    int64_t seq;  /* number of the last change that the index includes */
};
/* Searches a gallery for a face. v: an embedding of model[which], length 1, not transformed.
 * name: "patients", "staff", "all", or the name of a manually created gallery. `except`: a
 * subject to omit, for enrolments; may be NULL. `stop`: as in host.h.
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
    int64_t subjects[3]; /* index 1: patients, index 2: staff */
    const char *kernel;
};
void gallery_state(struct gallery *g, struct gallery_state *out);

/* Whether `name` can be that of a manually created gallery, such as "ward/3a" or
 * "clinic/eye". */
bool gallery_is_named(const char *name);
/* Like gallery_is_named, but also true for "patients", "staff" and "all". */
bool gallery_is_name(const char *name);
/* Checks for the errors of gallery_search, without searching. */
WARD_MUST enum ward_code gallery_known(struct gallery *g, const char *name,
                                       struct ward_err *err);
/* gallery_size: number of subjects in a gallery. gallery_rows: rows of one model in all
 * galleries. */
int64_t gallery_size(struct gallery *g, const char *name);
int64_t gallery_rows(struct gallery *g, int which);

#endif
