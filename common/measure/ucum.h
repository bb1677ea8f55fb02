/* ucum.h - units of measure by their UCUM codes: what they mean, and conversions that are
 * exact.
 *
 * Reads the case-sensitive codes ("mg/dL", "10*9/L", "mm[Hg]", "Cel", "{score}") with every
 * atom and prefix of UCUM's tables. A unit becomes a dimension and a factor that is an exact
 * fraction (times a power of pi), so a conversion is exact or fails and says why; nothing is
 * rounded unless asked to. Annotations carry no meaning. Special units (Cel, [degF], pH, dB)
 * stand alone.
 *
 * Stricter than UCUM, on purpose: mol, eq and osm are no mere numbers here, and not each other.
 * To UCUM a mole is 6.02214076e23 and "meq" equals "mmol", which is wrong for calcium: such a
 * step needs a substance or a charge, and is refused. Arbitrary units ([IU], [arb'U]) are
 * measured against nothing but themselves, as UCUM says. A number with a point ("/1.73") is
 * refused: to UCUM it is 1 times 73.
 *
 * Source: The Unified Code for Units of Measure, version 2.1, Regenstrief Institute and the
 * UCUM Organization, https://ucum.org/ucum. atoms.c carries the tables and their notice.
 *
 * Threads: pure functions. Memory: the caller's, fixed; no heap. Errors: INVALID_ARGUMENT
 * (UCUM_MALFORMED, UCUM_UNKNOWN_UNIT, UCUM_NOT_COMMENSURABLE, UCUM_NEEDS_SUBSTANCE),
 * OUT_OF_RANGE (UCUM_TOO_COMPLEX: beyond what is held exactly), FAILED_PRECONDITION
 * (UCUM_INEXACT, UCUM_NOT_LINEAR); outputs untouched.
 */
#ifndef WARD_MEASURE_UCUM_H
#define WARD_MEASURE_UCUM_H

#include "common/measure/decimal.h"

#define WARD_UCUM_MAX       128 /* bytes of a unit */
#define WARD_UCUM_SIZE      129
#define WARD_UCUM_NESTING   16 /* parentheses within each other */
#define WARD_UCUM_QUALITIES 4

enum ward_ucum_base {
    WARD_UCUM_M,
    WARD_UCUM_S,
    WARD_UCUM_G,
    WARD_UCUM_RAD,
    WARD_UCUM_K,
    WARD_UCUM_C,
    WARD_UCUM_CD,
    WARD_UCUM_BASES
};

/* x of this unit is (x + offset) * num / den * 10^exp * pi^pi of its base units. */
struct ward_ucum {
    unsigned __int128 num, den; /* coprime */
    int32_t exp;
    int8_t pi;
    int8_t dim[WARD_UCUM_BASES];
    struct {
        uint16_t atom; /* what no factor leads away from: mol, eq, osm, [IU] ... */
        int8_t power;
    } quality[WARD_UCUM_QUALITIES]; /* by atom; power 0 ends them */
    uint16_t scale; /* 0 for a ratio scale; the atom of a logarithm or another function */
    struct ward_decimal offset; /* of Cel, [degF], [degRe]: before the factor */
};

WARD_MUST enum ward_code ward_ucum_parse(const char *s, size_t n, struct ward_ucum *out,
                                         struct ward_err *err);

/* Whether a quantity in one can be one in the other at all; the failure says why not. */
WARD_MUST enum ward_code ward_ucum_commensurable(const struct ward_ucum *a,
                                                 const struct ward_ucum *b,
                                                 struct ward_err *err);

/* x `from` in units of `to`, exactly, without trailing zeros; UCUM_INEXACT where its digits do
 * not end (1 g in [lb_av]) or pi comes in. */
WARD_MUST enum ward_code ward_ucum_convert(const struct ward_decimal *x,
                                           const struct ward_ucum *from,
                                           const struct ward_ucum *to, struct ward_decimal *out,
                                           struct ward_err *err);

/* The same as a multiple of 10^exp, rounded once, as asked. pi stays UCUM_INEXACT. */
WARD_MUST enum ward_code ward_ucum_convert_round(const struct ward_decimal *x,
                                                 const struct ward_ucum *from,
                                                 const struct ward_ucum *to, int exp,
                                                 enum ward_round how, struct ward_decimal *out,
                                                 bool *inexact, struct ward_err *err);

/* For search: one key for all units of a kind ("g.m-3" for mg/dL and g/L; "mol.m-3"; a
 * function's own code, "[pH]"), and x in it: to a double, because an index needs no more. */
size_t ward_ucum_canonical(const struct ward_ucum *u, char out[WARD_UCUM_SIZE]);
double ward_ucum_to_canonical(const struct ward_decimal *x, const struct ward_ucum *u);

/* A unit as hospitals write it to a UCUM code: "mmHg" to "mm[Hg]", "mcg/kg/min" to "ug/kg/min",
 * "10^9/L" to "10*9/L". A UCUM code comes back as it is (but 10^, which becomes 10*) where no
 * hospital writes it for something else: "K/uL" is thousands, "ML", "MG/dL", "u/l", "C" are
 * UCUM_UNKNOWN_UNIT, which a person has to put right. For units that do not claim to be UCUM: a
 * code under http://unitsofmeasure.org is parsed, never rewritten. *changed may be NULL. */
WARD_MUST enum ward_code ward_ucum_normalise(const char *s, size_t n, char out[WARD_UCUM_SIZE],
                                             bool *changed, struct ward_err *err);
/* Whether it is refused only because hospitals write such a code for something else. */
bool ward_ucum_doubtful(const char *s, size_t n);

/* Every atom, for tests and tools: its code, or NULL past the last. */
const char *ward_ucum_atom(size_t i, bool *takes_prefix);

#endif
