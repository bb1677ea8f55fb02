#include "services/records/exchange/csv_map.h"
#include "services/records/exchange/csv_rows.h"
#include "services/records/exchange/csv_zone.h"

#include "common/measure/fhirtime.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static struct ward_arena mem;
static char seen[4096]; /* "line:field|field;" for every row */

static int open_mem(void **state)
{
    (void)state;
    ward_arena_init(&mem, (size_t)16 << 20);
    return 0;
}

static int close_mem(void **state)
{
    (void)state;
    ward_arena_done(&mem);
    return 0;
}

static int fresh(void **state)
{
    (void)state;
    ward_arena_reset(&mem);
    return 0;
}

/* ---- rows ---- */

static enum ward_code note(void *arg, const struct csv_row *row, struct ward_err *err)
{
    size_t n = strlen(seen);

    (void)arg;
    if (row->n > 0 && strcmp(row->field[0], "stop") == 0)
        return WARD_FAIL(err, ABORTED, "stopped");
    n += (size_t)snprintf(seen + n, sizeof(seen) - n, "%lld:", (long long)row->line);
    for (size_t i = 0; i < row->n; i++)
        n += (size_t)snprintf(seen + n, sizeof(seen) - n, "%s%s", i > 0 ? "|" : "",
                              row->field[i]);
    snprintf(seen + n, sizeof(seen) - n, ";");
    return WARD_OK;
}

/* Feeds a text in pieces of `piece` bytes. Returns the rows, or the error. */
static const char *rows(const char *text, size_t n, size_t piece)
{
    struct csv_rows *r;
    struct ward_err err = {0};
    enum ward_code code;

    seen[0] = '\0';
    assert_int_equal(csv_rows_open(&mem, ',', note, NULL, &r, &err), WARD_OK);
    code = WARD_OK;
    for (size_t at = 0; at < n && code == WARD_OK; at += piece)
        code = csv_rows_feed(r, text + at, n - at < piece ? n - at : piece, &err);
    if (code == WARD_OK)
        code = csv_rows_end(r, &err);
    csv_rows_close(r);
    return code == WARD_OK ? seen : ward_printf(&mem, "%s", err.msg);
}

static void expect_rows(const char *text, const char *want)
{
    for (size_t piece = 1; piece < 9; piece++)
        assert_string_equal(rows(text, strlen(text), piece), want);
    assert_string_equal(rows(text, strlen(text), 1000), want);
}

static void rows_are_the_same_in_whatever_pieces_they_come(void **state)
{
    (void)state;
    expect_rows("a,b\r\nc,d\r\n", "1:a|b;2:c|d;");
    expect_rows("a,b\nc,d", "1:a|b;2:c|d;");
    expect_rows("", "");
    expect_rows("\n\n\r\na\n", "4:a;");
    expect_rows("a,\n,b\n", "1:a|;2:|b;");
    expect_rows(" a , b \n", "1: a | b ;");
    expect_rows("\"a,b\",\"c\"\"d\"\n", "1:a,b|c\"d;");
    expect_rows("\"x\r\ny\n\",b\nc,d\n", "1:x\r\ny\n|b;4:c|d;");
    expect_rows("\xef\xbb\xbf"
                "a,b\n",
                "1:a|b;");
    expect_rows("\xef\xbb\xbf"
                "\xef\xbb\xbf"
                "a\n",
                "1:\xef\xbb\xbf"
                "a;");
    expect_rows("\xe7\x8e\x8b,\xe5\xb0\x8f\n", "1:\xe7\x8e\x8b|\xe5\xb0\x8f;");
    expect_rows("\"\"\n", "1:;");
}

static void what_is_no_table_is_refused_by_its_line(void **state)
{
    (void)state;
    expect_rows("a\nb\"c\n",
                "line 2: a quote at a place where quotes are not allowed; double the "
                "quotes within a quoted field");
    expect_rows("a\n\"b\"c\n",
                "line 2: a quote at a place where quotes are not allowed; double the "
                "quotes within a quoted field");
    expect_rows("a\n\nb,\"c\nd\n", "line 3: the file ends within a quoted field");
    expect_rows("a\n\xff\n", "line 2: a field is not UTF-8, or contains a NUL");
    expect_rows("\xef\xbb\n", "line 1: a field is not UTF-8, or contains a NUL");
    assert_string_equal(rows("a\nb\0c\n", 6, 3),
                        "line 2: a field is not UTF-8, or contains a NUL");
    assert_string_equal(rows("a\rb\rc\r", 6, 6), "line 1: lines must end with CR LF or LF");
}

static void a_huge_row_is_refused_not_fatal(void **state)
{
    char *text = ward_alloc(&mem, CSV_ROW + 16);
    char *wide = ward_alloc(&mem, 2 * CSV_FIELDS + 16);

    (void)state;
    memset(text, 'x', CSV_ROW + 1);
    assert_string_equal(rows(text, CSV_ROW + 1, 1 << 16), "line 1: a row has more than 1 MiB");
    memset(text, '\n', CSV_ROW + 1); /* empty lines are not rows */
    assert_string_equal(rows(text, CSV_ROW + 1, 1 << 16), "");
    memset(wide, ',', CSV_FIELDS);
    wide[CSV_FIELDS] = '\n';
    assert_string_equal(rows(wide, CSV_FIELDS + 1, 7), "line 1: too many fields");
}

static void a_callback_s_failure_ends_it_and_is_passed_up(void **state)
{
    (void)state;
    expect_rows("a\nstop\nb\n", "stopped");
    assert_string_equal(seen, "1:a;");
}

/* ---- time zones ---- */

static struct csv_zone *zone(const char *name)
{
    struct csv_zone *z = NULL;
    struct ward_err err = {0};

    if (csv_zone_open(&mem, name, &z, &err) != WARD_OK)
        fail_msg("%s: %s", name, err.msg);
    return z;
}

static int64_t wall(int y, int m, int d, int h, int min)
{
    return ward_days_of(y, m, d) * 86400 + h * 3600 + min * 60;
}

static void expect_offset(const char *name, int64_t at, enum csv_local want, int hours)
{
    int32_t offset = 0;

    assert_int_equal(csv_zone_offset(zone(name), at, &offset), want);
    if (want == CSV_LOCAL_ONE)
        assert_int_equal(offset, hours * 3600);
}

static void a_wall_clock_is_placed_and_never_guessed(void **state)
{
    (void)state;
    expect_offset("Asia/Shanghai", wall(2020, 7, 1, 12, 0), CSV_LOCAL_ONE, 8);
    expect_offset("Asia/Shanghai", wall(2099, 7, 1, 12, 0), CSV_LOCAL_ONE, 8);
    expect_offset("Europe/Berlin", wall(2020, 1, 1, 12, 0), CSV_LOCAL_ONE, 1);
    expect_offset("Europe/Berlin", wall(2020, 7, 1, 12, 0), CSV_LOCAL_ONE, 2);
    /* Clocks change on 2020-03-29 from 02:00 to 03:00, and on 2020-10-25 from 03:00 back to
     * 02:00. */
    expect_offset("Europe/Berlin", wall(2020, 3, 29, 1, 59), CSV_LOCAL_ONE, 1);
    expect_offset("Europe/Berlin", wall(2020, 3, 29, 2, 0), CSV_LOCAL_NONE, 0);
    expect_offset("Europe/Berlin", wall(2020, 3, 29, 2, 59), CSV_LOCAL_NONE, 0);
    expect_offset("Europe/Berlin", wall(2020, 3, 29, 3, 0), CSV_LOCAL_ONE, 2);
    expect_offset("Europe/Berlin", wall(2020, 10, 25, 1, 59), CSV_LOCAL_ONE, 2);
    expect_offset("Europe/Berlin", wall(2020, 10, 25, 2, 0), CSV_LOCAL_TWO, 0);
    expect_offset("Europe/Berlin", wall(2020, 10, 25, 2, 59), CSV_LOCAL_TWO, 0);
    expect_offset("Europe/Berlin", wall(2020, 10, 25, 3, 0), CSV_LOCAL_ONE, 1);
    expect_offset("Europe/Berlin", wall(2199, 7, 1, 12, 0), CSV_LOCAL_ONE, 2);
    expect_offset("Europe/Berlin", wall(2200, 1, 1, 0, 0), CSV_LOCAL_UNKNOWN, 0);
    /* Samoa skipped the whole day 2011-12-30. */
    expect_offset("Pacific/Apia", wall(2011, 12, 30, 12, 0), CSV_LOCAL_NONE, 0);
    expect_offset("America/New_York", wall(1970, 1, 1, 0, 0), CSV_LOCAL_ONE, -5);
    expect_offset("UTC", wall(2020, 1, 1, 0, 0), CSV_LOCAL_ONE, 0);
}

static void what_is_no_zone_is_refused(void **state)
{
    static const char *const bad[] = {
        "",       "Berlin",    "Europe/Nowhere", "/etc/passwd", "../../../etc/passwd",
        "Europe", "tzdata.zi", "Europe/Berlin\n"};

    (void)state;
    for (size_t i = 0; i < WARD_COUNT(bad); i++) {
        struct csv_zone *z = NULL;
        struct ward_err err = {0};

        assert_int_equal(csv_zone_open(&mem, bad[i], &z, &err), WARD_INVALID_ARGUMENT);
        assert_string_equal(err.field, "start.time_zone");
    }
}

/* ---- dates and times ---- */

static void expect_time(enum csv_date format, const char *text, const char *want)
{
    struct csv_map m = {.zone = zone("Europe/Berlin")};
    const char *problem = NULL;
    char out[48] = "";
    bool fine = csv_time_text(&m, format, text, out, &problem);

    if (want == NULL)
        assert_false(fine);
    else if (!fine || strcmp(out, want) != 0)
        fail_msg("%s: %s, not %s", text, fine ? out : "refused", want);
}

static void dates_are_of_the_format_that_is_said_and_no_other(void **state)
{
    static const struct {
        enum csv_date format;
        const char *fine, *bad[4];
    } all[] = {
        {CSV_YMD, "2020-02-29", {"29.02.2020", "2020-2-29", "2020-02-30", "2021-02-29"}},
        {CSV_DMY_DOTS, "29.02.2020", {"02.29.2020", "2020-02-29", "29.2.2020", "29.02.20"}},
        {CSV_MDY_SLASHES, "02/29/2020", {"29/02/2020", "2/29/2020", "02-29-2020", "02/29/20"}},
        {CSV_YMD_TIGHT, "20200229", {"2020229", "20202902", "2020-02-29", "202002290"}},
    };
    char out[48];

    (void)state;
    for (size_t i = 0; i < WARD_COUNT(all); i++) {
        assert_true(csv_date_text(all[i].format, all[i].fine, out));
        assert_string_equal(out, "2020-02-29");
        for (size_t k = 0; k < 4; k++)
            assert_false(csv_date_text(all[i].format, all[i].bad[k], out));
    }
    assert_false(csv_date_text(CSV_YMD, "0000-01-01", out));
    assert_false(csv_date_text(CSV_YMD, "2020-01-01 ", out));
    assert_false(csv_date_text(CSV_YMD, "", out));
}

static void times_keep_their_zone_or_get_the_one_that_is_said(void **state)
{
    (void)state;
    expect_time(CSV_YMD, "2020-01-02", "2020-01-02");
    expect_time(CSV_YMD, "2020-01-02 03:04", "2020-01-02T03:04:00+01:00");
    expect_time(CSV_YMD, "2020-07-02T03:04:05", "2020-07-02T03:04:05+02:00");
    expect_time(CSV_DMY_DOTS, "02.07.2020 03:04:05.125", "2020-07-02T03:04:05.125+02:00");
    expect_time(CSV_YMD, "2020-01-02T03:04:05Z", "2020-01-02T03:04:05Z");
    expect_time(CSV_YMD, "2020-01-02 03:04-03:30", "2020-01-02T03:04:00-03:30");
    expect_time(CSV_YMD, "2020-01-02T3:04", NULL);
    expect_time(CSV_YMD, "2020-01-02T24:00", NULL);
    expect_time(CSV_YMD, "2020-01-02T23:60", NULL);
    expect_time(CSV_YMD, "2020-01-02T03:04:05.", NULL);
    expect_time(CSV_YMD, "2020-01-02T03:04:05.0123456789", NULL);
    expect_time(CSV_YMD, "2020-01-02T03:04+15:00", NULL);
    expect_time(CSV_YMD, "2020-01-02T03:04Z ", NULL);
    expect_time(CSV_YMD, "2020-01-02x03:04", NULL);
    expect_time(CSV_YMD, "2020-03-29 02:30", NULL);
    /* local mean time with the offset +00:53:28 */
    expect_time(CSV_YMD, "1850-01-01 02:30", NULL);
}

static void a_time_without_a_zone_says_why_it_is_not_taken(void **state)
{
    struct csv_map none = {0};
    const char *problem = NULL;
    char out[48];

    (void)state;
    assert_false(csv_time_text(&none, CSV_YMD, "2020-01-02 03:04", out, &problem));
    assert_string_equal(problem, "the time has no zone; set start.time_zone");
    assert_true(csv_time_text(&none, CSV_YMD, "2020-01-02 03:04Z", out, &problem));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(rows_are_the_same_in_whatever_pieces_they_come, fresh),
        cmocka_unit_test_setup(what_is_no_table_is_refused_by_its_line, fresh),
        cmocka_unit_test_setup(a_huge_row_is_refused_not_fatal, fresh),
        cmocka_unit_test_setup(a_callback_s_failure_ends_it_and_is_passed_up, fresh),
        cmocka_unit_test_setup(a_wall_clock_is_placed_and_never_guessed, fresh),
        cmocka_unit_test_setup(what_is_no_zone_is_refused, fresh),
        cmocka_unit_test_setup(dates_are_of_the_format_that_is_said_and_no_other, fresh),
        cmocka_unit_test_setup(times_keep_their_zone_or_get_the_one_that_is_said, fresh),
        cmocka_unit_test_setup(a_time_without_a_zone_says_why_it_is_not_taken, fresh),
    };

    return cmocka_run_group_tests(tests, open_mem, close_mem);
}
