#include "common/base/clock.h"
#include "common/worker/poison.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#define MS WARD_NS_PER_MS

static const uint8_t film[32] = {1}, other[32] = {2};

static void one_end_is_a_suspicion_and_two_are_refused_for_a_while(void **state)
{
    struct ward_poison p;
    struct ward_err err = {0};
    int64_t now = 1000 * MS;
    bool suspect = true;

    (void)state;
    ward_poison_init(&p, 500);
    assert_false(ward_poison_any(&p));
    assert_int_equal(ward_poison_check(&p, film, now, &suspect, &err), WARD_OK);
    assert_false(suspect);
    ward_poison_ended(&p, film, now);
    assert_true(ward_poison_any(&p));
    assert_int_equal(ward_poison_check(&p, film, now, &suspect, &err), WARD_OK);
    assert_true(suspect);
    ward_poison_ended(&p, film, now);
    assert_int_equal(ward_poison_check(&p, film, now + 100 * MS, &suspect, &err),
                     WARD_RESOURCE_EXHAUSTED);
    assert_string_equal(err.reason, "POISONED_INPUT");
    assert_int_equal(err.retry_after_ms, 401);
    assert_int_equal(ward_poison_check(&p, other, now, &suspect, &err), WARD_OK);
    assert_false(suspect);
    assert_int_equal(ward_poison_check(&p, film, now + 500 * MS, &suspect, &err), WARD_OK);
    assert_false(suspect);
    assert_false(ward_poison_any(&p));
    ward_poison_done(&p);
}

static void a_suspect_that_runs_well_is_cleared_and_a_refused_one_is_not(void **state)
{
    struct ward_poison p;
    bool suspect = false;

    (void)state;
    ward_poison_init(&p, 0);
    ward_poison_ended(&p, film, 1);
    ward_poison_clear(&p, film);
    assert_false(ward_poison_any(&p));
    ward_poison_ended(&p, film, 1);
    ward_poison_ended(&p, film, 1);
    ward_poison_clear(&p, film);
    assert_int_equal(ward_poison_check(&p, film, 2, &suspect, NULL), WARD_RESOURCE_EXHAUSTED);
    ward_poison_done(&p);
}

static void a_full_table_forgets_the_oldest(void **state)
{
    struct ward_poison p;
    bool suspect;

    (void)state;
    ward_poison_init(&p, 1000);
    for (uint8_t i = 0; i < WARD_POISON_INPUTS + 1; i++) {
        const uint8_t input[32] = {9, i};

        ward_poison_ended(&p, input, 1 + i * MS);
        ward_poison_ended(&p, input, 1 + i * MS);
    }
    for (uint8_t i = 0; i < WARD_POISON_INPUTS + 1; i++) {
        const uint8_t input[32] = {9, i};
        enum ward_code code = ward_poison_check(&p, input, 100 * MS, &suspect, NULL);

        assert_int_equal(code, i == 0 ? WARD_OK : WARD_RESOURCE_EXHAUSTED);
    }
    ward_poison_done(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_end_is_a_suspicion_and_two_are_refused_for_a_while),
        cmocka_unit_test(a_suspect_that_runs_well_is_cleared_and_a_refused_one_is_not),
        cmocka_unit_test(a_full_table_forgets_the_oldest),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
