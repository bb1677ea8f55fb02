/* Ids of slots. */
#include "services/dosage/schedule/slots.h"

#include "common/base/text.h"

#include <stdio.h>
#include <string.h>

enum ward_code slot_id_parse(const char *text, uint8_t order[DOSAGE_ID], int64_t *due_us,
                             struct ward_err *err)
{
    const char *at = strchr(text, '@');
    char id[37];

    if (at == NULL || at - text != (ptrdiff_t)sizeof(id) - 1)
        return WARD_FAIL_FIELD(err, "slot_id", "was not returned by ListSlots");
    memcpy(id, text, sizeof(id) - 1);
    id[sizeof(id) - 1] = '\0';
    if (!ward_uuid_parse(id, order) || at[1] == '+' ||
        !ward_i64(at + 1, 0, TIMING_LATEST_US, due_us))
        return WARD_FAIL_FIELD(err, "slot_id", "was not returned by ListSlots");
    return WARD_OK;
}

void slot_id_print(const char *order_id, int64_t due_us, char out[SLOT_ID_SIZE])
{
    snprintf(out, SLOT_ID_SIZE, "%.36s@%lld", order_id, (long long)due_us);
}
