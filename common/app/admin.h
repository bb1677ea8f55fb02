/* admin.h - the admin port: a small HTTP server on the event loop.
 *
 * The server serves GET /metrics, GET /livez, GET /readyz, GET and PUT /loglevel. At most
 * WARD_ADMIN_CONNS connections are open. A further connection replaces the oldest connection
 * without a complete request, so idle clients cannot block a probe. The server closes a
 * connection that does not send its request or read its answer within app->admin_ms. The port
 * exposes no patient data. A NetworkPolicy or a loopback address restricts access to the port.
 * Only root and this process's user on this machine may use PUT; in a cluster, use `kubectl
 * port-forward`.
 *
 * Threads: the event loop's thread. Memory: the server's own. Errors: UNAVAILABLE,
 * INVALID_ARGUMENT.
 */
#ifndef WARD_APP_ADMIN_H
#define WARD_APP_ADMIN_H

#include "common/app/admin_http.h"
#include "common/app/app_core.h"

#include <sys/socket.h>

#define WARD_ADMIN_CONNS 32

struct ward_admin;

/* Listens on "address:port"; port 0 picks a free port. The address is numeric or localhost. */
WARD_MUST enum ward_code ward_admin_open(struct ward_app *app, uv_loop_t *loop,
                                         const char *listen, struct ward_admin **out, int *port,
                                         struct ward_err *err);
/* Closes every handle. The loop must run once more before ward_admin_free. Accepts NULL. */
void ward_admin_close(struct ward_admin *a);
void ward_admin_free(struct ward_admin *a);

/* Returns whether a connection comes from this machine (network namespace) and from a process
 * of root or of this process's user. Pass the addresses from getpeername and getsockname. */
WARD_MUST bool ward_admin_peer_is_ours(const struct sockaddr_storage *peer,
                                       const struct sockaddr_storage *self);

/* Answers one request: returns the status and writes the body to `to`. */
int ward_admin_answer(struct ward_app *app, const struct ward_admin_request *r, FILE *to);

#endif
