/* Tests encrypted and transformed templates without a database. The test puts secrets into
 * memory. */
#include "common/keyring/keyring_own.h"
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
    struct ward_keyring *r = k->ring;
    struct secret *newest = ward_keyring_place(r, &r->now, "turn", kind, generation);

    assert_non_null(newest);
    newest->generation = generation;
    memset(newest->key, 16 * kind + generation, WARD_KEY_SIZE);
}

static int begin(void **state)
{
    struct ward_keyring_config cfg;

    (void)state;
    assert_non_null(mkdtemp(dir));
    ward_arena_init(&mem, 1 << 20);
    assert_int_equal(keys_blank("north", &k, &err), WARD_OK);
    cfg = keys_ring_config(k);
    cfg.root = root_file("now", 1);
    assert_int_equal(ward_keyring_blank(&cfg, &k->ring, &err), WARD_OK);
    hold_turn(1, 2); /* added with the newest generation first */
    hold_turn(1, 1);
    hold_turn(2, 1);
    return 0;
}

static int end(void **state)
{
    (void)state;
    unlink(ward_printf(&mem, "%s/now", dir));
    rmdir(dir);
    keys_close(k);
    ward_arena_done(&mem);
    return 0;
}

/* Makes a vector of length 1. */
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

/* The associated data of a subject's key and template in the first release. It must not
 * change. */
struct first_release {
    char label[32];
    uint8_t subject_id[16], template_id[16];
    char model_sha256[64];
};

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
    assert_memory_equal(v, out, sizeof(v)); /* the template was never transformed */
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
    assert_int_equal(t.generation, 2); /* the newest generation */
    assert_int_equal(t.n, 4 * DIM + WARD_SEAL_EXTRA);
    assert_int_equal(template_open(key, &t, out, &err), WARD_OK);
    /* the transformed vector is not comparable with v */
    assert_true(fabs(cosine(v, out)) < 0.3);
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

/* ---- transforms ---- */

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
    /* the dimension is not a power of 2 */
    assert_int_equal(keys_turn(k, NULL, 1, 1, 100, v, &err), WARD_INTERNAL);
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(templates_of_the_first_release_open_as_they_were),
        cmocka_unit_test(a_sealed_template_is_turned_and_comes_back),
        cmocka_unit_test(a_template_opens_only_as_what_it_was_sealed),
        cmocka_unit_test(one_face_is_unlinkable_between_kinds_generations_and_tenants),
        cmocka_unit_test(a_generation_without_a_key_is_a_loss_not_a_guess),
        cmocka_unit_test(more_transforms_than_are_kept_at_hand_still_turn),
    };

    return cmocka_run_group_tests(tests, begin, end);
}
