/* Reads a receipt in audit's own form: the serialized message ward.audit.v1.Receipt. */
#include "cli/audit/audit_file.h"
#include "common/rpc/wire.h"

#include "ward/audit/v1/audit.pb-c.h"

#include <string.h>

static enum ward_code unfit(struct ward_err *err, const char *what)
{
    return WARD_FAIL(err, INVALID_ARGUMENT, "the receipt's %s is unreadable", what);
}

static struct file_bytes bytes_of(const ProtobufCBinaryData *b)
{
    return (struct file_bytes){b->data, b->len};
}

static enum ward_code proof_of(const Ward__Audit__V1__Receipt *msg, struct file_receipt *out,
                               struct ward_err *err)
{
    if (msg->n_proof > WARD_PROOF_MAX)
        return unfit(err, "proof");
    for (size_t i = 0; i < msg->n_proof; i++) {
        if (msg->proof[i].len != sizeof(out->proof[i].b))
            return unfit(err, "proof");
        memcpy(out->proof[i].b, msg->proof[i].data, sizeof(out->proof[i].b));
    }
    out->n_proof = msg->n_proof;
    return WARD_OK;
}

static enum ward_code notes_of(const Ward__Audit__V1__Receipt *msg, struct file_receipt *out,
                               struct ward_err *err)
{
    if (*msg->checkpoint == '\0' || strlen(msg->checkpoint) > WARD_NOTE_MAX)
        return unfit(err, "checkpoint");
    if (msg->n_handovers > WARD_KEYS_MAX)
        return unfit(err, "handovers");
    for (size_t i = 0; i < msg->n_handovers; i++)
        if (strlen(msg->handovers[i]) > WARD_NOTE_MAX)
            return unfit(err, "handovers");
    out->checkpoint = msg->checkpoint;
    out->handovers = (struct file_notes){(const char **)msg->handovers, msg->n_handovers};
    return WARD_OK;
}

enum ward_code file_receipt_message(const void *bytes, size_t n, struct ward_arena *mem,
                                    struct file_receipt *out, struct ward_err *err)
{
    const Ward__Audit__V1__Receipt *msg;
    struct file_receipt r = {0};
    ProtobufCMessage *any;

    if (ward_wire_unpack(&ward__audit__v1__receipt__descriptor, bytes, n, mem, &any, err) !=
        WARD_OK)
        return WARD_FAIL(err, INVALID_ARGUMENT,
                         "the receipt is neither JSON nor a serialized ward.audit.v1.Receipt");
    msg = (const Ward__Audit__V1__Receipt *)any;
    r.entry.index = msg->index;
    r.entry.erased = msg->erased;
    r.entry.leaf = bytes_of(&msg->leaf);
    if (r.entry.leaf.n == 0)
        return unfit(err, "leaf");
    if (msg->content != NULL) {
        r.entry.salt = bytes_of(&msg->content->salt);
        r.entry.event = bytes_of(&msg->content->event);
    }
    WARD_TRY(proof_of(msg, &r, err));
    WARD_TRY(notes_of(msg, &r, err));
    *out = r;
    return WARD_OK;
}
