#include "common/rpc/server_testing.h"

#include "grpc/health/v1/health.pb-c.h"
#include "grpc/reflection/v1/reflection.pb-c.h"

#include <sys/resource.h>

#define HEALTH_WATCH "/grpc.health.v1.Health/Watch"
#define REFLECT      "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo"

static struct ward_rpc *rpc;
static struct ward_client *client;
static struct ward_arena mem;
static struct ward_err err;

static int set_up(void **state)
{
    struct ward_rpc_config cfg = config_of();

    (void)state;
    rpc = started(&cfg);
    client = client_of(rpc, &plain);
    ward_arena_init(&mem, (size_t)16 << 20);
    err = (struct ward_err){0};
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    atomic_store(&room.gate, true);
    ward_client_close(client);
    ward_rpc_stop(rpc, 5000);
    ward_arena_done(&mem);
    assert_int_equal(room.opened, room.closed);
    return 0;
}

static struct ward_client_stream *
open_stream(const char *path, const ProtobufCMessageDescriptor *type, int64_t deadline_ns)
{
    struct ward_client_stream *s = NULL;
    struct ward_out with = {.deadline_ns = deadline_ns};

    assert_int_equal(ward_client_open_stream(client, path, &with, type, &s, &err), WARD_OK);
    return s;
}

static struct ward_client_stream *echo_stream(const char *path)
{
    return open_stream(path, &ward__test__v1__echo_response__descriptor, 0);
}

static enum ward_code next(struct ward_client_stream *s, void *out)
{
    ProtobufCMessage *m = NULL;
    enum ward_code code = ward_client_recv(s, &mem, &m, &err);

    *(ProtobufCMessage **)out = m;
    return code;
}

static void send_one(struct ward_client_stream *s, Request q)
{
    assert_int_equal(ward_client_send(s, &q.base, &err), WARD_OK);
}

static void a_server_stream_comes_whole_and_in_order(void **state)
{
    static uint8_t bytes[1000];
    struct ward_client_stream *s = echo_stream(ECHO(ServerStream));
    Response *r;

    (void)state;
    send_one(s, REQUEST(.repeat = 500, .payload = {sizeof(bytes), bytes}));
    assert_int_equal(ward_client_send_end(s, &err), WARD_OK);
    for (int i = 1; i <= 500; i++) {
        assert_int_equal(next(s, &r), WARD_OK);
        assert_int_equal(r->received, i);
        assert_int_equal(r->payload.len, sizeof(bytes));
    }
    assert_int_equal(next(s, &r), WARD_OK);
    assert_null(r);
    ward_client_close_stream(s);
}

static void a_stream_of_nothing_ends_well(void **state)
{
    struct ward_client_stream *s = echo_stream(ECHO(ServerStream));
    Response *r;

    (void)state;
    send_one(s, REQUEST(.repeat = 0));
    assert_int_equal(ward_client_send_end(s, &err), WARD_OK);
    assert_int_equal(next(s, &r), WARD_OK);
    assert_null(r);
    ward_client_close_stream(s);
}

static void a_client_stream_is_received_whole(void **state)
{
    struct ward_client_stream *s = echo_stream(ECHO(ClientStream));
    Response *r;

    (void)state;
    for (int i = 0; i < 300; i++)
        send_one(s, REQUEST(.repeat = 1));
    assert_int_equal(ward_client_send_end(s, &err), WARD_OK);
    assert_int_equal(next(s, &r), WARD_OK);
    assert_int_equal(r->received, 300);
    assert_int_equal(room.whole, 1);
    ward_client_close_stream(s);
}

/* A stream's messages do not accumulate in memory: 100 messages, each a third of the limit. */
static void both_ways_at_once(void **state)
{
    static uint8_t bytes[ARENA / 3];
    struct ward_client_stream *s = echo_stream(ECHO(Bidi));
    Response *r;

    (void)state;
    for (int i = 1; i <= 100; i++) {
        send_one(s, REQUEST(.payload = {sizeof(bytes), bytes}));
        assert_int_equal(next(s, &r), WARD_OK);
        assert_int_equal(r->received, i);
        assert_int_equal(r->payload.len, sizeof(bytes));
        ward_arena_reset(&mem);
    }
    assert_int_equal(ward_client_send_end(s, &err), WARD_OK);
    assert_int_equal(next(s, &r), WARD_OK);
    assert_null(r);
    ward_client_close_stream(s);
}

/* A partial upload must never look complete. */
static void a_stream_cut_short_is_not_one_that_ended(void **state)
{
    struct ward_client_stream *s;

    (void)state;
    for (int i = 0; i < 20; i++) {
        int was = atomic_load(&room.received);

        s = echo_stream(ECHO(ClientStream));
        send_one(s, REQUEST(.repeat = 1));
        UNTIL(atomic_load(&room.received) == was + 1);
        ward_client_close_stream(s); /* cancels the call */
        UNTIL(atomic_load(&rpc->in_flight) == 0);
    }
    assert_int_equal(room.entered, 20);
    assert_int_equal(room.whole, 0);
}

static void a_sender_learns_that_its_receiver_has_gone(void **state)
{
    static uint8_t bytes[ARENA / 2];
    struct ward_client_stream *s = echo_stream(ECHO(ServerStream));
    Response *r;

    (void)state;
    send_one(s, REQUEST(.repeat = 1000000, .payload = {sizeof(bytes), bytes}));
    assert_int_equal(next(s, &r), WARD_OK);
    ward_client_close_stream(s);
    UNTIL(atomic_load(&rpc->in_flight) == 0); /* long before a million messages */
}

static void a_streams_deadline_ends_a_wait(void **state)
{
    struct ward_client_stream *s =
        open_stream(ECHO(Bidi), &ward__test__v1__echo_response__descriptor,
                    ward_mono_ns() + 50 * WARD_NS_PER_MS);
    Response *r;

    (void)state;
    assert_int_equal(next(s, &r), WARD_DEADLINE_EXCEEDED);
    ward_client_close_stream(s);
    UNTIL(atomic_load(&rpc->in_flight) == 0);
}

static void a_failure_in_a_stream_carries_its_words(void **state)
{
    struct ward_client_stream *s = echo_stream(ECHO(ServerStream));
    Response *r;

    (void)state;
    send_one(s, REQUEST(TEXT("fail"), .fail_code = 9));
    assert_int_equal(next(s, &r), WARD_FAILED_PRECONDITION);
    assert_string_equal(err.reason, "AS_ASKED");
    ward_client_close_stream(s);
}

/* ---- while all workers are busy ---- */

static void fill(struct ward_client_stream **held, int n)
{
    for (int i = 0; i < n; i++) {
        held[i] = echo_stream(ECHO(ServerStream));
        send_one(held[i], REQUEST(TEXT("gate")));
    }
}

static void streams_are_shed_when_all_workers_stream(void **state)
{
    struct ward_client_stream *held[7];
    Response *r;

    (void)state;
    fill(held, 2);
    UNTIL(room.at_gate == 2);
    fill(held + 2, 4);
    UNTIL(queue_waiting(&rpc->crews[CREW_STREAMS].queue) == 4);
    fill(held + 6, 1);
    assert_int_equal(next(held[2], &r), WARD_RESOURCE_EXHAUSTED);
    assert_string_equal(err.reason, "OVERLOADED");
    atomic_store(&room.gate, true);
    for (int i = 0; i < 7; i++) {
        if (i != 2)
            assert_int_equal(next(held[i], &r), WARD_OK);
        ward_client_close_stream(held[i]);
    }
}

static void a_unary_call_does_not_wait_for_streams(void **state)
{
    struct ward_client_stream *held[2];
    Response *r;

    (void)state;
    fill(held, 2);
    UNTIL(room.at_gate == 2);
    assert_int_equal(ask(client, ECHO(Unary), REQUEST(.repeat = 0), NULL, &mem, &r, &err),
                     WARD_OK);
    for (int i = 0; i < 2; i++)
        ward_client_close_stream(held[i]);
    UNTIL(room.saw_cancel == 2); /* a handler that only computes also sees the cancellation */
}

static void reflection_answers_while_all_workers_are_busy(void **state)
{
    Grpc__Reflection__V1__ServerReflectionRequest q =
        GRPC__REFLECTION__V1__SERVER_REFLECTION_REQUEST__INIT;
    Grpc__Reflection__V1__ServerReflectionResponse *r;
    struct ward_client_stream *held[2], *s;
    int seen = 0;

    (void)state;
    fill(held, 2);
    UNTIL(room.at_gate == 2);
    s = open_stream(REFLECT, &grpc__reflection__v1__server_reflection_response__descriptor, 0);
    q.message_request_case =
        GRPC__REFLECTION__V1__SERVER_REFLECTION_REQUEST__MESSAGE_REQUEST_LIST_SERVICES;
    q.list_services = (char *)(uintptr_t) "";
    assert_int_equal(ward_client_send(s, &q.base, &err), WARD_OK);
    assert_int_equal(next(s, &r), WARD_OK);
    assert_non_null(r->list_services_response);
    for (size_t i = 0; i < r->list_services_response->n_service; i++) {
        const char *name = r->list_services_response->service[i]->name;

        seen += strcmp(name, "ward.test.v1.Echo") == 0 ||
                strcmp(name, "grpc.health.v1.Health") == 0;
    }
    assert_int_equal(seen, 2);
    ward_client_close_stream(s);
    atomic_store(&room.gate, true);
    for (int i = 0; i < 2; i++)
        ward_client_close_stream(held[i]);
}

/* ---- health's Watch ---- */

static struct ward_client_stream *watch(const char *service)
{
    Grpc__Health__V1__HealthCheckRequest q = GRPC__HEALTH__V1__HEALTH_CHECK_REQUEST__INIT;
    struct ward_client_stream *s =
        open_stream(HEALTH_WATCH, &grpc__health__v1__health_check_response__descriptor, 0);

    q.service = (char *)(uintptr_t)service;
    assert_int_equal(ward_client_send(s, &q.base, &err), WARD_OK);
    return s;
}

static int told(struct ward_client_stream *s)
{
    Grpc__Health__V1__HealthCheckResponse *r;

    assert_int_equal(next(s, &r), WARD_OK);
    assert_non_null(r);
    return (int)r->status;
}

static void a_watch_is_told_of_every_change(void **state)
{
    struct ward_client_stream *echo = watch("ward.test.v1.Echo"), *all = watch("");
    struct ward_client_stream *nobody = watch("ward.test.v1.Nobody");

    (void)state;
    assert_int_equal(told(echo), 1);
    assert_int_equal(told(all), 1);
    assert_int_equal(told(nobody), 3);
    ward_rpc_serving(rpc, "ward.test.v1.Echo", false);
    assert_int_equal(told(echo), 2);
    ward_rpc_serving(rpc, NULL, false);
    assert_int_equal(told(all), 2);
    ward_rpc_serving(rpc, NULL, true);
    assert_int_equal(told(echo), 1);
    assert_int_equal(told(all), 1);
    ward_client_close_stream(echo);
    ward_client_close_stream(all);
    ward_client_close_stream(nobody);
    UNTIL(atomic_load(&rpc->in_flight) == 0);
}

static void watches_hold_no_worker(void **state)
{
    struct ward_client_stream *w[40];
    Response *r;

    (void)state;
    for (size_t i = 0; i < WARD_COUNT(w); i++) {
        w[i] = watch("");
        assert_int_equal(told(w[i]), 1);
    }
    assert_int_equal(ask(client, ECHO(Unary), REQUEST(.repeat = 0), NULL, &mem, &r, &err),
                     WARD_OK);
    for (size_t i = 0; i < WARD_COUNT(w); i++)
        ward_client_close_stream(w[i]);
}

struct sleeper {
    struct ward_client_stream *stream;
    enum ward_code code;
    atomic_bool began;
    long woken; /* number of times that the thread slept before its message */
};

static void *sleep_on(void *arg)
{
    struct sleeper *p = arg;
    ProtobufCMessage *msg;
    struct ward_arena own;
    struct rusage at;

    ward_arena_init(&own, (size_t)1 << 20);
    getrusage(RUSAGE_THREAD, &at);
    p->woken = -at.ru_nvcsw;
    atomic_store(&p->began, true);
    p->code = ward_client_recv(p->stream, &own, &msg, NULL);
    getrusage(RUSAGE_THREAD, &at);
    p->woken += at.ru_nvcsw;
    ward_arena_done(&own);
    return NULL;
}

static void a_stream_beside_a_server_sleeps_while_others_call(void **state)
{
    struct ward_client *was = client;
    struct sleeper p = {0};
    pthread_t thread;
    Response *r;

    (void)state;
    client = client_with(rpc, &plain, true);
    p.stream = watch("");
    assert_int_equal(told(p.stream), 1);
    assert_int_equal(pthread_create(&thread, NULL, sleep_on, &p), 0);
    UNTIL(p.began);
    for (int i = 0; i < 300; i++)
        assert_int_equal(ask(was, ECHO(Unary), REQUEST(.repeat = 0), NULL, &mem, &r, &err),
                         WARD_OK);
    ward_rpc_serving(rpc, NULL, false);
    pthread_join(thread, NULL);
    assert_int_equal(p.code, WARD_OK);
    assert_in_range(p.woken, 1, 30);
    ward_client_close_stream(p.stream);
    ward_client_close(client);
    client = was;
}

static void *read_to_the_end(void *arg)
{
    struct sleeper *p = arg;
    struct ward_arena own;
    ProtobufCMessage *msg;

    ward_arena_init(&own, (size_t)1 << 20);
    do
        p->code = ward_client_recv(p->stream, &own, &msg, NULL);
    while (p->code == WARD_OK && msg != NULL);
    ward_arena_done(&own);
    return NULL;
}

/* The order in which a service stops: its server first, then its streams. No thread reads any
 * more. */
static void a_stream_is_cancelled_when_the_server_beside_it_has_stopped(void **state)
{
    struct ward_client *was = client;
    struct sleeper p = {0};
    pthread_t thread;

    (void)state;
    client = client_with(rpc, &plain, true);
    p.stream = watch("");
    assert_int_equal(told(p.stream), 1);
    assert_int_equal(pthread_create(&thread, NULL, read_to_the_end, &p), 0);
    ward_rpc_stop(rpc, 0);
    rpc = NULL;
    ward_client_cancel_stream(p.stream);
    pthread_join(thread, NULL);
    assert_int_not_equal(p.code, WARD_OK);
    ward_client_close_stream(p.stream);
    ward_client_close(client);
    client = was;
}

static void *open_and_close(void *arg)
{
    struct sleeper *p = arg;
    struct ward_out with = {0};
    struct ward_err why = {0};

    p->code = ward_client_open_stream(client, HEALTH_WATCH, &with,
                                      &grpc__health__v1__health_check_response__descriptor,
                                      &p->stream, &why);
    if (p->code == WARD_OK)
        ward_client_close_stream(p->stream);
    return NULL;
}

static void a_stream_to_no_one_fails_though_the_server_beside_it_has_stopped(void **state)
{
    struct ward_client *was = client;
    struct sleeper p = {0};
    pthread_t thread;

    (void)state;
    client = client_with(rpc, &plain, true);
    ward_rpc_stop(rpc, 0);
    rpc = NULL;
    assert_int_equal(pthread_create(&thread, NULL, open_and_close, &p), 0);
    pthread_join(thread, NULL);
    assert_int_not_equal(p.code, WARD_OK);
    ward_client_close(client);
    client = was;
}

#define SERVED(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        SERVED(a_server_stream_comes_whole_and_in_order),
        SERVED(a_stream_of_nothing_ends_well),
        SERVED(a_client_stream_is_received_whole),
        SERVED(both_ways_at_once),
        SERVED(a_stream_cut_short_is_not_one_that_ended),
        SERVED(a_sender_learns_that_its_receiver_has_gone),
        SERVED(a_streams_deadline_ends_a_wait),
        SERVED(a_failure_in_a_stream_carries_its_words),
        SERVED(streams_are_shed_when_all_workers_stream),
        SERVED(a_unary_call_does_not_wait_for_streams),
        SERVED(reflection_answers_while_all_workers_are_busy),
        SERVED(a_watch_is_told_of_every_change),
        SERVED(watches_hold_no_worker),
        SERVED(a_stream_beside_a_server_sleeps_while_others_call),
        SERVED(a_stream_is_cancelled_when_the_server_beside_it_has_stopped),
        SERVED(a_stream_to_no_one_fails_though_the_server_beside_it_has_stopped),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
