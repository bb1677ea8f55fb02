/* frame.h - gRPC's framing: a stream's bytes to messages and back. Inside common/rpc/h2.
 *
 * Threads: the caller's. Memory: messages from the heap, freed by who takes them; it grows with
 * what came, not with what was announced. Errors: see framed.
 */
#ifndef WARD_RPC_H2_FRAME_H
#define WARD_RPC_H2_FRAME_H

#include <protobuf-c/protobuf-c.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FRAME_PREFIX 5

struct msg {
    struct msg *next;
    size_t len, cap;
    size_t at; /* how much of it has been sent; while it comes: how long it will be */
    uint8_t data[];
};
struct framer {
    uint8_t prefix[FRAME_PREFIX], n_prefix;
    struct msg *part;
};
enum framed {
    FRAMED_PART,
    FRAMED_MESSAGE,
    FRAMED_COMPRESSED,
    FRAMED_TOO_LARGE,
    FRAMED_NO_ROOM
};

/* Takes bytes off *p until a message is whole (*out is the caller's) or none are left. */
enum framed frame_take(struct framer *f, const uint8_t **p, size_t *n, size_t most,
                       struct msg **out);
bool frame_inside(const struct framer *f); /* a message has begun and is not whole */
void frame_done(struct framer *f);

/* With its prefix in front; NULL: no memory. */
struct msg *frame_pack(const ProtobufCMessage *m);
void frame_free(struct msg *list);

#endif
