/* Not built yet: each goes from here as it is. */
#include "services/dosage/api.h"
#include "services/dosage/track/watch.h"

#define PENDING(name)                                                                          \
    enum ward_code name##_rpc(struct ward_call *c, const ProtobufCMessage *q,                  \
                              ProtobufCMessage *r)                                             \
    {                                                                                          \
        (void)q, (void)r;                                                                      \
        return WARD_FAIL(c->err, UNIMPLEMENTED, "not built yet");                              \
    }

PENDING(list_workarounds)
PENDING(review_workaround)

enum ward_code watch_open(struct dosage *dos, struct watcher **out, struct ward_err *err)
{
    (void)dos, (void)out, (void)err;
    return WARD_OK;
}

void watch_close(struct watcher *w)
{
    (void)w;
}

enum ward_code watch_once(struct worker *w, int64_t now_us, struct ward_err *err)
{
    (void)w, (void)now_us;
    return WARD_FAIL(err, UNIMPLEMENTED, "not built yet");
}
