/* RotateTokenKey: publishes the next signing key at once. The key begins to sign when all
 * clients know it. */
#include "services/identity/api.h"
#include "services/identity/keys/keys_own.h"
#include "services/identity/token/token.h"
#include "ward/identity/v1/admin.pb-c.h"

#include <stdio.h>

#include "common/base/clock.h"

typedef Ward__Identity__V1__RotateTokenKeyResponse Response;

/* One place remains free, because a deleted key keeps its place while it is used for a
 * signature. */
#define KEYS_MOST (KEYS_PUBLIC_MAX - 1)

struct next_key {
    struct ward_call *call;
    struct ward_event event;
    char kid[64];
    int64_t signs_from_us;
};

/* Finds a key that does not sign yet. A second call returns that key and creates no third
 * key. */
static enum ward_code find_waiting(struct next_key *n, struct ward_db *db, int64_t now,
                                   bool *found, struct ward_err *err)
{
    struct ward_arena *mem = n->call->mem;
    struct ward_rows rows;

    WARD_TRY(ward_db_run(db, mem,
                         "SELECT kid, signs_from_us FROM token_key WHERE signs_from_us > ? "
                         "ORDER BY signs_from_us DESC LIMIT 1",
                         WARD_PARAMS(ward_int(mem, now)), &rows, err));
    *found = rows.n == 1;
    if (*found) {
        snprintf(n->kid, sizeof(n->kid), "%s", rows.at[0][0].p);
        n->signs_from_us = ward_keyring_number(rows.at[0][1]);
    }
    return WARD_OK;
}

/* How long the last signatures of the former key are valid: the longer of a token's and an
 * offline pack's lifetime. */
static int64_t lasts_us(const struct identity_config *cfg)
{
    int64_t pack =
        (cfg->offline_pack_h * INT64_C(3600) + TOKEN_CLOCKS_APART_S) * INT64_C(1000000);

    return pack > TOKEN_KEYS_LAST_US ? pack : TOKEN_KEYS_LAST_US;
}

/* Only KEYS_PUBLIC_MAX keys are published. With more keys, valid packs could no longer be
 * verified, and nobody would notice. */
static enum ward_code refuse_too_many(struct next_key *n, struct ward_db *db,
                                      struct ward_err *err)
{
    struct ward_rows rows;

    WARD_TRY(ward_db_run(db, n->call->mem,
                         "SELECT COUNT(*), COALESCE(MIN(checks_until_us), 0) FROM token_key",
                         WARD_NO_PARAMS, &rows, err));
    if (ward_keyring_number(rows.at[0][0]) < KEYS_MOST)
        return WARD_OK;
    return WARD_FAIL_REASON(
        err, FAILED_PRECONDITION, "TOKEN_KEYS_FULL",
        "%d keys still verify unexpired tokens or packs; the first of these keys expires in "
        "%lld s",
        KEYS_MOST,
        (long long)((ward_keyring_number(rows.at[0][1]) - ward_wall_us()) / 1000000));
}

static enum ward_code make(struct next_key *n, struct ward_db *db, const struct ward_kek *kek,
                           int64_t now, struct ward_err *err)
{
    const struct identity *id = ((struct worker *)n->call->wrk)->id;
    struct ward_arena *mem = n->call->mem;

    n->signs_from_us = now + TOKEN_KEYS_AGE_S * INT64_C(1000000);
    WARD_TRY(ward_db_run(db, NULL, "DELETE FROM token_key WHERE checks_until_us < ?",
                         WARD_PARAMS(ward_int(mem, now)), NULL, err));
    WARD_TRY(refuse_too_many(n, db, err));
    WARD_TRY(ward_db_run(
        db, NULL, "UPDATE token_key SET checks_until_us = ? WHERE checks_until_us IS NULL",
        WARD_PARAMS(ward_int(mem, n->signs_from_us + lasts_us(&id->cfg))), NULL, err));
    return token_key_add(keys_ring(id->keys), db, mem, kek, n->signs_from_us, n->kid, err);
}

/* The lock on the newest KEK's row prevents two calls from adding a key at once. */
static enum ward_code in_tx(struct ward_db *db, void *arg, struct ward_err *err)
{
    struct next_key *n = arg;
    struct keys *k = ((struct worker *)n->call->wrk)->id->keys;
    struct ward_event event = n->event;
    int64_t now = ward_wall_us();
    enum ward_code code = WARD_OK;
    struct ward_kek kek;
    bool found = false;

    WARD_TRY(ward_db_run(db, n->call->mem,
                         "SELECT kek FROM kek ORDER BY kek DESC LIMIT 1 FOR UPDATE",
                         WARD_NO_PARAMS, NULL, err));
    WARD_TRY(find_waiting(n, db, now, &found, err));
    if (!found) {
        WARD_TRY(ward_keyring_hold_newest(keys_ring(k), db, n->call->mem, &kek, err));
        code = make(n, db, &kek, now, err);
        ward_wipe(&kek, sizeof(kek));
    }
    WARD_TRY(code);
    ward_event_note(&event, "kid", n->kid);
    ward_event_note(&event, "made", found ? "before" : "now");
    return ward_event_write(&event, db, err);
}

enum ward_code rotate_token_key_rpc(struct ward_call *c, const ProtobufCMessage *q,
                                    ProtobufCMessage *r)
{
    struct worker *w = c->wrk;
    struct next_key n = {.call = c};
    Response *resp = (Response *)r;

    (void)q;
    ward_event_begin(&n.event, c, api_event_ctx(c), NULL);
    ward_db_deadline(w->db, c->deadline_ns);
    WARD_TRY(ward_db_tx(w->db, in_tx, &n, c->err));
    /* Published here at once. The other replicas publish the key when they read the table
     * next. */
    if (ward_keyring_follow(keys_ring(w->id->keys), w->db, c->err) != WARD_OK)
        *c->err = (struct ward_err){0};
    resp->signs_from_us = n.signs_from_us;
    WARD_TRY(ward_call_copy(c, n.kid, &resp->kid));
    return ward_call_copy(c, n.event.event_text, &resp->event_id);
}
