/* A ring on a database of its own tables, as a service with nothing but owners' keys has them:
 * opened at once by replicas, kept, replaced. */
#include "common/base/text.h"
#include "common/keyring/keyring_own.h"
#include "tests/integration/it.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const struct ward_keyring_owners owners =
    WARD_KEYRING_OWNERS("patient_key", "patient_id");
static char dir[] = "/tmp/ward-it-keyring-XXXXXX";
static char root[2][64]; /* now, and a later one */
static struct ward_err err;
static struct ward_db *db;

static void write_root(int which)
{
    uint8_t key[WARD_KEY_SIZE];
    char hex[2 * WARD_KEY_SIZE + 1];
    int fd;

    snprintf(root[which], sizeof(root[which]), "%s/%d", dir, which);
    ward_random(key, sizeof(key));
    ward_hex(key, sizeof(key), hex);
    fd = open(root[which], O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    assert_true(fd >= 0 && write(fd, hex, sizeof(hex) - 1) == sizeof(hex) - 1);
    close(fd);
}

static int set_up(void **state)
{
    (void)state;
    assert_non_null(mkdtemp(dir));
    write_root(0);
    write_root(1);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    unlink(root[0]);
    unlink(root[1]);
    rmdir(dir);
    return 0;
}

static int fresh(void **state)
{
    const struct ward_schema *const sets[] = {&ward_schema_common, &ward_schema_keyring};

    (void)state;
    err = (struct ward_err){0};
    it_fresh("it_keyring");
    it_expect(ward_db_migrate(&it_cfg, sets, 2, &err), WARD_OK, &err);
    db = it_open();
    it_sql(db, "CREATE TABLE patient_key (patient_id BINARY(16) NOT NULL PRIMARY KEY, kek INT "
               "NOT NULL, wrapped VARBINARY(60) NOT NULL, KEY patient_key_kek (kek))");
    return 0;
}

static int over(void **state)
{
    (void)state;
    ward_db_close(db);
    return 0;
}

static enum ward_code try_open(const char *now, const char *old, struct ward_keyring **out,
                               struct ward_err *e)
{
    const struct ward_keyring_config cfg = {.service = "records",
                                            .root = now,
                                            .root_old = old,
                                            .unreadable = "KEY_LOST",
                                            .owners = &owners};

    return ward_keyring_open(&cfg, &it_cfg, out, e);
}

static struct ward_keyring *ring(const char *now, const char *old)
{
    struct ward_keyring *k = NULL;

    it_expect(try_open(now, old, &k, &err), WARD_OK, &err);
    return k;
}

/* ---- patients ---- */

struct patient {
    struct ward_keyring *k;
    struct ward_wrapped_key w;
    uint8_t key[WARD_KEY_SIZE];
};

static enum ward_code add_in_tx(struct ward_db *on, void *arg, struct ward_err *e)
{
    struct patient *p = arg;
    struct ward_arena mem;
    enum ward_code code;

    ward_arena_init(&mem, 65536);
    code = ward_keyring_hold(p->k, on, &mem, p->key, &p->w, e);
    if (code == WARD_OK)
        code = ward_db_run(
            on, NULL, "INSERT INTO patient_key (patient_id, kek, wrapped) VALUES (?, ?, ?)",
            WARD_PARAMS(ward_blob(p->w.owner, WARD_OWNER_ID), ward_int(&mem, p->w.kek),
                        ward_blob(p->w.wrapped, WARD_WRAPPED)),
            NULL, e);
    ward_arena_done(&mem);
    return code;
}

static struct patient add(struct ward_keyring *k)
{
    struct patient p = {.k = k};

    ward_uuid7(p.w.owner);
    it_expect(ward_keyring_new_key(k, &p.w, p.key, &err), WARD_OK, &err);
    it_expect(ward_db_tx(db, add_in_tx, &p, &err), WARD_OK, &err);
    return p;
}

static void still_opens(struct ward_keyring *k, const struct patient *p)
{
    struct ward_wrapped_key w = {0};
    uint8_t key[WARD_KEY_SIZE];
    struct ward_arena mem;
    struct ward_rows rows;

    ward_arena_init(&mem, 65536);
    it_expect(ward_db_run(db, &mem, "SELECT kek, wrapped FROM patient_key WHERE patient_id = ?",
                          WARD_PARAMS(ward_blob(p->w.owner, WARD_OWNER_ID)), &rows, &err),
              WARD_OK, &err);
    assert_int_equal(rows.n, 1);
    memcpy(w.owner, p->w.owner, WARD_OWNER_ID);
    w.kek = (int)ward_keyring_number(rows.at[0][0]);
    memcpy(w.wrapped, rows.at[0][1].p, WARD_WRAPPED);
    it_expect(ward_keyring_unwrap(k, db, &w, key, &err), WARD_OK, &err);
    assert_memory_equal(key, p->key, sizeof(key));
    ward_arena_done(&mem);
}

/* ---- rotation ---- */

static enum ward_code destroy(struct ward_db *on, void *r, struct ward_err *e)
{
    return ward_kek_rotation_destroy(r, on, e);
}

static int64_t rotate(struct ward_keyring *k)
{
    struct ward_kek_rotation r;
    bool more = true;

    it_expect(ward_kek_rotation_open(k, db, &r, &err), WARD_OK, &err);
    while (more)
        it_expect(ward_kek_rotation_step(&r, db, &more, &err), WARD_OK, &err);
    it_expect(ward_db_tx(db, destroy, &r, &err), WARD_OK, &err);
    assert_int_equal(r.left, 0);
    assert_int_equal(r.destroyed, 1);
    ward_kek_rotation_close(&r);
    return r.done + r.last;
}

static void *open_beside(void *out)
{
    struct ward_err e = {0};

    it_expect(try_open(root[0], "", out, &e), WARD_OK, &e);
    return NULL;
}

static void replicas_that_start_at_once_share_one_key_and_one_hash(void **state)
{
    struct ward_keyring *k[4] = {0};
    uint8_t hash[4][WARD_SHA256_SIZE];
    pthread_t t[4];

    (void)state;
    for (int i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&t[i], NULL, open_beside, &k[i]), 0);
    for (int i = 0; i < 4; i++)
        pthread_join(t[i], NULL);
    for (int i = 0; i < 4; i++)
        it_expect(ward_keyring_hash(k[i], "name", "anna", 4, hash[i], &err), WARD_OK, &err);
    for (int i = 1; i < 4; i++)
        assert_memory_equal(hash[0], hash[i], sizeof(hash[0]));
    assert_int_equal(it_count(db, "SELECT COUNT(*) FROM kek"), 1);
    assert_int_equal(it_count(db, "SELECT COUNT(*) FROM secret"), 1);
    for (int i = 0; i < 4; i++)
        ward_keyring_close(k[i]);
}

static void a_rotation_to_a_new_root_loses_no_patients_key(void **state)
{
    enum { N = 600 }; /* more than a batch */
    struct ward_keyring *k = ring(root[0], ""), *next, *none = NULL;
    struct patient *p = calloc(N, sizeof(*p));
    uint8_t before[WARD_SHA256_SIZE], after[WARD_SHA256_SIZE];

    (void)state;
    assert_non_null(p);
    it_sql(db, "SET GLOBAL innodb_flush_log_at_trx_commit = 0");
    for (int i = 0; i < N; i++)
        p[i] = add(k);
    it_sql(db, "SET GLOBAL innodb_flush_log_at_trx_commit = 1");
    it_expect(ward_keyring_hash(k, "name", "anna", 4, before, &err), WARD_OK, &err);
    it_expect(try_open(root[1], "", &none, &err), WARD_FAILED_PRECONDITION, &err);
    assert_string_equal(err.reason, "KEK_UNKNOWN");
    next = ring(root[1], root[0]);
    assert_int_equal(rotate(next), N + 1); /* and the hash */
    assert_int_equal(it_count(db, "SELECT COUNT(*) FROM kek"), 1);
    assert_int_equal(it_count(db, "SELECT COUNT(*) FROM patient_key WHERE kek <> 2"), 0);
    ward_keyring_close(next);
    next = ring(root[1], ""); /* the former root is not needed any more */
    for (int i = 0; i < N; i++)
        still_opens(next, &p[i]);
    it_expect(ward_keyring_hash(next, "name", "anna", 4, after, &err), WARD_OK, &err);
    assert_memory_equal(before, after, sizeof(before));
    free(p);
    ward_keyring_close(next);
    ward_keyring_close(k);
}

static void a_key_wrapped_before_a_rotation_and_kept_after_it_is_wrapped_anew(void **state)
{
    struct ward_keyring *late = ring(root[0], ""), *k = ring(root[0], "");
    struct patient p = {.k = late};

    (void)state;
    ward_uuid7(p.w.owner);
    it_expect(ward_keyring_new_key(late, &p.w, p.key, &err), WARD_OK, &err);
    rotate(k);
    it_expect(ward_db_tx(db, add_in_tx, &p, &err), WARD_OK, &err);
    assert_int_equal(p.w.kek, 2);
    still_opens(k, &p);
    ward_keyring_close(late);
    ward_keyring_close(k);
}

static void an_emptied_table_is_not_taken_for_a_new_one(void **state)
{
    struct ward_keyring *k = ring(root[0], ""), *none = NULL;

    (void)state;
    add(k);
    it_sql(db, "DELETE FROM kek");
    it_sql(db, "DELETE FROM secret");
    it_expect(try_open(root[0], "", &none, &err), WARD_FAILED_PRECONDITION, &err);
    assert_string_equal(err.reason, "KEK_UNKNOWN");
    assert_int_equal(it_count(db, "SELECT COUNT(*) FROM kek"), 0);
    ward_keyring_close(k);
}

static void a_root_that_answers_is_ready(void **state)
{
    struct ward_keyring *k = ring(root[0], "");

    (void)state;
    it_expect(ward_keyring_check(k, &err), WARD_OK, &err);
    assert_string_equal(ward_keyring_root_kind(k), "file");
    assert_int_equal(strlen(ward_keyring_root_id(k)), WARD_ROOT_ID);
    ward_keyring_close(k);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(replicas_that_start_at_once_share_one_key_and_one_hash,
                                        fresh, over),
        cmocka_unit_test_setup_teardown(a_rotation_to_a_new_root_loses_no_patients_key, fresh,
                                        over),
        cmocka_unit_test_setup_teardown(
            a_key_wrapped_before_a_rotation_and_kept_after_it_is_wrapped_anew, fresh, over),
        cmocka_unit_test_setup_teardown(an_emptied_table_is_not_taken_for_a_new_one, fresh,
                                        over),
        cmocka_unit_test_setup_teardown(a_root_that_answers_is_ready, fresh, over),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
