#include "common/app/admin_http.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static int whole(struct ward_admin_request *r, const char *text, size_t n)
{
    ward_admin_request_init(r);
    return ward_admin_request_feed(r, text, n);
}

#define WHOLE(r, text) whole(r, text, sizeof(text) - 1)

static void a_request_is_read_however_it_is_cut(void **state)
{
    static const char text[] = "PUT /loglevel?x=1 HTTP/1.1\r\nHost: a\r\n"
                               "Content-Length: 5\r\n\r\ndebug";

    (void)state;
    for (size_t step = 1; step < sizeof(text); step++) {
        struct ward_admin_request r;
        int status = 0;

        ward_admin_request_init(&r);
        for (size_t at = 0; at < sizeof(text) - 1; at += step) {
            size_t n = sizeof(text) - 1 - at < step ? sizeof(text) - 1 - at : step;

            assert_int_equal(status, 0);
            status = ward_admin_request_feed(&r, text + at, n);
        }
        assert_int_equal(status, 200);
        assert_string_equal(r.method, "PUT");
        assert_string_equal(r.path, "/loglevel");
        assert_int_equal(r.n_body, 5);
        assert_string_equal(r.body, "debug");
    }
}

static void what_follows_a_request_is_not_part_of_it(void **state)
{
    struct ward_admin_request r;

    (void)state;
    assert_int_equal(WHOLE(&r, "GET /livez HTTP/1.1\r\n\r\nGET /metrics HTTP/1.1\r\n\r\n"),
                     200);
    assert_string_equal(r.path, "/livez");
    assert_int_equal(ward_admin_request_feed(&r, "more", 4), 200);
    assert_string_equal(r.path, "/livez");
}

static void what_is_no_request_is_refused(void **state)
{
    struct ward_admin_request r;
    char text[300];

    (void)state;
    assert_int_equal(WHOLE(&r, "\x16\x03\x01\x02"), 400); /* a TLS handshake */
    assert_int_equal(WHOLE(&r, "GET\r\n\r\n"), 400);
    assert_int_equal(WHOLE(&r, "FETCH / HTTP/1.1\r\n\r\n"), 400);
    assert_int_equal(WHOLE(&r, "GET / HTTP/1.1\r\nContent-Length: 1\r\n"
                               "Content-Length: 2\r\n\r\nxx"),
                     400);
    assert_int_equal(WHOLE(&r, "GET / HTTP/1.1\r\nContent-Length: 3\r\n"
                               "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
                     400); /* a form of request smuggling */
    assert_int_equal(WHOLE(&r, "GET / HTTP/1.1\r\nContent-Length: -1\r\n\r\n"), 400);
    assert_int_equal(WHOLE(&r, "PRI * HTTP/2.0\r\n\r\n"), 400);
    assert_int_equal(WHOLE(&r, "GET / HTTP/2.0\r\n\r\n"), 505);
    snprintf(text, sizeof(text), "GET /");
    memset(text + 5, 'a', sizeof(text) - 5);
    assert_int_equal(whole(&r, text, sizeof(text)), 414);
    assert_int_equal(ward_admin_request_feed(&r, " HTTP/1.1\r\n\r\n", 13), 414);
}

static void size_is_bounded(void **state)
{
    struct ward_admin_request r;
    int status = 0, sent = 0;

    (void)state;
    ward_admin_request_init(&r);
    assert_int_equal(ward_admin_request_feed(&r, "GET / HTTP/1.1\r\n", 16), 0);
    while (status == 0 && sent++ < 100000)
        status = ward_admin_request_feed(&r, "A: bbbbbbbbbbbb\r\n", 17);
    assert_int_equal(status, 431);
    assert_true(sent * 17 <= (int)WARD_ADMIN_MAX_BYTES + 17);
    assert_int_equal(WHOLE(&r,
                           "PUT /loglevel HTTP/1.1\r\nContent-Length: 64\r\n\r\n"
                           "0123456789012345678901234567890123456789012345678901234567890123"),
                     413);
    assert_int_equal(WHOLE(&r, "PUT /loglevel HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n"
                               "5\r\ndebug\r\n0\r\n\r\n"),
                     200);
    assert_string_equal(r.body, "debug");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_request_is_read_however_it_is_cut),
        cmocka_unit_test(what_follows_a_request_is_not_part_of_it),
        cmocka_unit_test(what_is_no_request_is_refused),
        cmocka_unit_test(size_is_bounded),
    };

    return cmocka_run_group_tests_name("admin_http", tests, NULL, NULL);
}
