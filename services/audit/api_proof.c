/* Handlers for receipts, heads and proofs. */
#include "services/audit/wire.h"

#include <string.h>

typedef Ward__Audit__V1__Receipt Receipt;

static enum ward_code full(struct ward_err *err)
{
    return WARD_FAIL(err, RESOURCE_EXHAUSTED, "the call needs more memory than permitted");
}

static ProtobufCBinaryData blob(const void *p, size_t n)
{
    return (ProtobufCBinaryData){n, (uint8_t *)(uintptr_t)p};
}

enum ward_code record_of(const struct audit_entry *e, struct ward_arena *mem,
                         Ward__Audit__V1__Record *out, struct ward_err *err)
{
    char id[37];

    ward_uuid_text(e->leaf.event_id, id);
    out->index = e->index;
    out->service = ward_strdup(mem, e->leaf.service);
    out->event_id = ward_strdup(mem, id);
    if (out->event_id == NULL || out->service == NULL)
        return full(err);
    out->appended_at_us = e->leaf.appended_at_us;
    out->erased = e->erased;
    if (!e->erased && event_read(e->event, e->event_len, mem, &out->event, err) != WARD_OK)
        return mem->full ? full(err)
                         : WARD_FAIL(err, DATA_LOSS, "a stored event cannot be read");
    return WARD_OK;
}

static enum ward_code content_of(const struct audit_entry *e, struct ward_arena *mem,
                                 Ward__Audit__V1__Content **out, struct ward_err *err)
{
    Ward__Audit__V1__Content *content = ward_new(mem, Ward__Audit__V1__Content);
    uint8_t *salt = ward_alloc(mem, WARD_SALT_SIZE);

    if (content == NULL || salt == NULL)
        return full(err);
    ward__audit__v1__content__init(content);
    content->salt = blob(memcpy(salt, e->salt, WARD_SALT_SIZE), WARD_SALT_SIZE);
    content->event = blob(e->event, e->event_len);
    *out = content;
    return WARD_OK;
}

enum ward_code entry_of(const struct audit_entry *e, bool content, struct ward_arena *mem,
                        Ward__Audit__V1__Entry *out, struct ward_err *err)
{
    out->index = e->index;
    out->leaf = blob(e->leaf_bytes.p, e->leaf_bytes.n);
    out->erased = e->erased;
    return content && e->event != NULL ? content_of(e, mem, &out->content, err) : WARD_OK;
}

/* Returns a proof's hashes in protobuf-c's form. */
static enum ward_code hashes(const struct ward_hash *proof, size_t n, struct ward_arena *mem,
                             ProtobufCBinaryData **out, size_t *n_out, struct ward_err *err)
{
    ProtobufCBinaryData *list = ward_alloc(mem, n * sizeof(*list));
    struct ward_hash *copy = ward_alloc(mem, n * sizeof(*copy));

    if (list == NULL || copy == NULL)
        return full(err);
    for (size_t i = 0; i < n; i++) {
        copy[i] = proof[i];
        list[i] = blob(copy[i].b, sizeof(copy[i].b));
    }
    *out = list;
    *n_out = n;
    return WARD_OK;
}

static enum ward_code read_head(struct ward_call *c, struct audit_head *head)
{
    struct audit_worker *w = c->wrk;
    const struct audit_seen before = audit_seen(w->a);

    WARD_TRY(audit_sound(w->a, c->err));
    WARD_TRY(head_read(w->db, c->mem, false, head, c->err));
    return audit_head_take(w->a, w->db, c->mem, &before, head, c->err);
}

/* ---- receipts ---- */

static bool may_see(const struct ward_call *c, const struct audit_entry *e)
{
    if (c->who != NULL && (ward_principal_has(c->who, "auditor") ||
                           ward_principal_has(c->who, "privacy-officer")))
        return true;
    return *c->peer != '\0' && strcmp(c->peer, e->leaf.service) == 0;
}

static enum ward_code handovers(struct audit *a, unsigned newest, struct ward_arena *mem,
                                Receipt *out, struct ward_err *err)
{
    out->handovers = ward_alloc(mem, newest * sizeof(*out->handovers));
    if (out->handovers == NULL)
        return full(err);
    for (unsigned k = 2; k <= newest; k++) {
        const struct audit_signer_row *row = signers_row(audit_signers(a), k);

        if (row == NULL)
            return WARD_FAIL(err, DATA_LOSS, "a signing key is missing");
        out->handovers[out->n_handovers++] = (char *)(uintptr_t)row->handover;
    }
    return WARD_OK;
}

static enum ward_code make_receipt(struct ward_call *c, const struct audit_entry *e,
                                   Receipt *out)
{
    struct audit_worker *w = c->wrk;
    struct audit_reader r = {w->db, c->mem};
    const struct ward_tree tree = audit_tree(&r);
    struct ward_hash proof[WARD_PROOF_MAX], leaf;
    struct audit_head head;
    size_t n;

    WARD_TRY(read_head(c, &head)); /* read after the entry, so that the head covers the entry */
    WARD_TRY(ward_prove_inclusion(&tree, e->index, head.frontier.size, proof, &n, c->err));
    ward_leaf_hash(e->leaf_bytes.p, e->leaf_bytes.n, &leaf);
    if (!ward_check_inclusion(&leaf, e->index, head.frontier.size, proof, n, &head.root))
        return WARD_FAIL_REASON(c->err, DATA_LOSS, "LOG_TAMPERED",
                                "the stored event is not in the signed tree");
    out->index = e->index;
    out->leaf = blob(e->leaf_bytes.p, e->leaf_bytes.n);
    out->erased = e->erased;
    out->checkpoint = ward_strdup(c->mem, head.note);
    if (out->checkpoint == NULL)
        return full(c->err);
    if (!e->erased)
        WARD_TRY(content_of(e, c->mem, &out->content, c->err));
    WARD_TRY(hashes(proof, n, c->mem, &out->proof, &out->n_proof, c->err));
    return handovers(w->a, head.signer, c->mem, out, c->err);
}

static enum ward_code record_receipt(struct ward_call *c, const struct audit_entry *e)
{
    struct own o = own_of(c);
    Event *event = NULL;
    char id[37];

    ward_uuid_text(e->leaf.event_id, id);
    own_detail(&o, "event_id", id);
    if (!e->erased && event_read(e->event, e->event_len, c->mem, &event, NULL) == WARD_OK)
        o.patient = event->patient;
    return own_call(c, &o, NULL);
}

static enum ward_code receipt(struct ward_call *c,
                              const Ward__Audit__V1__GetReceiptRequest *req,
                              Ward__Audit__V1__GetReceiptResponse *resp)
{
    struct audit_worker *w = audit_serve(c);
    struct audit_entry e;
    uint8_t id[16];

    if (!ward_uuid_parse(req->event_id, id))
        return WARD_FAIL_FIELD(c->err, "event_id", "must be a UUID");
    WARD_TRY(entry_find(audit_vault(w->a), w->db, c->mem, id, &e, c->err));
    if (!may_see(c, &e))
        return WARD_FAIL(c->err, NOT_FOUND,
                         "the event does not exist, or the caller may not see it");
    resp->receipt = ward_new(c->mem, Receipt);
    if (resp->receipt == NULL)
        return full(c->err);
    ward__audit__v1__receipt__init(resp->receipt);
    WARD_TRY(make_receipt(c, &e, resp->receipt));
    return record_receipt(c, &e);
}

enum ward_code audit_receipt_rpc(struct ward_call *c, const ProtobufCMessage *q,
                                 ProtobufCMessage *r)
{
    return receipt(c, (const Ward__Audit__V1__GetReceiptRequest *)q,
                   (Ward__Audit__V1__GetReceiptResponse *)r);
}

/* ---- heads and proofs ---- */

enum ward_code audit_checkpoint_rpc(struct ward_call *c, const ProtobufCMessage *q,
                                    ProtobufCMessage *r)
{
    Ward__Audit__V1__GetCheckpointResponse *resp = (Ward__Audit__V1__GetCheckpointResponse *)r;
    struct audit_head head;

    (void)q;
    (void)audit_serve(c);
    WARD_TRY(read_head(c, &head));
    resp->checkpoint = ward_strdup(c->mem, head.note);
    return resp->checkpoint == NULL ? full(c->err) : WARD_OK;
}

/* Chooses the size of the log for a proof. 0 means the newest. */
static enum ward_code choose_size(struct ward_call *c, uint64_t asked, uint64_t *out)
{
    struct audit_head head;

    WARD_TRY(read_head(c, &head));
    if (asked > head.frontier.size)
        return WARD_FAIL(c->err, OUT_OF_RANGE, "the log is smaller than this size");
    *out = asked == 0 ? head.frontier.size : asked;
    return WARD_OK;
}

static enum ward_code inclusion(struct ward_call *c,
                                const Ward__Audit__V1__GetInclusionProofRequest *req,
                                Ward__Audit__V1__GetInclusionProofResponse *resp)
{
    struct audit_worker *w = audit_serve(c);
    struct audit_reader r = {w->db, c->mem};
    const struct ward_tree tree = audit_tree(&r);
    struct ward_hash proof[WARD_PROOF_MAX], *leaf = ward_new(c->mem, struct ward_hash);
    size_t n;

    if (leaf == NULL)
        return full(c->err);
    WARD_TRY(choose_size(c, req->size, &resp->size));
    WARD_TRY(ward_prove_inclusion(&tree, req->index, resp->size, proof, &n, c->err));
    WARD_TRY(tree.node(tree.arg, 0, req->index, leaf, c->err));
    resp->leaf_hash = blob(leaf->b, sizeof(leaf->b));
    return hashes(proof, n, c->mem, &resp->proof, &resp->n_proof, c->err);
}

enum ward_code audit_inclusion_rpc(struct ward_call *c, const ProtobufCMessage *q,
                                   ProtobufCMessage *r)
{
    return inclusion(c, (const Ward__Audit__V1__GetInclusionProofRequest *)q,
                     (Ward__Audit__V1__GetInclusionProofResponse *)r);
}

static enum ward_code consistency(struct ward_call *c,
                                  const Ward__Audit__V1__GetConsistencyProofRequest *req,
                                  Ward__Audit__V1__GetConsistencyProofResponse *resp)
{
    struct audit_worker *w = audit_serve(c);
    struct audit_reader r = {w->db, c->mem};
    const struct ward_tree tree = audit_tree(&r);
    struct ward_hash proof[WARD_PROOF_MAX];
    size_t n;

    WARD_TRY(choose_size(c, req->to, &resp->to));
    WARD_TRY(ward_prove_consistency(&tree, req->from, resp->to, proof, &n, c->err));
    return hashes(proof, n, c->mem, &resp->proof, &resp->n_proof, c->err);
}

enum ward_code audit_consistency_rpc(struct ward_call *c, const ProtobufCMessage *q,
                                     ProtobufCMessage *r)
{
    return consistency(c, (const Ward__Audit__V1__GetConsistencyProofRequest *)q,
                       (Ward__Audit__V1__GetConsistencyProofResponse *)r);
}
