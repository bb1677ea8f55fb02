/* doc.h - a note, checked, folded for comparing, and cut into sentences.
 *
 * Folding: full-width to half-width, letters to lower case and without their accents, every
 * kind of space, dash and quotation mark to one; traditional characters to simplified ones;
 * runs of spaces to one; combining marks and invisible characters left out. Each folded code
 * point knows where it stood, so a span found in the folded text is given in the note's own
 * offsets.
 *
 * Threads: pure. Memory: the caller's arena. Errors: INVALID_ARGUMENT reasons TEXT_NOT_UTF8,
 * TEXT_TOO_LONG; RESOURCE_EXHAUSTED reason ARENA_FULL.
 */
#ifndef RECORDS_TEXT_DOC_H
#define RECORDS_TEXT_DOC_H

#include "services/records/text/text.h"

struct text_doc {
    const struct ward_stop *stop; /* of the call that reads it; NULL: nobody gives up */
    const char *utf8;
    size_t nbytes;
    uint32_t n;         /* folded code points */
    uint32_t *cp;       /* [n + 1]; cp[n] is 0 */
    uint32_t *byte;     /* [n] where each began, in bytes */
    uint32_t *original; /* [n] and in code points of the note */
};

/* One UTF-8 sequence at s[0..n): its length and code point, or 0 for what is none. NUL is none.
 */
size_t text_decode(const char *s, size_t n, uint32_t *cp);
/* The simplified character of a traditional one; any other as it is. Not for telling scripts
 * apart: a character that both use stays. */
uint32_t text_simplified(uint32_t cp);
/* The folded code point; 0 for one that is left out. */
uint32_t text_fold(uint32_t cp);

WARD_MUST enum ward_code text_doc_make(struct ward_arena *mem, const char *utf8, size_t n,
                                       struct text_doc *out, struct ward_err *err);
/* [start, end) of the folded text, start < end <= doc->n, as the note has it: marks that follow
 * the last letter belong to it. */
struct text_span text_doc_span(const struct text_doc *doc, uint32_t start, uint32_t end);
/* The folded text of [start, end) in UTF-8. NULL past the arena's cap. */
char *text_doc_folded(const struct text_doc *doc, struct ward_arena *mem, uint32_t start,
                      uint32_t end);

bool text_is_han(uint32_t cp);
bool text_is_word(uint32_t cp); /* a Latin or Greek letter or a digit: words have edges */
bool text_is_digit(uint32_t cp);
bool text_is_letter(uint32_t cp); /* Latin or Greek */

#endif
