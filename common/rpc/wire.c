/* Checks messages before decoding, and decodes into an arena.
 *
 * protobuf-c has no recursion limit, does not check UTF-8 and uses 29 bytes of memory for one
 * byte of an unknown field. Bytes from the network are therefore scanned before protobuf-c
 * decodes them. The scan must read each tag and length exactly like protobuf-c, or their
 * nesting could differ. In both, a tag or a length has at most five bytes.
 */
#include "common/rpc/wire.h"

#include <stdio.h>
#include <string.h>

#define TAG_BYTES    5
#define VARINT_BYTES 10
#define HIGH_BITS    UINT64_C(0x8080808080808080)
#define LOW_BITS     UINT64_C(0x0101010101010101)

enum verdict { FINE, MALFORMED, TOO_DEEP, TOO_MANY, BAD_UTF8 };

struct frame {
    const uint8_t *end;
    const ProtobufCMessageDescriptor *type;
};

struct scan {
    const uint8_t *p;
    struct frame in; /* the innermost message */
    unsigned depth;
    size_t left; /* number of elements still permitted */
    struct frame up[WARD_WIRE_DEPTH];
};

/* Returns the length of the UTF-8 sequence (RFC 3629) of two or more bytes at p; 0 if it is
 * malformed. */
static size_t sequence(const uint8_t *p, size_t n)
{
    uint8_t c = p[0], lo = 0x80, hi = 0xbf;
    size_t k;

    if (c < 0xc2 || c > 0xf4)
        return 0;
    k = c < 0xe0 ? 2 : c < 0xf0 ? 3 : 4;
    if (c == 0xe0)
        lo = 0xa0; /* excludes overlong forms */
    else if (c == 0xed)
        hi = 0x9f; /* excludes surrogates */
    else if (c == 0xf0)
        lo = 0x90;
    else if (c == 0xf4)
        hi = 0x8f; /* excludes values above U+10FFFF */
    if (n < k || p[1] < lo || p[1] > hi)
        return 0;
    for (size_t i = 2; i < k; i++)
        if ((p[i] & 0xc0) != 0x80)
            return 0;
    return k;
}

bool ward_wire_utf8(const uint8_t *p, size_t n)
{
    size_t i = 0;

    while (i < n) {
        uint64_t w;
        size_t k;

        if (n - i >= sizeof(w)) { /* eight ASCII characters at once, without NUL */
            memcpy(&w, p + i, sizeof(w));
            if (((w | (w - LOW_BITS)) & HIGH_BITS) == 0) {
                i += sizeof(w);
                continue;
            }
        }
        if (p[i] == 0)
            return false;
        k = p[i] < 0x80 ? 1 : sequence(p + i, n - i);
        if (k == 0)
            return false;
        i += k;
    }
    return true;
}

/* Reads a tag or a length. */
static inline bool number(struct scan *s, uint64_t *out)
{
    uint64_t v = 0;

    if (s->p < s->in.end && *s->p < 0x80) {
        *out = *s->p++;
        return true;
    }
    for (int i = 0; i < TAG_BYTES && s->p < s->in.end; i++) {
        uint8_t b = *s->p++;

        v |= (uint64_t)(b & 0x7f) << (7 * i);
        if (b < 0x80) {
            *out = v;
            return v <= UINT32_MAX;
        }
    }
    return false;
}

static inline enum verdict skip_varint(struct scan *s)
{
    for (int i = 0; i < VARINT_BYTES && s->p < s->in.end; i++)
        if (*s->p++ < 0x80)
            return FINE;
    return MALFORMED;
}

static inline enum verdict skip(struct scan *s, size_t n)
{
    if ((size_t)(s->in.end - s->p) < n)
        return MALFORMED;
    s->p += n;
    return FINE;
}

/* Returns the number of elements in a packed field; -1 if the length is not a multiple of the
 * element's size. */
static int64_t packed(ProtobufCType type, const uint8_t *p, size_t n)
{
    int64_t count = 0;

    switch (type) {
    case PROTOBUF_C_TYPE_FIXED32:
    case PROTOBUF_C_TYPE_SFIXED32:
    case PROTOBUF_C_TYPE_FLOAT:
        return n % 4 == 0 ? (int64_t)(n / 4) : -1;
    case PROTOBUF_C_TYPE_FIXED64:
    case PROTOBUF_C_TYPE_SFIXED64:
    case PROTOBUF_C_TYPE_DOUBLE:
        return n % 8 == 0 ? (int64_t)(n / 8) : -1;
    default:
        for (size_t i = 0; i < n; i++)
            count += p[i] < 0x80;
        return n == 0 || p[n - 1] < 0x80 ? count : -1;
    }
}

static enum verdict enter(struct scan *s, const ProtobufCFieldDescriptor *f, size_t n)
{
    if (s->depth == WARD_WIRE_DEPTH)
        return TOO_DEEP;
    s->up[s->depth++] = s->in;
    s->in = (struct frame){.end = s->p + n, .type = f->descriptor};
    return FINE;
}

static enum verdict block(struct scan *s, const ProtobufCFieldDescriptor *f)
{
    uint64_t n;
    int64_t count;

    if (!number(s, &n) || n > (uint64_t)(s->in.end - s->p))
        return MALFORMED;
    if (f != NULL && f->type == PROTOBUF_C_TYPE_MESSAGE)
        return enter(s, f, (size_t)n);
    if (f != NULL && f->type == PROTOBUF_C_TYPE_STRING) {
        if (!ward_wire_utf8(s->p, (size_t)n))
            return BAD_UTF8;
    } else if (f != NULL && f->type != PROTOBUF_C_TYPE_BYTES) {
        if (f->label != PROTOBUF_C_LABEL_REPEATED)
            return MALFORMED;
        count = packed(f->type, s->p, (size_t)n);
        if (count < 0)
            return MALFORMED;
        if ((uint64_t)count > s->left)
            return TOO_MANY;
        s->left -= (size_t)count;
    }
    s->p += n;
    return FINE;
}

/* Field numbers usually run from 1 without gaps, which needs no search. */
static inline const ProtobufCFieldDescriptor *field_of(const ProtobufCMessageDescriptor *type,
                                                       uint32_t tag)
{
    if (type->n_field_ranges == 1) {
        uint32_t i = tag - (uint32_t)type->field_ranges[0].start_value;

        return i < type->n_fields ? type->fields + i : NULL;
    }
    return protobuf_c_message_descriptor_get_field(type, tag);
}

/* Scans one field. After a failure, *f is the field that caused it, or NULL. */
static enum verdict field(struct scan *s, const ProtobufCFieldDescriptor **f)
{
    uint64_t key;

    *f = NULL;
    if (!number(s, &key) || key >> 3 == 0)
        return MALFORMED;
    if (s->left == 0)
        return TOO_MANY;
    s->left--;
    *f = field_of(s->in.type, (uint32_t)(key >> 3));
    switch (key & 7) {
    case PROTOBUF_C_WIRE_TYPE_VARINT:
        return skip_varint(s);
    case PROTOBUF_C_WIRE_TYPE_64BIT:
        return skip(s, 8);
    case PROTOBUF_C_WIRE_TYPE_32BIT:
        return skip(s, 4);
    case PROTOBUF_C_WIRE_TYPE_LENGTH_PREFIXED:
        return block(s, *f);
    default: /* groups and unknown wire types */
        return MALFORMED;
    }
}

static enum ward_code refuse(enum verdict v, const ProtobufCFieldDescriptor *f, size_t elements,
                             struct ward_err *err)
{
    if (v == TOO_DEEP)
        return WARD_FAIL_REASON(err, INVALID_ARGUMENT, "WIRE_TOO_DEEP",
                                "the message nests deeper than %d levels", WARD_WIRE_DEPTH);
    if (v == TOO_MANY)
        return WARD_FAIL_REASON(err, INVALID_ARGUMENT, "WIRE_TOO_MANY",
                                "the message has more than %zu elements", elements);
    if (v == MALFORMED)
        return WARD_FAIL_REASON(err, INVALID_ARGUMENT, "WIRE_MALFORMED",
                                "the bytes are not this method's message");
    WARD_FAIL_REASON(err, INVALID_ARGUMENT, "WIRE_BAD_UTF8",
                     "%s is not UTF-8 text without NUL characters", f->name);
    if (err != NULL)
        snprintf(err->field, sizeof(err->field), "%s", f->name);
    return WARD_INVALID_ARGUMENT;
}

enum ward_code ward_wire_check(const ProtobufCMessageDescriptor *type, const uint8_t *p,
                               size_t n, size_t elements, struct ward_err *err)
{
    static const uint8_t nothing[1];
    const ProtobufCFieldDescriptor *f = NULL;
    enum verdict v = FINE;
    /* Clearing `up` would take longer than the scan of a small message; `up` is written before
     * it is read. */
    struct scan s;

    s.p = n == 0 ? nothing : p;
    s.in = (struct frame){.end = s.p + n, .type = type};
    s.depth = 0;
    s.left = elements;
    for (;;) {
        while (s.p == s.in.end && s.depth > 0)
            s.in = s.up[--s.depth];
        if (s.p == s.in.end)
            return WARD_OK;
        v = field(&s, &f);
        if (v != FINE)
            return refuse(v, f, elements, err);
    }
}

struct allocator {
    struct ward_arena *mem;
    bool refused;
};

static void *take(void *data, size_t n)
{
    struct allocator *a = data;
    void *p = ward_alloc(a->mem, n);

    a->refused = a->refused || p == NULL;
    return p;
}

static void give(void *data, void *p)
{
    (void)data, (void)p; /* the arena frees the memory */
}

enum ward_code ward_wire_decode(const ProtobufCMessageDescriptor *type, const uint8_t *p,
                                size_t n, struct ward_arena *mem, ProtobufCMessage **out,
                                struct ward_err *err)
{
    struct allocator a = {.mem = mem};
    ProtobufCAllocator with = {.alloc = take, .free = give, .allocator_data = &a};
    ProtobufCMessage *msg = protobuf_c_message_unpack(type, &with, n, p);

    if (msg == NULL && a.refused)
        return WARD_FAIL_REASON(err, RESOURCE_EXHAUSTED, "ARENA_FULL",
                                "the message needs more memory than a call may use");
    if (msg == NULL)
        return refuse(MALFORMED, NULL, 0, err);
    *out = msg;
    return WARD_OK;
}

enum ward_code ward_wire_unpack(const ProtobufCMessageDescriptor *type, const uint8_t *p,
                                size_t n, struct ward_arena *mem, ProtobufCMessage **out,
                                struct ward_err *err)
{
    return ward_wire_unpack_most(type, p, n, WARD_WIRE_ELEMENTS, mem, out, err);
}

enum ward_code ward_wire_unpack_most(const ProtobufCMessageDescriptor *type, const uint8_t *p,
                                     size_t n, size_t elements, struct ward_arena *mem,
                                     ProtobufCMessage **out, struct ward_err *err)
{
    WARD_TRY(ward_wire_check(type, p, n, elements, err));
    return ward_wire_decode(type, p, n, mem, out, err);
}
