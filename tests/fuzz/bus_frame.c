/* Bus frames, acknowledgements, marks and hints: what a peer sends. A frame that is taken must
 * pack to the same bytes again, with every item inside the input. */
#include "common/base/status.h"
#include "common/bus/bus_internal.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct ward_bus_item items[WARD_BUS_MAX_ITEMS];

static void frame(const uint8_t *data, size_t size)
{
    uint8_t *again;
    size_t n = 0;

    if (ward_frame_parse(data, size, items, WARD_BUS_MAX_ITEMS, &n, NULL) != WARD_OK)
        return;
    for (size_t i = 0; i < n; i++) {
        const uint8_t *p = items[i].p;

        WARD_ASSERT(p >= data && p + items[i].n <= data + size);
    }
    WARD_ASSERT(ward_frame_size(items, n) == size);
    again = malloc(size);
    WARD_ASSERT(again != NULL);
    ward_frame_pack(items, n, again);
    WARD_ASSERT(memcmp(again, data, size) == 0);
    free(again);
}

static void acknowledgement(const uint8_t *data, size_t size)
{
    struct ward_err ack = {0};
    uint8_t again[ACK_MAX];

    if (ward_ack_parse(data, size, &ack, NULL) != WARD_OK)
        return;
    WARD_ASSERT(ward_ack_pack(&ack, again) == size);
    WARD_ASSERT(memcmp(again, data, size) == 0);
}

static void mark(const uint8_t *data, size_t size)
{
    char service[MARK_NAME + 1];
    uint8_t again[MARK_MAX];
    uint64_t sent, last;

    if (!ward_mark_parse(data, size, service, &sent, &last))
        return;
    WARD_ASSERT(ward_mark_pack(service, sent, last, again) == size);
    WARD_ASSERT(memcmp(again, data, size) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint64_t seq;

    frame(data, size);
    acknowledgement(data, size);
    mark(data, size);
    (void)!ward_hint_parse(data, size, "gallery", &seq);
    return 0;
}
