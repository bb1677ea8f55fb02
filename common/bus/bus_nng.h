/* bus_nng.h - addresses, security and errors, for the files of common/bus that use NNG.
 *
 * Threads: any. Memory: the socket's. Errors: as bus.h.
 */
#ifndef WARD_BUS_BUS_NNG_H
#define WARD_BUS_BUS_NNG_H

#include "common/bus/bus_internal.h"

#include <nng/nng.h>

/* INTERNAL for what NNG says, or a better fitting code. */
enum ward_code ward_bus_fail(int rv, const char *doing, struct ward_err *err);

/* INVALID_ARGUMENT unless ipc:// or tls+tcp://. */
WARD_MUST enum ward_code ward_bus_check_url(const char *url, struct ward_err *err);

/* Keeps out, before a pipe joins the socket, whoever is not the same user (ipc) or shows no
 * certificate of ours (TLS). Call before listening or dialling. */
WARD_MUST enum ward_code ward_bus_guard(nng_socket s, struct ward_err *err);

/* Listens; *port is 0 for ipc. */
WARD_MUST enum ward_code ward_bus_socket_listen(nng_socket s, const char *url,
                                                const struct ward_bus_tls *tls, int *port,
                                                struct ward_err *err);
/* Dials in the background and keeps the connection up. */
WARD_MUST enum ward_code ward_bus_socket_dial(nng_socket s, const char *url,
                                              const struct ward_bus_tls *tls,
                                              struct ward_err *err);

/* The same, to a tls+tcp address whose certificate must name `name`; the dialer can be closed.
 */
WARD_MUST enum ward_code ward_bus_dial_as(nng_socket s, const char *url,
                                          const struct ward_bus_tls *tls, const char *name,
                                          nng_dialer *out, struct ward_err *err);

/* Closes a socket. NNG 1.5.2 can hang for ever in nng_close when a message arrives in that very
 * moment (its issue 1813, mended in 1.8), so the wait is bounded: false means that the socket
 * was left behind, closing, and that what its callbacks use must be left too. */
WARD_MUST bool ward_bus_close(nng_socket s);

/* The peer's service name into out; "" over ipc. */
void ward_bus_peer(nng_pipe p, char out[65]);

/* tls_engine.c: makes NNG use OpenSSL, which says who the peer is. */
WARD_MUST enum ward_code ward_bus_tls_begin(struct ward_err *err);
/* The name behind a pipe's TLS connection; false when it is not verified. */
WARD_MUST bool ward_bus_tls_peer(nng_pipe p, char out[65]);

#endif
