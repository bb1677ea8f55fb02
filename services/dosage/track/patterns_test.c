#include "services/dosage/track/patterns.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define KIND(name) WARD__DOSAGE__V1__WORKAROUND_KIND__WORKAROUND_KIND_##name
#define ROWS       64
#define NOON       INT64_C(1700049600000000) /* 12:00 UTC */

static struct ward_arena mem;
static struct ward_err err;
static struct charted rows[ROWS];
static struct charted tokens[ROWS];
static struct patterns found;

static int begin(void **state)
{
    (void)state;
    ward_arena_init(&mem, (size_t)16 << 20);
    return 0;
}

static int end(void **state)
{
    (void)state;
    ward_arena_done(&mem);
    return 0;
}

static void again(void)
{
    ward_arena_reset(&mem);
    memset(&found, 0, sizeof(found));
}

/* Sets the n-th row: seconds after noon, patient, person, place. */
static void put(size_t n, double s, int patient, const char *actor, const char *place)
{
    rows[n] = (struct charted){.at_us = NOON + (int64_t)(s * 1e6),
                               .actor = actor,
                               .second = "",
                               .ward = "ward-3",
                               .place = place};
    rows[n].id[0] = (uint8_t)(n + 1);
    rows[n].patient[0] = (uint8_t)patient;
}

static void batch(size_t n)
{
    again();
    assert_int_equal(pattern_batch(rows, n, 0, &mem, &found, &err), WARD_OK);
}

static void many_patients_in_a_minute_are_a_batch(void **state)
{
    (void)state;
    for (int i = 0; i < BATCH_PATIENTS; i++)
        put((size_t)i, 15.0 * i, i, "nurse-1", "");
    batch(BATCH_PATIENTS - 1);
    assert_int_equal(found.n, 0);
    batch(BATCH_PATIENTS);
    assert_int_equal(found.n, 1);
    assert_int_equal(found.at[0].kind, KIND(BATCH));
    assert_int_equal(found.at[0].count, BATCH_PATIENTS);
    assert_int_equal(found.at[0].threshold, BATCH_PATIENTS);
    assert_int_equal(found.at[0].first_us, NOON);
    assert_int_equal(found.at[0].last_us, rows[BATCH_PATIENTS - 1].at_us);
    assert_int_equal(found.at[0].n_evidence, BATCH_PATIENTS);
    assert_memory_equal(found.at[0].evidence[2], rows[2].id, DOSAGE_ID);
    assert_string_equal(found.at[0].actor, "nurse-1");
    rows[0].at_us -= 15000000 + 1; /* the window is half-open: this row is outside */
    batch(BATCH_PATIENTS);
    assert_int_equal(found.n, 0);
}

static void one_patients_round_is_no_batch_until_it_is_long(void **state)
{
    (void)state;
    for (int i = 0; i < BATCH_DOSES; i++)
        put((size_t)i, i, 1, "nurse-1", "");
    batch(BATCH_DOSES - 1);
    assert_int_equal(found.n, 0);
    batch(BATCH_DOSES);
    assert_int_equal(found.n, 1);
    assert_int_equal(found.at[0].threshold, BATCH_DOSES);
}

static void others_doses_are_not_counted(void **state)
{
    static const char *const who[] = {"nurse-1", "nurse-2"};

    (void)state;
    for (int i = 0; i < 2 * BATCH_PATIENTS - 2; i++)
        put((size_t)i, i, i, who[i % 2], "");
    batch(2 * BATCH_PATIENTS - 2);
    assert_int_equal(found.n, 0);
    put(2 * BATCH_PATIENTS - 2, 10, 40, "nurse-1", "");
    batch(2 * BATCH_PATIENTS - 1);
    assert_int_equal(found.n, 1);
    assert_int_equal(found.at[0].n_evidence, BATCH_PATIENTS);
}

/* Findings do not depend on the start of a scan, if the scan begins at least a window
 * earlier. */
static void where_a_look_begins_changes_nothing(void **state)
{
    uint8_t about[WARD_SHA256_SIZE];

    (void)state;
    for (int i = 0; i < 20; i++)
        put((size_t)i, 9.0 * i, i, "nurse-1", "");
    batch(20);
    assert_int_equal(found.n, 20 - BATCH_PATIENTS + 1);
    memcpy(about, found.at[found.n - 1].about, sizeof(about));
    again();
    assert_int_equal(pattern_batch(rows + 8, 12, rows[18].at_us, &mem, &found, &err), WARD_OK);
    assert_int_equal(found.n, 1);
    assert_memory_equal(found.at[0].about, about, sizeof(about));
    assert_int_equal(found.at[0].last_us, rows[19].at_us);
}

static void one_workaround_a_day(void **state)
{
    (void)state;
    for (int i = 0; i < 2 * BATCH_PATIENTS; i++)
        put((size_t)i, (i < BATCH_PATIENTS ? 0 : 3600) + i, i, "nurse-1", "");
    batch(2 * BATCH_PATIENTS);
    assert_int_equal(found.n, 2);
    assert_memory_equal(found.at[0].about, found.at[1].about, WARD_SHA256_SIZE);
    for (int i = BATCH_PATIENTS; i < 2 * BATCH_PATIENTS; i++)
        rows[i].at_us += INT64_C(12) * 3600 * 1000000;
    batch(2 * BATCH_PATIENTS);
    assert_int_equal(found.n, 2);
    assert_memory_not_equal(found.at[0].about, found.at[1].about, WARD_SHA256_SIZE);
}

static void place(size_t n)
{
    again();
    assert_int_equal(pattern_place(rows, n, 0, &mem, &found, &err), WARD_OK);
}

static void many_patients_at_one_place(void **state)
{
    (void)state;
    for (int i = 0; i < PLACE_MOST; i++)
        put((size_t)i, 20.0 * i, i, i == 0 ? "nurse-1" : "nurse-2", "bed-1");
    place(PLACE_MOST);
    assert_int_equal(found.n, 1);
    assert_int_equal(found.at[0].kind, KIND(ONE_PLACE_MANY_PATIENTS));
    assert_string_equal(found.at[0].place, "bed-1");
    assert_string_equal(found.at[0].actor, ""); /* two people verified */
    rows[0].actor = "nurse-2";
    place(PLACE_MOST);
    assert_string_equal(found.at[0].actor, "nurse-2");
    rows[1].patient[0] = rows[0].patient[0];
    place(PLACE_MOST);
    assert_int_equal(found.n, 0);
    put(1, 20, 1, "nurse-2", "bed-2");
    place(PLACE_MOST);
    assert_int_equal(found.n, 0);
    put(1, 20, 1, "nurse-2", "bed-1");
    rows[1].ward = "icu"; /* a bed-1 of another ward */
    place(PLACE_MOST);
    assert_int_equal(found.n, 0);
}

static void no_place_is_no_place(void **state)
{
    (void)state;
    for (int i = 0; i < PLACE_MOST + 2; i++)
        put((size_t)i, i, i, "nurse-1", "");
    place(PLACE_MOST + 2);
    assert_int_equal(found.n, 0);
}

static void second(size_t n)
{
    again();
    assert_int_equal(pattern_second(rows, n, 0, &mem, &found, &err), WARD_OK);
}

static void the_same_second_person_too_fast(void **state)
{
    (void)state;
    for (int i = 0; i < SECOND_RUN; i++) {
        put((size_t)i, 60.0 * i, 1, "nurse-1", "");
        rows[i].second = "nurse-2";
    }
    second(SECOND_RUN);
    assert_int_equal(found.n, 1);
    assert_int_equal(found.at[0].kind, KIND(SECOND_PERSON_HABIT));
    assert_int_equal(found.at[0].n_evidence, SECOND_RUN);
    rows[2].second = "nurse-3";
    second(SECOND_RUN);
    assert_int_equal(found.n, 0);
    rows[2].second = "nurse-2";
    rows[1].at_us -= 1; /* one microsecond too far from the next dose */
    second(SECOND_RUN);
    assert_int_equal(found.n, 0);
}

/* Doses without a second person do not interrupt a run. */
static void doses_between_do_not_part_a_run(void **state)
{
    (void)state;
    for (int i = 0; i < 2 * SECOND_RUN; i++) {
        put((size_t)i, 20.0 * i, 1, "nurse-1", "");
        rows[i].second = i % 2 == 0 ? "nurse-2" : "";
    }
    second(2 * SECOND_RUN);
    assert_int_equal(found.n, 1);
    assert_int_equal(found.at[0].n_evidence, SECOND_RUN);
    assert_memory_equal(found.at[0].evidence[1], rows[2].id, DOSAGE_ID);
}

static void offer(size_t n, double hours, const char *actor)
{
    tokens[n] = (struct charted){.at_us = NOON + (int64_t)(hours * 3600e6),
                                 .actor = actor,
                                 .second = "",
                                 .ward = "ward-3",
                                 .place = "bed-1"};
    tokens[n].id[0] = (uint8_t)(n + 1);
}

static void one_wrong_token_is_a_slip(void **state)
{
    (void)state;
    offer(0, 0, "nurse-1");
    offer(1, 1, "nurse-2");
    again();
    assert_int_equal(pattern_misuse(tokens, 2, 0, &mem, &found, &err), WARD_OK);
    assert_int_equal(found.n, 0);
    offer(2, 11.9, "nurse-1");
    assert_int_equal(pattern_misuse(tokens, 3, 0, &mem, &found, &err), WARD_OK);
    assert_int_equal(found.n, 1);
    assert_int_equal(found.at[0].count, MISUSE_MOST);
    assert_int_equal(found.at[0].n_evidence, 2);
    assert_memory_equal(found.at[0].evidence[1], tokens[2].id, DOSAGE_ID);
    again();
    offer(2, 12, "nurse-1"); /* in another shift */
    assert_int_equal(pattern_misuse(tokens, 3, 0, &mem, &found, &err), WARD_OK);
    assert_int_equal(found.n, 0);
}

/* ---- comparison with the simplest implementation ---- */

static bool is_in(size_t j, size_t i, int64_t within, bool by_place)
{
    if (j > i || rows[j].at_us <= rows[i].at_us - within)
        return false;
    return by_place ? strcmp(rows[j].place, rows[i].place) == 0 &&
                          strcmp(rows[j].ward, rows[i].ward) == 0
                    : strcmp(rows[j].actor, rows[i].actor) == 0;
}

/* The window that ends with row i: the numbers of rows and patients, whether one person charted
 * all rows, and the first row. */
static int patients_to(size_t i, int64_t within, bool by_place, int *n, bool *one,
                       size_t *first)
{
    int patients = 0;

    *n = 0;
    *one = true;
    for (size_t j = i + 1; j-- > 0;) {
        bool again = false;

        if (!is_in(j, i, within, by_place))
            continue;
        for (size_t k = j + 1; k <= i; k++)
            again = again || (is_in(k, i, within, by_place) &&
                              memcmp(rows[k].patient, rows[j].patient, DOSAGE_ID) == 0);
        patients += !again;
        *one = *one && strcmp(rows[j].actor, rows[i].actor) == 0;
        *first = j;
        ++*n;
    }
    return patients;
}

static const struct pattern *found_at(size_t i)
{
    const struct pattern *p = NULL;

    for (size_t k = 0; k < found.n; k++) {
        size_t newest = found.at[k].n_evidence - 1;

        if (memcmp(found.at[k].evidence[newest], rows[i].id, DOSAGE_ID) != 0)
            continue;
        assert_null(p); /* once */
        p = &found.at[k];
    }
    return p;
}

static void assert_as_said(size_t i, bool by_place, bool is, int count, size_t first,
                           const char *actor)
{
    const struct pattern *p = found_at(i);

    assert_int_equal(p != NULL, is);
    if (p == NULL)
        return;
    assert_int_equal(p->count, count);
    assert_int_equal(p->first_us, rows[first].at_us);
    assert_int_equal(p->last_us, rows[i].at_us);
    assert_memory_equal(p->evidence[0], rows[first].id, DOSAGE_ID);
    assert_string_equal(p->actor, actor);
    assert_string_equal(p->place, by_place ? rows[i].place : "");
}

static void anything(unsigned *seed)
{
    static const char *const who[] = {"nurse-1", "nurse-2", "nurse-3"};
    static const char *const where[] = {"", "bed-1", "bed-2"};
    double at = 0;

    for (size_t i = 0; i < ROWS; i++) {
        *seed = *seed * 1664525 + 1013904223;
        at += (double)(*seed >> 28); /* 0 to 15 s */
        put(i, at, (int)(*seed >> 24) % 5, who[(*seed >> 20) % 3], where[(*seed >> 16) % 3]);
        rows[i].ward = (*seed >> 12) % 4 == 0 ? "icu" : "ward-3";
    }
}

static void whatever_is_charted_is_found_as_it_is_said(void **state)
{
    unsigned seed = 7;

    (void)state;
    for (int round = 0; round < 200; round++) {
        int n, patients;
        bool one;
        size_t first = 0;

        anything(&seed);
        batch(ROWS);
        for (size_t i = 0; i < ROWS; i++) {
            patients = patients_to(i, BATCH_WITHIN, false, &n, &one, &first);
            assert_as_said(i, false, patients >= BATCH_PATIENTS || n >= BATCH_DOSES,
                           patients >= BATCH_PATIENTS ? patients : n, first, rows[i].actor);
        }
        place(ROWS);
        for (size_t i = 0; i < ROWS; i++) {
            patients = patients_to(i, PLACE_WITHIN, true, &n, &one, &first);
            assert_as_said(i, true, patients >= PLACE_MOST && *rows[i].place != '\0', patients,
                           first, one ? rows[i].actor : "");
        }
    }
}

/* One person charts thousands of doses in a minute, as a program or a whole hospital might do.
 * Memory grows with the number of rows, not with its square. */
static void a_minute_may_hold_thousands(void **state)
{
    enum { MANY = 12000 };
    static struct charted many[MANY];

    (void)state;
    for (int i = 0; i < MANY; i++) {
        put(0, i / 200.0, 0, "nurse-1", "bed-1");
        many[i] = rows[0];
        memcpy(many[i].id, &i, sizeof(i));
        memcpy(many[i].patient, &(int){i / 8}, sizeof(i));
    }
    again();
    assert_int_equal(pattern_batch(many, MANY, 0, &mem, &found, &err), WARD_OK);
    assert_int_equal(found.n, MANY - BATCH_DOSES + 1);
    assert_int_equal(found.at[found.n - 1].count, MANY / 8);
    assert_int_equal(found.at[found.n - 1].n_evidence, PATTERN_EVIDENCE);
    again();
    assert_int_equal(pattern_place(many, MANY, 0, &mem, &found, &err), WARD_OK);
    assert_int_equal(found.n, MANY - 8 * (PLACE_MOST - 1));
}

/* ---- merging equal findings ---- */

static void what_is_the_same_becomes_one(void **state)
{
    struct pattern all;
    struct ward_val ids;
    size_t n;

    (void)state;
    for (int i = 0; i < 60; i++)
        put((size_t)i, i < 30 ? 4.0 * i : 3600 + 2.0 * i, i, i % 2 == 0 ? "nurse-1" : "nurse-2",
            "");
    batch(60);
    patterns_sort(&found);
    n = patterns_same(&found, 0);
    /* two workarounds, one for each person */
    assert_int_equal(n + patterns_same(&found, n), found.n);
    for (size_t i = 1; i < n; i++)
        assert_true(found.at[i].last_us > found.at[i - 1].last_us);
    all = pattern_joined(found.at, n);
    /* the second burst is the largest: 15; the first had eight */
    assert_int_equal(all.count, 15);
    assert_int_equal(all.first_us, found.at[0].first_us);
    assert_int_equal(all.last_us, found.at[n - 1].last_us);
    assert_int_equal(pattern_evidence(NULL, 0, found.at, n, &mem, &ids, &err), WARD_OK);
    assert_int_equal(ids.n, 30 * DOSAGE_ID);
    assert_int_equal(
        pattern_evidence((const uint8_t(*)[DOSAGE_ID])ids.p, 30, found.at, n, &mem, &ids, &err),
        WARD_OK);
    assert_int_equal(ids.n, 30 * DOSAGE_ID); /* no id is repeated */
}

static void a_share_is_what_it_is_now(void **state)
{
    const struct pattern same[] = {{.count = 12, .out_of = 20, .first_us = 5, .last_us = 9},
                                   {.count = 11, .out_of = 21, .first_us = 6, .last_us = 10}};
    struct pattern all = pattern_joined(same, 2);

    (void)state;
    assert_int_equal(all.count, 11);
    assert_int_equal(all.out_of, 21);
    assert_int_equal(all.first_us, 5);
    assert_int_equal(all.last_us, 10);
}

static void shares(void **state)
{
    (void)state;
    assert_false(pattern_unscanned(&(struct scanning){.given = 9, .unscanned = 9}));
    assert_false(pattern_unscanned(&(struct scanning){.given = 10, .unscanned = 5}));
    assert_true(pattern_unscanned(&(struct scanning){.given = 10, .unscanned = 6}));
    assert_false(pattern_habit(&(struct habit){.fired = 19, .overridden = 19}));
    assert_true(pattern_habit(&(struct habit){.fired = 20, .overridden = 18}));
    assert_false(pattern_habit(&(struct habit){.fired = 20, .overridden = 17}));
}

static void about_tells_apart_what_differs(void **state)
{
    struct pattern a = {
        .kind = KIND(BATCH), .ward = "w", .actor = "", .place = "x", .rule_id = ""};
    struct pattern b = {
        .kind = KIND(BATCH), .ward = "w", .actor = "x", .place = "", .rule_id = ""};

    (void)state;
    pattern_about(&a, 1, NULL);
    pattern_about(&b, 1, NULL);
    assert_memory_not_equal(a.about, b.about, WARD_SHA256_SIZE);
    b = a;
    pattern_about(&b, 2, NULL);
    assert_memory_not_equal(a.about, b.about, WARD_SHA256_SIZE);
}

static void every_kind_has_its_sentence(void **state)
{
    Ward__Dosage__V1__Sentence *s;

    (void)state;
    again();
    for (int k = KIND(TOKEN_REUSED); k <= KIND(SECOND_PERSON_HABIT); k++) {
        struct pattern p = {.kind = (Ward__Dosage__V1__WorkaroundKind)k, .rule_id = "r"};

        assert_int_equal(pattern_text(&p, &mem, &s, &err), WARD_OK);
        assert_true(strlen(s->en) > 20);
        assert_true(strlen(s->zh) > 20);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(many_patients_in_a_minute_are_a_batch),
        cmocka_unit_test(one_patients_round_is_no_batch_until_it_is_long),
        cmocka_unit_test(others_doses_are_not_counted),
        cmocka_unit_test(where_a_look_begins_changes_nothing),
        cmocka_unit_test(one_workaround_a_day),
        cmocka_unit_test(many_patients_at_one_place),
        cmocka_unit_test(no_place_is_no_place),
        cmocka_unit_test(the_same_second_person_too_fast),
        cmocka_unit_test(doses_between_do_not_part_a_run),
        cmocka_unit_test(one_wrong_token_is_a_slip),
        cmocka_unit_test(whatever_is_charted_is_found_as_it_is_said),
        cmocka_unit_test(a_minute_may_hold_thousands),
        cmocka_unit_test(what_is_the_same_becomes_one),
        cmocka_unit_test(a_share_is_what_it_is_now),
        cmocka_unit_test(shares),
        cmocka_unit_test(about_tells_apart_what_differs),
        cmocka_unit_test(every_kind_has_its_sentence),
    };

    return cmocka_run_group_tests(tests, begin, end);
}
