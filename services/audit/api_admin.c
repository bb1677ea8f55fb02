/* Handlers for signing keys and for the erasure of content. */
#include "services/audit/watch.h"
#include "services/audit/wire.h"

#include "common/base/text.h"

#include <string.h>

typedef Ward__Audit__V1__SigningKey SigningKey;

static enum ward_code full(struct ward_err *err)
{
    return WARD_FAIL(err, RESOURCE_EXHAUSTED, "the call needs more memory than permitted");
}

enum ward_code key_of(struct audit *a, unsigned number, struct ward_arena *mem, SigningKey *out,
                      struct ward_err *err)
{
    const struct audit_signer_row *row = signers_row(audit_signers(a), number),
                                  *next = signers_row(audit_signers(a), number + 1);

    (void)mem; /* the texts live as long as the process, so nothing is copied */
    if (row == NULL)
        return WARD_FAIL(err, DATA_LOSS, "a signing key is missing");
    out->vkey = (char *)(uintptr_t)row->vkey;
    out->first_size = row->first_size;
    out->last_size = next == NULL ? 0 : next->first_size - 1;
    out->created_at_us = row->created_at_us;
    out->handover = (char *)(uintptr_t)row->handover;
    return WARD_OK;
}

enum ward_code keys_of(struct audit *a, struct ward_arena *mem, SigningKey ***out, size_t *n,
                       struct ward_err *err)
{
    static const SigningKey INIT = WARD__AUDIT__V1__SIGNING_KEY__INIT;
    unsigned newest = signers_newest(audit_signers(a));

    *out = audit_list(mem, sizeof(SigningKey), newest, &INIT);
    if (*out == NULL)
        return full(err);
    for (unsigned i = 0; i < newest; i++)
        WARD_TRY(key_of(a, i + 1, mem, (*out)[i], err));
    *n = newest;
    return WARD_OK;
}

enum ward_code audit_keys_rpc(struct ward_call *c, const ProtobufCMessage *q,
                              ProtobufCMessage *r)
{
    Ward__Audit__V1__ListKeysResponse *resp = (Ward__Audit__V1__ListKeysResponse *)r;

    (void)q;
    return keys_of(((struct audit_service *)c->svc)->audit, c->mem, &resp->keys, &resp->n_keys,
                   c->err);
}

/* ---- RotateKey ---- */

struct rotation {
    struct audit *a;
    const char *current; /* verifier key that the caller wants to replace */
    struct audit_new_key key;
};

static enum ward_code rotate_in(struct ward_db *db, struct ward_arena *mem,
                                struct audit_turn *turn, void *arg, struct ward_err *err)
{
    struct rotation *t = arg;
    const struct audit_signer_row *row = signers_row(audit_signers(t->a), turn->head->signer);

    (void)db, (void)mem;
    if (row == NULL || strcmp(row->vkey, t->current) != 0)
        return WARD_FAIL_REASON(err, FAILED_PRECONDITION, "KEY_NOT_CURRENT",
                                "current_vkey is not the current signing key");
    turn->next_key = &t->key;
    return WARD_OK;
}

static enum ward_code rotate_with(struct ward_call *c, struct rotation *t)
{
    const struct audit_op op = {rotate_in, t};
    struct audit_worker *w = c->wrk;
    struct own o = own_of(c);
    char next[WARD_VKEY_MAX];

    ward_vkey_print(&t->key.signer.vkey, next);
    own_detail(&o, "from_vkey", t->current);
    own_detail(&o, "to_vkey", next);
    WARD_TRY(own_call(c, &o, &op));
    return signers_load(audit_signers(w->a), audit_vault(w->a), w->db, c->mem, c->err);
}

/* Another caller may already have rotated the key. */
static unsigned number_of(struct audit_signers *s, const struct ward_vkey *key)
{
    unsigned n = signers_newest(s);

    while (n > 0 && !ward_vkey_equal(&signers_row(s, n)->signer.vkey, key))
        n--;
    return n;
}

static enum ward_code rotate(struct ward_call *c, const Ward__Audit__V1__RotateKeyRequest *req,
                             Ward__Audit__V1__RotateKeyResponse *resp)
{
    struct audit_worker *w = audit_serve(c);
    struct audit_signers *s = audit_signers(w->a);
    struct rotation t = {.a = w->a, .current = req->current_vkey};
    enum ward_code code;

    if (!audit_text_fits(req->current_vkey, WARD_VKEY_MAX))
        return WARD_FAIL_FIELD(c->err, "current_vkey", "is not a verifier key");
    resp->key = ward_new(c->mem, SigningKey);
    if (resp->key == NULL)
        return full(c->err);
    ward__audit__v1__signing_key__init(resp->key);
    WARD_TRY(signers_make(s, audit_vault(w->a), &t.key, c->err));
    code = rotate_with(c, &t);
    ward_sign_key_free((struct ward_sign_key *)(uintptr_t)t.key.signer.key);
    WARD_TRY(code);
    return key_of(w->a, number_of(s, &t.key.signer.vkey), c->mem, resp->key, c->err);
}

enum ward_code audit_rotate_rpc(struct ward_call *c, const ProtobufCMessage *q,
                                ProtobufCMessage *r)
{
    return rotate(c, (const Ward__Audit__V1__RotateKeyRequest *)q,
                  (Ward__Audit__V1__RotateKeyResponse *)r);
}

/* ---- EraseContent ---- */

struct erasure {
    uint8_t patient[AUDIT_SEARCH];
    int64_t erased;
    uint64_t epoch; /* epoch after the erasure */
};

/* Runs inside the transaction that appends the erasure's own event, so that the key and the
 * event change together. */
static enum ward_code erase_in(struct ward_db *db, struct ward_arena *mem,
                               struct audit_turn *turn, void *arg, struct ward_err *err)
{
    static const char FIND[] = "SELECT id FROM content_key WHERE subject = ? FOR UPDATE";
    static const char COUNT[] = "SELECT COUNT(*) FROM entry WHERE patient = ? AND key_id = ?";
    static const char MARK[] = "INSERT INTO erasing (key_id, patient) VALUES (?, ?)";
    static const char DROP[] = "DELETE FROM content_key WHERE id = ?";
    struct erasure *e = arg;
    const struct ward_val patient = ward_blob(e->patient, sizeof(e->patient));
    struct ward_rows key, count;

    e->erased = 0;
    WARD_TRY(ward_db_run(db, mem, FIND, WARD_PARAMS(patient), &key, err));
    if (key.n == 1) {
        const struct ward_val id = key.at[0][0];

        WARD_TRY(ward_db_run(db, mem, COUNT, WARD_PARAMS(patient, id), &count, err));
        if (count.n != 1 || !ward_i64(count.at[0][0].p, 0, INT64_MAX, &e->erased))
            return WARD_FAIL(err, INTERNAL, "the database did not return a count");
        WARD_TRY(ward_db_run(db, mem, MARK, WARD_PARAMS(id, patient), NULL, err));
        WARD_TRY(ward_db_run(db, mem, DROP, WARD_PARAMS(id), NULL, err));
        turn->head->epoch++;
    }
    e->epoch = turn->head->epoch;
    return WARD_OK;
}

static bool is_case(const char *s)
{
    size_t n = strspn(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._/-");

    return n >= 1 && n <= 64 && s[n] == '\0';
}

static const char *ground_name(Ward__Audit__V1__ErasureGround ground)
{
    switch ((int)ground) {
    case WARD__AUDIT__V1__ERASURE_GROUND__ERASURE_GROUND_RETENTION_OVER:
        return "RETENTION_OVER";
    case WARD__AUDIT__V1__ERASURE_GROUND__ERASURE_GROUND_PATIENT_REQUEST:
        return "PATIENT_REQUEST";
    case WARD__AUDIT__V1__ERASURE_GROUND__ERASURE_GROUND_ORDER:
        return "ORDER";
    default:
        return NULL;
    }
}

static enum ward_code erase(struct ward_call *c,
                            const Ward__Audit__V1__EraseContentRequest *req,
                            Ward__Audit__V1__EraseContentResponse *resp)
{
    struct audit_worker *w = audit_serve(c);
    const char *ground = ground_name(req->ground);
    struct erasure e = {0};
    const struct audit_op op = {erase_in, &e};
    char hex[2 * AUDIT_SEARCH + 1];
    struct own o = own_of(c);
    uint64_t rows;

    if (*req->patient == '\0' || !audit_text_fits(req->patient, 128))
        return WARD_FAIL_FIELD(c->err, "patient", "must be 1 to 128 bytes");
    if (ground == NULL)
        return WARD_FAIL_FIELD(c->err, "ground", "is required");
    if (!is_case(req->case_reference))
        return WARD_FAIL_FIELD(c->err, "case_reference",
                               "must be 1 to 64 characters of A-Z a-z 0-9 . _ / -");
    vault_search(audit_vault(w->a), "patient", req->patient, e.patient);
    ward_hex(e.patient, sizeof(e.patient), hex);
    /* Not Event.patient, because the event would contain the patient's id again, encrypted
     * under a new key. */
    own_detail(&o, "patient_hash", hex);
    own_detail(&o, "ground", ground);
    own_detail(&o, "case_reference", req->case_reference);
    WARD_TRY(own_call(c, &o, &op));
    vault_epoch_is(audit_vault(w->a), e.epoch);
    resp->erased = (uint64_t)e.erased;
    return erase_clear(w->db, c->mem, &rows, c->err);
}

enum ward_code audit_erase_rpc(struct ward_call *c, const ProtobufCMessage *q,
                               ProtobufCMessage *r)
{
    return erase(c, (const Ward__Audit__V1__EraseContentRequest *)q,
                 (Ward__Audit__V1__EraseContentResponse *)r);
}
