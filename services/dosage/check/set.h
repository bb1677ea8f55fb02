/* set.h - internals of prepared.h: a rule set as numbers.
 *
 * Threads: constant after its creation. Memory: the set's arena. Errors: as prepared.h.
 */
#ifndef DOSAGE_CHECK_SET_H
#define DOSAGE_CHECK_SET_H

#include "services/dosage/check/check.h"
#include "services/dosage/check/prepared.h"

/* A parsed unit of the rule set. */
struct unit {
    const char *text;
    struct ward_ucum ucum;
    bool good;
};

/* Subject of a limit. A finding's numbers have the order of these values. */
enum limit_kind {
    MAX_SINGLE,
    MAX_SINGLE_KG,
    MAX_SINGLE_M2,
    MIN_SINGLE,
    MIN_SINGLE_KG,
    MAX_DAILY,
    MAX_DAILY_KG,
    MAX_DAILY_M2,
    MAX_CUMULATIVE,
    MAX_CUMULATIVE_M2,
    MAX_RATE,
    MAX_RATE_KG,
    MAX_CONCENTRATION,
    MAX_INFUSION_RATE,
    MAX_INFUSION_RATE_KG,
    LIMITS
};
enum limit_per { PER_NOTHING, PER_KG, PER_M2, PER_ML };
/* Groups of limits. Within a group, rules of an indication replace general rules. */
enum limit_group {
    GROUP_SINGLE = 1,
    GROUP_MIN = 2,
    GROUP_DAILY = 4,
    GROUP_CUMULATIVE = 8,
    GROUP_RATE = 16,
    GROUP_INTERVAL = 32,
    GROUP_COUNT = 64,
    GROUP_DURATION = 128,
    GROUP_CONCENTRATION = 256,
    GROUP_INFUSION = 512, /* duration and rate of one infused dose */
    GROUP_MINUTES = 1024
};
struct limit_shape {
    const char *what; /* Compared.what */
    enum limit_per per;
    enum limit_group group;
    bool least; /* the rule requires ">=" instead of "<=" */
};
extern const struct limit_shape limit_shapes[LIMITS];

/* A limit in the ingredient's unit (per kg, m2 or mL; for a rate: per day). */
struct limit {
    bool set, good;
    struct ward_decimal value;
    const Ward__Dosage__V1__Quantity *as_written;
};
struct bound { /* the range [from, to); both ends are optional */
    bool has_from, has_to, good;
    struct ward_decimal from, to;
};
struct dose_rule {
    const Ward__Dosage__V1__DoseRule *msg;
    struct limit limit[LIMITS];
    /* the limits that the rule sets, in the order of enum limit_kind */
    enum limit_kind kinds[LIMITS];
    size_t n_kinds;
    struct bound weight, renal;
    bool plain;      /* the rule has no criterion of phase or earlier doses */
    unsigned groups; /* enum limit_group: groups of the limits that the rule sets */
    int naive_class; /* -1: for all patients */
};
/* Usual amounts are prepared as the limits of two dose rules with the same band. */
struct usual_rule {
    const Ward__Dosage__V1__UsualDoseRule *msg;
    struct dose_rule high, low;
    struct ward_decimal factor, warn, least;
    bool good, has_warn, has_least;
};
/* An ingredient in a class sum. */
struct member {
    const Ward__Dosage__V1__ClassSumRule__Member *msg; /* NULL: any route */
    int ingredient;
    bool good;
    struct ward_decimal factor;
};
struct class_sum {
    const Ward__Dosage__V1__ClassSumRule *msg;
    struct dose_rule band; /* a dose rule for the same patients, without limits */
    struct unit unit;
    struct member *members;
    size_t n_members;
    struct limit daily, cumulative, cumulative_m2; /* in the unit of the sum */
};
struct selector {
    int ingredient, class_id; /* -1: unused */
};
struct strength {
    int ingredient; /* -1: unknown */
    bool good;
    bool rate;                  /* for a patch: the amount is per day */
    struct ward_decimal amount; /* in the ingredient's unit */
    struct ward_decimal per;    /* volume or count that contains `amount` */
    struct unit unit, unit_day;
};
struct product {
    const Ward__Dosage__V1__Product *msg;
    struct strength *strengths;
};
struct drug {
    const Ward__Dosage__V1__Drug *msg;
    int *ingredients;
    size_t n_ingredients;
    struct product *products;
};
struct equivalent { /* `amount` of `unit` equals `is` in the ingredient's unit */
    struct unit unit, day, kg_day;
    bool good;
    struct ward_decimal amount, is;
};
struct ingredient {
    const Ward__Dosage__V1__Ingredient *msg;
    struct equivalent *equivalents;
    size_t n_equivalents;
    /* the ingredient's unit; per kg; per m2; per day; per kg and day; per m2 and day */
    struct unit unit, kg, m2, day, kg_day, m2_day;
    struct unit ml; /* the ingredient's unit per mL */
    bool has_loading;
    struct ward_decimal loading; /* in the ingredient's unit */
    int *classes;
    size_t n_classes;
    struct dose_rule *rules; /* in the order of the rule set */
    size_t n_rules;
    struct usual_rule *usual; /* in the order of the rule set */
    size_t n_usual;
    /* Indexes of the rules about this ingredient. */
    int *interactions, *duplicates, *forbidden, *contexts, *monitorings;
    int *class_sums;
    size_t n_interactions, n_duplicates, n_forbidden, n_contexts, n_monitorings, n_class_sums;
};
/* The dose above which a rule applies; not set: the rule applies to any dose. */
struct over {
    bool set, has_single, has_daily;
    struct amount single, daily;
};
enum role { ROLE_A, ROLE_B, ROLE_C, ROLES };
struct interaction {
    const Ward__Dosage__V1__InteractionRule *msg;
    struct selector role[ROLES]; /* ROLE_C matches nothing if the rule has two parts */
    struct over over[ROLES];
};
struct allergy_rule {
    const Ward__Dosage__V1__AllergyRule *msg;
    struct selector allergy;
};
struct slip_rule {
    const Ward__Dosage__V1__SlipRule *msg;
    bool good;
    struct ward_decimal factor;
    bool has_low, has_high;
    struct ward_decimal low, high;
};
/* A limit of a laboratory value, in one of its possible units. */
struct lab_limit {
    bool good;
    struct ward_decimal value;
    struct unit unit;
};
struct circumstance {
    const Ward__Dosage__V1__Circumstance *msg;
    struct lab_limit *limits; /* for a value: in the rule's order */
    bool good;                /* for a trend: `share` is valid */
    struct ward_decimal share;
};
struct context_rule {
    const Ward__Dosage__V1__ContextRule *msg;
    struct selector *drugs;
    struct over over;
    struct circumstance *any, *all, *unless;
};
struct kidney_risk {
    const Ward__Dosage__V1__KidneyRiskRule *msg;
    struct circumstance *any;
    struct selector *drugs, *not_drugs;
    bool good, has_above;
    struct ward_decimal above;
};
struct monitoring_rule {
    const Ward__Dosage__V1__MonitoringRule *msg;
    struct selector *drugs;
};

/* A possible meaning of an entry among a chart's allergies. */
enum target_kind { IS_RULE, IS_INGREDIENT, IS_CLASS, IS_DRUG };
struct target {
    enum target_kind kind;
    int at;
};
struct name { /* whole words; for scripts without spaces, the normalized text */
    char **words;
    size_t n;
    struct target is;
};
struct code {
    const char *system, *code;
    struct target is;
};

struct prepared {
    const Ward__Dosage__V1__RuleSet *set;
    struct ingredient *ingredients; /* by id */
    struct drug *drugs;             /* by id */
    struct drug **drug_slots;       /* hash table by id; NULL: free */
    size_t n_drug_slots;            /* a power of 2 */
    const char **classes;           /* sorted by name */
    size_t n_ingredients, n_drugs, n_classes;
    struct interaction *interactions;
    struct allergy_rule *allergies;
    struct slip_rule *slips;
    struct class_sum *class_sums;
    struct context_rule *contexts;
    struct monitoring_rule *monitorings;
    struct kidney_risk *kidney_risks;
    struct unit *units; /* possible units of doses, sorted by text */
    size_t n_units;
    struct name *names, *unspaced; /* sorted by their first word */
    size_t n_names, n_unspaced;
    struct code *codes; /* sorted by code */
    size_t n_codes;
};

/* Reads a decimal of the rule set; "": missing. False: not a decimal. */
bool number_read(const char *text, bool *has, struct ward_decimal *out);
/* The unit in which a limit of this shape is compared. */
const struct unit *limit_unit(const struct ingredient *i, const struct limit_shape *shape);

/* As check_prepare, without a struct ruleset. */
WARD_MUST enum ward_code prepare_set(const Ward__Dosage__V1__RuleSet *set,
                                     struct ward_arena *mem, struct prepared **out,
                                     struct ward_err *err);
/* names.c: names and codes for allergies */
WARD_MUST enum ward_code prepare_names(struct prepared *p, struct ward_arena *mem,
                                       struct ward_err *err);
/* set_dose.c: dose rules and usual doses of each ingredient */
WARD_MUST enum ward_code prepare_dose_rules(struct prepared *p, struct ward_arena *mem,
                                            struct ward_err *err);
WARD_MUST enum ward_code prepare_class_sums(struct prepared *p, struct ward_arena *mem,
                                            struct ward_err *err);
/* set_context.c: context and monitoring rules, and rules of required kidney function */
WARD_MUST enum ward_code prepare_contexts(struct prepared *p, struct ward_arena *mem,
                                          struct ward_err *err);
struct selector set_selector(const struct prepared *p, const Ward__Dosage__V1__Selector *s);
void set_over(const Ward__Dosage__V1__DoseOver *msg, struct over *out);
/* set_rules.c: interactions, duplicates, allergies, slips, and the rules of each ingredient */
WARD_MUST enum ward_code prepare_rules(struct prepared *p, struct ward_arena *mem,
                                       struct ward_err *err);

const struct drug *set_drug(const struct prepared *p, const char *id);   /* NULL: not found */
int set_ingredient(const struct prepared *p, const char *id);            /* -1: not found */
int set_class(const struct prepared *p, const char *id);                 /* -1: not found */
const struct product *set_product(const struct drug *d, const char *id); /* NULL: not found */
bool set_selects(const struct prepared *p, const struct selector *s, int ingredient);
bool set_in_class(const struct prepared *p, int ingredient, int class_id);

/* ---- amount.c ---- */
void unit_parse(const char *text, struct unit *out); /* text is borrowed */
/* The unit that the rule set has already parsed; otherwise parses into *parsed. p may be
 * NULL. */
const struct unit *unit_of(const struct prepared *p, const char *text, struct unit *parsed);
/* Converts a Quantity; its unit is taken from the rule set if the rule set has the unit. */
WARD_MUST enum ward_code amount_from(const struct prepared *p,
                                     const Ward__Dosage__V1__Quantity *q, struct amount *out,
                                     struct ward_err *err);
/* Converts an amount exactly, and only between equal annotations: a {tablet} is not a
 * {capsule}. */
bool amount_to(const struct amount *a, const struct unit *to, struct ward_decimal *out);
bool decimal_mul(const struct ward_decimal *a, const struct ward_decimal *b,
                 struct ward_decimal *out);
/* Converts x of the first ingredient, or of the product, to the k-th ingredient. */
bool amount_share(const struct prepared *p, const struct drug *d, const struct product *product,
                  const struct ward_decimal *x, size_t k, struct ward_decimal *out);
/* Converts a dose to an amount of the drug's k-th ingredient. */
bool amount_dose(const struct prepared *p, const struct drug *d, const struct product *product,
                 const struct amount *dose, size_t k, struct ward_decimal *out);
/* As amount_dose, for a rate, per day. kg and m2 (NULL: unknown) are the factors of rates per
 * kg and per m2. *per: the denominator. */
bool amount_rate(const struct prepared *p, const struct drug *d, const struct product *product,
                 const struct amount *dose, size_t k, const struct ward_decimal *kg,
                 const struct ward_decimal *m2, enum limit_per *per, struct ward_decimal *out);

#endif
