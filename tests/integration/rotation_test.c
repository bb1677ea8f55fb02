/* Replacing the key-encryption key: to a new root, beside enrolments, twice at once, cut
 * anywhere; and from the first release's tables. */
#include "common/keyring/rotation.h"
#include "tests/integration/it_identity.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static struct ward_err err;
static uint8_t id[KEYS_ID];

static int fresh(void **state)
{
    (void)state;
    err = (struct ward_err){0};
    it_identity_fresh("it_rotation");
    return 0;
}

static enum ward_code destroy(struct ward_db *db, void *r, struct ward_err *e)
{
    return ward_kek_rotation_destroy(r, db, e);
}

/* Up to `steps` of it. */
static enum ward_code rotate_some(struct keys *k, struct ward_db *db, int steps, int *kek,
                                  int *destroyed, struct ward_err *e)
{
    struct ward_kek_rotation r;
    enum ward_code code = ward_kek_rotation_open(keys_ring(k), db, &r, e);
    bool more = true;

    *kek = r.kek.number;
    r.left = 1;
    while (code == WARD_OK && r.left > 0 && steps > 0) {
        while (code == WARD_OK && more && steps-- > 0)
            code = ward_kek_rotation_step(&r, db, &more, e);
        if (code == WARD_OK && !more)
            code = ward_db_tx(db, destroy, &r, e);
        if (code == WARD_OK && !more && r.left > 0)
            code = ward_kek_rotation_again(&r, e);
        more = true;
    }
    *destroyed = r.destroyed;
    ward_kek_rotation_close(&r);
    return code;
}

static int rotate(struct keys *k, struct ward_db *db)
{
    int kek = 0, destroyed = 0;

    it_expect(rotate_some(k, db, 1000000, &kek, &destroyed, &err), WARD_OK, &err);
    return kek;
}

static void one_kek_is_left(struct ward_db *db, int kek)
{
    assert_int_equal(it_count(db, "SELECT COUNT(*) FROM kek"), 1);
    assert_int_equal(it_count(db, "SELECT kek FROM kek"), kek);
    it_no_orphan(db);
    assert_int_equal(it_count(db, "SELECT COUNT(*) FROM face_key WHERE kek = 0"), 0);
}

static void enrol_many(struct keys *k, struct ward_db *db, int n)
{
    for (int i = 0; i < n; i++)
        it_expect(it_enrol(k, db, 1 + i % 2, id, &err), WARD_OK, &err);
}

/* Copies of one wrapped key do not open for other subjects, so rows are made one by one; the
 * commits need not be durable for that. */
static void hurry(struct ward_db *db)
{
    it_sql(db, "SET GLOBAL innodb_flush_log_at_trx_commit = 0");
}

static void rotating_replaces_the_kek_and_keeps_every_key(void **state)
{
    struct keys *k = it_keys(it_root("root"), ""), *other = it_keys(it_root("root"), "");
    struct ward_db *db = it_open();

    (void)state;
    hurry(db);
    enrol_many(k, db, 1203); /* two batches and a bit */
    assert_int_equal(rotate(k, db), 2);
    one_kek_is_left(db, 2);
    assert_int_equal(it_all_open(other, db), 1203); /* learns of it on the way */
    it_expect(it_enrol(other, db, 1, id, &err), WARD_OK, &err);
    assert_int_equal(rotate(other, db), 3);
    one_kek_is_left(db, 3);
    assert_int_equal(it_all_open(k, db), 1204);
    keys_close(k);
    k = it_keys(it_root("root"), "");
    assert_int_equal(it_all_open(k, db), 1204);
    keys_close(k);
    keys_close(other);
    ward_db_close(db);
}

static void rows_of_the_first_release_open_and_are_rotated(void **state)
{
    struct keys *k;
    struct ward_db *db = it_open();

    (void)state;
    for (int i = 0; i < 5; i++)
        it_enrol_old(db, it_root("root"), id);
    k = it_keys(it_root("root"), "");
    enrol_many(k, db, 2);
    assert_int_equal(it_all_open(k, db), 7);
    assert_int_equal(it_count(db, "SELECT COUNT(*) FROM face_key WHERE kek = 0"), 5);
    one_kek_is_left(db, rotate(k, db));
    assert_int_equal(it_all_open(k, db), 7);
    keys_close(k);
    ward_db_close(db);
}

static void a_new_root_takes_over_and_the_old_one_can_go(void **state)
{
    struct keys_config cfg = {it_root("second"), "", "north", 0};
    struct keys *k = it_keys(it_root("first"), ""), *none = NULL;
    struct ward_db *db = it_open();

    (void)state;
    enrol_many(k, db, 3);
    it_enrol_old(db, it_root("first"), id);
    keys_close(k);
    it_expect(keys_open(&cfg, &it_cfg, &none, &err), WARD_FAILED_PRECONDITION, &err);
    assert_string_equal(err.reason, "KEK_UNKNOWN");
    k = it_keys(it_root("second"), it_root("first"));
    assert_int_equal(it_all_open(k, db), 4);
    one_kek_is_left(db, rotate(k, db));
    keys_close(k);
    k = it_keys(it_root("second"), "");
    assert_int_equal(it_all_open(k, db), 4);
    keys_close(k);
    cfg.root = it_root("first");
    it_expect(keys_open(&cfg, &it_cfg, &none, &err), WARD_FAILED_PRECONDITION, &err);
    ward_db_close(db);
}

static void a_root_that_is_missing_stops_a_rotation_and_loses_nothing(void **state)
{
    struct keys *k = it_keys(it_root("first"), ""), *both;
    struct ward_db *db = it_open();
    int kek, destroyed;

    (void)state;
    enrol_many(k, db, 2);
    it_enrol_old(db, it_root("lost"), id); /* wrapped by a root that nobody has */
    it_expect(rotate_some(k, db, 1000, &kek, &destroyed, &err), WARD_FAILED_PRECONDITION, &err);
    assert_string_equal(err.reason, "KEK_UNKNOWN");
    assert_int_equal(it_count(db, "SELECT COUNT(*) FROM kek"), 2);
    it_no_orphan(db);
    both = it_keys(it_root("first"), it_root("lost"));
    assert_int_equal(it_all_open(both, db), 3);
    one_kek_is_left(db, rotate(both, db));
    keys_close(both);
    keys_close(k);
    ward_db_close(db);
}

static void a_kek_of_an_unknown_root_stops_a_rotation_at_once(void **state)
{
    struct keys *k = it_keys(it_root("first"), "");
    struct ward_db *db = it_open();
    int kek, destroyed;

    (void)state;
    enrol_many(k, db, 1);
    it_sql(db, "INSERT INTO kek (kek, root_id, sealed, created_at_us) SELECT 9, "
               "'0123456789abcdef', sealed, 1 FROM kek");
    it_sql(db, "UPDATE face_key SET kek = 9");
    it_expect(rotate_some(k, db, 1000, &kek, &destroyed, &err), WARD_FAILED_PRECONDITION, &err);
    assert_string_equal(err.reason, "KEK_UNKNOWN");
    assert_int_equal(it_count(db, "SELECT COUNT(*) FROM kek"), 2);
    keys_close(k);
    ward_db_close(db);
}

static void a_key_that_does_not_open_is_said_and_its_kek_kept(void **state)
{
    struct keys *k = it_keys(it_root("root"), "");
    struct ward_db *db = it_open();
    int kek, destroyed;

    (void)state;
    enrol_many(k, db, 4);
    it_sql(db, "UPDATE face_key SET wrapped = REPEAT('x', 60) LIMIT 1");
    it_expect(rotate_some(k, db, 1000, &kek, &destroyed, &err), WARD_DATA_LOSS, &err);
    assert_string_equal(err.reason, "TEMPLATE_UNREADABLE");
    assert_int_equal(it_count(db, "SELECT COUNT(*) FROM kek"), 2);
    assert_int_equal(it_count(db, "SELECT COUNT(*) FROM face_key WHERE kek = 2"), 3);
    keys_close(k);
    ward_db_close(db);
}

static void a_rotation_cut_after_any_step_is_finished_by_the_next(void **state)
{
    struct keys *k = it_keys(it_root("root"), "");
    struct ward_db *db = it_open();
    int kek = 0, destroyed = 0;

    (void)state;
    hurry(db);
    enrol_many(k, db, 620);
    for (int steps = 0; steps < 5; steps++) {
        struct keys *cut = it_keys(it_root("root"), "");

        it_expect(rotate_some(cut, db, steps, &kek, &destroyed, &err), WARD_OK, &err);
        keys_close(cut);
        assert_int_equal(it_all_open(k, db), 620);
        it_no_orphan(db);
        one_kek_is_left(db, rotate(k, db));
    }
    assert_int_equal(it_all_open(k, db), 620);
    keys_close(k);
    ward_db_close(db);
}

/* ---- at once ---- */

static atomic_bool enough;
static atomic_int enrolled;

static void *enrol_beside(void *arg)
{
    struct keys *k = arg;
    struct ward_db *db = it_open();
    struct ward_err e = {0};
    uint8_t mine[KEYS_ID];

    for (int i = 0; i < 400 && !atomic_load(&enough); i++) {
        it_expect(it_enrol(k, db, 1, mine, &e), WARD_OK, &e);
        atomic_fetch_add(&enrolled, 1);
    }
    ward_db_close(db);
    return NULL;
}

/* Four of two replicas enrol all the while; what they wrap with a kek that is about to be
 * destroyed is never left behind. */
static void enrolments_beside_rotations_lose_no_key(void **state)
{
    struct keys *k = it_keys(it_root("root"), ""), *other = it_keys(it_root("root"), "");
    struct ward_db *db = it_open();
    pthread_t t[4];

    (void)state;
    hurry(db);
    atomic_store(&enough, false);
    atomic_store(&enrolled, 0);
    for (int i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&t[i], NULL, enrol_beside, i % 2 ? k : other), 0);
    for (int i = 0; i < 25; i++) {
        rotate(i % 3 ? k : other, db);
        it_no_orphan(db);
    }
    atomic_store(&enough, true);
    for (int i = 0; i < 4; i++)
        pthread_join(t[i], NULL);
    one_kek_is_left(db, rotate(k, db));
    assert_int_equal(it_all_open(other, db), atomic_load(&enrolled));
    assert_true(atomic_load(&enrolled) > 25);
    keys_close(k);
    keys_close(other);
    ward_db_close(db);
}

static atomic_bool rotated;
static struct keys *rotating;
static pthread_t rotator;

static void *rotate_once(void *none)
{
    struct ward_db *db = it_open();

    (void)none;
    rotate(rotating, db);
    atomic_store(&rotated, true);
    ward_db_close(db);
    return NULL;
}

/* Until the rotation waits for a lock, or is through without one. */
static void rotate_meanwhile(void)
{
    struct ward_db *watch = it_open();

    assert_int_equal(pthread_create(&rotator, NULL, rotate_once, NULL), 0);
    while (!atomic_load(&rotated) &&
           it_count(watch,
                    "SELECT COUNT(*) FROM information_schema.INNODB_TRX WHERE trx_state = "
                    "'LOCK WAIT'") == 0)
        usleep(150000); /* asked more often, the table is not made anew */
    ward_db_close(watch);
}

static void a_rotation_waits_for_an_enrolment_that_has_begun(void **state)
{
    struct keys *k = it_keys(it_root("root"), "");
    struct ward_db *db = it_open();

    (void)state;
    atomic_store(&rotated, false);
    rotating = it_keys(it_root("root"), "");
    it_enrol_pause = rotate_meanwhile;
    it_expect(it_enrol(k, db, 1, id, &err), WARD_OK, &err);
    it_enrol_pause = NULL;
    pthread_join(rotator, NULL);
    one_kek_is_left(db, 2);
    assert_int_equal(it_all_open(k, db), 1);
    keys_close(rotating);
    keys_close(k);
    ward_db_close(db);
}

static void *rotate_beside(void *k)
{
    struct ward_db *db = it_open();
    struct ward_err e = {0};
    int kek, destroyed;

    for (int i = 0; i < 3; i++)
        it_expect(rotate_some(k, db, 1000000, &kek, &destroyed, &e), WARD_OK, &e);
    ward_db_close(db);
    return NULL;
}

static void rotations_at_once_do_not_disturb_each_other(void **state)
{
    struct keys *k = it_keys(it_root("root"), ""), *other = it_keys(it_root("root"), "");
    struct ward_db *db = it_open();
    pthread_t t[4];

    (void)state;
    hurry(db);
    enrol_many(k, db, 700);
    for (int i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&t[i], NULL, rotate_beside, i % 2 ? k : other), 0);
    for (int i = 0; i < 4; i++)
        pthread_join(t[i], NULL);
    it_no_orphan(db);
    one_kek_is_left(db, rotate(k, db));
    assert_int_equal(it_all_open(k, db), 700);
    assert_int_equal(it_all_open(other, db), 700);
    keys_close(k);
    keys_close(other);
    ward_db_close(db);
}

static int done(void **state)
{
    (void)state;
    it_folder_remove();
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(rotating_replaces_the_kek_and_keeps_every_key, fresh),
        cmocka_unit_test_setup(rows_of_the_first_release_open_and_are_rotated, fresh),
        cmocka_unit_test_setup(a_new_root_takes_over_and_the_old_one_can_go, fresh),
        cmocka_unit_test_setup(a_root_that_is_missing_stops_a_rotation_and_loses_nothing,
                               fresh),
        cmocka_unit_test_setup(a_kek_of_an_unknown_root_stops_a_rotation_at_once, fresh),
        cmocka_unit_test_setup(a_key_that_does_not_open_is_said_and_its_kek_kept, fresh),
        cmocka_unit_test_setup(a_rotation_cut_after_any_step_is_finished_by_the_next, fresh),
        cmocka_unit_test_setup(enrolments_beside_rotations_lose_no_key, fresh),
        cmocka_unit_test_setup(a_rotation_waits_for_an_enrolment_that_has_begun, fresh),
        cmocka_unit_test_setup(rotations_at_once_do_not_disturb_each_other, fresh),
    };

    return cmocka_run_group_tests(tests, NULL, done);
}
