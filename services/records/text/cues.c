#include "services/records/text/own.h"

#include <string.h>

enum { ID, CUE, AXIS, VALUE, DIRECTION, REACH, EDGE, N_COLUMNS };

static const char *const axes[] = {"assertion", "temporality", "experiencer", "course",
                                   "pseudo",    "stop",        "section",     "filler",
                                   "abbrev",    "test",        NULL};
static const char *const directions[] = {"forward", "backward", "both", NULL};
static const char *const reaches[] = {"word",   "near",     "far", "list",
                                      "clause", "sentence", NULL};
/* names of enum cue_edge */
static const char *const edges[] = {"", "edge", "behind", "last", "turn", "turn_over", NULL};

static const struct {
    const char *word;
    enum cue_axis axis;
    int value;
} values[] = {
    {"affirmed", CUE_ASSERTION, TEXT_AFFIRMED},
    {"negated", CUE_ASSERTION, TEXT_NEGATED},
    {"uncertain", CUE_ASSERTION, TEXT_UNCERTAIN},
    {"current", CUE_TEMPORALITY, TEXT_CURRENT},
    {"historical", CUE_TEMPORALITY, TEXT_HISTORICAL},
    {"patient", CUE_EXPERIENCER, TEXT_PATIENT},
    {"family", CUE_EXPERIENCER, TEXT_FAMILY},
    {"going", CUE_COURSE, COURSE_GOING},
    {"stopped", CUE_COURSE, COURSE_STOPPED},
    {"changed", CUE_COURSE, COURSE_CHANGED},
};

/* Reads the value that a cue or a heading sets. A heading without a value only ends the
 * previous section. */
static enum ward_code value_of(const struct text_table *t, const struct text_row *row,
                               struct text_cue *cue, struct ward_err *err)
{
    cue->sets = cue->axis;
    if (*row->col[VALUE] == '\0' && cue->axis >= CUE_N_VALUED)
        return WARD_OK;
    for (size_t i = 0; i < WARD_COUNT(values); i++) {
        if (strcmp(values[i].word, row->col[VALUE]) != 0)
            continue;
        if (cue->axis != CUE_SECTION && cue->axis != values[i].axis)
            break;
        cue->sets = values[i].axis;
        cue->value = values[i].value;
        return WARD_OK;
    }
    return TEXT_DATA_FAIL(err, t, row, "column %d: not a value of this axis", VALUE + 1);
}

static enum ward_code load_row(struct text_loader *l, const struct text_table *t,
                               const struct text_row *row, struct text_cues *c,
                               struct ward_err *err)
{
    struct text_cue *cue = &c->cue[c->n];
    struct text_doc folded;
    int axis = 0, direction = 0, reach = 0, edge = 0;

    WARD_TRY(text_table_word(t, row, AXIS, axes, &axis, err));
    if (axis < CUE_N_VALUED) {
        WARD_TRY(text_table_word(t, row, DIRECTION, directions, &direction, err));
        WARD_TRY(text_table_word(t, row, REACH, reaches, &reach, err));
    }
    WARD_TRY(text_table_word(t, row, EDGE, edges, &edge, err));
    for (size_t i = 0; i < c->n; i++)
        if (strcmp(c->cue[i].id, row->col[ID]) == 0)
            return TEXT_DATA_FAIL(err, t, row, "the id exists already");
    *cue = (struct text_cue){.id = row->col[ID],
                             .axis = (enum cue_axis)axis,
                             .direction = (enum cue_direction)direction,
                             .reach = (enum cue_reach)reach,
                             .edge = (enum cue_edge)edge};
    WARD_TRY(value_of(t, row, cue, err));
    WARD_TRY(text_load_fold(l, t, row, CUE, &folded, err));
    if (text_trie_add(&c->trie, folded.cp, folded.n, (int32_t)c->n, NULL) != WARD_OK)
        return TEXT_DATA_FAIL(err, t, row, "the cue exists already");
    c->n++;
    return WARD_OK;
}

enum ward_code text_cues_load(struct text_loader *l, const char *file, struct text_cues *out,
                              struct ward_err *err)
{
    struct text_cues c = {0};
    struct text_table t;

    WARD_TRY(text_load_table(l, file, N_COLUMNS, &t, err));
    c.cue = ward_alloc(l->mem, t.n * sizeof(*c.cue));
    if (c.cue == NULL)
        return WARD_FAIL(err, RESOURCE_EXHAUSTED, "the dictionaries need more memory");
    WARD_TRY(text_load_trie(l, &t, 1, CUE, &c.trie, err));
    for (size_t i = 0; i < t.n; i++)
        WARD_TRY(load_row(l, &t, &t.row[i], &c, err));
    *out = c;
    return WARD_OK;
}

bool text_denial_at(const struct text_engine *e, const struct text_doc *doc, uint32_t i,
                    uint32_t limit, uint32_t *end)
{
    const struct text_cues *both[] = {&e->zh, &e->en};

    for (size_t k = 0; k < WARD_COUNT(both); k++) {
        int32_t found = text_trie_longest(&both[k]->trie, doc, i, limit, TEXT_EDGES, end);
        const struct text_cue *cue = found < 0 ? NULL : &both[k]->cue[found];

        if (cue != NULL)
            return cue->axis == CUE_ASSERTION && cue->value == TEXT_NEGATED &&
                   cue->direction == CUE_FORWARD;
    }
    return false;
}

/* ---- sentences ---- */

#define ABBREV_MAX 8

/* Whether the full stop at i is part of a number, an abbreviation or a word, and so does not
 * end a sentence. */
static bool inner_stop(const struct text_engine *e, const struct text_doc *doc, uint32_t start,
                       uint32_t i)
{
    uint32_t from = i;
    int32_t cue;

    if (text_is_word(doc->cp[i + 1]) && i > start && text_is_digit(doc->cp[i - 1]))
        return true;
    while (from > start && i - from < ABBREV_MAX &&
           (text_is_letter(doc->cp[from - 1]) || doc->cp[from - 1] == '.'))
        from--;
    if (i - from == 1 && text_is_letter(doc->cp[i + 1])) /* "p.o." */
        return true;
    cue = text_trie_exact(&e->en.trie, doc, from, i + 1);
    return cue >= 0 && e->en.cue[cue].axis == CUE_ABBREV;
}

static bool ends_sentence(const struct text_engine *e, const struct text_doc *doc,
                          uint32_t start, uint32_t i)
{
    switch (doc->cp[i]) {
    case 0x3002: /* the ideographic full stop */
    case '!':
    case ';':
    case '\n':
        return true;
    /* "?" before a word begins a scope ("?PE"); "?" after a word ends the sentence ("PE?") */
    case '?':
        return i > start && (text_is_word(doc->cp[i - 1]) || text_is_han(doc->cp[i - 1]));
    case '.':
        return !inner_stop(e, doc, start, i);
    default:
        return false;
    }
}

struct text_sentence text_sentence_at(const struct text_engine *e, const struct text_doc *doc,
                                      uint32_t start)
{
    struct text_sentence s = {start, start, false};

    while (s.end < doc->n) {
        uint32_t i = s.end++;

        s.han = s.han || text_is_han(doc->cp[i]);
        if (ends_sentence(e, doc, start, i))
            break;
    }
    return s;
}
