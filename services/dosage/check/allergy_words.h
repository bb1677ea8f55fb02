/* allergy_words.h - words around the names of drugs in an allergy's text, in English and
 * Chinese, as folded text: what adds nothing, what says that there is none, what denies.
 *
 * Threads: constant. Memory: static. Errors: none.
 */
#ifndef DOSAGE_CHECK_ALLERGY_WORDS_H
#define DOSAGE_CHECK_ALLERGY_WORDS_H

#include <stdbool.h>
#include <stddef.h>

/* A word that names no drug: "rash", "severe", a number. n bytes, folded. */
bool words_is_filler(const char *word, size_t n);
/* Bytes at the beginning of Chinese text that name no drug; 0: none. */
size_t words_han_filler(const char *s, size_t n);

enum words_says {
    WORDS_SAY_SOMETHING,
    WORDS_SAY_NO_ALLERGY, /* no known allergy to drugs */
    WORDS_SAY_NOTHING     /* none to food, none to what is in the air */
};
/* The whole of a text, folded and without spaces and marks. */
enum words_says words_say(const char *compact);
/* The whole of a text, likewise, with '#' for each drug: "no#allergy", "#皮试阴性". */
bool words_deny(const char *compact);

#endif
