#include "common/zone/zone.h"
#include "services/identity/access/csv.h"
#include "services/identity/access/report.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define MINUTE INT64_C(60000000)
#define DAYS   4

static int64_t begins[DAYS + 1];
static struct day_line lines[DAYS];

/* Begins a report of four days in Berlin. The second day has 23 or 25 hours. */
static void from(const char *date)
{
    struct ward_zone *zone;
    int64_t day;

    assert_int_equal(ward_zone_open("Europe/Berlin", &zone, NULL), WARD_OK);
    assert_true(ward_date_parse(date, &day));
    for (int i = 0; i <= DAYS; i++)
        begins[i] = ward_zone_begin(zone, day + i);
    ward_zone_close(zone);
}

struct step {
    /* I: arrival, O: departure, i and o: the same, struck out, +: a correction that adds an
     * arrival, x: a strike */
    char what;
    int day;    /* index in `begins`; -1: the day before */
    int minute; /* minutes since the beginning of the day */
};

static int64_t when(const struct step *s)
{
    return (s->day < 0 ? begins[0] - 1440 * MINUTE : begins[s->day]) + s->minute * MINUTE;
}

static void run(const struct step *steps, size_t n)
{
    struct report r;

    report_begin(&r, begins, DAYS, lines);
    for (size_t i = 0; i < n; i++) {
        char w = steps[i].what;

        report_add(&r,
                   &(struct coming){.direction = w == 'O' || w == 'o' ? REPORT_OUT : REPORT_IN,
                                    .at_us = when(&steps[i]),
                                    .stands = w == 'I' || w == 'O' || w == '+',
                                    .correction = w == '+' || w == 'x'});
    }
    report_end(&r);
}
#define RUN(...)                                                                               \
    do {                                                                                       \
        const struct step steps_[] = {__VA_ARGS__};                                            \
        run(steps_, WARD_COUNT(steps_));                                                       \
    } while (0)

static void expect(int day, int minutes, int events, int corrections, bool open)
{
    assert_int_equal(lines[day].present_us / MINUTE, minutes);
    assert_int_equal(lines[day].events, events);
    assert_int_equal(lines[day].corrections, corrections);
    assert_int_equal(lines[day].open, open);
}

static void a_day_is_from_coming_to_going(void **state)
{
    (void)state;
    from("2026-06-01");
    RUN({'I', 1, 480}, {'O', 1, 720}, {'I', 1, 750}, {'O', 1, 990});
    expect(1, 240 + 240, 4, 0, false);
    assert_int_equal(lines[1].first_in_us, begins[1] + 480 * MINUTE);
    assert_int_equal(lines[1].last_out_us, begins[1] + 990 * MINUTE);
    assert_false(report_has(&lines[0]));
    assert_true(report_has(&lines[1]));
}

static void a_night_is_split_at_midnight(void **state)
{
    (void)state;
    from("2026-06-01");
    RUN({'I', 1, 1320}, {'O', 2, 360});
    expect(1, 120, 1, 0, false);
    expect(2, 360, 1, 0, false);
    assert_int_equal(lines[1].last_out_us, 0);
    assert_int_equal(lines[2].first_in_us, 0);
}

static void a_span_over_a_whole_day_gives_it_all_its_minutes(void **state)
{
    (void)state;
    from("2026-06-01");
    RUN({'I', 0, 1430}, {'O', 2, 10});
    expect(0, 10, 1, 0, false);
    expect(1, 1440, 0, 0, false);
    expect(2, 10, 1, 0, false);
    assert_true(report_has(&lines[1]));
}

static void minutes_are_those_that_passed_when_clocks_are_changed(void **state)
{
    (void)state;
    from("2026-03-28");                 /* the 29th has 23 hours */
    RUN({'I', 0, 1320}, {'O', 1, 300}); /* from 22:00 to 06:00: seven hours */
    expect(0, 120, 1, 0, false);
    expect(1, 300, 1, 0, false);
    RUN({'I', 1, 0}, {'O', 2, 0});
    expect(1, 23 * 60, 1, 0, false);
    from("2026-10-24"); /* the 25th has 25 hours */
    RUN({'I', 1, 0}, {'O', 2, 0});
    expect(1, 25 * 60, 1, 0, false);
}

static void who_came_and_did_not_go_is_open_and_has_no_minutes(void **state)
{
    (void)state;
    from("2026-06-01");
    RUN({'I', 1, 480});
    expect(1, 0, 1, 0, true);
    RUN({'I', 1, 480}, {'I', 2, 480}, {'O', 2, 960}); /* no departure on the first day */
    expect(1, 0, 1, 0, true);
    expect(2, 480, 2, 0, false);
    RUN({'I', 1, 0}, {'O', 2, 720}); /* 36 hours, the longest accepted presence */
    expect(1, 1440, 1, 0, false);
    RUN({'I', 1, 0}, {'O', 2, 721});
    expect(1, 0, 1, 0, true);
    expect(2, 0, 1, 0, false);
}

static void a_going_without_a_coming_is_an_event_without_minutes(void **state)
{
    (void)state;
    from("2026-06-01");
    RUN({'O', 1, 480}, {'O', 1, 500});
    expect(1, 0, 2, 0, false);
    assert_int_equal(lines[1].last_out_us, begins[1] + 500 * MINUTE);
}

static void what_reaches_in_from_before_and_out_after_counts_within(void **state)
{
    (void)state;
    from("2026-06-01");
    RUN({'I', -1, 1380}, {'O', 0, 60}, {'I', 3, 1400}, {'O', 4, 60});
    expect(0, 60, 1, 0, false);
    expect(3, 40, 1, 0, false);
    RUN({'I', -1, 1380}); /* an open arrival before the first day */
    for (int d = 0; d < DAYS; d++)
        assert_false(report_has(&lines[d]) || lines[d].open);
}

static void what_was_struck_out_does_not_count_and_the_striking_shows(void **state)
{
    (void)state;
    from("2026-06-01");
    RUN({'I', 1, 480}, {'o', 1, 700}, {'x', 1, 700}, {'O', 1, 960});
    expect(1, 480, 2, 1, false);
    RUN({'+', 1, 480}, {'O', 1, 540});
    expect(1, 60, 2, 1, false);
    RUN({'i', 1, 480}, {'x', 1, 480});
    expect(1, 0, 0, 1, false);
    assert_true(report_has(&lines[1]));
    assert_int_equal(lines[1].first_in_us, 0);
}

/* A property for random events: no day has more minutes than its length, and the total equals
 * the sum of the spans. */
static void no_day_has_more_than_it_is_long(void **state)
{
    uint32_t seed = 1;

    (void)state;
    from("2026-10-24");
    for (int round = 0; round < 2000; round++) {
        struct step steps[12];
        int64_t sum = 0, total = 0, in = -1;
        int at = 0;

        for (size_t i = 0; i < WARD_COUNT(steps); i++) {
            seed = seed * 1664525u + 1013904223u;
            at += (int)(seed >> 8) % 600;
            steps[i] = (struct step){(seed >> 28) % 2 == 0 ? 'I' : 'O', 0, at};
            if (when(&steps[i]) >= begins[DAYS])
                steps[i].minute = at = 0;
            if (at == 0 && i > 0)
                steps[i] = steps[i - 1];
            at = steps[i].minute;
            if (steps[i].what == 'I') {
                in = when(&steps[i]);
            } else if (in >= 0) {
                if (when(&steps[i]) - in <= REPORT_PRESENCE_H * 60 * MINUTE)
                    sum += when(&steps[i]) - in;
                in = -1;
            }
        }
        run(steps, WARD_COUNT(steps));
        for (int d = 0; d < DAYS; d++) {
            assert_true(lines[d].present_us <= begins[d + 1] - begins[d]);
            total += lines[d].present_us;
        }
        assert_int_equal(total, sum);
    }
}

/* ---- CSV ---- */

static const char *field(const char *s)
{
    static char out[600];
    struct csv c = {.at = out, .cap = sizeof(out) - 1};

    csv_text(&c, s);
    assert_false(c.full);
    out[c.n] = '\0';
    return out;
}

static void fields_are_quoted_where_they_must_be(void **state)
{
    (void)state;
    assert_string_equal(field("plain text"), "plain text");
    assert_string_equal(field(""), "");
    assert_string_equal(field("a,b"), "\"a,b\"");
    assert_string_equal(field("say \"x\""), "\"say \"\"x\"\"\"");
    assert_string_equal(field("a\r\nb"), "\"a\r\nb\"");
}

static void what_a_spreadsheet_would_run_is_made_text(void **state)
{
    (void)state;
    assert_string_equal(field("=1+1"), "'=1+1");
    assert_string_equal(field("+1"), "'+1");
    assert_string_equal(field("-1"), "'-1");
    assert_string_equal(field("@x"), "'@x");
    assert_string_equal(field("\tx"), "'\tx");
    assert_string_equal(field("=HYPERLINK(\"a\",\"b\")"),
                        "\"'=HYPERLINK(\"\"a\"\",\"\"b\"\")\"");
    assert_string_equal(field("a=1"), "a=1");
}

static void a_line_ends_with_cr_lf_and_begins_without_a_comma(void **state)
{
    char out[64];
    struct csv c = {.at = out, .cap = sizeof(out)};

    (void)state;
    csv_text(&c, "a");
    csv_int(&c, -3);
    csv_text(&c, "");
    csv_end_line(&c);
    csv_int(&c, 7);
    csv_end_line(&c);
    assert_int_equal(c.n, 10);
    assert_memory_equal(out, "a,-3,\r\n7\r\n", 10);
}

static void what_does_not_fit_is_said(void **state)
{
    char out[4];
    struct csv c = {.at = out, .cap = sizeof(out)};

    (void)state;
    csv_text(&c, "abcd");
    assert_false(c.full);
    csv_text(&c, "");
    assert_true(c.full);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_day_is_from_coming_to_going),
        cmocka_unit_test(a_night_is_split_at_midnight),
        cmocka_unit_test(a_span_over_a_whole_day_gives_it_all_its_minutes),
        cmocka_unit_test(minutes_are_those_that_passed_when_clocks_are_changed),
        cmocka_unit_test(who_came_and_did_not_go_is_open_and_has_no_minutes),
        cmocka_unit_test(a_going_without_a_coming_is_an_event_without_minutes),
        cmocka_unit_test(what_reaches_in_from_before_and_out_after_counts_within),
        cmocka_unit_test(what_was_struck_out_does_not_count_and_the_striking_shows),
        cmocka_unit_test(no_day_has_more_than_it_is_long),
        cmocka_unit_test(fields_are_quoted_where_they_must_be),
        cmocka_unit_test(what_a_spreadsheet_would_run_is_made_text),
        cmocka_unit_test(a_line_ends_with_cr_lf_and_begins_without_a_comma),
        cmocka_unit_test(what_does_not_fit_is_said),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
