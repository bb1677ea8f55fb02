/* Compares each step with an independent implementation. tests/peers/steps.py prints the
 * expected values in steps_peer.h. */
#include "common/base/clock.h"
#include "services/diagnosis/steps/steps_own.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "services/diagnosis/steps/steps_peer.h"

#define W 21
#define H 17

static struct ward_arena mem;
static struct ward_err err;
static float film_px[W * H];
static const struct film film = {.width = W, .height = H, .stored = film_px};

static void parse(const char *list, struct steps *out)
{
    const struct ward_json *v;

    assert_int_equal(ward_json_parse(list, strlen(list), NULL, &mem, &v, &err), WARD_OK);
    if (steps_parse(v, 0, &mem, out, &err) != WARD_OK)
        fail_msg("%s: %s", list, err.msg);
}

static int differ(const char *step, int w, int h, const float *want, float most)
{
    const size_t n = (size_t)w * (size_t)h;
    struct steps s = {.n = 2, .channels = 1, .width = w, .height = h};
    float *out = ward_alloc(&mem, n * sizeof(*out));
    struct steps parsed;
    char list[512];
    int bad = 0;

    /* a list must end with a fixed size: the last step is removed again below */
    snprintf(list, sizeof(list),
             "[{\"op\":\"decode\"%s},%s,{\"op\":\"resize\",\"method\":\"area\","
             "\"width\":1,\"height\":1}]",
             strstr(step, "window") == NULL ? "" : ",\"values\":\"stored\"", step);
    parse(list, &parsed);
    memcpy(s.at, parsed.at, sizeof(s.at));
    s.at[0].stored = true;
    assert_int_equal(steps_image(&s, &film, &mem, NULL, out, NULL, &err), WARD_OK);
    for (size_t i = 0; i < n; i++)
        if (!(fabsf(out[i] - want[i]) <= most)) {
            print_message("%s: %zu is %g, the peer's %g\n", step, i, (double)out[i],
                          (double)want[i]);
            bad++;
        }
    return bad;
}

#define AS_PEER(step, name, most)                                                              \
    assert_int_equal(differ(step, name##_w, name##_h, name##_peer, most), 0)

static void sizes_change_as_opencv_changes_them(void **state)
{
    (void)state;
    AS_PEER("{\"op\":\"resize\",\"method\":\"area\",\"width\":7,\"height\":5}", area, 1e-3f);
    AS_PEER("{\"op\":\"resize\",\"method\":\"bilinear\",\"width\":13,\"height\":30}", bilinear,
            1e-3f);
}

static void quarter_turns_are_numpy_s_and_other_angles_scipy_s(void **state)
{
    (void)state;
    AS_PEER("{\"op\":\"rotate\",\"degrees\":90}", turn_90, 0);
    AS_PEER("{\"op\":\"rotate\",\"degrees\":-180}", turn_180, 0);
    AS_PEER("{\"op\":\"rotate\",\"degrees\":270}", turn_270, 0);
    AS_PEER("{\"op\":\"rotate\",\"degrees\":-90}", turn_270, 0);
    AS_PEER("{\"op\":\"rotate\",\"degrees\":17,\"fill\":9}", rotate, 1e-3f);
}

static void clahe_is_opencv_s(void **state)
{
    static const char even[] = "{\"op\":\"crop\",\"method\":\"box\",\"x\":0,\"y\":0,"
                               "\"width\":20,\"height\":16}";
    struct steps s;
    float out[clahe_even_w * clahe_even_h];
    char list[512];

    (void)state;
    AS_PEER("{\"op\":\"clahe\",\"clip\":2,\"tiles\":4}", clahe, 0);
    AS_PEER("{\"op\":\"clahe\",\"clip\":0,\"tiles\":3}", clahe_free, 0);
    snprintf(list, sizeof(list),
             "[{\"op\":\"decode\",\"values\":\"stored\"},{\"op\":\"window\",\"centre\":127.5,"
             "\"width\":255,\"function\":\"linear_exact\"},%s,"
             "{\"op\":\"clahe\",\"clip\":3,\"tiles\":2}]",
             even);
    parse(list, &s);
    s.channels = 1;
    assert_int_equal(steps_image(&s, &film, &mem, NULL, out, NULL, &err), WARD_OK);
    for (int i = 0; i < clahe_even_w * clahe_even_h; i++)
        assert_true(out[i] == clahe_even_peer[i]);
}

static void median_and_gaussian_are_scipy_s(void **state)
{
    (void)state;
    AS_PEER("{\"op\":\"median\",\"size\":5}", median, 0);
    AS_PEER("{\"op\":\"gaussian\",\"sigma\":1.3}", gaussian, 1e-3f);
}

static void windows_are_pydicom_s(void **state)
{
    (void)state;
    AS_PEER("{\"op\":\"window\",\"centre\":100,\"width\":80}", linear, 1e-3f);
    AS_PEER("{\"op\":\"window\",\"centre\":100,\"width\":80,\"function\":\"linear_exact\"}",
            linear_exact, 1e-3f);
    AS_PEER("{\"op\":\"window\",\"centre\":100,\"width\":80,\"function\":\"sigmoid\"}", sigmoid,
            1e-3f);
}

#define GRAY  "{\"op\":\"gray\",\"weights\":[0.299,0.587,0.114]}"
#define TO(n) "{\"op\":\"resize\",\"method\":\"area\",\"width\":" #n ",\"height\":" #n "}"

static void colours_become_gray_as_opencv_makes_them(void **state)
{
    static uint8_t rgb[3 * W * H];
    const struct film colour = {.width = W, .height = H, .rgb = rgb};
    struct steps s;
    float out[W * H];

    (void)state;
    for (size_t i = 0; i < (size_t)W * H; i++) {
        rgb[3 * i] = 200;
        rgb[3 * i + 1] = 100;
        rgb[3 * i + 2] = (uint8_t)film_px[i];
    }
    parse("[{\"op\":\"decode\"}," GRAY ",{\"op\":\"crop\",\"method\":\"box\",\"x\":0,\"y\":0,"
          "\"width\":21,\"height\":17}]",
          &s);
    assert_int_equal(s.channels, 1);
    assert_int_equal(steps_image(&s, &colour, &mem, NULL, out, NULL, &err), WARD_OK);
    for (int i = 0; i < W * H; i++)
        assert_true(fabsf(out[i] - gray_peer[i]) < 1e-3f);
}

/* Three channels, each with its own mean. The picture for people is the first channel. */
static void a_colour_model_gets_its_channels_apart(void **state)
{
    static const uint8_t rgb[] = {10, 20, 30, 40, 50, 60};
    const struct film colour = {.width = 2, .height = 1, .rgb = rgb};
    struct steps s;
    float out[6], shown[2];

    (void)state;
    parse("[{\"op\":\"decode\"},{\"op\":\"resize\",\"method\":\"area\",\"width\":2,"
          "\"height\":1},{\"op\":\"scale\",\"factor\":0.5},"
          "{\"op\":\"normalise\",\"mean\":[1,2,3],\"std\":[1,2,4]}]",
          &s);
    assert_int_equal(s.channels, 3);
    assert_int_equal(steps_image(&s, &colour, &mem, NULL, out, shown, &err), WARD_OK);
    for (int i = 0; i < 6; i++) {
        static const float want[] = {4, 19, 4, 11.5f, 3, 6.75f};

        assert_true(fabsf(out[i] - want[i]) < 1e-4f);
    }
    assert_true(fabsf(shown[0] - 10) < 1e-3f && fabsf(shown[1] - 40) < 1e-3f);
}

static void a_film_s_own_values_become_brightness(void **state)
{
    static const float stored[] = {0, 100, 200, 400};
    struct film ct = {.width = 4,
                      .height = 1,
                      .stored = stored,
                      .slope = 2,
                      .intercept = -200,
                      .has_window = true,
                      .window = {WINDOW_LINEAR_EXACT, 100, 400}};
    struct steps s;
    float out[4];

    (void)state;
    parse("[{\"op\":\"decode\"}," GRAY ",{\"op\":\"crop\",\"method\":\"box\",\"x\":0,\"y\":0,"
          "\"width\":4,\"height\":1}]",
          &s);
    assert_int_equal(steps_image(&s, &ct, &mem, NULL, out, NULL, &err), WARD_OK);
    assert_true(out[0] == 0 && fabsf(out[1] - 63.75f) < 1e-4f && out[2] > 191 && out[3] == 255);
    ct.inverted = true;
    assert_int_equal(steps_image(&s, &ct, &mem, NULL, out, NULL, &err), WARD_OK);
    assert_true(out[0] == 255 && out[3] == 0);
    /* without a window: scaled from the lowest to the highest value */
    ct.inverted = ct.has_window = false;
    assert_int_equal(steps_image(&s, &ct, &mem, NULL, out, NULL, &err), WARD_OK);
    assert_true(out[0] == 0 && fabsf(out[1] - 63.75f) < 1e-3f && out[3] == 255);
}

static void modality_and_window_stand_where_the_list_has_them(void **state)
{
    static const float stored[] = {0, 1000, 1100, 4000};
    const struct film ct = {.width = 4,
                            .height = 1,
                            .stored = stored,
                            .slope = 1,
                            .intercept = -1000,
                            .has_window = true,
                            .window = {WINDOW_LINEAR, 9, 9}};
    struct steps s;
    float out[4];

    (void)state;
    parse("[{\"op\":\"decode\",\"values\":\"stored\"},{\"op\":\"modality\"},{\"op\":\"window\","
          "\"centre\":50,\"width\":400,\"function\":\"linear_exact\"}," GRAY
          ",{\"op\":\"crop\",\"method\":\"box\",\"x\":0,\"y\":0,\"width\":4,\"height\":1}]",
          &s);
    assert_int_equal(steps_image(&s, &ct, &mem, NULL, out, NULL, &err), WARD_OK);
    assert_true(out[0] == 0 && fabsf(out[1] - 255 * 0.375f) < 1e-3f);
    assert_true(fabsf(out[2] - 255 * 0.625f) < 1e-3f && out[3] == 255);
}

static void a_picture_of_its_size_stays_and_a_larger_one_repeats(void **state)
{
    const float from[] = {1, 2, 3, 4};
    float tmp[8], to[16];

    (void)state;
    steps_area(from, 2, 2, to, 2, 2, tmp);
    assert_memory_equal(to, from, sizeof(from));
    steps_area(from, 2, 2, to, 4, 4, tmp);
    for (int y = 0; y < 4; y++)
        for (int x = 0; x < 4; x++)
            assert_true(fabsf(to[4 * y + x] - from[2 * (y / 2) + x / 2]) < 1e-5f);
}

static void of_a_wide_film_the_square_in_its_middle_is_seen(void **state)
{
    static const float wide[] = {0, 10, 20, 30, 40, 50, 60, 70, 80, 90};
    const struct film f = {.width = 5, .height = 2, .stored = wide};
    struct steps s = {.n = 2,
                      .channels = 1,
                      .width = 2,
                      .height = 2,
                      .at = {{.op = STEP_DECODE, .stored = true}, {.op = STEP_CROP_SQUARE}}};
    float out[4];

    (void)state;
    assert_int_equal(steps_image(&s, &f, &mem, NULL, out, NULL, &err), WARD_OK);
    assert_true(out[0] == 10 && out[1] == 20 && out[2] == 60 && out[3] == 70);
}

static void a_crop_outside_the_picture_says_so(void **state)
{
    struct steps s;
    float out[W * H];

    (void)state;
    parse("[{\"op\":\"decode\"},{\"op\":\"crop\",\"method\":\"box\",\"x\":10,\"y\":0,"
          "\"width\":12,\"height\":2}]",
          &s);
    s.channels = 1;
    assert_int_equal(steps_image(&s, &film, &mem, NULL, out, NULL, &err),
                     WARD_INVALID_ARGUMENT);
    assert_string_equal(err.reason, "INPUT_TOO_SMALL");
}

static bool at_once(const void *arg)
{
    (void)arg;
    return true;
}

static void a_call_that_was_given_up_stops(void **state)
{
    const struct ward_stop gone = {.deadline_ns = WARD_NO_DEADLINE, .gone = at_once},
                           late = {.deadline_ns = 1};
    struct steps s;
    float out[4];

    (void)state;
    parse("[{\"op\":\"decode\"},{\"op\":\"median\",\"size\":9}," TO(2) "]", &s);
    s.channels = 1;
    assert_int_equal(steps_image(&s, &film, &mem, &gone, out, NULL, &err), WARD_CANCELLED);
    assert_int_equal(steps_image(&s, &film, &mem, &late, out, NULL, &err),
                     WARD_DEADLINE_EXCEEDED);
}

static void each_allocation_refused_is_no_memory(void **state)
{
    struct steps s;
    float out[4];
    int n = 0;

    (void)state;
    parse("[{\"op\":\"decode\"},{\"op\":\"median\",\"size\":3},{\"op\":\"clahe\",\"clip\":2,"
          "\"tiles\":2}," TO(2) ",{\"op\":\"gaussian\",\"sigma\":1}]",
          &s);
    s.channels = 1;
    for (;; n++) {
        ward_arena_reset(&mem);
        mem.fail_at = n + 1;
        if (steps_image(&s, &film, &mem, NULL, out, NULL, &err) == WARD_OK)
            break;
        assert_int_equal(err.code, WARD_RESOURCE_EXHAUSTED);
    }
    mem.fail_at = 0;
    assert_true(n >= 5);
}

static void values_of_a_table_are_scaled_each_by_its_own(void **state)
{
    static const char list[] = "[{\"op\":\"features\",\"outside\":\"abstain\"},"
                               "{\"op\":\"normalise\",\"mean\":[1,10],\"std\":[2,5]},"
                               "{\"op\":\"scale\",\"factor\":3}]";
    const struct ward_json *v;
    float row[] = {5, 20};
    struct steps s;

    (void)state;
    assert_int_equal(ward_json_parse(list, sizeof(list) - 1, NULL, &mem, &v, &err), WARD_OK);
    assert_int_equal(steps_parse(v, 2, &mem, &s, &err), WARD_OK);
    steps_values(&s, row, 2);
    assert_true(row[0] == 6 && row[1] == 6);
}

static int open_mem(void **state)
{
    (void)state;
    ward_arena_init(&mem, (size_t)8 << 20);
    for (int y = 0; y < H; y++)
        for (int x = 0; x < W; x++)
            film_px[y * W + x] =
                (float)((3 * x * x + 5 * y * y + 7 * x * y + 13 * ((31 * x + 17 * y) % 11)) %
                        256);
    return 0;
}

static int close_mem(void **state)
{
    (void)state;
    ward_arena_done(&mem);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sizes_change_as_opencv_changes_them),
        cmocka_unit_test(quarter_turns_are_numpy_s_and_other_angles_scipy_s),
        cmocka_unit_test(clahe_is_opencv_s),
        cmocka_unit_test(median_and_gaussian_are_scipy_s),
        cmocka_unit_test(windows_are_pydicom_s),
        cmocka_unit_test(colours_become_gray_as_opencv_makes_them),
        cmocka_unit_test(a_colour_model_gets_its_channels_apart),
        cmocka_unit_test(a_film_s_own_values_become_brightness),
        cmocka_unit_test(modality_and_window_stand_where_the_list_has_them),
        cmocka_unit_test(a_picture_of_its_size_stays_and_a_larger_one_repeats),
        cmocka_unit_test(of_a_wide_film_the_square_in_its_middle_is_seen),
        cmocka_unit_test(a_crop_outside_the_picture_says_so),
        cmocka_unit_test(a_call_that_was_given_up_stops),
        cmocka_unit_test(each_allocation_refused_is_no_memory),
        cmocka_unit_test(values_of_a_table_are_scaled_each_by_its_own),
    };
    return cmocka_run_group_tests(tests, open_mem, close_mem);
}
