/* sockets.h - what of the transport touches sockets and TLS. Inside common/rpc/h2.
 *
 * Threads: a conn belongs to its loop's; tls_* may be asked by any. Memory: a conn is freed by
 * its loop, at the end of a turn. Errors: a function that returns false means the connection is
 * of no more use.
 */
#ifndef WARD_RPC_H2_SOCKETS_H
#define WARD_RPC_H2_SOCKETS_H

#include "common/rpc/h2/h2.h"

#include <openssl/ssl.h>

struct conn {
    struct loop *loop;
    int fd;
    SSL *tls;
    struct session session; /* once the handshake is done: session.h2 is set */
    uint8_t ip[16];
    struct peer *from; /* once the handshake is done */
    struct timer timer;
    int64_t wrote;
    uint8_t *left; /* what the socket did not take */
    size_t n_left, left_at;
    struct conn *dirty_next, *again_next, *prev, *next, *shake_prev, *shake_next;
    bool dirty, again, wants_out, shaking, dead;
    int shaking_in; /* which list */
};

/* ---- conn.c ---- */
void conn_take(struct loop *l, int fd, const uint8_t ip[16]);
void conn_event(struct conn *c, uint32_t events);
void conn_drain(struct conn *c);
void conn_cut(struct conn *c);
void conn_flush_all(struct loop *l);
void conn_read_again(struct loop *l);

/* ---- listen.c ---- */
WARD_MUST enum ward_code listen_open(struct h2_server *srv, const char *at, int *port,
                                     struct ward_err *err);
void listen_watch(struct h2_server *srv, bool on);
void listen_accept(struct h2_server *srv, int listener);
void listen_close(struct h2_server *srv); /* who waits in the backlog is let in first */

/* ---- tls.c ---- */
/*   FAILED_PRECONDITION  a file cannot be read, or key and certificate are no pair */
WARD_MUST enum ward_code tls_open(const struct ward_tls *files, struct tls **out,
                                  struct ward_err *err);
void tls_close(struct tls *t);
/* Reads the files again where they have changed; what cannot be used changes nothing. */
void tls_look(struct tls *t);
SSL *tls_new(struct tls *t, int fd);
/* After the handshake: the peer's name; false where h2 was not agreed on. */
bool tls_agreed(SSL *ssl, char peer[RPC_PEER]);
void tls_failed(void); /* logs why, now and then */

#endif
