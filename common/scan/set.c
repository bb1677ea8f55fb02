#include "common/scan/set.h"
#include "common/base/crypto.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#define HUGE_PAGE ((size_t)2 << 20)
/* SCAN_NO_ROW is not a row number. */
#define BLOCKS_MAX (UINT32_MAX / SCAN_BLOCK)

struct scan_block *ward_scan_block_at(const struct scan_set *s, uint32_t block)
{
    struct scan_shelf *shelf =
        atomic_load_explicit(&s->shelves[block / SCAN_SHELF], memory_order_acquire);

    return atomic_load_explicit(&shelf->at[block % SCAN_SHELF], memory_order_acquire);
}

struct scan_gate *ward_scan_gate_at(struct scan_block *b, uint32_t r)
{
    return &b->gates[r / SCAN_STRIP];
}

unsigned ward_scan_gate_enter(struct scan_gate *g)
{
    unsigned turn = atomic_load(&g->turn) & 1;

    atomic_fetch_add(&g->readers[turn], 1);
    return turn;
}

void ward_scan_gate_leave(struct scan_gate *g, unsigned turn)
{
    atomic_fetch_sub(&g->readers[turn], 1);
}

static void drain(atomic_uint *readers)
{
    while (atomic_load(readers) != 0)
        nanosleep(&(struct timespec){.tv_nsec = 20000}, NULL);
}

/* Waits until all readers that entered before have left. There are two counters, because a
 * single one might never reach zero; new readers use the other one. Both are awaited, because a
 * reader that has read `turn` may increment late. A reader that increments after the wait sees
 * the current bits, because all operations are sequentially consistent. */
static void until_left(struct scan_gate *g)
{
    unsigned turn = atomic_load(&g->turn) & 1;

    drain(&g->readers[1 - turn]);
    atomic_store(&g->turn, 1 - turn);
    drain(&g->readers[turn]);
}

static size_t codes_size(const struct scan_set *s)
{
    return (size_t)s->dim * SCAN_BLOCK;
}

enum ward_code ward_scan_set_open(int dim, struct scan_pool *pool, struct scan_set **out,
                                  struct ward_err *err)
{
    struct scan_set *s;

    if (dim <= 0 || dim > SCAN_DIM_MAX || dim % 64 != 0)
        return WARD_FAIL(err, INVALID_ARGUMENT, "%d is not a valid dimension of a scan", dim);
    s = calloc(1, sizeof(*s));
    if (s == NULL)
        return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory for a set");
    s->dim = dim;
    s->pool = pool;
    s->kernel = ward_scan_kernel_now();
    pthread_mutex_init(&s->writers, NULL);
    pthread_mutex_init(&s->removers, NULL);
    atomic_store(&s->nbytes, sizeof(*s));
    *out = s;
    return WARD_OK;
}

static void block_free(const struct scan_set *s, struct scan_block *b)
{
    for (int w = 0; w < SCAN_BLOCK / 64; w++) { /* the rest is zero, or was never touched */
        if (b->taken[w] != 0)
            ward_wipe(b->codes + (size_t)w * 64 * (size_t)s->dim, 64 * (size_t)s->dim);
    }
    munmap(b->codes, codes_size(s));
    ward_wipe(b, sizeof(*b));
    free(b);
}

void ward_scan_set_close(struct scan_set *s)
{
    if (s == NULL)
        return;
    for (uint32_t i = 0; i < atomic_load(&s->n_blocks); i++)
        block_free(s, ward_scan_block_at(s, i));
    for (uint32_t i = 0; i < SCAN_SHELF; i++)
        free(atomic_load(&s->shelves[i]));
    pthread_mutex_destroy(&s->removers);
    pthread_mutex_destroy(&s->writers);
    free(s);
}

/* Zeroed memory, aligned to a huge page, which holds 4096 rows of 512 dimensions. A set's first
 * block uses small pages, so that a set of ten faces takes little memory. Excluded from core
 * files. */
static int8_t *codes_map(size_t n, bool first)
{
    uint8_t *all = mmap(NULL, n + HUGE_PAGE, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    size_t before, after;

    if (all == MAP_FAILED)
        return NULL;
    before = (HUGE_PAGE - (uintptr_t)all % HUGE_PAGE) % HUGE_PAGE;
    after = HUGE_PAGE - before;
    if (before > 0)
        munmap(all, before);
    if (after > 0)
        munmap(all + before + n, after);
    madvise(all + before, n, MADV_DONTDUMP);
    if (!first)
        madvise(all + before, n, MADV_HUGEPAGE);
    return (int8_t *)(all + before);
}

static struct scan_block *block_new(const struct scan_set *s, bool first)
{
    struct scan_block *b = aligned_alloc(alignof(struct scan_block), sizeof(*b));

    if (b == NULL)
        return NULL;
    memset(b, 0, sizeof(*b));
    b->codes = codes_map(codes_size(s), first);
    if (b->codes == NULL) {
        free(b);
        return NULL;
    }
    return b;
}

/* Adds block number n. */
static enum ward_code grow(struct scan_set *s, uint32_t n, struct ward_err *err)
{
    struct scan_shelf *shelf;
    struct scan_block *b;

    if (n >= BLOCKS_MAX)
        return WARD_FAIL(err, RESOURCE_EXHAUSTED, "the set is full");
    shelf = atomic_load(&s->shelves[n / SCAN_SHELF]);
    if (shelf == NULL) {
        shelf = calloc(1, sizeof(*shelf));
        if (shelf == NULL)
            return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory for more rows");
        atomic_store(&s->shelves[n / SCAN_SHELF], shelf);
        atomic_fetch_add(&s->nbytes, sizeof(*shelf));
    }
    b = block_new(s, n == 0);
    if (b == NULL)
        return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory for more rows");
    atomic_store(&shelf->at[n % SCAN_SHELF], b);
    atomic_fetch_add(&s->nbytes, sizeof(*b) + codes_size(s));
    atomic_store(&s->n_blocks, n + 1);
    return WARD_OK;
}

/* Rejects values that ward_scan_quantise cannot create, because they would invalidate the error
 * bound. */
static enum ward_code check(const struct scan_set *s, const int8_t *codes,
                            const struct scan_code *code, struct ward_err *err)
{
    int32_t sum = 0;
    int low = 0;

    for (int i = 0; i < s->dim; i += 64) {
        for (int j = i; j < i + 64; j++) { /* a constant count, which compilers vectorize */
            sum += codes[j] * codes[j];
            low |= codes[j] < -SCAN_CODE_MAX;
        }
    }
    if (low != 0 || !(code->scale > 0) || !(code->residual >= 0) ||
        !(code->residual <= (float)SCAN_FURTHEST) ||
        !(sqrt((double)sum) * (double)code->scale <= SCAN_LONGEST))
        return WARD_FAIL(err, INVALID_ARGUMENT,
                         "these codes do not represent a vector of length 1");
    return WARD_OK;
}

static uint32_t free_row(const struct scan_block *b)
{
    uint32_t w = 0;

    while (b->taken[w] == UINT64_MAX)
        w++;
    return w * 64 + (uint32_t)__builtin_ctzll(~b->taken[w]);
}

static uint64_t bit(uint32_t row)
{
    return (uint64_t)1 << row % 64;
}

static enum ward_code with_room(struct scan_set *s, struct scan_block **out,
                                struct ward_err *err)
{
    for (;; s->room++) {
        if (s->room == atomic_load(&s->n_blocks))
            WARD_TRY(grow(s, s->room, err));
        *out = ward_scan_block_at(s, s->room);
        if ((*out)->n_taken < SCAN_BLOCK)
            return WARD_OK;
    }
}

enum ward_code ward_scan_add(struct scan_set *s, const int8_t *codes,
                             const struct scan_code *code, uint32_t *row, struct ward_err *err)
{
    struct scan_block *b;
    enum ward_code rc;
    uint32_t r;

    WARD_TRY(check(s, codes, code, err));
    pthread_mutex_lock(&s->writers);
    rc = with_room(s, &b, err);
    if (rc != WARD_OK)
        goto unlock;
    r = free_row(b);
    memcpy(b->codes + (size_t)r * (size_t)s->dim, codes, (size_t)s->dim);
    b->scale[r] = code->scale;
    b->residual[r] = code->residual;
    b->taken[r / 64] |= bit(r);
    b->n_taken++;
    atomic_fetch_or(&b->live[r / 64], bit(r)); /* from here on, readers may see it */
    atomic_fetch_add(&s->n_live, 1);
    *row = s->room * SCAN_BLOCK + r;
unlock:
    pthread_mutex_unlock(&s->writers);
    return rc;
}

/* Makes the row available again. */
static void give_back(struct scan_set *s, struct scan_block *b, uint32_t row)
{
    uint32_t r = row % SCAN_BLOCK;

    pthread_mutex_lock(&s->writers);
    b->taken[r / 64] &= ~bit(r);
    b->n_taken--;
    if (row / SCAN_BLOCK < s->room)
        s->room = row / SCAN_BLOCK;
    pthread_mutex_unlock(&s->writers);
}

void ward_scan_remove(struct scan_set *s, uint32_t row)
{
    uint32_t r = row % SCAN_BLOCK;
    struct scan_block *b;

    if (row / SCAN_BLOCK >= atomic_load(&s->n_blocks))
        return;
    b = ward_scan_block_at(s, row / SCAN_BLOCK);
    pthread_mutex_lock(&s->removers);
    if ((atomic_fetch_and(&b->live[r / 64], ~bit(r)) & bit(r)) != 0) {
        atomic_fetch_sub(&s->n_live, 1);
        until_left(ward_scan_gate_at(b, r));
        ward_wipe(b->codes + (size_t)r * (size_t)s->dim, (size_t)s->dim);
        b->scale[r] = b->residual[r] = 0;
        give_back(s, b, row);
    }
    pthread_mutex_unlock(&s->removers);
}

bool ward_scan_get(struct scan_set *s, uint32_t row, int8_t *codes, struct scan_code *code)
{
    uint32_t r = row % SCAN_BLOCK;
    struct scan_block *b;
    struct scan_gate *gate;
    unsigned turn;
    bool live;

    if (row / SCAN_BLOCK >= atomic_load(&s->n_blocks))
        return false;
    b = ward_scan_block_at(s, row / SCAN_BLOCK);
    gate = ward_scan_gate_at(b, r);
    turn = ward_scan_gate_enter(gate);
    live = (atomic_load(&b->live[r / 64]) & bit(r)) != 0;
    if (live) {
        memcpy(codes, b->codes + (size_t)r * (size_t)s->dim, (size_t)s->dim);
        *code = (struct scan_code){b->scale[r], b->residual[r]};
    }
    ward_scan_gate_leave(gate, turn);
    return live;
}

size_t ward_scan_live(const struct scan_set *s)
{
    return atomic_load(&s->n_live);
}

size_t ward_scan_bytes(const struct scan_set *s)
{
    return atomic_load(&s->nbytes);
}
