/* bus_nng.h - addresses, security and errors, for the files of common/bus that use NNG.
 *
 * Threads: any thread. Memory: the socket's. Errors: as bus.h.
 */
#ifndef WARD_BUS_BUS_NNG_H
#define WARD_BUS_BUS_NNG_H

#include "common/bus/bus_internal.h"

#include <nng/nng.h>

/* Translates an NNG error: INTERNAL, or a more specific code. */
enum ward_code ward_bus_fail(int rv, const char *doing, struct ward_err *err);

/* Checks a URL. INVALID_ARGUMENT unless the URL begins with ipc:// or tls+tcp://. */
WARD_MUST enum ward_code ward_bus_check_url(const char *url, struct ward_err *err);

/* Rejects a peer before its pipe joins the socket: another user (ipc), or no certificate of our
 * CA (TLS). Call before listening or dialling. */
WARD_MUST enum ward_code ward_bus_guard(nng_socket s, struct ward_err *err);

/* Listens at a URL. *port is 0 for ipc. */
WARD_MUST enum ward_code ward_bus_socket_listen(nng_socket s, const char *url,
                                                const struct ward_bus_tls *tls, int *port,
                                                struct ward_err *err);
/* Dials in the background and keeps the connection open. */
WARD_MUST enum ward_code ward_bus_socket_dial(nng_socket s, const char *url,
                                              const struct ward_bus_tls *tls,
                                              struct ward_err *err);

/* Dials a tls+tcp address whose certificate must name `name`. The dialer can be closed. */
WARD_MUST enum ward_code ward_bus_dial_as(nng_socket s, const char *url,
                                          const struct ward_bus_tls *tls, const char *name,
                                          nng_dialer *out, struct ward_err *err);

/* Closes a socket. NNG 1.5.2 can hang forever in nng_close if a message arrives at that moment
 * (issue 1813, fixed in 1.8), so the wait is bounded. False means that the socket remains open
 * until the process ends, and that the objects used by its callbacks must not be freed. */
WARD_MUST bool ward_bus_close(nng_socket s);

/* Writes the peer's service name to out; "" over ipc. */
void ward_bus_peer(nng_pipe p, char out[65]);

/* tls_engine.c: makes NNG use OpenSSL, which reports the peer's name. */
WARD_MUST enum ward_code ward_bus_tls_begin(struct ward_err *err);
/* Writes the peer's name of a pipe's TLS connection. Returns false if the peer is not verified.
 */
WARD_MUST bool ward_bus_tls_peer(nng_pipe p, char out[65]);

#endif
