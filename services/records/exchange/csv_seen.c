/* Counts equal measurements in a table. */
#include "services/records/exchange/csv_map.h"

#include <string.h>

struct csv_seen {
    uint64_t *key;
    uint32_t *times;
    size_t cap, n;
    struct ward_arena own;
};

static bool room(struct csv_seen *s, size_t cap)
{
    s->key = ward_alloc(&s->own, cap * sizeof(*s->key));
    s->times = ward_alloc(&s->own, cap * sizeof(*s->times));
    s->cap = cap;
    return s->key != NULL && s->times != NULL;
}

enum ward_code csv_seen_open(struct ward_arena *mem, struct csv_seen **out,
                             struct ward_err *err)
{
    struct csv_seen *s = ward_new(mem, struct csv_seen);

    if (s == NULL)
        return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory for a table");
    ward_arena_init(&s->own, 64 * CSV_SEEN);
    *out = s;
    return room(s, 1024) ? WARD_OK
                         : WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory for a table");
}

void csv_seen_close(struct csv_seen *s)
{
    if (s != NULL)
        ward_arena_done(&s->own);
}

static size_t slot(const struct csv_seen *s, uint64_t key)
{
    size_t i = (size_t)key & (s->cap - 1);

    while (s->times[i] != 0 && s->key[i] != key)
        i = (i + 1) & (s->cap - 1);
    return i;
}

static bool grow(struct csv_seen *s)
{
    struct csv_seen old = *s;

    if (!room(s, 2 * old.cap)) {
        *s = old;
        return false;
    }
    for (size_t i = 0; i < old.cap; i++)
        if (old.times[i] != 0) {
            size_t at = slot(s, old.key[i]);

            s->key[at] = old.key[i];
            s->times[at] = old.times[i];
        }
    return true;
}

int64_t csv_seen_before(struct csv_seen *s, const uint8_t hash[16], int64_t line)
{
    uint64_t key;
    size_t i;

    memcpy(&key, hash, sizeof(key));
    i = slot(s, key);
    if (s->times[i] == 0) {
        if (s->n == CSV_SEEN || (2 * s->n >= s->cap && !grow(s)))
            return (int64_t)CSV_SEEN + line;
        i = slot(s, key);
        s->key[i] = key;
        s->n++;
    }
    return s->times[i]++;
}
