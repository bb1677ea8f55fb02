#include "services/dosage/check/names.h"

#include "common/unicode/unicode.h"

#include <stdlib.h>
#include <string.h>

static enum ward_code no_memory(struct ward_err *err)
{
    return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory for names");
}

static int by_first_word(const void *a, const void *b)
{
    return strcmp(((const struct name *)a)->words[0], ((const struct name *)b)->words[0]);
}

static int by_code(const void *a, const void *b)
{
    return strcmp(((const struct code *)a)->code, ((const struct code *)b)->code);
}

/* Scripts that ward_words does not split into words (Han, kana, hangul, Thai...) have letters
 * of at least three bytes, from U+0E00 on. Their punctuation and quotes below U+3000 are
 * excluded. */
static bool is_unspaced_at(const unsigned char *s)
{
    return *s >= 0xe0 && *s != 0xe2 && !(*s == 0xe0 && s[1] < 0xb8);
}

static bool is_unspaced(const char *folded)
{
    for (const unsigned char *s = (const unsigned char *)folded; *s != '\0'; s++)
        if (is_unspaced_at(s))
            return true;
    return false;
}

struct gather {
    struct prepared *p;
    struct ward_arena *mem;
    size_t room_names, room_codes;
    struct ward_err *err;
};

static enum ward_code add_name(struct gather *g, const char *text, struct target is)
{
    struct prepared *p = g->p;
    struct name n = {.is = is};
    char *folded;

    if (ward_fold(g->mem, text, &folded, g->err) != WARD_OK)
        return g->mem->full ? no_memory(g->err) : WARD_OK; /* invalid UTF-8 */
    if (!is_unspaced(folded)) {
        WARD_TRY(ward_words(g->mem, folded, &n.words, &n.n, g->err));
        p->names[p->n_names] = n;
        p->n_names += n.n > 0;
        return WARD_OK;
    }
    n.words = ward_new(g->mem, char *);
    if (n.words == NULL)
        return no_memory(g->err);
    n.words[0] = folded;
    n.n = 1;
    p->unspaced[p->n_unspaced++] = n;
    return WARD_OK;
}

static enum ward_code add_sentence(struct gather *g, const Ward__Dosage__V1__Sentence *s,
                                   struct target is)
{
    if (s == NULL)
        return WARD_OK;
    WARD_TRY(add_name(g, s->en, is));
    return add_name(g, s->zh, is);
}

static void add_codes(struct gather *g, Ward__Dosage__V1__Coding *const *codes, size_t n,
                      struct target is)
{
    for (size_t i = 0; i < n; i++)
        if (*codes[i]->code != '\0')
            g->p->codes[g->p->n_codes++] = (struct code){codes[i]->system, codes[i]->code, is};
}

static enum ward_code room(struct gather *g, struct ward_err *err)
{
    struct prepared *p = g->p;
    size_t names = p->n_classes, codes = 0;

    for (size_t i = 0; i < p->n_ingredients; i++) {
        names += 3 + p->ingredients[i].msg->n_synonyms;
        codes += p->ingredients[i].msg->n_codes;
    }
    for (size_t i = 0; i < p->n_drugs; i++) {
        names += 3;
        codes += p->drugs[i].msg->n_codes;
    }
    for (size_t i = 0; i < p->set->n_allergies; i++) {
        names += p->set->allergies[i]->n_names;
        codes += p->set->allergies[i]->n_codes;
    }
    g->room_names = names + 1;
    g->room_codes = codes + 1;
    p->names = ward_alloc(g->mem, g->room_names * sizeof(*p->names));
    p->unspaced = ward_alloc(g->mem, g->room_names * sizeof(*p->unspaced));
    p->codes = ward_alloc(g->mem, g->room_codes * sizeof(*p->codes));
    return p->names == NULL || p->unspaced == NULL || p->codes == NULL ? no_memory(err)
                                                                       : WARD_OK;
}

static enum ward_code gather(struct gather *g)
{
    struct prepared *p = g->p;

    for (size_t i = 0; i < p->n_ingredients; i++) {
        const Ward__Dosage__V1__Ingredient *m = p->ingredients[i].msg;
        struct target is = {IS_INGREDIENT, (int)i};

        WARD_TRY(add_name(g, m->id, is));
        WARD_TRY(add_sentence(g, m->name, is));
        for (size_t k = 0; k < m->n_synonyms; k++)
            WARD_TRY(add_name(g, m->synonyms[k], is));
        add_codes(g, m->codes, m->n_codes, is);
    }
    for (size_t i = 0; i < p->n_drugs; i++) {
        const Ward__Dosage__V1__Drug *m = p->drugs[i].msg;
        struct target is = {IS_DRUG, (int)i};

        WARD_TRY(add_name(g, m->id, is));
        WARD_TRY(add_sentence(g, m->name, is));
        add_codes(g, m->codes, m->n_codes, is);
    }
    for (size_t i = 0; i < p->n_classes; i++)
        WARD_TRY(add_name(g, p->classes[i], (struct target){IS_CLASS, (int)i}));
    for (size_t i = 0; i < p->set->n_allergies; i++) {
        const Ward__Dosage__V1__AllergyRule *m = p->set->allergies[i];
        struct target is = {IS_RULE, (int)i};

        for (size_t k = 0; k < m->n_names; k++)
            WARD_TRY(add_name(g, m->names[k], is));
        add_codes(g, m->codes, m->n_codes, is);
    }
    return WARD_OK;
}

enum ward_code prepare_names(struct prepared *p, struct ward_arena *mem, struct ward_err *err)
{
    struct gather g = {.p = p, .mem = mem, .err = err};

    WARD_TRY(room(&g, err));
    WARD_TRY(gather(&g));
    qsort(p->names, p->n_names, sizeof(*p->names), by_first_word);
    qsort(p->codes, p->n_codes, sizeof(*p->codes), by_code);
    return WARD_OK;
}

/* ---- meanings of an allergy ---- */

struct found {
    struct name_at *at;
    size_t n, room;
    struct ward_arena *mem;
    bool full;
};

static void add(struct found *f, struct target is, size_t from, size_t to)
{
    if (f->n == f->room) {
        size_t grown = f->room == 0 ? 8 : f->room * 2;
        struct name_at *more = ward_alloc(f->mem, grown * sizeof(*more));

        if (more == NULL) {
            f->full = true;
            return;
        }
        if (f->n > 0)
            memcpy(more, f->at, f->n * sizeof(*more));
        f->at = more;
        f->room = grown;
    }
    f->at[f->n++] = (struct name_at){is, from, to};
}

static void by_coding(const struct prepared *p, const Ward__Dosage__V1__Coding *c,
                      struct found *f)
{
    size_t lo = 0, hi = p->n_codes;

    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;

        if (strcmp(p->codes[mid].code, c->code) < 0)
            lo = mid + 1;
        else
            hi = mid;
    }
    for (; lo < p->n_codes && strcmp(p->codes[lo].code, c->code) == 0; lo++)
        if (strcmp(p->codes[lo].system, c->system) == 0)
            add(f, p->codes[lo].is, 0, 0);
}

/* Whether a word is a name or its plural, such as "opioids". */
static bool is_word(const char *name, const char *word)
{
    size_t n = strlen(name);

    return strncmp(name, word, n) == 0 && (word[n] == '\0' || strcmp(word + n, "s") == 0);
}

static bool begins(const struct name *name, const struct word_at *words, size_t n)
{
    if (name->n > n)
        return false;
    for (size_t i = 0; i < name->n; i++)
        if (!is_word(name->words[i], words[i].text))
            return false;
    return true;
}

/* Adds the names that begin with `first`, which is the first word or its singular. */
static void from_word(const struct prepared *p, const char *first, const struct word_at *words,
                      size_t n, struct found *f)
{
    size_t lo = 0, hi = p->n_names;

    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;

        if (strcmp(p->names[mid].words[0], first) < 0)
            lo = mid + 1;
        else
            hi = mid;
    }
    for (; lo < p->n_names && strcmp(p->names[lo].words[0], first) == 0; lo++)
        if (begins(&p->names[lo], words, n))
            add(f, p->names[lo].is, words[0].from, words[p->names[lo].n - 1].to);
}

/* Inserts a space between scripts with and without spaces ("对penicillin过敏"). With `digits`,
 * also inserts a space between letters and digits ("penicillin500mg"). NULL: no memory. */
static char *parted(struct ward_arena *mem, const char *folded, bool digits)
{
    char *out = ward_alloc(mem, 2 * strlen(folded) + 1);
    int last = 0;
    size_t n = 0;

    for (const unsigned char *s = (const unsigned char *)folded; out != NULL && *s != '\0';
         s++) {
        bool goes_on = *s >= 0x80 && *s < 0xc0; /* maximum for one code point */
        int kind = goes_on ? last : is_unspaced_at(s) ? 2 : digits && *s >= '0' && *s <= '9';

        if (kind != last && n > 0)
            out[n++] = ' ';
        out[n++] = (char)*s;
        last = kind;
    }
    return out;
}

/* Finds each word after the previous word, because words are in the order of the text. */
static enum ward_code words_of(const char *folded, bool digits, struct ward_arena *mem,
                               struct word_at **out, size_t *n, struct ward_err *err)
{
    const char *text = parted(mem, folded, digits), *from = folded;
    struct word_at *all;
    char **words;

    if (text == NULL)
        return no_memory(err);
    WARD_TRY(ward_words(mem, text, &words, n, err));
    all = ward_alloc(mem, *n * sizeof(*all));
    if (all == NULL)
        return no_memory(err);
    for (size_t i = 0; i < *n; i++) {
        const char *at = strstr(from, words[i]);

        /* a second normalization changed the word, so the text does not contain it */
        if (at == NULL)
            at = from;
        all[i] = (struct word_at){
            .text = words[i], .from = (size_t)(at - folded), .unspaced = is_unspaced(words[i])};
        from = at + strnlen(at, strlen(words[i]));
        all[i].to = (size_t)(from - folded);
    }
    *out = all;
    return WARD_OK;
}

static enum ward_code by_words(const struct prepared *p, const char *folded, bool digits,
                               struct found *f, struct ward_err *err)
{
    struct word_at *words;
    size_t n;

    WARD_TRY(words_of(folded, digits, f->mem, &words, &n, err));
    for (size_t i = 0; i < n; i++) {
        size_t len = strlen(words[i].text);

        from_word(p, words[i].text, words + i, n - i, f);
        if (len > 1 && words[i].text[len - 1] == 's') {
            const char *one = ward_printf(f->mem, "%.*s", (int)(len - 1), words[i].text);

            if (one == NULL)
                return no_memory(err);
            from_word(p, one, words + i, n - i, f);
        }
    }
    return WARD_OK;
}

static void by_unspaced(const struct prepared *p, const char *folded, struct found *f)
{
    for (size_t i = 0; i < p->n_unspaced; i++) {
        const char *name = p->unspaced[i].words[0];

        for (const char *at = strstr(folded, name); at != NULL; at = strstr(at + 1, name))
            add(f, p->unspaced[i].is, (size_t)(at - folded),
                (size_t)(at - folded) + strlen(name));
    }
}

static enum ward_code by_folded(const struct prepared *p, const char *folded, struct found *f,
                                struct ward_err *err)
{
    WARD_TRY(by_words(p, folded, false, f, err));
    WARD_TRY(by_words(p, folded, true, f, err));
    if (is_unspaced(folded))
        by_unspaced(p, folded, f);
    return WARD_OK;
}

static enum ward_code by_text(const struct prepared *p, const char *text, struct found *f,
                              struct ward_err *err)
{
    char *folded;

    if (*text == '\0')
        return WARD_OK;
    if (ward_fold(f->mem, text, &folded, err) != WARD_OK)
        /* invalid text: nothing is interpreted */
        return f->mem->full ? no_memory(err) : WARD_OK;
    return by_folded(p, folded, f, err);
}

static enum ward_code targets(const struct found *f, struct target **out, size_t *n,
                              struct ward_err *err)
{
    struct target *all = ward_alloc(f->mem, f->n * sizeof(*all));

    if (f->full || all == NULL)
        return no_memory(err);
    for (size_t i = 0; i < f->n; i++)
        all[i] = f->at[i].is;
    *out = all;
    *n = f->n;
    return WARD_OK;
}

enum ward_code names_of(const struct prepared *p, const Ward__Dosage__V1__Allergy *allergy,
                        struct ward_arena *mem, struct target **out, size_t *n,
                        struct ward_err *err)
{
    struct found f = {.mem = mem};

    for (size_t i = 0; i < allergy->n_codings; i++) {
        by_coding(p, allergy->codings[i], &f);
        WARD_TRY(by_text(p, allergy->codings[i]->display, &f, err));
    }
    WARD_TRY(by_text(p, allergy->text, &f, err));
    return targets(&f, out, n, err);
}

static enum ward_code give(const struct found *f, struct name_at **out, size_t *n,
                           struct ward_err *err)
{
    if (f->full)
        return no_memory(err);
    *out = f->at;
    *n = f->n;
    return WARD_OK;
}

enum ward_code names_in(const struct prepared *p, const char *folded, struct ward_arena *mem,
                        struct name_at **out, size_t *n, struct ward_err *err)
{
    struct found f = {.mem = mem};

    WARD_TRY(by_folded(p, folded, &f, err));
    return give(&f, out, n, err);
}

enum ward_code names_by_code(const struct prepared *p, const Ward__Dosage__V1__Coding *c,
                             struct ward_arena *mem, struct name_at **out, size_t *n,
                             struct ward_err *err)
{
    struct found f = {.mem = mem};

    by_coding(p, c, &f);
    return give(&f, out, n, err);
}

enum ward_code names_words(const char *folded, struct ward_arena *mem, struct word_at **out,
                           size_t *n, struct ward_err *err)
{
    return words_of(folded, true, mem, out, n, err);
}
