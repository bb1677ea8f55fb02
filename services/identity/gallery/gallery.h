/* gallery.h - the faces that this replica can search, and their synchronization with the
 * database.
 *
 * An index in memory has one row for each searchable subject: the mean of all templates of the
 * current model, or of the former one if there are no others, normalized to length 1, in
 * transformed form, quantized for common/scan. Rows are grouped by space: model, kind and
 * generation of the transform; a probe is transformed for each searched space. Full-precision
 * vectors are read only for candidates, from the mapped snapshot (each encrypted under its
 * bucket's key) or from memory if newer.
 *
 * A follower thread reads gallery_change from its position, at least every 500 ms and at once
 * after a hint (this process's own commits, or other replicas' over the bus), so a change is
 * searchable everywhere within a second. The snapshot file (WARD_GALLERY_DIR) is written in the
 * background. At start it is mapped, verified and updated, and buckets with a destroyed key are
 * read from the database.
 *
 * Threads: shared; searches run concurrently with the follower. Memory: its own, wiped at the
 * end. Errors: UNAVAILABLE GALLERY_LOADING until the first load has ended.
 */
#ifndef IDENTITY_GALLERY_H
#define IDENTITY_GALLERY_H

#include "common/base/arena.h"
#include "common/db/db.h"
#include "services/identity/keys/keys.h"

struct gallery;
struct gallery_config {
    const char *dir;         /* of the snapshot; "": none, each start reads the database */
    const char *hint_listen; /* bus.h address for this replica's hints; "" none */
    const char *hint_peers;  /* comma-separated addresses of the other replicas' hints */
    const char *tls_cert, *tls_key, *tls_ca; /* for tls+tcp */
    int threads;                             /* maximum for a search */
    int snapshot_s;                          /* time between snapshots while data changes */
    const char *model[2];                    /* loaded embedding models; "" none */
    int dim[2];
};
/* Starts loading in the background and returns. */
WARD_MUST enum ward_code gallery_open(const struct gallery_config *cfg, struct keys *keys,
                                      const struct ward_db_config *db, struct gallery **out,
                                      struct ward_err *err);
void gallery_close(struct gallery *g);                                       /* NULL is fine */
WARD_MUST enum ward_code gallery_ready(void *gallery, struct ward_err *err); /* a check */

/* Inside the transaction that changed a subject's templates, consents, galleries, kind or key,
 * as its last statement: assigns the change's number, and sends a hint after the commit. */
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
    struct gallery_hit hit[8]; /* best first, one for each subject */
    int n;
    int64_t size; /* subjects searched */
    int64_t seq;  /* changes up to this one are included */
};
/* v: of model[which], length 1, not transformed. name: "patients", "staff", "all" or a manually
 * created one. `except` (may be NULL) is omitted: the subject being enrolled. `stop` as
 * host.h's.
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

/* "ward/3a", "clinic/eye": manually created ones. */
bool gallery_is_named(const char *name);
/* These, and "patients", "staff", "all". */
bool gallery_is_name(const char *name);
/* Errors as gallery_search's, without searching. */
WARD_MUST enum ward_code gallery_known(struct gallery *g, const char *name,
                                       struct ward_err *err);
/* Number of subjects in a gallery; rows of one model in all galleries. */
int64_t gallery_size(struct gallery *g, const char *name);
int64_t gallery_rows(struct gallery *g, int which);

/* Identification of a photograph with thresholds: identify.h's identify_face. */

#endif
