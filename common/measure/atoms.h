/* atoms.h - UCUM's tables: the atoms and the prefixes that units are made of.
 *
 * Threads: constant. Memory: static. Errors: NULL for what UCUM does not know.
 */
#ifndef WARD_MEASURE_ATOMS_H
#define WARD_MEASURE_ATOMS_H

#include <stddef.h>

enum {
    UCUM_METRIC = 1,    /* takes a prefix */
    UCUM_BASE = 2,      /* one of the seven */
    UCUM_QUALITY = 4,   /* no factor leads away from it: an arbitrary unit, or mol, eq, osm */
    UCUM_OFFSET = 8,    /* a ratio scale moved: x units are (x + an offset) * value * unit */
    UCUM_FUNCTION = 16, /* a logarithm, a tangent, a root of value * unit */
};

struct ucum_atom {
    const char *code;
    unsigned kind;
    const char *value, *unit; /* as UCUM defines it; "" for what nothing defines */
    const char *table;        /* UCUM's class: where in the specification it stands */
};

struct ucum_prefix {
    const char *code;
    const char *value;
};

extern const struct ucum_atom ward_ucum_atoms[]; /* by code, in strcmp's order */
extern const size_t ward_ucum_n_atoms;

const struct ucum_atom *ward_ucum_atom_of(const char *code, size_t n);
/* The prefix of `len` (1 or 2) bytes that s begins with. */
const struct ucum_prefix *ward_ucum_prefix_of(const char *s, size_t len);
const char *ward_ucum_offset_of(const struct ucum_atom *atom); /* of an UCUM_OFFSET */

#endif
