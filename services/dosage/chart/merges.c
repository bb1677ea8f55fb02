#include "services/dosage/chart/merges.h"

#include <pthread.h>
#include <string.h>

#define FIRST 1024
#define DEPTH 64 /* maximum length of a chain of merges; a longer chain is an error */

struct pair {
    uint8_t from[DOSAGE_ID], into[DOSAGE_ID];
    bool taken;
};
/* A hash table with open addressing. A removed pair must not break the probe sequence of later
 * pairs. */
struct merges {
    struct ward_arena keep, own;
    pthread_rwlock_t lock;
    struct pair *at;
    size_t cap, n;
};

static size_t place(const struct merges *m, const uint8_t id[DOSAGE_ID])
{
    uint64_t h;

    memcpy(&h, id + 8, sizeof(h));
    return (size_t)(h * UINT64_C(0x9E3779B97F4A7C15) >> 32) & (m->cap - 1);
}

static size_t slot(const struct merges *m, const uint8_t id[DOSAGE_ID])
{
    size_t i = place(m, id);

    while (m->at[i].taken && memcmp(m->at[i].from, id, DOSAGE_ID) != 0)
        i = (i + 1) & (m->cap - 1);
    return i;
}

static bool grow(struct merges *m)
{
    struct merges old = *m;
    struct ward_arena fresh;
    struct pair *at;

    ward_arena_init(&fresh, 4 * MERGES_MOST * sizeof(*at));
    at = ward_alloc(&fresh, 2 * old.cap * sizeof(*at));
    if (at == NULL)
        return false;
    m->at = at;
    m->cap = 2 * old.cap;
    m->own = fresh;
    for (size_t i = 0; i < old.cap; i++)
        if (old.at[i].taken)
            m->at[slot(m, old.at[i].from)] = old.at[i];
    ward_arena_done(&old.own);
    return true;
}

enum ward_code merges_open(struct merges **out, struct ward_err *err)
{
    struct ward_arena keep;
    struct merges *m;

    ward_arena_init(&keep, sizeof(*m) + 64);
    m = ward_new(&keep, struct merges);
    if (m == NULL)
        return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory for merges");
    m->keep = keep;
    ward_arena_init(&m->own, FIRST * sizeof(*m->at) + 64);
    m->at = ward_alloc(&m->own, FIRST * sizeof(*m->at));
    m->cap = FIRST;
    if (m->at == NULL) {
        ward_arena_done(&keep);
        return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory for merges");
    }
    pthread_rwlock_init(&m->lock, NULL);
    *out = m;
    return WARD_OK;
}

void merges_close(struct merges *m)
{
    struct ward_arena keep;

    if (m == NULL)
        return;
    pthread_rwlock_destroy(&m->lock);
    ward_arena_done(&m->own);
    keep = m->keep;
    ward_arena_done(&keep);
}

void merges_set(struct merges *m, const uint8_t from[DOSAGE_ID], const uint8_t into[DOSAGE_ID])
{
    struct pair *p;

    pthread_rwlock_wrlock(&m->lock);
    p = &m->at[slot(m, from)];
    if (!p->taken && m->n < MERGES_MOST && (2 * m->n < m->cap || grow(m))) {
        p = &m->at[slot(m, from)];
        m->n++;
        p->taken = true;
        memcpy(p->from, from, DOSAGE_ID);
    }
    if (p->taken)
        memcpy(p->into, into, DOSAGE_ID);
    pthread_rwlock_unlock(&m->lock);
}

/* Moves later entries of the probe sequence into the gap. */
static void close_gap(struct merges *m, size_t gap)
{
    for (size_t i = (gap + 1) & (m->cap - 1); m->at[i].taken; i = (i + 1) & (m->cap - 1)) {
        size_t home = place(m, m->at[i].from);

        if (((i - home) & (m->cap - 1)) < ((i - gap) & (m->cap - 1)))
            continue;
        m->at[gap] = m->at[i];
        m->at[i].taken = false;
        gap = i;
    }
}

void merges_unset(struct merges *m, const uint8_t from[DOSAGE_ID])
{
    size_t i;

    pthread_rwlock_wrlock(&m->lock);
    i = slot(m, from);
    if (m->at[i].taken) {
        m->at[i].taken = false;
        m->n--;
        close_gap(m, i);
    }
    pthread_rwlock_unlock(&m->lock);
}

void merges_clear(struct merges *m)
{
    pthread_rwlock_wrlock(&m->lock);
    memset(m->at, 0, m->cap * sizeof(*m->at));
    m->n = 0;
    pthread_rwlock_unlock(&m->lock);
}

static bool step(const struct merges *m, const uint8_t from[DOSAGE_ID], uint8_t into[DOSAGE_ID])
{
    const struct pair *p = &m->at[slot(m, from)];

    if (p->taken)
        memcpy(into, p->into, DOSAGE_ID);
    return p->taken;
}

bool merges_into(struct merges *m, const uint8_t from[DOSAGE_ID], uint8_t into[DOSAGE_ID])
{
    bool found;

    pthread_rwlock_rdlock(&m->lock);
    found = step(m, from, into);
    pthread_rwlock_unlock(&m->lock);
    return found;
}

void merges_root(struct merges *m, const uint8_t id[DOSAGE_ID], uint8_t root[DOSAGE_ID])
{
    pthread_rwlock_rdlock(&m->lock);
    memmove(root, id, DOSAGE_ID);
    for (int i = 0; i < DEPTH && step(m, root, root); i++)
        ;
    pthread_rwlock_unlock(&m->lock);
}
