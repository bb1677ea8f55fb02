/* valid_testing.h - a small valid set with one change: for unit tests. Threads: one. Memory:
 * static. Errors: fail the test. */
#ifndef DOSAGE_FORMULARY_VALID_TESTING_H
#define DOSAGE_FORMULARY_VALID_TESTING_H

#include "services/dosage/formulary/ruleset_testing.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

static const char HASH[65] = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
static struct world w;

static inline void expect(const char *path, const char *what)
{
    struct ruleset_problems p;
    struct ward_err err = {0};
    struct ruleset *r = NULL;
    enum ward_code code = ruleset_make(&w.set, HASH, &r, &p, &err);

    if (code == WARD_OK)
        fail_msg("nothing was wrong at %s", path);
    assert_int_equal(code, WARD_INVALID_ARGUMENT);
    assert_string_equal(err.reason, "RULE_SET_INVALID");
    assert_null(r);
    for (int i = 0; i < p.n; i++)
        if (strcmp(p.at[i].path, path) == 0 && strstr(p.at[i].what, what) != NULL)
            return;
    fail_msg("%s %s: not among %d, first %s %s", path, what, p.n, p.at[0].path, p.at[0].what);
}

#define BAD(path, what, ...)                                                                   \
    do {                                                                                       \
        world_make(&w);                                                                        \
        __VA_ARGS__;                                                                           \
        expect(path, what);                                                                    \
    } while (0)

static inline void good(void)
{
    struct ruleset_problems p;
    struct ward_err err = {0};
    struct ruleset *r = NULL;

    if (ruleset_make(&w.set, HASH, &r, &p, &err) != WARD_OK)
        fail_msg("%s", err.msg);
    assert_int_equal(p.n, 0);
    ruleset_free(r);
}

#define GOOD(...)                                                                              \
    do {                                                                                       \
        world_make(&w);                                                                        \
        __VA_ARGS__;                                                                           \
        good();                                                                                \
    } while (0)

#endif
