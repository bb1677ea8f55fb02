#include "common/rpc/methods.h"
#include "common/rpc/methods_set.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <ward/options/v1/options.pb-c.h>
#include <ward/test/v1/echo.pb-c.h>

#include <cmocka.h>

#define CAP  ((size_t)1 << 20)
#define REQ  &ward__test__v1__echo_request__descriptor
#define RESP &ward__test__v1__echo_response__descriptor

static struct ward_arena mem;
static struct ward_set *set;
static struct ward_err err;

static int begin(void **state)
{
    (void)state;
    ward_arena_init(&mem, CAP);
    return ward_set_parse(&ward_proto_set, &mem, &set, &err) == WARD_OK ? 0 : -1;
}

static int end(void **state)
{
    (void)state;
    ward_arena_done(&mem);
    return 0;
}

static enum ward_code nothing(struct ward_call *c, const ProtobufCMessage *req,
                              ProtobufCMessage *resp)
{
    (void)c, (void)req, (void)resp;
    return WARD_OK;
}

static const struct ward_method *echo(void)
{
    static const struct ward_method table[] = {
        {"/ward.test.v1.Echo/Fast", nothing, REQ, RESP},
        {"/ward.test.v1.Echo/Unary", nothing, REQ, RESP},
        {"/ward.test.v1.Echo/Bedside", nothing, REQ, RESP},
        {"/ward.test.v1.Echo/Guarded", nothing, REQ, RESP},
        {"/ward.test.v1.Echo/Closed", nothing, REQ, RESP},
        {"/ward.test.v1.Echo/ServerStream", nothing, REQ, RESP},
        {"/ward.test.v1.Echo/ClientStream", nothing, REQ, RESP},
        {"/ward.test.v1.Echo/Bidi", nothing, REQ, RESP},
        {0},
    };
    return table;
}
#define ECHO_ROWS 8

static void a_method_is_what_its_proto_says(void **state)
{
    const struct ward_method_info *m = ward_set_method(set, "/ward.test.v1.Echo/Guarded");

    (void)state;
    assert_non_null(m);
    assert_string_equal(m->path, "/ward.test.v1.Echo/Guarded");
    assert_string_equal(m->service, "ward.test.v1.Echo");
    assert_int_equal(m->lane, WARD_LANE_WORKER);
    assert_true(m->audited);
    assert_false(m->idempotent || m->client_streaming || m->server_streaming);
    assert_int_equal(m->deadline_ms, 10000);
    assert_int_equal(m->n_callers, 1);
    assert_string_equal(m->callers[0], "friend");
    assert_int_equal(m->n_roles, 1);
    assert_string_equal(m->roles[0], "nurse");
}

static void defaults_depend_on_streaming(void **state)
{
    const struct ward_method_info *m;

    (void)state;
    m = ward_set_method(set, "/ward.test.v1.Echo/Closed");
    assert_int_equal(m->n_callers, 0); /* without rules, nobody may call */
    assert_int_equal(m->deadline_ms, 10000);
    m = ward_set_method(set, "/ward.test.v1.Echo/Unary");
    assert_int_equal(m->deadline_ms, 5000);
    assert_true(m->idempotent);
    m = ward_set_method(set, "/ward.test.v1.Echo/Fast");
    assert_int_equal(m->lane, WARD_LANE_INLINE);
    assert_true(m->idempotent);
    m = ward_set_method(set, "/ward.test.v1.Echo/Bedside");
    assert_int_equal(m->lane, WARD_LANE_BEDSIDE);
    m = ward_set_method(set, "/ward.test.v1.Echo/ServerStream");
    assert_true(m->server_streaming && !m->client_streaming);
    assert_int_equal(m->lane, WARD_LANE_STREAM);
    assert_int_equal(m->deadline_ms, 0);
    m = ward_set_method(set, "/ward.test.v1.Echo/ClientStream");
    assert_true(!m->server_streaming && m->client_streaming);
    m = ward_set_method(set, "/ward.test.v1.Echo/Bidi");
    assert_true(m->server_streaming && m->client_streaming);
    assert_null(ward_set_method(set, "/ward.test.v1.Echo/Nothing"));
    assert_null(ward_set_method(set, ""));
}

static enum ward_code bind(const struct ward_method *rows)
{
    const struct ward_method_info **infos = NULL;
    int n = -1;
    enum ward_code code = ward_set_bind(set, rows, &infos, &n, &mem, &err);

    if (code != WARD_OK)
        assert_true(infos == NULL && n == -1); /* the outputs are unchanged */
    return code;
}

static void a_whole_table_binds_in_its_own_order(void **state)
{
    const struct ward_method_info **infos;
    int n;

    (void)state;
    assert_int_equal(ward_set_bind(set, echo(), &infos, &n, &mem, &err), WARD_OK);
    assert_int_equal(n, ECHO_ROWS);
    for (int i = 0; i < n; i++)
        assert_string_equal(infos[i]->path, echo()[i].path);
}

static void a_missing_row_is_named(void **state)
{
    struct ward_method rows[ECHO_ROWS + 1];

    (void)state;
    memcpy(rows, echo(), sizeof(rows));
    rows[ECHO_ROWS - 1] = (struct ward_method){0};
    assert_int_equal(bind(rows), WARD_FAILED_PRECONDITION);
    assert_string_equal(err.msg,
                        "/ward.test.v1.Echo/Bidi has 0 rows in the table instead of one row");
}

static void a_row_given_twice_is_named(void **state)
{
    struct ward_method rows[ECHO_ROWS + 2];

    (void)state;
    memcpy(rows, echo(), ECHO_ROWS * sizeof(*rows));
    rows[ECHO_ROWS] = rows[0];
    rows[ECHO_ROWS + 1] = (struct ward_method){0};
    assert_int_equal(bind(rows), WARD_FAILED_PRECONDITION);
    assert_string_equal(err.msg,
                        "/ward.test.v1.Echo/Fast has 2 rows in the table instead of one row");
}

static void a_row_must_be_whole_and_of_the_right_types(void **state)
{
    static const struct {
        struct ward_method row;
        const char *msg;
    } wrong[] = {
        {{"/ward.test.v1.Echo/Nope", nothing, REQ, RESP},
         "no .proto has the method /ward.test.v1.Echo/Nope"},
        {{"/ward.test.v1.Echo/Fast", NULL, REQ, RESP},
         "the row of /ward.test.v1.Echo/Fast lacks a handler or a type"},
        {{"/ward.test.v1.Echo/Fast", nothing, RESP, RESP},
         "/ward.test.v1.Echo/Fast takes a ward.test.v1.EchoRequest, but its table row says "
         "ward.test.v1.EchoResponse"},
        {{"/ward.test.v1.Echo/Fast", nothing, REQ, REQ},
         "/ward.test.v1.Echo/Fast returns a ward.test.v1.EchoResponse, but its table row says "
         "ward.test.v1.EchoRequest"},
    };
    struct ward_method rows[ECHO_ROWS + 1];

    (void)state;
    for (size_t i = 0; i < WARD_COUNT(wrong); i++) {
        memcpy(rows, echo(), sizeof(rows));
        rows[0] = wrong[i].row;
        assert_int_equal(bind(rows), WARD_FAILED_PRECONDITION);
        assert_string_equal(err.msg, wrong[i].msg);
    }
}

/* A set with one file and one method, built here for properties that no .proto file of Ward
 * has. */
struct made {
    Google__Protobuf__FileDescriptorSet set;
    Google__Protobuf__FileDescriptorProto file, *files[1];
    Google__Protobuf__ServiceDescriptorProto service, *services[1];
    Google__Protobuf__MethodDescriptorProto method, *methods[1];
    Google__Protobuf__MethodOptions options;
    Google__Protobuf__SourceCodeInfo info;
    ProtobufCMessageUnknownField field;
    Ward__Options__V1__MethodRules rules;
    uint8_t rules_bytes[256], bytes[1024];
};

static void make(struct made *m)
{
    google__protobuf__file_descriptor_set__init(&m->set);
    google__protobuf__file_descriptor_proto__init(&m->file);
    google__protobuf__service_descriptor_proto__init(&m->service);
    google__protobuf__method_descriptor_proto__init(&m->method);
    google__protobuf__method_options__init(&m->options);
    google__protobuf__source_code_info__init(&m->info);
    ward__options__v1__method_rules__init(&m->rules);
    m->file.name = (char *)(uintptr_t) "made.proto";
    m->service.name = (char *)(uintptr_t) "S";
    m->method.name = (char *)(uintptr_t) "M";
    m->method.input_type = m->method.output_type = (char *)(uintptr_t) ".In";
    m->method.options = &m->options;
    m->set.file = m->files, m->set.n_file = 1, m->files[0] = &m->file;
    m->file.service = m->services, m->file.n_service = 1, m->services[0] = &m->service;
    m->service.method = m->methods, m->service.n_method = 1, m->methods[0] = &m->method;
}

static enum ward_code parse(struct made *m, struct ward_set **out)
{
    struct ward_descriptors d = {.data = m->bytes};

    m->rules_bytes[0] =
        (uint8_t)ward__options__v1__method_rules__pack(&m->rules, m->rules_bytes + 1);
    m->field = (ProtobufCMessageUnknownField){.tag = 50601,
                                              .wire_type = PROTOBUF_C_WIRE_TYPE_LENGTH_PREFIXED,
                                              .len = m->rules_bytes[0] + (size_t)1,
                                              .data = m->rules_bytes};
    m->options.base.n_unknown_fields = 1;
    m->options.base.unknown_fields = &m->field;
    d.len = google__protobuf__file_descriptor_set__pack(&m->set, m->bytes);
    assert_true(d.len < sizeof(m->bytes));
    return ward_set_parse(&d, &mem, out, &err);
}

static void a_stream_on_the_poll_thread_is_refused(void **state)
{
    struct made m = {0};
    struct ward_set *out = NULL;

    (void)state;
    make(&m);
    m.rules.lane = WARD__OPTIONS__V1__LANE__LANE_INLINE;
    assert_int_equal(parse(&m, &out), WARD_OK); /* permitted for a unary method */
    assert_int_equal(ward_set_method(out, "/S/M")->lane, WARD_LANE_INLINE);
    out = NULL;
    m.method.has_server_streaming = m.method.server_streaming = 1;
    assert_int_equal(parse(&m, &out), WARD_FAILED_PRECONDITION);
    assert_string_equal(err.msg, "/S/M streams, so it cannot be LANE_INLINE");
    assert_null(out);
}

static void rules_nobody_can_follow_are_refused(void **state)
{
    struct made m = {0};
    struct ward_set *out = NULL;

    (void)state;
    make(&m);
    m.rules.deadline_ms = -1;
    assert_int_equal(parse(&m, &out), WARD_FAILED_PRECONDITION);
    assert_string_equal(err.msg, "/S/M has a negative deadline");
    m.rules.deadline_ms = 0;
    m.rules.lane = (Ward__Options__V1__Lane)9;
    assert_int_equal(parse(&m, &out), WARD_FAILED_PRECONDITION);
    assert_string_equal(err.msg, "/S/M has an unknown lane");
    assert_null(out);
}

static void source_info_is_not_served_and_options_are(void **state)
{
    struct made m = {0};
    struct ward_set *out;
    struct ward_file *files;
    Google__Protobuf__FileDescriptorProto *back;
    size_t n;

    (void)state;
    make(&m);
    m.file.source_code_info = &m.info;
    m.rules.audited = 1;
    assert_int_equal(parse(&m, &out), WARD_OK);
    assert_int_equal(ward_set_file(out, "made.proto", &mem, &files, &n, &err), WARD_OK);
    assert_int_equal(n, 1);
    back = google__protobuf__file_descriptor_proto__unpack(NULL, files[0].len, files[0].data);
    assert_non_null(back);
    assert_null(back->source_code_info);
    assert_int_equal(back->service[0]->method[0]->options->base.n_unknown_fields, 1);
    assert_int_equal(back->service[0]->method[0]->options->base.unknown_fields[0].tag, 50601);
    google__protobuf__file_descriptor_proto__free_unpacked(back, NULL);
}

static void descriptors_that_are_none_are_refused(void **state)
{
    static const uint8_t junk[] = {0x0a, 0x7f, 1, 2};
    struct ward_descriptors d = {junk, sizeof(junk)};
    struct ward_set *out = NULL;

    (void)state;
    assert_int_equal(ward_set_parse(&d, &mem, &out, &err), WARD_FAILED_PRECONDITION);
    assert_string_equal(err.msg, "the descriptors cannot be read");
    assert_null(out);
}

static void a_symbol_of_any_kind_finds_its_file(void **state)
{
    static const char *const found[][2] = {
        {"ward.test.v1.Echo", "ward/test/v1/echo.proto"},
        {".ward.test.v1.Echo", "ward/test/v1/echo.proto"},
        {"ward.test.v1.Echo.Fast", "ward/test/v1/echo.proto"},
        {"ward.test.v1.EchoRequest", "ward/test/v1/echo.proto"},
        {"ward.test.v1.EchoRequest.payload", "ward/test/v1/echo.proto"},
        {"ward.options.v1.Lane", "ward/options/v1/options.proto"},
        {"ward.options.v1.LANE_INLINE", "ward/options/v1/options.proto"},
        {"ward.options.v1.rules", "ward/options/v1/options.proto"},
        {"google.protobuf.DescriptorProto.ExtensionRange", "google/protobuf/descriptor.proto"},
        {"google.protobuf.FieldDescriptorProto.TYPE_DOUBLE",
         "google/protobuf/descriptor.proto"},
        {"ward.audit.v1.Event.DetailEntry", "ward/audit/v1/event.proto"},
    };
    static const char *const missing[] = {"",
                                          ".",
                                          "ward.test.v1",
                                          "ward.test.v1.Nope",
                                          "ward.test.v1.Echo.",
                                          "ward.options.v1.Lane.LANE_INLINE"};
    struct ward_file *files;
    size_t n;

    (void)state;
    for (size_t i = 0; i < WARD_COUNT(found); i++) {
        assert_int_equal(ward_set_symbol(set, found[i][0], &mem, &files, &n, &err), WARD_OK);
        assert_string_equal(files[0].name, found[i][1]);
    }
    for (size_t i = 0; i < WARD_COUNT(missing); i++)
        assert_int_equal(ward_set_symbol(set, missing[i], &mem, &files, &n, &err),
                         WARD_NOT_FOUND);
}

static void a_file_comes_with_its_imports_each_once(void **state)
{
    struct ward_file *files;
    size_t n;

    (void)state;
    assert_int_equal(ward_set_file(set, "ward/test/v1/echo.proto", &mem, &files, &n, &err),
                     WARD_OK);
    assert_int_equal(n, 3);
    assert_string_equal(files[0].name, "ward/test/v1/echo.proto");
    assert_string_equal(files[1].name, "ward/options/v1/options.proto");
    assert_string_equal(files[2].name, "google/protobuf/descriptor.proto");
    assert_int_equal(ward_set_file(set, "echo.proto", &mem, &files, &n, &err), WARD_NOT_FOUND);
}

/* a imports b and c. Both import d, which imports a, although protobuf forbids such cycles. */
static void a_file_imported_twice_comes_once(void **state)
{
    static const char *const names[] = {"a", "b", "c", "d"};
    static const int imports[][2] = {{1, 2}, {3, 3}, {3, 0}, {0, 0}};
    Google__Protobuf__FileDescriptorSet proto = GOOGLE__PROTOBUF__FILE_DESCRIPTOR_SET__INIT;
    Google__Protobuf__FileDescriptorProto file[4], *files[4];
    char *list[4][2];
    uint8_t bytes[256];
    struct ward_descriptors d = {.data = bytes};
    struct ward_set *out;
    struct ward_file *found;
    size_t n;

    (void)state;
    for (int i = 0; i < 4; i++) {
        google__protobuf__file_descriptor_proto__init(&file[i]);
        file[i].name = (char *)(uintptr_t)names[i];
        for (int k = 0; k < 2; k++)
            list[i][k] = (char *)(uintptr_t)names[imports[i][k]];
        file[i].dependency = list[i];
        file[i].n_dependency = 2;
        files[i] = &file[i];
    }
    proto.file = files, proto.n_file = 4;
    d.len = google__protobuf__file_descriptor_set__pack(&proto, bytes);
    assert_int_equal(ward_set_parse(&d, &mem, &out, &err), WARD_OK);
    assert_int_equal(ward_set_file(out, "a", &mem, &found, &n, &err), WARD_OK);
    assert_int_equal(n, 4);
    for (size_t i = 0; i < n; i++)
        assert_string_equal(found[i].name, names[i]);
    assert_int_equal(ward_set_file(out, "b", &mem, &found, &n, &err), WARD_OK);
    assert_int_equal(n, 4); /* b, d, a, c: still each once */
    assert_string_equal(found[3].name, "c");
}

static void extensions_are_found_by_type_and_number(void **state)
{
    static const char TYPE[] = "google.protobuf.MethodOptions";
    struct ward_file *files;
    int32_t *numbers;
    size_t n;

    (void)state;
    assert_int_equal(ward_set_extension(set, TYPE, 50601, &mem, &files, &n, &err), WARD_OK);
    assert_string_equal(files[0].name, "ward/options/v1/options.proto");
    assert_int_equal(ward_set_extension(set, TYPE, 50602, &mem, &files, &n, &err),
                     WARD_NOT_FOUND);
    assert_int_equal(ward_set_extensions(set, TYPE, &mem, &numbers, &n, &err), WARD_OK);
    assert_int_equal(n, 1);
    assert_int_equal(numbers[0], 50601);
    assert_int_equal(
        ward_set_extensions(set, "ward.test.v1.EchoRequest", &mem, &numbers, &n, &err),
        WARD_OK);
    assert_int_equal(n, 0);
    assert_int_equal(ward_set_extensions(set, "ward.Nope", &mem, &numbers, &n, &err),
                     WARD_NOT_FOUND);
}

/* Each of the first hundred allocations fails in turn, then some of the thousands of later
 * ones. The function never crashes and never returns a partial set. */
static void no_memory_is_an_answer(void **state)
{
    struct ward_arena tight;
    struct ward_set *out = NULL;
    enum ward_code code;
    int n = 0;

    (void)state;
    ward_arena_init(&tight, CAP);
    do {
        n += 1 + n / 100;
        tight.fail_at = n;
        code = ward_set_parse(&ward_proto_set, &tight, &out, &err);
        assert_true(code == WARD_RESOURCE_EXHAUSTED || code == WARD_OK);
        assert_true((out != NULL) == (code == WARD_OK));
        ward_arena_reset(&tight);
    } while (code != WARD_OK);
    assert_true(n > 100);
    ward_arena_done(&tight);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_method_is_what_its_proto_says),
        cmocka_unit_test(defaults_depend_on_streaming),
        cmocka_unit_test(a_whole_table_binds_in_its_own_order),
        cmocka_unit_test(a_missing_row_is_named),
        cmocka_unit_test(a_row_given_twice_is_named),
        cmocka_unit_test(a_row_must_be_whole_and_of_the_right_types),
        cmocka_unit_test(a_stream_on_the_poll_thread_is_refused),
        cmocka_unit_test(rules_nobody_can_follow_are_refused),
        cmocka_unit_test(source_info_is_not_served_and_options_are),
        cmocka_unit_test(descriptors_that_are_none_are_refused),
        cmocka_unit_test(a_symbol_of_any_kind_finds_its_file),
        cmocka_unit_test(a_file_comes_with_its_imports_each_once),
        cmocka_unit_test(a_file_imported_twice_comes_once),
        cmocka_unit_test(extensions_are_found_by_type_and_number),
        cmocka_unit_test(no_memory_is_an_answer),
    };

    return cmocka_run_group_tests(tests, begin, end);
}
