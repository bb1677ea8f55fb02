/* own.h - this service's built-in findings, "ward.": one table, which docs/dosage.md repeats.
 *
 * Threads: constant. Memory: static. Errors: none.
 */
#ifndef DOSAGE_CHECK_OWN_H
#define DOSAGE_CHECK_OWN_H

#include "ward/dosage/v1/check.pb-c.h"

#include <stdbool.h>

enum own_id {
    OWN_NOT_IN_FORMULARY,
    OWN_PRODUCT,
    OWN_ROUTE,
    OWN_UNIT,
    OWN_NO_RULE,
    OWN_NO_AGE,
    OWN_NO_WEIGHT,
    OWN_NO_HEIGHT,
    OWN_NO_RENAL,
    OWN_RENAL_ESTIMATED,
    OWN_NO_INFUSION,
    OWN_ALLERGY,
    OWN_ALLERGY_UNKNOWN,
    OWN_ALLERGY_TEXT,
    OWN_ALLERGY_DENIED,
    OWN_SAME_INGREDIENT,
    OWN_TOO_SOON,
    OWN_OTHER_UNKNOWN,
    OWN_HOME_TEXT,
    OWN_HOME_UNDECIDED,
    OWN_CHART_STALE,
    OWN_CHART_UNAVAILABLE,
    OWN_CUT,
    OWNS
};

struct own_finding {
    const char *id;
    Ward__Dosage__V1__Severity severity; /* default; docs/dosage.md documents exceptions */
    bool final;                          /* cannot be overridden */
    const char *source;
    const char *en, *zh; /* {0}, {1}...: arguments */
};
extern const struct own_finding own_findings[OWNS];

#endif
