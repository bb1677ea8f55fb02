#include "common/rpc/methods.h"

#include <grpc/reflection/v1/reflection.pb-c.h>
#include <grpc/reflection/v1alpha/reflection.pb-c.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#define ASKED(what) GRPC__REFLECTION__V1__SERVER_REFLECTION_REQUEST__MESSAGE_REQUEST_##what
#define SAID(what)  GRPC__REFLECTION__V1__SERVER_REFLECTION_RESPONSE__MESSAGE_RESPONSE_##what

typedef Grpc__Reflection__V1__ServerReflectionRequest Request;
typedef Grpc__Reflection__V1__ServerReflectionResponse Response;

/* Both ends of the stream, played by this test: `asked` is the handler's input, and its output
 * is unpacked like in a client. */
static struct {
    const Request *asked;
    int n_asked, at, n_said;
    Response *said[8];
    const ProtobufCMessageDescriptor *type; /* type of the last sent message */
    enum ward_code send_code;
} wire;

static struct ward_arena mem;
static struct ward_set *set;

enum ward_code ward_recv(struct ward_call *c, const ProtobufCMessage **msg)
{
    (void)c;
    *msg = wire.at < wire.n_asked ? &wire.asked[wire.at++].base : NULL;
    return WARD_OK;
}

enum ward_code ward_send(struct ward_call *c, const ProtobufCMessage *msg)
{
    size_t n = protobuf_c_message_get_packed_size(msg);
    uint8_t *bytes = ward_alloc(&mem, n);

    (void)c;
    assert_non_null(bytes);
    protobuf_c_message_pack(msg, bytes);
    wire.type = msg->descriptor;
    wire.said[wire.n_said] =
        grpc__reflection__v1__server_reflection_response__unpack(NULL, n, bytes);
    assert_non_null(wire.said[wire.n_said++]);
    return wire.send_code;
}

static int begin(void **state)
{
    struct ward_err err;

    (void)state;
    ward_arena_init(&mem, 4 << 20);
    return ward_set_parse(&ward_proto_set, &mem, &set, &err) == WARD_OK ? 0 : -1;
}

static int end(void **state)
{
    (void)state;
    ward_arena_done(&mem);
    return 0;
}

static int forget(void **state)
{
    (void)state;
    for (int i = 0; i < wire.n_said; i++)
        grpc__reflection__v1__server_reflection_response__free_unpacked(wire.said[i], NULL);
    memset(&wire, 0, sizeof(wire));
    return 0;
}

static enum ward_code ask_all(const Request *q, int n, ward_handler *handler)
{
    static const char *const services[] = {"grpc.health.v1.Health", "ward.test.v1.Echo", NULL};
    struct ward_reflection of = {.set = set, .services = services};
    struct ward_err err;
    struct ward_call c = {.svc = &of, .mem = &mem, .err = &err};

    wire.asked = q;
    wire.n_asked = n;
    return handler(&c, NULL, NULL);
}

/* Asks one question and returns its answer. */
static const Response *ask(const Request *q)
{
    assert_int_equal(ask_all(q, 1, ward_reflect_v1), WARD_OK);
    assert_int_equal(wire.n_said, 1);
    return wire.said[0];
}

static Request question(void)
{
    Request q = GRPC__REFLECTION__V1__SERVER_REFLECTION_REQUEST__INIT;

    q.host = (char *)(uintptr_t) "here";
    return q;
}

static void services_are_listed(void **state)
{
    Request q = question();
    const Response *r;

    (void)state;
    q.message_request_case = ASKED(LIST_SERVICES);
    q.list_services = (char *)(uintptr_t) "*";
    r = ask(&q);
    assert_int_equal(r->message_response_case, SAID(LIST_SERVICES_RESPONSE));
    assert_int_equal(r->list_services_response->n_service, 2);
    assert_string_equal(r->list_services_response->service[0]->name, "grpc.health.v1.Health");
    assert_string_equal(r->list_services_response->service[1]->name, "ward.test.v1.Echo");
    assert_string_equal(r->valid_host, "here");
    assert_string_equal(r->original_request->list_services, "*");
}

static void a_symbol_yields_its_file_and_imports(void **state)
{
    static const uint8_t name[] = "\x0a\x17ward/test/v1/echo.proto";
    Request q = question();
    const Response *r;

    (void)state;
    q.message_request_case = ASKED(FILE_CONTAINING_SYMBOL);
    q.file_containing_symbol = (char *)(uintptr_t) "ward.test.v1.Echo.Bidi";
    r = ask(&q);
    assert_int_equal(r->message_response_case, SAID(FILE_DESCRIPTOR_RESPONSE));
    assert_int_equal(r->file_descriptor_response->n_file_descriptor_proto, 3);
    assert_memory_equal(r->file_descriptor_response->file_descriptor_proto[0].data, name,
                        sizeof(name) - 1);
}

static void a_file_is_found_by_its_name(void **state)
{
    Request q = question();
    const Response *r;

    (void)state;
    q.message_request_case = ASKED(FILE_BY_FILENAME);
    q.file_by_filename = (char *)(uintptr_t) "google/protobuf/descriptor.proto";
    r = ask(&q);
    assert_int_equal(r->message_response_case, SAID(FILE_DESCRIPTOR_RESPONSE));
    assert_int_equal(r->file_descriptor_response->n_file_descriptor_proto, 1);
}

static void extensions_are_found_and_numbered(void **state)
{
    Grpc__Reflection__V1__ExtensionRequest e = GRPC__REFLECTION__V1__EXTENSION_REQUEST__INIT;
    Request q[2] = {question(), question()};

    (void)state;
    e.containing_type = (char *)(uintptr_t) "google.protobuf.MethodOptions";
    e.extension_number = 50601;
    q[0].message_request_case = ASKED(FILE_CONTAINING_EXTENSION);
    q[0].file_containing_extension = &e;
    q[1].message_request_case = ASKED(ALL_EXTENSION_NUMBERS_OF_TYPE);
    q[1].all_extension_numbers_of_type = e.containing_type;
    assert_int_equal(ask_all(q, 2, ward_reflect_v1), WARD_OK);
    assert_int_equal(wire.n_said, 2);
    assert_int_equal(wire.said[0]->file_descriptor_response->n_file_descriptor_proto, 2);
    assert_string_equal(wire.said[1]->all_extension_numbers_response->base_type_name,
                        e.containing_type);
    assert_int_equal(wire.said[1]->all_extension_numbers_response->n_extension_number, 1);
    assert_int_equal(wire.said[1]->all_extension_numbers_response->extension_number[0], 50601);
}

static void what_is_not_found_is_an_answer_and_the_stream_goes_on(void **state)
{
    Grpc__Reflection__V1__ExtensionRequest e = GRPC__REFLECTION__V1__EXTENSION_REQUEST__INIT;
    Request q[6];

    (void)state;
    for (size_t i = 0; i < WARD_COUNT(q); i++)
        q[i] = question();
    q[0].message_request_case = ASKED(FILE_BY_FILENAME);
    q[0].file_by_filename = (char *)(uintptr_t) "../etc/passwd";
    q[1].message_request_case = ASKED(FILE_CONTAINING_SYMBOL);
    q[1].file_containing_symbol = (char *)(uintptr_t) "no.Such";
    q[2].message_request_case = ASKED(FILE_CONTAINING_EXTENSION);
    q[2].file_containing_extension = &e;
    q[3].message_request_case = ASKED(ALL_EXTENSION_NUMBERS_OF_TYPE);
    q[3].all_extension_numbers_of_type = (char *)(uintptr_t) "no.Such";
    q[5].message_request_case = ASKED(LIST_SERVICES); /* q[4] has no request */
    q[5].list_services = (char *)(uintptr_t) "";
    assert_int_equal(ask_all(q, WARD_COUNT(q), ward_reflect_v1), WARD_OK);
    assert_int_equal(wire.n_said, WARD_COUNT(q));
    for (int i = 0; i < 5; i++) {
        assert_int_equal(wire.said[i]->message_response_case, SAID(ERROR_RESPONSE));
        assert_int_equal(wire.said[i]->error_response->error_code,
                         i < 4 ? WARD_NOT_FOUND : WARD_INVALID_ARGUMENT);
        assert_true(*wire.said[i]->error_response->error_message != '\0');
    }
    assert_int_equal(wire.said[5]->message_response_case, SAID(LIST_SERVICES_RESPONSE));
}

static void a_send_that_fails_ends_the_stream(void **state)
{
    Request q[2] = {question(), question()};

    (void)state;
    wire.send_code = WARD_CANCELLED;
    assert_int_equal(ask_all(q, 2, ward_reflect_v1), WARD_CANCELLED);
    assert_int_equal(wire.n_said, 1);
}

static void each_version_answers_with_its_own_type(void **state)
{
    Request q = question();

    (void)state;
    assert_int_equal(ask_all(&q, 1, ward_reflect_v1), WARD_OK);
    assert_string_equal(wire.type->name, "grpc.reflection.v1.ServerReflectionResponse");
    forget(state);
    assert_int_equal(ask_all(&q, 1, ward_reflect_v1alpha), WARD_OK);
    assert_string_equal(wire.type->name, "grpc.reflection.v1alpha.ServerReflectionResponse");
}

/* Compares the messages' fields, because the handlers use v1's structs for v1alpha. */
static void same(const ProtobufCMessageDescriptor *a, const ProtobufCMessageDescriptor *b)
{
    assert_int_equal(a->sizeof_message, b->sizeof_message);
    assert_int_equal(a->n_fields, b->n_fields);
    for (unsigned i = 0; i < a->n_fields; i++) {
        const ProtobufCFieldDescriptor *f = &a->fields[i], *g = &b->fields[i];

        assert_string_equal(f->name, g->name);
        assert_true(f->id == g->id && f->label == g->label && f->type == g->type);
        assert_true(f->offset == g->offset && f->quantifier_offset == g->quantifier_offset);
        assert_int_equal(f->flags, g->flags);
        if (f->type == PROTOBUF_C_TYPE_MESSAGE)
            same(f->descriptor, g->descriptor);
    }
}

static void the_versions_differ_in_name_alone(void **state)
{
    (void)state;
    same(&grpc__reflection__v1__server_reflection_request__descriptor,
         &grpc__reflection__v1alpha__server_reflection_request__descriptor);
    same(&grpc__reflection__v1__server_reflection_response__descriptor,
         &grpc__reflection__v1alpha__server_reflection_response__descriptor);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(services_are_listed, forget),
        cmocka_unit_test_teardown(a_symbol_yields_its_file_and_imports, forget),
        cmocka_unit_test_teardown(a_file_is_found_by_its_name, forget),
        cmocka_unit_test_teardown(extensions_are_found_and_numbered, forget),
        cmocka_unit_test_teardown(what_is_not_found_is_an_answer_and_the_stream_goes_on,
                                  forget),
        cmocka_unit_test_teardown(a_send_that_fails_ends_the_stream, forget),
        cmocka_unit_test_teardown(each_version_answers_with_its_own_type, forget),
        cmocka_unit_test(the_versions_differ_in_name_alone),
    };

    return cmocka_run_group_tests(tests, begin, end);
}
