/* wardctl up - runs everything on this machine, as this user, until Ctrl-C. */
#include "cli/local/up.h"

#include "common/base/clock.h"

#include <stdio.h>

#define RENEW_EVERY (12 * 3600 * 1000 * WARD_NS_PER_MS)

/* ---- output ---- */

void up_say_done(struct up *up, const char *what, const char *result, int64_t since_ns)
{
    double s = (double)(ward_mono_ns() - since_ns) / 1e9;

    cli_progress_end(up->cli);
    if (up->cli->json)
        return;
    printf("  %-12s %s%-24s%s %s%5.1f s%s\n", what, cli_paint(up->cli, CLI_GOOD), result,
           cli_paint(up->cli, CLI_PLAIN), cli_paint(up->cli, CLI_DIM), s,
           cli_paint(up->cli, CLI_PLAIN));
    fflush(stdout);
}

void up_say_starting(struct up *up, const char *what)
{
    if (up->cli->terminal && !up->cli->json)
        fprintf(stderr, "\r\033[K  %-12s starting", what);
}

/* Runs until Ctrl-C or SIGTERM. Meanwhile renews certificates, which services then read
 * again. */
static void look_after(struct up *up)
{
    int64_t next = ward_mono_ns() + RENEW_EVERY;
    struct ward_err err = {0};
    int n;

    while (ward_procs_turn(up->procs, 60000)) {
        if (ward_mono_ns() < next)
            continue;
        next += RENEW_EVERY;
        if (local_renew(up->l, &n, &err) != WARD_OK)
            cli_fail(up->cli, &err);
    }
}

static void print_ready(struct up *up, int64_t took_ns)
{
    struct cli_json j = {.to = stdout};
    struct local *l = up->l;

    cli_json_open(&j, NULL, '{');
    cli_json_bool(&j, "ready", true);
    cli_json_text(&j, "data", l->dir);
    cli_json_int(&j, "took_ms", took_ns / WARD_NS_PER_MS);
    cli_json_text(&j, "ca", local_path(l, "pki/ca.pem"));
    cli_json_text(&j, "database", local_path(l, "run/mariadb.sock"));
    cli_json_int(&j, "database_pid", ward_proc_pid(up->db));
    cli_json_open(&j, "services", '{');
    for (int i = 0; i < l->n_services; i++) {
        cli_json_open(&j, l->service[i].name, '{');
        cli_json_text(&j, "address", ward_printf(&l->mem, "localhost:%d", l->service[i].port));
        cli_json_text(&j, "admin",
                      ward_printf(&l->mem, "http://localhost:%d", l->service[i].admin_port));
        cli_json_int(&j, "pid", ward_proc_pid(up->service[i]));
        cli_json_close(&j, '}');
    }
    cli_json_close(&j, '}');
    cli_json_close(&j, '}');
}

static void print_usage(struct up *up, int64_t took_ns)
{
    const struct cli *cli = up->cli;
    struct local *l = up->l;
    const char *call;

    printf("\n%sWard is up%s after %.1f s, in %s. Ctrl-C stops everything.\n\n",
           cli_paint(cli, CLI_BOLD), cli_paint(cli, CLI_PLAIN), (double)took_ns / 1e9, l->dir);
    call = ward_printf(&l->mem, "%s%s%s", cli->self, cli->data_given ? " --data " : "",
                       cli->data_given ? l->dir : "");
    printf("In another terminal:\n"
           "  %s health\n"
           "  %s identity enrol --photo FILE.jpg --consent self --birth-year YEAR\n"
           "  %s identity verify SUBJECT --photo FILE.jpg --place BED\n"
           "  %s audit query\n\n",
           call, call, call, call);
    printf("gRPC with mutual TLS: %s is the certificate authority; call with wardctl.pem and "
           "wardctl.key in its folder\n",
           local_path(l, "pki/ca.pem"));
    for (int i = 0; i < l->n_services; i++)
        printf("  %-10s localhost:%-6d metrics http://localhost:%d/metrics\n",
               l->service[i].name, l->service[i].port, l->service[i].admin_port);
    fflush(stdout);
}

static enum ward_code run(struct up *up, struct ward_err *err)
{
    int64_t t = ward_mono_ns();

    if (!up->cli->json)
        printf("%sward%s in %s\n", cli_paint(up->cli, CLI_BOLD), cli_paint(up->cli, CLI_PLAIN),
               up->l->dir);
    fflush(stdout);
    WARD_TRY(up_start(up, err));
    if (up->cli->json)
        print_ready(up, ward_mono_ns() - t);
    else
        print_usage(up, ward_mono_ns() - t);
    look_after(up);
    return WARD_OK;
}

static int up_command(const struct cli *cli, int argc, char **argv)
{
    struct local l;
    struct up up = {.cli = cli, .l = &l};
    struct ward_err err = {0};
    const struct cli_opt none[] = {{0}};
    enum ward_code code = cli_options(none, &argc, argv, 0, &err);

    if (code != WARD_OK)
        return cli_usage(cli, &err);
    code = local_open(&l, cli->data, &err);
    if (code == WARD_OK)
        code = run(&up, &err);
    up_stop(&up);
    if (code == WARD_OK && !cli->json)
        printf("\nall services are stopped\n");
    local_close(&l);
    return code == WARD_OK ? 0 : cli_fail(cli, &err);
}

const struct cli_command cli_up_commands[] = {
    {"up", "", "start all services on this machine, until Ctrl-C", up_command},
    {0},
};
