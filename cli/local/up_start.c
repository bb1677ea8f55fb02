/* Starts, awaits and watches MariaDB and the services of the embedded default. */
#include "cli/local/health.h"
#include "cli/local/up.h"
#include "common/base/clock.h"

#include <errno.h>
#include <glob.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define DB_MS      60000 /* crash recovery may take long */
#define SERVICE_MS 60000
#define GRACE_MS   10000

/* ---- events of a child process ---- */

static void on_exit_of(void *arg, struct ward_proc *p, int status)
{
    struct up *up = arg;
    const char *how = status >= 128 ? strsignal(status - 128) : "";

    if (!up->running && up->died == NULL)
        up->died = p;
    if (!up->running || up->cli->json)
        return;
    printf("  %-12s %sended%s (%s%s%.0d), restarting\n", ward_proc_name(p),
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
    printf("  %-12s %srunning again%s\n", ward_proc_name(p), cli_paint(up->cli, CLI_GOOD),
           cli_paint(up->cli, CLI_PLAIN));
    fflush(stdout);
}

/* Stores the text of the last error while starting, from a line with "error":"cannot listen on
 * ...". */
static void on_line_of(void *arg, struct ward_proc *p, const char *line)
{
    static const char key[] = "\"error\":\"";
    struct up *up = arg;
    const char *at = strstr(line, key);

    (void)p;
    if (up->running || at == NULL || strstr(line, "\"level\":\"error\"") == NULL)
        return;
    at += sizeof(key) - 1;
    snprintf(up->why, sizeof(up->why), "%.*s", (int)strcspn(at, "\""), at);
}

/* Waits until a process is ready for the first time. Fails if the process ends before, because
 * it would only end again. */
static enum ward_code await_first(struct up *up, struct ward_proc *p, int timeout_ms,
                                  struct ward_err *err)
{
    int64_t until = ward_mono_ns() + timeout_ms * WARD_NS_PER_MS;
    enum ward_code code;

    do {
        code = ward_proc_await(p, 100, NULL, err);
    } while (code == WARD_DEADLINE_EXCEEDED && up->died == NULL && ward_mono_ns() < until);
    if (up->died == NULL)
        return code;
    return WARD_FAIL(err, FAILED_PRECONDITION, "%s ended while starting: %.110s",
                     ward_proc_name(up->died),
                     *up->why == '\0' ? ward_proc_last(up->died) : up->why);
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
        return WARD_FAIL(err, FAILED_PRECONDITION, "%s failed; see %.100s", name,
                         local_path(up->l, "log/%s.log", name));
    return WARD_OK;
}

/* Removes folders that killed starts left. The server of the installation script may still be
 * writing there for a moment, so failures are ignored. */
static void clear_installs(struct local *l)
{
    glob_t found;

    if (glob(local_path(l, "install.*"), 0, NULL, &found) != 0)
        return;
    for (size_t i = 0; i < found.gl_pathc; i++)
        (void)!local_remove_tree(found.gl_pathv[i], NULL);
    globfree(&found);
}

static enum ward_code run_install(struct up *up, const char *data, const char *tmp,
                                  struct ward_err *err)
{
    struct local *l = up->l;
    const char *argv[] = {
        "/usr/bin/mariadb-install-db",
        "--no-defaults",
        ward_printf(&l->mem, "--datadir=%s", data),
        /* not /tmp: a starting server deletes the temporary tables of every other server */
        ward_printf(&l->mem, "--tmpdir=%s", tmp),
        "--skip-test-db",
        "--auth-root-authentication-method=socket",
        ward_printf(&l->mem, "--auth-root-socket-user=%s", user_name()),
        "--innodb-log-file-size=64M",
        /* only for the installation; the memory is cleared at its start */
        "--innodb-buffer-pool-size=32M",
        "--key-buffer-size=1M",
        "--aria-pagecache-buffer-size=8M",
        geteuid() == 0 ? "--user=root" : NULL, /* MariaDB runs as root only with this option */
        NULL,
    };

    return run_once(up, "mariadb-install-db", argv, err);
}

/* Creates the database in a temporary folder that no other start uses, then renames the folder.
 * A data folder that exists is therefore complete. */
static enum ward_code install_db(struct up *up, struct ward_err *err)
{
    struct local *l = up->l;
    const char *db = local_path(l, "db"), *data;
    char *fresh = ward_strdup(&l->mem, local_path(l, "install.XXXXXX"));
    int64_t t = ward_mono_ns();

    clear_installs(l);
    if (access(db, F_OK) == 0)
        return WARD_OK;
    up_say_starting(up, "database");
    if (mkdtemp(fresh) == NULL)
        return WARD_FAIL(err, FAILED_PRECONDITION, "cannot create a folder in %.100s: %s",
                         l->dir, strerror(errno));
    data = ward_printf(&l->mem, "%s/db", fresh);
    WARD_TRY(run_install(up, data, fresh, err));
    if (rename(data, db) != 0)
        return WARD_FAIL(err, FAILED_PRECONDITION, "cannot create %.100s: %s", db,
                         strerror(errno));
    clear_installs(l);
    up_say_done(up, "database", "made", t);
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
    up_say_starting(up, "MariaDB");
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
    WARD_TRY(await_first(up, up->db, DB_MS, err));
    up_say_done(up, "MariaDB", "unix socket, no network", t);
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
                               .on_line = on_line_of,
                               .on_exit = on_exit_of,
                               .on_ready = on_ready_of,
                               .arg = up,
                           },
                           &up->service[i], err);
}

/* Waits until a service is ready: queries grpc.health.v1 until the answer is SERVING. */
static enum ward_code await_ready(struct up *up, int i, struct ward_err *err)
{
    const struct local_service *s = &up->l->service[i];
    int64_t until = ward_mono_ns() + SERVICE_MS * WARD_NS_PER_MS;
    struct ward_client *client;
    enum ward_code code = WARD_OK;
    bool serving = false;

    WARD_TRY(await_first(up, up->service[i], SERVICE_MS, err));
    WARD_TRY(cli_connect_to(up->l, s, &client, err));
    while (code == WARD_OK && !serving && ward_mono_ns() < until) {
        if (cli_health_ask(client, "", 1000, &serving, NULL) != WARD_OK)
            serving = false;
        if (!serving && !ward_procs_turn(up->procs, 50))
            code = WARD_FAIL(err, CANCELLED, "stopped while %s was starting", s->name);
    }
    ward_client_close(client);
    if (code == WARD_OK && !serving)
        code = WARD_FAIL(err, DEADLINE_EXCEEDED, "%s is running but not ready; see %.90s",
                         s->name, local_path(up->l, "log/%s.log", s->name));
    return code;
}

/* Starts all services at once, as in a cluster: they wait for each other if necessary. */
static enum ward_code start_services(struct up *up, struct ward_err *err)
{
    int64_t t = ward_mono_ns();

    for (int i = 0; i < up->l->n_services; i++)
        WARD_TRY(start_service(up, i, err));
    for (int i = 0; i < up->l->n_services; i++) {
        up_say_starting(up, up->l->service[i].name);
        WARD_TRY(await_ready(up, i, err));
        up_say_done(up, up->l->service[i].name,
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
    up_say_done(up, "keys", "certificates, users", t);
    WARD_TRY(start_db(up, err));
    WARD_TRY(start_services(up, err));
    up->running = true;
    return WARD_OK;
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
