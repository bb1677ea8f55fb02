#include "cli/core/cli.h"
#include "cli/globals.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#define ARGV(...)                                                                              \
    (char *[])                                                                                 \
    {                                                                                          \
        "wardctl", __VA_ARGS__, NULL                                                           \
    }

static int first(const struct cli *cli, int argc, char **argv)
{
    (void)cli, (void)argv;
    return 10 + argc;
}

static int second(const struct cli *cli, int argc, char **argv)
{
    (void)argc;
    assert_string_equal(argv[0], "verify");
    return cli->json ? 21 : 20;
}

static const struct cli_command table[] = {
    {"audit", "", "short", first}, {"audit verify", "FILE", "long", second}, {0}};
static const struct cli_command *const tables[] = {table, NULL};

static void the_longest_words_win(void **state)
{
    (void)state;
    assert_int_equal(cli_main(tables, 3, ARGV("audit", "verify")), 20);
    assert_int_equal(cli_main(tables, 2, ARGV("audit")), 11);
    assert_int_equal(cli_main(tables, 3, ARGV("audit", "something")), 12);
}

static void part_of_a_word_is_not_the_word(void **state)
{
    int words;

    (void)state;
    assert_null(cli_find(tables, 2, ARGV("aud"), &words));
    assert_null(cli_find(tables, 2, ARGV("audits"), &words));
    assert_null(cli_find(tables, 2, ARGV(""), &words));
}

static void options_of_all_stand_anywhere_before_two_dashes(void **state)
{
    struct cli cli;
    char **argv =
        ARGV("audit", "--json", "verify", "--data=/d", "--token", "t", "--", "--json");
    int argc = 9;

    (void)state;
    assert_non_null(cli_begin(&cli, &argc, argv));
    assert_true(cli.json);
    assert_string_equal(cli.data, "/d");
    assert_string_equal(cli.token, "t");
    assert_int_equal(argc, 5);
    assert_string_equal(argv[1], "audit");
    assert_string_equal(argv[2], "verify");
    assert_string_equal(argv[3], "--");
    assert_string_equal(argv[4], "--json");
    assert_null(argv[5]);
}

static void the_folder_follows_xdg_and_home(void **state)
{
    struct cli cli;
    int argc = 1;

    (void)state;
    setenv("XDG_DATA_HOME", "/x", 1);
    cli_begin(&cli, &argc, ARGV(NULL));
    assert_string_equal(cli.data, "/x/ward");
    assert_false(cli.data_given);
    /* the XDG specification requires that a relative path is ignored */
    setenv("XDG_DATA_HOME", "not/absolute", 1);
    setenv("HOME", "/h", 1);
    cli_begin(&cli, &argc, ARGV(NULL));
    assert_string_equal(cli.data, "/h/.local/share/ward");
}

static void an_at_behind_the_command_is_the_commands_own(void **state)
{
    struct cli cli;
    int argc = 5;

    (void)state;
    cli_begin(&cli, &argc, ARGV("attendance", "correct", "--at", "2026-03-02T08:00Z"));
    assert_null(cli.at);
    assert_int_equal(argc, 5);
    cli_begin(&cli, &argc, ARGV("--at", "audit=127.0.0.1:1", "audit", "query"));
    assert_string_equal(cli.at, "audit=127.0.0.1:1");
    assert_int_equal(argc, 3);
}

static void an_option_without_its_value_is_a_usage_error(void **state)
{
    (void)state;
    assert_int_equal(cli_main(tables, 3, ARGV("audit", "--data")), 2);
}

static void help_may_be_asked_for_one_word(void **state)
{
    (void)state;
    assert_int_equal(cli_main(tables, 2, ARGV("help")), 0);
    assert_int_equal(cli_main(tables, 3, ARGV("help", "audit")), 0);
    assert_int_equal(cli_main(tables, 3, ARGV("help", "nothing")), 2);
    assert_int_equal(cli_main(tables, 2, ARGV("nothing")), 2);
}

static const char *patient;
static bool all;
static const struct cli_opt opts[] = {
    {"--patient", &patient, NULL, ""}, {"--all", NULL, &all, ""}, {0}};

static void a_command_s_options_are_taken_out_of_its_words(void **state)
{
    struct ward_err err = {0};
    char **argv = ARGV("a", "--patient", "p", "--all", "b");
    int argc = 6;

    (void)state;
    assert_int_equal(cli_options(opts, &argc, argv, 2, &err), WARD_OK);
    assert_string_equal(patient, "p");
    assert_true(all);
    assert_int_equal(argc, 3);
    assert_string_equal(argv[1], "a");
    assert_string_equal(argv[2], "b");
}

static void what_follows_two_dashes_is_a_word(void **state)
{
    struct ward_err err = {0};
    char **argv = ARGV("--", "--patient");
    int argc = 3;

    (void)state;
    assert_int_equal(cli_options(opts, &argc, argv, 1, &err), WARD_OK);
    assert_int_equal(argc, 2);
    assert_string_equal(argv[1], "--patient");
}

static void a_wrong_option_is_named(void **state)
{
    const struct {
        char **argv;
        int argc;
        const char *msg;
    } wrong[] = {
        {ARGV("--patent", "p"), 3, "this command has no option --patent"},
        {ARGV("--patient"), 2, "--patient needs a value"},
        {ARGV("--all=yes"), 2, "--all takes no value"},
        {ARGV("one", "two"), 3, "unexpected argument \"two\""},
    };

    (void)state;
    for (size_t i = 0; i < WARD_COUNT(wrong); i++) {
        struct ward_err err = {0};
        int argc = wrong[i].argc;

        assert_int_equal(cli_options(opts, &argc, wrong[i].argv, 1, &err),
                         WARD_INVALID_ARGUMENT);
        assert_string_equal(err.msg, wrong[i].msg);
    }
}

static void json_is_escaped_and_separated(void **state)
{
    char *text = NULL;
    size_t n;
    struct cli_json j = {.to = open_memstream(&text, &n)};

    (void)state;
    cli_json_open(&j, NULL, '{');
    cli_json_text(&j, "a", "q\" b\\ n\n \x01 \xe4\xbd\xa0");
    cli_json_open(&j, "list", '[');
    cli_json_int(&j, NULL, -7);
    cli_json_num(&j, NULL, 0.5);
    cli_json_bool(&j, NULL, true);
    cli_json_close(&j, ']');
    cli_json_text(&j, "none", NULL);
    cli_json_close(&j, '}');
    fclose(j.to);
    assert_string_equal(text,
                        "{\"a\":\"q\\\" b\\\\ n\\u000a \\u0001 \xe4\xbd\xa0\",\"list\":[-7,0.5,"
                        "true],\"none\":null}\n");
    free(text);
}

static void json_has_no_infinity(void **state)
{
    char *text = NULL;
    size_t n;
    struct cli_json j = {.to = open_memstream(&text, &n)};

    (void)state;
    cli_json_open(&j, NULL, '[');
    cli_json_num(&j, NULL, 1.0 / 0.0);
    cli_json_close(&j, ']');
    fclose(j.to);
    assert_string_equal(text, "[null]\n");
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_longest_words_win),
        cmocka_unit_test(part_of_a_word_is_not_the_word),
        cmocka_unit_test(options_of_all_stand_anywhere_before_two_dashes),
        cmocka_unit_test(the_folder_follows_xdg_and_home),
        cmocka_unit_test(an_at_behind_the_command_is_the_commands_own),
        cmocka_unit_test(an_option_without_its_value_is_a_usage_error),
        cmocka_unit_test(help_may_be_asked_for_one_word),
        cmocka_unit_test(a_command_s_options_are_taken_out_of_its_words),
        cmocka_unit_test(what_follows_two_dashes_is_a_word),
        cmocka_unit_test(a_wrong_option_is_named),
        cmocka_unit_test(json_is_escaped_and_separated),
        cmocka_unit_test(json_has_no_infinity),
    };

    return cmocka_run_group_tests_name("cli", tests, NULL, NULL);
}
