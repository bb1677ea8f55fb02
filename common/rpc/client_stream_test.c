#include "common/base/clock.h"
#include "common/rpc/client_impl.h"
#include "common/rpc/client_peer.h"

static struct scripted peer;
static struct ward_client *client;
static struct ward_arena mem;

static int set_up(void **state)
{
    const bool *beside_server = *state;
    char target[32];

    memset(&peer, 0, sizeof(peer));
    peer.repeat = 1;
    ward_arena_init(&mem, (size_t)1 << 20);
    peer_start(&peer, NULL, NULL);
    snprintf(target, sizeof(target), "127.0.0.1:%d", peer.port);
    return ward_client_open(&(struct ward_client_config){.target = target,
                                                         .server = "echo",
                                                         .beside_server = *beside_server},
                            &client, NULL) == WARD_OK
               ? 0
               : -1;
}

static int tear_down(void **state)
{
    (void)state;
    ward_client_close(client);
    peer_stop(&peer);
    ward_arena_done(&mem);
    return 0;
}

static struct ward_client_stream *open_stream(const char *path, const struct ward_out *with)
{
    struct ward_client_stream *s = NULL;
    struct ward_err err = {0};

    assert_int_equal(ward_client_open_stream(client, path, with,
                                             &ward__test__v1__echo_response__descriptor, &s,
                                             &err),
                     WARD_OK);
    return s;
}

static enum ward_code put(struct ward_client_stream *s, uint8_t mark, struct ward_err *err)
{
    Ward__Test__V1__EchoRequest req = WARD__TEST__V1__ECHO_REQUEST__INIT;

    req.payload = (ProtobufCBinaryData){.len = 1, .data = &mark};
    return ward_client_send(s, &req.base, err);
}

/* Returns the mark of the next message; -1 at the end. */
static int get(struct ward_client_stream *s)
{
    ProtobufCMessage *msg = NULL;

    assert_int_equal(ward_client_recv(s, &mem, &msg, NULL), WARD_OK);
    return msg == NULL ? -1 : ((Ward__Test__V1__EchoResponse *)msg)->payload.data[0];
}

static void a_server_stream_is_read_to_its_end(void **state)
{
    struct ward_client_stream *s;

    (void)state;
    peer.repeat = 5;
    s = open_stream(ECHO(ServerStream), NULL);
    assert_int_equal(put(s, 7, NULL), WARD_OK);
    assert_int_equal(ward_client_send_end(s, NULL), WARD_OK);
    for (int i = 0; i < 5; i++)
        assert_int_equal(get(s), 7);
    assert_int_equal(get(s), -1);
    assert_int_equal(get(s), -1); /* the end is permanent */
    ward_client_close_stream(s);
}

static void a_client_stream_is_answered_once(void **state)
{
    struct ward_client_stream *s = open_stream(ECHO(ClientStream), NULL);

    (void)state;
    for (uint8_t i = 0; i < 20; i++)
        assert_int_equal(put(s, i, NULL), WARD_OK);
    assert_int_equal(ward_client_send_end(s, NULL), WARD_OK);
    assert_int_equal(get(s), 19);
    assert_int_equal(get(s), -1);
    assert_int_equal(peer.received, 20);
    ward_client_close_stream(s);
}

static void both_sides_may_speak_in_turn(void **state)
{
    struct ward_client_stream *s = open_stream(ECHO(Bidi), NULL);

    (void)state;
    for (uint8_t i = 0; i < 20; i++) {
        assert_int_equal(put(s, i, NULL), WARD_OK);
        assert_int_equal(get(s), i);
    }
    assert_int_equal(ward_client_send_end(s, NULL), WARD_OK);
    assert_int_equal(put(s, 0, NULL), WARD_FAILED_PRECONDITION);
    assert_int_equal(get(s), -1);
    ward_client_close_stream(s);
}

static void a_failure_comes_after_what_was_sent_before_it(void **state)
{
    struct ward_client_stream *s;
    struct ward_err err = {0};
    ProtobufCMessage *msg;

    (void)state;
    peer.fail = (struct ward_err){.code = WARD_NOT_FOUND, .msg = "no such log"};
    atomic_store(&peer.fail_left, 1);
    atomic_store(&peer.does, PEER_FAIL);
    s = open_stream(ECHO(ServerStream), NULL);
    assert_int_equal(ward_client_recv(s, &mem, &msg, &err), WARD_NOT_FOUND);
    assert_string_equal(err.msg, "no such log");
    assert_int_equal(ward_client_recv(s, &mem, &msg, &err), WARD_NOT_FOUND);
    assert_int_equal(put(s, 1, &err), WARD_NOT_FOUND);
    ward_client_close_stream(s);
}

static void a_server_that_has_heard_enough_ends_the_sending(void **state)
{
    struct ward_client_stream *s;
    enum ward_code code = WARD_OK;

    (void)state;
    atomic_store(&peer.does, PEER_EARLY);
    s = open_stream(ECHO(ClientStream), NULL);
    assert_int_equal(put(s, 9, NULL), WARD_OK);
    assert_int_equal(get(s), 9);
    assert_int_equal(get(s), -1);
    code = put(s, 9, NULL);
    assert_int_equal(code, WARD_OUT_OF_RANGE);
    assert_int_equal(ward_client_send_end(s, NULL), WARD_OK);
    ward_client_close_stream(s);
}

static void closing_early_cancels_at_the_server(void **state)
{
    struct ward_client_stream *s, *next;

    (void)state;
    atomic_store(&peer.does, PEER_SILENT);
    s = open_stream(ECHO(Bidi), NULL);
    while (atomic_load(&peer.calls) == 0)
        sched_yield();
    ward_client_close_stream(s);
    atomic_store(&peer.does, PEER_ECHO);
    next = open_stream(ECHO(Bidi), NULL);
    assert_int_equal(put(next, 3, NULL), WARD_OK);
    assert_int_equal(get(next), 3); /* the peer serves the next call */
    assert_int_equal(peer.cancelled, 1);
    ward_client_close_stream(next);
}

static void a_silent_stream_ends_with_its_deadline(void **state)
{
    struct ward_out with = {.deadline_ns = ward_mono_ns() + 100 * WARD_NS_PER_MS};
    struct ward_client_stream *s;
    ProtobufCMessage *msg;

    (void)state;
    atomic_store(&peer.does, PEER_SILENT);
    s = open_stream(ECHO(Bidi), &with);
    assert_int_equal(ward_client_recv(s, &mem, &msg, NULL), WARD_DEADLINE_EXCEEDED);
    assert_int_equal(put(s, 1, NULL), WARD_DEADLINE_EXCEEDED);
    ward_client_close_stream(s);
}

static void *cancel(void *s)
{
    ward_client_cancel_stream(s);
    return NULL;
}

static void another_thread_ends_what_a_stream_waits_for(void **state)
{
    struct ward_client_stream *s;
    ProtobufCMessage *msg;
    pthread_t other;

    (void)state;
    atomic_store(&peer.does, PEER_SILENT);
    s = open_stream(ECHO(Bidi), NULL);
    assert_int_equal(pthread_create(&other, NULL, cancel, s), 0);
    assert_int_equal(ward_client_recv(s, &mem, &msg, NULL), WARD_CANCELLED);
    pthread_join(other, NULL);
    ward_client_close_stream(s);
}

static void a_junk_message_in_a_stream_is_the_servers_fault(void **state)
{
    struct ward_client_stream *s;
    struct ward_err err = {0};
    ProtobufCMessage *msg;

    (void)state;
    atomic_store(&peer.does, PEER_JUNK);
    s = open_stream(ECHO(ServerStream), NULL);
    assert_int_equal(ward_client_recv(s, &mem, &msg, &err), WARD_INTERNAL);
    assert_string_equal(err.reason, "REPLY_MALFORMED");
    ward_client_close_stream(s);
}

static void a_stream_to_no_one_is_unavailable(void **state)
{
    struct ward_client_stream *s = NULL;
    struct ward_err err = {0};

    (void)state;
    peer_stop(&peer);
    assert_int_equal(ward_client_open_stream(client, ECHO(Bidi), NULL,
                                             &ward__test__v1__echo_response__descriptor, &s,
                                             &err),
                     WARD_UNAVAILABLE);
    assert_null(s);
    assert_int_equal(ward_client_open_stream(client, ECHO(Unary), NULL,
                                             &ward__test__v1__echo_response__descriptor, &s,
                                             &err),
                     WARD_UNIMPLEMENTED);
    peer_start(&peer, NULL, NULL);
}

/* Runs each test twice: with a client alone in its process, and with a client beside a server,
 * which is the peer. */
#define TEST(name)                                                                             \
    cmocka_unit_test_prestate_setup_teardown(name, set_up, tear_down, &alone),                 \
        cmocka_unit_test_prestate_setup_teardown(name, set_up, tear_down, &beside)

int main(void)
{
    static bool alone = false, beside = true;
    const struct CMUnitTest tests[] = {
        TEST(a_server_stream_is_read_to_its_end),
        TEST(a_client_stream_is_answered_once),
        TEST(both_sides_may_speak_in_turn),
        TEST(a_failure_comes_after_what_was_sent_before_it),
        TEST(a_server_that_has_heard_enough_ends_the_sending),
        TEST(closing_early_cancels_at_the_server),
        TEST(a_silent_stream_ends_with_its_deadline),
        TEST(another_thread_ends_what_a_stream_waits_for),
        TEST(a_junk_message_in_a_stream_is_the_servers_fault),
        TEST(a_stream_to_no_one_is_unavailable),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
