/* Keys on a database that replicas share: opened at once, followed, ended, under a file and
 * under an HSM. */
#include "tests/integration/it_identity.h"

#include "common/keyring/rotation.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct ward_err err;
static uint8_t id[KEYS_ID];

static int fresh(void **state)
{
    (void)state;
    err = (struct ward_err){0};
    it_identity_fresh("it_keys");
    return 0;
}

static const char *beside_root;

static void *open_beside(void *out)
{
    *(struct keys **)out = it_keys(beside_root, "");
    return NULL;
}

static void four_that_open_at_once_agree_on_every_key(void **state)
{
    struct ward_db *db = it_open();
    struct keys_public public[4][KEYS_PUBLIC_MAX];
    uint8_t hash[4][WARD_SHA256_SIZE];
    struct keys *k[4] = {0};
    pthread_t t[4];

    (void)state;
    beside_root = it_root("root");
    for (int i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&t[i], NULL, open_beside, &k[i]), 0);
    for (int i = 0; i < 4; i++)
        pthread_join(t[i], NULL);
    assert_int_equal(it_count(db, "SELECT COUNT(*) FROM kek"), 1);
    assert_int_equal(it_count(db, "SELECT COUNT(*) FROM token_key"), 1);
    assert_int_equal(it_count(db, "SELECT COUNT(*) FROM secret"), 3);
    assert_int_equal(it_count(db, "SELECT COUNT(*) FROM secret WHERE use_name = 'turn'"), 2);
    for (int i = 0; i < 4; i++) {
        assert_int_equal(keys_public(k[i], public[i]), 1);
        assert_memory_equal(public[i], public[0], sizeof(public[0][0]));
        it_expect(ward_keyring_hash(keys_ring(k[i]), "x", "y", 1, hash[i], &err), WARD_OK,
                  &err);
        assert_memory_equal(hash[i], hash[0], sizeof(hash[0]));
        it_expect(it_enrol(k[i], db, 1 + i % 2, id, &err), WARD_OK, &err);
    }
    for (int i = 0; i < 4; i++) { /* what one sealed every other opens */
        assert_int_equal(it_all_open(k[i], db), 4);
        keys_close(k[i]);
    }
    ward_db_close(db);
}

static void a_root_that_is_not_ours_opens_nothing(void **state)
{
    const struct keys_config cfg = {it_root("stranger"), "", "north", 0};
    struct keys *k = it_keys(it_root("root"), ""), *none = NULL;

    (void)state;
    it_expect(keys_open(&cfg, &it_cfg, &none, &err), WARD_FAILED_PRECONDITION, &err);
    assert_string_equal(err.reason, "KEK_UNKNOWN");
    assert_null(none);
    keys_close(k);
}

static void an_emptied_table_is_not_taken_for_a_new_one(void **state)
{
    const struct keys_config cfg = {it_root("root"), "", "north", 0};
    struct keys *k = it_keys(it_root("root"), ""), *none = NULL;
    struct ward_db *db = it_open();

    (void)state;
    it_expect(it_enrol(k, db, 1, id, &err), WARD_OK, &err);
    it_sql(db, "DELETE FROM kek");
    it_expect(keys_open(&cfg, &it_cfg, &none, &err), WARD_FAILED_PRECONDITION, &err);
    assert_string_equal(err.reason, "KEK_UNKNOWN");
    assert_int_equal(it_count(db, "SELECT COUNT(*) FROM kek"), 0);
    keys_close(k);
    ward_db_close(db);
}

static void a_sealed_secret_moved_to_another_row_does_not_open(void **state)
{
    const struct keys_config cfg = {it_root("root"), "", "north", 0};
    struct keys *k = it_keys(it_root("root"), ""), *none = NULL;
    struct ward_db *db = it_open();

    (void)state;
    it_sql(db,
           "UPDATE secret a JOIN secret b ON a.use_name = 'turn' AND b.use_name = 'turn' AND "
           "a.kind = 1 AND b.kind = 2 SET a.sealed = b.sealed");
    it_expect(keys_open(&cfg, &it_cfg, &none, &err), WARD_DATA_LOSS, &err);
    keys_close(k);
    ward_db_close(db);
}

static void following_reads_again_only_what_changed(void **state)
{
    struct keys *k = it_keys(it_root("root"), "");
    struct ward_db *db = it_open();
    int64_t before, after;

    (void)state;
    before = it_count(db, "SELECT VARIABLE_VALUE FROM information_schema.SESSION_STATUS WHERE "
                          "VARIABLE_NAME = 'COM_STMT_EXECUTE'");
    for (int i = 0; i < 20; i++)
        it_expect(ward_keyring_follow(keys_ring(k), db, &err), WARD_OK, &err);
    after = it_count(db, "SELECT VARIABLE_VALUE FROM information_schema.SESSION_STATUS WHERE "
                         "VARIABLE_NAME = 'COM_STMT_EXECUTE'");
    assert_int_equal(after - before, 21); /* one each, and the second count */
    keys_close(k);
    ward_db_close(db);
}

static enum ward_code renew_in_tx(struct ward_db *db, void *arg, struct ward_err *e)
{
    struct ward_arena mem;
    struct ward_kek kek;
    enum ward_code code;

    ward_arena_init(&mem, 65536);
    code = ward_keyring_hold_newest(keys_ring(arg), db, &mem, &kek, e);
    if (code == WARD_OK)
        code = ward_keyring_secret_add(keys_ring(arg), db, &mem, &kek, "turn", 1, 2, e);
    if (code == WARD_OK)
        code = ward_db_run(db, NULL,
                           "DELETE FROM secret WHERE use_name = 'turn' AND kind = 1 AND "
                           "generation = 1",
                           WARD_NO_PARAMS, NULL, e);
    ward_arena_done(&mem);
    return code;
}

/* A replica that has not looked yet seals by the generation before; what it keeps is turned by
 * the one that is there. */
static void a_template_of_a_generation_that_just_went_is_turned_by_the_next(void **state)
{
    struct keys *late = it_keys(it_root("root"), ""), *k = it_keys(it_root("root"), "");
    struct ward_db *db = it_open();

    (void)state;
    it_expect(ward_db_tx(db, renew_in_tx, k, &err), WARD_OK, &err);
    assert_int_equal(keys_generation(late, 1), 1);
    it_expect(it_enrol(late, db, 1, id, &err), WARD_OK, &err);
    assert_int_equal(it_count(db, "SELECT generation FROM template"), 2);
    assert_int_equal(it_all_open(k, db), 1);
    keys_close(late);
    keys_close(k);
    ward_db_close(db);
}

/* ---- buckets ---- */

static enum ward_code end_in_tx(struct ward_db *db, void *arg, struct ward_err *e)
{
    struct ward_arena mem;
    enum ward_code code;

    ward_arena_init(&mem, 65536);
    code = keys_bucket_end(arg, db, &mem, id, e);
    ward_arena_done(&mem);
    return code;
}

static void an_ended_bucket_has_another_key_everywhere(void **state)
{
    struct keys *a = it_keys(it_root("root"), ""), *b = it_keys(it_root("root"), "");
    uint8_t first[WARD_KEY_SIZE], second[WARD_KEY_SIZE], third[WARD_KEY_SIZE];
    struct ward_db *db = it_open();
    int generation = 0, bucket;

    (void)state;
    ward_random(id, sizeof(id));
    bucket = keys_bucket_of(id);
    it_expect(keys_bucket(a, db, bucket, &generation, first, &err), WARD_OK, &err);
    assert_int_equal(generation, 1);
    it_expect(keys_bucket(b, db, bucket, &generation, second, &err), WARD_OK, &err);
    assert_memory_equal(first, second, sizeof(first));
    it_expect(keys_bucket(a, db, (bucket + 1) % KEYS_BUCKETS, &generation, second, &err),
              WARD_OK, &err);
    assert_memory_not_equal(first, second, sizeof(first));

    it_expect(ward_db_tx(db, end_in_tx, a, &err), WARD_OK, &err);
    assert_int_equal(it_count(db, "SELECT COUNT(*) FROM secret WHERE use_name = 'bucket'"), 2);
    it_expect(ward_keyring_follow(keys_ring(b), db, &err), WARD_OK, &err);
    it_expect(keys_bucket(b, db, bucket, &generation, second, &err), WARD_OK, &err);
    assert_int_equal(generation, 2);
    assert_memory_not_equal(first, second, sizeof(first));
    it_expect(ward_keyring_follow(keys_ring(a), db, &err), WARD_OK, &err);
    it_expect(keys_bucket(a, db, bucket, &generation, third, &err), WARD_OK, &err);
    assert_memory_equal(second, third, sizeof(second));
    it_expect(keys_bucket(a, db, KEYS_BUCKETS, &generation, third, &err), WARD_INTERNAL, &err);
    keys_close(a);
    keys_close(b);
    ward_db_close(db);
}

struct beside {
    struct keys *k;
    bool end;
    uint8_t key[WARD_KEY_SIZE];
};

static void *bucket_beside(void *arg)
{
    struct beside *b = arg;
    struct ward_db *db = it_open();
    struct ward_err e = {0};
    int generation = 0;

    if (b->end)
        it_expect(ward_db_tx(db, end_in_tx, b->k, &e), WARD_OK, &e);
    else
        it_expect(keys_bucket(b->k, db, keys_bucket_of(id), &generation, b->key, &e), WARD_OK,
                  &e);
    ward_db_close(db);
    return NULL;
}

static void a_bucket_made_or_ended_by_many_at_once_has_one_key(void **state)
{
    struct beside b[6] = {0};
    struct ward_db *db = it_open();
    pthread_t t[6];

    (void)state;
    ward_random(id, sizeof(id));
    for (int i = 0; i < 6; i++)
        b[i].k = it_keys(it_root("root"), "");
    for (int round = 0; round < 2; round++) {
        for (int i = 0; i < 6; i++)
            b[i].end = round == 1;
        for (int i = 0; i < 6; i++)
            assert_int_equal(pthread_create(&t[i], NULL, bucket_beside, &b[i]), 0);
        for (int i = 0; i < 6; i++)
            pthread_join(t[i], NULL);
        assert_int_equal(it_count(db, "SELECT COUNT(*) FROM secret WHERE use_name = 'bucket'"),
                         1);
        for (int i = 1; i < 6 && round == 0; i++)
            assert_memory_equal(b[i].key, b[0].key, WARD_KEY_SIZE);
    }
    assert_int_equal(it_count(db, "SELECT generation FROM secret WHERE use_name = 'bucket'"),
                     7);
    for (int i = 0; i < 6; i++)
        keys_close(b[i].k);
    ward_db_close(db);
}

/* ---- an HSM ---- */

#define MODULE "/usr/lib/softhsm/libsofthsm2.so"
#define PIN    "271828"

static void write_file(const char *name, const void *bytes, size_t n)
{
    char path[160];
    FILE *f;

    snprintf(path, sizeof(path), "%s/%s", it_folder(), name);
    f = fopen(path, "w");
    assert_non_null(f);
    assert_int_equal(fwrite(bytes, 1, n, f), n);
    assert_int_equal(fclose(f), 0);
}

/* A token with the key "kek"; its URI. */
static const char *hsm_root(void)
{
    static char uri[400];
    char conf[400], dir[160];
    int n;

    snprintf(dir, sizeof(dir), "%s/tokens", it_folder());
    it_run((const char *const[]){"mkdir", "-m", "700", dir, NULL});
    n = snprintf(conf, sizeof(conf),
                 "directories.tokendir = %s\nobjectstore.backend = file\nlog.level = ERROR\n",
                 dir);
    write_file("softhsm2.conf", conf, (size_t)n);
    write_file("pin", PIN, strlen(PIN));
    snprintf(conf, sizeof(conf), "%s/softhsm2.conf", it_folder());
    assert_int_equal(setenv("SOFTHSM2_CONF", conf, 1), 0);
    it_run((const char *const[]){"softhsm2-util", "--init-token", "--free", "--label", "ward",
                                 "--so-pin", "3141592", "--pin", PIN, NULL});
    it_run((const char *const[]){"pkcs11-tool", "--module", MODULE, "--token-label", "ward",
                                 "--login", "--pin", PIN, "--keygen", "--key-type", "AES:32",
                                 "--label", "kek", "--id", "01", "--sensitive", NULL});
    snprintf(conf, sizeof(conf), "%s/pin", it_folder());
    it_run((const char *const[]){"chmod", "600", conf, NULL});
    snprintf(uri, sizeof(uri),
             "pkcs11:token=ward;object=kek?module-path=" MODULE "&"
             "pin-source=file:%s/pin",
             it_folder());
    return uri;
}

static enum ward_code destroy(struct ward_db *db, void *r, struct ward_err *e)
{
    return ward_kek_rotation_destroy(r, db, e);
}

static void rotate(struct keys *k, struct ward_db *db)
{
    struct ward_kek_rotation r;
    bool more = true;

    it_expect(ward_kek_rotation_open(keys_ring(k), db, &r, &err), WARD_OK, &err);
    while (more)
        it_expect(ward_kek_rotation_step(&r, db, &more, &err), WARD_OK, &err);
    it_expect(ward_db_tx(db, destroy, &r, &err), WARD_OK, &err);
    assert_int_equal(r.left, 0);
    ward_kek_rotation_close(&r);
}

static void keys_move_from_a_file_into_an_hsm(void **state)
{
    const char *uri = hsm_root();
    struct keys *k = it_keys(it_root("root"), "");
    struct ward_db *db = it_open();

    (void)state;
    it_expect(it_enrol(k, db, 1, id, &err), WARD_OK, &err);
    it_enrol_old(db, it_root("root"), id);
    keys_close(k);
    k = it_keys(uri, it_root("root"));
    assert_string_equal(ward_keyring_root_kind(keys_ring(k)), "pkcs11");
    it_expect(ward_keyring_check(keys_ring(k), &err), WARD_OK, &err);
    it_expect(it_enrol(k, db, 2, id, &err), WARD_OK, &err);
    assert_int_equal(it_all_open(k, db), 3);
    rotate(k, db);
    keys_close(k);
    k = it_keys(uri, ""); /* the file may go */
    assert_int_equal(it_all_open(k, db), 3);
    assert_int_equal(it_count(db, "SELECT COUNT(*) FROM kek"), 1);
    assert_int_equal(it_count(db, "SELECT COUNT(*) FROM face_key WHERE kek = 0"), 0);
    keys_close(k);
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
        cmocka_unit_test_setup(four_that_open_at_once_agree_on_every_key, fresh),
        cmocka_unit_test_setup(a_root_that_is_not_ours_opens_nothing, fresh),
        cmocka_unit_test_setup(an_emptied_table_is_not_taken_for_a_new_one, fresh),
        cmocka_unit_test_setup(a_sealed_secret_moved_to_another_row_does_not_open, fresh),
        cmocka_unit_test_setup(following_reads_again_only_what_changed, fresh),
        cmocka_unit_test_setup(a_template_of_a_generation_that_just_went_is_turned_by_the_next,
                               fresh),
        cmocka_unit_test_setup(an_ended_bucket_has_another_key_everywhere, fresh),
        cmocka_unit_test_setup(a_bucket_made_or_ended_by_many_at_once_has_one_key, fresh),
        cmocka_unit_test_setup(keys_move_from_a_file_into_an_hsm, fresh),
    };

    return cmocka_run_group_tests(tests, NULL, done);
}
