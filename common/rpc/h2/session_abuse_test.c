/* A session and malicious peers: each attack ends the connection or is harmless, and all memory
 * is freed. tests/contract/rpc/abuse.test.js makes the attacks on a real server. */
#include "common/rpc/h2/session_testing.h"

#define MANY 10000

static int set_up(void **state)
{
    (void)state;
    w_open((struct ward_rpc_config){0});
    w_preface();
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    w_close(); /* asserts that no memory is left */
    return 0;
}

/* Sends the frame until the server ends the connection. Returns the number of frames. */
static int flood(uint8_t type, uint8_t flags, int32_t id, const void *p, size_t n)
{
    int sent = 0;

    while (w.alive && sent < MANY) {
        w_send_frame(type, flags, id, p, n);
        sent++;
    }
    return sent;
}

#define ENDS_CALMLY(sent)                                                                      \
    do {                                                                                       \
        assert_in_range(sent, 100, 3500);                                                      \
        assert_int_equal(w.said.goaways, 1);                                                   \
        assert_int_equal(w.said.goaway_code, NGHTTP2_ENHANCE_YOUR_CALM);                       \
    } while (0)

static void frames_that_move_no_call_end_the_connection(void **state)
{
    static const uint8_t ping[8], setting[6] = {0, 4, 0, 0, 0xff, 0xff}, one[4] = {0, 0, 0, 1},
                                  priority[5] = {0, 0, 0, 0, 16};
    static const struct {
        uint8_t type, flags;
        const uint8_t *p;
        size_t n;
        int32_t id;
    } floods[] = {
        {NGHTTP2_PING, 0, ping, 8, 0},         {NGHTTP2_PING, NGHTTP2_FLAG_ACK, ping, 8, 0},
        {NGHTTP2_SETTINGS, 0, setting, 6, 0},  {NGHTTP2_PRIORITY, 0, priority, 5, 3},
        {NGHTTP2_WINDOW_UPDATE, 0, one, 4, 0}, {NGHTTP2_WINDOW_UPDATE, 0, one, 4, 1},
        {NGHTTP2_DATA, 0, NULL, 0, 1},         {0x42, 0, ping, 8, 0},
    };

    (void)state;
    for (size_t i = 0; i < WARD_COUNT(floods); i++) {
        int sent;

        w_begin(1, W_FAST, NULL, NULL);
        sent = flood(floods[i].type, floods[i].flags, floods[i].id, floods[i].p, floods[i].n);
        if (sent == MANY)
            fail_msg("flood %zu goes on", i);
        ENDS_CALMLY(sent);
        tear_down(NULL);
        set_up(NULL);
    }
}

static void resets_by_the_peer_end_the_connection(void **state)
{
    static const uint8_t cancel[4] = {0, 0, 0, NGHTTP2_CANCEL};
    int sent = 0;

    (void)state;
    for (; w.alive && sent < MANY; sent++) {
        w_begin(2 * sent + 1, W_UNARY, NULL, NULL);
        w_send_frame(NGHTTP2_RST_STREAM, 0, 2 * sent + 1, cancel, 4);
    }
    assert_in_range(sent, 500, 2500);
    assert_in_range(w.session.n_calls, 0, 1);
}

/* A client with short deadlines cancels half of its calls, for hours. */
static void an_honest_client_that_cancels_half_of_its_calls_is_served(void **state)
{
    static const uint8_t cancel[4] = {0, 0, 0, NGHTTP2_CANCEL};

    (void)state;
    for (int32_t i = 0; i < 5000 && w.alive; i++) {
        w_call(4 * i + 1, W_FAST);
        w_begin(4 * i + 3, W_FAST, NULL, NULL);
        w_send_frame(NGHTTP2_RST_STREAM, 0, 4 * i + 3, cancel, 4);
        w.loop.now += 3 * W_MS;
    }
    assert_true(w.alive);
}

/* A window that overflows makes the server reset the stream. */
static void resets_that_a_peer_provokes_end_the_connection(void **state)
{
    static const uint8_t most[4] = {0x7f, 0xff, 0xff, 0xff};
    int sent = 0;

    (void)state;
    for (; w.alive && sent < MANY; sent++) {
        w_begin(2 * sent + 1, W_FAST, NULL, NULL);
        w_send_frame(NGHTTP2_WINDOW_UPDATE, 0, 2 * sent + 1, most, 4);
    }
    ENDS_CALMLY(sent);
}

static void a_call_past_the_agreed_limit_of_a_connection_ends_it(void **state)
{
    int sent = 0;

    (void)state;
    w.srv.most_conn = w.srv.most_peer = w.srv.most_all = (size_t)64 << 20;
    for (; w.alive && sent < MANY; sent++)
        w_begin(2 * sent + 1, W_FAST, NULL, NULL);
    assert_int_equal(sent, H2_STREAMS + 1);
    assert_int_equal(w.said.goaways, 1);
}

/* ---- headers ---- */

static void continuations_without_end_end_the_connection(void **state)
{
    uint8_t block[4096];
    size_t n = w_block(block, W_FAST, NULL, NULL);
    int sent;

    (void)state;
    w_send_frame(NGHTTP2_HEADERS, 0, 1, block, n);
    sent = flood(NGHTTP2_CONTINUATION, 0, 1, NULL, 0);
    assert_in_range(sent, 1, 10);
}

static void one_value_of_a_gigabyte_is_not_waited_for(void **state)
{
    static const uint8_t head[] = {0x83, 0x86, 0,    3,    'x',  '-', 'a',
                                   0x7f, 0x80, 0xff, 0xff, 0xff, 3};
    static uint8_t part[16000];
    int sent;

    (void)state;
    w_send_frame(NGHTTP2_HEADERS, 0, 1, head, sizeof(head));
    sent = flood(NGHTTP2_CONTINUATION, 0, 1, part, sizeof(part));
    assert_in_range(sent, 0, 10);
}

/* The header table has a value of 4 kB, and one byte repeats the value each time. */
static void a_header_bomb_ends_the_connection(void **state)
{
    static uint8_t block[16000];
    static char value[3901];
    size_t n = w_block(block, W_FAST, NULL, NULL), at = n;

    (void)state;
    memset(value, 'a', sizeof(value) - 1);
    n += w_literal(block + n, "x-bomb", value);
    block[at] = 0x40; /* stores the header in the table */
    memset(block + n, 0xbe, 4000);
    w_send_frame(NGHTTP2_HEADERS, NGHTTP2_FLAG_END_HEADERS, 1, block, n + 4000);
    assert_false(w.alive);
}

static void trailers_without_end_end_the_connection(void **state)
{
    static uint8_t block[16000];
    size_t n = 0;
    int32_t id = 1;

    (void)state;
    while (n < 15000)
        n += w_literal(block + n, "x", "y");
    for (; w.alive && id < 200; id += 2) {
        w_begin(id, W_FAST, NULL, NULL);
        w_send_frame(NGHTTP2_HEADERS, NGHTTP2_FLAG_END_HEADERS | NGHTTP2_FLAG_END_STREAM, id,
                     block, n);
    }
    assert_in_range(id, 3, 21);
}

/* ---- memory ---- */

static void messages_that_never_end_are_refused_past_the_peers_memory(void **state)
{
    static uint8_t part[3000] = {0, 0, 0, 0x10, 0};
    int refused = 0;

    (void)state;
    for (int32_t id = 1; id < 401; id += 2) {
        w_begin(id, W_FAST, NULL, NULL);
        w_data(id, part, sizeof(part), false);
    }
    assert_true(w.alive);
    assert_true(atomic_load(&w.from->bytes) < w.srv.most_peer + 64 * 1024);
    for (int32_t id = 1; id < 401; id += 2)
        refused += w_status(id) == WARD_RESOURCE_EXHAUSTED;
    assert_in_range(refused, 100, 199);
}

static void what_one_peer_holds_is_its_connections_together(void **state)
{
    (void)state;
    atomic_fetch_add(&w.from->bytes, w.srv.most_peer + 1);
    w_call(1, W_FAST);
    assert_int_equal(w_status(1), WARD_RESOURCE_EXHAUSTED);
    atomic_fetch_sub(&w.from->bytes, w.srv.most_peer + 1);
    w_call(3, W_FAST);
    assert_int_equal(w_status(3), WARD_OK);
}

static void nghttp2_past_its_memory_ends_the_connection_and_no_more(void **state)
{
    (void)state;
    w.session.h2_bytes += H2_MEMORY; /* simulates that nghttp2 uses this memory */
    for (int32_t id = 1; id < 41 && w.alive; id += 2)
        w_call(id, W_FAST);
    assert_false(w.alive);
    w.session.h2_bytes -= H2_MEMORY;
}

/* ---- bytes ---- */

static void what_is_no_http2_ends_the_connection(void **state)
{
    static const char *const first[] = {"GET / HTTP/1.1\r\n\r\n",
                                        "PRI * HTTP/2.0\r\n\r\nXX\r\n\r\n",
                                        "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"};

    (void)state;
    for (size_t i = 0; i < WARD_COUNT(first); i++) {
        tear_down(NULL);
        w_open((struct ward_rpc_config){0});
        w_bytes(first[i], strlen(first[i]));
        assert_false(w.alive);
    }
}

#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(frames_that_move_no_call_end_the_connection),
        T(resets_by_the_peer_end_the_connection),
        T(an_honest_client_that_cancels_half_of_its_calls_is_served),
        T(resets_that_a_peer_provokes_end_the_connection),
        T(a_call_past_the_agreed_limit_of_a_connection_ends_it),
        T(continuations_without_end_end_the_connection),
        T(one_value_of_a_gigabyte_is_not_waited_for),
        T(a_header_bomb_ends_the_connection),
        T(trailers_without_end_end_the_connection),
        T(messages_that_never_end_are_refused_past_the_peers_memory),
        T(what_one_peer_holds_is_its_connections_together),
        T(nghttp2_past_its_memory_ends_the_connection_and_no_more),
        T(what_is_no_http2_ends_the_connection),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
