#include "common/rpc/server_testing.h"

#include <arpa/inet.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

static struct ward_err err;

static void refuses_to_start(const struct ward_rpc_config *cfg, enum ward_code code)
{
    struct ward_rpc *none = NULL;

    assert_int_equal(ward_rpc_start(cfg, &none, &err), code);
    assert_null(none);
    assert_true(*err.msg != '\0');
    assert_int_equal(room.opened, room.closed);
}

static void plain_text_is_served_at_home_only(void **state)
{
    struct ward_rpc_config cfg = config_of();

    (void)state;
    cfg.listen = "0.0.0.0:0";
    refuses_to_start(&cfg, WARD_FAILED_PRECONDITION);
    cfg.listen = "[::]:0";
    refuses_to_start(&cfg, WARD_FAILED_PRECONDITION);
    cfg.listen = "127.0.0.1.example.org:0";
    refuses_to_start(&cfg, WARD_FAILED_PRECONDITION);
    cfg.listen = "127.0.0.1:0";
    cfg.tls.cert = "/nowhere/cert.pem";
    refuses_to_start(&cfg, WARD_FAILED_PRECONDITION);
}

static void a_worker_that_cannot_open_stops_the_start(void **state)
{
    struct ward_rpc_config cfg = config_of();

    (void)state;
    room.open_fails_at = 2;
    refuses_to_start(&cfg, WARD_UNAVAILABLE);
    assert_string_equal(err.msg, "no database");
    assert_int_equal(room.closed, 1);
}

static void a_port_in_use_is_told(void **state)
{
    struct ward_rpc_config cfg = config_of();
    struct ward_rpc *rpc, *none = NULL;
    char at[64];

    (void)state;
    rpc = started(&cfg);
    snprintf(at, sizeof(at), "127.0.0.1:%d", ward_rpc_port(rpc));
    cfg.listen = at;
    assert_int_equal(ward_rpc_start(&cfg, &none, &err), WARD_UNAVAILABLE);
    assert_null(none);
    ward_rpc_stop(rpc, 5000);
}

static void a_table_that_needs_what_is_not_there_is_refused(void **state)
{
    struct ward_rpc_config cfg = config_of();
    struct ward_method short_table[] = {{ECHO(Unary), echo_rpc, TYPES}, {0}};

    (void)state;
    cfg.streams = 0;
    refuses_to_start(&cfg, WARD_FAILED_PRECONDITION);
    cfg.streams = 1;
    cfg.workers = 0;
    refuses_to_start(&cfg, WARD_FAILED_PRECONDITION);
    cfg.workers = 1;
    cfg.methods = short_table;
    refuses_to_start(&cfg, WARD_FAILED_PRECONDITION);
}

static void a_unix_socket_is_served(void **state)
{
    struct ward_rpc_config cfg = config_of();
    char dir[] = "/tmp/ward-rpc-XXXXXX", listen[64];
    struct ward_client *cl = NULL;
    struct ward_arena mem;
    struct ward_rpc *rpc;
    Response *r;

    (void)state;
    assert_non_null(mkdtemp(dir));
    snprintf(listen, sizeof(listen), "unix:%s/s", dir);
    cfg.listen = listen;
    rpc = started(&cfg);
    assert_int_equal(ward_rpc_port(rpc), 0);
    assert_int_equal(
        ward_client_open(
            &(struct ward_client_config){.target = listen, .tls = plain, .server = "echo"}, &cl,
            &err),
        WARD_OK);
    ward_arena_init(&mem, ARENA);
    assert_int_equal(ask(cl, ECHO(Unary), REQUEST(.repeat = 0), NULL, &mem, &r, &err), WARD_OK);
    ward_client_close(cl);
    ward_arena_done(&mem);
    ward_rpc_stop(rpc, 5000);
    snprintf(listen, sizeof(listen), "%s/s", dir);
    unlink(listen);
    assert_int_equal(rmdir(dir), 0);
}

/* Reads HTTP/2 frames (RFC 9113, 4.1) until a frame of this type arrives. */
static bool frame_comes(int fd, int type)
{
    unsigned char head[9], body[16384];

    for (;;) {
        size_t n;

        if (recv(fd, head, sizeof(head), MSG_WAITALL) != (ssize_t)sizeof(head))
            return false;
        n = (size_t)head[0] << 16 | (size_t)head[1] << 8 | head[2];
        if (head[3] == type)
            return true;
        if (n > sizeof(body) || (n > 0 && recv(fd, body, n, MSG_WAITALL) != (ssize_t)n))
            return false;
    }
}

static void a_silent_peer_is_pinged(void **state)
{
    static const char HELLO[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\4\0\0\0\0\0";
    struct ward_rpc_config cfg = config_of();
    struct sockaddr_in to = {.sin_family = AF_INET};
    struct timeval most = {.tv_sec = 30};
    struct ward_rpc *rpc;
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    (void)state;
    cfg.keepalive_ms = 200;
    assert_int_equal(ward_rpc_start(&cfg, &rpc, NULL), WARD_OK);
    to.sin_port = htons((uint16_t)ward_rpc_port(rpc));
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &most, sizeof(most));
    assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof(to)), 0);
    assert_int_equal(write(fd, HELLO, sizeof(HELLO) - 1), sizeof(HELLO) - 1);
    assert_true(frame_comes(fd, 6)); /* PING */
    close(fd);
    ward_rpc_stop(rpc, 1000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(plain_text_is_served_at_home_only),
        cmocka_unit_test(a_worker_that_cannot_open_stops_the_start),
        cmocka_unit_test(a_port_in_use_is_told),
        cmocka_unit_test(a_table_that_needs_what_is_not_there_is_refused),
        cmocka_unit_test(a_unix_socket_is_served),
        cmocka_unit_test(a_silent_peer_is_pinged),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
