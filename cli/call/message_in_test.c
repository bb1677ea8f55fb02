#include "cli/call/message.h"

#include "common/base/text.h"
#include "ward/records/v1/records.pb-c.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

typedef Ward__Records__V1__CreateRequest CreateRequest;
typedef Ward__Records__V1__SearchRequest SearchRequest;

static struct ward_arena mem;

static int set_up(void **state)
{
    (void)state;
    ward_arena_init(&mem, (size_t)1 << 20);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    ward_arena_done(&mem);
    return 0;
}

static char *printed(const ProtobufCMessage *msg, bool sparse)
{
    char *out = NULL;
    size_t n = 0;
    struct cli_json j = {.to = open_memstream(&out, &n), .sparse = sparse};

    message_json(&j, NULL, msg, &mem);
    fclose(j.to);
    return out;
}

static enum ward_code read_create(const char *json, CreateRequest *req, struct ward_err *err)
{
    ward__records__v1__create_request__init(req);
    return message_of_json(json, strlen(json), &req->base, &mem, err);
}

static void what_is_printed_is_read_again(void **state)
{
    static const char JSON[] =
        "{\"idempotency_key\":\"k\",\"resource\":{\"observation\":{\"id\":\"a\",\"status\":"
        "\"FINAL\",\"code\":{\"coding\":[{\"system\":\"http://loinc.org\",\"code\":\"8867-4\"},"
        "{\"code\":\"x\",\"user_selected\":false}]},\"value_quantity\":{\"value\":{\"value\":"
        "\"72.10\"},\"unit\":\"/min\"}}},\"provenance\":{\"device\":\"monitor 1\"}}";
    CreateRequest req;
    char *out;

    (void)state;
    assert_int_equal(read_create(JSON, &req, NULL), WARD_OK);
    assert_int_equal(req.resource->resource_case,
                     WARD__RECORDS__V1__RESOURCE__RESOURCE_OBSERVATION);
    out = printed(&req.base, true);
    assert_int_equal(read_create(out, &req, NULL), WARD_OK);
    assert_string_equal(req.resource->observation->value_quantity->value->value, "72.10");
    assert_string_equal(req.provenance->device, "monitor 1");
    assert_int_equal(req.resource->observation->code->n_coding, 2);
    assert_int_equal(req.resource->observation->code->coding[1]->user_selected_presence_case,
                     WARD__RECORDS__V1__CODING__USER_SELECTED_PRESENCE_USER_SELECTED);
    free(out);
}

static void what_is_not_set_of_a_oneof_is_not_printed(void **state)
{
    CreateRequest req;
    char *out;

    (void)state;
    assert_int_equal(read_create("{\"resource\":{\"patient\":{}}}", &req, NULL), WARD_OK);
    out = printed(&req.resource->base, false);
    assert_non_null(strstr(out, "patient"));
    assert_null(strstr(out, "observation"));
    free(out);
}

static void what_does_not_fit_is_refused_by_its_field_s_name(void **state)
{
    static const char *const wrong[][2] = {
        {"{\"resorce\":{}}", "resorce"},
        {"{\"resource\":{\"patient\":[]}}", "patient"},
        {"{\"resource\":{\"patient\":{\"gender\":\"lady\"}}}", "gender"},
        {"{\"resource\":{\"patient\":{\"name\":{}}}}", "name"},
        {"{\"idempotency_key\":{}}", "idempotency_key"},
        {"[]", "object"},
        {"{", ""},
    };

    (void)state;
    for (size_t i = 0; i < WARD_COUNT(wrong); i++) {
        struct ward_err err = {0};
        CreateRequest req;

        assert_int_equal(read_create(wrong[i][0], &req, &err), WARD_INVALID_ARGUMENT);
        assert_non_null(strstr(err.msg, wrong[i][1]));
    }
}

static const ProtobufCFieldDescriptor *field(const ProtobufCMessage *msg, const char *name)
{
    return protobuf_c_message_descriptor_get_field_by_name(msg->descriptor, name);
}

static void an_option_s_words_become_a_field(void **state)
{
    SearchRequest req = WARD__RECORDS__V1__SEARCH_REQUEST__INIT;
    Ward__Records__V1__Parameter p = WARD__RECORDS__V1__PARAMETER__INIT;

    (void)state;
    assert_int_equal(
        message_set(&req.base, field(&req.base, "kind"), "AllergyIntolerance", &mem, NULL),
        WARD_OK);
    assert_int_equal(req.kind, WARD__RECORDS__V1__KIND__KIND_ALLERGY_INTOLERANCE);
    assert_int_equal(message_set(&req.base, field(&req.base, "page_size"), "7", &mem, NULL),
                     WARD_OK);
    assert_int_equal(req.page_size, 7);
    assert_int_equal(
        message_set(&req.base, field(&req.base, "include_entered_in_error"), "yes", &mem, NULL),
        WARD_INVALID_ARGUMENT);
    assert_int_equal(message_set(&p.base, field(&p.base, "values"), "a,b", &mem, NULL),
                     WARD_OK);
    assert_int_equal(message_set(&p.base, field(&p.base, "values"), "c", &mem, NULL), WARD_OK);
    assert_int_equal(p.n_values, 3);
    assert_string_equal(p.values[2], "c");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_is_printed_is_read_again, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_is_not_set_of_a_oneof_is_not_printed, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(what_does_not_fit_is_refused_by_its_field_s_name,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(an_option_s_words_become_a_field, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
