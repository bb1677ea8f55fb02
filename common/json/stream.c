#include "common/json/stream.h"

#include "common/json/scan.h"

#include <stdlib.h>
#include <string.h>

#define ELEMENT_BYTES ((size_t)16 << 20)
#define REST_BYTES    ((size_t)1 << 20)
#define ARENA(bytes)                                                                           \
    (((size_t)64 << 10) + 12 * (bytes)) /* memory for a value of such a text                   \
                                         */

/* Position in the array; outside (OUT), all bytes belong to the rest. */
enum place { OUT, FIRST, VALUE, NEXT }; /* after '[', within a value, after ',' */

struct text {
    char *p;
    size_t n, cap, most;
    bool over; /* longer than `most`; further bytes are dropped */
};

struct ward_json_stream {
    struct ward_json_stream_config cfg;
    struct text element, rest;
    struct ward_arena element_mem, rest_mem;
    uint64_t byte, line, index; /* position of the next byte, and index of the next element */
    uint64_t from_byte, from_line; /* state of this element */
    int depth;
    enum place place;
    bool in_string, escaped;
    bool was_ours; /* the array has occurred */
    /* The keys of the outermost object: */
    bool expects_key, in_key, is_ours; /* the key matches; its value is next */
    size_t matched;                    /* number of matching bytes of the key so far */
    enum ward_code code;               /* sticky, with its message */
    struct ward_err err;
};

static enum ward_code no_memory(struct ward_err *err)
{
    return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory for a JSON stream");
}

/* Returns false if there is no memory. */
static bool append(struct text *t, const char *s, size_t n)
{
    if (t->over || n > t->most - t->n) {
        t->over = true;
        return true;
    }
    if (t->cap - t->n < n + 1) {
        size_t cap = t->cap == 0 ? 4096 : t->cap;
        char *p;

        while (cap - t->n < n + 1)
            cap *= 2;
        p = realloc(t->p, cap);
        if (p == NULL)
            return false;
        t->p = p;
        t->cap = cap;
    }
    if (n > 0)
        memcpy(t->p + t->n, s, n);
    t->n += n;
    return true;
}

enum ward_code ward_json_stream_open(const struct ward_json_stream_config *cfg,
                                     struct ward_json_stream **out, struct ward_err *err)
{
    struct ward_json_stream *s = calloc(1, sizeof(*s));

    if (s == NULL)
        return no_memory(err);
    s->cfg = *cfg;
    s->line = 1;
    s->element.most = cfg->element_bytes == 0 ? ELEMENT_BYTES : cfg->element_bytes;
    s->rest.most = cfg->rest_bytes == 0 ? REST_BYTES : cfg->rest_bytes;
    ward_arena_init(&s->element_mem,
                    cfg->element_arena == 0 ? ARENA(s->element.most) : cfg->element_arena);
    ward_arena_init(&s->rest_mem, ARENA(s->rest.most));
    *out = s;
    return WARD_OK;
}

void ward_json_stream_close(struct ward_json_stream *s)
{
    if (s == NULL)
        return;
    ward_arena_done(&s->element_mem);
    ward_arena_done(&s->rest_mem);
    free(s->element.p);
    free(s->rest.p);
    free(s);
}

static enum ward_code read_element(struct ward_json_stream *s, const struct ward_json **v,
                                   struct ward_err *err)
{
    struct ward_json_limits limits = {.depth = s->cfg.depth};

    if (s->element.over)
        return ward_json_too_large("an element", s->element.most, err);
    return ward_json_parse_at(s->element.p, s->element.n, s->from_byte, s->from_line, &limits,
                              &s->element_mem, v, err);
}

static enum ward_code hand_over(struct ward_json_stream *s)
{
    struct ward_json_element e = {.text = s->element.over ? "" : s->element.p,
                                  .n = s->element.over ? 0 : s->element.n,
                                  .index = s->index++,
                                  .byte = s->from_byte,
                                  .line = s->from_line,
                                  .mem = &s->element_mem};
    struct ward_err why = {0};
    enum ward_code code = read_element(s, &e.value, &why);

    if (code != WARD_OK)
        e.value = NULL;
    code = s->cfg.element(s->cfg.ctx, &e, code == WARD_OK ? NULL : &why, &s->err);
    /* The callback stopped because of the element and gave no message. */
    if (code != WARD_OK && s->err.code == WARD_OK)
        s->err = why;
    ward_arena_reset(&s->element_mem);
    s->element.n = 0;
    s->element.over = false;
    return code;
}

static enum ward_code malformed(struct ward_json_stream *s)
{
    return ward_json_fail(JSON_GRAMMAR, s->byte, s->line, s->cfg.key, &s->err);
}

/* Handles a byte of the outermost object outside of strings. */
static enum ward_code outside(struct ward_json_stream *s, char c)
{
    if (c == '"' && s->depth == 1 && s->expects_key) {
        s->in_key = true;
        s->expects_key = false;
        s->matched = 0;
    } else if (c == '[' && s->depth == 1 && s->is_ours) {
        if (s->was_ours)
            return WARD_FAIL_REASON(&s->err, INVALID_ARGUMENT, "JSON_DUPLICATE_KEY",
                                    "line %llu, byte %llu: %s is duplicated",
                                    (unsigned long long)s->line, (unsigned long long)s->byte,
                                    s->cfg.key);
        s->was_ours = true;
        s->place = FIRST;
    }
    if (c == '"')
        s->in_string = true;
    else if (c == '{' || c == '[')
        s->depth++;
    else if (c == '}' || c == ']')
        s->depth--;
    if (s->depth == 1 && (c == '{' || c == ','))
        s->expects_key = true;
    if (c == ',' || c == '{' || c == '[' || c == '"')
        s->is_ours = false;
    return WARD_OK;
}

/* Handles a byte within a string. The key is compared as it is written. A key with escapes does
 * not match here and is found at the end. */
static void inside(struct ward_json_stream *s, char c)
{
    if (s->escaped) {
        s->escaped = false;
    } else if (c == '\\') {
        s->escaped = true;
    } else if (c == '"') {
        s->in_string = false;
        s->is_ours = s->in_key && s->matched == strlen(s->cfg.key);
        s->in_key = false;
        return;
    }
    if (s->in_key)
        s->matched = s->matched < strlen(s->cfg.key) && s->cfg.key[s->matched] == c
                         ? s->matched + 1
                         : SIZE_MAX;
}

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/* Handles bytes between values, and bytes that begin or end a value. */
static enum ward_code in_array(struct ward_json_stream *s, char c)
{
    bool top = s->depth == 2;

    if (top && (c == ',' || c == ']')) {
        if (s->place == NEXT || (s->place == FIRST && c == ','))
            return malformed(s);
        if (s->place == VALUE)
            WARD_TRY(hand_over(s));
        s->place = c == ',' ? NEXT : OUT;
        s->depth -= c == ']';
        return WARD_OK;
    }
    if (top && c == '}')
        return malformed(s);
    if (s->place != VALUE && is_space(c))
        return WARD_OK;
    if (s->place != VALUE) {
        s->place = VALUE;
        s->from_byte = s->byte;
        s->from_line = s->line;
    }
    if (c == '"')
        s->in_string = true;
    else if (c == '{' || c == '[')
        s->depth++;
    else if (c == '}' || c == ']')
        s->depth--;
    return WARD_OK;
}

/* Stores a byte as part of the element if the stream is within a value after this byte;
 * otherwise as part of the rest, if the byte is outside the array. */
static bool keep(struct ward_json_stream *s, enum place before, const char *c)
{
    if (s->place == VALUE)
        return append(&s->element, c, 1);
    if (before == OUT || s->place == OUT) /* '[' and ']' belong to the rest too */
        return append(&s->rest, c, 1);
    return true;
}

static enum ward_code step(struct ward_json_stream *s, const char *c)
{
    enum place before = s->place;

    if (s->in_string)
        inside(s, *c);
    else if (s->place == OUT)
        WARD_TRY(outside(s, *c));
    else
        WARD_TRY(in_array(s, *c));
    if (!keep(s, before, c))
        return no_memory(&s->err);
    if (s->rest.over)
        return ward_json_too_large("the JSON outside the elements", s->rest.most, &s->err);
    s->byte++;
    s->line += *c == '\n';
    return WARD_OK;
}

/* Returns whether a byte of an element may change the state: a byte of a string, or a byte
 * below the element's first level, where commas and spaces have no effect. */
static bool matters(bool in_string, char c)
{
    if (in_string)
        return c == '"' || c == '\\';
    return c == '"' || c == '{' || c == '}' || c == '[' || c == ']';
}

/* Returns the length of the text that does not change the state. It is copied in one piece. */
static size_t plain(struct ward_json_stream *s, const char *p, size_t n)
{
    size_t i = 0;

    if (s->place != VALUE || s->escaped || (!s->in_string && s->depth <= 2))
        return 0;
    for (; i < n && !matters(s->in_string, p[i]); i++)
        s->line += p[i] == '\n';
    return i;
}

static enum ward_code feed(struct ward_json_stream *s, const char *p, size_t n)
{
    for (size_t i = 0; i < n;) {
        size_t run = plain(s, p + i, n - i);

        if (run > 0 && !append(&s->element, p + i, run))
            return no_memory(&s->err);
        s->byte += run;
        i += run;
        if (i < n)
            WARD_TRY(step(s, p + i++));
    }
    return WARD_OK;
}

static enum ward_code told(struct ward_json_stream *s, struct ward_err *err)
{
    if (s->code != WARD_OK && err != NULL)
        *err = s->err;
    return s->code;
}

enum ward_code ward_json_stream_feed(struct ward_json_stream *s, const void *bytes, size_t n,
                                     struct ward_err *err)
{
    if (s->code == WARD_OK)
        s->code = feed(s, bytes, n);
    return told(s, err);
}

static enum ward_code finish(struct ward_json_stream *s, const struct ward_json **rest)
{
    const struct ward_json *v, *ours;

    if (s->place != OUT)
        return malformed(s);
    WARD_TRY(ward_json_parse(s->rest.p, s->rest.n, NULL, &s->rest_mem, &v, &s->err));
    ours = ward_json_get(v, s->cfg.key);
    if (v->kind != WARD_JSON_OBJECT ||
        (ward_json_is(ours, WARD_JSON_ARRAY) && (ours->count > 0 || !s->was_ours)))
        return malformed(s);
    *rest = v;
    return WARD_OK;
}

enum ward_code ward_json_stream_end(struct ward_json_stream *s, const struct ward_json **rest,
                                    struct ward_err *err)
{
    if (s->code == WARD_OK)
        s->code = finish(s, rest);
    return told(s, err);
}
