#include "common/scan/slab.h"

#include "common/base/crypto.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define WORDS (SCAN_PAGE / 64)
/* Larger pages are memory mappings, so that freed memory returns to the system. */
#define MAPPED ((size_t)64 << 10)

struct page {
    uint8_t *mem; /* NULL while no item is in use */
    uint64_t used[WORDS];
};

struct scan_slab {
    size_t size, page_bytes;
    struct page *pages;
    uint32_t n_pages;
    uint32_t room; /* no page before this one has a free item */
    size_t count, held;
};

enum ward_code ward_scan_slab_open(size_t size, struct scan_slab **out, struct ward_err *err)
{
    struct scan_slab *s = calloc(1, sizeof(*s));

    if (s == NULL)
        return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory");
    s->size = (size + 7) / 8 * 8;
    s->page_bytes = s->size * SCAN_PAGE;
    *out = s;
    return WARD_OK;
}

static uint8_t *page_new(const struct scan_slab *s)
{
    void *p;

    if (s->page_bytes < MAPPED)
        return calloc(1, s->page_bytes);
    p = mmap(NULL, s->page_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return p == MAP_FAILED ? NULL : p;
}

static void page_free(struct scan_slab *s, struct page *p)
{
    if (p->mem == NULL)
        return;
    ward_wipe(p->mem, s->page_bytes);
    if (s->page_bytes < MAPPED)
        free(p->mem);
    else
        munmap(p->mem, s->page_bytes);
    p->mem = NULL;
    s->held -= s->page_bytes;
}

void ward_scan_slab_close(struct scan_slab *s)
{
    if (s == NULL)
        return;
    for (uint32_t i = 0; i < s->n_pages; i++)
        page_free(s, &s->pages[i]);
    free(s->pages);
    free(s);
}

static enum ward_code reach(struct scan_slab *s, uint32_t page, struct ward_err *err)
{
    uint32_t n = s->n_pages < 8 ? 8 : s->n_pages;
    struct page *wide;

    if (page < s->n_pages)
        return WARD_OK;
    while (n <= page)
        n += n / 2;
    wide = realloc(s->pages, n * sizeof(*wide));
    if (wide == NULL)
        return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory");
    memset(wide + s->n_pages, 0, (n - s->n_pages) * sizeof(*wide));
    s->pages = wide;
    s->n_pages = n;
    return WARD_OK;
}

enum ward_code ward_scan_slab_use(struct scan_slab *s, uint32_t i, void **out,
                                  struct ward_err *err)
{
    uint32_t at = i % SCAN_PAGE;
    struct page *p;

    WARD_TRY(reach(s, i / SCAN_PAGE, err));
    p = &s->pages[i / SCAN_PAGE];
    if (p->mem == NULL) {
        p->mem = page_new(s);
        if (p->mem == NULL)
            return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory");
        s->held += s->page_bytes;
    }
    if ((p->used[at / 64] >> at % 64 & 1) == 0) {
        p->used[at / 64] |= (uint64_t)1 << at % 64;
        s->count++;
    }
    *out = p->mem + at * s->size;
    return WARD_OK;
}

static uint32_t free_in(const struct page *p)
{
    for (uint32_t w = 0; w < WORDS; w++) {
        if (p->used[w] != UINT64_MAX)
            return w * 64 + (uint32_t)__builtin_ctzll(~p->used[w]);
    }
    return SCAN_PAGE;
}

enum ward_code ward_scan_slab_take(struct scan_slab *s, uint32_t *i, void **out,
                                   struct ward_err *err)
{
    uint32_t page = s->room, at = 0;

    for (; page < s->n_pages; page++) {
        at = free_in(&s->pages[page]);
        if (at < SCAN_PAGE)
            break;
        at = 0;
    }
    s->room = page;
    WARD_TRY(ward_scan_slab_use(s, page * SCAN_PAGE + at, out, err));
    *i = page * SCAN_PAGE + at;
    return WARD_OK;
}

void *ward_scan_slab_at(const struct scan_slab *s, uint32_t i)
{
    uint32_t page = i / SCAN_PAGE, at = i % SCAN_PAGE;

    if (page >= s->n_pages || (s->pages[page].used[at / 64] >> at % 64 & 1) == 0)
        return NULL;
    return s->pages[page].mem + at * s->size;
}

void ward_scan_slab_drop(struct scan_slab *s, uint32_t i)
{
    uint32_t page = i / SCAN_PAGE, at = i % SCAN_PAGE;
    void *thing = ward_scan_slab_at(s, i);
    struct page *p;

    if (thing == NULL)
        return;
    p = &s->pages[page];
    ward_wipe(thing, s->size);
    p->used[at / 64] &= ~((uint64_t)1 << at % 64);
    s->count--;
    if (page < s->room)
        s->room = page;
    for (int w = 0; w < WORDS; w++) {
        if (p->used[w] != 0)
            return;
    }
    page_free(s, p);
}

uint32_t ward_scan_slab_end(const struct scan_slab *s)
{
    uint32_t n = s->n_pages;

    while (n > 0 && s->pages[n - 1].mem == NULL)
        n--;
    return n * SCAN_PAGE;
}

size_t ward_scan_slab_count(const struct scan_slab *s)
{
    return s->count;
}

size_t ward_scan_slab_bytes(const struct scan_slab *s)
{
    return sizeof(*s) + s->n_pages * sizeof(*s->pages) + s->held;
}
