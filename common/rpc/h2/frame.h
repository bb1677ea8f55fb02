/* frame.h - converts a stream's bytes to gRPC messages and back. Inside common/rpc/h2.
 *
 * Threads: the caller's. Memory: messages are on the heap, and their receiver frees them. A
 * message's memory grows with the received bytes, not with the announced length. Errors: see
 * enum framed.
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
    size_t at; /* outgoing: number of bytes sent; incoming: announced length */
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

/* Consumes bytes from *p until a message is complete (the caller owns *out) or no bytes are
 * left. */
enum framed frame_take(struct framer *f, const uint8_t **p, size_t *n, size_t most,
                       struct msg **out);
bool frame_inside(const struct framer *f); /* returns whether a message is incomplete */
void frame_done(struct framer *f);

/* Serializes a message after its prefix. Returns NULL if there is no memory. */
struct msg *frame_pack(const ProtobufCMessage *m);
void frame_free(struct msg *list);

#endif
