/* Tests the model back end with a plugin that labels one word: tests/text/one_word.c. */
#include "services/records/text/model.h"
#include "services/records/text/text_testing.h"

#include "common/base/clock.h"
#include "common/base/crypto.h"
#include "common/base/text.h"
#include "common/host/host.h"

#include <limits.h>
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

/* build/test/services/... -> build/<folder> */
static const char *built(const char *folder)
{
    static char dir[PATH_MAX];
    ssize_t n = readlink("/proc/self/exe", dir, sizeof(dir) - 32);
    char *test;

    assert_true(n > 0);
    dir[n] = '\0';
    test = strstr(dir, "/test/services/");
    assert_non_null(test);
    snprintf(test, 32, "%s", folder);
    return dir;
}

static const char *plugins(void)
{
    return built("/tests/text");
}

struct model {
    char dir[64], card[96], weights[96];
};

static void put(const char *path, const char *text)
{
    FILE *f = fopen(path, "we");

    assert_non_null(f);
    fputs(text, f);
    assert_int_equal(fclose(f), 0);
}

/* Creates a folder with a model for `word`. `%s` in the card's text is replaced by the weights'
 * sha256. */
static void make(struct model *m, const char *word, const char *card)
{
    uint8_t sha[WARD_SHA256_SIZE];
    char hex[65], text[2048];

    snprintf(m->dir, sizeof(m->dir), "/tmp/ward-model-XXXXXX");
    assert_non_null(mkdtemp(m->dir));
    snprintf(m->card, sizeof(m->card), "%s/card.tsv", m->dir);
    snprintf(m->weights, sizeof(m->weights), "%s/word.txt", m->dir);
    ward_sha256(word, strlen(word), sha);
    ward_hex(sha, sizeof(sha), hex);
    snprintf(text, sizeof(text),
             "# test\n# source: none\n# licence: none\n# checked: never\n%s"
             "sha256\t%s\t-\n",
             card, hex);
    put(m->card, text);
    put(m->weights, word);
}

static void clear(const struct model *m)
{
    unlink(m->card);
    unlink(m->weights);
    rmdir(m->dir);
}

static const char card[] = "name\tone_word\t-\nversion\t7\t-\nweights\tword.txt\t-\n"
                           "language\tzh\t-\ninput\tcode_points\t-\noutput\tlabels\t-\n"
                           "window\t16\t-\nlabel\tO\t-\nlabel\tB_symptom\t-\n"
                           "label\tI_symptom\t-\nknown\t他眼皮跳\tsymptom:1-4\n";

static enum ward_code open_model(const struct model *m, struct text_backend **b,
                                 struct ward_err *err)
{
    return text_model_open(
        &(struct text_model_config){.dir = m->dir, .plugins = plugins(), .plugin = "one_word"},
        b, err);
}

static enum ward_code open_once(const char *word, const char *text, struct ward_err *err)
{
    struct text_backend *b = NULL;
    struct model m = {0};
    enum ward_code code;

    make(&m, word, text);
    code = open_model(&m, &b, err);
    text_model_close(b);
    clear(&m);
    return code;
}

static void a_model_finds_what_no_dictionary_has_and_rules_judge_it(void **state)
{
    const char *note = "无眼皮跳，头痛3天。既往有眼皮跳，体温38.5℃。No fever.";
    struct text_backend *b = NULL;
    struct text_engine *e = NULL;
    struct text_findings found = {0};
    struct ward_err err = {0};
    struct model m = {0};

    (void)state;
    make(&m, "眼皮跳", card);
    if (open_model(&m, &b, &err) != WARD_OK)
        fail_msg("%s", err.msg);
    assert_int_equal(
        text_open(&(struct text_config){.data_dir = TEXT_TEST_DATA, .backend = b}, &e, &err),
        WARD_OK);
    ward_arena_reset(&text_fix.mem);
    assert_int_equal(
        text_extract(e, &text_fix.mem, note, strlen(note), TEXT_AUTO, &found, &err), WARD_OK);
    assert_int_equal(found.n, 4); /* the model omits the headache */
    assert_string_equal(found.at[0].name, "眼皮跳");
    assert_string_equal(found.at[0].maker->name, "one_word");
    assert_string_equal(found.at[0].maker->version, "7");
    assert_int_equal(strlen(found.at[0].maker->sha256), 64);
    assert_int_equal(found.at[0].assertion, TEXT_NEGATED);
    assert_int_equal(found.at[1].assertion, TEXT_AFFIRMED);
    assert_int_equal(found.at[1].temporality, TEXT_HISTORICAL);
    assert_int_equal(found.at[2].kind, TEXT_MEASUREMENT);
    assert_string_equal(found.at[2].maker->name, "rules");
    /* a sentence that the model does not read */
    assert_string_equal(found.at[3].maker->name, "rules");
    assert_string_equal(found.at[3].code, "R50.9");
    text_close(e);
    text_model_close(b);
    clear(&m);
}

static void a_word_the_dictionary_knows_has_its_code(void **state)
{
    static const char known[] = "name\tone_word\t-\nversion\t7\t-\nweights\tword.txt\t-\n"
                                "language\tauto\t-\ninput\tcode_points\t-\noutput\tlabels\t-\n"
                                "window\t16\t-\nlabel\tO\t-\nlabel\tB_symptom\t-\n"
                                "label\tI_symptom\t-\nknown\t头痛\tsymptom:0-2\n";
    const char *note = "头痛";
    struct text_backend *b = NULL;
    struct text_engine *e = NULL;
    struct text_findings found = {0};
    struct model m = {0};

    (void)state;
    make(&m, "头痛", known);
    assert_int_equal(open_model(&m, &b, NULL), WARD_OK);
    assert_int_equal(
        text_open(&(struct text_config){.data_dir = TEXT_TEST_DATA, .backend = b}, &e, NULL),
        WARD_OK);
    ward_arena_reset(&text_fix.mem);
    assert_int_equal(
        text_extract(e, &text_fix.mem, note, strlen(note), TEXT_AUTO, &found, NULL), WARD_OK);
    assert_int_equal(found.n, 1);
    assert_string_equal(found.at[0].code, "R51");
    assert_string_equal(found.at[0].maker->name, "one_word");
    text_close(e);
    text_model_close(b);
    clear(&m);
}

/* Finds the source of the headache finding in a note with a headache and the model's word; "":
 * no such finding. */
static void finder_of_headache(const char *more, char out[32])
{
    const char *note = "有眼皮跳，头痛。";
    char text[1024];
    struct text_backend *b = NULL;
    struct text_engine *e = NULL;
    struct text_findings found = {0};
    struct model m = {0};

    snprintf(text, sizeof(text), "%s%s", card, more);
    make(&m, "眼皮跳", text);
    assert_int_equal(open_model(&m, &b, NULL), WARD_OK);
    assert_int_equal(
        text_open(&(struct text_config){.data_dir = TEXT_TEST_DATA, .backend = b}, &e, NULL),
        WARD_OK);
    ward_arena_reset(&text_fix.mem);
    assert_int_equal(
        text_extract(e, &text_fix.mem, note, strlen(note), TEXT_AUTO, &found, NULL), WARD_OK);
    assert_string_equal(found.at[0].maker->name, "one_word");
    snprintf(out, 32, "%s", found.n > 1 ? found.at[1].maker->name : "");
    text_close(e);
    text_model_close(b);
    clear(&m);
}

static void a_model_may_be_told_and_filled_by_the_dictionary(void **state)
{
    char who[32];

    (void)state;
    finder_of_headache("", who);
    assert_string_equal(who, "");
    finder_of_headache("fill\tyes\t-\n", who);
    assert_string_equal(who, "rules");
    finder_of_headache("terms\tterms\t-\n", who);
    assert_string_equal(who, "one_word");
    finder_of_headache("terms\tterms\t-\nfill\tyes\t-\n", who);
    assert_string_equal(who, "one_word");
}

struct reader {
    const struct text_engine *engine;
    int right;
};

static void *read_often(void *arg)
{
    const char *note = "无眼皮跳，头痛3天。体温38.5℃。No fever.";
    struct reader *r = arg;
    struct ward_arena mem;

    ward_arena_init(&mem, 1 << 20);
    for (int i = 0; i < 200; i++) {
        struct text_findings found = {0};

        ward_arena_reset(&mem);
        if (text_extract(r->engine, &mem, note, strlen(note), TEXT_AUTO, &found, NULL) ==
                WARD_OK &&
            found.n == 3 && found.at[0].assertion == TEXT_NEGATED)
            r->right++;
    }
    ward_arena_done(&mem);
    return NULL;
}

static void threads_share_an_engine_and_its_model(void **state)
{
    struct reader readers[4] = {0};
    pthread_t threads[4];
    struct text_backend *b = NULL;
    struct text_engine *e = NULL;
    struct model m = {0};

    (void)state;
    make(&m, "眼皮跳", card);
    assert_int_equal(open_model(&m, &b, NULL), WARD_OK);
    assert_int_equal(
        text_open(&(struct text_config){.data_dir = TEXT_TEST_DATA, .backend = b}, &e, NULL),
        WARD_OK);
    for (int i = 0; i < 4; i++) {
        readers[i].engine = e;
        assert_int_equal(pthread_create(&threads[i], NULL, read_often, &readers[i]), 0);
    }
    for (int i = 0; i < 4; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
        assert_int_equal(readers[i].right, 200);
    }
    text_close(e);
    text_model_close(b);
    clear(&m);
}

static void a_text_longer_than_the_window_is_read_in_pieces(void **state)
{
    char note[4096] = "";
    struct text_backend *b = NULL;
    struct text_engine *e = NULL;
    struct text_findings found = {0};
    struct model m = {0};

    (void)state;
    for (int i = 0; i < 100; i++)
        strncat(note, "患者有眼皮跳，", sizeof(note) - strlen(note) - 1);
    make(&m, "眼皮跳", card);
    assert_int_equal(open_model(&m, &b, NULL), WARD_OK);
    assert_int_equal(
        text_open(&(struct text_config){.data_dir = TEXT_TEST_DATA, .backend = b}, &e, NULL),
        WARD_OK);
    ward_arena_reset(&text_fix.mem);
    assert_int_equal(
        text_extract(e, &text_fix.mem, note, strlen(note), TEXT_AUTO, &found, NULL), WARD_OK);
    assert_int_equal(found.n, 100);
    text_close(e);
    text_model_close(b);
    clear(&m);
}

/* Checks the error of an unusable device, whose detail has the reason. */
static void not_ready(enum ward_code code, struct ward_err *err, const char *why)
{
    assert_int_equal(code, WARD_UNAVAILABLE);
    assert_string_equal(err->reason, "DEVICE_NOT_READY");
    if (strstr(err->detail, why) == NULL)
        fail_msg("'%s' is not in '%s'", why, err->detail);
    *err = (struct ward_err){0};
}

static void a_model_that_is_not_its_card_s_does_not_start(void **state)
{
    struct ward_err err = {0};
    struct model m = {0};
    struct text_backend *b = NULL;

    (void)state;
    not_ready(open_once("眼皮", card, &err), &err, "differ from card.tsv");
    make(&m, "眼皮跳", card);
    put(m.weights, "other");
    not_ready(open_model(&m, &b, &err), &err, "is not the expected one");
    clear(&m);
    not_ready(open_once("!shape", card, &err), &err, "does not match its card");
    not_ready(open_once("!nan", card, &err), &err, "not a number");
    not_ready(open_once("!inside", card, &err), &err, "differ from card.tsv");
}

static bool given_up(const void *arg)
{
    (void)arg;
    return true;
}

static void a_call_that_is_late_or_was_given_up_is_not_read_on(void **state)
{
    const char *note = "患者有眼皮跳。";
    const struct ward_stop late = {.deadline_ns = 1},
                           gone = {.deadline_ns = WARD_NO_DEADLINE, .gone = given_up};
    struct text_findings found = {0};
    struct text_backend *b = NULL;
    struct text_engine *e = NULL;
    struct model m = {0};

    (void)state;
    make(&m, "眼皮跳", card);
    assert_int_equal(open_model(&m, &b, NULL), WARD_OK);
    assert_int_equal(
        text_open(&(struct text_config){.data_dir = TEXT_TEST_DATA, .backend = b}, &e, NULL),
        WARD_OK);
    ward_arena_reset(&text_fix.mem);
    assert_int_equal(text_extract_until(e, &text_fix.mem, &late, note, strlen(note), TEXT_AUTO,
                                        &found, NULL),
                     WARD_DEADLINE_EXCEEDED);
    assert_int_equal(text_extract_until(e, &text_fix.mem, &gone, note, strlen(note), TEXT_AUTO,
                                        &found, NULL),
                     WARD_CANCELLED);
    text_close(e);
    text_model_close(b);
    clear(&m);
}

static void a_broken_card_is_named(void **state)
{
    static const struct {
        const char *text, *where;
    } broken[] = {
        {"name\tx\t-\n", "a key is missing"},
        {"colour\tblue\t-\n", "card.tsv:5: the key is unknown or occurs too often"},
        {"label\tB_mood\t-\n", "card.tsv:5: a label must be O, B_kind or I_kind"},
        {"window\t1\t-\n", "card.tsv:5: a window"},
        {"language\tfr\t-\n", "card.tsv:5: column 2: unknown word"},
        {"name\tx\n", "card.tsv:5: the line does not have 3 columns"},
    };
    struct ward_err err = {0};

    (void)state;
    for (size_t i = 0; i < WARD_COUNT(broken); i++) {
        assert_int_equal(open_once("眼皮跳", broken[i].text, &err), WARD_FAILED_PRECONDITION);
        assert_string_equal(err.reason, "TEXT_DATA");
        if (strstr(err.msg, broken[i].where) == NULL)
            fail_msg("'%s' is not in '%s'", broken[i].where, err.msg);
    }
}

static void the_model_that_is_shipped_reads_a_note(void **state)
{
    const char *note = "术后病理示溃疡型管状腺癌,无发热。";
    struct text_backend *b = NULL;
    struct text_engine *e = NULL;
    struct text_findings found = {0};
    struct ward_err err = {0};

    (void)state;
    if (text_model_open(&(struct text_model_config){.dir = "models/text_zh/1",
                                                    .plugins = built("/plugins"),
                                                    .plugin = "cpu"},
                        &b, &err) != WARD_OK)
        fail_msg("%s", err.msg);
    assert_int_equal(
        text_open(&(struct text_config){.data_dir = TEXT_TEST_DATA, .backend = b}, &e, NULL),
        WARD_OK);
    ward_arena_reset(&text_fix.mem);
    assert_int_equal(
        text_extract(e, &text_fix.mem, note, strlen(note), TEXT_AUTO, &found, NULL), WARD_OK);
    assert_int_equal(found.n, 2);
    assert_string_equal(found.at[0].maker->name, "text_zh");
    assert_int_equal(found.at[0].kind, TEXT_DISEASE);
    assert_string_equal(found.at[1].code, "R50");
    assert_int_equal(found.at[1].assertion, TEXT_NEGATED);
    text_close(e);
    text_model_close(b);
}

/* The model marks "无尿痛" as a symptom, and "霍奇金氏淋巴瘤" within the longer name. */
static void
a_denial_is_part_of_a_model_s_finding_only_where_the_dictionary_says_so(void **state)
{
    static const struct {
        const char *note, *words, *code;
        enum text_assertion assertion;
    } rows[] = {
        {"无尿痛、肉眼血尿。", "尿痛", "R30", TEXT_NEGATED},
        {"非霍奇金氏淋巴瘤。", "非霍奇金氏淋巴瘤", "C85", TEXT_AFFIRMED},
    };
    struct text_backend *b = NULL;
    struct text_engine *e = NULL;

    (void)state;
    assert_int_equal(text_model_open(&(struct text_model_config){.dir = "models/text_zh/1",
                                                                 .plugins = built("/plugins"),
                                                                 .plugin = "cpu"},
                                     &b, NULL),
                     WARD_OK);
    assert_int_equal(
        text_open(&(struct text_config){.data_dir = TEXT_TEST_DATA, .backend = b}, &e, NULL),
        WARD_OK);
    for (size_t i = 0; i < WARD_COUNT(rows); i++) {
        const char *note = rows[i].note;
        struct text_findings found = {0};
        const struct text_finding *f;

        ward_arena_reset(&text_fix.mem);
        assert_int_equal(
            text_extract(e, &text_fix.mem, note, strlen(note), TEXT_AUTO, &found, NULL),
            WARD_OK);
        f = text_at(&found, note, rows[i].words);
        assert_string_equal(f->code, rows[i].code);
        assert_int_equal(f->assertion, rows[i].assertion);
    }
    text_close(e);
    text_model_close(b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_model_finds_what_no_dictionary_has_and_rules_judge_it),
        cmocka_unit_test(a_word_the_dictionary_knows_has_its_code),
        cmocka_unit_test(a_model_may_be_told_and_filled_by_the_dictionary),
        cmocka_unit_test(threads_share_an_engine_and_its_model),
        cmocka_unit_test(a_text_longer_than_the_window_is_read_in_pieces),
        cmocka_unit_test(a_model_that_is_not_its_card_s_does_not_start),
        cmocka_unit_test(a_call_that_is_late_or_was_given_up_is_not_read_on),
        cmocka_unit_test(a_broken_card_is_named),
        cmocka_unit_test(the_model_that_is_shipped_reads_a_note),
        cmocka_unit_test(
            a_denial_is_part_of_a_model_s_finding_only_where_the_dictionary_says_so),
    };

    return cmocka_run_group_tests(tests, text_fixture_open, text_fixture_close);
}
