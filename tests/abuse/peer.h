/* peer.h - an HTTP/2 connection written by hand, for attacks: any bytes, in any order.
 *
 * Threads: a peer is its thread's. Memory: the caller's. Errors: false once the server has
 * closed the connection.
 */
#ifndef WARD_TESTS_ABUSE_PEER_H
#define WARD_TESTS_ABUSE_PEER_H

#include <openssl/ssl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct options {
    const char *attack, *path, *certs, *name, *from;
    int port, n, connections, each, bytes;
    double seconds;
    bool tls, tls12; /* tls12: no newer version than TLS 1.2 */
};
extern struct options options;

struct peer {
    int fd;
    SSL *tls;
    bool deaf;     /* reads nothing */
    size_t n_read; /* bytes that the server sent */
};

/* Without TLS as far as the options say so, and without a certificate where they name nobody.
 */
bool peer_open(struct peer *p);
bool peer_connect(struct peer *p); /* TCP alone */
bool peer_shake(struct peer *p);   /* TLS on it */
void peer_close(struct peer *p);
/* Sends all, and reads what the server says meanwhile. */
bool peer_send(struct peer *p, const void *bytes, size_t n);
/* Reads for so long, or until the server closes. */
bool peer_listen(struct peer *p, double seconds);
bool peer_hello(struct peer *p, const uint8_t *settings, size_t n); /* preface and SETTINGS */

/* ---- frames into a buffer ---- */
struct bytes {
    uint8_t *p;
    size_t n, cap;
};
void put(struct bytes *b, const void *p, size_t n);
void put_frame(struct bytes *b, int type, int flags, uint32_t stream, const void *p, size_t n);
void put_literal(struct bytes *b, const char *name, const void *value, size_t n);
/* The headers of a call, and one more if name is not NULL. */
void put_call(struct bytes *b, uint32_t stream, int flags, const char *name, const void *value,
              size_t n);
void drop(struct bytes *b);

double now_s(void);

#endif
