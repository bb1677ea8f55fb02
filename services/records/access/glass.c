#include "services/records/access/glass.h"

#include "common/base/text.h"

#include <string.h>

static struct ward_sealed_as sealed_as(const uint8_t patient[RECORDS_ID],
                                       const uint8_t glass[RECORDS_ID], enum glass_text what)
{
    struct ward_sealed_as as = {.service = RECORDS_NAME,
                                .what = what == GLASS_NOTE ? "glass note" : "glass"};

    memcpy(as.owner, patient, RECORDS_ID);
    memcpy(as.id, glass, RECORDS_ID);
    return as;
}

enum ward_code glass_seal(const struct patient *p, const uint8_t glass[RECORDS_ID],
                          enum glass_text what, const char *text, uint8_t *out,
                          struct ward_err *err)
{
    struct ward_sealed_as as = sealed_as(p->id, glass, what);

    return ward_seal_for(p->key, &as, text, strlen(text), out, err);
}

static enum ward_code open_explanation(struct worker *w, struct ward_arena *mem,
                                       const struct ward_val *row, char **out,
                                       struct ward_err *err)
{
    const uint8_t *glass = (const uint8_t *)row[0].p, *patient = (const uint8_t *)row[1].p;
    struct ward_sealed_as as = sealed_as(patient, glass, GLASS_EXPLANATION);
    char *text = ward_alloc(mem, row[5].n + 1);
    enum ward_code code;
    struct patient p;

    if (text == NULL)
        return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory for the explanation");
    *out = text;
    WARD_TRY(patient_find(w, mem, patient, false, &p, err));
    if (p.erased)
        return WARD_OK;
    code = ward_open_for(p.key, &as, row[5].p, row[5].n, (uint8_t *)text, err);
    patient_wipe(&p);
    if (code == WARD_DATA_LOSS)
        return WARD_FAIL_REASON(err, DATA_LOSS, "RECORD_UNREADABLE",
                                "the stored row cannot be decrypted with its patient's key");
    return code;
}

static char *uuid(struct ward_arena *mem, const char *id)
{
    char *text = ward_alloc(mem, 37);

    if (text != NULL)
        ward_uuid_text((const uint8_t *)id, text);
    return text;
}

enum ward_code glass_of(struct worker *w, struct ward_arena *mem, const struct ward_val *row,
                        Glass *out, struct ward_err *err)
{
    int64_t reason, acts, verdict = 0, reviewed_at = 0;

    ward__records__v1__glass__init(out);
    out->glass_id = uuid(mem, row[0].p);
    out->patient_id = uuid(mem, row[1].p);
    if (out->glass_id == NULL || out->patient_id == NULL)
        return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory for the answer");
    if (!ward_i64(row[4].p, 1, 5, &reason) ||
        !ward_i64(row[6].p, 0, INT64_MAX, &out->from_us) ||
        !ward_i64(row[7].p, 0, INT64_MAX, &out->until_us) ||
        !ward_i64(row[11].p, 0, INT32_MAX, &acts) ||
        (row[9].p != NULL && !ward_i64(row[9].p, 0, INT64_MAX, &reviewed_at)) ||
        (row[10].p != NULL && !ward_i64(row[10].p, 1, 2, &verdict)))
        return WARD_FAIL(err, DATA_LOSS, "a break-glass grant was changed outside the service");
    out->actor = api_text(row[2].p);
    out->ward = api_text(row[3].p);
    out->reason = (Ward__Records__V1__GlassReason)reason;
    out->acts = (int32_t)acts;
    if (row[8].p != NULL)
        out->reviewed_by = api_text(row[8].p);
    out->reviewed_at_us = reviewed_at;
    out->verdict = (Ward__Records__V1__Verdict)verdict;
    return open_explanation(w, mem, row, &out->explanation, err);
}
