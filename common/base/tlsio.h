/* tlsio.h - mutual TLS (1.2 or 1.3) over bytes that another component carries.
 *
 * common/bus uses tlsio as NNG's TLS engine, because NNG's own engine does not report the
 * peer's name. Both sides must show a certificate of the CA, and a client also checks the
 * server's name. Changed files are read again for new connections.
 *
 * Threads: threads may share a context; a connection belongs to one thread at a time. Memory:
 * contexts have a _free function and connections a _close function; arguments are copied.
 * Errors: FAILED_PRECONDITION with the name of the invalid file.
 */
#ifndef WARD_BASE_TLSIO_H
#define WARD_BASE_TLSIO_H

#include "common/base/status.h"

#include <stddef.h>

struct ward_tlsio_ctx;
WARD_MUST enum ward_code ward_tlsio_ctx_new(bool server, const char *ca, const char *cert,
                                            const char *key, struct ward_tlsio_ctx **out,
                                            struct ward_err *err);
void ward_tlsio_ctx_free(
    struct ward_tlsio_ctx *ctx); /* accepts NULL; open connections remain valid */

enum ward_tlsio_state { WARD_TLSIO_OK, WARD_TLSIO_AGAIN, WARD_TLSIO_CLOSED, WARD_TLSIO_FAILED };

/* Callbacks that move up to *n bytes and set *n to the number of moved bytes. */
struct ward_tlsio_carrier {
    enum ward_tlsio_state (*send)(void *io, const void *bytes, size_t *n);
    enum ward_tlsio_state (*recv)(void *io, void *bytes, size_t *n);
    void *io;
};

struct ward_tlsio;
/* server_name: the name that a client expects, a DNS name or an IP address; NULL for a server.
 */
WARD_MUST enum ward_code ward_tlsio_open(struct ward_tlsio_ctx *ctx, const char *server_name,
                                         const struct ward_tlsio_carrier *carrier,
                                         struct ward_tlsio **out, struct ward_err *err);
void ward_tlsio_close(struct ward_tlsio *t); /* accepts NULL; sends nothing to the peer */

enum ward_tlsio_state ward_tlsio_handshake(struct ward_tlsio *t);
enum ward_tlsio_state ward_tlsio_read(struct ward_tlsio *t, void *to, size_t *n);
enum ward_tlsio_state ward_tlsio_write(struct ward_tlsio *t, const void *from, size_t *n);
void ward_tlsio_bye(struct ward_tlsio *t); /* sends close_notify */

/* Returns the service in the peer's URI SAN, "spiffe://ward/<service>"; "" for a verified peer
 * without this URI; NULL while the peer is not verified. */
const char *ward_tlsio_peer(struct ward_tlsio *t);

#endif
