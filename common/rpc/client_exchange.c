/* One call of a client: its headers, its message, its reply and status. */
#include "common/base/clock.h"
#include "common/base/crypto.h"
#include "common/base/text.h"
#include "common/rpc/client_impl.h"
#include "common/rpc/core.h"
#include "common/rpc/wire.h"

#include <grpc/byte_buffer_reader.h>
#include <stdio.h>
#include <string.h>

#define TRACEPARENT_LEN 55

/* ---- headers ---- */

static bool is_traceparent(const char *s)
{
    return s != NULL && strlen(s) == TRACEPARENT_LEN &&
           strspn(s, "0123456789abcdef-") == TRACEPARENT_LEN;
}

static void new_traceparent(char out[TRACEPARENT_LEN + 1])
{
    uint8_t id[24];
    char hex[2 * sizeof(id) + 1];

    ward_random(id, sizeof(id));
    ward_hex(id, sizeof(id), hex);
    snprintf(out, TRACEPARENT_LEN + 1, "00-%.32s-%.16s-01", hex, hex + 32);
}

static enum ward_code bearer(const char *token, grpc_slice *out, struct ward_err *err)
{
    static const char SCHEME[] = "Bearer ";
    size_t n = strlen(token), skip = sizeof(SCHEME) - 1;

    if (n > WARD_TOKEN_BYTES)
        return WARD_FAIL_REASON(err, UNAUTHENTICATED, "TOKEN_MALFORMED", "token is too long");
    *out = grpc_slice_malloc(skip + n);
    memcpy(GRPC_SLICE_START_PTR(*out), SCHEME, skip);
    memcpy(GRPC_SLICE_START_PTR(*out) + skip, token, n);
    if (grpc_header_nonbin_value_is_legal(*out))
        return WARD_OK;
    grpc_slice_unref(*out);
    return WARD_FAIL_REASON(err, UNAUTHENTICATED, "TOKEN_MALFORMED",
                            "the token contains a character that is not allowed");
}

enum ward_code ward_headers_make(const struct ward_out *with, struct ward_headers *out,
                                 struct ward_err *err)
{
    char fresh[TRACEPARENT_LEN + 1];
    const char *trace = with == NULL ? NULL : with->traceparent;

    *out = (struct ward_headers){0};
    if (with != NULL && with->token != NULL && *with->token != '\0') {
        WARD_TRY(bearer(with->token, &out->at[0].value, err));
        out->at[0].key = grpc_slice_from_static_string("authorization");
        out->n = 1;
    }
    if (!is_traceparent(trace)) {
        new_traceparent(fresh);
        trace = fresh;
    }
    out->at[out->n].key = grpc_slice_from_static_string("traceparent");
    out->at[out->n].value = grpc_slice_from_copied_string(trace);
    out->n++;
    return WARD_OK;
}

void ward_headers_done(struct ward_headers *h)
{
    for (size_t i = 0; i < h->n; i++)
        grpc_slice_unref(h->at[i].value);
    h->n = 0;
}

/* ---- the call ---- */

static gpr_timespec when(int64_t mono_ns)
{
    if (mono_ns == WARD_NO_DEADLINE)
        return gpr_inf_future(GPR_CLOCK_MONOTONIC);
    return (gpr_timespec){.tv_sec = mono_ns / 1000000000,
                          .tv_nsec = (int32_t)(mono_ns % 1000000000),
                          .clock_type = GPR_CLOCK_MONOTONIC};
}

static void caller_gone(struct call_hook *h)
{
    grpc_call_cancel(RPC_OF(h, struct ward_exchange, hook)->call, NULL);
}

void ward_exchange_init(struct ward_exchange *x, struct ward_client *cl,
                        grpc_completion_queue *cq, const char *path,
                        const struct ward_out *with, int64_t deadline_ns)
{
    grpc_call *parent = with == NULL ? NULL : core_parent(with->served);
    /* A copy, because the transport's header compression may hold the path longer than the
     * caller. */
    grpc_slice method = grpc_slice_from_copied_string(path);

    *x = (struct ward_exchange){.words = grpc_empty_slice()};
    grpc_metadata_array_init(&x->initial);
    grpc_metadata_array_init(&x->trailing);
    x->call = grpc_channel_create_call(cl->channel, parent, GRPC_PROPAGATE_CANCELLATION, cq,
                                       method, NULL, when(deadline_ns), NULL);
    grpc_slice_unref(method);
    x->hook.fn = caller_gone;
    call_hook(with == NULL ? NULL : with->served, &x->hook);
}

void ward_exchange_done(struct ward_exchange *x)
{
    call_unhook(&x->hook);
    grpc_byte_buffer_destroy(x->reply); /* accepts NULL */
    grpc_slice_unref(x->words);
    grpc_metadata_array_destroy(&x->initial);
    grpc_metadata_array_destroy(&x->trailing);
    grpc_call_unref(x->call);
}

grpc_op ward_exchange_status_op(struct ward_exchange *x)
{
    return (grpc_op){.op = GRPC_OP_RECV_STATUS_ON_CLIENT,
                     .data.recv_status_on_client = {.trailing_metadata = &x->trailing,
                                                    .status = &x->status,
                                                    .status_details = &x->words}};
}

static const grpc_slice *details_of(const grpc_metadata_array *trailers)
{
    for (size_t i = 0; i < trailers->count; i++) {
        if (grpc_slice_str_cmp(trailers->metadata[i].key, "grpc-status-details-bin") == 0)
            return &trailers->metadata[i].value;
    }
    return NULL;
}

/* Handles a failure without details. Ward's servers always send details. Without details, these
 * three codes usually come from core on this side. Core's text contains addresses and sockets,
 * so it is only logged. */
static enum ward_code fail_here(const struct ward_client *cl, enum ward_code code,
                                struct ward_err *err)
{
    if (code == WARD_CANCELLED)
        return WARD_FAIL(err, CANCELLED, "the call to %s was cancelled", cl->server);
    if (code == WARD_DEADLINE_EXCEEDED)
        return WARD_FAIL(err, DEADLINE_EXCEEDED, "%s did not answer in time", cl->server);
    if (cl->check != NULL && atomic_load(&cl->check->refused))
        return WARD_FAIL_REASON(err, UNAVAILABLE, "SERVER_NOT_EXPECTED",
                                "the certificate of %s has another name", cl->server);
    return WARD_FAIL(err, UNAVAILABLE, "%s cannot be reached", cl->server);
}

enum ward_code ward_exchange_fail(const struct ward_client *cl, const struct ward_exchange *x,
                                  struct ward_err *err)
{
    const grpc_slice *details = details_of(&x->trailing);
    const char *words = (const char *)GRPC_SLICE_START_PTR(x->words);
    int n = (int)GRPC_SLICE_LENGTH(x->words);
    enum ward_code code = (enum ward_code)x->status;

    if (x->status <= GRPC_STATUS_OK || x->status > GRPC_STATUS_UNAUTHENTICATED)
        code = WARD_UNKNOWN;
    if (details == NULL && (code == WARD_UNAVAILABLE || code == WARD_DEADLINE_EXCEEDED ||
                            code == WARD_CANCELLED)) {
        fail_here(cl, code, err);
        ward_err_detail(err, "%.*s", n, words);
        return code;
    }
    ward_err_set(err, code, __FILE__, __LINE__, "%.*s", n, words);
    if (details != NULL && err != NULL)
        ward_details_read(GRPC_SLICE_START_PTR(*details), GRPC_SLICE_LENGTH(*details), err);
    return code;
}

enum ward_code ward_exchange_reply(struct ward_exchange *x,
                                   const ProtobufCMessageDescriptor *type,
                                   struct ward_arena *mem, ProtobufCMessage **out,
                                   struct ward_err *err)
{
    grpc_byte_buffer_reader reader;
    enum ward_code code;
    grpc_slice whole;

    if (!grpc_byte_buffer_reader_init(&reader, x->reply))
        return WARD_FAIL(err, INTERNAL, "a reply could not be decompressed");
    whole = grpc_byte_buffer_reader_readall(&reader);
    code = ward_wire_unpack_most(type, GRPC_SLICE_START_PTR(whole), GRPC_SLICE_LENGTH(whole),
                                 WARD_WIRE_ELEMENTS_LARGE, mem, out, err);
    grpc_slice_unref(whole);
    grpc_byte_buffer_reader_destroy(&reader);
    grpc_byte_buffer_destroy(x->reply);
    x->reply = NULL;
    if (code != WARD_INVALID_ARGUMENT)
        return code;
    /* INVALID_ARGUMENT would blame the caller, whose arguments are valid. */
    return WARD_FAIL_REASON(err, INTERNAL, "REPLY_MALFORMED", "a reply is not a %s",
                            type->name);
}

enum ward_code ward_client_pack(const struct ward_client *cl, const ProtobufCMessage *msg,
                                grpc_slice *out, struct ward_err *err)
{
    size_t n = protobuf_c_message_get_packed_size(msg);

    if (n > cl->max_message)
        return WARD_FAIL(err, RESOURCE_EXHAUSTED,
                         "a message has %zu bytes; the limit is %zu bytes", n, cl->max_message);
    *out = grpc_slice_malloc(n);
    protobuf_c_message_pack(msg, GRPC_SLICE_START_PTR(*out));
    return WARD_OK;
}
