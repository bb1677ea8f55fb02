/* valid.h - validation of a rule set, part by part. Each problem has a place.
 *
 * A place is a list on the stack, from the innermost part outwards. A place is converted to
 * text only for a problem. Each check returns whether everything was valid.
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
/* Checks the names of a list: lower case, and not empty. */
bool valid_names(struct valid *v, const struct place *in, const char *name, char *const *list,
                 size_t n);
/* Checks a decimal: above 0, at most 20 digits, no exponent. */
bool valid_decimal(struct valid *v, const struct place *at, const char *s,
                   struct ward_decimal *out);
bool valid_day(struct valid *v, const struct place *at, const char *s);
bool valid_source(struct valid *v, const struct place *in, const char *s);

/* ---- valid_unit.c ---- */
/* Forms of an amount's unit: mg, mg/kg, mg/m2, mg/h, mg/kg/h, mg/mL. */
enum over { OVER_NOTHING, OVER_KG, OVER_M2, OVER_TIME, OVER_KG_TIME, OVER_VOLUME };
/* Checks a unit for amounts, which must be a ratio scale. */
bool valid_unit(struct valid *v, const struct place *at, const char *unit);
/* Whether a unit ends with a time, such as "ug/h". */
bool valid_is_rate(const char *unit);
/* Checks an amount of an ingredient. *in_unit (NULL: not needed) is the amount in the
 * ingredient's unit, with the denominator unchanged. q may be NULL: no limit. */
bool valid_amount(struct valid *v, const struct place *at, const Quantity *q,
                  const Ingredient *in, enum over over, struct ward_decimal *in_unit);

/* ---- valid_drug.c, valid_dose.c, valid_rule.c, valid_context.c ---- */
void valid_drugs(struct valid *v);
void valid_doses(struct valid *v);
void valid_rules(struct valid *v);
void valid_contexts(struct valid *v);
/* Checks the common fields of every rule. */
void valid_rule_head(struct valid *v, const struct place *in, const Rule *rule);
void valid_selector(struct valid *v, const struct place *at, const Selector *s);
/* Checks a dose above which a rule applies; o may be NULL. `of`: the ingredient of the dose;
 * NULL: a dose of several ingredients. */
void valid_over(struct valid *v, const struct place *at, const Ward__Dosage__V1__DoseOver *o,
                const Selector *of);
bool valid_ages(struct valid *v, const struct place *in, int32_t from, int32_t to);
void valid_band(struct valid *v, const Ward__Dosage__V1__Band *b, const struct place *at);
void valid_basis(struct valid *v, const struct place *at, Ward__Dosage__V1__WeightBasis basis);
/* Checks that at least one ingredient has this class. */
void valid_class(struct valid *v, const struct place *at, const char *id);
/* ---- valid_usual.c: usual doses, class sums ---- */
void valid_usual(struct valid *v);
void valid_class_sums(struct valid *v);
/* ---- valid_slip.c ---- */
void valid_slips(struct valid *v);

#endif
