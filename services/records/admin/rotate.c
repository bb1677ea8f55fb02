/* RotateKeys: common/keyring/rotation.h, told and written down. */
#include "common/keyring/rotation.h"
#include "services/records/api.h"
#include "ward/records/v1/admin.pb-c.h"

typedef Ward__Records__V1__RotateKeysResponse Progress;

struct rotating {
    struct ward_call *call;
    struct ward_act act;
};

static bool gone(const void *arg)
{
    const struct rotating *t = arg;

    return ward_call_cancelled(t->call);
}

static enum ward_code progress(void *arg, const struct ward_kek_rotation *r, bool finished)
{
    Progress p = WARD__RECORDS__V1__ROTATE_KEYS_RESPONSE__INIT;
    const struct rotating *t = arg;

    p.done = r->done;
    p.total = finished || r->total < r->done ? r->done : r->total;
    p.destroyed = finished ? r->destroyed : 0;
    p.finished = finished;
    return ward_send(t->call, &p.base);
}

static enum ward_code end(void *arg, const struct ward_kek_rotation *r, struct ward_db *db,
                          struct ward_err *err)
{
    const struct rotating *t = arg;
    struct ward_act act = t->act;

    ward_act_note_int(&act, "kek", r->kek.number);
    ward_act_note_int(&act, "keks_destroyed", r->destroyed);
    ward_act_note_int(&act, "rows", r->done + r->last);
    return ward_act_write(&act, db, err);
}

enum ward_code rotate_keys_rpc(struct ward_call *c, const ProtobufCMessage *q,
                               ProtobufCMessage *r)
{
    struct worker *w = c->wrk;
    struct rotating t = {.call = c};
    const struct ward_kek_rotation_call by = {&t, gone, progress, end};

    (void)q, (void)r;
    ward_act_begin(&t.act, c, &w->seat, NULL);
    ward_db_deadline(w->seat.db, c->deadline_ns);
    return ward_kek_rotation_run(w->rec->keys, w->seat.db, &by, c->err);
}
