/* trie.h - finds the longest of many terms at a position of a normalized text.
 *
 * A trie whose edges are in one hash table of (node, code point): a step is one look-up, and a
 * search at one position takes at most TEXT_TERM_MAX steps.
 *
 * Threads: read-only once built. Memory: the arena it is built in. Errors: RESOURCE_EXHAUSTED
 * if that is full; ALREADY_EXISTS for a duplicate term.
 */
#ifndef RECORDS_TEXT_TRIE_H
#define RECORDS_TEXT_TRIE_H

#include "services/records/text/doc.h"

#define TEXT_TERM_MAX 64 /* code points */

struct text_edge {
    uint32_t node, cp, to; /* to == 0: an empty slot */
};

struct text_trie {
    struct text_edge *edges;
    uint32_t mask;
    uint32_t n_nodes, cap_nodes;
    int32_t *value; /* [cap_nodes] the term that ends here, -1 for none */
};

/* Room for terms of `total` code points in all. */
WARD_MUST enum ward_code text_trie_init(struct text_trie *t, struct ward_arena *mem,
                                        uint32_t total, struct ward_err *err);
/* A normalized term of n code points, 1..TEXT_TERM_MAX; value >= 0. */
WARD_MUST enum ward_code text_trie_add(struct text_trie *t, const uint32_t *cp, uint32_t n,
                                       int32_t value, struct ward_err *err);
/* The child of a node, 0 for none; the root is node 0. */
uint32_t text_trie_step(const struct text_trie *t, uint32_t node, uint32_t cp);
/* Where a term may begin and end among letters and digits; scripts without spaces have no
 * edges. */
enum text_edges {
    TEXT_EDGES = 0,       /* a whole word */
    TEXT_PLURAL = 1,      /* or with the s of a plural */
    TEXT_THEN_DIGITS = 2, /* digits may follow: "HR88" */
    TEXT_AFTER_DIGITS = 4 /* or precede: "80mmHg" */
};

/* The longest term of [i, limit) that begins at i: its value and *end, or -1. */
int32_t text_trie_longest(const struct text_trie *t, const struct text_doc *doc, uint32_t i,
                          uint32_t limit, unsigned edges, uint32_t *end);
/* The value of exactly [i, j), or -1. */
int32_t text_trie_exact(const struct text_trie *t, const struct text_doc *doc, uint32_t i,
                        uint32_t j);

#endif
