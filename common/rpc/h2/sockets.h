/* sockets.h - the transport's declarations for sockets and TLS. Inside common/rpc/h2.
 *
 * Threads: a conn belongs to its loop's thread; tls_new is safe on any thread. Memory: the loop
 * frees a conn at the end of a turn. Errors: if a function returns false, the connection must
 * be closed.
 */
#ifndef WARD_RPC_H2_SOCKETS_H
#define WARD_RPC_H2_SOCKETS_H

#include "common/rpc/h2/h2.h"

#include <openssl/ssl.h>

struct conn {
    struct loop *loop;
    int fd;
    SSL *tls;
    int tls_messages;       /* handshake messages and alerts since they were last charged */
    struct session session; /* after the handshake, session.h2 is set */
    uint8_t ip[16];
    struct peer *from; /* set after the handshake */
    struct timer timer;
    int64_t wrote;
    uint8_t *left; /* bytes that the socket did not accept */
    size_t n_left, left_at;
    struct conn *dirty_next, *again_next, *prev, *next, *shake_prev, *shake_next;
    bool dirty, again, wants_out, shaking, dead;
    int shaking_in; /* index of the list */
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
void listen_close(struct h2_server *srv); /* accepts connections from the backlog first */

/* ---- tls.c ---- */
/*   FAILED_PRECONDITION  a file cannot be read, or key and certificate do not match */
WARD_MUST enum ward_code tls_open(const struct ward_tls *files, struct tls **out,
                                  struct ward_err *err);
void tls_close(struct tls *t);
/* Loads changed files again. If the new files are unusable, the old certificates stay. */
void tls_look(struct tls *t);
/* *messages counts the handshake messages that the connection receives, and all alerts. */
SSL *tls_new(struct tls *t, int fd, int *messages);
/* Call after the handshake: reads the peer's name. Returns false if h2 was not negotiated. */
bool tls_agreed(SSL *ssl, char peer[RPC_PEER]);
void tls_failed(void); /* logs the cause, at most once a second */

#endif
