/* run.h - one check in progress: declarations that its parts share.
 *
 * Numbers are exact. If a number cannot be exact, or an input is missing, the rule that needs
 * the number or the input is undecided, and a finding reports the undecided rule. No rule
 * passes by default.
 *
 * Threads: each run belongs to one thread. Memory: the arena; a refused allocation sets
 * mem->full, which check_run tests at its end; until then texts may be "". Errors: those of
 * check_run.
 */
#ifndef DOSAGE_CHECK_RUN_H
#define DOSAGE_CHECK_RUN_H

#include "services/dosage/check/own.h"
#include "services/dosage/check/set.h"

#define MINUTE_US INT64_C(60000000)
#define HOUR_US   (60 * MINUTE_US)
#define DAY_US    (24 * HOUR_US)

/* Times of a snapshot are clamped to the year 2255, so that differences fit into 64 bits. */
#define TIME_MOST (INT64_C(1) << 53)
static inline int64_t time_of(int64_t us)
{
    return us > TIME_MOST ? TIME_MOST : us < -TIME_MOST ? -TIME_MOST : us;
}
/* Microseconds between two times, never less than 0. */
static inline int64_t time_since(int64_t from_us, int64_t to_us)
{
    int64_t us = time_of(to_us) - time_of(from_us);

    return us < 0 ? 0 : us;
}

enum use { USED_WEIGHT = 1, USED_HEIGHT = 2, USED_CREATININE = 4, USED_EGFR = 8 };
enum lack {
    LACK_AGE = 1,
    LACK_WEIGHT = 2,
    LACK_HEIGHT = 4,
    LACK_RENAL = 8,
    LACK_CLEARANCE = 16, /* the clearance is missing, and an eGFR was used */
    LACK_VOLUME = 32,
    LACK_MINUTES = 64,
    LACK_RENAL_SINGLE = 128 /* for a single dose, which need not wait for kidney values */
};

/* A measurement of the chart, converted to the unit of the computation. */
struct measure {
    bool there;
    struct ward_decimal value;
    /* NULL: missing; not NULL without `there`: unknown unit */
    const Ward__Dosage__V1__Measured *from;
    int64_t age_us;
};
struct body {
    bool has_age;
    /* days since birth; two values if the birth date has no day */
    int64_t days_least, days_most;
    int years_least, years_most;
    struct measure weight; /* kg */
    struct measure height; /* cm */
    struct measure creatinine;
    bool creatinine_molar; /* umol/L; otherwise mg/dL */
    struct measure egfr;   /* mL/min */
    bool has_bsa, has_crcl, has_egfr;
    /* eGFR from creatinine: computation tried; computation successful */
    bool egfr_tried, egfr_reckoned;
    struct ward_decimal bsa;                   /* m2, to 0.01 */
    struct ward_decimal crcl_least, crcl_most; /* mL/min, to 0.1 */
    struct ward_decimal egfr_least, egfr_most;
};

/* Another active order, or a given dose. drug NULL: the rule set does not have the drug. */
struct other {
    const Ward__Dosage__V1__RunningOrder *msg;
    const struct drug *drug;
};
struct past {
    const Ward__Dosage__V1__GivenDose *msg;
    const struct drug *drug;
};
/* A home medicine as a drug; without ingredients: not interpreted. ORDERED: an active order
 * continues the medicine. STOPPED: the medicine was stopped or put on hold, or an active order
 * replaces it. */
enum home_is { HOME_TAKEN, HOME_ORDERED, HOME_STOPPED };
struct home {
    const Ward__Dosage__V1__HomeMedicine *msg;
    struct drug drug;
    const Ward__Dosage__V1__HomeReconciliation *decided; /* NULL: undecided */
    enum home_is is;
    bool replaced; /* the checked order replaces the medicine */
};

/* This order's dose as an amount of one ingredient (for a rate: per day). */
struct share {
    int ingredient;
    bool good; /* false for a rate per kg without a weight */
    struct ward_decimal amount;
    bool covered; /* a rule with a maximum amount was applied */
    /* `largest`: the largest limit of a single dose or rate; without such a limit, of a day */
    bool has_largest;
    struct ward_decimal largest;
    bool has_a_day; /* `a_day`: the largest limit of a day */
    struct ward_decimal a_day;
    bool usual; /* a usual dose was applied */
};

struct run {
    const struct prepared *set;
    const Ward__Dosage__V1__Snapshot *snap;
    const Ward__Dosage__V1__Prescription *p;
    int64_t at_us; /* the snapshot's time, clamped */
    struct ward_arena *mem;
    struct ward_err *err;
    const struct drug *drug;
    const struct product *product;
    bool giving, rate;
    bool patch; /* a rate that is given repeatedly */
    struct amount dose;
    struct body body;
    struct share *shares;
    size_t n_shares;
    struct other *others;
    size_t n_others;
    struct past *pasts;
    size_t n_pasts;
    struct home *homes;
    size_t n_homes;
    unsigned used, lacking; /* values of enum use and enum lack */
    bool renal_top_set;     /* a rule would be violated at some kidney function */
    /* the highest range of such rules; without an end: any kidney function */
    struct bound renal_top;
    const char **unfit; /* ids of items whose amount cannot be compared with a limit */
    size_t n_unfit, room_unfit;
    Ward__Dosage__V1__Finding **findings;
    size_t n_findings, room_findings;
    Ward__Dosage__V1__TraceStep **trace;
    size_t n_trace, room_trace;
};

/* Whether the decision was made with at least this version of the check's code. */
static inline bool engine_at_least(const struct run *r, int32_t version)
{
    return r->snap->engine >= version;
}

/* ---- say.c: sentences, findings, the trace ---- */
/* Replaces {0} to {9} by the arguments. */
char *say(struct run *r, const char *words, const char *const *args);
/* such as "5 mg" */
char *say_decimal(struct run *r, const struct ward_decimal *v, const char *unit);
/* Adds a string to a set, unless the set contains the string; findings sort their subjects. */
void about_add(struct run *r, const char ***list, size_t *n, size_t *room, const char *id);
/* The texts `what` and `relation` must be static or in the arena, as well as `why` of
 * trace_add. */
Ward__Dosage__V1__Compared *compared(struct run *r, const char *what,
                                     const struct ward_decimal *actual,
                                     const struct ward_decimal *limit, const char *unit,
                                     const char *relation);

/* Marks a rule, an order, a dose or a measurement by id as not convertible. */
void unfit_add(struct run *r, const char *id);

/* Comparisons and subjects of a finding. */
struct told {
    Ward__Dosage__V1__Compared **compared;
    size_t n_compared;
    const char **about;
    size_t n_about;
};
void find_own(struct run *r, enum own_id which, const char *const *en, const char *const *zh,
              const struct told *told);
/* As find_own, with another severity than the default. */
void find_own_as(struct run *r, enum own_id which, Ward__Dosage__V1__Severity severity,
                 const char *const *en, const char *const *zh, const struct told *told);
/* As find_own, with another severity and another sentence than the default. */
void find_own_words(struct run *r, enum own_id which, Ward__Dosage__V1__Severity severity,
                    char *en, char *zh, const struct told *told);
void find_rule(struct run *r, const Ward__Dosage__V1__Rule *rule, char *en, char *zh,
               const struct told *told);
/* As find_rule, with another severity. The finding is final only at the rule's own severity. */
void find_rule_as(struct run *r, const Ward__Dosage__V1__Rule *rule,
                  Ward__Dosage__V1__Severity severity, char *en, char *zh,
                  const struct told *told);
void trace_add(struct run *r, const Ward__Dosage__V1__Rule *rule,
               Ward__Dosage__V1__TraceStep__Result result, const char *why,
               Ward__Dosage__V1__Compared **compared, size_t n_compared);
/* The name of an ingredient or a drug; without a name, the id. */
const char *name_en(const Ward__Dosage__V1__Sentence *s, const char *id);
const char *name_zh(const Ward__Dosage__V1__Sentence *s, const char *id);
/* Sorts the findings, and sets outcome and sha256. */
WARD_MUST enum ward_code tell_end(struct run *r, Ward__Dosage__V1__Decision *out);

/* ---- body.c ---- */
void body_of(struct run *r);
/* ---- kidney.c ---- */
void kidneys_of(struct run *r);
/* The clearance by Cockcroft and Gault, with a weight. False: an input is missing. */
bool kidney_clearance(struct run *r, const struct ward_decimal *kg, struct ward_decimal *least,
                      struct ward_decimal *most);
/* Sets egfr_least and egfr_most of body: the laboratory's value, otherwise computed from
 * creatinine. */
bool kidney_filtration(struct run *r);
/* ---- weigh.c ---- */
/* The factor of a limit per kg or m2. */
struct per_body {
    struct ward_decimal value;
    const char *en, *zh; /* kind of weight: "", "ideal body weight" */
    const char *why;     /* the missing input, for the trace */
};
/* False: an input is missing, which is recorded in run.lacking. */
bool body_over(struct run *r, enum limit_per per, Ward__Dosage__V1__WeightBasis basis,
               struct per_body *out);
/* ---- band.c ---- */
enum fit { FIT_NO, FIT_MAYBE, FIT_YES };
/* *why: the criterion that gave no or maybe. The run records used and missing inputs. */
enum fit band_fit(struct run *r, const struct dose_rule *rule, const char **why);
enum fit band_age(const struct run *r, int32_t from_days, int32_t to_days);
/* Whether a band fits by route, indication and age alone. NULL always fits. An unknown age
 * fits. */
bool band_fits(const struct run *r, const Ward__Dosage__V1__Band *b, const char **why);
/* For a contraindication: the bounds that the patient meets, as comparisons and as text. */
void band_tell(struct run *r, const struct dose_rule *rule, struct told *told, char **en,
               char **zh);

/* ---- sum.c: given and future doses ---- */
struct sums; /* the sums of one ingredient or class */
struct sums *sums_of(struct run *r, const struct share *share);
/* The maximum amount in any `days` days (0: for life). `doses`: the maximum number of doses
 * instead. False: the result cannot be exact. */
bool sums_most(struct run *r, const struct sums *s, int days, bool doses,
               struct ward_decimal *out);
/* Whether a class sum counts doses by this route. */
bool member_by(const struct member *m, Ward__Dosage__V1__Route route);
/* *minutes: from the last dose of the ingredient to the next dose of this order; *limit: the
 * minimum, for a rule with minimum `least`. An earlier dose of this order may have been late
 * within its window, and the next dose may be early. The worst of several doses counts. False:
 * no dose was given. */
bool sums_gap(const struct run *r, const struct sums *s, int64_t least, int64_t *minutes,
              int64_t *limit);
/* Sums a class's drugs in the class's unit. `own`: this order's dose (for a rate: per day). */
struct sums *sums_of_class(struct run *r, const struct class_sum *c,
                           const struct ward_decimal *own);
/* Adds the other orders that contribute to the sum. */
void sums_about(struct run *r, const struct sums *s, struct told *told);
/* Days from the order's start to its last dose, rounded up; -1: no end. */
int64_t order_days(const struct run *r);
/* Whether both orders overlap, or the later order starts within the given time after the other
 * order's end: after_theirs_us if this order is later, otherwise after_ours_us. */
bool orders_meet_by(const struct run *r, const Ward__Dosage__V1__Prescription *other,
                    int64_t after_theirs_us, int64_t after_ours_us);
bool orders_meet(const struct run *r, const Ward__Dosage__V1__Prescription *other,
                 int64_t after_us);
int64_t order_begins(const struct run *r); /* time of the order's next dose */
/* Converts a dose to an amount of the drug's k-th ingredient; for a rate: per day. False: no
 * conversion. */
bool amount_at(struct run *r, const struct drug *d, const char *product_id,
               const Ward__Dosage__V1__Quantity *q, size_t k, bool rate,
               struct ward_decimal *out);

/* ---- over.c ---- */
/* Whether a dose exceeds the limits of `o`. amount: of an ingredient (NULL: unknown), for a
 * rate per day. per_day: doses per day. True if no comparison is possible. */
bool is_over(const struct run *r, const struct over *o, int ingredient,
             const struct ward_decimal *amount, bool rate, int per_day);
/* As is_over, for this order's k-th ingredient. */
bool order_is_over(const struct run *r, const struct over *o, size_t k);

/* ---- the kinds of rules ---- */
void check_doses(struct run *r); /* dose.c */
/* usual.c: for one ingredient, after its dose rules */
void check_usual(struct run *r, struct share *share, struct sums **sums);
void check_class_sums(struct run *r);   /* class_sum.c */
void homes_of(struct run *r);           /* home.c */
void check_homes(struct run *r);        /* home.c: uninterpreted and undecided home medicines */
void check_interactions(struct run *r); /* meet.c */
void check_duplicates(struct run *r);   /* meet.c */
void check_too_soon(struct run *r);     /* soon.c */
void check_allergies(struct run *r);    /* allergy.c */
void check_contexts(struct run *r);     /* context.c: contraindications from the chart */
void check_monitoring(struct run *r);   /* monitor.c: required measurements */
void check_slips(struct run *r);        /* slip.c */
void check_fresh(struct run *r);        /* fresh.c */
void check_lacking(struct run *r);      /* fresh.c: missing, unfit or truncated inputs */

/* ---- acknowledge.c ---- */
/* As check_matter, for a finding of any severity. False: the finding does not concern the
 * patient alone, or no memory. */
bool matter_of(const struct prepared *set, const Ward__Dosage__V1__Facts *facts,
               const Ward__Dosage__V1__Finding *f, struct ward_arena *mem,
               char out[CHECK_MATTER]);
void check_acknowledged(struct run *r); /* must be the last check */

/* In check.c: check_run with a prepared rule set, without a struct ruleset. */
WARD_MUST enum ward_code check_with(const struct prepared *set,
                                    const Ward__Dosage__V1__Snapshot *snap,
                                    struct ward_arena *mem, Ward__Dosage__V1__Decision *out,
                                    struct ward_err *err);

#endif
