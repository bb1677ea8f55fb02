#include "common/base/clock.h"
#include "common/base/status.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static void codes_are_googles_number_for_number(void **state)
{
    /* Source: google/rpc/code.proto (googleapis, checked 2026-11-21). */
    static const char *const names[] = {"OK",
                                        "CANCELLED",
                                        "UNKNOWN",
                                        "INVALID_ARGUMENT",
                                        "DEADLINE_EXCEEDED",
                                        "NOT_FOUND",
                                        "ALREADY_EXISTS",
                                        "PERMISSION_DENIED",
                                        "RESOURCE_EXHAUSTED",
                                        "FAILED_PRECONDITION",
                                        "ABORTED",
                                        "OUT_OF_RANGE",
                                        "UNIMPLEMENTED",
                                        "INTERNAL",
                                        "UNAVAILABLE",
                                        "DATA_LOSS",
                                        "UNAUTHENTICATED"};

    (void)state;
    assert_int_equal(WARD_COUNT(names), WARD_N_CODES);
    for (int i = 0; i < WARD_N_CODES; i++) {
        assert_string_equal(ward_code_name((enum ward_code)i), names[i]);
        assert_true(ward_code_retry((enum ward_code)i) == (i == WARD_UNAVAILABLE));
    }
    assert_string_equal(ward_code_name((enum ward_code)17), "?");
    assert_string_equal(ward_code_name((enum ward_code) - 1), "?");
    assert_false(ward_code_retry((enum ward_code)99));
}

static void a_reason_about_a_field_names_it_once(void **state)
{
    struct ward_err err = {0};
    enum ward_code code = WARD_FAIL_REASON(&err, INVALID_ARGUMENT, "DOSE_UNIT", "no unit");

    (void)state;
    assert_int_equal(ward_err_about(&err, code, "dose"), WARD_INVALID_ARGUMENT);
    assert_string_equal(err.field, "dose");
    assert_string_equal(err.reason, "DOSE_UNIT");
    assert_int_equal(ward_err_about(&err, code, "request"), WARD_INVALID_ARGUMENT);
    assert_string_equal(err.field, "dose");
    code = WARD_FAIL(&err, NOT_FOUND, "no dose");
    assert_int_equal(ward_err_about(&err, code, "dose"), WARD_NOT_FOUND);
    assert_string_equal(err.field, "");
    assert_int_equal(ward_err_about(&err, WARD_OK, "dose"), WARD_OK);
    assert_int_equal(ward_err_about(NULL, WARD_INVALID_ARGUMENT, "dose"),
                     WARD_INVALID_ARGUMENT);
}

static void a_failure_keeps_its_words_and_place(void **state)
{
    struct ward_err err = {
        .reason = "OLD", .field = "old", .retry_after_ms = 9, .detail = "old"};

    (void)state;
    assert_int_equal(WARD_FAIL(&err, NOT_FOUND, "no rule %d", 7), WARD_NOT_FOUND);
    assert_int_equal(err.code, WARD_NOT_FOUND);
    assert_string_equal(err.msg, "no rule 7");
    assert_string_equal(err.reason, ""); /* the reason of an earlier failure was cleared */
    assert_string_equal(err.field, "");
    assert_string_equal(err.detail, "");
    assert_int_equal(err.retry_after_ms, 0);
    assert_non_null(strstr(err.file, "status_test.c"));
    assert_int_equal(ward_err_detail(&err, "table %s", "rule"), WARD_NOT_FOUND);
    assert_string_equal(err.detail, "table rule");
    assert_string_equal(err.msg, "no rule 7");
}

static void a_field_and_a_reason_are_told_apart(void **state)
{
    struct ward_err err = {0};

    (void)state;
    assert_int_equal(WARD_FAIL_FIELD(&err, "event.actor", "is %s", "empty"),
                     WARD_INVALID_ARGUMENT);
    assert_string_equal(err.msg, "event.actor is empty");
    assert_string_equal(err.field, "event.actor");
    assert_int_equal(WARD_FAIL_REASON(&err, FAILED_PRECONDITION, "FACE_TOO_SMALL", "%d px", 12),
                     WARD_FAILED_PRECONDITION);
    assert_string_equal(err.msg, "12 px");
    assert_string_equal(err.reason, "FACE_TOO_SMALL");
    assert_string_equal(err.field, "");
}

static void words_too_many_are_cut_not_overrun(void **state)
{
    struct ward_err err = {0};
    char many[600];

    (void)state;
    memset(many, 'x', sizeof(many) - 1);
    many[sizeof(many) - 1] = '\0';
    WARD_FAIL_REASON(&err, INTERNAL, many, "%s", many);
    ward_err_detail(&err, "%s", many);
    assert_int_equal(strlen(err.msg), sizeof(err.msg) - 1);
    assert_int_equal(strlen(err.reason), sizeof(err.reason) - 1);
    assert_int_equal(strlen(err.detail), sizeof(err.detail) - 1);
    WARD_FAIL_FIELD(&err, many, "%s", many);
    assert_int_equal(strlen(err.field), sizeof(err.field) - 1);
    assert_int_equal(strlen(err.msg), sizeof(err.msg) - 1);
}

static void who_wants_no_words_gets_the_code(void **state)
{
    struct ward_err *none = NULL;

    (void)state;
    assert_int_equal(WARD_FAIL(none, ABORTED, "x"), WARD_ABORTED);
    assert_int_equal(WARD_FAIL_FIELD(none, "f", "x"), WARD_INVALID_ARGUMENT);
    assert_int_equal(WARD_FAIL_REASON(none, ABORTED, "R", "x"), WARD_ABORTED);
    assert_int_equal(ward_err_detail(none, "x"), WARD_UNKNOWN);
}

static enum ward_code tries(enum ward_code first, int *reached)
{
    WARD_TRY(first);
    *reached = 1;
    return WARD_OK;
}

static void a_try_passes_a_failure_on_and_goes_on_without_one(void **state)
{
    int reached = 0;

    (void)state;
    assert_int_equal(tries(WARD_DATA_LOSS, &reached), WARD_DATA_LOSS);
    assert_int_equal(reached, 0);
    assert_int_equal(tries(WARD_OK, &reached), WARD_OK);
    assert_int_equal(reached, 1);
}

static void a_bug_ends_the_process_with_a_line(void **state)
{
    char line[512] = {0};
    int fds[2], status;
    pid_t child;

    (void)state;
    assert_int_equal(pipe(fds), 0);
    child = fork();
    if (child == 0) {
        signal(SIGABRT, SIG_DFL);
        dup2(fds[1], STDERR_FILENO);
        /* NOLINTNEXTLINE(bugprone-suspicious-string-compare): the assertion must fail */
        WARD_ASSERT(strcmp(line, "\\") == 3);
        _exit(0);
    }
    assert_true(child > 0);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
    assert_true(read(fds[0], line, sizeof(line) - 1) > 0);
    assert_non_null(strstr(line, "\"cond\":\"strcmp(line, \\\"\\\\\\\\\\\") == 3\""));
    assert_non_null(strstr(line, "status_test.c:"));
    close(fds[0]);
    close(fds[1]);
}

/* Source: RFC 3339, section 5.8, and limits of the epoch. */
static void wall_time_is_written_as_rfc_3339(void **state)
{
    static const struct {
        int64_t us;
        const char *text;
    } cases[] = {
        {0, "1970-01-01T00:00:00.000000Z"},
        {-1, "1969-12-31T23:59:59.999999Z"},
        {482196050520000, "1985-04-12T23:20:50.520000Z"},
        {1709164799999999, "2024-02-28T23:59:59.999999Z"},
        {1709164800000000, "2024-02-29T00:00:00.000000Z"},
        {4102444800000001, "2100-01-01T00:00:00.000001Z"},
    };
    char text[28];

    (void)state;
    for (size_t i = 0; i < WARD_COUNT(cases); i++) {
        ward_rfc3339(cases[i].us, text);
        assert_string_equal(text, cases[i].text);
    }
}

static void a_deadline_is_never_less_than_nothing_away(void **state)
{
    int64_t now = ward_mono_ns();

    (void)state;
    assert_true(ward_left_ms(WARD_NO_DEADLINE) == INT64_MAX);
    assert_true(ward_left_ms(now) == 0);
    assert_true(ward_left_ms(0) == 0);
    assert_true(ward_left_ms(now + 3600000 * WARD_NS_PER_MS) <= 3600000);
    assert_true(ward_left_ms(now + 3600000 * WARD_NS_PER_MS) > 3000000);
    assert_true(ward_mono_ns() >= now);
    assert_true(ward_wall_us() > 1700000000000000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(codes_are_googles_number_for_number),
        cmocka_unit_test(a_reason_about_a_field_names_it_once),
        cmocka_unit_test(a_failure_keeps_its_words_and_place),
        cmocka_unit_test(a_field_and_a_reason_are_told_apart),
        cmocka_unit_test(words_too_many_are_cut_not_overrun),
        cmocka_unit_test(who_wants_no_words_gets_the_code),
        cmocka_unit_test(a_try_passes_a_failure_on_and_goes_on_without_one),
        cmocka_unit_test(a_bug_ends_the_process_with_a_line),
        cmocka_unit_test(wall_time_is_written_as_rfc_3339),
        cmocka_unit_test(a_deadline_is_never_less_than_nothing_away),
    };

    return cmocka_run_group_tests_name("status", tests, NULL, NULL);
}
