/* valid.h - validation of a rule set, part by part: each problem with its place.
 *
 * A place is a list from the innermost part outwards, on the stack; it is converted to text
 * only for a problem. Each check returns whether everything was valid.
 *
 * Threads: pure. Memory: none. Errors: none; problems beyond the limit are only counted.
 */
#ifndef DOSAGE_FORMULARY_VALID_H
#define DOSAGE_FORMULARY_VALID_H

#include "services/dosage/formulary/ruleset_own.h"

struct place {
    const struct place *in;
    const char *name;
    long i; /* -1: not an element of a list */
};
#define PLACE(in, name)       (&(const struct place){(in), (name), -1})
#define PLACE_OF(in, name, i) (&(const struct place){(in), (name), (long)(i)})

struct valid {
    const struct ruleset *r;
    struct ruleset_problems *problems;
};

/* Reports the problem, and returns false. */
bool wrong(struct valid *v, const struct place *at, const char *fmt, ...) WARD_PRINTF(3, 4);

/* ---- valid.c ---- */
void valid_ruleset(const struct ruleset *r, struct ruleset_problems *problems);

/* ---- valid_part.c: parts that all rules share ---- */
bool valid_word(struct valid *v, const struct place *at, const char *s, const char *more);
bool valid_text(struct valid *v, const struct place *at, const char *s, size_t most);
bool valid_sentence(struct valid *v, const struct place *at, const Sentence *s);
bool valid_codes(struct valid *v, const struct place *at, Coding *const *codes, size_t n);
bool valid_routes(struct valid *v, const struct place *in, const char *name,
                  const Ward__Dosage__V1__Route *list, size_t n);
bool valid_range(struct valid *v, const struct place *at, int64_t n, int64_t from, int64_t to);
/* Lower case, and not empty: each name of a list. */
bool valid_names(struct valid *v, const struct place *in, const char *name, char *const *list,
                 size_t n);
/* A decimal above 0 with at most 20 digits, without an exponent. */
bool valid_decimal(struct valid *v, const struct place *at, const char *s,
                   struct ward_decimal *out);
bool valid_day(struct valid *v, const struct place *at, const char *s);
bool valid_source(struct valid *v, const struct place *in, const char *s);

/* ---- valid_unit.c ---- */
/* The form of an amount: mg, mg/kg, mg/m2, mg/h, mg/kg/h, mg/mL. */
enum over { OVER_NOTHING, OVER_KG, OVER_M2, OVER_TIME, OVER_KG_TIME, OVER_VOLUME };
/* A unit for amounts: a ratio scale. */
bool valid_unit(struct valid *v, const struct place *at, const char *unit);
/* Whether a unit ends with a time: "ug/h". */
bool valid_is_rate(const char *unit);
/* An amount of an ingredient; *in_unit (NULL: not needed) is the amount in the ingredient's
 * unit, with the denominator unchanged. NULL q is allowed: no limit. */
bool valid_amount(struct valid *v, const struct place *at, const Quantity *q,
                  const Ingredient *in, enum over over, struct ward_decimal *in_unit);

/* ---- valid_drug.c, valid_dose.c, valid_rule.c, valid_context.c ---- */
void valid_drugs(struct valid *v);
void valid_doses(struct valid *v);
void valid_rules(struct valid *v);
void valid_contexts(struct valid *v);
/* The common fields of every rule. */
void valid_rule_head(struct valid *v, const struct place *in, const Rule *rule);
void valid_selector(struct valid *v, const struct place *at, const Selector *s);
/* NULL o is allowed. `of`: the ingredient of the dose; NULL: several ingredients'. */
void valid_over(struct valid *v, const struct place *at, const Ward__Dosage__V1__DoseOver *o,
                const Selector *of);
bool valid_ages(struct valid *v, const struct place *in, int32_t from, int32_t to);
void valid_band(struct valid *v, const Ward__Dosage__V1__Band *b, const struct place *at);
void valid_basis(struct valid *v, const struct place *at, Ward__Dosage__V1__WeightBasis basis);
/* At least one ingredient is of this class. */
void valid_class(struct valid *v, const struct place *at, const char *id);
/* ---- valid_usual.c: usual doses, class sums ---- */
void valid_usual(struct valid *v);
void valid_class_sums(struct valid *v);
/* ---- valid_slip.c ---- */
void valid_slips(struct valid *v);

#endif
