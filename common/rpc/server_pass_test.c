/* A handler that calls another server: the parts of its own call that are passed on. */
#include "common/rpc/server_testing.h"

#include "common/base/clock.h"

#include <sys/resource.h>

static struct ward_rpc *front, *back;
static struct ward_client *to_front, *to_back;
static long woken; /* number of times that the handler's thread slept before its answer */

static long sleeps(void)
{
    struct rusage at;

    getrusage(RUSAGE_THREAD, &at);
    return at.ru_nvcsw;
}

/* Waits at the other server's gate, with a longer deadline than any caller in this test. */
static enum ward_code pass_rpc(struct ward_call *c, const ProtobufCMessage *q,
                               ProtobufCMessage *r)
{
    struct ward_out with = ward_out_of(c);
    enum ward_code code;
    Response *answer;

    (void)r;
    with.deadline_ns = ward_mono_ns() + 60000 * WARD_NS_PER_MS;
    woken = -sleeps();
    code = ask(to_back, ECHO(Unary), *(const Request *)q, &with, c->mem, &answer, c->err);
    woken += sleeps();
    return code;
}

/* Runs on the poll thread, which must not wait for itself. */
static enum ward_code fast_rpc(struct ward_call *c, const ProtobufCMessage *q,
                               ProtobufCMessage *r)
{
    bool pass = strcmp(((const Request *)q)->text, "pass") == 0;

    return pass ? pass_rpc(c, q, r) : echo_rpc(c, q, r);
}

static int set_up(void **state)
{
    static struct ward_method methods[WARD_COUNT(echo_methods)];
    struct ward_rpc_config cfg = config_of();

    (void)state;
    memcpy(methods, echo_methods, sizeof(methods));
    methods[0].fn = fast_rpc;
    methods[1].fn = pass_rpc; /* Unary */
    methods[4].fn = pass_rpc; /* ServerStream */
    back = started(&cfg);
    to_back = client_of(back, &plain);
    cfg.methods = methods;
    front = started(&cfg);
    to_front = client_of(front, &plain);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    ward_client_close(to_front);
    ward_rpc_stop(front, 0);
    ward_client_close(to_back);
    ward_rpc_stop(back, 0);
    return 0;
}

static void a_caller_that_gives_up_ends_what_was_called_for_it(void **state)
{
    struct asked a = {.deadline_ns = ward_mono_ns() + 1000 * WARD_NS_PER_MS};

    (void)state;
    ask_later(&a, to_front, ECHO(Unary), "gate");
    UNTIL(room.at_gate == 1);
    assert_int_equal(answer_of(&a), WARD_DEADLINE_EXCEEDED);
    UNTIL(room.saw_cancel == 1);
}

static void a_stream_that_is_closed_ends_what_was_called_for_it(void **state)
{
    struct ward_out with = {.deadline_ns = ward_mono_ns() + 60000 * WARD_NS_PER_MS};
    struct ward_client_stream *s = NULL;
    Request q = REQUEST(TEXT("gate"));
    struct ward_err err = {0};

    (void)state;
    assert_int_equal(ward_client_open_stream(to_front, ECHO(ServerStream), &with,
                                             &ward__test__v1__echo_response__descriptor, &s,
                                             &err),
                     WARD_OK);
    assert_int_equal(ward_client_send(s, &q.base, &err), WARD_OK);
    assert_int_equal(ward_client_send_end(s, &err), WARD_OK);
    UNTIL(room.at_gate == 1);
    ward_client_close_stream(s);
    UNTIL(room.saw_cancel == 1);
}

static void a_call_made_for_another_that_ended_well_is_left_alone(void **state)
{
    struct ward_err err = {0};
    struct ward_arena mem;
    Response *r;

    (void)state;
    ward_arena_init(&mem, ARENA);
    for (int i = 0; i < 50; i++)
        assert_int_equal(ask(to_front, ECHO(Unary), REQUEST(TEXT("")), NULL, &mem, &r, &err),
                         WARD_OK);
    assert_int_equal(room.entered, 50);
    assert_int_equal(room.saw_cancel, 0);
    ward_arena_done(&mem);
}

/* A waiting thread does not read other calls that arrive meanwhile. */
static void a_handler_sleeps_until_its_call_is_answered(void **state)
{
    struct ward_err err = {0};
    struct ward_arena mem;
    struct asked a = {0};
    Response *r;

    (void)state;
    ward_arena_init(&mem, ARENA);
    ask_later(&a, to_front, ECHO(Unary), "gate");
    UNTIL(room.at_gate == 1);
    for (int i = 0; i < 300; i++)
        assert_int_equal(ask(to_front, ECHO(Fast), REQUEST(TEXT("")), NULL, &mem, &r, &err),
                         WARD_OK);
    atomic_store(&room.gate, true);
    assert_int_equal(answer_of(&a), WARD_OK);
    assert_in_range(woken, 1, 30);
    ward_arena_done(&mem);
}

static void a_handler_on_the_poll_thread_is_answered_too(void **state)
{
    struct ward_err err = {0};
    struct ward_arena mem;
    Response *r;

    (void)state;
    ward_arena_init(&mem, ARENA);
    assert_int_equal(ask(to_front, ECHO(Fast), REQUEST(TEXT("pass")), NULL, &mem, &r, &err),
                     WARD_OK);
    assert_int_equal(room.entered, 1);
    ward_arena_done(&mem);
}

#define SERVED(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        SERVED(a_caller_that_gives_up_ends_what_was_called_for_it),
        SERVED(a_stream_that_is_closed_ends_what_was_called_for_it),
        SERVED(a_call_made_for_another_that_ended_well_is_left_alone),
        SERVED(a_handler_sleeps_until_its_call_is_answered),
        SERVED(a_handler_on_the_poll_thread_is_answered_too),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
