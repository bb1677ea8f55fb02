/* Data files: an invalid line stops the start, and the message names the file and the line. */
#include "services/records/text/text_testing.h"

#include <stdlib.h>
#include <unistd.h>

static const char *const files[] = {"sources.tsv", "terms_zh.tsv", "terms_en.tsv", "drugs.tsv",
                                    "cues_zh.tsv", "cues_en.tsv",  "measures.tsv", "units.tsv"};
static const char head[] = "# test\n# source: none\n# licence: none\n# checked: 2026-11-21\n";

/* The content of a valid folder after the header; every file has rows. */
static const char *const sound[] = {
    "ward\tWard\tApache-2.0\there\t2026-11-21\n",
    "发热\tsymptom\t-\ticd10\tR50\tzh\tward\n",
    "fever\tsymptom\t-\ticd10cm\tR50.9\ten\tward\n",
    "aspirin\tdrug\t-\t-\t-\ten\tward\n",
    "zh.1\t无\tassertion\tnegated\tforward\tlist\t-\n",
    "en.1\tno\tassertion\tnegated\tforward\tsentence\t-\n",
    "kind\tbmi\t39156-5\t-\t-\tkg/m2\t-\nname\tbmi\tbmi\t-\t-\t-\t-\n",
    "kg/m2\tkg/m2\t-\n",
};

/* Opens a valid folder, except that `file` contains `text`. text NULL: `file` is missing. */
static enum ward_code open_hashed(const char *file, const char *text, char hash[65],
                                  struct ward_err *err)
{
    char dir[] = "/tmp/ward-text-XXXXXX", path[128];
    struct text_engine *e = NULL;
    enum ward_code code;

    assert_non_null(mkdtemp(dir));
    for (size_t i = 0; i < WARD_COUNT(files); i++) {
        bool this = strcmp(files[i], file) == 0;
        FILE *f;

        if (this && text == NULL)
            continue;
        snprintf(path, sizeof(path), "%s/%s", dir, files[i]);
        f = fopen(path, "we");
        assert_non_null(f);
        if (this && *text == '#')
            fputs(text, f); /* the text has its own header */
        else
            fprintf(f, "%s%s", head, this ? text : sound[i]);
        assert_int_equal(fclose(f), 0);
    }
    code = text_open(&(struct text_config){.data_dir = dir}, &e, err);
    if (code == WARD_OK && hash != NULL) {
        struct text_findings found = {0};

        ward_arena_reset(&text_fix.mem);
        assert_int_equal(text_extract(e, &text_fix.mem, "fever", 5, TEXT_AUTO, &found, NULL),
                         WARD_OK);
        assert_int_equal(found.n, 1);
        snprintf(hash, 65, "%s", found.at[0].maker->sha256);
    }
    text_close(e);
    for (size_t i = 0; i < WARD_COUNT(files); i++) {
        snprintf(path, sizeof(path), "%s/%s", dir, files[i]);
        unlink(path);
    }
    rmdir(dir);
    return code;
}

static enum ward_code open_with(const char *file, const char *text, struct ward_err *err)
{
    return open_hashed(file, text, NULL, err);
}

static void a_sound_folder_opens(void **state)
{
    struct ward_err err = {0};

    (void)state;
    assert_int_equal(open_with("", "", &err), WARD_OK);
}

static void every_file_is_needed(void **state)
{
    struct ward_err err = {0};

    (void)state;
    for (size_t i = 0; i < WARD_COUNT(files); i++) {
        assert_int_equal(open_with(files[i], NULL, &err), WARD_NOT_FOUND);
        assert_non_null(strstr(err.msg, files[i]));
    }
}

static void a_broken_line_is_named(void **state)
{
    static const struct {
        const char *file, *text, *where;
    } broken[] = {
        {"terms_en.tsv", "fever\tsymptom\n",
         "terms_en.tsv:5: the line does not have 7 columns"},
        {"terms_en.tsv", "fever\tsymptom\t-\t-\t-\ten\tward\tmore\n",
         "the line does not have 7 columns"},
        {"terms_en.tsv", "fever\tsign\t-\t-\t-\ten\tward\n", "column 2: unknown word"},
        {"terms_en.tsv", "fever\tsymptom\t-\ticd9\t780\ten\tward\n", "column 4: unknown word"},
        {"terms_en.tsv", "fever\tsymptom\t-\t-\tR50.9\ten\tward\n", "a code needs a system"},
        {"terms_en.tsv", "fever\tsymptom\t-\ticd10\t-\ten\tward\n", "a code needs a system"},
        {"terms_en.tsv", "fever\tsymptom\t-\t-\t-\ten\twhere\n", "not in sources.tsv"},
        {"terms_en.tsv", "fever\tsymptom\t-\t-\t-\ten\tward\n\nx", "terms_en.tsv:6:"},
        {"terms_en.tsv", " fever\tsymptom\t-\t-\t-\ten\tward\n", "empty or padded"},
        {"terms_en.tsv", "-\tsymptom\t-\t-\t-\ten\tward\n", "not 1 to 64 letters"},
        {"terms_en.tsv", "\xff\tsymptom\t-\t-\t-\ten\tward\n", "terms_en.tsv:5: not UTF-8"},
        {"terms_en.tsv",
         "cough\tsymptom\t-\t-\t-\ten\tward\nCOUGH\tsymptom\t-\t-\t-\ten\tward\n",
         "terms_en.tsv:6: the term exists already"},
        {"terms_en.tsv", "# no header\n", "no line '# source: '"},
        {"cues_zh.tsv", "zh.1\t无\tassertion\thistorical\tforward\tlist\t-\n",
         "cues_zh.tsv:5: column 4: not a value of this axis"},
        {"cues_zh.tsv", "zh.1\t无\tassertion\tnegated\tup\tlist\t-\n",
         "column 5: unknown word"},
        {"cues_zh.tsv", "zh.1\t无\tmood\tnegated\tforward\tlist\t-\n",
         "column 3: unknown word"},
        {"cues_zh.tsv", "zh.1\t无\tstop\t-\t-\t-\t-\nzh.1\t没\tstop\t-\t-\t-\t-\n",
         "cues_zh.tsv:6: the id exists already"},
        {"cues_en.tsv", "en.1\tno\tstop\t-\t-\t-\t-\nen.2\tNO\tstop\t-\t-\t-\t-\n",
         "the cue exists already"},
        {"measures.tsv", "name\tbmi\tbmi\t-\t-\t-\t-\n", "no such kind above this line"},
        {"measures.tsv", "kind\tbmi\t-\t-\t-\t-\t-\n", "no units"},
        {"measures.tsv", "kind\tbmi\t-\t-\t-\t%\t-\nbare\tbmi\t%\t9\t1\t-\t-\n", "not a range"},
        {"units.tsv", "kg\tkg\t-\nKG\tkg\t-\n", "units.tsv:6: the unit exists already"},
    };
    struct ward_err err = {0};

    (void)state;
    for (size_t i = 0; i < WARD_COUNT(broken); i++) {
        assert_int_equal(open_with(broken[i].file, broken[i].text, &err),
                         WARD_FAILED_PRECONDITION);
        assert_string_equal(err.reason, "TEXT_DATA");
        if (strstr(err.msg, broken[i].where) == NULL)
            fail_msg("'%s' is not in '%s'", broken[i].where, err.msg);
    }
}

static void another_row_is_another_hash(void **state)
{
    char plain[65], again[65], other[65];

    (void)state;
    assert_int_equal(open_hashed("", "", plain, NULL), WARD_OK);
    assert_int_equal(open_hashed("", "", again, NULL), WARD_OK);
    assert_int_equal(
        open_hashed("drugs.tsv", "heparin\tdrug\t-\t-\t-\ten\tward\n", other, NULL), WARD_OK);
    assert_string_equal(plain, again);
    assert_string_not_equal(plain, other);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_sound_folder_opens),
        cmocka_unit_test(every_file_is_needed),
        cmocka_unit_test(a_broken_line_is_named),
        cmocka_unit_test(another_row_is_another_hash),
    };

    return cmocka_run_group_tests(tests, text_fixture_open, text_fixture_close);
}
