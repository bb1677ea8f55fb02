/* snapshot_file.h - the snapshot's layout, shared by writer and reader. Integers and floats
 * have this machine's byte order; `order` records it.
 *
 * Threads: pure functions. Memory: none. Errors: none.
 */
#ifndef IDENTITY_GALLERY_SNAPSHOT_FILE_H
#define IDENTITY_GALLERY_SNAPSHOT_FILE_H

#include "common/base/crypto.h"
#include "services/identity/gallery/snapshot.h"

#include <limits.h>

#define FILE_NAME    "gallery.snapshot"
#define FILE_MAGIC   "WARDGALL"
#define FILE_VERSION 1
#define FILE_ORDER   UINT32_C(0x01020304)

struct file_space {
    int32_t which, kind, generation, dim;
};
struct file_bucket {
    uint64_t index_at, index_n; /* position and size of the encrypted index, in bytes */
    uint64_t vectors_at;        /* a multiple of PLACE_UNIT */
    uint32_t rows;
    int32_t generation; /* generation of the bucket's key; 0: no rows */
};
struct file_head {
    char magic[8];
    uint32_t version, order;
    uint8_t number[16]; /* random number of this file */
    char model[2][72];
    int32_t n_spaces, reserved;
    struct file_space space[GALLERY_SPACES];
    int64_t seq, written_at_us, rows;
    uint64_t size; /* size of the file in bytes */
    struct file_bucket bucket[KEYS_BUCKETS];
    uint8_t sha256[WARD_SHA256_SIZE]; /* digest of all preceding members */
};
#define FILE_BODY ((sizeof(struct file_head) + 4095) / 4096 * 4096)

/* One row in a bucket's encrypted index. The row's quantized vector of `dim` bytes follows. */
struct file_row {
    uint8_t id[KEYS_ID];
    uint32_t space;
    float scale, residual;
};

/* Associated data of the encryption: it binds data to this file and bucket, and a vector also
 * to its subject and place. */
struct file_bound {
    char label[16];
    uint8_t number[16], id[KEYS_ID];
    uint32_t bucket, place;
};

static inline size_t file_stride(int dim)
{
    size_t n = (size_t)dim * sizeof(float) + WARD_SEAL_EXTRA;

    return (n + PLACE_UNIT - 1) / PLACE_UNIT * PLACE_UNIT;
}

struct file_bound file_bind(const char *label, const uint8_t number[16], int bucket,
                            const uint8_t *id, uint32_t place);
/* Writes DIR/gallery.snapshot and the suffix to `out`. Returns false if the path is too
 * long. */
bool file_path(const char *dir, const char *suffix, char out[PATH_MAX]);

/* A mapped file with a verified head. The keys of buckets are added after the mapping. */
struct mapping {
    struct ward_arena mem;
    const uint8_t *base;
    size_t size;
    uint8_t number[16];
    bool open[KEYS_BUCKETS];
    uint8_t key[KEYS_BUCKETS][WARD_KEY_SIZE];
};
WARD_MUST enum ward_code mapping_open(int fd, size_t size, const uint8_t number[16],
                                      struct mapping **out, struct ward_err *err);

#endif
