#include "cli/pki/pki.h"
#include "common/rpc/client_impl.h"
#include "common/rpc/client_peer.h"

#include <time.h>
#include <unistd.h>

/* Certificates are checked once a second. 300 tries at intervals of 0.1 s take half a
 * minute. */
#define RELOAD_TRIES 300

static char dir[64];
static struct scripted peer;
static struct ward_arena mem;

static const char *in_dir(char out[128], const char *name, const char *suffix)
{
    snprintf(out, 128, "%s/%s%s", dir, name, suffix);
    return out;
}

static int set_up(void **state)
{
    static const char *const names[] = {"audit", "mallory", "identity", "records"};

    (void)state;
    memset(&peer, 0, sizeof(peer));
    ward_arena_init(&mem, (size_t)1 << 20);
    snprintf(dir, sizeof(dir), "/tmp/ward-client-XXXXXX");
    if (mkdtemp(dir) == NULL || ward_pki_ca(dir, NULL) != WARD_OK)
        return -1;
    for (size_t i = 0; i < WARD_COUNT(names); i++) {
        if (ward_pki_issue(dir, names[i], 1, NULL) != WARD_OK)
            return -1;
    }
    return 0;
}

static int tear_down(void **state)
{
    static const char *const names[] = {"ca", "audit", "mallory", "identity", "records", "me"};
    char path[128];

    (void)state;
    for (size_t i = 0; i < WARD_COUNT(names); i++) {
        unlink(in_dir(path, names[i], ".pem"));
        unlink(in_dir(path, names[i], ".key"));
    }
    ward_arena_done(&mem);
    return rmdir(dir);
}

static enum ward_code open_as(const char *me, const char *server, struct ward_client **out,
                              struct ward_err *err)
{
    char target[32], cert[128], key[128], ca[128];

    snprintf(target, sizeof(target), "127.0.0.1:%d", peer.port);
    return ward_client_open(
        &(struct ward_client_config){.target = target,
                                     .tls = {.cert = in_dir(cert, me, ".pem"),
                                             .key = in_dir(key, me, ".key"),
                                             .ca = in_dir(ca, "ca", ".pem")},
                                     .server = server},
        out, err);
}

static enum ward_code call(struct ward_client *cl, struct ward_err *err)
{
    Ward__Test__V1__EchoRequest req = WARD__TEST__V1__ECHO_REQUEST__INIT;
    ProtobufCMessage *resp;
    struct ward_out with = {.token = "a.secret.token"};

    return ward_client_call(cl, ECHO(Unary), &with, &req.base,
                            &ward__test__v1__echo_response__descriptor, &resp, &mem, err);
}

static void each_side_knows_the_other_by_its_certificate(void **state)
{
    struct ward_client *cl;
    struct ward_err err = {0};

    (void)state;
    peer_start(&peer, dir, "audit");
    assert_int_equal(open_as("identity", "audit", &cl, &err), WARD_OK);
    assert_int_equal(call(cl, &err), WARD_OK);
    assert_string_equal(peer.name, "spiffe://ward/identity");
    assert_string_equal(peer.token, "Bearer a.secret.token");
    ward_client_close(cl);
    peer_stop(&peer);
}

/* mallory has a valid certificate of the CA for the expected host name. */
static void a_server_of_another_name_gets_neither_message_nor_token(void **state)
{
    struct ward_client_stream *s;
    struct ward_client *cl;
    struct ward_err err = {0};

    (void)state;
    peer_start(&peer, dir, "mallory");
    assert_int_equal(open_as("identity", "audit", &cl, &err), WARD_OK);
    assert_int_equal(call(cl, &err), WARD_UNAVAILABLE);
    assert_string_equal(err.reason, "SERVER_NOT_EXPECTED");
    assert_int_equal(ward_client_open_stream(cl, ECHO(Bidi), NULL,
                                             &ward__test__v1__echo_response__descriptor, &s,
                                             &err),
                     WARD_UNAVAILABLE);
    assert_int_equal(peer.calls, 0);
    assert_string_equal(peer.token, "");
    ward_client_close(cl);
    peer_stop(&peer);
}

static void a_server_of_another_authority_is_refused(void **state)
{
    struct ward_client *cl;
    struct ward_err err = {0};
    char path[128];

    (void)state;
    peer_start(&peer, dir, "audit");
    assert_int_equal(unlink(in_dir(path, "ca", ".pem")), 0);
    assert_int_equal(unlink(in_dir(path, "ca", ".key")), 0);
    assert_int_equal(ward_pki_ca(dir, NULL), WARD_OK);
    assert_int_equal(open_as("identity", "audit", &cl, &err), WARD_OK);
    assert_int_equal(call(cl, &err), WARD_UNAVAILABLE);
    assert_int_equal(peer.calls, 0);
    ward_client_close(cl);
    peer_stop(&peer);
}

static void move_in(const char *from)
{
    char a[128], b[128];

    assert_int_equal(rename(in_dir(a, from, ".key"), in_dir(b, "me", ".key")), 0);
    assert_int_equal(rename(in_dir(a, from, ".pem"), in_dir(b, "me", ".pem")), 0);
}

static void a_new_certificate_is_taken_up_without_a_new_client(void **state)
{
    const struct timespec tenth = {.tv_nsec = 100000000};
    struct ward_client *cl;

    (void)state;
    move_in("identity");
    peer_start(&peer, dir, "audit");
    assert_int_equal(open_as("me", "audit", &cl, NULL), WARD_OK);
    assert_int_equal(call(cl, NULL), WARD_OK);
    assert_string_equal(peer.name, "spiffe://ward/identity");
    move_in("records");
    for (int i = 0; i < RELOAD_TRIES && strcmp(peer.name, "spiffe://ward/records") != 0; i++) {
        /* Only a new connection uses a new certificate. */
        peer_stop(&peer);
        nanosleep(&tenth, NULL);
        peer_start(&peer, dir, "audit");
        assert_int_equal(call(cl, NULL), WARD_OK);
    }
    assert_string_equal(peer.name, "spiffe://ward/records");
    ward_client_close(cl);
    peer_stop(&peer);
}

static void half_a_set_of_files_is_refused_when_opened(void **state)
{
    struct ward_client *cl;
    struct ward_err err = {0};

    (void)state;
    assert_int_equal(open_as("nobody", "audit", &cl, &err), WARD_FAILED_PRECONDITION);
    assert_int_equal(open_as("identity", "", &cl, &err), WARD_FAILED_PRECONDITION);
    assert_string_equal(err.msg, "the expected server's name is empty");
    assert_int_equal(
        ward_client_open(&(struct ward_client_config){.target = "127.0.0.1:1",
                                                      .tls = {.ca = "/etc/hostname"},
                                                      .server = "audit"},
                         &cl, &err),
        WARD_FAILED_PRECONDITION);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(each_side_knows_the_other_by_its_certificate),
        TEST(a_server_of_another_name_gets_neither_message_nor_token),
        TEST(a_server_of_another_authority_is_refused),
        TEST(a_new_certificate_is_taken_up_without_a_new_client),
        TEST(half_a_set_of_files_is_refused_when_opened),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
