/* PPID tokens issued, published and spent once, whoever comes at the same time; and their keys
 * replaced. The handlers are called as the server calls them. */
#include "tests/integration/it_identity.h"

#include "common/base/clock.h"
#include "common/rpc/rpc.h"
#include "services/identity/api.h"
#include "services/identity/token/token.h"
#include "ward/identity/v1/admin.pb-c.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#define PATIENT "0190b0f2-1111-7222-8333-444444444444"

typedef Ward__Identity__V1__SpendTokenRequest SpendRequest;
typedef Ward__Identity__V1__SpendTokenResponse SpendResponse;
typedef Ward__Identity__V1__RotateTokenKeyResponse RotateResponse;
typedef Ward__Identity__V1__GetTokenKeysResponse KeysResponse;

static struct identity identity = {.cfg = {.ppid_lifetime_s = 60}};
static const struct ward_method_info spend_info = {.path = "/t/SpendToken"};
static const struct ward_method_info enter_info = {.path = "/t/RequestEntry"};

/* A worker and a call of it; one a thread. */
struct client {
    struct worker w;
    struct ward_arena mem;
    struct ward_err err;
    struct ward_principal who;
    struct ward_call c;
};

static void client_open(struct client *x, const char *person)
{
    *x = (struct client){.w = {.id = &identity, .db = it_open()}, .who = {.subject = person}};
    x->w.event_ctx = (struct ward_event_ctx){.service = IDENTITY_NAME, .db = x->w.db};
    ward_arena_init(&x->mem, 1 << 20);
    x->c = (struct ward_call){.mem = &x->mem,
                              .err = &x->err,
                              .svc = &identity,
                              .wrk = &x->w,
                              .method = &spend_info,
                              .deadline_ns = WARD_NO_DEADLINE,
                              .peer = "dosage",
                              .who = &x->who};
    snprintf(x->c.traceparent, sizeof(x->c.traceparent), "00-test");
}

static void client_close(struct client *x)
{
    ward_db_close(x->w.db);
    ward_arena_done(&x->mem);
}

static struct client me;

static int fresh(void **state)
{
    (void)state;
    it_identity_fresh("it_token");
    identity.keys = it_keys(it_root("root"), "");
    client_open(&me, "nurse-7");
    return 0;
}

static int spent(void **state)
{
    (void)state;
    client_close(&me);
    keys_close(identity.keys);
    return 0;
}

static const struct ward_ppid right = {.patient = PATIENT,
                                       .place = "bed-1",
                                       .device = "tablet-4",
                                       .purpose = "administration",
                                       .method = "face",
                                       .actor = "nurse-7",
                                       .score = 0.7,
                                       .model = ""};

static char *token(void)
{
    struct ward_ppid p = right;
    char *out = NULL;

    it_expect(token_issue(&me.c, &p, &out, &me.err), WARD_OK, &me.err);
    return out;
}

static enum ward_code spend(struct client *x, const char *t, const char *key, SpendResponse *r)
{
    SpendRequest q = WARD__IDENTITY__V1__SPEND_TOKEN_REQUEST__INIT;

    ward__identity__v1__spend_token_response__init(r);
    q.idempotency_key = api_text(key);
    q.token = api_text(t);
    q.subject_id = api_text(PATIENT);
    q.purpose = api_text("administration");
    x->err = (struct ward_err){0};
    return spend_token_rpc(&x->c, &q.base, &r->base);
}

static void a_token_says_what_it_was_issued_for_once(void **state)
{
    struct ward_db *db = me.w.db;
    const char *t = token();
    SpendResponse first, again;

    (void)state;
    it_expect(spend(&me, t, "k1", &first), WARD_OK, &me.err);
    assert_string_equal(first.subject_id, PATIENT);
    assert_string_equal(first.place, "bed-1");
    assert_string_equal(first.device, "tablet-4");
    assert_string_equal(first.method, "face");
    assert_string_equal(first.actor, "nurse-7");
    assert_string_equal(first.witness, "");
    assert_true(first.score == 0.7);
    assert_true(me.c.audited);
    it_expect(spend(&me, t, "k1", &again), WARD_OK, &me.err);
    assert_int_equal(again.spent_at_us, first.spent_at_us);
    assert_string_equal(again.event_id, first.event_id);
    it_expect(spend(&me, t, "k2", &again), WARD_ALREADY_EXISTS, &me.err);
    assert_string_equal(me.err.reason, "PPID_SPENT");
    it_expect(spend(&me, token(), "k1", &again), WARD_FAILED_PRECONDITION, &me.err);
    assert_string_equal(me.err.reason, "IDEMPOTENCY_MISMATCH");
    assert_int_equal(it_count(db, "SELECT COUNT(*) FROM spent_token"), 1);
    assert_int_equal(it_count(db, "SELECT COUNT(*) FROM ward_outbox"), 2); /* both successes */
}

struct want {
    const char *token, *patient, *purpose, *place;
    bool again;
    int64_t at;
};

static enum ward_code want_in_tx(struct ward_db *db, void *arg, struct ward_err *err)
{
    struct want *w = arg;
    struct ward_ppid p;
    const struct token_want want = {.token = w->token,
                                    .patient = w->patient,
                                    .purpose = w->purpose,
                                    .place = w->place,
                                    .idempotency_key = "k"};

    return token_spend(&me.c, db, &want, &p, &w->at, &w->again, err);
}

static void a_token_for_something_else_is_foreign_and_stays_unspent(void **state)
{
    const char *t = token();
    struct want rows[] = {
        {t, "0190b0f2-1111-7222-8333-444444444445", "administration", "", false, 0},
        {t, PATIENT, "door", "", false, 0},
        {t, PATIENT, "administration", "bed-2", false, 0},
    };
    struct want fits = {t, NULL, "administration", "bed-1", false, 0};

    (void)state;
    for (size_t i = 0; i < WARD_COUNT(rows); i++) {
        it_expect(ward_db_tx(me.w.db, want_in_tx, &rows[i], &me.err), WARD_FAILED_PRECONDITION,
                  &me.err);
        assert_string_equal(me.err.reason, "PPID_FOREIGN");
    }
    assert_int_equal(it_count(me.w.db, "SELECT COUNT(*) FROM spent_token"), 0);
    it_expect(ward_db_tx(me.w.db, want_in_tx, &fits, &me.err), WARD_OK, &me.err);
    assert_false(fits.again);
    it_expect(ward_db_tx(me.w.db, want_in_tx, &fits, &me.err), WARD_OK, &me.err);
    assert_true(fits.again);
}

static void a_key_of_another_method_or_person_is_another_key(void **state)
{
    struct want want = {token(), PATIENT, "administration", "", false, 0};

    (void)state;
    it_expect(ward_db_tx(me.w.db, want_in_tx, &want, &me.err), WARD_OK, &me.err);
    me.c.method = &enter_info;
    it_expect(ward_db_tx(me.w.db, want_in_tx, &want, &me.err), WARD_ALREADY_EXISTS, &me.err);
    assert_string_equal(me.err.reason, "PPID_SPENT");
    me.c.method = &spend_info;
    me.who.subject = "nurse-8";
    it_expect(ward_db_tx(me.w.db, want_in_tx, &want, &me.err), WARD_ALREADY_EXISTS, &me.err);
    me.who.subject = "nurse-7";
    it_expect(ward_db_tx(me.w.db, want_in_tx, &want, &me.err), WARD_OK, &me.err);
    assert_true(want.again);
}

static void what_one_service_spent_no_other_has_with_the_same_key(void **state)
{
    const char *t = token();
    SpendResponse r;

    (void)state;
    it_expect(spend(&me, t, "k1", &r), WARD_OK, &me.err);
    me.c.peer = "records";
    it_expect(spend(&me, t, "k1", &r), WARD_ALREADY_EXISTS, &me.err);
    assert_string_equal(me.err.reason, "PPID_SPENT");
    me.c.peer = "dosage";
    it_expect(spend(&me, t, "k1", &r), WARD_OK, &me.err);
}

static void a_transaction_that_fails_after_spending_gives_the_token_back(void **state)
{
    const char *t = token();
    SpendResponse r;

    (void)state;
    it_sql(me.w.db, "CREATE TRIGGER no BEFORE INSERT ON ward_outbox FOR EACH ROW SIGNAL "
                    "SQLSTATE '45000' SET MESSAGE_TEXT = 'no'");
    assert_int_not_equal(spend(&me, t, "k1", &r), WARD_OK);
    it_sql(me.w.db, "DROP TRIGGER no");
    it_expect(spend(&me, t, "k1", &r), WARD_OK, &me.err);
}

static void what_is_no_token_of_ours_is_refused(void **state)
{
    const uint8_t seed[WARD_ED25519_SEED] = {3};
    struct ward_sign_key *key = NULL;
    struct ward_ppid p = right;
    char *forged = NULL;
    SpendResponse r;

    (void)state;
    it_expect(ward_sign_key_new(seed, &key, &me.err), WARD_OK, &me.err);
    it_expect(ward_ppid_issue(key, &p, 60, &me.mem, &forged, &me.err), WARD_OK, &me.err);
    it_expect(spend(&me, forged, "k1", &r), WARD_UNAUTHENTICATED, &me.err);
    assert_string_equal(me.err.reason, "PPID_UNKNOWN_KEY");
    it_expect(spend(&me, "a.b.c", "k1", &r), WARD_UNAUTHENTICATED, &me.err);
    it_expect(spend(&me, "", "k1", &r), WARD_INVALID_ARGUMENT, &me.err);
    assert_string_equal(me.err.field, "token");
    it_expect(spend(&me, forged, "", &r), WARD_INVALID_ARGUMENT, &me.err);
    assert_string_equal(me.err.field, "idempotency_key");
    ward_sign_key_free(key);
}

/* ---- at once ---- */

#define AT_ONCE 8

static const char *contested;
static atomic_int ok, taken;
static pthread_barrier_t gate;

static void *spend_beside(void *n)
{
    struct client x;
    SpendResponse r;
    enum ward_code code;
    char key[32];

    client_open(&x, "nurse-7");
    snprintf(key, sizeof(key), "key-%d", *(int *)n);
    pthread_barrier_wait(&gate);
    code = spend(&x, contested, key, &r);
    if (code == WARD_OK)
        atomic_fetch_add(&ok, 1);
    else if (code == WARD_ALREADY_EXISTS && strcmp(x.err.reason, "PPID_SPENT") == 0)
        atomic_fetch_add(&taken, 1);
    else
        print_error("%s: %s\n", ward_code_name(code), x.err.msg);
    client_close(&x);
    return NULL;
}

static void of_eight_who_spend_one_token_at_once_one_has_it(void **state)
{
    pthread_t t[AT_ONCE];
    int n[AT_ONCE];

    (void)state;
    assert_int_equal(pthread_barrier_init(&gate, NULL, AT_ONCE), 0);
    for (int round = 1; round <= 20; round++) {
        contested = token();
        for (int i = 0; i < AT_ONCE; i++) {
            n[i] = round * AT_ONCE + i;
            assert_int_equal(pthread_create(&t[i], NULL, spend_beside, &n[i]), 0);
        }
        for (int i = 0; i < AT_ONCE; i++)
            pthread_join(t[i], NULL);
        assert_int_equal(atomic_load(&ok), round);
        assert_int_equal(atomic_load(&taken), round * (AT_ONCE - 1));
    }
    assert_int_equal(it_count(me.w.db, "SELECT COUNT(*) FROM spent_token"), 20);
    pthread_barrier_destroy(&gate);
}

/* ---- signing keys ---- */

static enum ward_code rotate_by(struct client *x, RotateResponse *r)
{
    Ward__Identity__V1__RotateTokenKeyRequest q =
        WARD__IDENTITY__V1__ROTATE_TOKEN_KEY_REQUEST__INIT;

    ward__identity__v1__rotate_token_key_response__init(r);
    return rotate_token_key_rpc(&x->c, &q.base, &r->base);
}

static RotateResponse rotate(void)
{
    RotateResponse r;

    it_expect(rotate_by(&me, &r), WARD_OK, &me.err);
    return r;
}

static KeysResponse published(void)
{
    Ward__Identity__V1__GetTokenKeysRequest q =
        WARD__IDENTITY__V1__GET_TOKEN_KEYS_REQUEST__INIT;
    KeysResponse r = WARD__IDENTITY__V1__GET_TOKEN_KEYS_RESPONSE__INIT;
    struct ward_call inl = me.c;

    inl.wrk = NULL; /* as on lane INLINE */
    it_expect(get_token_keys_rpc(&inl, &q.base, &r.base), WARD_OK, &me.err);
    return r;
}

static void signs_with(const char *want)
{
    char kid[64];
    const struct ward_sign_key *key = keys_signer(identity.keys, kid);

    assert_non_null(key);
    assert_string_equal(kid, want);
    keys_signer_release(identity.keys, key);
}

/* Time passes for the keys in the table. */
static void later(int64_t s)
{
    struct ward_err err = {0};
    char sql[200];

    snprintf(sql, sizeof(sql),
             "UPDATE token_key SET signs_from_us = signs_from_us - %lld, checks_until_us = "
             "checks_until_us - %lld",
             (long long)s * 1000000, (long long)s * 1000000);
    it_expect(ward_db_run(me.w.db, NULL, ward_strdup(&me.mem, sql), WARD_NO_PARAMS, NULL, &err),
              WARD_OK, &err);
    it_expect(ward_keyring_follow(keys_ring(identity.keys), me.w.db, &err), WARD_OK, &err);
}

static void a_new_signing_key_is_published_before_it_signs(void **state)
{
    KeysResponse before = published(), now;
    RotateResponse made, again;
    SpendResponse r;
    const char *old;

    (void)state;
    assert_int_equal(before.n_keys, 1);
    assert_int_equal(before.max_age_s, 300);
    old = token();
    made = rotate();
    again = rotate();
    assert_string_equal(again.kid, made.kid); /* no third key while it waits */
    now = published();
    assert_int_equal(now.n_keys, 2);
    assert_string_equal(now.keys[0]->kid, made.kid);
    assert_int_equal(now.keys[0]->checks_until_us, 0);
    assert_string_equal(now.keys[1]->kid, before.keys[0]->kid);
    assert_true(now.keys[1]->checks_until_us >
                made.signs_from_us + WARD_PPID_MAX_S * INT64_C(1000000));
    assert_true(made.signs_from_us > ward_wall_us() + 290 * INT64_C(1000000));
    signs_with(before.keys[0]->kid);

    later(301); /* now it signs, and the former one still checks */
    signs_with(made.kid);
    it_expect(spend(&me, old, "k1", &r), WARD_OK, &me.err);
    it_expect(spend(&me, token(), "k2", &r), WARD_OK, &me.err);

    old = token();
    later(131); /* no token of the former one can be young enough */
    now = published();
    assert_int_equal(now.n_keys, 1);
    assert_string_equal(now.keys[0]->kid, made.kid);
    rotate();
    assert_int_equal(it_count(me.w.db, "SELECT COUNT(*) FROM token_key"), 2); /* its seed too */
    it_expect(spend(&me, old, "k3", &r), WARD_OK, &me.err);
}

static void a_former_key_checks_as_long_as_its_last_door_pack(void **state)
{
    RotateResponse made;
    SpendResponse r;
    KeysResponse now;
    const char *old = token();

    (void)state;
    identity.cfg.offline_pack_h = 24;
    made = rotate();
    identity.cfg.offline_pack_h = 0;
    now = published();
    assert_true(now.keys[1]->checks_until_us >=
                made.signs_from_us + 24 * 3600 * INT64_C(1000000));
    later(300 + 131);
    it_expect(spend(&me, old, "k1", &r), WARD_UNAUTHENTICATED, &me.err); /* packs only */
    assert_string_equal(me.err.reason, "PPID_UNKNOWN_KEY");
    later(24 * 3600 - 120);
    assert_int_equal(published().n_keys, 1);
}

static void no_key_is_dropped_to_make_room_for_a_new_one(void **state)
{
    RotateResponse r;

    (void)state;
    identity.cfg.offline_pack_h = 720;
    for (size_t n = 1; n < KEYS_PUBLIC_MAX - 1; n++) {
        rotate();
        assert_int_equal(published().n_keys, n + 1);
        later(301);
    }
    it_expect(rotate_by(&me, &r), WARD_FAILED_PRECONDITION, &me.err);
    assert_string_equal(me.err.reason, "TOKEN_KEYS_FULL");
    later(720 * 3600); /* the first of them ends */
    rotate();
    identity.cfg.offline_pack_h = 0;
}

static void *rotate_beside(void *kid)
{
    struct client x;
    RotateResponse r;

    client_open(&x, "officer-1");
    it_expect(rotate_by(&x, &r), WARD_OK, &x.err);
    snprintf(kid, 64, "%s", r.kid);
    client_close(&x);
    return NULL;
}

static void keys_asked_for_at_once_are_one(void **state)
{
    char kid[6][64];
    pthread_t t[6];

    (void)state;
    for (int i = 0; i < 6; i++)
        assert_int_equal(pthread_create(&t[i], NULL, rotate_beside, kid[i]), 0);
    for (int i = 0; i < 6; i++)
        pthread_join(t[i], NULL);
    for (int i = 1; i < 6; i++)
        assert_string_equal(kid[i], kid[0]);
    assert_int_equal(it_count(me.w.db, "SELECT COUNT(*) FROM token_key"), 2);
}

static void a_key_that_is_in_use_outlives_its_row(void **state)
{
    char kid[64];
    const struct ward_sign_key *key = keys_signer(identity.keys, kid);
    uint8_t sig[WARD_ED25519_SIG];
    KeysResponse now;

    (void)state;
    rotate();
    it_sql(me.w.db, "DELETE FROM token_key WHERE checks_until_us IS NOT NULL");
    it_expect(ward_keyring_follow(keys_ring(identity.keys), me.w.db, &me.err), WARD_OK,
              &me.err);
    now = published();
    assert_int_equal(now.n_keys, 1);
    assert_string_not_equal(now.keys[0]->kid, kid);
    it_expect(ward_sign(key, "x", 1, sig, &me.err), WARD_OK, &me.err);
    keys_signer_release(identity.keys, key);
    assert_null(keys_signer(identity.keys, kid)); /* the new one does not sign yet */
}

static int done(void **state)
{
    (void)state;
    it_folder_remove();
    return 0;
}

#define WITH_DB(test) cmocka_unit_test_setup_teardown(test, fresh, spent)
int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_DB(a_token_says_what_it_was_issued_for_once),
        WITH_DB(a_token_for_something_else_is_foreign_and_stays_unspent),
        WITH_DB(a_key_of_another_method_or_person_is_another_key),
        WITH_DB(what_one_service_spent_no_other_has_with_the_same_key),
        WITH_DB(a_transaction_that_fails_after_spending_gives_the_token_back),
        WITH_DB(what_is_no_token_of_ours_is_refused),
        WITH_DB(of_eight_who_spend_one_token_at_once_one_has_it),
        WITH_DB(a_new_signing_key_is_published_before_it_signs),
        WITH_DB(a_former_key_checks_as_long_as_its_last_door_pack),
        WITH_DB(no_key_is_dropped_to_make_room_for_a_new_one),
        WITH_DB(keys_asked_for_at_once_are_one),
        WITH_DB(a_key_that_is_in_use_outlives_its_row),
    };

    return cmocka_run_group_tests(tests, NULL, done);
}
