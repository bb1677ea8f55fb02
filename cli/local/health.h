/* health.h - queries the health of a service of the embedded default.
 *
 * Threads: one. Memory: none retained. Errors: those of the call. */
#ifndef WARD_CLI_HEALTH_H
#define WARD_CLI_HEALTH_H

#include "cli/local/local.h"
#include "common/rpc/client.h"

/* The name of the embedded default's issuer, as in deploy/local/service.env. */
#define CLI_ISSUER   "https://issuer.ward.localhost"
#define CLI_AUDIENCE "ward"

/* Connects to one service, as the peer "wardctl". */
WARD_MUST enum ward_code cli_connect_to(struct local *l, const struct local_service *s,
                                        struct ward_client **out, struct ward_err *err);
/* Queries grpc.health.v1 for one gRPC service; "" means the whole server. */
WARD_MUST enum ward_code cli_health_ask(struct ward_client *client, const char *service,
                                        int timeout_ms, bool *serving, struct ward_err *err);

#endif
