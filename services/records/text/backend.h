/* backend.h - finds the symptoms, diseases and drugs of a note: by the rules, or by a model.
 *
 * A back end marks spans of the normalized text. Codes, negation, time and experiencer, and
 * measurements are computed by the engine's rules for all spans, and each finding names its
 * source.
 *
 * Threads: find is called from any thread, concurrently; a back end has its own locks. Memory:
 * marks live in the call's arena. Errors: find's are returned by text_extract unchanged.
 */
#ifndef RECORDS_TEXT_BACKEND_H
#define RECORDS_TEXT_BACKEND_H

#include "services/records/text/doc.h"

#define TEXT_MARK_NONE (-1) /* words with a term that are no finding: "infection control" */

struct text_term {
    const char *name, *system, *code, *source; /* "" for none */
    int kind;                                  /* enum text_kind, or TEXT_MARK_NONE */
};

struct text_mark {
    uint32_t start, end; /* of the normalized text */
    int kind;
    const struct text_term *term; /* NULL: the engine looks the words up */
    const struct text_quantity *quantity;
    const struct text_maker *maker;
};

/* By start, not overlapping. */
struct text_marks {
    struct text_mark *at;
    size_t n, cap;
};
/*   RESOURCE_EXHAUSTED  reasons ARENA_FULL, TEXT_TOO_MANY */
WARD_MUST enum ward_code text_mark_add(struct text_marks *m, struct ward_arena *mem,
                                       const struct text_mark *mark, struct ward_err *err);

struct text_backend {
    struct text_maker maker;
    enum text_language language; /* of the sentences it reads; the rules read the others */
    bool filled; /* terms of Ward's own lists are also found where it marks nothing */
    void *self;
    /* Marks within [start, end). `terms` are the dictionary's matches there. */
    enum ward_code (*find)(void *self, const struct text_doc *doc, uint32_t start, uint32_t end,
                           const struct text_marks *terms, struct ward_arena *mem,
                           struct text_marks *out, struct ward_err *err);
};

/* Finds symptoms, diseases and drugs: the back end, or the rules. Internal to the engine. */
const struct text_maker *text_found_by(const struct text_engine *e);

#endif
