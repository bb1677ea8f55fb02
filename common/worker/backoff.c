#include "common/worker/backoff.h"

#include "common/base/clock.h"

#define LONG_NS  (30000 * WARD_NS_PER_MS)
#define FIRST_NS (100 * WARD_NS_PER_MS)
#define MOST_NS  (10000 * WARD_NS_PER_MS)

void ward_backoff_started(struct ward_backoff *b, int64_t now_ns)
{
    b->began_ns = now_ns;
}

void ward_backoff_ended(struct ward_backoff *b, int64_t now_ns)
{
    int64_t wait = FIRST_NS;

    if (b->began_ns != 0 && now_ns - b->began_ns >= LONG_NS)
        b->ends = 0;
    for (int i = 1; i < b->ends && wait < MOST_NS; i++)
        wait *= 2;
    wait = b->ends == 0 ? 0 : wait;
    b->ends++;
    b->until_ns = now_ns + (wait < MOST_NS ? wait : MOST_NS);
}

int ward_backoff_ms(const struct ward_backoff *b, int64_t now_ns)
{
    return b->until_ns <= now_ns ? 0 : (int)((b->until_ns - now_ns) / WARD_NS_PER_MS) + 1;
}
