/* common/db over TLS: a server of its own, with certificates made here. Run without a server,
 * it makes the certificates and starts itself again beside one. */
#include "tests/integration/it.h"

#include "cli/pki/pki.h"
#include "common/base/clock.h"

#include <arpa/inet.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static char dir[64], ca[96], other_ca[96];
static struct ward_err err;

static struct ward_db_config tls(const char *host, const char *by)
{
    return (struct ward_db_config){.socket = "",
                                   .host = host,
                                   .port = (int)strtol(getenv("WARD_TEST_DB_PORT"), NULL, 10),
                                   .user = "far",
                                   .password = "sesame-open",
                                   .name = "",
                                   .tls_ca = by};
}

static void a_server_that_the_authority_vouches_for_is_used(void **state)
{
    static const char *const hosts[] = {"localhost", "127.0.0.1"};

    (void)state;
    for (size_t i = 0; i < WARD_COUNT(hosts); i++) {
        it_cfg = tls(hosts[i], ca);
        struct ward_db *db = it_open();

        assert_non_null(strstr(it_sql(db, "SELECT VARIABLE_VALUE FROM"
                                          " information_schema.SESSION_STATUS"
                                          " WHERE VARIABLE_NAME = 'SSL_VERSION'"),
                               "TLSv1."));
        ward_db_close(db);
    }
}

static void a_server_of_another_authority_is_refused(void **state)
{
    struct ward_db_config cfg = tls("localhost", other_ca);
    struct ward_db *db = NULL;

    (void)state;
    it_expect(ward_db_open(&cfg, &db, &err), WARD_UNAVAILABLE, &err);
    assert_null(db);
    assert_null(strstr(err.detail, "sesame"));
}

static void a_server_under_another_name_is_refused(void **state)
{
    struct ward_db_config cfg = tls("127.0.0.2", ca); /* the same server, not in its names */
    struct ward_db *db = NULL;

    (void)state;
    it_expect(ward_db_open(&cfg, &db, &err), WARD_UNAVAILABLE, &err);
    assert_null(db);
    assert_non_null(strstr(err.detail, "TLS/SSL error")); /* reached, and not believed */
}

static void a_server_without_tls_is_refused(void **state)
{
    struct ward_db_config cfg = tls("localhost", "");
    struct ward_db *db = NULL;

    (void)state;
    /* The user may come by TLS only, and without an authority we do not offer it. */
    it_expect(ward_db_open(&cfg, &db, &err), WARD_UNAVAILABLE, &err);
}

static void a_frozen_server_does_not_hold_a_worker_over_tls_either(void **state)
{
    pid_t server = (pid_t)strtol(getenv("WARD_TEST_DB_PID"), NULL, 10);
    struct ward_db *db;
    enum ward_code code;

    (void)state;
    it_cfg = tls("localhost", ca);
    db = it_open();
    ward_db_deadline(db, ward_mono_ns() + 300 * WARD_NS_PER_MS);
    it_expect(ward_db_ping(db, &err), WARD_OK, &err);
    it_freeze(server);
    code = ward_db_ping(db, &err);
    kill(server, SIGCONT);
    it_expect(code, WARD_DEADLINE_EXCEEDED, &err);
    ward_db_close(db);
}

static int set_up(void **state)
{
    struct ward_db *db;

    (void)state;
    it_fresh("it_tls");
    db = it_open();
    it_sql(db, "CREATE OR REPLACE USER far@'%' IDENTIFIED BY 'sesame-open' REQUIRE SSL");
    it_sql(db, "GRANT ALL ON *.* TO far@'%'");
    ward_db_close(db);
    return 0;
}

static int free_port(void)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t n = sizeof(a);
    int s = socket(AF_INET, SOCK_STREAM, 0);

    if (bind(s, (struct sockaddr *)&a, n) != 0 ||
        getsockname(s, (struct sockaddr *)&a, &n) != 0)
        return 0;
    close(s);
    return ntohs(a.sin_port);
}

/* The same program beside a server that has these certificates. */
static int beside_a_server(const char *self)
{
    static const char *const files[] = {"pki/ca.pem", "pki/ca.key",   "pki/db.pem",
                                        "pki/db.key", "other/ca.pem", "other/ca.key"};
    char pki[96], other[96], args[640], port[16], path[128];
    int status = 1;
    pid_t pid;

    snprintf(pki, sizeof(pki), "%s/pki", dir);
    snprintf(other, sizeof(other), "%s/other", dir);
    mkdir(pki, 0755);
    mkdir(other, 0755);
    if (ward_pki_ca(pki, &err) || ward_pki_issue(pki, "db", 24, &err) ||
        ward_pki_ca(other, &err))
        return 1;
    snprintf(port, sizeof(port), "%d", free_port());
    snprintf(
        args, sizeof(args),
        "--skip-networking=0 --bind-address=127.0.0.1,127.0.0.2 --port=%s --ssl-ca=%s/ca.pem"
        " --ssl-cert=%s/db.pem --ssl-key=%s/db.key",
        port, pki, pki, pki);
    setenv("WARD_TEST_DB_ARGS", args, 1);
    setenv("WARD_TEST_DB_PORT", port, 1);
    setenv("WARD_TEST_DB_TLS", dir, 1);
    pid = fork();
    if (pid == 0) {
        execl("tests/tools/with-db", "with-db", self, (char *)NULL);
        _exit(127);
    }
    waitpid(pid, &status, 0);
    for (size_t i = 0; i < WARD_COUNT(files); i++) {
        snprintf(path, sizeof(path), "%s/%s", dir, files[i]);
        unlink(path);
    }
    rmdir(pki);
    rmdir(other);
    rmdir(dir);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_server_that_the_authority_vouches_for_is_used),
        cmocka_unit_test(a_server_of_another_authority_is_refused),
        cmocka_unit_test(a_server_under_another_name_is_refused),
        cmocka_unit_test(a_server_without_tls_is_refused),
        cmocka_unit_test(a_frozen_server_does_not_hold_a_worker_over_tls_either),
    };
    const char *made = getenv("WARD_TEST_DB_TLS");

    (void)argc;
    snprintf(dir, sizeof(dir), "%s", made == NULL ? "/tmp/ward-dbtls-XXXXXX" : made);
    if (made == NULL)
        return mkdtemp(dir) == NULL ? 1 : beside_a_server(argv[0]);
    snprintf(ca, sizeof(ca), "%s/pki/ca.pem", dir);
    snprintf(other_ca, sizeof(other_ca), "%s/other/ca.pem", dir);
    return cmocka_run_group_tests(tests, set_up, NULL);
}
