/* crowd.h - everybody behind one name: a headless Service's replicas, however many there are
 * now.
 *
 * A thread asks the resolver every few seconds, dials each address that is new and drops each
 * that is gone; while the name does not resolve, what is dialled stays. A service that follows
 * itself finds its own address there too, which costs a connection and nothing else.
 *
 * Threads: one of its own. Memory: open/close. Errors: as bus.h.
 */
#ifndef WARD_BUS_CROWD_H
#define WARD_BUS_CROWD_H

#include "common/bus/bus_nng.h"

#define CROWD_MAX     64 /* addresses; more are not dialled */
#define CROWD_ADDRESS 64 /* "[fe80::1]" and a NUL */

/* Fills in numeric addresses as a URL holds them; how many, at most CROWD_MAX, 0 for none. */
typedef int bus_resolve(const char *host, char out[][CROWD_ADDRESS]);

/* Tests put others here, before a crowd opens. */
extern bus_resolve *ward_crowd_resolver;
extern int ward_crowd_look_ms;

struct bus_crowd;

/* Whether `url` is tls+tcp:// with a name for a host, not an address. */
WARD_MUST bool ward_bus_crowd_is(const char *url);
WARD_MUST enum ward_code ward_bus_crowd_open(nng_socket s, const char *url,
                                             const struct ward_bus_tls *tls,
                                             struct bus_crowd **out, struct ward_err *err);
/* Waits a second for the thread; one that hangs in the resolver is left behind, with what it
 * uses. Before the socket closes. NULL is fine. */
void ward_bus_crowd_close(struct bus_crowd *c);

#endif
