/* Searches one space with scan.h, and finds the subjects of the hits.
 *
 * A row's number may be reassigned to another subject during a search. The subject of a hit is
 * therefore noted under the lock under which its exact vector is read. Score and subject then
 * belong together. */
#include "services/identity/gallery/index.h"

#include "common/base/clock.h"
#include "common/base/crypto.h"
#include "common/host/host.h"
#include "services/identity/gallery/snapshot.h"

#include <string.h>

#define NOTES 64

struct notes {
    struct notes *before;
    int n;
    struct {
        uint32_t row;
        uint8_t id[KEYS_ID];
    } at[NOTES];
};

struct looking {
    struct index *x;
    const struct space *space; /* a copy from the start of the search */
    int number;
    struct ward_arena *mem;
    struct notes *notes;
};

enum ward_code index_exact(const struct index *x, const struct space *s, const struct row *r,
                           float *out, struct ward_err *err)
{
    const void *v;

    if ((r->place & PLACE_MAPPED) != 0)
        return mapping_vector(x->map[(r->place & PLACE_SECOND) != 0], r->place & PLACE_MAX,
                              r->id, s->dim, out, err);
    v = ward_scan_slab_at(x->vectors[s->which], r->place);
    if (v == NULL)
        return WARD_FAIL(err, INTERNAL, "a row has no vector");
    memcpy(out, v, (size_t)s->dim * sizeof(*out));
    return WARD_OK;
}

static enum ward_code note(struct looking *l, uint32_t row, const uint8_t id[KEYS_ID],
                           struct ward_err *err)
{
    struct notes *n = l->notes;

    if (n == NULL || n->n == NOTES) {
        n = ward_new(l->mem, struct notes);
        if (n == NULL)
            return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory for a search");
        n->before = l->notes;
        l->notes = n;
    }
    n->at[n->n].row = row;
    memcpy(n->at[n->n++].id, id, KEYS_ID);
    return WARD_OK;
}

/* The caller holds the lock. False if the space was emptied and reused for another
 * generation. */
static bool is_still(const struct index *x, int number, const struct space *s)
{
    return x->at[number].kind == s->kind && x->at[number].generation == s->generation;
}

static enum ward_code exact(void *arg, uint32_t row, float *out, struct ward_err *err)
{
    struct looking *l = arg;
    const struct row *r;
    enum ward_code code;
    uint8_t id[KEYS_ID];

    pthread_rwlock_rdlock(&l->x->lock);
    r = is_still(l->x, l->number, l->space) ? ward_scan_slab_at(l->space->rows, row) : NULL;
    code = r == NULL ? WARD_NOT_FOUND : index_exact(l->x, l->space, r, out, err);
    if (r != NULL)
        memcpy(id, r->id, sizeof(id));
    pthread_rwlock_unlock(&l->x->lock);
    return code == WARD_OK ? note(l, row, id, err) : code;
}

/* Returns the last noted subject of a row, because scan may have read the row twice. */
static const uint8_t *whose(const struct looking *l, uint32_t row)
{
    for (const struct notes *n = l->notes; n != NULL; n = n->before) {
        for (int i = n->n - 1; i >= 0; i--) {
            if (n->at[i].row == row)
                return n->at[i].id;
        }
    }
    return NULL;
}

/* Lists the rows of a named gallery in this space. */
static enum ward_code members(struct index *x, const struct probe *p, struct ward_arena *mem,
                              uint32_t **rows, size_t *n, struct ward_err *err)
{
    const struct named *g;
    uint8_t id[KEYS_ID];
    uint64_t none, spot;
    size_t at = 0;

    pthread_rwlock_rdlock(&x->lock);
    g = index_find_named(x, p->named);
    *n = 0;
    *rows =
        ward_alloc(mem, (g == NULL ? 0 : ward_scan_idmap_count(g->members)) * sizeof(**rows));
    while (g != NULL && *rows != NULL && ward_scan_idmap_next(g->members, &at, id, &none)) {
        if (ward_scan_idmap_get(x->subjects, id, &spot) && (int)(spot >> 32) == p->space)
            (*rows)[(*n)++] = (uint32_t)spot;
    }
    pthread_rwlock_unlock(&x->lock);
    if (*rows == NULL)
        return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory for a search");
    return WARD_OK;
}

static bool gone(const void *arg)
{
    const struct ward_stop *s = arg;

    return ward_left_ms(s->deadline_ns) == 0 || (s->gone != NULL && s->gone(s->arg));
}

static bool still_there(struct index *x, const uint8_t id[KEYS_ID])
{
    uint64_t spot;
    bool there;

    pthread_rwlock_rdlock(&x->lock);
    there = ward_scan_idmap_get(x->subjects, id, &spot);
    pthread_rwlock_unlock(&x->lock);
    return there;
}

static bool among(const struct gallery_hit *hits, int n, const uint8_t id[KEYS_ID])
{
    for (int i = 0; i < n; i++) {
        if (memcmp(hits[i].subject_id, id, KEYS_ID) == 0)
            return true;
    }
    return false;
}

/* Converts found rows to hits. A subject whose row is being replaced may be found twice. */
static int name_hits(const struct looking *l, const struct probe *p,
                     const struct scan_hit *found, int n, struct gallery_hit *hits)
{
    int kept = 0;

    for (int i = 0; i < n && kept < p->k; i++) {
        const uint8_t *id = whose(l, found[i].row);

        if (id == NULL || (p->except != NULL && memcmp(id, p->except, KEYS_ID) == 0) ||
            among(hits, kept, id) || !still_there(l->x, id))
            continue;
        memcpy(hits[kept].subject_id, id, KEYS_ID);
        hits[kept].kind = l->space->kind;
        hits[kept++].score = found[i].score;
    }
    return kept;
}

static struct space space_of_probe(struct index *x, const struct probe *p)
{
    struct space s;

    pthread_rwlock_rdlock(&x->lock);
    s = x->at[p->space];
    pthread_rwlock_unlock(&x->lock);
    return s;
}

enum ward_code index_search(struct index *x, const struct probe *p, struct ward_arena *mem,
                            struct gallery_hit *hits, int *n, int64_t *size, size_t *looked,
                            struct ward_err *err)
{
    struct space space = space_of_probe(x, p);
    struct looking l = {x, &space, p->space, mem, NULL};
    struct ward_scan_search what = {
        .query = p->v,
        .k = p->k + 2 /* one more for `except`, one for a row that is being replaced */,
        .min = -1,
        .exact = exact,
        .arg = &l,
        .gone = p->stop == NULL ? NULL : gone,
        .gone_arg = p->stop};
    struct scan_hit found[64];
    enum ward_code code;
    uint32_t *only;
    int got = 0;

    *size = (int64_t)ward_scan_live(space.set);
    if (p->named != NULL) {
        WARD_TRY(members(x, p, mem, &only, &what.n_only, err));
        what.only = only;
        *size = (int64_t)what.n_only;
    }
    *n = 0;
    if (space.generation != p->generation)
        *size = 0;
    if (*size == 0)
        return WARD_OK;
    code = ward_scan_search(space.set, &what, mem, found, &got, looked, err);
    if (code == WARD_CANCELLED && p->stop != NULL && ward_left_ms(p->stop->deadline_ns) == 0)
        return WARD_FAIL(err, DEADLINE_EXCEEDED, "no time left to search");
    WARD_TRY(code);
    *n = name_hits(&l, p, found, got, hits);
    return WARD_OK;
}
