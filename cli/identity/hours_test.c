#include "cli/identity/hours.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

typedef Ward__Identity__V1__ZoneRule ZoneRule;

static struct ward_arena mem;
static struct ward_err err;

static int begin(void **state)
{
    (void)state;
    ward_arena_init(&mem, (size_t)1 << 20);
    return 0;
}

static int end(void **state)
{
    (void)state;
    ward_arena_done(&mem);
    return 0;
}

/* Parses `text`, and checks the role and the printed hours. */
static void says(const char *text, const char *role, const char *hours)
{
    ZoneRule *r = NULL;
    char *out = NULL;
    size_t n = 0;
    FILE *to = open_memstream(&out, &n);

    assert_int_equal(hours_rule(text, &mem, &r, &err), WARD_OK);
    assert_string_equal(r->role, role);
    hours_print(to, r);
    fclose(to);
    assert_string_equal(out, hours);
    free(out);
}

static void a_rule_in_words_is_the_rule(void **state)
{
    (void)state;
    says("icu-nurse", "icu-nurse", "  at all times");
    says("porter=mon-fri 07:00-19:00", "porter", "  mon,tue,wed,thu,fri 07:00-19:00");
    says("porter=mon,wed 07:00-19:00; sat 08:30-12:00", "porter",
         "  mon,wed 07:00-19:00; sat 08:30-12:00");
    says("a=daily", "a", "  mon,tue,wed,thu,fri,sat,sun");
    says("a=fri-mon 20:00-06:00", "a", "  mon,fri,sat,sun 20:00-06:00");
    says("a=sun", "a", "  sun");
    says("a=mon-tue,sat-sun", "a", "  mon,tue,sat,sun");
}

static void what_is_no_rule_is_refused(void **state)
{
    static const char *const wrong[] = {
        "a=",
        "a=mon 7:00-19:00",
        "a=mon 07:00-24:00",
        "a=mon 07:00",
        "a=monday",
        "a=mon-",
        "a=mon,",
        "a=mon 07:00-19:00x",
        "a=mo",
        "a=mon;",
        "a=mon  07:00-19:0",
        "a=mon 07:60-19:00",
        "a=,mon 00:00",
        "a=mon-fri-sun",
        "a=tuewed",
        "a=mon 0x:00-19:00",
        "a=daily,mon",
        "a=mon 07:00-19:00 ",
    };

    (void)state;
    for (size_t i = 0; i < WARD_COUNT(wrong); i++) {
        ZoneRule *r = NULL;

        if (hours_rule(wrong[i], &mem, &r, &err) != WARD_INVALID_ARGUMENT)
            fail_msg("%s was taken", wrong[i]);
        assert_null(r);
    }
}

static void a_span_over_midnight_keeps_its_minutes(void **state)
{
    ZoneRule *r = NULL;

    (void)state;
    assert_int_equal(hours_rule("a=sun 20:15-06:05", &mem, &r, &err), WARD_OK);
    assert_int_equal(r->n_hours, 1);
    assert_int_equal(r->hours[0]->n_weekdays, 1);
    assert_int_equal(r->hours[0]->weekdays[0], 7);
    assert_int_equal(r->hours[0]->start_minute, 20 * 60 + 15);
    assert_int_equal(r->hours[0]->end_minute, 6 * 60 + 5);
}

static void no_memory_is_told(void **state)
{
    (void)state;
    for (int n = 1; n <= 5; n++) {
        struct ward_arena small;
        ZoneRule *r = NULL;

        ward_arena_init(&small, 4096);
        small.fail_at = n;
        assert_int_equal(hours_rule("a=mon", &small, &r, &err), WARD_RESOURCE_EXHAUSTED);
        ward_arena_done(&small);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_rule_in_words_is_the_rule, begin, end),
        cmocka_unit_test_setup_teardown(what_is_no_rule_is_refused, begin, end),
        cmocka_unit_test_setup_teardown(a_span_over_midnight_keeps_its_minutes, begin, end),
        cmocka_unit_test(no_memory_is_told),
    };

    return cmocka_run_group_tests_name("hours", tests, NULL, NULL);
}
