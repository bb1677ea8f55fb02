/* wardctl doctor - finds misconfigurations. Runs each service's program with --doctor, in the
 * environment of the embedded default or with the configuration file of an installation. */
#include "cli/core/cli.h"
#include "cli/local/health.h"
#include "cli/local/local.h"

#include <errno.h>
#include <spawn.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

struct rounds {
    const struct cli *cli;
    struct local *l;
    int n, bad;
};

/* Runs a program to its end, with this program's output. Returns its exit status, or -1 if it
 * cannot be run. */
static int run(const char *const *argv, const char *const *env)
{
    int status;
    pid_t pid;

    fflush(stdout);
    if (posix_spawn(&pid, argv[0], NULL, NULL, (char *const *)(uintptr_t)argv,
                    (char *const *)(uintptr_t)env) != 0)
        return -1;
    while (waitpid(pid, &status, 0) < 0)
        if (errno != EINTR)
            return -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* Examines one service. `config` may be NULL. A program that cannot be run is an error, not a
 * finding. */
static enum ward_code examine(struct rounds *r, const char *service, const char *config,
                              const char *const *env, struct ward_err *err)
{
    const char *argv[8] = {ward_printf(&r->l->mem, "%s/%s", r->l->bin, service)};
    int n = 1, status;

    if (config != NULL) {
        argv[n++] = "--config";
        argv[n++] = config;
    }
    argv[n++] = "--doctor";
    if (r->cli->json)
        argv[n++] = "--json";
    if (r->cli->json && r->n++ > 0)
        putchar(',');
    status = run(argv, env);
    if (status != 0 && status != 1)
        return WARD_FAIL(err, UNAVAILABLE, "cannot run %.100s", argv[0]);
    r->bad += status;
    return WARD_OK;
}

/* Whether a service of the embedded default serves, which its files do not show. */
static bool serves(struct rounds *r, const struct local_service *s)
{
    struct ward_client *client;
    bool serving = false;

    if (cli_connect_to(r->l, s, &client, NULL) != WARD_OK)
        return false;
    if (cli_health_ask(client, "", 3000, &serving, NULL) != WARD_OK)
        serving = false;
    ward_client_close(client);
    return serving;
}

static enum ward_code local_services(struct rounds *r, struct ward_err *err)
{
    const char *const *env;

    WARD_TRY(local_ports(r->l, err));
    for (int i = 0; i < r->l->n_services; i++) {
        WARD_TRY(local_environment(r->l, &r->l->service[i], &env, err));
        WARD_TRY(examine(r, r->l->service[i].name, NULL, env, err));
    }
    return WARD_OK;
}

static void away(struct rounds *r)
{
    for (int i = 0, n = 0; i < r->l->n_services; i++) {
        const struct local_service *s = &r->l->service[i];

        if (serves(r, s))
            continue;
        r->bad++;
        if (r->cli->json)
            printf("%s\"%s\"", n++ > 0 ? "," : "", s->name);
        else
            printf("%s: not serving: see its log, and http://localhost:%d/readyz\n", s->name,
                   s->admin_port);
    }
}

/* Examines the services in the arguments SERVICE=FILE. The environment of this terminal is not
 * used. */
static enum ward_code named(struct rounds *r, char **words, struct ward_err *err)
{
    static const char *const env[] = {"PATH=/usr/sbin:/usr/bin:/sbin:/bin", NULL};

    for (; *words != NULL; words++) {
        char *file = strchr(*words, '=');

        if (file == NULL ||
            local_service(
                r->l, ward_printf(&r->l->mem, "%.*s", (int)(file - *words), *words)) == NULL)
            return WARD_FAIL(err, INVALID_ARGUMENT,
                             "SERVICE=FILE is needed instead of \"%.64s\"", *words);
        *file++ = '\0';
        WARD_TRY(examine(r, *words, file, env, err));
    }
    return WARD_OK;
}

static int doctor(const struct cli *cli, int argc, char **argv)
{
    const struct cli_opt none[] = {{0}};
    struct local l = {.lock = -1};
    struct rounds r = {.cli = cli, .l = &l};
    struct ward_err err = {0};
    enum ward_code code;

    if (cli_options(none, &argc, argv, LOCAL_MOST, &err) != WARD_OK)
        return cli_usage(cli, &err);
    argv[argc] = NULL;
    code = local_open(&l, cli->data, &err);
    if (code == WARD_OK && cli->json)
        printf("{\"services\":[");
    if (code == WARD_OK)
        code = argc > 1 ? named(&r, argv + 1, &err) : local_services(&r, &err);
    if (cli->json)
        printf("],\"not_serving\":[");
    if (code == WARD_OK && argc == 1)
        away(&r);
    if (cli->json)
        printf("]}\n");
    local_close(&l);
    if (code != WARD_OK)
        return cli_fail(cli, &err);
    return r.bad == 0 ? 0 : 1;
}

const struct cli_command cli_doctor_commands[] = {
    {"doctor", "[SERVICE=FILE...]",
     "find misconfigurations of the embedded default, or of services with these "
     "configuration files",
     doctor},
    {0},
};
