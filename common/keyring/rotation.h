/* rotation.h - replacing the key-encryption key, in short steps that may be cut anywhere.
 *
 * A rotation makes the next kek under the current root, or takes up the one that an unfinished
 * rotation made; wraps everything with it, some hundred rows a transaction; and destroys the
 * older keks in the transaction that found nothing wrapped by them. Several may run at once, on
 * one replica or many: rows that one has in hand the other passes by.
 *
 * Threads: a rotation is one thread's. Memory: its own, open/close. Errors: keyring.h's.
 */
#ifndef WARD_KEYRING_ROTATION_H
#define WARD_KEYRING_ROTATION_H

#include "common/keyring/secret.h"

struct ward_kek_rotation {
    struct ward_keyring *ring;
    struct ward_arena mem;
    struct ward_kek kek; /* what all is wrapped by in the end */
    int64_t done, total; /* rows */
    int64_t left;        /* after ward_kek_rotation_destroy: rows that came or stayed */
    int64_t unreadable;  /* rows of this pass that do not open */
    int64_t no_root;     /* those of them that no root here opens */
    int destroyed;       /* keks */
    int fruitless;       /* passes in a row that changed nothing */
    bool secrets_done;
    int old; /* the kek whose rows are gone through */
    uint8_t cursor[WARD_OWNER_ID];
    int64_t last; /* rows that ..._destroy wrapped itself: done does not count them yet */
    int64_t pass_done;
};

/*   FAILED_PRECONDITION  KEK_UNKNOWN: something is wrapped under a root that is not here */
WARD_MUST enum ward_code ward_kek_rotation_open(struct ward_keyring *k, struct ward_db *db,
                                                struct ward_kek_rotation *r,
                                                struct ward_err *err);
/* One short transaction of work. *more: there is more in this pass. */
WARD_MUST enum ward_code ward_kek_rotation_step(struct ward_kek_rotation *r, struct ward_db *db,
                                                bool *more, struct ward_err *err);
/* Inside a transaction, after a pass: destroys the older keks if r->left is 0. */
WARD_MUST enum ward_code ward_kek_rotation_destroy(struct ward_kek_rotation *r,
                                                   struct ward_db *db, struct ward_err *err);
/* r->left was not 0: begins another pass.
 *   DATA_LOSS    the service's reason: what is left does not open; its keks stay
 *   UNAVAILABLE  what is left is in the hands of others all the time */
WARD_MUST enum ward_code ward_kek_rotation_again(struct ward_kek_rotation *r,
                                                 struct ward_err *err);
void ward_kek_rotation_close(struct ward_kek_rotation *r);

/* The whole of it, for a call: `arg` goes to each. */
struct ward_kek_rotation_call {
    void *arg;
    bool (*gone)(const void *arg); /* nobody waits for it any more */
    /* How far it is: at the start, each half second, and finished. */
    enum ward_code (*tell)(void *arg, const struct ward_kek_rotation *r, bool finished);
    /* Inside the transaction that destroyed the older keks: r->done + r->last rows. */
    enum ward_code (*end)(void *arg, const struct ward_kek_rotation *r, struct ward_db *db,
                          struct ward_err *err);
};
/*   CANCELLED  it is gone: what was wrapped is, and the next rotation goes on from there */
WARD_MUST enum ward_code ward_kek_rotation_run(struct ward_keyring *k, struct ward_db *db,
                                               const struct ward_kek_rotation_call *call,
                                               struct ward_err *err);

#endif
