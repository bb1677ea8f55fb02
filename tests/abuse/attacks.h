/* attacks.h - what a peer does on a connection that speaks HTTP/2, and the names of all
 * attacks.
 *
 * Threads: fn runs on its connection's. Memory: its own. Errors: fn returns false once the
 * server has ended the connection.
 */
#ifndef WARD_TESTS_ABUSE_ATTACKS_H
#define WARD_TESTS_ABUSE_ATTACKS_H

#include "tests/abuse/peer.h"

#include <stdatomic.h>

enum kind {
    HTTP2,
    UNREAD,  /* it reads nothing */
    NO_ROOM, /* its streams have no window */
    TLS12,   /* it speaks TLS 1.2 */
    TCP,     /* those without fn: connections that never come to HTTP/2 */
    SHAKE,
    BYTES
};
struct attack {
    const char *name; /* NULL: the end */
    bool (*fn)(struct peer *p);
    enum kind kind;
};
extern const struct attack attacks[];
extern atomic_long sent; /* frames or calls */

bool renegotiations(struct peer *p);

#endif
