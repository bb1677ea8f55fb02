/* bus.h - NNG: delivery of outbox events to audit, and hints about changes.
 *
 * Deliveries are request/reply. The receiver acknowledges after its own commit, and the sender
 * repeats a request whose reply was lost. Hints are publish/subscribe and may be lost. Each
 * hint carries the sequence number of the database, so a receiver that missed a hint can detect
 * the change later. Only this folder includes <nng/>.
 *
 * Addresses: "ipc:///path" (0600, same user) or "tls+tcp://host:port" (mutual TLS; the
 * certificate contains the peer's name). Plain "tcp://" is rejected.
 *
 * Threads: each object runs its own threads, and callbacks run on these threads. Memory: frames
 * are valid only during a callback. Errors: UNAVAILABLE without a connection, DEADLINE_EXCEEDED
 * without a reply in time.
 */
#ifndef WARD_BUS_BUS_H
#define WARD_BUS_BUS_H

#include "common/base/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ward_bus_tls {
    const char *cert, *key, *ca; /* PEM files, only for tls+tcp */
};

/* One frame: magic "WBUS", version 1, kind, count, then count items of (16-byte id, u32 length,
 * bytes). All integers are big-endian. bus_frame.c packs and parses frames; a fuzzer tests the
 * parser. */
struct ward_bus_item {
    uint8_t id[16];
    const void *p;
    size_t n;
};
#define WARD_BUS_MAX_ITEMS 4096
#define WARD_BUS_MAX_BYTES ((size_t)8 << 20)

/* Returns the packed size, or 0 if the items exceed the limits. */
size_t ward_frame_size(const struct ward_bus_item *items, size_t n);
void ward_frame_pack(const struct ward_bus_item *items, size_t n, uint8_t *out);
/* The items point into `in`. INVALID_ARGUMENT with the cause if `in` is not a frame. */
WARD_MUST enum ward_code ward_frame_parse(const uint8_t *in, size_t len,
                                          struct ward_bus_item *items, size_t cap, size_t *n,
                                          struct ward_err *err);

/* The sending side. A client has at most one request in progress and reconnects automatically.
 * A tls+tcp address with a host name means all addresses of the name. Deliveries go to each
 * receiver in turn and skip unavailable receivers. */
struct ward_bus_client;
WARD_MUST enum ward_code ward_bus_dial(const char *url, const struct ward_bus_tls *tls,
                                       struct ward_bus_client **out, struct ward_err *err);
/* Reports the progress of `service` to the receiver. `sent` is the newest outbox row that is
 * durably committed; the receiver stores the maximum. `last` is the largest id that any row can
 * have. FAILED_PRECONDITION with reason DATABASE_RESTORED: `last` is less than an earlier
 * `sent`, because the service's database was restored or replaced. err->msg contains the
 * earlier `sent`. */
WARD_MUST enum ward_code ward_bus_mark(struct ward_bus_client *c, const char *service,
                                       uint64_t sent, uint64_t last, int timeout_ms,
                                       struct ward_err *err);
/* Sends a frame and waits for the acknowledgement. Returns the receiver's code if the receiver
 * refuses the frame. */
WARD_MUST enum ward_code ward_bus_deliver(struct ward_bus_client *c,
                                          const struct ward_bus_item *items, size_t n,
                                          int timeout_ms, struct ward_err *err);
/* Returns whether there is a connection. Any thread may call this function. */
bool ward_bus_connected(const struct ward_bus_client *c);
/* Ends a delivery in progress with CANCELLED. The frame may have arrived. Any thread may call
 * this function. */
void ward_bus_interrupt(struct ward_bus_client *c);
void ward_bus_hangup(struct ward_bus_client *c); /* accepts NULL */

/* The receiving side. Up to `threads` calls of `take` run concurrently. `take` returns after
 * its commit. `peer` is the service name from the sender's certificate, or "" over ipc.
 * wrk_open and wrk_close are as in rpc.h. */
struct ward_bus_server;
struct ward_bus_server_config {
    const char *url; /* port 0 picks a free port */
    struct ward_bus_tls tls;
    int threads;
    void *svc;
    enum ward_code (*wrk_open)(void *svc, void **wrk, struct ward_err *err); /* may be NULL */
    void (*wrk_close)(void *wrk);
    enum ward_code (*take)(void *svc, void *wrk, const char *peer,
                           const struct ward_bus_item *items, size_t n, struct ward_err *err);
    /* receives ward_bus_mark's values; NULL: marks are refused with INVALID_ARGUMENT */
    enum ward_code (*mark)(void *svc, void *wrk, const char *peer, const char *service,
                           uint64_t sent, uint64_t last, struct ward_err *err);
};
WARD_MUST enum ward_code ward_bus_listen(const struct ward_bus_server_config *cfg,
                                         struct ward_bus_server **out, struct ward_err *err);
int ward_bus_port(const struct ward_bus_server *s); /* 0 for ipc */
/* Finishes and acknowledges the calls in progress, then stops. Accepts NULL. */
void ward_bus_stop(struct ward_bus_server *s);

/* Hints. A topic is a short name (31 bytes, 32 topics for each publisher), and seq only grows.
 * The newest seq of each topic is published again every second, for late subscribers. `fn` is
 * called only for a seq that is larger than all earlier values. A tls+tcp address with a host
 * name follows all addresses of the name as they change, so one headless Service covers all
 * replicas. */
struct ward_hint_pub;
WARD_MUST enum ward_code ward_hint_open(const char *url, const struct ward_bus_tls *tls,
                                        struct ward_hint_pub **out, struct ward_err *err);
void ward_hint_send(struct ward_hint_pub *p, const char *topic,
                    uint64_t seq);                 /* never blocks */
int ward_hint_port(const struct ward_hint_pub *p); /* 0 for ipc */
void ward_hint_close(struct ward_hint_pub *p);     /* accepts NULL */

struct ward_hint_sub;
WARD_MUST enum ward_code ward_hint_follow(const char *url, const struct ward_bus_tls *tls,
                                          const char *topic,
                                          void (*fn)(void *arg, uint64_t seq), void *arg,
                                          struct ward_hint_sub **out, struct ward_err *err);
void ward_hint_unfollow(struct ward_hint_sub *s);

#endif
