#include "common/json/write.h"

#include "common/json/scan.h"

#include <stdio.h>
#include <string.h>

#define PIECE_MIN ((size_t)1 << 10)
#define PIECE_MAX ((size_t)64 << 10)

/* The text is stored in pieces and joined at the end, because an arena cannot free a buffer
 * that grew. */
struct ward_json_piece {
    struct ward_json_piece *next;
    size_t n, cap;
    char p[];
};

static bool sound(const struct ward_json_out *w)
{
    return !w->full && !w->misused && w->bad_string == NULL;
}

static bool add_piece(struct ward_json_out *w)
{
    size_t cap = w->last == NULL                ? PIECE_MIN
                 : 2 * w->last->cap > PIECE_MAX ? PIECE_MAX
                                                : 2 * w->last->cap;
    struct ward_json_piece *piece = ward_alloc(w->mem, sizeof(*piece) + cap);

    if (piece == NULL)
        return false;
    piece->cap = cap;
    if (w->last == NULL)
        w->first = piece;
    else
        w->last->next = piece;
    w->last = piece;
    return true;
}

static void put(struct ward_json_out *w, const char *s, size_t n)
{
    while (n > 0 && sound(w)) {
        struct ward_json_piece *at = w->last;
        size_t room = at == NULL ? 0 : at->cap - at->n, some = n < room ? n : room;

        if (room == 0) {
            w->full = !add_piece(w);
            continue;
        }
        memcpy(at->p + at->n, s, some);
        at->n += some;
        w->n += some;
        s += some;
        n -= some;
    }
}

/* Joins all pieces. Returns NULL if there is no memory. */
static const char *join(struct ward_json_out *w)
{
    char *text, *p;

    if (w->first == w->last && w->last->n < w->last->cap) {
        w->last->p[w->last->n] = '\0';
        return w->last->p;
    }
    text = ward_alloc(w->mem, w->n + 1);
    if (text == NULL)
        return NULL;
    p = text;
    for (const struct ward_json_piece *piece = w->first; piece != NULL; piece = piece->next) {
        memcpy(p, piece->p, piece->n);
        p += piece->n;
    }
    *p = '\0';
    return text;
}

static void put_char(struct ward_json_out *w, char c)
{
    put(w, &c, 1);
}

/* Writes a comma before a value or a key, and checks that a value or key is permitted here. */
static void place(struct ward_json_out *w, bool is_key)
{
    bool in_object = w->depth > 0 && w->in_object[w->depth];

    if (is_key ? !in_object || w->keyed : in_object != w->keyed)
        w->misused = true;
    if (w->depth == 0 && w->has_any[0])
        w->misused = true;
    if (!w->keyed && w->has_any[w->depth])
        put_char(w, ',');
    w->has_any[w->depth] = true;
    w->keyed = is_key;
}

static void begin(struct ward_json_out *w, bool object)
{
    place(w, false);
    if (w->depth == WARD_JSON_DEPTH)
        w->misused = true;
    if (!sound(w))
        return;
    put_char(w, object ? '{' : '[');
    w->depth++;
    w->in_object[w->depth] = object;
    w->has_any[w->depth] = false;
}

static void end(struct ward_json_out *w, bool object)
{
    if (w->depth == 0 || w->in_object[w->depth] != object || w->keyed)
        w->misused = true;
    if (!sound(w))
        return;
    w->depth--;
    put_char(w, object ? '}' : ']');
}

void ward_json_object_begin(struct ward_json_out *w)
{
    begin(w, true);
}

void ward_json_object_end(struct ward_json_out *w)
{
    end(w, true);
}

void ward_json_array_begin(struct ward_json_out *w)
{
    begin(w, false);
}

void ward_json_array_end(struct ward_json_out *w)
{
    end(w, false);
}

static void escape(struct ward_json_out *w, unsigned char c)
{
    static const char SHORT[] = "\"\\\b\f\n\r\t", LETTER[] = "\"\\bfnrt";
    const char *found = c == 0 ? NULL : strchr(SHORT, c);
    char text[8];

    if (found != NULL)
        snprintf(text, sizeof(text), "\\%c", LETTER[found - SHORT]);
    else
        snprintf(text, sizeof(text), "\\u%04x", c);
    put(w, text, strlen(text));
}

static void quote(struct ward_json_out *w, const char *s, size_t n)
{
    struct ward_json_scan scan;
    size_t from = 0;

    ward_json_scan_init(&scan, 1);
    scan.in_string = true;
    put_char(w, '"');
    for (size_t i = 0; i < n; i++) {
        unsigned char c = (unsigned char)s[i];

        if (c == '\0')
            w->bad_string = w->bad_string == NULL ? "JSON_BAD_STRING" : w->bad_string;
        /* The scan checks only the encoding, so characters with a meaning in JSON are hidden
         * from it. */
        if (!ward_json_scan_byte(&scan, c == '"' || c == '\\' ? ' ' : c))
            w->bad_string = w->bad_string == NULL ? "JSON_NOT_UTF8" : w->bad_string;
        if (c >= 0x20 && c != '"' && c != '\\')
            continue;
        put(w, s + from, i - from);
        escape(w, c);
        from = i + 1;
    }
    if (scan.more > 0)
        w->bad_string = w->bad_string == NULL ? "JSON_NOT_UTF8" : w->bad_string;
    put(w, s + from, n - from);
    put_char(w, '"');
}

void ward_json_key_n(struct ward_json_out *w, const char *key, size_t n)
{
    place(w, true);
    quote(w, key, n);
    put_char(w, ':');
}

void ward_json_key(struct ward_json_out *w, const char *key)
{
    ward_json_key_n(w, key, strlen(key));
}

void ward_json_text_n(struct ward_json_out *w, const char *s, size_t n)
{
    place(w, false);
    quote(w, s, n);
}

void ward_json_text(struct ward_json_out *w, const char *s)
{
    if (s == NULL)
        ward_json_null(w);
    else
        ward_json_text_n(w, s, strlen(s));
}

static size_t digits(const char *s, size_t n)
{
    size_t i = 0;

    while (i < n && s[i] >= '0' && s[i] <= '9')
        i++;
    return i;
}

/* RFC 8259, section 6. */
static bool is_number(const char *s, size_t n)
{
    size_t i = n > 0 && s[0] == '-', whole, part;

    if (n > WARD_JSON_NUMBER_MAX)
        return false;
    whole = digits(s + i, n - i);
    if (whole == 0 || (whole > 1 && s[i] == '0'))
        return false;
    i += whole;
    if (i < n && s[i] == '.') {
        part = digits(s + i + 1, n - i - 1);
        if (part == 0)
            return false;
        i += 1 + part;
    }
    if (i < n && (s[i] == 'e' || s[i] == 'E')) {
        i++;
        i += i < n && (s[i] == '+' || s[i] == '-');
        part = digits(s + i, n - i);
        if (part == 0)
            return false;
        i += part;
    }
    return i == n;
}

void ward_json_decimal(struct ward_json_out *w, const char *s, size_t n)
{
    if (!is_number(s, n))
        w->misused = true;
    ward_json_raw(w, s, n);
}

void ward_json_int(struct ward_json_out *w, int64_t n)
{
    char text[24];
    int len = snprintf(text, sizeof(text), "%lld", (long long)n);

    ward_json_raw(w, text, (size_t)len);
}

void ward_json_bool(struct ward_json_out *w, bool b)
{
    ward_json_raw(w, b ? "true" : "false", b ? 4 : 5);
}

void ward_json_null(struct ward_json_out *w)
{
    ward_json_raw(w, "null", 4);
}

void ward_json_raw(struct ward_json_out *w, const char *s, size_t n)
{
    if (n == 0)
        w->misused = true;
    place(w, false);
    put(w, s, n);
}

/* The recursion is bounded, because no parsed value has more than WARD_JSON_DEPTH levels. */
static void children(struct ward_json_out *w, const struct ward_json *v)
{
    begin(w, v->kind == WARD_JSON_OBJECT);
    for (const struct ward_json *c = v->first; c != NULL && sound(w); c = c->next) {
        if (v->kind == WARD_JSON_OBJECT)
            ward_json_key_n(w, c->key, c->key_n);
        ward_json_value(w, c);
    }
    end(w, v->kind == WARD_JSON_OBJECT);
}

void ward_json_value(struct ward_json_out *w, const struct ward_json *v)
{
    switch (v->kind) {
    case WARD_JSON_FALSE:
    case WARD_JSON_TRUE:
        ward_json_bool(w, v->kind == WARD_JSON_TRUE);
        break;
    case WARD_JSON_NUMBER:
        ward_json_decimal(w, v->text, v->n);
        break;
    case WARD_JSON_STRING:
        ward_json_text_n(w, v->text, v->n);
        break;
    case WARD_JSON_ARRAY:
    case WARD_JSON_OBJECT:
        children(w, v);
        break;
    case WARD_JSON_NULL:
    default:
        ward_json_null(w);
        break;
    }
}

void ward_json_put_text(struct ward_json_out *w, const char *key, const char *s)
{
    ward_json_key(w, key);
    ward_json_text(w, s);
}

void ward_json_put_int(struct ward_json_out *w, const char *key, int64_t n)
{
    ward_json_key(w, key);
    ward_json_int(w, n);
}

void ward_json_put_bool(struct ward_json_out *w, const char *key, bool b)
{
    ward_json_key(w, key);
    ward_json_bool(w, b);
}

enum ward_code ward_json_done(struct ward_json_out *w, const char **text, size_t *n,
                              struct ward_err *err)
{
    const char *whole;

    if (w->full)
        return ward_json_full(err);
    if (w->bad_string != NULL && strcmp(w->bad_string, "JSON_NOT_UTF8") == 0)
        return WARD_FAIL_REASON(err, INVALID_ARGUMENT, "JSON_NOT_UTF8",
                                "a string to be written is not UTF-8");
    if (w->bad_string != NULL)
        return WARD_FAIL_REASON(err, INVALID_ARGUMENT, "JSON_BAD_STRING",
                                "a string to be written contains a NUL");
    if (w->misused || w->depth > 0 || w->n == 0)
        return WARD_FAIL_REASON(err, INVALID_ARGUMENT, "JSON_MALFORMED",
                                "the written JSON is incomplete");
    whole = join(w);
    if (whole == NULL)
        return ward_json_full(err);
    *text = whole;
    if (n != NULL)
        *n = w->n;
    return WARD_OK;
}
