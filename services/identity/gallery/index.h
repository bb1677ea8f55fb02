/* index.h - the searchable rows, their subjects, and the location of their exact vectors.
 *
 * One row for each subject: of the current model, or of the former one if there is no other. A
 * row belongs to a space (model, kind, generation of the transform), which is a scan_set, and
 * has its subject beside it. Exact vectors are in memory, or encrypted in a mapped snapshot.
 *
 * Threads: one lock. Writers hold it for one row; a search holds it, shared, only to copy,
 * never while it scans, so that scan's locks and this one cannot deadlock. Memory: its own,
 * wiped at the end. Errors: RESOURCE_EXHAUSTED.
 */
#ifndef IDENTITY_GALLERY_INDEX_H
#define IDENTITY_GALLERY_INDEX_H

#include "common/scan/idmap.h"
#include "common/scan/scan.h"
#include "common/scan/slab.h"
#include "services/identity/gallery/gallery.h"

#include <pthread.h>

#define GALLERY_SPACES 64 /* 2 models x 2 kinds x generations with rows */
#define GALLERY_NAME   65

/* Location of an exact vector: an index into `vectors`, or a place in one of two mappings, in
 * units of PLACE_UNIT bytes from its start. */
#define PLACE_UNIT   32
#define PLACE_MAPPED UINT32_C(0x80000000)
#define PLACE_SECOND UINT32_C(0x40000000)
#define PLACE_MAX    UINT32_C(0x3fffffff)

struct mapping; /* snapshot.h */

struct row {
    uint8_t id[KEYS_ID];
    uint32_t place;
    uint32_t version; /* changes with each update of the row */
    uint32_t epoch;   /* number of the load that last saw it */
    uint32_t named;   /* galleries that contain it */
};
struct space {
    int which, kind, generation, dim;
    struct scan_set *set;
    struct scan_slab *rows; /* struct row by the set's row numbers */
};
struct named {
    char name[GALLERY_NAME];
    struct scan_idmap *members; /* ids of subjects with a row; value 0 */
};
struct index {
    pthread_rwlock_t lock;
    struct scan_pool *pool;
    int n_spaces;
    struct space at[GALLERY_SPACES];
    struct scan_idmap *subjects;  /* id -> space << 32 | row */
    struct scan_slab *vectors[2]; /* by model: dim float32 */
    struct scan_slab *named;
    uint32_t version, epoch;
    struct mapping *map[2];
};

WARD_MUST enum ward_code index_init(struct index *x, const struct gallery_config *cfg,
                                    struct ward_err *err);
void index_done(struct index *x);

/* The present state of a subject. */
struct face_row {
    uint8_t id[KEYS_ID];
    int which, kind, generation, dim;
    const int8_t *codes;
    struct scan_code code;
    const float *exact; /* NULL: the vector is at `place` */
    uint32_t place;
};
/* Adds or replaces. */
WARD_MUST enum ward_code index_put(struct index *x, const struct face_row *f,
                                   struct ward_err *err);
void index_remove(struct index *x, const uint8_t id[KEYS_ID]);
/* Sets the named galleries of a subject; a subject without a row is in none. */
WARD_MUST enum ward_code index_join(struct index *x, const uint8_t id[KEYS_ID],
                                    const char *const *names, size_t n, struct ward_err *err);

/* Begins a load that reads everything: rows that it neither puts nor keeps are removed at its
 * end. */
void index_begin_load(struct index *x);
void index_end_load(struct index *x);

struct index_size {
    int64_t rows[3]; /* of kind 1 and 2 */
    int64_t bytes;
};
void index_measure(struct index *x, struct index_size *out);
/* Subjects of a named gallery; -1: no such gallery. */
int64_t index_named(struct index *x, const char *name);
/* The same with the lock held; NULL: no such gallery. */
struct named *index_find_named(const struct index *x, const char *name);
/* Names in order, with their sizes. */
struct named_size {
    char name[GALLERY_NAME];
    int64_t n;
};
WARD_MUST enum ward_code index_names(struct index *x, struct ward_arena *mem,
                                     struct named_size **out, size_t *n, struct ward_err *err);

/* One space, and a probe that was transformed for it. */
struct probe {
    int space, generation; /* v's transform; rows of another one are skipped */
    const float *v;
    const char *named; /* NULL: everyone in the space */
    const uint8_t *except;
    int k;
    const struct ward_stop *stop;
};
/* hits[0..*n), best first; removed rows are omitted. *size: number of scanned rows. */
WARD_MUST enum ward_code index_search(struct index *x, const struct probe *p,
                                      struct ward_arena *mem, struct gallery_hit *hits, int *n,
                                      int64_t *size, size_t *looked, struct ward_err *err);
/* The space of this model and kind with rows and the smallest generation above `after`; -1
 * requests the first one. Copies it to *out; false if there is none. A renewal moves rows to
 * newer generations during searches. A search that requests each space only after the previous
 * one misses no moved row, but may find one twice. */
bool index_next_space(struct index *x, int which, int kind, int after, struct space *out,
                      int *number);

/* The exact vector of a row that the caller has locked (shared is sufficient).
 *   DATA_LOSS  the snapshot is damaged there */
WARD_MUST enum ward_code index_exact(const struct index *x, const struct space *s,
                                     const struct row *r, float *out, struct ward_err *err);

#endif
