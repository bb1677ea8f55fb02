/* text.h - extracts findings from a clinical note in Chinese or English, with reasons.
 *
 * The engine finds symptoms, diseases, drugs and measurements. Each finding has an assertion
 * (affirmed, denied or uncertain), a time (current or past) and a person (the patient or a
 * relative). For each of these three attributes, the finding has the words (the cue) that
 * decided the attribute, and their scope. The engine proposes findings; a person decides.
 * docs/text.md has the figures and the known errors.
 *
 * Threads: an engine is shared, and read-only once open; a back end has its own locks. Memory:
 * allocated by open, freed by close. Findings are in the caller's arena and point into the
 * arena or the engine, so an engine must outlive its findings. A note needs about 16 bytes of
 * arena for each code point and 500 bytes for each finding. A note of 1 MiB with only cues
 * needs 64 bytes for each code point. Time: linear. Errors: FAILED_PRECONDITION with file:line
 * for invalid data; for an invalid note, those of text_extract. No message contains a word of
 * the note.
 */
#ifndef RECORDS_TEXT_TEXT_H
#define RECORDS_TEXT_TEXT_H

#include "common/base/arena.h"
#include "common/base/status.h"

#include <stddef.h>
#include <stdint.h>

#define TEXT_MAX          ((size_t)1 << 20) /* maximum bytes of one note */
#define TEXT_FINDINGS_MAX 10000             /* maximum findings of one note */

/* The language of the cues. AUTO selects the language by the script of each sentence. Terms of
 * all languages are always searched: Chinese notes contain many English abbreviations. */
enum text_language { TEXT_AUTO, TEXT_ZH, TEXT_EN };
enum text_kind { TEXT_SYMPTOM, TEXT_DISEASE, TEXT_DRUG, TEXT_MEASUREMENT, TEXT_N_KINDS };
enum text_assertion { TEXT_AFFIRMED, TEXT_NEGATED, TEXT_UNCERTAIN };
/* STOPPED applies only to drugs that are no longer given, are held, or are to be stopped. */
enum text_temporality { TEXT_CURRENT, TEXT_HISTORICAL, TEXT_STOPPED };
enum text_experiencer { TEXT_PATIENT, TEXT_FAMILY };

/* [start, end) of the original note, in bytes of UTF-8 and in code points. */
struct text_span {
    uint32_t start, end;
    uint32_t cp_start, cp_end;
};

/* The reason for an attribute: the deciding row of cues_*.tsv ("en.neg.denies"), the cue's
 * position and its scope. id NULL: no cue was found, and the attribute has the default (the
 * enum's 0). */
struct text_why {
    const char *id;
    struct text_span cue, scope;
};

/* The source of a finding, for the record's version. Valid while the engine is open. */
struct text_maker {
    const char *name;    /* "rules", or the model's name */
    const char *version; /* "1" */
    /* hash of the dictionaries and rules or of the model's weights, in hex */
    char sha256[65];
};

/* The value of a measurement. Values have the digits of the note and are never rounded;
 * full-width digits are converted to ASCII. If the note has no unit, `unit` is "". `ucum` is
 * then the kind's usual unit (blood pressure: mm[Hg]), or "" if several units are usual. */
struct text_quantity {
    const char *kind;       /* "blood_pressure", "body_temperature", ...: measures.tsv */
    const char *comparator; /* "", "<", "<=", ">", ">=": FHIR's Quantity.comparator */
    const char *value;      /* "38.5"; systolic of "120/80"; the low end of "80-85" */
    const char *value2;     /* diastolic, or the high end of a range; "": no second value */
    /* LOINC codes of the two parts if they differ, "8480-6 8462-4"; otherwise "" */
    const char *code2;
    bool range;       /* value and value2 are a range, not two parts */
    const char *unit; /* the unit as written: "毫米汞柱" */
    const char *ucum; /* the UCUM unit: "mm[Hg]"; "": the unit is not in units.tsv */
};

struct text_finding {
    enum text_kind kind;
    struct text_span span;
    const char *name;   /* canonical name; the note's words if the dictionary has no name */
    const char *system; /* FHIR's URI of the code's system; "" without a code */
    const char *code;   /* "J18", "J18.9", LOINC of a measurement; or "" */
    /* row of sources.tsv for the term; "" for a finding that only a model found */
    const char *source;
    enum text_assertion assertion;
    enum text_temporality temporality;
    enum text_experiencer experiencer;
    struct text_why why_assertion, why_temporality, why_experiencer;
    const struct text_quantity *quantity; /* NULL for a finding that is not a measurement */
    const struct text_maker *maker;
};

struct text_findings {
    const struct text_finding *at; /* in the order of span.start; spans do not overlap */
    size_t n;
};

struct text_backend; /* backend.h: finds the spans; the rules are one implementation */
struct text_engine;

struct text_config {
    const char *data_dir; /* folder of the .tsv files */
    /* finds symptoms, diseases and drugs; NULL: the rules. The caller closes the back end
     * after the engine. */
    struct text_backend *backend;
};

/* Reads and validates every file of data_dir.
 *   NOT_FOUND            a file is missing
 *   FAILED_PRECONDITION  a line is invalid; the message names file:line */
WARD_MUST enum ward_code text_open(const struct text_config *cfg, struct text_engine **out,
                                   struct ward_err *err);
void text_close(struct text_engine *e); /* accepts NULL */

/* Finds the findings of one note.
 *   INVALID_ARGUMENT    reasons TEXT_NOT_UTF8 (also for a NUL), TEXT_TOO_LONG
 *   RESOURCE_EXHAUSTED  reasons ARENA_FULL; TEXT_TOO_MANY: more than TEXT_FINDINGS_MAX
 *   others              errors of the back end */
WARD_MUST enum ward_code text_extract(const struct text_engine *e, struct ward_arena *mem,
                                      const char *utf8, size_t n, enum text_language language,
                                      struct text_findings *out, struct ward_err *err);

/* text_extract for a cancellable call; also returns DEADLINE_EXCEEDED and CANCELLED. */
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
