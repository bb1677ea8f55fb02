/* ruleset_own.h - internals of a rule set, shared by the files that build it.
 *
 * Threads: written only by ruleset_make, constant afterwards. Memory: the set's own arena.
 * Errors: RESOURCE_EXHAUSTED. An invalid part of a rule set is a problem, not an error.
 */
#ifndef DOSAGE_FORMULARY_RULESET_OWN_H
#define DOSAGE_FORMULARY_RULESET_OWN_H

#include "services/dosage/formulary/ruleset.h"

typedef Ward__Dosage__V1__RuleSet RuleSet;
typedef Ward__Dosage__V1__Rule Rule;
typedef Ward__Dosage__V1__Drug Drug;
typedef Ward__Dosage__V1__Product Product;
typedef Ward__Dosage__V1__Ingredient Ingredient;
typedef Ward__Dosage__V1__DoseRule DoseRule;
typedef Ward__Dosage__V1__Selector Selector;
typedef Ward__Dosage__V1__Reason Reason;
typedef Ward__Dosage__V1__Quantity Quantity;
typedef Ward__Dosage__V1__Coding Coding;
typedef Ward__Dosage__V1__Sentence Sentence;

/* A named item and its owner: for a product, its drug. */
struct named {
    const char *key;
    const void *item;
    const void *of;
    uint32_t i, j; /* position: drugs[i].products[j] */
};
/* Sorted by key, then by i and j. */
struct names {
    struct named *at;
    size_t n;
};

struct ruleset {
    struct ward_arena mem;
    const RuleSet *msg;
    char sha256[65];
    struct names ingredients, classes, drugs, products, gtins, traces, locals, reasons, rules;
    struct names named_en, named_zh; /* products by their normalized names */
    struct names dose;               /* dose rules by ingredient */
    const DoseRule **dose_rules;     /* in the order of `dose` */
    const char **searched;           /* in the order of `drugs`: ids and normalized names */
    char **loincs;                   /* sorted */
    size_t n_loincs;
    struct prepared *prepared; /* check/prepared.h */
};

/* Like ruleset_make, but without validation: the rule set was validated when it was stored. A
 * rule set that old decisions name stays readable, even if later versions of this code would
 * reject it. */
WARD_MUST enum ward_code ruleset_load(const RuleSet *msg, const char sha256[65],
                                      struct ruleset **out, struct ward_err *err);

/* In index.c. */
WARD_MUST enum ward_code ruleset_index(struct ruleset *r, struct ward_err *err);
/* The first item with this name; NULL: not found. */
const struct named *names_find(const struct names *all, const char *key);

/* The number of rules of all kinds in a rule set. */
size_t ruleset_rules(const RuleSet *msg);
#define RULESET_TRACE_LEAST 7 /* minimum digits of Product.trace_codes */
#define RULESET_TRACE_MOST  19
#define RULESET_RULES       20000
#define RULESET_BYTES       ((size_t)4 << 20)

#endif
