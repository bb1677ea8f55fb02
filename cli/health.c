/* wardctl health - each service of the embedded default, and whether it serves. */
#include "cli/health.h"

#include "cli/cli.h"
#include "common/base/clock.h"
#include "grpc/health/v1/health.pb-c.h"

#include <stdio.h>

#define SERVING GRPC__HEALTH__V1__HEALTH_CHECK_RESPONSE__SERVING_STATUS__SERVING

enum ward_code cli_health_ask(struct ward_client *client, const char *service, int timeout_ms,
                              bool *serving, struct ward_err *err)
{
    Grpc__Health__V1__HealthCheckRequest req = GRPC__HEALTH__V1__HEALTH_CHECK_REQUEST__INIT;
    struct ward_arena mem;
    ProtobufCMessage *resp;
    enum ward_code code;

    ward_arena_init(&mem, 65536);
    req.service = (char *)(uintptr_t)service;
    code = ward_client_call(
        client, "/grpc.health.v1.Health/Check",
        &(struct ward_out){.deadline_ns = ward_mono_ns() + timeout_ms * WARD_NS_PER_MS},
        &req.base, &grpc__health__v1__health_check_response__descriptor, &resp, &mem, err);
    if (code == WARD_OK)
        *serving = ((Grpc__Health__V1__HealthCheckResponse *)resp)->status == SERVING;
    ward_arena_done(&mem);
    return code;
}

/* What is wrong with a service, "" for nothing. */
static const char *ask(struct local *l, const struct local_service *s, struct ward_err *err)
{
    struct ward_client *client;
    bool serving = false;
    enum ward_code code;

    if (cli_connect_to(l, s, &client, err) != WARD_OK)
        return err->msg;
    code = cli_health_ask(client, "", 3000, &serving, err);
    ward_client_close(client);
    if (code != WARD_OK)
        return err->msg;
    return serving ? "" : "not serving: its log and /readyz say why";
}

static int report(const struct cli *cli, struct local *l)
{
    struct cli_json j = {.to = stdout};
    int bad = 0;

    if (cli->json)
        cli_json_open(&j, NULL, '[');
    for (int i = 0; i < LOCAL_SERVICES; i++) {
        const struct local_service *s = &l->service[i];
        struct ward_err err = {0};
        const char *why = ask(l, s, &err);

        bad += *why != '\0';
        if (!cli->json) {
            printf("%-12s %s%-8s%s localhost:%-6d %s\n", s->name,
                   cli_paint(cli, *why == '\0' ? CLI_GOOD : CLI_BAD),
                   *why == '\0' ? "serving" : "away", cli_paint(cli, CLI_PLAIN), s->port, why);
            continue;
        }
        cli_json_open(&j, NULL, '{');
        cli_json_text(&j, "service", s->name);
        cli_json_bool(&j, "serving", *why == '\0');
        cli_json_int(&j, "port", s->port);
        cli_json_text(&j, "why", why);
        cli_json_close(&j, '}');
    }
    if (cli->json)
        cli_json_close(&j, ']');
    return bad == 0 ? 0 : 1;
}

static int health(const struct cli *cli, int argc, char **argv)
{
    struct local l;
    struct ward_err err = {0};
    const struct cli_opt none[] = {{0}};
    int status;

    if (cli_options(none, &argc, argv, 0, &err) != WARD_OK)
        return cli_usage(cli, &err);
    if (local_open(&l, cli->data, &err) != WARD_OK || local_ports(&l, &err) != WARD_OK)
        status = cli_fail(cli, &err);
    else
        status = report(cli, &l);
    local_close(&l);
    return status;
}

const struct cli_command cli_health_commands[] = {
    {"health", "", "whether each service serves", health},
    {0},
};
