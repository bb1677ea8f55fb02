#include "services/dosage/store/keep.h"

#include "common/base/clock.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static struct keep *keep;
static struct ward_arena mem;

static int set_up(void **state)
{
    (void)state;
    ward_arena_init(&mem, (size_t)64 << 20);
    return keep_open(&keep, NULL) == WARD_OK ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    keep_close(keep);
    ward_arena_done(&mem);
    return 0;
}

static struct keep_key key_of(uint32_t patient, uint8_t who)
{
    struct keep_key k = {.id = {1, 2, 3}};

    memcpy(k.id + 8, &patient, sizeof(patient));
    memset(k.who, who, sizeof(k.who));
    return k;
}

static void put(const struct keep_key *k, const void *facts, size_t n)
{
    keep_put(keep, k, keep_generation(keep, k->id),
             &(struct kept){.let_in_ns = 5, .read_ns = ward_mono_ns(), .facts = facts, .n = n});
}

static bool has(const struct keep_key *k)
{
    struct kept out;

    return keep_find(keep, k, &mem, &out);
}

static void what_is_kept_comes_back_whatever_its_length(void **state)
{
    static uint8_t facts[KEEP_MOST];
    static const size_t LENGTHS[] = {1, 503, 504, 505, 1008, 1009, 5000, KEEP_MOST};

    (void)state;
    for (size_t i = 0; i < sizeof(facts); i++)
        facts[i] = (uint8_t)(i * 7 + i / 256);
    for (size_t i = 0; i < WARD_COUNT(LENGTHS); i++) {
        struct keep_key k = key_of(1, 1);
        struct kept out;

        put(&k, facts, LENGTHS[i]);
        assert_true(keep_find(keep, &k, &mem, &out));
        assert_int_equal(out.n, LENGTHS[i]);
        assert_memory_equal(out.facts, facts, LENGTHS[i]);
    }
    assert_int_equal(keep_count(keep), 1);
}

static void what_is_too_long_is_not_kept(void **state)
{
    static uint8_t facts[KEEP_MOST + 1];
    struct keep_key k = key_of(1, 1);
    struct kept out;

    (void)state;
    put(&k, "before", 6);
    put(&k, facts, sizeof(facts));
    assert_true(keep_find(keep, &k, &mem, &out));
    assert_null(out.facts); /* the earlier data are gone, too */
}

static void nobody_is_given_what_was_read_for_another(void **state)
{
    struct keep_key one = key_of(1, 1), two = key_of(1, 2);

    (void)state;
    put(&one, "mine", 4);
    assert_true(has(&one));
    assert_false(has(&two));
}

static void a_reading_that_began_before_a_change_is_not_kept(void **state)
{
    struct keep_key k = key_of(1, 1);
    struct kept what = {.let_in_ns = 5, .read_ns = 5, .facts = "old", .n = 3};
    uint64_t before = keep_generation(keep, k.id);

    (void)state;
    keep_forget(keep, k.id, KEEP_FACTS); /* there is no entry before and after */
    keep_put(keep, &k, before, &what);
    assert_false(has(&k));
    before = keep_generation(keep, k.id);
    keep_forget_all(keep);
    keep_put(keep, &k, before, &what);
    assert_false(has(&k));
    keep_put(keep, &k, keep_generation(keep, k.id), &what);
    assert_true(has(&k));
}

static void facts_are_forgotten_alone_or_with_who_was_let_in(void **state)
{
    struct keep_key k = key_of(1, 1), other = key_of(1, 2), apart = key_of(2, 1);
    struct kept out;

    (void)state;
    put(&k, "facts", 5);
    put(&other, "facts", 5);
    put(&apart, "facts", 5);
    keep_forget(keep, k.id, KEEP_FACTS);
    assert_true(keep_find(keep, &k, &mem, &out));
    assert_null(out.facts);
    assert_int_equal(out.let_in_ns, 5);
    assert_true(keep_find(keep, &other, &mem, &out));
    assert_null(out.facts);
    assert_true(keep_find(keep, &apart, &mem, &out));
    assert_non_null(out.facts);
    keep_forget(keep, k.id, KEEP_ALL);
    assert_false(has(&k));
    assert_false(has(&other));
    assert_true(has(&apart));
}

static void who_is_let_in_again_keeps_the_facts_there_are(void **state)
{
    struct keep_key k = key_of(1, 1);
    struct kept out;

    (void)state;
    put(&k, "facts", 5);
    keep_put(keep, &k, keep_generation(keep, k.id), &(struct kept){.let_in_ns = 9});
    assert_true(keep_find(keep, &k, &mem, &out));
    assert_int_equal(out.let_in_ns, 9);
    assert_int_equal(out.n, 5);
    assert_memory_equal(out.facts, "facts", 5);
}

static void the_newest_of_a_patient_is_found_for_nobody(void **state)
{
    struct keep_key one = key_of(1, 1), two = key_of(1, 2);
    struct kept out;

    (void)state;
    assert_false(keep_newest(keep, one.id, &mem, &out));
    put(&one, "first", 5);
    put(&two, "later", 5);
    assert_true(keep_newest(keep, one.id, &mem, &out));
    assert_memory_equal(out.facts, "later", 5);
    keep_forget(keep, one.id, KEEP_FACTS);
    assert_false(keep_newest(keep, one.id, &mem, &out));
}

static void no_more_are_kept_than_there_is_room_for_and_the_oldest_go(void **state)
{
    struct keep_key first = key_of(0, 1);

    (void)state;
    put(&first, "x", 1);
    for (uint32_t i = 1; i < KEEP_CHARTS + KEEP_CHARTS / 4; i++) {
        struct keep_key k = key_of(i, 1);

        put(&k, "x", 1);
        if (i % 512 == 0) {
            assert_true(has(&first)); /* its use made another entry the oldest */
            ward_arena_reset(&mem);
        }
    }
    assert_true(keep_count(keep) <= KEEP_CHARTS);
    assert_true(keep_count(keep) > KEEP_CHARTS - KEEP_CHARTS / 20);
    assert_true(has(&first));
    assert_false(has(&(struct keep_key){.id = {1, 2, 3, 0, 0, 0, 0, 0, 1}}));
}

static void long_charts_make_room_for_each_other(void **state)
{
    static uint8_t facts[KEEP_MOST];
    size_t found = 0;

    (void)state;
    for (uint32_t i = 0; i < 8000; i++) {
        struct keep_key k = key_of(i, 1);

        put(&k, facts, sizeof(facts));
    }
    for (uint32_t i = 0; i < 8000; i++) {
        struct keep_key k = key_of(i, 1);

        found += has(&k);
        ward_arena_reset(&mem);
    }
    assert_true(found * KEEP_MOST <= KEEP_BYTES);
    assert_true(found * KEEP_MOST > KEEP_BYTES / 2);
}

/* ---- several threads ---- */

#define ROUNDS 20000

static void *hammer(void *arg)
{
    struct ward_arena own;
    uint32_t seed = (uint32_t)(uintptr_t)arg;

    ward_arena_init(&own, (size_t)1 << 20);
    for (int i = 0; i < ROUNDS; i++) {
        struct keep_key k = key_of((seed = seed * 1664525 + 1013904223) >> 28, 1);
        uint8_t facts[600];
        struct kept out;

        memset(facts, k.id[8], sizeof(facts));
        keep_put(keep, &k, keep_generation(keep, k.id),
                 &(struct kept){.let_in_ns = 1, .read_ns = 1, .facts = facts, .n = 600});
        if (keep_find(keep, &k, &own, &out) && out.facts != NULL)
            for (size_t b = 0; b < out.n; b++)
                if (((const uint8_t *)out.facts)[b] != k.id[8])
                    return "torn";
        if (i % 3 == 0)
            keep_forget(keep, k.id, i % 2 == 0 ? KEEP_ALL : KEEP_FACTS);
        ward_arena_reset(&own);
    }
    ward_arena_done(&own);
    return NULL;
}

static void threads_do_not_tear_what_is_kept(void **state)
{
    pthread_t t[4];

    (void)state;
    for (uintptr_t i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&t[i], NULL, hammer, (void *)(i + 1)), 0);
    for (int i = 0; i < 4; i++) {
        void *how = NULL;

        pthread_join(t[i], &how);
        assert_null(how);
    }
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(what_is_kept_comes_back_whatever_its_length),
        TEST(what_is_too_long_is_not_kept),
        TEST(nobody_is_given_what_was_read_for_another),
        TEST(a_reading_that_began_before_a_change_is_not_kept),
        TEST(facts_are_forgotten_alone_or_with_who_was_let_in),
        TEST(who_is_let_in_again_keeps_the_facts_there_are),
        TEST(the_newest_of_a_patient_is_found_for_nobody),
        TEST(no_more_are_kept_than_there_is_room_for_and_the_oldest_go),
        TEST(long_charts_make_room_for_each_other),
        TEST(threads_do_not_tear_what_is_kept),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
