/* Converts messages to core's byte buffers and back. */
#include "common/rpc/core.h"

#include <grpc/byte_buffer.h>
#include <grpc/byte_buffer_reader.h>

grpc_byte_buffer *core_pack(const ProtobufCMessage *m)
{
    grpc_slice slice = grpc_slice_malloc(protobuf_c_message_get_packed_size(m));
    grpc_byte_buffer *bytes;

    protobuf_c_message_pack(m, GRPC_SLICE_START_PTR(slice));
    bytes = grpc_raw_byte_buffer_create(&slice, 1);
    grpc_slice_unref(slice);
    return bytes;
}

enum ward_code core_unpack(const ProtobufCMessageDescriptor *type, grpc_byte_buffer *bytes,
                           size_t elements, struct ward_arena *mem, ProtobufCMessage **out,
                           struct ward_err *err)
{
    grpc_byte_buffer_reader reader;
    enum ward_code code;
    grpc_slice *one;
    grpc_slice flat;

    if (bytes == NULL)
        return WARD_FAIL_REASON(err, INVALID_ARGUMENT, "NO_MESSAGE",
                                "the request has no message");
    if (!grpc_byte_buffer_reader_init(&reader, bytes))
        return WARD_FAIL(err, INVALID_ARGUMENT, "the request cannot be read");
    if (bytes->data.raw.slice_buffer.count == 1 &&
        grpc_byte_buffer_reader_peek(&reader, &one)) {
        code = ward_wire_unpack_most(type, GRPC_SLICE_START_PTR(*one), GRPC_SLICE_LENGTH(*one),
                                     elements, mem, out, err);
    } else {
        flat = grpc_byte_buffer_reader_readall(&reader);
        code = ward_wire_unpack_most(type, GRPC_SLICE_START_PTR(flat), GRPC_SLICE_LENGTH(flat),
                                     elements, mem, out, err);
        grpc_slice_unref(flat);
    }
    grpc_byte_buffer_reader_destroy(&reader);
    return code;
}
