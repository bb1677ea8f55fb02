/* text_testing.h - for the tests of the extraction: an engine with the committed dictionaries,
 * opened once, and functions that find findings. */
#ifndef RECORDS_TEXT_TEXT_TESTING_H
#define RECORDS_TEXT_TEXT_TESTING_H

#include "services/records/text/text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define TEXT_TEST_DATA "services/records/text/data"

struct text_fixture {
    struct text_engine *engine;
    struct ward_arena mem;
};

static struct text_fixture text_fix;

static inline int text_fixture_open(void **state)
{
    struct ward_err err = {0};

    *state = &text_fix;
    ward_arena_init(&text_fix.mem, (size_t)256 << 20);
    if (text_open(&(struct text_config){.data_dir = TEXT_TEST_DATA}, &text_fix.engine, &err) !=
        WARD_OK) {
        print_error("%s\n", err.msg);
        return 1;
    }
    return 0;
}

static inline int text_fixture_close(void **state)
{
    (void)state;
    text_close(text_fix.engine);
    ward_arena_done(&text_fix.mem);
    return 0;
}

/* Returns the findings of a sentence. */
static inline struct text_findings text_of(const char *note)
{
    struct text_findings found = {0};
    struct ward_err err = {0};

    ward_arena_reset(&text_fix.mem);
    if (text_extract(text_fix.engine, &text_fix.mem, note, strlen(note), TEXT_AUTO, &found,
                     &err) != WARD_OK)
        fail_msg("%s: %s", note, err.msg);
    return found;
}

/* Returns the finding that covers exactly these words; fails if there is no such finding. */
static inline const struct text_finding *text_at(const struct text_findings *found,
                                                 const char *note, const char *words)
{
    const char *at = strstr(note, words);

    assert_non_null(at);
    for (size_t i = 0; i < found->n; i++)
        if (found->at[i].span.start == (uint32_t)(at - note) &&
            found->at[i].span.end == (uint32_t)(at - note + (ptrdiff_t)strlen(words)))
            return &found->at[i];
    fail_msg("'%s' was not found in '%s'", words, note);
    return NULL;
}

#endif
