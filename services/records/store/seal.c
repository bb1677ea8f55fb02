/* Encrypts and decrypts resources under their patients' keys. A version's ciphertext is bound
 * to the patient and to the columns of its row: resource, number, action, time, author, device
 * and audit event. Versions therefore cannot be exchanged, and a changed row cannot be
 * decrypted. */
#include "common/base/clock.h"
#include "common/rpc/wire.h"
#include "services/records/store/chart_own.h"

#include <stdio.h>
#include <string.h>

typedef Ward__Records__V1__Meta Meta;
typedef Ward__Records__V1__Record Record;
typedef Ward__Records__V1__Cleaned Cleaned;

static struct ward_sealed_as as(char what[16], char letter, const struct version *v)
{
    struct ward_sealed_as out = {.service = RECORDS_NAME, .what = what};
    const char *const texts[] = {v->actor,  v->purpose, v->peer,
                                 v->device, v->model,   v->model_sha256};
    const int64_t values[] = {v->kind, v->version, v->act, v->written_at_us};
    uint8_t numbers[sizeof(values)];
    struct ward_bytes parts[3 + WARD_COUNT(texts)];
    uint8_t row[WARD_SHA256_SIZE];

    for (size_t i = 0; i < sizeof(numbers); i++)
        numbers[i] = (uint8_t)((uint64_t)values[i / 8] >> (8 * (i % 8)));
    /* each text includes its NUL, so that different rows have different concatenations */
    for (size_t i = 0; i < WARD_COUNT(texts); i++)
        parts[i] = (struct ward_bytes){texts[i], strlen(texts[i]) + 1};
    parts[WARD_COUNT(texts)] = (struct ward_bytes){numbers, sizeof(numbers)};
    parts[WARD_COUNT(texts) + 1] = (struct ward_bytes){v->id, sizeof(v->id)};
    parts[WARD_COUNT(texts) + 2] = (struct ward_bytes){v->event_id, sizeof(v->event_id)};
    ward_sha256_parts(parts, WARD_COUNT(parts), row);
    snprintf(what, 16, "%c%d", letter, v->version);
    memcpy(out.owner, v->patient, RECORDS_ID);
    memcpy(out.id, row, sizeof(out.id));
    return out;
}

static enum ward_code seal_message(struct ward_arena *mem, const struct item *it,
                                   const struct version *row, char letter,
                                   const ProtobufCMessage *msg, struct ward_val *out,
                                   struct ward_err *err)
{
    size_t n = protobuf_c_message_get_packed_size(msg);
    uint8_t *plain = ward_alloc(mem, n), *sealed = ward_alloc(mem, n + WARD_SEAL_EXTRA);
    struct ward_sealed_as to;
    enum ward_code code;
    char what[16];

    if (plain == NULL || sealed == NULL)
        return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory to seal a resource");
    protobuf_c_message_pack(msg, plain);
    to = as(what, letter, row);
    code = ward_seal_for(it->p.key, &to, plain, n, sealed, err);
    ward_wipe(plain, n);
    *out = ward_blob(sealed, n + WARD_SEAL_EXTRA);
    return code;
}

/* Removes version_id and last_updated from meta before encryption: the row has these values. */
static void strip_meta(Resource *res)
{
    Meta *meta = *resource_meta(res);

    if (meta != NULL)
        meta->version_id = meta->last_updated = (char *)(uintptr_t)protobuf_c_empty_string;
}

void item_row(const struct item *it, const struct ward_call *c, struct version *out)
{
    const Ward__Records__V1__Provenance *p = it->what->provenance;
    struct version v = {.kind = it->f.kind,
                        .version = it->version,
                        .act = it->what->act,
                        .written_at_us = it->at_us,
                        .actor = c->who == NULL ? "" : c->who->subject,
                        .purpose = c->who == NULL ? "" : c->who->purpose,
                        .peer = c->peer,
                        .device = p == NULL ? "" : p->device,
                        .model = p == NULL ? "" : p->model,
                        .model_sha256 = p == NULL ? "" : p->model_sha256,
                        .sealed = it->sealed,
                        .cleaned = it->cleaned};

    memcpy(v.id, it->id, RECORDS_ID);
    memcpy(v.patient, it->p.id, RECORDS_ID);
    memcpy(v.event_id, it->what->event_id, sizeof(v.event_id));
    *out = v;
}

/* Allows RECORDS_SLACK more bytes for a mark, a merge and an unmerge, which add to existing
 * content and must always fit. */
static size_t size_limit(Ward__Records__V1__Act act)
{
    bool created = act == WARD__RECORDS__V1__ACT__ACT_CREATED;

    return created || act == WARD__RECORDS__V1__ACT__ACT_UPDATED ? RECORDS_MAX
                                                                 : RECORDS_MAX + RECORDS_SLACK;
}

enum ward_code seal_item(const struct ward_call *c, struct item *it, struct ward_err *err)
{
    Record list = WARD__RECORDS__V1__RECORD__INIT;
    struct ward_arena *mem = c->mem;
    struct version row;

    item_row(it, c, &row);
    strip_meta(it->what->res);
    if (protobuf_c_message_get_packed_size(&it->what->res->base) > size_limit(it->what->act))
        return WARD_FAIL_REASON(err, INVALID_ARGUMENT, "RESOURCE_TOO_LARGE",
                                "the resource has more than 1 MiB");
    WARD_TRY(seal_message(mem, it, &row, 'v', &it->what->res->base, &it->sealed, err));
    it->cleaned = ward_text(NULL);
    if (it->what->n_cleaned == 0 && it->what->n_doubts == 0)
        return WARD_OK;
    list.n_cleaned = it->what->n_cleaned;
    list.cleaned = (Cleaned **)(uintptr_t)it->what->cleaned;
    list.n_doubts = it->what->n_doubts;
    list.doubts = (Ward__Records__V1__Doubt **)(uintptr_t)it->what->doubts;
    return seal_message(mem, it, &row, 'c', &list.base, &it->cleaned, err);
}

enum ward_code open_sealed(const uint8_t key[WARD_KEY_SIZE], char what, const struct version *v,
                           struct ward_val sealed, struct ward_arena *mem, uint8_t **out,
                           size_t *n, struct ward_err *err)
{
    struct ward_sealed_as from;
    enum ward_code code;
    uint8_t *plain;
    char bound[16];

    if (sealed.p == NULL || sealed.n < WARD_SEAL_EXTRA)
        return WARD_FAIL_REASON(err, DATA_LOSS, "RECORD_UNREADABLE",
                                "a version was changed outside the service");
    plain = ward_alloc(mem, sealed.n - WARD_SEAL_EXTRA);
    if (plain == NULL)
        return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory to open a resource");
    from = as(bound, what, v);
    code = ward_open_for(key, &from, sealed.p, sealed.n, plain, err);
    if (code == WARD_DATA_LOSS)
        return WARD_FAIL_REASON(err, DATA_LOSS, "RECORD_UNREADABLE",
                                "a version cannot be decrypted with its patient's key");
    *out = plain;
    *n = sealed.n - WARD_SEAL_EXTRA;
    return code;
}

/* ---- reading ---- */

static enum ward_code decode(const struct version *v, const uint8_t key[WARD_KEY_SIZE],
                             char what, struct ward_val sealed,
                             const ProtobufCMessageDescriptor *type, struct ward_arena *mem,
                             ProtobufCMessage **out, struct ward_err *err)
{
    uint8_t *plain = NULL;
    enum ward_code code;
    size_t n = 0;

    WARD_TRY(open_sealed(key, what, v, sealed, mem, &plain, &n, err));
    code = ward_wire_decode(type, plain, n, mem, out, err);
    ward_wipe(plain, n);
    if (code == WARD_INVALID_ARGUMENT)
        return WARD_FAIL_REASON(err, DATA_LOSS, "RECORD_UNREADABLE",
                                "a version is not a resource");
    return code;
}

/* Sets the version's number and time in meta. */
static enum ward_code set_meta(Resource *res, const struct version *v, struct ward_arena *mem,
                               struct ward_err *err)
{
    Meta **meta = resource_meta(res);
    char *at = ward_alloc(mem, 28);

    if (meta == NULL)
        return WARD_FAIL_REASON(err, DATA_LOSS, "RECORD_UNREADABLE",
                                "a version is not a resource");
    if (*meta == NULL) {
        *meta = ward_new(mem, Meta);
        if (*meta != NULL)
            ward__records__v1__meta__init(*meta);
    }
    if (*meta == NULL || at == NULL)
        return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory to open a resource");
    ward_rfc3339(v->written_at_us, at);
    (*meta)->last_updated = at;
    (*meta)->version_id = ward_printf(mem, "%d", v->version);
    if ((*meta)->version_id == NULL)
        return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory to open a resource");
    return WARD_OK;
}

static enum ward_code open_with(const struct version *v, const uint8_t key[WARD_KEY_SIZE],
                                struct ward_arena *mem, Resource **out, struct ward_err *err)
{
    ProtobufCMessage *msg = NULL;

    WARD_TRY(decode(v, key, 'v', v->sealed, &ward__records__v1__resource__descriptor, mem, &msg,
                    err));
    *out = (Resource *)msg;
    return set_meta(*out, v, mem, err);
}

enum ward_code chart_open(struct worker *w, struct ward_arena *mem, const struct version *v,
                          Resource **out, struct ward_err *err)
{
    uint8_t key[WARD_KEY_SIZE];
    enum ward_code code;

    WARD_TRY(patient_key(w, v->patient, v->kek, v->wrapped, key, err));
    code = open_with(v, key, mem, out, err);
    ward_wipe(key, sizeof(key));
    return code;
}

static enum ward_code open_both(const struct version *v, const uint8_t key[WARD_KEY_SIZE],
                                struct ward_arena *mem, Record *r, struct ward_err *err)
{
    ProtobufCMessage *msg = NULL;
    const Record *list;

    WARD_TRY(open_with(v, key, mem, &r->resource, err));
    if (v->cleaned.p == NULL)
        return WARD_OK;
    WARD_TRY(decode(v, key, 'c', v->cleaned, &ward__records__v1__record__descriptor, mem, &msg,
                    err));
    list = (const Record *)msg;
    r->cleaned = list->cleaned;
    r->n_cleaned = list->n_cleaned;
    r->doubts = list->doubts;
    r->n_doubts = list->n_doubts;
    return WARD_OK;
}

static enum ward_code wire_version(const struct version *v, struct ward_arena *mem,
                                   Ward__Records__V1__Version **out, struct ward_err *err)
{
    Ward__Records__V1__Version *to = ward_new(mem, Ward__Records__V1__Version);
    Ward__Records__V1__Provenance *p = ward_new(mem, Ward__Records__V1__Provenance);
    char *ids = ward_alloc(mem, 3 * 37);

    if (to == NULL || p == NULL || ids == NULL)
        return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory for a version");
    ward__records__v1__version__init(to);
    ward__records__v1__provenance__init(p);
    ward_uuid_text(v->id, ids);
    if (!v->nobodys)
        ward_uuid_text(v->patient, ids + 37);
    to->resource_id = ids;
    to->patient_id = ids + 37;
    to->kind = (Ward__Records__V1__Kind)v->kind;
    to->version = v->version;
    to->act = v->act;
    to->written_at_us = v->written_at_us;
    to->actor = (char *)(uintptr_t)v->actor;
    to->purpose = (char *)(uintptr_t)v->purpose;
    to->peer = (char *)(uintptr_t)v->peer;
    p->device = (char *)(uintptr_t)v->device;
    p->model = (char *)(uintptr_t)v->model;
    p->model_sha256 = (char *)(uintptr_t)v->model_sha256;
    to->provenance = p;
    ward_uuid_text(v->event_id, ids + 2 * 37);
    to->event_id = ids + 2 * 37;
    *out = to;
    return WARD_OK;
}

enum ward_code chart_record(struct worker *w, struct ward_arena *mem, const struct version *v,
                            Record **out, struct ward_err *err)
{
    Record *r = ward_new(mem, Record);
    uint8_t key[WARD_KEY_SIZE];
    enum ward_code code;

    if (r == NULL)
        return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory for a record");
    ward__records__v1__record__init(r);
    WARD_TRY(wire_version(v, mem, &r->version, err));
    *out = r;
    if (v->wrapped.p == NULL)
        return WARD_OK;
    WARD_TRY(patient_key(w, v->patient, v->kek, v->wrapped, key, err));
    code = open_both(v, key, mem, r, err);
    ward_wipe(key, sizeof(key));
    if (code == WARD_OK)
        r->entered_in_error = resource_is_wrong(r->resource);
    return code;
}

enum ward_code chart_written(struct ward_arena *mem, const struct version *v,
                             const struct write *what, Record **out, struct ward_err *err)
{
    Record *r = ward_new(mem, Record);

    if (r == NULL)
        return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory for a record");
    ward__records__v1__record__init(r);
    WARD_TRY(wire_version(v, mem, &r->version, err));
    r->resource = what->res;
    r->cleaned = (Cleaned **)(uintptr_t)what->cleaned;
    r->n_cleaned = what->n_cleaned;
    r->doubts = (Ward__Records__V1__Doubt **)(uintptr_t)what->doubts;
    r->n_doubts = what->n_doubts;
    r->entered_in_error = resource_is_wrong(what->res);
    *out = r;
    return set_meta(what->res, v, mem, err);
}
