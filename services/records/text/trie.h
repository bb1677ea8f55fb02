/* trie.h - a trie that finds the longest of many terms at a position of a normalized text.
 *
 * The edges are in one hash table of (node, code point). A step is one look-up, and a search at
 * one position takes at most TEXT_TERM_MAX steps.
 *
 * Threads: read-only once built. Memory: the arena. Errors: RESOURCE_EXHAUSTED if the arena is
 * full; ALREADY_EXISTS for a duplicate term.
 */
#ifndef RECORDS_TEXT_TRIE_H
#define RECORDS_TEXT_TRIE_H

#include "services/records/text/doc.h"

#define TEXT_TERM_MAX 64 /* maximum code points of a term */

struct text_edge {
    uint32_t node, cp, to; /* to == 0: an empty slot */
};

struct text_trie {
    struct text_edge *edges;
    uint32_t mask;
    uint32_t n_nodes, cap_nodes;
    int32_t *value; /* [cap_nodes] value of the term that ends at the node; -1: no term */
};

/* Allocates room for terms with `total` code points in all. */
WARD_MUST enum ward_code text_trie_init(struct text_trie *t, struct ward_arena *mem,
                                        uint32_t total, struct ward_err *err);
/* Adds a normalized term of n code points, 1..TEXT_TERM_MAX; value >= 0. */
WARD_MUST enum ward_code text_trie_add(struct text_trie *t, const uint32_t *cp, uint32_t n,
                                       int32_t value, struct ward_err *err);
/* Returns the child of a node; 0: no child. The root is node 0. */
uint32_t text_trie_step(const struct text_trie *t, uint32_t node, uint32_t cp);
/* Where a term may begin and end among letters and digits. In scripts without spaces, a term
 * may begin and end anywhere. */
enum text_edges {
    TEXT_EDGES = 0,       /* only as a whole word */
    TEXT_PLURAL = 1,      /* also before the s of a plural */
    TEXT_THEN_DIGITS = 2, /* also before digits: "HR88" */
    TEXT_AFTER_DIGITS = 4 /* also after digits: "80mmHg" */
};

/* Finds the longest term that begins at i and ends before or at `limit`. Returns the term's
 * value and sets *end, or returns -1. */
int32_t text_trie_longest(const struct text_trie *t, const struct text_doc *doc, uint32_t i,
                          uint32_t limit, unsigned edges, uint32_t *end);
/* Returns the value of the term [i, j), or -1. */
int32_t text_trie_exact(const struct text_trie *t, const struct text_doc *doc, uint32_t i,
                        uint32_t j);

#endif
