#include "common/rpc/server_testing.h"

#define CALLS 50

static struct ward_rpc *first, *second;
static struct ward_client *client;
static struct ward_arena mem;
static int last_of_first; /* number of the first server's last worker */

static int set_up(void **state)
{
    struct ward_rpc_config cfg = config_of();
    char target[96];

    (void)state;
    ward_arena_init(&mem, ARENA);
    first = started(&cfg);
    last_of_first = atomic_load(&room.opened);
    second = started(&cfg);
    snprintf(target, sizeof(target), "ipv4:127.0.0.1:%d,127.0.0.1:%d", ward_rpc_port(first),
             ward_rpc_port(second));
    return ward_client_open(&(struct ward_client_config){.target = target, .server = "echo"},
                            &client, NULL) == WARD_OK
               ? 0
               : -1;
}

static int tear_down(void **state)
{
    (void)state;
    ward_client_close(client);
    ward_rpc_stop(first, 0);
    ward_rpc_stop(second, 0);
    ward_arena_done(&mem);
    return 0;
}

/* Makes CALLS calls. Returns how many the first server answered; -1: a call failed. */
static int answered_by_first(void)
{
    int n = 0;

    for (int i = 0; i < CALLS; i++) {
        Response *r;
        struct ward_err err = {0};

        if (ask(client, ECHO(Unary), REQUEST(.repeat = 0), NULL, &mem, &r, &err) != WARD_OK)
            return -1;
        n += r->received <= last_of_first ? 1 : 0;
        ward_arena_reset(&mem);
    }
    return n;
}

static void calls_are_spread_over_all_addresses(void **state)
{
    (void)state;
    UNTIL(answered_by_first() == CALLS / 2);
}

static void a_server_that_says_it_is_not_serving_gets_no_calls(void **state)
{
    (void)state;
    UNTIL(answered_by_first() == CALLS / 2);
    ward_rpc_serving(second, NULL, false);
    UNTIL(answered_by_first() == CALLS);
    ward_rpc_serving(second, NULL, true);
    UNTIL(answered_by_first() == CALLS / 2);
}

static void a_server_that_stops_is_left_without_a_lost_call(void **state)
{
    (void)state;
    UNTIL(answered_by_first() == CALLS / 2);
    ward_rpc_stop(first, 1000);
    first = NULL;
    for (int i = 0; i < 10; i++)
        assert_int_equal(answered_by_first(), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(calls_are_spread_over_all_addresses),
        TEST(a_server_that_says_it_is_not_serving_gets_no_calls),
        TEST(a_server_that_stops_is_left_without_a_lost_call),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
