/* Searches while other threads add and remove rows. Every search must find the rows that stay,
 * and each score must belong to its row. */
#include "common/scan/gallery_testing.h"

#include <pthread.h>
#include <stdatomic.h>

#define DIM       64
#define STAY      6000
#define COME      3000 /* number of places for temporary rows */
#define CHANGES   12000
#define SEARCHERS 3

struct world {
    struct scan_set *set;
    float stay[STAY][DIM];
    pthread_mutex_t lock; /* guards `store`, like a service's own lock */
    struct {
        bool here;
        float x[DIM];
    } store[STAY + COME];
    atomic_bool done;
    atomic_int searches, wrong;
};

static struct world world;

static void code_of(const float *x, int8_t *codes, struct scan_code *code)
{
    if (ward_scan_quantise(x, DIM, codes, code, NULL) != WARD_OK)
        atomic_fetch_add(&world.wrong, 1);
}

static enum ward_code from_store(void *arg, uint32_t row, float *out, struct ward_err *err)
{
    struct world *w = arg;
    bool here;

    pthread_mutex_lock(&w->lock);
    here = w->store[row].here;
    memcpy(out, w->store[row].x, sizeof(w->store[row].x));
    pthread_mutex_unlock(&w->lock);
    return here ? WARD_OK : WARD_FAIL(err, NOT_FOUND, "gone");
}

static void put(struct world *w, const float *x)
{
    int8_t codes[DIM];
    struct scan_code code;
    uint32_t row;

    code_of(x, codes, &code);
    pthread_mutex_lock(&w->lock); /* so that the row and its vector appear together */
    if (ward_scan_add(w->set, codes, &code, &row, NULL) != WARD_OK || row >= STAY + COME ||
        w->store[row].here)
        atomic_fetch_add(&w->wrong, 1);
    else {
        w->store[row].here = true;
        memcpy(w->store[row].x, x, sizeof(w->store[row].x));
    }
    pthread_mutex_unlock(&w->lock);
}

static void *change(void *arg)
{
    struct world *w = arg;
    uint64_t seed = 77;
    float x[DIM];

    for (int i = 0; i < CHANGES; i++) {
        uint32_t row = STAY + (uint32_t)(test_random(&seed) % COME);
        bool here;

        pthread_mutex_lock(&w->lock);
        here = w->store[row].here;
        w->store[row].here = false;
        pthread_mutex_unlock(&w->lock);
        if (here)
            ward_scan_remove(w->set, row);
        if (ward_scan_live(w->set) <
            STAY + COME - 50) { /* often nearer to a query than any permanent row */
            test_vector(&seed, w->stay[test_random(&seed) % STAY], 0.1f, x, DIM);
            put(w, x);
        }
    }
    atomic_store(&w->done, true);
    return NULL;
}

/* Checks that each permanent row above the last hit is a hit with exactly its score. */
static bool right(const struct world *w, const float *q, const struct scan_hit *hits, int n)
{
    for (uint32_t row = 0; row < STAY; row++) {
        double score = test_dot(q, w->stay[row], DIM);
        bool is_hit = false;

        for (int i = 0; i < n; i++)
            is_hit |= hits[i].row == row && hits[i].score == score;
        if (!is_hit && score > hits[n - 1].score)
            return false;
    }
    return true;
}

static void *look(void *arg)
{
    struct world *w = &world;
    uint64_t seed = (uint64_t)(uintptr_t)arg;
    struct ward_arena mem;
    float q[DIM];
    struct ward_scan_search what = {
        .query = q, .k = 5, .min = -1, .exact = from_store, .arg = &world};

    ward_arena_init(&mem, (size_t)1 << 20);
    while (!atomic_load(&w->done)) {
        struct scan_hit hits[5];
        int n = 0;

        test_vector(&seed, w->stay[test_random(&seed) % STAY], 0.2f, q, DIM);
        if (ward_scan_search(w->set, &what, &mem, hits, &n, NULL, NULL) != WARD_OK || n != 5 ||
            !right(w, q, hits, n))
            atomic_fetch_add(&w->wrong, 1);
        atomic_fetch_add(&w->searches, 1);
        ward_arena_reset(&mem);
    }
    ward_arena_done(&mem);
    return NULL;
}

static void searches_are_right_while_rows_come_and_go(void **state)
{
    struct world *w = &world;
    struct scan_pool *pool;
    pthread_t changer, searchers[SEARCHERS];
    uint64_t seed = 5;
    float x[DIM];

    (void)state;
    assert_int_equal(ward_scan_pool_open(2, &pool, NULL), WARD_OK);
    assert_int_equal(ward_scan_set_open(DIM, pool, &w->set, NULL), WARD_OK);
    pthread_mutex_init(&w->lock, NULL);
    for (int i = 0; i < STAY; i++) {
        test_vector(&seed, NULL, 0, w->stay[i], DIM);
        put(w, w->stay[i]);
    }
    for (int i = 0; i < COME; i++) {
        test_vector(&seed, w->stay[i], 0.1f, x, DIM);
        put(w, x);
    }
    for (uintptr_t i = 0; i < SEARCHERS; i++)
        assert_int_equal(pthread_create(&searchers[i], NULL, look, (void *)(i + 1)), 0);
    assert_int_equal(pthread_create(&changer, NULL, change, w), 0);
    pthread_join(changer, NULL); /* ends, because continuous searches do not block changes */
    for (int i = 0; i < SEARCHERS; i++)
        pthread_join(searchers[i], NULL);
    assert_int_equal(atomic_load(&w->wrong), 0);
    assert_true(atomic_load(&w->searches) >= SEARCHERS);
    ward_scan_set_close(w->set);
    ward_scan_pool_close(pool);
    pthread_mutex_destroy(&w->lock);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(searches_are_right_while_rows_come_and_go),
    };

    return cmocka_run_group_tests_name("scan threads", tests, NULL, NULL);
}
