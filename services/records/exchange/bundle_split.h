/* bundle_split.h - where each of several JSON objects, one after the other, ends; and what kind
 * of Bundle it is, as soon as that has been read.
 *
 * Looks at brackets and strings alone: whether it is JSON is for the stream that each object's
 * bytes are fed to.
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
    /* "" while not read: members of the object in progress. */
    char type[BUNDLE_WORD], resource_type[BUNDLE_WORD];
    /* private */
    int depth;
    bool in_string, escaped, expects_key;
    char key[BUNDLE_WORD], word[BUNDLE_WORD];
    size_t n; /* of word; BUNDLE_WORD and more: too long to matter */
};

/* How many of the next n bytes belong to the object in progress, which begins with the first
 * byte that is no white space; *skip of them, at the front, to none. *ends: the last of them is
 * the object's last. */
size_t bundle_split(struct bundle_split *s, const char *p, size_t n, size_t *skip, bool *ends);

#endif
