/* Methods that are not here yet. */
#include "services/records/api.h"
#include "services/records/feed/feed.h"

enum ward_code follow_rpc(struct ward_call *c, const ProtobufCMessage *q, ProtobufCMessage *r)
{
    (void)q, (void)r;
    return WARD_FAIL(c->err, UNIMPLEMENTED, "not yet");
}

enum ward_code sequencer_open(struct records *rec, struct sequencer **out, struct ward_err *err)
{
    (void)rec, (void)err;
    *out = NULL;
    return WARD_OK;
}

void sequencer_close(struct sequencer *s)
{
    (void)s;
}

void sequencer_wake(struct sequencer *s)
{
    (void)s;
}

int64_t sequencer_last(struct sequencer *s)
{
    (void)s;
    return 0;
}
