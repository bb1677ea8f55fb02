#include "services/records/text/trie.h"

#include <string.h>

static uint32_t slot_of(const struct text_trie *t, uint32_t node, uint32_t cp)
{
    uint64_t h = ((uint64_t)node << 21 ^ cp) * UINT64_C(0x9E3779B97F4A7C15);
    uint32_t i = (uint32_t)(h >> 32) & t->mask;

    while (t->edges[i].to != 0 && (t->edges[i].node != node || t->edges[i].cp != cp))
        i = (i + 1) & t->mask;
    return i;
}

enum ward_code text_trie_init(struct text_trie *t, struct ward_arena *mem, uint32_t total,
                              struct ward_err *err)
{
    uint32_t slots = 64;

    while (slots < total * 2) /* the table is at most half full, so that a search ends */
        slots *= 2;
    t->mask = slots - 1;
    t->cap_nodes = total + 1;
    t->n_nodes = 1;
    t->edges = ward_alloc(mem, slots * sizeof(*t->edges));
    t->value = ward_alloc(mem, t->cap_nodes * sizeof(*t->value));
    if (t->edges == NULL || t->value == NULL)
        return WARD_FAIL(err, RESOURCE_EXHAUSTED, "the dictionaries need more memory");
    memset(t->value, 0xFF, t->cap_nodes * sizeof(*t->value));
    return WARD_OK;
}

uint32_t text_trie_step(const struct text_trie *t, uint32_t node, uint32_t cp)
{
    return t->edges[slot_of(t, node, cp)].to;
}

enum ward_code text_trie_add(struct text_trie *t, const uint32_t *cp, uint32_t n, int32_t value,
                             struct ward_err *err)
{
    uint32_t node = 0;

    for (uint32_t i = 0; i < n; i++) {
        uint32_t slot = slot_of(t, node, cp[i]);

        if (t->edges[slot].to == 0) {
            WARD_ASSERT(t->n_nodes < t->cap_nodes);
            t->edges[slot] = (struct text_edge){node, cp[i], t->n_nodes++};
        }
        node = t->edges[slot].to;
    }
    if (t->value[node] >= 0)
        return WARD_FAIL(err, ALREADY_EXISTS, "the term exists already");
    t->value[node] = value;
    return WARD_OK;
}

static bool begins(const struct text_doc *doc, uint32_t i, unsigned edges)
{
    return i == 0 || !text_is_word(doc->cp[i]) || !text_is_word(doc->cp[i - 1]) ||
           ((edges & TEXT_AFTER_DIGITS) && text_is_digit(doc->cp[i - 1]));
}

static bool ends(const struct text_doc *doc, uint32_t j, unsigned edges)
{
    return !text_is_word(doc->cp[j - 1]) || !text_is_word(doc->cp[j]) ||
           ((edges & TEXT_THEN_DIGITS) && text_is_digit(doc->cp[j]));
}

/* Whether a term is followed by the s of a plural: "fevers" for "fever", but not "us" for "u",
 * because short terms are excluded. */
static bool plural(const struct text_doc *doc, uint32_t i, uint32_t j, unsigned edges)
{
    return (edges & TEXT_PLURAL) && j - i >= 4 && doc->cp[j] == 's' &&
           text_is_letter(doc->cp[j - 1]) && ends(doc, j + 1, edges);
}

int32_t text_trie_longest(const struct text_trie *t, const struct text_doc *doc, uint32_t i,
                          uint32_t limit, unsigned edges, uint32_t *end)
{
    int32_t found = -1;
    uint32_t node = 0;

    if (!begins(doc, i, edges))
        return -1;
    for (uint32_t j = i; j < limit && j - i < TEXT_TERM_MAX;) {
        node = text_trie_step(t, node, doc->cp[j++]);
        if (node == 0)
            break;
        if (t->value[node] < 0)
            continue;
        if (ends(doc, j, edges)) {
            found = t->value[node];
            *end = j;
        } else if (j < limit && plural(doc, i, j, edges)) {
            found = t->value[node];
            *end = j + 1;
        }
    }
    return found;
}

int32_t text_trie_exact(const struct text_trie *t, const struct text_doc *doc, uint32_t i,
                        uint32_t j)
{
    uint32_t node = 0;

    for (uint32_t k = i; k < j; k++) {
        node = text_trie_step(t, node, doc->cp[k]);
        if (node == 0)
            return -1;
    }
    return t->value[node];
}
