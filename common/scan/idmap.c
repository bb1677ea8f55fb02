#include "common/scan/idmap.h"

#include "common/base/crypto.h"

#include <stdlib.h>
#include <string.h>

#define FIRST 16
#define EMPTY UINT64_MAX

struct place {
    uint8_t id[SCAN_ID];
    uint64_t value;
};

struct scan_idmap {
    struct place *at;
    size_t n, cap;
};

/* Returns the preferred place of an id. The later bytes of an id are random and the first bytes
 * are a time, so both halves are used. The high half of the product replaces a division. */
static size_t home(const struct scan_idmap *m, const uint8_t id[SCAN_ID])
{
    uint64_t a, b;

    memcpy(&a, id, sizeof(a));
    memcpy(&b, id + sizeof(a), sizeof(b));
    a = (a ^ (b >> 29)) * 0xbf58476d1ce4e5b9u + b;
    a = (a ^ (a >> 31)) * 0x94d049bb133111ebu;
    a ^= a >> 30;
    return (size_t)(((unsigned __int128)a * m->cap) >> 64);
}

static size_t after(const struct scan_idmap *m, size_t i)
{
    return i + 1 == m->cap ? 0 : i + 1;
}

static struct place *places(size_t cap)
{
    struct place *at = malloc(cap * sizeof(*at));

    for (size_t i = 0; at != NULL && i < cap; i++)
        at[i].value = EMPTY;
    return at;
}

enum ward_code ward_scan_idmap_open(struct scan_idmap **out, struct ward_err *err)
{
    struct scan_idmap *m = calloc(1, sizeof(*m));

    if (m != NULL)
        m->at = places(FIRST);
    if (m == NULL || m->at == NULL) {
        free(m);
        return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory");
    }
    m->cap = FIRST;
    *out = m;
    return WARD_OK;
}

void ward_scan_idmap_close(struct scan_idmap *m)
{
    if (m == NULL)
        return;
    ward_wipe(m->at, m->cap * sizeof(*m->at));
    free(m->at);
    free(m);
}

/* Returns the place of an id, or the empty place for it. */
static size_t find(const struct scan_idmap *m, const uint8_t id[SCAN_ID])
{
    size_t i = home(m, id);

    while (m->at[i].value != EMPTY && memcmp(m->at[i].id, id, SCAN_ID) != 0)
        i = after(m, i);
    return i;
}

static enum ward_code grow(struct scan_idmap *m, struct ward_err *err)
{
    struct scan_idmap wide = {.cap = m->cap + m->cap / 2, .n = m->n};

    wide.at = places(wide.cap);
    if (wide.at == NULL)
        return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory");
    for (size_t i = 0; i < m->cap; i++) {
        if (m->at[i].value != EMPTY)
            wide.at[find(&wide, m->at[i].id)] = m->at[i];
    }
    ward_wipe(m->at, m->cap * sizeof(*m->at));
    free(m->at);
    *m = wide;
    return WARD_OK;
}

enum ward_code ward_scan_idmap_put(struct scan_idmap *m, const uint8_t id[SCAN_ID],
                                   uint64_t value, struct ward_err *err)
{
    size_t i = find(m, id);

    WARD_ASSERT(value != EMPTY);
    if (m->at[i].value == EMPTY && (m->n + 1) * 5 > m->cap * 4) {
        WARD_TRY(grow(m, err));
        i = find(m, id);
    }
    if (m->at[i].value == EMPTY)
        m->n++;
    memcpy(m->at[i].id, id, SCAN_ID);
    m->at[i].value = value;
    return WARD_OK;
}

bool ward_scan_idmap_get(const struct scan_idmap *m, const uint8_t id[SCAN_ID], uint64_t *value)
{
    size_t i = find(m, id);

    if (m->at[i].value == EMPTY)
        return false;
    *value = m->at[i].value;
    return true;
}

/* Moves later entries that are not in their preferred place into the gap, which then moves on.
 */
bool ward_scan_idmap_remove(struct scan_idmap *m, const uint8_t id[SCAN_ID])
{
    size_t hole = find(m, id);

    if (m->at[hole].value == EMPTY)
        return false;
    for (size_t i = after(m, hole); m->at[i].value != EMPTY; i = after(m, i)) {
        size_t want = home(m, m->at[i].id);
        bool between = hole <= i ? hole < want && want <= i : hole < want || want <= i;

        if (between)
            continue;
        m->at[hole] = m->at[i];
        hole = i;
    }
    ward_wipe(&m->at[hole], sizeof(m->at[hole]));
    m->at[hole].value = EMPTY;
    m->n--;
    return true;
}

bool ward_scan_idmap_next(const struct scan_idmap *m, size_t *at, uint8_t id[SCAN_ID],
                          uint64_t *value)
{
    while (*at < m->cap && m->at[*at].value == EMPTY)
        ++*at;
    if (*at >= m->cap)
        return false;
    memcpy(id, m->at[*at].id, SCAN_ID);
    *value = m->at[(*at)++].value;
    return true;
}

size_t ward_scan_idmap_count(const struct scan_idmap *m)
{
    return m->n;
}

size_t ward_scan_idmap_bytes(const struct scan_idmap *m)
{
    return sizeof(*m) + m->cap * sizeof(*m->at);
}
