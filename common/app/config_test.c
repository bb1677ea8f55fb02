#include "common/app/config.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

struct cfg {
    const char *name, *place, *password;
    int workers;
};

#define AT(field) offsetof(struct cfg, field)

static const struct ward_opt OPTS[] = {
    {"WARD_NAME", WARD_STR, AT(name), NULL, 0, 0, "", "what it is called", false},
    {"WARD_PLACE", WARD_STR, AT(place), "here", 0, 0, "", "this | that", false},
    {"WARD_WORKERS", WARD_INT, AT(workers), "4", 1, 256, "threads", "calls at once", false},
    {"WARD_PASSWORD", WARD_STR, AT(password), "", 0, 0, "", "the password", true},
    WARD_OPT_END,
};

static char dir[] = "/tmp/ward-config-XXXXXX";

/* Writes n bytes to a file in `dir`. The returned path is valid until the next call. */
static const char *file_of(const char *bytes, size_t n)
{
    static char path[64];
    int fd;

    snprintf(path, sizeof(path), "%s/ward.conf", dir);
    fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, bytes, n), n);
    close(fd);
    return path;
}

static const char *file(const char *text)
{
    return file_of(text, strlen(text));
}

static void refused(const char *path, const char *words)
{
    const struct cfg untouched = {0};
    struct cfg cfg = {0};
    struct ward_err err = {0};

    assert_int_equal(ward_config_load(OPTS, path, &cfg, &err), WARD_INVALID_ARGUMENT);
    assert_string_equal(err.msg, words);
    assert_memory_equal(&cfg, &untouched, sizeof(cfg));
}

static int clean(void **state)
{
    (void)state;
    clearenv();
    return 0;
}

static void the_environment_wins_over_the_file_and_both_over_the_default(void **state)
{
    struct cfg cfg = {0};
    struct ward_err err = {0};

    (void)state;
    setenv("WARD_NAME", "from the environment", 1);
    setenv("WARD_CONFIG", "is not an option but known", 1);
    setenv("WARDROBE", "is none of ours", 1);
    assert_int_equal(ward_config_load(OPTS,
                                      file("# ours\n\nWARD_NAME=from the file\n"
                                           "WARD_WORKERS=256"),
                                      &cfg, &err),
                     WARD_OK);
    assert_string_equal(cfg.name, "from the environment");
    assert_string_equal(cfg.place, "here");
    assert_string_equal(cfg.password, "");
    assert_int_equal(cfg.workers, 256);
}

static void a_value_may_hold_equal_signs_and_utf_8(void **state)
{
    struct cfg cfg = {0};
    struct ward_err err = {0};

    (void)state;
    assert_int_equal(
        ward_config_load(OPTS, file("WARD_NAME=a=b # Zürich\nWARD_PLACE=\n"), &cfg, &err),
        WARD_OK);
    assert_string_equal(cfg.name, "a=b # Zürich");
    assert_string_equal(cfg.place, "");
}

static void a_required_value_must_be_there_and_not_empty(void **state)
{
    (void)state;
    refused(NULL, "WARD_NAME is required");
    setenv("WARD_NAME", "", 1);
    refused(NULL, "WARD_NAME is required");
}

static void a_variable_nobody_knows_is_named(void **state)
{
    (void)state;
    setenv("WARD_NAME", "x", 1);
    setenv("WARD_DATA", "/data", 1);
    refused(NULL, "the environment sets WARD_DATA, which is not an option; see --help");
    unsetenv("WARD_DATA");
    refused(file("WARD_NAME=x\nWARD_NAMES=y\n"),
            "line 2 sets WARD_NAMES, which is not an option; see --help");
    refused(file("WARD_PLACE_FILE=/y\n"),
            "line 1 sets WARD_PLACE_FILE, which is not an option; see --help");
    setenv("WARD_AUDIT_SERVICE_HOST", "10.0.0.1", 1); /* like a Kubernetes service link */
    refused(NULL,
            "the environment sets WARD_AUDIT_SERVICE_HOST, which is not an option; see --help");
}

static void a_number_is_whole_and_within_its_range(void **state)
{
    static const char *const bad[] = {"0",   "257", "",    "4x", " 4",
                                      "4.0", "0x4", "1e2", "-1", "99999999999999999999"};

    (void)state;
    setenv("WARD_NAME", "x", 1);
    for (size_t i = 0; i < WARD_COUNT(bad); i++) {
        struct cfg cfg = {0};
        struct ward_err err = {0};

        setenv("WARD_WORKERS", bad[i], 1);
        assert_int_equal(ward_config_load(OPTS, NULL, &cfg, &err), WARD_INVALID_ARGUMENT);
        assert_string_equal(err.msg, "WARD_WORKERS must be a whole number, 1..256 threads");
    }
}

static void a_secret_comes_from_a_file_less_one_newline(void **state)
{
    struct cfg cfg = {0};
    struct ward_err err = {0};

    (void)state;
    setenv("WARD_NAME", "x", 1);
    setenv("WARD_PASSWORD_FILE", file("hunter2 \n\n"), 1);
    assert_int_equal(ward_config_load(OPTS, NULL, &cfg, &err), WARD_OK);
    assert_string_equal(cfg.password, "hunter2 \n");
}

static void a_secret_in_the_open_is_refused_and_not_repeated(void **state)
{
    (void)state;
    setenv("WARD_NAME", "x", 1);
    refused(file("WARD_PASSWORD=hunter2\n"),
            "WARD_PASSWORD is a secret; put the value into a file and name the file in "
            "WARD_PASSWORD_FILE");
    setenv("WARD_PASSWORD", "hunter2", 1);
    refused(NULL, "WARD_PASSWORD is a secret; put the value into a file and name the file in "
                  "WARD_PASSWORD_FILE");
}

static void a_secrets_file_must_be_a_file_and_of_text(void **state)
{
    char big[(64 << 10) + 1], want[160];

    (void)state;
    setenv("WARD_PASSWORD_FILE", "/no/such", 1);
    setenv("WARD_NAME", "x", 1);
    {
        struct cfg cfg = {0};
        struct ward_err err = {0};

        assert_int_equal(ward_config_load(OPTS, NULL, &cfg, &err), WARD_INVALID_ARGUMENT);
        assert_string_equal(
            err.msg, "cannot open WARD_PASSWORD_FILE (/no/such): No such file or directory");
        setenv("WARD_PASSWORD_FILE", "/dev/zero", 1);
        assert_int_equal(ward_config_load(OPTS, NULL, &cfg, &err), WARD_INVALID_ARGUMENT);
        assert_string_equal(err.msg, "WARD_PASSWORD_FILE (/dev/zero) is not a file");
        setenv("WARD_PASSWORD_FILE", file_of("a\0b", 3), 1);
        assert_int_equal(ward_config_load(OPTS, NULL, &cfg, &err), WARD_INVALID_ARGUMENT);
        snprintf(want, sizeof(want), "WARD_PASSWORD_FILE (%s/ward.conf) contains a NUL byte",
                 dir);
        assert_string_equal(err.msg, want);
        memset(big, 'x', sizeof(big));
        setenv("WARD_PASSWORD_FILE", file_of(big, sizeof(big)), 1);
        assert_int_equal(ward_config_load(OPTS, NULL, &cfg, &err), WARD_INVALID_ARGUMENT);
        assert_non_null(strstr(err.msg, "is larger than 65536 bytes"));
    }
}

static void a_required_secret_is_asked_for_by_its_files_name(void **state)
{
    static const struct ward_opt opts[] = {
        {"WARD_KEY", WARD_STR, AT(password), NULL, 0, 0, "", "", true}, WARD_OPT_END};
    struct cfg cfg = {0};
    struct ward_err err = {0};

    (void)state;
    assert_int_equal(ward_config_load(opts, NULL, &cfg, &err), WARD_INVALID_ARGUMENT);
    assert_string_equal(err.msg, "WARD_KEY_FILE is required");
    setenv("WARD_KEY_FILE", file("\n"), 1); /* an empty secret counts as missing */
    assert_int_equal(ward_config_load(opts, NULL, &cfg, &err), WARD_INVALID_ARGUMENT);
    assert_string_equal(err.msg, "WARD_KEY_FILE is required");
}

#define BAD_NAME                                                                               \
    "line 1: a name must be WARD_ and upper-case letters, digits or _, without a blank "       \
    "before the ="

static void every_line_that_cannot_be_read_is_named(void **state)
{
    static const char *const cases[][2] = {
        {"WARD_NAME\n", "line 1 must have the form NAME=value"},
        {"WARD_NAME=x\n garbage\n", "line 2 must have the form NAME=value"},
        {"=x\n", BAD_NAME},
        {"WARD_=x\n", BAD_NAME},
        {"WARD_NAME =x\n", BAD_NAME},
        {"export WARD_NAME=x\n", BAD_NAME},
        {"ward_name=x\n", BAD_NAME},
        {"\n#\nWARD_NAME= x\n", "line 3: WARD_NAME has a blank around its value"},
        {"WARD_NAME=x \n", "line 1: WARD_NAME has a blank around its value"},
        {"WARD_NAME=\"x\"\n", "line 1: WARD_NAME has quotes; values have no quotes"},
        {"WARD_NAME='x'\n", "line 1: WARD_NAME has quotes; values have no quotes"},
        {"WARD_NAME=x\r\n", "line 1: WARD_NAME ends in a carriage return"},
        {"WARD_NAME=a\tb\n", "line 1: WARD_NAME contains a control character"},
        {"WARD_NAME=a\nWARD_PLACE=b\nWARD_NAME=a\n",
         "line 3: WARD_NAME is already set in line 1"},
    };

    (void)state;
    for (size_t i = 0; i < WARD_COUNT(cases); i++)
        refused(file(cases[i][0]), cases[i][1]);
    refused(file_of("WARD_NAME=a\0b\n", 14), "line 1 contains a NUL byte");
    refused(file_of("# \0\n", 4), "line 1 contains a NUL byte");
}

static void lines_and_files_have_limits(void **state)
{
    static char text[(1 << 20) + 2];
    struct cfg cfg = {0};
    struct ward_err err = {0};
    char *at = text;

    (void)state;
    snprintf(text, sizeof(text), "WARD_NAME=");
    memset(text + 10, 'x', sizeof(text) - 10);
    text[WARD_CONFIG_MAX_LINE] = '\n';
    assert_int_equal(
        ward_config_load(OPTS, file_of(text, WARD_CONFIG_MAX_LINE + 1), &cfg, &err), WARD_OK);
    text[WARD_CONFIG_MAX_LINE] = 'x';
    refused(file_of(text, WARD_CONFIG_MAX_LINE + 1), "line 1 is longer than 4096 bytes");
    memset(text, '\n', sizeof(text));
    assert_int_equal(
        ward_config_load(OPTS, file_of(text, WARD_CONFIG_MAX_BYTES + 1), &cfg, &err),
        WARD_INVALID_ARGUMENT);
    assert_non_null(strstr(err.msg, "is larger than 1048576 bytes"));
    for (int i = 0; i <= WARD_CONFIG_MAX_PAIRS; i++)
        at += snprintf(at, 32, "WARD_N%d=x\n", i);
    refused(file_of(text, (size_t)(at - text)), "line 513: more than 512 values");
}

static void a_file_that_is_none_is_refused(void **state)
{
    char want[160], fifo[64];

    (void)state;
    refused("/no/such/file",
            "cannot open the configuration file /no/such/file: No such file or directory");
    snprintf(want, sizeof(want), "the configuration file %s is not a file", dir);
    refused(dir, want);
    snprintf(fifo, sizeof(fifo), "%s/fifo", dir);
    assert_int_equal(mkfifo(fifo, 0600), 0);
    snprintf(want, sizeof(want), "the configuration file %s is not a file", fifo);
    refused(fifo, want); /* opening the FIFO does not wait for a writer */
    unlink(fifo);
}

static void the_earlier_tables_row_takes_the_place_of_a_later_one(void **state)
{
    static const struct ward_opt own[] = {
        {"WARD_WORKERS", WARD_INT, AT(workers), "16", 1, 32, "", "", false}, WARD_OPT_END};
    struct cfg first = {0}, second = {.workers = 77};
    const struct ward_config_part parts[] = {{own, &first}, {OPTS, &second}, {NULL, NULL}};
    struct ward_err err = {0};

    (void)state;
    setenv("WARD_NAME", "x", 1);
    assert_int_equal(ward_config_load_parts(parts, 3, NULL, &err), WARD_OK);
    assert_int_equal(first.workers, 16);
    assert_int_equal(second.workers, 77);
    assert_string_equal(second.name, "x");
}

/* Copies the output of `print` to `out`. */
static void printed(void (*print)(const struct ward_opt *, FILE *), char *out, size_t cap)
{
    FILE *f = fmemopen(out, cap, "w");

    assert_non_null(f);
    print(OPTS, f);
    fclose(f);
}

static void the_table_is_the_documentation(void **state)
{
    char text[2048];

    (void)state;
    printed(ward_config_help, text, sizeof(text));
    assert_string_equal(
        text, "  WARD_NAME                what it is called; required\n"
              "  WARD_PLACE               this | that; default here\n"
              "  WARD_WORKERS             calls at once; 1..256 threads; default 4\n"
              "  WARD_PASSWORD_FILE       the password; name of a file with the value\n");
    printed(ward_config_markdown, text, sizeof(text));
    assert_string_equal(text, "| `WARD_NAME` | what it is called | text | *required* |\n"
                              "| `WARD_PLACE` | this \\| that | text | `here` |\n"
                              "| `WARD_WORKERS` | calls at once | 1..256 threads | `4` |\n"
                              "| `WARD_PASSWORD_FILE` | the password | file | none |\n");
}

#define T(fn) cmocka_unit_test_setup(fn, clean)

static int make_dir(void **state)
{
    (void)state;
    return mkdtemp(dir) == NULL;
}

static int remove_dir(void **state)
{
    char path[64];

    (void)state;
    snprintf(path, sizeof(path), "%s/ward.conf", dir);
    unlink(path);
    return rmdir(dir);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(the_environment_wins_over_the_file_and_both_over_the_default),
        T(a_value_may_hold_equal_signs_and_utf_8),
        T(a_required_value_must_be_there_and_not_empty),
        T(a_variable_nobody_knows_is_named),
        T(a_number_is_whole_and_within_its_range),
        T(a_secret_comes_from_a_file_less_one_newline),
        T(a_secret_in_the_open_is_refused_and_not_repeated),
        T(a_secrets_file_must_be_a_file_and_of_text),
        T(a_required_secret_is_asked_for_by_its_files_name),
        T(every_line_that_cannot_be_read_is_named),
        T(lines_and_files_have_limits),
        T(a_file_that_is_none_is_refused),
        T(the_earlier_tables_row_takes_the_place_of_a_later_one),
        T(the_table_is_the_documentation),
    };

    return cmocka_run_group_tests_name("config", tests, make_dir, remove_dir);
}
