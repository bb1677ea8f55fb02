/* Tests answers to a challenge, given frame by frame as the models would measure them. */
#include "services/identity/live/live.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define FRAME_MS 100
#define STEP_MS  5000

/* A film as text, with one letter for each frame. s straight; c eyes closed; l, r turned to the
 * person's left and right; h half turned; n no face; x another person, straight; L, R another
 * person turned. */
struct film {
    struct sight at[300];
    int n;
};

static struct sight sight_of(char letter)
{
    struct sight s = {.usable = letter != 'n', .likeness = 0.9};

    s.yaw = letter == 'l' || letter == 'L'   ? 30
            : letter == 'r' || letter == 'R' ? -30
            : letter == 'h'                  ? 16
                                             : 2;
    s.eyes_closed = letter == 'c' ? 0.95 : 0.02;
    if (letter == 'x' || letter == 'L' || letter == 'R')
        s.likeness = 0.1;
    if (letter == 'l' || letter == 'r')
        s.likeness = 0.5;
    return s;
}

static struct film film_of(const char *script)
{
    struct film f = {.n = (int)strlen(script)};

    for (int i = 0; i < f.n; i++) {
        f.at[i] = sight_of(script[i]);
        f.at[i].at_ms = f.at[i].camera_ms = (int64_t)i * FRAME_MS;
    }
    return f;
}

static struct judgement judge(const struct film *f, const char *steps)
{
    enum live_step of[LIVE_STEPS_MAX];
    int n = (int)strlen(steps);
    struct judgement j;

    for (int i = 0; i < n; i++)
        of[i] = steps[i] == 'b'   ? LIVE_BLINK
                : steps[i] == 'l' ? LIVE_TURN_LEFT
                                  : LIVE_TURN_RIGHT;
    challenge_judge(of, n, STEP_MS, f->at, f->n, &j);
    return j;
}

static void passes(const char *steps, const char *script)
{
    struct film f = film_of(script);
    struct judgement j = judge(&f, steps);

    assert_string_equal(j.why, "");
    assert_true(j.passed);
    assert_int_equal(j.n_seen, (int)strlen(steps));
}

static void fails(const struct film *f, const char *steps, const char *why)
{
    struct judgement j = judge(f, steps);

    assert_string_equal(j.why, why);
    assert_false(j.passed);
}

static void fails_as(const char *steps, const char *script, const char *why)
{
    struct film f = film_of(script);

    fails(&f, steps, why);
}

static void what_was_asked_in_its_order_passes(void **state)
{
    (void)state;
    passes("bl", "sssccssssshlllhsss");
    passes("lb", "ssshllhssssccsss");
    passes("rl", "ssrrsssllss");
    passes("rb", "ssrrsssccs");
    passes("lrbl", "ssllsssrrsssccssslls");
    passes("lr", "ssccssllssccssrrss");    /* additional blinks are allowed */
    passes("bl", "sscccccccccccsssllsss"); /* a slow blink */
    passes("bl", "sssccsssssllssssssccs"); /* the film continues after the last step */
}

static void another_order_does_not(void **state)
{
    static const char why[] = "the person performed a step that was not the next one";

    (void)state;
    fails_as("lr", "ssrrsssllss", why);
    fails_as("bl", "sssllsssccss", why);
    fails_as("rb", "sssllsssccss", why);
    fails_as("lb", "sssllssrrssccss", why); /* a turn that was not requested */
    fails_as("bl", "sssccsssssllsssrrsss", "the person turned after the last step");
}

static void a_missing_step_does_not(void **state)
{
    static const char why[] = "the person did not perform every step";

    (void)state;
    fails_as("bl", "sssssssssssssssssssss", why); /* all frames equal, as from a photograph */
    fails_as("bl", "sssccssssssssss", why);
    fails_as("lb", "sssllssssssssss", why);
    fails_as("bl", "ccccccccccllsssssss",
             "the person did not look straight ahead with open eyes before a turn");
    /* the eyes are closed for too long */
    fails_as("bl", "ssscccccccccccccccccccccccccccssllss",
             "the person performed a step that was not the next one");
    fails_as("lb", "ssshhhhhhssss", why); /* the head is not turned far enough */
    fails_as("lb", "", "too few usable frames");
    fails_as("lb", "ssll", "too few usable frames");
}

static void a_turn_begins_from_a_straight_look(void **state)
{
    (void)state;
    /* a single movement over both limits is one turn */
    fails_as("lr", "ssslllrrrsss", "the person did not perform every step");
    fails_as("lr", "lllsssrrrsss",
             "the person did not look straight ahead with open eyes before a turn");
    passes("lr", "sssllhlhllsrrrsss"); /* a trembling head does not make two turns */
}

static void a_swapped_person_does_not(void **state)
{
    static const char why[] = "the face changed";

    (void)state;
    fails_as("lb", "sssLLssccss", why); /* another person turns the head */
    fails_as("lb", "sssllssccssxx", why);
    fails_as("lb", "xxxllssccss", why);
}

static void too_slow_does_not(void **state)
{
    struct film f = film_of("sssssllsssssccsss");

    (void)state;
    for (int i = 5; i < f.n; i++)
        f.at[i].at_ms += 900, f.at[i].camera_ms += 900;
    assert_true(judge(&f, "lb").passed);
    f = film_of("sssssssssssssssssssssssssssssssssssssssssssssssssssssslls"); /* 5.4 s */
    fails(&f, "lb", "the person performed a step too late");
    f = film_of("ssllsssssssssssssssssssssssssssssssssssssssssssssssssssssssccs");
    fails(&f, "lb", "the person performed a step too late");
}

static void what_arrives_in_an_instant_does_not(void **state)
{
    struct film f = film_of("sssllssssscccsssssllsssssccss");

    (void)state;
    assert_true(judge(&f, "lblb").passed);
    for (int i = 0; i < f.n; i++)
        f.at[i].at_ms = i; /* a replay: three seconds of film arrive within 30 ms */
    fails(&f, "lblb", "the person performed a step faster than people can");
    for (int i = 0; i < f.n; i++)
        f.at[i].at_ms = i * 60, f.at[i].camera_ms = i * 300;
    fails(&f, "lblb", "the frames arrived faster than a camera films");
    for (int i = 0; i < f.n; i++) /* a replay with a matching camera clock */
        f.at[i].at_ms = f.at[i].camera_ms = i + 1;
    fails(&f, "lblb", "the person performed a step faster than people can");
}

static void missing_frames_do_not_but_a_stalled_network_does(void **state)
{
    struct film f = film_of("sssllsssssccsss");

    (void)state;
    /* a network stall: filmed continuously, but some frames arrive later */
    for (int i = 5; i < f.n; i++)
        f.at[i].at_ms += 1500;
    assert_true(judge(&f, "lb").passed);
    for (int i = 5; i < f.n; i++)
        f.at[i].at_ms += 2000;
    fails(&f, "lb", "frames are missing");
    f = film_of("sssllsssssccsss");
    for (int i = 5; i < f.n; i++) /* a gap in the film */
        f.at[i].at_ms += 1200, f.at[i].camera_ms += 1200;
    fails(&f, "lb", "frames are missing");
    /* the person leaves the picture */
    fails_as("lb", "sssllssnnnnnnnnnnnssccsss", "frames are missing");
    passes("lb", "sssllssnnnnnssccsss");
}

static void a_clock_that_stands_or_goes_back_does_not(void **state)
{
    struct film f = film_of("sssllsssssccsss");

    (void)state;
    f.at[7].camera_ms = f.at[6].camera_ms;
    fails(&f, "lb", "the frames' times do not rise");
    f = film_of("sssllsssssccsss");
    f.at[7].at_ms = 3;
    fails(&f, "lb", "the frames' times do not rise");
}

static void numbers_that_are_none_do_not(void **state)
{
    struct film f = film_of("sssllsssssccsss");

    (void)state;
    f.at[8].likeness = NAN;
    fails(&f, "lb", "the face changed");
    f = film_of("sssllsssssccsss");
    for (int i = 0; i < f.n; i++)
        f.at[i].yaw = NAN;
    assert_false(judge(&f, "lb").passed);
    f = film_of("sssllsssssccsss");
    for (int i = 0; i < f.n; i++)
        f.at[i].eyes_closed = NAN;
    assert_false(judge(&f, "lb").passed);
    f = film_of("sssllsssssccsss");
    assert_false(judge(&f, "").passed); /* a challenge without steps never passes */
}

/* Measures the share of all challenges that any film made beforehand passes. */
static void no_film_answers_a_quarter_of_all_challenges(void **state)
{
    static const char *const films[] = {"ssccssrrssccssllssccss", "ssrrssccssllss",
                                        "ssllssrrssllssrrss", "ssccssllssccssllss",
                                        "ssccssrrssccssllssccssrrssccssllss"};
    const int rounds = 3000;

    (void)state;
    for (size_t i = 0; i < WARD_COUNT(films); i++) {
        struct film f = film_of(films[i]);
        int passed = 0;

        for (int k = 0; k < rounds; k++) {
            enum live_step s[LIVE_STEPS_MAX];
            struct judgement j;
            int n = challenge_make(s);

            challenge_judge(s, n, STEP_MS, f.at, f.n, &j);
            passed += j.passed;
        }
        /* the best film passes 18 %: the limit is ten standard deviations above */
        assert_true(passed < rounds / 4);
    }
}

static void challenges_have_two_to_four_steps_none_twice_in_a_row(void **state)
{
    int lengths[LIVE_STEPS_MAX + 1] = {0}, firsts[LIVE_TURN_RIGHT + 1] = {0}, turns = 0;

    (void)state;
    for (int k = 0; k < 2000; k++) {
        enum live_step s[LIVE_STEPS_MAX];
        int n = challenge_make(s);

        assert_in_range(n, 2, LIVE_STEPS_MAX);
        for (int i = 0; i < n; i++) {
            assert_in_range(s[i], LIVE_BLINK, LIVE_TURN_RIGHT);
            assert_true(i == 0 || s[i] != s[i - 1]);
            turns += s[i] != LIVE_BLINK;
        }
        lengths[n]++;
        firsts[s[0]]++;
    }
    for (int n = 2; n <= LIVE_STEPS_MAX; n++)
        /* each length is expected in a third of 2,000 challenges: the limit is 12 deviations
         * below */
        assert_true(lengths[n] > 400);
    for (int s = LIVE_BLINK; s <= LIVE_TURN_RIGHT; s++)
        assert_true(firsts[s] > 400);
    assert_true(turns > 2000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_asked_in_its_order_passes),
        cmocka_unit_test(another_order_does_not),
        cmocka_unit_test(a_missing_step_does_not),
        cmocka_unit_test(a_turn_begins_from_a_straight_look),
        cmocka_unit_test(a_swapped_person_does_not),
        cmocka_unit_test(too_slow_does_not),
        cmocka_unit_test(what_arrives_in_an_instant_does_not),
        cmocka_unit_test(missing_frames_do_not_but_a_stalled_network_does),
        cmocka_unit_test(a_clock_that_stands_or_goes_back_does_not),
        cmocka_unit_test(numbers_that_are_none_do_not),
        cmocka_unit_test(no_film_answers_a_quarter_of_all_challenges),
        cmocka_unit_test(challenges_have_two_to_four_steps_none_twice_in_a_row),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
