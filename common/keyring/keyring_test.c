/* Wrapping, encryption and hashes without a database. The tests put the keys into memory. */
#include "common/base/text.h"
#include "common/keyring/keyring_own.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static char dir[] = "/tmp/ward-keyring-XXXXXX";
static struct ward_arena mem;
static struct ward_keyring *k;
static struct ward_err err;

static const char *root_file(const char *name, uint8_t first)
{
    const char *path = ward_printf(&mem, "%s/%s", dir, name);
    uint8_t key[WARD_KEY_SIZE] = {first};
    char hex[2 * WARD_KEY_SIZE + 1];
    int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

    ward_hex(key, sizeof(key), hex);
    assert_true(fd >= 0 && write(fd, hex, sizeof(hex) - 1) == sizeof(hex) - 1);
    close(fd);
    return path;
}

static void hold(const char *use, int kind, int generation)
{
    struct secret *to = ward_keyring_place(k, &k->now, use, kind, generation);

    assert_non_null(to);
    to->generation = generation;
    memset(to->key, 16 * kind + generation, WARD_KEY_SIZE);
}

static int begin(void **state)
{
    static const struct ward_keyring_use uses[] = {{"turn", 1, 2, 3, true},
                                                   {"bucket", 0, 4, 1, false}};
    struct ward_keyring_config cfg = {
        .service = "identity", .unreadable = "KEY_LOST", .uses = uses, .n_uses = 2};

    (void)state;
    assert_non_null(mkdtemp(dir));
    ward_arena_init(&mem, 1 << 20);
    cfg.root = root_file("now", 1);
    cfg.root_old = root_file("before", 2);
    assert_int_equal(ward_keyring_blank(&cfg, &k, &err), WARD_OK);
    k->now.n_keks = 2;
    for (int i = 0; i < 2; i++) {
        k->now.kek[i].number = 8 - i;
        memset(k->now.kek[i].key, 8 - i, WARD_KEY_SIZE);
    }
    hold("hash", 0, 1);
    return 0;
}

static int end(void **state)
{
    (void)state;
    unlink(ward_printf(&mem, "%s/now", dir));
    unlink(ward_printf(&mem, "%s/before", dir));
    rmdir(dir);
    ward_keyring_close(k);
    ward_arena_done(&mem);
    return 0;
}

/* ---- owners' keys ---- */

static void an_owners_key_opens_only_in_its_own_row(void **state)
{
    struct ward_wrapped_key w = {.owner = {1}};
    uint8_t key[WARD_KEY_SIZE], again[WARD_KEY_SIZE];

    (void)state;
    assert_int_equal(ward_keyring_new_key(k, &w, key, &err), WARD_OK);
    assert_int_equal(w.kek, 8); /* the newest KEK */
    assert_int_equal(ward_keyring_unwrap(k, NULL, &w, again, &err), WARD_OK);
    assert_memory_equal(key, again, sizeof(key));
    w.owner[15] ^= 1;
    assert_int_equal(ward_keyring_unwrap(k, NULL, &w, again, &err), WARD_DATA_LOSS);
    assert_string_equal(err.reason, "KEY_LOST"); /* the reason that the service configured */
    w.owner[15] ^= 1;
    w.kek = 7; /* another KEK in memory */
    assert_int_equal(ward_keyring_unwrap(k, NULL, &w, again, &err), WARD_DATA_LOSS);
    w.kek = 9;
    assert_int_equal(ward_keyring_unwrap(k, NULL, &w, again, &err), WARD_FAILED_PRECONDITION);
    assert_string_equal(err.reason, "KEK_UNKNOWN");
}

static void a_key_of_one_service_does_not_open_in_another(void **state)
{
    struct ward_wrapped_key w = {.owner = {1}};
    uint8_t key[WARD_KEY_SIZE], again[WARD_KEY_SIZE];
    enum ward_code code;

    (void)state;
    assert_int_equal(ward_keyring_new_key(k, &w, key, &err), WARD_OK);
    k->cfg.service = "records";
    code = ward_keyring_unwrap(k, NULL, &w, again, &err);
    k->cfg.service = "identity";
    assert_int_equal(code, WARD_DATA_LOSS);
}

/* The binding of a subject's key and of a template in identity's first release, byte for
 * byte. */
struct first_release {
    char label[32];
    uint8_t subject_id[16], template_id[16];
    char model_sha256[64];
};

static void keys_of_the_first_release_open_by_either_root(void **state)
{
    struct first_release b = {.label = "ward identity key 1", .subject_id = {5}};
    struct ward_wrapped_key w = {.owner = {5}, .kek = 0};
    uint8_t key[WARD_KEY_SIZE] = {42}, again[WARD_KEY_SIZE], root[WARD_KEY_SIZE] = {0};

    (void)state;
    for (uint8_t first = 1; first <= 3; first++) {
        root[0] = first; /* WARD_KEK, WARD_KEK_OLD, and an unknown root */
        assert_int_equal(ward_seal(root, &b, sizeof(b), key, sizeof(key), w.wrapped, &err),
                         WARD_OK);
        assert_int_equal(ward_keyring_unwrap(k, NULL, &w, again, &err),
                         first == 3 ? WARD_DATA_LOSS : WARD_OK);
        if (first < 3)
            assert_memory_equal(again, key, sizeof(key));
    }
}

/* ---- data encrypted with the keys ---- */

static void sealed_bytes_open_only_as_what_they_are_and_whose(void **state)
{
    const struct ward_sealed_as as = {"records", "note", {1}, {2}};
    struct ward_sealed_as others[] = {as, as, as, as};
    uint8_t key[WARD_KEY_SIZE] = {9}, wrong[WARD_KEY_SIZE] = {8};
    uint8_t sealed[5 + WARD_SEAL_EXTRA], out[5];

    (void)state;
    others[0].service = "identity";
    others[1].what = "contact";
    others[2].owner[15] = 1;
    others[3].id[0] = 1;
    assert_int_equal(ward_seal_for(key, &as, "12345", 5, sealed, &err), WARD_OK);
    for (size_t i = 0; i < WARD_COUNT(others); i++)
        assert_int_equal(ward_open_for(key, &others[i], sealed, sizeof(sealed), out, &err),
                         WARD_DATA_LOSS);
    assert_int_equal(ward_open_for(wrong, &as, sealed, sizeof(sealed), out, &err),
                     WARD_DATA_LOSS);
    assert_int_equal(ward_open_for(key, &as, sealed, sizeof(sealed) - 1, out, &err),
                     WARD_DATA_LOSS);
    assert_int_equal(ward_open_for(key, &as, sealed, sizeof(sealed), out, &err), WARD_OK);
    assert_memory_equal(out, "12345", 5);
}

static void photographs_sealed_before_there_was_a_ring_open(void **state)
{
    const struct {
        struct first_release was;
        uint8_t number[12];
    } b = {.was = {.label = "ward identity photograph 1", .template_id = {7}}};
    const struct ward_sealed_as as = {"identity", "photograph", {0}, {7}};
    uint8_t key[WARD_KEY_SIZE] = {9}, sealed[5 + WARD_SEAL_EXTRA], out[5];

    (void)state;
    assert_int_equal(ward_seal(key, &b, sizeof(b), "12345", 5, sealed, &err), WARD_OK);
    assert_int_equal(ward_open_for(key, &as, sealed, sizeof(sealed), out, &err), WARD_OK);
    assert_memory_equal(out, "12345", 5);
}

static void what_a_row_is_bound_to_tells_rows_apart(void **state)
{
    const struct ward_bound_row rows[] = {
        ward_bind_row(k, "kek", "", 1, 0),          ward_bind_row(k, "kek", "", 2, 0),
        ward_bind_row(k, "secret", "turn", 1, 2),   ward_bind_row(k, "secret", "turn", 2, 1),
        ward_bind_row(k, "secret", "bucket", 1, 2), ward_bind_row(k, "token key", "turn", 1, 2),
        ward_bind_row(k, "kek", "", 256, 0),
    };
    const struct ward_bound_row as_before = {
        "ward identity secret 1", "turn", {1, 0, 0, 0, 2, 0, 0, 0}};

    (void)state;
    assert_memory_equal(&rows[2], &as_before, sizeof(as_before));
    for (size_t a = 0; a < WARD_COUNT(rows); a++)
        for (size_t b = 0; b < a; b++)
            assert_memory_not_equal(&rows[a], &rows[b], sizeof(rows[0]));
}

/* ---- secrets and hashes ---- */

static void each_kind_of_each_use_holds_so_many_generations(void **state)
{
    uint8_t key[WARD_KEY_SIZE];
    int which = 0;

    (void)state;
    assert_false(ward_keyring_secret(k, "turn", 2, 0, &which, key));
    for (int kind = 1; kind <= 2; kind++)
        for (int generation = 5; generation > 2; generation--)
            hold("turn", kind, generation);
    assert_null(ward_keyring_place(k, &k->now, "turn", 1, 2)); /* at most three generations */
    for (int bucket = 0; bucket < 4; bucket++)
        hold("bucket", bucket, 1);
    assert_null(ward_keyring_place(k, &k->now, "bucket", 0, 2));
    assert_null(ward_keyring_place(k, &k->now, "bucket", 4, 1));
    assert_null(ward_keyring_place(k, &k->now, "turn", 0, 1));
    assert_null(ward_keyring_place(k, &k->now, "other", 1, 1));
    assert_true(ward_keyring_secret(k, "turn", 2, 0, &which, key));
    assert_int_equal(which, 5); /* the newest generation */
    assert_int_equal(key[0], 16 * 2 + 5);
    assert_true(ward_keyring_secret(k, "turn", 1, 3, &which, key));
    assert_int_equal(key[31], 16 * 1 + 3);
    assert_false(ward_keyring_secret(k, "turn", 1, 2, &which, key));
    assert_true(ward_keyring_secret(k, "bucket", 3, 0, &which, key));
    assert_int_equal(key[0], 16 * 3 + 1);
    assert_true(ward_keyring_secret(k, "hash", 0, 0, NULL, NULL));
}

static void equal_texts_of_two_uses_hash_differently(void **state)
{
    uint8_t a[WARD_SHA256_SIZE], b[WARD_SHA256_SIZE];

    (void)state;
    assert_int_equal(ward_keyring_hash(k, "wristband", "123", 3, a, &err), WARD_OK);
    assert_int_equal(ward_keyring_hash(k, "wristband", "123", 3, b, &err), WARD_OK);
    assert_memory_equal(a, b, sizeof(a));
    assert_int_equal(ward_keyring_hash(k, "birth-date", "123", 3, b, &err), WARD_OK);
    assert_memory_not_equal(a, b, sizeof(a));
    assert_int_equal(ward_keyring_hash(k, "wristband1", "23", 2, b, &err), WARD_OK);
    assert_memory_not_equal(a, b, sizeof(a));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_owners_key_opens_only_in_its_own_row),
        cmocka_unit_test(a_key_of_one_service_does_not_open_in_another),
        cmocka_unit_test(keys_of_the_first_release_open_by_either_root),
        cmocka_unit_test(sealed_bytes_open_only_as_what_they_are_and_whose),
        cmocka_unit_test(photographs_sealed_before_there_was_a_ring_open),
        cmocka_unit_test(what_a_row_is_bound_to_tells_rows_apart),
        cmocka_unit_test(each_kind_of_each_use_holds_so_many_generations),
        cmocka_unit_test(equal_texts_of_two_uses_hash_differently),
    };

    return cmocka_run_group_tests(tests, begin, end);
}
