/* index.h - the searchable rows, their subjects, and the location of their exact vectors.
 *
 * Each subject has one row: of the current model, or of the former model if there is no other.
 * A row belongs to a space (model, kind, generation of the transform). A space has a scan_set
 * with the quantized vectors, and a slab with the subject of each row. Exact vectors are in
 * memory, or encrypted in a mapped snapshot.
 *
 * Threads: one lock. A writer holds the lock for one row. A search holds the lock, shared, only
 * while it copies, and never while it scans. This lock and those of scan can therefore not
 * deadlock. Memory: its own, wiped at the end. Errors: RESOURCE_EXHAUSTED. */
#ifndef IDENTITY_GALLERY_INDEX_H
#define IDENTITY_GALLERY_INDEX_H

#include "common/scan/idmap.h"
#include "common/scan/scan.h"
#include "common/scan/slab.h"
#include "services/identity/gallery/gallery.h"

#include <pthread.h>

#define GALLERY_SPACES 64 /* 2 models x 2 kinds x generations with rows */
#define GALLERY_NAME   65

/* Location of an exact vector: an index into `vectors`, or an offset in one of two mapped
 * files, in units of PLACE_UNIT bytes. */
#define PLACE_UNIT   32
#define PLACE_MAPPED UINT32_C(0x80000000)
#define PLACE_SECOND UINT32_C(0x40000000)
#define PLACE_MAX    UINT32_C(0x3fffffff)

struct mapping; /* defined in snapshot_file.h */

struct row {
    uint8_t id[KEYS_ID];
    uint32_t place;
    uint32_t version; /* changes with each update of the row */
    uint32_t epoch;   /* number of the last load that saw the row */
    uint32_t named;   /* number of named galleries that contain the subject */
};
struct space {
    int which, kind, generation, dim;
    struct scan_set *set;
    /* one struct row for each row of the scan_set, with equal numbers */
    struct scan_slab *rows;
};
struct named {
    char name[GALLERY_NAME];
    struct scan_idmap *members; /* ids of the members that have a row; all values are 0 */
};
struct index {
    pthread_rwlock_t lock;
    struct scan_pool *pool;
    int n_spaces;
    struct space at[GALLERY_SPACES];
    struct scan_idmap *subjects;  /* maps a subject's id to space << 32 | row */
    struct scan_slab *vectors[2]; /* exact vectors of each model: dim float32 */
    struct scan_slab *named;
    uint32_t version, epoch;
    struct mapping *map[2];
};

WARD_MUST enum ward_code index_init(struct index *x, const struct gallery_config *cfg,
                                    struct ward_err *err);
void index_done(struct index *x);

/* The data of a subject's row. */
struct face_row {
    uint8_t id[KEYS_ID];
    int which, kind, generation, dim;
    const int8_t *codes;
    struct scan_code code;
    const float *exact; /* the exact vector; NULL: the vector is at `place` */
    uint32_t place;
};
/* Adds or replaces the row of a subject. */
WARD_MUST enum ward_code index_put(struct index *x, const struct face_row *f,
                                   struct ward_err *err);
void index_remove(struct index *x, const uint8_t id[KEYS_ID]);
/* Sets the named galleries of a subject. A subject without a row is in no gallery. */
WARD_MUST enum ward_code index_join(struct index *x, const uint8_t id[KEYS_ID],
                                    const char *const *names, size_t n, struct ward_err *err);

/* Begins a load that reads everything. Rows that the load neither puts nor keeps are removed at
 * its end. */
void index_begin_load(struct index *x);
void index_end_load(struct index *x);

struct index_size {
    int64_t rows[3]; /* index 1: patients, index 2: staff */
    int64_t bytes;
};
void index_measure(struct index *x, struct index_size *out);
/* Number of subjects in a named gallery; -1: the gallery does not exist. */
int64_t index_named(struct index *x, const char *name);
/* Finds a named gallery while the caller holds the lock. NULL: it does not exist. */
struct named *index_find_named(const struct index *x, const char *name);
/* Lists named galleries in order, with their sizes. */
struct named_size {
    char name[GALLERY_NAME];
    int64_t n;
};
WARD_MUST enum ward_code index_names(struct index *x, struct ward_arena *mem,
                                     struct named_size **out, size_t *n, struct ward_err *err);

/* One space, and a probe that was transformed for it. */
struct probe {
    /* `generation` is that of v's transform; rows of another generation are skipped */
    int space, generation;
    const float *v;
    const char *named; /* search only this gallery; NULL: everyone in the space */
    const uint8_t *except;
    int k;
    const struct ward_stop *stop;
};
/* Returns hits[0..*n), best first. Removed rows are omitted. *size is the number of scanned
 * rows. */
WARD_MUST enum ward_code index_search(struct index *x, const struct probe *p,
                                      struct ward_arena *mem, struct gallery_hit *hits, int *n,
                                      int64_t *size, size_t *looked, struct ward_err *err);
/* Finds the space with rows of this model and kind that has the smallest generation above
 * `after` (-1 for the first space). Copies the space to *out, or returns false if none is
 * found. A renewal may move rows to a newer generation during a search. If a search asks for
 * each space only after it has searched the previous one, it misses no moved row, but may find
 * a row twice. */
bool index_next_space(struct index *x, int which, int kind, int after, struct space *out,
                      int *number);

/* Reads the exact vector of a row. The caller holds the lock (shared is sufficient).
 *   DATA_LOSS  the snapshot is damaged at this vector */
WARD_MUST enum ward_code index_exact(const struct index *x, const struct space *s,
                                     const struct row *r, float *out, struct ward_err *err);

#endif
