/* Idempotency keys against a real server. */
#include "tests/integration/it.h"

#include "common/db/outbox.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#define TWINS 8

static struct ward_db *db;
static struct ward_err err;

static int set_up(void **state)
{
    (void)state;
    it_fresh("it_idem");
    db = it_open();
    it_sql(db, "CREATE TABLE acts (id INT AUTO_INCREMENT PRIMARY KEY, who INT) ENGINE=InnoDB");
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    ward_db_close(db);
    return 0;
}

/* A write as a handler does it: look, act, keep. */
struct write {
    struct ward_idem key;
    int who;
    char answer[32];
    bool was_kept, break_off;
};

static enum ward_code act(struct ward_db *on, void *arg, struct ward_err *e)
{
    struct write *w = arg;
    struct ward_arena mem;
    struct ward_val answer;
    enum ward_code code;

    ward_arena_init(&mem, 65536);
    code = ward_idem_find(on, &mem, &w->key, &answer, e);
    w->was_kept = code == WARD_OK && answer.p != NULL;
    if (w->was_kept)
        snprintf(w->answer, sizeof(w->answer), "%.*s", (int)answer.n, answer.p);
    if (code == WARD_OK && !w->was_kept) {
        code = ward_db_run(on, &mem, "INSERT INTO acts (who) VALUES (?)",
                           WARD_PARAMS(ward_int(&mem, w->who)), NULL, e);
        snprintf(w->answer, sizeof(w->answer), "done by %d", w->who);
        if (code == WARD_OK)
            code = ward_idem_keep(on, &w->key, w->answer, strlen(w->answer), e);
    }
    ward_arena_done(&mem);
    if (code == WARD_OK && w->break_off)
        return WARD_FAIL(e, INTERNAL, "broken off");
    return code;
}

static struct write write_of(const char *key, int who)
{
    struct write w = {.key = {.caller = "nurse-1", .method = "/ward.x.v1.X/Do", .key = key},
                      .who = who};

    memset(w.key.request_sha256, 7, sizeof(w.key.request_sha256));
    return w;
}

static int64_t acts(void)
{
    return it_count(db, "SELECT COUNT(*) FROM acts");
}

static int clean(void **state)
{
    (void)state;
    err = (struct ward_err){0};
    it_sql(db, "DELETE FROM acts");
    it_sql(db, "DELETE FROM ward_idempotency");
    return 0;
}

static void the_second_call_gets_the_first_ones_answer(void **state)
{
    struct write one = write_of("k", 1), two = write_of("k", 2);

    (void)state;
    it_expect(ward_db_tx(db, act, &one, &err), WARD_OK, &err);
    it_expect(ward_db_tx(db, act, &two, &err), WARD_OK, &err);
    assert_false(one.was_kept);
    assert_true(two.was_kept);
    assert_string_equal(two.answer, "done by 1");
    assert_int_equal(acts(), 1);
}

static void a_key_belongs_to_its_caller_and_method(void **state)
{
    struct write w[] = {write_of("k", 1), write_of("k", 2), write_of("k", 3), write_of("k", 4)};

    (void)state;
    w[1].key.caller = "nurse-2";
    w[2].key.method = "/ward.x.v1.X/Undo";
    w[3].key.caller = "nurse-1/ward.x.v1.X"; /* the same letters, parted elsewhere */
    w[3].key.method = "/Do";
    for (int i = 0; i < 4; i++)
        it_expect(ward_db_tx(db, act, &w[i], &err), WARD_OK, &err);
    assert_int_equal(acts(), 4);
}

static void a_key_used_for_another_request_is_refused(void **state)
{
    struct write one = write_of("k", 1), two = write_of("k", 2);

    (void)state;
    it_expect(ward_db_tx(db, act, &one, &err), WARD_OK, &err);
    two.key.request_sha256[31] ^= 1;
    it_expect(ward_db_tx(db, act, &two, &err), WARD_FAILED_PRECONDITION, &err);
    assert_string_equal(err.reason, "IDEMPOTENCY_MISMATCH");
    assert_int_equal(acts(), 1);
}

static void without_a_key_every_call_acts(void **state)
{
    struct write one = write_of("", 1);

    (void)state;
    it_expect(ward_db_tx(db, act, &one, &err), WARD_OK, &err);
    it_expect(ward_db_tx(db, act, &one, &err), WARD_OK, &err);
    assert_int_equal(acts(), 2);
}

static void a_call_that_failed_leaves_the_key_free(void **state)
{
    struct write one = write_of("k", 1), two = write_of("k", 2);

    (void)state;
    one.break_off = true;
    it_expect(ward_db_tx(db, act, &one, &err), WARD_INTERNAL, &err);
    it_expect(ward_db_tx(db, act, &two, &err), WARD_OK, &err);
    assert_false(two.was_kept);
    assert_int_equal(acts(), 1);
}

static void a_key_too_long_is_the_callers_fault(void **state)
{
    char key[130] = {0};
    struct write w = write_of(key, 1);

    (void)state;
    memset(key, 'k', 129);
    key[129] = '\0';
    it_expect(ward_db_tx(db, act, &w, &err), WARD_INVALID_ARGUMENT, &err);
    assert_string_equal(err.field, "idempotency_key");
    key[128] = '\0';
    it_expect(ward_db_tx(db, act, &w, &err), WARD_OK, &err);
}

static void *twin(void *arg)
{
    struct write *w = arg;
    struct ward_err e = {0};
    struct ward_db *own = NULL;

    it_expect(ward_db_open(&it_cfg, &own, &e), WARD_OK, &e);
    it_expect(ward_db_tx(own, act, w, &e), w->break_off ? WARD_INTERNAL : WARD_OK, &e);
    ward_db_close(own);
    return NULL;
}

static void twins_act_once_whoever_comes_first(void **state)
{
    (void)state;
    for (int round = 0; round < 10; round++) {
        struct write w[TWINS];
        pthread_t t[TWINS];
        int acted = 0;

        it_sql(db, "DELETE FROM acts");
        it_sql(db, "DELETE FROM ward_idempotency");
        for (int i = 0; i < TWINS; i++) {
            w[i] = write_of("k", i);
            w[i].break_off = round % 2 == 1 && i < 3; /* some fail, and others take over */
            pthread_create(&t[i], NULL, twin, &w[i]);
        }
        for (int i = 0; i < TWINS; i++)
            pthread_join(t[i], NULL);
        assert_int_equal(acts(), 1);
        for (int i = 0; i < TWINS; i++)
            acted += !w[i].was_kept && !w[i].break_off;
        assert_int_equal(acted, 1);
        for (int i = 0; i < TWINS; i++)
            if (!w[i].break_off)
                assert_string_equal(w[i].answer, w[TWINS - 1].answer);
    }
}

static void keys_expire_after_a_day(void **state)
{
    struct write w = write_of("young", 1);

    (void)state;
    it_expect(ward_db_tx(db, act, &w, &err), WARD_OK, &err);
    it_sql(db, "INSERT INTO ward_idempotency (k, request, created_at)"
               " SELECT UNHEX(SHA2(seq, 256)), UNHEX(SHA2('', 256)), NOW(6) - INTERVAL 25 HOUR"
               " FROM seq_1_to_2500");
    it_expect(ward_idem_expire(db, &err), WARD_OK, &err);
    assert_int_equal(it_count(db, "SELECT COUNT(*) FROM ward_idempotency"), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(the_second_call_gets_the_first_ones_answer, clean),
        cmocka_unit_test_setup(a_key_belongs_to_its_caller_and_method, clean),
        cmocka_unit_test_setup(a_key_used_for_another_request_is_refused, clean),
        cmocka_unit_test_setup(without_a_key_every_call_acts, clean),
        cmocka_unit_test_setup(a_call_that_failed_leaves_the_key_free, clean),
        cmocka_unit_test_setup(a_key_too_long_is_the_callers_fault, clean),
        cmocka_unit_test_setup(twins_act_once_whoever_comes_first, clean),
        cmocka_unit_test_setup(keys_expire_after_a_day, clean),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
