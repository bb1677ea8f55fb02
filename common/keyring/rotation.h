/* rotation.h - replaces the key-encryption key, in short steps. A rotation may be interrupted
 * at any point.
 *
 * A rotation creates the next KEK under the current root, or continues with the KEK of an
 * unfinished rotation. The rotation wraps all rows with that KEK, some hundred rows in each
 * transaction. The last transaction destroys the older KEKs after it found no row wrapped by
 * them. Several rotations may run at once, on one or more replicas; each skips rows that
 * another has locked.
 *
 * Threads: a rotation belongs to one thread. Memory: its own, open/close. Errors: keyring.h's.
 */
#ifndef WARD_KEYRING_ROTATION_H
#define WARD_KEYRING_ROTATION_H

#include "common/keyring/secret.h"

struct ward_kek_rotation {
    struct ward_keyring *ring;
    struct ward_arena mem;
    struct ward_kek kek; /* the KEK that wraps all rows in the end */
    int64_t done, total; /* rows */
    int64_t left;        /* after ward_kek_rotation_destroy: number of new or remaining rows */
    int64_t unreadable;  /* rows of this pass that cannot be decrypted */
    int64_t no_root;     /* rows among `unreadable` that no configured root decrypts */
    int destroyed;       /* keks */
    int fruitless;       /* number of consecutive passes without a change */
    bool secrets_done;
    int old; /* the KEK whose rows are being processed */
    uint8_t cursor[WARD_OWNER_ID];
    int64_t last; /* rows that ..._destroy wrapped itself; not yet included in done */
    int64_t pass_done;
};

/*   FAILED_PRECONDITION  KEK_UNKNOWN: a row is wrapped under a root that is not configured */
WARD_MUST enum ward_code ward_kek_rotation_open(struct ward_keyring *k, struct ward_db *db,
                                                struct ward_kek_rotation *r,
                                                struct ward_err *err);
/* Runs one short transaction. *more: this pass is not complete. */
WARD_MUST enum ward_code ward_kek_rotation_step(struct ward_kek_rotation *r, struct ward_db *db,
                                                bool *more, struct ward_err *err);
/* Call inside a transaction, after a pass: destroys the older KEKs if r->left is 0. */
WARD_MUST enum ward_code ward_kek_rotation_destroy(struct ward_kek_rotation *r,
                                                   struct ward_db *db, struct ward_err *err);
/* Call if r->left was not 0: begins another pass.
 *   DATA_LOSS    the service's reason: the remaining rows cannot be decrypted; their KEKs stay
 *   UNAVAILABLE  other transactions lock the remaining rows all the time */
WARD_MUST enum ward_code ward_kek_rotation_again(struct ward_kek_rotation *r,
                                                 struct ward_err *err);
void ward_kek_rotation_close(struct ward_kek_rotation *r);

/* Callbacks for a whole rotation; `arg` is passed to each. */
struct ward_kek_rotation_call {
    void *arg;
    bool (*gone)(const void *arg); /* returns whether the caller has left */
    /* Returns whether the caller has disconnected. */
    enum ward_code (*tell)(void *arg, const struct ward_kek_rotation *r, bool finished);
    /* Runs inside the transaction that destroyed the older KEKs: r->done + r->last rows. */
    enum ward_code (*end)(void *arg, const struct ward_kek_rotation *r, struct ward_db *db,
                          struct ward_err *err);
};
/*   CANCELLED  the caller has disconnected; wrapped rows stay wrapped, and the next rotation
 *              continues */
WARD_MUST enum ward_code ward_kek_rotation_run(struct ward_keyring *k, struct ward_db *db,
                                               const struct ward_kek_rotation_call *call,
                                               struct ward_err *err);

#endif
