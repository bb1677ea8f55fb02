#include "common/handler/rotate.h"

struct rotating {
    struct ward_call *call;
    struct ward_event event;
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

    return t->say(t->call, r, finished, t->event.event_text);
}

static enum ward_code end(void *arg, const struct ward_kek_rotation *r, struct ward_db *db,
                          struct ward_err *err)
{
    const struct rotating *t = arg;
    struct ward_event event = t->event;

    ward_event_note_int(&event, "kek", r->kek.number);
    ward_event_note_int(&event, "keks_destroyed", r->destroyed);
    ward_event_note_int(&event, "rows", r->done + r->last);
    return ward_event_write(&event, db, err);
}

enum ward_code ward_rotate_keys(struct ward_call *c, struct ward_event_ctx *event_ctx,
                                struct ward_keyring *k, ward_rotate_say *say)
{
    struct rotating t = {.call = c, .say = say};
    const struct ward_kek_rotation_call by = {&t, gone, tell, end};

    ward_event_begin(&t.event, c, event_ctx, NULL);
    ward_db_deadline(event_ctx->db, c->deadline_ns);
    return ward_kek_rotation_run(k, event_ctx->db, &by, c->err);
}
