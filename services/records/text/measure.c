/* measure.c - finds measurements: a name, a value and a unit. "BP 120/80 mmHg", "体温38.5℃".
 *
 * A number is a measurement only after a name, or before a unit that identifies the
 * measurement. Implausible combinations (a unit of another kind, "1,200", "37天") are omitted:
 * a wrong number in a chart is worse than a missing number. */
#include "services/records/text/own.h"

#include "common/base/text.h"

#include <string.h>

#define LINK_MAX   24 /* maximum code points between a name and its value */
#define DIGITS_MAX 9

/* ---- finding ---- */

struct reader {
    const struct text_measures *m;
    const struct text_doc *doc;
    uint32_t end; /* end of the range that is read */
    uint32_t value, value_end, value2, value2_end;
    uint32_t unit, unit_end; /* unit == unit_end: no unit */
    const char *comparator, *ucum;
    bool range, named;
};

static uint32_t cp_at(const struct reader *r, uint32_t i)
{
    return i < r->end ? r->doc->cp[i] : 0;
}

static uint32_t skip_spaces(const struct reader *r, uint32_t i)
{
    while (cp_at(r, i) == ' ')
        i++;
    return i;
}

/* Reads a number such as "38.5" at i. Returns the number's end, or i. */
static uint32_t number(const struct reader *r, uint32_t i)
{
    uint32_t j = i;

    while (text_is_digit(cp_at(r, j)))
        j++;
    if (j > i && cp_at(r, j) == '.' && text_is_digit(cp_at(r, j + 1)))
        for (j++; text_is_digit(cp_at(r, j));)
            j++;
    return j - i > DIGITS_MAX + 1 ? i : j;
}

static uint32_t comparator(struct reader *r, uint32_t i)
{
    uint32_t c = cp_at(r, i);

    r->comparator = "";
    if (c == 0x2264 || (c == '<' && cp_at(r, i + 1) == '='))
        r->comparator = "<=";
    else if (c == 0x2265 || (c == '>' && cp_at(r, i + 1) == '='))
        r->comparator = ">=";
    else if (c == '<')
        r->comparator = "<";
    else if (c == '>')
        r->comparator = ">";
    if (*r->comparator == '\0')
        return i;
    return skip_spaces(r, i + (c < 0x80 ? (uint32_t)strlen(r->comparator) : 1));
}

/* Reads the unit at i, after spaces. Returns the unit's end, or i. */
static uint32_t unit(struct reader *r, uint32_t i)
{
    uint32_t from = skip_spaces(r, i), end = from;
    int32_t found = from >= r->end ? -1
                                   : text_trie_longest(&r->m->units, r->doc, from, r->end,
                                                       TEXT_AFTER_DIGITS, &end);

    if (found < 0)
        return i;
    r->ucum = r->m->unit[found].ucum;
    r->named = r->m->unit[found].named;
    r->unit = from;
    r->unit_end = end;
    return end;
}

/* Reads the "to" or dash of a range at i. Returns its end, or i. */
static uint32_t range_to(const struct reader *r, uint32_t i)
{
    uint32_t j = skip_spaces(r, i), c = cp_at(r, j);

    if (c == '-' || c == '~' || c == 0x81F3 /* zhi, which means "to" */ || c == 0x301C ||
        c == 0x223C)
        return skip_spaces(r, j + 1);
    if (c == 't' && cp_at(r, j + 1) == 'o' && cp_at(r, j + 2) == ' ')
        return skip_spaces(r, j + 2);
    return i;
}

/* Whether a number continues at i. Such a number is not a measurement: "1,200", "2/3", "3天",
 * "5th", "2+". */
static bool goes_on(const struct reader *r, uint32_t i)
{
    /* year(s) old, month, day (two), hour, minute, week, times, year, number, kind, degree */
    static const uint32_t counts[] = {0x5C81, 0x6708, 0x65E5, 0x5929, 0x5C0F, 0x65F6,
                                      0x5206, 0x5468, 0x6B21, 0x5E74, 0x4E2A, 0x79CD,
                                      0x7EA7, 0x53F7, 0x671F, 0x5EA6};
    uint32_t c = cp_at(r, i), next = cp_at(r, i + 1);

    if (text_is_word(c) || c == '+' || c == '/' || c == '%' || c == '*' || c == 0xD7 ||
        c == '-' || c == '~')
        return true;
    if ((c == ',' || c == '.') && text_is_digit(next))
        return true;
    for (size_t k = 0; k < WARD_COUNT(counts); k++)
        if (c == counts[k])
            return true;
    return false;
}

static bool allowed(const struct text_measure *m, const char *ucum)
{
    size_t n = strlen(ucum);

    for (const char *s = strstr(m->units, ucum); n > 0 && s != NULL; s = strstr(s + 1, ucum))
        if (s[-1] == ' ' && s[n] == ' ')
            return true;
    return false;
}

/* Whether a value has two units, so that the first part alone would be wrong: "5 feet 3
 * inches", "7 lbs 2 oz", "1米75". */
static bool in_two_units(const struct reader *r, uint32_t i)
{
    bool first = strcmp(r->ucum, "[ft_i]") == 0 || strcmp(r->ucum, "[lb_av]") == 0 ||
                 strcmp(r->ucum, "m") == 0;

    i = skip_spaces(r, i);
    if (cp_at(r, i) == ',')
        i = skip_spaces(r, i + 1);
    return first && text_is_digit(cp_at(r, i));
}

/* Reads the value of a measurement at i. Returns the value's end, or 0. */
static uint32_t value(struct reader *r, const struct text_measure *m, bool needs_unit,
                      uint32_t i)
{
    uint32_t j, to;

    r->value = i = comparator(r, i);
    r->value_end = j = number(r, i);
    r->value2 = r->value2_end = r->unit = r->unit_end = 0;
    r->ucum = "";
    r->range = false;
    if (j == i)
        return 0;
    if (m->pair) {
        j = skip_spaces(r, j);
        if (cp_at(r, j) != '/')
            return 0;
        r->value2 = skip_spaces(r, j + 1);
        r->value2_end = j = number(r, r->value2);
        if (r->value2 == r->value2_end)
            return 0;
        j = unit(r, j);
    } else {
        j = unit(r, j);
        to = range_to(r, j);
        if (to != j && number(r, to) != to) {
            r->value2 = to;
            r->value2_end = j = number(r, to);
            r->range = true;
            j = unit(r, j);
        }
    }
    if (in_two_units(r, j))
        return 0;
    if (r->unit_end != 0 ? !allowed(m, r->ucum) : needs_unit || goes_on(r, j))
        return 0;
    return r->unit_end == 0 && r->value2_end != 0 ? r->value2_end : j;
}

static const struct text_term *term_of(const struct text_measures *m, int measure,
                                       const char *ucum)
{
    for (size_t i = 0; i < m->n_by_unit; i++)
        if (m->by_unit[i].measure == measure && strcmp(m->by_unit[i].ucum, ucum) == 0)
            return &m->by_unit[i].term;
    return &m->term[measure];
}

static enum ward_code emit(const struct text_engine *e, struct reader *r, int measure,
                           uint32_t start, uint32_t end, struct ward_arena *mem,
                           struct text_marks *out, struct ward_err *err)
{
    const struct text_measure *m = &e->measures.measure[measure];
    struct text_quantity *q = ward_new(mem, struct text_quantity);
    struct text_span at = {0};

    if (q == NULL)
        goto full;
    *q = (struct text_quantity){.kind = m->kind,
                                .comparator = r->comparator,
                                .value2 = "",
                                .code2 = m->code2,
                                .range = r->range,
                                .unit = "",
                                .ucum = r->unit_end != 0 ? r->ucum : m->assumed};
    q->value = text_doc_folded(r->doc, mem, r->value, r->value_end);
    if (r->value2_end != 0)
        q->value2 = text_doc_folded(r->doc, mem, r->value2, r->value2_end);
    if (r->unit_end != 0) {
        at = text_doc_span(r->doc, r->unit, r->unit_end);
        q->unit = ward_printf(mem, "%.*s", (int)(at.end - at.start), r->doc->utf8 + at.start);
    }
    if (q->value == NULL || q->value2 == NULL || q->unit == NULL)
        goto full;
    return text_mark_add(out, mem,
                         &(struct text_mark){start, end, TEXT_MEASUREMENT,
                                             term_of(&e->measures, measure, q->ucum), q,
                                             &e->rules},
                         err);
full:
    return WARD_FAIL_REASON(err, RESOURCE_EXHAUSTED, "ARENA_FULL",
                            "the note needs more memory than a call may use");
}

/* Skips words between a name and its value: "为", ":", "was". */
static uint32_t skip_links(const struct reader *r, uint32_t i)
{
    uint32_t from = i, stop = 0;

    while (i < r->end && i - from < LINK_MAX) {
        uint32_t c = cp_at(r, i);
        int32_t found;

        if (c == ' ' || c == ':' || c == '=') {
            i++;
            continue;
        }
        found = text_trie_longest(&r->m->names, r->doc, i, r->end, TEXT_THEN_DIGITS, &stop);
        if (found < 0 || r->m->name[found].measure >= 0)
            break;
        i = stop;
    }
    return i;
}

/* Reads a number with a unit that needs no name, at i. Returns the end, or 0. */
static uint32_t bare(struct reader *r, uint32_t i, int *measure)
{
    for (size_t k = 0; k < r->m->n_bare; k++) {
        const struct text_bare_unit *b = &r->m->bare[k];
        uint32_t end = value(r, &r->m->measure[b->measure], true, i);
        double v = 0;
        char digits[DIGITS_MAX + 2] = "";

        if (end == 0 || r->named || strcmp(r->ucum, b->ucum) != 0)
            continue;
        for (uint32_t j = 0; j < r->value_end - r->value; j++)
            digits[j] = (char)r->doc->cp[r->value + j];
        if (ward_f64(digits, &v) && v >= b->lo && v <= b->hi) {
            *measure = b->measure;
            return end;
        }
    }
    return 0;
}

enum ward_code text_measures_find(const struct text_engine *e, const struct text_doc *doc,
                                  uint32_t start, uint32_t end, struct ward_arena *mem,
                                  struct text_marks *out, struct ward_err *err)
{
    struct reader r = {.m = &e->measures, .doc = doc, .end = end};

    for (uint32_t i = start, stop = 0; i < end;) {
        int32_t found = text_trie_longest(&r.m->names, doc, i, end, TEXT_THEN_DIGITS, &stop);
        const struct text_measure_name *name = found < 0 ? NULL : &r.m->name[found];
        int measure = name == NULL ? -1 : name->measure;
        uint32_t till = 0;

        if (measure >= 0)
            till = value(&r, &r.m->measure[measure], name->needs_unit, skip_links(&r, stop));
        else if (text_is_digit(doc->cp[i]) && (i == start || !text_is_word(doc->cp[i - 1])))
            till = bare(&r, i, &measure);
        if (till != 0)
            WARD_TRY(emit(e, &r, measure, name != NULL && name->apart ? r.value : i, till, mem,
                          out, err));
        i = till != 0 ? till : found >= 0 ? stop : i + 1;
    }
    return WARD_OK;
}
