/* text.h - what a clinical note says, in Chinese or English, and why it is read so.
 *
 * Finds symptoms, diseases, drugs and measurements; says of each whether the note affirms it,
 * denies it or is unsure, whether it is now or in the past, the patient's or a relative's; and
 * for each of the three the words (the cue) that decided it and how far they reach (the scope).
 * It proposes; a person decides. docs/text.md has the figures, and where it fails.
 *
 * Threads: an engine is shared, and read-only once open; a back end locks what it must.
 * Memory: open/close; findings live in the caller's arena, what they point to in the arena or
 * in the engine, so an engine outlives its findings. A note takes about 16 bytes of arena a
 * code point and 500 a finding; a mebibyte that is nothing but cues 64 a code point. Time:
 * linear. Errors: FAILED_PRECONDITION with file:line for data that is not as it must be; the
 * note's own faults as text_extract says. No message holds a word of the note.
 */
#ifndef RECORDS_TEXT_TEXT_H
#define RECORDS_TEXT_TEXT_H

#include "common/base/arena.h"
#include "common/base/status.h"

#include <stddef.h>
#include <stdint.h>

#define TEXT_MAX          ((size_t)1 << 20) /* bytes of one note */
#define TEXT_FINDINGS_MAX 10000             /* of one note */

/* AUTO decides by the script of each sentence; the others say whose cues to use. Terms of every
 * language are looked for in any case: Chinese notes are full of English abbreviations. */
enum text_language { TEXT_AUTO, TEXT_ZH, TEXT_EN };
enum text_kind { TEXT_SYMPTOM, TEXT_DISEASE, TEXT_DRUG, TEXT_MEASUREMENT, TEXT_N_KINDS };
enum text_assertion { TEXT_AFFIRMED, TEXT_NEGATED, TEXT_UNCERTAIN };
/* STOPPED is of drugs alone: no longer given, held, or to be stopped. */
enum text_temporality { TEXT_CURRENT, TEXT_HISTORICAL, TEXT_STOPPED };
enum text_experiencer { TEXT_PATIENT, TEXT_FAMILY };

/* [start, end) of the note as it was given: in bytes of UTF-8 and in code points. */
struct text_span {
    uint32_t start, end;
    uint32_t cp_start, cp_end;
};

/* Why: the row of cues_*.tsv that decided ("en.neg.denies"), where it stands and how far it
 * reaches. id == NULL: nothing did, and the value is the default (the enum's 0). */
struct text_why {
    const char *id;
    struct text_span cue, scope;
};

/* Who made a finding, for the record's version: kept for as long as the engine is open. */
struct text_maker {
    const char *name;    /* "rules", or the model's */
    const char *version; /* "1" */
    char sha256[65];     /* of the dictionaries and rules, or of the model's weights; hex */
};

/* Of a measurement. Values are the note's own digits, never a rounded number; full-width ones
 * are made ASCII. Without a unit in the note `unit` is "" and `ucum` what the kind is always
 * given in (blood pressure: mm[Hg]), or "" where that is not one unit. */
struct text_quantity {
    const char *kind;       /* "blood_pressure", "body_temperature", ...: measures.tsv */
    const char *comparator; /* "", "<", "<=", ">", ">=": FHIR's Quantity.comparator */
    const char *value;      /* "38.5"; systolic of "120/80"; the low end of "80-85" */
    const char *value2;     /* diastolic, or the high end; "" for none */
    const char *code2;      /* LOINC of the two parts where they differ: "8480-6 8462-4"; "" */
    bool range;             /* value..value2 rather than two parts */
    const char *unit;       /* as written: "毫米汞柱" */
    const char *ucum;       /* "mm[Hg]"; "" when the unit is not in units.tsv */
};

struct text_finding {
    enum text_kind kind;
    struct text_span span;
    const char *name; /* canonical name; the words of the note where the dictionary has none */
    const char *system; /* URI of the code's system as FHIR names it; "" without a code */
    const char *code;   /* "J18", "J18.9", LOINC of a measurement; "" */
    const char *source; /* row of sources.tsv the term came from; "" for a model's own */
    enum text_assertion assertion;
    enum text_temporality temporality;
    enum text_experiencer experiencer;
    struct text_why why_assertion, why_temporality, why_experiencer;
    const struct text_quantity *quantity; /* NULL unless a measurement */
    const struct text_maker *maker;
};

struct text_findings {
    const struct text_finding *at; /* by span.start; spans do not overlap */
    size_t n;
};

struct text_backend; /* backend.h: what finds the spans; the rules are one */
struct text_engine;

struct text_config {
    const char *data_dir;         /* where the .tsv files lie */
    struct text_backend *backend; /* finds symptoms, diseases and drugs; NULL for the rules.
                                     Borrowed: closed by whoever opened it, after the engine */
};

/* Reads and checks every file of data_dir.
 *   NOT_FOUND            a file is missing
 *   FAILED_PRECONDITION  a line is not as it must be; the message names file:line */
WARD_MUST enum ward_code text_open(const struct text_config *cfg, struct text_engine **out,
                                   struct ward_err *err);
void text_close(struct text_engine *e); /* NULL is fine */

/* Findings of one note.
 *   INVALID_ARGUMENT    reasons TEXT_NOT_UTF8 (or it holds a NUL), TEXT_TOO_LONG
 *   RESOURCE_EXHAUSTED  reasons ARENA_FULL; TEXT_TOO_MANY: more than TEXT_FINDINGS_MAX
 *   others              as the back end says */
WARD_MUST enum ward_code text_extract(const struct text_engine *e, struct ward_arena *mem,
                                      const char *utf8, size_t n, enum text_language language,
                                      struct text_findings *out, struct ward_err *err);

/* The same for a caller who may give up: DEADLINE_EXCEEDED and CANCELLED too. */
struct ward_stop;
WARD_MUST enum ward_code text_extract_until(const struct text_engine *e, struct ward_arena *mem,
                                            const struct ward_stop *stop, const char *utf8,
                                            size_t n, enum text_language language,
                                            struct text_findings *out, struct ward_err *err);

/* "SYMPTOM", "NEGATED", ...: the names of the enums' values without their prefix. */
const char *text_kind_name(enum text_kind k);
const char *text_assertion_name(enum text_assertion a);
const char *text_temporality_name(enum text_temporality t);
const char *text_experiencer_name(enum text_experiencer e);

#endif
