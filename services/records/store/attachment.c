#include "services/records/store/attachment.h"

#include <stdio.h>
#include <string.h>

static struct ward_sealed_as as(char what[16], const uint8_t patient[RECORDS_ID],
                                const uint8_t sha256[WARD_SHA256_SIZE], int part)
{
    struct ward_sealed_as out = {.service = RECORDS_NAME, .what = what};

    snprintf(what, 16, "attachment %d", part);
    memcpy(out.owner, patient, RECORDS_ID);
    memcpy(out.id, sha256, sizeof(out.id));
    return out;
}

enum ward_code part_seal(const uint8_t key[WARD_KEY_SIZE], const uint8_t patient[RECORDS_ID],
                         const uint8_t sha256[WARD_SHA256_SIZE], int part, const void *data,
                         size_t n, uint8_t *out, struct ward_err *err)
{
    char what[16];
    struct ward_sealed_as to = as(what, patient, sha256, part);

    return ward_seal_for(key, &to, data, n, out, err);
}

enum ward_code part_open(const uint8_t key[WARD_KEY_SIZE], const uint8_t patient[RECORDS_ID],
                         const uint8_t sha256[WARD_SHA256_SIZE], int part,
                         struct ward_val sealed, uint8_t *out, struct ward_err *err)
{
    char what[16];
    struct ward_sealed_as from = as(what, patient, sha256, part);
    enum ward_code code;

    if (sealed.p == NULL || sealed.n < WARD_SEAL_EXTRA)
        return WARD_FAIL_REASON(err, DATA_LOSS, "RECORD_UNREADABLE",
                                "an attachment is not what was stored");
    code = ward_open_for(key, &from, sealed.p, sealed.n, out, err);
    if (code == WARD_DATA_LOSS)
        return WARD_FAIL_REASON(err, DATA_LOSS, "RECORD_UNREADABLE",
                                "an attachment does not open with its patient's key");
    return code;
}
