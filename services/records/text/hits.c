/* hits.c - positions of the cues of a note, and their directions. */
#include "services/records/text/own.h"

/* A CUE_LAST or CUE_TURN applies forwards if a finding begins within this many code points. */
#define LAST_HAN 12
#define TURN_EN  40 /* limit for English, whose words are longer */

static const struct text_cues *cues_of(const struct text_engine *e, enum text_language language,
                                       const struct text_sentence *s)
{
    return language == TEXT_ZH || (language == TEXT_AUTO && s->han) ? &e->zh : &e->en;
}

static bool after_word(const struct text_doc *doc, uint32_t i)
{
    uint32_t before = i > 0 ? doc->cp[i - 1] : ' ';

    return text_is_word(before) || text_is_han(before) || before == ')';
}

/* Whether there is nothing or one space between the two positions. */
bool text_beside(const struct text_doc *doc, uint32_t from, uint32_t to)
{
    return from == to || (from + 1 == to && doc->cp[from] == ' ');
}

/* Whether a cue is the whole answer after a colon: "Tuberculosis: negative", but not "Abdomen:
 * negative bowel sounds". */
static bool answers(const struct text_doc *doc, uint32_t from, uint32_t i, uint32_t stop)
{
    if (i < 1 || doc->cp[from] != ':' || !text_beside(doc, from + 1, i))
        return false;
    return !text_is_word(doc->cp[stop]) &&
           (doc->cp[stop] != ' ' || !text_is_word(doc->cp[stop + 1]));
}

/* Whether no finding begins shortly after i in the clause of i. `next` is the start of the next
 * finding, or the end of the sentence. */
static bool last(const struct text_doc *doc, uint32_t i, uint32_t next, bool followed)
{
    for (uint32_t n = 0; i < next && n < LAST_HAN; i++, n++)
        if (doc->cp[i] == ',' || doc->cp[i] == 0x3001 || doc->cp[i] == ':')
            return true;
    return i < next || !followed;
}

/* Whether a mark that ends at `from` is in the clause of i: there is no comma or full stop
 * shortly before i. */
static bool in_clause(const struct text_doc *doc, uint32_t from, uint32_t i)
{
    const uint32_t near = i > LAST_HAN ? i - LAST_HAN : 0;

    for (; i > from && i > near; i--)
        if (doc->cp[i - 1] == ',' || doc->cp[i - 1] == ';' || doc->cp[i - 1] == '\n' ||
            doc->cp[i - 1] == 0x3002)
            return false;
    return true;
}

/* The surroundings of a cue. */
struct around {
    const struct text_mark *before; /* the previous mark; NULL: no mark */
    /* end of the previous mark, including following words of a test */
    uint32_t tested;
    bool cue;               /* another cue ends directly before the cue */
    uint32_t next;          /* start of the next mark, or end of the sentence */
    bool followed, by_drug; /* `next` is a mark; the mark is a drug */
    bool han;               /* the sentence has Chinese characters */
};

/* For a cue before the mark m in s; `limit` is the start of m or the end of s. */
static struct around around_of(const struct text_marks *marks, size_t m, uint32_t tested,
                               bool cue, uint32_t limit, const struct text_sentence *s)
{
    return (struct around){
        .before = m > 0 ? &marks->at[m - 1] : NULL,
        .tested = tested,
        .cue = cue,
        .next = limit,
        .followed = limit < s->end,
        .by_drug = limit < s->end && marks->at[m].kind == TEXT_DRUG,
        .han = s->han,
    };
}

static bool near_drug(uint32_t stop, const struct around *at)
{
    return at->by_drug && at->next - stop <= (at->han ? LAST_HAN : TURN_EN);
}

/* Whether a CUE_TURN applies backwards: backwards in "aspirin stopped, warfarin started",
 * forwards in "stopped taking her aspirin". */
static bool looks_back(const struct text_doc *doc, uint32_t i, uint32_t stop,
                       const struct around *at)
{
    const uint32_t from = i > 0 && doc->cp[i - 1] == '(' ? i - 1 : i;

    if (at->before != NULL && at->before->kind == TEXT_DRUG &&
        text_beside(doc, at->before->end, from))
        return true;
    if (!near_drug(stop, at))
        return true;
    for (i = stop; i < at->next; i++)
        if (doc->cp[i] == ',')
            return true;
    return false;
}

/* Determines the direction of the cue [i, stop): "?" applies to the following finding in "?PE",
 * and to the preceding finding in "PE?". */
static struct text_hit hit_of(const struct text_doc *doc, const struct text_cue *cue,
                              uint32_t i, uint32_t stop, const struct around *at)
{
    struct text_hit h = {cue, cue->direction, i, stop, stop, i, false};
    const uint32_t word = i > 0 && doc->cp[i - 1] == ' ' ? i - 1 : i;

    switch (cue->edge) {
    case CUE_AT_EDGE:
        h.direction = after_word(doc, i) ? CUE_BACKWARD : CUE_FORWARD;
        break;
    case CUE_BEHIND:
        h.ends_run = at->before != NULL && at->before->kind != TEXT_MARK_NONE &&
                     at->before->kind != TEXT_MEASUREMENT &&
                     (text_beside(doc, at->tested, i) || answers(doc, at->tested, i, stop));
        if (h.ends_run || (after_word(doc, word) && !at->cue))
            h.direction = CUE_BACKWARD;
        break;
    case CUE_LAST:
        h.direction = at->before != NULL && in_clause(doc, at->before->end, i) &&
                              last(doc, stop, at->next, at->followed)
                          ? CUE_BACKWARD
                          : CUE_FORWARD;
        break;
    case CUE_TURN:
    case CUE_TURN_OVER:
        if (cue->value == COURSE_CHANGED) /* "changed to 50 mg" stops no drug */
            h.direction = near_drug(stop, at) ? CUE_BOTH : CUE_FORWARD;
        else if (cue->direction == CUE_BOTH)
            h.direction = looks_back(doc, i, stop, at) ? CUE_BACKWARD : CUE_FORWARD;
        break;
    default:
        break;
    }
    return h;
}

/* Whether a longer phrase replaces a cue. In "has no increase", the phrase "no increase" begins
 * inside the cue "has no", ends after the cue, and is a CUE_PSEUDO. */
static bool gives_way(const struct text_cues *cues, const struct text_doc *doc, uint32_t i,
                      uint32_t stop, uint32_t limit)
{
    for (uint32_t k = i + 1, end = 0; k < stop; k++) {
        int32_t found = text_trie_longest(&cues->trie, doc, k, limit, TEXT_EDGES, &end);

        if (found >= 0 && end > stop && cues->cue[found].axis == CUE_PSEUDO)
            return true;
    }
    return false;
}

static bool is_assertion(const struct text_cue *cue, enum text_assertion value)
{
    return cue->axis == CUE_ASSERTION && cue->value == (int)value &&
           cue->direction == CUE_FORWARD;
}

size_t text_hits(const struct text_engine *e, const struct text_doc *doc,
                 enum text_language language, const struct text_marks *marks,
                 struct text_hit *hits)
{
    size_t n = 0, m = 0;

    for (uint32_t at = 0, past = 0, denied = 0, tested = 0; at < doc->n;) {
        struct text_sentence s = text_sentence_at(e, doc, at);
        const struct text_cues *cues = cues_of(e, language, &s);

        for (uint32_t i = s.start, stop = 0; i < s.end;) {
            const struct text_cue *cue;
            uint32_t limit;
            int32_t found;

            while (m < marks->n && marks->at[m].end <= i)
                m++;
            if (m < marks->n && marks->at[m].start <= i) {
                i = tested = marks->at[m].end;
                continue;
            }
            limit = m < marks->n && marks->at[m].start < s.end ? marks->at[m].start : s.end;
            found = text_trie_longest(&cues->trie, doc, i, limit, TEXT_EDGES, &stop);
            if (found < 0 || gives_way(cues, doc, i, stop, limit)) {
                i++;
                continue;
            }
            cue = &cues->cue[found];
            if (is_assertion(cue, TEXT_AFFIRMED) && denied > 0 && text_beside(doc, denied, i)) {
                i = past = denied = stop; /* "not experiencing": the negation continues */
                continue;
            }
            if (cue->axis == CUE_TEST) {
                tested = text_beside(doc, tested, i) ? stop : tested;
                i = stop;
                continue;
            }
            denied = is_assertion(cue, TEXT_NEGATED) ? stop : denied;
            if (cue->axis != CUE_PSEUDO && cue->axis != CUE_ABBREV) {
                const bool beside = past > 0 && text_beside(doc, past, i);
                const struct around around = around_of(marks, m, tested, beside, limit, &s);

                if (hits != NULL)
                    hits[n] = hit_of(doc, cue, i, stop, &around);
                n++;
            }
            i = past = stop;
        }
        at = s.end;
    }
    return n;
}
