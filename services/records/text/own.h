/* own.h - declarations that the files of the extraction share. Threads, memory, errors:
 * text.h. */
#ifndef RECORDS_TEXT_OWN_H
#define RECORDS_TEXT_OWN_H

#include "services/records/text/backend.h"
#include "services/records/text/table.h"
#include "services/records/text/trie.h"

/* ---- dictionaries: dict.c ---- */
struct text_dict {
    struct text_trie trie;
    struct text_trie tails; /* text after a term that changes its meaning */
    struct text_term *term;
    size_t n;
};

/* ---- cues: cues.c ---- */
enum cue_axis {
    CUE_ASSERTION,
    CUE_TEMPORALITY,
    CUE_EXPERIENCER,
    CUE_COURSE,  /* of drugs: stopped, or continuing */
    CUE_PSEUDO,  /* resembles a cue and is not one: "no increase" */
    CUE_STOP,    /* ends every scope: "but" */
    CUE_SECTION, /* a heading: sets an axis until the next, or the line's end */
    CUE_FILLER,  /* may stand in a bare list: "and", "等症状" */
    CUE_ABBREV,  /* its full stop does not end a sentence: "dr." */
    CUE_TEST /* may stand between a finding and a CUE_BEHIND: "HIV antibody test negative" */
};
#define CUE_N_VALUED 4 /* axes that have values */
/* CHANGED: the preceding drug was stopped, the following one continues. */
enum cue_course { COURSE_GOING, COURSE_STOPPED, COURSE_CHANGED };
enum cue_direction { CUE_FORWARD, CUE_BACKWARD, CUE_BOTH };
enum cue_reach { CUE_WORD, CUE_NEAR, CUE_FAR, CUE_LIST, CUE_CLAUSE, CUE_SENTENCE };
/* The direction of a cue, if its position decides: the tables' column `edge`. */
enum cue_edge {
    CUE_ANYWHERE, /* its direction, at any position */
    CUE_AT_EDGE,  /* forwards if no word directly precedes it, otherwise backwards: "?" */
    CUE_BEHIND,   /* backwards over the findings that it ends: "HIV and syphilis negative" */
    CUE_LAST,     /* backwards if no finding follows in its clause: "PE excluded" */
    CUE_TURN, /* in both directions: backwards directly after a drug, or if no drug follows in
               *                  its clause: "aspirin stopped, warfarin started" */
    CUE_TURN_OVER /* the same, and across a comma if its clause has no drug: "aspirin,
                   * discontinued"
                   */
};

struct text_cue {
    const char *id;
    enum cue_axis axis;
    enum cue_axis sets; /* of a section: the axis; CUE_SECTION for none */
    int value;          /* of the axis's enum */
    enum cue_direction direction;
    enum cue_reach reach;
    enum cue_edge edge;
};
struct text_cues {
    struct text_trie trie;
    struct text_cue *cue;
    size_t n;
};

/* ---- measurements: measure.c ---- */
struct text_measure {
    const char *kind, *system, *code, *code2;
    bool pair;
    const char *units;   /* permitted ones, by ucum, space-separated */
    const char *assumed; /* ucum if the note has no unit; "" for none */
};
struct text_measure_name {
    int measure; /* index; -1: a word between name and value */
    bool needs_unit;
    bool apart; /* a finding of its own ("发热 38.5℃"): the measurement is value and unit */
};
struct text_unit {
    const char *ucum;
    bool named; /* valid only after a measurement's name: "40度" may be an angle */
};
struct text_bare_unit { /* a unit that identifies the measurement: 38.5 degrees Celsius */
    const char *ucum;
    int measure;
    double lo, hi;
};
struct text_unit_code { /* a kind's code when measured in a unit */
    int measure;
    const char *ucum;
    struct text_term term;
};
struct text_measures {
    struct text_measure *measure;
    size_t n;
    struct text_trie names, units;
    struct text_measure_name *name;
    struct text_unit *unit; /* by the units' values */
    struct text_bare_unit bare[8];
    size_t n_bare;
    struct text_unit_code by_unit[16];
    size_t n_by_unit;
    struct text_term *term; /* one for each measurement: the names of its findings */
};

struct text_engine {
    struct ward_arena mem; /* contains the engine itself too */
    struct text_dict dict;
    struct text_cues zh, en;
    struct text_measures measures;
    struct text_maker rules;            /* the dictionaries and rules */
    const struct text_backend *backend; /* NULL: the rules alone */
};

/* Loaders, at start. `scratch` is for temporary data. */
struct text_loader {
    struct ward_arena *mem, *scratch;
    const char *dir;
    uint8_t hash[WARD_SHA256_SIZE]; /* of every file so far */
    struct text_table sources;
};
WARD_MUST enum ward_code text_load_table(struct text_loader *l, const char *file, int columns,
                                         struct text_table *out, struct ward_err *err);
/* Normalizes a cell of a table like notes. */
WARD_MUST enum ward_code text_load_fold(struct text_loader *l, const struct text_table *t,
                                        const struct text_row *row, int column,
                                        struct text_doc *out, struct ward_err *err);
/* Room for every term of `column` of n tables. */
WARD_MUST enum ward_code text_load_trie(struct text_loader *l, const struct text_table *t,
                                        size_t n, int column, struct text_trie *out,
                                        struct ward_err *err);
WARD_MUST enum ward_code text_dict_load(struct text_loader *l, struct text_dict *out,
                                        struct ward_err *err);
WARD_MUST enum ward_code text_cues_load(struct text_loader *l, const char *file,
                                        struct text_cues *out, struct ward_err *err);
WARD_MUST enum ward_code text_measures_load(struct text_loader *l, struct text_measures *out,
                                            struct ward_err *err);

/* ---- of one note ---- */
struct text_sentence {
    uint32_t start, end;
    bool han; /* has a Chinese character */
};
/* The sentence that begins at `start`. */
struct text_sentence text_sentence_at(const struct text_engine *e, const struct text_doc *doc,
                                      uint32_t start);

/* A cue that negates the following text and begins at i: *end is its end. False if there is
 * none, or if it begins a longer phrase that is not a negation. */
bool text_denial_at(const struct text_engine *e, const struct text_doc *doc, uint32_t i,
                    uint32_t limit, uint32_t *end);

/* The dictionary's matches in [start, end). */
WARD_MUST enum ward_code text_rules_find(const struct text_engine *e,
                                         const struct text_doc *doc, uint32_t start,
                                         uint32_t end, struct ward_arena *mem,
                                         struct text_marks *out, struct ward_err *err);
/* Measurements of [start, end). */
WARD_MUST enum ward_code text_measures_find(const struct text_engine *e,
                                            const struct text_doc *doc, uint32_t start,
                                            uint32_t end, struct ward_arena *mem,
                                            struct text_marks *out, struct ward_err *err);

/* A cue in a note: hits.c. */
struct text_hit {
    const struct text_cue *cue;
    enum cue_direction direction;
    uint32_t start, end;
    uint32_t after, before; /* the scope: [end, after) and [before, start) */
    bool ends_run;          /* a CUE_BEHIND directly after a finding */
};

/* The cues of the note outside its marks, by position, into hits; only counted if that is NULL.
 * A hit's scope is not set. */
size_t text_hits(const struct text_engine *e, const struct text_doc *doc,
                 enum text_language language, const struct text_marks *marks,
                 struct text_hit *hits);
/* Nothing, or a space, between the two. */
bool text_beside(const struct text_doc *doc, uint32_t from, uint32_t to);

/* The attributes of each mark from its surroundings: findings[i] belongs to marks->at[i]. */
WARD_MUST enum ward_code text_scope(const struct text_engine *e, const struct text_doc *doc,
                                    enum text_language language, const struct text_marks *marks,
                                    struct ward_arena *mem, struct text_finding *findings,
                                    struct ward_err *err);

#endif
