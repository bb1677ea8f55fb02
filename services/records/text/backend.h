/* backend.h - interface of a back end, for example a model, that finds the symptoms, diseases
 * and drugs of a note.
 *
 * A back end marks spans of the normalized text. The engine's rules compute codes, negation,
 * time and experiencer of all spans, and find measurements. Each finding names its source.
 *
 * Threads: find is called from any thread, concurrently; a back end has its own locks. Memory:
 * marks are in the call's arena. Errors: text_extract returns the errors of find unchanged.
 */
#ifndef RECORDS_TEXT_BACKEND_H
#define RECORDS_TEXT_BACKEND_H

#include "services/records/text/doc.h"

/* words that contain a term but are not a finding: "infection control" */
#define TEXT_MARK_NONE (-1)

struct text_term {
    const char *name, *system, *code, *source; /* "": missing */
    int kind;                                  /* enum text_kind, or TEXT_MARK_NONE */
};

struct text_mark {
    uint32_t start, end; /* offsets in the normalized text */
    int kind;
    const struct text_term *term; /* NULL: the engine searches the dictionary for the words */
    const struct text_quantity *quantity;
    const struct text_maker *maker;
};

/* Marks in the order of `start`; marks do not overlap. */
struct text_marks {
    struct text_mark *at;
    size_t n, cap;
};
/* Appends a mark.   RESOURCE_EXHAUSTED  reasons ARENA_FULL, TEXT_TOO_MANY */
WARD_MUST enum ward_code text_mark_add(struct text_marks *m, struct ward_arena *mem,
                                       const struct text_mark *mark, struct ward_err *err);

struct text_backend {
    struct text_maker maker;
    /* language of the sentences that the back end reads; the rules read the others */
    enum text_language language;
    bool filled; /* terms of Ward's own lists are added where the back end marks nothing */
    void *self;
    /* Finds marks within [start, end). `terms` are the dictionary's matches in this range. */
    enum ward_code (*find)(void *self, const struct text_doc *doc, uint32_t start, uint32_t end,
                           const struct text_marks *terms, struct ward_arena *mem,
                           struct text_marks *out, struct ward_err *err);
};

/* Returns the name and version of the engine's finder: the back end, or the rules. */
const struct text_maker *text_found_by(const struct text_engine *e);

#endif
