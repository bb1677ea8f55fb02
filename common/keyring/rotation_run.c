/* Runs a whole rotation. */
#include "common/keyring/rotation.h"

#include "common/base/clock.h"

#define TELL_NS (500 * WARD_NS_PER_MS) /* time between two progress messages */

struct running {
    const struct ward_kek_rotation_call *call;
    struct ward_kek_rotation r;
    int64_t told_ns;
};

static enum ward_code tell(struct running *n, bool finished)
{
    n->told_ns = ward_mono_ns();
    return n->call->tell(n->call->arg, &n->r, finished);
}

static enum ward_code pass(struct running *n, struct ward_db *db, struct ward_err *err)
{
    bool more = true;

    while (more) {
        if (n->call->gone(n->call->arg))
            return WARD_FAIL(err, CANCELLED, "the caller disconnected");
        WARD_TRY(ward_kek_rotation_step(&n->r, db, &more, err));
        if (more && ward_mono_ns() - n->told_ns > TELL_NS)
            WARD_TRY(tell(n, false));
    }
    return WARD_OK;
}

static enum ward_code end_in_tx(struct ward_db *db, void *arg, struct ward_err *err)
{
    struct running *n = arg;

    WARD_TRY(ward_kek_rotation_destroy(&n->r, db, err));
    return n->r.left > 0 ? WARD_OK : n->call->end(n->call->arg, &n->r, db, err);
}

static enum ward_code rotate(struct running *n, struct ward_keyring *k, struct ward_db *db,
                             struct ward_err *err)
{
    WARD_TRY(ward_kek_rotation_open(k, db, &n->r, err));
    WARD_TRY(tell(n, false));
    for (;;) {
        WARD_TRY(pass(n, db, err));
        WARD_TRY(ward_db_tx(db, end_in_tx, n, err));
        n->r.done += n->r.last;
        if (n->r.left == 0)
            return tell(n, true);
        WARD_TRY(ward_kek_rotation_again(&n->r, err));
    }
}

enum ward_code ward_kek_rotation_run(struct ward_keyring *k, struct ward_db *db,
                                     const struct ward_kek_rotation_call *call,
                                     struct ward_err *err)
{
    struct running n = {.call = call};
    enum ward_code code = rotate(&n, k, db, err);

    ward_kek_rotation_close(&n.r);
    return code;
}
