/* wardctl up - everything on this machine, as this user, until Ctrl-C. */
#include "cli/up.h"

#include "cli/health.h"
#include "common/base/clock.h"

#include <errno.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define DB_MS       60000 /* crash recovery may take long */
#define SERVICE_MS  60000
#define GRACE_MS    10000
#define RENEW_EVERY (12 * 3600 * 1000 * WARD_NS_PER_MS)

/* ---- what it says ---- */

static void say_done(struct up *up, const char *what, const char *result, int64_t since_ns)
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

static void say_starting(struct up *up, const char *what)
{
    if (up->cli->terminal && !up->cli->json)
        fprintf(stderr, "\r\033[K  %-12s starting", what);
}

static void on_exit_of(void *arg, struct ward_proc *p, int status)
{
    struct up *up = arg;
    const char *how = status >= 128 ? strsignal(status - 128) : "";

    if (!up->running || up->cli->json)
        return;
    printf("  %-12s %sended%s (%s%s%.0d), starting it again\n", ward_proc_name(p),
           cli_paint(up->cli, CLI_BAD), cli_paint(up->cli, CLI_PLAIN), how,
           status >= 128 ? "" : "exit ", status >= 128 ? 0 : status);
    fflush(stdout);
}

static void on_ready_of(void *arg, struct ward_proc *p, const char *line)
{
    struct up *up = arg;

    (void)line;
    if (!up->running || up->cli->json || ward_proc_starts(p) < 2)
        return;
    printf("  %-12s %sruns again%s\n", ward_proc_name(p), cli_paint(up->cli, CLI_GOOD),
           cli_paint(up->cli, CLI_PLAIN));
    fflush(stdout);
}

/* ---- MariaDB ---- */

static const char *user_name(void)
{
    const struct passwd *pw = getpwuid(geteuid());

    return pw == NULL ? "root" : pw->pw_name;
}

static enum ward_code run_once(struct up *up, const char *name, const char *const *argv,
                               struct ward_err *err)
{
    static const char *const env[] = {"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C", NULL};
    struct ward_proc *p;
    int status;

    WARD_TRY(ward_proc_start(up->procs,
                             &(struct ward_proc_spec){
                                 .name = name,
                                 .argv = argv,
                                 .env = env,
                                 .log = local_path(up->l, "log/%s.log", name),
                             },
                             &p, err));
    WARD_TRY(ward_proc_join(p, DB_MS, &status, err));
    if (status != 0)
        return WARD_FAIL(err, FAILED_PRECONDITION, "%s failed; %.100s says why", name,
                         local_path(up->l, "log/%s.log", name));
    return WARD_OK;
}

/* Made beside and then renamed: a data folder that exists is whole. */
static enum ward_code install_db(struct up *up, struct ward_err *err)
{
    struct local *l = up->l;
    const char *db = local_path(l, "db"), *fresh = local_path(l, "db.new");
    int64_t t = ward_mono_ns();
    const char *argv[] = {
        "/usr/bin/mariadb-install-db",
        "--no-defaults",
        ward_printf(&l->mem, "--datadir=%s", fresh),
        "--skip-test-db",
        "--auth-root-authentication-method=socket",
        ward_printf(&l->mem, "--auth-root-socket-user=%s", user_name()),
        "--innodb-log-file-size=64M",
        geteuid() == 0 ? "--user=root" : NULL, /* MariaDB must be told that this is meant */
        NULL,
    };

    if (access(db, F_OK) == 0)
        return WARD_OK;
    say_starting(up, "database");
    WARD_TRY(local_remove_tree(fresh, err));
    WARD_TRY(run_once(up, "mariadb-install-db", argv, err));
    if (rename(fresh, db) != 0)
        return WARD_FAIL(err, FAILED_PRECONDITION, "cannot make %.100s: %s", db,
                         strerror(errno));
    say_done(up, "database", "made", t);
    return WARD_OK;
}

static enum ward_code start_db(struct up *up, struct ward_err *err)
{
    struct local *l = up->l;
    int64_t t = ward_mono_ns();
    const char *argv[] = {
        "/usr/sbin/mariadbd",
        ward_printf(&l->mem, "--defaults-file=%s", local_path(l, "my.cnf")),
        geteuid() == 0 ? "--user=root" : NULL,
        NULL,
    };

    WARD_TRY(install_db(up, err));
    say_starting(up, "MariaDB");
    WARD_TRY(ward_proc_start(up->procs,
                             &(struct ward_proc_spec){
                                 .name = "MariaDB",
                                 .argv = argv,
                                 .log = local_path(l, "log/mariadb.log"),
                                 .restart = true,
                                 .ready = "ready for connections",
                                 .on_exit = on_exit_of,
                                 .on_ready = on_ready_of,
                                 .arg = up,
                             },
                             &up->db, err));
    WARD_TRY(ward_proc_await(up->db, DB_MS, NULL, err));
    say_done(up, "MariaDB", "unix socket, no network", t);
    return WARD_OK;
}

/* ---- services ---- */

static enum ward_code start_service(struct up *up, int i, struct ward_err *err)
{
    struct local *l = up->l;
    const struct local_service *s = &l->service[i];
    const char *argv[] = {ward_printf(&l->mem, "%s/%s", l->bin, s->name), NULL};
    const char *const *env;

    WARD_TRY(local_environment(l, s, &env, err));
    return ward_proc_start(up->procs,
                           &(struct ward_proc_spec){
                               .name = s->name,
                               .argv = argv,
                               .env = env,
                               .log = local_path(l, "log/%s.log", s->name),
                               .restart = true,
                               .ready = "\"msg\":\"serving\"",
                               .on_exit = on_exit_of,
                               .on_ready = on_ready_of,
                               .arg = up,
                           },
                           &up->service[i], err);
}

/* Serving is not yet ready: asks grpc.health.v1 as any client would, until it says SERVING. */
static enum ward_code await_ready(struct up *up, int i, struct ward_err *err)
{
    const struct local_service *s = &up->l->service[i];
    int64_t until = ward_mono_ns() + SERVICE_MS * WARD_NS_PER_MS;
    struct ward_client *client;
    enum ward_code code = WARD_OK;
    bool serving = false;

    WARD_TRY(ward_proc_await(up->service[i], SERVICE_MS, NULL, err));
    WARD_TRY(cli_connect_to(up->l, s, &client, err));
    while (code == WARD_OK && !serving && ward_mono_ns() < until) {
        if (cli_health_ask(client, "", 1000, &serving, NULL) != WARD_OK)
            serving = false;
        if (!serving && !ward_procs_turn(up->procs, 50))
            code = WARD_FAIL(err, CANCELLED, "stopped while %s was starting", s->name);
    }
    ward_client_close(client);
    if (code == WARD_OK && !serving)
        code = WARD_FAIL(err, DEADLINE_EXCEEDED, "%s runs but is not ready; %.90s says why",
                         s->name, local_path(up->l, "log/%s.log", s->name));
    return code;
}

/* All at once: they wait for each other where they must, as they would in a cluster. */
static enum ward_code start_services(struct up *up, struct ward_err *err)
{
    int64_t t = ward_mono_ns();

    for (int i = 0; i < LOCAL_SERVICES; i++)
        WARD_TRY(start_service(up, i, err));
    for (int i = 0; i < LOCAL_SERVICES; i++) {
        say_starting(up, up->l->service[i].name);
        WARD_TRY(await_ready(up, i, err));
        say_done(up, up->l->service[i].name,
                 ward_printf(&up->l->mem, "127.0.0.1:%d", up->l->service[i].port), t);
    }
    return WARD_OK;
}

enum ward_code up_start(struct up *up, struct ward_err *err)
{
    int64_t t = ward_mono_ns();

    WARD_TRY(local_lock(up->l, err));
    WARD_TRY(ward_procs_open(&up->procs, err));
    WARD_TRY(local_prepare(up->l, err));
    WARD_TRY(local_choose_ports(up->l, err));
    say_done(up, "keys", "certificates, users", t);
    WARD_TRY(start_db(up, err));
    WARD_TRY(start_services(up, err));
    up->running = true;
    return WARD_OK;
}

/* Until Ctrl-C or SIGTERM. Certificates are renewed on the way; services re-read them. */
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

void up_stop(struct up *up)
{
    up->running = false;
    if (up->procs == NULL)
        return;
    ward_procs_stop(up->procs, GRACE_MS);
    ward_procs_close(up->procs);
    up->procs = NULL;
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
    for (int i = 0; i < LOCAL_SERVICES; i++) {
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

    printf("\n%sWard is up%s after %.1f s, in %s. Ctrl-C stops everything.\n\n",
           cli_paint(cli, CLI_BOLD), cli_paint(cli, CLI_PLAIN), (double)took_ns / 1e9, l->dir);
    printf("In another terminal%s:\n", cli->data_given ? ", with the same --data" : "");
    printf("  wardctl health\n"
           "  wardctl identity enrol --photo FILE.jpg --consent self\n"
           "  wardctl identity verify SUBJECT --photo FILE.jpg --place BED\n"
           "  wardctl audit query\n\n");
    printf("gRPC, mutual TLS: %s signs, wardctl.pem and wardctl.key there call\n",
           local_path(l, "pki/ca.pem"));
    for (int i = 0; i < LOCAL_SERVICES; i++)
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
        printf("\neverything is stopped\n");
    local_close(&l);
    return code == WARD_OK ? 0 : cli_fail(cli, &err);
}

const struct cli_command cli_up_commands[] = {
    {"up", "", "start everything on this machine, until Ctrl-C", up_command},
    {0},
};
