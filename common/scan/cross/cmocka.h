/* cmocka.h - the part of cmocka that kernel_test.c uses, for a processor without cmocka on this
 * machine. Its output has cmocka's format, which tools/run-tests reads. Threads: one. Memory:
 * static. Errors: the first one ends the program. */
#ifndef WARD_SCAN_CROSS_CMOCKA_H
#define WARD_SCAN_CROSS_CMOCKA_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct CMUnitTest {
    const char *name;
    void (*run)(void **state);
};

static const char *cross_running;

static inline void cross_check(int holds, const char *what, const char *file, int line)
{
    if (holds)
        return;
    printf("%s:%d: %s\n[  FAILED  ] %s\n", file, line, what, cross_running);
    exit(1); /* lint: allowed, because a test ends its program */
}

#define cmocka_unit_test(f)                                                                    \
    {                                                                                          \
#f, f                                                                                  \
    }
#define assert_true(c)  cross_check((c) ? 1 : 0, #c, __FILE__, __LINE__)
#define assert_false(c) cross_check((c) ? 0 : 1, "not: " #c, __FILE__, __LINE__)
#define assert_int_equal(a, b)                                                                 \
    cross_check((long long)(a) == (long long)(b), #a " == " #b, __FILE__, __LINE__)
#define assert_string_equal(a, b)                                                              \
    cross_check(strcmp((a), (b)) == 0, #a " == " #b, __FILE__, __LINE__)

#define cmocka_run_group_tests_name(name, tests, before, after)                                \
    cross_run(tests, sizeof(tests) / sizeof((tests)[0]))

static inline int cross_run(const struct CMUnitTest *tests, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        cross_running = tests[i].name;
        tests[i].run(NULL);
        printf("[       OK ] %s\n", tests[i].name);
    }
    return 0;
}

#endif
