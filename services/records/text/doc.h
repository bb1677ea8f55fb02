/* doc.h - validates a note and normalizes the text for comparison.
 *
 * Normalization converts full width to half width, letters to lower case without accents, and
 * traditional to simplified characters. All kinds of spaces, dashes and quotation marks become
 * one kind, and several spaces one space. Combining marks and invisible characters are removed.
 * Each normalized code point has its position in the note, so spans are reported as offsets of
 * the note.
 *
 * Threads: pure. Memory: the caller's arena. Errors: INVALID_ARGUMENT reasons TEXT_NOT_UTF8,
 * TEXT_TOO_LONG; RESOURCE_EXHAUSTED reason ARENA_FULL.
 */
#ifndef RECORDS_TEXT_DOC_H
#define RECORDS_TEXT_DOC_H

#include "services/records/text/text.h"

struct text_doc {
    const struct ward_stop *stop; /* cancellation of the calling RPC; NULL: not cancellable */
    const char *utf8;
    size_t nbytes;
    uint32_t n;         /* number of normalized code points */
    uint32_t *cp;       /* [n + 1] the normalized code points; cp[n] is 0 */
    uint32_t *byte;     /* [n] position of each in the note, in bytes */
    uint32_t *original; /* [n] position of each in the note, in code points */
};

/* Decodes one UTF-8 sequence at s[0..n). Returns its length, or 0 for an invalid sequence or
 * NUL. */
size_t text_decode(const char *s, size_t n, uint32_t *cp);
/* Converts a traditional character to the simplified character. Other characters are unchanged,
 * including characters that both scripts share. */
uint32_t text_simplified(uint32_t cp);
/* Normalizes a code point; 0: the code point is removed. */
uint32_t text_fold(uint32_t cp);

WARD_MUST enum ward_code text_doc_make(struct ward_arena *mem, const char *utf8, size_t n,
                                       struct text_doc *out, struct ward_err *err);
/* Converts [start, end) of the normalized text to offsets of the note; start < end <= doc->n.
 * Combining marks after the last letter are included. */
struct text_span text_doc_span(const struct text_doc *doc, uint32_t start, uint32_t end);
/* Returns the normalized text of [start, end) in UTF-8; NULL: the arena is full. */
char *text_doc_folded(const struct text_doc *doc, struct ward_arena *mem, uint32_t start,
                      uint32_t end);

bool text_is_han(uint32_t cp);
bool text_is_word(uint32_t cp); /* a Latin or Greek letter, or a digit */
bool text_is_digit(uint32_t cp);
bool text_is_letter(uint32_t cp); /* a Latin or Greek letter */

#endif
