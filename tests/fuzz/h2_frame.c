/* gRPC's framing of messages: the pieces that a body comes in do not matter. The first byte
 * says how it is cut. Whatever came, each whole message is the input's bytes, in order, and
 * none is larger than the limit.
 *
 * max_len: 2048 */
#include "common/base/status.h"
#include "common/rpc/h2/frame.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define MOST ((size_t)512)

struct outcome {
    enum framed end;
    size_t n_messages, n_bytes;
    uint8_t bytes[4096];
};

/* Takes the body in pieces of `step` bytes. */
static void take(const uint8_t *p, size_t size, size_t step, struct outcome *o)
{
    struct framer f = {0};

    *o = (struct outcome){.end = FRAMED_PART};
    while (size > 0 && o->end == FRAMED_PART) {
        size_t n = step < size ? step : size, left = n;

        while (left > 0 && o->end == FRAMED_PART) {
            struct msg *m = NULL;
            enum framed now = frame_take(&f, &p, &left, MOST, &m);

            if (now == FRAMED_MESSAGE) {
                WARD_ASSERT(m->len <= MOST);
                memcpy(o->bytes + o->n_bytes, m->data, m->len);
                o->n_bytes += m->len;
                o->n_messages++;
                frame_free(m);
            } else if (now != FRAMED_PART) {
                o->end = now;
            } else {
                break;
            }
        }
        size -= n;
    }
    frame_done(&f);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct outcome whole, cut;

    if (size < 1)
        return 0;
    take(data + 1, size - 1, size, &whole);
    take(data + 1, size - 1, (size_t)data[0] + 1, &cut);
    WARD_ASSERT(whole.end == cut.end && whole.n_messages == cut.n_messages);
    WARD_ASSERT(whole.n_bytes == cut.n_bytes);
    WARD_ASSERT(memcmp(whole.bytes, cut.bytes, whole.n_bytes) == 0);
    return 0;
}
