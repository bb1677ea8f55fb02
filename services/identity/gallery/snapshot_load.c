/* Reads a snapshot. All content is verified before use. */
#include "services/identity/gallery/snapshot_file.h"

#include "common/base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stddef.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define THREADS 8

/* ---- mappings ---- */

enum ward_code mapping_open(int fd, size_t size, const uint8_t number[16], struct mapping **out,
                            struct ward_err *err)
{
    struct ward_arena mem;
    struct mapping *m;
    void *base = NULL;

    ward_arena_init(&mem, sizeof(*m) + 64);
    m = ward_new(&mem, struct mapping);
    if (fd >= 0)
        base = mmap(NULL, size, PROT_READ, MAP_SHARED, fd, 0);
    if (m == NULL || base == MAP_FAILED) {
        ward_arena_done(&mem);
        return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory for a snapshot");
    }
    m->mem = mem;
    m->base = base;
    m->size = fd >= 0 ? size : 0;
    memcpy(m->number, number, sizeof(m->number));
    *out = m;
    return WARD_OK;
}

void mapping_close(struct mapping *m)
{
    struct ward_arena mem;

    if (m == NULL)
        return;
    if (m->base != NULL)
        munmap((void *)(uintptr_t)m->base, m->size);
    mem = m->mem;
    ward_wipe(m, sizeof(*m));
    ward_arena_done(&mem);
}

enum ward_code mapping_vector(const struct mapping *m, uint32_t place,
                              const uint8_t id[KEYS_ID], int dim, float *out,
                              struct ward_err *err)
{
    int bucket = keys_bucket_of(id);
    uint64_t at = (uint64_t)place * PLACE_UNIT;
    struct file_bound bound;

    if (m == NULL || !m->open[bucket] || at + file_stride(dim) > m->size)
        return WARD_FAIL(err, DATA_LOSS, "a vector's position is outside the snapshot");
    bound = file_bind("vector", m->number, bucket, id, place);
    return ward_unseal(m->key[bucket], &bound, sizeof(bound), m->base + at,
                       (size_t)dim * sizeof(float) + WARD_SEAL_EXTRA, (uint8_t *)out, err);
}

/* ---- the head ---- */

static bool fits(uint64_t at, uint64_t n, uint64_t size)
{
    return at <= size && n <= size - at;
}

static const char *spaces_unfit(const struct file_head *h, const int dim[2])
{
    if (h->n_spaces < 0 || h->n_spaces > GALLERY_SPACES)
        return "the snapshot's header is damaged";
    for (int i = 0; i < h->n_spaces; i++) {
        const struct file_space *s = &h->space[i];

        if (s->which < 0 || s->which > 1 || s->kind < 1 || s->kind > 2 || s->generation < 0 ||
            s->dim < 1 || s->dim > TEMPLATE_DIM_MAX || s->dim != dim[s->which])
            return "the snapshot's transforms do not belong to this service";
    }
    return NULL;
}

static const char *head_unfit(const struct file_head *h, size_t size,
                              const struct snapshot_of *of)
{
    uint8_t sum[WARD_SHA256_SIZE];

    if (memcmp(h->magic, FILE_MAGIC, sizeof(h->magic)) != 0)
        return "the file is not a snapshot";
    if (h->version != FILE_VERSION || h->order != FILE_ORDER)
        return "the snapshot has another version";
    ward_sha256(h, offsetof(struct file_head, sha256), sum);
    if (!ward_equal(sum, h->sha256, sizeof(sum)))
        return "the snapshot's header is damaged";
    if (h->size != size)
        return "the snapshot is truncated";
    for (int i = 0; i < 2; i++) {
        if (strncmp(h->model[i], of->model[i], sizeof(h->model[i])) != 0)
            return "the snapshot belongs to other models";
    }
    for (int b = 0; b < KEYS_BUCKETS; b++) {
        const struct file_bucket *f = &h->bucket[b];

        if (!fits(f->index_at, f->index_n, size) || !fits(f->vectors_at, 0, size) ||
            f->vectors_at % PLACE_UNIT != 0)
            return "the snapshot's header is damaged";
    }
    return spaces_unfit(h, of->dim);
}

static enum ward_code open_file(const struct snapshot_of *of, struct file_head *head,
                                struct mapping **out, struct ward_err *err)
{
    char path[PATH_MAX];
    const char *unfit;
    struct stat st;
    enum ward_code code;
    int fd;

    if (!file_path(of->dir, "", path))
        return WARD_FAIL(err, FAILED_PRECONDITION,
                         "the name of the gallery's folder is too long");
    fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0)
        return WARD_FAIL(err, NOT_FOUND, "no snapshot exists");
    if (fstat(fd, &st) != 0 || (size_t)st.st_size < FILE_BODY ||
        read(fd, head, sizeof(*head)) != (ssize_t)sizeof(*head))
        unfit = "the snapshot is truncated";
    else
        unfit = head_unfit(head, (size_t)st.st_size, of);
    code = unfit != NULL ? WARD_FAIL(err, DATA_LOSS, "the snapshot is unusable: %s", unfit)
                         : mapping_open(fd, (size_t)st.st_size, head->number, out, err);
    close(fd);
    return code;
}

/* ---- buckets ---- */

struct loading {
    const struct file_head *head;
    struct mapping *map;
    struct index *x;
    bool ended[KEYS_BUCKETS];
    atomic_int next;
    atomic_int_least64_t rows;
    pthread_mutex_t lock;
    enum ward_code code;
    struct ward_err err;
};

/* Reads the key of each bucket. A bucket has ended if its key is not the key with which the
 * file was written. */
static enum ward_code find_keys(struct loading *l, const struct snapshot_of *of,
                                struct snapshot_read *out, struct ward_err *err)
{
    for (int b = 0; b < KEYS_BUCKETS; b++) {
        const struct file_bucket *f = &l->head->bucket[b];
        int generation = 0;

        if (f->rows == 0)
            continue;
        WARD_TRY(keys_bucket(of->keys, of->db, b, &generation, l->map->key[b], err));
        l->map->open[b] = generation == f->generation;
        out->ended[b] = !l->map->open[b];
        out->n_ended += out->ended[b] ? 1 : 0;
    }
    return WARD_OK;
}

static enum ward_code bad_bucket(struct ward_err *err)
{
    return WARD_FAIL(err, DATA_LOSS, "the snapshot is unusable: a bucket was changed");
}

static enum ward_code put_rows(struct loading *l, int bucket, const uint8_t *p, size_t n,
                               struct ward_err *err)
{
    const struct file_bucket *f = &l->head->bucket[bucket];
    uint64_t place = f->vectors_at / PLACE_UNIT;
    struct file_row row;

    for (uint32_t i = 0; i < f->rows; i++) {
        struct face_row face = {.place = (uint32_t)place | PLACE_MAPPED};
        const struct file_space *s;

        if (n < sizeof(row))
            return bad_bucket(err);
        memcpy(&row, p, sizeof(row));
        if (row.space >= (uint32_t)l->head->n_spaces || place > PLACE_MAX)
            return bad_bucket(err);
        s = &l->head->space[row.space];
        if (n < sizeof(row) + (size_t)s->dim || keys_bucket_of(row.id) != bucket)
            return bad_bucket(err);
        memcpy(face.id, row.id, KEYS_ID);
        face.which = s->which;
        face.kind = s->kind;
        face.generation = s->generation;
        face.dim = s->dim;
        face.codes = (const int8_t *)(p + sizeof(row));
        face.code = (struct scan_code){row.scale, row.residual};
        WARD_TRY(index_put(l->x, &face, err));
        p += sizeof(row) + (size_t)s->dim;
        n -= sizeof(row) + (size_t)s->dim;
        place += file_stride(s->dim) / PLACE_UNIT;
    }
    return n == 0 && fits(place * PLACE_UNIT, 0, l->map->size) ? WARD_OK : bad_bucket(err);
}

static enum ward_code load_bucket(struct loading *l, int bucket, struct ward_err *err)
{
    const struct file_bucket *f = &l->head->bucket[bucket];
    struct file_bound bound = file_bind("index", l->head->number, bucket, NULL, f->rows);
    struct ward_arena mem;
    enum ward_code code;
    uint8_t *plain;

    if (!l->map->open[bucket])
        return WARD_OK;
    if (f->index_n < WARD_SEAL_EXTRA)
        return bad_bucket(err);
    ward_arena_init(&mem, f->index_n + 64);
    plain = ward_alloc(&mem, f->index_n);
    if (plain == NULL)
        return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory for a snapshot");
    code = ward_unseal(l->map->key[bucket], &bound, sizeof(bound), l->map->base + f->index_at,
                       f->index_n, plain, err);
    if (code == WARD_OK)
        code = put_rows(l, bucket, plain, f->index_n - WARD_SEAL_EXTRA, err);
    ward_wipe(plain, f->index_n);
    ward_arena_done(&mem);
    if (code == WARD_OK)
        atomic_fetch_add(&l->rows, f->rows);
    return code;
}

static void *load_buckets(void *arg)
{
    struct loading *l = arg;
    struct ward_err err = {0};
    enum ward_code code = WARD_OK;
    int b;

    while (code == WARD_OK && (b = atomic_fetch_add(&l->next, 1)) < KEYS_BUCKETS)
        code = load_bucket(l, b, &err);
    if (code != WARD_OK) {
        atomic_store(&l->next, KEYS_BUCKETS);
        pthread_mutex_lock(&l->lock);
        l->code = code;
        l->err = err;
        pthread_mutex_unlock(&l->lock);
    }
    return NULL;
}

static enum ward_code load_all(struct loading *l, int threads, struct ward_err *err)
{
    pthread_t thread[THREADS];
    int n = 0;

    pthread_mutex_init(&l->lock, NULL);
    while (n < threads - 1 && n < THREADS &&
           pthread_create(&thread[n], NULL, load_buckets, l) == 0)
        n++;
    load_buckets(l);
    for (int i = 0; i < n; i++)
        pthread_join(thread[i], NULL);
    pthread_mutex_destroy(&l->lock);
    if (l->code != WARD_OK && err != NULL)
        *err = l->err;
    return l->code;
}

enum ward_code snapshot_load(const struct snapshot_of *of, struct index *x, int threads,
                             struct snapshot_read *out, struct ward_err *err)
{
    struct snapshot_read read = {0};
    struct file_head head;
    struct loading l = {.head = &head, .x = x};
    enum ward_code code;

    WARD_TRY(open_file(of, &head, &l.map, err));
    code = find_keys(&l, of, &read, err);
    if (code != WARD_OK) {
        mapping_close(l.map);
        return code;
    }
    /* From here on, rows may refer to the mapping. */
    pthread_rwlock_wrlock(&x->lock);
    x->map[0] = l.map;
    pthread_rwlock_unlock(&x->lock);
    code = load_all(&l, threads, err);
    read.seq = head.seq;
    read.written_at_us = head.written_at_us;
    read.rows = atomic_load(&l.rows);
    if (code == WARD_OK)
        *out = read;
    return code;
}

void snapshot_remove(const char *dir)
{
    char path[PATH_MAX];

    if (file_path(dir, "", path))
        unlink(path);
}
