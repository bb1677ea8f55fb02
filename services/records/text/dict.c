#include "services/records/text/own.h"

#include <string.h>

static const char *const kinds[] = {"symptom", "disease", "drug",   "none",
                                    "tail",    "rest",    "result", NULL};
/* "rest": words for the remainder of a list, "恶心、呕吐等不适". These words are not marked, so
 * that they remain part of the list. */
#define MARK_REST (TEXT_MARK_NONE - 1)
/* "result": a tail that a test's result follows. "梅毒" + "筛查阴性" is still syphilis. */
#define MARK_RESULT (TEXT_MARK_NONE - 2)
static const int kind_of[] = {TEXT_SYMPTOM,   TEXT_DISEASE, TEXT_DRUG,  TEXT_MARK_NONE,
                              TEXT_MARK_NONE, MARK_REST,    MARK_RESULT};
enum { KIND_TAIL = 4, KIND_RESULT = 6 };

/* FHIR R4's names of code systems. Source: hl7.org/fhir/R4/terminologies-systems.html, checked
 * 2026-11-21. */
static const char *const systems[] = {"", "icd10", "icd10cm", NULL};
static const char *const system_uri[] = {"", "http://hl7.org/fhir/sid/icd-10",
                                         "http://hl7.org/fhir/sid/icd-10-cm"};

#define TAILS_CAP 4096 /* maximum code points of all tails */

enum { TERM, KIND, NAME, SYSTEM, CODE, LANGUAGE, SOURCE, N_COLUMNS };

static enum ward_code source_of(struct text_loader *l, const struct text_table *t,
                                const struct text_row *row, const char **out,
                                struct ward_err *err)
{
    for (size_t i = 0; i < l->sources.n; i++)
        if (strcmp(l->sources.row[i].col[0], row->col[SOURCE]) == 0) {
            *out = l->sources.row[i].col[0];
            return WARD_OK;
        }
    return TEXT_DATA_FAIL(err, t, row, "the source is not in sources.tsv");
}

static enum ward_code load_row(struct text_loader *l, const struct text_table *t,
                               const struct text_row *row, struct text_dict *d,
                               struct ward_err *err)
{
    static const char *const languages[] = {"zh", "en", NULL};
    struct text_term *term = &d->term[d->n];
    struct text_doc folded;
    int kind = 0, system = 0, language = 0;
    bool tail;

    WARD_TRY(text_table_word(t, row, KIND, kinds, &kind, err));
    tail = kind == KIND_TAIL || kind == KIND_RESULT;
    WARD_TRY(text_table_word(t, row, SYSTEM, systems, &system, err));
    WARD_TRY(text_table_word(t, row, LANGUAGE, languages, &language, err));
    if ((system == 0) != (*row->col[CODE] == '\0'))
        return TEXT_DATA_FAIL(err, t, row, "a code needs a system, and a system needs a code");
    if (tail && d->tails.n_nodes + TEXT_TERM_MAX > TAILS_CAP)
        return TEXT_DATA_FAIL(err, t, row, "too many tails");
    *term = (struct text_term){.kind = kind_of[kind],
                               .name = *row->col[NAME] ? row->col[NAME] : row->col[TERM],
                               .system = system_uri[system],
                               .code = row->col[CODE]};
    WARD_TRY(source_of(l, t, row, &term->source, err));
    WARD_TRY(text_load_fold(l, t, row, TERM, &folded, err));
    if (text_trie_add(tail ? &d->tails : &d->trie, folded.cp, folded.n, (int32_t)d->n, NULL) !=
        WARD_OK)
        return TEXT_DATA_FAIL(err, t, row, "the term exists already");
    d->n++;
    return WARD_OK;
}

enum ward_code text_dict_load(struct text_loader *l, struct text_dict *out,
                              struct ward_err *err)
{
    static const char *const files[] = {"terms_zh.tsv", "terms_en.tsv", "drugs.tsv"};
    struct text_table table[WARD_COUNT(files)];
    struct text_dict d = {0};
    size_t rows = 0;

    for (size_t i = 0; i < WARD_COUNT(files); i++) {
        WARD_TRY(text_load_table(l, files[i], N_COLUMNS, &table[i], err));
        rows += table[i].n;
    }
    d.term = ward_alloc(l->mem, rows * sizeof(*d.term));
    if (d.term == NULL)
        return WARD_FAIL(err, RESOURCE_EXHAUSTED, "the dictionaries need more memory");
    WARD_TRY(text_load_trie(l, table, WARD_COUNT(files), TERM, &d.trie, err));
    WARD_TRY(text_trie_init(&d.tails, l->mem, TAILS_CAP, err));
    for (size_t i = 0; i < WARD_COUNT(files); i++)
        for (size_t k = 0; k < table[i].n; k++)
            WARD_TRY(load_row(l, &table[i], &table[i].row[k], &d, err));
    *out = d;
    return WARD_OK;
}

enum ward_code text_mark_add(struct text_marks *m, struct ward_arena *mem,
                             const struct text_mark *mark, struct ward_err *err)
{
    struct text_mark *more;
    size_t cap = m->cap == 0 ? 32 : m->cap * 2;

    if (m->n < m->cap) {
        m->at[m->n++] = *mark;
        return WARD_OK;
    }
    if (m->n >= TEXT_FINDINGS_MAX)
        return WARD_FAIL_REASON(err, RESOURCE_EXHAUSTED, "TEXT_TOO_MANY",
                                "the note has more than %d findings", TEXT_FINDINGS_MAX);
    if (cap > TEXT_FINDINGS_MAX)
        cap = TEXT_FINDINGS_MAX;
    more = ward_alloc(mem, cap * sizeof(*more));
    if (more == NULL)
        return WARD_FAIL_REASON(err, RESOURCE_EXHAUSTED, "ARENA_FULL",
                                "the note needs more memory than a call may use");
    if (m->n > 0)
        memcpy(more, m->at, m->n * sizeof(*more));
    m->at = more;
    m->cap = cap;
    m->at[m->n++] = *mark;
    return WARD_OK;
}

/* Whether a negation begins at the start of a term and negates another term that ends later.
 * The term "无尿" in "无尿频" consists of parts of other words. A term that ends with the other
 * term is not affected: "非" + "小细胞肺癌" is one name. *end: the end of the negation. */
static bool denial_instead(const struct text_engine *e, const struct text_doc *doc, uint32_t i,
                           uint32_t stop, uint32_t limit, uint32_t *end)
{
    uint32_t cue = 0, from, other = 0;
    int32_t found;

    if (!text_denial_at(e, doc, i, stop, &cue))
        return false;
    from = cue < limit && doc->cp[cue] == ' ' ? cue + 1 : cue;
    if (from >= stop)
        return false;
    found = text_trie_longest(&e->dict.trie, doc, from, limit, TEXT_PLURAL, &other);
    *end = cue;
    return found >= 0 && other > stop && e->dict.term[found].kind > TEXT_MARK_NONE;
}

/* Marks the leftmost terms; of several terms with one start, the longest. "肺部感染" is one
 * finding, not "感染". */
enum ward_code text_rules_find(const struct text_engine *e, const struct text_doc *doc,
                               uint32_t start, uint32_t end, struct ward_arena *mem,
                               struct text_marks *out, struct ward_err *err)
{
    const struct text_dict *d = &e->dict;

    for (uint32_t i = start, stop = 0; i < end;) {
        int32_t found = text_trie_longest(&d->trie, doc, i, end, TEXT_PLURAL, &stop);
        uint32_t denial = 0;

        struct text_mark mark = {.start = i};

        if (found < 0) {
            i++;
            continue;
        }
        if (denial_instead(e, doc, i, stop, end, &denial)) {
            i = denial;
            continue;
        }
        if (d->term[found].kind == MARK_REST) {
            i = stop;
            continue;
        }
        mark.end = stop;
        mark.kind = d->term[found].kind;
        mark.term = &d->term[found];
        /* The following text may change the meaning: "胃癌" + "根治术" is an operation. */
        found = text_trie_longest(&d->tails, doc, stop, end, TEXT_EDGES, &stop);
        if (found >= 0 && d->term[found].kind == TEXT_MARK_NONE) {
            mark.end = stop;
            mark.kind = TEXT_MARK_NONE;
        }
        WARD_TRY(text_mark_add(out, mem, &mark, err));
        i = stop = mark.end;
    }
    return WARD_OK;
}
