#include "cli/call/message.h"

#include "ward/identity/v1/access.pb-c.h"
#include "ward/identity/v1/gallery.pb-c.h"
#include "ward/identity/v1/identity.pb-c.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

static void is(const ProtobufCMessage *msg, const char *json)
{
    char *out = NULL;
    size_t n = 0;
    struct cli_json j = {.to = open_memstream(&out, &n)};
    struct ward_arena mem;

    ward_arena_init(&mem, 65536);
    message_json(&j, NULL, msg, &mem);
    fclose(j.to);
    ward_arena_done(&mem);
    assert_string_equal(out, json);
    free(out);
}

static void every_type_of_field_is_printed(void **state)
{
    Ward__Identity__V1__TokenKey key = WARD__IDENTITY__V1__TOKEN_KEY__INIT;
    Ward__Identity__V1__TokenKey *keys[] = {&key, &key};
    Ward__Identity__V1__GetTokenKeysResponse resp =
        WARD__IDENTITY__V1__GET_TOKEN_KEYS_RESPONSE__INIT;

    (void)state;
    key.public_key = (ProtobufCBinaryData){3, (uint8_t *)"abc"};
    key.kid = "k";
    key.signs_from_us = INT64_C(1234567890123456);
    resp.keys = keys;
    resp.n_keys = 2;
    resp.max_age_s = -1;
#define KEY                                                                                    \
    "{\"public_key\":\"YWJj\",\"kid\":\"k\",\"signs_from_us\":1234567890123456,"               \
    "\"checks_until_us\":0}"
    is(&resp.base, "{\"keys\":[" KEY "," KEY "],\"max_age_s\":-1}\n");
}

static void what_is_not_there_is_null_or_empty(void **state)
{
    Ward__Identity__V1__GetSubjectResponse s = WARD__IDENTITY__V1__GET_SUBJECT_RESPONSE__INIT;
    char *types[] = {"birth-date", ""};

    (void)state;
    s.second_types = types;
    s.n_second_types = 2;
    s.has_wristband = true;
    is(&s.base,
       "{\"subject_id\":null,\"kind\":\"unspecified\",\"external_ref\":null,"
       "\"enrolled_at_us\":0,\"consent\":null,\"withdrawn_at_us\":0,\"templates\":[],"
       "\"ledger\":[],\"galleries\":[],\"retain_until_us\":0,\"photograph_kept\":false,"
       "\"has_wristband\":true,\"second_types\":[\"birth-date\",null],"
       "\"key_destroyed_at_us\":0,\"key_sha256\":null,\"birth_year\":0}\n");
}

static void lists_of_numbers_and_enums_are_read_at_their_width(void **state)
{
    Ward__Identity__V1__Hours hours = WARD__IDENTITY__V1__HOURS__INIT;
    Ward__Identity__V1__StartChallengeResponse c =
        WARD__IDENTITY__V1__START_CHALLENGE_RESPONSE__INIT;
    int32_t days[] = {1, 5, 7};
    Ward__Identity__V1__ChallengeStep steps[] = {
        WARD__IDENTITY__V1__CHALLENGE_STEP__CHALLENGE_STEP_BLINK,
        WARD__IDENTITY__V1__CHALLENGE_STEP__CHALLENGE_STEP_TURN_LEFT};

    (void)state;
    hours.weekdays = days;
    hours.n_weekdays = 3;
    is(&hours.base, "{\"weekdays\":[1,5,7],\"start_minute\":0,\"end_minute\":0}\n");
    c.steps = steps;
    c.n_steps = 2;
    is(&c.base, "{\"challenge_id\":null,\"steps\":[\"BLINK\",\"TURN_LEFT\"],"
                "\"expires_in_ms\":0,\"step_ms\":0}\n");
}

static void an_enum_s_name_is_without_its_prefix(void **state)
{
    (void)state;
    assert_string_equal(message_enum(&ward__identity__v1__outcome__descriptor, 2), "NO_MATCH");
    assert_string_equal(message_enum(&ward__identity__v1__identify_outcome__descriptor, 2),
                        "AMBIGUOUS");
    assert_string_equal(message_enum(&ward__identity__v1__subject_kind__descriptor, 2),
                        "staff");
    assert_string_equal(message_enum(&ward__identity__v1__outcome__descriptor, 99), "?");
}

static void a_name_is_read_in_any_letters_but_never_as_unspecified(void **state)
{
    int v = 7;

    (void)state;
    assert_true(message_enum_of(&ward__identity__v1__direction__descriptor, "out", &v));
    assert_int_equal(v, 2);
    assert_true(message_enum_of(&ward__identity__v1__liveness_policy__descriptor, "NONE", &v));
    assert_int_equal(v, 1);
    assert_false(
        message_enum_of(&ward__identity__v1__direction__descriptor, "unspecified", &v));
    assert_false(message_enum_of(&ward__identity__v1__direction__descriptor, "", &v));
    assert_false(message_enum_of(&ward__identity__v1__direction__descriptor, NULL, &v));
    assert_int_equal(v, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_type_of_field_is_printed),
        cmocka_unit_test(what_is_not_there_is_null_or_empty),
        cmocka_unit_test(lists_of_numbers_and_enums_are_read_at_their_width),
        cmocka_unit_test(an_enum_s_name_is_without_its_prefix),
        cmocka_unit_test(a_name_is_read_in_any_letters_but_never_as_unspecified),
    };

    return cmocka_run_group_tests_name("message", tests, NULL, NULL);
}
