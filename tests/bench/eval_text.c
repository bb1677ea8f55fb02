/* eval_text - the extraction on lines of standard input, a finding a line on standard output.
 *
 *   eval_text DATA_DIR [MODEL_DIR PLUGINS_DIR]
 *
 * In:  language (auto, zh, en) TAB marks TAB text. `marks` is "-", or the spans to judge in
 * place of the back end's, "symptom:0-2,disease:5-9" in code points: so negation can be
 * measured apart from finding. Out: line, kind, start, end, assertion, temporality,
 * experiencer, system, code, name, value, unit (UCUM), maker, the cues' ids; tab-separated. */
#include "services/records/text/model.h"
#include "services/records/text/text.h"

#include "common/base/text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct given {
    struct text_mark at[256];
    size_t n;
};

/* Where the note's code point `cp` stands in the folded text. */
static uint32_t folded(const struct text_doc *doc, uint32_t cp)
{
    uint32_t lo = 0, hi = doc->n;

    while (lo < hi) {
        uint32_t mid = lo + (hi - lo) / 2;

        if (doc->original[mid] < cp)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo;
}

static enum ward_code give(void *self, const struct text_doc *doc, uint32_t start, uint32_t end,
                           const struct text_marks *terms, struct ward_arena *mem,
                           struct text_marks *out, struct ward_err *err)
{
    const struct given *g = self;

    (void)terms;
    for (size_t i = 0; i < g->n; i++) {
        struct text_mark mark = g->at[i];

        mark.start = folded(doc, mark.start);
        mark.end = folded(doc, mark.end);
        if (mark.start >= start && mark.end <= end && mark.start < mark.end)
            WARD_TRY(text_mark_add(out, mem, &mark, err));
    }
    return WARD_OK;
}

/* "symptom:0-2,disease:5-9" */
static void parse_marks(char *s, struct given *g)
{
    static const char *const kinds[] = {"symptom", "disease", "drug"};

    g->n = 0;
    for (char *save = NULL, *m = strtok_r(s, ",", &save); m != NULL && g->n < 256;
         m = strtok_r(NULL, ",", &save)) {
        char *colon = strchr(m, ':'), *dash = strchr(m, '-');
        struct text_mark *mark = &g->at[g->n];

        if (colon == NULL || dash == NULL)
            continue;
        *mark = (struct text_mark){0};
        *colon = *dash = '\0';
        for (int k = 0; k < 3; k++)
            if (strcmp(kinds[k], m) == 0)
                mark->kind = k;
        mark->start = (uint32_t)strtoul(colon + 1, NULL, 10);
        mark->end = (uint32_t)strtoul(dash + 1, NULL, 10);
        g->n++;
    }
}

static void print(long line, const struct text_finding *f)
{
    const struct text_quantity *q = f->quantity;
    const struct text_why *why[] = {&f->why_assertion, &f->why_temporality,
                                    &f->why_experiencer};

    printf("%ld\t%s\t%u\t%u\t%s\t%s\t%s\t%s\t%s\t%s\t%s%s%s%s\t%s\t%s\t", line,
           text_kind_name(f->kind), f->span.cp_start, f->span.cp_end,
           text_assertion_name(f->assertion), text_temporality_name(f->temporality),
           text_experiencer_name(f->experiencer), f->system, f->code, f->name,
           q ? q->comparator : "", q ? q->value : "", q && *q->value2 ? "/" : "",
           q ? q->value2 : "", q ? q->ucum : "", f->maker->name);
    for (size_t i = 0; i < WARD_COUNT(why); i++)
        if (why[i]->id != NULL)
            printf("%s ", why[i]->id);
    putchar('\n');
}

static int each_line(struct text_engine *rules, struct text_engine *judge, struct given *g)
{
    struct ward_arena mem;
    char *line = NULL;
    size_t cap = 0;
    ssize_t n;

    ward_arena_init(&mem, (size_t)256 << 20);
    for (long i = 0; (n = getline(&line, &cap, stdin)) > 0; i++) {
        enum text_language language = TEXT_AUTO;
        struct text_findings found;
        struct ward_err err = {0};
        char *marks = strchr(line, '\t'), *text = marks ? strchr(marks + 1, '\t') : NULL;
        bool judged;

        if (text == NULL)
            return 1;
        if (line[n - 1] == '\n')
            line[--n] = '\0';
        *marks++ = *text++ = '\0';
        if (strcmp(line, "auto") != 0)
            language = strcmp(line, "zh") == 0 ? TEXT_ZH : TEXT_EN;
        judged = strcmp(marks, "-") != 0;
        if (judged)
            parse_marks(marks, g);
        ward_arena_reset(&mem);
        if (text_extract(judged ? judge : rules, &mem, text, strlen(text), language, &found,
                         &err) != WARD_OK) {
            fprintf(stderr, "line %ld: %s\n", i + 1, err.msg);
            return 1;
        }
        for (size_t k = 0; k < found.n; k++)
            print(i, &found.at[k]);
    }
    free(line);
    ward_arena_done(&mem);
    return 0;
}

int main(int argc, char **argv)
{
    struct given g = {.n = 0};
    struct text_backend giver = {
        .maker = {"given", "1", ""}, .language = TEXT_AUTO, .self = &g, .find = give};
    struct text_config judged = {.backend = &giver}, found = {0};
    struct text_engine *finder = NULL, *judge = NULL;
    struct text_backend *model = NULL;
    struct ward_err err = {0};
    int rc = 1;

    if (argc != 2 && argc != 4)
        return 2;
    judged.data_dir = found.data_dir = argv[1];
    if (argc == 4 &&
        text_model_open(
            &(struct text_model_config){.dir = argv[2], .plugins = argv[3], .plugin = "cpu"},
            &model, &err) != WARD_OK)
        fprintf(stderr, "eval_text: %s\n", err.msg);
    found.backend = model;
    if (err.code != WARD_OK || text_open(&found, &finder, &err) != WARD_OK ||
        text_open(&judged, &judge, &err) != WARD_OK)
        fprintf(stderr, "eval_text: %s\n", err.msg);
    else
        rc = each_line(finder, judge, &g);
    text_close(finder);
    text_close(judge);
    text_model_close(model);
    return rc;
}
