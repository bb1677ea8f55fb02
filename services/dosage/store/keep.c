#include "services/dosage/store/keep.h"

#include "common/base/crypto.h"

#include <pthread.h>
#include <string.h>

#define SHARDS      64
#define ENTRIES     (KEEP_CHARTS / SHARDS) /* entries of one shard */
#define HEADS       2048
#define GENERATIONS 1024 /* generations of one shard; a collision costs at most one read */
#define BLOCK       504  /* bytes of facts in one block */
#define SLAB        256  /* blocks allocated at once */
#define SLABS       (KEEP_BYTES / (SHARDS * SLAB * sizeof(struct block)))
#define NONE        UINT32_MAX

/* Facts are stored in chains of blocks, which avoids fragmentation. */
struct block {
    uint32_t next;
    uint8_t data[BLOCK];
};
struct entry {
    struct keep_key key;
    struct kept kept; /* kept.facts is unused; kept.n: bytes in the blocks */
    uint32_t blocks;  /* the first block; NONE: no block */
    uint32_t chain;   /* the next entry of the same hash, or the next free entry */
    uint32_t newer, older;
};
struct shard {
    pthread_mutex_t lock;
    struct ward_arena own;
    struct entry *entry; /* array of ENTRIES; NULL until the first use */
    uint32_t *head;
    uint32_t free, used, newest, oldest;
    size_t n;
    struct block **slab;
    size_t n_slabs;
    uint32_t free_block;
    uint64_t generation[GENERATIONS], all;
};
struct keep {
    struct ward_arena own;
    struct shard shard[SHARDS];
};

/* Ids are UUIDv7: the last bytes are random. */
static uint64_t spread(const uint8_t id[DOSAGE_ID])
{
    uint64_t h;

    memcpy(&h, id + 8, sizeof(h));
    return h * UINT64_C(0x9E3779B97F4A7C15);
}

static struct shard *shard_of(struct keep *k, const uint8_t id[DOSAGE_ID])
{
    return &k->shard[spread(id) >> 58];
}

static uint32_t *head_of(struct shard *s, const uint8_t id[DOSAGE_ID])
{
    return &s->head[(spread(id) >> 40) % HEADS];
}

static uint64_t *generation_of(struct shard *s, const uint8_t id[DOSAGE_ID])
{
    return &s->generation[(spread(id) >> 28) % GENERATIONS];
}

/* ---- blocks ---- */

static struct block *block_at(struct shard *s, uint32_t i)
{
    return &s->slab[i / SLAB][i % SLAB];
}

static bool more_blocks(struct shard *s)
{
    struct block *b;

    if (s->n_slabs == SLABS || (b = ward_alloc(&s->own, SLAB * sizeof(*b))) == NULL)
        return false;
    for (uint32_t i = 0; i < SLAB; i++) {
        b[i].next = s->free_block;
        s->free_block = (uint32_t)s->n_slabs * SLAB + i;
    }
    s->slab[s->n_slabs++] = b;
    return true;
}

static void give_back(struct shard *s, struct entry *e)
{
    while (e->blocks != NONE) {
        struct block *b = block_at(s, e->blocks);
        uint32_t next = b->next;

        ward_wipe(b->data, sizeof(b->data));
        b->next = s->free_block;
        s->free_block = e->blocks;
        e->blocks = next;
    }
    e->kept.n = 0;
}

/* ---- entries ---- */

static bool ready(struct shard *s)
{
    if (s->entry != NULL)
        return true;
    s->head = ward_alloc(&s->own, HEADS * sizeof(*s->head));
    s->slab = ward_alloc(&s->own, SLABS * sizeof(*s->slab));
    if (s->head == NULL || s->slab == NULL)
        return false;
    memset(s->head, 0xFF, HEADS * sizeof(*s->head));
    s->entry = ward_alloc(&s->own, ENTRIES * sizeof(*s->entry));
    return s->entry != NULL;
}

static void unlink_use(struct shard *s, uint32_t i)
{
    struct entry *e = &s->entry[i];

    *(e->newer == NONE ? &s->newest : &s->entry[e->newer].older) = e->older;
    *(e->older == NONE ? &s->oldest : &s->entry[e->older].newer) = e->newer;
}

static void link_use(struct shard *s, uint32_t i)
{
    struct entry *e = &s->entry[i];

    e->newer = NONE;
    e->older = s->newest;
    *(s->newest == NONE ? &s->oldest : &s->entry[s->newest].newer) = i;
    s->newest = i;
}

static void use(struct shard *s, const struct entry *e)
{
    unlink_use(s, (uint32_t)(e - s->entry));
    link_use(s, (uint32_t)(e - s->entry));
}

static void drop(struct shard *s, uint32_t i)
{
    struct entry *e = &s->entry[i];
    uint32_t *at = head_of(s, e->key.id);

    while (*at != i)
        at = &s->entry[*at].chain;
    *at = e->chain;
    unlink_use(s, i);
    give_back(s, e);
    ward_wipe(&e->key, sizeof(e->key));
    e->chain = s->free;
    s->free = i;
    s->n--;
}

static struct entry *find(struct shard *s, const struct keep_key *key)
{
    if (s->entry == NULL)
        return NULL;
    for (uint32_t i = *head_of(s, key->id); i != NONE; i = s->entry[i].chain)
        if (memcmp(&s->entry[i].key, key, sizeof(*key)) == 0)
            return &s->entry[i];
    return NULL;
}

static struct entry *make(struct shard *s, const struct keep_key *key)
{
    uint32_t i;

    if (!ready(s))
        return NULL;
    if (s->free == NONE && s->used == ENTRIES)
        drop(s, s->oldest);
    i = s->free != NONE ? s->free : s->used++;
    if (i == s->free)
        s->free = s->entry[i].chain;
    s->entry[i] = (struct entry){.key = *key, .blocks = NONE, .chain = *head_of(s, key->id)};
    *head_of(s, key->id) = i;
    link_use(s, i);
    s->n++;
    return &s->entry[i];
}

/* Stores the facts of the newest entry; older entries are evicted if room is needed. False: the
 * facts do not fit. */
static bool store(struct shard *s, struct entry *e, const uint8_t *from, size_t n)
{
    uint32_t *at = &e->blocks;

    for (size_t done = 0; done < n; done += BLOCK) {
        struct block *b;

        while (s->free_block == NONE && !more_blocks(s)) {
            if (&s->entry[s->oldest] == e) {
                give_back(s, e);
                return false;
            }
            drop(s, s->oldest);
        }
        *at = s->free_block;
        b = block_at(s, *at);
        s->free_block = b->next;
        b->next = NONE;
        memcpy(b->data, from + done, n - done < BLOCK ? n - done : BLOCK);
        at = &b->next;
    }
    e->kept.n = n;
    return true;
}

static bool copy_out(struct shard *s, const struct entry *e, struct ward_arena *mem,
                     struct kept *out)
{
    uint8_t *to = ward_alloc(mem, e->kept.n);
    uint32_t i = e->blocks;

    if (to == NULL)
        return false;
    *out = e->kept;
    out->facts = i == NONE ? NULL : to;
    for (size_t done = 0; i != NONE; done += BLOCK, i = block_at(s, i)->next)
        memcpy(to + done, block_at(s, i)->data,
               e->kept.n - done < BLOCK ? e->kept.n - done : BLOCK);
    return true;
}

/* ---- public functions ---- */

enum ward_code keep_open(struct keep **out, struct ward_err *err)
{
    struct ward_arena own;
    struct keep *k;

    ward_arena_init(&own, sizeof(*k) + 64);
    k = ward_new(&own, struct keep);
    if (k == NULL)
        return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory to cache charts");
    k->own = own;
    for (int i = 0; i < SHARDS; i++) {
        struct shard *s = &k->shard[i];

        pthread_mutex_init(&s->lock, NULL);
        ward_arena_init(&s->own, KEEP_BYTES);
        s->free = s->newest = s->oldest = s->free_block = NONE;
    }
    *out = k;
    return WARD_OK;
}

void keep_close(struct keep *k)
{
    struct ward_arena own;

    if (k == NULL)
        return;
    keep_forget_all(k);
    for (int i = 0; i < SHARDS; i++) {
        ward_arena_done(&k->shard[i].own);
        pthread_mutex_destroy(&k->shard[i].lock);
    }
    own = k->own;
    ward_arena_done(&own);
}

uint64_t keep_generation(struct keep *k, const uint8_t id[DOSAGE_ID])
{
    struct shard *s = shard_of(k, id);
    uint64_t g;

    pthread_mutex_lock(&s->lock);
    g = *generation_of(s, id) + s->all;
    pthread_mutex_unlock(&s->lock);
    return g;
}

bool keep_find(struct keep *k, const struct keep_key *key, struct ward_arena *mem,
               struct kept *out)
{
    struct shard *s = shard_of(k, key->id);
    struct entry *e;
    bool found = false;

    pthread_mutex_lock(&s->lock);
    e = find(s, key);
    if (e != NULL) {
        use(s, e);
        found = copy_out(s, e, mem, out);
    }
    pthread_mutex_unlock(&s->lock);
    return found;
}

bool keep_newest(struct keep *k, const uint8_t id[DOSAGE_ID], struct ward_arena *mem,
                 struct kept *out)
{
    struct shard *s = shard_of(k, id);
    const struct entry *best = NULL;
    bool found = false;

    pthread_mutex_lock(&s->lock);
    for (uint32_t i = s->entry == NULL ? NONE : *head_of(s, id); i != NONE;
         i = s->entry[i].chain) {
        const struct entry *e = &s->entry[i];

        if (memcmp(e->key.id, id, DOSAGE_ID) == 0 && e->blocks != NONE &&
            (best == NULL || e->kept.read_ns > best->kept.read_ns))
            best = e;
    }
    if (best != NULL)
        found = copy_out(s, best, mem, out);
    pthread_mutex_unlock(&s->lock);
    return found;
}

static void put(struct shard *s, const struct keep_key *key, const struct kept *what)
{
    struct entry *e = find(s, key);

    if (e == NULL)
        e = make(s, key);
    if (e == NULL)
        return;
    use(s, e);
    e->kept.let_in_ns = what->let_in_ns;
    if (what->facts == NULL)
        return;
    give_back(s, e);
    if (what->n > KEEP_MOST)
        return;
    e->kept.read_ns = what->read_ns;
    e->kept.read_us = what->read_us;
    store(s, e, what->facts, what->n);
}

void keep_put(struct keep *k, const struct keep_key *key, uint64_t generation,
              const struct kept *what)
{
    struct shard *s = shard_of(k, key->id);

    pthread_mutex_lock(&s->lock);
    if (*generation_of(s, key->id) + s->all == generation)
        put(s, key, what);
    pthread_mutex_unlock(&s->lock);
}

void keep_forget(struct keep *k, const uint8_t id[DOSAGE_ID], enum keep_forget what)
{
    struct shard *s = shard_of(k, id);

    pthread_mutex_lock(&s->lock);
    ++*generation_of(s, id);
    for (uint32_t i = s->entry == NULL ? NONE : *head_of(s, id), next; i != NONE; i = next) {
        struct entry *e = &s->entry[i];

        next = e->chain;
        if (memcmp(e->key.id, id, DOSAGE_ID) != 0)
            continue;
        if (what == KEEP_ALL)
            drop(s, i);
        else
            give_back(s, e);
    }
    pthread_mutex_unlock(&s->lock);
}

void keep_forget_all(struct keep *k)
{
    for (int i = 0; i < SHARDS; i++) {
        struct shard *s = &k->shard[i];

        pthread_mutex_lock(&s->lock);
        s->all++;
        while (s->oldest != NONE)
            drop(s, s->oldest);
        pthread_mutex_unlock(&s->lock);
    }
}

size_t keep_count(struct keep *k)
{
    size_t n = 0;

    for (int i = 0; i < SHARDS; i++) {
        pthread_mutex_lock(&k->shard[i].lock);
        n += k->shard[i].n;
        pthread_mutex_unlock(&k->shard[i].lock);
    }
    return n;
}
