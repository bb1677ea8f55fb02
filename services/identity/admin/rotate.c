/* RotateKeys: common/keyring/rotation.h step by step, and its event with the old keks' end. */
#include "common/keyring/rotation.h"
#include "services/identity/admin/progress.h"
#include "services/identity/api.h"
#include "ward/identity/v1/admin.pb-c.h"

typedef Ward__Identity__V1__RotateKeysResponse Progress;

struct rotating {
    struct ward_call *call;
    struct ward_act act;
    struct ward_kek_rotation r;
    struct progress progress;
};

static enum ward_code tell(struct rotating *t, bool finished)
{
    Progress p = WARD__IDENTITY__V1__ROTATE_KEYS_RESPONSE__INIT;

    p.done = t->r.done;
    p.total = t->r.total > t->r.done ? t->r.total : t->r.done;
    p.kek = t->r.kek.number;
    p.finished = finished;
    if (finished) {
        p.total = p.done;
        p.keks_destroyed = t->r.destroyed;
        p.event_id = t->act.event_text;
    }
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
        if (more && progress_due(&t->progress, t->r.done))
            WARD_TRY(tell(t, false));
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

    WARD_TRY(ward_kek_rotation_open(keys_ring(w->id->keys), w->db, &t->r, c->err));
    WARD_TRY(tell(t, false));
    progress_due(&t->progress, 0);
    for (;;) {
        WARD_TRY(pass(t, w->db));
        WARD_TRY(ward_db_tx(w->db, end_in_tx, t, c->err));
        t->r.done += t->r.last;
        if (t->r.left == 0)
            return tell(t, true);
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
    ward_act_begin(&t.act, c, api_seat(c), NULL);
    ward_db_deadline(w->db, c->deadline_ns);
    code = rotate(&t, w);
    ward_kek_rotation_close(&t.r);
    return code;
}
