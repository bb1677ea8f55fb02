/* snapshot.h - stores the index in a file. A start that reads the file is faster than one that
 * reads the database.
 *
 *   head     magic, format version, a random number, models, spaces, the number of the last
 *            included change, a table of 256 buckets; SHA-256 of all that
 *   bucket   encrypted under the bucket's key: for each row the id, the space, its codes
 *   vectors  each encrypted separately under its bucket's key, so that a search decrypts only
 *            candidates
 *
 * A file is written under a temporary name with mode 0600, and then renamed. A file is not used
 * if it is truncated or damaged, or has another format version, other models or another
 * database. A bucket's key is destroyed when one of its subjects is erased. The bucket in the
 * file can then only be read by a process that has mapped the file before.
 *
 * Threads: writing runs concurrently with searches and the follower; all other functions are
 * for the follower. Memory: a mapping maps the file; mapping_close wipes its keys. Errors:
 * DATA_LOSS if the file is not usable; NOT_FOUND if it does not exist; otherwise system
 * errors. */
#ifndef IDENTITY_GALLERY_SNAPSHOT_H
#define IDENTITY_GALLERY_SNAPSHOT_H

#include "services/identity/gallery/index.h"

struct snapshot_of {
    const char *dir;
    const char *model[2];
    int dim[2];
    struct keys *keys;
    struct ward_db *db; /* connection for reading keys */
};

/* Callbacks of a write. `level` is called after the buckets' keys have been taken and before
 * any row is copied. It waits until the index contains every change that was committed before
 * the call, and returns the number of the last change. A subject who was erased before the call
 * is therefore not in the file, and a later erasure destroys a key of the file. `gone` is
 * polled for cancellation. */
struct snapshot_writer {
    enum ward_code (*level)(void *arg, struct ward_db *db, int64_t *seq, struct ward_err *err);
    bool (*gone)(const void *arg);
    void *arg;
};
/* Copies the index into the file, and redirects unchanged rows to it. *seq is the last included
 * change, *n the number of written rows. */
WARD_MUST enum ward_code snapshot_write(const struct snapshot_of *of, struct index *x,
                                        const struct snapshot_writer *who, int64_t *seq,
                                        int64_t *n, struct ward_err *err);

struct snapshot_read {
    int64_t seq, written_at_us, rows;
    bool ended[KEYS_BUCKETS]; /* buckets that must be read from the database */
    int n_ended;
};
/* Maps the file and adds its rows to an empty index. After a failure the index may contain some
 * rows: a complete load removes them. */
WARD_MUST enum ward_code snapshot_load(const struct snapshot_of *of, struct index *x,
                                       int threads, struct snapshot_read *out,
                                       struct ward_err *err);
void snapshot_remove(const char *dir); /* for a file that was found to be damaged */

/* Reads the exact vector of this subject at `place`. Any thread may call it. */
WARD_MUST enum ward_code mapping_vector(const struct mapping *m, uint32_t place,
                                        const uint8_t id[KEYS_ID], int dim, float *out,
                                        struct ward_err *err);
void mapping_close(struct mapping *m); /* NULL is allowed */

#endif
