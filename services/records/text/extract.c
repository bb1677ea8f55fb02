#include "services/records/text/own.h"

#include "common/base/text.h"

#include <string.h>

#define ENGINE_CAP    ((size_t)128 << 20)
#define RULES_VERSION "3"

/* ---- open and close ---- */

static enum ward_code load(struct text_loader *l, struct text_engine *e, struct ward_err *err)
{
    WARD_TRY(text_load_table(l, "sources.tsv", 5, &l->sources, err));
    WARD_TRY(text_dict_load(l, &e->dict, err));
    WARD_TRY(text_cues_load(l, "cues_zh.tsv", &e->zh, err));
    WARD_TRY(text_cues_load(l, "cues_en.tsv", &e->en, err));
    WARD_TRY(text_measures_load(l, &e->measures, err));
    e->rules = (struct text_maker){"rules", RULES_VERSION, ""};
    ward_hex(l->hash, sizeof(l->hash), e->rules.sha256);
    return WARD_OK;
}

enum ward_code text_open(const struct text_config *cfg, struct text_engine **out,
                         struct ward_err *err)
{
    struct ward_arena mem, scratch;
    struct text_loader l = {.mem = &mem, .scratch = &scratch, .dir = cfg->data_dir};
    struct text_engine *e;
    enum ward_code code;

    ward_arena_init(&mem, ENGINE_CAP);
    ward_arena_init(&scratch, 64 << 10);
    e = ward_new(&mem, struct text_engine);
    code = e == NULL ? WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory for the dictionaries")
                     : load(&l, e, err);
    ward_arena_done(&scratch);
    if (code != WARD_OK) {
        ward_arena_done(&mem);
        return code;
    }
    e->backend = cfg->backend;
    e->mem = mem;
    *out = e;
    return WARD_OK;
}

void text_close(struct text_engine *e)
{
    struct ward_arena mem;

    if (e == NULL)
        return;
    mem = e->mem; /* a copy, because e is in its own arena */
    ward_arena_done(&mem);
}

/* ---- one note ---- */

static enum ward_code arena_full(struct ward_err *err)
{
    return WARD_FAIL_REASON(err, RESOURCE_EXHAUSTED, "ARENA_FULL",
                            "the note needs more memory than a call may use");
}

const struct text_maker *text_found_by(const struct text_engine *e)
{
    return e->backend == NULL ? &e->rules : &e->backend->maker;
}

/* Whether a model reads the sentence; the dictionary reads the others. */
static bool for_model(const struct text_engine *e, const struct text_sentence *s)
{
    return e->backend != NULL &&
           (e->backend->language == TEXT_AUTO || (e->backend->language == TEXT_ZH) == s->han);
}

/* Checks that a back end's marks are within the given range and in order. */
static bool in_order(const struct text_marks *m, uint32_t start, uint32_t end)
{
    for (size_t i = 0; i < m->n; i++) {
        if (m->at[i].start < start || m->at[i].end <= m->at[i].start || m->at[i].end > end ||
            m->at[i].kind < TEXT_MARK_NONE || m->at[i].kind >= TEXT_MEASUREMENT)
            return false;
        start = m->at[i].end;
    }
    return true;
}

/* Merges two lists in the order of `start`. Of overlapping marks, the mark of the first list is
 * used. */
static enum ward_code merge(const struct text_marks *first, const struct text_marks *second,
                            struct ward_arena *mem, struct text_marks *out,
                            struct ward_err *err)
{
    uint32_t end = 0;
    size_t f = 0;

    for (size_t i = 0; i < second->n; i++) {
        const struct text_mark *m = &second->at[i];

        for (; f < first->n && first->at[f].start < m->end; f++) {
            WARD_TRY(text_mark_add(out, mem, &first->at[f], err));
            end = first->at[f].end;
        }
        if (end <= m->start)
            WARD_TRY(text_mark_add(out, mem, m, err));
    }
    for (; f < first->n; f++)
        WARD_TRY(text_mark_add(out, mem, &first->at[f], err));
    return WARD_OK;
}

/* Keeps only the dictionary's marks that may fill a model's gaps: terms of Ward's own list. The
 * model knew the terms from labels and lexicons, and omitted them. */
static void own_terms(struct text_marks *terms)
{
    size_t n = 0;

    for (size_t i = 0; i < terms->n; i++)
        if (terms->at[i].kind != TEXT_MARK_NONE &&
            strcmp(terms->at[i].term->source, "ward") == 0)
            terms->at[n++] = terms->at[i];
    terms->n = n;
}

static bool is_denial(const struct text_engine *e, const struct text_doc *doc, uint32_t i,
                      uint32_t j)
{
    uint32_t end = 0;

    return i < j && text_denial_at(e, doc, i, j, &end) && end == j;
}

/* Corrects the start of a model's marks: the dictionary decides whether a leading negation
 * belongs to a finding. The model marked "无尿痛" as a finding, and "霍奇金氏淋巴瘤" within
 * "非霍奇金氏淋巴瘤". */
static void keep_denials_apart(const struct text_engine *e, const struct text_doc *doc,
                               const struct text_marks *terms, struct text_marks *found)
{
    uint32_t end = 0;

    for (size_t i = 0, t = 0; i < found->n; end = found->at[i++].end) {
        struct text_mark *m = &found->at[i];
        const uint32_t next = i + 1 < found->n ? found->at[i + 1].start : UINT32_MAX;
        const struct text_mark *term;

        while (t < terms->n && terms->at[t].end <= m->start)
            t++;
        term = t < terms->n ? &terms->at[t] : NULL;
        if (term == NULL || term->start >= m->end || term->kind == TEXT_MARK_NONE ||
            term->start < end || term->end > next)
            continue;
        if (is_denial(e, doc, m->start, term->start)) {
            m->start = term->start;
            m->end = term->end > m->end ? term->end : m->end;
        } else if (term->end >= m->end && is_denial(e, doc, term->start, m->start)) {
            m->start = term->start;
            m->end = term->end;
        }
    }
}

/* Finds marks in a range of sentences with the model. */
static enum ward_code ask(const struct text_engine *e, const struct text_doc *doc,
                          uint32_t start, uint32_t end, struct text_marks *terms,
                          struct ward_arena *mem, struct text_marks *out, struct ward_err *err)
{
    const struct text_backend *b = e->backend;
    struct text_marks found = {0};

    WARD_TRY(b->find(b->self, doc, start, end, terms, mem, &found, err));
    if (!in_order(&found, start, end))
        return WARD_FAIL(err, INTERNAL, "a back end returned invalid marks");
    keep_denials_apart(e, doc, terms, &found);
    for (size_t i = 0; i < found.n; i++)
        found.at[i].maker = &b->maker;
    own_terms(terms);
    if (!b->filled)
        terms->n = 0;
    return merge(&found, terms, mem, out, err);
}

/* Finds symptoms, diseases and drugs. Consecutive sentences are processed together if the model
 * reads all of them, or the dictionary. */
static enum ward_code find(const struct text_engine *e, const struct text_doc *doc,
                           struct ward_arena *mem, struct text_marks *out, struct ward_err *err)
{
    for (uint32_t at = 0, end; at < doc->n; at = end) {
        struct text_sentence s = text_sentence_at(e, doc, at);
        const bool model = for_model(e, &s);
        struct text_marks terms = {0};

        for (end = s.end; end < doc->n; end = s.end) {
            s = text_sentence_at(e, doc, end);
            if (for_model(e, &s) != model)
                break;
        }
        WARD_TRY(text_rules_find(e, doc, at, end, mem, &terms, err));
        for (size_t i = 0; i < terms.n; i++)
            terms.at[i].maker = &e->rules;
        if (model)
            WARD_TRY(ask(e, doc, at, end, &terms, mem, out, err));
        for (size_t i = 0; !model && i < terms.n; i++)
            WARD_TRY(text_mark_add(out, mem, &terms.at[i], err));
    }
    return WARD_OK;
}

/* Sets name and code of a finding from the mark's term, or from the dictionary. */
static enum ward_code name(const struct text_engine *e, const struct text_doc *doc,
                           const struct text_mark *m, struct ward_arena *mem,
                           struct text_finding *f, struct ward_err *err)
{
    const struct text_term *term = m->term;

    if (term == NULL) {
        int32_t row = text_trie_exact(&e->dict.trie, doc, m->start, m->end);

        if (row >= 0 && e->dict.term[row].kind == m->kind)
            term = &e->dict.term[row];
    }
    f->kind = (enum text_kind)m->kind;
    f->span = text_doc_span(doc, m->start, m->end);
    f->quantity = m->quantity;
    f->maker = m->maker;
    f->name = term != NULL ? term->name : text_doc_folded(doc, mem, m->start, m->end);
    f->system = term != NULL ? term->system : "";
    f->code = term != NULL ? term->code : "";
    f->source = term != NULL ? term->source : "";
    return f->name == NULL ? arena_full(err) : WARD_OK;
}

enum ward_code text_extract(const struct text_engine *e, struct ward_arena *mem,
                            const char *utf8, size_t n, enum text_language language,
                            struct text_findings *out, struct ward_err *err)
{
    return text_extract_until(e, mem, NULL, utf8, n, language, out, err);
}

enum ward_code text_extract_until(const struct text_engine *e, struct ward_arena *mem,
                                  const struct ward_stop *stop, const char *utf8, size_t n,
                                  enum text_language language, struct text_findings *out,
                                  struct ward_err *err)
{
    struct text_marks terms = {0}, values = {0}, all = {0};
    struct text_finding *findings;
    struct text_doc doc;
    size_t kept = 0;

    WARD_TRY(text_doc_make(mem, utf8, n, &doc, err));
    doc.stop = stop;
    WARD_TRY(find(e, &doc, mem, &terms, err));
    WARD_TRY(text_measures_find(e, &doc, 0, doc.n, mem, &values, err));
    WARD_TRY(merge(&values, &terms, mem, &all, err));
    findings = ward_alloc(mem, all.n * sizeof(*findings));
    if (findings == NULL)
        return arena_full(err);
    WARD_TRY(text_scope(e, &doc, language, &all, mem, findings, err));
    for (size_t i = 0; i < all.n; i++) {
        if (all.at[i].kind == TEXT_MARK_NONE)
            continue;
        WARD_TRY(name(e, &doc, &all.at[i], mem, &findings[i], err));
        findings[kept++] = findings[i];
    }
    *out = (struct text_findings){findings, kept};
    return WARD_OK;
}

const char *text_kind_name(enum text_kind k)
{
    static const char *const names[] = {"SYMPTOM", "DISEASE", "DRUG", "MEASUREMENT"};

    return (size_t)k < WARD_COUNT(names) ? names[k] : "?";
}

const char *text_assertion_name(enum text_assertion a)
{
    static const char *const names[] = {"AFFIRMED", "NEGATED", "UNCERTAIN"};

    return (size_t)a < WARD_COUNT(names) ? names[a] : "?";
}

const char *text_temporality_name(enum text_temporality t)
{
    static const char *const names[] = {"CURRENT", "HISTORICAL", "STOPPED"};

    return (size_t)t < WARD_COUNT(names) ? names[t] : "?";
}

const char *text_experiencer_name(enum text_experiencer x)
{
    static const char *const names[] = {"PATIENT", "FAMILY"};

    return (size_t)x < WARD_COUNT(names) ? names[x] : "?";
}
