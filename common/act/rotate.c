#include "common/act/rotate.h"

struct rotating {
    struct ward_call *call;
    struct ward_act act;
    ward_rotate_say *say;
};

static bool gone(const void *arg)
{
    const struct rotating *t = arg;

    return ward_call_cancelled(t->call);
}

static enum ward_code tell(void *arg, const struct ward_kek_rotation *r, bool finished)
{
    const struct rotating *t = arg;

    return t->say(t->call, r, finished, t->act.event_text);
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

enum ward_code ward_rotate_keys(struct ward_call *c, struct ward_act_seat *seat,
                                struct ward_keyring *k, ward_rotate_say *say)
{
    struct rotating t = {.call = c, .say = say};
    const struct ward_kek_rotation_call by = {&t, gone, tell, end};

    ward_act_begin(&t.act, c, seat, NULL);
    ward_db_deadline(seat->db, c->deadline_ns);
    return ward_kek_rotation_run(k, seat->db, &by, c->err);
}
