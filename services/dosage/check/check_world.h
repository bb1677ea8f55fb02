/* check_world.h - patients, orders and doses of the check's unit tests, as text. Threads: one.
 * Memory: the bench's. Errors: fail the test. */
#ifndef DOSAGE_CHECK_WORLD_H
#define DOSAGE_CHECK_WORLD_H

#include "services/dosage/check/check_testing.h"

/* 2027-01-15T08:00:00Z */
#define NOW   "1800000000000000"
#define PLACE "at_us: " NOW " purpose: CHECK_PURPOSE_PLACE "
#define GIVE  "at_us: " NOW " purpose: CHECK_PURPOSE_GIVE order_id: 'mine' "
#define KNOWN "state: CHART_STATE_CURRENT "
#define ADULT KNOWN "birth_date: '1970-01-01' sex: SEX_MALE allergies { no_known: true } "
#define CHILD KNOWN "birth_date: '2020-01-15' sex: SEX_FEMALE allergies { no_known: true } "

#define FACTS(f)      "facts { " f "} "
#define WEIGHT(q)     "weights { quantity: '" q "' at_us: " NOW " record_id: 'w' } "
#define HEIGHT(q)     "heights { quantity: '" q "' at_us: " NOW " record_id: 'h' } "
#define CREATININE(q) "creatinines { quantity: '" q "' at_us: " NOW " record_id: 'c' } "
#define EGFR(q)       "egfrs { quantity: '" q "' at_us: " NOW " record_id: 'e' } "
#define ALLERGY(f)    "allergies { record_id: 'a' " f " } "

#define ONCE       "timing { kind: KIND_ONCE } "
#define DRIP       "timing { kind: KIND_CONTINUOUS } "
#define EVERY(min) "timing { kind: KIND_INTERVAL interval_minutes: " min " } "
#define FEVER      "indication { system: 's' code: 'fever' } "

#define WHAT(drug, dose, more)                                                                 \
    "prescription { drug_id: '" drug "' dose: '" dose "' route: ROUTE_PO " more "} "
#define RUNNING(id, drug, dose, more)                                                          \
    "running { order_id: '" id "' version: 1 " WHAT(drug, dose, more) "} "
#define GIVEN(id, drug, dose, us)                                                              \
    "given { administration_id: '" id "' drug_id: '" drug "' dose: '" dose                     \
    "' given_at_us: " us " } "

static inline int world_up(void **state)
{
    static struct bench b;

    bench_open(&b, WORLD);
    *state = &b;
    return 0;
}

static inline int world_down(void **state)
{
    bench_close(*state);
    return 0;
}

#define TOLD(snapshot, want) assert_string_equal(check_told(*state, snapshot), want)

#endif
