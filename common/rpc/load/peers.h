/* peers.h - the peers of a server. A peer is a certificate's name and an address, with
 * connections or calls. Its entry counts its connections, memory and jobs. Inside common/rpc.
 *
 * Threads: all functions are safe; a queue's lock guards the flows. Memory: entries are
 * reference-counted (hold, share, drop). Errors: none.
 */
#ifndef WARD_RPC_LOAD_PEERS_H
#define WARD_RPC_LOAD_PEERS_H

#include "common/base/metrics.h"
#include "common/rpc/load/queue.h"

#define PEER_NAME    64
#define PEER_BUCKETS 256
#define PEER_QUEUES  3 /* workers, streams, system */

struct peer {
    struct peer *next; /* in the same bucket */
    struct peers *all;
    char name[PEER_NAME];
    uint8_t ip[16];
    atomic_int holds;
    int connections;     /* guarded by the table's lock */
    atomic_size_t bytes; /* memory of its calls and messages */
    struct flow flows[PEER_QUEUES][QUEUE_LANES];
    _Atomic int64_t refusing_ns; /* start of the window in which `refused` counts */
    atomic_int refused;
    struct ward_series *calls, *shed, *busy; /* metrics of its name */
};
struct peers {
    pthread_mutex_t lock;
    struct peer *buckets[PEER_BUCKETS];
};
void peers_init(struct peers *p);
void peers_done(struct peers *p); /* all entries must have been dropped */

/* Returns the entry of this name and address, which is created if necessary. Drop each returned
 * entry once. */
struct peer *peers_hold(struct peers *p, const char *name, const uint8_t ip[16]);
void peer_share(struct peer *p); /* adds a reference */
void peer_drop(struct peer *p);  /* accepts NULL */
/* Counts a connection. Returns false without counting if the peer already has `most`. */
WARD_MUST bool peer_connected(struct peer *p, int most);
void peer_disconnected(struct peer *p);

/* Counts a call of this peer that was rejected for load. Returns the delay of its answer in
 * milliseconds: 0 for the first few in a window. A peer that retries at once must not use up
 * other peers' CPU time. */
int peer_refused(struct peer *p, int64_t now_ns);

#endif
