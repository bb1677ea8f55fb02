#include "common/rpc/server_testing.h"

#include "grpc/health/v1/health.pb-c.h"
#include "grpc/reflection/v1/reflection.pb-c.h"

static struct ward_rpc *rpc;
static struct ward_client *client;
static struct ward_arena mem;
static struct ward_err err;

static void serve(const struct ward_rpc_config *cfg)
{
    rpc = started(cfg);
    client = client_of(rpc, &plain);
    ward_arena_init(&mem, (size_t)4 << 20);
    err = (struct ward_err){0};
}

static int set_up(void **state)
{
    struct ward_rpc_config cfg = config_of();

    (void)state;
    serve(&cfg);
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
    client = NULL;
    rpc = NULL;
    return 0;
}

static enum ward_code call(const char *path, Request q, Response **r)
{
    return ask(client, path, q, NULL, &mem, r, &err);
}

static void a_worker_answers_with_what_is_its_own(void **state)
{
    uint8_t bytes[3] = {1, 0, 255};
    Response *r;

    (void)state;
    assert_int_equal(call(ECHO(Unary), REQUEST(.payload = {3, bytes}), &r), WARD_OK);
    assert_int_equal(r->payload.len, 3);
    assert_memory_equal(r->payload.data, bytes, 3);
    assert_in_range(r->received, 1, 4); /* the worker's number */
    assert_string_equal(r->peer, "");
}

static void an_inline_method_has_no_worker(void **state)
{
    Response *r;

    (void)state;
    assert_int_equal(call(ECHO(Fast), REQUEST(.repeat = 0), &r), WARD_OK);
    assert_int_equal(r->received, 0);
}

static void a_failure_carries_its_words_and_its_reason_and_no_detail(void **state)
{
    Response *r;

    (void)state;
    assert_int_equal(call(ECHO(Unary), REQUEST(TEXT("fail"), .fail_code = 9), &r),
                     WARD_FAILED_PRECONDITION);
    assert_string_equal(err.msg, "failed as asked");
    assert_string_equal(err.reason, "AS_ASKED");
    assert_null(strstr(err.detail, "log only"));
    assert_int_equal(call(ECHO(Fast), REQUEST(TEXT("fail"), .fail_code = 5), &r),
                     WARD_NOT_FOUND);
    assert_int_equal(call(ECHO(Unary), REQUEST(TEXT("wordless"), .fail_code = 5), &r),
                     WARD_NOT_FOUND);
    assert_string_equal(err.msg, "NOT_FOUND");
}

static void a_code_no_handler_may_give_becomes_internal(void **state)
{
    static const int odd[] = {2, 17, 77, -1};
    Response *r;

    (void)state;
    for (size_t i = 0; i < WARD_COUNT(odd); i++) {
        assert_int_equal(call(ECHO(Unary), REQUEST(TEXT("fail"), .fail_code = odd[i]), &r),
                         WARD_INTERNAL);
        assert_string_equal(err.msg, "internal error");
    }
}

static void a_method_nobody_may_call_is_refused(void **state)
{
    Response *r;

    (void)state;
    assert_int_equal(call(ECHO(Closed), REQUEST(.repeat = 0), &r), WARD_PERMISSION_DENIED);
    assert_string_equal(err.reason, "CALLER_NOT_ALLOWED");
    assert_int_equal(room.entered, 0);
    assert_int_equal(room.refused, 0);
}

static void a_refused_call_of_an_audited_method_is_audited_before_its_reply(void **state)
{
    Response *r;

    (void)state;
    assert_int_equal(call(ECHO(Guarded), REQUEST(.repeat = 0), &r), WARD_PERMISSION_DENIED);
    assert_int_equal(room.refused, 1);
    assert_int_equal(room.refused_code, WARD_PERMISSION_DENIED);
    assert_int_equal(room.entered, 0);
}

static void memory_past_the_cap_fails_one_call_only(void **state)
{
    Response *r;

    (void)state;
    assert_int_equal(call(ECHO(Unary), REQUEST(TEXT("hog")), &r), WARD_RESOURCE_EXHAUSTED);
    assert_int_equal(call(ECHO(Unary), REQUEST(.repeat = 0), &r), WARD_OK);
}

static void a_message_too_large_is_refused_not_fatal(void **state)
{
    static uint8_t bytes[ARENA + 4096];
    Response *r;

    (void)state;
    assert_int_equal(call(ECHO(Unary), REQUEST(.payload = {sizeof(bytes), bytes}), &r),
                     WARD_RESOURCE_EXHAUSTED);
    assert_int_equal(call(ECHO(Unary), REQUEST(.payload = {ARENA / 2, bytes}), &r), WARD_OK);
    assert_int_equal(r->payload.len, ARENA / 2);
    assert_int_equal(room.entered, 1);
}

static void a_trace_is_continued_and_a_bad_one_replaced(void **state)
{
    static const char in[] = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    struct ward_out with = {.traceparent = in};
    Response *r;

    (void)state;
    assert_int_equal(ask(client, ECHO(Unary), REQUEST(.repeat = 0), &with, &mem, &r, &err),
                     WARD_OK);
    assert_memory_equal(r->trace_id, in, 36); /* the trace is unchanged */
    assert_memory_not_equal(r->trace_id + 36, in + 36, 16);
    with.traceparent = "00-4bf92f3577b34da6a3ce929d0e0e473G-00f067aa0ba902b7-01";
    assert_int_equal(ask(client, ECHO(Unary), REQUEST(.repeat = 0), &with, &mem, &r, &err),
                     WARD_OK);
    assert_memory_not_equal(r->trace_id, in, 36);
    assert_int_equal(strlen(r->trace_id), 55);
}

/* ---- busy workers ---- */

static struct asked busy[8];

static void occupy(int n, const char *path)
{
    for (int i = 0; i < n; i++) {
        busy[i].deadline_ns = 0;
        ask_later(&busy[i], client, path, "gate");
    }
}

static void a_full_queue_sheds_its_oldest_and_says_when_to_come_back(void **state)
{
    struct ward_rpc_config cfg = config_of();

    (void)state;
    cfg.workers = 1;
    cfg.queue = 1;
    serve(&cfg);
    occupy(1, ECHO(Unary));
    UNTIL(room.at_gate == 1);
    ask_later(&busy[1], client, ECHO(Unary), "gate");
    UNTIL(queue_waiting(&rpc->crews[CREW_WORKERS].queue) == 1);
    ask_later(&busy[2], client, ECHO(Unary), "gate");
    assert_int_equal(answer_of(&busy[1]), WARD_RESOURCE_EXHAUSTED);
    assert_string_equal(busy[1].err.reason, "OVERLOADED");
    assert_true(busy[1].err.retry_after_ms > 0);
    atomic_store(&room.gate, true);
    assert_int_equal(answer_of(&busy[0]), WARD_OK);
    assert_int_equal(answer_of(&busy[2]), WARD_OK);
    tear_down(NULL);
}

static void a_call_too_late_never_reaches_its_handler(void **state)
{
    Response *r;
    struct ward_out soon;

    (void)state;
    occupy(2, ECHO(Unary));
    UNTIL(room.at_gate == 2);
    soon.deadline_ns = ward_mono_ns() + 20 * WARD_NS_PER_MS;
    soon = (struct ward_out){.deadline_ns = soon.deadline_ns};
    assert_int_equal(ask(client, ECHO(Unary), REQUEST(.repeat = 0), &soon, &mem, &r, &err),
                     WARD_DEADLINE_EXCEEDED);
    /* The call may have arrived late. By the server's clock, its 20 ms began at arrival. */
    nanosleep(&(struct timespec){.tv_nsec = 50 * WARD_NS_PER_MS}, NULL);
    atomic_store(&room.gate, true);
    assert_int_equal(answer_of(&busy[0]), WARD_OK);
    assert_int_equal(answer_of(&busy[1]), WARD_OK);
    UNTIL(atomic_load(&rpc->in_flight) == 0);
    assert_int_equal(room.entered, 2);
}

static void a_deadline_reaches_the_handler(void **state)
{
    Response *r;
    struct ward_out soon = {.deadline_ns = ward_mono_ns() + 1000 * WARD_NS_PER_MS};

    (void)state;
    assert_int_equal(ask(client, ECHO(Unary), REQUEST(TEXT("gate")), &soon, &mem, &r, &err),
                     WARD_DEADLINE_EXCEEDED);
    UNTIL(room.saw_cancel == 1);
}

static enum ward_code health(const char *service, Grpc__Health__V1__HealthCheckResponse **r)
{
    Grpc__Health__V1__HealthCheckRequest q = GRPC__HEALTH__V1__HEALTH_CHECK_REQUEST__INIT;

    q.service = (char *)(uintptr_t)service;
    return ward_client_call(client, "/grpc.health.v1.Health/Check", NULL, &q.base,
                            &grpc__health__v1__health_check_response__descriptor,
                            (ProtobufCMessage **)r, &mem, &err);
}

static void health_answers_while_every_worker_is_busy(void **state)
{
    Grpc__Health__V1__HealthCheckResponse *r;
    Response *fast;

    (void)state;
    occupy(2, ECHO(Unary));
    UNTIL(room.at_gate == 2);
    assert_int_equal(health("ward.test.v1.Echo", &r), WARD_OK);
    assert_int_equal(r->status, 1);
    assert_int_equal(call(ECHO(Fast), REQUEST(.repeat = 0), &fast), WARD_OK);
    atomic_store(&room.gate, true);
    assert_int_equal(answer_of(&busy[0]), WARD_OK);
    assert_int_equal(answer_of(&busy[1]), WARD_OK);
}

static void health_is_told_by_service(void **state)
{
    Grpc__Health__V1__HealthCheckResponse *r;

    (void)state;
    assert_int_equal(health("", &r), WARD_OK);
    assert_int_equal(r->status, 1);
    ward_rpc_serving(rpc, "ward.test.v1.Echo", false);
    assert_int_equal(health("ward.test.v1.Echo", &r), WARD_OK);
    assert_int_equal(r->status, 2);
    assert_int_equal(health("", &r), WARD_OK);
    assert_int_equal(r->status, 1);
    assert_int_equal(health("ward.test.v1.Nobody", &r), WARD_NOT_FOUND);
}

static void a_server_is_not_serving_until_it_says_so(void **state)
{
    struct ward_rpc_config cfg = config_of();
    Grpc__Health__V1__HealthCheckResponse *r;

    (void)state;
    serve(&cfg);
    ward_rpc_serving(rpc, NULL, false);
    assert_int_equal(health("", &r), WARD_OK);
    assert_int_equal(r->status, 2);
    tear_down(NULL);
}

/* ---- invalid requests that a correct client never sends ---- */

struct raw {
    grpc_channel *channel;
    grpc_completion_queue *cq;
    grpc_status_code status;
    bool replied;
    int64_t left_ms; /* time until the deadline in the handler */
};

static void raw_call(struct raw *w, const char *path, const char *bytes, int n)
{
    grpc_channel_credentials *creds = grpc_insecure_credentials_create();
    grpc_metadata_array initial, trailing;
    grpc_slice body = grpc_slice_from_copied_buffer(bytes, n < 0 ? 0 : (size_t)n), words;
    grpc_byte_buffer *message = grpc_raw_byte_buffer_create(&body, 1), *reply = NULL;
    grpc_op ops[6] = {
        {.op = GRPC_OP_SEND_INITIAL_METADATA}, {.op = GRPC_OP_SEND_CLOSE_FROM_CLIENT},
        {.op = GRPC_OP_RECV_INITIAL_METADATA}, {.op = GRPC_OP_RECV_MESSAGE},
        {.op = GRPC_OP_RECV_STATUS_ON_CLIENT}, {.op = GRPC_OP_SEND_MESSAGE}};
    char target[64];
    grpc_call *c;

    snprintf(target, sizeof(target), "127.0.0.1:%d", ward_rpc_port(rpc));
    w->cq = grpc_completion_queue_create_for_pluck(NULL);
    w->channel = grpc_channel_create(target, creds, NULL);
    grpc_metadata_array_init(&initial);
    grpc_metadata_array_init(&trailing);
    ops[2].data.recv_initial_metadata.recv_initial_metadata = &initial;
    ops[3].data.recv_message.recv_message = &reply;
    ops[4].data.recv_status_on_client.trailing_metadata = &trailing;
    ops[4].data.recv_status_on_client.status = &w->status;
    ops[4].data.recv_status_on_client.status_details = &words;
    ops[5].data.send_message.send_message = message;
    c = grpc_channel_create_call(w->channel, NULL, GRPC_PROPAGATE_DEFAULTS, w->cq,
                                 grpc_slice_from_static_string(path), NULL,
                                 gpr_inf_future(GPR_CLOCK_MONOTONIC), NULL);
    assert_int_equal(grpc_call_start_batch(c, ops, n < 0 ? 5 : 6, w, NULL), GRPC_CALL_OK);
    grpc_completion_queue_pluck(w->cq, w, gpr_inf_future(GPR_CLOCK_MONOTONIC), NULL);
    w->replied = reply != NULL;
    if (reply != NULL) {
        ProtobufCMessage *m;

        assert_int_equal(core_unpack(&ward__test__v1__echo_response__descriptor, reply,
                                     WARD_WIRE_ELEMENTS, &mem, &m, &err),
                         WARD_OK);
        w->left_ms = ((Response *)m)->left_ms;
    }
    grpc_call_unref(c);
    grpc_byte_buffer_destroy(message);
    grpc_byte_buffer_destroy(reply);
    grpc_metadata_array_destroy(&initial);
    grpc_metadata_array_destroy(&trailing);
    grpc_slice_unref(words);
    grpc_slice_unref(body);
    grpc_channel_credentials_release(creds);
    grpc_channel_destroy(w->channel);
    grpc_completion_queue_shutdown(w->cq);
    grpc_completion_queue_destroy(w->cq);
}

static void a_call_without_a_deadline_gets_one(void **state)
{
    struct raw w;

    (void)state;
    raw_call(&w, ECHO(Fast), "", 0);
    assert_true(w.replied);
    assert_in_range(w.left_ms, 1, 10000);
    raw_call(&w, ECHO(Unary), "", 0); /* the method's own deadline, from the descriptors */
    assert_true(w.replied);
    assert_in_range(w.left_ms, 1, 5000);
}

static void a_path_nobody_serves_is_unimplemented(void **state)
{
    static const char *const paths[] = {ECHO(Nothing), "/ward.test.v1.Nobody/Unary", "/x", "/"};
    struct raw w;

    (void)state;
    for (size_t i = 0; i < WARD_COUNT(paths); i++) {
        raw_call(&w, paths[i], "", 0);
        assert_int_equal(w.status, GRPC_STATUS_UNIMPLEMENTED);
    }
}

static void bytes_that_are_no_message_are_refused(void **state)
{
    static const char *const paths[] = {ECHO(Unary), ECHO(Fast), ECHO(ServerStream),
                                        ECHO(ClientStream)};
    struct raw w;

    (void)state;
    for (size_t i = 0; i < WARD_COUNT(paths); i++) {
        raw_call(&w, paths[i], "\x0a\x7fshort", 7);
        assert_int_equal(w.status, GRPC_STATUS_INVALID_ARGUMENT);
        assert_false(w.replied);
    }
    assert_int_equal(room.entered, 0);
}

static void a_unary_call_without_a_message_is_refused(void **state)
{
    struct raw w;

    (void)state;
    raw_call(&w, ECHO(Unary), NULL, -1);
    assert_int_equal(w.status, GRPC_STATUS_INVALID_ARGUMENT);
    raw_call(&w, ECHO(Fast), NULL, -1);
    assert_int_equal(w.status, GRPC_STATUS_INVALID_ARGUMENT);
    raw_call(&w, "/grpc.health.v1.Health/Watch", NULL, -1);
    assert_int_equal(w.status, GRPC_STATUS_INVALID_ARGUMENT);
    assert_int_equal(room.entered, 0);
}

/* ---- metrics ---- */

struct wanted {
    const char *name, *code;
    double value;
    int found;
};

static void pick(const struct ward_family *f, void *arg)
{
    struct wanted *w = arg;

    if (strcmp(f->name, w->name) != 0)
        return;
    for (int i = 0; i < atomic_load(&f->n); i++) {
        const struct ward_series *s = atomic_load(&f->series[i]);

        if (strcmp(s->label[0], "ward.test.v1.Echo") != 0 ||
            strcmp(s->label[1], "Unary") != 0 ||
            (w->code != NULL && strcmp(s->label[2], w->code) != 0))
            continue;
        w->found++;
        w->value =
            f->type == WARD_HISTOGRAM ? (double)atomic_load(&s->count) : atomic_load(&s->value);
    }
}

static double figure(const char *name, const char *code)
{
    struct wanted w = {.name = name, .code = code};

    ward_metric_each(pick, &w);
    return w.value;
}

static void every_call_is_counted(void **state)
{
    double started_was = figure("grpc_server_started_total", NULL);
    double ok_was = figure("grpc_server_handled_total", "OK");
    double missing_was = figure("grpc_server_handled_total", "NOT_FOUND");
    double seconds_was = figure("grpc_server_handling_seconds", NULL);
    double in_was = figure("ward_rpc_received_bytes_total", NULL);
    double out_was = figure("ward_rpc_sent_bytes_total", NULL);
    uint8_t bytes[100] = {0};
    Response *r;

    (void)state;
    assert_int_equal(call(ECHO(Unary), REQUEST(.payload = {100, bytes}), &r), WARD_OK);
    assert_int_equal(call(ECHO(Unary), REQUEST(TEXT("fail"), .fail_code = 5), &r),
                     WARD_NOT_FOUND);
    assert_true(figure("grpc_server_started_total", NULL) == started_was + 2);
    assert_true(figure("grpc_server_handled_total", "OK") == ok_was + 1);
    assert_true(figure("grpc_server_handled_total", "NOT_FOUND") == missing_was + 1);
    assert_true(figure("grpc_server_handling_seconds", NULL) == seconds_was + 2);
    assert_true(figure("ward_rpc_received_bytes_total", NULL) >= in_was + 100);
    assert_true(figure("ward_rpc_sent_bytes_total", NULL) >= out_was + 100);
    assert_true(figure("ward_rpc_in_flight", NULL) == 0);
    assert_true(figure("ward_rpc_arena_high_water_bytes", NULL) > 0);
}

#define SERVED(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        SERVED(a_worker_answers_with_what_is_its_own),
        SERVED(an_inline_method_has_no_worker),
        SERVED(a_failure_carries_its_words_and_its_reason_and_no_detail),
        SERVED(a_code_no_handler_may_give_becomes_internal),
        SERVED(a_method_nobody_may_call_is_refused),
        SERVED(a_refused_call_of_an_audited_method_is_audited_before_its_reply),
        SERVED(memory_past_the_cap_fails_one_call_only),
        SERVED(a_message_too_large_is_refused_not_fatal),
        SERVED(a_call_without_a_deadline_gets_one),
        SERVED(a_trace_is_continued_and_a_bad_one_replaced),
        cmocka_unit_test(a_full_queue_sheds_its_oldest_and_says_when_to_come_back),
        SERVED(a_call_too_late_never_reaches_its_handler),
        SERVED(a_deadline_reaches_the_handler),
        SERVED(health_answers_while_every_worker_is_busy),
        SERVED(health_is_told_by_service),
        cmocka_unit_test(a_server_is_not_serving_until_it_says_so),
        SERVED(a_path_nobody_serves_is_unimplemented),
        SERVED(bytes_that_are_no_message_are_refused),
        SERVED(a_unary_call_without_a_message_is_refused),
        SERVED(every_call_is_counted),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
