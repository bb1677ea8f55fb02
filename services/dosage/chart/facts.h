/* facts.h - resources of a chart to what doses depend on. Pure.
 *
 * What counts is said at each function; the codes, with their sources, are in codes.c. Nothing
 * is converted or guessed: a value keeps its digits and its unit.
 *
 * Threads: any. Memory: the arena; texts are borrowed from the records. Errors:
 * RESOURCE_EXHAUSTED.
 */
#ifndef DOSAGE_CHART_FACTS_H
#define DOSAGE_CHART_FACTS_H

#include "common/base/arena.h"
#include "ward/dosage/v1/check.pb-c.h"
#include "ward/records/v1/records.pb-c.h"

#define FACTS_EACH      3   /* measurements of a group */
#define FACTS_ALLERGIES 200 /* held; more: allergies_cut */
#define FACTS_PROBLEMS  200 /* held; more: problems_cut */
#define FACTS_LABS      5   /* values of one code */

/* ---- codes.c ---- */

/* Of measurements: what they are for, and which of them is taken. */
enum facts_group { GROUP_WEIGHT, GROUP_HEIGHT, GROUP_CREATININE, GROUP_EGFR, FACTS_GROUPS };
struct facts_code {
    const char *loinc;
    enum facts_group group;
    /* Told by the patient, not measured: counts only where the group has no other. */
    bool stated;
};
extern const struct facts_code facts_codes[]; /* ends with a NULL loinc */
/* By LOINC code; NULL: none of these. */
const struct facts_code *facts_code_of(const char *loinc);
/* The allergy code says: no known allergies, of any kind or to drugs. */
bool facts_none_known(const char *system, const char *code);
/* It says nothing of drugs: no known food allergy, no information. Left out. */
bool facts_says_nothing(const char *system, const char *code);

/* ---- facts.c ---- */

typedef Ward__Dosage__V1__Facts Facts;
typedef Ward__Records__V1__Record Record;

/* birth_date and sex. */
void facts_patient(const Ward__Records__V1__Patient *p, Facts *out);
/* The ward of an encounter that is open at now_us: `own` (the asker's) if it is one of them,
 * else that of the encounter that began last; "" without one. */
void facts_ward(Record *const *records, size_t n, const char *own, int64_t now_us, Facts *out);
/* Allergies and intolerances that are active, or say nothing of it, and are neither refuted nor
 * entered in error: unconfirmed ones count. By id. */
enum ward_code facts_allergies(Record *const *records, size_t n, struct ward_arena *mem,
                               Facts *out, struct ward_err *err);
/* Observations whose status is final, amended or corrected: not preliminary ones, which nobody
 * has verified yet, and none of a status beyond. Each with an amount, a unit and a time not
 * over 15 minutes ahead; newest first, FACTS_EACH of each group. A comparator passes only where
 * the bound errs towards caution: eGFR "> 60" as 60, creatinine "< 0.2" as 0.2. *found[group]:
 * how many there were. */
enum ward_code facts_measured(Record *const *records, size_t n, int64_t now_us,
                              struct ward_arena *mem, Facts *out, size_t found[FACTS_GROUPS],
                              struct ward_err *err);
/* An amount that can be read, whatever its unit; false: none. */
bool facts_amount(const Ward__Records__V1__Quantity *q);
/* As written, but for an exponent. */
enum ward_code facts_quantity(const char *value, const char *unit, struct ward_arena *mem,
                              Ward__Dosage__V1__Quantity **out, struct ward_err *err);
/* Whether an observation counts, and when it was made: as facts_measured says. */
bool facts_observed(const Ward__Records__V1__Observation *o, int64_t now_us, int64_t *at_us);

/* ---- problems.c ---- */

/* Conditions that are active, recurring or in remission, or say nothing of it, and are neither
 * refuted nor over: unconfirmed ones count. Each set of codes once, of the records the first;
 * by id. A pregnancy or breastfeeding among them is noted as such. */
enum ward_code facts_problems(Record *const *records, size_t n, int64_t now_us,
                              struct ward_arena *mem, Facts *out, struct ward_err *err);
/* What was said at this time, unless something newer is held. */
enum ward_code facts_state(Ward__Dosage__V1__Stated **state, Ward__Dosage__V1__Stated__Is is,
                           int64_t at_us, const Record *r, struct ward_arena *mem,
                           struct ward_err *err);

/* ---- home.c ---- */

#define FACTS_HOME 100
/* MedicationStatements of what the patient takes: active, intended, of unknown status. By id.
 */
enum ward_code facts_home(Record *const *records, size_t n, struct ward_arena *mem, Facts *out,
                          struct ward_err *err);
/* Whether the record is one of those. */
bool facts_takes(const Record *r);
/* Of a record that is a MedicationStatement, whatever its status. */
enum ward_code facts_home_medicine(const Record *r, struct ward_arena *mem,
                                   Ward__Dosage__V1__HomeMedicine **out, struct ward_err *err);

/* ---- labs.c ---- */

/* Observations of these LOINC codes, which count as facts_measured says: numbers are labs,
 * codes are answers. After facts_problems: the newer of the two says whether the patient is
 * pregnant.
 */
enum ward_code facts_labs(Record *const *records, size_t n, char *const *loincs,
                          size_t n_loincs, int64_t now_us, struct ward_arena *mem, Facts *out,
                          struct ward_err *err);
/* How many of the records are of one of the codes. */
size_t facts_count(Record *const *records, size_t n, char *const *loincs, size_t n_loincs,
                   const char *loinc);
/* Codes that are read whatever a rule set names: of pregnancy and breastfeeding. */
extern const size_t facts_state_codes;
const char *facts_state_code(size_t i);

#endif
