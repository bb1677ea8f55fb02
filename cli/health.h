/* health.h - asking a service of the embedded default how it is.
 *
 * Threads: one. Memory: none kept. Errors: the call's.
 */
#ifndef WARD_CLI_HEALTH_H
#define WARD_CLI_HEALTH_H

#include "cli/local.h"
#include "common/rpc/client.h"

/* What the embedded default's issuer calls itself, as deploy/local/service.env has it. */
#define CLI_ISSUER   "https://issuer.ward.localhost"
#define CLI_AUDIENCE "ward"

/* A client of one service, as the peer "wardctl". */
WARD_MUST enum ward_code cli_connect_to(struct local *l, const struct local_service *s,
                                        struct ward_client **out, struct ward_err *err);
/* grpc.health.v1 of one gRPC service, "" for the server as a whole. */
WARD_MUST enum ward_code cli_health_ask(struct ward_client *client, const char *service,
                                        int timeout_ms, bool *serving, struct ward_err *err);

#endif
