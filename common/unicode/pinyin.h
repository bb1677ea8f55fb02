/* pinyin.h - Chinese characters as Latin letters: 王小明 is read "wang xiao ming".
 *
 * Readings are without tones; u with a diaeresis is written v, as people type it. A character
 * has one reading, its commonest; some have another as a surname (曾 is ceng, the surname
 * Zeng).
 *
 * Threads: pure functions; the table is built once. Memory: the arena. Errors:
 * RESOURCE_EXHAUSTED.
 */
#ifndef WARD_UNICODE_PINYIN_H
#define WARD_UNICODE_PINYIN_H

#include "common/base/arena.h"
#include "common/base/status.h"

/* A syllable for each character of a folded text, in the arena. *n 0 and *out NULL: the text is
 * empty or has a character without a reading. `surname`: the first character is read as one. */
WARD_MUST enum ward_code ward_pinyin(struct ward_arena *mem, const char *folded, bool surname,
                                     const char *const **out, size_t *n, struct ward_err *err);
/* The syllables [from, n) written as one word. RESOURCE_EXHAUSTED */
WARD_MUST enum ward_code ward_pinyin_join(struct ward_arena *mem, const char *const *syllables,
                                          size_t from, size_t n, char **out,
                                          struct ward_err *err);

#endif
