/* own.h - declarations that the files of the extraction share. Threads, memory and errors: as
 * in text.h. */
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
    CUE_COURSE,  /* whether a drug is stopped or continued */
    CUE_PSEUDO,  /* a phrase that contains a cue but is not a cue: "no increase" */
    CUE_STOP,    /* ends every scope: "but" */
    CUE_SECTION, /* a heading: sets an axis until the section's end */
    CUE_FILLER,  /* may occur in a bare list (scope.c): "and", "等症状" */
    CUE_ABBREV,  /* an abbreviation whose full stop does not end a sentence: "dr." */
    CUE_TEST /* may occur between a finding and a CUE_BEHIND: "HIV antibody test negative" */
};
#define CUE_N_VALUED 4 /* axes that have values */
/* CHANGED: the preceding drug was stopped, the following drug continues. */
enum cue_course { COURSE_GOING, COURSE_STOPPED, COURSE_CHANGED };
enum cue_direction { CUE_FORWARD, CUE_BACKWARD, CUE_BOTH };
enum cue_reach { CUE_WORD, CUE_NEAR, CUE_FAR, CUE_LIST, CUE_CLAUSE, CUE_SENTENCE };
/* How a cue's position determines its direction: the column `edge` of the tables. */
enum cue_edge {
    CUE_ANYWHERE, /* the cue's direction does not depend on its position */
    CUE_AT_EDGE,  /* forwards if no word directly precedes the cue, otherwise backwards: "?" */
    /* backwards over the findings directly before the cue: "HIV and syphilis negative" */
    CUE_BEHIND,
    CUE_LAST, /* backwards if no finding follows in the cue's clause: "PE excluded" */
    /* backwards directly after a drug, or if no drug follows in the cue's clause; otherwise
     * forwards: "aspirin stopped, warfarin started" */
    CUE_TURN,
    /* like CUE_TURN, and across a comma if the cue's clause has no drug: "aspirin,
     * discontinued" */
    CUE_TURN_OVER
};

struct text_cue {
    const char *id;
    enum cue_axis axis;
    enum cue_axis sets; /* for a CUE_SECTION: the axis, or CUE_SECTION if no axis is set */
    int value;          /* a value of the axis's enum */
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
    const char *units;   /* permitted UCUM units, separated by spaces */
    const char *assumed; /* UCUM unit if the note has no unit; "": unknown */
};
struct text_measure_name {
    int measure; /* index of the measurement; -1: a word between name and value */
    bool needs_unit;
    bool apart; /* also a finding ("发热 38.5℃"): the measurement is only value and unit */
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
struct text_unit_code { /* the code of a kind when measured in this unit */
    int measure;
    const char *ucum;
    struct text_term term;
};
struct text_measures {
    struct text_measure *measure;
    size_t n;
    struct text_trie names, units;
    struct text_measure_name *name;
    struct text_unit *unit; /* indexed by the values of `units` */
    struct text_bare_unit bare[8];
    size_t n_bare;
    struct text_unit_code by_unit[16];
    size_t n_by_unit;
    struct text_term *term; /* for each measurement: name and code of its findings */
};

struct text_engine {
    struct ward_arena mem; /* also contains the struct text_engine */
    struct text_dict dict;
    struct text_cues zh, en;
    struct text_measures measures;
    struct text_maker rules;            /* source of findings by the dictionaries and rules */
    const struct text_backend *backend; /* NULL: only the rules */
};

/* The loaders' state, at start. `scratch` is for temporary data. */
struct text_loader {
    struct ward_arena *mem, *scratch;
    const char *dir;
    uint8_t hash[WARD_SHA256_SIZE]; /* hash of all files that were read */
    struct text_table sources;
};
WARD_MUST enum ward_code text_load_table(struct text_loader *l, const char *file, int columns,
                                         struct text_table *out, struct ward_err *err);
/* Normalizes a cell of a table like the text of a note. */
WARD_MUST enum ward_code text_load_fold(struct text_loader *l, const struct text_table *t,
                                        const struct text_row *row, int column,
                                        struct text_doc *out, struct ward_err *err);
/* Allocates a trie with room for every term in `column` of n tables. */
WARD_MUST enum ward_code text_load_trie(struct text_loader *l, const struct text_table *t,
                                        size_t n, int column, struct text_trie *out,
                                        struct ward_err *err);
WARD_MUST enum ward_code text_dict_load(struct text_loader *l, struct text_dict *out,
                                        struct ward_err *err);
WARD_MUST enum ward_code text_cues_load(struct text_loader *l, const char *file,
                                        struct text_cues *out, struct ward_err *err);
WARD_MUST enum ward_code text_measures_load(struct text_loader *l, struct text_measures *out,
                                            struct ward_err *err);

/* ---- one note ---- */
struct text_sentence {
    uint32_t start, end;
    bool han; /* has a Chinese character */
};
/* Finds the sentence that begins at `start`. */
struct text_sentence text_sentence_at(const struct text_engine *e, const struct text_doc *doc,
                                      uint32_t start);

/* Finds a cue that negates the following text and begins at i. *end is the cue's end. Returns
 * false if there is no such cue, or if a longer phrase begins at i that is not a negation. */
bool text_denial_at(const struct text_engine *e, const struct text_doc *doc, uint32_t i,
                    uint32_t limit, uint32_t *end);

/* Finds the dictionary's matches in [start, end). */
WARD_MUST enum ward_code text_rules_find(const struct text_engine *e,
                                         const struct text_doc *doc, uint32_t start,
                                         uint32_t end, struct ward_arena *mem,
                                         struct text_marks *out, struct ward_err *err);
/* Finds measurements in [start, end). */
WARD_MUST enum ward_code text_measures_find(const struct text_engine *e,
                                            const struct text_doc *doc, uint32_t start,
                                            uint32_t end, struct ward_arena *mem,
                                            struct text_marks *out, struct ward_err *err);

/* A cue at a position in a note: hits.c. */
struct text_hit {
    const struct text_cue *cue;
    enum cue_direction direction;
    uint32_t start, end;
    uint32_t after, before; /* the scope: [end, after) and [before, start) */
    bool ends_run;          /* the cue is a CUE_BEHIND directly after a finding */
};

/* Finds the cues of the note outside its marks, in the order of their positions, and returns
 * their number. hits NULL: only counts. Does not set the scope of a hit. */
size_t text_hits(const struct text_engine *e, const struct text_doc *doc,
                 enum text_language language, const struct text_marks *marks,
                 struct text_hit *hits);
/* Whether there is nothing or one space between the two positions. */
bool text_beside(const struct text_doc *doc, uint32_t from, uint32_t to);

/* Sets the attributes of each finding from the words around it. findings[i] belongs to
 * marks->at[i]. */
WARD_MUST enum ward_code text_scope(const struct text_engine *e, const struct text_doc *doc,
                                    enum text_language language, const struct text_marks *marks,
                                    struct ward_arena *mem, struct text_finding *findings,
                                    struct ward_err *err);

#endif
