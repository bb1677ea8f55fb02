/* grpc.reflection, v1 and v1alpha. Their messages have equal fields, because only the service
 * was renamed. v1's structs therefore serve both versions; only the outermost descriptor
 * differs, and a test compares the two. An unknown symbol is reported in an answer and does not
 * end the stream. */
#include "common/rpc/methods.h"

#include <grpc/reflection/v1/reflection.pb-c.h>
#include <grpc/reflection/v1alpha/reflection.pb-c.h>

#define SCRATCH_CAP ((size_t)1 << 20) /* for one answer; the set has the files */

#define ASKED(what)  GRPC__REFLECTION__V1__SERVER_REFLECTION_REQUEST__MESSAGE_REQUEST_##what
#define ANSWER(what) GRPC__REFLECTION__V1__SERVER_REFLECTION_RESPONSE__MESSAGE_RESPONSE_##what

typedef Grpc__Reflection__V1__ServerReflectionRequest Request;
typedef Grpc__Reflection__V1__ServerReflectionResponse Response;
typedef Grpc__Reflection__V1__FileDescriptorResponse Files;
typedef Grpc__Reflection__V1__ExtensionNumberResponse Numbers;
typedef Grpc__Reflection__V1__ListServiceResponse Services;
typedef Grpc__Reflection__V1__ServiceResponse Service;
typedef Grpc__Reflection__V1__ErrorResponse Error;

static enum ward_code no_memory(struct ward_err *err)
{
    return WARD_FAIL(err, RESOURCE_EXHAUSTED, "the answer needs too much memory");
}

static enum ward_code find_files(const struct ward_set *set, const Request *q,
                                 struct ward_arena *mem, struct ward_file **out, size_t *n,
                                 struct ward_err *err)
{
    if (q->message_request_case == ASKED(FILE_BY_FILENAME))
        return ward_set_file(set, q->file_by_filename, mem, out, n, err);
    if (q->message_request_case == ASKED(FILE_CONTAINING_SYMBOL))
        return ward_set_symbol(set, q->file_containing_symbol, mem, out, n, err);
    return ward_set_extension(set, q->file_containing_extension->containing_type,
                              q->file_containing_extension->extension_number, mem, out, n, err);
}

static enum ward_code say_files(const struct ward_set *set, const Request *q, Response *r,
                                struct ward_arena *mem, struct ward_err *err)
{
    Files *files = ward_new(mem, Files);
    struct ward_file *list;
    size_t n;

    WARD_TRY(find_files(set, q, mem, &list, &n, err));
    if (files == NULL)
        return no_memory(err);
    grpc__reflection__v1__file_descriptor_response__init(files);
    files->file_descriptor_proto = ward_alloc(mem, n * sizeof(ProtobufCBinaryData));
    if (files->file_descriptor_proto == NULL)
        return no_memory(err);
    files->n_file_descriptor_proto = n;
    for (size_t i = 0; i < n; i++)
        files->file_descriptor_proto[i] = (ProtobufCBinaryData){
            .data = (uint8_t *)(uintptr_t)list[i].data, .len = list[i].len};
    r->message_response_case = ANSWER(FILE_DESCRIPTOR_RESPONSE);
    r->file_descriptor_response = files;
    return WARD_OK;
}

static enum ward_code say_numbers(const struct ward_set *set, const char *type, Response *r,
                                  struct ward_arena *mem, struct ward_err *err)
{
    Numbers *numbers = ward_new(mem, Numbers);

    if (numbers == NULL)
        return no_memory(err);
    grpc__reflection__v1__extension_number_response__init(numbers);
    WARD_TRY(ward_set_extensions(set, type, mem, &numbers->extension_number,
                                 &numbers->n_extension_number, err));
    numbers->base_type_name = (char *)(uintptr_t)type;
    r->message_response_case = ANSWER(ALL_EXTENSION_NUMBERS_RESPONSE);
    r->all_extension_numbers_response = numbers;
    return WARD_OK;
}

static enum ward_code say_services(const char *const *names, Response *r,
                                   struct ward_arena *mem, struct ward_err *err)
{
    Services *services = ward_new(mem, Services);
    size_t n = 0;

    while (names[n] != NULL)
        n++;
    if (services == NULL)
        return no_memory(err);
    grpc__reflection__v1__list_service_response__init(services);
    services->service = ward_alloc(mem, n * sizeof(Service *));
    if (services->service == NULL)
        return no_memory(err);
    for (size_t i = 0; i < n; i++) {
        Service *s = ward_new(mem, Service);

        if (s == NULL)
            return no_memory(err);
        grpc__reflection__v1__service_response__init(s);
        s->name = (char *)(uintptr_t)names[i];
        services->service[i] = s;
    }
    services->n_service = n;
    r->message_response_case = ANSWER(LIST_SERVICES_RESPONSE);
    r->list_services_response = services;
    return WARD_OK;
}

static enum ward_code answer(const struct ward_reflection *of, const Request *q, Response *r,
                             struct ward_arena *mem, struct ward_err *err)
{
    switch (q->message_request_case) {
    case ASKED(FILE_BY_FILENAME):
    case ASKED(FILE_CONTAINING_SYMBOL):
    case ASKED(FILE_CONTAINING_EXTENSION):
        return say_files(of->set, q, r, mem, err);
    case ASKED(ALL_EXTENSION_NUMBERS_OF_TYPE):
        return say_numbers(of->set, q->all_extension_numbers_of_type, r, mem, err);
    case ASKED(LIST_SERVICES):
        return say_services(of->services, r, mem, err);
    default:
        return WARD_FAIL(err, INVALID_ARGUMENT, "the request names no symbol or file");
    }
}

static enum ward_code reply(struct ward_call *c, const Request *q,
                            const ProtobufCMessageDescriptor *type, struct ward_arena *mem)
{
    Response r = GRPC__REFLECTION__V1__SERVER_REFLECTION_RESPONSE__INIT;
    Error error = GRPC__REFLECTION__V1__ERROR_RESPONSE__INIT;
    struct ward_err why = {0};
    enum ward_code code = answer(c->svc, q, &r, mem, &why);

    r.base.descriptor = type;
    r.valid_host = q->host;
    r.original_request = (Request *)(uintptr_t)q;
    if (code != WARD_OK) {
        error.error_code = (int32_t)code;
        error.error_message = why.msg;
        r.message_response_case = ANSWER(ERROR_RESPONSE);
        r.error_response = &error;
    }
    return ward_send(c, &r.base);
}

/* Uses a separate arena for each answer, because the call's arena lives as long as the
 * stream. */
static enum ward_code serve(struct ward_call *c, const ProtobufCMessageDescriptor *type)
{
    const ProtobufCMessage *msg = NULL;
    struct ward_arena mem;
    enum ward_code code;

    ward_arena_init(&mem, SCRATCH_CAP);
    while ((code = ward_recv(c, &msg)) == WARD_OK && msg != NULL) {
        code = reply(c, (const Request *)msg, type, &mem);
        if (code != WARD_OK)
            break;
        ward_arena_reset(&mem);
    }
    ward_arena_done(&mem);
    return code;
}

enum ward_code ward_reflect_v1(struct ward_call *c, const ProtobufCMessage *req,
                               ProtobufCMessage *resp)
{
    (void)req, (void)resp;
    return serve(c, &grpc__reflection__v1__server_reflection_response__descriptor);
}

enum ward_code ward_reflect_v1alpha(struct ward_call *c, const ProtobufCMessage *req,
                                    ProtobufCMessage *resp)
{
    (void)req, (void)resp;
    return serve(c, &grpc__reflection__v1alpha__server_reflection_response__descriptor);
}
