#include "services/dosage/check/allergy_read.h"

#include "common/unicode/unicode.h"
#include "services/dosage/check/allergy_words.h"

#include <string.h>

#define LEFT_MOST 160 /* maximum bytes of reported uninterpreted text */

static enum ward_code no_memory(struct ward_err *err)
{
    return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory for an allergy");
}

/* A normalized text: the display of a code, or the entry's text. */
struct piece {
    char *folded;
    struct name_at *names;
    size_t n;
    enum words_says says;
    bool denies;
};
/* A concept: of the entry, or of a reaction's substance. */
struct concept {
    Ward__Dosage__V1__Coding *const *codings;
    size_t n_codings;
    const char *text;
};
struct reader {
    const struct prepared *p;
    struct ward_arena *mem;
    struct ward_err *err;
    struct allergy_reading *out;
    size_t room, room_denied;
    size_t left_size;
    char left[LEFT_MOST + 16];
    size_t pieces, deny, none, nothing; /* numbers of texts */
    size_t codes;                       /* number of interpreted codes */
    const char *said;
};

/* ---- named allergens ---- */

static bool put(struct reader *r, struct target **list, size_t *n, size_t *room,
                struct target is)
{
    if (*n == *room) {
        size_t grown = *room == 0 ? 8 : *room * 2;
        struct target *more = ward_alloc(r->mem, grown * sizeof(*more));

        if (more == NULL)
            return false;
        if (*n > 0)
            memcpy(more, *list, *n * sizeof(*more));
        *list = more;
        *room = grown;
    }
    (*list)[(*n)++] = is;
    return true;
}

static enum ward_code keep(struct reader *r, const struct name_at *names, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (!put(r, &r->out->is, &r->out->n, &r->room, names[i].is))
            return no_memory(r->err);
    return WARD_OK;
}

static enum ward_code keep_denied(struct reader *r, const struct piece *x)
{
    for (size_t i = 0; i < x->n; i++)
        if (!put(r, &r->out->denied, &r->out->n_denied, &r->room_denied, x->names[i].is))
            return no_memory(r->err);
    return WARD_OK;
}

/* ---- uninterpreted text ---- */

static bool is_left(const struct reader *r, const char *word, size_t n)
{
    for (size_t i = 0; i + n <= r->left_size; i++)
        if (memcmp(r->left + i, word, n) == 0)
            return true;
    return false;
}

/* Collects an uninterpreted word once, if there is room. */
static void leave(struct reader *r, const char *word, size_t n)
{
    const char *before = r->left_size == 0 ? "" : ", ";
    size_t room = LEFT_MOST - r->left_size, more = strlen(before) + n;

    if (n == 0 || r->left_size > LEFT_MOST || is_left(r, word, n))
        return;
    if (more > room) {
        memcpy(r->left + r->left_size, "...", 4);
        r->left_size = LEFT_MOST + 1;
        return;
    }
    memcpy(r->left + r->left_size, before, strlen(before));
    memcpy(r->left + r->left_size + strlen(before), word, n);
    r->left_size += more;
    r->left[r->left_size] = '\0';
}

/* Length of the next code point in bytes. */
static size_t step(const char *s)
{
    size_t n = 1;

    while (((unsigned char)s[n] & 0xC0) == 0x80)
        n++;
    return n;
}

/* Collects the parts of a Chinese text that are not filler words. */
static void leave_unspaced(struct reader *r, const char *s, size_t n)
{
    size_t from = 0, at = 0;

    while (at < n) {
        size_t filler = words_han_filler(s + at, n - at);

        if (filler == 0) {
            at += step(s + at);
            continue;
        }
        leave(r, s + from, at - from);
        at += filler;
        from = at;
    }
    leave(r, s + from, n - from);
}

static size_t covered_to(const struct piece *x, size_t at)
{
    size_t to = at;

    for (size_t i = 0; i < x->n; i++)
        if (x->names[i].from <= at && x->names[i].to > to)
            to = x->names[i].to;
    return to;
}

static size_t next_name(const struct piece *x, size_t at, size_t end)
{
    for (size_t i = 0; i < x->n; i++)
        if (x->names[i].from > at && x->names[i].from < end)
            end = x->names[i].from;
    return end;
}

/* Collects the parts of a word that no name covers. */
static void leave_word(struct reader *r, const struct piece *x, const struct word_at *w)
{
    size_t at = w->from;

    while (at < w->to) {
        size_t covered = covered_to(x, at), end;

        if (covered > at) {
            at = covered;
            continue;
        }
        end = next_name(x, at, w->to);
        if (w->unspaced)
            leave_unspaced(r, x->folded + at, end - at);
        else if (!words_is_filler(x->folded + at, end - at))
            leave(r, x->folded + at, end - at);
        at = end;
    }
}

static enum ward_code leave_rest(struct reader *r, const struct piece *x)
{
    struct word_at *words;
    size_t n;

    WARD_TRY(names_words(x->folded, r->mem, &words, &n, r->err));
    for (size_t i = 0; i < n; i++)
        leave_word(r, x, &words[i]);
    return WARD_OK;
}

/* ---- one text ---- */

static bool is_letter(unsigned char ch)
{
    return (ch >= 'a' && ch <= 'z') || (ch >= '0' && ch <= '9') || ch >= 0x80;
}

/* Punctuation with three bytes, of Chinese and other scripts: U+2000 to U+206F, U+3000 to
 * U+303F. */
static bool is_mark(const char *s)
{
    return memcmp(s, "\xe2\x80", 2) == 0 || memcmp(s, "\xe2\x81", 2) == 0 ||
           memcmp(s, "\xe3\x80", 2) == 0;
}

/* Removes spaces and punctuation, except "-" and "+", which have a meaning. Names become '#';
 * adjacent names become one '#'. */
static char *compact(struct reader *r, const struct piece *x)
{
    char *out = ward_alloc(r->mem, strlen(x->folded) + 1);
    size_t n = 0, at = 0;

    while (out != NULL && x->folded[at] != '\0') {
        size_t to = covered_to(x, at), size = step(x->folded + at);

        if (to > at) {
            if (n == 0 || out[n - 1] != '#')
                out[n++] = '#';
            at = to;
            continue;
        }
        if (size == 1 ? is_letter((unsigned char)x->folded[at]) || x->folded[at] == '-' ||
                            x->folded[at] == '+'
                      : !is_mark(x->folded + at)) {
            memcpy(out + n, x->folded + at, size);
            n += size;
        }
        at += size;
    }
    if (out != NULL)
        out[n] = '\0';
    return out;
}

/* Joins names in a denial: "penicillin or cefazolin" and "青霉素、头孢" become one '#'. */
static void join_names(char *s)
{
    static const char *const BETWEEN[] = {"#or#", "#and#", "#及#", "#和#", "#或#", "#与#"};

    for (size_t i = 0; i < WARD_COUNT(BETWEEN); i++) {
        size_t n = strlen(BETWEEN[i]);

        for (char *at = strstr(s, BETWEEN[i]); at != NULL; at = strstr(s, BETWEEN[i]))
            memmove(at + 1, at + n, strlen(at + n) + 1);
    }
}

/* Shortens a name such as "penicillin allergy" to the drug, because the last word belongs to
 * the denial. */
static void trim_names(struct piece *x)
{
    static const char *const LAST[] = {"allergy", "allergies", "过敏"};

    for (size_t i = 0; i < x->n; i++)
        for (size_t k = 0; k < WARD_COUNT(LAST); k++) {
            struct name_at *name = &x->names[i];
            size_t n = strlen(LAST[k]);

            if (name->to - name->from > n && memcmp(x->folded + name->to - n, LAST[k], n) == 0)
                name->to -= n;
        }
}

static enum ward_code piece_of(struct reader *r, const char *text, struct piece *x)
{
    char *s;

    *x = (struct piece){0};
    if (ward_fold(r->mem, text, &x->folded, NULL) != WARD_OK) {
        x->folded = ward_strdup(r->mem, "");
        leave(r, "?", 1); /* invalid text */
        return r->mem->full || x->folded == NULL ? no_memory(r->err) : WARD_OK;
    }
    WARD_TRY(names_in(r->p, x->folded, r->mem, &x->names, &x->n, r->err));
    trim_names(x);
    s = compact(r, x);
    if (s == NULL)
        return no_memory(r->err);
    x->says = x->n == 0 ? words_say(s) : WORDS_SAY_SOMETHING;
    join_names(s);
    x->denies = x->n > 0 && strchr(x->folded, '#') == NULL && words_deny(s);
    return WARD_OK;
}

/* ---- one concept ---- */

/* The words of a display count as uninterpreted only if no code of the concept is interpreted:
 * a code is more precise than a display. */
static enum ward_code read_text(struct reader *r, const char *text, bool coded,
                                size_t *understood)
{
    struct piece x;

    if (*text == '\0')
        return WARD_OK;
    WARD_TRY(piece_of(r, text, &x));
    r->pieces++;
    r->none += x.says == WORDS_SAY_NO_ALLERGY;
    r->nothing += x.says == WORDS_SAY_NOTHING;
    *understood += x.n + (x.says != WORDS_SAY_SOMETHING);
    if (x.denies) {
        r->deny++;
        r->said = text;
        WARD_TRY(keep_denied(r, &x));
    }
    WARD_TRY(keep(r, x.names, x.n));
    return coded || x.says != WORDS_SAY_SOMETHING || x.denies ? WARD_OK : leave_rest(r, &x);
}

static enum ward_code read_concept(struct reader *r, const struct concept *c)
{
    size_t coded = 0, understood = 0, before = r->left_size;

    for (size_t i = 0; i < c->n_codings; i++) {
        struct name_at *names;
        size_t n;

        WARD_TRY(names_by_code(r->p, c->codings[i], r->mem, &names, &n, r->err));
        WARD_TRY(keep(r, names, n));
        coded += n;
    }
    r->codes += coded;
    for (size_t i = 0; i < c->n_codings; i++)
        WARD_TRY(read_text(r, c->codings[i]->display, coded > 0, &understood));
    WARD_TRY(read_text(r, c->text, false, &understood));
    if (coded + understood == 0 && r->left_size == before)
        for (size_t i = 0; i < c->n_codings; i++)
            if (*c->codings[i]->display == '\0')
                leave(r, c->codings[i]->code, strnlen(c->codings[i]->code, LEFT_MOST));
    return WARD_OK;
}

static enum ward_code read_all(struct reader *r, const Ward__Dosage__V1__Allergy *a)
{
    const struct concept own = {a->no_known ? NULL : a->codings, a->no_known ? 0 : a->n_codings,
                                a->text};

    WARD_TRY(read_concept(r, &own));
    for (size_t i = 0; i < a->n_substances; i++) {
        const struct concept c = {a->substances[i]->codings, a->substances[i]->n_codings,
                                  a->substances[i]->text};

        WARD_TRY(read_concept(r, &c));
    }
    return WARD_OK;
}

enum ward_code allergy_read(const struct prepared *p, const Ward__Dosage__V1__Allergy *allergy,
                            struct ward_arena *mem, struct allergy_reading *out,
                            struct ward_err *err)
{
    struct reader r = {.p = p, .mem = mem, .err = err, .out = out, .said = ""};
    bool silent;

    *out = (struct allergy_reading){0};
    WARD_TRY(read_all(&r, allergy));
    silent = r.codes == 0 && out->n == 0 && r.pieces == r.none + r.nothing && r.left_size == 0;
    out->none = silent && (r.none > 0 || allergy->no_known);
    out->nothing = silent && !out->none && r.nothing > 0;
    /* The whole text is a denial, so all its names are denied. */
    if (r.deny > 0 && r.deny == r.pieces && r.codes == 0 && allergy->n_substances == 0 &&
        !allergy->no_known)
        out->n = 0;
    else
        out->n_denied = 0;
    if (r.deny > 0 && out->n_denied == 0) /* the denial contradicts another part of the entry */
        leave(&r, r.said, strnlen(r.said, LEFT_MOST));
    out->said = r.said;
    out->left = ward_strdup(mem, r.left);
    return out->left == NULL ? no_memory(err) : WARD_OK;
}
