/* wardctl outbox - lists and releases events that audit refused. Runs the service's program
 * with --outbox, in the environment of the embedded default. Needs the folder's secrets, but no
 * running service. */
#include "cli/core/cli.h"
#include "cli/local/local.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

/* Executes the service's program; returns only after a failure. */
static enum ward_code become(const struct cli *cli, struct local *l, const char *what,
                             const char *service, const char *id, struct ward_err *err)
{
    const struct local_service *s = local_service(l, service);
    const char *const *env;
    const char *argv[6] = {NULL, "--outbox", what};
    int n = 3;

    if (s == NULL)
        return WARD_FAIL(err, INVALID_ARGUMENT, "no service is named %.40s", service);
    WARD_TRY(local_ports(l, err));
    WARD_TRY(local_environment(l, s, &env, err));
    argv[0] = ward_printf(&l->mem, "%s/%s", l->bin, s->name);
    if (argv[0] == NULL)
        return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory for a path");
    if (cli->json)
        argv[n++] = "--json";
    if (id != NULL)
        argv[n++] = id;
    execve(argv[0], (char *const *)(uintptr_t)argv, (char *const *)(uintptr_t)env);
    return WARD_FAIL(err, UNAVAILABLE, "cannot run %.100s: %s", argv[0], strerror(errno));
}

static int outbox(const struct cli *cli, const char *what, int most, int argc, char **argv)
{
    static const struct cli_opt opts[] = {{0}};
    struct ward_err err = {0};
    struct local l;

    if (cli_options(opts, &argc, argv, most, &err) != WARD_OK)
        return cli_usage(cli, &err);
    if (argc < 2) {
        (void)!WARD_FAIL(&err, INVALID_ARGUMENT, "the name of a service is needed");
        return cli_usage(cli, &err);
    }
    if (local_open(&l, cli->data, &err) == WARD_OK) {
        (void)!become(cli, &l, what, argv[1], argc > 2 ? argv[2] : NULL, &err);
        local_close(&l);
    }
    return cli_fail(cli, &err);
}

static int list(const struct cli *cli, int argc, char **argv)
{
    return outbox(cli, "list", 1, argc, argv);
}

static int release(const struct cli *cli, int argc, char **argv)
{
    return outbox(cli, "release", 2, argc, argv);
}

const struct cli_command cli_outbox_commands[] = {
    {"outbox list", "SERVICE", "list a service's events that audit refused", list},
    {"outbox release", "SERVICE [ID]", "resend one or all refused events of a service",
     release},
    {0},
};
