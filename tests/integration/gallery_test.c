/* The galleries beside a real database: loaded, followed, changes missed. Faces are random
 * vectors, made here. What the gRPC API promises is in tests/contract/identity. */
#include "tests/integration/gallery_it.h"

static void who_was_there_before_the_start_is_found(void **state)
{
    struct person people[700];

    (void)state;
    for (int i = 0; i < 700; i++) {
        people[i] = someone(i % 10 == 0 ? SUBJECT_STAFF : SUBJECT_PATIENT);
        put(&people[i]);
    }
    g = open_with("", "", "");
    wait_ready(g);
    for (int i = 0; i < 700; i += 7) {
        assert_true(finds(g, "all", &people[i]));
        assert_true(
            finds(g, people[i].kind == SUBJECT_STAFF ? "staff" : "patients", &people[i]));
        assert_false(
            finds(g, people[i].kind == SUBJECT_STAFF ? "patients" : "staff", &people[i]));
    }
    assert_int_equal(state_of(g).subjects[1], 630);
    assert_int_equal(state_of(g).subjects[2], 70);
}

static void what_one_replica_commits_the_other_finds(void **state)
{
    struct person p = someone(SUBJECT_PATIENT), q = someone(SUBJECT_STAFF);

    (void)state;
    g = open_with("", hint, "");
    other = open_with("", "", hint);
    wait_ready(g);
    wait_ready(other);
    assert_false(finds(other, "all", &p));
    enrol(&p);
    wait_finds(g, "patients", &p, true);
    wait_finds(other, "patients", &p, true);
    enrol(&q);
    wait_finds(other, "staff", &q, true);
    erase(&p);
    wait_finds(g, "all", &p, false);
    wait_finds(other, "all", &p, false);
    assert_true(finds(other, "all", &q));
}

static void without_hints_the_database_is_looked_at_anyway(void **state)
{
    struct person p = someone(SUBJECT_PATIENT);

    (void)state;
    g = open_with("", "", "");
    other = open_with("", "", "");
    wait_ready(other);
    enrol(&p);
    wait_finds(other, "patients", &p, true);
}

static void who_takes_back_the_consent_to_search_is_not_found(void **state)
{
    struct person p = someone(SUBJECT_PATIENT), never = someone(SUBJECT_PATIENT);
    uint8_t key[WARD_KEY_SIZE];

    (void)state;
    g = open_with("", "", "");
    wait_ready(g);
    add_subject(&never, key); /* consents to being verified, not to being searched for */
    add_template(&never, key, MODEL, never.face, DIM);
    consent(&never, PURPOSE_VERIFY);
    tell(&never);
    enrol(&p);
    wait_finds(g, "patients", &p, true);
    assert_false(finds(g, "patients", &never));
    run("UPDATE consent_entry SET withdrawn_at_us = 5 WHERE subject_id = ?",
        WARD_PARAMS(id_of(p.id)));
    tell(&p);
    wait_finds(g, "patients", &p, false);
    consent(&p, PURPOSE_SEARCH);
    tell(&p);
    wait_finds(g, "patients", &p, true);
}

static void a_subjects_templates_are_searched_as_one(void **state)
{
    struct person p = someone(SUBJECT_PATIENT);
    struct gallery_found f = {.n = 0};
    float a[DIM], b[DIM], mean[DIM];
    uint8_t key[WARD_KEY_SIZE];

    (void)state;
    test_vector(&dice, p.face, 0.8f, a, DIM);
    test_vector(&dice, p.face, 0.8f, b, DIM);
    for (int i = 0; i < DIM; i++)
        mean[i] = a[i] + b[i];
    test_unit(mean, DIM);
    add_subject(&p, key);
    add_template(&p, key, MODEL, a, DIM);
    add_template(&p, key, MODEL, b, DIM);
    consent(&p, PURPOSE_SEARCH);
    g = open_with("", "", "");
    wait_ready(g);
    it_expect(search(g, "patients", mean, &f), WARD_OK, &err);
    assert_int_equal(f.n, 1);
    assert_int_equal(f.size, 1);
    assert_float_equal(f.hit[0].score, 1.0, 1e-5);
}

static void the_former_models_faces_are_in_a_space_of_their_own(void **state)
{
    struct person p = someone(SUBJECT_PATIENT), both = someone(SUBJECT_PATIENT);
    struct gallery_found f = {.n = 0};
    float small[128];
    uint8_t key[WARD_KEY_SIZE];

    (void)state;
    test_vector(&dice, NULL, 0, small, 128);
    add_subject(&p, key);
    add_template(&p, key, FORMER, small, 128);
    consent(&p, PURPOSE_SEARCH);
    add_subject(&both, key);
    add_template(&both, key, FORMER, small, 128);
    add_template(&both, key, MODEL, both.face, DIM);
    consent(&both, PURPOSE_SEARCH);
    g = open_with("", "", "");
    wait_ready(g);
    assert_int_equal(gallery_rows(g, 0), 1);
    assert_int_equal(gallery_rows(g, 1), 1);
    assert_true(finds(g, "patients", &both));
    it_expect(gallery_search(g, db, "patients", 1, small, 5, NULL, NULL, &mem, &f, &err),
              WARD_OK, &err);
    assert_int_equal(f.n, 1); /* who has a template of the model in use is not there twice */
    assert_memory_equal(f.hit[0].subject_id, p.id, KEYS_ID);
}

static void one_that_cannot_be_read_keeps_nobody_out(void **state)
{
    struct person bad = someone(SUBJECT_PATIENT), good = someone(SUBJECT_PATIENT);

    (void)state;
    put(&bad);
    put(&good);
    run("UPDATE template SET sealed = CONCAT(LEFT(sealed, 100), 'x', SUBSTRING(sealed, 102))"
        " WHERE subject_id = ?",
        WARD_PARAMS(id_of(bad.id)));
    g = open_with("", "", "");
    wait_ready(g);
    assert_true(finds(g, "all", &good));
    assert_false(finds(g, "all", &bad));
}

static void a_ward_is_searched_alone(void **state)
{
    struct person in = someone(SUBJECT_PATIENT), out = someone(SUBJECT_PATIENT);
    struct gallery_found f = {.n = 0};

    (void)state;
    put(&out);
    put(&in);
    join(&in, "ward/3a");
    g = open_with("", "", "");
    wait_level(g);
    assert_true(finds(g, "ward/3a", &in));
    assert_false(finds(g, "ward/3a", &out));
    it_expect(search(g, "ward/3a", in.face, &f), WARD_OK, &err);
    assert_int_equal(f.size, 1);
    it_expect(search(g, "ward/3b", in.face, &f), WARD_NOT_FOUND, &err);
    assert_string_equal(err.reason, "GALLERY_NOT_FOUND");
    join(&out, "ward/3a");
    wait_finds(g, "ward/3a", &out, true);
    run("DELETE FROM gallery_member WHERE subject_id = ?", WARD_PARAMS(id_of(out.id)));
    tell(&out);
    wait_finds(g, "ward/3a", &out, false);
    erase(&in);
    wait_level(g);
    it_expect(search(g, "ward/3a", in.face, &f), WARD_NOT_FOUND, &err);
    assert_true(finds(g, "all", &out));
}

static void changes_that_were_missed_mean_reading_everything_again(void **state)
{
    struct person stays = someone(SUBJECT_PATIENT), goes = someone(SUBJECT_PATIENT),
                  comes = someone(SUBJECT_PATIENT), last = someone(SUBJECT_PATIENT);

    (void)state;
    put(&stays);
    put(&goes);
    g = open_with("", "", "");
    wait_ready(g);
    /* Two changes that are in no log any more. */
    put(&comes);
    run("DELETE FROM template WHERE subject_id = ?", WARD_PARAMS(id_of(goes.id)));
    it_sql(db, "UPDATE gallery_head SET seq = seq + 2");
    enrol(&last);
    wait_finds(g, "all", &last, true);
    wait_level(g);
    assert_true(finds(g, "all", &stays));
    assert_true(finds(g, "all", &comes));
    assert_false(finds(g, "all", &goes));
}

static void an_older_copy_of_the_database_is_read_whole(void **state)
{
    struct person before = someone(SUBJECT_PATIENT), after = someone(SUBJECT_PATIENT);

    (void)state;
    enrol(&before);
    enrol(&after);
    g = open_with("", "", "");
    wait_level(g);
    assert_true(finds(g, "all", &after));
    run("DELETE FROM template WHERE subject_id = ?", WARD_PARAMS(id_of(after.id)));
    it_sql(db, "DELETE FROM gallery_change WHERE seq = (SELECT seq FROM gallery_head)");
    it_sql(db, "UPDATE gallery_head SET seq = seq - 1");
    wait_finds(g, "all", &after, false);
    assert_true(finds(g, "all", &before));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(who_was_there_before_the_start_is_found),
        TEST(what_one_replica_commits_the_other_finds),
        TEST(without_hints_the_database_is_looked_at_anyway),
        TEST(who_takes_back_the_consent_to_search_is_not_found),
        TEST(a_subjects_templates_are_searched_as_one),
        TEST(the_former_models_faces_are_in_a_space_of_their_own),
        TEST(one_that_cannot_be_read_keeps_nobody_out),
        TEST(a_ward_is_searched_alone),
        TEST(changes_that_were_missed_mean_reading_everything_again),
        TEST(an_older_copy_of_the_database_is_read_whole),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
