/* facts.h - converts a chart's resources to the facts that doses depend on. Pure.
 *
 * Each function documents its selection; codes.c has the codes with their sources. Nothing is
 * converted or guessed: a value keeps its digits and its unit.
 *
 * Threads: any. Memory: the arena; texts are borrowed from the records. Errors:
 * RESOURCE_EXHAUSTED.
 */
#ifndef DOSAGE_CHART_FACTS_H
#define DOSAGE_CHART_FACTS_H

#include "common/base/arena.h"
#include "ward/dosage/v1/check.pb-c.h"
#include "ward/records/v1/records.pb-c.h"

#define FACTS_EACH      3   /* maximum number of measurements of a group */
#define FACTS_ALLERGIES 200 /* maximum allergies; if there are more: allergies_cut */
#define FACTS_PROBLEMS  200 /* maximum problems; if there are more: problems_cut */
#define FACTS_LABS      5   /* maximum number of values of one code */

/* ---- codes.c ---- */

/* Attributes of measurements: group, and rank for the selection. */
enum facts_group { GROUP_WEIGHT, GROUP_HEIGHT, GROUP_CREATININE, GROUP_EGFR, FACTS_GROUPS };
struct facts_code {
    const char *loinc;
    enum facts_group group;
    /* Stated by the patient, not measured. Used only if the group has no measured value. */
    bool stated;
};
extern const struct facts_code facts_codes[]; /* ends with an entry whose loinc is NULL */
/* Finds a code by LOINC number; NULL: not in the table. */
const struct facts_code *facts_code_of(const char *loinc);
/* True if the allergy code means "no known allergies", of any kind or to drugs. */
bool facts_none_known(const char *system, const char *code);
/* True if the code is not about drugs: no known food allergy, or no information. Entries with
 * only such codes are omitted. */
bool facts_says_nothing(const char *system, const char *code);

/* ---- facts.c ---- */

typedef Ward__Dosage__V1__Facts Facts;
typedef Ward__Records__V1__Record Record;

/* Sets birth_date and sex. */
void facts_patient(const Ward__Records__V1__Patient *p, Facts *out);
/* Sets the ward of an encounter that is open at now_us: `own` (the caller's ward) if an open
 * encounter is in this ward, otherwise the ward of the encounter that began last; "": no open
 * encounter. */
void facts_ward(Record *const *records, size_t n, const char *own, int64_t now_us, Facts *out);
/* Allergies and intolerances that are active or have no status, and are neither refuted nor
 * entered in error. Unconfirmed allergies count. Sorted by id. */
enum ward_code facts_allergies(Record *const *records, size_t n, struct ward_arena *mem,
                               Facts *out, struct ward_err *err);
/* Observations with status final, amended or corrected. Preliminary observations are not
 * verified and do not count. Each observation has an amount, a unit and a time at most 15
 * minutes in the future. Newest first, FACTS_EACH in each group. A comparator is accepted only
 * if the bound is on the safe side: eGFR "> 60" as 60, creatinine "< 0.2" as 0.2.
 * *found[group]: number of matches. */
enum ward_code facts_measured(Record *const *records, size_t n, int64_t now_us,
                              struct ward_arena *mem, Facts *out, size_t found[FACTS_GROUPS],
                              struct ward_err *err);
/* Whether the amount is readable, in any unit. */
bool facts_amount(const Ward__Records__V1__Quantity *q);
/* Converts a value to digits as written, without an exponent. */
enum ward_code facts_quantity(const char *value, const char *unit, struct ward_arena *mem,
                              Ward__Dosage__V1__Quantity **out, struct ward_err *err);
/* Whether an observation counts by the criteria of facts_measured, and its time. */
bool facts_observed(const Ward__Records__V1__Observation *o, int64_t now_us, int64_t *at_us);

/* ---- problems.c ---- */

/* Conditions that are active, recurring, in remission or without a status, and neither refuted
 * nor ended. Unconfirmed conditions count. Each set of codes appears once, with the first
 * record; sorted by id. A condition of pregnancy or breastfeeding sets the state. */
enum ward_code facts_problems(Record *const *records, size_t n, int64_t now_us,
                              struct ward_arena *mem, Facts *out, struct ward_err *err);
/* Sets a state as of at_us, unless a newer state is stored. */
enum ward_code facts_state(Ward__Dosage__V1__Stated **state, Ward__Dosage__V1__Stated__Is is,
                           int64_t at_us, const Record *r, struct ward_arena *mem,
                           struct ward_err *err);

/* ---- home.c ---- */

#define FACTS_HOME 100
/* MedicationStatements of medicines that the patient takes: active, intended, or of unknown
 * status. Sorted by id.
 */
enum ward_code facts_home(Record *const *records, size_t n, struct ward_arena *mem, Facts *out,
                          struct ward_err *err);
/* Whether a record is a statement of a medicine that the patient takes. */
bool facts_takes(const Record *r);
/* Converts a MedicationStatement of any status. */
enum ward_code facts_home_medicine(const Record *r, struct ward_arena *mem,
                                   Ward__Dosage__V1__HomeMedicine **out, struct ward_err *err);

/* ---- labs.c ---- */

/* Observations with these LOINC codes, selected as for facts_measured: numbers become labs,
 * codes become answers. Call after facts_problems: the newer of the two sources decides on
 * pregnancy.
 */
enum ward_code facts_labs(Record *const *records, size_t n, char *const *loincs,
                          size_t n_loincs, int64_t now_us, struct ward_arena *mem, Facts *out,
                          struct ward_err *err);
/* Number of records with one of the codes. */
size_t facts_count(Record *const *records, size_t n, char *const *loincs, size_t n_loincs,
                   const char *loinc);
/* Codes that are always read, even if no rule names these codes: pregnancy and
 * breastfeeding. */
extern const size_t facts_state_codes;
const char *facts_state_code(size_t i);

#endif
