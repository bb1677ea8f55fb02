/* scope.c - determines attributes of a finding from the words around it: negated, uncertain, in
 * the past, of a relative.
 *
 * The method follows NegEx and ConText: cues before or after a finding, phrases that only
 * resemble cues, and words that end a cue's scope. If the scopes of several cues of one axis
 * contain a finding, the nearest cue decides.
 *
 * Source: Chapman WW et al., A simple algorithm for identifying negated findings and diseases
 * in discharge summaries, J Biomed Inform 2001;34:301-310, doi:10.1006/jbin.2001.1029.
 *
 * Source: Harkema H et al., ConText, J Biomed Inform 2009;42:839-851,
 * doi:10.1016/j.jbi.2009.05.002.
 *
 * Chinese uses lists, and often joins sentences with commas. A comma ends the scope of a
 * CUE_LIST cue, unless only findings follow up to the next comma (a "bare" list). "没有" and
 * similar words have a short scope: findings at most NEAR_HAN characters away. The distance is
 * counted again from every finding and every enumeration comma. "无", the word of written
 * notes, has the scope FAR_HAN, counted in the same way: "无两下肢凹陷性水肿".
 *
 * All steps are passes over a sentence, and no step searches for a cue. The time is therefore
 * linear in the number of cues.
 */
#include "services/records/text/own.h"

#include <string.h>

#define NEAREST 24 /* maximum cues on each side of a finding */

/* Maximum distances in code points. In patients' messages (the train split of CMDD), "没有"
 * negates 242 of 280 symptoms up to 3 characters away, and 4 of 44 symptoms further away. Four
 * characters away, it negates 1 of 11 symptoms. NEAR_HAN is nevertheless 4, because notes
 * insert a part of the body. The distances for English are larger, because its words are
 * longer. */
#define NEAR_HAN 4
#define NEAR_EN  40
#define FAR_HAN  10
#define FAR_EN   60

enum { COMMA_BARE = 1, NEAR_ENDS = 2, FAR_ENDS = 4 }; /* flags of a position in the text */

struct work {
    const struct text_engine *e;
    const struct text_doc *doc;
    const struct text_mark *mark;
    struct text_finding *finding;
    struct text_hit *hit; /* the cues of the whole note */
    size_t n_hits;
    uint8_t *place; /* [doc->n + 1] COMMA_BARE: a bare list follows; *_ENDS: a scope ends */
    struct text_sentence s;
    size_t hit_0, hit_1, mark_0, mark_1; /* ranges of the sentence's cues and marks */
};

static bool is_joint(uint32_t c)
{
    return c == ' ' || c == 0x3001 || c == '/' || c == '"' || c == 0x3002 || c == '.' ||
           c == ';' || c == '\n' || c == '!';
}

static bool in_bare_list(const struct text_hit *h)
{
    return h->cue->axis == CUE_FILLER ||
           (h->cue->axis < CUE_N_VALUED && h->direction == CUE_BACKWARD);
}

/* Marks where short (NEAR) and long (FAR) scopes end: at the beginning of each sequence of
 * words that is longer than the scope. */
static void near_ends(struct work *w)
{
    const uint32_t near = w->s.han ? NEAR_HAN : NEAR_EN, far = w->s.han ? FAR_HAN : FAR_EN;
    uint32_t from = w->s.start;
    size_t k = w->hit_0, m = w->mark_0;

    for (uint32_t i = w->s.start; i < w->s.end;) {
        uint32_t past = i;

        while (m < w->mark_1 && w->mark[m].end <= i)
            m++;
        while (k < w->hit_1 && w->hit[k].end <= i)
            k++;
        if (m < w->mark_1 && w->mark[m].start <= i)
            past = w->mark[m].end;
        else if (k < w->hit_1 && w->hit[k].start <= i)
            past = w->hit[k].end;
        else if (w->doc->cp[i] == 0x3001 || w->doc->cp[i] == ',')
            past = i + 1;
        if (past > i) {
            from = i = past;
            continue;
        }
        if (i - from == near)
            w->place[from] |= NEAR_ENDS;
        if (i - from == far)
            w->place[from] |= FAR_ENDS;
        i++;
    }
}

/* Computes the end of each cue's forward scope, in a pass from the sentence's end to its
 * start. */
static void reach_after(struct work *w)
{
    uint32_t stop = w->s.end, comma = stop, hard = stop, near = stop, far = stop;
    size_t k = w->hit_1, m = w->mark_1;
    bool bare = true, some = false;

    for (uint32_t i = w->s.end; i-- > w->s.start;) {
        const struct text_mark *next;

        while (m > w->mark_0 && w->mark[m - 1].end > i + 1) /* ends beyond the sentence */
            m--;
        next = m < w->mark_1 ? &w->mark[m] : NULL;
        if (i + 1 < w->s.end && w->place[i + 1] & NEAR_ENDS)
            near = i + 1;
        if (i + 1 < w->s.end && w->place[i + 1] & FAR_ENDS)
            far = i + 1;
        if (k > w->hit_0 && w->hit[k - 1].end == i + 1) {
            struct text_hit *h = &w->hit[--k];
            const uint32_t reach[] = {
                next != NULL && text_beside(w->doc, h->end, next->start) ? next->end : h->end,
                near < hard ? near : hard,
                far < hard ? far : hard,
                hard,
                comma,
                stop};

            h->after = reach[h->cue->reach] < stop ? reach[h->cue->reach] : stop;
            if (h->cue->axis == CUE_STOP)
                stop = h->start;
            bare = bare && in_bare_list(h);
            i = h->start; /* the loop continues before the cue */
            continue;
        }
        if (m > w->mark_0 && w->mark[m - 1].end == i + 1) {
            next = &w->mark[--m];
            bare = bare && next->kind != TEXT_MARK_NONE && next->kind != TEXT_MEASUREMENT;
            some = true;
            i = next->start;
            continue;
        }
        if (w->doc->cp[i] == ',') {
            w->place[i] |= bare && some ? COMMA_BARE : 0;
            comma = i;
            hard = w->place[i] & COMMA_BARE ? hard : i;
            bare = true;
            some = false;
        } else if (!is_joint(w->doc->cp[i])) {
            bare = false;
        }
    }
}

/* Finds the start of the sequence of findings that ends with mark m: "hepatitis B or C".
 * Findings separated by commas belong to one sequence if a word joins the last two: "HIV,
 * hepatitis B and syphilis". A sequence contains no cues except fillers, so no two cues share a
 * sequence. */
static uint32_t run_start(const struct work *w, size_t m)
{
    bool joined = false;

    for (; m > w->mark_0; m--) {
        bool comma = false;

        for (uint32_t i = w->mark[m - 1].end, stop = 0; i < w->mark[m].start; i = stop) {
            int32_t found = text_trie_longest(&w->e->en.trie, w->doc, i, w->mark[m].start,
                                              TEXT_EDGES, &stop);

            if (found >= 0 && w->e->en.cue[found].axis == CUE_FILLER) {
                joined = true;
                continue;
            }
            stop = i + 1;
            comma = comma || w->doc->cp[i] == ',';
            if (w->doc->cp[i] != ' ' && w->doc->cp[i] != '/' && w->doc->cp[i] != ',')
                return w->mark[m].start;
        }
        if (comma && !joined)
            break;
    }
    return w->mark[m].start;
}

struct run {
    size_t drug;
    uint32_t start;
};

/* Finds the start of a CUE_TURN's backward scope: the drugs of the cue's clause, or of the
 * previous clause. In English, the scope is only the last sequence of drugs: "takes aspirin and
 * her warfarin was stopped". Chinese lists drugs with their doses. drug: the last drug before
 * the cue, as m + 1. run: the last sequence that was found, because several cues may follow one
 * sequence. */
static uint32_t turn_start(const struct work *w, const struct text_hit *h, size_t drug,
                           uint32_t comma, uint32_t earlier, struct run *run)
{
    const uint32_t from =
        drug > 0 && w->mark[drug - 1].start < comma && h->cue->edge == CUE_TURN_OVER ? earlier
                                                                                     : comma;

    if (drug == 0 || w->mark[drug - 1].start < from)
        return h->start;
    if (w->s.han)
        return from;
    if (run->drug != drug)
        *run = (struct run){drug, run_start(w, drug - 1)};
    return run->start;
}

/* Computes the start of each cue's backward scope, in a pass from the sentence's start to its
 * end. */
static void reach_before(struct work *w)
{
    uint32_t stop = w->s.start, comma = stop, hard = stop, earlier = stop;
    size_t k = w->hit_0, m = w->mark_0, drug = 0;
    struct run run = {0, 0};

    for (uint32_t i = w->s.start; i < w->s.end; i++) {
        if (w->doc->cp[i] == ',') {
            earlier = comma;
            comma = i + 1;
            hard = w->place[i] & COMMA_BARE ? hard : i + 1;
        }
        for (; m < w->mark_1 && w->mark[m].end <= i; m++)
            drug = w->mark[m].kind == TEXT_DRUG ? m + 1 : drug;
        if (k < w->hit_1 && w->hit[k].start == i) {
            struct text_hit *h = &w->hit[k++];
            bool next = m > w->mark_0 && text_beside(w->doc, w->mark[m - 1].end, h->start);
            /* "cough, PE excluded": the text before the comma is not excluded. */
            const uint32_t list = h->cue->edge == CUE_LAST ? comma : hard;
            const uint32_t reach[] = {
                next ? w->mark[m - 1].start : h->start, hard, hard, list, comma, stop};

            if (h->ends_run ||
                (h->cue->edge == CUE_BEHIND && h->cue->direction == CUE_FORWARD)) {
                h->before = h->ends_run ? run_start(w, m - 1) : h->start;
                continue;
            }
            if (h->cue->axis == CUE_COURSE) {
                h->before = turn_start(w, h, drug, comma, earlier, &run);
                continue;
            }
            h->before = reach[h->cue->reach] > stop ? reach[h->cue->reach] : stop;
            if (h->cue->axis == CUE_STOP)
                stop = h->end;
        }
    }
}

static void set(struct work *w, struct text_finding *f, const struct text_hit *h,
                enum cue_axis axis, uint32_t from, uint32_t to)
{
    struct text_why why = {h->cue->id, text_doc_span(w->doc, h->start, h->end),
                           text_doc_span(w->doc, from, to)};

    switch (axis) {
    case CUE_ASSERTION:
        f->assertion = (enum text_assertion)h->cue->value;
        f->why_assertion = why;
        break;
    case CUE_COURSE:
        if (h->cue->value ==
                /* "曾服阿司匹林，已停": TEXT_STOPPED takes precedence over TEXT_HISTORICAL */
                COURSE_STOPPED ||
            (h->cue->value == COURSE_CHANGED && to == h->start)) {
            f->temporality = TEXT_STOPPED;
            f->why_temporality = why;
        }
        break;
    case CUE_TEMPORALITY:
        f->temporality = (enum text_temporality)h->cue->value;
        f->why_temporality = why;
        break;
    default:
        f->experiencer = (enum text_experiencer)h->cue->value;
        f->why_experiencer = why;
        break;
    }
}

/* Sets the attribute by the nearest cue of the axis whose scope contains the mark. Of two cues
 * at equal distance, the preceding cue decides. `split` is the index of the first hit after the
 * mark. */
static void decide(struct work *w, const struct text_mark *mark, struct text_finding *f,
                   size_t split, enum cue_axis axis)
{
    const struct text_hit *before = NULL, *after = NULL;

    for (size_t k = split, n = 0; k-- > w->hit_0 && n < NEAREST && before == NULL; n++)
        if (w->hit[k].cue->axis == axis && w->hit[k].direction != CUE_BACKWARD &&
            w->hit[k].after >= mark->end)
            before = &w->hit[k];
    for (size_t k = split, n = 0; k < w->hit_1 && n < NEAREST && after == NULL; k++, n++)
        if (w->hit[k].cue->axis == axis && w->hit[k].direction != CUE_FORWARD &&
            w->hit[k].before <= mark->start)
            after = &w->hit[k];
    if (before != NULL && after != NULL &&
        (after->ends_run || after->start - mark->end < mark->start - before->end))
        before = NULL;
    if (before != NULL)
        set(w, f, before, axis, before->end, before->after);
    else if (after != NULL)
        set(w, f, after, axis, after->before, after->start);
}

static void sentence(struct work *w)
{
    size_t k = w->hit_0;

    near_ends(w);
    reach_after(w);
    reach_before(w);
    for (size_t m = w->mark_0; m < w->mark_1; m++) {
        while (k < w->hit_1 && w->hit[k].end <= w->mark[m].start)
            k++;
        for (int axis = 0; axis < CUE_N_VALUED; axis++)
            if (axis != CUE_COURSE || w->mark[m].kind == TEXT_DRUG)
                decide(w, &w->mark[m], &w->finding[m], k, (enum cue_axis)axis);
    }
}

/* Finds the end of a heading's section. A heading with text on its line ends with the line. A
 * heading alone on its line ends before the next empty line. `limit` is the start of the next
 * heading. */
static uint32_t section_end(const struct text_doc *doc, uint32_t i, uint32_t limit)
{
    while (i < limit && doc->cp[i] == ' ')
        i++;
    if (i < limit && doc->cp[i] != '\n') {
        while (i < limit && doc->cp[i] != '\n')
            i++;
        return i;
    }
    for (i++; i < limit; i++)
        if (doc->cp[i] == '\n' && doc->cp[i + 1] == '\n')
            return i;
    return limit;
}

static void section(struct work *w, const struct text_hit *h, uint32_t end, size_t m,
                    size_t n_marks)
{
    for (; m < n_marks && w->mark[m].end <= end; m++) {
        struct text_finding *f = &w->finding[m];

        if ((h->cue->sets == CUE_TEMPORALITY && f->why_temporality.id == NULL) ||
            (h->cue->sets == CUE_EXPERIENCER && f->why_experiencer.id == NULL))
            set(w, f, h, h->cue->sets, h->end, end);
    }
}

static void sections(struct work *w, size_t n_marks)
{
    size_t m = 0;

    for (size_t k = 0, next; k < w->n_hits; k = next) {
        const struct text_hit *h = &w->hit[k];
        uint32_t limit;

        for (next = k + 1; next < w->n_hits; next++)
            if (w->hit[next].cue->axis == CUE_SECTION)
                break;
        if (h->cue->axis != CUE_SECTION)
            continue;
        limit = next < w->n_hits ? w->hit[next].start : w->doc->n;
        while (m < n_marks && w->mark[m].start < h->end)
            m++;
        section(w, h, section_end(w->doc, h->end, limit), m, n_marks);
    }
}

enum ward_code text_scope(const struct text_engine *e, const struct text_doc *doc,
                          enum text_language language, const struct text_marks *marks,
                          struct ward_arena *mem, struct text_finding *findings,
                          struct ward_err *err)
{
    struct work w = {.e = e, .doc = doc, .mark = marks->at, .finding = findings};

    w.n_hits = text_hits(e, doc, language, marks, NULL);
    w.hit = ward_alloc(mem, w.n_hits * sizeof(*w.hit));
    w.place = ward_alloc(mem, (size_t)doc->n + 1);
    if (w.hit == NULL || w.place == NULL)
        return WARD_FAIL_REASON(err, RESOURCE_EXHAUSTED, "ARENA_FULL",
                                "the note needs more memory than a call may use");
    text_hits(e, doc, language, marks, w.hit);
    for (uint32_t at = 0; at < doc->n; at = w.s.end) {
        w.s = text_sentence_at(e, doc, at);
        w.hit_0 = w.hit_1;
        while (w.hit_1 < w.n_hits && w.hit[w.hit_1].start < w.s.end)
            w.hit_1++;
        w.mark_0 = w.mark_1;
        while (w.mark_1 < marks->n && marks->at[w.mark_1].start < w.s.end)
            w.mark_1++;
        if (w.mark_0 < w.mark_1)
            sentence(&w);
    }
    sections(&w, marks->n);
    return WARD_OK;
}
