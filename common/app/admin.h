/* admin.h - the admin port: a small HTTP server on the loop.
 *
 * GET /metrics, GET /livez, GET /readyz, GET and PUT /loglevel. At most WARD_ADMIN_CONNS at a
 * time: one more takes the place of the oldest that has not sent its request, so idle clients
 * never keep a probe out. A client that has not sent its request or not taken its answer within
 * app->admin_ms is cut off. No patient data passes here; who may reach the port is the
 * network's affair (a NetworkPolicy, or loopback). PUT is for root and this process's user on
 * this machine alone; in a cluster that is `kubectl port-forward`.
 *
 * Threads: the loop's. Memory: its own. Errors: UNAVAILABLE, INVALID_ARGUMENT.
 */
#ifndef WARD_APP_ADMIN_H
#define WARD_APP_ADMIN_H

#include "common/app/admin_http.h"
#include "common/app/app_core.h"

#include <sys/socket.h>

#define WARD_ADMIN_CONNS 32

struct ward_admin;

/* Listens on "address:port"; port 0 picks one. The address is numeric, or localhost. */
WARD_MUST enum ward_code ward_admin_open(struct ward_app *app, uv_loop_t *loop,
                                         const char *listen, struct ward_admin **out, int *port,
                                         struct ward_err *err);
/* Closes every handle; the loop must turn once more before ward_admin_free. NULL is fine. */
void ward_admin_close(struct ward_admin *a);
void ward_admin_free(struct ward_admin *a);

/* Whether a connection comes from this machine (network namespace), and from a process of
 * root's or of this process's user. Addresses as getpeername and getsockname give them. */
WARD_MUST bool ward_admin_peer_is_ours(const struct sockaddr_storage *peer,
                                       const struct sockaddr_storage *self);

/* The answer to one request: a status, and the body into `to`. */
int ward_admin_answer(struct ward_app *app, const struct ward_admin_request *r, FILE *to);

#endif
