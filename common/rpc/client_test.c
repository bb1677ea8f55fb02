#include "common/base/clock.h"
#include "common/rpc/client_impl.h"
#include "common/rpc/client_peer.h"

#define ARENA_CAP ((size_t)1 << 20)
#define THREADS   8
#define EACH      50

static struct scripted peer;
static struct ward_client *client;
static struct ward_arena mem;

static struct ward_client *connect_to(int port, size_t max_message)
{
    struct ward_client *cl;
    struct ward_err err = {0};
    char target[32];

    snprintf(target, sizeof(target), "127.0.0.1:%d", port);
    assert_int_equal(ward_client_open(&(struct ward_client_config){.target = target,
                                                                   .tls = {"", "", ""},
                                                                   .server = "echo",
                                                                   .max_message = max_message},
                                      &cl, &err),
                     WARD_OK);
    return cl;
}

/* Connects before the test, because a first connection may fail on a busy machine. The test
 * then counts only its own calls. */
static bool connected(struct ward_client *cl)
{
    Ward__Test__V1__EchoRequest req = WARD__TEST__V1__ECHO_REQUEST__INIT;
    ProtobufCMessage *resp;
    enum ward_code code = WARD_UNAVAILABLE;

    for (int i = 0; i < 50 && code == WARD_UNAVAILABLE; i++)
        code = ward_client_call(cl, ECHO(Unary), NULL, &req.base,
                                &ward__test__v1__echo_response__descriptor, &resp, &mem, NULL);
    atomic_store(&peer.calls, 0);
    return code == WARD_OK;
}

static int set_up(void **state)
{
    (void)state;
    memset(&peer, 0, sizeof(peer));
    ward_arena_init(&mem, ARENA_CAP);
    peer_start(&peer, NULL, NULL);
    client = connect_to(peer.port, 0);
    return connected(client) ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    ward_client_close(client);
    peer_stop(&peer);
    ward_arena_done(&mem);
    return 0;
}

static enum ward_code call_with(const char *path, const struct ward_out *with, size_t nbytes,
                                Ward__Test__V1__EchoResponse **resp, struct ward_err *err)
{
    static uint8_t bytes[8192];
    Ward__Test__V1__EchoRequest req = WARD__TEST__V1__ECHO_REQUEST__INIT;

    assert_true(nbytes <= sizeof(bytes));
    memset(bytes, 'w', sizeof(bytes));
    req.payload = (ProtobufCBinaryData){.len = nbytes, .data = bytes};
    return ward_client_call(client, path, with, &req.base,
                            &ward__test__v1__echo_response__descriptor,
                            (ProtobufCMessage **)resp, &mem, err);
}

static enum ward_code call(const char *path, struct ward_err *err)
{
    Ward__Test__V1__EchoResponse *resp;

    return call_with(path, NULL, 128, &resp, err);
}

/* Makes the next n calls fail; n below 0: all calls. */
static void fail_next(int n, enum ward_code code, const char *msg, int retry_after_ms)
{
    peer.fail = (struct ward_err){.code = code, .retry_after_ms = retry_after_ms};
    snprintf(peer.fail.msg, sizeof(peer.fail.msg), "%s", msg);
    atomic_store(&peer.fail_left, n);
    atomic_store(&peer.does, PEER_FAIL);
}

static void a_reply_comes_back_into_the_callers_arena(void **state)
{
    Ward__Test__V1__EchoResponse *resp = NULL;
    struct ward_err err = {0};
    size_t before = mem.used;

    (void)state;
    assert_int_equal(call_with(ECHO(Unary), NULL, 128, &resp, &err), WARD_OK);
    assert_int_equal(resp->payload.len, 128);
    assert_int_equal(resp->payload.data[127], 'w');
    assert_true(mem.used > before);
}

static void the_token_and_the_trace_go_with_the_call(void **state)
{
    static const char TRACE[] = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    struct ward_out with = {.token = "abc.def.ghi", .traceparent = TRACE};
    Ward__Test__V1__EchoResponse *resp;

    (void)state;
    assert_int_equal(call_with(ECHO(Unary), &with, 1, &resp, NULL), WARD_OK);
    assert_string_equal(peer.token, "Bearer abc.def.ghi");
    assert_string_equal(peer.trace, TRACE);
}

static void a_call_without_a_trace_starts_one_and_without_a_person_bears_no_token(void **state)
{
    struct ward_out with = {.token = "", .traceparent = "nonsense"};
    Ward__Test__V1__EchoResponse *resp;
    char first[64];

    (void)state;
    assert_int_equal(call_with(ECHO(Unary), &with, 1, &resp, NULL), WARD_OK);
    assert_string_equal(peer.token, "");
    assert_int_equal(strlen(peer.trace), 55);
    assert_memory_equal(peer.trace, "00-", 3);
    snprintf(first, sizeof(first), "%s", peer.trace);
    assert_int_equal(call(ECHO(Unary), NULL), WARD_OK);
    assert_string_not_equal(peer.trace, first);
}

static void a_token_that_could_forge_a_header_is_refused_before_it_is_sent(void **state)
{
    static char long_token[WARD_TOKEN_BYTES + 2];
    struct ward_out with = {.token = "abc\r\nx-admin: 1"};
    Ward__Test__V1__EchoResponse *resp;
    struct ward_err err = {0};

    (void)state;
    assert_int_equal(call_with(ECHO(Unary), &with, 1, &resp, &err), WARD_UNAUTHENTICATED);
    assert_string_equal(err.reason, "TOKEN_MALFORMED");
    memset(long_token, 'a', sizeof(long_token) - 1);
    with.token = long_token;
    assert_int_equal(call_with(ECHO(Unary), &with, 1, &resp, &err), WARD_UNAUTHENTICATED);
    assert_int_equal(peer.calls, 0);
}

static void a_remote_failure_keeps_its_code_words_and_details(void **state)
{
    struct ward_err err = {0};

    (void)state;
    fail_next(1, WARD_FAILED_PRECONDITION, "face is too small", 0);
    snprintf(peer.fail.reason, sizeof(peer.fail.reason), "FACE_TOO_SMALL");
    snprintf(peer.fail.field, sizeof(peer.fail.field), "photo");
    assert_int_equal(call(ECHO(Unary), &err), WARD_FAILED_PRECONDITION);
    assert_int_equal(err.code, WARD_FAILED_PRECONDITION);
    assert_string_equal(err.msg, "face is too small");
    assert_string_equal(err.reason, "FACE_TOO_SMALL");
    assert_string_equal(err.field, "photo");
    assert_int_equal(peer.calls, 1); /* only UNAVAILABLE is retried */
}

static void a_code_outside_the_table_is_unknown(void **state)
{
    struct ward_err err = {0};

    (void)state;
    fail_next(1, (enum ward_code)77, "odd", 0);
    peer.bare = true;
    assert_int_equal(call(ECHO(Unary), &err), WARD_UNKNOWN);
    assert_string_equal(err.msg, "odd");
}

static void unavailable_is_tried_again_for_an_idempotent_method(void **state)
{
    struct ward_err err = {0};

    (void)state;
    fail_next(WARD_RETRIES, WARD_UNAVAILABLE, "starting", 1);
    assert_int_equal(call(ECHO(Unary), &err), WARD_OK);
    assert_int_equal(err.code, WARD_OK);
    assert_int_equal(peer.calls, 1 + WARD_RETRIES);
}

static void the_last_try_tells_why(void **state)
{
    struct ward_err err = {0};

    (void)state;
    fail_next(-1, WARD_UNAVAILABLE, "starting", 1);
    assert_int_equal(call(ECHO(Unary), &err), WARD_UNAVAILABLE);
    assert_string_equal(err.msg, "starting");
    assert_int_equal(err.retry_after_ms, 1);
    assert_int_equal(peer.calls, 1 + WARD_RETRIES);
}

static void no_other_method_is_ever_sent_twice(void **state)
{
    (void)state;
    fail_next(-1, WARD_UNAVAILABLE, "starting", 1);
    assert_int_equal(call(ECHO(Guarded), NULL), WARD_UNAVAILABLE);
    assert_int_equal(peer.calls, 1);
}

static void a_retry_that_would_come_too_late_is_not_waited_for(void **state)
{
    struct ward_out with = {.deadline_ns = ward_mono_ns() + 60000 * WARD_NS_PER_MS};
    Ward__Test__V1__EchoResponse *resp;
    struct ward_err err = {0};

    (void)state;
    /* The delay of an hour is past the deadline in a minute. If the client waited, the test
     * would hang. */
    fail_next(-1, WARD_UNAVAILABLE, "starting", 3600000);
    assert_int_equal(call_with(ECHO(Unary), &with, 1, &resp, &err), WARD_UNAVAILABLE);
    assert_int_equal(err.retry_after_ms, 3600000);
    assert_int_equal(peer.calls, 1);
}

static void the_wait_is_what_the_server_asked_for_and_a_doubling_window(void **state)
{
    (void)state;
    assert_int_equal(ward_retry_delay_ns(0, 0, 0), 0);
    for (int retry = 0; retry < WARD_RETRIES; retry++) {
        int64_t most = (100 << retry) * WARD_NS_PER_MS;

        for (uint64_t i = 0; i < 64; i++) {
            uint64_t random = i * UINT64_C(0x9e3779b97f4a7c15);

            assert_in_range(ward_retry_delay_ns(retry, 0, random), 0, most - 1);
            assert_in_range(ward_retry_delay_ns(retry, 250, random), 250 * WARD_NS_PER_MS,
                            250 * WARD_NS_PER_MS + most - 1);
        }
    }
}

static void a_silent_server_is_cut_off_by_the_deadline_and_hears_of_it(void **state)
{
    struct ward_out with = {.deadline_ns = ward_mono_ns() + 100 * WARD_NS_PER_MS};
    Ward__Test__V1__EchoResponse *resp;
    struct ward_err err = {0};

    (void)state;
    atomic_store(&peer.does, PEER_SILENT);
    assert_int_equal(call_with(ECHO(Unary), &with, 1, &resp, &err), WARD_DEADLINE_EXCEEDED);
    assert_string_equal(err.msg, "echo did not answer in time");
    atomic_store(&peer.does, PEER_ECHO);
    assert_int_equal(call(ECHO(Unary), NULL), WARD_OK); /* the peer serves the next call */
    assert_int_equal(peer.cancelled, 1);
}

static void a_deadline_that_has_passed_sends_nothing(void **state)
{
    struct ward_out with = {.deadline_ns = ward_mono_ns() - 1};
    Ward__Test__V1__EchoResponse *resp;

    (void)state;
    assert_int_equal(call_with(ECHO(Unary), &with, 1, &resp, NULL), WARD_DEADLINE_EXCEEDED);
    assert_int_equal(peer.calls, 0);
}

static void a_served_calls_deadline_person_and_trace_are_passed_on(void **state)
{
    struct ward_principal who = {.token = "t"};
    struct ward_call c = {.deadline_ns = 42, .who = &who, .traceparent = "00-x"};
    struct ward_out with = ward_out_of(&c);

    (void)state;
    assert_int_equal(with.deadline_ns, 42);
    assert_string_equal(with.token, "t");
    assert_string_equal(with.traceparent, "00-x");
    c.who = NULL;
    assert_null(ward_out_of(&c).token);
}

static void a_message_too_large_is_refused_on_either_side(void **state)
{
    Ward__Test__V1__EchoResponse *resp;
    struct ward_client *whole = client;
    struct ward_err err = {0};

    (void)state;
    client = connect_to(peer.port, 1000);
    assert_true(connected(client));
    assert_int_equal(call_with(ECHO(Unary), NULL, 2000, &resp, &err), WARD_RESOURCE_EXHAUSTED);
    assert_int_equal(peer.calls, 0);
    assert_int_equal(call_with(ECHO(Unary), NULL, 900, &resp, &err), WARD_OK);
    atomic_store(&peer.does, PEER_TWICE);
    assert_int_equal(call_with(ECHO(Unary), NULL, 900, &resp, &err), WARD_RESOURCE_EXHAUSTED);
    assert_int_equal(peer.calls, 2);
    ward_client_close(client);
    client = whole;
}

static void a_reply_that_is_no_message_is_the_servers_fault(void **state)
{
    struct ward_err err = {0};

    (void)state;
    atomic_store(&peer.does, PEER_JUNK);
    assert_int_equal(call(ECHO(Unary), &err), WARD_INTERNAL);
    assert_string_equal(err.reason, "REPLY_MALFORMED");
    atomic_store(&peer.does, PEER_EMPTY);
    assert_int_equal(call(ECHO(Unary), &err), WARD_INTERNAL);
    assert_string_equal(err.reason, "REPLY_MALFORMED");
}

static void a_reply_past_the_arenas_cap_is_refused_not_fatal(void **state)
{
    Ward__Test__V1__EchoResponse *resp;
    struct ward_err err = {0};

    (void)state;
    ward_arena_done(&mem);
    ward_arena_init(&mem, 1024);
    assert_int_equal(call_with(ECHO(Unary), NULL, 4096, &resp, &err), WARD_RESOURCE_EXHAUSTED);
    ward_arena_reset(&mem);
    assert_int_equal(call(ECHO(Unary), &err), WARD_OK);
}

static void a_method_no_descriptor_knows_is_not_called(void **state)
{
    (void)state;
    assert_int_equal(call("/ward.test.v1.Echo/Nothing", NULL), WARD_UNIMPLEMENTED);
    assert_int_equal(call(ECHO(Bidi), NULL), WARD_UNIMPLEMENTED);
    assert_int_equal(peer.calls, 0);
}

static void a_server_that_is_not_there_is_unavailable_and_is_found_when_it_comes(void **state)
{
    struct ward_err err = {0};

    (void)state;
    assert_int_equal(call(ECHO(Unary), NULL), WARD_OK);
    peer_stop(&peer);
    assert_int_equal(call(ECHO(Guarded), &err), WARD_UNAVAILABLE);
    assert_string_equal(err.msg, "echo cannot be reached");
    assert_int_equal(call(ECHO(Unary), &err), WARD_UNAVAILABLE);
    peer_start(&peer, NULL, NULL); /* on the previous port */
    assert_int_equal(call(ECHO(Unary), &err), WARD_OK);
}

struct caller {
    pthread_t thread;
    int ok;
};

static void *call_many(void *arg)
{
    struct caller *c = arg;
    struct ward_arena own;

    ward_arena_init(&own, ARENA_CAP);
    for (int i = 0; i < EACH; i++) {
        Ward__Test__V1__EchoRequest req = WARD__TEST__V1__ECHO_REQUEST__INIT;
        ProtobufCMessage *resp;
        uint8_t mark = (uint8_t)i;

        req.payload = (ProtobufCBinaryData){.len = 1, .data = &mark};
        if (ward_client_call(client, ECHO(Unary), NULL, &req.base,
                             &ward__test__v1__echo_response__descriptor, &resp, &own,
                             NULL) == WARD_OK &&
            ((Ward__Test__V1__EchoResponse *)resp)->payload.data[0] == mark)
            c->ok++;
        ward_arena_reset(&own);
    }
    ward_arena_done(&own);
    return NULL;
}

static void eight_threads_share_one_client(void **state)
{
    struct caller callers[THREADS] = {0};

    (void)state;
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&callers[i].thread, NULL, call_many, &callers[i]), 0);
    for (int i = 0; i < THREADS; i++) {
        pthread_join(callers[i].thread, NULL);
        assert_int_equal(callers[i].ok, EACH);
    }
    assert_int_equal(peer.calls, THREADS * EACH);
}

static void plain_text_to_another_machine_is_refused(void **state)
{
    static const char *const far[] = {"dns:///audit.ward:50051", "10.0.0.7:50051",
                                      "127.example.org:50051",   "localhost.example.org:1",
                                      "ipv4:192.0.2.1:5000",     "ipv4:127.0.0.1:1,10.0.0.7:2",
                                      "127.0.0.1,10.0.0.7:1"};
    static const char *const near[] = {"unix:/tmp/x", "dns:///localhost:50051",
                                       "127.0.0.1:50051", "[::1]:50051",
                                       "ipv4:127.0.0.1:1,127.0.0.1:2"};
    struct ward_client_config cfg = {.server = "echo"};
    struct ward_client *cl;

    (void)state;
    for (size_t i = 0; i < WARD_COUNT(far); i++) {
        cfg.target = far[i];
        assert_int_equal(ward_client_open(&cfg, &cl, NULL), WARD_FAILED_PRECONDITION);
    }
    for (size_t i = 0; i < WARD_COUNT(near); i++) {
        cfg.target = near[i];
        assert_int_equal(ward_client_open(&cfg, &cl, NULL), WARD_OK);
        ward_client_close(cl);
    }
    cfg.target = "";
    assert_int_equal(ward_client_open(&cfg, &cl, NULL), WARD_FAILED_PRECONDITION);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_reply_comes_back_into_the_callers_arena),
        TEST(the_token_and_the_trace_go_with_the_call),
        TEST(a_call_without_a_trace_starts_one_and_without_a_person_bears_no_token),
        TEST(a_token_that_could_forge_a_header_is_refused_before_it_is_sent),
        TEST(a_remote_failure_keeps_its_code_words_and_details),
        TEST(a_code_outside_the_table_is_unknown),
        TEST(unavailable_is_tried_again_for_an_idempotent_method),
        TEST(the_last_try_tells_why),
        TEST(no_other_method_is_ever_sent_twice),
        TEST(a_retry_that_would_come_too_late_is_not_waited_for),
        cmocka_unit_test(the_wait_is_what_the_server_asked_for_and_a_doubling_window),
        TEST(a_silent_server_is_cut_off_by_the_deadline_and_hears_of_it),
        TEST(a_deadline_that_has_passed_sends_nothing),
        cmocka_unit_test(a_served_calls_deadline_person_and_trace_are_passed_on),
        TEST(a_message_too_large_is_refused_on_either_side),
        TEST(a_reply_that_is_no_message_is_the_servers_fault),
        TEST(a_reply_past_the_arenas_cap_is_refused_not_fatal),
        TEST(a_method_no_descriptor_knows_is_not_called),
        TEST(a_server_that_is_not_there_is_unavailable_and_is_found_when_it_comes),
        TEST(eight_threads_share_one_client),
        cmocka_unit_test(plain_text_to_another_machine_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
