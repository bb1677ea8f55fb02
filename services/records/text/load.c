/* load.c - reads the data files: tables, terms, tries, measures.tsv and units.tsv. Threads,
 * memory and errors: as in text.h. */
#include "services/records/text/own.h"

#include "common/base/text.h"

#include <string.h>

/* ---- files ---- */

enum ward_code text_load_table(struct text_loader *l, const char *file, int columns,
                               struct text_table *out, struct ward_err *err)
{
    struct ward_bytes parts[] = {{l->hash, sizeof(l->hash)}, {file, strlen(file)}, {NULL, 0}};

    WARD_TRY(text_table_read(l->mem, l->dir, file, columns, out, err));
    parts[2] = (struct ward_bytes){out->sha256, sizeof(out->sha256)};
    ward_sha256_parts(parts, WARD_COUNT(parts), l->hash);
    return WARD_OK;
}

enum ward_code text_load_fold(struct text_loader *l, const struct text_table *t,
                              const struct text_row *row, int column, struct text_doc *out,
                              struct ward_err *err)
{
    const char *s = row->col[column];

    ward_arena_reset(l->scratch);
    WARD_TRY(text_doc_make(l->scratch, s, strlen(s), out, err));
    if (out->n == 0 || out->n > TEXT_TERM_MAX)
        return TEXT_DATA_FAIL(err, t, row, "column %d: not 1 to %d letters", column + 1,
                              TEXT_TERM_MAX);
    return WARD_OK;
}

enum ward_code text_load_trie(struct text_loader *l, const struct text_table *t, size_t n,
                              int column, struct text_trie *out, struct ward_err *err)
{
    uint32_t total = 0;

    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k < t[i].n; k++)
            for (const char *s = t[i].row[k].col[column]; *s != '\0'; s++)
                total += ((uint8_t)*s & 0xC0) != 0x80;
    return text_trie_init(out, l->mem, total, err);
}

/* ---- measurements ---- */

enum { ROW, A, B, C, D, E, F, N_COLUMNS };
static const char *const rows[] = {"kind", "name", "link", "bare", "code", NULL};
enum { ROW_KIND, ROW_NAME, ROW_LINK, ROW_BARE, ROW_CODE };
static const char loinc[] = "http://loinc.org";

static enum ward_code measure_of(const struct text_measures *m, const struct text_table *t,
                                 const struct text_row *row, int *out, struct ward_err *err)
{
    for (size_t i = 0; i < m->n; i++)
        if (strcmp(m->measure[i].kind, row->col[A]) == 0) {
            *out = (int)i;
            return WARD_OK;
        }
    return TEXT_DATA_FAIL(err, t, row, "no such kind above this line");
}

/* kind  <name>  <LOINC>  <LOINC of two parts>  pair|-  <units>  <assumed unit> */
static enum ward_code load_kind(struct text_loader *l, const struct text_table *t,
                                const struct text_row *row, struct text_measures *m,
                                struct ward_err *err)
{
    static const char *const pair[] = {"", "pair", NULL};
    int is_pair = 0;

    WARD_TRY(text_table_word(t, row, D, pair, &is_pair, err));
    if (*row->col[E] == '\0')
        return TEXT_DATA_FAIL(err, t, row, "no units");
    m->measure[m->n] = (struct text_measure){.kind = row->col[A],
                                             .system = *row->col[B] ? loinc : "",
                                             .code = row->col[B],
                                             .code2 = row->col[C],
                                             .pair = is_pair == 1,
                                             .units = ward_printf(l->mem, " %s ", row->col[E]),
                                             .assumed = row->col[F]};
    if (m->measure[m->n].units == NULL)
        return WARD_FAIL(err, RESOURCE_EXHAUSTED, "the dictionaries need more memory");
    m->term[m->n] = (struct text_term){m->measure[m->n].kind, m->measure[m->n].system,
                                       m->measure[m->n].code, "", TEXT_MEASUREMENT};
    m->n++;
    return WARD_OK;
}

/* bare  <kind>  <ucum>  <lowest>  <highest> */
static enum ward_code load_bare(const struct text_table *t, const struct text_row *row,
                                struct text_measures *m, struct ward_err *err)
{
    struct text_bare_unit *b = &m->bare[m->n_bare];

    if (m->n_bare == WARD_COUNT(m->bare))
        return TEXT_DATA_FAIL(err, t, row, "too many units that do not need a name");
    WARD_TRY(measure_of(m, t, row, &b->measure, err));
    b->ucum = row->col[B];
    if (!ward_f64(row->col[C], &b->lo) || !ward_f64(row->col[D], &b->hi) || !(b->lo < b->hi))
        return TEXT_DATA_FAIL(err, t, row, "not a range");
    m->n_bare++;
    return WARD_OK;
}

/* code  <kind>  <ucum>  <LOINC of the kind when measured in this unit> */
static enum ward_code load_code(const struct text_table *t, const struct text_row *row,
                                struct text_measures *m, struct ward_err *err)
{
    struct text_unit_code *u = &m->by_unit[m->n_by_unit];

    if (m->n_by_unit == WARD_COUNT(m->by_unit))
        return TEXT_DATA_FAIL(err, t, row, "too many codes by unit");
    WARD_TRY(measure_of(m, t, row, &u->measure, err));
    u->ucum = row->col[B];
    u->term = m->term[u->measure];
    u->term.system = loinc;
    u->term.code = row->col[C];
    m->n_by_unit++;
    return WARD_OK;
}

/* name  <kind>  <word>  unit|apart|-      link  -  <word> */
static enum ward_code load_name(struct text_loader *l, const struct text_table *t,
                                const struct text_row *row, bool link, struct text_measures *m,
                                int32_t value, struct ward_err *err)
{
    static const char *const needs[] = {"", "unit", "apart", NULL};
    struct text_measure_name *name = &m->name[value];
    struct text_doc folded;
    int unit = 0;

    name->measure = -1;
    if (!link)
        WARD_TRY(measure_of(m, t, row, &name->measure, err));
    WARD_TRY(text_table_word(t, row, C, needs, &unit, err));
    name->needs_unit = unit != 0;
    name->apart = unit == 2;
    WARD_TRY(text_load_fold(l, t, row, B, &folded, err));
    if (text_trie_add(&m->names, folded.cp, folded.n, value, NULL) != WARD_OK)
        return TEXT_DATA_FAIL(err, t, row, "the name exists already");
    return WARD_OK;
}

static enum ward_code load_units(struct text_loader *l, struct text_measures *m,
                                 struct ward_err *err)
{
    static const char *const named[] = {"", "named", NULL};
    struct text_table t;

    WARD_TRY(text_load_table(l, "units.tsv", 3, &t, err));
    WARD_TRY(text_load_trie(l, &t, 1, 0, &m->units, err));
    m->unit = ward_alloc(l->mem, t.n * sizeof(*m->unit));
    if (m->unit == NULL)
        return WARD_FAIL(err, RESOURCE_EXHAUSTED, "the dictionaries need more memory");
    for (size_t i = 0; i < t.n; i++) {
        struct text_doc folded;
        int is_named = 0;

        WARD_TRY(text_table_word(&t, &t.row[i], 2, named, &is_named, err));
        m->unit[i] = (struct text_unit){t.row[i].col[1], is_named == 1};
        WARD_TRY(text_load_fold(l, &t, &t.row[i], 0, &folded, err));
        if (text_trie_add(&m->units, folded.cp, folded.n, (int32_t)i, NULL) != WARD_OK)
            return TEXT_DATA_FAIL(err, &t, &t.row[i], "the unit exists already");
    }
    return WARD_OK;
}

enum ward_code text_measures_load(struct text_loader *l, struct text_measures *out,
                                  struct ward_err *err)
{
    struct text_measures m = {0};
    struct text_table t;

    WARD_TRY(text_load_table(l, "measures.tsv", N_COLUMNS, &t, err));
    m.measure = ward_alloc(l->mem, t.n * sizeof(*m.measure));
    m.term = ward_alloc(l->mem, t.n * sizeof(*m.term));
    m.name = ward_alloc(l->mem, t.n * sizeof(*m.name));
    if (m.measure == NULL || m.term == NULL || m.name == NULL)
        return WARD_FAIL(err, RESOURCE_EXHAUSTED, "the dictionaries need more memory");
    WARD_TRY(text_load_trie(l, &t, 1, B, &m.names, err));
    for (size_t i = 0; i < t.n; i++) {
        int what = 0;

        WARD_TRY(text_table_word(&t, &t.row[i], ROW, rows, &what, err));
        if (what == ROW_KIND)
            WARD_TRY(load_kind(l, &t, &t.row[i], &m, err));
        else if (what == ROW_BARE)
            WARD_TRY(load_bare(&t, &t.row[i], &m, err));
        else if (what == ROW_CODE)
            WARD_TRY(load_code(&t, &t.row[i], &m, err));
        else
            WARD_TRY(load_name(l, &t, &t.row[i], what == ROW_LINK, &m, (int32_t)i, err));
    }
    WARD_TRY(load_units(l, &m, err));
    *out = m;
    return WARD_OK;
}
