/* Request decoding, for every method: the first byte picks the method, the rest is its request
 * as it comes from the network. Whatever passes the walk must decode within the arena's cap,
 * and what decodes must pack again to something that passes too. */
#include "common/rpc/methods_set.h"
#include "common/rpc/wire.h"

#include <fuzz_services.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CALL_CAP ((size_t)256 << 10) /* WARD_ARENA_KIB's default */
#define SET_CAP  ((size_t)64 << 20)

/* Made by the build out of all .proto files; begin() compares it with the descriptor set. */
static const ProtobufCServiceDescriptor *const services[] = {SERVICES};

static const ProtobufCMessageDescriptor *types[256];
static size_t n_types;

static void check(bool ok, const char *what)
{
    if (ok)
        return;
    fprintf(stderr, "%s\n", what);
    abort();
}

static void add(const ProtobufCMessageDescriptor *type)
{
    for (size_t i = 0; i < n_types; i++)
        if (types[i] == type)
            return;
    check(n_types < WARD_COUNT(types), "more than 256 types of request");
    types[n_types++] = type;
}

static bool known(const char *name)
{
    for (size_t i = 0; i < n_types; i++)
        if (strcmp(types[i]->name, name) == 0)
            return true;
    return false;
}

static void begin(void)
{
    struct ward_arena mem;
    struct ward_set *set;
    struct ward_err err;

    for (size_t i = 0; i < WARD_COUNT(services); i++)
        for (unsigned k = 0; k < services[i]->n_methods; k++)
            add(services[i]->methods[k].input);
    ward_arena_init(&mem, SET_CAP);
    check(ward_set_parse(&ward_proto_set, &mem, &set, &err) == WARD_OK, err.msg);
    for (size_t i = 0; i < set->n_methods; i++)
        check(known(set->methods[i].input), set->methods[i].info.path);
    ward_arena_done(&mem);
}

static void again(const ProtobufCMessageDescriptor *type, const ProtobufCMessage *msg, size_t n)
{
    size_t len = protobuf_c_message_get_packed_size(msg);
    uint8_t *bytes = malloc(len + 1);
    struct ward_err err;

    /* Merged and defaulted fields only shrink; a packed field may gain its length and tag, and
     * an int32 of five bytes that is negative grows to ten. */
    check(bytes != NULL && len <= 8 * n + 16, "a message grew");
    check(protobuf_c_message_pack(msg, bytes) == len, "packed to another length");
    check(ward_wire_check(type, bytes, len, WARD_WIRE_ELEMENTS, &err) == WARD_OK,
          "its own bytes are refused");
    free(bytes);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const ProtobufCMessageDescriptor *type;
    ProtobufCMessage *msg = NULL;
    struct ward_err err = {0};
    struct ward_arena mem;
    enum ward_code code;

    if (n_types == 0)
        begin();
    if (size == 0)
        return 0;
    type = types[data[0] % n_types];
    ward_arena_init(&mem, CALL_CAP);
    code = ward_wire_unpack(type, data + 1, size - 1, &mem, &msg, &err);
    check(mem.used <= CALL_CAP, "past the arena's cap");
    check((msg != NULL) == (code == WARD_OK), "half a message");
    if (code == WARD_OK)
        again(type, msg, size);
    else
        check(code == (err.reason[0] == 'A' ? WARD_RESOURCE_EXHAUSTED : WARD_INVALID_ARGUMENT),
              "another code");
    ward_arena_done(&mem);
    return 0;
}
