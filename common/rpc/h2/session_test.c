/* A session and its calls. session_abuse_test.c has the tests with malicious peers. */
#include "common/rpc/h2/session_testing.h"

static int set_up(void **state)
{
    (void)state;
    w_open((struct ward_rpc_config){0});
    w_preface();
    assert_true(w.alive);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    w_close(); /* asserts that no memory is left */
    return 0;
}

static void a_call_is_answered_with_headers_a_message_and_trailers(void **state)
{
    const struct w_stream *st = w_stream(1);

    (void)state;
    w_call(1, W_FAST);
    assert_string_equal(st->http, "200");
    assert_int_equal(w_status(1), WARD_OK);
    assert_int_equal(st->headers, 2);
    assert_int_equal(st->n_data, 5);
    assert_true(st->ended);
    assert_false(st->reset);
    assert_int_equal(w.session.n_calls, 0);
}

static void a_worker_answers_as_well(void **state)
{
    (void)state;
    w_call(1, W_UNARY);
    assert_int_equal(w_status(1), WARD_OK);
    assert_int_equal(w.entered, 1);
}

static void hundreds_of_calls_at_once_are_all_answered(void **state)
{
    (void)state;
    w.srv.most_conn = w.srv.most_peer = w.srv.most_all = (size_t)64 << 20;
    for (int32_t id = 1; id < 1001; id += 2)
        w_begin(id, W_FAST, NULL, NULL);
    for (int32_t id = 999; id >= 1; id -= 2)
        w_data(id, w_empty, 5, true);
    for (int32_t id = 1; id < 1001; id += 2)
        assert_int_equal(w_status(id), WARD_OK);
}

static void a_method_that_is_not_there_is_unimplemented(void **state)
{
    static const char *const paths[] = {"/ward.test.v1.Echo/Fas", "/ward.test.v1.Echo/Fastt",
                                        "/nobody/Home", "/", "/ward.test.v1.Echo/"};

    (void)state;
    for (int32_t i = 0; i < 5; i++) {
        w_call(2 * i + 1, paths[i]);
        assert_int_equal(w_status(2 * i + 1), WARD_UNIMPLEMENTED);
    }
    assert_int_equal(w.entered, 0);
}

static void what_is_no_grpc_call_gets_an_http_status(void **state)
{
    uint8_t block[256];
    size_t n = w_literal(block, ":method", "GET");

    (void)state;
    n += w_literal(block + n, ":scheme", "http");
    n += w_literal(block + n, ":path", W_FAST);
    n += w_literal(block + n, ":authority", "x");
    w_send_frame(NGHTTP2_HEADERS, NGHTTP2_FLAG_END_HEADERS | NGHTTP2_FLAG_END_STREAM, 1, block,
                 n);
    assert_string_equal(w_stream(1)->http, "405");
    n = w_literal(block, ":method", "POST");
    n += w_literal(block + n, ":scheme", "http");
    n += w_literal(block + n, ":path", W_FAST);
    n += w_literal(block + n, ":authority", "x");
    n += w_literal(block + n, "content-type", "application/grpcx");
    w_send_frame(NGHTTP2_HEADERS, NGHTTP2_FLAG_END_HEADERS, 3, block, n);
    assert_string_equal(w_stream(3)->http, "415");
    assert_true(w_stream(3)->ended && w_stream(3)->reset);
    assert_int_equal(w_stream(3)->reset_code, NGHTTP2_NO_ERROR);
}

static void odd_headers_fail_their_call_and_no_other(void **state)
{
    static const char *const odd[][2] = {
        {"grpc-timeout", "soon"}, {"grpc-timeout", "123456789S"}, {"x-trace-bin", "!!!"}};

    (void)state;
    for (int32_t i = 0; i < 3; i++) {
        w_begin(4 * i + 1, W_FAST, odd[i][0], odd[i][1]);
        assert_int_equal(w_status(4 * i + 1), WARD_INTERNAL);
        w_call(4 * i + 3, W_FAST);
        assert_int_equal(w_status(4 * i + 3), WARD_OK);
    }
    w_begin(13, W_FAST, "x-list-bin", "YQ==, YWI,YWJj");
    w_data(13, w_empty, 5, true);
    assert_int_equal(w_status(13), WARD_OK);
}

static void metadata_past_the_limit_fails_its_call_and_the_next_is_understood(void **state)
{
    static char value[20001];

    (void)state;
    memset(value, 'x', sizeof(value) - 1);
    w_begin(1, W_FAST, "x-long", value);
    assert_int_equal(w_status(1), WARD_RESOURCE_EXHAUSTED);
    w_call(3, W_FAST);
    assert_int_equal(w_status(3), WARD_OK);
}

static void a_compressed_message_is_refused_with_what_is_accepted(void **state)
{
    static const uint8_t flagged[] = {1, 0, 0, 0, 1, 'x'};

    (void)state;
    w_begin(1, W_FAST, "grpc-encoding", "gzip");
    w_data(1, flagged, sizeof(flagged), true);
    assert_int_equal(w_status(1), WARD_UNIMPLEMENTED);
    assert_string_equal(w_stream(1)->accept, "identity");
    assert_true(w_stream(1)->n_details > 0);
    w_begin(3, W_FAST, NULL, NULL);
    w_data(3, flagged, sizeof(flagged), true);
    assert_int_equal(w_status(3), WARD_INTERNAL);
    w_begin(5, W_FAST, "grpc-encoding", "gzip"); /* a message may still be uncompressed */
    w_data(5, w_empty, 5, true);
    assert_int_equal(w_status(5), WARD_OK);
}

static void messages_that_are_too_many_too_few_too_large_or_cut_are_refused(void **state)
{
    static const uint8_t two[10], large[5] = {0, 0, 0, 0x10, 1}, cut[] = {0, 0, 0, 0, 9, 'x'};

    (void)state;
    w_begin(1, W_FAST, NULL, NULL);
    w_data(1, two, sizeof(two), true);
    assert_int_equal(w_status(1), WARD_UNIMPLEMENTED);
    w_begin(3, W_FAST, NULL, NULL);
    w_data(3, NULL, 0, true);
    assert_int_equal(w_status(3), WARD_INVALID_ARGUMENT);
    w_begin(5, W_FAST, NULL, NULL);
    w_data(5, large, sizeof(large), false);
    assert_int_equal(w_status(5), WARD_RESOURCE_EXHAUSTED);
    assert_true(w_stream(5)->ended && w_stream(5)->reset); /* the reset means "stop sending" */
    assert_int_equal(w_stream(5)->reset_code, NGHTTP2_NO_ERROR);
    w_begin(7, W_FAST, NULL, NULL);
    w_data(7, cut, sizeof(cut), true);
    assert_int_equal(w_status(7), WARD_INTERNAL);
    assert_int_equal(w.entered, 0);
}

/* Begins a streaming call, and takes it from the queue like a worker. */
static struct h2_call *taken_bidi(int32_t id)
{
    struct queue *q = &w.rpc.crews[CREW_STREAMS].queue;

    w_begin(id, "/ward.test.v1.Echo/Bidi", NULL, NULL);
    assert_int_equal(queue_waiting(q), 1);
    return h2_of(RPC_OF(queue_take(q, &w.worker.waiter), struct served, job));
}

/* A client that cancels may half-close first. The cancelled call must not look complete. */
static void a_reset_that_follows_a_half_close_at_once_cancels_the_call(void **state)
{
    static const uint8_t cancel[] = {0, 0, 0, NGHTTP2_CANCEL};
    struct ward_err err = {0};
    struct h2_call *c;
    uint8_t both[64];
    size_t n;

    (void)state;
    queue_done(&w.rpc.crews[CREW_STREAMS].queue);
    queue_init(&w.rpc.crews[CREW_STREAMS].queue, 8, 1, 0, 0);
    c = taken_bidi(1);
    n = w_put_frame(both, NGHTTP2_DATA, NGHTTP2_FLAG_END_STREAM, 1, NULL, 0);
    n += w_put_frame(both + n, NGHTTP2_RST_STREAM, 0, 1, cancel, sizeof(cancel));
    w_bytes(both, n);
    assert_true(atomic_load(&c->s.cancelled));
    assert_false(c->ended);
    face_finish(&c->s, NULL, WARD_FAIL(&err, CANCELLED, "the caller disconnected"), &err);
    c = taken_bidi(3);
    w_data(3, NULL, 0, true);
    assert_false(atomic_load(&c->s.cancelled));
    assert_true(c->ended);
    face_finish(&c->s, NULL, WARD_FAIL(&err, UNIMPLEMENTED, "no streams here"), &err);
    w_turn();
    assert_int_equal(w_status(3), WARD_UNIMPLEMENTED);
}

static void a_call_that_does_not_come_whole_ends_at_its_deadline(void **state)
{
    (void)state;
    w_begin(1, W_FAST, "grpc-timeout", "100m");
    w_begin(3, W_FAST, NULL, NULL);
    w_later(200);
    assert_int_equal(w_status(1), WARD_DEADLINE_EXCEEDED);
    assert_int_equal(w_status(3), -1);
    w_later(11000); /* the method's own deadline passes */
    assert_int_equal(w_status(3), WARD_DEADLINE_EXCEEDED);
    w_begin(5, "/ward.test.v1.Echo/ServerStream", NULL, NULL); /* without a deadline */
    w_later(59000);
    assert_int_equal(w_status(5), -1);
    w_later(2000);
    assert_int_equal(w_status(5), WARD_DEADLINE_EXCEEDED);
}

static void an_answer_given_at_the_deadline_is_sent(void **state)
{
    struct queue *q = &w.rpc.crews[CREW_STREAMS].queue;
    struct ward_err err = {0};
    struct h2_call *c;

    (void)state;
    queue_done(q);
    queue_init(q, 8, 1, 0, 0);
    w_begin(1, "/ward.test.v1.Echo/Bidi", "grpc-timeout", "100m");
    c = h2_of(RPC_OF(queue_take(q, &w.worker.waiter), struct served, job));
    face_finish(&c->s, NULL, WARD_FAIL(&err, DEADLINE_EXCEEDED, "too late"), &err);
    w_later(101); /* the timer runs before the loop reads the handler's mail */
    assert_int_equal(w_status(1), WARD_DEADLINE_EXCEEDED);
    assert_int_equal(w_stream(1)->reset_code, NGHTTP2_NO_ERROR);
}

/* ---- windows ---- */

static void set_window(uint32_t n)
{
    const uint8_t s[6] = {0,
                          NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE,
                          (uint8_t)(n >> 24),
                          (uint8_t)(n >> 16),
                          (uint8_t)(n >> 8),
                          (uint8_t)n};

    w_send_frame(NGHTTP2_SETTINGS, 0, 0, s, 6);
}

static void an_answer_waits_for_its_window_and_not_for_ever(void **state)
{
    static const uint8_t five[4] = {0, 0, 0, 5};

    (void)state;
    set_window(0);
    w_call(1, W_FAST);
    w_call(3, W_FAST);
    assert_int_equal(w_status(1), -1);
    assert_int_equal(w_stream(1)->n_data, 0);
    w_send_frame(NGHTTP2_WINDOW_UPDATE, 0, 1, five, 4);
    assert_int_equal(w_status(1), WARD_OK);
    w_later(H2_STALL_MS + 100);
    assert_true(w_stream(3)->reset);
    assert_int_equal(w_stream(3)->reset_code, NGHTTP2_CANCEL);
    assert_int_equal(w.session.n_calls, 0);
}

static void a_window_of_one_byte_gets_a_byte_a_frame(void **state)
{
    static const uint8_t one[4] = {0, 0, 0, 1};

    (void)state;
    set_window(1);
    w_call(1, W_FAST);
    for (int i = 0; i < 4; i++)
        w_send_frame(NGHTTP2_WINDOW_UPDATE, 0, 1, one, 4);
    assert_int_equal(w_status(1), WARD_OK);
    assert_int_equal(w_stream(1)->n_data, 5);
    assert_in_range(w_stream(1)->data_frames, 5, 6);
}

static void padding_is_not_part_of_a_message(void **state)
{
    const uint8_t padded[1 + 5 + 100] = {100};

    (void)state;
    w_begin(1, W_FAST, NULL, NULL);
    w_send_frame(NGHTTP2_DATA, NGHTTP2_FLAG_PADDED | NGHTTP2_FLAG_END_STREAM, 1, padded,
                 sizeof(padded));
    assert_int_equal(w_status(1), WARD_OK);
}

/* A peer's other calls continue although one of its messages is incomplete. */
static void one_slow_body_stops_no_other(void **state)
{
    static uint8_t part[4096] = {0, 0, 0, 0x10, 0};

    (void)state;
    for (int32_t id = 1; id < 41; id += 2) {
        w_begin(id, W_FAST, NULL, NULL);
        w_data(id, part, 4000, false);
    }
    w_call(41, W_FAST);
    assert_int_equal(w_status(41), WARD_OK);
}

/* ---- time ---- */

static void a_drain_is_said_twice_and_serves_what_came_between(void **state)
{
    (void)state;
    w_begin(1, W_FAST, NULL, NULL);
    session_drain(&w.session);
    w_turn();
    assert_int_equal(w.said.goaways, 1);
    assert_int_equal(w.said.goaway_last, INT32_MAX);
    w_begin(3, W_FAST, NULL, NULL);
    w_send_frame(NGHTTP2_PING, NGHTTP2_FLAG_ACK, 0, w.said.ping, 8);
    w_later(150);
    assert_int_equal(w.said.goaways, 2);
    assert_int_equal(w.said.goaway_last, 3);
    assert_int_equal(w.said.goaway_code, NGHTTP2_NO_ERROR);
    w_data(1, w_empty, 5, true);
    assert_int_equal(w_status(1), WARD_OK);
    assert_true(w.alive);
    w_data(3, w_empty, 5, true);
    assert_int_equal(w_status(3), WARD_OK);
    assert_false(w.alive); /* the session has ended */
}

static void a_peer_that_answers_no_goodbye_is_left_all_the_same(void **state)
{
    (void)state;
    session_drain(&w.session);
    w_later(2100);
    assert_int_equal(w.said.goaways, 2);
    assert_false(w.alive);
}

static void a_silent_peer_is_pinged_and_dropped(void **state)
{
    (void)state;
    w_later(59000);
    assert_int_equal(w.said.pings, 0);
    w_later(2000);
    assert_int_equal(w.said.pings, 1);
    w_send_frame(NGHTTP2_PING, NGHTTP2_FLAG_ACK, 0, w.said.ping, 8);
    w_later(62000);
    assert_int_equal(w.said.pings, 2);
    w_later(21000);
    assert_false(w.alive);
}

static void a_connection_leaves_at_its_age_and_is_cut_after_its_grace(void **state)
{
    (void)state;
    w_close();
    w_open((struct ward_rpc_config){.max_age_ms = 10000, .max_age_grace_ms = 3000});
    w_preface();
    w_begin(1, W_FAST, "grpc-timeout", "1M");
    w_later(8000);
    assert_int_equal(w.said.goaways, 0);
    w_later(3500);
    assert_int_equal(w.said.goaways, 1);
    w_later(2500);
    assert_int_equal(w.said.goaways, 2);
    assert_true(w.alive);
    w_later(2000);
    assert_false(w.alive);
}

static void an_idle_connection_is_let_go(void **state)
{
    (void)state;
    w.session.heard -= H2_IDLE_MS * W_MS;
    w.rpc.cfg.keepalive_ms = 2 * H2_IDLE_MS;
    w_later(1100);
    assert_int_equal(w.said.goaways, 1);
}

static void a_refusal_of_a_peer_that_asks_too_often_is_held_back(void **state)
{
    int held = 0;

    (void)state;
    for (int32_t id = 1; id < 101; id += 2) /* no worker serves streams here */
        w_call(id, "/ward.test.v1.Echo/ServerStream");
    for (int32_t id = 1; id < 101; id += 2)
        held += w_status(id) == -1;
    assert_in_range(held, 30, 49);
    w_later(40);
    for (int32_t id = 1; id < 101; id += 2)
        assert_int_equal(w_status(id), WARD_RESOURCE_EXHAUSTED);
}

static void a_call_that_would_be_done_just_before_its_deadline_is_refused(void **state)
{
    struct method *m = table_find(&w.rpc, W_UNARY, strlen(W_UNARY));

    (void)state;
    atomic_store(&m->cost_ns, 3400 * W_MS); /* with the estimate's margin of 110 %: 3.74 s */
    w_begin(1, W_UNARY, "grpc-timeout", "4S");
    w_data(1, w_empty, 5, true);
    assert_int_equal(w_status(1), WARD_RESOURCE_EXHAUSTED);
    w_begin(3, W_UNARY, "grpc-timeout", "8S");
    w_data(3, w_empty, 5, true);
    assert_int_equal(w_status(3), WARD_OK);
    assert_int_equal(w.entered, 1);
}

/* tear_down asserts that the call has ended. */
static void a_watch_whose_word_had_no_room_ends_with_its_connection(void **state)
{
    (void)state;
    set_window(0);
    w_call(1, W_WATCH);
    assert_int_equal(w_stream(1)->n_data, 0);
    session_close(&w.session);
}

static void a_watch_whose_word_was_on_its_way_ends_with_its_connection(void **state)
{
    (void)state;
    w_call(1, W_WATCH);
    assert_int_equal(w_stream(1)->n_data, 7);
    health_set(w.rpc.health, NULL, true); /* the loop has not yet read its mail */
    session_close(&w.session);
}

#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(a_call_is_answered_with_headers_a_message_and_trailers),
        T(a_worker_answers_as_well),
        T(hundreds_of_calls_at_once_are_all_answered),
        T(a_method_that_is_not_there_is_unimplemented),
        T(what_is_no_grpc_call_gets_an_http_status),
        T(odd_headers_fail_their_call_and_no_other),
        T(metadata_past_the_limit_fails_its_call_and_the_next_is_understood),
        T(a_compressed_message_is_refused_with_what_is_accepted),
        T(messages_that_are_too_many_too_few_too_large_or_cut_are_refused),
        T(a_reset_that_follows_a_half_close_at_once_cancels_the_call),
        T(a_call_that_does_not_come_whole_ends_at_its_deadline),
        T(an_answer_given_at_the_deadline_is_sent),
        T(an_answer_waits_for_its_window_and_not_for_ever),
        T(a_window_of_one_byte_gets_a_byte_a_frame),
        T(padding_is_not_part_of_a_message),
        T(one_slow_body_stops_no_other),
        T(a_drain_is_said_twice_and_serves_what_came_between),
        T(a_peer_that_answers_no_goodbye_is_left_all_the_same),
        T(a_silent_peer_is_pinged_and_dropped),
        T(a_connection_leaves_at_its_age_and_is_cut_after_its_grace),
        T(an_idle_connection_is_let_go),
        T(a_refusal_of_a_peer_that_asks_too_often_is_held_back),
        T(a_call_that_would_be_done_just_before_its_deadline_is_refused),
        T(a_watch_whose_word_had_no_room_ends_with_its_connection),
        T(a_watch_whose_word_was_on_its_way_ends_with_its_connection),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
