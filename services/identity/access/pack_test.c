#include "services/identity/access/pack.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static const struct hours HOURS[] = {{1u | 64u, 1320, 360}};
static struct zone_rule rules[] = {{"nurse", HOURS, 1}, {"lead", NULL, 0}};
static const struct zone icu = {"icu", true, 15, LIVENESS_PASSIVE, rules, 2};
static const struct zone *const zones[] = {&icu};
static const struct door doors[] = {{"icu-1", NULL, "icu"}};
static const struct pack_staff staff[] = {{"a", "lead"}, {"a", "nurse"}, {"b", "nurse"}};
static const struct pack pack = {.issued_at = 5,
                                 .expires_at = 3605,
                                 .time_zone = "Europe/\"Berlin\"",
                                 .doors = doors,
                                 .n_doors = 1,
                                 .zones = zones,
                                 .n_zones = 1,
                                 .staff = staff,
                                 .n_staff = 3};

static void a_pack_says_all_that_a_controller_decides_by(void **state)
{
    static const char *const EXPECTED =
        "{\"iss\":\"spiffe://ward/identity\",\"iat\":5,\"exp\":3605,"
        "\"time_zone\":\"Europe/\\\"Berlin\\\"\","
        "\"doors\":[{\"door\":\"icu-1\",\"from_zone\":\"\",\"to_zone\":\"icu\"}],"
        "\"zones\":[{\"zone\":\"icu\",\"anti_passback\":true,\"passback_minutes\":15,"
        "\"liveness\":\"PASSIVE\",\"rules\":[{\"role\":\"nurse\",\"hours\":[{\"weekdays\":[1,7]"
        ","
        "\"start_minute\":1320,\"end_minute\":360}]},{\"role\":\"lead\",\"hours\":[]}]}],"
        "\"staff\":[{\"subject_id\":\"a\",\"roles\":[\"lead\",\"nurse\"]},"
        "{\"subject_id\":\"b\",\"roles\":[\"nurse\"]}]}";
    struct ward_arena mem;
    struct ward_err err;
    const char *json = NULL;

    (void)state;
    ward_arena_init(&mem, 1 << 16);
    assert_int_equal(pack_json(&pack, &mem, &json, &err), WARD_OK);
    assert_string_equal(json, EXPECTED);
    ward_arena_done(&mem);
}

static void a_pack_without_memory_is_said(void **state)
{
    struct ward_arena mem;
    struct ward_err err;
    const char *json = NULL;

    (void)state;
    ward_arena_init(&mem, 64);
    assert_int_equal(pack_json(&pack, &mem, &json, &err), WARD_RESOURCE_EXHAUSTED);
    assert_null(json);
    ward_arena_done(&mem);
}

static void only_roles_that_a_zone_asks_for_are_asked(void **state)
{
    (void)state;
    assert_true(pack_asks(&pack, "nurse"));
    assert_true(pack_asks(&pack, "lead"));
    assert_false(pack_asks(&pack, "nurs"));
    assert_false(pack_asks(&pack, ""));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_pack_says_all_that_a_controller_decides_by),
        cmocka_unit_test(a_pack_without_memory_is_said),
        cmocka_unit_test(only_roles_that_a_zone_asks_for_are_asked),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
