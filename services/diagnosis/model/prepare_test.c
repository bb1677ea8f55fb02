#include "services/diagnosis/model/prepare.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

typedef Ward__Diagnosis__V1__Feature Feature;
typedef Ward__Diagnosis__V1__Features Features;

static struct ward_arena mem;
static struct ward_err err;

static void a_film_becomes_the_models_input(void **state)
{
    static const double mean = 0.5, std = 0.25;
    const struct manifest m = {
        .tensor = "x",
        .steps = {.n = 4,
                  .channels = 1,
                  .width = 2,
                  .height = 1,
                  .at = {{.op = STEP_GRAY, .weight = {0.3, 0.6, 0.1}},
                         {.op = STEP_RESIZE_AREA, .width = 2, .height = 1},
                         {.op = STEP_SCALE, .factor = 1 / 255.0},
                         {.op = STEP_NORMALISE, .mean = &mean, .std = &std, .n = 1}}}};
    uint8_t rgb[3 * 8];
    const struct decoded film = {.film = {.width = 4, .height = 2, .rgb = rgb}};
    struct ward_tensor t;
    float *shown = NULL;

    (void)state;
    for (int i = 0; i < 8; i++)
        memset(rgb + 3 * i, i % 4 < 2 ? 0 : 255, 3);
    assert_int_equal(prepare_image(&m, &film, &mem, NULL, &t, &shown, &err), WARD_OK);
    assert_int_equal(t.rank, 4);
    assert_int_equal(t.nbytes, 2 * sizeof(float));
    assert_true(fabsf(((const float *)t.data)[0] + 2) < 1e-4f);
    assert_true(fabsf(((const float *)t.data)[1] - 2) < 1e-4f);
    assert_true(fabsf(shown[0]) < 1e-3f && fabsf(shown[1] - 255) < 1e-3f);
}

static void a_film_with_a_table_and_no_window_is_refused_by_its_own_window_alone(void **state)
{
    struct manifest m = {
        .tensor = "x",
        .steps = {.n = 2,
                  .channels = 1,
                  .width = 1,
                  .height = 1,
                  .at = {{.op = STEP_DECODE, .stored = true},
                         {.op = STEP_WINDOW, .window = {WINDOW_LINEAR, 1, 2}}}}};
    static const float stored = 1;
    struct decoded d = {.dicom = true,
                        .film = {.width = 1, .height = 1, .stored = &stored},
                        .facts = {.has_display_table = 1}};
    struct ward_tensor t;
    float *shown;

    (void)state;
    assert_int_equal(prepare_image(&m, &d, &mem, NULL, &t, &shown, &err), WARD_OK);
    m.steps.at[1].own = true;
    assert_int_equal(prepare_image(&m, &d, &mem, NULL, &t, &shown, &err),
                     WARD_INVALID_ARGUMENT);
    assert_string_equal(err.reason, "DICOM_TABLE");
    d.film.has_window = true;
    assert_int_equal(prepare_image(&m, &d, &mem, NULL, &t, &shown, &err), WARD_OK);
}

static void a_category_takes_its_values_alone(void **state)
{
    static const struct manifest one = {
        .tensor = "x",
        .n_features = 1,
        .feature = {{.name = "age", .min = 1, .max = 4, .n_values = 2, .value = {1, 4}}}};
    const struct manifest_feature *unfit;
    Feature f = WARD__DIAGNOSIS__V1__FEATURE__INIT;
    Feature *list[] = {&f};
    Features given = WARD__DIAGNOSIS__V1__FEATURES__INIT;
    struct ward_tensor t;

    (void)state;
    f.name = (char *)(uintptr_t) "age";
    given.features = list;
    given.n_features = 1;
    f.value = 4;
    assert_int_equal(prepare_features(&one, &given, &mem, &t, &unfit, &err), WARD_OK);
    assert_null(unfit);
    f.value = 2;
    assert_int_equal(prepare_features(&one, &given, &mem, &t, &unfit, &err), WARD_OK);
    assert_string_equal(unfit->name, "age");
}

static const struct manifest table = {
    .tensor = "x",
    .n_features = 2,
    .feature = {{.name = "age", .min = 18, .max = 100},
                {.name = "chol", .min = 100, .max = 600, .has_missing = true, .missing = 240}},
};

static enum ward_code fill(const char *name, double value, const char *more,
                           struct ward_tensor *t, const struct manifest_feature **unfit)
{
    Feature one = WARD__DIAGNOSIS__V1__FEATURE__INIT, two = WARD__DIAGNOSIS__V1__FEATURE__INIT;
    Feature *list[] = {&one, &two};
    Features given = WARD__DIAGNOSIS__V1__FEATURES__INIT;

    one.name = (char *)(uintptr_t)name;
    one.value = value;
    two.name = (char *)(uintptr_t)more;
    two.value = 200;
    given.features = list;
    given.n_features = more == NULL ? 1 : 2;
    return prepare_features(&table, &given, &mem, t, unfit, &err);
}

static void values_stand_in_the_models_order_and_what_may_be_missing_is_filled_in(void **state)
{
    const struct manifest_feature *unfit;
    struct ward_tensor t;

    (void)state;
    assert_int_equal(fill("age", 60, "chol", &t, &unfit), WARD_OK);
    assert_null(unfit);
    assert_true(((const float *)t.data)[0] == 60 && ((const float *)t.data)[1] == 200);
    assert_int_equal(fill("age", 60, NULL, &t, &unfit), WARD_OK);
    assert_null(unfit);
    assert_true(((const float *)t.data)[1] == 240);
}

static void what_the_model_cannot_take_is_named(void **state)
{
    const struct manifest_feature *unfit;
    struct ward_tensor t;

    (void)state;
    assert_int_equal(fill("chol", 200, NULL, &t, &unfit), WARD_OK);
    assert_string_equal(unfit->name, "age");
    assert_int_equal(fill("age", 17, NULL, &t, &unfit), WARD_OK);
    assert_string_equal(unfit->name, "age");
    assert_int_equal(fill("age", 60, "shoe", &t, &unfit), WARD_INVALID_ARGUMENT);
    assert_int_equal(fill("age", 60, "age", &t, &unfit), WARD_INVALID_ARGUMENT);
    assert_int_equal(fill("age", (double)NAN, NULL, &t, &unfit), WARD_INVALID_ARGUMENT);
}

static int open_mem(void **state)
{
    (void)state;
    ward_arena_init(&mem, (size_t)8 << 20);
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
        cmocka_unit_test(a_film_becomes_the_models_input),
        cmocka_unit_test(a_film_with_a_table_and_no_window_is_refused_by_its_own_window_alone),
        cmocka_unit_test(a_category_takes_its_values_alone),
        cmocka_unit_test(values_stand_in_the_models_order_and_what_may_be_missing_is_filled_in),
        cmocka_unit_test(what_the_model_cannot_take_is_named),
    };
    return cmocka_run_group_tests(tests, open_mem, close_mem);
}
