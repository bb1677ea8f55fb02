/* ports.h - one `wardctl up` at a time chooses ports on a machine.
 *
 * Between seeing that a port is free and a service listening on it lies a moment in which
 * another `up` would see the same. So whoever chooses holds a name meanwhile: an abstract unix
 * socket, which belongs to the network namespace, as ports do, and is gone with its holder.
 *
 * Threads: one. Memory: none kept. Errors: none.
 */
#ifndef WARD_CLI_PORTS_H
#define WARD_CLI_PORTS_H

/* A descriptor to close once every port is listened on; -1 while someone else holds it. */
int ports_hold(void);

#endif
