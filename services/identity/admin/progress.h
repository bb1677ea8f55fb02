/* progress.h - decides when a long operation sends a progress message: every 1,000 rows or 500
 * ms.
 *
 * Threads: each worker uses its own object. Memory: the caller's. Errors: none. */
#ifndef IDENTITY_PROGRESS_H
#define IDENTITY_PROGRESS_H

#include "common/base/clock.h"

#include <stdbool.h>

#define PROGRESS_ROWS 1000
#define PROGRESS_NS   (500 * WARD_NS_PER_MS)

struct progress {
    int64_t told_ns, told;
};

static inline bool progress_due(struct progress *p, int64_t done)
{
    int64_t now = ward_mono_ns();

    if (done - p->told < PROGRESS_ROWS && now - p->told_ns < PROGRESS_NS)
        return false;
    *p = (struct progress){now, done};
    return true;
}

#endif
