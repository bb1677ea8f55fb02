/* What is sealed, wrapped, turned and hashed, without a database: keys put into memory by hand.
 */
#include "services/identity/keys/keys_own.h"

#include "common/base/text.h"

#include <fcntl.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define DIM 512

static char dir[] = "/tmp/ward-keys-XXXXXX";
static struct ward_arena mem;
static struct keys *k;
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

static void hold_turn(int kind, int generation)
{
    struct held *h = &k->now;
    int n = h->n_turns[kind - 1]++;

    memmove(&h->turn[kind - 1][1], &h->turn[kind - 1][0], (size_t)n * sizeof(struct turn));
    h->turn[kind - 1][0] = (struct turn){.generation = generation};
    memset(h->turn[kind - 1][0].key, 16 * kind + generation, WARD_KEY_SIZE);
}

static int begin(void **state)
{
    (void)state;
    assert_non_null(mkdtemp(dir));
    ward_arena_init(&mem, 4 << 20);
    k = ward_new(&mem, struct keys);
    assert_non_null(k);
    pthread_rwlock_init(&k->lock, NULL);
    assert_int_equal(ward_root_open(root_file("now", 1), &k->root, &err), WARD_OK);
    assert_int_equal(ward_root_open(root_file("before", 2), &k->old, &err), WARD_OK);
    snprintf(k->tenant, sizeof(k->tenant), "north");
    k->now.n_keks = 2;
    for (int i = 0; i < 2; i++) {
        k->now.kek[i].number = 8 - i;
        memset(k->now.kek[i].key, 8 - i, WARD_KEY_SIZE);
    }
    hold_turn(1, 1);
    hold_turn(1, 2);
    hold_turn(2, 1);
    k->now.hash.generation = 1;
    return 0;
}

static int end(void **state)
{
    (void)state;
    unlink(ward_printf(&mem, "%s/now", dir));
    unlink(ward_printf(&mem, "%s/before", dir));
    rmdir(dir);
    ward_root_close(k->root);
    ward_root_close(k->old);
    pthread_rwlock_destroy(&k->lock);
    ward_arena_done(&mem);
    return 0;
}

/* Some vector of length 1. */
static void some(float v[DIM], int which)
{
    double norm = 0;

    for (int i = 0; i < DIM; i++) {
        v[i] = (float)((i * 7919 + which * 104729) % 1009) - 504;
        norm += (double)v[i] * (double)v[i];
    }
    for (int i = 0; i < DIM; i++)
        v[i] = (float)((double)v[i] / sqrt(norm));
}

static double cosine(const float *a, const float *b)
{
    double dot = 0;

    for (int i = 0; i < DIM; i++)
        dot += (double)a[i] * (double)b[i];
    return dot;
}

/* ---- subjects' keys ---- */

static void a_subjects_key_opens_only_in_its_own_row(void **state)
{
    struct wrapped_key w = {.subject_id = {1}};
    uint8_t key[WARD_KEY_SIZE], again[WARD_KEY_SIZE];

    (void)state;
    assert_int_equal(keys_new_subject(k, &w, key, &err), WARD_OK);
    assert_int_equal(w.kek, 8); /* the newest */
    assert_int_equal(keys_unwrap(k, NULL, &w, again, &err), WARD_OK);
    assert_memory_equal(key, again, sizeof(key));
    w.subject_id[15] ^= 1;
    assert_int_equal(keys_unwrap(k, NULL, &w, again, &err), WARD_DATA_LOSS);
    assert_string_equal(err.reason, "TEMPLATE_UNREADABLE");
    w.subject_id[15] ^= 1;
    w.kek = 7; /* another key of ours */
    assert_int_equal(keys_unwrap(k, NULL, &w, again, &err), WARD_DATA_LOSS);
    w.kek = 9;
    assert_int_equal(keys_unwrap(k, NULL, &w, again, &err), WARD_FAILED_PRECONDITION);
    assert_string_equal(err.reason, "KEK_UNKNOWN");
}

/* As the first release bound a subject's key and template: byte for byte. */
struct first_release {
    char label[32];
    uint8_t subject_id[16], template_id[16];
    char model_sha256[64];
};

static void keys_of_the_first_release_open_by_either_root(void **state)
{
    struct first_release b = {.label = "ward identity key 1", .subject_id = {5}};
    struct wrapped_key w = {.subject_id = {5}, .kek = 0};
    uint8_t key[WARD_KEY_SIZE] = {42}, again[WARD_KEY_SIZE], root[WARD_KEY_SIZE] = {0};

    (void)state;
    for (uint8_t first = 1; first <= 3; first++) {
        root[0] = first; /* WARD_KEK, WARD_KEK_OLD, a stranger's */
        assert_int_equal(ward_seal(root, &b, sizeof(b), key, sizeof(key), w.wrapped, &err),
                         WARD_OK);
        assert_int_equal(keys_unwrap(k, NULL, &w, again, &err),
                         first == 3 ? WARD_DATA_LOSS : WARD_OK);
        if (first < 3)
            assert_memory_equal(again, key, sizeof(key));
    }
}

/* ---- templates ---- */

static struct sealed_template mine(void)
{
    struct sealed_template t = {.subject_id = {1}, .template_id = {2}, .kind = 1, .dim = DIM};

    memset(t.model_sha256, 'a', 64);
    return t;
}

static void templates_of_the_first_release_open_as_they_were(void **state)
{
    struct first_release b = {
        .label = "ward identity template 1", .subject_id = {1}, .template_id = {2}};
    struct sealed_template t = mine();
    uint8_t key[WARD_KEY_SIZE] = {9}, plain[4 * DIM];
    float v[DIM], out[DIM];

    (void)state;
    memset(b.model_sha256, 'a', 64);
    some(v, 1);
    for (int i = 0; i < DIM; i++) {
        uint32_t bits;

        memcpy(&bits, &v[i], 4);
        for (int n = 0; n < 4; n++)
            plain[4 * i + n] = (uint8_t)(bits >> (8 * n));
    }
    t.n = sizeof(plain) + WARD_SEAL_EXTRA;
    assert_int_equal(ward_seal(key, &b, sizeof(b), plain, sizeof(plain), t.bytes, &err),
                     WARD_OK);
    assert_int_equal(template_open(key, &t, out, &err), WARD_OK);
    assert_memory_equal(v, out, sizeof(v));
    assert_int_equal(keys_turn_back(k, NULL, 1, 0, DIM, out, &err), WARD_OK);
    assert_memory_equal(v, out, sizeof(v)); /* it was never turned */
}

static void a_sealed_template_is_turned_and_comes_back(void **state)
{
    struct sealed_template t = mine();
    uint8_t key[WARD_KEY_SIZE] = {9};
    float v[DIM], out[DIM], probe[DIM], turned[DIM];

    (void)state;
    some(v, 1);
    some(probe, 2);
    assert_int_equal(template_seal(k, key, v, &t, &err), WARD_OK);
    assert_int_equal(t.generation, 2); /* the newest */
    assert_int_equal(t.n, 4 * DIM + WARD_SEAL_EXTRA);
    assert_int_equal(template_open(key, &t, out, &err), WARD_OK);
    assert_true(fabs(cosine(v, out)) < 0.3); /* nothing to compare as it lies */
    memcpy(turned, probe, sizeof(turned));
    assert_int_equal(keys_turn(k, NULL, 1, 2, DIM, turned, &err), WARD_OK);
    assert_true(fabs(cosine(v, probe) - cosine(out, turned)) < 1e-6);
    assert_int_equal(keys_turn_back(k, NULL, 1, 2, DIM, out, &err), WARD_OK);
    assert_true(cosine(v, out) > 1 - 1e-6);
}

static void a_template_opens_only_as_what_it_was_sealed(void **state)
{
    struct sealed_template t = mine(), other;
    uint8_t key[WARD_KEY_SIZE] = {9}, wrong[WARD_KEY_SIZE] = {8};
    float v[DIM], out[DIM];

    (void)state;
    some(v, 1);
    assert_int_equal(template_seal(k, key, v, &t, &err), WARD_OK);
    for (int i = 0; i < 9; i++) {
        other = t;
        other.subject_id[0] ^= i == 0;
        other.template_id[0] ^= i == 1;
        other.model_sha256[63] = i == 2 ? 'b' : 'a';
        other.kind = i == 3 ? 2 : 1;
        other.generation = i == 4 ? 1 : i == 5 ? 0 : 2;
        other.dim = i == 6 ? DIM / 2 : DIM;
        other.n -= i == 7;
        other.bytes[100] ^= i == 8;
        assert_int_equal(template_open(key, &other, out, &err), WARD_DATA_LOSS);
        assert_string_equal(err.reason, "TEMPLATE_UNREADABLE");
    }
    assert_int_equal(template_open(wrong, &t, out, &err), WARD_DATA_LOSS);
    assert_int_equal(template_open(key, &t, out, &err), WARD_OK);
}

static void other_things_open_only_as_what_they_are_and_whose(void **state)
{
    uint8_t key[WARD_KEY_SIZE] = {9}, id[KEYS_ID] = {1}, sealed[5 + WARD_SEAL_EXTRA], out[5];

    (void)state;
    assert_int_equal(subject_seal(key, "photo", id, "12345", 5, sealed, &err), WARD_OK);
    assert_int_equal(subject_open(key, "photo", id, sealed, sizeof(sealed), out, &err),
                     WARD_OK);
    assert_memory_equal(out, "12345", 5);
    assert_int_equal(subject_open(key, "video", id, sealed, sizeof(sealed), out, &err),
                     WARD_DATA_LOSS);
    id[0] = 2;
    assert_int_equal(subject_open(key, "photo", id, sealed, sizeof(sealed), out, &err),
                     WARD_DATA_LOSS);
}

/* ---- turning and hashing ---- */

static void one_face_is_unlinkable_between_kinds_generations_and_tenants(void **state)
{
    const struct {
        int kind, generation;
        const char *tenant;
    } ways[] = {{1, 1, "north"}, {1, 2, "north"}, {2, 1, "north"}, {1, 1, "south"}};
    float turned[4][DIM];

    (void)state;
    for (int i = 0; i < 4; i++) {
        snprintf(k->tenant, sizeof(k->tenant), "%s", ways[i].tenant);
        memset(k->made, 0, sizeof(k->made));
        some(turned[i], 1);
        assert_int_equal(
            keys_turn(k, NULL, ways[i].kind, ways[i].generation, DIM, turned[i], &err),
            WARD_OK);
    }
    snprintf(k->tenant, sizeof(k->tenant), "north");
    memset(k->made, 0, sizeof(k->made));
    for (int a = 0; a < 4; a++)
        for (int b = 0; b < a; b++)
            assert_true(fabs(cosine(turned[a], turned[b])) < 0.3);
}

static void a_generation_without_a_key_is_a_loss_not_a_guess(void **state)
{
    float v[DIM], was[DIM];

    (void)state;
    some(v, 1);
    some(was, 1);
    assert_int_equal(keys_turn(k, NULL, 1, 3, DIM, v, &err), WARD_DATA_LOSS);
    assert_int_equal(keys_turn(k, NULL, 3, 1, DIM, v, &err), WARD_DATA_LOSS);
    assert_int_equal(keys_turn_back(k, NULL, 2, 2, DIM, v, &err), WARD_DATA_LOSS);
    assert_int_equal(keys_turn(k, NULL, 1, 1, 100, v, &err), WARD_INTERNAL); /* no power of 2 */
    assert_memory_equal(v, was, sizeof(v));
    assert_int_equal(keys_generation(k, 1), 2);
    assert_int_equal(keys_generation(k, 2), 1);
    assert_int_equal(keys_generation(k, 3), 0);
}

static void more_transforms_than_are_kept_at_hand_still_turn(void **state)
{
    float v[DIM], was[DIM];

    (void)state;
    for (int round = 0; round < 3; round++)
        for (int dim = 64; dim <= DIM; dim *= 2)
            for (int which = 0; which < 3; which++) {
                some(v, 1);
                some(was, 1);
                assert_int_equal(keys_turn(k, NULL, 1 + which / 2, 1 + which % 2, dim, v, &err),
                                 WARD_OK);
                assert_memory_not_equal(v, was, sizeof(v));
                assert_int_equal(
                    keys_turn_back(k, NULL, 1 + which / 2, 1 + which % 2, dim, v, &err),
                    WARD_OK);
                assert_true(cosine(v, was) > 1 - 1e-6);
            }
}

static void equal_texts_of_two_uses_hash_differently(void **state)
{
    uint8_t a[WARD_SHA256_SIZE], b[WARD_SHA256_SIZE];

    (void)state;
    assert_int_equal(keys_hash(k, "wristband", "123", 3, a, &err), WARD_OK);
    assert_int_equal(keys_hash(k, "wristband", "123", 3, b, &err), WARD_OK);
    assert_memory_equal(a, b, sizeof(a));
    assert_int_equal(keys_hash(k, "birth-date", "123", 3, b, &err), WARD_OK);
    assert_memory_not_equal(a, b, sizeof(a));
    assert_int_equal(keys_hash(k, "wristband1", "23", 2, b, &err), WARD_OK);
    assert_memory_not_equal(a, b, sizeof(a));
}

static void what_a_row_is_bound_to_tells_rows_apart(void **state)
{
    const struct bound rows[] = {
        bind_row(BOUND_KEK, "", 1, 0),          bind_row(BOUND_KEK, "", 2, 0),
        bind_row(BOUND_SECRET, "turn", 1, 2),   bind_row(BOUND_SECRET, "turn", 2, 1),
        bind_row(BOUND_SECRET, "bucket", 1, 2), bind_row(BOUND_TOKEN_KEY, "turn", 1, 2),
        bind_row(BOUND_KEK, "", 256, 0),
    };

    (void)state;
    for (size_t a = 0; a < WARD_COUNT(rows); a++)
        for (size_t b = 0; b < a; b++)
            assert_memory_not_equal(&rows[a], &rows[b], sizeof(rows[0]));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_subjects_key_opens_only_in_its_own_row),
        cmocka_unit_test(keys_of_the_first_release_open_by_either_root),
        cmocka_unit_test(templates_of_the_first_release_open_as_they_were),
        cmocka_unit_test(a_sealed_template_is_turned_and_comes_back),
        cmocka_unit_test(a_template_opens_only_as_what_it_was_sealed),
        cmocka_unit_test(other_things_open_only_as_what_they_are_and_whose),
        cmocka_unit_test(one_face_is_unlinkable_between_kinds_generations_and_tenants),
        cmocka_unit_test(a_generation_without_a_key_is_a_loss_not_a_guess),
        cmocka_unit_test(more_transforms_than_are_kept_at_hand_still_turn),
        cmocka_unit_test(equal_texts_of_two_uses_hash_differently),
        cmocka_unit_test(what_a_row_is_bound_to_tells_rows_apart),
    };

    return cmocka_run_group_tests(tests, begin, end);
}
