#include "common/rpc/server.h"

#include "common/base/log.h"

/* Each failed call is logged as one line. A peer can cause failures as fast as it sends calls,
 * and a slow log must not delay other calls. Above LINES lines in a second, failures that a
 * caller can cause are therefore only counted. */

#define LINES     200
#define SECOND_NS INT64_C(1000000000)

static _Atomic int64_t window_ns; /* start of the current second */
static atomic_int lines, hidden;

static enum ward_level level_of(enum ward_code code)
{
    switch (code) {
    case WARD_INTERNAL:
    case WARD_DATA_LOSS:
        return WARD_LOG_ERROR;
    case WARD_UNAVAILABLE:
    case WARD_RESOURCE_EXHAUSTED:
    case WARD_DEADLINE_EXCEEDED:
        return WARD_LOG_WARN;
    default:
        return WARD_LOG_INFO;
    }
}

static bool room(void)
{
    int64_t now = ward_mono_ns(), was = atomic_load(&window_ns);
    int more;

    if (now - was >= SECOND_NS && atomic_compare_exchange_strong(&window_ns, &was, now)) {
        atomic_store(&lines, 0);
        more = atomic_exchange(&hidden, 0);
        if (more > 0)
            WARD_LOG(WARN, "failed calls that were not logged", WARD_KN("calls", more));
    }
    if (atomic_fetch_add(&lines, 1) < LINES)
        return true;
    atomic_fetch_add(&hidden, 1);
    return false;
}

void call_log(const struct ward_err *err)
{
    enum ward_level level = level_of(err->code);

    if (level > ward_log_level_now() || (level != WARD_LOG_ERROR && !room()))
        return;
    ward_log_err(level, "call failed", err);
}
