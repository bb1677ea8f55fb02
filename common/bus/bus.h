/* bus.h - NNG: the outbox's deliveries to audit, and hints that something changed.
 *
 * Deliveries are request/reply, acknowledged after the receiver's own commit; a lost reply is
 * sent again. Hints are publish/subscribe and may drop: each carries the sequence number that
 * the database holds, so whoever missed one finds out by looking. The only code that includes
 * <nng/>.
 *
 * Addresses: "ipc:///path" (0600, same user) or "tls+tcp://host:port" (mutual TLS; the peer's
 * name is its certificate's). Plain "tcp://" is refused.
 *
 * Threads: each object runs its own; callbacks come on them. Memory: frames are borrowed for
 * the time of a callback. Errors: UNAVAILABLE not connected, DEADLINE_EXCEEDED no reply in
 * time.
 */
#ifndef WARD_BUS_BUS_H
#define WARD_BUS_BUS_H

#include "common/base/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ward_bus_tls {
    const char *cert, *key, *ca; /* PEM files, for tls+tcp only */
};

/* One frame: magic "WBUS", version 1, kind, count, then count items of (16-byte id, u32 length,
 * bytes), all integers big-endian. bus_frame.c packs and parses; a fuzzer feeds the parser. */
struct ward_bus_item {
    uint8_t id[16];
    const void *p;
    size_t n;
};
#define WARD_BUS_MAX_ITEMS 4096
#define WARD_BUS_MAX_BYTES ((size_t)8 << 20)

/* Packed size, or 0 past the limits. */
size_t ward_frame_size(const struct ward_bus_item *items, size_t n);
void ward_frame_pack(const struct ward_bus_item *items, size_t n, uint8_t *out);
/* items point into `in`. INVALID_ARGUMENT with the reason for anything that is not a frame. */
WARD_MUST enum ward_code ward_frame_parse(const uint8_t *in, size_t len,
                                          struct ward_bus_item *items, size_t cap, size_t *n,
                                          struct ward_err *err);

/* The sending side: one request in flight, reconnects by itself. A tls+tcp address whose host
 * is a name stands for every address behind the name: deliveries go to each receiver in turn,
 * and to the others while one is away. */
struct ward_bus_client;
WARD_MUST enum ward_code ward_bus_dial(const char *url, const struct ward_bus_tls *tls,
                                       struct ward_bus_client **out, struct ward_err *err);
/* Tells the receiver how far `service` has come: `sent`, the newest outbox row that is
 * committed for good, of which the receiver keeps the largest, and `last`, the largest id that
 * a row can have had. FAILED_PRECONDITION  reason DATABASE_RESTORED: `last` is less than a
 * `sent` of before, which err->msg names: this service's database is not what it was */
WARD_MUST enum ward_code ward_bus_mark(struct ward_bus_client *c, const char *service,
                                       uint64_t sent, uint64_t last, int timeout_ms,
                                       struct ward_err *err);
/* Sends a frame and waits for the acknowledgement. A refusal comes back as the receiver's code.
 */
WARD_MUST enum ward_code ward_bus_deliver(struct ward_bus_client *c,
                                          const struct ward_bus_item *items, size_t n,
                                          int timeout_ms, struct ward_err *err);
/* Is there a connection now? Any thread. */
bool ward_bus_connected(const struct ward_bus_client *c);
/* Any thread: the delivery under way, if any, fails CANCELLED; it may have arrived. */
void ward_bus_interrupt(struct ward_bus_client *c);
void ward_bus_hangup(struct ward_bus_client *c); /* NULL is fine */

/* The receiving side: `threads` at once call `take`, which returns after its commit. `peer` is
 * the sender's service name from its certificate, or "" over ipc. wrk_open/close as in rpc.h.
 */
struct ward_bus_server;
struct ward_bus_server_config {
    const char *url; /* port 0 picks one */
    struct ward_bus_tls tls;
    int threads;
    void *svc;
    enum ward_code (*wrk_open)(void *svc, void **wrk, struct ward_err *err); /* may be NULL */
    void (*wrk_close)(void *wrk);
    enum ward_code (*take)(void *svc, void *wrk, const char *peer,
                           const struct ward_bus_item *items, size_t n, struct ward_err *err);
    /* ward_bus_mark's; NULL: marks are refused INVALID_ARGUMENT */
    enum ward_code (*mark)(void *svc, void *wrk, const char *peer, const char *service,
                           uint64_t sent, uint64_t last, struct ward_err *err);
};
WARD_MUST enum ward_code ward_bus_listen(const struct ward_bus_server_config *cfg,
                                         struct ward_bus_server **out, struct ward_err *err);
int ward_bus_port(const struct ward_bus_server *s); /* 0 for ipc */
/* Finishes what is being taken, acknowledges it, and stops. NULL is fine. */
void ward_bus_stop(struct ward_bus_server *s);

/* Hints. A topic is a short name (31 bytes, 32 topics a publisher); seq only grows. The newest
 * of each topic is said again every second, so a late follower learns it; `fn` is called only
 * for a seq larger than any before. A tls+tcp address whose host is a name follows every
 * address behind the name, as they come and go: one headless Service stands for all its
 * replicas. */
struct ward_hint_pub;
WARD_MUST enum ward_code ward_hint_open(const char *url, const struct ward_bus_tls *tls,
                                        struct ward_hint_pub **out, struct ward_err *err);
void ward_hint_send(struct ward_hint_pub *p, const char *topic,
                    uint64_t seq);                 /* never blocks */
int ward_hint_port(const struct ward_hint_pub *p); /* 0 for ipc */
void ward_hint_close(struct ward_hint_pub *p);     /* NULL is fine */

struct ward_hint_sub;
WARD_MUST enum ward_code ward_hint_follow(const char *url, const struct ward_bus_tls *tls,
                                          const char *topic,
                                          void (*fn)(void *arg, uint64_t seq), void *arg,
                                          struct ward_hint_sub **out, struct ward_err *err);
void ward_hint_unfollow(struct ward_hint_sub *s);

#endif
