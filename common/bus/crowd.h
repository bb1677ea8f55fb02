/* crowd.h - connections to all addresses of one name, such as the replicas of a headless
 * Service.
 *
 * A thread asks the resolver every few seconds, dials new addresses and drops missing
 * addresses. While the name does not resolve, the connections remain. A service that follows
 * its own name also connects to itself, which does no harm.
 *
 * Threads: each crowd has one thread. Memory: pair open/close. Errors: as bus.h.
 */
#ifndef WARD_BUS_CROWD_H
#define WARD_BUS_CROWD_H

#include "common/bus/bus_nng.h"

#define CROWD_MAX     64 /* maximum number of addresses; further addresses are not dialled */
#define CROWD_ADDRESS 64 /* bytes of an address such as "[fe80::1]", with the NUL */

/* Writes numeric addresses in the form of a URL. Returns the number of addresses, at most
 * CROWD_MAX. */
typedef int bus_resolve(const char *host, char out[][CROWD_ADDRESS]);

/* Tests replace these variables before they open a crowd. */
extern bus_resolve *ward_crowd_resolver;
extern int ward_crowd_look_ms;

struct bus_crowd;

/* Returns whether `url` is tls+tcp:// with a host name instead of an address. */
WARD_MUST bool ward_bus_crowd_is(const char *url);
WARD_MUST enum ward_code ward_bus_crowd_open(nng_socket s, const char *url,
                                             const struct ward_bus_tls *tls,
                                             struct bus_crowd **out, struct ward_err *err);
/* Waits at most a second for the thread. A thread that hangs in the resolver continues, and
 * frees its objects later. Call before the socket closes. Accepts NULL. */
void ward_bus_crowd_close(struct bus_crowd *c);

#endif
