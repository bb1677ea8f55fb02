#include "common/host/host.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <unistd.h>

#include <cmocka.h>

static void the_known_question_is_the_same_everywhere(void **state)
{
    float v[1000], least = 1, most = 0;

    (void)state;
    ward_known_input(v, 1000, 0, 1);
    for (int i = 0; i < 1000; i++) {
        least = v[i] < least ? v[i] : least;
        most = v[i] > most ? v[i] : most;
    }
    assert_true(least >= 0 && least < 0.01f && most <= 1 && most > 0.99f);
    assert_true(v[0] > 0.3165f && v[0] < 0.3166f); /* stored answers depend on these values */
    assert_true(v[999] > 0.6193f && v[999] < 0.6194f);
}

static atomic_int answers;
static atomic_bool healthy;

static enum ward_code ask(void *arg, struct ward_err *err)
{
    (void)arg;
    answers++;
    return healthy ? WARD_OK : WARD_FAIL(err, FAILED_PRECONDITION, "another answer");
}

static void wait_for_answers(int n)
{
    while (answers < n)
        usleep(1000);
}

static void what_a_canary_guards_is_ready_only_while_it_passes(void **state)
{
    struct ward_canary *c = NULL;
    struct ward_err err = {0};

    (void)state;
    answers = 0;
    healthy = false;
    assert_int_equal(ward_canary_start("models", 5, ask, NULL, &c, &err), WARD_OK);
    assert_true(answers >= 1); /* start runs the first check */
    assert_int_equal(ward_canary_state(c, &err), WARD_UNAVAILABLE);
    assert_string_equal(err.reason, "MODEL_NOT_READY");
    assert_string_equal(err.msg, "models: another answer");
    healthy = true;
    wait_for_answers(answers + 2);
    assert_int_equal(ward_canary_state(c, &err), WARD_OK);
    healthy = false;
    wait_for_answers(answers + 2);
    assert_int_equal(ward_canary_state(c, &err), WARD_UNAVAILABLE);
    ward_canary_stop(c);
    ward_canary_stop(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_known_question_is_the_same_everywhere),
        cmocka_unit_test(what_a_canary_guards_is_ready_only_while_it_passes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
