/* snapshot.h - the index in a file, so that a start reads codes instead of a database.
 *
 *   head     magic, version, a number of its own (random), models, spaces, the change it
 *            follows up to, a table of 256 buckets; SHA-256 of all that
 *   bucket   sealed under the bucket's key: of each row the id, the space, its codes
 *   vectors  each sealed by itself under its bucket's key, so that a search opens candidates
 * only
 *
 * A file is written beside and renamed, mode 0600; one that is cut, damaged, of another
 * version, of other models or of another database is not used. A bucket whose key has ended
 * (someone in it was erased) cannot be read from the file by anyone who had not mapped it
 * before.
 *
 * Threads: writing runs beside searches and the follower; the rest is the follower's. Memory:
 * a mapping is of the file; keys in it are wiped by mapping_close. Errors: DATA_LOSS not
 * usable; NOT_FOUND no file; others the system's.
 */
#ifndef IDENTITY_GALLERY_SNAPSHOT_H
#define IDENTITY_GALLERY_SNAPSHOT_H

#include "services/identity/gallery/index.h"

struct snapshot_of {
    const char *dir;
    const char *model[2];
    int dim[2];
    struct keys *keys;
    struct ward_db *db; /* to look for keys */
};

/* Who writes a snapshot. `level` is called when the buckets' keys have been taken and
 * before a row is: it returns when the index holds every change that was committed before the
 * call, and says up to which. So whoever was erased before is not in the file, and an erasure
 * afterwards ends a key that the file is sealed under. `gone` is asked now and then. */
struct snapshot_writer {
    enum ward_code (*level)(void *arg, struct ward_db *db, int64_t *seq, struct ward_err *err);
    bool (*gone)(const void *arg);
    void *arg;
};
/* Copies the index into the file, and has rows that did not change meanwhile point into it.
 * *seq, *n: the change it follows up to, rows written. */
WARD_MUST enum ward_code snapshot_write(const struct snapshot_of *of, struct index *x,
                                        const struct snapshot_writer *who, int64_t *seq,
                                        int64_t *n, struct ward_err *err);

struct snapshot_read {
    int64_t seq, written_at_us, rows;
    bool ended[KEYS_BUCKETS]; /* to be read from the database */
    int n_ended;
};
/* Maps the file and puts its rows into an index that has none. After a failure the index may
 * hold some: a load that sees everything again takes them away. */
WARD_MUST enum ward_code snapshot_load(const struct snapshot_of *of, struct index *x,
                                       int threads, struct snapshot_read *out,
                                       struct ward_err *err);
void snapshot_remove(const char *dir); /* a file that turned out to be damaged */

/* The exact vector at `place` of this subject. Any thread. */
WARD_MUST enum ward_code mapping_vector(const struct mapping *m, uint32_t place,
                                        const uint8_t id[KEYS_ID], int dim, float *out,
                                        struct ward_err *err);
void mapping_close(struct mapping *m); /* NULL is fine */

#endif
