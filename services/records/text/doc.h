/* doc.h - a note: validated, normalized for comparison, and split into sentences.
 *
 * Normalization: full width to half width, letters to lower case and without accents, every
 * kind of space, dash and quotation mark to one; traditional characters to simplified ones;
 * runs of spaces to one; combining marks and invisible characters removed. Each normalized code
 * point keeps its position, so spans are reported in the note's own offsets.
 *
 * Threads: pure. Memory: the caller's arena. Errors: INVALID_ARGUMENT reasons TEXT_NOT_UTF8,
 * TEXT_TOO_LONG; RESOURCE_EXHAUSTED reason ARENA_FULL.
 */
#ifndef RECORDS_TEXT_DOC_H
#define RECORDS_TEXT_DOC_H

#include "services/records/text/text.h"

struct text_doc {
    const struct ward_stop *stop; /* of the calling RPC; NULL: not cancellable */
    const char *utf8;
    size_t nbytes;
    uint32_t n;         /* folded code points */
    uint32_t *cp;       /* [n + 1]; cp[n] is 0 */
    uint32_t *byte;     /* [n] start of each, in bytes */
    uint32_t *original; /* [n] and in code points of the note */
};

/* One UTF-8 sequence at s[0..n): its length and code point, or 0 if invalid. NUL is invalid. */
size_t text_decode(const char *s, size_t n, uint32_t *cp);
/* The simplified character of a traditional one; any other is unchanged. Not for distinguishing
 * scripts: a common character is unchanged. */
uint32_t text_simplified(uint32_t cp);
/* The normalized code point; 0 for a removed one. */
uint32_t text_fold(uint32_t cp);

WARD_MUST enum ward_code text_doc_make(struct ward_arena *mem, const char *utf8, size_t n,
                                       struct text_doc *out, struct ward_err *err);
/* [start, end) of the normalized text, start < end <= doc->n, as offsets of the note: marks
 * after the last letter belong to it. */
struct text_span text_doc_span(const struct text_doc *doc, uint32_t start, uint32_t end);
/* The normalized text of [start, end) in UTF-8. NULL beyond the arena's limit. */
char *text_doc_folded(const struct text_doc *doc, struct ward_arena *mem, uint32_t start,
                      uint32_t end);

bool text_is_han(uint32_t cp);
bool text_is_word(uint32_t cp); /* a Latin or Greek letter or a digit: words have edges */
bool text_is_digit(uint32_t cp);
bool text_is_letter(uint32_t cp); /* Latin or Greek */

#endif
