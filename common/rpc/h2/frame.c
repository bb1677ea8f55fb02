#include "common/rpc/h2/frame.h"

#include <stdlib.h>
#include <string.h>

#define GROWTH ((size_t)256)

static struct msg *msg_new(size_t cap)
{
    struct msg *m = malloc(sizeof(*m) + cap);

    if (m != NULL)
        *m = (struct msg){.cap = cap};
    return m;
}

void frame_free(struct msg *m)
{
    while (m != NULL) {
        struct msg *next = m->next;

        free(m);
        m = next;
    }
}

bool frame_inside(const struct framer *f)
{
    return f->n_prefix > 0;
}

void frame_done(struct framer *f)
{
    free(f->part);
    *f = (struct framer){0};
}

/* Handles a complete prefix: checks it and allocates the message. */
static enum framed begin(struct framer *f, size_t at_hand, size_t most)
{
    size_t want = (size_t)f->prefix[1] << 24 | (size_t)f->prefix[2] << 16 |
                  (size_t)f->prefix[3] << 8 | f->prefix[4];

    if (f->prefix[0] != 0)
        return FRAMED_COMPRESSED;
    if (want > most)
        return FRAMED_TOO_LARGE;
    if (at_hand < GROWTH) /* the announced bytes may never arrive */
        at_hand = GROWTH;
    f->part = msg_new(want < at_hand ? want : at_hand);
    if (f->part == NULL)
        return FRAMED_NO_ROOM;
    f->part->at = want;
    return FRAMED_PART;
}

static bool grow(struct framer *f, size_t need)
{
    struct msg *m = f->part;
    size_t cap = 2 * need < m->at ? 2 * need : m->at;

    if (need <= m->cap)
        return true;
    m = realloc(m, sizeof(*m) + cap);
    if (m == NULL)
        return false;
    m->cap = cap;
    f->part = m;
    return true;
}

enum framed frame_take(struct framer *f, const uint8_t **p, size_t *n, size_t most,
                       struct msg **out)
{
    while (*n > 0) {
        enum framed now;
        size_t part;

        if (f->n_prefix < FRAME_PREFIX) {
            f->prefix[f->n_prefix++] = *(*p)++;
            --*n;
            if (f->n_prefix < FRAME_PREFIX)
                continue;
            now = begin(f, *n, most);
            if (now != FRAMED_PART)
                return now;
        }
        part = f->part->at - f->part->len < *n ? f->part->at - f->part->len : *n;
        if (!grow(f, f->part->len + part))
            return FRAMED_NO_ROOM;
        if (part > 0)
            memcpy(f->part->data + f->part->len, *p, part);
        f->part->len += part;
        *p += part;
        *n -= part;
        if (f->part->len < f->part->at)
            break;
        f->part->at = 0;
        *out = f->part;
        *f = (struct framer){0};
        return FRAMED_MESSAGE;
    }
    return FRAMED_PART;
}

struct msg *frame_pack(const ProtobufCMessage *pb)
{
    size_t n = protobuf_c_message_get_packed_size(pb);
    struct msg *m = n > UINT32_MAX ? NULL : msg_new(FRAME_PREFIX + n);

    if (m == NULL)
        return NULL;
    m->len = FRAME_PREFIX + n;
    m->data[0] = 0;
    for (int i = 0; i < 4; i++)
        m->data[1 + i] = (uint8_t)(n >> (24 - 8 * i));
    protobuf_c_message_pack(pb, m->data + FRAME_PREFIX);
    return m;
}
