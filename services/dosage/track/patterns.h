/* patterns.h - what a workaround looks like in rows: pure rules, each over one kind of row in
 * order of time, each with a threshold that is named here and told in docs/dosage.md.
 *
 * Kinds after: R. Koppel, T. Wetterneck, J. L. Telles, B.-T. Karsh, "Workarounds to Barcode
 * Medication Administration Systems: Their Occurrences, Causes, and Threats to Patient Safety",
 * J Am Med Inform Assoc 2008;15:408-423, doi:10.1197/jamia.M2616 (15 workarounds: steps left
 * out, out of order, or not authorized). No number below is taken from there or from elsewhere:
 * every one is policy, set so that a single slip is no finding, and to be changed by those who
 * review what is found. docs/dosage.md says them.
 *
 * A rule says at which row a pattern is complete, by that row and those less than its window
 * before it: so what it finds does not depend on where a look began, as long as it began a
 * window earlier. What is found of the same kind, person and place on one day (of UTC) is one
 * workaround, which grows.
 *
 * Threads: pure. Memory: the arena. Errors: RESOURCE_EXHAUSTED.
 */
#ifndef DOSAGE_TRACK_PATTERNS_H
#define DOSAGE_TRACK_PATTERNS_H

#include "services/dosage/dosage.h"
#include "ward/dosage/v1/tracking.pb-c.h"

#define PATTERN_S INT64_C(1000000) /* microseconds */

/* Tokens offered that were not good for it, by one person within a shift: one is a slip, that
 * the right patient failed is what the check is for. Policy. */
#define MISUSE_MOST   2
#define MISUSE_WITHIN (12 * 3600 * PATTERN_S)
/* Patients verified at one place within a minute: to verify is to stand before them. Policy. */
#define PLACE_MOST   3
#define PLACE_WITHIN (60 * PATTERN_S)
/* Patients, or doses, that one person charted within a minute. Policy. */
#define BATCH_PATIENTS 4
#define BATCH_DOSES    15
#define BATCH_WITHIN   (60 * PATTERN_S)
/* Of at least so many doses that one person gave in 24 h, the share that no scan came with must
 * be above this. Policy. */
#define UNSCANNED_OF      10
#define UNSCANNED_PERCENT 50
#define UNSCANNED_WITHIN  (24 * 3600 * PATTERN_S)
/* Of at least so many findings of one rule where something was ordered, in 7 days, the share
 * overridden. A finding leads to nobody, so what is found names the rule alone. Policy; to be
 * read beside what is usual: drug safety alerts are overridden in 49 % to 96 % of cases.
 * Source: H. van der Sijs, J. Aarts, A. Vulto, M. Berg, J Am Med Inform Assoc 2006;13:138-147,
 * doi:10.1197/jamia.M1809, abstract; checked 2026-11-21. */
#define HABIT_OF      20
#define HABIT_PERCENT 90
#define HABIT_WITHIN  (7 * 24 * 3600 * PATTERN_S)
/* Doses in a row with the same second person, each within a minute of the one before: nobody
 * checks a dose independently that fast. Policy. */
#define SECOND_RUN    5
#define SECOND_WITHIN (60 * PATTERN_S)
#define SECOND_BACK   (SECOND_RUN * SECOND_WITHIN + 1)

/* Of at least so many doses in 24 h to which one person had a second one, the share with the
 * same second person. Policy: on a ward where two people work, a person who reviews it says so.
 */
#define SECOND_OF           20
#define SECOND_PERCENT      90
#define SECOND_SHARE_WITHIN (24 * 3600 * PATTERN_S)
/* Doses that one person brought in from paper in 7 days though the service answered the ward
 * when they were given. Policy. */
#define RECONCILE_OF     5
#define RECONCILE_WITHIN (7 * 24 * 3600 * PATTERN_S)
/* Doses of one drug that one person gave in a ward by the emergency path in 7 days. Policy. */
#define EMERGENCY_OF     5
#define EMERGENCY_WITHIN (7 * 24 * 3600 * PATTERN_S)
/* Doses that one person charted and took back within 24 h. Policy. */
#define CORRECTION_OF     3
#define CORRECTION_WITHIN (24 * 3600 * PATTERN_S)

#define PATTERN_EVIDENCE 50 /* ids a workaround holds at most, the oldest */

/* A charted dose, as its row says it in the clear. Not of emergencies, nor brought in from a
 * pack: those are charted in batches by right. Or a token that was offered and was not good:
 * its id is that of its event, and it is of no patient. */
struct charted {
    int64_t at_us; /* recorded */
    uint8_t id[DOSAGE_ID], patient[DOSAGE_ID];
    const char *actor, *second, *ward, *place; /* "" for none */
};
struct habit { /* a rule's findings */
    const char *rule_id;
    int fired, overridden;
};
struct scanning { /* a person's doses */
    const char *actor, *ward;
    int given, unscanned;
};

/* What was found. Texts are borrowed. */
struct pattern {
    Ward__Dosage__V1__WorkaroundKind kind;
    const char *ward, *actor, *place, *rule_id; /* "" where it is of none */
    int count, threshold, out_of;
    int own; /* of those counted: acknowledged by the same person */
    int64_t first_us, last_us;
    const uint8_t (*evidence)[DOSAGE_ID];
    size_t n_evidence;
    /* One workaround of all that have the same: of that day, or of that dose. */
    uint8_t about[WARD_SHA256_SIZE];
};
struct patterns {
    struct pattern *at;
    size_t n, room;
};

/* Rows rise by at_us; found are those complete at a row of at_us > from_us. */
WARD_MUST enum ward_code pattern_misuse(const struct charted *rows, size_t n, int64_t from_us,
                                        struct ward_arena *mem, struct patterns *out,
                                        struct ward_err *err);
WARD_MUST enum ward_code pattern_place(const struct charted *rows, size_t n, int64_t from_us,
                                       struct ward_arena *mem, struct patterns *out,
                                       struct ward_err *err);
WARD_MUST enum ward_code pattern_batch(const struct charted *rows, size_t n, int64_t from_us,
                                       struct ward_arena *mem, struct patterns *out,
                                       struct ward_err *err);
WARD_MUST enum ward_code pattern_second(const struct charted *rows, size_t n, int64_t from_us,
                                        struct ward_arena *mem, struct patterns *out,
                                        struct ward_err *err);
bool pattern_unscanned(const struct scanning *s);
bool pattern_habit(const struct habit *h);

/* What `about` is: kind, whose and where, and which day (or dose, or week). */
void pattern_about(struct pattern *p, int64_t period, const uint8_t *id);
/* One more of the list, its texts borrowed. */
WARD_MUST enum ward_code pattern_add(struct patterns *list, const struct pattern *p,
                                     struct ward_arena *mem, struct ward_err *err);
/* By `about`, those of the same in order of last_us. */
void patterns_sort(struct patterns *list);
/* How many from the i-th on are of the same `about`, in a sorted list. */
size_t patterns_same(const struct patterns *list, size_t i);
/* n >= 1 of the same `about`, in order of last_us, as one: a share goes by what it is now, a
 * burst by the largest. Its evidence is the first's: pattern_evidence joins. */
struct pattern pattern_joined(const struct pattern *same, size_t n);
/* was[0..n), and what is new in more[0..n_more), PATTERN_EVIDENCE ids at most. */
WARD_MUST enum ward_code pattern_evidence(const uint8_t (*was)[DOSAGE_ID], size_t n,
                                          const struct pattern *more, size_t n_more,
                                          struct ward_arena *mem, struct ward_val *out,
                                          struct ward_err *err);
/* The sentence of a workaround, for people: no patient in it. */
WARD_MUST enum ward_code pattern_text(const struct pattern *p, struct ward_arena *mem,
                                      Ward__Dosage__V1__Sentence **out, struct ward_err *err);

#endif
