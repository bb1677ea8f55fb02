/* health.h - asks a service of the embedded default for its health.
 *
 * Threads: one. Memory: none retained. Errors: the call's.
 */
#ifndef WARD_CLI_HEALTH_H
#define WARD_CLI_HEALTH_H

#include "cli/local/local.h"
#include "common/rpc/client.h"

/* The name of the embedded default's issuer, as in deploy/local/service.env. */
#define CLI_ISSUER   "https://issuer.ward.localhost"
#define CLI_AUDIENCE "ward"

/* A client of one service, as the peer "wardctl". */
WARD_MUST enum ward_code cli_connect_to(struct local *l, const struct local_service *s,
                                        struct ward_client **out, struct ward_err *err);
/* Calls grpc.health.v1 for one gRPC service, "" for the whole server. */
WARD_MUST enum ward_code cli_health_ask(struct ward_client *client, const char *service,
                                        int timeout_ms, bool *serving, struct ward_err *err);

#endif
