/* Writes a snapshot. */
#include "services/identity/gallery/snapshot_file.h"

#include "common/base/clock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* number of rows that are redirected to the new file while the lock is held once */
#define SWITCH_AT_ONCE 4096

/* A row that will be written. */
struct item {
    uint32_t row, version, place;
    uint16_t space;
    bool written;
};

struct writing {
    const struct snapshot_of *of;
    struct index *x;
    const struct snapshot_writer *who;
    int generation[KEYS_BUCKETS];
    struct ward_arena list, mem; /* memory for the whole write; memory for one bucket */
    struct item *items;          /* sorted by bucket */
    size_t first[KEYS_BUCKETS + 1];
    struct file_head head;
    struct mapping *map;
    int fd;
    uint64_t at; /* number of bytes written so far */
};

/* ---- shared with readers ---- */

struct file_bound file_bind(const char *label, const uint8_t number[16], int bucket,
                            const uint8_t *id, uint32_t place)
{
    struct file_bound b;

    memset(&b, 0, sizeof(b));
    snprintf(b.label, sizeof(b.label), "%s", label);
    memcpy(b.number, number, sizeof(b.number));
    b.bucket = (uint32_t)bucket;
    b.place = place;
    if (id != NULL)
        memcpy(b.id, id, sizeof(b.id));
    return b;
}

bool file_path(const char *dir, const char *suffix, char out[PATH_MAX])
{
    int n = snprintf(out, PATH_MAX, "%s/%s%s", dir, FILE_NAME, suffix);

    return n > 0 && n < PATH_MAX;
}

static enum ward_code system_failed(const char *what, struct ward_err *err)
{
    int why = errno;

    WARD_FAIL(err, INTERNAL, "the snapshot cannot be written");
    ward_err_detail(err, "%s: errno %d", what, why);
    return why == ENOSPC ? WARD_RESOURCE_EXHAUSTED : WARD_INTERNAL;
}

static enum ward_code put_bytes(struct writing *w, const void *p, size_t n,
                                struct ward_err *err)
{
    const uint8_t *at = p;

    w->at += n;
    while (n > 0) {
        ssize_t k = write(w->fd, at, n < (1 << 24) ? n : 1 << 24);

        if (k < 0 && errno == EINTR)
            continue;
        if (k <= 0)
            return system_failed("write", err);
        at += k;
        n -= (size_t)k;
    }
    return WARD_OK;
}

/* ---- the list of rows ---- */

static void each_row(struct index *x,
                     void (*fn)(struct writing *w, int space, uint32_t row,
                                const struct row *r),
                     struct writing *w)
{
    for (int s = 0; s < x->n_spaces; s++) {
        uint32_t end = ward_scan_slab_end(x->at[s].rows);

        for (uint32_t i = 0; i < end; i++) {
            const struct row *r = ward_scan_slab_at(x->at[s].rows, i);

            if (r != NULL)
                fn(w, s, i, r);
        }
    }
}

static void count_row(struct writing *w, int space, uint32_t row, const struct row *r)
{
    (void)space, (void)row;
    w->first[keys_bucket_of(r->id) + 1]++;
}

static void list_row(struct writing *w, int space, uint32_t row, const struct row *r)
{
    size_t *next = &w->first[keys_bucket_of(r->id)];

    w->items[(*next)++] =
        (struct item){.row = row, .version = r->version, .space = (uint16_t)space};
}

/* Lists all rows, sorted by bucket: counts them, computes where each bucket begins in `items`,
 * and fills `items`. */
static enum ward_code list_rows(struct writing *w, struct ward_err *err)
{
    ward_arena_reset(&w->list);
    memset(w->first, 0, sizeof(w->first));
    pthread_rwlock_rdlock(&w->x->lock);
    w->head.n_spaces = w->x->n_spaces;
    for (int i = 0; i < w->x->n_spaces; i++) {
        const struct space *s = &w->x->at[i];

        w->head.space[i] = (struct file_space){s->which, s->kind, s->generation, s->dim};
    }
    each_row(w->x, count_row, w);
    for (int b = 0; b < KEYS_BUCKETS; b++)
        w->first[b + 1] += w->first[b];
    w->items = ward_alloc(&w->list, (w->first[KEYS_BUCKETS] + 1) * sizeof(*w->items));
    if (w->items != NULL)
        each_row(w->x, list_row, w);
    pthread_rwlock_unlock(&w->x->lock);
    memmove(w->first + 1, w->first, sizeof(w->first) - sizeof(w->first[0]));
    w->first[0] = 0;
    if (w->items == NULL)
        return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory for a snapshot");
    return WARD_OK;
}

/* ---- one bucket ---- */

/* Copies a row. Skips a row that has changed since it was listed, because the change log
 * contains that change. */
static bool copy_row(struct writing *w, const struct item *it, struct file_row *out,
                     float *exact, enum ward_code *code, struct ward_err *err)
{
    const struct space *s = &w->x->at[it->space];
    struct scan_code scale;
    const struct row *r;
    bool same;

    pthread_rwlock_rdlock(&w->x->lock);
    r = ward_scan_slab_at(s->rows, it->row);
    same = r != NULL && r->version == it->version &&
           ward_scan_get(s->set, it->row, (int8_t *)(out + 1), &scale);
    if (same) {
        *out = (struct file_row){
            .space = it->space, .scale = scale.scale, .residual = scale.residual};
        memcpy(out->id, r->id, KEYS_ID);
        *code = index_exact(w->x, s, r, exact, err);
    }
    pthread_rwlock_unlock(&w->x->lock);
    return same && *code == WARD_OK;
}

struct bucket {
    int number;
    uint8_t *index, *sealed, *vectors;
    size_t n_index, n_vectors;
    uint64_t vectors_at;
};

static enum ward_code add_row(struct writing *w, struct bucket *b, struct item *it,
                              struct ward_err *err)
{
    const uint8_t *key = w->map->key[b->number];
    int dim = w->x->at[it->space].dim;
    struct file_row *row = (struct file_row *)(void *)(b->index + b->n_index);
    uint64_t place = (b->vectors_at + b->n_vectors) / PLACE_UNIT;
    enum ward_code code = WARD_OK;
    float exact[TEMPLATE_DIM_MAX];
    struct file_bound bound;

    if (!copy_row(w, it, row, exact, &code, err))
        return code;
    if (place > PLACE_MAX)
        code = WARD_FAIL(err, RESOURCE_EXHAUSTED, "too many faces for a snapshot");
    bound = file_bind("vector", w->head.number, b->number, row->id, (uint32_t)place);
    if (code == WARD_OK)
        code = ward_seal(key, &bound, sizeof(bound), exact, (size_t)dim * sizeof(float),
                         b->vectors + b->n_vectors, err);
    ward_wipe(exact, sizeof(exact));
    WARD_TRY(code);
    it->place = (uint32_t)place;
    it->written = true;
    b->n_index += sizeof(*row) + (size_t)dim;
    b->n_vectors += file_stride(dim);
    return WARD_OK;
}

/* Allocates memory for all rows of a bucket. The position of the vectors is computed as if no
 * row were skipped. */
static enum ward_code make_room(struct writing *w, struct bucket *b, struct ward_err *err)
{
    size_t index = 0, vectors = 0;

    for (size_t i = w->first[b->number]; i < w->first[b->number + 1]; i++) {
        int dim = w->x->at[w->items[i].space].dim;

        index += sizeof(struct file_row) + (size_t)dim;
        vectors += file_stride(dim);
    }
    ward_arena_reset(&w->mem);
    b->index = ward_alloc(&w->mem, index);
    b->sealed = ward_alloc(&w->mem, index + WARD_SEAL_EXTRA + PLACE_UNIT);
    b->vectors = ward_alloc(&w->mem, vectors);
    b->vectors_at =
        (w->at + index + WARD_SEAL_EXTRA + PLACE_UNIT - 1) / PLACE_UNIT * PLACE_UNIT;
    if (w->mem.full)
        return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory for a snapshot");
    return WARD_OK;
}

static enum ward_code put_bucket(struct writing *w, struct bucket *b, struct ward_err *err)
{
    static const uint8_t zeros[PLACE_UNIT];
    struct file_bucket *out = &w->head.bucket[b->number];
    struct file_bound bound = file_bind("index", w->head.number, b->number, NULL, out->rows);
    enum ward_code code;

    out->index_at = w->at;
    out->index_n = b->n_index + WARD_SEAL_EXTRA;
    out->vectors_at = b->vectors_at;
    code = ward_seal(w->map->key[b->number], &bound, sizeof(bound), b->index, b->n_index,
                     b->sealed, err);
    ward_wipe(b->index, b->n_index);
    WARD_TRY(code);
    WARD_TRY(put_bytes(w, b->sealed, out->index_n, err));
    while (w->at < b->vectors_at) {
        uint64_t n = b->vectors_at - w->at;

        WARD_TRY(put_bytes(w, zeros, n < sizeof(zeros) ? n : sizeof(zeros), err));
    }
    return put_bytes(w, b->vectors, b->n_vectors, err);
}

static enum ward_code write_bucket(struct writing *w, int number, struct ward_err *err)
{
    struct file_bucket *out = &w->head.bucket[number];
    struct bucket b = {.number = number};
    enum ward_code code;

    if (w->first[number] == w->first[number + 1])
        return WARD_OK;
    WARD_TRY(make_room(w, &b, err));
    code = WARD_OK;
    for (size_t i = w->first[number]; code == WARD_OK && i < w->first[number + 1]; i++) {
        code = add_row(w, &b, &w->items[i], err);
        out->rows += w->items[i].written ? 1 : 0;
    }
    out->generation = w->generation[number];
    if (code == WARD_OK)
        code = put_bucket(w, &b, err);
    w->head.rows += out->rows;
    return code;
}

/* ---- the file ---- */

static enum ward_code put_head(struct writing *w, struct ward_err *err)
{
    static const uint8_t rest[FILE_BODY];
    struct file_head *h = &w->head;

    h->size = w->at;
    h->written_at_us = ward_wall_us();
    ward_sha256(h, offsetof(struct file_head, sha256), h->sha256);
    if (lseek(w->fd, 0, SEEK_SET) != 0)
        return system_failed("seek", err);
    WARD_TRY(put_bytes(w, h, sizeof(*h), err));
    return put_bytes(w, rest, FILE_BODY - sizeof(*h), err);
}

static enum ward_code put_all(struct writing *w, struct ward_err *err)
{
    static const uint8_t none[FILE_BODY];

    memcpy(w->head.magic, FILE_MAGIC, sizeof(w->head.magic));
    w->head.version = FILE_VERSION;
    w->head.order = FILE_ORDER;
    for (int i = 0; i < 2; i++)
        snprintf(w->head.model[i], sizeof(w->head.model[i]), "%s", w->of->model[i]);
    WARD_TRY(put_bytes(w, none, sizeof(none), err));
    for (int b = 0; b < KEYS_BUCKETS; b++) {
        if (w->who->gone(w->who->arg))
            return WARD_FAIL(err, CANCELLED, "the snapshot was not finished");
        WARD_TRY(write_bucket(w, b, err));
    }
    WARD_TRY(put_head(w, err));
    return fsync(w->fd) == 0 ? WARD_OK : system_failed("fsync", err);
}

static enum ward_code rename_synced(const char *dir, const char *from, const char *to,
                                    struct ward_err *err)
{
    int fd;

    if (rename(from, to) != 0)
        return system_failed("rename", err);
    fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0 || fsync(fd) != 0) {
        if (fd >= 0)
            close(fd);
        return system_failed("folder", err);
    }
    close(fd);
    return WARD_OK;
}

/* Redirects rows that are unchanged since they were written to the new file, and frees their
 * vectors in memory. Then no unchanged row refers to the old file, and it is closed. */
static void switch_over(struct writing *w)
{
    struct index *x = w->x;
    int half = x->map[0] == NULL ? 0 : 1;
    struct mapping *old;

    pthread_rwlock_wrlock(&x->lock);
    x->map[half] = w->map;
    for (size_t i = 0; i < w->first[KEYS_BUCKETS]; i++) {
        const struct item *it = &w->items[i];
        struct space *s = &x->at[it->space];
        struct row *r = ward_scan_slab_at(s->rows, it->row);

        if (i % SWITCH_AT_ONCE == SWITCH_AT_ONCE - 1) {
            pthread_rwlock_unlock(&x->lock);
            pthread_rwlock_wrlock(&x->lock);
            r = ward_scan_slab_at(s->rows, it->row);
        }
        if (!it->written || r == NULL || r->version != it->version)
            continue;
        if ((r->place & PLACE_MAPPED) == 0)
            ward_scan_slab_drop(x->vectors[s->which], r->place);
        r->place = it->place | PLACE_MAPPED | (half == 0 ? 0 : PLACE_SECOND);
    }
    old = x->map[1 - half];
    x->map[1 - half] = NULL;
    pthread_rwlock_unlock(&x->lock);
    w->map = NULL;
    mapping_close(old);
}

/* Takes the keys of buckets that have listed rows and no key yet. */
static enum ward_code take_keys(struct writing *w, bool *took, struct ward_err *err)
{
    struct mapping *m = w->map;

    *took = false;
    for (int b = 0; b < KEYS_BUCKETS; b++) {
        if (w->first[b] == w->first[b + 1] || m->open[b])
            continue;
        WARD_TRY(keys_bucket(w->of->keys, w->of->db, b, &w->generation[b], m->key[b], err));
        m->open[b] = *took = true;
    }
    return WARD_OK;
}

/* Lists the rows after the index has received all changes that precede the taking of the last
 * key. While the index receives changes, a bucket may get its first row and need a key: then
 * the steps are repeated. */
static enum ward_code list_level(struct writing *w, struct ward_err *err)
{
    bool took = false, level = false;

    for (;;) {
        WARD_TRY(list_rows(w, err));
        WARD_TRY(take_keys(w, &took, err));
        if (level && !took)
            return WARD_OK;
        WARD_TRY(w->who->level(w->who->arg, w->of->db, &w->head.seq, err));
        level = true;
    }
}

/* Creates the mapping before the file is complete, because its keys are used during the
 * write. */
static enum ward_code write_file(struct writing *w, const char *tmp, const char *path,
                                 struct ward_err *err)
{
    struct mapping *keys = NULL;
    enum ward_code code;

    ward_random(w->head.number, sizeof(w->head.number));
    WARD_TRY(mapping_open(-1, 0, w->head.number, &w->map, err));
    WARD_TRY(list_level(w, err));
    WARD_TRY(put_all(w, err));
    WARD_TRY(mapping_open(w->fd, w->head.size, w->head.number, &keys, err));
    memcpy(keys->key, w->map->key, sizeof(keys->key));
    memcpy(keys->open, w->map->open, sizeof(keys->open));
    mapping_close(w->map);
    w->map = keys;
    code = rename_synced(w->of->dir, tmp, path, err);
    if (code == WARD_OK)
        switch_over(w);
    return code;
}

enum ward_code snapshot_write(const struct snapshot_of *of, struct index *x,
                              const struct snapshot_writer *who, int64_t *seq, int64_t *n,
                              struct ward_err *err)
{
    struct writing w = {.of = of, .x = x, .who = who};
    char path[PATH_MAX], tmp[PATH_MAX];
    enum ward_code code;

    if (!file_path(of->dir, "", path) || !file_path(of->dir, ".new", tmp))
        return WARD_FAIL(err, FAILED_PRECONDITION,
                         "the name of the gallery's folder is too long");
    w.fd = open(tmp, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (w.fd < 0)
        return system_failed("open", err);
    ward_arena_init(&w.list, (size_t)4 << 30);
    ward_arena_init(&w.mem, (size_t)4 << 30);
    code = write_file(&w, tmp, path, err);
    *n = w.head.rows;
    *seq = w.head.seq;
    if (code != WARD_OK)
        unlink(tmp);
    mapping_close(w.map);
    close(w.fd);
    ward_arena_done(&w.mem);
    ward_arena_done(&w.list);
    return code;
}
