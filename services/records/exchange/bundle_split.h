/* bundle_split.h - finds the end of each of several consecutive JSON objects, and the kind of
 * Bundle as soon as it was read.
 *
 * It evaluates only brackets and strings: the stream that receives each object's bytes
 * validates the JSON.
 *
 * Threads: none shared. Memory: the caller's. Errors: none.
 */
#ifndef RECORDS_EXCHANGE_BUNDLE_SPLIT_H
#define RECORDS_EXCHANGE_BUNDLE_SPLIT_H

#include <stdbool.h>
#include <stddef.h>

#define BUNDLE_WORD 32

/* Zero-initialise. */
struct bundle_split {
    bool inside; /* an object has begun and not ended */
    /* "" until read: members of the object in progress. */
    char type[BUNDLE_WORD], resource_type[BUNDLE_WORD];
    /* private */
    int depth;
    bool in_string, escaped, expects_key;
    char key[BUNDLE_WORD], word[BUNDLE_WORD];
    size_t n; /* length of word; BUNDLE_WORD and more: too long to matter */
};

/* The number of the next n bytes that belong to the object in progress, which begins with the
 * first byte that is not white space; *skip bytes at the front belong to none. *ends: the last
 * of them ends the object. */
size_t bundle_split(struct bundle_split *s, const char *p, size_t n, size_t *skip, bool *ends);

#endif
