#include "services/identity/gallery/index.h"

#include "common/base/crypto.h"
#include "services/identity/gallery/snapshot.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- the whole index ---- */

enum ward_code index_init(struct index *x, const struct gallery_config *cfg,
                          struct ward_err *err)
{
    pthread_rwlockattr_t attr;

    /* Prefers writers: otherwise successive searches would starve them. */
    pthread_rwlockattr_init(&attr);
    pthread_rwlockattr_setkind_np(&attr, PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP);
    pthread_rwlock_init(&x->lock, &attr);
    pthread_rwlockattr_destroy(&attr);
    WARD_TRY(ward_scan_pool_open(cfg->threads < 1 ? 1 : cfg->threads, &x->pool, err));
    WARD_TRY(ward_scan_idmap_open(&x->subjects, err));
    WARD_TRY(ward_scan_slab_open(sizeof(struct named), &x->named, err));
    for (int i = 0; i < 2; i++) {
        if (cfg->dim[i] > 0)
            WARD_TRY(
                ward_scan_slab_open((size_t)cfg->dim[i] * sizeof(float), &x->vectors[i], err));
    }
    return WARD_OK;
}

void index_done(struct index *x)
{
    for (uint32_t i = 0; x->named != NULL && i < ward_scan_slab_end(x->named); i++) {
        struct named *g = ward_scan_slab_at(x->named, i);

        if (g != NULL)
            ward_scan_idmap_close(g->members);
    }
    ward_scan_slab_close(x->named);
    for (int i = 0; i < x->n_spaces; i++) {
        ward_scan_set_close(x->at[i].set);
        ward_scan_slab_close(x->at[i].rows);
    }
    for (int i = 0; i < 2; i++) {
        ward_scan_slab_close(x->vectors[i]);
        mapping_close(x->map[i]);
    }
    ward_scan_idmap_close(x->subjects);
    ward_scan_pool_close(x->pool);
    pthread_rwlock_destroy(&x->lock);
}

/* ---- rows ---- */

static uint64_t spot_of(int space, uint32_t row)
{
    return (uint64_t)(unsigned)space << 32 | row;
}

static int space_of(uint64_t spot)
{
    return (int)(spot >> 32);
}

static uint32_t row_of(uint64_t spot)
{
    return (uint32_t)spot;
}

static struct row *row_at(const struct index *x, uint64_t spot)
{
    return ward_scan_slab_at(x->at[space_of(spot)].rows, row_of(spot));
}

/* Finds a space without rows, as a renewal of transforms leaves it, and reuses it for the next
 * generation. The space's scan_set is not replaced, because a search may still be reading
 * it. */
static bool use_empty(struct index *x, const struct face_row *f, int *out)
{
    for (int i = 0; i < x->n_spaces; i++) {
        struct space *s = &x->at[i];

        if (s->which != f->which || s->dim != f->dim || ward_scan_live(s->set) > 0)
            continue;
        s->kind = f->kind;
        s->generation = f->generation;
        *out = i;
        return true;
    }
    return false;
}

static enum ward_code space_for(struct index *x, const struct face_row *f, int *out,
                                struct ward_err *err)
{
    struct space s = {f->which, f->kind, f->generation, f->dim, NULL, NULL};

    for (int i = 0; i < x->n_spaces; i++) {
        if (x->at[i].which == f->which && x->at[i].kind == f->kind &&
            x->at[i].generation == f->generation) {
            *out = i;
            return x->at[i].dim == f->dim
                       ? WARD_OK
                       : WARD_FAIL(err, DATA_LOSS, "templates of one model differ in size");
        }
    }
    if (use_empty(x, f, out))
        return WARD_OK;
    if (x->n_spaces == GALLERY_SPACES)
        return WARD_FAIL(err, RESOURCE_EXHAUSTED, "too many generations of transforms at once");
    WARD_TRY(ward_scan_set_open(f->dim, x->pool, &s.set, err));
    if (ward_scan_slab_open(sizeof(struct row), &s.rows, err) != WARD_OK) {
        ward_scan_set_close(s.set);
        return WARD_RESOURCE_EXHAUSTED;
    }
    *out = x->n_spaces;
    x->at[x->n_spaces++] = s;
    return WARD_OK;
}

static void drop(struct index *x, uint64_t spot)
{
    struct space *s = &x->at[space_of(spot)];
    const struct row *r = ward_scan_slab_at(s->rows, row_of(spot));

    ward_scan_remove(s->set, row_of(spot));
    if (r != NULL && (r->place & PLACE_MAPPED) == 0)
        ward_scan_slab_drop(x->vectors[s->which], r->place);
    ward_scan_slab_drop(s->rows, row_of(spot));
}

static enum ward_code keep_exact(struct index *x, const struct face_row *f, uint32_t *place,
                                 struct ward_err *err)
{
    void *v = NULL;

    *place = f->place;
    if (f->exact == NULL)
        return WARD_OK;
    WARD_TRY(ward_scan_slab_take(x->vectors[f->which], place, &v, err));
    memcpy(v, f->exact, (size_t)f->dim * sizeof(float));
    return WARD_OK;
}

static void fill_row(struct index *x, struct row *r, const struct face_row *f, uint32_t place,
                     const struct row *before)
{
    *r = (struct row){.place = place,
                      .version = ++x->version,
                      .epoch = x->epoch,
                      .named = before == NULL ? 0 : before->named};
    memcpy(r->id, f->id, KEYS_ID);
}

/* Adds a row to the scan_set, and its metadata. After a failure the set is unchanged. */
static enum ward_code add_row(struct space *s, const struct face_row *f, uint32_t *row,
                              struct row **r, struct ward_err *err)
{
    void *mem = NULL;
    enum ward_code code;

    WARD_TRY(ward_scan_add(s->set, f->codes, &f->code, row, err));
    code = ward_scan_slab_use(s->rows, *row, &mem, err);
    *r = mem;
    if (code != WARD_OK)
        ward_scan_remove(s->set, *row);
    return code;
}

/* Adds the new row before the old row is removed, so that a search during an update finds the
 * subject. */
static enum ward_code put(struct index *x, const struct face_row *f, struct ward_err *err)
{
    uint64_t old = 0;
    bool had = ward_scan_idmap_get(x->subjects, f->id, &old);
    uint32_t row = 0, place = 0;
    struct row *r = NULL;
    enum ward_code code;
    int space = 0;

    WARD_TRY(space_for(x, f, &space, err));
    WARD_TRY(keep_exact(x, f, &place, err));
    code = add_row(&x->at[space], f, &row, &r, err);
    if (code != WARD_OK) {
        if (f->exact != NULL)
            ward_scan_slab_drop(x->vectors[f->which], place);
        return code;
    }
    fill_row(x, r, f, place, had ? row_at(x, old) : NULL);
    code = ward_scan_idmap_put(x->subjects, f->id, spot_of(space, row), err);
    if (code != WARD_OK)
        drop(x, spot_of(space, row));
    else if (had)
        drop(x, old);
    return code;
}

enum ward_code index_put(struct index *x, const struct face_row *f, struct ward_err *err)
{
    enum ward_code code;

    pthread_rwlock_wrlock(&x->lock);
    code = put(x, f, err);
    pthread_rwlock_unlock(&x->lock);
    return code;
}

static void leave(struct index *x, const uint8_t id[KEYS_ID], struct row *r,
                  const char *const *names, size_t n)
{
    for (uint32_t i = 0; r->named > 0 && i < ward_scan_slab_end(x->named); i++) {
        struct named *g = ward_scan_slab_at(x->named, i);
        bool stays = false;

        for (size_t k = 0; g != NULL && k < n && !stays; k++)
            stays = strcmp(names[k], g->name) == 0;
        if (g == NULL || stays || !ward_scan_idmap_remove(g->members, id))
            continue;
        r->named--;
        if (ward_scan_idmap_count(g->members) > 0)
            continue;
        ward_scan_idmap_close(g->members);
        ward_scan_slab_drop(x->named, i);
    }
}

static void take_away(struct index *x, const uint8_t id[KEYS_ID])
{
    uint64_t spot;

    if (!ward_scan_idmap_get(x->subjects, id, &spot))
        return;
    leave(x, id, row_at(x, spot), NULL, 0);
    ward_scan_idmap_remove(x->subjects, id);
    drop(x, spot);
}

void index_remove(struct index *x, const uint8_t id[KEYS_ID])
{
    pthread_rwlock_wrlock(&x->lock);
    take_away(x, id);
    pthread_rwlock_unlock(&x->lock);
}

/* ---- named galleries ---- */

struct named *index_find_named(const struct index *x, const char *name)
{
    for (uint32_t i = 0; i < ward_scan_slab_end(x->named); i++) {
        struct named *g = ward_scan_slab_at(x->named, i);

        if (g != NULL && strcmp(g->name, name) == 0)
            return g;
    }
    return NULL;
}

static enum ward_code named_made(struct index *x, const char *name, struct named **out,
                                 struct ward_err *err)
{
    struct named *g = index_find_named(x, name);
    struct scan_idmap *members = NULL;
    uint32_t number = 0;
    void *mem = NULL;

    if (g == NULL) {
        WARD_TRY(ward_scan_idmap_open(&members, err));
        if (ward_scan_slab_take(x->named, &number, &mem, err) != WARD_OK) {
            ward_scan_idmap_close(members);
            return WARD_RESOURCE_EXHAUSTED;
        }
        g = mem;
        g->members = members;
        snprintf(g->name, sizeof(g->name), "%s", name);
    }
    *out = g;
    return WARD_OK;
}

static enum ward_code enter(struct index *x, const uint8_t id[KEYS_ID], struct row *r,
                            const char *name, struct ward_err *err)
{
    struct named *g = NULL;
    uint64_t in;

    WARD_TRY(named_made(x, name, &g, err));
    if (ward_scan_idmap_get(g->members, id, &in))
        return WARD_OK;
    WARD_TRY(ward_scan_idmap_put(g->members, id, 0, err));
    r->named++;
    return WARD_OK;
}

enum ward_code index_join(struct index *x, const uint8_t id[KEYS_ID], const char *const *names,
                          size_t n, struct ward_err *err)
{
    enum ward_code code = WARD_OK;
    uint64_t spot;

    pthread_rwlock_wrlock(&x->lock);
    if (ward_scan_idmap_get(x->subjects, id, &spot)) {
        leave(x, id, row_at(x, spot), names, n);
        for (size_t i = 0; code == WARD_OK && i < n; i++)
            code = enter(x, id, row_at(x, spot), names[i], err);
    }
    pthread_rwlock_unlock(&x->lock);
    return code;
}

int64_t index_named(struct index *x, const char *name)
{
    const struct named *g;
    int64_t n;

    pthread_rwlock_rdlock(&x->lock);
    g = index_find_named(x, name);
    n = g == NULL ? -1 : (int64_t)ward_scan_idmap_count(g->members);
    pthread_rwlock_unlock(&x->lock);
    return n;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct named_size *)a)->name, ((const struct named_size *)b)->name);
}

enum ward_code index_names(struct index *x, struct ward_arena *mem, struct named_size **out,
                           size_t *n, struct ward_err *err)
{
    struct named_size *list;
    size_t k = 0;

    pthread_rwlock_rdlock(&x->lock);
    list = ward_alloc(mem, ward_scan_slab_count(x->named) * sizeof(*list));
    for (uint32_t i = 0; list != NULL && i < ward_scan_slab_end(x->named); i++) {
        const struct named *g = ward_scan_slab_at(x->named, i);

        if (g == NULL)
            continue;
        memcpy(list[k].name, g->name, sizeof(g->name));
        list[k++].n = (int64_t)ward_scan_idmap_count(g->members);
    }
    pthread_rwlock_unlock(&x->lock);
    if (list == NULL)
        return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory for the answer");
    qsort(list, k, sizeof(*list), by_name);
    *out = list;
    *n = k;
    return WARD_OK;
}

/* ---- loads ---- */

void index_begin_load(struct index *x)
{
    pthread_rwlock_wrlock(&x->lock);
    x->epoch++;
    pthread_rwlock_unlock(&x->lock);
}

/* Removes rows that the load did not see. Releases the lock after each page of rows, so that
 * searches continue. */
static void sweep(struct index *x, const struct space *s, uint32_t from)
{
    pthread_rwlock_wrlock(&x->lock);
    for (uint32_t i = from; i < from + SCAN_PAGE; i++) {
        const struct row *r = ward_scan_slab_at(s->rows, i);
        uint8_t id[KEYS_ID];

        if (r == NULL || r->epoch == x->epoch)
            continue;
        memcpy(id, r->id, sizeof(id));
        take_away(x, id);
    }
    pthread_rwlock_unlock(&x->lock);
}

void index_end_load(struct index *x)
{
    for (int i = 0; i < x->n_spaces; i++) {
        for (uint32_t at = 0; at < ward_scan_slab_end(x->at[i].rows); at += SCAN_PAGE)
            sweep(x, &x->at[i], at);
    }
}

void index_measure(struct index *x, struct index_size *out)
{
    *out = (struct index_size){0};
    pthread_rwlock_rdlock(&x->lock);
    out->bytes = (int64_t)(ward_scan_idmap_bytes(x->subjects) + ward_scan_slab_bytes(x->named));
    for (int i = 0; i < x->n_spaces; i++) {
        const struct space *s = &x->at[i];

        out->rows[s->kind] += (int64_t)ward_scan_live(s->set);
        out->bytes += (int64_t)(ward_scan_bytes(s->set) + ward_scan_slab_bytes(s->rows));
    }
    for (int i = 0; i < 2; i++)
        out->bytes += x->vectors[i] == NULL ? 0 : (int64_t)ward_scan_slab_bytes(x->vectors[i]);
    for (uint32_t i = 0; i < ward_scan_slab_end(x->named); i++) {
        const struct named *g = ward_scan_slab_at(x->named, i);

        out->bytes += g == NULL ? 0 : (int64_t)ward_scan_idmap_bytes(g->members);
    }
    pthread_rwlock_unlock(&x->lock);
}

bool index_next_space(struct index *x, int which, int kind, int after, struct space *out,
                      int *number)
{
    bool found = false;

    pthread_rwlock_rdlock(&x->lock);
    for (int i = 0; i < x->n_spaces; i++) {
        const struct space *s = &x->at[i];

        if (s->which != which || s->kind != kind || s->generation <= after ||
            (found && s->generation > out->generation) || ward_scan_live(s->set) == 0)
            continue;
        *out = *s;
        *number = i;
        found = true;
    }
    pthread_rwlock_unlock(&x->lock);
    return found;
}
