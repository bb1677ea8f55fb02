/* Short notes with common denials and stopped drugs, and the answers that a clinician expects.
 * The answers were written before the program read the notes. The notes are invented. */
#include "services/records/text/text_testing.h"

#include <stdlib.h>

#define NOTES "services/records/text/denial_notes.tsv" /* the file documents its columns */

/* Returns the finding that covers any of the n bytes at `at`. */
static const struct text_finding *over(const struct text_findings *found, uint32_t at,
                                       uint32_t n)
{
    for (size_t i = 0; i < found->n; i++)
        if (found->at[i].span.start < at + n && at < found->at[i].span.end)
            return &found->at[i];
    return NULL;
}

/* Checks the expected findings of a note. If a finding differs, prints a line on standard error
 * and returns false. */
static bool check(const char *note, const char *said)
{
    static const char *const when[] = {"", "H", "S"};
    struct text_findings found = text_of(note);
    bool right = true;

    for (const char *s = said; *s != '\0';) {
        const char *colon = strchr(s, ':'), *bar = strchr(s, '|');
        const size_t n = bar ? (size_t)(bar - colon) - 1 : strlen(colon + 1);
        const struct text_finding *f = NULL;
        char word[64], got[4] = "-";
        const char *at;

        snprintf(word, sizeof(word), "%.*s", (int)(colon - s), s);
        at = strstr(note, word);
        assert_non_null(at);
        f = over(&found, (uint32_t)(at - note), (uint32_t)strlen(word));
        if (f != NULL)
            snprintf(got, sizeof(got), "%c%s%s", "ANU"[f->assertion], when[f->temporality],
                     f -> experiencer == TEXT_FAMILY ? "F" : "");
        if (strlen(got) != n || strncmp(got, colon + 1, n) != 0) {
            print_error("%s\n   %s is %s, not %.*s\n", note, word, got, (int)n, colon + 1);
            right = false;
        }
        s = bar ? bar + 1 : "";
    }
    return right;
}

static void each_note_is_read_as_a_clinician_reads_it(void **state)
{
    FILE *f = fopen(NOTES, "re");
    char line[1024];
    size_t wrong = 0, n = 0;

    (void)state;
    assert_non_null(f);
    while (fgets(line, sizeof(line), f) != NULL) {
        char *tab = strchr(line, '\t');

        if (*line == '#' || tab == NULL)
            continue;
        *tab++ = '\0';
        tab[strcspn(tab, "\n")] = '\0';
        wrong += !check(line, tab);
        n++;
    }
    fclose(f);
    assert_true(n > 400); /* the file was read */
    assert_int_equal(wrong, 0);
}

static void the_cue_of_a_drug_that_was_stopped_is_told(void **state)
{
    const char *note = "阿司匹林已停用，咳嗽。";
    struct text_findings found = text_of(note);
    const struct text_finding *f = text_at(&found, note, "阿司匹林");

    (void)state;
    assert_string_equal(f->why_temporality.id, "zh.stopped.已停用");
    assert_int_equal(f->why_temporality.cue.start, strlen("阿司匹林"));
    assert_int_equal(f->why_temporality.scope.end, strlen("阿司匹林"));
    assert_string_equal(text_temporality_name(f->temporality), "STOPPED");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_note_is_read_as_a_clinician_reads_it),
        cmocka_unit_test(the_cue_of_a_drug_that_was_stopped_is_told),
    };

    return cmocka_run_group_tests(tests, text_fixture_open, text_fixture_close);
}
