/* Outbox, relay, bus and a receiver in a process of its own, which dies again and again between
 * its commit and its acknowledgement: nothing is lost, and what comes twice comes with the same
 * id. Over mutual TLS, as between pods. */
#include "tests/integration/it.h"

#include "cli/pki/pki.h"
#include "common/base/crypto.h"
#include "common/base/log.h"
#include "common/bus/relay.h"
#include "common/db/outbox.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define EVENTS 3000
#define DEATHS 6

static char dir[32];
static struct ward_db *db;
static struct ward_err err;
static const char *self;

/* ---- the receiver: this program again, with arguments: receiver PORT FRAMES ---- */

struct receiver {
    int left; /* frames to live */
};

static enum ward_code receiver_open(void *svc, void **wrk, struct ward_err *e)
{
    (void)svc;
    return ward_db_open(&it_cfg, (struct ward_db **)wrk, e);
}

static void receiver_close(void *wrk)
{
    ward_db_close(wrk);
}

static enum ward_code receiver_take(void *svc, void *wrk, const char *peer,
                                    const struct ward_bus_item *items, size_t n,
                                    struct ward_err *e)
{
    struct receiver *r = svc;
    struct ward_val *v = calloc(2 * n, sizeof(*v));
    enum ward_code code;

    if (strcmp(peer, "identity") != 0)
        return WARD_FAIL(e, PERMISSION_DENIED, "who is '%s'?", peer);
    for (size_t i = 0; i < n; i++) {
        v[2 * i] = ward_blob(items[i].id, 16);
        v[2 * i + 1] = ward_blob(items[i].p, items[i].n);
    }
    code = ward_db_bulk(wrk, "INSERT INTO arrived (event_id, event) VALUES (?, ?)", v, 2, n, e);
    free(v);
    if (code == WARD_OK && r->left > 0 && --r->left == 0)
        kill(getpid(), SIGKILL); /* committed, not acknowledged */
    return code;
}

static int receive(int port, int frames)
{
    static char url[64], cert[64], key[64], ca[64];
    struct receiver r = {.left = frames};
    struct ward_bus_server *s = NULL;
    char end;

    snprintf(url, sizeof(url), "tls+tcp://127.0.0.1:%d", port);
    snprintf(cert, sizeof(cert), "%s/audit.pem", dir);
    snprintf(key, sizeof(key), "%s/audit.key", dir);
    snprintf(ca, sizeof(ca), "%s/ca.pem", dir);
    if (ward_bus_listen(&(struct ward_bus_server_config){.url = url,
                                                         .tls = {cert, key, ca},
                                                         .threads = 1,
                                                         .svc = &r,
                                                         .wrk_open = receiver_open,
                                                         .wrk_close = receiver_close,
                                                         .take = receiver_take},
                        &s, &err) != WARD_OK) {
        fprintf(stderr, "receiver: %s [%s]\n", err.msg, err.detail);
        return 1;
    }
    printf("%d\n", ward_bus_port(s));
    fflush(stdout);
    (void)!read(0, &end, 1); /* until the test closes our input */
    ward_bus_stop(s);
    return 0;
}

static struct {
    pid_t pid;
    int in, out, port;
} child;

static void spawn(int frames)
{
    char port[16], count[16], line[16] = "";
    int in[2], out[2];
    ssize_t n;

    snprintf(port, sizeof(port), "%d", child.port);
    snprintf(count, sizeof(count), "%d", frames);
    assert_int_equal(pipe(in), 0);
    assert_int_equal(pipe(out), 0);
    child.pid = fork();
    assert_true(child.pid >= 0);
    if (child.pid == 0) {
        dup2(in[0], 0);
        dup2(out[1], 1);
        close(in[1]);
        close(out[0]);
        execl(self, self, "receiver", port, count, dir, (char *)NULL);
        _exit(127);
    }
    close(in[0]);
    close(out[1]);
    child.in = in[1];
    n = read(out[0], line, sizeof(line) - 1);
    close(out[0]);
    assert_true(n > 0);
    child.port = (int)strtol(line, NULL, 10);
    assert_true(child.port > 0);
}

static int await_death(void)
{
    int status = 0;

    assert_int_equal(waitpid(child.pid, &status, 0), child.pid);
    close(child.in);
    return status;
}

/* ---- the sending service ---- */

static enum ward_code relay_open(void *svc, void **wrk, struct ward_err *e)
{
    (void)svc;
    return ward_db_open(&it_cfg, (struct ward_db **)wrk, e);
}

struct delivery {
    struct ward_bus_client *to;
    int timeout_ms;
};

static enum ward_code deliver(void *arg, const struct ward_outbox_item *items, size_t n,
                              struct ward_err *e)
{
    const struct delivery *d = arg;
    struct ward_bus_item out[WARD_BUS_MAX_ITEMS];

    for (size_t i = 0; i < n; i++) {
        memcpy(out[i].id, items[i].event_id, sizeof(out[i].id));
        out[i].p = items[i].event;
        out[i].n = items[i].n;
    }
    return ward_bus_deliver(d->to, out, n, d->timeout_ms, e);
}

static enum ward_code relay_drain(void *wrk, size_t most, struct ward_bus_client *to,
                                  int timeout_ms, size_t *n, struct ward_err *e)
{
    struct delivery d = {to, timeout_ms};

    return ward_outbox_drain(wrk, most, deliver, &d, n, e);
}

static enum ward_code relay_backlog(void *wrk, int64_t *rows, int64_t *held, double *age_s,
                                    struct ward_err *e)
{
    return ward_outbox_backlog(wrk, rows, held, age_s, e);
}

static void wake(void *arg)
{
    ward_relay_wake(arg);
}

static struct ward_relay *start_relay(void)
{
    static char url[64], cert[64], key[64], ca[64];
    struct ward_relay *r = NULL;

    snprintf(url, sizeof(url), "tls+tcp://127.0.0.1:%d", child.port);
    snprintf(cert, sizeof(cert), "%s/identity.pem", dir);
    snprintf(key, sizeof(key), "%s/identity.key", dir);
    snprintf(ca, sizeof(ca), "%s/ca.pem", dir);
    it_expect(ward_relay_start(&(struct ward_relay_config){.url = url,
                                                           .tls = {cert, key, ca},
                                                           .batch = 64,
                                                           .timeout_ms = 2000,
                                                           .open = relay_open,
                                                           .close = receiver_close,
                                                           .drain = relay_drain,
                                                           .backlog = relay_backlog},
                               &r, &err),
              WARD_OK, &err);
    return r;
}

static enum ward_code act(struct ward_db *on, void *arg, struct ward_err *e)
{
    struct ward_arena mem;
    uint8_t id[16];
    enum ward_code code;

    (void)arg;
    ward_arena_init(&mem, 65536);
    ward_uuid7(id);
    code = ward_outbox_add(on, &mem, id, id, sizeof(id), NULL, e); /* the event is its own id */
    if (code == WARD_OK)
        code = ward_db_run(on, &mem, "INSERT INTO acts VALUES (?)",
                           WARD_PARAMS(ward_blob(id, sizeof(id))), NULL, e);
    ward_arena_done(&mem);
    return code;
}

static int set_up(void **state)
{
    (void)state;
    ward_log_level(WARD_LOG_ERROR);
    it_fresh("it_pipeline");
    db = it_open();
    it_sql(db, "CREATE TABLE acts (event_id BINARY(16) PRIMARY KEY) ENGINE=InnoDB");
    it_sql(db, "CREATE TABLE arrived (n INT AUTO_INCREMENT PRIMARY KEY, event_id BINARY(16),"
               " event BLOB, KEY (event_id)) ENGINE=InnoDB");
    snprintf(dir, sizeof(dir), "/tmp/ward-pipe-XXXXXX");
    if (mkdtemp(dir) == NULL)
        return -1;
    return ward_pki_ca(dir, NULL) || ward_pki_issue(dir, "audit", 24, NULL) ||
           ward_pki_issue(dir, "identity", 24, NULL);
}

static int tear_down(void **state)
{
    static const char *const files[] = {"ca.pem",    "ca.key",       "audit.pem",
                                        "audit.key", "identity.pem", "identity.key"};

    (void)state;
    for (size_t i = 0; i < WARD_COUNT(files); i++) {
        char path[64];

        snprintf(path, sizeof(path), "%s/%s", dir, files[i]);
        unlink(path);
    }
    ward_db_close(db);
    return rmdir(dir);
}

static void nothing_is_lost_when_the_receiver_dies_before_it_acknowledges(void **state)
{
    struct ward_relay *r;
    int64_t twice;

    (void)state;
    spawn(3);
    r = start_relay();
    ward_outbox_on_commit(wake, r);
    for (int death = 0; death < DEATHS; death++) {
        for (int i = 0; i < EVENTS / DEATHS; i++)
            it_expect(ward_db_tx(db, act, NULL, &err), WARD_OK, &err);
        assert_true(WIFSIGNALED(await_death()));
        spawn(death == DEATHS - 1 ? 0 : 3);
    }
    while (it_count(db, "SELECT COUNT(*) FROM ward_outbox") >
           0) /* the alarm ends a wait for ever */
        usleep(5000);
    ward_relay_stop(r, 60000);
    ward_outbox_on_commit(NULL, NULL);
    assert_int_equal(it_count(db, "SELECT COUNT(*) FROM ward_outbox"), 0);
    close(child.in);
    child.in = -1;
    assert_int_equal(await_death(), 0);

    assert_int_equal(it_count(db, "SELECT COUNT(*) FROM acts"), EVENTS);
    assert_int_equal(it_count(db, "SELECT COUNT(*) FROM acts a WHERE NOT EXISTS"
                                  " (SELECT 1 FROM arrived r WHERE r.event_id = a.event_id)"),
                     0);
    assert_int_equal(it_count(db, "SELECT COUNT(*) FROM arrived WHERE event <> event_id"), 0);
    twice = it_count(db, "SELECT COUNT(*) - COUNT(DISTINCT event_id) FROM arrived");
    assert_true(twice > 0); /* or the deaths came at the wrong moment and proved nothing */
    print_message("%d events, %d deaths, %lld delivered twice\n", EVENTS, DEATHS,
                  (long long)twice);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_is_lost_when_the_receiver_dies_before_it_acknowledges),
    };

    if (argc == 5 && strcmp(argv[1], "receiver") == 0) {
        it_cfg = (struct ward_db_config){.socket = getenv("WARD_TEST_DB_SOCKET"),
                                         .host = "",
                                         .user = getenv("WARD_TEST_DB_USER"),
                                         .password = "",
                                         .name = "it_pipeline"};
        snprintf(dir, sizeof(dir), "%s", argv[4]);
        return receive((int)strtol(argv[2], NULL, 10), (int)strtol(argv[3], NULL, 10));
    }
    self = argv[0];
    alarm(120);
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
