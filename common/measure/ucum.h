/* ucum.h - units of measure by their UCUM codes: their meaning, and exact conversions.
 *
 * Reads the case-sensitive codes ("mg/dL", "10*9/L", "mm[Hg]", "Cel", "{score}") with all atoms
 * and prefixes of UCUM's tables. A unit becomes a dimension and a factor, which is an exact
 * fraction times a power of pi. A conversion is therefore exact or fails with a cause; rounding
 * is explicit. Annotations have no meaning. Special units (Cel, [degF], pH, dB) cannot be
 * combined.
 *
 * This module is stricter than UCUM on purpose: mol, eq and osm are different dimensions and
 * not numbers. In UCUM, a mole is 6.02214076e23 and "meq" equals "mmol", which is wrong for
 * calcium. Such a conversion needs a substance or a charge and is rejected. Arbitrary units
 * ([IU], [arb'U]) convert only to themselves, as in UCUM. A number with a point ("/1.73") is
 * rejected, because UCUM reads it as 1 times 73.
 *
 * Source: The Unified Code for Units of Measure, version 2.1, Regenstrief Institute and the
 * UCUM Organization, https://ucum.org/ucum. atoms.c has the tables and their notice.
 *
 * Threads: pure functions. Memory: the caller's, fixed size; no heap. Errors: INVALID_ARGUMENT
 * (UCUM_MALFORMED, UCUM_UNKNOWN_UNIT, UCUM_NOT_COMMENSURABLE, UCUM_NEEDS_SUBSTANCE),
 * OUT_OF_RANGE (UCUM_TOO_COMPLEX: exceeds the exact range), FAILED_PRECONDITION (UCUM_INEXACT,
 * UCUM_NOT_LINEAR); outputs unchanged.
 */
#ifndef WARD_MEASURE_UCUM_H
#define WARD_MEASURE_UCUM_H

#include "common/measure/decimal.h"

#define WARD_UCUM_MAX       128 /* maximum length of a unit */
#define WARD_UCUM_SIZE      129
#define WARD_UCUM_NESTING   16 /* limit of nested parentheses */
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
        uint16_t atom; /* atoms that no factor converts: mol, eq, osm, [IU] ... */
        int8_t power;
    } quality[WARD_UCUM_QUALITIES]; /* by atom; a power of 0 ends the list */
    uint16_t
        scale; /* 0 for a ratio scale; otherwise the atom of a logarithm or another function */
    struct ward_decimal offset; /* for Cel, [degF], [degRe]: added before the factor */
};

WARD_MUST enum ward_code ward_ucum_parse(const char *s, size_t n, struct ward_ucum *out,
                                         struct ward_err *err);

/* Checks whether a quantity in one unit can be expressed in the other; the failure has the
 * cause. */
WARD_MUST enum ward_code ward_ucum_commensurable(const struct ward_ucum *a,
                                                 const struct ward_ucum *b,
                                                 struct ward_err *err);

/* x `from` in units of `to`, exactly, without trailing zeros. UCUM_INEXACT if its digits do not
 * end (1 g in [lb_av]) or it contains pi. */
WARD_MUST enum ward_code ward_ucum_convert(const struct ward_decimal *x,
                                           const struct ward_ucum *from,
                                           const struct ward_ucum *to, struct ward_decimal *out,
                                           struct ward_err *err);

/* The same conversion as a multiple of 10^exp, rounded once. pi remains UCUM_INEXACT. */
WARD_MUST enum ward_code ward_ucum_convert_round(const struct ward_decimal *x,
                                                 const struct ward_ucum *from,
                                                 const struct ward_ucum *to, int exp,
                                                 enum ward_round how, struct ward_decimal *out,
                                                 bool *inexact, struct ward_err *err);

/* For search: one key for all units of a kind ("g.m-3" for mg/dL and g/L; "mol.m-3"; a
 * function's own code, "[pH]"), and x in that unit as a double, which is enough for an index.
 */
size_t ward_ucum_canonical(const struct ward_ucum *u, char out[WARD_UCUM_SIZE]);
double ward_ucum_to_canonical(const struct ward_decimal *x, const struct ward_ucum *u);

/* Converts a hospital's spelling of a unit to a UCUM code: "mmHg" to "mm[Hg]", "mcg/kg/min" to
 * "ug/kg/min", "10^9/L" to "10*9/L". A UCUM code is returned unchanged (except 10^, which
 * becomes 10*) unless hospitals write the same text for another unit. "K/uL" means thousands,
 * and "ML", "MG/dL", "u/l", "C" are UCUM_UNKNOWN_UNIT, which a person must correct. For units
 * that do not claim to be UCUM; a code under http://unitsofmeasure.org is parsed and never
 * rewritten. *changed may be NULL. */
WARD_MUST enum ward_code ward_ucum_normalise(const char *s, size_t n, char out[WARD_UCUM_SIZE],
                                             bool *changed, struct ward_err *err);
/* Returns whether a code is rejected only because hospitals use it for another unit. */
bool ward_ucum_doubtful(const char *s, size_t n);

/* Returns the code of each atom, for tests and tools; NULL after the last. */
const char *ward_ucum_atom(size_t i, bool *takes_prefix);

#endif
