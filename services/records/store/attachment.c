#include "services/records/store/attachment.h"

#include "common/base/text.h"

#include <stdio.h>
#include <string.h>

static struct ward_sealed_as as(char what[16], const struct attachment *of, int part)
{
    struct ward_sealed_as out = {.service = RECORDS_NAME, .what = what};
    uint8_t size[8], both[WARD_SHA256_SIZE];
    const struct ward_bytes parts[] = {{of->sha256, sizeof(of->sha256)}, {size, sizeof(size)}};

    for (size_t i = 0; i < sizeof(size); i++)
        size[i] = (uint8_t)((uint64_t)of->size >> (8 * i));
    ward_sha256_parts(parts, WARD_COUNT(parts), both);
    snprintf(what, 16, "attachment %d", part);
    memcpy(out.owner, of->patient, RECORDS_ID);
    memcpy(out.id, both, sizeof(out.id));
    return out;
}

enum ward_code part_seal(const uint8_t key[WARD_KEY_SIZE], const struct attachment *of,
                         int part, const void *data, size_t n, uint8_t *out,
                         struct ward_err *err)
{
    char what[16];
    struct ward_sealed_as to = as(what, of, part);

    return ward_seal_for(key, &to, data, n, out, err);
}

enum ward_code part_open(const uint8_t key[WARD_KEY_SIZE], const struct attachment *of,
                         int part, struct ward_val sealed, uint8_t *out, struct ward_err *err)
{
    char what[16];
    struct ward_sealed_as from = as(what, of, part);
    enum ward_code code;

    if (sealed.p == NULL || sealed.n < WARD_SEAL_EXTRA)
        return WARD_FAIL_REASON(err, DATA_LOSS, "RECORD_UNREADABLE",
                                "an attachment was changed outside the service");
    code = ward_open_for(key, &from, sealed.p, sealed.n, out, err);
    if (code == WARD_DATA_LOSS)
        return WARD_FAIL_REASON(err, DATA_LOSS, "RECORD_UNREADABLE",
                                "an attachment cannot be decrypted with its patient's key");
    return code;
}

enum ward_code attachment_hash(struct worker *w, const uint8_t sha256[WARD_SHA256_SIZE],
                               uint8_t named[TOKEN_HASH], struct ward_err *err)
{
    char text[2 + 2 * WARD_SHA256_SIZE] = "|";

    ward_hex(sha256, WARD_SHA256_SIZE, text + 1);
    return param_hash(w->rec->keys, PARAM_ATTACHMENT, text, strlen(text), named, err);
}

static enum ward_code is_named(struct worker *w, struct ward_arena *mem,
                               const struct view *view, const uint8_t patient[RECORDS_ID],
                               const uint8_t named[TOKEN_HASH], enum kind kind, bool *is,
                               struct ward_err *err)
{
    static const char SQL[] =
        "SELECT 1 FROM patient a JOIN patient p ON p.root_id = a.root_id"
        " JOIN token t ON t.patient_id = p.patient_id AND t.param = ? AND t.hash = ?"
        " JOIN resource r ON r.patient_id = t.patient_id AND r.resource_id = t.resource_id"
        " WHERE a.patient_id = ? AND r.kind = ? AND " VIEW_SQL " LIMIT 1";
    struct ward_val params[4 + VIEW_PARAMS] = {
        ward_int(mem, PARAM_ATTACHMENT), ward_blob(named, TOKEN_HASH),
        ward_blob(patient, RECORDS_ID), ward_int(mem, kind)};
    struct ward_rows rows;

    view_params(view, kind, mem, params + 4);
    WARD_TRY(ward_db_run(w->event_ctx.db, mem, SQL, params, WARD_COUNT(params), &rows, err));
    *is = rows.n > 0;
    return WARD_OK;
}

enum ward_code attachment_seen(struct worker *w, struct ward_arena *mem,
                               const struct view *view, const uint8_t patient[RECORDS_ID],
                               const uint8_t named[TOKEN_HASH], bool *is, struct ward_err *err)
{
    static const enum kind kinds[] = {KIND_DOCUMENT, KIND_REPORT, KIND_CONSENT, KIND_PATIENT};

    *is = false;
    for (size_t i = 0; !*is && i < WARD_COUNT(kinds); i++)
        WARD_TRY(is_named(w, mem, view, patient, named, kinds[i], is, err));
    return WARD_OK;
}
