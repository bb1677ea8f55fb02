#include "common/db/db.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static void a_number_is_written_as_printf_writes_it(void **state)
{
    static const int64_t edges[] = {0,   1,    -1,        9,         10,
                                    -10, 1000, INT64_MAX, INT64_MIN, INT64_MIN + 1};
    struct ward_arena mem;
    char want[32];

    (void)state;
    ward_arena_init(&mem, 4096);
    for (size_t i = 0; i < WARD_COUNT(edges); i++) {
        struct ward_val v = ward_int(&mem, edges[i]);

        snprintf(want, sizeof(want), "%" PRId64, edges[i]);
        assert_string_equal(v.p, want);
        assert_int_equal(v.n, strlen(want));
    }
    ward_arena_done(&mem);
}

static void a_number_that_finds_no_room_is_null(void **state)
{
    struct ward_arena mem;

    (void)state;
    ward_arena_init(&mem, 1);
    while (ward_alloc(&mem, 64) != NULL)
        ;
    assert_null(ward_int(&mem, 7).p);
    ward_arena_done(&mem);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_number_is_written_as_printf_writes_it),
        cmocka_unit_test(a_number_that_finds_no_room_is_null),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
