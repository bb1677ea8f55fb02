/* ruleset.h - a rule set in the form for the check: the validated message, with indexes.
 *
 * Threads: a struct ruleset is constant after its creation, and shared. The holder caches every
 * rule set that was read: a rule set never changes, and old decisions name their rule set.
 * Memory: a ruleset's own arena. Errors: listed at each function.
 */
#ifndef DOSAGE_FORMULARY_RULESET_H
#define DOSAGE_FORMULARY_RULESET_H

#include "common/measure/ucum.h"
#include "services/dosage/dosage.h"
#include "ward/dosage/v1/formulary.pb-c.h"

struct ruleset; /* formulary/ruleset_own.h */

#define RULESET_PROBLEMS 20
struct ruleset_problem {
    char path[96];  /* such as "dose_rules[3].max_single.unit" */
    char what[120]; /* the end of a sentence: "is not a UCUM unit" */
};
struct ruleset_problems {
    int n;
    struct ruleset_problem at[RULESET_PROBLEMS];
};
/* Validates the whole rule set and builds its indexes. msg is borrowed and must outlive the
 * result. Pure.   INVALID_ARGUMENT  RULE_SET_INVALID; *problems has the places */
WARD_MUST enum ward_code ruleset_make(const Ward__Dosage__V1__RuleSet *msg,
                                      const char sha256[65], struct ruleset **out,
                                      struct ruleset_problems *problems, struct ward_err *err);
void ruleset_free(struct ruleset *r); /* NULL is fine */

const Ward__Dosage__V1__RuleSet *ruleset_message(const struct ruleset *r);
int64_t ruleset_version(const struct ruleset *r);
const char *ruleset_sha256(const struct ruleset *r);

/* Finds a drug by id; NULL: not found. */
const Ward__Dosage__V1__Drug *ruleset_drug(const struct ruleset *r, const char *id);
const Ward__Dosage__V1__Ingredient *ruleset_ingredient(const struct ruleset *r, const char *id);
const Ward__Dosage__V1__Product *ruleset_product(const struct ruleset *r, const char *id,
                                                 const Ward__Dosage__V1__Drug **drug);
/* Finds a product by its 14-digit GTIN. */
const Ward__Dosage__V1__Product *ruleset_gtin(const struct ruleset *r, const char *gtin,
                                              const Ward__Dosage__V1__Drug **drug);
/* Finds a product by a trace code of 20 digits: the longest of Product.trace_codes that is a
 * prefix of the code. */
const Ward__Dosage__V1__Product *ruleset_trace(const struct ruleset *r, const char *code,
                                               const Ward__Dosage__V1__Drug **drug);
/* Finds a product by one of Product.local_codes. */
const Ward__Dosage__V1__Product *ruleset_local(const struct ruleset *r, const char *code,
                                               const Ward__Dosage__V1__Drug **drug);
/* Finds a reason by a code and one of its uses. */
const Ward__Dosage__V1__Reason *ruleset_reason(const struct ruleset *r, const char *code,
                                               Ward__Dosage__V1__Reason__Use use);
/* Dose rules of an ingredient, in the order of the rule set. */
size_t ruleset_dose_rules(const struct ruleset *r, const char *ingredient,
                          const Ward__Dosage__V1__DoseRule *const **out);
bool ruleset_in_class(const struct ruleset *r, const char *ingredient, const char *class_id);
bool ruleset_selects(const struct ruleset *r, const Ward__Dosage__V1__Selector *s,
                     const char *ingredient);
/* LOINC codes of the context and monitoring rules, without duplicates, sorted. */
char *const *ruleset_loincs(const struct ruleset *r, size_t *n);
/* The prepared form for the check (check/prepared.h). */
struct prepared;
const struct prepared *ruleset_prepared(const struct ruleset *r);

/* ---- the holder ---- */

WARD_MUST enum ward_code rulesets_open(struct dosage *dos, struct rulesets **out,
                                       struct ward_err *err);
void rulesets_close(struct rulesets *rs); /* NULL is fine */
/* The currently active rule set, read with this connection (one statement). Each rule set's
 * content is read once.   FAILED_PRECONDITION  NO_RULE_SET */
WARD_MUST enum ward_code ruleset_active(struct worker *w, struct ward_arena *mem,
                                        const struct ruleset **out, struct ward_err *err);
/*   NOT_FOUND  RULE_SET_NOT_FOUND */
WARD_MUST enum ward_code ruleset_of(struct worker *w, struct ward_arena *mem, int64_t version,
                                    const struct ruleset **out, struct ward_err *err);

#endif
