/* RotateKeys: common/keyring/rotation.h step by step, and its event with the old keks' end. */
#include "common/base/clock.h"
#include "common/keyring/rotation.h"
#include "services/records/api.h"
#include "ward/records/v1/admin.pb-c.h"

typedef Ward__Records__V1__RotateKeysResponse Progress;

#define TELL_NS (500 * WARD_NS_PER_MS) /* between two words of how far it is */

struct rotating {
    struct ward_call *call;
    struct ward_act act;
    struct ward_kek_rotation r;
    int64_t told_ns;
};

static enum ward_code tell_progress(struct rotating *t, bool finished)
{
    Progress p = WARD__RECORDS__V1__ROTATE_KEYS_RESPONSE__INIT;

    p.done = t->r.done;
    p.total = finished || t->r.total < t->r.done ? t->r.done : t->r.total;
    p.destroyed = finished ? t->r.destroyed : 0;
    p.finished = finished;
    t->told_ns = ward_mono_ns();
    return ward_send(t->call, &p.base);
}

static enum ward_code pass(struct rotating *t, struct ward_db *db)
{
    struct ward_call *c = t->call;
    bool more = true;

    while (more) {
        if (ward_call_cancelled(c))
            return WARD_FAIL(c->err, CANCELLED, "the caller went away");
        WARD_TRY(ward_kek_rotation_step(&t->r, db, &more, c->err));
        if (more && ward_mono_ns() - t->told_ns > TELL_NS)
            WARD_TRY(tell_progress(t, false));
    }
    return WARD_OK;
}

static enum ward_code end_in_tx(struct ward_db *db, void *arg, struct ward_err *err)
{
    struct rotating *t = arg;
    struct ward_act act = t->act;

    WARD_TRY(ward_kek_rotation_destroy(&t->r, db, err));
    if (t->r.left > 0)
        return WARD_OK;
    ward_act_note_int(&act, "kek", t->r.kek.number);
    ward_act_note_int(&act, "keks_destroyed", t->r.destroyed);
    ward_act_note_int(&act, "rows", t->r.done + t->r.last);
    return ward_act_write(&act, db, err);
}

static enum ward_code rotate(struct rotating *t, struct worker *w)
{
    struct ward_call *c = t->call;

    WARD_TRY(ward_kek_rotation_open(w->rec->keys, w->seat.db, &t->r, c->err));
    WARD_TRY(tell_progress(t, false));
    for (;;) {
        WARD_TRY(pass(t, w->seat.db));
        WARD_TRY(ward_db_tx(w->seat.db, end_in_tx, t, c->err));
        t->r.done += t->r.last;
        if (t->r.left == 0)
            return tell_progress(t, true);
        WARD_TRY(ward_kek_rotation_again(&t->r, c->err));
    }
}

enum ward_code rotate_keys_rpc(struct ward_call *c, const ProtobufCMessage *q,
                               ProtobufCMessage *r)
{
    struct worker *w = c->wrk;
    struct rotating t = {.call = c};
    enum ward_code code;

    (void)q, (void)r;
    ward_act_begin(&t.act, c, &w->seat, NULL);
    ward_db_deadline(w->seat.db, c->deadline_ns);
    code = rotate(&t, w);
    ward_kek_rotation_close(&t.r);
    return code;
}
