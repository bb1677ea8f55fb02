/* wardctl health - queries the health of services: those of the embedded default, or named ones
 * of any release. */
#include "cli/local/health.h"

#include "cli/core/cli.h"
#include "common/base/clock.h"
#include "grpc/health/v1/health.pb-c.h"

#include <stdio.h>
#include <string.h>

#define SERVING GRPC__HEALTH__V1__HEALTH_CHECK_RESPONSE__SERVING_STATUS__SERVING

enum ward_code cli_connect_to(struct local *l, const struct local_service *s,
                              struct ward_client **out, struct ward_err *err)
{
    return ward_client_open(
        &(struct ward_client_config){
            .target = ward_printf(&l->mem, "127.0.0.1:%d", s->port),
            .tls = {.cert = local_path(l, "pki/wardctl.pem"),
                    .key = local_path(l, "pki/wardctl.key"),
                    .ca = local_path(l, "pki/ca.pem")},
            .server = s->name,
            .max_message = (size_t)33 << 20,
        },
        out, err);
}

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

/* Queries a service's health and closes the client. Returns the fault of the service; "" if it
 * is healthy. */
static const char *ask(struct ward_client *client, struct ward_err *err)
{
    bool serving = false;
    enum ward_code code = cli_health_ask(client, "", 3000, &serving, err);

    ward_client_close(client);
    if (code != WARD_OK)
        return err->msg;
    return serving ? "" : "not serving; see its log and /readyz";
}

/* Prints a line or a JSON object about one service. `port` 0: no port. */
static void tell(const struct cli *cli, struct cli_json *j, const char *name, int port,
                 const char *address, const char *why)
{
    bool good = *why == '\0';

    if (!cli->json) {
        printf("%-12s %s%-8s%s ", name, cli_paint(cli, good ? CLI_GOOD : CLI_BAD),
               good ? "serving" : "away", cli_paint(cli, CLI_PLAIN));
        if (port > 0)
            printf("localhost:%-6d %s\n", port, why);
        else
            printf("%s %s\n", address, why);
        return;
    }
    cli_json_open(j, NULL, '{');
    cli_json_text(j, "service", name);
    cli_json_bool(j, "serving", good);
    if (port > 0)
        cli_json_int(j, "port", port);
    else
        cli_json_text(j, "address", address);
    cli_json_text(j, "why", why);
    cli_json_close(j, '}');
}

/* Queries the services of the embedded default. Returns the number of failures. */
static int report_local(const struct cli *cli, struct cli_json *j, struct local *l)
{
    int bad = 0;

    for (int i = 0; i < l->n_services; i++) {
        const struct local_service *s = &l->service[i];
        struct ward_client *client;
        struct ward_err err = {0};
        const char *why =
            cli_connect_to(l, s, &client, &err) == WARD_OK ? ask(client, &err) : err.msg;

        bad += *why != '\0';
        tell(cli, j, s->name, s->port, "", why);
    }
    return bad;
}

/* Queries named services, each NAME=ADDRESS. Returns the number of failures. */
static int report_named(const struct cli *cli, struct cli_json *j, const struct ward_tls *tls,
                        char **named)
{
    int bad = 0;

    for (; *named != NULL; named++) {
        char *name = *named, *address = strchr(name, '=') + 1;
        struct ward_client *client;
        struct ward_err err = {0};
        const char *why;

        address[-1] = '\0';
        why = ward_client_open(
                  &(struct ward_client_config){
                      .target = address, .tls = *tls, .server = name, .max_message = 65536},
                  &client, &err) == WARD_OK
                  ? ask(client, &err)
                  : err.msg;
        bad += *why != '\0';
        tell(cli, j, name, 0, address, why);
    }
    return bad;
}

static enum ward_code health_words(const struct ward_tls *tls, char **named,
                                   struct ward_err *err)
{
    bool any = *tls->cert != '\0' || *tls->key != '\0' || *tls->ca != '\0';

    if (any != (*named != NULL))
        return WARD_FAIL(
            err, INVALID_ARGUMENT,
            "--cert, --key, --ca and at least one NAME=ADDRESS must be given together");
    for (; *named != NULL; named++)
        if (strchr(*named, '=') == NULL || strchr(*named, '=') == *named)
            return WARD_FAIL(err, INVALID_ARGUMENT,
                             "NAME=ADDRESS is needed instead of \"%.64s\"", *named);
    return WARD_OK;
}

static int health(const struct cli *cli, int argc, char **argv)
{
    struct cli_json j = {.to = stdout};
    struct ward_tls tls = {"", "", ""};
    struct local l = {.lock = -1};
    struct ward_err err = {0};
    const struct cli_opt opts[] = {
        {"--cert", &tls.cert, NULL, "client certificate, PEM"},
        {"--key", &tls.key, NULL, "private key of the certificate"},
        {"--ca", &tls.ca, NULL, "certificate authority of the services"},
        {0}};
    int bad;

    if (cli_options(opts, &argc, argv, 64, &err) != WARD_OK)
        return cli_usage(cli, &err);
    argv[argc] = NULL;
    if (health_words(&tls, argv + 1, &err) != WARD_OK)
        return cli_usage(cli, &err);
    if (argc == 1 &&
        (local_open(&l, cli->data, &err) != WARD_OK || local_ports(&l, &err) != WARD_OK)) {
        local_close(&l);
        return cli_fail(cli, &err);
    }
    if (cli->json)
        cli_json_open(&j, NULL, '[');
    bad = argc == 1 ? report_local(cli, &j, &l) : report_named(cli, &j, &tls, argv + 1);
    if (cli->json)
        cli_json_close(&j, ']');
    local_close(&l);
    return bad == 0 ? 0 : 1;
}

const struct cli_command cli_health_commands[] = {
    {"health", "[--cert FILE --key FILE --ca FILE NAME=ADDRESS...]",
     "print the health of the embedded default's services, or of the named services", health},
    {0},
};
