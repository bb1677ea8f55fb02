/* run.h - one check under way: what its parts share.
 *
 * Numbers are exact. Where one cannot be held exactly, or an input is missing, the rule that
 * wants it is undecided and a finding says so; nothing passes by default.
 *
 * Threads: one run is one thread's. Memory: the arena; a refused allocation shows in mem->full,
 * which check_run asks at its end: until then texts may be "". Errors: check_run's.
 */
#ifndef DOSAGE_CHECK_RUN_H
#define DOSAGE_CHECK_RUN_H

#include "services/dosage/check/own.h"
#include "services/dosage/check/set.h"

#define MINUTE_US INT64_C(60000000)
#define HOUR_US   (60 * MINUTE_US)
#define DAY_US    (24 * HOUR_US)

/* Times of a snapshot lie within this, either way of 1970: beyond it they are at its end, so
 * that differences are numbers. The year 2255. */
#define TIME_MOST (INT64_C(1) << 53)
static inline int64_t time_of(int64_t us)
{
    return us > TIME_MOST ? TIME_MOST : us < -TIME_MOST ? -TIME_MOST : us;
}
/* Microseconds from one to the other, never less than 0. */
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
    LACK_CLEARANCE = 16, /* an eGFR stood for it */
    LACK_VOLUME = 32,
    LACK_MINUTES = 64,
    LACK_RENAL_SINGLE = 128 /* of one dose, which need not wait for them */
};

/* A measurement of the chart in the unit it is reckoned in. */
struct measure {
    bool there;
    struct ward_decimal value;
    const Ward__Dosage__V1__Measured *from; /* NULL: there is none; not `there`: no such unit */
    int64_t age_us;
};
struct body {
    bool has_age;
    int64_t days_least, days_most; /* since birth: two where the birth date names no day */
    int years_least, years_most;
    struct measure weight; /* kg */
    struct measure height; /* cm */
    struct measure creatinine;
    bool creatinine_molar; /* umol/L; otherwise mg/dL */
    struct measure egfr;   /* mL/min */
    bool has_bsa, has_crcl, has_egfr;
    bool egfr_tried, egfr_reckoned;            /* from creatinine, not the laboratory's */
    struct ward_decimal bsa;                   /* m2, to 0.01 */
    struct ward_decimal crcl_least, crcl_most; /* mL/min, to 0.1 */
    struct ward_decimal egfr_least, egfr_most;
};

/* An order beside this one, a dose that was given. drug NULL: the set has no such drug. */
struct other {
    const Ward__Dosage__V1__RunningOrder *msg;
    const struct drug *drug;
};
struct past {
    const Ward__Dosage__V1__GivenDose *msg;
    const struct drug *drug;
};
/* A home medicine as its ingredients; none: it was not understood. ORDERED: it goes on as an
 * order that is here. STOPPED: stopped, on hold, or replaced by such an order. */
enum home_is { HOME_TAKEN, HOME_ORDERED, HOME_STOPPED };
struct home {
    const Ward__Dosage__V1__HomeMedicine *msg;
    struct drug drug;
    const Ward__Dosage__V1__HomeReconciliation *decided; /* NULL: it waits for a decision */
    enum home_is is;
    bool replaced; /* by the order that is checked */
};

/* This order's dose as so much of one of its ingredients (a rate: a day). */
struct share {
    int ingredient;
    bool good; /* a rate over kg with no weight is not */
    struct ward_decimal amount;
    bool covered;     /* some rule of how much is too much was held against it */
    bool has_largest; /* of the limits of a single dose (or the rate) that apply, or else a day:
                       */
    struct ward_decimal largest;
    bool has_a_day; /* ...of a day */
    struct ward_decimal a_day;
    bool usual; /* a usual dose was held against it */
};

struct run {
    const struct prepared *set;
    const Ward__Dosage__V1__Snapshot *snap;
    const Ward__Dosage__V1__Prescription *p;
    int64_t at_us; /* the snapshot's, within TIME_MOST */
    struct ward_arena *mem;
    struct ward_err *err;
    const struct drug *drug;
    const struct product *product;
    bool giving, rate;
    bool patch; /* a rate that is given again and again */
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
    unsigned used, lacking; /* of enum use, enum lack */
    bool renal_top_set;     /* of rules that unknown kidneys might break: */
    struct bound renal_top; /* the one that reaches highest; without an end: any function */
    const char **unfit;     /* ids of what has an amount that cannot be held against a limit */
    size_t n_unfit, room_unfit;
    Ward__Dosage__V1__Finding **findings;
    size_t n_findings, room_findings;
    Ward__Dosage__V1__TraceStep **trace;
    size_t n_trace, room_trace;
};

/* Whether this decision uses the check's own code of that version or a newer one. */
static inline bool engine_at_least(const struct run *r, int32_t version)
{
    return r->snap->engine >= version;
}

/* ---- say.c: sentences, findings, the trace ---- */

/* {0} to {9} are the arguments. */
char *say(struct run *r, const char *words, const char *const *args);
char *say_decimal(struct run *r, const struct ward_decimal *v, const char *unit); /* "5 mg" */
/* One more of these strings, once, in any order: findings sort what they are about. */
void about_add(struct run *r, const char ***list, size_t *n, size_t *room, const char *id);
/* what, relation: constant, or of the arena. Likewise why of trace_add. */
Ward__Dosage__V1__Compared *compared(struct run *r, const char *what,
                                     const struct ward_decimal *actual,
                                     const struct ward_decimal *limit, const char *unit,
                                     const char *relation);

/* The rule, order, dose or measurement of this id has an amount that cannot be converted. */
void unfit_add(struct run *r, const char *id);

/* What a finding holds: sentences are made of the arguments. */
struct told {
    Ward__Dosage__V1__Compared **compared;
    size_t n_compared;
    const char **about;
    size_t n_about;
};
void find_own(struct run *r, enum own_id which, const char *const *en, const char *const *zh,
              const struct told *told);
/* ...of another severity than its own. */
void find_own_as(struct run *r, enum own_id which, Ward__Dosage__V1__Severity severity,
                 const char *const *en, const char *const *zh, const struct told *told);
/* ...in other words than its own. */
void find_own_words(struct run *r, enum own_id which, Ward__Dosage__V1__Severity severity,
                    char *en, char *zh, const struct told *told);
void find_rule(struct run *r, const Ward__Dosage__V1__Rule *rule, char *en, char *zh,
               const struct told *told);
/* ...of another severity than the rule's; final only where it is the rule's own. */
void find_rule_as(struct run *r, const Ward__Dosage__V1__Rule *rule,
                  Ward__Dosage__V1__Severity severity, char *en, char *zh,
                  const struct told *told);
void trace_add(struct run *r, const Ward__Dosage__V1__Rule *rule,
               Ward__Dosage__V1__TraceStep__Result result, const char *why,
               Ward__Dosage__V1__Compared **compared, size_t n_compared);
/* Names of an ingredient, a drug; its id where it has none. */
const char *name_en(const Ward__Dosage__V1__Sentence *s, const char *id);
const char *name_zh(const Ward__Dosage__V1__Sentence *s, const char *id);
/* Sorted, hashed, an outcome. */
WARD_MUST enum ward_code tell_end(struct run *r, Ward__Dosage__V1__Decision *out);

/* ---- body.c ---- */

void body_of(struct run *r);
/* ---- kidney.c ---- */

void kidneys_of(struct run *r);
/* By Cockcroft and Gault, with a weight; false: something is missing. */
bool kidney_clearance(struct run *r, const struct ward_decimal *kg, struct ward_decimal *least,
                      struct ward_decimal *most);
/* body.egfr_least and _most: the laboratory's, or else reckoned from creatinine. */
bool kidney_filtration(struct run *r);
/* ---- weigh.c ---- */

/* What a limit per kg or m2 is multiplied by. */
struct per_body {
    struct ward_decimal value;
    const char *en, *zh; /* of which weight: "", "ideal body weight" */
    const char *why;     /* of a trace: what is missing */
};
/* False: it is missing, which the run then lacks. */
bool body_over(struct run *r, enum limit_per per, Ward__Dosage__V1__WeightBasis basis,
               struct per_body *out);
/* ---- band.c ---- */

enum fit { FIT_NO, FIT_MAYBE, FIT_YES };
/* *why: what said no or maybe; what was used and lacked goes into the run. */
enum fit band_fit(struct run *r, const struct dose_rule *rule, const char **why);
enum fit band_age(const struct run *r, int32_t from_days, int32_t to_days);
/* By route, indication and age alone; NULL fits. An age that is not known fits. */
bool band_fits(const struct run *r, const Ward__Dosage__V1__Band *b, const char **why);
/* Of a contraindication: the bounds the patient is within, as comparisons and in words. */
void band_tell(struct run *r, const struct dose_rule *rule, struct told *told, char **en,
               char **zh);

/* ---- sum.c: what is given and will be ---- */

struct sums; /* of one ingredient */
struct sums *sums_of(struct run *r, const struct share *share);
/* The most in any `days` days (0: for life), or of doses; false: it cannot be held exactly. */
bool sums_most(struct run *r, const struct sums *s, int days, bool doses,
               struct ward_decimal *out);
/* Whether a class sum counts doses by this route. */
bool member_by(const struct member *m, Ward__Dosage__V1__Route route);
/* Minutes from the last dose of the ingredient to the next of this order, and how many they
 * must be for a rule of `least`: a dose of this order before may have been late by its windows,
 * and this one be early. Of several the worst; false: none. */
bool sums_gap(const struct run *r, const struct sums *s, int64_t least, int64_t *minutes,
              int64_t *limit);
/* Of all that a class sum counts, in its unit; `own` is of this order's dose (a rate: a day).
 */
struct sums *sums_of_class(struct run *r, const struct class_sum *c,
                           const struct ward_decimal *own);
/* Other orders that add to it. */
void sums_about(struct run *r, const struct sums *s, struct told *told);
/* From the order's beginning to its last dose, days rounded up; -1: no end. */
int64_t order_days(const struct run *r);
/* They run at the same time, or the later one begins less than so long after the other's end:
 * theirs where ours is later, ours where theirs is. */
bool orders_meet_by(const struct run *r, const Ward__Dosage__V1__Prescription *other,
                    int64_t after_theirs_us, int64_t after_ours_us);
bool orders_meet(const struct run *r, const Ward__Dosage__V1__Prescription *other,
                 int64_t after_us);
int64_t order_begins(const struct run *r); /* its next dose, not before the decision's moment */
/* A dose as so much of the drug's k-th ingredient; of a rate a day. False: nothing converts it.
 */
bool amount_at(struct run *r, const struct drug *d, const char *product_id,
               const Ward__Dosage__V1__Quantity *q, size_t k, bool rate,
               struct ward_decimal *out);

/* ---- over.c ---- */

/* An amount of an ingredient (NULL: not known), so often a day; of a rate it is a day's. True
 * where nothing can be compared. */
bool is_over(const struct run *r, const struct over *o, int ingredient,
             const struct ward_decimal *amount, bool rate, int per_day);
/* Of this order, as its k-th share. */
bool order_is_over(const struct run *r, const struct over *o, size_t k);

/* ---- the kinds of rules ---- */

void check_doses(struct run *r); /* dose.c */
/* usual.c: of one ingredient, where its dose rules were. */
void check_usual(struct run *r, struct share *share, struct sums **sums);
void check_class_sums(struct run *r);   /* class_sum.c */
void homes_of(struct run *r);           /* home.c */
void check_homes(struct run *r);        /* home.c: what was not understood, what is undecided */
void check_interactions(struct run *r); /* meet.c */
void check_duplicates(struct run *r);   /* meet.c */
void check_too_soon(struct run *r);     /* soon.c */
void check_allergies(struct run *r);    /* allergy.c */
void check_contexts(struct run *r);     /* context.c: what the chart says against a drug */
void check_monitoring(struct run *r);   /* monitor.c: what has to be measured */
void check_slips(struct run *r);        /* slip.c */
void check_fresh(struct run *r);        /* fresh.c */
void check_lacking(struct run *r);      /* fresh.c: what was missing, unfit or cut */

/* ---- acknowledge.c ---- */

/* check_matter of a finding of any severity. False: it is not about the patient alone, or there
 * is no memory. */
bool matter_of(const struct prepared *set, const Ward__Dosage__V1__Facts *facts,
               const Ward__Dosage__V1__Finding *f, struct ward_arena *mem,
               char out[CHECK_MATTER]);
void check_acknowledged(struct run *r); /* behind all the others */

/* check.c, without a struct ruleset around the set. */
WARD_MUST enum ward_code check_with(const struct prepared *set,
                                    const Ward__Dosage__V1__Snapshot *snap,
                                    struct ward_arena *mem, Ward__Dosage__V1__Decision *out,
                                    struct ward_err *err);

#endif
