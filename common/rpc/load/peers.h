/* peers.h - who uses a server: one entry for each name in a certificate and address that has
 * connections or calls, with what it holds. Inside common/rpc.
 *
 * Threads: all functions are safe; a flow is under its queue's lock. Memory: an entry lives
 * while it is held; whoever keeps a pointer holds it. Errors: none.
 */
#ifndef WARD_RPC_LOAD_PEERS_H
#define WARD_RPC_LOAD_PEERS_H

#include "common/base/metrics.h"
#include "common/rpc/load/queue.h"

#define PEER_NAME    64
#define PEER_BUCKETS 256
#define PEER_QUEUES  3 /* workers, streams, system */

struct peer {
    struct peer *next; /* of its bucket */
    struct peers *all;
    char name[PEER_NAME];
    uint8_t ip[16];
    atomic_int holds;
    int connections;     /* under the table's lock */
    atomic_size_t bytes; /* of its calls and messages */
    struct flow flows[PEER_QUEUES][QUEUE_LANES];
    _Atomic int64_t refusing_ns; /* when the window of `refused` began */
    atomic_int refused;
    struct ward_series *calls, *shed, *busy; /* of its name */
};
struct peers {
    pthread_mutex_t lock;
    struct peer *buckets[PEER_BUCKETS];
};
void peers_init(struct peers *p);
void peers_done(struct peers *p); /* all entries were dropped */

/* The entry of this name and address, made if need be; drop it once. */
struct peer *peers_hold(struct peers *p, const char *name, const uint8_t ip[16]);
void peer_share(struct peer *p); /* one more holder */
void peer_drop(struct peer *p);  /* NULL is fine */
/* Counts a connection; false, and not counted, if the peer has `most` already. */
WARD_MUST bool peer_connected(struct peer *p, int most);
void peer_disconnected(struct peer *p);

/* A call of this peer was refused for load. How long its answer is held back: 0 for a few a
 * second; a peer that asks again at once must not cost others their CPU time. */
int peer_refused(struct peer *p, int64_t now_ns);

#endif
