#include "services/identity/identity.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static uint8_t kek[WARD_KEY_SIZE] = {1, 2, 3};
static float face[FACE_DIM];

static struct sealed sealed_for(uint8_t subject, uint8_t template, char model)
{
    struct sealed s = {.subject_id = {subject}, .template_id = {template}};

    memset(s.model_sha256, model, 64);
    assert_int_equal(seal_template(kek, face, &s, NULL), WARD_OK);
    return s;
}

static int make_face(void **state)
{
    (void)state;
    for (int i = 0; i < FACE_DIM; i++)
        face[i] = (float)(i - 256) / 512;
    return 0;
}

static void a_template_comes_back_bit_for_bit(void **state)
{
    struct sealed s = sealed_for(1, 2, 'a');
    float back[FACE_DIM] = {0};

    (void)state;
    assert_int_equal(unseal_template(kek, &s, back, NULL), WARD_OK);
    assert_memory_equal(back, face, sizeof(face));
}

static void nothing_of_the_face_is_in_what_is_stored(void **state)
{
    struct sealed a = sealed_for(1, 2, 'a'), b = sealed_for(1, 2, 'a');

    (void)state;
    for (size_t i = 0; i + 16 <= sizeof(a.embedding); i++) /* no 16 bytes of it in clear */
        for (size_t k = 0; k + 16 <= sizeof(face); k += 16)
            assert_memory_not_equal(a.embedding + i, (uint8_t *)face + k, 16);
    /* nor does the same face twice look the same */
    assert_memory_not_equal(a.embedding, b.embedding, sizeof(a.embedding));
    assert_memory_not_equal(a.wrapped, b.wrapped, sizeof(a.wrapped));
}

static void refused(const struct sealed *s, const uint8_t *key)
{
    struct ward_err err = {0};
    float back[FACE_DIM] = {0}, untouched[FACE_DIM] = {0};

    assert_int_equal(unseal_template(key, s, back, &err), WARD_DATA_LOSS);
    assert_string_equal(err.reason, "TEMPLATE_UNREADABLE");
    assert_memory_equal(back, untouched, sizeof(back));
}

static void a_template_moved_to_another_row_does_not_open(void **state)
{
    struct sealed s, other = sealed_for(9, 2, 'a');

    (void)state;
    s = sealed_for(1, 2, 'a'), s.subject_id[0] = 9, refused(&s, kek);
    s = sealed_for(1, 2, 'a'), s.template_id[0] = 9, refused(&s, kek);
    s = sealed_for(1, 2, 'a'), s.model_sha256[63] = 'b', refused(&s, kek);
    /* another's key with it: their rows moved together, but not their ids */
    s = sealed_for(1, 2, 'a');
    memcpy(s.wrapped, other.wrapped, sizeof(s.wrapped));
    refused(&s, kek);
}

static void changed_bytes_and_another_kek_do_not_open(void **state)
{
    uint8_t wrong[WARD_KEY_SIZE] = {1, 2, 4};
    struct sealed s = sealed_for(1, 2, 'a');

    (void)state;
    refused(&s, wrong);
    s.embedding[700] ^= 1, refused(&s, kek);
    s = sealed_for(1, 2, 'a');
    s.wrapped[20] ^= 1, refused(&s, kek);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_template_comes_back_bit_for_bit),
        cmocka_unit_test(nothing_of_the_face_is_in_what_is_stored),
        cmocka_unit_test(a_template_moved_to_another_row_does_not_open),
        cmocka_unit_test(changed_bytes_and_another_kek_do_not_open),
    };

    return cmocka_run_group_tests(tests, make_face, NULL);
}
