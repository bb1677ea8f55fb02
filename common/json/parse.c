#include "common/json/json.h"
#include "common/json/scan.h"

#include <stdio.h>
#include <string.h>
#include <yajl/yajl_parse.h>

#define POOL_MIN   ((size_t)6 << 10) /* yajl's handle, lexer, stack, and two buffers of 2 KiB */
#define BLOCK      ((size_t)2 << 10) /* buffer for short texts */
#define KEYS       64
#define FEW        8 /* objects with few members are compared pairwise */
#define PATH_SIZE  72
#define PATH_PARTS 6 /* number of innermost levels in a path */

/* yajl allocates from one piece of the arena of known size. yajl does not check its
 * allocations, so none may fail. */
struct pool {
    char *p;
    size_t n, used;
    char *last; /* the newest allocation, which can grow in place */
};

struct builder {
    struct ward_arena *mem;
    struct pool pool;
    struct ward_json *root;
    struct ward_json *open[WARD_JSON_DEPTH]; /* open containers, outermost first */
    struct ward_json *tail[WARD_JSON_DEPTH]; /* last child of each open container */
    int depth;
    const char *key; /* key that waits for its value */
    uint32_t key_n;
    struct {
        const char *key;
        uint32_t n;
    } keys[KEYS]; /* cache of keys; most documents repeat few keys */
    char *block;
    size_t block_left;
    bool full;
    const struct ward_json *twin; /* a member whose key occurred before */
    uint64_t byte, line;          /* position of the first byte in the larger text */
};

static void *pool_alloc(void *ctx, size_t n)
{
    struct pool *pool = ctx;
    size_t need = (n + 15) & ~(size_t)15;

    WARD_ASSERT(need <= pool->n - pool->used);
    pool->last = pool->p + pool->used;
    pool->used += need;
    return pool->last;
}

static void *pool_realloc(void *ctx, void *old, size_t n)
{
    struct pool *pool = ctx;
    char *end = pool->p + pool->used, *p;
    size_t held;

    if (old != NULL && old == pool->last) {
        pool->used = (size_t)(pool->last - pool->p);
        return pool_alloc(pool, n);
    }
    p = pool_alloc(ctx, n);
    if (old == NULL)
        return p;
    /* At least the size of old: its bytes and all bytes allocated after them. */
    held = (size_t)(end - (char *)old);
    return memcpy(p, old, n < held ? n : held);
}

static void pool_free(void *ctx, void *p)
{
    (void)ctx;
    (void)p;
}

static const char *copy(struct builder *b, const unsigned char *s, size_t n)
{
    char *p;

    if (n >= BLOCK / 4) {
        p = ward_alloc(b->mem, n + 1);
    } else {
        if (b->block_left < n + 1) {
            b->block = ward_alloc(b->mem, BLOCK);
            b->block_left = b->block == NULL ? 0 : BLOCK;
        }
        p = b->block;
        if (p != NULL) {
            b->block += n + 1;
            b->block_left -= n + 1;
        }
    }
    if (p == NULL) {
        b->full = true;
        return NULL;
    }
    memcpy(p, s, n);
    p[n] = '\0';
    return p;
}

static struct ward_json *add(struct builder *b, enum ward_json_kind kind)
{
    struct ward_json *v = b->full ? NULL : ward_new(b->mem, struct ward_json);

    if (v == NULL) {
        b->full = true;
        return NULL;
    }
    *v = (struct ward_json){.text = "", .key = b->key, .key_n = b->key_n, .kind = kind};
    b->key = NULL, b->key_n = 0;
    if (b->depth == 0) {
        b->root = v;
        return v;
    }
    if (b->tail[b->depth - 1] == NULL)
        b->open[b->depth - 1]->first = v;
    else
        b->tail[b->depth - 1]->next = v;
    b->tail[b->depth - 1] = v;
    b->open[b->depth - 1]->count++;
    return v;
}

static int add_text(struct builder *b, enum ward_json_kind kind, const void *s, size_t n)
{
    const char *text = copy(b, s, n);
    struct ward_json *v = text == NULL ? NULL : add(b, kind);

    if (v == NULL)
        return 0;
    v->text = text;
    v->n = (uint32_t)n;
    return 1;
}

static int on_null(void *ctx)
{
    return add(ctx, WARD_JSON_NULL) != NULL;
}

static int on_bool(void *ctx, int truth)
{
    return add(ctx, truth ? WARD_JSON_TRUE : WARD_JSON_FALSE) != NULL;
}

static int on_number(void *ctx, const char *s, size_t n)
{
    return add_text(ctx, WARD_JSON_NUMBER, s, n);
}

static int on_string(void *ctx, const unsigned char *s, size_t n)
{
    return add_text(ctx, WARD_JSON_STRING, s, n);
}

static int on_key(void *ctx, const unsigned char *s, size_t n)
{
    struct builder *b = ctx;
    uint32_t hash = UINT32_C(2166136261); /* FNV-1a */
    size_t slot;

    for (size_t i = 0; i < n && i < 32; i++)
        hash = (hash ^ s[i]) * UINT32_C(16777619);
    slot = hash % KEYS;
    if (b->keys[slot].key == NULL || b->keys[slot].n != n ||
        memcmp(b->keys[slot].key, s, n) != 0) {
        b->keys[slot].key = copy(b, s, n);
        b->keys[slot].n = (uint32_t)n;
    }
    b->key = b->keys[slot].key;
    b->key_n = (uint32_t)n;
    return b->key != NULL;
}

static int begin(struct builder *b, enum ward_json_kind kind)
{
    struct ward_json *v = add(b, kind);

    WARD_ASSERT(b->depth < WARD_JSON_DEPTH); /* the scan has checked the depth */
    if (v == NULL)
        return 0;
    b->open[b->depth] = v;
    b->tail[b->depth] = NULL;
    b->depth++;
    return 1;
}

static int on_map(void *ctx)
{
    return begin(ctx, WARD_JSON_OBJECT);
}

static int on_array(void *ctx)
{
    return begin(ctx, WARD_JSON_ARRAY);
}

static int on_array_end(void *ctx)
{
    struct builder *b = ctx;

    b->depth--;
    return 1;
}

static int by_key(const struct ward_json *a, const struct ward_json *b)
{
    if (a->key_n != b->key_n)
        return a->key_n < b->key_n ? -1 : 1;
    return a->key == b->key ? 0 : memcmp(a->key, b->key, a->key_n);
}

static void sift(const struct ward_json **at, size_t i, size_t n)
{
    for (size_t child; (child = 2 * i + 1) < n; i = child) {
        const struct ward_json *up = at[i];

        if (child + 1 < n && by_key(at[child], at[child + 1]) < 0)
            child++;
        if (by_key(up, at[child]) >= 0)
            return;
        at[i] = at[child];
        at[child] = up;
    }
}

/* Returns one of two members with the same key; NULL if there are none. Heapsort: n log n for
 * any keys, in place. */
static const struct ward_json *twin_of_many(struct builder *b, const struct ward_json *object)
{
    const struct ward_json **at = ward_alloc(b->mem, object->count * sizeof(*at));
    size_t n = 0;

    if (at == NULL) {
        b->full = true;
        return NULL;
    }
    for (const struct ward_json *m = object->first; m != NULL; m = m->next)
        at[n++] = m;
    for (size_t i = n / 2; i > 0; i--)
        sift(at, i - 1, n);
    for (size_t last = n - 1; last > 0; last--) {
        const struct ward_json *most = at[0];

        at[0] = at[last];
        at[last] = most;
        sift(at, 0, last);
        if (by_key(at[0], most) == 0)
            return most;
    }
    return NULL;
}

static const struct ward_json *twin_of_few(const struct ward_json *object)
{
    for (const struct ward_json *m = object->first; m != NULL; m = m->next)
        for (const struct ward_json *o = m->next; o != NULL; o = o->next)
            if (by_key(m, o) == 0)
                return o;
    return NULL;
}

static int on_map_end(void *ctx)
{
    struct builder *b = ctx;
    const struct ward_json *object = b->open[b->depth - 1];

    b->twin = object->count <= FEW ? twin_of_few(object) : twin_of_many(b, object);
    if (b->twin != NULL || b->full)
        return 0;
    b->depth--;
    return 1;
}

/* Keys that look like field names may appear in messages; others could be patient data. */
static bool is_name(const char *key, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        char c = key[i];

        if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
              (c >= '0' && c <= '9' && i > 0)))
            return false;
    }
    return n > 0 && n <= 32;
}

static void say(char path[PATH_SIZE], const char *fmt, const char *key, uint32_t n)
{
    size_t used = strlen(path);

    if (key != NULL)
        snprintf(path + used, PATH_SIZE - used, fmt, *path == '\0' ? "" : ".",
                 is_name(key, n) ? key : "?");
    else
        snprintf(path + used, PATH_SIZE - used, "[%u]", n);
}

/* Writes the current path: "entry[3].resource.name". A deep path shows the innermost levels. */
static void path_of(const struct builder *b, char path[PATH_SIZE])
{
    int from = b->depth > PATH_PARTS ? b->depth - PATH_PARTS : 0;
    const char *key = b->twin != NULL ? b->twin->key : b->key;

    *path = '\0';
    if (from > 0)
        snprintf(path, PATH_SIZE, "..");
    for (int i = from; i < b->depth; i++) {
        const struct ward_json *v = b->open[i];

        if (v->key != NULL)
            say(path, "%s%s", v->key, v->key_n);
        else if (i > 0)
            say(path, "", NULL, b->open[i - 1]->count - 1);
    }
    if (key != NULL)
        say(path, "%s%s", key, b->twin != NULL ? b->twin->key_n : b->key_n);
    else if (b->depth > 0 && b->open[b->depth - 1]->kind == WARD_JSON_ARRAY)
        say(path, "", NULL, b->open[b->depth - 1]->count);
}

static uint64_t line_of(const struct builder *b, const char *bytes, size_t at)
{
    uint64_t line = b->line;

    for (const char *p = bytes; (p = memchr(p, '\n', at - (size_t)(p - bytes))) != NULL; p++)
        line++;
    return line;
}

static enum ward_code report(const struct builder *b, const struct ward_json_scan *scan,
                             const char *bytes, size_t at, struct ward_err *err)
{
    char path[PATH_SIZE];

    if (b->full)
        return ward_json_full(err);
    path_of(b, path);
    if (b->twin != NULL)
        return WARD_FAIL_REASON(err, INVALID_ARGUMENT, "JSON_DUPLICATE_KEY",
                                "before line %llu, byte %llu: %s is duplicated",
                                (unsigned long long)line_of(b, bytes, at),
                                (unsigned long long)b->byte + at, path);
    if (scan->fault != JSON_FINE)
        return ward_json_fail(scan->fault, b->byte + scan->byte, b->line - 1 + scan->line, path,
                              err);
    return ward_json_fail(JSON_GRAMMAR, b->byte + at, line_of(b, bytes, at), path, err);
}

static enum ward_code build(struct builder *b, const struct ward_json_scan *scan,
                            const char *bytes, size_t n, struct ward_err *err)
{
    static const yajl_callbacks callbacks = {
        .yajl_null = on_null,
        .yajl_boolean = on_bool,
        .yajl_number = on_number,
        .yajl_string = on_string,
        .yajl_start_map = on_map,
        .yajl_map_key = on_key,
        .yajl_end_map = on_map_end,
        .yajl_start_array = on_array,
        .yajl_end_array = on_array_end,
    };
    yajl_alloc_funcs funcs = {pool_alloc, pool_realloc, pool_free, &b->pool};
    yajl_handle h = yajl_alloc(&callbacks, &funcs, b);
    /* A fault within a string; yajl receives the bytes before the string. */
    size_t sound = scan->fault == JSON_FINE ? n
                   : scan->in_string        ? (size_t)scan->token
                                            : (size_t)scan->byte;
    struct ward_json_scan none = {.fault = JSON_FINE};
    yajl_status st = yajl_parse(h, (const unsigned char *)bytes, sound);
    size_t at = yajl_get_bytes_consumed(h);

    if (st == yajl_status_ok && scan->fault == JSON_FINE) {
        st = yajl_complete_parse(h);
        at = n;
    }
    yajl_free(h);
    if (st != yajl_status_ok) /* the scan's fault was first */
        return report(b, &none, bytes, at < n ? at : n, err);
    return scan->fault != JSON_FINE ? report(b, scan, bytes, sound, err) : WARD_OK;
}

enum ward_code ward_json_parse(const char *bytes, size_t n,
                               const struct ward_json_limits *limits, struct ward_arena *mem,
                               const struct ward_json **out, struct ward_err *err)
{
    return ward_json_parse_at(bytes, n, 0, 1, limits, mem, out, err);
}

enum ward_code ward_json_parse_at(const char *bytes, size_t n, uint64_t byte, uint64_t line,
                                  const struct ward_json_limits *limits, struct ward_arena *mem,
                                  const struct ward_json **out, struct ward_err *err)
{
    size_t most = limits == NULL || limits->bytes == 0 ? UINT32_MAX : limits->bytes;
    int depth = limits == NULL || limits->depth <= 0 || limits->depth > WARD_JSON_DEPTH
                    ? WARD_JSON_DEPTH
                    : limits->depth;
    struct ward_json_scan scan;
    struct builder *b;

    if (n > most)
        return ward_json_too_large("the text", most, err);
    if (n == 0)
        bytes = ""; /* accepts NULL */
    ward_json_scan_init(&scan, depth);
    if (ward_json_scan(&scan, bytes, n))
        ward_json_scan_end(&scan);
    b = ward_new(mem, struct builder);
    if (b == NULL)
        return ward_json_full(err);
    b->mem = mem;
    b->byte = byte;
    b->line = line;
    b->pool.n = POOL_MIN + 2 * scan.longest;
    b->pool.p = ward_alloc(mem, b->pool.n);
    if (b->pool.p == NULL)
        return ward_json_full(err);
    WARD_TRY(build(b, &scan, bytes, n, err));
    WARD_ASSERT(b->root != NULL && b->depth == 0);
    *out = b->root;
    return WARD_OK;
}
