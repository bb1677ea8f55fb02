/* allergy_words.h - words around drug names in an allergy's text, in English and Chinese, as
 * normalized text: filler words, statements of no allergy, denials.
 *
 * Threads: constant. Memory: static. Errors: none.
 */
#ifndef DOSAGE_CHECK_ALLERGY_WORDS_H
#define DOSAGE_CHECK_ALLERGY_WORDS_H

#include <stdbool.h>
#include <stddef.h>

/* Whether a word names no drug: "rash", "severe", a number. word: n bytes, normalized. */
bool words_is_filler(const char *word, size_t n);
/* Number of bytes at the beginning of a Chinese text that are a filler word; 0: no filler
 * word. */
size_t words_han_filler(const char *s, size_t n);

enum words_says {
    WORDS_SAY_SOMETHING,
    WORDS_SAY_NO_ALLERGY, /* no known drug allergy */
    WORDS_SAY_NOTHING     /* no known food or environmental allergy */
};
/* The meaning of a whole text, normalized, without spaces and punctuation. */
enum words_says words_say(const char *compact);
/* Whether a whole text is a denial. compact: normalized, without spaces and punctuation, with
 * '#' for each drug: "no#allergy", "#皮试阴性". */
bool words_deny(const char *compact);

#endif
