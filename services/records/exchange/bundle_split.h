/* bundle_split.h - splits consecutive JSON objects, and reads the type of a Bundle before the
 * object ends.
 *
 * The splitter evaluates only brackets and strings. The JSON stream that receives each object's
 * bytes validates the JSON.
 *
 * Threads: not shared between threads. Memory: the caller's. Errors: none.
 */
#ifndef RECORDS_EXCHANGE_BUNDLE_SPLIT_H
#define RECORDS_EXCHANGE_BUNDLE_SPLIT_H

#include <stdbool.h>
#include <stddef.h>

#define BUNDLE_WORD 32

/* Zero-initialise. */
struct bundle_split {
    bool inside; /* an object has begun and not ended */
    /* Members of the object in progress; "" until the member was read. */
    char type[BUNDLE_WORD], resource_type[BUNDLE_WORD];
    /* private */
    int depth;
    bool in_string, escaped, expects_key;
    char key[BUNDLE_WORD], word[BUNDLE_WORD];
    size_t n; /* length of word; BUNDLE_WORD: longer than any known word */
};

/* Consumes bytes up to the end of the object in progress, and returns the number of consumed
 * bytes. The first *skip bytes are white space before the object. *ends: the last consumed byte
 * ends the object. */
size_t bundle_split(struct bundle_split *s, const char *p, size_t n, size_t *skip, bool *ends);

#endif
