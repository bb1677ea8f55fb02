#include "common/rpc/server_testing.h"

#include "grpc/health/v1/health.pb-c.h"

static struct ward_rpc *rpc;
static struct ward_client *client;
static struct ward_arena mem;
static struct ward_err err;
static struct asked held[2];

static int set_up(void **state)
{
    struct ward_rpc_config cfg = config_of();

    (void)state;
    rpc = started(&cfg);
    client = client_of(rpc, &plain);
    ward_arena_init(&mem, (size_t)4 << 20);
    memset(held, 0, sizeof(held));
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    ward_client_close(client);
    ward_arena_done(&mem);
    assert_int_equal(room.opened, room.closed);
    return 0;
}

static void *stop_main(void *arg)
{
    ward_rpc_stop(rpc, *(int *)arg);
    return NULL;
}

static struct ward_client_stream *watch(void)
{
    Grpc__Health__V1__HealthCheckRequest q = GRPC__HEALTH__V1__HEALTH_CHECK_REQUEST__INIT;
    struct ward_client_stream *s = NULL;
    struct ward_out with = {0};

    assert_int_equal(
        ward_client_open_stream(client, "/grpc.health.v1.Health/Watch", &with,
                                &grpc__health__v1__health_check_response__descriptor, &s, &err),
        WARD_OK);
    assert_int_equal(ward_client_send(s, &q.base, &err), WARD_OK);
    return s;
}

static enum ward_code told(struct ward_client_stream *s, int *status)
{
    ProtobufCMessage *m = NULL;
    enum ward_code code = ward_client_recv(s, &mem, &m, &err);

    *status = m == NULL ? -1 : (int)((Grpc__Health__V1__HealthCheckResponse *)m)->status;
    return code;
}

static void a_call_in_progress_is_finished(void **state)
{
    int grace_ms = 60000, status;
    struct ward_client_stream *w = watch();
    pthread_t stopper;
    Response *r;

    (void)state;
    assert_int_equal(told(w, &status), WARD_OK);
    assert_int_equal(status, 1);
    ask_later(&held[0], client, ECHO(Unary), "gate");
    UNTIL(room.at_gate == 1);
    assert_int_equal(pthread_create(&stopper, NULL, stop_main, &grace_ms), 0);
    assert_int_equal(told(w, &status), WARD_OK); /* Watch streams are notified first */
    assert_int_equal(status, 2);
    assert_int_equal(told(w, &status), WARD_UNAVAILABLE);
    UNTIL(ask(client, ECHO(Unary), REQUEST(.repeat = 0), NULL, &mem, &r, &err) ==
          WARD_UNAVAILABLE);
    assert_false(atomic_load(&held[0].back));
    atomic_store(&room.gate, true);
    assert_int_equal(answer_of(&held[0]), WARD_OK);
    pthread_join(stopper, NULL);
    ward_client_close_stream(w);
}

static void a_call_past_the_grace_is_cancelled(void **state)
{
    struct ward_client_stream *s = NULL;
    struct ward_out with = {0};
    ProtobufCMessage *m = NULL;
    Request q = REQUEST(.repeat = 0);

    (void)state;
    ask_later(&held[0], client, ECHO(Unary), "gate");
    assert_int_equal(ward_client_open_stream(client, ECHO(Bidi), &with,
                                             &ward__test__v1__echo_response__descriptor, &s,
                                             &err),
                     WARD_OK);
    assert_int_equal(ward_client_send(s, &q.base, &err), WARD_OK);
    assert_int_equal(ward_client_recv(s, &mem, &m, &err), WARD_OK);
    UNTIL(room.at_gate == 1);
    ward_rpc_stop(rpc, 20);
    assert_int_equal(room.saw_cancel, 1);
    assert_int_not_equal(answer_of(&held[0]), WARD_OK);
    assert_int_not_equal(ward_client_recv(s, &mem, &m, &err), WARD_OK);
    ward_client_close_stream(s);
}

static void calls_that_wait_are_answered_too(void **state)
{
    struct asked more[4] = {0};

    (void)state;
    for (int i = 0; i < 2; i++)
        ask_later(&held[i], client, ECHO(Unary), "gate");
    UNTIL(room.at_gate == 2);
    for (int i = 0; i < 4; i++)
        ask_later(&more[i], client, ECHO(Unary), "gate");
    UNTIL(queue_waiting(&rpc->crews[CREW_WORKERS].queue) == 4);
    ward_rpc_stop(rpc, 0);
    for (int i = 0; i < 2; i++)
        assert_int_not_equal(answer_of(&held[i]), WARD_OK);
    for (int i = 0; i < 4; i++)
        assert_int_not_equal(answer_of(&more[i]), WARD_OK);
}

/* Callers connect and disconnect repeatedly while the server stops. */
static void stopping_under_load_leaks_and_loses_nothing(void **state)
{
    (void)state;
    ward_rpc_stop(rpc, 0);
    ward_client_close(client);
    for (int round = 0; round < 10; round++) {
        struct ward_rpc_config cfg = config_of();
        struct asked many[8] = {0};

        rpc = started(&cfg);
        client = client_of(rpc, &plain);
        for (int i = 0; i < 8; i++)
            ask_later(&many[i], client, i % 2 ? ECHO(Fast) : ECHO(Unary), "");
        UNTIL(room.entered > round % 4);
        ward_rpc_stop(rpc, 0);
        for (int i = 0; i < 8; i++)
            (void)answer_of(&many[i]);
        ward_client_close(client);
        assert_int_equal(room.opened, room.closed);
    }
    client = NULL;
}

static void a_server_nobody_called_stops(void **state)
{
    (void)state;
    ward_rpc_stop(rpc, 60000);
    ward_rpc_stop(NULL, 0);
}

#define SERVED(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        SERVED(a_call_in_progress_is_finished),
        SERVED(a_call_past_the_grace_is_cancelled),
        SERVED(calls_that_wait_are_answered_too),
        SERVED(stopping_under_load_leaks_and_loses_nothing),
        SERVED(a_server_nobody_called_stops),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
